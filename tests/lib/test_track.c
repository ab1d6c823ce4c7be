/* Lives of jobs, as devices of each kind lead them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/track.h"

#define SEQ 7
#define START 1000000000000LL
#define SECOND 1000LL

static struct track_policy policy;

struct life {
	struct job j;
	int64_t now;
	uint64_t seed;
	unsigned todo; /* of the last step */
};

static struct life
born(void)
{
	struct life l = {.now = START, .seed = 5};

	track_init(&l.j, 1, 2, SEQ, l.now);
	return l;
}

static void
send(struct life *l, const struct track_event *ev)
{
	l->todo = track_step(&l->j, ev, &policy, l->now,
	    backoff_rand(&l->seed), &l->j);
	l->now += SECOND;
}

static void
on(struct life *l, enum track_event_type t)
{
	send(l, &(struct track_event){.type = t});
}

static void
runs(struct life *l, uint64_t seq)
{
	send(l, &(struct track_event){.type = TRACK_SEEN_RUNNING,
	    .sequence = seq});
}

static void
says(struct life *l, enum report_phase p)
{
	send(l, &(struct track_event){.type = TRACK_REPORT, .phase = p,
	    .grade = GRADE_L1, .attempt = l->j.attempt});
}

static void
says_failed(struct life *l, enum fail_class c, enum track_reason r)
{
	send(l, &(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = c, .reason = r});
}

static void
blocks(struct life *l, uint64_t done)
{
	send(l, &(struct track_event){.type = TRACK_BLOCKS, .done = done,
	    .total = 65536});
}

static void
push_fails(struct life *l, enum fail_class c, enum track_reason r)
{
	send(l, &(struct track_event){.type = TRACK_PUSH_FAIL, .fail = c,
	    .reason = r});
}

/* The clock reaches the job's due time. */
static void
wait(struct life *l, enum track_event_type t)
{
	assert_true(l->j.due != 0);
	if (l->now < l->j.due)
		l->now = l->j.due;
	on(l, t);
}

/* Queued to notified. */
static void
pushed(struct life *l)
{
	wait(l, TRACK_ADMITTED);
	assert_true(l->todo & TRACK_DO_PUSH);
	on(l, TRACK_PUSH_OK);
	assert_int_equal(l->j.state, JOB_NOTIFIED);
}

static void
to_state(struct life *l, enum job_state s)
{
	*l = born();
	if (s >= JOB_NOTIFIED)
		pushed(l);
	if (s >= JOB_FETCHING)
		on(l, TRACK_MANIFEST_GET);
	if (s >= JOB_FETCHED)
		on(l, TRACK_IMAGE_END);
	if (s >= JOB_INSTALLING)
		on(l, TRACK_REBOOT);
	assert_int_equal(l->j.state, s);
}

#define STATE(l, s) assert_int_equal((l)->j.state, JOB_##s)
#define REASON(l, r) assert_int_equal((l)->j.reason, REASON_##r)

/* --- happy paths --- */

static void
trigger_and_silence_is_how_riot_does_it(void **state)
{
	struct life l = born();
	int probes = 0;

	(void)state;
	pushed(&l);
	assert_int_equal(l.j.attempt, 1);
	on(&l, TRACK_MANIFEST_GET);
	STATE(&l, FETCHING);
	for (uint64_t done = 4096; done <= 65536; done += 4096) {
		l.now += 20 * SECOND;
		assert_true(l.now < l.j.due);
		blocks(&l, done);
		assert_int_equal(l.todo, TRACK_DO_SAVE);
	}
	on(&l, TRACK_IMAGE_END);
	STATE(&l, FETCHED);
	for (; probes < 3; probes++) {
		wait(&l, TRACK_DUE);
		assert_true(l.todo & TRACK_DO_PROBE);
		runs(&l, SEQ - 1); /* still the old slot */
		STATE(&l, FETCHED);
	}
	runs(&l, SEQ);
	STATE(&l, DONE);
	assert_int_equal(l.j.grade, GRADE_L0);
	assert_int_equal(l.j.attempt, 1);
	assert_int_equal(l.j.done, 65536);
	assert_int_equal(l.j.due, 0);
}

static void
a_reporting_device_goes_through_every_phase(void **state)
{
	struct life l = born();

	(void)state;
	pushed(&l);
	on(&l, TRACK_MANIFEST_GET);
	says(&l, PHASE_DOWNLOADING);
	STATE(&l, FETCHING);
	says(&l, PHASE_DOWNLOADED);
	STATE(&l, FETCHED);
	assert_int_equal(l.j.grade, GRADE_L1);
	says(&l, PHASE_INSTALLING);
	STATE(&l, INSTALLING);
	on(&l, TRACK_REBOOT);
	assert_true(l.todo & TRACK_DO_PROBE);
	runs(&l, SEQ);
	STATE(&l, DONE);
}

