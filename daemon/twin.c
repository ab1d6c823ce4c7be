/*
 * A table of sets: a credential is looked for in WAYS places, and where all
 * are taken the one that was heard of longest ago goes, but no twin while
 * there is another. Memory is touched when it is used.
 */
#include "daemon/twin.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "lib/twin.h"

#define WAYS 8
#define SETS (LIMIT_TWINS_SEEN / WAYS)

struct slot {
	uint64_t credential; /* 0: free */
	uint64_t device;
	int64_t heard;
	struct twin twin;
};

struct found {
	uint64_t credential, device;
};

struct twins {
	struct slot *slot; /* SETS of WAYS */
	struct found found[LIMIT_TWINS];
	size_t n;
	struct twins_stats stats;
};

int
twins_new(struct twins **ret)
{
	struct twins *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->slot = calloc(SETS * WAYS, sizeof(*t->slot));
	if (t->slot == NULL) {
		free(t);
		return ERR_NOMEM;
	}
	*ret = t;
	return 0;
}

void
twins_free(struct twins *t)
{
	if (t == NULL)
		return;
	free(t->slot);
	free(t);
}

static struct slot *
set_of(const struct twins *t, uint64_t credential)
{
	return &t->slot[twin_hash(&credential, sizeof(credential)) % SETS *
	    WAYS];
}

static struct slot *
find(const struct twins *t, uint64_t credential)
{
	struct slot *set = set_of(t, credential);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].credential == credential)
			return &set[i];
	return NULL;
}

/* Is it better that a goes than b? */
static bool
goes_before(const struct slot *a, const struct slot *b)
{
	if (a->twin.found != b->twin.found)
		return b->twin.found;
	return a->heard < b->heard;
}

static void
drop_found(struct twins *t, uint64_t credential)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->found[i].credential == credential) {
			t->found[i] = t->found[--t->n];
			return;
		}
}

static struct slot *
take(struct twins *t, uint64_t credential, uint64_t device)
{
	struct slot *set = set_of(t, credential), *s = find(t, credential);

	if (s != NULL)
		return s;
	s = set;
	for (size_t i = 0; i < WAYS && s->credential != 0; i++)
		if (set[i].credential == 0 || goes_before(&set[i], s))
			s = &set[i];
	if (s->credential != 0) {
		t->stats.forgotten++;
		drop_found(t, s->credential);
	}
	*s = (struct slot){.credential = credential, .device = device};
	return s;
}

static int
log_found(struct app *app, const struct slot *s, const char *where)
{
	static struct store_device d;
	struct store_event ev = {.kind = "device", .device = s->device,
	    .what = "credential used twice"};
	int rc = engine_begin(app->engine);

	if (rc != 0)
		return rc;
	d.ep[0] = '\0';
	if (app->store->ops->device_get(app->store, s->device, &d) == 0)
		strcpy(ev.ep, d.ep);
	snprintf(ev.detail, sizeof(ev.detail), "by two devices in turns, now "
	    "by %s; give the right one another key", where);
	rc = audit_add(app, NULL, AUDIT_DEVICE_TWIN, ev.ep, "its credential is "
	    "used %s", ev.detail);
	if (rc == 0)
		rc = engine_log(app->engine, &ev);
	rc = engine_end(app->engine, rc);
	log_warn("twin: ep=%s peer=%s: its credential is used by two devices",
	    ev.ep, where);
	return rc;
}

static void
on_found(struct app *app, const struct slot *s, const char *where)
{
	struct twins *t = app->twins;

	t->stats.found++;
	drop_found(t, s->credential);
	if (t->n < LIMIT_TWINS)
		t->found[t->n++] = (struct found){s->credential, s->device};
	if (log_found(app, s, where) != 0)
		log_warn("twin: not in the event log");
}

/* The host is what is before the last colon. */
static struct twin_place
place_of(const char *addr)
{
	const char *colon = strrchr(addr, ':');
	size_t n = strlen(addr);

	return (struct twin_place){twin_hash(addr, colon != NULL ?
	    (size_t)(colon - addr) : n), twin_hash(addr, n)};
}

void
twin_seen(struct app *app, uint64_t credential, uint64_t device,
    const char *addr, int64_t now)
{
	struct slot *s;

	if (app->twins == NULL || credential == 0)
		return;
	s = take(app->twins, credential, device);
	s->heard = now;
	if (twin_from(&s->twin, place_of(addr), now))
		on_found(app, s, addr);
}

void
twin_heard(struct app *app, const struct req *req)
{
	twin_seen(app, req->who.credential, req->who.device, req->peer,
	    loop_now(app->loop));
}

void
twin_runs_seq(struct app *app, const struct req *req, uint64_t seq)
{
	int64_t now = loop_now(app->loop);
	struct slot *s;

	if (app->twins == NULL || req->who.credential == 0)
		return;
	s = take(app->twins, req->who.credential, req->who.device);
	s->heard = now;
	if (twin_runs(&s->twin, seq, now))
		on_found(app, s, req->peer);
}

void
twin_forget(struct app *app, uint64_t credential)
{
	struct slot *s;

	if (app->twins == NULL || (s = find(app->twins, credential)) == NULL)
		return;
	drop_found(app->twins, credential);
	*s = (struct slot){.credential = 0};
}

void
twin_tick(struct app *app)
{
	struct twins *t = app->twins;
	int64_t now = loop_now(app->loop);
	const struct slot *s;

	for (size_t i = t != NULL ? t->n : 0; i > 0; i--) {
		s = find(t, t->found[i - 1].credential);
		if (s == NULL || !twin_is(&s->twin, now))
			t->found[i - 1] = t->found[--t->n];
	}
}

bool
twin_of(const struct app *app, uint64_t device)
{
	const struct twins *t = app->twins;

	for (size_t i = 0; t != NULL && i < t->n; i++)
		if (t->found[i].device == device)
			return true;
	return false;
}

void
twin_stats(const struct app *app, struct twins_stats *ret)
{
	*ret = (struct twins_stats){.now = 0};
	if (app->twins == NULL)
		return;
	*ret = app->twins->stats;
	ret->now = app->twins->n;
}
