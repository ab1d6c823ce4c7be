/*
 * A daemon that is a script: the transport (client_io.c) is replaced, all
 * above it is the real one. A step says what has to be asked and what is
 * answered; a sentence that asks anything else fails its test.
 *
 * For one test program each: the functions of client_io.c are defined here.
 */
#ifndef SUITD_TESTS_CLI_SCRIPT_H
#define SUITD_TESTS_CLI_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/client_impl.h"

/* What the daemon is asked, and answers. */
struct step {
	const char *ask; /* "GET a/x?q=1&after=2 observe {json of the body}" */
	unsigned code; /* 0: the daemon is not there */
	const struct msg_record *rec; /* NULL: no body */
	const void *item;
	bool more; /* the body is but its first block */
	bool rest; /* it goes behind what is there */
	uint8_t etag; /* 0: none */
	bool page; /* of n items */
	size_t n;
	const char *next;
};

static const struct step *script;
static size_t at, steps;
static struct client fake;
static uint8_t fake_body[CLIENT_BODY_MAX];

int
client_open(const struct cli *c, struct client **ret)
{
	(void)c;
	memset(&fake, 0, sizeof(fake));
	fake.body = fake_body;
	*ret = &fake;
	return CLI_OK;
}

void
client_close(struct client *c)
{
	assert_ptr_equal(c, &fake);
}

void
client_wait(struct client *c, int64_t ms)
{
	(void)ms;
	c->watch_news = true;
}

static void
put_body(FILE *f, const struct client_req *rq, struct slice payload)
{
	static uint8_t rec[128 * 1024], text[128 * 1024];
	const struct msg_record *r = strcmp(rq->path, "a/campaigns") == 0 ?
	    &msg_campaign_start : &msg_campaign_action;
	struct buf json = buf_of(text, sizeof(text));

	if (payload.n == 0)
		return;
	assert_true(r->size <= sizeof(rec));
	assert_int_equal(msg_get(r, payload, rec, NULL), 0);
	msg_put_json(r, rec, &json);
	fprintf(f, " %.*s", (int)json.n, text);
}

static void
check_ask(const struct client_req *rq, const struct client_part *p,
    const char *want)
{
	static const char *const method[] = {"", "GET", "POST", "PUT",
	    "DELETE"};
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	fprintf(f, "%s %s", method[rq->method], rq->path);
	for (size_t i = 0; i < rq->query_n; i++)
		fprintf(f, "%c%s", i == 0 ? '?' : '&', rq->query[i]);
	fprintf(f, "%s%s%s", rq->after[0] ? "&after=" : "", rq->after,
	    p->observe ? " observe" : "");
	put_body(f, rq, p->payload);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

int
client_exchange(struct client *c, const struct client_req *rq,
    const struct client_part *p)
{
	const struct step *s = &script[at];
	size_t there = at < steps && s->rest ? c->body_n : 0;
	struct buf b = buf_of(c->body + there, CLIENT_BODY_MAX - there);
	struct msg_page_out page;

	if (at == steps)
		fail_msg("asked for %s past the script's end", rq->path);
	check_ask(rq, p, s->ask);
	at++;
	if (s->code == 0)
		return CLI_UNREACHABLE;
	c->code = s->code;
	c->cf = s->rec != NULL ? CF_CBOR : CF_NONE;
	if (s->page) {
		msg_page_begin(&page, s->rec, false, &b);
		for (size_t i = 0; i < s->n; i++)
			assert_true(msg_page_add(&page, (const char *)
			    s->item + i * s->rec->size));
		msg_page_end(&page, s->next);
	} else if (s->rec != NULL) {
		msg_put_cbor(s->rec, s->item, &b);
	}
	assert_false(b.over);
	c->part_n = b.n;
	c->body_n = there + b.n;
	c->etag[0] = s->etag;
	c->etag_len = s->etag != 0;
	c->have_b2 = s->more;
	c->b2 = (struct block){0, s->more, CLIENT_SZX};
	return CLI_OK;
}

/* --- a sentence, its exit code and what it prints --- */

static char *said;
static size_t said_n;

static inline int
play(int (*fn)(struct cli *c, int argc, char **argv), struct cli *c,
    char **argv)
{
	FILE *real = stdout;
	int argc = 0, rc;

	while (argv[argc] != NULL)
		argc++;
	free(said);
	said = NULL;
	at = 0;
	stdout = open_memstream(&said, &said_n);
	rc = fn(c, argc, argv);
	fclose(stdout);
	stdout = real;
	assert_int_equal(at, steps);
	return rc;
}
#define PLAY(fn, c, steps_, ...) \
	(script = (steps_), steps = sizeof(steps_) / sizeof((steps_)[0]), \
	play(fn, c, (char *[]){__VA_ARGS__, NULL}))
/* Refused before anybody is asked. */
#define PLAY_ALONE(fn, c, ...) \
	(script = NULL, steps = 0, play(fn, c, (char *[]){__VA_ARGS__, NULL}))

static int
teardown(void **state)
{
	(void)state;
	free(said);
	said = NULL;
	return 0;
}

#define ONE(a, c, r, i) {.ask = a, .code = c, .rec = &r, .item = i}
#define PAGE(a, r, i, count, nx) {.ask = a, .code = 205, .rec = &r, \
	.item = i, .page = true, .n = count, .next = nx}

#endif