static void
a_pulling_device_needs_no_push(void **state)
{
	struct life l = born();

	(void)state;
	on(&l, TRACK_MANIFEST_GET);
	STATE(&l, FETCHING);
	assert_int_equal(l.j.attempt, 1);
	assert_true(l.j.due > l.now);
	on(&l, TRACK_IMAGE_END);
	says(&l, PHASE_SUCCEEDED);
	STATE(&l, DONE);
	assert_int_equal(l.j.attempt, 1);
}

static void
it_may_run_the_release_already(void **state)
{
	struct life l = born();

	(void)state;
	runs(&l, SEQ);
	STATE(&l, DONE);
	assert_int_equal(l.j.attempt, 0);
}

/* --- the push --- */

static void
acceptance_is_not_progress(void **state)
{
	struct life l = born();
	int64_t floor = policy.backoff.rule[FAIL_TRANSPORT].base_ms;

	(void)state;
	pushed(&l);
	wait(&l, TRACK_DUE);
	STATE(&l, QUEUED);
	REASON(&l, SILENCE_MANIFEST);
	assert_int_equal(l.j.fails[FAIL_TRANSPORT], 1);
	assert_true(l.j.due - l.j.updated >= floor);
	pushed(&l);
	assert_int_equal(l.j.attempt, 2);
}

static void
MODE_HYBRID_no_answer_waits_for_contact_and_comes_back(void **state)
{
	struct life l = born();
	int64_t gave_up;

	(void)state;
	for (unsigned n = 1; n <= policy.give_up_push; n++) {
		assert_true(l.j.due != 0);
		wait(&l, TRACK_ADMITTED);
		assert_int_equal(l.j.attempt, n);
		push_fails(&l, FAIL_TRANSPORT, REASON_NO_ANSWER);
		STATE(&l, QUEUED);
	}
	REASON(&l, NO_ANSWER);
	assert_int_equal(l.j.due, 0);
	gave_up = l.j.updated;
	on(&l, TRACK_ADMITTED); /* not even when asked */
	assert_false(l.todo & TRACK_DO_PUSH);
	/* it speaks at once: the floor still holds */
	on(&l, TRACK_ALIVE);
	assert_true(l.j.due >= gave_up +
	    policy.backoff.rule[FAIL_TRANSPORT].base_ms);
	pushed(&l);
	/* it is silent again, and speaks a day later: due in a moment */
	wait(&l, TRACK_DUE);
	wait(&l, TRACK_ADMITTED);
	push_fails(&l, FAIL_TRANSPORT, REASON_NO_ANSWER);
	assert_int_equal(l.j.due, 0);
	l.now += 86400 * SECOND;
	on(&l, TRACK_REBOOT);
	assert_true(l.j.due > l.now - SECOND);
	assert_true(l.j.due < l.now + 10 * SECOND);
}

static void
contact_does_not_shorten_a_backoff(void **state)
{
	struct life l = born();
	int64_t due;

	(void)state;
	wait(&l, TRACK_ADMITTED);
	push_fails(&l, FAIL_TRANSPORT, REASON_NO_ANSWER);
	due = l.j.due;
	on(&l, TRACK_ALIVE);
	assert_int_equal(l.todo, TRACK_DO_NOTHING);
	assert_true(l.j.due == due);
}

static void
without_an_address_it_waits_and_nothing_failed(void **state)
{
	struct life l = born();

	(void)state;
	wait(&l, TRACK_ADMITTED);
	push_fails(&l, FAIL_TRANSPORT, REASON_NO_ADDRESS);
	STATE(&l, QUEUED);
	assert_int_equal(l.j.due, 0);
	assert_int_equal(l.j.fails[FAIL_TRANSPORT], 0);
	on(&l, TRACK_MANIFEST_GET);
	STATE(&l, FETCHING);
}

static void
a_permanent_answer_ends_it_at_once(void **state)
{
	static const enum track_reason reasons[] = {
		REASON_PUSH_NOT_FOUND, REASON_PUSH_METHOD,
		REASON_PUSH_TOO_LARGE, REASON_PUSH_REFUSED,
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct life l = born();

		wait(&l, TRACK_ADMITTED);
		send(&l, &(struct track_event){.type = TRACK_PUSH_FAIL,
		    .fail = FAIL_TRANSPORT, .reason = reasons[i],
		    .permanent = true});
		STATE(&l, FAILED);
		assert_int_equal(l.j.reason, reasons[i]);
		assert_int_equal(l.j.attempt, 1);
	}
}

