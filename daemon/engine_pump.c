/*
 * The pump: starts attempts of queued jobs, campaign by campaign, as far as
 * admit.c lets it. It takes no more from the store than there is room for,
 * so that a campaign of a million costs what its open slots cost.
 *
 * A job that may not start for its own reason (its network group is full)
 * is put off, apart from its neighbours; what holds the whole campaign leaves
 * its jobs in their places, and only the time at which to look again is kept.
 *
 * Campaigns take turns: what comes free goes to the one after the one that
 * had something last, or the oldest would starve the others.
 *
 * The attempt is counted and saved here; the push itself runs after the
 * turn's commit, so that a crash in between costs an attempt and never sends
 * one that was not counted.
 */
#include "daemon/admit.h"
#include "daemon/campaign.h"
#include "daemon/engine_impl.h"
#include "daemon/life.h"
#include "daemon/log.h"

#define POSTPONE_MS 30000
#define APART_MS 10000 /* put off jobs come back within this, at least */
#define APART_MAX_MS 600000
#define APART_EACH_MS 20 /* for each of those that wait with it */
#define GRID_MS 1000 /* one look for all that are put off to one second */

struct pump {
	struct engine *e;
	size_t room; /* of this turn */
	size_t share; /* of one campaign */
	bool more; /* somebody could use more than his share */
	uint64_t from, to; /* campaigns looked at: above, and up to */
	uint64_t last; /* that has started something */
};

/* What came of a job that was taken from the queue. */
enum taken { STARTED, PUT_OFF, HELD };

int
engine_wait_until(struct engine *e, struct job *j, int64_t due)
{
	struct store *s = e->app->store;

	j->due = due;
	if (due == 0 && j->campaign != 0) /* a gate does not wait for it */
		engine_campaign_check(e, j->campaign);
	return s->ops->job_save(s, j);
}

/* The more wait, the farther apart: what cannot start is written every now
 * and then, and not all the time. */
static int
put_off(struct engine *e, struct job *j, int64_t until)
{
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop), apart;
	struct store_counts n;
	int rc = s->ops->campaign_counts(s, j->campaign, &n);

	if (rc != 0)
		return rc;
	apart = n.by_state[JOB_QUEUED] < APART_MAX_MS / APART_EACH_MS ?
	    (int64_t)n.by_state[JOB_QUEUED] * APART_EACH_MS : APART_MAX_MS;
	if (apart < APART_MS)
		apart = APART_MS;
	until = (until > now ? until : now + 1000) +
	    (int64_t)(loop_rand(e->app->loop) % (uint64_t)apart);
	return engine_wait_until(e, j, (until + GRID_MS - 1) / GRID_MS *
	    GRID_MS);
}

/* Does what holds this job hold all that come after it? The budget of
 * retries does: jobs that never failed come before those that did. */
static bool
holds_all(const struct conf *c, const struct admission *a)
{
	switch (a->hold) {
	case HOLD_GROUP:
		return false;
	case HOLD_BYTES:
		return c->bytes_group == 0;
	case HOLD_BUDGET:
		return c->retries_group == 0;
	default:
		return true;
	}
}

static int
start_one(struct engine *e, struct run *r, struct job *j, enum taken *ret)
{
	static const struct track_event ev = {.type = TRACK_ADMITTED};
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop);
	struct store_device d;
	struct admission a;
	int rc = s->ops->device_get(s, j->device, &d);

	if (rc != 0)
		return rc;
	*ret = PUT_OFF;
	if (!engine_pushable(e, &d) || d.revoked)
		return engine_wait_until(e, j, 0);
	if (engine_fetching(e, &d, j->release))
		return engine_wait_until(e, j, now + POSTPONE_MS);
	admit_pace(e->app, r, j, &d, &a);
	if (a.hold != HOLD_NONE && !holds_all(&e->app->conf, &a))
		return put_off(e, j, a.until);
	if (a.hold != HOLD_NONE) {
		*ret = HELD;
		r->hold_until = a.until;
		return engine_wait_until(e, j, j->due);
	}
	*ret = STARTED;
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

/* In the order of the queue, until one is held by what holds them all; the
 * others go back to their places. */
