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
#include "lib/text.h"

#define START_SLICE 250 /* jobs made in one turn */
#define CANCEL_SLICE 128 /* jobs looked at; a page of the store */
#define OWN_INLINE 8 /* slices: a small fleet is done with at once */
#define RETRY_MS 10000 /* after a slice that failed */
#define QUIET_FROM 2000 /* jobs of a larger campaign have no event each */

/* --- jobs from the plan --- */

struct starter {
	struct giver to;
	struct store_campaign *c;
	uint64_t made;
};

/* The fleet moves while jobs are made, too: who may not be updated any more
 * is not counted with those that are. */
static int
make_job(struct starter *st, const struct plan_entry *p)
{
	struct store *s = st->to.app->store;
	struct store_campaign *c = st->c;
	const struct engine_order order = {c->id, p->wave,
	    c->verdict[PLAN_UPDATE] > QUIET_FROM};
	struct store_device d;
	int rc;

	if (p->verdict != PLAN_UPDATE || p->wave < 1 || p->wave > STORE_WAVES)
		return 0;
	st->made++;
	st->to.verdict = PLAN_UNKNOWN;
	rc = s->ops->device_get(s, p->device, &d);
	if (rc == 0)
		rc = campaign_give(&st->to, &d, &order);
	if (rc == ERR_NOT_FOUND)
		rc = 0; /* removed since */
	if (rc != 0 || st->to.verdict == PLAN_UPDATE)
		return rc;
	c->verdict[PLAN_UPDATE]--;
	c->verdict[st->to.verdict]++;
	c->waves[p->wave - 1].size--;
	return 0;
}

static int
started(struct app *app, struct store_campaign *c)
{
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
		rc = campaign_audit(app, c, AUDIT_CAMPAIGN_START, detail);
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
	struct starter st = {.to = {.app = app, .run = r}, .c = &c};
	uint64_t at = c.work_at % PLAN_PART_ENTRIES;
	size_t n = 0, i;
	int rc = app->store->ops->release_get(app->store, c.release,
	    &st.to.rel);

	if (rc == 0)
		rc = campaign_plan_part(app, c.id, c.work_at /
		    PLAN_PART_ENTRIES, part, &n);
	if (rc == ERR_NOT_FOUND || (rc == 0 && n == 0))
		return started(app, &c); /* an empty part ends a plan, too */
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
	bool withdrawn; /* only for releases that are */
	bool hard;
	enum track_reason reason;
};

