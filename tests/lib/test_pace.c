#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/backoff.h"
#include "lib/pace.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND 1000LL
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define NOW 1700000000000LL
#define SEEDS 1000

/* One state through a sequence; worked out by hand. */
static void
admission_is_the_formula(void **state)
{
	static const struct {
		int64_t t, burst, now; /* now: after NOW */
		bool ok;
		int64_t wait, next; /* next: after NOW */
	} v[] = {
		/* strictly spaced */
		{1000, 0, 0, true, 0, 1000},
		{1000, 0, 0, false, 1000, 1000},
		{1000, 0, 999, false, 1, 1000},
		{1000, 0, 1000, true, 0, 2000},
		{1000, 0, 2500, true, 0, 3500}, /* idle time is not saved */
		/* a burst of 2000 ms: three at once, the fourth waits */
		{1000, 2000, 10000, true, 0, 11000},
		{1000, 2000, 10000, true, 0, 12000},
		{1000, 2000, 10000, true, 0, 13000},
		{1000, 2000, 10000, false, 1000, 13000},
		{1000, 2000, 10400, false, 600, 13000},
		{1000, 2000, 11000, true, 0, 14000},
		/* unlimited: nothing counts */
		{0, 0, 11000, true, 0, 14000},
		{-5, 0, 11000, true, 0, 14000},
		/* the rate is lowered, the debt stays */
		{3000, 0, 11000, false, 3000, 14000},
		/* a negative burst is none */
		{3000, -9, 14000, true, 0, 17000},
	};
	struct pace p = {0};

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		struct pace before = p;
		int64_t would = -1, wait = -1;

		assert_int_equal(pace_would(&p, v[i].t, v[i].burst,
		    NOW + v[i].now, &would), v[i].ok);
		assert_int_equal(p.next, before.next);
		assert_int_equal(pace_admit(&p, v[i].t, v[i].burst,
		    NOW + v[i].now, &wait), v[i].ok);
		assert_int_equal(wait, v[i].wait);
		assert_int_equal(would, v[i].wait);
		assert_int_equal(p.next, NOW + v[i].next);
	}
}

/* Any span of d ms sees at most (burst + d) / t + 1; and who waits as told
 * is admitted. */
static void
no_span_sees_more_than_its_share(void **state)
{
	enum { CELLS = 120 };
	int64_t when[CELLS];

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint64_t s = seed;
		int64_t t = 1 + (int64_t)(backoff_rand(&s) % 5000);
		int64_t burst = (int64_t)(backoff_rand(&s) % 20000);
		int64_t now = NOW, wait;
		struct pace p = {0};
		int n = 0;

		while (n < CELLS) {
			int64_t last = p.next;

			if (pace_admit(&p, t, burst, now, &wait)) {
				when[n++] = now;
				assert_int_equal(wait, 0);
				assert_true(p.next >= last + t || last == 0);
				assert_true(p.next <= now + burst + t);
			} else {
				struct pace q = p;
				int64_t w;

				assert_int_equal(p.next, last);
				assert_in_range(wait, 1, t);
				assert_false(pace_would(&q, t, burst,
				    now + wait - 1, &w));
				assert_true(pace_admit(&q, t, burst,
				    now + wait, &w));
			}
			now += (int64_t)(backoff_rand(&s) % 3) *
			    (int64_t)(backoff_rand(&s) % ((uint64_t)t + 1));
		}
		for (int i = 0; i < CELLS; i++)
			for (int k = i; k < CELLS; k++)
				assert_true(k - i + 1 <= (burst + when[k] -
				    when[i]) / t + 1);
	}
}

