/* What the version that a device runs says of its job. */
#include "tests/lib/track_life.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(recovery_is_heard_after_the_roll_back),
		T(the_old_version_after_a_restart_is_a_roll_back),
		T(a_version_in_between_is_no_roll_back),
		T(an_old_version_while_fetching_is_normal),
		T(a_newer_version_is_refused_in_every_state),
		T(truth_wins_over_giving_up),
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
