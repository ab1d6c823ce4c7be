/*
 * What touches every device of a campaign: making its plan, making its jobs,
 * cancelling them. The row says what is to be done and how far it is; each
 * turn of the loop does a slice that takes milliseconds, in a pair of its
 * own, so that requests are answered in between and a crash costs a slice.
 *
 * One campaign at a time, the oldest first: a roll-back waits until the
 * campaign that it undoes has let go of its devices.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/campaign_impl.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/log.h"

#define START_SLICE 250 /* jobs made in one turn */
#define CANCEL_SLICE 128 /* jobs looked at; a page of the store */
#define QUIET_FROM 2000 /* jobs of a larger campaign have no event each */

/* --- jobs from the plan --- */

struct starter {
	struct app *app;
	struct run *run;
	struct store_release rel;
	uint64_t made;
};

/* A live job that is in the way: superseded when the plan has seen that it
 * may be. Something newer since then keeps the device. */
static int
make_room(struct starter *st, const struct store_device *d, bool *ret_free)
{
	struct track_event newer = {.type = TRACK_SUPERSEDE};
	struct store *s = st->app->store;
	struct job job;
	int rc = s->ops->job_live(s, d->id, &job);

	*ret_free = true;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0 && job.campaign != 0 && (job.target_seq >= st->rel.seq ||
	    job.state != JOB_QUEUED || job.started != 0)) {
		*ret_free = false;
		return 0;
	}
	if (rc == 0 && job.target_seq >= st->rel.seq)
		newer.reason = REASON_CAMPAIGN; /* it had come by itself */
	return rc != 0 ? rc : engine_job_event(st->app->engine, job.id,
	    &newer, NULL);
}

static int
make_job(struct starter *st, const struct plan_entry *p)
{
	struct store *s = st->app->store;
	const struct store_campaign *c = &st->run->c;
	const struct engine_order order = {c->id, p->wave,
	    c->verdict[PLAN_UPDATE] > QUIET_FROM};
	struct store_device d;
	bool room;
	int rc;

	if (p->verdict != PLAN_UPDATE)
		return 0;
	rc = s->ops->device_get(s, p->device, &d);
	if (rc == ERR_NOT_FOUND)
		return 0; /* removed since */
	if (rc == 0)
		rc = make_room(st, &d, &room);
	if (rc != 0 || !room)
		return rc;
	st->made++;
	return engine_job_new(st->app->engine, &d, &st->rel, &order);
}

static int
started(struct starter *st, struct store_campaign *c)
{
	struct app *app = st->app;
	char detail[80];
	int rc;

	c->work = WORK_NONE;
	c->work_at = 0;
	c->started = loop_now(app->loop);
	c->start = false;
	rc = campaign_move(app, c, CAMPAIGN_RUNNING, NULL);
	if (rc == 0)
		rc = campaign_open_wave(app, c, "started");
	snprintf(detail, sizeof(detail), "%" PRIu64 " devices in %" PRIu32
	    " waves", c->verdict[PLAN_UPDATE], c->wave_count);
	if (rc == 0)
		rc = campaign_log(app, c, "started", detail);
	if (rc == 0)
		rc = app->store->ops->plan_drop(app->store, c->id);
	engine_campaign_check(app->engine, c->id);
	return rc;
}

/* work_at: part of the plan and place in it. */
static int
start_slice(struct app *app, struct run *r)
{
	static struct plan_entry part[PLAN_PART_ENTRIES];
	struct store_campaign c = r->c;
	struct starter st = {.app = app, .run = r};
	uint64_t at = c.work_at % PLAN_PART_ENTRIES;
	size_t n = 0, i;
	int rc = app->store->ops->release_get(app->store, c.release, &st.rel);

	if (rc == 0)
		rc = campaign_plan_part(app, c.id, c.work_at /
		    PLAN_PART_ENTRIES, part, &n);
	if (rc == ERR_NOT_FOUND)
		return started(&st, &c);
	for (i = (size_t)at; rc == 0 && i < n && st.made < START_SLICE; i++)
		rc = make_job(&st, &part[i]);
	if (rc != 0)
		return rc;
	c.work_at += i - at;
	if (i == n) /* the next part, also after a last one that is short */
		c.work_at = (c.work_at / PLAN_PART_ENTRIES +
		    (c.work_at % PLAN_PART_ENTRIES != 0)) * PLAN_PART_ENTRIES;
	return campaign_save(app, &c);
}

/* --- cancelling --- */

struct canceller {
	struct app *app;
	uint64_t release; /* only of this one; 0: any */
	bool hard;
	enum track_reason reason;
};

static int
cancel_one(const struct canceller *k, const struct job *j)
{
	const struct track_event ev = {
		.type = TRACK_CANCEL, .reason = k->reason,
	};

	if (job_state_final(j->state) ||
	    (k->release != 0 && j->release != k->release))
		return 0;
	if (!k->hard && (j->state != JOB_QUEUED || j->started != 0))
		return 0; /* a soft abort lets it end */
	return engine_job_event(k->app->engine, j->id, &ev, NULL);
}

