/*
 * track_move: which moves exist, and what belongs to each. Every change of
 * a job's state goes through move(), which asserts it against `states`.
 */
#include "lib/track_move.h"

#include <assert.h>

#define BIT(s) (1u << JOB_##s)
#define ENDS (BIT(DONE) | BIT(FAILED) | BIT(CANCELLED) | BIT(SUPERSEDED))

/* A claimed size above this is no reason to wait longer. */
#define MISSING_MAX (1ull << 30)

static const struct {
	const char *name;
	unsigned next; /* allowed moves; staying is always allowed */
	bool final;
} states[JOB_STATES] = {
	[JOB_QUEUED] = {"queued", BIT(NOTIFIED) | BIT(FETCHING) |
	    BIT(FETCHED) | BIT(INSTALLING) | ENDS, false},
	[JOB_NOTIFIED] = {"notified", BIT(QUEUED) | BIT(FETCHING) |
	    BIT(FETCHED) | BIT(INSTALLING) | ENDS, false},
	[JOB_FETCHING] = {"fetching", BIT(QUEUED) | BIT(FETCHED) |
	    BIT(INSTALLING) | ENDS, false},
	[JOB_FETCHED] = {"fetched", BIT(QUEUED) | BIT(INSTALLING) | ENDS,
	    false},
	[JOB_INSTALLING] = {"installing", BIT(QUEUED) | ENDS, false},
	[JOB_DONE] = {"done", 0, true},
	[JOB_FAILED] = {"failed", BIT(QUEUED) | BIT(DONE), true},
	[JOB_CANCELLED] = {"cancelled", BIT(QUEUED) | BIT(DONE), true},
	[JOB_SUPERSEDED] = {"superseded", 0, true},
};

const char *
job_state_name(enum job_state s)
{
	return (unsigned)s < JOB_STATES ? states[s].name : "unknown";
}

bool
job_state_final(enum job_state s)
{
	return (unsigned)s < JOB_STATES && states[s].final;
}

void
track_policy_default(struct track_policy *ret_policy)
{
	backoff_default(&ret_policy->backoff);
	/* a CON gives up after 93 s (RFC 7252 4.8.2), and so does a device */
	ret_policy->notify_ms = 120000;
	ret_policy->fetch_idle_ms = 120000;
	/* one percent (the step in which progress is folded) of the 2.2 s a
	 * KiB takes in 64-byte blocks over 802.15.4 */
	ret_policy->fetch_per_kib_ms = 22;
	/* erase, swap and reboot of a large slot take minutes */
	ret_policy->install_ms = 600000;
	ret_policy->give_up_push = 5;
}

void
track_init(struct job *ret_job, uint64_t device, uint64_t release,
    uint64_t target_seq, int64_t now)
{
	*ret_job = (struct job){
		.device = device,
		.release = release,
		.target_seq = target_seq,
		.created = now,
		.updated = now,
		.due = now,
	};
}

void
move_to(struct step *s, enum job_state to)
{
	struct job *j = s->j;

	assert(to == j->state || (states[j->state].next & 1u << to) != 0);
	j->state = to;
	j->grade = s->ev->grade;
	j->updated = s->now;
	if (states[to].final)
		j->due = 0;
	s->todo |= TRACK_DO_SAVE | TRACK_DO_LOG;
}

void
move_end(struct step *s, enum job_state to, enum track_reason why)
{
	s->j->reason = why;
	move_to(s, to);
}

/* The attempt is over; the job waits in the queue until `due`. */
void
move_requeue(struct step *s, enum track_reason why, int64_t due)
{
	struct job *j = s->j;

	j->reason = why;
	j->due = due;
	j->started = 0;
	move_to(s, JOB_QUEUED);
}

/* Counts an attempt, unless one is under way already. */
void
move_begin(struct step *s)
{
	struct job *j = s->j;

	if (j->started != 0)
		return;
	if (j->attempt < UINT32_MAX)
		j->attempt++;
	j->started = s->now;
	j->done = 0;
	j->total = 0;
	j->reason = REASON_NONE;
}

int64_t
move_fetch_due(const struct step *s)
{
	const struct job *j = s->j;
	uint64_t missing = j->total > j->done ? j->total - j->done : 0;

	if (missing > MISSING_MAX)
		missing = MISSING_MAX;
	return s->now + s->policy->fetch_idle_ms +
	    (int64_t)(missing / 1024) * s->policy->fetch_per_kib_ms;
}

/* Folds the high-water mark; false when it is no progress. */
bool
move_fold(struct step *s)
{
	struct job *j = s->j;
	uint64_t done = s->ev->done;

	if (s->ev->total != 0)
		j->total = s->ev->total;
	if (j->total != 0 && done > j->total)
		done = j->total;
	if (done <= j->done)
		return false;
	j->done = done;
	return true;
}

void
move_fetching(struct step *s)
{
	move_begin(s);
	(void)move_fold(s);
	s->j->reason = REASON_NONE;
	s->j->due = move_fetch_due(s);
	move_to(s, JOB_FETCHING);
}

/* Fetched and installing: the first probe comes early, since a device that
 * reports nothing is only seen to be done by being asked. */
void
move_install(struct step *s, enum job_state to)
{
	move_begin(s);
	(void)move_fold(s);
	s->j->reason = REASON_NONE;
	s->j->due = s->now + s->policy->install_ms / PROBE_FIRST_SHARE;
	move_to(s, to);
}

/* --- failure --- */

static void
overload(struct step *s)
{
	const struct backoff_rule *r = &s->policy->backoff.rule[FAIL_OVERLOAD];

	s->j->last_fail = FAIL_OVERLOAD;
	move_requeue(s, s->ev->reason ? s->ev->reason : REASON_PUSH_OVERLOAD,
	    s->now + backoff_steered(s->ev->have_max_age, s->ev->max_age,
	    r->cap_ms, s->rnd));
}

/*
 * One failed attempt of a class. The class's own budget ends the job with
 * the last reason, which is what a person can act on; the total budget ends
 * it as BUDGET, since then no single reason is to blame.
 */
void
move_fail(struct step *s, enum fail_class class, enum track_reason why)
{
	const struct backoff_policy *p = &s->policy->backoff;
	struct job *j = s->j;
	uint64_t total = 0;

	if (class == FAIL_OVERLOAD) {
		overload(s);
		return;
	}
	if (class <= FAIL_NONE || class >= FAIL_CLASSES)
		class = FAIL_EXECUTION;
	j->last_fail = class;
	if (j->fails[class] < UINT32_MAX)
		j->fails[class]++;
	for (size_t i = 0; i < FAIL_CLASSES; i++)
		total += j->fails[i];
	if (j->fails[class] >= p->rule[class].attempts)
		move_end(s, JOB_FAILED, why);
	else if (total >= p->attempts_total)
		move_end(s, JOB_FAILED, REASON_BUDGET);
	else
		move_requeue(s, why, s->now + backoff_delay(&p->rule[class],
		    j->fails[class], s->rnd));
}

void
move_refuse(struct step *s, enum track_reason why)
{
	struct job *j = s->j;

	j->last_fail = FAIL_POLICY;
	if (j->fails[FAIL_POLICY] < UINT32_MAX)
		j->fails[FAIL_POLICY]++;
	move_end(s, JOB_FAILED, why);
}

/* The device asked to be left alone, now; nothing of it is a failure. */
void
move_declined(struct step *s)
{
	int64_t cap = s->policy->backoff.rule[FAIL_OVERLOAD].cap_ms;

	move_requeue(s, REASON_DECLINED, s->now +
	    backoff_steered(true, (uint64_t)cap / 1000, cap, s->rnd));
}
