/* Campaigns from start to abort, and what holds a device up. */
#include "tests/daemon/admin_call.h"

/* --- campaigns --- */

static void
a_campaign_from_start_to_abort(void **state)
{
	static struct msg_campaign_start m = {.release = "1",
	    .name = "first", .policy = "concurrency=2"};
	static struct msg_campaign c;
	struct msg_job j;

	(void)state;
	released(&w, 3, "coap://fw.example/c", 20);
	device(&w, "n1", DRIVER_NONE);
	device(&w, "n2", DRIVER_NONE);
	assert_int_equal(start(&m), 0);
	is_logged("campaign planned");
	answer_is(&msg_campaign, &c);
	assert_string_equal(c.state, "draft");
	assert_string_equal(c.verdict[0].name, "update");
	assert_int_equal(c.verdict[0].n, 2);
	assert_int_equal(c.counts.queued, 0);
	m.start = true;
	assert_int_equal(start(&m), 0);
	is_logged("campaign to be started");
	assert_string_equal(resp.location, "a/campaigns/2");
	assert_int_equal(get("a/campaigns/2"), 0);
	answer_is(&msg_campaign, &c);
	assert_string_equal(c.state, "running");
	assert_int_equal(c.counts.queued, 2);
	assert_int_equal(get("a/campaigns/2/jobs"), 0);
	assert_int_equal(get("a/jobs/1"), 0);
	answer_is(&msg_job, &j);
	assert_string_equal(j.ep, "n1");

	assert_int_equal(call(M_POST, "a/campaigns/2/pause", NULL,
	    SLICE_NONE), 0);
	is_logged("campaign paused");
	answer_is(&msg_campaign, &c);
	assert_string_equal(c.state, "paused");
	assert_int_equal(call(M_POST, "a/campaigns/2/resume", NULL,
	    SLICE_NONE), 0);
	assert_int_equal(call(M_POST, "a/campaigns/2/abort", NULL,
	    SLICE_NONE), 0);
	is_logged("campaign aborted");
	assert_int_equal(call(M_POST, "a/campaigns/2/resume", NULL,
	    SLICE_NONE), ERR_STATE);
	assert_int_equal(call(M_POST, "a/campaigns/2/explode", NULL,
	    SLICE_NONE), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/campaigns/9/pause", NULL,
	    SLICE_NONE), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/campaigns/x/pause", NULL,
	    SLICE_NONE), ERR_INVALID);
	assert_int_equal(get("a/campaigns/9/jobs"), ERR_NOT_FOUND);
	assert_int_equal(get("a/jobs/99"), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/jobs/99/retry", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

static void
a_failed_start_leaves_nothing(void **state)
{
	static struct msg_campaign_start m = {.release = "77"};
	uint64_t before;

	(void)state;
	assert_int_equal(start(&m), ERR_NOT_FOUND);
	released(&w, 3, "coap://fw.example/c", 20);
	before = events();
	m = (struct msg_campaign_start){.release = "1", .select = "psk",
	    .ep_count = 1, .ep = {"n1"}};
	assert_int_equal(start(&m), ERR_INVALID);
	m = (struct msg_campaign_start){.release = "1", .name = "a b"};
	assert_int_equal(start(&m), ERR_INVALID);
	m = (struct msg_campaign_start){.release = "1",
	    .select = "class == zz"};
	assert_int_equal(start(&m), ERR_NOT_FOUND);
	m = (struct msg_campaign_start){.release = "1", .policy = "soak=x"};
	assert_int_equal(start(&m), ERR_TYPE);
	assert_int_equal(events(), before);
	assert_int_equal(get("a/campaigns/1"), ERR_NOT_FOUND);
}

/* --- explain --- */

static void
explains(const char *ep, const char *cause, const char *advice)
{
	struct msg_explain m;
	char path[128];

	snprintf(path, sizeof(path), "a/devices/%s/explain", ep);
	assert_int_equal(get(path), 0);
	answer_is(&msg_explain, &m);
	if (strstr(m.cause, cause) == NULL || strstr(m.advice, advice) == NULL)
		fail_msg("%s: %s", m.cause, m.advice);
}

static void
explain_names_the_cause(void **state)
{
	struct msg_device_put put = {.driver = "none"};
	static struct msg_campaign_start m = {.release = "1", .ep_count = 1,
	    .ep = {"n1"}, .start = true};
	struct store_device d;

	(void)state;
	assert_int_equal(put_device("bare", &put), 0);
	explains("bare", "class is not known", "--class");
	d = device(&w, "n1", DRIVER_NONE);
	explains("n1", "no live release", "publish");
	released(&w, 3, "coap://fw.example/c", 20);
	explains("n1", "no campaign", "campaign start 1 --device n1");
	assert_int_equal(start(&m), 0);
	explains("n1", "driver none", "--driver");
	assert_int_equal(call(M_POST, "a/campaigns/1/pause", NULL,
	    SLICE_NONE), 0);
	explains("n1", "is paused", "campaign resume 1");
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    &d, 3, GRADE_L1)), 0);
	turn(&w);
	explains("n1", "runs the current release", "");
	assert_int_equal(get("a/devices/zz/explain"), ERR_NOT_FOUND);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_campaign_from_start_to_abort),
		T(a_failed_start_leaves_nothing),
		T(explain_names_the_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
