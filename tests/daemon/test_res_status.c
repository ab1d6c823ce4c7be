/* Status reports: the jobs that they move, and those that are refused. */
#include "lib/report.h"
#include "tests/daemon/res_call.h"

static void
status(const struct report_status *s)
{
	static uint8_t bytes[256];
	struct buf b = buf_of(bytes, sizeof(bytes));

	report_put_status(s, &b);
	req.method = M_POST;
	req.body = buf_slice(&b);
}

static void
a_status_moves_the_job_and_is_graded(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	struct report_status s = {
		.phase = PHASE_DOWNLOADING, .done = 40, .total = 100,
	};

	(void)state;
	campaign_for(&w, released(&w, 5, "coap://fw.example/a", 100), "");
	status(&s);
	assert_int_equal(call(res_report), ERR_NOT_FOUND); /* whose? */
	query("ep=dev", NULL, NULL);
	assert_int_equal(call(res_report), 0);
	assert_true(resp.after_commit);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L0);
	req.who.device = d.id;
	req.who.grade = GRADE_L1;
	s.phase = PHASE_SUCCEEDED;
	s.have_sequence = true;
	s.sequence = 5;
	s.version = "1.2.3";
	status(&s);
	assert_int_equal(call(res_report), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L1);
	d = by_ep("dev");
	assert_int_equal(d.seq, 5);
	assert_int_equal(d.seq_grade, GRADE_L1);
	assert_string_equal(d.version, "1.2.3");
	/* said twice: nothing moves */
	assert_int_equal(call(res_report), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

static void
REQ_SEC_REPORTING_wrong_reports_are_refused(void **state)
{
	(void)state;
	device(&w, "dev", DRIVER_NONE);
	query("ep=dev", NULL, NULL);
	req.method = M_POST;
	assert_int_equal(call(res_report), ERR_MISSING);
	req.body = slice_str("x");
	assert_int_not_equal(call(res_report), 0);
	req.have_cf = true;
	req.cf = CF_JSON;
	assert_int_equal(call(res_report), ERR_CONTENT_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_status_moves_the_job_and_is_graded),
		T(REQ_SEC_REPORTING_wrong_reports_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
