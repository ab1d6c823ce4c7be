/*
 * The gate: the tally of the open waves' jobs becomes the policy's numbers,
 * the policy decides, and here it is done: the next wave is opened, or the
 * campaign is paused, aborted or rolled back. It runs at the end of a turn
 * in which a job of the campaign changed its state, and when a soak is over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/campaign_impl.h"
#include "daemon/engine.h"
#include "daemon/log.h"

/* --- from jobs to the policy's numbers --- */

static bool
is_broken(enum fail_class f)
{
	return f == FAIL_INTEGRITY || f == FAIL_POLICY || f == FAIL_EXECUTION;
}

/* What we have seen ourselves needs nobody's word. */
static bool
is_silence(enum track_reason r)
{
	return r == REASON_NO_ANSWER || r == REASON_SILENCE_MANIFEST ||
	    r == REASON_SILENCE_BLOCKS || r == REASON_SILENCE_INSTALL ||
	    r == REASON_NO_ADDRESS;
}

/* Who can say that devices have failed, and is believed too easily, can stop
 * every campaign. */
static void
count_outcome(const struct policy *p, const struct store_tally *t,
    uint64_t *outcome, struct policy_counts *n)
{
	const bool told = t->state == JOB_DONE || !is_silence(t->reason);

	if (told && (int)t->grade < p->grade) {
		n->weak += t->n;
		return;
	}
	*outcome += t->n;
	if (told && outcome != &n->other)
		n->told[t->grade] += t->n;
}

/* A job that has failed, or that failed and is tried again. A device that
 * runs something newer, or will not, has no outcome. */
static void
count_failure(const struct policy *p, const struct store_tally *t,
    struct policy_counts *n)
{
	if (t->reason == REASON_SEQUENCE || t->reason == REASON_DECLINED)
		count_outcome(p, t, &n->other, n);
	else if (is_broken(t->fail))
		count_outcome(p, t, &n->broke, n);
	else if (t->fail == FAIL_TRANSPORT)
		count_outcome(p, t, &n->unreachable, n);
	else if (t->state == JOB_FAILED)
		n->other += t->n;
}

static void
count_queued(const struct policy *p, const struct store_tally *t,
    struct policy_counts *n)
{
	bool failed = is_broken(t->fail) || t->fail == FAIL_TRANSPORT;

	if (t->begun)
		n->active += t->n;
	else if (failed)
		n->retrying += t->n;
	else if (t->waiting)
		n->asleep += t->n;
	else
		n->fresh += t->n;
	if (failed && !t->begun)
		count_failure(p, t, n);
}

void
campaign_count(const struct policy *p, const struct store_tally *t,
    struct policy_counts *n)
{
	n->size += t->n;
	if (t->reason == REASON_RECOVERY)
		n->recovery += t->n;
	switch (t->state) {
	case JOB_QUEUED:
		count_queued(p, t, n);
		break;
	case JOB_DONE:
		count_outcome(p, t, &n->done, n);
		break;
	case JOB_FAILED:
		count_failure(p, t, n);
		break;
	case JOB_CANCELLED: /* what had failed before has its outcome */
		if (is_broken(t->fail) || t->fail == FAIL_TRANSPORT)
			count_failure(p, t, n);
		else
			n->other += t->n;
		break;
	case JOB_SUPERSEDED:
		n->other += t->n;
		break;
	default:
		n->active += t->n;
		break;
	}
}

int
campaign_wave_counts(struct app *app, const struct run *r, uint32_t wave,
    struct policy_counts *ret)
{
	static struct store_tally t[STORE_TALLY];
	struct store *s = app->store;
	struct store_counts k;
	size_t n = 0;
	int rc = s->ops->campaign_tally(s, r->c.id, t, STORE_TALLY, &n);

	if (rc == 0)
		rc = s->ops->campaign_counts(s, r->c.id, &k);
	if (rc != 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < n; i++)
		if (wave == 0 ? t[i].wave <= r->c.wave : t[i].wave == wave)
			campaign_count(&r->policy, &t[i], ret);
	ret->attempts = k.attempts;
	for (size_t i = 0; i < JOB_STATES; i++)
		ret->devices += k.by_state[i];
	return 0;
}

