#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/gate.h"
#include "lib/limits.h"

#define BROKE 0.05 /* the default limit, at 95 % */

static void
near(double got, double want, double relative)
{
	if (!(fabs(got - want) <= relative * fabs(want)))
		fail_msg("%.12g is not %.12g", got, want);
}

/* The slow way: every term of the sum, in logarithms. */
static double
summed(uint64_t k, uint64_t n, double p)
{
	double s = 0;
	int sign;

	for (uint64_t i = k; i <= n; i++)
		s += exp(lgamma_r((double)n + 1, &sign) -
		    lgamma_r((double)i + 1, &sign) -
		    lgamma_r((double)(n - i) + 1, &sign) +
		    (double)i * log(p) + (double)(n - i) * log1p(-p));
	return s;
}

static void
tail_by_hand(void **state)
{
	(void)state;
	near(gate_tail(1, 1, 0.3), 0.3, 1e-13);
	near(gate_tail(1, 2, 0.5), 0.75, 1e-13);
	near(gate_tail(2, 2, 0.5), 0.25, 1e-13);
	near(gate_tail(2, 3, 0.1), 0.028, 1e-13);
	near(gate_tail(10, 10, 0.9), pow(0.9, 10), 1e-12);
	near(gate_tail(1, 100, 0.01), 1 - pow(0.99, 100), 1e-12);
	near(gate_tail(6, 11, 0.5), 0.5, 1e-12); /* by symmetry */
}

static void
tail_at_its_ends(void **state)
{
	(void)state;
	assert_true(gate_tail(0, 10, 0.5) == 1);
	assert_true(gate_tail(0, 0, 0.5) == 1);
	assert_true(gate_tail(1, 0, 0.5) == 0);
	assert_true(gate_tail(11, 10, 1) == 0);
	assert_true(gate_tail(3, 10, 0) == 0);
	assert_true(gate_tail(3, 10, -1) == 0);
	assert_true(gate_tail(3, 10, NAN) == 0);
	assert_true(gate_tail(3, 10, 1) == 1);
	assert_true(gate_tail(10, 10, 2) == 1);
}

static void
tail_is_the_sum_of_its_terms(void **state)
{
	static const uint64_t ns[] = {1, 2, 7, 10, 41, 100, 999};
	static const double ps[] = {1e-6, 0.01, 0.05, 0.3, 0.5, 0.9, 0.999};

	(void)state;
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 7; j++)
			for (uint64_t k = 1; k <= ns[i]; k += 1 + ns[i] / 25) {
				double want = summed(k, ns[i], ps[j]);

				if (want > 1e-280) /* else out of digits */
					near(gate_tail(k, ns[i], ps[j]), want,
					    1e-8);
			}
}

/* The upper part of two million terms: what is below 1e-300 adds nothing. */
static void
tail_is_sound_for_the_largest_fleet(void **state)
{
	uint64_t n = LIMIT_DEVICES;
	double sd = sqrt((double)n * 0.05 * 0.95), s;
	int sign;

	(void)state;
	for (int z = -3; z <= 6; z += 3) {
		uint64_t k = (uint64_t)((double)n * 0.05 + z * sd);

		s = 0;
		for (uint64_t i = k; i < k + (uint64_t)(20 * sd); i++)
			s += exp(lgamma_r((double)n + 1, &sign) -
			    lgamma_r((double)i + 1, &sign) -
			    lgamma_r((double)(n - i) + 1, &sign) +
			    (double)i * log(0.05) +
			    (double)(n - i) * log1p(-0.05));
		near(gate_tail(k, n, 0.05), s, 1e-7);
	}
	/* a median of whole numbers is within one term of the mean */
	assert_true(fabs(gate_tail(n / 2, n, 0.5) - 0.5) < 3e-4);
	near(gate_tail(1, n, 1e-6), 1 - exp((double)n * log1p(-1e-6)), 1e-7);
	assert_true(gate_tail(n / 2, n, 0.05) == 0);
	assert_true(gate_tail(n / 100, n, 0.05) == 1);
}

static void
bounds_by_hand(void **state)
{
	(void)state;
	near(gate_lower(1, 10, 95), 1 - pow(0.95, 0.1), 1e-9);
	assert_true(fabs(gate_lower(1, 10, 95) - 0.00512) < 5e-6);
	assert_true(fabs(gate_lower(2, 10, 95) - 0.0368) < 5e-5);
	assert_true(fabs(gate_lower(3, 10, 95) - 0.0873) < 5e-5);
	assert_true(fabs(gate_lower(9, 10, 95) - 0.6058) < 5e-5);
	assert_true(fabs(gate_lower(10, 10, 95) - 0.7411) < 5e-5);
	for (unsigned c = 50; c <= 99; c += 7)
		for (uint64_t n = 1; n < 3000000; n = n * 3 + 1) {
			double a = (100.0 - c) / 100;

			near(gate_lower(n, n, c), pow(a, 1 / (double)n),
			    1e-12);
			near(gate_lower(1, n + 1, c), -expm1(log1p(-a) /
			    (double)(n + 1)), 1e-7);
		}
}

static void
bounds_at_their_ends(void **state)
{
	(void)state;
	assert_true(gate_lower(0, 10, 95) == 0);
	assert_true(gate_lower(0, 0, 95) == 0);
	assert_true(gate_lower(11, 10, 95) == gate_lower(10, 10, 95));
}

