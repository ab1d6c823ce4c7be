/*
 * When a device does not come at once: the spread that a trigger announces,
 * the first contact after a start, and the server's "later", which nothing
 * may break.
 */
#include "tests/device/world.h"

#define HOUR SUITDEV_HOUR_MS
#define DAY SUITDEV_DAY_MS
#define URL "coap://s/m/lamp?ep=d1"

static struct world w;

/* --- announced spread --- */

/* A device that has been up for a while. */
static void
ready(const struct suitdev_kind *kind, uint64_t seed)
{
	world_init(&w, kind);
	w.cfg.seed = seed;
	world_boot(&w);
	world_run(&w, 10 * 60000);
}

/* How long after the trigger its request comes. */
static int64_t
wait_of(const char *url, uint64_t seed)
{
	const struct suitdev_kind *kind = &suitdev_kind_trigger;
	int64_t told, wait;

	ready(kind, seed);
	told = w.now;
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(url)), 0);
	while (!w.out && w.gets == 0)
		assert_true(world_turn(&w));
	assert_string_equal(w.uri, url);
	wait = w.now - told;
	world_fini(&w);
	return wait;
}

static void
a_trigger_is_spread_evenly_over_what_it_announces(void **state)
{
	unsigned quarter[4] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		int64_t wait = wait_of(URL "&w=3600", seed);

		assert_in_range(wait, 0, HOUR + 10);
		quarter[wait * 4 / (HOUR + 11)]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(quarter[i], 30, 70);
}

static void
what_is_no_spread_is_none_and_a_day_is_the_most(void **state)
{
	static const char *const none[] = {URL, URL "&w=0", URL "&w=",
	    URL "&w=x", URL "&w=-1", URL "&w", URL "&ww=3600",
	    "coap://s/m/w=3600"};
	int64_t longest = 0;

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		for (uint64_t seed = 1; seed < 4; seed++)
			assert_in_range(wait_of(none[i], seed), 0, 100);
	for (uint64_t seed = 1; seed < 100; seed++) {
		int64_t wait = wait_of(URL "&w=86401", seed);

		assert_in_range(wait, 0, DAY + 10);
		longest = wait > longest ? wait : longest;
	}
	assert_true(longest > DAY - HOUR);
	assert_in_range(wait_of(URL "&w=99999999999999999999", 1), 0, 100);
	assert_in_range(wait_of("coap://s/m?w=4294967296", 1), 1000, DAY + 9);
}

static void
the_same_trigger_again_draws_nothing(void **state)
{
	int64_t at;

	(void)state;
	ready(&suitdev_kind_trigger, 5);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str(URL "&w=7200")), 0);
	at = w.dev.trigger_at;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(suitdev_trigger(&w.dev, w.now + i,
		    slice_str(URL "&w=7200")), 0);
	assert_int_equal(w.dev.trigger_at, at);
	assert_true(world_until(&w, 4, 2 * HOUR + 60000));
	assert_true(w.now >= at);
	world_fini(&w);
}

static void
another_trigger_moves_it_to_sooner_only(void **state)
{
	int64_t at;

	(void)state;
	ready(&suitdev_kind_trigger, 5);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str(URL "&w=600")), 0);
	at = w.dev.trigger_at;
	for (unsigned i = 0; i < 100; i++) {
		char url[64];

		snprintf(url, sizeof url, URL "&w=86400&x=%u", i);
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str(url)), 0);
		assert_true(w.dev.trigger_at <= at);
	}
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	assert_int_equal(w.dev.trigger_at, w.now);
	assert_true(world_until(&w, 4, 60000));
	world_fini(&w);
}

static void
a_poll_in_between_is_an_ordinary_one(void **state)
{
	static struct suitdev_kind both;

	(void)state;
	both = suitdev_kind_trigger;
	both.polls = true;
	world_init(&w, &both);
	w.spec.sequence = 3;
	world_publish(&w, w.key);
	world_run(&w, 10 * 60000);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str(URL "&w=86400")), 0);
	w.dev.trigger_at = w.now + 3 * HOUR; /* drawn late */
	w.gets = 0;
	world_run(&w, HOUR);
	assert_in_range(w.gets, 3, 5);
	assert_string_equal(w.uri, "/m?ep=d1");
	assert_string_equal(w.dev.trigger, URL "&w=86400");
	while (w.dev.trigger[0] != '\0')
		assert_true(world_turn(&w));
	assert_string_equal(w.uri, URL "&w=86400");
	world_fini(&w);
}

