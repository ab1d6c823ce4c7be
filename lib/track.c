/*
 * track: one job's life as two tables.
 *
 * `states` (track_move.c) says which moves exist at all. `table`, at the end
 * of this file, says what an event does in a state: a handler, or one of two
 * that do nothing: quiet (contact that a device repeats for hours, which
 * must not fill the event log) and note (something a person may look for:
 * logged, no change).
 *
 * An attempt is under way when job.started is not 0. A queued job with one
 * has a trigger in flight: if its answer never comes (we died in between),
 * TRACK_DUE or a second TRACK_ADMITTED turns that into a failure.
 *
 * Two ways lead out of a final state, both in the table: proof that the
 * device runs the target (truth wins over our having given up), and an
 * operator's retry.
 *
 * Rejected: a deadline kept apart from `due`. One column that says when to
 * look next is one index, and a crash can never lose the second of two.
 */
#include "lib/track.h"

#include <assert.h>

#include "lib/track_move.h"

/* The driver answers within EXCHANGE_LIFETIME (RFC 7252 4.8.2) or died. */
#define PUSH_LIFETIME_MS 247000
/* A device that spoke gets a moment to finish what it was saying. */
#define CONTACT_MIN_MS 1000
#define CONTACT_SPREAD_MS 4000
/* Those that were in flight when we died come again within this. */
#define RESTART_SPREAD_MS 30000

/* --- handlers: one event in one state, or in several that are alike --- */

static void
quiet(struct step *s)
{
	(void)s;
}

static void
note(struct step *s)
{
	s->todo |= TRACK_DO_LOG;
}

/* Contact: a job that waits for its device is due now, a moment later. The
 * floor still holds, counted from the failure that made it wait. */
static void
q_contact(struct step *s)
{
	struct job *j = s->j;
	int64_t floor = j->updated +
	    s->policy->backoff.rule[FAIL_TRANSPORT].base_ms;

	if (j->due != 0)
		return;
	j->due = s->now + CONTACT_MIN_MS;
	if (j->due < floor)
		j->due = floor;
	j->due += (int64_t)(s->rnd % (CONTACT_SPREAD_MS + 1));
	s->todo |= TRACK_DO_SAVE | TRACK_DO_LOG;
}

static void
q_reboot(struct step *s)
{
	note(s);
	q_contact(s);
}

/* The push that was under way was never answered, not even by our driver. */
static void
q_due(struct step *s)
{
	if (s->j->started != 0)
		move_fail(s, FAIL_TRANSPORT, REASON_NO_ANSWER);
}

static void
q_admitted(struct step *s)
{
	struct job *j = s->j;

	if (j->started != 0) {
		q_due(s);
		return;
	}
	if (j->due == 0) { /* only the device can end this wait */
		note(s);
		return;
	}
	move_begin(s);
	j->due = s->now + PUSH_LIFETIME_MS;
	move_to(s, JOB_QUEUED);
	s->todo |= TRACK_DO_PUSH;
}

/* What the device was told to wait, in ms; it may take it for a day at
 * most. */
static int64_t
told_ms(const struct step *s)
{
	int64_t cap = s->policy->backoff.rule[FAIL_OVERLOAD].cap_ms;
	int64_t ms = s->ev->have_max_age ? s->ev->max_age * INT64_C(1000) : 0;

	return ms < cap ? ms : cap;
}

static void
q_push_ok(struct step *s)
{
	if (s->j->started == 0) { /* too late: counted as failed already */
		note(s);
		return;
	}
	s->j->due = s->now + s->policy->notify_ms + told_ms(s);
	move_to(s, JOB_NOTIFIED);
}

/* It asked, so that the trigger has come although its answer has not. */
static void
q_steered(struct step *s)
{
	if (s->j->started != 0)
		q_push_ok(s);
}

/* It did what the trigger asked for, and we made it wait: its silence until
 * then is our doing. */
static void
n_steered(struct step *s)
{
	int64_t due = s->now + s->policy->notify_ms + told_ms(s);

	if (due <= s->j->due)
		return;
	s->j->due = due;
	s->todo |= TRACK_DO_SAVE;
}

