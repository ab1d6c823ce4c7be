/*
 * Every event in every state, with every variant of both, against rules
 * written down here a second time and without the tracker's own tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/track.h"

#define NOW 1000000000000LL
#define TARGET 7
#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct track_policy policy;

/* which states may follow which: rows from, columns to */
static const char moves[JOB_STATES][JOB_STATES + 1] = {
	/*           qnFfidxcs */
	[JOB_QUEUED] = "111111111",
	[JOB_NOTIFIED] = "111111111",
	[JOB_FETCHING] = "101111111",
	[JOB_FETCHED] = "100111111",
	[JOB_INSTALLING] = "100011111",
	[JOB_DONE] = "000001000",
	[JOB_FAILED] = "100001100",
	[JOB_CANCELLED] = "100001010",
	[JOB_SUPERSEDED] = "000000001",
};

static bool
same(const struct job *a, const struct job *b)
{
	return a->id == b->id && a->campaign == b->campaign &&
	    a->device == b->device && a->release == b->release &&
	    a->target_seq == b->target_seq && a->state == b->state &&
	    a->grade == b->grade && a->attempt == b->attempt &&
	    memcmp(a->fails, b->fails, sizeof(a->fails)) == 0 &&
	    a->last_fail == b->last_fail && a->reason == b->reason &&
	    a->created == b->created && a->updated == b->updated &&
	    a->due == b->due && a->started == b->started &&
	    a->done == b->done && a->total == b->total &&
	    a->version == b->version;
}

/* The first rule that is broken, or NULL. */
static const char *
moved_wrongly(const struct job *a, const struct track_event *ev,
    const struct job *b)
{
	bool was = job_state_final(a->state), is = job_state_final(b->state);

	if (moves[a->state][b->state] != '1')
		return "a move that is not in the table";
	if (was && a->state != b->state) {
		bool proof = ev->type == TRACK_SEEN_RUNNING &&
		    ev->sequence == a->target_seq && b->state == JOB_DONE;
		bool retry = ev->type == TRACK_RETRY &&
		    b->state == JOB_QUEUED;

		if (!proof && !retry)
			return "a final state was left";
	}
	if (is && b->due != 0)
		return "a final state has a due time";
	if (!is && b->due == 0 && (b->state != JOB_QUEUED || b->started != 0))
		return "waits for ever";
	if (!is && b->state != JOB_QUEUED && (b->started == 0 ||
	    b->attempt == 0))
		return "under way without an attempt";
	if (ev->type == TRACK_REPORT && ev->attempt != 0 &&
	    ev->attempt < a->attempt && !same(a, b))
		return "an old report changed something";
	return NULL;
}

static const char *
counted_wrongly(const struct job *a, const struct track_event *ev,
    const struct job *b)
{
	uint32_t failed = 0;

	if (a->id != b->id || a->campaign != b->campaign ||
	    a->device != b->device || a->release != b->release ||
	    a->target_seq != b->target_seq || a->created != b->created ||
	    a->version != b->version)
		return "identity changed";
	if (b->attempt != a->attempt && (b->attempt != a->attempt + 1 ||
	    a->started != 0 || b->started == 0))
		return "an attempt was miscounted";
	if (b->started != 0 && a->started == 0 && b->attempt == a->attempt)
		return "an attempt was not counted";
	if (b->attempt == a->attempt && b->done < a->done)
		return "progress went backwards within an attempt";
	if (b->total != 0 && b->done > b->total)
		return "more was done than there is";
	for (size_t i = 0; i < FAIL_CLASSES; i++) {
		if (ev->type == TRACK_RETRY)
			continue;
		if (b->fails[i] < a->fails[i])
			return "a failure was forgotten";
		failed += b->fails[i] - a->fails[i];
	}
	if (failed > 1)
		return "one event failed twice";
	if (b->fails[FAIL_OVERLOAD] != a->fails[FAIL_OVERLOAD])
		return "overload was counted as a failure";
	return NULL;
}

static const char *
timed_wrongly(const struct job *a, const struct track_event *ev,
    const struct job *b, int64_t now)
{
	const struct backoff_rule *r = policy.backoff.rule;

	if (b->due != a->due && b->due != 0 && b->due < now)
		return "due in the past";
	for (size_t i = 0; i < FAIL_CLASSES; i++) {
		if (b->fails[i] <= a->fails[i] || b->state != JOB_QUEUED)
			continue;
		if (i == FAIL_POLICY)
			return "a policy failure is retried";
		if (b->due != 0 && b->due < now + r[i].base_ms)
			return "a retry below the floor";
		if (b->due > now + r[i].cap_ms)
			return "a retry above the cap";
		if (b->due == 0 && (ev->type != TRACK_PUSH_FAIL ||
		    b->fails[FAIL_TRANSPORT] < policy.give_up_push))
			return "gave up pushing too early";
	}
	return NULL;
}

