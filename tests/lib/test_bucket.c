#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/bucket.h"

#define SETS 8
#define NOW INT64_C(1000000000)
#define MS INT64_C(1000)

static struct bucket room[SETS * BUCKET_WAYS];
static struct bucket_table t = {room, SETS};
static const struct bucket_rate rate = {10, 5}; /* one each 100 ms */

static int
setup(void **state)
{
	(void)state;
	memset(room, 0, sizeof(room));
	return 0;
}

static unsigned
takes(uint64_t key, int64_t now)
{
	unsigned n = 0;

	while (n < 1000 && bucket_take(&t, key, rate, now))
		n++;
	return n;
}

static void
DOS_HANDSHAKE_a_burst_and_then_the_rate(void **state)
{
	(void)state;
	assert_int_equal(takes(1, NOW), 5);
	assert_int_equal(takes(1, NOW + 99 * MS), 0);
	assert_int_equal(takes(1, NOW + 100 * MS), 1);
	assert_int_equal(takes(1, NOW + 450 * MS), 3);
	assert_int_equal(takes(1, NOW + 3600000 * MS), 5); /* not more */
}

static void
one_does_not_take_from_another(void **state)
{
	(void)state;
	assert_int_equal(takes(1, NOW), 5);
	assert_int_equal(takes(1 + SETS, NOW), 5); /* of the same set */
	assert_int_equal(takes(2, NOW), 5);
	assert_int_equal(takes(1, NOW), 0);
	assert_int_equal(bucket_count(&t, NOW), 3);
	assert_int_equal(bucket_count(&t, NOW + 500 * MS), 0);
}

static void
what_is_given_back_can_be_taken_again(void **state)
{
	(void)state;
	bucket_give(&t, 1, rate, NOW); /* who has taken none gets none */
	assert_int_equal(takes(1, NOW), 5);
	bucket_give(&t, 1, rate, NOW);
	bucket_give(&t, 1, rate, NOW);
	assert_int_equal(takes(1, NOW), 2);
	for (unsigned i = 0; i < 9; i++)
		bucket_give(&t, 1, rate, NOW);
	assert_int_equal(bucket_count(&t, NOW), 0);
	assert_int_equal(takes(1, NOW), 5);
}

/* At the cap all are kept; one past it the fullest goes, not the emptiest. */
static void
DOS_LIMITS_a_set_forgets_its_fullest(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < BUCKET_WAYS; i++)
		assert_int_equal(takes(i * SETS, NOW), 5);
	for (uint64_t i = 0; i < BUCKET_WAYS; i++)
		assert_int_equal(takes(i * SETS, NOW), 0);
	bucket_give(&t, 2 * SETS, rate, NOW);
	assert_true(bucket_take(&t, BUCKET_WAYS * SETS, rate, NOW));
	assert_int_equal(bucket_count(&t, NOW), BUCKET_WAYS);
	for (uint64_t i = 0; i < BUCKET_WAYS; i++)
		if (i != 2)
			assert_int_equal(takes(i * SETS, NOW), 0);
	assert_int_equal(takes(2 * SETS, NOW), 5); /* as if it was new */
}

static void
no_rate_is_no_limit(void **state)
{
	static const struct bucket_rate any = {0, 0}, one = {1, 0};

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		assert_true(bucket_take(&t, 1, any, NOW));
	assert_int_equal(bucket_count(&t, NOW), 0);
	assert_true(bucket_take(&t, 1, one, NOW));
	assert_false(bucket_take(&t, 1, one, NOW + 999 * MS));
	assert_true(bucket_take(&t, 1, one, NOW + 1000 * MS));
}

static void
networks_share_a_bucket(void **state)
{
	static const uint8_t v4[16] = {[10] = 0xff, 0xff, 192, 0, 2, 7},
	    v4b[16] = {[10] = 0xff, 0xff, 192, 0, 2, 250},
	    v4c[16] = {[10] = 0xff, 0xff, 192, 0, 3, 7},
	    v6[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 2, 3, [15] = 1},
	    v6b[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 2, 4, [15] = 1},
	    v6c[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 3, 3, [15] = 1};

	(void)state;
	assert_true(slice_eq(bucket_prefix(v4), bucket_prefix(v4b)));
	assert_false(slice_eq(bucket_prefix(v4), bucket_prefix(v4c)));
	assert_true(slice_eq(bucket_prefix(v6), bucket_prefix(v6b)));
	assert_false(slice_eq(bucket_prefix(v6), bucket_prefix(v6c)));
}

#define T(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(DOS_HANDSHAKE_a_burst_and_then_the_rate),
		T(one_does_not_take_from_another),
		T(what_is_given_back_can_be_taken_again),
		T(DOS_LIMITS_a_set_forgets_its_fullest),
		T(no_rate_is_no_limit),
		T(networks_share_a_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
