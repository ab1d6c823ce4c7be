#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/cbor.h"
#include "lib/limits.h"
#include "lib/text.h"

/* Bytes from hex; the storage lives until the next call but three. */
static struct slice
hex(const char *s)
{
	static uint8_t mem[4][8192];
	static unsigned turn;
	struct buf b = buf_of(mem[turn++ % 4], sizeof(mem[0]));

	assert_int_equal(text_unhex(slice_str(s), &b), 0);
	return buf_slice(&b);
}

static int
check_lenient(struct slice in)
{
	struct cbr c = cbr_of(in);
	int rc;

	c.lenient = true;
	if ((rc = cbr_skip(&c, NULL)) != 0)
		return rc;
	return cbr_end(&c) ? 0 : ERR_TRAILING;
}

static void
verdicts_of_the_strict_and_the_lenient_reader(void **state)
{
	static const struct {
		const char *hex;
		int strict, lenient;
	} t[] = {
		{"", ERR_TRUNCATED, ERR_TRUNCATED},
		/* RFC 8949 appendix A */
		{"00", 0, 0},
		{"1bffffffffffffffff", 0, 0},
		{"3bffffffffffffffff", 0, 0},
		{"c249010000000000000000", 0, 0},
		{"f90001", 0, 0},
		{"fa47c35000", 0, 0},
		{"fb3ff199999999999a", 0, 0},
		{"f4", 0, 0},
		{"f7", 0, 0},
		{"f0", 0, 0},
		{"f8ff", 0, 0},
		{"d9d9f7a0", 0, 0},
		{"d28440a0f640", 0, 0},
		{"d28440a040", ERR_TRUNCATED, ERR_TRUNCATED},
		{"83018202039f0405ff", ERR_INDEFINITE, 0},
		{"bf61610161629f0203ffff", ERR_INDEFINITE, 0},
		{"5f42010243030405ff", ERR_INDEFINITE, ERR_INDEFINITE},
		{"7f657374726561646d696e67ff", ERR_INDEFINITE, ERR_INDEFINITE},
		/* appendix F.1: not well-formed */
		{"1c", ERR_MALFORMED, ERR_MALFORMED},
		{"3d", ERR_MALFORMED, ERR_MALFORMED},
		{"5e", ERR_MALFORMED, ERR_MALFORMED},
		{"dc", ERR_MALFORMED, ERR_MALFORMED},
		{"fe", ERR_MALFORMED, ERR_MALFORMED},
		{"1f", ERR_MALFORMED, ERR_MALFORMED},
		{"3f", ERR_MALFORMED, ERR_MALFORMED},
		{"df00", ERR_MALFORMED, ERR_MALFORMED},
		{"f800", ERR_MALFORMED, ERR_MALFORMED},
		{"f81f", ERR_MALFORMED, ERR_MALFORMED},
		{"ff", ERR_MALFORMED, ERR_MALFORMED},
		{"81ff", ERR_MALFORMED, ERR_MALFORMED},
		{"c1ff", ERR_MALFORMED, ERR_MALFORMED},
		{"bf00ff", ERR_INDEFINITE, ERR_MALFORMED},
		{"9f", ERR_INDEFINITE, ERR_TRUNCATED},
		{"9f01", ERR_INDEFINITE, ERR_TRUNCATED},
		{"18", ERR_TRUNCATED, ERR_TRUNCATED},
		{"19 01", ERR_TRUNCATED, ERR_TRUNCATED},
		{"c1", ERR_TRUNCATED, ERR_TRUNCATED},
		{"d8", ERR_TRUNCATED, ERR_TRUNCATED},
		{"f8", ERR_TRUNCATED, ERR_TRUNCATED},
		{"f900", ERR_TRUNCATED, ERR_TRUNCATED},
		{"41", ERR_TRUNCATED, ERR_TRUNCATED},
		{"5bffffffffffffffff0102", ERR_TRUNCATED, ERR_TRUNCATED},
		/* longer than needed */
		{"1817", ERR_MALFORMED, 0},
		{"190017", ERR_MALFORMED, 0},
		{"1900ff", ERR_MALFORMED, 0},
		{"1a0000ffff", ERR_MALFORMED, 0},
		{"1b00000000ffffffff", ERR_MALFORMED, 0},
		{"1818", 0, 0},
		{"190100", 0, 0},
		{"1a00010000", 0, 0},
		{"1b0000000100000000", 0, 0},
		{"3817", ERR_MALFORMED, 0},
		{"580100", ERR_MALFORMED, 0},
		{"780161", ERR_MALFORMED, 0},
		{"980100", ERR_MALFORMED, 0},
		{"b8010000", ERR_MALFORMED, 0},
		{"d81200", ERR_MALFORMED, 0},
		/* counts that cannot fit */
		{"9bffffffffffffffff", ERR_TRUNCATED, ERR_TRUNCATED},
		{"bbffffffffffffffff", ERR_TRUNCATED, ERR_TRUNCATED},
		{"bb800000000000000000", ERR_TRUNCATED, ERR_TRUNCATED},
		{"820 1", ERR_TRUNCATED, ERR_TRUNCATED},
		{"a100", ERR_TRUNCATED, ERR_TRUNCATED},
		/* keys: any type, arrays as in SUIT 8.6.4 */
		{"a201000200", 0, 0},
		{"a2010001 00", ERR_DUPLICATE, ERR_DUPLICATE},
		{"a3020001000200", ERR_DUPLICATE, ERR_DUPLICATE},
		{"a3030001000100", ERR_DUPLICATE, ERR_DUPLICATE},
		{"a281410000 81410100", 0, 0},
		{"a281410000 81410000", ERR_DUPLICATE, ERR_DUPLICATE},
		{"a2 6161 00 4161 00", 0, 0},
		{"81a2 6161 00 6161 00", ERR_DUPLICATE, ERR_DUPLICATE},
		{"a1 a2 01000100 00", ERR_DUPLICATE, ERR_DUPLICATE},
		{"bf 0100 0100 ff", ERR_INDEFINITE, ERR_DUPLICATE},
		/* text */
		{"62c3bc", 0, 0},
		{"62c328", ERR_UTF8, ERR_UTF8},
		{"63eda080", ERR_UTF8, ERR_UTF8},
		{"a16180 00", ERR_UTF8, ERR_UTF8},
		{"0000", ERR_TRAILING, ERR_TRAILING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct slice in = hex(t[i].hex);

		if (cbr_check(in) != t[i].strict ||
		    check_lenient(in) != t[i].lenient)
			fail_msg("%s: strict %s, lenient %s", t[i].hex,
			    err_name(cbr_check(in)),
			    err_name(check_lenient(in)));
	}
}

static void
depth_ends_at_the_limit(void **state)
{
	static const uint8_t opener[] = {0x81, 0xc1};
	uint8_t b[LIMIT_CBOR_DEPTH + 2];

	(void)state;
	assert_int_equal(LIMIT_CBOR_DEPTH, 16);
	for (size_t k = 0; k < sizeof(opener); k++) {
		memset(b, opener[k], sizeof(b));
		b[LIMIT_CBOR_DEPTH] = 0;
		assert_int_equal(cbr_check(slice_of(b, 17)), 0);
		b[LIMIT_CBOR_DEPTH] = opener[k];
		b[LIMIT_CBOR_DEPTH + 1] = 0;
		assert_int_equal(cbr_check(slice_of(b, 18)), ERR_DEPTH);
	}
}

static void
long_nests_do_not_use_up_the_stack(void **state)
{
	static uint8_t b[60000];

	(void)state;
	memset(b, 0x81, sizeof(b));
	assert_int_equal(cbr_check(slice_of(b, sizeof(b))), ERR_DEPTH);
	memset(b, 0x9f, sizeof(b));
	assert_int_equal(check_lenient(slice_of(b, sizeof(b))), ERR_DEPTH);
	memset(b, 0xd2, sizeof(b));
	assert_int_equal(cbr_check(slice_of(b, sizeof(b))), ERR_DEPTH);
}

static void
map_pairs_end_at_the_limit(void **state)
{
	static uint8_t mem[8192];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		for (int down = 0; down < 2; down++) {
			struct buf b = buf_of(mem, sizeof(mem));
			size_t n = LIMIT_CBOR_MAP + (size_t)extra;

			cbr_put_map(&b, n);
			for (size_t i = 0; i < n; i++) {
				cbr_put_uint(&b, down ? n - i : i);
				cbr_put_null(&b);
			}
			assert_int_equal(cbr_check(buf_slice(&b)),
			    extra ? ERR_SIZE : 0);
		}
	}
}

