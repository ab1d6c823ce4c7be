#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/nonce.h"
#include "lib/text.h"

static const struct nonce_key key = {{1, 2, 3}}, other = {{1, 2, 4}};

/* openssl mac -digest SHA256 -macopt hexkey:010203<29 zeros> HMAC over
 * 00000007 000000000000002a */
static void
it_is_the_step_and_an_hmac(void **state)
{
	uint8_t n[NONCE_SIZE];
	char hex[2 * NONCE_SIZE + 1];

	(void)state;
	assert_int_equal(nonce_make(&key, 42, 7 * NONCE_STEP_S, n), 0);
	assert_string_equal(text_hex(slice_of(n, sizeof(n)), hex,
	    sizeof(hex)), "00000007" "5b80eb7e8a78a1e9");
}

static void
it_is_good_for_its_time_and_no_longer(void **state)
{
	const int64_t made = 5 * NONCE_STEP_S + 17;
	const int64_t last = (5 + NONCE_STEPS + 1) * (int64_t)NONCE_STEP_S - 1;
	uint8_t n[NONCE_SIZE];
	struct slice s = slice_of(n, sizeof(n));

	(void)state;
	assert_int_equal(nonce_make(&key, 1, made, n), 0);
	assert_true(nonce_fresh(&key, 1, made, s));
	assert_true(nonce_fresh(&key, 1, last, s));
	assert_false(nonce_fresh(&key, 1, last + 1, s));
	/* made by nobody yet */
	assert_false(nonce_fresh(&key, 1, 5 * NONCE_STEP_S - 1, s));
	assert_false(nonce_fresh(&key, 1, -1, s));
}

static void
it_is_for_who_asked_and_ends_with_the_secret(void **state)
{
	uint8_t n[NONCE_SIZE];
	struct slice s = slice_of(n, sizeof(n));

	(void)state;
	assert_int_equal(nonce_make(&key, 1, 0, n), 0);
	assert_true(nonce_fresh(&key, 1, 0, s));
	assert_false(nonce_fresh(&key, 2, 0, s));
	assert_false(nonce_fresh(&other, 1, 0, s));
}

static void
every_bit_of_it_counts(void **state)
{
	uint8_t n[NONCE_SIZE + 1] = {0};

	(void)state;
	assert_int_equal(nonce_make(&key, 1, NONCE_STEP_S, n), 0);
	for (size_t i = 0; i < 8 * NONCE_SIZE; i++) {
		n[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(nonce_fresh(&key, 1, NONCE_STEP_S,
		    slice_of(n, NONCE_SIZE)));
		n[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_false(nonce_fresh(&key, 1, NONCE_STEP_S,
	    slice_of(n, NONCE_SIZE - 1)));
	assert_false(nonce_fresh(&key, 1, NONCE_STEP_S,
	    slice_of(n, NONCE_SIZE + 1)));
	assert_false(nonce_fresh(&key, 1, NONCE_STEP_S, SLICE_NONE));
}

static void
an_uptime_has_an_end(void **state)
{
	const int64_t last = ((int64_t)UINT32_MAX + 1) * NONCE_STEP_S - 1;
	uint8_t n[NONCE_SIZE];

	(void)state;
	assert_int_equal(nonce_make(&key, 1, last, n), 0);
	assert_true(nonce_fresh(&key, 1, last, slice_of(n, sizeof(n))));
	assert_int_equal(nonce_make(&key, 1, last + 1, n), ERR_RANGE);
	assert_int_equal(nonce_make(&key, 1, -1, n), ERR_RANGE);
}

int
main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(it_is_the_step_and_an_hmac),
		T(it_is_good_for_its_time_and_no_longer),
		T(it_is_for_who_asked_and_ends_with_the_secret),
		T(every_bit_of_it_counts),
		T(an_uptime_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
