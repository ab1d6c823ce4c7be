/* Shares of what is scarce: who gets the last ones, and who never gets more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/share.h"

#define NOW INT64_C(5000000)
#define MS INT64_C(1000)

static const struct share_rule rule = {200, {50, 50, 8}};
static struct share s;

static int
setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	s.key.b[3] = 7;
	return 0;
}

/* 10.x.y.9 of network n, or device n. */
static struct share_asker
asker(enum share_rank rank, unsigned n)
{
	struct share_asker a = {rank, {0}};

	if (rank != SHARE_KNOWN)
		a.id[10] = a.id[11] = 0xff;
	a.id[12] = 10;
	a.id[13] = (uint8_t)(n >> 8);
	a.id[14] = (uint8_t)n;
	a.id[15] = 9;
	return a;
}

static bool
take(enum share_rank rank, unsigned n, int64_t now)
{
	struct share_asker a = asker(rank, n);

	return share_take(&s, &rule, &a, now);
}

/* How many askers of a rank get one, of `n` that all come at once. */
static unsigned
takes(enum share_rank rank, unsigned n, int64_t now)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++)
		got += take(rank, i, now);
	return got;
}

static void
DOS_SIGNATURES_each_rank_has_what_those_below_cannot_take(void **state)
{
	(void)state;
	assert_int_equal(takes(SHARE_STRANGER, 300, NOW), 100);
	assert_int_equal(takes(SHARE_SHOWN, 300, NOW), 50);
	assert_int_equal(takes(SHARE_STRANGER, 300, NOW), 0);
	assert_int_equal(takes(SHARE_KNOWN, 300, NOW), 50);
	assert_int_equal(takes(SHARE_KNOWN, 300, NOW), 0);
	/* it grows back from the end that was kept */
	assert_int_equal(takes(SHARE_KNOWN, 1, NOW + 5 * MS), 1);
	assert_int_equal(takes(SHARE_STRANGER, 300, NOW + 500 * MS), 0);
	assert_int_equal(takes(SHARE_SHOWN, 300, NOW + 500 * MS), 49);
}

static void
who_is_known_may_have_it_all_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(takes(SHARE_KNOWN, 300, NOW), 200);
	assert_int_equal(takes(SHARE_SHOWN, 300, NOW), 0);
}

/* Ten strangers a millisecond, from as many networks as there are. */
static void
DOS_SIGNATURES_a_flood_leaves_the_known_their_answers(void **state)
{
	unsigned answered = 0;

	(void)state;
	for (unsigned ms = 0; ms < 10000; ms++) {
		int64_t now = NOW + ms * MS;

		for (unsigned i = 0; i < 10; i++)
			answered += take(SHARE_STRANGER, ms * 10 + i, now);
		if (ms % 10 == 9) /* 100 a second, of some devices */
			assert_true(take(SHARE_KNOWN, ms / 10 % 20, now));
		if (ms % 50 == 49)
			assert_true(take(SHARE_SHOWN, ms / 50 % 20, now));
	}
	/* what was left: 200 a second, without those 120, and the burst */
	assert_in_range(answered, 10 * 80, 10 * 80 + 101);
}

static void
DOS_LIMITS_one_asker_gets_its_own_and_one_past_it_nothing(void **state)
{
	struct share_asker next_door = asker(SHARE_STRANGER, 1);

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_true(take(SHARE_STRANGER, 1, NOW));
	next_door.id[15] = 77; /* the same network */
	assert_false(share_take(&s, &rule, &next_door, NOW));
	assert_true(take(SHARE_SHOWN, 1, NOW)); /* who is really there */
	assert_true(take(SHARE_STRANGER, 2, NOW));
	for (unsigned i = 0; i < 8; i++)
		assert_true(take(SHARE_KNOWN, 1, NOW));
	assert_false(take(SHARE_KNOWN, 1, NOW));
	assert_true(take(SHARE_KNOWN, 2, NOW));
	assert_true(take(SHARE_STRANGER, 1, NOW + 1000 * MS));
	assert_true(take(SHARE_KNOWN, 1, NOW + 1000 * MS));
}

static void
what_is_refused_costs_nothing_and_what_is_given_back_is_there(void **state)
{
	struct share_asker a = asker(SHARE_STRANGER, 1000);

	(void)state;
	assert_int_equal(takes(SHARE_STRANGER, 100, NOW), 100);
	for (unsigned i = 0; i < 100; i++)
		assert_false(share_take(&s, &rule, &a, NOW)); /* of all */
	for (unsigned i = 0; i < 20; i++)
		assert_true(share_take(&s, &rule, &a, NOW + 100 * MS));
	assert_false(share_take(&s, &rule, &a, NOW + 100 * MS));
	for (unsigned i = 0; i < 50; i++)
		assert_true(share_take(&s, &rule, &a, NOW + 1000 * MS));
	assert_false(share_take(&s, &rule, &a, NOW + 1000 * MS));
	for (unsigned i = 0; i < 50; i++)
		share_give(&s, &rule, &a, NOW + 1000 * MS);
	assert_int_equal(s.next, NOW + 1000 * MS);
	share_give(&s, &rule, &a, NOW + 1000 * MS); /* more than was taken */
	assert_int_equal(takes(SHARE_STRANGER, 300, NOW + 1000 * MS), 100);
}

/* More askers than are told apart: the share of all bounds them still. */
static void
DOS_LIMITS_askers_past_the_table_have_no_more_of_it(void **state)
{
	struct share_asker a = {SHARE_STRANGER, {0x20, 0x01}};
	unsigned got = 0;

	(void)state;
	for (unsigned i = 0; i < LIMIT_SHARE_ASKERS + 1; i++) {
		a.id[4] = (uint8_t)(i >> 8);
		a.id[5] = (uint8_t)i;
		got += share_take(&s, &rule, &a, NOW);
	}
	assert_int_equal(got, 100);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(DOS_SIGNATURES_each_rank_has_what_those_below_cannot_take),
		T(who_is_known_may_have_it_all_and_no_more),
		T(DOS_SIGNATURES_a_flood_leaves_the_known_their_answers),
		T(DOS_LIMITS_one_asker_gets_its_own_and_one_past_it_nothing),
		T(what_is_refused_costs_nothing_and_what_is_given_back_is_there),
		T(DOS_LIMITS_askers_past_the_table_have_no_more_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