static void
overload_is_steered_and_no_failure(void **state)
{
	struct track_event ev = {.type = TRACK_PUSH_FAIL,
	    .fail = FAIL_OVERLOAD, .have_max_age = true, .max_age = 600};
	struct life l = born();

	(void)state;
	for (int i = 0; i < 100; i++) {
		wait(&l, TRACK_ADMITTED);
		send(&l, &ev);
		STATE(&l, QUEUED);
		REASON(&l, PUSH_OVERLOAD);
		assert_in_range(l.j.due - l.j.updated, 600 * SECOND,
		    630 * SECOND);
	}
	for (int c = 0; c < FAIL_CLASSES; c++)
		assert_int_equal(l.j.fails[c], 0);
	ev.max_age = UINT32_MAX;
	wait(&l, TRACK_ADMITTED);
	send(&l, &ev);
	assert_true(l.j.due - l.j.updated <= (86400 + 30) * SECOND);
}

static void
MODE_SERVER_an_answer_that_comes_late_changes_nothing(void **state)
{
	struct life l = born();
	struct job before;

	(void)state;
	wait(&l, TRACK_ADMITTED);
	push_fails(&l, FAIL_TRANSPORT, REASON_NO_ANSWER);
	before = l.j;
	on(&l, TRACK_PUSH_OK);
	assert_int_equal(l.todo, TRACK_DO_LOG);
	push_fails(&l, FAIL_TRANSPORT, REASON_NO_ANSWER);
	assert_int_equal(l.todo, TRACK_DO_LOG);
	assert_memory_equal(&before, &l.j, sizeof(before));
	/* the GET came before the answer to the trigger that caused it */
	wait(&l, TRACK_ADMITTED);
	on(&l, TRACK_MANIFEST_GET);
	assert_int_equal(l.j.attempt, 2);
	on(&l, TRACK_PUSH_OK);
	STATE(&l, FETCHING);
	push_fails(&l, FAIL_TRANSPORT, REASON_NO_ANSWER);
	STATE(&l, FETCHING);
}

static void
MODE_SERVER_a_crash_in_a_push_makes_no_second_push(void **state)
{
	struct life l = born();

	(void)state;
	for (int i = 0; i < 2; i++) {
		wait(&l, TRACK_ADMITTED); /* saved, and then we died */
		assert_true(l.j.due > l.now);
		wait(&l, i ? TRACK_DUE : TRACK_ADMITTED);
		assert_false(l.todo & TRACK_DO_PUSH);
		STATE(&l, QUEUED);
		assert_int_equal(l.j.started, 0);
		assert_int_equal(l.j.fails[FAIL_TRANSPORT], i + 1);
	}
	pushed(&l);
	assert_int_equal(l.j.attempt, 3);
}

/* --- the download --- */

static void
DOS_SILENCE_silence_of_a_download_is_a_failure(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	blocks(&l, 4096);
	wait(&l, TRACK_DUE);
	STATE(&l, QUEUED);
	REASON(&l, SILENCE_BLOCKS);
	/* it goes on by itself, without a push */
	blocks(&l, 8192);
	STATE(&l, FETCHING);
	assert_int_equal(l.j.attempt, 2);
	assert_int_equal(l.j.done, 8192);
}

static void
TUF_SLOW_only_progress_renews_the_deadline(void **state)
{
	struct life l;
	int64_t due;

	(void)state;
	to_state(&l, JOB_FETCHING);
	blocks(&l, 8192);
	due = l.j.due;
	blocks(&l, 8192);
	blocks(&l, 4096);
	on(&l, TRACK_MANIFEST_GET);
	on(&l, TRACK_ALIVE);
	assert_true(l.j.due == due);
	assert_int_equal(l.j.done, 8192);
	blocks(&l, 8193);
	assert_true(l.j.due > due);
}

static void
a_larger_rest_has_a_longer_deadline(void **state)
{
	struct track_event ev = {.type = TRACK_BLOCKS, .done = 1024};
	struct life small = born(), large = born();

	(void)state;
	ev.total = 2048;
	send(&small, &ev);
	assert_int_equal(small.j.due - START,
	    policy.fetch_idle_ms + policy.fetch_per_kib_ms);
	ev.total = 1024 + 64 * 1024;
	send(&large, &ev);
	assert_int_equal(large.j.due - START,
	    policy.fetch_idle_ms + 64 * policy.fetch_per_kib_ms);
	/* a claimed size cannot buy patience without end */
	ev.total = UINT64_MAX;
	large = born();
	send(&large, &ev);
	assert_true(large.j.due - START <= policy.fetch_idle_ms +
	    1024 * 1024 * policy.fetch_per_kib_ms);
}

