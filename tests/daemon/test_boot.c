/*
 * Signed boot reports at the daemon: whose they are, in which order they are
 * taken, what they may say of a job, and what their replays can do: nothing.
 */
#include "tests/daemon/boot_device.h"

static void
fails(enum boot_result how)
{
	memcpy(r.tried, r.manifest, 32);
	r.have_tried = true;
	r.have_manifest = false;
	r.sequence = how == BOOT_RECOVERY ? 0 : 1;
	r.result = how;
}

static void
a_start_with_the_release_is_proof_of_the_highest_grade(void **state)
{
	(void)state;
	(void)offered("grade=L2");
	runs_seq(&w, d.id, 5); /* L1 */
	assert_int_not_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(send_next(), 0);
	assert_true(resp.after_commit);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L2);
	d = dev(&w, "dev");
	assert_int_equal(d.seq, 5);
	assert_int_equal(d.seq_grade, GRADE_L2);
	assert_string_equal(d.addr, ""); /* whoever carried it */
	assert_int_equal(attest().mark.report_seq, 2);
	assert_int_equal(attest().sequence, 5);
	assert_int_equal(attest().at, w.loop.now);
	assert_int_equal(attest().fresh_at, 0);
	assert_int_equal(w.app.counts.boot[BOOT_OK], 1);
}

static void
what_is_done_by_hearsay_becomes_proven(void **state)
{
	struct store_counts k;
	struct store_campaign c = offered("");

	(void)state;
	runs_seq(&w, d.id, 5);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(CS(&w, campaign_counts, c.id, &k), 0);
	assert_int_equal(k.done[GRADE_L1], 1);
	assert_int_equal(send_next(), 0);
	assert_int_equal(CS(&w, campaign_counts, c.id, &k), 0);
	assert_int_equal(k.done[GRADE_L1], 0);
	assert_int_equal(k.done[GRADE_L2], 1);
}

static void
REQ_SEC_REPORTING_a_replay_moves_and_writes_nothing(void **state)
{
	struct store_attest was;

	(void)state;
	(void)offered("");
	assert_int_equal(send_next(), 0);
	was = attest();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(send_again(), ERR_SEQUENCE);
		assert_int_equal(resp.after_commit, i == 0);
	}
	assert_int_equal(attest().mark.boot_ctr, was.mark.boot_ctr);
	assert_int_equal(attest().mark.report_seq, was.mark.report_seq);
	assert_int_equal(attest().refused, 1);
	assert_int_equal(attest().at, was.at);
	w.loop.now += 60000;
	assert_int_equal(send_again(), ERR_SEQUENCE);
	assert_int_equal(attest().refused, 2);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_REPLAY], 101);
	r.boot_ctr = 9; /* a jump forward is fine */
	r.report_seq = 0;
	assert_int_equal(send_as(key), 0);
}

/* A failure of long ago, said again now, counts for nothing. */
static void
REQ_SEC_REPORTING_replayed_failures_do_not_trip_a_breaker(void **state)
{
	struct store_campaign c = offered("broke=0% sample=1 grade=L2 "
	    "on_failure=pause");
	struct bootreport fail;

	(void)state;
	r.report_seq = 10;
	assert_int_equal(send_as(key), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	fails(BOOT_RECOVERY);
	r.report_seq = 9;
	fail = r;
	for (int i = 0; i < 20; i++) {
		r = fail;
		r.report_seq = (uint64_t)(i % 11);
		assert_int_equal(send_as(key), r.report_seq == 10 ?
		    ERR_SEQUENCE : ERR_SIGNATURE);
		w.loop.now += 1000;
	}
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_FINISHED);
	assert_int_equal(last_job(&w, &d).reason, REASON_NONE);
}