static void
riot_takes_it_for_a_part_of_the_url(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_riot);
	w.spec.dialect = MANIFEST_RIOT09;
	w.spec.component[0].payload[0].uri = "coap://s/i/x";
	world_publish(&w, w.key);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str(URL "&w=86400")), 0);
	(void)suitdev_tick(&w.dev, w.now);
	assert_true(w.out);
	assert_string_equal(w.uri, URL "&w=86400");
	assert_int_equal(w.dev.nv.spread, 0);
	world_fini(&w);
}

static bool
nobody(struct world *x, struct suitdev_response *r)
{
	(void)r;
	return strncmp(x->uri, "coap://s/m/nobody", 17) != 0;
}

static void
MODE_HYBRID_a_url_that_never_answers_is_forgotten(void **state)
{
	(void)state;
	ready(&suitdev_kind_trigger, 5);
	w.twist = nobody;
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str("coap://s/m/nobody")), 0);
	world_run(&w, 12 * HOUR);
	assert_int_equal(w.lost, 8);
	assert_string_equal(w.dev.trigger, "");
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	assert_true(world_until(&w, 4, 2 * HOUR));
	world_fini(&w);
}

/* --- the first contact after a start --- */

/* The longest and the shortest of many starts. */
static void
starts(int64_t *ret_min, int64_t *ret_max)
{
	*ret_min = INT64_MAX;
	*ret_max = 0;
	for (unsigned i = 0; i < 300; i++) {
		const int64_t on = w.now;
		int64_t wait;

		w.cfg.seed++;
		world_boot(&w);
		while (w.dev.count.requests == 0)
			assert_true(world_turn(&w));
		wait = w.now - on;
		*ret_min = wait < *ret_min ? wait : *ret_min;
		*ret_max = wait > *ret_max ? wait : *ret_max;
		w.now += 1000;
	}
}

static void
first_contact_comes_within_the_last_spread(void **state)
{
	static const struct {
		const char *url;
		uint32_t boot_spread;
		bool authenticated;
		int64_t most;
	} t[] = {
	    {NULL, 0, false, 60000},
	    {NULL, 5, false, 5000},
	    {NULL, 600, false, 600000},
	    {URL "&w=10", 0, false, 60000},
	    {URL "&w=1800", 0, false, 1800000},
	    {URL "&w=7200", 0, false, HOUR}, /* a stranger's word */
	    {URL "&w=7200", 0, true, 2 * HOUR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		int64_t min, max;

		world_init(&w, &suitdev_kind_trigger);
		w.spec.sequence = 3;
		world_publish(&w, w.key);
		w.cfg.boot_spread = t[i].boot_spread;
		w.cfg.authenticated = t[i].authenticated;
		world_boot(&w);
		if (t[i].url != NULL) {
			assert_int_equal(suitdev_trigger(&w.dev, w.now,
			    slice_str(t[i].url)), 0);
			world_run(&w, 3 * HOUR); /* it reports: written */
		}
		starts(&min, &max);
		assert_in_range(min, 0, t[i].most / 20);
		assert_in_range(max, t[i].most * 19 / 20, t[i].most + 10);
		world_fini(&w);
	}
}

static void
a_start_of_its_own_making_does_not_wait_for_the_spread(void **state)
{
	int64_t down;

	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		ready(&suitdev_kind_trigger, seed);
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str(URL "&w=3600")), 0);
		while (w.dev.phase != SUITDEV_REBOOT)
			assert_true(world_turn(&w));
		down = w.now;
		assert_true(world_until(&w, 4, HOUR));
		assert_true(w.now - down < 65000);
		assert_int_equal(w.dev.nv.spread, 3600);
		world_fini(&w);
	}
}

static void
starts_that_come_to_nothing_halve_the_spread(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 30; seed++) {
		unsigned days = 0;
		uint64_t n;

		world_init(&w, &suitdev_kind_trigger);
		w.cfg.authenticated = true;
		w.cfg.seed = seed;
		w.spec.sequence = 3;
		world_publish(&w, w.key);
		world_boot(&w);
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str(URL "&w=86400")), 0);
		world_run(&w, 25 * HOUR);
		n = w.dev.count.requests;
		for (; w.dev.count.requests == n; days++) {
			w.now += 23 * HOUR; /* on for an hour a day */
			w.cfg.seed += 100;
			world_boot(&w);
			n = 0;
			world_run(&w, HOUR - 1);
		}
		assert_true(days <= 6);
		/* an answer makes it whole again */
		assert_int_equal(w.dev.nv.starts, 0);
		world_boot(&w);
		assert_int_equal(w.dev.nv.starts, 1);
		world_fini(&w);
	}
}