static void
q_push_fail(struct step *s)
{
	const struct track_event *ev = s->ev;
	struct job *j = s->j;

	if (j->started == 0) {
		note(s);
		return;
	}
	if (ev->permanent) {
		move_refuse(s, ev->reason ? ev->reason : REASON_PUSH_REFUSED);
		return;
	}
	if (ev->reason == REASON_NO_ADDRESS) { /* nothing was sent */
		move_requeue(s, ev->reason, 0);
		return;
	}
	move_fail(s, ev->fail ? ev->fail : FAIL_TRANSPORT,
	    ev->reason ? ev->reason : REASON_NO_ANSWER);
	if (j->state == JOB_QUEUED && j->last_fail == FAIL_TRANSPORT &&
	    j->fails[FAIL_TRANSPORT] >= s->policy->give_up_push)
		j->due = 0; /* waits for contact */
}

static void
fetch_blocks(struct step *s)
{
	if (!move_fold(s))
		return;
	s->j->due = move_fetch_due(s);
	s->j->updated = s->now;
	s->j->grade = s->ev->grade;
	s->todo |= TRACK_DO_SAVE;
}

static void
image_end(struct step *s)
{
	move_install(s, JOB_FETCHED);
}

static void
n_due(struct step *s)
{
	move_fail(s, FAIL_TRANSPORT, REASON_SILENCE_MANIFEST);
}

static void
f_due(struct step *s)
{
	move_fail(s, FAIL_TRANSPORT, REASON_SILENCE_BLOCKS);
}

/* Probes at 1/16, 1/8, 1/4 ... of install_ms after the move into the state
 * (`updated`, which a probe leaves alone), then the verdict. */
static void
i_due(struct step *s)
{
	struct job *j = s->j;
	int64_t elapsed = s->now - j->updated;
	int64_t step = s->policy->install_ms / PROBE_FIRST_SHARE;

	if (elapsed >= s->policy->install_ms) {
		move_fail(s, FAIL_EXECUTION, REASON_SILENCE_INSTALL);
		return;
	}
	if (step < elapsed)
		step = elapsed;
	if (step > s->policy->install_ms - elapsed)
		step = s->policy->install_ms - elapsed;
	j->due = s->now + step;
	s->todo |= TRACK_DO_SAVE | TRACK_DO_PROBE;
}

/* It restarted before it had the image: what it had begun is lost. */
static void
lost(struct step *s)
{
	move_fail(s, FAIL_TRANSPORT, REASON_REBOOTED);
}

/* It restarted with the image: this is the moment of truth. The reason
 * remembers it for i_seen. */
static void
i_reboot(struct step *s)
{
	struct job *j = s->j;

	if (j->state == JOB_FETCHED)
		move_install(s, JOB_INSTALLING);
	else
		note(s);
	if (j->reason != REASON_REBOOTED) {
		j->reason = REASON_REBOOTED;
		s->todo |= TRACK_DO_SAVE;
	}
	s->todo |= TRACK_DO_PROBE;
}

/* --- what it runs --- */

static bool
proven(struct step *s)
{
	struct job *j = s->j;

	if (s->ev->sequence < j->target_seq)
		return false;
	if (s->ev->sequence > j->target_seq) {
		move_refuse(s, REASON_SEQUENCE);
		return true;
	}
	move_end(s, JOB_DONE, REASON_NONE);
	return true;
}

static void
q_seen(struct step *s)
{
	if (!proven(s))
		q_contact(s);
}

static void
seen(struct step *s)
{
	(void)proven(s);
}

static void
i_seen(struct step *s)
{
	bool forward = s->ev->before != 0 && s->ev->sequence > s->ev->before;

	/* one that has gone to another release has not gone back */
	if (!proven(s) && s->j->reason == REASON_REBOOTED && !forward)
		move_fail(s, FAIL_EXECUTION, REASON_ROLLBACK);
}

/* We gave up, the device did not. */
static void
end_seen(struct step *s)
{
	if (s->ev->sequence == s->j->target_seq)
		move_end(s, JOB_DONE, REASON_NONE);
}

/* Done stays done; stronger evidence for it is kept. */
static void
done_seen(struct step *s)
{
	struct job *j = s->j;

	if (s->ev->sequence != j->target_seq || s->ev->grade <= j->grade)
		return;
	j->grade = s->ev->grade;
	s->todo |= TRACK_DO_SAVE | TRACK_DO_LOG;
}

/* --- reports --- */