static void
an_indefinite_map_ends_at_the_limit_too(void **state)
{
	static uint8_t mem[8192];

	(void)state;
	for (size_t n = LIMIT_CBOR_MAP; n < LIMIT_CBOR_MAP + 2; n++) {
		struct buf b = buf_of(mem, sizeof(mem));

		buf_put_u8(&b, 0xbf);
		for (size_t i = 0; i < n; i++) {
			cbr_put_uint(&b, i);
			cbr_put_null(&b);
		}
		buf_put_u8(&b, 0xff);
		assert_int_equal(check_lenient(buf_slice(&b)),
		    n > LIMIT_CBOR_MAP ? ERR_SIZE : 0);
	}
}

static void
every_truncation_of_a_message_is_truncated(void **state)
{
	struct slice in = hex("d86ba3025827815824822f5820"
			      "000102030405060708090a0b0c0d0e0f"
			      "101112131415161718191a1b1c1d1e1f"
			      "0343a1010163236162 43010203");

	(void)state;
	assert_int_equal(cbr_check(in), 0);
	for (size_t n = 0; n < in.n; n++)
		assert_int_equal(cbr_check(slice_sub(in, 0, n)),
		    ERR_TRUNCATED);
}

static void
raw_spans_are_the_bytes_as_sent(void **state)
{
	struct slice in = hex("82 8201a10203 43616263"), raw;
	struct cbr_item it;
	struct cbr c = cbr_of(in);
	uint64_t n;

	(void)state;
	assert_int_equal(cbr_get_array(&c, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(cbr_skip(&c, &raw), 0);
	assert_ptr_equal(raw.p, in.p + 1);
	assert_int_equal(raw.n, 5);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_ptr_equal(it.raw.p, in.p + 6);
	assert_int_equal(it.raw.n, 4);
	assert_true(slice_eq_str(it.str, "abc"));
	assert_true(cbr_end(&c));
}

static void
numbers_at_their_edges(void **state)
{
	static const struct {
		const char *hex;
		int rc;
		int64_t v;
	} t[] = {
		{"00", 0, 0},
		{"20", 0, -1},
		{"3a00010000", 0, -65537},
		{"1b7fffffffffffffff", 0, INT64_MAX},
		{"1b8000000000000000", ERR_RANGE, 0},
		{"3b7fffffffffffffff", 0, INT64_MIN},
		{"3b8000000000000000", ERR_RANGE, 0},
		{"f5", ERR_TYPE, 0},
		{"", ERR_TRUNCATED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cbr c = cbr_of(hex(t[i].hex));
		int64_t v = 42;

		assert_int_equal(cbr_get_int(&c, &v), t[i].rc);
		assert_true(v == (t[i].rc == 0 ? t[i].v : 42));
		assert_int_equal(c.pos, t[i].rc == 0 ? c.in.n : 0);
	}
}

static void
a_wrong_type_leaves_the_cursor(void **state)
{
	struct cbr c = cbr_of(hex("f6"));
	struct slice s = slice_str("x");
	struct cbr_iter it;
	uint64_t u = 7;
	int64_t i = 7;
	bool b = true;

	(void)state;
	assert_int_equal(cbr_get_uint(&c, &u), ERR_TYPE);
	assert_int_equal(cbr_get_int(&c, &i), ERR_TYPE);
	assert_int_equal(cbr_get_bool(&c, &b), ERR_TYPE);
	assert_int_equal(cbr_get_bstr(&c, &s), ERR_TYPE);
	assert_int_equal(cbr_get_tstr(&c, &s), ERR_TYPE);
	assert_int_equal(cbr_get_tag(&c, &u), ERR_TYPE);
	assert_int_equal(cbr_get_array(&c, &u), ERR_TYPE);
	assert_int_equal(cbr_get_map(&c, &u), ERR_TYPE);
	assert_int_equal(cbr_enter(&c, CBR_MAP, &it), ERR_TYPE);
	assert_int_equal(u, 7);
	assert_true(b && slice_eq_str(s, "x"));
	assert_int_equal(c.pos, 0);
	assert_int_equal(cbr_get_null(&c), 0);
	assert_int_equal(cbr_get_null(&c), ERR_TRUNCATED);
}

static void
floats_and_simple_values(void **state)
{
	struct cbr c = cbr_of(hex("f93e00 fa47c35000 fbc010666666666666"
				  "f97e00 f5 f4 f0 f8ff f7"));
	struct cbr_item it;

	(void)state;
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_FLOAT && it.f == 1.5);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_FLOAT && it.f == 100000.0);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_FLOAT && it.f == -4.1);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_FLOAT && isnan(it.f));
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_BOOL && it.u == 1);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_BOOL && it.u == 0);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_SIMPLE && it.u == 16);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_SIMPLE && it.u == 255);
	assert_int_equal(cbr_next(&c, &it), 0);
	assert_true(it.type == CBR_UNDEFINED);
}

