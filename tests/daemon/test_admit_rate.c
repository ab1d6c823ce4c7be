/* Rates and budgets of admission hold, and no more. */
#include "tests/daemon/admit_world.h"

/* Starts of n polling devices in `seconds`, each tried every second. */
static unsigned
starts(struct store_device *d, size_t n, int seconds)
{
	unsigned k = 0;

	for (int s = 0; s < seconds; s++) {
		for (size_t i = 0; i < n; i++)
			k += last_job(&w, &d[i]).state == JOB_QUEUED &&
			    fleet_poll(&w, &d[i], true, &resp) == 0;
		pass(&w, 1000);
	}
	return k;
}

static void
bytes_are_spread_over_time(void **state)
{
	struct store_device d[8];

	(void)state;
	fleet(d, 8, true);
	w.app.conf.bytes_per_second = 100; /* an image takes 10 s */
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	/* at 0, 9, 18 .. (a second of burst) */
	assert_in_range(starts(d, 8, 30), 3, 4);
}

static void
bytes_are_spread_in_each_group(void **state)
{
	struct store_device d[8];

	(void)state;
	fleet(d, 4, false);
	w.app.conf.bytes_group = 100;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	assert_int_equal(starts(d, 4, 9), 1);
	assert_int_equal(starts(d, 4, 9), 1);
}

/* A small image must not pass for a clock that was set back. */
static void
a_small_image_waits_for_a_large_one(void **state)
{
	struct store_device a, b = {.have_class = true, .have_seq = true};
	uint8_t other[16];
	struct made m = {
		.seq = 2, .uri = "coap://fw.example/small", .size = 10,
		.class_id = other,
	};
	static struct publish_result r;

	(void)state;
	memset(other, 0xd2, 16);
	w.app.conf.bytes_per_second = 10;
	a = fleet_add(&w, "large", DRIVER_NONE, "10.0.0.1");
	strcpy(b.ep, "small");
	strcpy(b.addr, "10.0.0.2");
	memcpy(b.class_id, other, 16);
	fleet_save(&w, &b);
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10000),
	    "");
	m.digest = upload(&w, 10, 9);
	assert_int_equal(publish(&w, &m, &r), 0);
	(void)campaign_for(&w, r.release.id, "");
	assert_int_equal(fleet_poll(&w, &a, true, &resp), 0); /* 1000 s */
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_LIMIT);
	pass(&w, 900000);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_LIMIT);
	pass(&w, 100000);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), 0);
}

static void
retries_have_a_budget(void **state)
{
	struct store_device d[6];
	unsigned group = *state != NULL;

	fleet(d, 6, false);
	w.app.conf.retries = group ? 0 : 6; /* one in 10 s */
	w.app.conf.retries_group = group ? 6 : 0;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "unreachable=100%");
	assert_int_equal(starts(d, 6, 1), 6); /* first tries are free */
	for (size_t i = 0; i < 6; i++)
		fleet_failed(&w, &d[i], FAIL_TRANSPORT, REASON_DOWNLOAD);
	assert_in_range(starts(d, 6, 20), 2, 3);
	assert_in_range(starts(d, 6, 20), 2, 3);
}

static void
starts_keep_to_the_campaigns_rate(void **state)
{
	struct store_device d[10];

	(void)state;
	fleet(d, 10, true);
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "rate=6");
	assert_in_range(starts(d, 10, 30), 3, 4);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define Q(f) cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
#define P(f) cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, \
	(void *)"other")
	const struct CMUnitTest tests[] = {
		T(bytes_are_spread_over_time),
		T(bytes_are_spread_in_each_group),
		T(a_small_image_waits_for_a_large_one),
		T(retries_have_a_budget),
		P(retries_have_a_budget),
		T(starts_keep_to_the_campaigns_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
