/*
 * campaign: bring a selection of devices to a release.
 *
 *   draft -> running <-> paused -> finished | aborted
 *
 * A draft is a plan: who will be updated, in which wave, who will not and
 * why, and a digest over it. Starting a plan looks at every device again and
 * goes on only when the digest is the same. Then each planned device has a
 * job; what moves is the jobs. Waves open one after the other by the gate
 * (lib/policy.h); who may start within the open ones is admit.h's.
 *
 * paused  -> nothing new is started, a download that runs may end.
 * aborted -> what has not begun is cancelled; what runs may end, unless the
 *            abort is hard. finished -> all jobs are final.
 *
 * Planning, making jobs and cancelling them are done in slices, a turn of
 * the loop each, and go on after a restart. Small fleets are done with
 * before the call returns.
 */
#ifndef SUITD_DAEMON_CAMPAIGN_H
#define SUITD_DAEMON_CAMPAIGN_H

#include "daemon/runs.h"
#include "daemon/suitd.h"

struct campaign_spec {
	uint64_t release;
	char name[LIMIT_KEY_NAME + 1]; /* "": made from the sequence */
	enum campaign_source source;
	char select[LIMIT_SELECT + 1]; /* SOURCE_SELECT */
	const struct slice *ep; /* SOURCE_LIST, borrowed */
	size_t ep_count;
	uint64_t of; /* SOURCE_CAMPAIGN */
	char policy[LIMIT_POLICY + 1]; /* on top of the configured rules */
	const char *by; /* the operator; NULL: nobody known */
	bool start; /* as soon as it is planned (and approved) */
	bool own; /* replaces only a draft that `by` has made */
	bool undo; /* takes the place of campaign `of`; its rules alone say
	              whether it needs approval */
};

const char *campaign_state_name(enum campaign_state st);
const char *campaign_work_name(enum campaign_work w); /* "" for none */

int campaigns_new(struct campaigns **ret) MUST_USE;
void campaigns_free(struct campaigns *c); /* NULL is fine */
/* A turn was undone: what was planned in it is planned again. */
void planner_reset(struct campaigns *c);
/* A pair was: the same, if it had a slice inside of it. */
void planner_undone(struct campaigns *c);
void planner_committed(struct campaigns *c);

/* Each of these is in a pair of its own; *why says what to do next. */

/* Makes a draft and plans it; a draft of the same name and release that was
 * not started is replaced. ret->work tells whether it is planned. */
int campaign_plan(struct app *app, const struct campaign_spec *spec,
    struct store_campaign *ret, struct why *why) MUST_USE;
/* Exactly this plan (its digest; NULL: whatever it is); else the draft gets
 * the new plan, and campaign_diff tells what changed. */
int campaign_start(struct app *app, uint64_t id, const uint8_t *plan,
    struct why *why) MUST_USE;
/* By another operator than the one who planned it. */
int campaign_approve(struct app *app, uint64_t id, const uint8_t *plan,
    const char *by, struct why *why) MUST_USE;
int campaign_pause(struct app *app, uint64_t id, struct why *why) MUST_USE;
/* After a gate has tripped this forgives what has happened so far: the gate
 * counts anew. */
int campaign_resume(struct app *app, uint64_t id, struct why *why) MUST_USE;
/* Opens the next wave now; `wave` != 0: only if that one is the open one. */
int campaign_advance(struct app *app, uint64_t id, uint32_t wave,
    struct why *why) MUST_USE;
/* Hard: running installs are cancelled too, and the release is withdrawn. */
int campaign_abort(struct app *app, uint64_t id, bool hard, struct why *why)
    MUST_USE;
/* Aborts it, and brings those that it has attempted to another release: at
 * once, or, where starting it needed a second person or would need one now,
 * when the plan of the campaign that does it is approved. */
int campaign_rollback(struct app *app, uint64_t id, uint64_t release,
    const char *by, struct why *why) MUST_USE;
/* A failed or cancelled job again, or a queued one now, by an operator. */
int campaign_retry(struct app *app, uint64_t job, struct why *why) MUST_USE;

/* --- inside of a pair --- */

/* Campaigns of a withdrawn release are aborted, its jobs cancelled. */
int campaign_withdrawn(struct app *app, uint64_t release) MUST_USE;
/* The gate, and the end: called once a turn for a campaign that moved. */
int campaign_check(struct app *app, uint64_t id) MUST_USE;
/* The device (new, or changed) may belong to a running continuous
 * campaign: then it gets its job. */
int campaign_join(struct app *app, const struct store_device *d) MUST_USE;

/* --- the clock --- */

/* One slice of what is to be done, and gates that a clock opens. */
void campaign_work(struct app *app);
/* When campaign_work has something to do for it; 0: when woken. */
int64_t campaign_next(const struct app *app, const struct run *r);

/* The same for what it has to do for jobs of no campaign. */
int64_t campaign_own_next(struct app *app);

/* --- for showing --- */

/* Does a selection match? */
bool campaign_selects(const struct app *app, const struct select *s,
    const struct store_device *d, int64_t now);

/* Adds the jobs of one kind; evidence below the policy's grade is weak. */
void campaign_count(const struct policy *p, const struct store_tally *t,
    struct policy_counts *n);
/* Numbers of one wave, or of all that are open (`wave` 0). */
int campaign_wave_counts(struct app *app, const struct run *r, uint32_t wave,
    struct policy_counts *ret) MUST_USE;
/* What the gate says now. */
int campaign_gate(struct app *app, const struct run *r,
    struct policy_decision *ret) MUST_USE;

/* One device of a stored plan. */
struct plan_entry {
	uint64_t device; /* 0: no such device */
	uint8_t verdict, wave;
};
#define PLAN_ENTRY 10 /* bytes of one */
#define PLAN_PART_ENTRIES (STORE_PLAN_PART / PLAN_ENTRY)
/* Entries of one part; ERR_NOT_FOUND past the last. `ret` has room for
 * PLAN_PART_ENTRIES. */
int campaign_plan_part(struct app *app, uint64_t id, uint64_t part,
    struct plan_entry *ret, size_t *ret_n) MUST_USE;

/* What differs between the plan that was to be started and the fleet. */
struct plan_change {
	uint64_t device;
	bool was_there, is_there;
	uint8_t verdict_was, wave_was, verdict, wave;
};
#define PLAN_CHANGES 500 /* remembered; all are counted */
const struct plan_change *campaign_diff(const struct app *app, uint64_t id,
    size_t *ret_n);
/* How far a plan in the making is. */
void campaign_progress(const struct app *app, const struct store_campaign *c,
    uint64_t *ret_done, uint64_t *ret_total);

#endif