static const char *
todo_wrong(const struct job *a, const struct track_event *ev,
    const struct job *b, unsigned todo)
{
	if (!same(a, b) && (todo & TRACK_DO_SAVE) == 0)
		return "a change is not saved";
	if (a->state != b->state && (todo & TRACK_DO_LOG) == 0)
		return "a move is not logged";
	if ((todo & TRACK_DO_PUSH) != 0 && (ev->type != TRACK_ADMITTED ||
	    a->state != JOB_QUEUED || a->started != 0 || a->due == 0 ||
	    b->started == 0 || (todo & TRACK_DO_SAVE) == 0))
		return "a push at the wrong time";
	if ((todo & TRACK_DO_PROBE) != 0 && b->state != JOB_FETCHED &&
	    b->state != JOB_INSTALLING)
		return "a probe at the wrong time";
	return NULL;
}

static void
apply(struct job *j, const struct track_event *ev, int64_t now, uint64_t rnd)
{
	struct job b = {0};
	unsigned todo = track_step(j, ev, &policy, now, rnd, &b);
	const char *bad = moved_wrongly(j, ev, &b);

	bad = bad ? bad : counted_wrongly(j, ev, &b);
	bad = bad ? bad : timed_wrongly(j, ev, &b, now);
	bad = bad ? bad : todo_wrong(j, ev, &b, todo);
	if (bad != NULL)
		fail_msg("%s: %s in %s (phase %d fail %d) -> %s", bad,
		    track_event_name(ev->type), job_state_name(j->state),
		    ev->phase, ev->fail, job_state_name(b.state));
	*j = b;
}

/* --- the exhaustive run --- */

/* Engine's own: one of them is sent once, for a job that is due. */
static bool
may_repeat(enum track_event_type t)
{
	return t != TRACK_DUE && t != TRACK_ADMITTED;
}

static void
try_one(const struct job *job, const struct track_event *ev, uint64_t rnd)
{
	struct job j = *job, again = *job, twice;

	apply(&j, ev, NOW, rnd);
	track_step(&again, ev, &policy, NOW, rnd, &again); /* same storage */
	if (!same(&j, &again))
		fail_msg("not a pure function of its arguments");
	if (!may_repeat(ev->type))
		return;
	twice = j;
	apply(&twice, ev, NOW, rnd);
	if (!same(&j, &twice))
		fail_msg("%s twice in %s changes %s twice",
		    track_event_name(ev->type), job_state_name(job->state),
		    job_state_name(j.state));
}

static void
try_reports(const struct job *j, struct track_event ev, uint64_t rnd)
{
	const uint32_t attempts[] = {0, j->attempt > 0 ? j->attempt - 1 : 0,
	    j->attempt, j->attempt + 1};
	const uint64_t seqs[] = {0, TARGET - 1, TARGET, TARGET + 1};
	const enum track_reason reasons[] = {REASON_NONE, REASON_DIGEST};

	for (int p = PHASE_IDLE; p <= PHASE_DECLINED; p++)
		for (int f = 0; f < FAIL_CLASSES; f++)
			for (size_t i = 0; i < N(attempts) * N(seqs) *
			    N(reasons); i++) {
				ev.phase = (enum report_phase)p;
				ev.fail = (enum fail_class)f;
				ev.attempt = attempts[i % N(attempts)];
				ev.sequence = seqs[i / 4 % N(seqs)];
				ev.reason = reasons[i / 16];
				try_one(j, &ev, rnd);
			}
}

static void
try_push_fails(const struct job *j, struct track_event ev, uint64_t rnd)
{
	static const enum track_reason reasons[] = {REASON_NONE,
	    REASON_NO_ANSWER, REASON_NO_ADDRESS, REASON_PUSH_OVERLOAD};

	for (int f = 0; f < FAIL_CLASSES; f++)
		for (size_t i = 0; i < N(reasons); i++)
			for (int k = 0; k < 4; k++) {
				ev.fail = (enum fail_class)f;
				ev.reason = reasons[i];
				ev.permanent = k & 1;
				ev.have_max_age = k & 2;
				ev.max_age = UINT32_MAX;
				try_one(j, &ev, rnd);
			}
}

static void
try_events(const struct job *j, uint64_t rnd)
{
	static const uint64_t done[] = {0, 1, 4095, 4096, UINT64_MAX};

	for (int t = 0; t < TRACK_EVENTS; t++)
		for (int g = GRADE_L0; g <= GRADE_L2; g++) {
			struct track_event ev = {
				.type = (enum track_event_type)t,
				.grade = (enum grade)g,
			};

			try_one(j, &ev, rnd);
			for (size_t i = 0; i < N(done); i++) {
				ev.done = done[i];
				ev.total = i % 2 ? 4096 : 0;
				try_one(j, &ev, rnd);
			}
			for (uint64_t s = TARGET - 1; s <= TARGET + 1; s++) {
				ev.sequence = s;
				try_one(j, &ev, rnd);
			}
			if (ev.type == TRACK_REPORT)
				try_reports(j, ev, rnd);
			if (ev.type == TRACK_PUSH_FAIL)
				try_push_fails(j, ev, rnd);
		}
}