static void
a_device_that_dies_half_way_comes_back(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	blocks(&l, 30000);
	on(&l, TRACK_REBOOT);
	STATE(&l, QUEUED);
	REASON(&l, REBOOTED);
	runs(&l, SEQ - 1);
	STATE(&l, QUEUED);
	on(&l, TRACK_MANIFEST_GET);
	assert_int_equal(l.j.done, 0); /* from the start again: RIOT */
	blocks(&l, 4096);
	assert_int_equal(l.j.done, 4096);
	blocks(&l, 65536);
	on(&l, TRACK_IMAGE_END);
	on(&l, TRACK_REBOOT);
	runs(&l, SEQ);
	STATE(&l, DONE);
	assert_int_equal(l.j.attempt, 2);
	assert_int_equal(l.j.fails[FAIL_TRANSPORT], 1);
}

/* --- the install --- */

static void
DOS_SILENCE_silence_of_an_install_is_probed_then_failed(void **state)
{
	struct life l;
	int64_t entered;
	int probes = 0;

	(void)state;
	to_state(&l, JOB_FETCHED);
	entered = l.j.updated;
	while (l.j.state == JOB_FETCHED) {
		wait(&l, TRACK_DUE);
		probes += (l.todo & TRACK_DO_PROBE) != 0;
		assert_false(l.todo & TRACK_DO_PUSH);
	}
	assert_in_range(probes, 3, 8);
	assert_true(l.j.updated >= entered + policy.install_ms);
	STATE(&l, QUEUED);
	REASON(&l, SILENCE_INSTALL);
	assert_int_equal(l.j.fails[FAIL_EXECUTION], 1);
	assert_true(l.j.due >= l.j.updated +
	    policy.backoff.rule[FAIL_EXECUTION].base_ms);
	/* a late clock does not move the verdict */
	to_state(&l, JOB_FETCHED);
	entered = l.j.updated;
	l.now = entered + policy.install_ms * 2 / 3;
	on(&l, TRACK_DUE);
	assert_true(l.j.due == entered + policy.install_ms);
}

/* It had begun to update itself to a release in between when its job came. */
static void
a_version_in_between_is_no_roll_back(void **state)
{
	struct track_event ev = {.type = TRACK_SEEN_RUNNING,
	    .sequence = SEQ - 1, .before = SEQ - 2};
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHED);
	on(&l, TRACK_REBOOT);
	send(&l, &ev);
	STATE(&l, INSTALLING);
	ev.before = SEQ - 1; /* the same as before: it is one */
	send(&l, &ev);
	STATE(&l, QUEUED);
	REASON(&l, ROLLBACK);
}

static void
the_old_version_after_a_restart_is_a_roll_back(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHED);
	runs(&l, SEQ - 1); /* not restarted yet: says nothing */
	STATE(&l, FETCHED);
	on(&l, TRACK_REBOOT);
	STATE(&l, INSTALLING);
	runs(&l, SEQ - 1);
	STATE(&l, QUEUED);
	REASON(&l, ROLLBACK);
	assert_int_equal(l.j.last_fail, FAIL_EXECUTION);
	for (unsigned i = 1; i < 3; i++) {
		pushed(&l);
		on(&l, TRACK_IMAGE_END);
		on(&l, TRACK_REBOOT);
		runs(&l, SEQ - 1);
	}
	STATE(&l, FAILED); /* three are enough */
	REASON(&l, ROLLBACK);
}

static void
an_old_version_while_fetching_is_normal(void **state)
{
	struct life l;

	(void)state;
	for (int s = JOB_QUEUED; s <= JOB_FETCHED; s++) {
		to_state(&l, (enum job_state)s);
		runs(&l, SEQ - 1);
		assert_int_equal(l.j.state, s);
		assert_int_equal(l.j.last_fail, FAIL_NONE);
	}
}

static void
a_newer_version_is_refused_in_every_state(void **state)
{
	struct life l;

	(void)state;
	for (int s = JOB_QUEUED; s <= JOB_INSTALLING; s++) {
		to_state(&l, (enum job_state)s);
		runs(&l, SEQ + 1);
		STATE(&l, FAILED);
		REASON(&l, SEQUENCE);
		assert_int_equal(l.j.last_fail, FAIL_POLICY);
	}
}

/* --- reports --- */

static void
failures_are_retried_by_their_class(void **state)
{
	static const struct {
		enum fail_class class;
		unsigned tries;
	} v[] = {
		{FAIL_INTEGRITY, 4}, {FAIL_EXECUTION, 3}, {FAIL_POLICY, 1},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct life l = born();
		unsigned tries = 0;

		while (l.j.state == JOB_QUEUED) {
			pushed(&l);
			on(&l, TRACK_MANIFEST_GET);
			says_failed(&l, v[i].class, REASON_OTHER);
			tries++;
		}
		STATE(&l, FAILED);
		REASON(&l, OTHER); /* the reason, not "budget" */
		assert_int_equal(l.j.last_fail, v[i].class);
		assert_int_equal(tries, v[i].tries);
	}
}