/* --- the server's "later" --- */

static int64_t until; /* nothing may be sent before */
static unsigned steered;
static uint64_t luck;

static int
send_late(void *arg, const struct suitdev_request *rq)
{
	assert_true(w.now >= until);
	return world_send(arg, rq);
}

/* One answer in four says "later", whatever was asked. */
static bool
later(struct world *x, struct suitdev_response *r)
{
	static const uint32_t age[] = {0, 1, 60, 900, 3600, 86400,
	    UINT32_MAX};
	const uint64_t rnd = backoff_rand(&luck);
	const bool have = (rnd >> 8) % 8 != 0;
	uint32_t s = have ? age[(rnd >> 16) % 7] : 60;
	uint32_t cap = x->cfg.authenticated ? 86400 : 3600;

	if (rnd % 4 != 0)
		return true;
	*r = (struct suitdev_response){.code = rnd & 16 ? 429 : 503,
	    .have_max_age = have, .max_age = s};
	until = x->now + (s < cap ? s : cap) * INT64_C(1000);
	steered++;
	return true;
}

static void
nothing_is_sent_inside_a_max_age(void **state)
{
	static const struct suitdev_kind *const kind[] = {
	    &suitdev_kind_plain, &suitdev_kind_poll, &suitdev_kind_observe,
	    &suitdev_kind_trigger, &suitdev_kind_manifest};
	static const struct suitdev_net net = {send_late, world_forget};
	const struct suitdev_response news = {.code = 205, .observe = true};

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		world_init(&w, kind[i % 5]);
		until = 0;
		w.cfg.net = &net;
		w.cfg.seed = luck = i;
		w.cfg.authenticated = i & 1;
		w.twist = later;
		world_boot(&w);
		for (unsigned n = 0; n < 300; n++) {
			if (n % 3 == 0)
				assert_int_equal(suitdev_trigger(&w.dev,
				    w.now, slice_str(n & 1 ? URL :
				    URL "&w=600")), 0);
			if (n % 7 == 0)
				suitdev_notified(&w.dev, w.now, &news);
			if (n == 100 && kind[i % 5]->pushed)
				assert_int_not_equal(suitdev_pushed(&w.dev,
				    w.now, NULL, slice_of(w.envelope,
				    w.envelope_n)), 1);
			if (w.dev.phase == SUITDEV_REBOOT)
				break; /* a start forgets, see 3.3 */
			if (!world_turn(&w))
				break;
		}
		assert_int_equal(w.dev.nv.fails[FAIL_OVERLOAD], 0);
		assert_int_equal(w.dev.nv.fails[FAIL_TRANSPORT], 0);
		world_fini(&w);
	}
	assert_true(steered > 300);
}

static void
a_trigger_is_the_first_thing_after_the_wait(void **state)
{
	int64_t wake;

	(void)state;
	ready(&suitdev_kind_trigger, 5);
	w.dev.wake = wake = w.now + 20 * 60000; /* as 4.29 leaves it */
	assert_int_equal(suitdev_trigger(&w.dev, w.now, slice_str(URL)), 0);
	while (w.gets == 0)
		assert_true(world_turn(&w));
	assert_in_range(w.now, wake, wake + 10);
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_trigger_is_spread_evenly_over_what_it_announces),
	    cmocka_unit_test(what_is_no_spread_is_none_and_a_day_is_the_most),
	    cmocka_unit_test(the_same_trigger_again_draws_nothing),
	    cmocka_unit_test(another_trigger_moves_it_to_sooner_only),
	    cmocka_unit_test(a_poll_in_between_is_an_ordinary_one),
	    cmocka_unit_test(riot_takes_it_for_a_part_of_the_url),
	    cmocka_unit_test(MODE_HYBRID_a_url_that_never_answers_is_forgotten),
	    cmocka_unit_test(first_contact_comes_within_the_last_spread),
	    cmocka_unit_test(
		a_start_of_its_own_making_does_not_wait_for_the_spread),
	    cmocka_unit_test(starts_that_come_to_nothing_halve_the_spread),
	    cmocka_unit_test(nothing_is_sent_inside_a_max_age),
	    cmocka_unit_test(a_trigger_is_the_first_thing_after_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
