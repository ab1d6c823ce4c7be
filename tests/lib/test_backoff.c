#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/backoff.h"

#define RUNS 20000

static void
generator_is_splitmix64(void **state)
{
	uint64_t s = 1234567;

	(void)state;
	/* the published first outputs of seed 1234567 */
	assert_true(backoff_rand(&s) == 6457827717110365317u);
	assert_true(backoff_rand(&s) == 3203168211198807973u);
	assert_true(backoff_rand(&s) == 9817491932198370423u);
}

static void
delays_are_the_formula(void **state)
{
	struct backoff_rule r = {1000, 8000, 1, 10};
	struct backoff_rule x4 = {1000, 100000, 2, 10};
	static const struct {
		unsigned fails;
		uint64_t rnd;
		int64_t delay;
	} v[] = {
		{0, UINT64_MAX, 1000},
		{1, 0, 1000}, {1, 1000, 2000}, {1, 1001, 1000}, {1, 500, 1500},
		{2, 3000, 4000}, {3, 7000, 8000},
		{4, 7000, 8000}, {4, 7001, 1000},
		{UINT32_MAX, 7000, 8000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_int_equal(backoff_delay(&r, v[i].fails, v[i].rnd),
		    v[i].delay);
	assert_int_equal(backoff_delay(&x4, 1, 3000), 4000);
	assert_int_equal(backoff_delay(&x4, 2, 15000), 16000);
	assert_int_equal(backoff_delay(&x4, 9, 99000), 100000);
}

static void
seeds_replay(void **state)
{
	struct backoff_policy p;
	static const int64_t want[6] = {
		142397, 173456, 110870, 105281, 2470313, 1583391,
	};
	uint64_t s = 42;

	(void)state;
	backoff_default(&p);
	for (unsigned n = 1; n <= 6; n++)
		assert_int_equal(backoff_delay(&p.rule[FAIL_TRANSPORT], n,
		    backoff_rand(&s)), want[n - 1]);
}

static void
delay_stays_between_base_and_cap(void **state)
{
	uint64_t s = 1;

	(void)state;
	for (int i = 0; i < RUNS; i++) {
		struct backoff_rule r = {
			.base_ms = (int64_t)(backoff_rand(&s) % 100000),
			.cap_ms = (int64_t)(backoff_rand(&s) % 100000000),
			.factor_log2 = (unsigned)(backoff_rand(&s) % 8),
		};
		int64_t top = r.cap_ms > r.base_ms ? r.cap_ms : r.base_ms;
		int64_t d = backoff_delay(&r, (unsigned)backoff_rand(&s) >>
		    (backoff_rand(&s) % 32), backoff_rand(&s));

		assert_true(d >= r.base_ms);
		assert_true(d <= top);
	}
}

static void
huge_rules_do_not_overflow(void **state)
{
	struct backoff_rule r = {1, INT64_MAX, 63, 1};

	(void)state;
	assert_true(backoff_delay(&r, UINT32_MAX, UINT64_MAX) >= 1);
	r.base_ms = INT64_MAX;
	assert_true(backoff_delay(&r, 40, UINT64_MAX) == INT64_MAX);
}

static void
jitter_spreads_over_the_window(void **state)
{
	struct backoff_rule r = {1000, 11000, 4, 1};
	unsigned bin[10] = {0};
	uint64_t s = 3;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t d = backoff_delay(&r, 3, backoff_rand(&s)) - 1000;

		bin[d / 1001]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(bin[i], 850, 1150);
}

static void
steered_follows_max_age_within_its_clamp(void **state)
{
	int64_t cap = 24LL * 3600 * 1000;
	static const struct {
		bool have;
		uint64_t age;
		int64_t low, high;
	} v[] = {
		{true, 10, 10000, 11000},
		{true, 0, 1000, 1100},
		{true, 1, 1000, 1100},
		{true, 3600, 3600000, 3630000},
		{true, 86400, 86400000, 86430000},
		{true, 86401, 86400000, 86430000},
		{true, UINT32_MAX, 86400000, 86430000},
		{true, UINT64_MAX, 86400000, 86430000},
		{false, 0, 60000, 66000},
		{false, UINT32_MAX, 60000, 66000},
	};
	uint64_t s = 9;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		for (int k = 0; k < 1000; k++) {
			int64_t d = backoff_steered(v[i].have, v[i].age, cap,
			    backoff_rand(&s));

			assert_true(d >= v[i].low && d <= v[i].high);
		}
	assert_int_equal(backoff_steered(true, 5, 0, 0), 1000);
}

static void
defaults_are_sane(void **state)
{
	struct backoff_policy p;

	(void)state;
	backoff_default(&p);
	assert_true(p.rule[FAIL_TRANSPORT].base_ms >= 90000);
	assert_int_equal(p.rule[FAIL_POLICY].attempts, 0);
	for (int c = FAIL_TRANSPORT; c < FAIL_CLASSES; c++) {
		assert_true(p.rule[c].base_ms >= 1000);
		assert_true(p.rule[c].cap_ms >= p.rule[c].base_ms);
		assert_true(p.rule[c].attempts <= p.attempts_total);
		assert_string_not_equal(fail_class_name((enum fail_class)c),
		    "unknown");
	}
	assert_string_equal(fail_class_name((enum fail_class)99), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generator_is_splitmix64),
		cmocka_unit_test(delays_are_the_formula),
		cmocka_unit_test(seeds_replay),
		cmocka_unit_test(delay_stays_between_base_and_cap),
		cmocka_unit_test(huge_rules_do_not_overflow),
		cmocka_unit_test(jitter_spreads_over_the_window),
		cmocka_unit_test(steered_follows_max_age_within_its_clamp),
		cmocka_unit_test(defaults_are_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
