/* A campaign as a message: its row, its tally by wave and by reason, what its
 * gate says, what holds it, and when it may be done. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/admit.h"
#include "daemon/campaign.h"
#include "daemon/engine.h"
#include "daemon/flow.h"
#include "daemon/res_admin.h"

#define COPY(dst, src) snprintf(dst, sizeof(dst), "%s", src)

_Static_assert(MSG_WAVES == STORE_WAVES, "every wave is told");

static void
put_row(struct app *app, const struct store_campaign *c,
    struct msg_campaign *ret)
{
	ret->id = c->id;
	ret->release = c->release;
	COPY(ret->name, c->name);
	COPY(ret->state, campaign_state_name(c->state));
	COPY(ret->work, campaign_work_name(c->work));
	campaign_progress(app, c, &ret->work_done, &ret->work_total);
	COPY(ret->cause, c->cause);
	COPY(ret->select, c->select);
	COPY(ret->policy, c->policy);
	ret->concurrency = c->concurrency;
	ret->planned = c->planned;
	memcpy(ret->plan, c->plan, sizeof(ret->plan));
	ret->wave = c->wave;
	ret->wave_count = c->wave_count;
	COPY(ret->by, c->by);
	COPY(ret->approved, c->approved);
	ret->follower = c->follower;
	ret->created = c->created;
	ret->updated = c->updated;
	ret->started = c->started;
	ret->ended = c->ended;
}

static void
put_verdicts(const struct store_campaign *c, struct msg_campaign *ret)
{
	for (unsigned v = 0; c->planned && v < PLAN_VERDICTS; v++) {
		struct msg_reason *m = &ret->verdict[ret->verdict_count];

		if (c->verdict[v] == 0 && v != PLAN_UPDATE)
			continue;
		COPY(m->name, plan_verdict_name(v));
		COPY(m->text, plan_verdict_text(v));
		m->n = c->verdict[v];
		ret->verdict_count++;
	}
}

static void
put_counts(const struct store_counts *n, struct msg_campaign *ret)
{
	ret->counts = (struct msg_counts){
		.queued = n->by_state[JOB_QUEUED],
		.notified = n->by_state[JOB_NOTIFIED],
		.fetching = n->by_state[JOB_FETCHING],
		.fetched = n->by_state[JOB_FETCHED],
		.installing = n->by_state[JOB_INSTALLING],
		.done = n->by_state[JOB_DONE],
		.failed = n->by_state[JOB_FAILED],
		.cancelled = n->by_state[JOB_CANCELLED],
		.superseded = n->by_state[JOB_SUPERSEDED],
		.active = n->active,
		.transport = n->by_class[FAIL_TRANSPORT],
		.overload = n->by_class[FAIL_OVERLOAD],
		.integrity = n->by_class[FAIL_INTEGRITY],
		.policy = n->by_class[FAIL_POLICY],
		.execution = n->by_class[FAIL_EXECUTION],
		.done_l0 = n->done[GRADE_L0], .done_l1 = n->done[GRADE_L1],
		.done_l2 = n->done[GRADE_L2],
		.failed_l0 = n->failed[GRADE_L0],
		.failed_l1 = n->failed[GRADE_L1],
		.failed_l2 = n->failed[GRADE_L2],
	};
	ret->attempts = n->attempts;
}

/* "" where nobody has told anything. */
static const char *
grade_name(int grade)
{
	static const char *const names[GRADES + 1] = {"L0", "L1", "L2", ""};

	return names[grade];
}

static const char *
weakest(const struct policy_counts *k)
{
	int grade = 0;

	while (grade < GRADES && k->told[grade] == 0)
		grade++;
	return grade_name(grade);
}

/* Before it is started the waves have sizes only. */
static void
put_waves(const struct run *r, const struct store_tally *t, size_t n,
    struct msg_campaign *ret)
{
	for (uint32_t w = 1; w <= r->c.wave_count; w++) {
		struct msg_wave *m = &ret->waves[w - 1];
		struct policy_counts k = {.size = 0};

		for (size_t i = 0; i < n; i++)
			if (t[i].wave == w)
				campaign_count(&r->policy, &t[i], &k);
		*m = (struct msg_wave){w, r->c.waves[w - 1].size, "", k.fresh,
		    k.asleep, k.active, k.retrying, k.done, k.broke,
		    k.unreachable, k.other, k.weak, ""};
		COPY(m->grade, weakest(&k));
		COPY(m->state, w < r->c.wave ? "passed" : w == r->c.wave ?
		    "open" : "closed");
	}
}

