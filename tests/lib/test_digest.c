#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/digest.h"
#include "lib/text.h"

/* FIPS 180-2, the digests of "abc". */
static const struct {
	int alg;
	size_t n;
	const char *abc;
} known[] = {
	{DIGEST_SHA256, 32,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad"},
	{DIGEST_SHA384, 48,
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
	    "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
	{DIGEST_SHA512, 64,
	    "ddaf35a193617abacc417349ae204131"
	    "12e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd"
	    "454d4423643ce80e2a9ac94fa54ca49f"},
};

static void
known_answers(void **state)
{
	char hex[2 * DIGEST_MAX + 1];
	struct digest d;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(digest_size(known[i].alg), known[i].n);
		assert_int_equal(digest_compute(known[i].alg,
		    slice_str("abc"), &d), 0);
		assert_int_equal(d.alg, known[i].alg);
		assert_int_equal(d.n, known[i].n);
		assert_string_equal(text_hex(digest_slice(&d), hex,
		    sizeof(hex)), known[i].abc);
	}
}

static void
pieces_give_the_same_digest(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct digest_ctx *c = digest_new(known[i].alg);
		struct digest whole, parts;

		assert_non_null(c);
		assert_int_equal(digest_update(c, slice_str("a")), 0);
		assert_int_equal(digest_update(c, SLICE_NONE), 0);
		assert_int_equal(digest_update(c, slice_str("bc")), 0);
		assert_int_equal(digest_final(c, &parts), 0);
		digest_free(c);
		assert_int_equal(digest_compute(known[i].alg,
		    slice_str("abc"), &whole), 0);
		assert_true(digest_eq(&whole, &parts));
		parts.b[parts.n - 1] ^= 1;
		assert_false(digest_eq(&whole, &parts));
	}
}

/* SHA-1 and SHAKE have numbers in RFC 9054; a manifest must not use them. */
static void
other_algorithms_are_refused(void **state)
{
	static const int algs[] = {0, 2, -14, -15, -17, -18, -45, 16};
	struct digest d = {.alg = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		assert_int_equal(digest_size(algs[i]), 0);
		assert_int_equal(digest_compute(algs[i], slice_str("abc"),
		    &d), ERR_ALGORITHM);
		assert_null(digest_new(algs[i]));
	}
	assert_int_equal(d.alg, 99);
	digest_free(NULL);
}

static void
an_algorithm_is_part_of_a_digest(void **state)
{
	struct digest a = {.alg = DIGEST_SHA256, .n = 32}, b = a;

	(void)state;
	assert_true(digest_eq(&a, &b));
	b.alg = DIGEST_SHA512;
	assert_false(digest_eq(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(pieces_give_the_same_digest),
		cmocka_unit_test(other_algorithms_are_refused),
		cmocka_unit_test(an_algorithm_is_part_of_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
