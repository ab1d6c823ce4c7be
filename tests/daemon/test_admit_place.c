/* Bookings of admission are places in a queue. */
#include "tests/daemon/admit_world.h"

static uint32_t
told(const struct store_device *d, bool l1)
{
	assert_int_equal(fleet_poll(&w, d, l1, &resp), ERR_LIMIT);
	return resp.max_age;
}

static void
places_are_a_slot_time_apart(void **state)
{
	struct store_device d[6];
	uint32_t last = 0, s;

	(void)state;
	fleet(d, 6, true);
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10), "");
	assert_int_equal(fleet_poll(&w, &d[0], true, &resp), 0);
	for (size_t i = 1; i < 6; i++) {
		s = told(&d[i], true);
		assert_in_range(s, last + 56, last + 58); /* 0.95 x 60 s */
		last = s;
	}
	/* early: the same time, not another place */
	w.loop.now += 10000;
	assert_in_range(told(&d[1], true), 46, 48);
	assert_in_range(told(&d[1], true), 46, 48);
	w.loop.now += 200000;
	assert_in_range(told(&d[5], true), 74, 76);
	/* on time: in, or a new place */
	assert_in_range(told(&d[1], true), 1, 400);
	fleet_type(&w, &d[0], TRACK_IMAGE_END);
	assert_int_equal(fleet_poll(&w, &d[2], true, &resp), 0);
}

static void
nobody_is_sent_away_for_longer_than_it_believes(void **state)
{
	struct store_device d[2];

	(void)state;
	fleet(d, 2, true);
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10), "");
	assert_int_equal(fleet_poll(&w, &d[0], true, &resp), 0);
	w.app.admit->book.next = w.loop.now + 6 * 3600000;
	assert_in_range(told(&d[1], true), 3 * 3600, 6 * 3600);
	memset(w.app.admit->booking, 0, ADMIT_BOOKINGS *
	    sizeof(struct booking));
	assert_in_range(told(&d[1], false), 1800, 3600);
}

static void
not_its_turn_costs_one_place_only(void **state)
{
	struct store_device d[3];
	uint32_t s;

	(void)state;
	fleet(d, 3, true);
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "start=2000"); /* it is 1000 s past 1970 */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(fleet_poll(&w, &d[0], true, &resp),
		    ERR_NOT_FOUND);
		s = resp.max_age;
		assert_in_range(s, 1000 + 56, 1000 + 58);
	}
	assert_int_equal(fleet_poll(&w, &d[1], true, &resp), ERR_NOT_FOUND);
	assert_in_range(resp.max_age, s + 56, s + 58);
}

/* Those who wait for tomorrow do not stand before those who wait for the
 * next slot. */
static void
a_campaign_that_begins_later_delays_no_other(void **state)
{
	struct store_device a, b = {.have_class = true, .have_seq = true}, c;
	uint8_t other[16];
	struct made m = {
		.seq = 2, .uri = "coap://fw.example/x", .size = 10,
		.class_id = other,
	};
	static struct publish_result r;

	(void)state;
	memset(other, 0xd2, 16);
	w.app.conf.downloads = 1;
	a = fleet_add(&w, "a", DRIVER_NONE, "10.0.0.1");
	c = fleet_add(&w, "c", DRIVER_NONE, "10.0.3.1");
	strcpy(b.ep, "b");
	strcpy(b.addr, "10.0.0.2");
	memcpy(b.class_id, other, 16);
	fleet_save(&w, &b);
	m.digest = upload(&w, 10, 9);
	assert_int_equal(publish(&w, &m, &r), 0);
	(void)campaign_for(&w, r.release.id, "start=15000");
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "");
	assert_int_equal(fleet_poll(&w, &a, true, &resp), 0);
	assert_int_equal(fleet_poll(&w, &b, true, &resp), ERR_NOT_FOUND);
	assert_true(resp.max_age > 10000);
	assert_in_range(told(&c, true), 56, 58);
}

/* Places of one set of the table: none drives out another that still
 * counts, as long as there is one that is over. */
static void
bookings_do_not_drive_each_other_out(void **state)
{
	static struct store_device d;
	const struct admission held = {.hold = HOLD_SERVER};
	struct admit_turn t = {NULL, &d, GRADE_L1, &held};
	uint64_t id[ADMIT_WAYS];
	uint32_t s[ADMIT_WAYS];
	size_t n = 0, set = SIZE_MAX;

	(void)state;
	w.app.conf.downloads = 1; /* places are a minute apart */
	for (uint64_t i = 1; n < ADMIT_WAYS; i++) {
		size_t k = (i * 0x9e3779b97f4a7c15u >> 48) / ADMIT_WAYS;

		if (set == SIZE_MAX)
			set = k;
		if (k == set)
			id[n++] = i;
	}
	for (size_t i = 0; i < n; i++) {
		d.id = id[i];
		s[i] = admit_book(&w.app, &t);
	}
	for (size_t i = 0; i < n; i++) {
		d.id = id[i];
		assert_int_equal(admit_book(&w.app, &t), s[i]);
	}
}

static void
a_clock_set_back_holds_nobody_for_long(void **state)
{
	struct store_device d[4];

	(void)state;
	fleet(d, 4, true);
	w.loop.now += INT64_C(1000) * 86400 * 365;
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 10),
	    "rate=60");
	assert_int_equal(fleet_poll(&w, &d[0], true, &resp), 0);
	(void)told(&d[1], true);
	w.loop.now -= INT64_C(1000) * 86400 * 300;
	assert_in_range(told(&d[1], true), 1, 3600);
	assert_in_range(told(&d[2], true), 1, 3600);
	/* and forwards */
	w.loop.now += INT64_C(1000) * 86400 * 600;
	assert_in_range(told(&d[1], true), 1, 3600);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define Q(f) cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
#define P(f) cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, \
	(void *)"other")
	const struct CMUnitTest tests[] = {
		T(places_are_a_slot_time_apart),
		T(nobody_is_sent_away_for_longer_than_it_believes),
		T(not_its_turn_costs_one_place_only),
		T(a_campaign_that_begins_later_delays_no_other),
		T(bookings_do_not_drive_each_other_out),
		T(a_clock_set_back_holds_nobody_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