int
campaign_gate(struct app *app, const struct run *r,
    struct policy_decision *ret)
{
	struct policy_view v = {
		.now = loop_now(app->loop), .wave = r->c.wave,
		.wave_count = r->c.wave_count,
		.wave_opened = r->c.wave_opened, .met = r->c.wave_met,
	};
	int rc = campaign_wave_counts(app, r, 0, &v.n);

	if (rc == 0)
		policy_decide(&r->policy, &v, ret);
	return rc;
}

/* --- what is done about it --- */

/* A decision says how far it can be trusted. */
static const char *
rests(const struct policy_decision *d)
{
	static const char *const on[GRADES + 1] = {
		" (weakest evidence: L0, anybody's word)",
		" (weakest evidence: L1)", " (evidence: L2)",
		" (by silence alone)",
	};

	return on[d->lowest];
}

int
campaign_open_wave(struct app *app, struct store_campaign *c,
    const char *why)
{
	char detail[200];
	int rc;

	if (c->wave >= c->wave_count)
		return 0;
	c->wave++;
	c->wave_opened = c->updated = loop_now(app->loop);
	c->wave_met = 0;
	rc = campaign_save(app, c);
	snprintf(detail, sizeof(detail), "wave %" PRIu32 " of %" PRIu32 ", %"
	    PRIu64 " devices: %.130s", c->wave, c->wave_count,
	    c->waves[c->wave - 1].size, why);
	if (rc == 0)
		rc = campaign_audit(app, c, AUDIT_CAMPAIGN_WAVE, detail);
	return rc != 0 ? rc : campaign_log(app, c, "wave opened", detail);
}

/* Carried out, and in the audit log. */
static int
stopped(struct app *app, const struct store_campaign *c,
    enum audit_kind kind, int rc)
{
	return rc != 0 ? rc : campaign_audit(app, c, kind, c->cause);
}

static int
tripped(struct app *app, struct run *r, const struct policy_decision *d)
{
	struct store_campaign c = r->c, gone = r->c;
	struct why why = {0};
	/* at night, too: it was said in the plan, and approved with it */
	const struct campaign_back back = {r->policy.rollback, c.by, false};
	char was[STORE_CAUSE];
	int rc;

	if (c.state != CAMPAIGN_RUNNING)
		return 0;
	snprintf(was, sizeof(was), "%.150s%s", d->text, rests(d));
	memcpy(c.cause, was, sizeof(c.cause));
	memcpy(gone.cause, was, sizeof(gone.cause));
	log_warn("campaign: camp=%" PRIu64 " gate: %s", c.id, was);
	switch (r->policy.on_failure) {
	case POLICY_ABORT:
		rc = campaign_stop(app, &c, false, was);
		return stopped(app, &c, AUDIT_CAMPAIGN_ABORT, rc);
	case POLICY_ROLLBACK:
		rc = engine_begin(app->engine);
		if (rc == 0)
			rc = engine_end(app->engine, stopped(app, &gone,
			    AUDIT_CAMPAIGN_ROLLBACK, campaign_undo(app, &gone,
			    &back, &why)));
		if (rc == 0)
			return 0;
		log_error("campaign: camp=%" PRIu64 " cannot be rolled back, "
		    "is paused: %s", c.id, why.text);
		break;
	case POLICY_PAUSE:
		break;
	}
	rc = campaign_move(app, &c, CAMPAIGN_PAUSED, NULL);
	return stopped(app, &c, AUDIT_CAMPAIGN_PAUSE, rc);
}

/* --- what was forgiven --- */

/* Between attempts it is counted; in one, it may be forgiven still. */
static void
count_pardoned(const struct store_tally *t, struct policy_counts *n)
{
	bool begun = t->state == JOB_QUEUED ? t->begun :
	    !job_state_final(t->state);

	if (begun && is_broken(t->fail)) {
		n->broke += t->n;
		n->recovery += t->n;
	} else if (begun && t->fail == FAIL_TRANSPORT) {
		n->unreachable += t->n;
	}
}