static void
a_clock_set_back_costs_a_burst_not_a_year(void **state)
{
	struct pace p = {NOW + YEAR};
	int64_t wait;

	(void)state;
	assert_true(pace_admit(&p, 1000, 500, NOW, &wait));
	assert_int_equal(p.next, NOW + 1000);
	p.next = NOW + YEAR;
	assert_int_equal(pace_book(&p, 1000, HOUR, NOW, 0), 1000);
	assert_int_equal(p.next, NOW + 1000);

	/* at the bound it is a state like any other, past it it is free */
	p.next = NOW + PACE_FAR * 1500 + PACE_FAR - 1;
	assert_false(pace_would(&p, 1000, 500, NOW, &wait));
	assert_int_equal(wait, PACE_FAR * 1500 + PACE_FAR - 1 - 500);
	p.next++;
	assert_true(pace_would(&p, 1000, 500, NOW, &wait));
	p.next = NOW + PACE_FAR * HOUR;
	assert_int_equal(pace_book(&p, 1000, HOUR, NOW, 0), HOUR / 2);
	p.next = NOW + PACE_FAR * HOUR + PACE_FAR;
	assert_int_equal(pace_book(&p, 1000, HOUR, NOW, 0), 1000);
}

static void
booking_is_the_formula(void **state)
{
	static const struct {
		int64_t t, horizon, now;
		uint64_t rnd;
		int64_t wait, next;
	} v[] = {
		{2850, 10000, 0, 7, 2850, 2850},
		{2850, 10000, 0, 7, 5700, 5700},
		{2850, 10000, 0, 7, 8550, 8550},
		/* 11400 lies beyond: U(5000, 10000), nothing consumed */
		{2850, 10000, 0, 0, 5000, 8550},
		{2850, 10000, 0, 5000, 10000, 8550},
		{2850, 10000, 0, 5001, 5000, 8550},
		{2850, 10000, 1400, 0, 10000, 11400}, /* just within */
		{2850, 10000, 20000, 0, 2850, 22850}, /* idle: from now */
		{0, 10000, 20000, 0, 0, 22850},
		{-1, 10000, 20000, 0, 0, 22850},
		{2850, 0, 20000, 9, 0, 22850},
		{2850, -7, 20000, 9, 0, 22850},
		/* of an odd horizon the half is rounded down */
		{2850, 5, 30000, 2, 4, 22850},
	};
	struct pace p = {0};

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		assert_int_equal(pace_book(&p, v[i].t, v[i].horizon,
		    NOW + v[i].now, v[i].rnd), v[i].wait);
		assert_int_equal(p.next, NOW + v[i].next);
	}
}

static void
bookings_are_spaced_and_within_the_horizon(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint64_t s = seed;
		int64_t t = 1 + (int64_t)(backoff_rand(&s) % 5000);
		int64_t horizon = (int64_t)(backoff_rand(&s) % 200000);
		int64_t now = NOW, slot = 0;
		struct pace p = {0};

		for (int i = 0; i < 200; i++) {
			int64_t last = p.next;
			int64_t wait = pace_book(&p, t, horizon, now,
			    backoff_rand(&s));

			assert_in_range(wait, 0, horizon);
			if (p.next == last) {
				assert_true((last > now ? last - now : 0) + t >
				    horizon);
				assert_true(wait >= horizon / 2);
			} else {
				assert_int_equal(now + wait, p.next);
				assert_true(p.next - slot >= t);
				slot = p.next;
			}
			assert_true(p.next >= last);
			now += (int64_t)(backoff_rand(&s) % (uint64_t)t);
		}
	}
}

/* A queue that others with a longer horizon have filled is not forgotten. */
static void
horizons_can_differ_on_one_queue(void **state)
{
	struct pace p = {NOW + 6 * HOUR - 1};

	(void)state;
	assert_int_equal(pace_book(&p, 1000, HOUR, NOW, 0), HOUR / 2);
	assert_int_equal(p.next, NOW + 6 * HOUR - 1);
}

