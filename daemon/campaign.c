/*
 * A campaign is a row and one job per device; what moves is the jobs. The
 * pump starts only jobs of running campaigns, so that pause and resume are
 * one compare-and-set each. What touches every job is left as work in the
 * row and done in slices (campaign_work.c).
 */
#include "daemon/campaign.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/access.h"
#include "daemon/campaign_impl.h"
#include "daemon/engine.h"
#include "daemon/publish.h"
#include "lib/eyes.h"

#define INLINE_SLICES 4 /* of a small fleet: done before the answer */

static const char *const names[] = {
	[CAMPAIGN_DRAFT] = "draft",
	[CAMPAIGN_RUNNING] = "running",
	[CAMPAIGN_PAUSED] = "paused",
	[CAMPAIGN_FINISHED] = "finished",
	[CAMPAIGN_ABORTED] = "aborted",
};

const char *
campaign_state_name(enum campaign_state st)
{
	return (unsigned)st < sizeof(names) / sizeof(names[0]) ? names[st] :
	    "unknown";
}

const char *
campaign_work_name(enum campaign_work w)
{
	static const char *const work[] = {"", "plan", "start", "cancel"};

	return (unsigned)w < sizeof(work) / sizeof(work[0]) ? work[w] :
	    "unknown";
}

#define BIT(s) (1u << CAMPAIGN_##s)
static const unsigned moves[] = {
	[CAMPAIGN_DRAFT] = BIT(RUNNING) | BIT(ABORTED),
	[CAMPAIGN_RUNNING] = BIT(PAUSED) | BIT(FINISHED) | BIT(ABORTED),
	[CAMPAIGN_PAUSED] = BIT(RUNNING) | BIT(FINISHED) | BIT(ABORTED),
	/* an operator's retry of one of its jobs */
	[CAMPAIGN_FINISHED] = BIT(RUNNING),
	[CAMPAIGN_ABORTED] = 0,
};

int
campaign_log(struct app *app, const struct store_campaign *c,
    const char *what, const char *detail)
{
	struct store_event ev = {
		.campaign = c->id, .release = c->release, .kind = "campaign",
	};
	char topic[48];

	snprintf(ev.what, sizeof(ev.what), "%s", what);
	snprintf(ev.detail, sizeof(ev.detail), "%.64s%s%.130s", c->name,
	    detail[0] != '\0' ? ": " : "", detail);
	snprintf(topic, sizeof(topic), "a/campaigns/%" PRIu64, c->id);
	engine_notify(app->engine, T_ADMIN, topic);
	engine_say(app->engine, "campaign: camp=%" PRIu64 " release=%" PRIu64
	    " %s%s%s", c->id, c->release, what, detail[0] != '\0' ? ": " : "",
	    detail);
	return engine_log(app->engine, &ev);
}

int
campaign_audit(struct app *app, const struct store_campaign *c,
    enum audit_kind kind, const char *detail)
{
	char subject[40];

	snprintf(subject, sizeof(subject), "campaign %" PRIu64, c->id);
	return audit_add(app, NULL, kind, subject, "%s", detail);
}

int
campaign_save(struct app *app, struct store_campaign *c)
{
	struct store *s = app->store;

	engine_wake(app->engine);
	return s->ops->campaign_save(s, c);
}

int
campaign_find(struct app *app, uint64_t id, struct store_campaign *ret,
    struct why *why)
{
	int rc = app->store->ops->campaign_get(app->store, id, ret);

	return rc != ERR_NOT_FOUND ? rc : why_set(why, rc,
	    "no campaign %" PRIu64 ": suitctl campaign list", id);
}

int
campaign_move(struct app *app, struct store_campaign *c,
    enum campaign_state to, struct why *why)
{
	int64_t now = loop_now(app->loop);
	int rc;

	if (!(moves[c->state] & 1u << to))
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is %s",
		    c->id, names[c->state]);
	c->state = to;
	c->updated = now;
	if (to == CAMPAIGN_FINISHED || to == CAMPAIGN_ABORTED)
		c->ended = now;
	if (to == CAMPAIGN_RUNNING) {
		c->ended = 0;
		c->cause[0] = '\0';
		/* what happened while nobody looked at the gate */
		engine_campaign_check(app->engine, c->id);
	}
	rc = campaign_save(app, c);
	return rc != 0 ? rc : campaign_log(app, c, names[to], c->cause[0] ?
	    c->cause : c->select[0] ? c->select : "");
}

