#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "device/coap.h"
#include "lib/backoff.h"

static int
parse(const char *bytes, size_t n, struct coap_msg *m)
{
	return coap_parse(slice_of(bytes, n), m);
}

#define PARSE(lit, m) parse("" lit "", sizeof(lit) - 1, m)

static void
well_formed_messages_are_read(void **state)
{
	struct coap_msg m;
	struct coap_iter it;
	struct coap_opt o;

	(void)state;
	assert_int_equal(PARSE("\x40\x00\x12\x34", &m), 0);
	assert_int_equal(m.code, 0);
	assert_int_equal(m.mid, 0x1234);
	assert_int_equal(PARSE("\x62\x45\x00\x01\xaa\xbb\xff" "hi", &m), 0);
	assert_int_equal(m.type, COAP_ACK);
	assert_int_equal(m.code, 205);
	assert_int_equal(m.token_len, 2);
	assert_true(slice_eq_str(m.payload, "hi"));
	/* deltas of 13 + 0 and 269 + 0, lengths of 0 and 13 */
	assert_int_equal(PARSE("\x40\x01\x00\x01\xd0\x00\xed\x00\x00\x00"
	    "0123456789abc", &m), 0);
	it = coap_options(&m);
	assert_true(coap_next(&it, &o));
	assert_int_equal(o.number, 13);
	assert_int_equal(o.value.n, 0);
	assert_true(coap_next(&it, &o));
	assert_int_equal(o.number, 13 + 269);
	assert_int_equal(o.value.n, 13);
	assert_false(coap_next(&it, &o));
}

static void
malformed_messages_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
#define BAD(lit) {lit, sizeof(lit) - 1}
	    BAD(""), BAD("\x40\x01\x00"),
	    BAD("\x00\x01\x00\x01"), /* version 0 */
	    BAD("\x80\x01\x00\x01"), /* version 2 */
	    BAD("\x49\x01\x00\x01" "123456789"), /* token of 9 */
	    BAD("\x44\x01\x00\x01" "123"), /* token cut */
	    BAD("\x40\x00\x00\x01\xff" "x"), /* empty is empty */
	    BAD("\x41\x00\x00\x01" "t"),
	    BAD("\x40\x01\x00\x01\xff"), /* marker, nothing after */
	    BAD("\x40\x01\x00\x01\xf0"), /* reserved delta */
	    BAD("\x40\x01\x00\x01\x0f"), /* reserved length */
	    BAD("\x40\x01\x00\x01\xb3" "ab"), /* value cut */
	    BAD("\x40\x01\x00\x01\xd0"), /* extension cut */
	    BAD("\x40\x01\x00\x01\xe0\x00"),
	    BAD("\x40\x01\x00\x01\xe0\xff\xff"), /* number over 65535 */
	};
	struct coap_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse(bad[i].bytes, bad[i].n, &m) != ERR_MALFORMED)
			fail_msg("case %zu", i);
}

static void
any_bytes_are_read_within_bounds(void **state)
{
	uint64_t rnd = 3;
	uint8_t bytes[40];
	struct coap_msg m;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		struct coap_opt o;
		struct coap_iter it;
		size_t n = backoff_rand(&rnd) % sizeof bytes, sum = 0;

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)backoff_rand(&rnd);
		bytes[0] = (uint8_t)(0x40 | (bytes[0] & 0x33));
		if (coap_parse(slice_of(bytes, n), &m) != 0)
			continue;
		it = coap_options(&m);
		while (coap_next(&it, &o)) {
			assert_true(o.value.p >= bytes &&
			    o.value.p + o.value.n <= bytes + n);
			sum += o.value.n;
		}
		assert_true(sum + m.payload.n + m.token_len + 4 <= n);
	}
}

static void
what_is_written_is_read_back(void **state)
{
	static const unsigned number[] = {1, 12, 13, 14, 27, 268, 282, 2049,
	    65000};
	static uint8_t value[600];
	uint8_t bytes[4000];
	struct coap_msg head = {.type = COAP_NON, .code = 404, .mid = 0xfffe,
	    .token_len = 8, .token = "12345678"}, m;
	struct coap_out o = {.b = buf_of(bytes, sizeof bytes)};
	static const size_t len[] = {0, 1, 12, 13, 14, 268, 269, 270, 600};
	struct coap_iter it;
	struct coap_opt opt;

	(void)state;
	coap_begin(&o, &head);
	for (size_t i = 0; i < 9; i++)
		coap_put(&o, number[i], slice_of(value, len[i]));
	coap_put_payload(&o, slice_str("end"));
	assert_false(o.b.over);
	assert_int_equal(coap_parse(buf_slice(&o.b), &m), 0);
	assert_int_equal(m.code, 404);
	assert_int_equal(m.mid, 0xfffe);
	assert_memory_equal(m.token, "12345678", 8);
	it = coap_options(&m);
	for (size_t i = 0; i < 9; i++) {
		assert_true(coap_next(&it, &opt));
		assert_int_equal(opt.number, number[i]);
		assert_int_equal(opt.value.n, len[i]);
	}
	assert_true(slice_eq_str(m.payload, "end"));
}

static void
unsigned_values(void **state)
{
	static const uint32_t v[] = {0, 1, 255, 256, 65535, 65536, 1 << 24,
	    UINT32_MAX};
	uint32_t u;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		uint8_t bytes[16];
		struct coap_out o = {.b = buf_of(bytes, sizeof bytes)};

		coap_put_uint(&o, 6, v[i]);
		assert_int_equal(coap_uint(slice_of(bytes + 1, o.b.n - 1),
		    &u), 0);
		assert_int_equal(u, v[i]);
	}
	assert_int_equal(coap_uint(slice_str("12345"), &u), ERR_BAD_OPTION);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(well_formed_messages_are_read),
	    cmocka_unit_test(malformed_messages_are_refused),
	    cmocka_unit_test(any_bytes_are_read_within_bounds),
	    cmocka_unit_test(what_is_written_is_read_back),
	    cmocka_unit_test(unsigned_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