static bool
lower(uint64_t *forgiven, uint64_t to)
{
	if (*forgiven <= to)
		return false;
	*forgiven = to;
	return true;
}

/* Devices that have got well need no forgiveness: it would be used up by
 * others that break later. */
static int
pardon(struct app *app, struct run *r)
{
	static struct store_tally t[STORE_TALLY];
	struct store *s = app->store;
	struct policy p = r->policy;
	struct policy_counts n = {.size = 0};
	size_t k = 0;
	bool less;
	int rc;

	if (p.forgive_broke + p.forgive_unreachable + p.forgive_recovery == 0)
		return 0;
	rc = s->ops->campaign_tally(s, r->c.id, t, STORE_TALLY, &k);
	for (size_t i = 0; rc == 0 && i < k; i++) {
		if (t[i].wave > r->c.wave)
			continue;
		campaign_count(&p, &t[i], &n);
		count_pardoned(&t[i], &n);
	}
	if (rc != 0)
		return rc;
	less = lower(&p.forgive_broke, n.broke);
	less |= lower(&p.forgive_unreachable, n.unreachable);
	less |= lower(&p.forgive_recovery, n.recovery);
	return less ? campaign_rules(app, r->c.id, &p) : 0;
}

static int
look_at_gate(struct app *app, struct run *r, bool *ret_changed)
{
	struct policy_decision d;
	struct store_campaign c = r->c;
	char why[POLICY_TEXT];
	int64_t met;
	int rc = campaign_gate(app, r, &d);

	*ret_changed = false;
	if (rc != 0)
		return rc;
	if (d.verdict == POLICY_TRIP) {
		*ret_changed = true;
		return tripped(app, r, &d);
	}
	if (d.verdict == POLICY_ADVANCE) {
		*ret_changed = true;
		snprintf(why, sizeof(why), "%.90s%s", d.text, rests(&d));
		return campaign_open_wave(app, &c, why);
	}
	met = !d.met ? 0 : c.wave_met != 0 ? c.wave_met : loop_now(app->loop);
	if (met == c.wave_met)
		return 0;
	c.wave_met = met;
	return campaign_save(app, &c);
}

static int
look_at_end(struct app *app, struct run *r)
{
	struct store *s = app->store;
	struct store_campaign c;
	struct store_counts n;
	uint64_t live = 0;
	int rc = s->ops->campaign_counts(s, r->c.id, &n);

	if (rc != 0)
		return rc;
	runs_note_done(r, loop_now(app->loop), n.by_state[JOB_DONE]);
	for (size_t i = 0; i < JOB_STATES; i++)
		if (!job_state_final((enum job_state)i))
			live += n.by_state[i];
	if (live != 0 || (r->policy.continuous && r->c.ended == 0))
		return 0;
	rc = s->ops->campaign_get(s, r->c.id, &c);
	if (rc != 0 || (c.state != CAMPAIGN_RUNNING &&
	    c.state != CAMPAIGN_PAUSED))
		return rc;
	rc = campaign_move(app, &c, CAMPAIGN_FINISHED, NULL);
	return stopped(app, &c, AUDIT_CAMPAIGN_FINISH, rc);
}

int
campaign_check(struct app *app, uint64_t id)
{
	struct run *r;
	bool again = true;
	int rc = runs_get(app, id, &r);

	if (rc == ERR_CORRUPT)
		return 0; /* it has been said */
	/* a wave whose devices are all past it opens the next at once */
	for (int i = 0; rc == 0 && again && i < STORE_WAVES; i++) {
		again = false;
		if (r->c.state == CAMPAIGN_RUNNING && r->c.wave > 0 &&
		    r->c.ended == 0) {
			rc = pardon(app, r);
			if (rc == 0)
				rc = runs_get(app, id, &r);
			if (rc == 0)
				rc = look_at_gate(app, r, &again);
		}
		if (rc == 0)
			rc = runs_get(app, id, &r);
	}
	if (rc != 0 || r->c.work != WORK_NONE)
		return rc;
	return look_at_end(app, r);
}
