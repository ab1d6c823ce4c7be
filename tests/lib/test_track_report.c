/* Reports: late ones, doubled ones, lies, and what a failure leads to. */
#include "tests/lib/track_life.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, defaults, NULL);
}