static void
start_all(struct pump *p, struct run *r, struct job *job, size_t n)
{
	struct engine *e = p->e;
	enum taken what = PUT_OFF;

	for (size_t i = 0; i < n; i++) {
		int rc = engine_begin(e);

		if (rc == 0)
			rc = engine_end(e, what == HELD ?
			    engine_wait_until(e, &job[i], job[i].due) :
			    start_one(e, r, &job[i], &what));
		if (rc != 0)
			log_error("job: job=%llu not started: %s",
			    (unsigned long long)job[i].id, err_text(rc));
		if (what == STARTED)
			p->last = r->c.id;
	}
}

/* What a campaign could start now, up to `cap`; 0: nothing. At a rate one at
 * a time, since each start is asked for by itself. */
static int
startable(struct engine *e, struct run *r, size_t cap, size_t *ret)
{
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop), next = 0;
	struct admission a;
	uint64_t room;
	int rc = 0;

	*ret = 0;
	if (r->hold_until > now)
		return 0;
	rc = admit_campaign(e->app, r, &a, &room);
	if (rc != 0 || a.hold != HOLD_NONE || room == 0)
		return rc;
	rc = s->ops->next_queued(s, r->c.id, r->c.wave, &next);
	if (rc != 0 || next == 0 || next > now)
		return rc; /* no transaction for nothing */
	if (r->policy.rate != 0 && cap > 1)
		cap = 1;
	*ret = room < cap ? (size_t)room : cap;
	return 0;
}

static int
pump_one(void *arg, struct run *r)
{
	struct pump *p = arg;
	struct job job[ENGINE_BATCH];
	size_t cap = p->share < p->room ? p->share : p->room, n, want;
	int rc = 0;

	if (r->c.state != CAMPAIGN_RUNNING || r->c.id <= p->from ||
	    r->c.id > p->to)
		return 0;
	while (rc == 0 && cap > 0) {
		n = 0;
		rc = startable(p->e, r, cap, &want);
		if (rc == 0 && want > 0)
			rc = lease(p->e, r, job, want, &n);
		if (n == 0)
			return rc;
		p->room -= n;
		cap -= n;
		start_all(p, r, job, n);
	}
	p->more = true;
	return rc;
}

/* Those after the one that has started something last come first. */
static int
round_of(struct pump *p, uint64_t after)
{
	int rc;

	p->from = after;
	p->to = UINT64_MAX;
	rc = runs_each(p->e->app, pump_one, p);
	if (rc != 0 || after == 0)
		return rc;
	p->from = 0;
	p->to = after;
	return runs_each(p->e->app, pump_one, p);
}

/* A share of what is free for each that runs, then what is left for whoever
 * wants it. */
void
engine_pump(struct engine *e, size_t room)
{
	struct pump p = {.e = e, .room = room, .share = room,
	    .last = e->served};
	uint32_t slots = admit_slots(e->app), most = e->app->conf.downloads;
	size_t free = slots < most ? most - slots : 0;
	int rc = 0;

	if (life_state(e->app->life) >= LIFE_DRAINING)
		return;
	if (e->running > 1) {
		p.share = (free < room ? free : room) / e->running;
		p.share += p.share == 0;
		rc = round_of(&p, e->served);
	}
	if (rc == 0 && p.room > 0 && (e->running <= 1 || p.more)) {
		p.share = p.room;
		rc = round_of(&p, p.last);
	}
	e->served = e->running > 1 ? p.last : 0;
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
	if (room == 0)
		return 0;
	rc = s->ops->next_queued(s, r->c.id, r->c.wave, &due);
	if (due != 0 && due < r->hold_until)
		due = r->hold_until;
	earlier(&n->at, due);
	return rc;
}

int
engine_pump_next(struct engine *e, int64_t *ret)
{
	struct next n = {.e = e};
	int rc;

	if (life_state(e->app->life) >= LIFE_DRAINING)
		return 0;
	rc = runs_each(e->app, next_one, &n);

	earlier(&n.at, campaign_own_next(e->app));
	e->running = n.running;
	if (rc == 0)
		*ret = n.at;
	return rc;
}
