/* The push of a job: its answers, none, and a daemon that dies with it. */
#include "tests/lib/track_life.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_restart_puts_a_trigger_back_without_a_failure),
		T(steered_before_the_trigger_was_answered),
		T(acceptance_is_not_progress),
		T(MODE_HYBRID_no_answer_waits_for_contact_and_comes_back),
		T(contact_does_not_shorten_a_backoff),
		T(without_an_address_it_waits_and_nothing_failed),
		T(a_permanent_answer_ends_it_at_once),
		T(overload_is_steered_and_no_failure),
		T(MODE_SERVER_an_answer_that_comes_late_changes_nothing),
		T(MODE_SERVER_a_crash_in_a_push_makes_no_second_push),
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
