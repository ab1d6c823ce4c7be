/*
 * The device's half of retry control: how long it waits after each class of
 * failure, and what it remembers of that when the power goes.
 */
#include "device/core.h"
#include "tests/device/world.h"

#define HOUR SUITDEV_HOUR_MS
#define DAY SUITDEV_DAY_MS

static struct world w;

/* --- delays --- */

/* The delays drawn after `fails` failures of a class: shortest, longest. */
static void
draws(enum fail_class c, unsigned fails, int64_t *ret_min, int64_t *ret_max)
{
	*ret_min = INT64_MAX;
	*ret_max = 0;
	for (unsigned i = 0; i < 400; i++) {
		int64_t delay;

		w.dev.nv.fails[c] = (uint8_t)(fails - 1);
		core_failed(&w.dev, w.now, c, REASON_OTHER);
		assert_int_equal(w.dev.nv.fails[c], fails);
		delay = w.dev.fetch_at - w.now;
		*ret_min = delay < *ret_min ? delay : *ret_min;
		*ret_max = delay > *ret_max ? delay : *ret_max;
	}
}

static void
each_class_waits_between_its_base_and_its_window(void **state)
{
	static const struct {
		enum fail_class c;
		unsigned fails;
		int64_t base, window; /* of base << fails, or << 2 * fails */
	} t[] = {
	    {FAIL_TRANSPORT, 1, 30000, 60000},
	    {FAIL_TRANSPORT, 3, 30000, 240000},
	    {FAIL_TRANSPORT, 7, 30000, HOUR},
	    {FAIL_TRANSPORT, 255, 30000, HOUR},
	    {FAIL_INTEGRITY, 1, 300000, 600000},
	    {FAIL_INTEGRITY, 255, 300000, DAY},
	    {FAIL_EXECUTION, 1, 900000, 4 * 900000},
	    {FAIL_EXECUTION, 2, 900000, 16 * 900000},
	    {FAIL_EXECUTION, 255, 900000, DAY},
	};

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		int64_t min, max, span = t[i].window - t[i].base;

		draws(t[i].c, t[i].fails, &min, &max);
		assert_in_range(min, t[i].base, t[i].base + span / 20);
		assert_in_range(max, t[i].window - span / 20, t[i].window);
	}
	world_fini(&w);
}

static bool
silent(struct world *x, struct suitdev_response *r)
{
	(void)x;
	(void)r;
	return false;
}

static void
silence_doubles_the_window_up_to_an_hour(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = silent;
	for (unsigned n = 1; n <= 12; n++) {
		int64_t window = n < 7 ? INT64_C(30000) << n : HOUR;

		while (w.lost < n)
			assert_true(world_turn(&w));
		assert_in_range(w.dev.wake - w.now, 30000, window);
	}
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_class_waits_between_its_base_and_its_window),
	    cmocka_unit_test(silence_doubles_the_window_up_to_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