/* Recovery mode is the worst that can happen, and may show long after the
 * attempt was counted, or was thought to have gone well: the job remembers
 * it, whatever its state, for the gate to see. */
static void
recovery(struct step *s)
{
	const struct track_event *ev = s->ev;
	struct job *j = s->j;

	if (ev->phase != PHASE_FAILED || ev->reason != REASON_RECOVERY ||
	    j->attempt == 0 || j->reason == REASON_RECOVERY ||
	    (ev->attempt != 0 && ev->attempt < j->attempt) ||
	    (ev->target != 0 && ev->target != j->target_seq))
		return;
	j->reason = REASON_RECOVERY;
	s->todo |= TRACK_DO_SAVE;
}

/* A failure that was counted is told again, by who is more to be believed:
 * it is his word that counts from now on. */
static void
failure_again(struct step *s)
{
	const struct track_event *ev = s->ev;
	struct job *j = s->j;

	if (ev->phase != PHASE_FAILED || ev->grade <= j->grade ||
	    (j->state != JOB_QUEUED && j->state != JOB_FAILED) ||
	    j->last_fail == FAIL_NONE || ev->fail == FAIL_NONE ||
	    (ev->target != 0 && ev->target != j->target_seq))
		return;
	j->grade = ev->grade;
	j->last_fail = ev->fail;
	j->reason = ev->reason ? ev->reason : REASON_OTHER;
	s->todo |= TRACK_DO_SAVE;
}

static void
end_report(struct step *s)
{
	note(s);
	recovery(s);
	failure_again(s);
}

static void
report_failed(struct step *s)
{
	const struct track_event *ev = s->ev;
	struct job *j = s->j;
	enum track_reason why = ev->reason ? ev->reason : REASON_OTHER;

	if (ev->fail == FAIL_POLICY) {
		move_refuse(s, why);
	} else if (j->started != 0) {
		move_fail(s, ev->fail, why);
	} else { /* the attempt has been counted as failed already */
		note(s);
		q_contact(s);
		recovery(s);
		failure_again(s);
	}
}

/* What each phase moves a job to, and the states that it is news for. */
static void
report(struct step *s)
{
	const struct track_event *ev = s->ev;
	struct job *j = s->j;

	if ((ev->attempt != 0 && ev->attempt < j->attempt) ||
	    (ev->target != 0 && ev->target != j->target_seq)) {
		note(s); /* it is over, or about another job */
		return;
	}
	switch (ev->phase) {
	case PHASE_IDLE:
		if (j->state == JOB_QUEUED)
			q_contact(s);
		break;
	case PHASE_DOWNLOADING:
		if (j->state < JOB_FETCHING)
			move_fetching(s);
		else if (j->state == JOB_FETCHING)
			fetch_blocks(s);
		break;
	case PHASE_DOWNLOADED:
		if (j->state < JOB_FETCHED)
			move_install(s, JOB_FETCHED);
		break;
	case PHASE_INSTALLING:
		if (j->state < JOB_INSTALLING)
			move_install(s, JOB_INSTALLING);
		break;
	case PHASE_SUCCEEDED:
		if (ev->sequence != 0)
			(void)proven(s);
		else if (ev->target == 0 && j->attempt == 0)
			q_contact(s); /* of the job before, told late */
		else
			move_end(s, JOB_DONE, REASON_NONE);
		break;
	case PHASE_FAILED:
		report_failed(s);
		break;
	case PHASE_DECLINED:
		/* a repeated refusal does not push the date out again */
		if (j->started != 0 || j->reason != REASON_DECLINED)
			move_declined(s);
		break;
	}
	note(s);
}

/* --- the operator --- */

static void
cancel(struct step *s)
{
	move_end(s, JOB_CANCELLED,
	    s->ev->reason ? s->ev->reason : REASON_OPERATOR);
}

static void
supersede(struct step *s)
{
	move_end(s, JOB_SUPERSEDED,
	    s->ev->reason ? s->ev->reason : REASON_NEWER_RELEASE);
}

/* A fresh budget, now. The count of attempts goes on: reports name it. */
static void
retry(struct step *s)
{
	struct job *j = s->j;

	memset(j->fails, 0, sizeof(j->fails));
	j->last_fail = FAIL_NONE;
	move_requeue(s, REASON_NONE, s->now);
}