static void
a_spent_total_budget_says_so(void **state)
{
	struct track_policy p = policy;
	struct life l = born();

	(void)state;
	policy.backoff.attempts_total = 3;
	pushed(&l);
	says_failed(&l, FAIL_INTEGRITY, REASON_DIGEST);
	pushed(&l);
	says_failed(&l, FAIL_EXECUTION, REASON_BOOT);
	STATE(&l, QUEUED);
	pushed(&l);
	says_failed(&l, FAIL_TRANSPORT, REASON_DOWNLOAD);
	policy = p;
	STATE(&l, FAILED);
	REASON(&l, BUDGET);
	assert_int_equal(l.j.last_fail, FAIL_TRANSPORT);
}

static void
a_failure_is_counted_once(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	says_failed(&l, FAIL_INTEGRITY, REASON_DIGEST);
	says_failed(&l, FAIL_INTEGRITY, REASON_DIGEST);
	assert_int_equal(l.j.fails[FAIL_INTEGRITY], 1);
	/* nor when silence was counted before the report came */
	to_state(&l, JOB_FETCHING);
	wait(&l, TRACK_DUE);
	says_failed(&l, FAIL_EXECUTION, REASON_STORAGE);
	assert_int_equal(l.j.fails[FAIL_EXECUTION], 0);
	/* but a refusal that comes late still ends it */
	says_failed(&l, FAIL_POLICY, REASON_SIGNATURE);
	STATE(&l, FAILED);
	REASON(&l, SIGNATURE);
}

static void
REQ_SEC_REPORTING_a_replayed_report_changes_nothing(void **state)
{
	struct life l;
	struct job before;

	(void)state;
	to_state(&l, JOB_FETCHING);
	says_failed(&l, FAIL_TRANSPORT, REASON_DOWNLOAD);
	pushed(&l);
	assert_int_equal(l.j.attempt, 2);
	before = l.j;
	for (int p = PHASE_IDLE; p <= PHASE_DECLINED; p++) {
		send(&l, &(struct track_event){.type = TRACK_REPORT,
		    .phase = (enum report_phase)p, .attempt = 1,
		    .fail = FAIL_POLICY, .sequence = SEQ});
		assert_int_equal(l.todo, TRACK_DO_LOG);
		assert_memory_equal(&before, &l.j, sizeof(before));
	}
}

static void
a_report_of_another_target_is_not_ours(void **state)
{
	struct life l;
	struct job before;

	(void)state;
	to_state(&l, JOB_FETCHING);
	before = l.j;
	for (int p = PHASE_IDLE; p <= PHASE_DECLINED; p++)
		for (uint64_t t = SEQ - 1; t <= SEQ + 1; t += 2) {
			send(&l, &(struct track_event){.type = TRACK_REPORT,
			    .phase = (enum report_phase)p, .target = t,
			    .fail = FAIL_POLICY});
			assert_int_equal(l.todo, TRACK_DO_LOG);
			assert_memory_equal(&before, &l.j, sizeof(before));
		}
	send(&l, &(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_DOWNLOADED, .target = SEQ});
	STATE(&l, FETCHED);
}

static void
progress_does_not_go_backwards(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_INSTALLING);
	for (int p = PHASE_IDLE; p <= PHASE_INSTALLING; p++) {
		says(&l, (enum report_phase)p);
		STATE(&l, INSTALLING);
	}
	blocks(&l, 65536);
	on(&l, TRACK_MANIFEST_GET);
	on(&l, TRACK_IMAGE_END);
	STATE(&l, INSTALLING);
}

static void
lies_do_not_make_more_than_a_lie(void **state)
{
	struct life l = born();

	(void)state;
	/* success with a version that is not the target's */
	send(&l, &(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_SUCCEEDED, .sequence = SEQ - 1});
	STATE(&l, QUEUED);
	/* more bytes than there are */
	send(&l, &(struct track_event){.type = TRACK_BLOCKS,
	    .done = UINT64_MAX, .total = 100});
	assert_int_equal(l.j.done, 100);
	STATE(&l, FETCHING);
	/* a claim is worth its grade, and proof is worth more */
	says(&l, PHASE_SUCCEEDED);
	STATE(&l, DONE);
	assert_int_equal(l.j.grade, GRADE_L1);
	send(&l, &(struct track_event){.type = TRACK_SEEN_RUNNING,
	    .sequence = SEQ, .grade = GRADE_L2});
	assert_int_equal(l.j.grade, GRADE_L2);
	runs(&l, SEQ);
	assert_int_equal(l.j.grade, GRADE_L2);
}