static void
every_small_tag_is_read(void **state)
{
	(void)state;
	for (uint64_t tag = 0; tag < 300; tag++) {
		uint8_t mem[8];
		struct buf b = buf_of(mem, sizeof(mem));
		struct cbr c;
		uint64_t u;

		cbr_put_tag(&b, tag);
		cbr_put_null(&b);
		c = cbr_of(buf_slice(&b));
		assert_int_equal(cbr_get_tag(&c, &u), 0);
		assert_int_equal(u, tag);
		assert_int_equal(cbr_get_null(&c), 0);
	}
}

static size_t
sum(struct cbr *c, uint64_t *ret_sum, int *ret_err)
{
	struct cbr_iter it;
	size_t n = 0;
	uint64_t u;

	*ret_sum = 0;
	*ret_err = cbr_enter(c, CBR_MAP, &it);
	if (*ret_err != 0)
		return 0;
	while (cbr_more(c, &it)) {
		for (int side = 0; side < 2; side++) {
			if ((it.err = cbr_get_uint(c, &u)) != 0)
				break;
			*ret_sum += u;
		}
		n++;
	}
	*ret_err = it.err;
	return n;
}

static void
iteration_over_both_kinds_of_maps(void **state)
{
	static const struct {
		const char *hex;
		int err;
		size_t n;
		uint64_t sum;
	} t[] = {
		{"a0", 0, 0, 0},
		{"bfff", 0, 0, 0},
		{"a201020304", 0, 2, 10},
		{"bf01020304ff", 0, 2, 10},
		{"bf18010203 1804ff", 0, 2, 10},
		{"bf01020304", ERR_TRUNCATED, 2, 10},
		{"bf0102", ERR_TRUNCATED, 1, 3},
		{"bf01ff", ERR_TYPE, 1, 1},
		{"a2010203", ERR_TRUNCATED, 0, 0},
		{"a2010203ff", ERR_TYPE, 2, 6},
		{"82", ERR_TRUNCATED, 0, 0},
		{"80", ERR_TYPE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cbr c = cbr_of(hex(t[i].hex));
		uint64_t s;
		size_t n;
		int err;

		c.lenient = true;
		n = sum(&c, &s, &err);
		assert_int_equal(err, t[i].err);
		assert_int_equal(n, t[i].n);
		assert_int_equal(s, t[i].sum);
		if (err == 0)
			assert_true(cbr_end(&c));
	}
}

static void
counted_getters_refuse_an_unknown_count(void **state)
{
	struct cbr c = cbr_of(hex("9fff"));
	uint64_t n = 7;

	(void)state;
	assert_int_equal(cbr_get_array(&c, &n), ERR_INDEFINITE);
	c.lenient = true;
	assert_int_equal(cbr_get_array(&c, &n), ERR_INDEFINITE);
	assert_int_equal(n, 7);
	assert_int_equal(c.pos, 0);
}

static void
the_writer_takes_the_shortest_form(void **state)
{
	static const uint64_t u[] = {0, 23, 24, 255, 256, 65535, 65536,
	    0xffffffff, 0x100000000, UINT64_MAX};
	static const size_t len[] = {1, 1, 2, 2, 3, 3, 5, 5, 9, 9};
	static const int64_t i[] = {-1, -24, -25, -256, -257, INT64_MIN, 5};
	uint8_t mem[16];

	(void)state;
	for (size_t k = 0; k < 10; k++) {
		struct buf b = buf_of(mem, sizeof(mem));
		struct cbr c;
		uint64_t back;

		cbr_put_uint(&b, u[k]);
		assert_int_equal(b.n, len[k]);
		c = cbr_of(buf_slice(&b));
		assert_int_equal(cbr_get_uint(&c, &back), 0);
		assert_true(back == u[k]);
	}
	for (size_t k = 0; k < 7; k++) {
		struct buf b = buf_of(mem, sizeof(mem));
		struct cbr c;
		int64_t back;

		cbr_put_int(&b, i[k]);
		c = cbr_of(buf_slice(&b));
		assert_int_equal(cbr_get_int(&c, &back), 0);
		assert_true(back == i[k]);
	}
}

static void
the_writer_writes_what_appendix_a_says(void **state)
{
	uint8_t mem[128];
	struct buf b = buf_of(mem, sizeof(mem));

	(void)state;
	cbr_put_array(&b, 10);
	cbr_put_bstr(&b, slice_of("\1\2\3\4", 4));
	cbr_put_str(&b, "IETF");
	cbr_put_tstr(&b, slice_str("\xc3\xbc"));
	cbr_put_map(&b, 1);
	cbr_put_int(&b, -1000);
	cbr_put_bool(&b, false);
	cbr_put_bool(&b, true);
	cbr_put_null(&b);
	cbr_put_tag(&b, 107);
	cbr_put_bstr_head(&b, 1);
	buf_put_u8(&b, 0xaa);
	cbr_put_double(&b, 1.5);
	cbr_put_double(&b, 100000.0);
	cbr_put_double(&b, -4.1);
	assert_false(b.over);
	assert_true(slice_eq(buf_slice(&b),
	    hex("8a 4401020304 6449455446 62c3bc a13903e7f4 f5 f6 d86b41aa"
		"f93e00 fa47c35000 fbc010666666666666")));
	assert_int_equal(cbr_check(buf_slice(&b)), 0);
}

static void
doubles_survive_in_the_shortest_form(void **state)
{
	static const struct {
		double d;
		size_t n;
	} t[] = {
		{0.0, 3}, {-0.0, 3}, {65504.0, 3}, {65505.0, 5},
		{5.960464477539063e-8, 3}, {1.0e-8, 9}, {3.4e38, 9},
		{1.0e300, 9}, {INFINITY, 3}, {-INFINITY, 3}, {0.1, 9},
	};
	uint8_t mem[16];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b = buf_of(mem, sizeof(mem));
		struct cbr_item it;
		struct cbr c;

		cbr_put_double(&b, t[i].d);
		assert_int_equal(b.n, t[i].n);
		c = cbr_of(buf_slice(&b));
		assert_int_equal(cbr_next(&c, &it), 0);
		assert_true(it.f == t[i].d);
		assert_int_equal(signbit(it.f), signbit(t[i].d));
	}
}