static void
MODE_THING_every_event_in_every_state(void **state)
{
	static const enum track_reason reasons[] = {REASON_NONE,
	    REASON_DECLINED, REASON_REBOOTED};
	static const uint32_t fails[] = {0, 1, 4, 22};
	uint64_t seed = 11;

	(void)state;
	for (int s = 0; s < JOB_STATES; s++)
		for (size_t i = 0; i < N(reasons) * N(fails) * 3; i++) {
			bool queued = s == JOB_QUEUED;
			size_t k = i % 3; /* queued: in flight, due, waits */
			struct job j = {
				.id = 1, .campaign = 2, .device = 3,
				.release = 4, .target_seq = TARGET,
				.state = (enum job_state)s,
				.attempt = queued && k ? (uint32_t)k - 1 : 5,
				.reason = reasons[i / 3 % N(reasons)],
				.created = 1, .updated = NOW - 50000,
				.version = 9,
				.started = queued && k ? 0 : NOW - 60000,
				.due = job_state_final((enum job_state)s) ||
				    (queued && k == 2) ? 0 : NOW - (int)k,
				.done = k * 2048, .total = k ? 4096 : 0,
			};

			j.fails[FAIL_TRANSPORT] = fails[i / 9];
			j.fails[FAIL_EXECUTION] = fails[i / 9] > 1;
			try_events(&j, backoff_rand(&seed));
		}
}

/* --- random lives --- */

static struct track_event
any_event(uint64_t *seed, const struct job *j)
{
	uint64_t r = backoff_rand(seed);

	return (struct track_event){
		.type = (enum track_event_type)(r % TRACK_EVENTS),
		.grade = (enum grade)(r >> 8 & 1),
		.phase = (enum report_phase)((r >> 12) % (PHASE_DECLINED + 1)),
		.fail = (enum fail_class)((r >> 16) % FAIL_CLASSES),
		.reason = (enum track_reason)((r >> 20) % REASONS),
		.permanent = (r >> 28 & 15) == 0,
		.attempt = (r >> 32 & 1) ? 0 : j->attempt + (r >> 33 & 1),
		.sequence = (r >> 36 & 63) == 0 ? TARGET : TARGET - 1,
		.done = backoff_rand(seed) % 70000,
		.total = 65536,
		.have_max_age = r >> 60 & 1,
		.max_age = (uint32_t)(backoff_rand(seed) >>
		    (32 + backoff_rand(seed) % 32)),
	};
}

/* From here on the device is silent: the clock alone must end the job or
 * bring it to where only the device can move it. */
static void
silence(struct job *j, int64_t now, uint64_t *seed)
{
	struct track_event ev = {.type = TRACK_DUE};
	int steps = 0;

	while (!job_state_final(j->state) && j->due != 0) {
		bool queued = j->state == JOB_QUEUED;

		if (++steps > 400)
			fail_msg("%s for ever", job_state_name(j->state));
		now = j->due > now ? j->due : now;
		ev.type = TRACK_DUE;
		if (queued && j->started == 0)
			ev.type = TRACK_ADMITTED;
		else if (queued)
			ev.type = TRACK_PUSH_FAIL;
		ev.fail = FAIL_TRANSPORT;
		apply(j, &ev, now, backoff_rand(seed));
	}
}

static void
random_lives_keep_the_rules(void **state)
{
	unsigned ended[JOB_STATES] = {0};

	(void)state;
	for (uint64_t s = 1; s <= 5000; s++) {
		uint64_t seed = s;
		int64_t now = NOW;
		struct job j;

		track_init(&j, 1, 2, TARGET, now);
		for (int i = 0; i < 60; i++) {
			struct track_event ev = any_event(&seed, &j);

			now += (int64_t)(backoff_rand(&seed) % 300000);
			/* the engine sends these for due jobs only, and an
			 * operator would end most lives at once */
			if ((ev.type == TRACK_DUE ||
			    ev.type == TRACK_ADMITTED) && j.due > now)
				continue;
			if ((ev.type == TRACK_CANCEL ||
			    ev.type == TRACK_SUPERSEDE) && ev.reason > 1)
				continue;
			apply(&j, &ev, now, backoff_rand(&seed));
		}
		silence(&j, now, &seed);
		ended[j.state]++;
	}
	/* the run reached what it is meant to test */
	assert_true(ended[JOB_QUEUED] > 0 && ended[JOB_DONE] > 0);
	assert_true(ended[JOB_FAILED] > 0 && ended[JOB_CANCELLED] > 0);
	assert_true(ended[JOB_SUPERSEDED] > 0);
}

static int
defaults(void **state)
{
	(void)state;
	track_policy_default(&policy);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(MODE_THING_every_event_in_every_state),
		cmocka_unit_test(random_lives_keep_the_rules),
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