/* Once as a claim, then signed: it is one failure, by the better word. */
static void
a_failure_that_is_proven_later_counts_as_proven(void **state)
{
	const struct track_event proof = {.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .grade = GRADE_L2, .target = SEQ,
	    .fail = FAIL_INTEGRITY, .reason = REASON_DIGEST};
	struct track_event other = proof;
	struct life l;

	(void)state;
	other.target = SEQ + 1;
	for (int final = 0; final < 2; final++) {
		to_state(&l, JOB_INSTALLING);
		says_failed(&l, FAIL_EXECUTION, REASON_ROLLBACK);
		STATE(&l, QUEUED);
		if (final)
			l.j.state = JOB_FAILED;
		send(&l, &other); /* of another release */
		assert_int_equal(l.j.grade, GRADE_L0);
		send(&l, &proof);
		assert_true(l.todo & TRACK_DO_SAVE);
		assert_int_equal(l.j.grade, GRADE_L2);
		assert_int_equal(l.j.last_fail, FAIL_INTEGRITY);
		assert_int_equal(l.j.reason, REASON_DIGEST);
		assert_int_equal(l.j.fails[FAIL_EXECUTION], 1);
		assert_int_equal(l.j.fails[FAIL_INTEGRITY], 0);
		says_failed(&l, FAIL_EXECUTION, REASON_ROLLBACK);
		assert_int_equal(l.j.grade, GRADE_L2);
		assert_int_equal(l.j.reason, REASON_DIGEST);
	}
}

static void
a_late_success_is_not_the_next_jobs(void **state)
{
	struct life l = born();

	(void)state;
	says(&l, PHASE_SUCCEEDED);
	STATE(&l, QUEUED);
	assert_int_equal(l.j.attempt, 0);
	send(&l, &(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_SUCCEEDED, .target = SEQ - 1});
	STATE(&l, QUEUED);
	send(&l, &(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_SUCCEEDED, .target = SEQ});
	STATE(&l, DONE);
}

static void
declined_is_asked_again_much_later(void **state)
{
	struct life l;
	int64_t due;

	(void)state;
	to_state(&l, JOB_NOTIFIED);
	says(&l, PHASE_DECLINED);
	STATE(&l, QUEUED);
	REASON(&l, DECLINED);
	due = l.j.due;
	assert_true(due - l.j.updated >= 86400 * SECOND);
	assert_int_equal(l.j.last_fail, FAIL_NONE);
	l.now += 3600 * SECOND;
	says(&l, PHASE_DECLINED);
	assert_true(l.j.due == due);
	pushed(&l);
}

/* --- the operator --- */

static void
cancel_and_supersede_end_every_state(void **state)
{
	struct life l;

	(void)state;
	for (int s = JOB_QUEUED; s <= JOB_INSTALLING; s++) {
		to_state(&l, (enum job_state)s);
		on(&l, TRACK_CANCEL);
		STATE(&l, CANCELLED);
		REASON(&l, OPERATOR);
		to_state(&l, (enum job_state)s);
		send(&l, &(struct track_event){.type = TRACK_SUPERSEDE});
		STATE(&l, SUPERSEDED);
		REASON(&l, NEWER_RELEASE);
		runs(&l, SEQ);
		on(&l, TRACK_RETRY);
		STATE(&l, SUPERSEDED);
	}
	to_state(&l, JOB_FETCHING);
	send(&l, &(struct track_event){.type = TRACK_CANCEL,
	    .reason = REASON_WITHDRAWN});
	REASON(&l, WITHDRAWN);
}

static void
giving_up_can_be_taken_back(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	says_failed(&l, FAIL_POLICY, REASON_SIGNATURE);
	STATE(&l, FAILED);
	on(&l, TRACK_RETRY);
	STATE(&l, QUEUED);
	for (int c = 0; c < FAIL_CLASSES; c++)
		assert_int_equal(l.j.fails[c], 0);
	pushed(&l);
	assert_int_equal(l.j.attempt, 2); /* the count goes on */
	/* waiting for contact can be ended too, a trigger in flight cannot */
	l = born();
	l.j.due = 0;
	on(&l, TRACK_RETRY);
	assert_true(l.j.due != 0);
	wait(&l, TRACK_ADMITTED);
	on(&l, TRACK_RETRY);
	assert_int_equal(l.todo, TRACK_DO_LOG);
}

static void
truth_wins_over_giving_up(void **state)
{
	struct life l;

	(void)state;
	to_state(&l, JOB_FETCHING);
	says_failed(&l, FAIL_POLICY, REASON_SIGNATURE);
	runs(&l, SEQ - 1);
	STATE(&l, FAILED);
	runs(&l, SEQ + 1);
	STATE(&l, FAILED);
	runs(&l, SEQ);
	STATE(&l, DONE);
	REASON(&l, NONE);
	runs(&l, SEQ - 1); /* done stays done */
	STATE(&l, DONE);
}

/* --- words --- */