static int
cancel_page(const struct canceller *k, uint64_t campaign, uint64_t *after,
    bool *ret_last)
{
	struct store *s = k->app->store;
	struct job page[CANCEL_SLICE];
	size_t n = 0;
	int rc = s->ops->job_list(s, campaign, *after, CANCEL_SLICE, page, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		*after = page[i].id;
		rc = cancel_one(k, &page[i]);
	}
	*ret_last = n < CANCEL_SLICE;
	return rc;
}

int
campaign_cancel_own(struct app *app, uint64_t release)
{
	const struct canceller k = {app, release, true, REASON_WITHDRAWN};
	uint64_t after = 0;
	bool last = false;
	int rc = 0;

	while (rc == 0 && !last)
		rc = cancel_page(&k, 0, &after, &last);
	return rc;
}

static enum track_reason
why_cancelled(struct app *app, const struct store_campaign *c)
{
	struct store_release r;

	if (c->state != CAMPAIGN_ABORTED)
		return REASON_EXPIRED;
	return app->store->ops->release_get(app->store, c->release, &r) == 0 &&
	    r.state == RELEASE_WITHDRAWN ? REASON_WITHDRAWN : REASON_OPERATOR;
}

static int
cancel_slice(struct app *app, struct run *r)
{
	struct store_campaign c = r->c;
	const struct canceller k = {app, 0, c.hard, why_cancelled(app, &c)};
	bool last;
	int rc = cancel_page(&k, c.id, &c.work_at, &last);

	if (rc == 0 && last) {
		c.work = WORK_NONE;
		c.work_at = 0;
		rc = app->store->ops->plan_drop(app->store, c.id);
		engine_campaign_check(app->engine, c.id);
	}
	return rc != 0 ? rc : campaign_save(app, &c);
}

/* --- the clock of a campaign --- */

/* `ended` of a campaign that is not over: it has expired already. */
static int64_t
expires(const struct run *r)
{
	return r->policy.expire == 0 || r->c.started == 0 || r->c.ended != 0 ||
	    (r->c.state != CAMPAIGN_RUNNING && r->c.state != CAMPAIGN_PAUSED) ?
	    0 : r->c.started + r->policy.expire * 1000;
}

int64_t
campaign_next(const struct app *app, const struct run *r)
{
	int64_t now = loop_now(app->loop), at = expires(r), soak = 0;

	if (r->c.work != WORK_NONE)
		return now;
	if (r->c.state == CAMPAIGN_RUNNING && r->c.wave_met != 0 &&
	    r->c.wave < r->c.wave_count)
		soak = r->c.wave_met + r->policy.soak * 1000;
	return soak != 0 && (at == 0 || soak < at) ? soak : at;
}

static int
expire(struct app *app, struct run *r)
{
	struct store_campaign c = r->c;
	int rc;

	c.work = WORK_CANCEL;
	c.work_at = 0;
	c.hard = false;
	c.ended = loop_now(app->loop);
	rc = campaign_save(app, &c);
	return rc != 0 ? rc : campaign_log(app, &c, "expired", "what still "
	    "waits is given up");
}

static int
slice(struct app *app, struct run *r)
{
	switch (r->c.work) {
	case WORK_PLAN:
		return planner_slice(app, r);
	case WORK_START:
		return start_slice(app, r);
	case WORK_CANCEL:
		return cancel_slice(app, r);
	case WORK_NONE:
		break;
	}
	return expire(app, r);
}

struct todo {
	struct app *app;
	uint64_t campaign; /* the first with work; 0: none */
	bool gate; /* a soak is over */
};

static int
look(void *arg, struct run *r)
{
	struct todo *t = arg;
	int64_t now = loop_now(t->app->loop), at = campaign_next(t->app, r);
	bool due = at != 0 && at <= now;

	if (due && t->campaign == 0 && (r->c.work != WORK_NONE ||
	    (expires(r) != 0 && expires(r) <= now)))
		t->campaign = r->c.id;
	if (due && r->c.work == WORK_NONE) {
		engine_campaign_check(t->app->engine, r->c.id);
		t->gate = true;
	}
	return 0;
}

static int
work(struct app *app, const struct todo *t)
{
	struct run *r;
	int rc;

	if (t->campaign == 0)
		return 0; /* the pair alone: gates are looked at in its turn */
	rc = runs_get(app, t->campaign, &r);
	return rc != 0 ? rc : slice(app, r);
}

void
campaign_work(struct app *app)
{
	struct todo t = {.app = app};
	int rc = runs_each(app, look, &t);

	if (rc != 0 || (t.campaign == 0 && !t.gate))
		return;
	rc = engine_begin(app->engine);
	if (rc == 0)
		rc = engine_end(app->engine, work(app, &t));
	engine_wake(app->engine);
	if (rc != 0) {
		planner_reset(app->campaigns);
		log_error("campaign: camp=%" PRIu64 " %s", t.campaign,
		    err_text(rc));
	}
}
