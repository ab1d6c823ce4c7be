#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/text.h"

static void
hex_both_ways(void **state)
{
	uint8_t mem[4];
	char s[9];
	struct buf b = buf_of(mem, sizeof(mem));

	(void)state;
	assert_int_equal(text_unhex(slice_str(" 00fF\n 7a80 "), &b), 0);
	assert_true(slice_eq(buf_slice(&b), slice_of("\0\xff\x7a\x80", 4)));
	assert_string_equal(text_hex(buf_slice(&b), s, 9), "00ff7a80");
	assert_string_equal(text_hex(buf_slice(&b), s, 8), "00ff7a");
	assert_string_equal(text_hex(SLICE_NONE, s, 9), "");
}

static void
bad_hex_changes_nothing(void **state)
{
	static const struct {
		const char *s;
		int rc;
	} t[] = {{"0", ERR_MALFORMED}, {"0g", ERR_MALFORMED},
	    {"000", ERR_MALFORMED}, {"0x00", ERR_MALFORMED},
	    {"00112233", ERR_SPACE}, {"", 0}};
	uint8_t mem[3] = {9, 9, 9};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b = buf_of(mem, sizeof(mem));

		assert_int_equal(text_unhex(slice_str(t[i].s), &b), t[i].rc);
		assert_int_equal(b.n, 0);
		assert_false(b.over);
	}
}

/* RFC 4648 10, without padding, and the two letters that are ours. */
static void
base64url_both_ways(void **state)
{
	static const struct {
		const char *plain, *coded;
	} t[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
	    {"\xfb\xff\xfe", "-__-"}};
	uint8_t mem[16];
	char s[32];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b = buf_of(mem, sizeof(mem));

		assert_string_equal(text_b64u(slice_str(t[i].plain), s,
		    sizeof(s)), t[i].coded);
		assert_int_equal(text_unb64u(slice_str(t[i].coded), &b), 0);
		assert_true(slice_eq_str(buf_slice(&b), t[i].plain));
	}
	assert_string_equal(text_b64u(slice_str("foobar"), s, 4), "Zm9");
}

static void
base64url_has_one_spelling(void **state)
{
	static const char *const bad[] = {"Z", "Zh", "Zm9", "Zg==", "Zm 9v",
	    "Zm9+", "Zm9/", "Zm9vY"};
	uint8_t mem[2];
	struct buf b = buf_of(mem, sizeof(mem));

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_unb64u(slice_str(bad[i]), &b),
		    ERR_MALFORMED);
	assert_int_equal(text_unb64u(slice_str("Zm9v"), &b), ERR_SPACE);
	assert_int_equal(b.n, 0);
}

static void
uuids_both_ways(void **state)
{
	static const char *const good[] = {
	    "47fbdabb-f2e4-55f0-bb39-3620c2f6df4e",
	    "47fbdabbf2e455f0bb393620c2f6df4e",
	    "47FBDABB-F2E4-55F0-BB39-3620C2F6DF4E"};
	static const char *const bad[] = {"",
	    "47fbdabb-f2e4-55f0-bb39-3620c2f6df4",
	    "47fbdabb-f2e4-55f0-bb39-3620c2f6df4e0",
	    "47fbdabbf-2e4-55f0-bb39-3620c2f6df4e",
	    "47fbdabb-f2e4-55f0-bb39-3620c2f6df-e",
	    "47fbdabbf2e455f0bb393620c2f6df4g"};
	uint8_t id[16];
	char s[37];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(id, 0, sizeof(id));
		assert_int_equal(text_uuid_parse(slice_str(good[i]), id), 0);
		assert_string_equal(text_uuid(id, s), good[0]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_uuid_parse(slice_str(bad[i]), id),
		    ERR_MALFORMED);
	assert_string_equal(text_uuid(id, s), good[0]);
}

/* RFC 9562 A.4, and the ids of SUIT's examples (vendor, class). */
static void
uuid5_of_known_names(void **state)
{
	uint8_t id[16], id2[16];
	char s[37];

	(void)state;
	assert_int_equal(text_uuid5(text_uuid_dns,
	    slice_str("www.example.com"), id), 0);
	assert_string_equal(text_uuid(id, s),
	    "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	assert_int_equal(text_uuid5(text_uuid_dns, slice_str("arm.com"), id),
	    0);
	assert_string_equal(text_uuid(id, s),
	    "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe");
	assert_int_equal(text_uuid5(id, slice_str("LPC1768"), id2), 0);
	assert_int_equal(id2[6] >> 4, 5);
	assert_int_equal(id2[8] >> 6, 2);
}