static void
max_age_rounds_up_within_its_clamp(void **state)
{
	static const struct {
		int64_t wait;
		uint32_t cap, age;
	} v[] = {
		{0, 60, 1}, {1, 60, 1}, {1000, 60, 1}, {1001, 60, 2},
		{59001, 60, 60}, {60000, 60, 60}, {60001, 60, 60},
		{-1, 60, 1}, {INT64_MIN, 60, 1}, {5000, 0, 1},
		{INT64_MAX, 86400, 86400}, {INT64_MAX, UINT32_MAX, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < N(v); i++)
		assert_int_equal(pace_max_age(v[i].wait, v[i].cap), v[i].age);
}

static void
the_interval_keeps_slots_full(void **state)
{
	(void)state;
	assert_int_equal(pace_interval(60000, 20), 2850);
	assert_int_equal(pace_interval(60000, 1), 57000);
	assert_int_equal(pace_interval(60000, 0), 57000);
	assert_int_equal(pace_interval(1000, 950), 1);
	assert_int_equal(pace_interval(1000, 951), 1); /* at least */
	assert_int_equal(pace_interval(0, 1), 950);
	assert_int_equal(pace_interval(INT64_MIN, 1), 950);
	assert_int_equal(pace_interval(INT64_MAX, 1), 82080000);
	assert_int_equal(pace_interval(INT64_MAX, UINT32_MAX), 1);
}

static void
the_mean_moves_by_an_eighth(void **state)
{
	int64_t m = 0;

	(void)state;
	assert_int_equal(m = pace_mean(m, 60000), 60000);
	assert_int_equal(m = pace_mean(m, 68000), 61000);
	assert_int_equal(m = pace_mean(m, 53000), 60000);
	assert_int_equal(pace_mean(0, 0), 1000);
	assert_int_equal(pace_mean(0, -1), 1000);
	assert_int_equal(pace_mean(-1, INT64_MAX), DAY);
	assert_int_equal(pace_mean(1000, INT64_MIN), 1000);
	assert_int_equal(pace_mean(DAY, INT64_MAX), DAY);
	assert_int_equal(pace_mean(INT64_MAX, DAY), DAY);
	/* one session that hung for a day is as long as a day, not more */
	assert_int_equal(pace_mean(60000, INT64_MAX),
	    60000 + (DAY - 60000) / 8);
	for (int i = 0; i < 100; i++)
		m = pace_mean(m, 5000);
	assert_in_range(m, 5000, 5007);
}

static void
a_ramp_grows_with_successes(void **state)
{
	/* 10 a minute, doubled by each 50, at most 100 */
	static const struct pace_ramp r = {10, 2000, 50, 100};
	static const struct {
		struct pace_ramp r;
		uint64_t successes;
		int64_t ms;
	} v[] = {
		{{0, 2000, 50, 100}, 0, 0},
		{{0, 2000, 50, 100}, UINT64_MAX, 0},
		{{1, 1000, 1, 0}, UINT64_MAX, 60000},
		{{1, 0, 1, 0}, UINT64_MAX, 60000}, /* factor clamped to 1 */
		{{1, 2000, 0, 0}, UINT64_MAX, 60000}, /* never grows */
		{{1, 5000, 1, 0}, 1, 12000},
		{{1, 5001, 1, 0}, 1, 12000}, /* clamped to 5 */
		{{7, 1000, 1, 0}, 0, 8572}, /* 8571.4 rounded up */
		{{50, 2000, 1, 20}, 0, 3000}, /* base above the bound */
		{{1, 1001, 1, 0}, UINT64_MAX, 1},
		{{60000, 1000, 0, 0}, 0, 1},
		{{UINT32_MAX, 5000, 1, UINT32_MAX}, UINT64_MAX, 1},
		{{1, 1500, 10, 0}, 19, 40000},
		{{1, 1500, 10, 0}, 20, 26667}, /* 2.25 a minute */
	};

	(void)state;
	assert_int_equal(pace_ramp(&r, 0), 6000);
	assert_int_equal(pace_ramp(&r, 49), 6000);
	assert_int_equal(pace_ramp(&r, 50), 3000);
	assert_int_equal(pace_ramp(&r, 149), 1500);
	assert_int_equal(pace_ramp(&r, 150), 750);
	assert_int_equal(pace_ramp(&r, 200), 600); /* 160, bounded */
	assert_int_equal(pace_ramp(&r, UINT64_MAX), 600);
	for (size_t i = 0; i < N(v); i++)
		assert_int_equal(pace_ramp(&v[i].r, v[i].successes), v[i].ms);
}

static void
a_ramp_never_slows_down(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint64_t s = seed;
		struct pace_ramp r = {
			.per_minute = 1 + (uint32_t)(backoff_rand(&s) % 100),
			.factor_permille = (uint32_t)(backoff_rand(&s) % 6000),
			.step = (uint32_t)(backoff_rand(&s) % 20),
			.max_per_minute = (uint32_t)(backoff_rand(&s) % 1000),
		};
		int64_t last = INT64_MAX;

		for (uint64_t n = 0; n < 200; n++) {
			int64_t ms = pace_ramp(&r, n);

			assert_in_range(ms, 1, 60000);
			assert_true(ms <= last);
			assert_true(r.max_per_minute == 0 ||
			    ms * r.max_per_minute >= 60000);
			last = ms;
		}
	}
}