static void
every_number_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int r = 0; r < REASONS; r++) {
		assert_true(track_reason_text((enum track_reason)r)[0]);
		for (int q = 0; q < r; q++)
			assert_string_not_equal(
			    track_reason_name((enum track_reason)r),
			    track_reason_name((enum track_reason)q));
	}
	for (int t = 0; t < TRACK_EVENTS; t++)
		assert_string_not_equal(track_event_name(
		    (enum track_event_type)t), "unknown");
	for (int s = 0; s < JOB_STATES; s++) {
		assert_string_not_equal(job_state_name((enum job_state)s),
		    "unknown");
		assert_int_equal(job_state_final((enum job_state)s),
		    s >= JOB_DONE);
	}
	assert_string_equal(track_reason_name(REASON_SILENCE_BLOCKS),
	    "silence-blocks");
	assert_string_equal(track_reason_name((enum track_reason)999),
	    "unknown");
	assert_string_equal(track_event_name((enum track_event_type)999),
	    "unknown");
	assert_string_equal(job_state_name((enum job_state)999), "unknown");
	assert_false(job_state_final((enum job_state)999));
}

static void
explain_has_a_cause_and_a_next_step(void **state)
{
	struct track_explain e;
	struct life l;

	(void)state;
	for (int s = JOB_QUEUED; s <= JOB_INSTALLING; s++) {
		to_state(&l, (enum job_state)s);
		track_explain(&l.j, l.now, &e);
		assert_true(e.cause[0] != '\0' && e.next[0] != '\0');
		on(&l, TRACK_CANCEL);
		track_explain(&l.j, l.now, &e);
		assert_true(e.cause[0] != '\0' && e.next[0] != '\0');
	}
	l = born();
	l.j.reason = REASON_NO_ANSWER;
	l.j.due = l.now + 200 * SECOND;
	track_explain(&l.j, l.now, &e);
	assert_non_null(strstr(e.next, "in 3 min 20 s"));
	assert_true(e.advice[0] != '\0');
	l.j.due = l.now + 27 * 3600 * SECOND;
	track_explain(&l.j, l.now, &e);
	assert_non_null(strstr(e.next, "in 1 d 3 h"));
	l.j.due = l.now - 5;
	track_explain(&l.j, l.now, &e);
	assert_non_null(strstr(e.next, "now"));
	l.j.due = 0;
	track_explain(&l.j, l.now, &e);
	assert_non_null(strstr(e.next, "when the device speaks"));
}

/* We died with its trigger in flight: nothing is counted against it, and the
 * floor holds from the push on, also when the clock was set back. */
static void
a_restart_puts_a_trigger_back_without_a_failure(void **state)
{
	struct life l = born();
	int64_t base = policy.backoff.rule[FAIL_TRANSPORT].base_ms;

	(void)state;
	on(&l, TRACK_RESTART); /* none is in flight */
	assert_int_equal(l.todo, TRACK_DO_NOTHING);
	on(&l, TRACK_ADMITTED);
	l.now += 10 * SECOND;
	on(&l, TRACK_RESTART);
	assert_int_equal(l.j.state, JOB_QUEUED);
	assert_int_equal(l.j.started, 0);
	assert_int_equal(l.j.attempt, 1);
	assert_int_equal(l.j.fails[FAIL_TRANSPORT], 0);
	assert_in_range(l.j.due, START + base, START + base + 40 * SECOND);
	l.now = l.j.due;
	on(&l, TRACK_ADMITTED);
	l.now -= 3600 * SECOND;
	on(&l, TRACK_RESTART);
	assert_in_range(l.j.due, l.now, l.now + base + 40 * SECOND);
}

/* A device learns by silence that its session died with us. */
static void
a_restart_gives_those_who_download_time_to_notice(void **state)
{
	struct life l = born();
	int64_t due;

	(void)state;
	on(&l, TRACK_MANIFEST_GET);
	assert_int_equal(l.j.state, JOB_FETCHING);
	due = l.j.due;
	on(&l, TRACK_RESTART);
	assert_int_equal(l.j.state, JOB_FETCHING);
	assert_true(l.j.due >= due + 200 * SECOND);
	due = l.j.due;
	on(&l, TRACK_RESTART); /* again at once: hardly longer than that */
	assert_in_range(l.j.due, due, due + 10 * SECOND);
}

/* Its question overtook the answer to the trigger: it has come, and its
 * silence until the time it was told is our doing. */
static void
steered_before_the_trigger_was_answered(void **state)
{
	struct track_event ev = {
		.type = TRACK_STEERED, .have_max_age = true, .max_age = 7200,
	};
	struct life l = born();
	int64_t told;

	(void)state;
	send(&l, &ev); /* it came by itself */
	assert_int_equal(l.todo, TRACK_DO_NOTHING);
	on(&l, TRACK_ADMITTED);
	told = l.now + 7200 * SECOND;
	send(&l, &ev);
	assert_int_equal(l.j.state, JOB_NOTIFIED);
	assert_true(l.j.due >= told);
	on(&l, TRACK_PUSH_OK);
	assert_int_equal(l.j.state, JOB_NOTIFIED);
	assert_true(l.j.due >= told);
	/* later ones move it on only, and by a day at most */
	ev.max_age = 1;
	send(&l, &ev);
	assert_true(l.j.due >= told);
	ev.max_age = UINT32_MAX;
	send(&l, &ev);
	assert_in_range(l.j.due, l.now + 86400 * SECOND - SECOND,
	    l.now + 86400 * SECOND + policy.notify_ms);
}

