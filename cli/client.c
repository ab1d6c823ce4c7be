/* Requests of several blocks, lists of several pages, observations. */
#include "cli/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/client_impl.h"
#include "lib/text.h"
#include "lib/uri.h"

#define OBSERVE_MS 20000 /* silence after which we ask again */
#define TEARS 8 /* answers that changed under our hands, until we give up */

const char *
client_uri(const struct client *c)
{
	return c->uri;
}

const char *
client_key_file(const struct client *c)
{
	return c->key.file;
}

void
client_path(struct client_req *rq, const char *first, ...)
{
	struct buf b = buf_of(rq->path, sizeof(rq->path) - 1);
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s != NULL; s = va_arg(ap, const char *))
		uri_path_add(&b, slice_str(s));
	va_end(ap);
	rq->path[b.over ? 0 : b.n] = '\0';
}

void
client_query(struct client_req *rq, const char *fmt, ...)
{
	va_list ap;

	if (rq->query_n == CLIENT_QUERY)
		return;
	va_start(ap, fmt);
	vsnprintf(rq->query[rq->query_n++], sizeof(rq->query[0]), fmt, ap);
	va_end(ap);
}

/* The body goes out in blocks; the last one's answer is the answer. */
static int
upload(struct client *c, const struct client_req *rq)
{
	static const struct block first = {0, false, CLIENT_SZX};
	struct block b = {0, false, CLIENT_SZX};
	struct client_part p = {.b1 = &b};
	size_t off = 0, n;
	int rc;

	do {
		n = block_size(b.szx);
		if (n > rq->body.n - off)
			n = rq->body.n - off;
		b.num = (uint32_t)(off >> (b.szx + 4));
		b.more = off + n < rq->body.n;
		p.b2 = b.more ? NULL : &first;
		p.payload = slice_sub(rq->body, off, n);
		c->body_n = 0;
		rc = client_exchange(c, rq, &p);
		if (rc != CLI_OK)
			return rc;
		off += n;
		if (rq->progress != NULL && c->code / 100 == 2)
			rq->progress(rq->arg, off, rq->body.n);
		if (c->have_b1 && c->b1.szx < b.szx)
			b.szx = c->b1.szx;
	} while (c->code == 231 && off < rq->body.n);
	return CLI_OK;
}

/* Where to read what a request has made or changed: its Location, or else
 * what the action was done to, the path without its last segment. */
static void
outcome_path(const struct client *c, const struct client_req *rq,
    char ret[LIMIT_PATH + 1])
{
	char *slash;

	strcpy(ret, c->location[0] != '\0' ? c->location : rq->path);
	slash = strrchr(ret, '/');
	if (c->location[0] == '\0' && slash != NULL)
		*slash = '\0';
}

struct etag {
	uint8_t b[8];
	size_t n;
};

/* Is this the first block of an answer, or of the same as those before? */
static bool
belongs(const struct client *c, bool first, struct etag *e)
{
	if (first) {
		memcpy(e->b, c->etag, c->etag_len);
		e->n = c->etag_len;
	}
	return e->n == c->etag_len && memcmp(e->b, c->etag, e->n) == 0;
}

/* What has come goes to whoever wants it in pieces. */
static int
drain(struct client *c, const struct client_req *rq)
{
	int rc;

	if (rq->sink == NULL || c->code != 205)
		return CLI_OK;
	rc = rq->sink(rq->arg, slice_of(c->body, c->body_n));
	c->body_n = 0;
	return rc;
}

/*
 * The rest of an answer that came in blocks. To ask for block 1 with POST
 * would do the thing again, so its outcome is fetched instead. The daemon
 * makes the answer anew for each block: when it has become another one in
 * between, its ETag tells (RFC 7959 2.4), and CLIENT_TORN is returned.
 */
static int
download(struct client *c, const struct client_req *rq)
{
	struct client_req next = *rq;
	struct client_part p = {.payload = SLICE_NONE};
	struct etag etag = {.n = 0};
	struct block b;
	uint64_t off;
	int rc;

	next.body = SLICE_NONE;
	if (rq->method != CLIENT_GET && c->have_b2 && c->b2.more) {
		next.method = CLIENT_GET;
		next.query_n = 0;
		next.after[0] = '\0';
		outcome_path(c, rq, next.path);
		c->body_n = 0;
		c->b2 = (struct block){0, true, CLIENT_SZX};
	}
	off = c->body_n;
	(void)belongs(c, true, &etag);
	rc = drain(c, rq);
	if (rc != CLI_OK)
		return rc;
	while (c->have_b2 && c->b2.more) {
		b = (struct block){(uint32_t)(off >> (c->b2.szx + 4)),
		    false, c->b2.szx};
		p.b2 = &b;
		if (c->body_n + block_size(b.szx) > CLIENT_BODY_MAX)
			return cli_usage("the answer is too long"),
			    CLI_REFUSED;
		rc = client_exchange(c, &next, &p);
		if (rc != CLI_OK)
			return rc;
		if (c->code == 400 && off > 0) /* it is shorter now */
			return CLIENT_TORN;
		if (c->code != 205 || c->part_n == 0)
			break;
		if (!belongs(c, off == 0, &etag))
			return CLIENT_TORN;
		off += c->part_n;
		rc = drain(c, rq);
		if (rc != CLI_OK)
			return rc;
	}
	return CLI_OK;
}

static int
call(struct client *c, const struct client_req *rq,
    struct client_answer *ret)
{
	static const struct block first = {0, false, CLIENT_SZX};
	struct client_part whole = {.payload = rq->body, .observe = rq->observe,
	    .b2 = &first};
	int rc;