static void
what_failed_is_a_failure_of_its_manifest(void **state)
{
	static const struct {
		enum boot_result how;
		enum fail_class fail;
		enum track_reason reason;
	} cases[] = {
		{BOOT_ROLLBACK, FAIL_EXECUTION, REASON_ROLLBACK},
		{BOOT_RECOVERY, FAIL_EXECUTION, REASON_RECOVERY},
		{BOOT_REFUSED, FAIL_INTEGRITY, REASON_DIGEST},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			setup(NULL);
		(void)offered("grade=L2");
		fails(cases[i].how);
		assert_int_equal(send_next(), 0);
		assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
		assert_int_equal(last_job(&w, &d).last_fail, cases[i].fail);
		assert_int_equal(last_job(&w, &d).reason, cases[i].reason);
		assert_int_equal(last_job(&w, &d).grade, GRADE_L2);
		assert_int_equal(dev(&w, "dev").seq, 1);
		if (i < 2)
			teardown(NULL);
	}
}

static void
REQ_SEC_REPORTING_what_was_not_offered_has_no_say(void **state)
{
	(void)state;
	(void)campaign_for(&w, rel, "");
	fails(BOOT_ROLLBACK);
	assert_int_equal(send_next(), 0); /* the job was not begun */
	assert_int_equal(last_job(&w, &d).last_fail, FAIL_NONE);
	event(&w, d.id, &(struct track_event){.type = TRACK_MANIFEST_GET});
	r.tried[0] ^= 1; /* of some other manifest */
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	/* the sequence number of the release, by another manifest */
	r.result = BOOT_OK;
	r.have_tried = false;
	r.have_manifest = true;
	r.manifest[0] ^= 1;
	r.sequence = 5;
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	r.have_manifest = false;
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	r.have_manifest = true;
	r.manifest[0] ^= 1;
	assert_int_equal(send_next(), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

static void
counters_that_began_anew_wait_for_an_operator(void **state)
{
	struct store_attest a;

	(void)state;
	assert_int_equal(send_next(), 0);
	r.epoch[0] = 2;
	r.boot_ctr = 1000;
	assert_int_equal(send_as(key), ERR_CONFLICT);
	assert_true(resp.after_commit);
	a = attest();
	assert_true(a.have_pending);
	assert_memory_equal(a.pending, r.epoch, sizeof(r.epoch));
	assert_int_equal(a.mark.boot_ctr, 1);
	assert_int_equal(send_as(key), ERR_CONFLICT);
	assert_false(resp.after_commit);
	/* of an epoch that is over it is a replay, and nobody is asked */
	a.have_pending = false;
	a.gone_n = 1;
	memcpy(a.gone[0], r.epoch, sizeof(r.epoch));
	pair_begin(&w);
	pair_end(&w, CS(&w, attest_put, &a));
	w.loop.now += 60000;
	assert_int_equal(send_again(), ERR_CONFLICT);
	assert_false(attest().have_pending);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_EPOCH], 2);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_REPLAY], 1);
}

static void
who_has_not_the_key_is_nobody(void **state)
{
	(void)state;
	assert_int_equal(send_as(stranger), ERR_SIGNATURE);
	req.body.n--;
	assert_int_not_equal(ask(&w, res_report, &req, &resp), 0);
	d.revoked = true;
	put(&w, &d);
	assert_int_equal(send_as(key), ERR_FORBIDDEN);
	assert_false(attest().mark.have);
	assert_int_equal(w.app.counts.boot[BOOT_COUNT_UNPROVEN], 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_start_with_the_release_is_proof_of_the_highest_grade),
		T(what_is_done_by_hearsay_becomes_proven),
		T(REQ_SEC_REPORTING_a_replay_moves_and_writes_nothing),
		T(REQ_SEC_REPORTING_replayed_failures_do_not_trip_a_breaker),
		T(what_failed_is_a_failure_of_its_manifest),
		T(REQ_SEC_REPORTING_what_was_not_offered_has_no_say),
		T(counters_that_began_anew_wait_for_an_operator),
		T(who_has_not_the_key_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