/* The spread that was announced is time that the device may take. */
static void
DOS_SILENCE_an_announced_spread_is_no_silence(void **state)
{
	struct track_event ev = {
		.type = TRACK_PUSH_OK, .have_max_age = true, .max_age = 600,
	};
	struct life l = born();

	(void)state;
	on(&l, TRACK_ADMITTED);
	send(&l, &ev);
	assert_int_equal(l.j.due, l.now - SECOND + 600 * SECOND +
	    policy.notify_ms);
}

/* The usual order: it registers with what it runs, then it reports. */
static void
recovery_is_heard_after_the_roll_back(void **state)
{
	struct life l = born();

	(void)state;
	says_failed(&l, FAIL_EXECUTION, REASON_RECOVERY);
	assert_int_equal(l.j.reason, REASON_NONE); /* not of this job */
	on(&l, TRACK_MANIFEST_GET);
	on(&l, TRACK_IMAGE_END);
	on(&l, TRACK_REBOOT);
	runs(&l, SEQ - 1);
	assert_int_equal(l.j.reason, REASON_ROLLBACK);
	says_failed(&l, FAIL_EXECUTION, REASON_RECOVERY);
	assert_int_equal(l.j.reason, REASON_RECOVERY);
	assert_true(l.todo & TRACK_DO_SAVE);
	assert_int_equal(l.j.fails[FAIL_EXECUTION], 1); /* once */
	says_failed(&l, FAIL_EXECUTION, REASON_RECOVERY);
	assert_false(l.todo & TRACK_DO_SAVE);
	says_failed(&l, FAIL_POLICY, REASON_SIGNATURE);
	assert_int_equal(l.j.state, JOB_FAILED);
	says_failed(&l, FAIL_EXECUTION, REASON_RECOVERY);
	assert_int_equal(l.j.state, JOB_FAILED);
	assert_int_equal(l.j.reason, REASON_RECOVERY);
}

static int
defaults(void **state)
{
	(void)state;
	track_policy_default(&policy);
	return 0;
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(trigger_and_silence_is_how_riot_does_it),
		T(a_restart_puts_a_trigger_back_without_a_failure),
		T(a_restart_gives_those_who_download_time_to_notice),
		T(steered_before_the_trigger_was_answered),
		T(DOS_SILENCE_an_announced_spread_is_no_silence),
		T(recovery_is_heard_after_the_roll_back),
		T(a_reporting_device_goes_through_every_phase),
		T(a_pulling_device_needs_no_push),
		T(it_may_run_the_release_already),
		T(acceptance_is_not_progress),
		T(MODE_HYBRID_no_answer_waits_for_contact_and_comes_back),
		T(contact_does_not_shorten_a_backoff),
		T(without_an_address_it_waits_and_nothing_failed),
		T(a_permanent_answer_ends_it_at_once),
		T(overload_is_steered_and_no_failure),
		T(MODE_SERVER_an_answer_that_comes_late_changes_nothing),
		T(MODE_SERVER_a_crash_in_a_push_makes_no_second_push),
		T(DOS_SILENCE_silence_of_a_download_is_a_failure),
		T(TUF_SLOW_only_progress_renews_the_deadline),
		T(a_larger_rest_has_a_longer_deadline),
		T(a_device_that_dies_half_way_comes_back),
		T(DOS_SILENCE_silence_of_an_install_is_probed_then_failed),
		T(the_old_version_after_a_restart_is_a_roll_back),
		T(a_version_in_between_is_no_roll_back),
		T(an_old_version_while_fetching_is_normal),
		T(a_newer_version_is_refused_in_every_state),
		T(failures_are_retried_by_their_class),
		T(a_spent_total_budget_says_so),
		T(a_failure_is_counted_once),
		T(REQ_SEC_REPORTING_a_replayed_report_changes_nothing),
		T(a_report_of_another_target_is_not_ours),
		T(progress_does_not_go_backwards),
		T(lies_do_not_make_more_than_a_lie),
		T(a_failure_that_is_proven_later_counts_as_proven),
		T(a_late_success_is_not_the_next_jobs),
		T(declined_is_asked_again_much_later),
		T(cancel_and_supersede_end_every_state),
		T(giving_up_can_be_taken_back),
		T(truth_wins_over_giving_up),
		T(every_number_has_a_name_of_its_own),
		T(explain_has_a_cause_and_a_next_step),
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