static void
utf8_verdicts(void **state)
{
	static const struct {
		const char *s;
		bool ok;
	} t[] = {{"", true}, {"plain", true}, {"\xc3\xbc", true},
	    {"\xe2\x82\xac", true}, {"\xf0\x9f\x9a\x80", true},
	    {"\xf4\x8f\xbf\xbf", true}, {"\xed\x9f\xbf", true},
	    {"\xee\x80\x80", true}, {"\x80", false}, {"\xbf", false},
	    {"\xc0\x80", false}, {"\xc1\xbf", false}, {"\xe0\x9f\xbf", false},
	    {"\xed\xa0\x80", false}, {"\xf0\x8f\xbf\xbf", false},
	    {"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false},
	    {"\xfe", false}, {"\xff", false}, {"\xc3", false},
	    {"\xe2\x82", false}, {"\xf0\x9f\x9a", false}, {"\xc3(", false},
	    {"\xe2\x82(", false}, {"\xf0\x9f\x9a(", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (text_utf8_ok(slice_str(t[i].s)) != t[i].ok)
			fail_msg("row %zu", i);
	}
	assert_true(text_utf8_ok(slice_of("\0", 1)));
}

static void
strangers_text_cannot_act(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {{"", ""}, {"update v1.2", "update v1.2"},
	    {"\xc3\xbc \xe2\x82\xac", "\xc3\xbc \xe2\x82\xac"},
	    {"a\nb", "a\\x0ab"}, {"\x1b[2J", "\\x1b[2J"},
	    {"\x7f", "\\x7f"}, {"\xff\xc3", "\\xff\\xc3"},
	    {"\xc2\x9b", "\\u{009b}"}, {"\xe2\x80\xae", "\\u{202e}"},
	    {"\xe2\x81\xa6x", "\\u{2066}x"}, {"\xef\xbb\xbf", "\\u{feff}"},
	    {"\xe2\x80\xa8", "\\u{2028}"},
	    {"\xf3\xa0\x80\x81", "\\u{e0001}"}};
	char s[64];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_string_equal(text_escape(slice_str(t[i].in), s,
		    sizeof(s)), t[i].out);
	assert_string_equal(text_escape(slice_of("a\0b", 3), s, sizeof(s)),
	    "a\\x00b");
}

static void
long_text_is_cut_between_characters(void **state)
{
	char s[16];

	(void)state;
	assert_string_equal(text_escape(slice_str("1234567"), s, 8),
	    "1234567");
	assert_string_equal(text_escape(slice_str("12345678"), s, 8),
	    "1234...");
	assert_string_equal(text_escape(slice_str("123\xe2\x82\xac" "5678"),
	    s, 8), "123...");
	assert_string_equal(text_escape(slice_str("1234\x1b"), s, 8),
	    "1234...");
	assert_string_equal(text_escape(slice_str("12345"), s, 4), "...");
	assert_string_equal(text_escape(slice_str("12345"), s, 2), ".");
	assert_string_equal(text_escape(slice_str("12345"), s, 1), "");
}

static void
numbers(void **state)
{
	static const struct {
		const char *s;
		int rc;
		uint64_t v;
	} t[] = {{"0", 0, 0}, {"007", 0, 7},
	    {"18446744073709551615", 0, UINT64_MAX},
	    {"18446744073709551616", ERR_RANGE, 0},
	    {"99999999999999999999999", ERR_RANGE, 0},
	    {"", ERR_MALFORMED, 0}, {"-1", ERR_MALFORMED, 0},
	    {"+1", ERR_MALFORMED, 0}, {" 1", ERR_MALFORMED, 0},
	    {"1 ", ERR_MALFORMED, 0}, {"1x", ERR_MALFORMED, 0},
	    {"99999999999999999999999x", ERR_MALFORMED, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 0;

		assert_int_equal(text_u64(slice_str(t[i].s), &v), t[i].rc);
		assert_true(v == t[i].v);
	}
}

static void
durations_and_sizes(void **state)
{
	static const struct {
		const char *s;
		int rc;
		int64_t v;
	} d[] = {{"90", 0, 90}, {"90s", 0, 90}, {"15m", 0, 900},
	    {"1h", 0, 3600}, {"7d", 0, 604800}, {"m", ERR_MALFORMED, 0},
	    {"1w", ERR_MALFORMED, 0}, {"1mm", ERR_MALFORMED, 0},
	    {"", ERR_MALFORMED, 0}, {"9223372036854775807", 0, INT64_MAX},
	    {"9223372036854775808", ERR_RANGE, 0},
	    {"106751991167301d", ERR_RANGE, 0}};
	static const struct {
		const char *s;
		int rc;
		uint64_t v;
	} b[] = {{"65536", 0, 65536}, {"64k", 0, 65536},
	    {"64M", 0, 67108864}, {"1G", 0, 1073741824},
	    {"1T", ERR_MALFORMED, 0}, {"64kB", ERR_MALFORMED, 0},
	    {"17179869183G", 0, 17179869183ull << 30},
	    {"17179869184G", ERR_RANGE, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
		int64_t v = 0;

		assert_int_equal(text_duration(slice_str(d[i].s), &v),
		    d[i].rc);
		assert_true(v == d[i].v);
	}
	for (size_t i = 0; i < sizeof(b) / sizeof(b[0]); i++) {
		uint64_t v = 0;

		assert_int_equal(text_bytes(slice_str(b[i].s), &v), b[i].rc);
		assert_true(v == b[i].v);
	}
}

static void
names(void **state)
{
	(void)state;
	assert_true(text_name_ok(slice_str("urn:dev:a_B-9.x@y"), 63));
	assert_true(text_name_ok(slice_str("abc"), 3));
	assert_false(text_name_ok(slice_str("abcd"), 3));
	assert_false(text_name_ok(slice_str(""), 3));
	for (int c = 0; c < 256; c++) {
		uint8_t u = (uint8_t)c;
		bool ok = c != 0 && strchr("abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@-", c) != NULL;

		assert_int_equal(text_name_ok(slice_of(&u, 1), 1), ok);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(bad_hex_changes_nothing),
		cmocka_unit_test(base64url_both_ways),
		cmocka_unit_test(base64url_has_one_spelling),
		cmocka_unit_test(uuids_both_ways),
		cmocka_unit_test(uuid5_of_known_names),
		cmocka_unit_test(utf8_verdicts),
		cmocka_unit_test(strangers_text_cannot_act),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(numbers),
		cmocka_unit_test(durations_and_sizes),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