static void
a_full_writer_says_so_and_stays_inside(void **state)
{
	uint8_t mem[32];

	(void)state;
	for (size_t cap = 0; cap < 20; cap++) {
		struct buf b = buf_of(mem, cap);

		memset(mem, 0x5a, sizeof(mem));
		cbr_put_map(&b, 1);
		cbr_put_uint(&b, 1000);
		cbr_put_array(&b, 3);
		cbr_put_str(&b, "abcd");
		cbr_put_double(&b, 0.1);
		cbr_put_null(&b);
		assert_int_equal(b.over, cap < 20);
		for (size_t i = cap; i < sizeof(mem); i++)
			assert_int_equal(mem[i], 0x5a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    verdicts_of_the_strict_and_the_lenient_reader),
		cmocka_unit_test(depth_ends_at_the_limit),
		cmocka_unit_test(long_nests_do_not_use_up_the_stack),
		cmocka_unit_test(map_pairs_end_at_the_limit),
		cmocka_unit_test(an_indefinite_map_ends_at_the_limit_too),
		cmocka_unit_test(every_truncation_of_a_message_is_truncated),
		cmocka_unit_test(raw_spans_are_the_bytes_as_sent),
		cmocka_unit_test(numbers_at_their_edges),
		cmocka_unit_test(a_wrong_type_leaves_the_cursor),
		cmocka_unit_test(floats_and_simple_values),
		cmocka_unit_test(every_small_tag_is_read),
		cmocka_unit_test(iteration_over_both_kinds_of_maps),
		cmocka_unit_test(counted_getters_refuse_an_unknown_count),
		cmocka_unit_test(the_writer_takes_the_shortest_form),
		cmocka_unit_test(the_writer_writes_what_appendix_a_says),
		cmocka_unit_test(doubles_survive_in_the_shortest_form),
		cmocka_unit_test(a_full_writer_says_so_and_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
