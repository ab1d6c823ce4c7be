#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/lag.h"

static struct lag l;

static int
fresh(void **state)
{
	(void)state;
	memset(&l, 0, sizeof(l));
	return 0;
}

static void
nothing_has_no_quantiles(void **state)
{
	(void)state;
	assert_int_equal(lag_quantile(&l, 500), 0);
	assert_int_equal(lag_recent(&l, 1000), 0);
}

/* Of one value alone, twice its size above it, the quantile is in between. */
static void
a_quantile_is_right_to_a_quarter(void **state)
{
	(void)state;
	for (uint64_t us = 1; us < UINT64_C(1) << 32; us += us / 7 + 1) {
		uint64_t q;

		fresh(state);
		lag_add(&l, us, 0);
		lag_add(&l, 2 * us + 1, 0);
		q = lag_quantile(&l, 500);
		assert_in_range(q, us, us + us / 4);
		assert_int_equal(lag_quantile(&l, 1000), l.max_us);
	}
}

static void
quantiles_count_from_below(void **state)
{
	(void)state;
	for (int i = 0; i < 990; i++)
		lag_add(&l, 10, 0);
	for (int i = 0; i < 9; i++)
		lag_add(&l, 1000, 0);
	lag_add(&l, 250000, 0);
	assert_in_range(lag_quantile(&l, 500), 10, 12);
	assert_in_range(lag_quantile(&l, 990), 10, 12);
	assert_in_range(lag_quantile(&l, 991), 1000, 1250);
	assert_int_equal(lag_quantile(&l, 1000), 250000);
	assert_int_equal(l.n, 1000);
}

static void
long_ones_are_counted_apart(void **state)
{
	(void)state;
	lag_add(&l, LAG_LONG_US, 0);
	assert_int_equal(l.over, 0);
	lag_add(&l, LAG_LONG_US + 1, 0);
	assert_int_equal(l.over, 1);
}

static void
a_power_of_two_parts_them_exactly(void **state)
{
	(void)state;
	for (unsigned p = 2; p <= 32; p++) {
		fresh(state);
		lag_add(&l, (UINT64_C(1) << p) - 1, 0);
		lag_add(&l, UINT64_C(1) << p, 0);
		assert_int_equal(lag_below(&l, p), 1);
		assert_int_equal(lag_below(&l, p - (p > 2)), p > 2 ? 0 : 1);
		assert_true(l.sum_us == (UINT64_C(2) << p) - 1);
	}
}

static void
what_is_beyond_all_buckets_is_the_largest(void **state)
{
	(void)state;
	lag_add(&l, UINT64_MAX, 0);
	assert_true(lag_quantile(&l, 500) == UINT64_MAX);
}

static void
the_worst_of_the_last_minute_is_forgotten_then(void **state)
{
	(void)state;
	lag_add(&l, 7000, 5000);
	lag_add(&l, 500, 30000);
	assert_int_equal(lag_recent(&l, 65000), 7000);
	assert_int_equal(lag_recent(&l, 75000), 500);
	assert_int_equal(lag_recent(&l, 300000), 0);
	assert_int_equal(l.max_us, 7000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_has_no_quantiles, fresh),
		cmocka_unit_test_setup(a_quantile_is_right_to_a_quarter, fresh),
		cmocka_unit_test_setup(quantiles_count_from_below, fresh),
		cmocka_unit_test_setup(long_ones_are_counted_apart, fresh),
		cmocka_unit_test_setup(a_power_of_two_parts_them_exactly,
		    fresh),
		cmocka_unit_test_setup(
		    what_is_beyond_all_buckets_is_the_largest, fresh),
		cmocka_unit_test_setup(
		    the_worst_of_the_last_minute_is_forgotten_then, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
