#include "daemon/checks.h"

#include <stdlib.h>

#include "daemon/catalog.h"
#include "daemon/disk.h"
#include "daemon/image.h"
#include "daemon/log.h"
#include "lib/text.h"

#define STEP (1024 * 1024) /* bytes that are hashed before others may */

struct check {
	struct chore chore;
	struct checks *checks;
	struct blob_check *work;
	uint64_t ticket;
	uint8_t digest[32];
	TAILQ_ENTRY(check) next;
};

struct checks {
	struct app *app;
	TAILQ_HEAD(, check) running;
	size_t asked; /* of them, beside the one of the list below */
	struct check *turn; /* the one whose turn it is, or NULL */
	uint8_t (*todo)[32]; /* what was there at the start */
	size_t todo_n, at;
	void (*fn)(void *arg, uint64_t ticket, int err);
	void *arg;
};

static bool
step(struct chore *c)
{
	return blob_check_step(((struct check *)c)->work, STEP);
}

static void on_done(struct chore *c);

static int
begin(struct checks *cs, const uint8_t digest[32], enum disk_rank rank,
    struct check **ret)
{
	struct check *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return ERR_NOMEM;
	rc = blob_check_begin(cs->app->blobs, digest, &k->work);
	if (rc != 0) {
		free(k);
		return rc;
	}
	k->checks = cs;
	k->chore.step = step;
	k->chore.done = on_done;
	k->ticket = disk_ticket(cs->app->disk);
	memcpy(k->digest, digest, 32);
	TAILQ_INSERT_TAIL(&cs->running, k, next);
	disk_add(cs->app->disk, &k->chore, rank);
	*ret = k;
	return 0;
}

static struct check *
find(struct checks *cs, const uint8_t digest[32])
{
	struct check *k;

	TAILQ_FOREACH(k, &cs->running, next)
		if (memcmp(k->digest, digest, 32) == 0)
			return k;
	return NULL;
}

/* --- one after the other --- */

static void
say(const uint8_t digest[32], int err)
{
	char hex[17];

	log_error("image: digest=%s cannot be served: %s",
	    text_hex(slice_of(digest, 8), hex, sizeof(hex)), err_text(err));
}

static void
next_turn(struct checks *cs)
{
	cs->turn = NULL;
	while (cs->turn == NULL && cs->at < cs->todo_n) {
		const uint8_t *digest = cs->todo[cs->at++];
		int rc = find(cs, digest) != NULL ? ERR_EXISTS :
		    begin(cs, digest, DISK_IDLE, &cs->turn);

		if (rc != 0 && rc != ERR_EXISTS)
			say(digest, rc);
	}
	if (cs->turn != NULL || cs->todo == NULL)
		return;
	if (cs->todo_n > 0)
		log_info("images: %zu hashed since the start", cs->todo_n);
	free(cs->todo);
	cs->todo = NULL;
}

/* Who waits asks for the image again, but for one that cannot be read. One
 * that was touched meanwhile is no error: asked for again it is hashed again. */
static void
on_done(struct chore *c)
{
	struct check *k = (struct check *)c;
	struct checks *cs = k->checks;
	int rc;

	TAILQ_REMOVE(&cs->running, k, next);
	if (c->dropped) {
		blob_check_abort(k->work);
		free(k);
		return;
	}
	rc = blob_check_end(k->work);
	rc = rc == ERR_BUSY ? 0 : rc;
	if (rc != 0)
		say(k->digest, rc);
	(void)front_resume(cs->app->front, k->ticket, rc, NULL);
	if (cs->fn != NULL)
		cs->fn(cs->arg, k->ticket, rc);
	if (k == cs->turn)
		next_turn(cs);
	else
		cs->asked--;
	free(k);
}

/* --- asked for --- */

int
checks_ask(struct app *app, const uint8_t digest[32], uint64_t *ret_ticket)
{
	struct checks *cs = app->checks;
	struct check *k;
	int rc;

	if (cs == NULL)
		return ERR_LIMIT;
	k = find(cs, digest);
	if (k == NULL && cs->asked == LIMIT_CHECKS)
		return ERR_LIMIT;
	if (k == NULL) {
		rc = begin(cs, digest, DISK_WANTED, &k);
		if (rc != 0)
			return rc;
		cs->asked++;
	}
	disk_hurry(app->disk, &k->chore, DISK_WANTED);
	*ret_ticket = k->ticket;
	return 0;
}

/* --- life --- */

struct list {
	struct checks *cs;
	const struct image_name *img;
	size_t n;
	bool *listed;
};

static void
list_one(struct list *l, size_t i)
{
	if (l->listed[i] || !l->img[i].live)
		return;
	l->listed[i] = true;
	memcpy(l->cs->todo[l->cs->todo_n++], l->img[i].digest, 32);
}

static void
list_current(void *arg, const struct catalog_release *r)
{
	struct list *l = arg;
	size_t at;

	for (size_t i = 0; i < r->payload_count; i++)
		if (image_find(l->img, l->n, slice_of(r->payload[i].digest,
		    32), &at) == 0)
			list_one(l, at);
}

static int
list_all(struct checks *cs)
{
	struct list l = {.cs = cs};

	l.img = catalog_images(cs->app->catalog, &l.n);
	l.listed = calloc(l.n + 1, sizeof(*l.listed));
	cs->todo = calloc(l.n + 1, sizeof(*cs->todo));
	if (l.listed == NULL || cs->todo == NULL) {
		free(l.listed);
		return ERR_NOMEM;
	}
	catalog_each_current(cs->app->catalog, list_current, &l);
	for (size_t i = 0; i < l.n; i++)
		list_one(&l, i);
	free(l.listed);
	return 0;
}

int
checks_new(struct app *app, struct checks **ret)
{
	struct checks *cs = calloc(1, sizeof(*cs));
	int rc;

	if (cs == NULL)
		return ERR_NOMEM;
	cs->app = app;
	TAILQ_INIT(&cs->running);
	rc = list_all(cs);
	if (rc != 0) {
		checks_free(cs);
		return rc;
	}
	next_turn(cs);
	*ret = cs;
	return 0;
}

void
checks_free(struct checks *cs)
{
	if (cs == NULL)
		return;
	free(cs->todo);
	free(cs);
}

void
checks_on_done(struct checks *cs, void (*fn)(void *arg, uint64_t ticket,
    int err), void *arg)
{
	cs->fn = fn;
	cs->arg = arg;
}

bool
checks_idle(const struct checks *cs)
{
	return cs->todo == NULL;
}