/* Queued: not while a trigger is in flight. */
static void
q_retry(struct step *s)
{
	if (s->j->started != 0)
		note(s);
	else
		retry(s);
}

/*
 * Whether the trigger went out, and what was answered, died with us. The
 * device has not failed, so that nothing is counted against it: a gate must
 * not stop a campaign for our own death. Nor may a daemon that dies again and
 * again flood its devices: the floor of the class holds from the push on.
 */
static void
q_restart(struct step *s)
{
	struct job *j = s->j;
	int64_t base = s->policy->backoff.rule[FAIL_TRANSPORT].base_ms;
	int64_t due = j->updated + base;

	if (j->started == 0)
		return;
	if (due < s->now)
		due = s->now;
	if (due > s->now + base) /* the clock was set back */
		due = s->now + base;
	move_requeue(s, REASON_NONE, due + CONTACT_MIN_MS +
	    (int64_t)(s->rnd % (RESTART_SPREAD_MS + 1)));
}

/*
 * Its session died with us, which a device learns by silence alone: a CON
 * that nobody answers, then its own back-off. So long its silence says
 * nothing, and its slot is not given to another.
 */
static void
a_restart(struct step *s)
{
	struct job *j = s->j;
	int64_t due = s->now + s->policy->fetch_idle_ms + PUSH_LIFETIME_MS;

	if (j->due >= due)
		return;
	j->due = due;
	s->todo |= TRACK_DO_SAVE;
}

/* Columns: queued, notified, fetching, fetched, installing; then the final
 * ones: done, failed, cancelled, superseded. */
static void (*const table[TRACK_EVENTS][JOB_STATES])(struct step *) = {
	[TRACK_DUE] = {q_due, n_due, f_due, i_due, i_due,
	    quiet, quiet, quiet, quiet},
	[TRACK_ADMITTED] = {q_admitted, note, note, note, note,
	    note, note, note, note},
	/* later states: its answer came after its GET */
	[TRACK_PUSH_OK] = {q_push_ok, quiet, quiet, quiet, quiet,
	    note, note, note, note},
	[TRACK_PUSH_FAIL] = {q_push_fail, note, note, note, note,
	    note, note, note, note},
	[TRACK_MANIFEST_GET] = {move_fetching, move_fetching, quiet, quiet,
	    quiet, quiet, quiet, quiet, quiet},
	[TRACK_BLOCKS] = {move_fetching, move_fetching, fetch_blocks, quiet,
	    quiet, quiet, quiet, quiet, quiet},
	[TRACK_IMAGE_END] = {image_end, image_end, image_end, quiet, quiet,
	    quiet, quiet, quiet, quiet},
	[TRACK_REPORT] = {report, report, report, report, report,
	    end_report, end_report, end_report, note},
	[TRACK_SEEN_RUNNING] = {q_seen, seen, seen, i_seen, i_seen,
	    done_seen, end_seen, end_seen, quiet},
	[TRACK_REBOOT] = {q_reboot, lost, lost, i_reboot, i_reboot,
	    note, note, note, note},
	[TRACK_ALIVE] = {q_contact, quiet, quiet, quiet, quiet,
	    quiet, quiet, quiet, quiet},
	[TRACK_STEERED] = {q_steered, n_steered, quiet, quiet, quiet,
	    quiet, quiet, quiet, quiet},
	[TRACK_CANCEL] = {cancel, cancel, cancel, cancel, cancel,
	    note, note, note, note},
	[TRACK_SUPERSEDE] = {supersede, supersede, supersede, supersede,
	    supersede, note, note, note, note},
	[TRACK_RETRY] = {q_retry, note, note, note, note,
	    note, retry, retry, note},
	[TRACK_RESTART] = {q_restart, a_restart, a_restart, quiet, quiet,
	    quiet, quiet, quiet, quiet},
};

unsigned
track_step(const struct job *job, const struct track_event *ev,
    const struct track_policy *policy, int64_t now, uint64_t rnd,
    struct job *ret_job)
{
	struct job j = *job;
	struct step s = {&j, ev, policy, now, rnd, TRACK_DO_NOTHING};

	assert((unsigned)j.state < JOB_STATES);
	assert((unsigned)ev->type < TRACK_EVENTS);
	table[ev->type][j.state](&s);
	*ret_job = j;
	return s.todo;
}