/* Slices now, as many as a small fleet needs. */
static void
work_now(struct app *app, uint64_t id, struct store_campaign *ret)
{
	for (int i = 0; i < INLINE_SLICES; i++) {
		if (app->store->ops->campaign_get(app->store, id, ret) != 0 ||
		    ret->work == WORK_NONE)
			return;
		app->campaigns->nested = true;
		campaign_work(app);
	}
	(void)app->store->ops->campaign_get(app->store, id, ret);
}

/* --- plan, approve, start --- */

int
campaign_plan(struct app *app, const struct campaign_spec *spec,
    struct store_campaign *ret, struct why *why)
{
	int rc = engine_begin(app->engine);

	if (rc == 0)
		rc = engine_end(app->engine, campaign_draft(app, spec, ret,
		    why));
	if (rc == 0)
		work_now(app, ret->id, ret);
	return rc;
}

/* Is it the draft's present plan that is meant? */
static int
check_plan(const struct store_campaign *c, const uint8_t *plan,
    struct why *why)
{
	if (c->state != CAMPAIGN_DRAFT || c->work == WORK_START)
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is %s",
		    c->id, c->work == WORK_START ? "being started" :
		    names[c->state]);
	if (!c->planned || c->work == WORK_PLAN)
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is still "
		    "being planned: suitctl campaign show %" PRIu64, c->id,
		    c->id);
	if (plan != NULL && memcmp(plan, c->plan, 32) != 0)
		return why_set(why, ERR_CONFLICT, "campaign %" PRIu64 " has "
		    "another plan now: suitctl campaign show %" PRIu64
		    " --plan", c->id, c->id);
	return 0;
}

static bool
needs_approval(const struct run *r)
{
	return r->policy.approval && r->c.approved[0] == '\0';
}

/* Whoever approved it may have gone since, or be no operator any more: then
 * nobody has. */
static void
check_approval(struct app *app, struct store_campaign *c)
{
	struct rights now;

	if (c->approved[0] != '\0' && (access_rights(app, c->approved,
	    &now) != 0 || !(now.role & eyes_roles(EYES_CAMPAIGN))))
		c->approved[0] = '\0';
}

/* Whether a plan needs a second person is in its rules, and so in its digest:
 * one of before that was asked for has to be made anew. */
static int
check_age(const struct app *app, const struct run *r, struct why *why)
{
	if (r->policy.approval || !eyes_wanted(&app->conf, EYES_CAMPAIGN))
		return 0;
	return why_set(why, ERR_STATE, "campaign %" PRIu64 " was planned when "
	    "no second person was asked for: plan it again", r->c.id);
}

static int
start(struct app *app, uint64_t id, const uint8_t *plan, struct why *why)
{
	struct store_campaign c;
	struct run *r;
	int rc = campaign_find(app, id, &c, why);

	if (rc == 0)
		rc = check_plan(&c, plan, why);
	if (rc != 0)
		return rc;
	check_approval(app, &c);
	rc = runs_of(app, &c, &r);
	if (rc == 0)
		rc = check_age(app, r, why);
	if (rc != 0)
		return rc;
	if (c.verdict[PLAN_UPDATE] == 0 && !r->policy.continuous)
		return why_set(why, ERR_STATE, "nothing to do: the plan has "
		    "no device to update");
	c.start = true;
	c.updated = loop_now(app->loop);
	c.cause[0] = '\0';
	if (!needs_approval(r)) {
		c.work = WORK_PLAN;
		c.work_at = 0;
	}
	rc = campaign_save(app, &c);
	return rc != 0 ? rc : campaign_log(app, &c, needs_approval(r) ?
	    "waits for approval" : "starting", "");
}

int
campaign_start(struct app *app, uint64_t id, const uint8_t *plan,
    struct why *why)
{
	struct store_campaign c;
	int rc = engine_begin(app->engine);

	if (rc == 0)
		rc = engine_end(app->engine, start(app, id, plan, why));
	if (rc == 0)
		work_now(app, id, &c);
	return rc;
}

static int
approve(struct app *app, uint64_t id, const uint8_t *plan, const char *by,
    struct why *why)
{
	struct store_campaign c;
	int rc = campaign_find(app, id, &c, why);

	if (rc == 0)
		rc = check_plan(&c, plan, why);
	if (rc != 0)
		return rc;
	if (by == NULL || by[0] == '\0' || strcmp(by, c.by) == 0)
		return why_set(why, ERR_FORBIDDEN, "%.60s planned it: the "
		    "approval is for another operator (suitctl --as NAME)",
		    c.by);
	snprintf(c.approved, sizeof(c.approved), "%s", by);
	c.updated = loop_now(app->loop);
	if (c.start) { /* it was to be started: now */
		c.work = WORK_PLAN;
		c.work_at = 0;
	}
	rc = campaign_save(app, &c);
	return rc != 0 ? rc : campaign_log(app, &c, "approved", by);
}