static void
extremes_do_not_overflow(void **state)
{
	static const int64_t v[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, NOW,
		INT64_MAX - 1, INT64_MAX};
	int64_t wait;

	(void)state;
	for (size_t i = 0; i < 8 * 8 * 8 * 8; i++) {
		int64_t next = v[i % 8], now = v[i / 8 % 8],
		    t = v[i / 64 % 8], span = v[i / 512 % 8];
		struct pace p = {next};

		if (pace_admit(&p, t, span, now, &wait))
			assert_int_equal(wait, 0);
		else
			assert_true(wait > 0 && p.next == next);
		p.next = next;
		wait = pace_book(&p, t, span, now, UINT64_MAX);
		assert_true(wait >= 0 && (wait == 0 || wait <= span));
	}
}

/* 10 000 devices ask at once; each comes back to the second when told. */
static void
a_fleet_that_comes_when_told_fills_the_slots(void **state)
{
	enum { DEVICES = 10000, SLOTS = 20, SESSION_S = 60, END_S = 40000 };
	static const int64_t horizons[] = {HOUR, 6 * HOUR, 24 * HOUR};
	static uint32_t due[END_S]; /* devices that come in this second */
	const double ideal = (double)DEVICES * SESSION_S / SLOTS;
	int64_t t = pace_interval(SESSION_S * SECOND, SLOTS);

	(void)state;
	for (size_t h = 0; h < N(horizons); h++) {
		unsigned active = 0, done = 0, asked = 0, peak = 0, last = 0;
		unsigned ends[SESSION_S] = {0};
		struct pace p = {0};
		uint64_t s = h;

		memset(due, 0, sizeof(due));
		due[0] = DEVICES;
		for (unsigned now = 0; now < END_S; now++) {
			unsigned *end = &ends[now % SESSION_S];

			done += *end;
			active -= *end;
			last = *end > 0 ? now : last;
			*end = 0;
			if (now > 0 && due[now] > peak)
				peak = due[now];
			for (; due[now] > 0; due[now]--) {
				uint32_t age;

				asked++;
				if (active < SLOTS) {
					active++;
					(*end)++;
					continue;
				}
				age = pace_max_age(pace_book(&p, t,
				    horizons[h], NOW + now * SECOND,
				    backoff_rand(&s)), 86400);
				assert_true(now + age < END_S);
				due[now + age]++;
			}
		}
		print_message("horizon %2d h: %.4f of ideal, %.2f requests a "
		    "device, at most %u in a second\n",
		    (int)(horizons[h] / HOUR), last / ideal,
		    (double)asked / DEVICES, peak);
		assert_int_equal(done, DEVICES);
		assert_true(last >= ideal);
		assert_true(last <= 1.10 * ideal);
		/* an hour sends most of the fleet away unbooked, again and
		 * again: as efficient for the slots, not for the network */
		assert_true(h == 0 || asked <= 2.6 * DEVICES);
		assert_true(peak <= (h == 0 ? 20 : 10));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admission_is_the_formula),
		cmocka_unit_test(no_span_sees_more_than_its_share),
		cmocka_unit_test(a_clock_set_back_costs_a_burst_not_a_year),
		cmocka_unit_test(booking_is_the_formula),
		cmocka_unit_test(bookings_are_spaced_and_within_the_horizon),
		cmocka_unit_test(horizons_can_differ_on_one_queue),
		cmocka_unit_test(max_age_rounds_up_within_its_clamp),
		cmocka_unit_test(the_interval_keeps_slots_full),
		cmocka_unit_test(the_mean_moves_by_an_eighth),
		cmocka_unit_test(a_ramp_grows_with_successes),
		cmocka_unit_test(a_ramp_never_slows_down),
		cmocka_unit_test(extremes_do_not_overflow),
		cmocka_unit_test(a_fleet_that_comes_when_told_fills_the_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