static int
cancel_one(const struct canceller *k, const struct job *j)
{
	static struct store_release r;
	const struct track_event ev = {
		.type = TRACK_CANCEL, .reason = k->reason,
	};

	if (job_state_final(j->state))
		return 0;
	if (k->withdrawn) {
		int rc = k->app->store->ops->release_get(k->app->store,
		    j->release, &r);

		if (rc != 0 || r.state != RELEASE_WITHDRAWN)
			return rc;
	}
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

/* --- jobs of no campaign --- */

/* They have no row that would say how far it is: a setting does. */
#define OWN "cancel-own"
#define OWN_DONE UINT64_MAX

static int
own_put(struct app *app, uint64_t after)
{
	char text[24];

	app->campaigns->own = after == OWN_DONE ? OWN_NONE : OWN_WORK;
	snprintf(text, sizeof(text), "%" PRIu64, after);
	return app->store->ops->meta_put(app->store, OWN, slice_str(text));
}

static int
own_get(struct app *app, uint64_t *ret_after)
{
	char text[24];
	struct buf b = buf_of(text, sizeof(text));
	int rc = app->store->ops->meta_get(app->store, OWN, &b);

	*ret_after = OWN_DONE;
	if (rc == 0)
		rc = text_u64(buf_slice(&b), ret_after);
	if (rc == ERR_NOT_FOUND)
		rc = 0;
	if (rc == 0)
		app->campaigns->own = *ret_after == OWN_DONE ? OWN_NONE :
		    OWN_WORK;
	return rc;
}

static int
own_slice(struct app *app)
{
	const struct canceller k = {app, true, true, REASON_WITHDRAWN};
	uint64_t after;
	bool last = false;
	int rc = own_get(app, &after);

	if (rc != 0 || after == OWN_DONE)
		return rc;
	rc = cancel_page(&k, 0, &after, &last);
	return rc != 0 ? rc : own_put(app, last ? OWN_DONE : after);
}

int
campaign_cancel_own(struct app *app)
{
	int rc = own_put(app, 0);

	for (int i = 0; rc == 0 && i < OWN_INLINE; i++)
		rc = own_slice(app);
	engine_wake(app->engine);
	return rc;
}

int64_t
campaign_own_next(struct app *app)
{
	uint64_t after;

	if (app->campaigns->own == OWN_UNKNOWN && own_get(app, &after) != 0)
		return 0;
	if (app->campaigns->own != OWN_WORK)
		return 0;
	return app->campaigns->own_at > loop_now(app->loop) ?
	    app->campaigns->own_at : loop_now(app->loop);
}

static enum track_reason
why_cancelled(struct app *app, const struct store_campaign *c)
{
	struct store_release r;

	if (c->state != CAMPAIGN_ABORTED)
		return REASON_EXPIRED;
	if (c->follower != 0)
		return REASON_CAMPAIGN; /* the one that rolls back */
	if (app->store->ops->release_get(app->store, c->release, &r) == 0 &&
	    r.state == RELEASE_WITHDRAWN)
		return REASON_WITHDRAWN;
	return strncmp(c->cause, CAMPAIGN_BY_HAND, strlen(CAMPAIGN_BY_HAND)) ==
	    0 ? REASON_OPERATOR : REASON_GATE;
}

static int
cancel_slice(struct app *app, struct run *r)
{
	struct store_campaign c = r->c;
	const struct canceller k = {app, false, c.hard, why_cancelled(app, &c)};
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

/* The jobs that a soft abort has left. */
int
campaign_cancel_rest(struct app *app, struct store_campaign *c)
{
	c->hard = true;
	c->work = WORK_CANCEL;
	c->work_at = 0;
	return campaign_save(app, c);
}

/* Softly aborted ones have let go of what waits: what is under way is left.
 * They are over, so that all campaigns are looked at. */
static int
withdrawn_aborted(struct app *app, uint64_t release)
{
	struct store *s = app->store;
	struct store_campaign page[8];
	uint64_t before = 0;
	size_t n = 8;
	int rc = 0;

	while (rc == 0 && n == 8) {
		n = 0;
		rc = s->ops->campaign_list(s, before, 8, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			before = page[i].id;
			if (page[i].release == release && !page[i].hard &&
			    page[i].state == CAMPAIGN_ABORTED &&
			    page[i].started != 0)
				rc = campaign_cancel_rest(app, &page[i]);
		}
	}
	return rc;
}

int
campaign_withdrawn(struct app *app, uint64_t release)
{
	struct store *s = app->store;
	struct store_campaign page[8];
	uint64_t after = 0;
	size_t n = 8;
	int rc = withdrawn_aborted(app, release);

	while (rc == 0 && n == 8) {
		n = 0;
		rc = s->ops->campaign_live(s, after, 8, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			after = page[i].id;
			if (page[i].release == release &&
			    page[i].state != CAMPAIGN_FINISHED &&
			    page[i].state != CAMPAIGN_ABORTED)
				rc = campaign_stop(app, &page[i], true,
				    "the release was withdrawn");
		}
	}
	/* devices that came by themselves would wait for it for ever */
	return rc != 0 ? rc : campaign_cancel_own(app);
}

/* --- the clock of a campaign --- */

/* `ended` of a campaign that is not over: it has expired already. Its time
 * runs from when it may start anything. */
int64_t
campaign_expires(const struct run *r)
{
	int64_t from = r->policy.start * 1000;

	if (r->policy.expire == 0 || r->c.started == 0)
		return 0;
	if (from < r->c.started)
		from = r->c.started;
	return from + r->policy.expire * 1000;
}

static int64_t
expires(const struct run *r)
{
	return r->c.ended != 0 || (r->c.state != CAMPAIGN_RUNNING &&
	    r->c.state != CAMPAIGN_PAUSED) ? 0 : campaign_expires(r);
}

int64_t
campaign_next(const struct app *app, const struct run *r)
{
	int64_t now = loop_now(app->loop), at = expires(r), soak = 0;

	if (r->c.work != WORK_NONE)
		return r->retry_at > now ? r->retry_at : now;
	if (r->c.state == CAMPAIGN_RUNNING && r->c.wave_met != 0 &&
	    r->c.wave < r->c.wave_count && r->c.ended == 0)
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
	if (rc == 0)
		rc = campaign_audit(app, &c, AUDIT_CAMPAIGN_EXPIRE, "");
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
	bool own; /* jobs of no campaign are to be cancelled */
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

	if (t->campaign == 0 && t->own)
		return own_slice(app);
	if (t->campaign == 0)
		return 0; /* the pair alone: gates are looked at in its turn */
	rc = runs_get(app, t->campaign, &r);
	return rc != 0 ? rc : slice(app, r);
}

/* Others go on; it is tried again later. */
static void
failed(struct app *app, uint64_t campaign, int rc)
{
	struct run *r;

	planner_reset(app->campaigns);
	log_error("campaign: camp=%" PRIu64 " %s (%s)", campaign,
	    err_text(rc), store_why(app->store));
	if (campaign == 0)
		app->campaigns->own_at = loop_now(app->loop) + RETRY_MS;
	else if (runs_get(app, campaign, &r) == 0)
		r->retry_at = loop_now(app->loop) + RETRY_MS;
}

void
campaign_work(struct app *app)
{
	struct todo t = {.app = app};
	int64_t own;
	int rc = runs_each(app, look, &t);

	own = campaign_own_next(app);
	t.own = own != 0 && own <= loop_now(app->loop);
	if (rc != 0 || (t.campaign == 0 && !t.gate && !t.own))
		return;
	rc = engine_begin(app->engine);
	if (rc == 0)
		rc = engine_end(app->engine, work(app, &t));
	engine_wake(app->engine);
	if (rc != 0)
		failed(app, t.campaign, rc);
}