int
campaign_approve(struct app *app, uint64_t id, const uint8_t *plan,
    const char *by, struct why *why)
{
	struct store_campaign c;
	int rc = engine_begin(app->engine);

	if (rc == 0)
		rc = engine_end(app->engine, approve(app, id, plan, by, why));
	if (rc == 0)
		work_now(app, id, &c);
	return rc;
}

/* --- pause, resume, next --- */

static int
pause_it(struct app *app, uint64_t id, struct why *why)
{
	struct store_campaign c;
	int rc = campaign_find(app, id, &c, why);

	if (rc == 0)
		c.cause[0] = '\0';
	return rc != 0 ? rc : campaign_move(app, &c, CAMPAIGN_PAUSED, why);
}

int
campaign_pause(struct app *app, uint64_t id, struct why *why)
{
	int rc = engine_begin(app->engine);

	return rc != 0 ? rc : engine_end(app->engine, pause_it(app, id, why));
}

static int
put_rules(struct store_campaign *c, const struct policy *p)
{
	struct buf b = buf_of(c->policy, sizeof(c->policy) - 1);

	policy_print(p, &b);
	if (b.over)
		return ERR_SIZE;
	c->policy[b.n] = '\0';
	return 0;
}

int
campaign_rules(struct app *app, uint64_t id, const struct policy *p)
{
	struct store_campaign c;
	int rc = app->store->ops->campaign_get(app->store, id, &c);

	if (rc == 0)
		rc = put_rules(&c, p);
	return rc != 0 ? rc : campaign_save(app, &c);
}

/* What has happened so far shall not trip the gate again: an operator has
 * looked at it. It stands in the policy, where everybody sees it. */
static int
forgive(struct app *app, struct run *r, struct store_campaign *c)
{
	struct policy p = r->policy;
	struct policy_counts n;
	int rc = campaign_wave_counts(app, r, 0, &n);

	if (rc != 0)
		return rc;
	p.forgive_broke = n.broke;
	p.forgive_unreachable = n.unreachable;
	p.forgive_recovery = n.recovery;
	p.forgive_attempts = n.attempts;
	c->wave_met = 0;
	return put_rules(c, &p);
}

static int
resume_it(struct app *app, uint64_t id, struct why *why)
{
	struct store_campaign c;
	struct run *r;
	bool tripped;
	int rc = campaign_find(app, id, &c, why);

	if (rc == 0 && c.state != CAMPAIGN_PAUSED)
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is %s",
		    id, names[c.state]);
	if (rc == 0)
		rc = runs_of(app, &c, &r);
	if (rc != 0)
		return rc;
	tripped = c.cause[0] != '\0';
	if (tripped)
		rc = forgive(app, r, &c);
	return rc != 0 ? rc : campaign_move(app, &c, CAMPAIGN_RUNNING, why);
}

int
campaign_resume(struct app *app, uint64_t id, struct why *why)
{
	int rc = engine_begin(app->engine);

	return rc != 0 ? rc : engine_end(app->engine, resume_it(app, id, why));
}

static int
advance(struct app *app, uint64_t id, uint32_t wave, struct why *why)
{
	struct store_campaign c;
	int rc = campaign_find(app, id, &c, why);

	if (rc != 0)
		return rc;
	if (c.state != CAMPAIGN_RUNNING)
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is %s",
		    id, names[c.state]);
	if (wave != 0 && wave != c.wave)
		return why_set(why, ERR_CONFLICT, "wave %" PRIu32 " is open, "
		    "not %" PRIu32, c.wave, wave);
	if (c.wave >= c.wave_count)
		return why_set(why, ERR_STATE, "the last wave is open");
	return campaign_open_wave(app, &c, "by an operator");
}

int
campaign_advance(struct app *app, uint64_t id, uint32_t wave,
    struct why *why)
{
	int rc = engine_begin(app->engine);

	return rc != 0 ? rc : engine_end(app->engine, advance(app, id, wave,
	    why));
}

/* --- abort, roll back --- */

int
campaign_stop(struct app *app, struct store_campaign *c, bool hard,
    const char *cause)
{
	int rc;

	c->work = c->started != 0 || c->work == WORK_START ? WORK_CANCEL :
	    WORK_NONE;
	c->work_at = 0;
	c->hard = hard;
	c->start = false;
	snprintf(c->cause, sizeof(c->cause), "%s", cause);
	if (app->campaigns->plan.campaign == c->id)
		planner_reset(app->campaigns);
	if (c->work == WORK_NONE) { /* a draft */
		rc = app->store->ops->plan_drop(app->store, c->id);
		if (rc != 0)
			return rc;
	}
	return campaign_move(app, c, CAMPAIGN_ABORTED, NULL);
}