static void
put_failures(const struct store_tally *t, size_t n, struct msg_campaign *ret)
{
	for (size_t i = 0; i < n; i++) {
		bool over = t[i].state == JOB_FAILED ||
		    (t[i].state == JOB_CANCELLED && t[i].fail != FAIL_NONE);
		struct msg_reason *m = NULL;
		const char *name = track_reason_name(t[i].reason);
		const char *class = fail_class_name(t[i].fail);

		if (!over && (t[i].state != JOB_QUEUED || t[i].begun ||
		    t[i].reason == REASON_NONE))
			continue;
		for (size_t k = 0; k < ret->failure_count && m == NULL; k++)
			if (strcmp(ret->failure[k].name, name) == 0 &&
			    strcmp(ret->failure[k].failure, class) == 0 &&
			    ret->failure[k].over == over)
				m = &ret->failure[k];
		if (m == NULL && ret->failure_count == MSG_REASONS)
			continue;
		if (m == NULL) {
			m = &ret->failure[ret->failure_count++];
			COPY(m->name, name);
			COPY(m->text, track_reason_text(t[i].reason));
			COPY(m->failure, class);
			m->over = over;
		}
		m->n += t[i].n;
	}
}

/* Devices that rest after a failure come when they come: at the rate of the
 * others the end would be told for a moment at which it cannot be. */
static uint64_t
resting(const struct store_tally *t, size_t n)
{
	uint64_t rest = 0;

	for (size_t i = 0; i < n; i++)
		if (t[i].state == JOB_QUEUED && !t[i].begun &&
		    !t[i].waiting && t[i].fail != FAIL_NONE)
			rest += t[i].n;
	return rest;
}

static void
put_eta(struct app *app, struct run *r, const struct store_counts *n,
    uint64_t rest, struct msg_campaign *ret)
{
	int64_t now = loop_now(app->loop), ms = 0;
	uint64_t done = n->by_state[JOB_DONE], left;

	if (r->c.state != CAMPAIGN_RUNNING)
		return;
	left = n->by_state[JOB_QUEUED] - n->waiting + n->active;
	runs_note_done(r, now, done);
	ret->per_hour = runs_per_hour(r, now, done, &ms);
	if (ret->per_hour == 0 && r->c.started != 0 && now > r->c.started &&
	    done > 0) {
		ms = now - r->c.started;
		ret->per_hour = done * 3600000 / (uint64_t)ms;
	}
	if (ret->per_hour == 0 || left <= rest)
		return;
	left -= rest;
	ret->eta = now + (int64_t)(left * 3600000 / ret->per_hour);
	snprintf(ret->eta_basis, sizeof(ret->eta_basis), "%" PRIu64 " to go, "
	    "rate of the last %u min%s%s", left,
	    (unsigned)(ms / 60000 + 1), r->c.wave < r->c.wave_count ?
	    ", gates not counted" : "", rest == 0 ? "" :
	    ", second tries not counted");
}

/* Memory only: what goes out changes faster than anything is written. */
static void
put_flow(struct app *app, const struct store_campaign *c,
    struct msg_campaign *ret)
{
	struct flow_sum f;

	engine_flow(app->engine, c->id, &f);
	ret->downloads = f.devices;
	ret->bytes_done = f.done;
	ret->bytes_total = f.total;
	ret->bytes_rate = f.rate;
}

static int
put_state(struct app *app, struct run *r, struct msg_campaign *ret)
{
	struct policy_decision d;
	struct admission a;
	uint64_t room;
	int rc = admit_campaign(app, r, &a, &room);

	if (rc == 0 && a.hold != HOLD_NONE && a.hold != HOLD_OVER) {
		COPY(ret->hold, a.text);
		ret->hold_until = a.until;
	}
	ret->needs_approval = r->policy.approval;
	if (rc != 0 || r->c.state != CAMPAIGN_RUNNING || r->c.wave == 0)
		return rc;
	rc = campaign_gate(app, r, &d);
	if (rc == 0) {
		COPY(ret->gate, d.text);
		ret->gate_until = d.until;
		COPY(ret->gate_grade, grade_name(d.lowest));
	}
	return rc;
}

int
admin_msg_campaign(struct app *app, const struct store_campaign *c,
    struct msg_campaign *ret)
{
	static struct store_tally t[STORE_TALLY];
	static struct store_release rel;
	struct store_counts n;
	struct run *r;
	size_t nt = 0;
	int rc = runs_of(app, c, &r);

	if (rc == 0)
		rc = ST(app, campaign_tally, c->id, t, STORE_TALLY, &nt);
	if (rc == 0)
		rc = ST(app, campaign_counts, c->id, &n);
	if (rc == 0)
		rc = ST(app, release_get, c->release, &rel);
	if (rc != 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	ret->target = rel.seq;
	ret->offered = rel.state == RELEASE_LIVE;
	put_row(app, c, ret);
	put_verdicts(c, ret);
	put_counts(&n, ret);
	put_waves(r, t, nt, ret);
	put_failures(t, nt, ret);
	put_flow(app, c, ret);
	put_eta(app, r, &n, resting(t, nt), ret);
	return put_state(app, r, ret);
}
