/* Lives of jobs that end well, what operators do to them, and their words. */
#include "tests/lib/track_life.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(trigger_and_silence_is_how_riot_does_it),
		T(a_reporting_device_goes_through_every_phase),
		T(a_pulling_device_needs_no_push),
		T(it_may_run_the_release_already),
		T(cancel_and_supersede_end_every_state),
		T(giving_up_can_be_taken_back),
		T(every_number_has_a_name_of_its_own),
		T(explain_has_a_cause_and_a_next_step),
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