static int
abort_it(struct app *app, uint64_t id, bool hard, struct why *why)
{
	struct store_campaign c;
	int rc = campaign_find(app, id, &c, why);

	if (rc == 0 && !(moves[c.state] & BIT(ABORTED)) &&
	    !(hard && c.state == CAMPAIGN_ABORTED && !c.hard))
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is %s",
		    id, names[c.state]);
	if (rc != 0)
		return rc;
	if (!hard)
		return campaign_stop(app, &c, false, CAMPAIGN_BY_HAND);
	if (c.state == CAMPAIGN_ABORTED) /* softly, before */
		rc = campaign_cancel_rest(app, &c);
	else
		rc = campaign_stop(app, &c, true, CAMPAIGN_BY_HAND ", hard");
	return rc != 0 ? rc : publish_withdraw(app, c.release, why);
}

int
campaign_abort(struct app *app, uint64_t id, bool hard, struct why *why)
{
	struct store_campaign c;
	int rc = engine_begin(app->engine);

	if (rc == 0)
		rc = engine_end(app->engine, abort_it(app, id, hard, why));
	if (rc == 0)
		work_now(app, id, &c);
	return rc;
}

/* Where it goes, as a campaign that waits for nobody or for a second person. */
static int
draft_undo(struct app *app, const struct store_campaign *c,
    const struct campaign_back *back, struct store_campaign *ret,
    struct why *why)
{
	struct campaign_spec spec = {
		.release = back->release, .source = SOURCE_CAMPAIGN,
		.of = c->id, .by = back->by, .start = true, .undo = true,
	};

	snprintf(spec.name, sizeof(spec.name), "undo-%" PRIu64, c->id);
	snprintf(spec.policy, sizeof(spec.policy), "waves=100%% soak=0 "
	    "start=0 approval=%s continuous=no on_failure=pause rollback=0 "
	    "concurrency=%" PRIu32, back->approval ? "yes" : "no",
	    c->concurrency);
	return campaign_draft(app, &spec, ret, why);
}

int
campaign_undo(struct app *app, struct store_campaign *c,
    const struct campaign_back *back, struct why *why)
{
	struct store_campaign next;
	struct store_release bad, good;
	struct store *s = app->store;
	char cause[STORE_CAUSE];
	int rc = s->ops->release_get(s, back->release, &good);

	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no release %" PRIu64 ": suitctl "
		    "release list", back->release);
	if (rc == 0)
		rc = s->ops->release_get(s, c->release, &bad);
	if (rc == 0 && good.seq <= bad.seq)
		return why_set(why, ERR_SEQUENCE, "release %" PRIu64 " has "
		    "sequence %" PRIu64 ", not above %" PRIu64 ": devices "
		    "would refuse it; publish the old image under a higher "
		    "sequence", back->release, good.seq, bad.seq);
	if (rc == 0)
		rc = draft_undo(app, c, back, &next, why);
	if (rc != 0)
		return rc;
	c->follower = next.id;
	snprintf(cause, sizeof(cause), "%.120s%srolled back by campaign %"
	    PRIu64, c->cause, c->cause[0] ? "; " : "", next.id);
	return campaign_stop(app, c, true, cause);
}

/* The stop is one person's; the way back brings software, and needs a second
 * one where the way there would. */
static int
rollback(struct app *app, uint64_t id, struct campaign_back *back,
    struct why *why)
{
	struct store_campaign c;
	struct run *r;
	int rc = campaign_find(app, id, &c, why);

	if (rc == 0 && c.state != CAMPAIGN_RUNNING &&
	    c.state != CAMPAIGN_PAUSED)
		return why_set(why, ERR_STATE, "campaign %" PRIu64 " is %s",
		    id, names[c.state]);
	if (rc == 0)
		rc = runs_of(app, &c, &r);
	if (rc != 0)
		return rc;
	back->approval = r->policy.approval ||
	    eyes_wanted(&app->conf, EYES_CAMPAIGN);
	return campaign_undo(app, &c, back, why);
}

int
campaign_rollback(struct app *app, uint64_t id, uint64_t release,
    const char *by, struct why *why)
{
	struct campaign_back back = {.release = release, .by = by};
	struct store_campaign c;
	int rc = engine_begin(app->engine);

	if (rc == 0)
		rc = engine_end(app->engine, rollback(app, id, &back, why));
	if (rc == 0)
		work_now(app, id, &c);
	return rc;
}
