#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/echo.h"

static const struct echo_key key = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15}};
static const struct echo_peer peer = {
	.host = {[10] = 0xff, 0xff, 192, 0, 2, 7}, .port = 5683,
};

/* The vectors of the reference implementation: text 00, 00 01, ... */
static void
the_mac_is_siphash(void **state)
{
	static const struct {
		size_t n;
		uint64_t v;
	} v[] = {
		{0, UINT64_C(0x726fdb47dd0e0e31)},
		{1, UINT64_C(0x74f839c593dc67fd)},
		{7, UINT64_C(0xab0200f58b01d137)},
		{8, UINT64_C(0x93f5f5799a932462)},
		{15, UINT64_C(0xa129ca6149be45e5)},
	};
	uint8_t text[16];

	(void)state;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_true(echo_mac(&key, slice_of(text, v[i].n)) == v[i].v);
}

static bool
fresh_at(uint64_t made, uint64_t shown)
{
	uint8_t v[ECHO_VALUE];

	echo_make(&key, &peer, made, v);
	return echo_fresh(&key, &peer, shown, slice_of(v, sizeof(v)));
}

static void
a_value_is_good_for_one_step_to_two(void **state)
{
	(void)state;
	assert_true(fresh_at(0, 0));
	assert_true(fresh_at(0, 2 * ECHO_STEP_S - 1));
	assert_false(fresh_at(0, 2 * ECHO_STEP_S));
	assert_true(fresh_at(ECHO_STEP_S - 1, 2 * ECHO_STEP_S - 1));
	assert_false(fresh_at(ECHO_STEP_S - 1, 2 * ECHO_STEP_S));
	/* none from a time to come, as after a restart with the same key */
	assert_false(fresh_at(5 * ECHO_STEP_S, 4 * ECHO_STEP_S));
}

static void
DOS_ECHO_a_value_is_of_no_use_to_others(void **state)
{
	struct echo_peer other = peer;
	struct echo_key another = key;
	uint8_t v[ECHO_VALUE];

	(void)state;
	echo_make(&key, &peer, 1000, v);
	other.port++;
	assert_false(echo_fresh(&key, &other, 1000, slice_of(v, sizeof(v))));
	other = peer;
	other.scope = 3;
	assert_false(echo_fresh(&key, &other, 1000, slice_of(v, sizeof(v))));
	for (unsigned bit = 0; bit < 128; bit++) {
		other = peer;
		other.host[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(echo_fresh(&key, &other, 1000,
		    slice_of(v, sizeof(v))));
	}
	another.b[15] ^= 1;
	assert_false(echo_fresh(&another, &peer, 1000,
	    slice_of(v, sizeof(v))));
}

static void
DOS_ECHO_a_changed_or_cut_value_is_none(void **state)
{
	uint8_t v[ECHO_VALUE + 1] = {0};

	(void)state;
	echo_make(&key, &peer, 7, v);
	for (size_t n = 0; n <= sizeof(v); n++)
		assert_int_equal(echo_fresh(&key, &peer, 7, slice_of(v, n)),
		    n == ECHO_VALUE);
	for (unsigned bit = 0; bit < 8 * ECHO_VALUE; bit++) {
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(echo_fresh(&key, &peer, 7,
		    slice_of(v, ECHO_VALUE)));
		v[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* What head takes, and the block, and one byte less than both. */
static void
a_block_fits_what_may_be_sent(void **state)
{
	(void)state;
	for (size_t head = 0; head < 80; head++) {
		for (unsigned szx = 0; szx <= 6; szx++) {
			size_t both = head + ((size_t)16 << szx);
			uint8_t got = 99;

			assert_true(echo_szx(both, head, &got));
			assert_int_equal(got, szx);
			assert_int_equal(echo_szx(both - 1, head, &got),
			    szx > 0);
			assert_int_equal(got, szx > 0 ? szx - 1 : 0);
		}
	}
	assert_int_equal(echo_budget(20), 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mac_is_siphash),
		cmocka_unit_test(a_value_is_good_for_one_step_to_two),
		cmocka_unit_test(DOS_ECHO_a_value_is_of_no_use_to_others),
		cmocka_unit_test(DOS_ECHO_a_changed_or_cut_value_is_none),
		cmocka_unit_test(a_block_fits_what_may_be_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
