/*
 * The pump: starts attempts of queued jobs, campaign by campaign, as far as
 * admit.c lets it. It takes no more from the store than there is room for,
 * so that a campaign of a million costs what its open slots cost.
 *
 * A job that may not start for its own reason (its network group is full,
 * the retry budget is spent) is put off, a little apart from its neighbours;
 * what holds the whole campaign leaves its jobs alone, and only the time at
 * which to look again is kept.
 *
 * The attempt is counted and saved here; the push itself runs after the
 * turn's commit, so that a crash in between costs an attempt and never sends
 * one that was not counted.
 */
#include <stdio.h>

#include "daemon/admit.h"
#include "daemon/campaign.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"

#define POSTPONE_MS 30000
#define APART_MS 10000 /* put off jobs come back within this */

struct pump {
	struct engine *e;
	size_t room; /* of this turn */
	size_t share; /* of one campaign */
};

int
engine_wait_until(struct engine *e, struct job *j, int64_t due)
{
	struct store *s = e->app->store;

	j->due = due;
	return s->ops->job_save(s, j);
}

static int
put_off(struct engine *e, struct job *j, int64_t until)
{
	int64_t now = loop_now(e->app->loop);
	int64_t apart = (int64_t)(loop_rand(e->app->loop) % APART_MS);

	return engine_wait_until(e, j, (until > now ? until : now + 1000) +
	    apart);
}

static int
start_one(struct engine *e, struct run *r, struct job *j)
{
	static const struct track_event ev = {.type = TRACK_ADMITTED};
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop);
	struct store_device d;
	struct admission a;
	int rc = s->ops->device_get(s, j->device, &d);

	if (rc != 0)
		return rc;
	if (!engine_pushable(e, &d) || d.revoked)
		return engine_wait_until(e, j, 0);
	if (engine_fetching(e, &d, j->release))
		return engine_wait_until(e, j, now + POSTPONE_MS);
	admit_pace(e->app, r, j, &d, &a);
	if (a.hold != HOLD_NONE)
		return put_off(e, j, a.until);
	admit_take(e->app, r, j, &d);
	return engine_step(e, j, &ev);
}

static int
lease(struct engine *e, const struct run *r, struct job *job, size_t cap,
    size_t *ret_n)
{
	struct store *s = e->app->store;
	const struct store_queue q = {r->c.id, r->c.wave,
	    loop_now(e->app->loop), ENGINE_LEASE_MS};
	int rc = engine_begin(e);

	if (rc != 0)
		return rc;
	return engine_end(e, s->ops->jobs_queued(s, &q, job, cap, ret_n));
}

static int
pump_one(void *arg, struct run *r)
{
	struct pump *p = arg;
	struct engine *e = p->e;
	struct job job[ENGINE_BATCH];
	struct admission a;
	uint64_t room;
	size_t cap = p->share < p->room ? p->share : p->room, n = 0;
	int64_t next = 0;
	int rc;

	if (r->c.state != CAMPAIGN_RUNNING || cap == 0)
		return 0;
	rc = admit_campaign(e->app, r, &a, &room);
	if (rc != 0 || a.hold != HOLD_NONE)
		return rc;
	rc = e->app->store->ops->next_queued(e->app->store, r->c.id,
	    r->c.wave, &next);
	if (rc != 0 || next == 0 || next > loop_now(e->app->loop))
		return rc; /* no transaction for nothing */
	rc = lease(e, r, job, room < cap ? (size_t)room : cap, &n);
	p->room -= n;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		int one = engine_begin(e);

		if (one == 0)
			one = engine_end(e, start_one(e, r, &job[i]));
		if (one != 0)
			log_error("job: job=%llu not started: %s",
			    (unsigned long long)job[i].id, err_text(one));
	}
	return rc;
}

void
engine_pump(struct engine *e, size_t room)
{
	struct pump p = {e, room, room};
	int rc;

	if (e->running > 1)
		p.share = room / e->running + 1;
	rc = runs_each(e->app, pump_one, &p);
	if (rc != 0)
		log_error("store: campaigns: %s (%s)", err_text(rc),
		    store_why(e->app->store));
}

/* --- when next --- */

struct next {
	struct engine *e;
	int64_t at;
	size_t running;
};

static void
earlier(int64_t *at, int64_t t)
{
	if (t != 0 && (*at == 0 || t < *at))
		*at = t;
}

static int
next_one(void *arg, struct run *r)
{
	struct next *n = arg;
	struct app *app = n->e->app;
	struct store *s = app->store;
	struct admission a;
	uint64_t room;
	int64_t due = 0;
	int rc;

	earlier(&n->at, campaign_next(app, r));
	if (r->c.state != CAMPAIGN_RUNNING)
		return 0;
	n->running++;
	rc = admit_campaign(app, r, &a, &room);
	if (rc != 0)
		return rc;
	if (a.hold != HOLD_NONE) {
		earlier(&n->at, a.until);
		return 0; /* else something that happens wakes us */
	}
	rc = s->ops->next_queued(s, r->c.id, r->c.wave, &due);
	earlier(&n->at, due);
	return rc;
}

int
engine_pump_next(struct engine *e, int64_t *ret)
{
	struct next n = {.e = e};
	int rc = runs_each(e->app, next_one, &n);

	e->running = n.running;
	if (rc == 0)
		*ret = n.at;
	return rc;
}
