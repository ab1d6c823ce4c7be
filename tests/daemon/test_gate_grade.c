/*
 * Gates and grades: what a device says of itself counts as far as it can be
 * trusted, and a campaign says how far that was.
 */
#include "daemon/campaign_impl.h"
#include "tests/daemon/gates.h"

static void
tells(uint64_t device, enum grade grade, enum track_reason reason)
{
	const struct track_event ev = {.type = TRACK_REPORT, .grade = grade,
	    .phase = PHASE_FAILED, .fail = FAIL_EXECUTION, .reason = reason};

	event(&w, device, &ev);
}

static struct policy_counts
counts_of(uint64_t id)
{
	struct policy_counts k;
	struct run *r;

	assert_int_equal(runs_get(&w.app, id, &r), 0);
	assert_int_equal(campaign_wave_counts(&w.app, r, 0, &k), 0);
	return k;
}

/* Whoever can only say that devices failed stops nothing; better evidence
 * about the same devices does. */
static void
REQ_SEC_REPORTING_failures_below_the_grade_trip_nothing(void **state)
{
	static const enum track_reason why_not[] = {REASON_BOOT,
	    REASON_RECOVERY, REASON_DIGEST};
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=50%,100% soak=0 "
	    "grade=L2 broke=5% unreachable=100%");
	struct policy_counts k;
	struct job j[40];
	size_t n;

	start_them();
	n = jobs_in(c.id, 1, j, 40);
	assert_int_equal(n, 20);
	for (size_t i = 0; i < n; i++)
		tells(j[i].device, i % 2 ? GRADE_L1 : GRADE_L0,
		    why_not[i % 3]);
	(void)jobs_in(c.id, 1, j, 40);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	assert_int_equal(camp(&w, c.id).wave, 1);
	k = counts_of(c.id);
	assert_int_equal(k.weak, 10); /* anybody's word ends no attempt */
	assert_int_equal(k.active, 10);
	assert_int_equal(k.broke + k.recovery + k.done, 0);
	assert_int_equal(k.told[GRADE_L0] + k.told[GRADE_L1], 0);
	assert_int_equal(j[0].state, JOB_NOTIFIED);
	assert_int_equal(j[1].state, JOB_QUEUED);
	for (int i = 0; i < 60 && j[1].state == JOB_QUEUED; i++) {
		pass(&w, 60000); /* to its next attempt */
		start_them();
		(void)jobs_in(c.id, 1, j, 40);
	}
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	tells(j[1].device, GRADE_L2, REASON_RECOVERY);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_PAUSED);
	k = counts_of(c.id);
	assert_int_equal(k.recovery, 1);
	assert_int_equal(k.told[GRADE_L2], 1);
	world_close(&w);
}

/* The same failure told again and again is one device's. */
static void
REQ_SEC_REPORTING_a_device_counts_once(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=50%,100% soak=0 "
	    "broke=5% sample=1 unreachable=100%");
	struct job j[40];

	start_them();
	(void)jobs_in(c.id, 1, j, 40);
	for (int i = 0; i < 30; i++) {
		tells(j[0].device, GRADE_L0, REASON_BOOT);
		assert_true(counts_of(c.id).broke <= 1);
		assert_true(counts_of(c.id).told[GRADE_L0] <= 1);
		pass(&w, 60000);
		start_them();
	}
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	world_close(&w);
}

static void
silence_needs_nobodys_word(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=50%,100% grade=L2 "
	    "unreachable=50%");

	start_them();
	pass(&w, w.app.conf.track.notify_ms + 1000);
	answer_all(&w, true);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_PAUSED);
	assert_int_equal(counts_of(c.id).weak, 0);
	world_close(&w);
}

/* A gate that was told to want more from now on. */
static void
successes_below_the_grade_open_nothing(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=25%,100% soak=1h");
	struct policy p;
	struct run *r;
	struct job j[40];

	start_them();
	prove(j, jobs_in(c.id, 1, j, 40)); /* L1 */
	assert_int_equal(counts_of(c.id).done, 10);
	assert_int_equal(counts_of(c.id).told[GRADE_L1], 10);
	assert_int_equal(runs_get(&w.app, c.id, &r), 0);
	p = r->policy;
	p.grade = GRADE_L2;
	pair_begin(&w);
	pair_end(&w, campaign_rules(&w.app, c.id, &p));
	turn(&w);
	assert_int_equal(counts_of(c.id).weak, 10);
	pass(&w, 2 * SOAK);
	assert_int_equal(camp(&w, c.id).wave, 1);
	world_close(&w);
}

/* grade_nonce: what was signed before we asked is worth its channel. */
static void
a_report_without_our_nonce_can_be_too_weak(void **state)
{
	for (int nonce = 0; nonce < 2; nonce++) {
		uint64_t rel = open_with(state, 1);
		struct store_device d = dev(&w, "d0000");
		const struct track_event ev = {.type = TRACK_SEEN_RUNNING,
		    .grade = GRADE_L2, .sequence = 5, .nonce = nonce};

		(void)running(&w, rel, "grade=L2 grade_nonce=yes");
		start_them();
		event(&w, d.id, &ev);
		assert_int_equal(last_job(&w, &d).state, nonce ? JOB_DONE :
		    JOB_NOTIFIED);
		world_close(&w);
	}
}

/* Who could never be done is not planned. */
static void
a_device_without_a_boot_key_is_in_no_plan_for_the_highest_grade(void **state)
{
	uint64_t rel = open_with(state, 3);
	struct store_campaign c;

	pair_begin(&w);
	pair_end(&w, CS(&w, attest_remove, dev(&w, "d0001").id));
	turn(&w);
	c = draft(&w, rel, "", "grade=L2");
	assert_int_equal(c.verdict[PLAN_UPDATE], 2);
	assert_int_equal(c.verdict[PLAN_PROOF], 1);
	c = draft(&w, rel, "", "grade=L1");
	assert_int_equal(c.verdict[PLAN_UPDATE], 3);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(REQ_SEC_REPORTING_failures_below_the_grade_trip_nothing),
		CASE(REQ_SEC_REPORTING_a_device_counts_once),
		CASE(silence_needs_nobodys_word),
		CASE(successes_below_the_grade_open_nothing),
		CASE(a_report_without_our_nonce_can_be_too_weak),
		CASE(a_device_without_a_boot_key_is_in_no_plan_for_the_highest_grade),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