	c->body_n = 0;
	if (rq->body.n > block_size(CLIENT_SZX))
		rc = upload(c, rq);
	else
		rc = client_exchange(c, rq, &whole);
	if (rc == CLI_OK && rq->observe && c->code == 205) {
		memcpy(c->watch, c->token, c->token_len);
		c->watch_len = c->token_len;
	}
	if (rc == CLI_OK && c->code / 100 == 2)
		rc = download(c, rq);
	if (rc == CLI_OK)
		*ret = (struct client_answer){c->code,
		    slice_of(c->body, c->body_n), c->cf == CF_CBOR};
	return rc;
}

static int
refused(const struct client *c, const struct client_answer *a)
{
	struct msg_problem p;
	char title[128] = "", detail[600] = "";

	if (c->cf == CF_PROBLEM && msg_get_problem(a->body, &p) == 0) {
		text_escape(slice_str(p.title), title, sizeof(title));
		text_escape(slice_str(p.detail), detail, sizeof(detail));
	} else {
		text_escape(a->body, detail, sizeof(detail));
	}
	cli_usage("%s%s%s (%u.%02u)", title, title[0] != '\0' &&
	    detail[0] != '\0' ? ": " : "", detail, a->code / 100,
	    a->code % 100);
	return CLI_REFUSED;
}

/* What changes nothing is asked again, and what nobody has had a part of. */
static int
call_whole(struct client *c, const struct client_req *rq,
    struct client_answer *ret)
{
	int rc = call(c, rq, ret);

	for (int i = 1; rc == CLIENT_TORN && i < TEARS &&
	    rq->method == CLIENT_GET && rq->sink == NULL && !rq->tears; i++)
		rc = call(c, rq, ret);
	if (rc != CLIENT_TORN || rq->tears)
		return rc;
	cli_usage("%s: it changes while it is read; try again", c->uri);
	return CLI_REFUSED;
}

int
client_try(struct client *c, const struct client_req *rq,
    struct client_answer *ret)
{
	int rc = call_whole(c, rq, ret);

	if (rc != CLI_OK || ret->code / 100 == 2 || ret->code == 404)
		return rc;
	return refused(c, ret);
}

int
client_call(struct client *c, const struct client_req *rq,
    struct client_answer *ret)
{
	int rc = client_try(c, rq, ret);

	return rc == CLI_OK && ret->code == 404 ? refused(c, ret) : rc;
}

int
client_get(struct client *c, const struct client_req *rq,
    const struct msg_record *rec, void *ret)
{
	struct client_answer a;
	struct why why = {0};
	int rc = client_call(c, rq, &a);

	if (rc != CLI_OK)
		return rc;
	if (!a.cbor || msg_get(rec, a.body, ret, &why) != 0)
		return cli_usage("the daemon's answer is not understood: %s",
		    a.cbor ? why.text : "not CBOR"), CLI_REFUSED;
	return CLI_OK;
}

int
client_ask(const struct cli *c, const struct client_req *rq,
    const struct msg_record *rec, void *ret)
{
	struct client *cl;
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	rc = client_get(cl, rq, rec, ret);
	client_close(cl);
	return rc;
}

int
client_tell(const struct cli *c, const struct client_req *rq)
{
	struct client_answer a;
	struct client *cl;
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	rc = client_call(cl, rq, &a);
	client_close(cl);
	return rc;
}

int
client_observe(struct client *c, struct client_req *rq,
    int (*fn)(void *arg, const struct client_answer *a), void *arg)
{
	struct client_answer a;
	int rc;

	for (;;) {
		/* news are fetched; after silence the observation is renewed */
		rq->observe = !c->watch_news;
		c->watch_news = false;
		rc = client_call(c, rq, &a);
		if (rc == CLI_OK)
			rc = fn(arg, &a);
		if (rc != CLI_OK)
			return rc < 0 ? CLI_OK : rc;
		client_wait(c, OBSERVE_MS);
	}
}

/* A page of half the size is there in half the time. */
static bool
smaller_page(struct client_req *rq)
{
	unsigned n;

	for (size_t i = 0; i < rq->query_n && !rq->one_page; i++)
		if (sscanf(rq->query[i], "limit=%u", &n) == 1 && n > 1) {
			snprintf(rq->query[i], sizeof(rq->query[i]),
			    "limit=%u", (n + 1) / 2);
			return true;
		}
	return false;
}

int
client_list(struct client *c, struct client_req *rq,
    const struct msg_record *rec, int (*fn)(void *arg, const void *item),
    void *arg)
{
	struct client_answer a;
	struct msg_page page;
	struct why why = {0};
	void *item = malloc(rec->size);
	int rc = item == NULL ? CLI_REFUSED : CLI_OK;

	while (rc == CLI_OK) {
		rq->tears = true;
		rc = client_call(c, rq, &a);
		if (rc == CLIENT_TORN && smaller_page(rq)) {
			rc = CLI_OK;
			continue;
		}
		rq->tears = false;
		if (rc == CLIENT_TORN)
			rc = client_call(c, rq, &a);
		if (rc != CLI_OK)
			break;
		if (!a.cbor || msg_page_open(rec, a.body, &page) != 0) {
			cli_usage("the daemon's list is not understood");
			rc = CLI_REFUSED;
		}
		while (rc == CLI_OK && page.left > 0) {
			if (msg_page_item(&page, item, &why) != 0) {
				cli_usage("the daemon's list is not "
				    "understood: %s", why.text);
				rc = CLI_REFUSED;
			} else {
				rc = fn(arg, item);
			}
		}
		strcpy(rq->after, rc == CLI_OK ? page.next : "");
		if (rq->after[0] == '\0' || rq->one_page)
			break;
	}
	free(item);
	return rc < 0 ? CLI_OK : rc;
}