static void
bounds_are_where_the_tail_is_alpha(void **state)
{
	static const uint64_t kn[][2] = {{1, 2}, {3, 41}, {50, 100},
	    {999, 1000}, {10, LIMIT_DEVICES}, {100500, LIMIT_DEVICES},
	    {LIMIT_DEVICES - 1, LIMIT_DEVICES}};

	(void)state;
	for (size_t i = 0; i < sizeof(kn) / sizeof(kn[0]); i++) {
		uint64_t k = kn[i][0], n = kn[i][1];
		double low = gate_lower(k, n, 95);

		near(gate_tail(k, n, low), 0.05, 1e-5);
		assert_true(low < (double)k / (double)n);
	}
}

/* The two questions agree with the bound that they replace. */
static void
questions_agree_with_the_bound(void **state)
{
	static const double limits[] = {0, 0.01, 0.05, 0.5, 0.6, 0.95, 1};
	static const unsigned cs[] = {50, 80, 95, 99};

	(void)state;
	for (unsigned c = 0; c < 4; c++)
		for (uint64_t n = 1; n < 60; n++)
			for (uint64_t k = 0; k <= n; k++)
				for (size_t i = 0; i < 7; i++) {
					double b = gate_lower(k, n, cs[c]),
					    l = limits[i];

					/* 1 of 1 at 95 % is 0.05 itself */
					if (k < n && b > 0 &&
					    fabs(b - l) < 1e-9)
						continue;
					assert_int_equal(gate_above(k, n,
					    cs[c], l), b > l);
					assert_int_equal(gate_reaches(k, n,
					    cs[c], l), b >= l);
				}
	assert_false(gate_above(0, 0, 95, 0));
	assert_true(gate_reaches(0, 0, 95, 0));
	assert_false(gate_reaches(0, 0, 95, 0.1));
}

/* Least k of n that puts the rate above the limit; n + 1: none does. */
static uint64_t
needed(uint64_t n, double limit, uint64_t from)
{
	uint64_t k = from;

	while (k <= n && !gate_above(k, n, 95, limit))
		k++;
	return k;
}

/* The table in docs/CAMPAIGNS.md. */
static void
failures_that_trip_are_as_documented(void **state)
{
	static const struct {
		uint64_t n, broke, unreachable, success;
	} want[] = {
		{1, 2, 2, 2}, {2, 2, 3, 3}, {5, 2, 5, 6}, {6, 2, 6, 6},
		{10, 3, 9, 9}, {20, 4, 15, 17}, {50, 6, 32, 37},
		{100, 10, 59, 69}, {1000, 63, 527, 626},
		{10000, 537, 5083, 6082},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		uint64_t n = want[i].n, k = 0;

		while (k <= n && !gate_reaches(k, n, 95, 0.6))
			k++;
		assert_int_equal(needed(n, BROKE, 0), want[i].broke);
		assert_int_equal(needed(n, 0.5, 0), want[i].unreachable);
		assert_int_equal(k, want[i].success);
	}
}

/*
 * The chance that a release which breaks each device with probability p
 * trips by `n` outcomes when one looks after each of them, from ten on.
 * Exact: the distribution of failures among the runs that have not tripped,
 * one outcome after the other.
 */
static double
trips_by(uint64_t n, double p)
{
	static double alive[2000];
	double tripped = 0;
	uint64_t bound = 0;

	for (size_t k = 0; k < 2000; k++)
		alive[k] = k == 0;
	for (uint64_t i = 1; i <= n; i++) {
		for (uint64_t k = bound < 10 ? 10 : bound; k > 0; k--)
			alive[k] = alive[k] * (1 - p) + alive[k - 1] * p;
		alive[0] *= 1 - p;
		if (i < 10)
			continue;
		bound = needed(i, BROKE, bound);
		for (uint64_t k = bound; k <= bound + 10; k++) {
			tripped += alive[k];
			alive[k] = 0;
		}
	}
	return tripped;
}

static void
looking_after_every_outcome_is_as_documented(void **state)
{
	static const struct {
		double p;
		uint64_t n;
		double trips;
	} want[] = {
		{0.01, 100, 6.32e-4}, {0.01, 10000, 6.32e-4},
		{0.02, 100, 5.82e-3}, {0.02, 10000, 5.86e-3},
		{0.03, 100, 0.0228}, {0.03, 10000, 0.0242},
		{0.04, 100, 0.0617}, {0.04, 10000, 0.0797},
		{0.05, 100, 0.131}, {0.05, 10000, 0.389},
		{0.10, 100, 0.726}, {0.10, 1000, 1 - 2.48e-6},
		{0.15, 100, 0.975}, {0.20, 100, 1 - 8.73e-4},
		{0.30, 100, 1 - 1.15e-7}, {1, 10, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		double t = trips_by(want[i].n, want[i].p);

		/* the smaller of the two chances, to three digits */
		if (want[i].trips < 0.9)
			near(t, want[i].trips, 4e-3);
		else
			near(1 - t, 1 - want[i].trips, 8e-3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tail_by_hand),
		cmocka_unit_test(tail_at_its_ends),
		cmocka_unit_test(tail_is_the_sum_of_its_terms),
		cmocka_unit_test(tail_is_sound_for_the_largest_fleet),
		cmocka_unit_test(bounds_by_hand),
		cmocka_unit_test(bounds_at_their_ends),
		cmocka_unit_test(bounds_are_where_the_tail_is_alpha),
		cmocka_unit_test(questions_agree_with_the_bound),
		cmocka_unit_test(failures_that_trip_are_as_documented),
		cmocka_unit_test(looking_after_every_outcome_is_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
