#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/cbor.h"
#include "lib/content.h"

static void
opaque_bytes_satisfy_what_devices_ask_for(void **state)
{
	static const uint16_t fine[] = {CF_OCTET, CF_CBOR, CF_TEXT, CF_JSON};
	static const uint16_t not[] = {CF_LINK, CF_PROBLEM, CF_SUIT_REPORT,
	    CF_NONE};
	struct why why;
	uint16_t cf = 7;

	(void)state;
	assert_int_equal(content_opaque(NULL, &cf, NULL), 0);
	assert_int_equal(cf, CF_OCTET);
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		assert_int_equal(content_opaque(&fine[i], &cf, NULL), 0);
		assert_int_equal(cf, fine[i]);
	}
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++) {
		cf = 7;
		assert_int_equal(content_opaque(&not[i], &cf, &why),
		    ERR_ACCEPT);
		assert_int_equal(why.err, ERR_ACCEPT);
		assert_int_equal(cf, 7); /* untouched */
	}
}

static void
a_plain_diagnostic_is_cut_at_its_cap(void **state)
{
	char text[LIMIT_DIAGNOSTIC + 2];
	uint8_t raw[CONTENT_DIAGNOSTIC];
	struct buf b = buf_of(raw, sizeof(raw));

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[LIMIT_DIAGNOSTIC + 1] = '\0';
	content_diagnose(ERR_RANGE, text, false, &b);
	assert_int_equal(b.n, LIMIT_DIAGNOSTIC);
	text[LIMIT_DIAGNOSTIC] = '\0';
	b.n = 0;
	content_diagnose(ERR_RANGE, text, false, &b);
	assert_int_equal(b.n, LIMIT_DIAGNOSTIC);
	text[LIMIT_DIAGNOSTIC - 1] = '\0';
	b.n = 0;
	content_diagnose(ERR_RANGE, text, false, &b);
	assert_int_equal(b.n, LIMIT_DIAGNOSTIC - 1);
	/* no detail: the error's own words */
	b.n = 0;
	content_diagnose(ERR_RANGE, "", false, &b);
	assert_true(slice_eq_str(buf_slice(&b), err_text(ERR_RANGE)));
}

/* The longest detail there can be, for those who read RFC 9290. */
static void
problem_details_have_a_title_and_a_detail(void **state)
{
	uint8_t raw[CONTENT_DIAGNOSTIC];
	struct buf b = buf_of(raw, sizeof(raw));
	struct why why;
	uint64_t n;

	(void)state;
	memset(why.text, 'a', sizeof(why.text) - 1);
	why.text[sizeof(why.text) - 1] = '\0';
	for (int e = ERR_OK - 1; e > -ERR_POS_END_; e--) {
		struct cbr c = {.in = SLICE_NONE};

		b = buf_of(raw, sizeof(raw));
		content_diagnose(e, why.text, true, &b);
		assert_false(b.over);
		assert_int_equal(cbr_check(buf_slice(&b)), 0);
		c.in = buf_slice(&b);
		assert_int_equal(cbr_get_map(&c, &n), 0);
		assert_int_equal(n, 2);
	}
	b.n = 0;
	content_diagnose(ERR_RANGE, "", true, &b);
	assert_int_equal(cbr_check(buf_slice(&b)), 0);
	assert_int_equal(raw[0], 0xa1);
}

static void
a_size_in_bytes_becomes_the_next_smaller_szx(void **state)
{
	static const struct {
		size_t bytes;
		uint8_t szx;
	} cases[] = {{0, 0}, {16, 0}, {31, 0}, {32, 1}, {1023, 5}, {1024, 6},
	    {4096, 6}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(content_szx(cases[i].bytes), cases[i].szx);
}

static void
size2_is_in_the_first_block_and_when_asked_for(void **state)
{
	struct block b = {1, false, 6};
	struct content_ask ask = {.b2 = &b, .szx = 2,
	    .most = CONTENT_ANY};
	struct content_part part;
	struct why why;

	(void)state;
	assert_int_equal(content_cut(&ask, 2000, &part, NULL), 0);
	assert_false(part.size2);
	assert_int_equal(part.s.len, 2000 - 1024);
	ask.size2 = true;
	assert_int_equal(content_cut(&ask, 2000, &part, NULL), 0);
	assert_true(part.size2);
	ask.size2 = false;
	b.num = 0;
	assert_int_equal(content_cut(&ask, 2000, &part, NULL), 0);
	assert_true(part.size2);
	/* no Block2: our size; and a body of one block is no transfer */
	ask.b2 = NULL;
	assert_int_equal(content_cut(&ask, 2000, &part, NULL), 0);
	assert_int_equal(part.s.len, 64);
	assert_true(part.size2);
	assert_int_equal(content_cut(&ask, 64, &part, NULL), 0);
	assert_false(part.size2);
	ask.b2 = &b;
	b.num = 2;
	assert_int_equal(content_cut(&ask, 2048, &part, &why), ERR_RANGE);
	assert_int_equal(why.err, ERR_RANGE);
}

static void
an_etag_is_known_whole_or_not_at_all(void **state)
{
	const struct slice etags[] = {slice_of("12345678", 8),
	    slice_of("1234567", 7), slice_of("abcdefgh", 8)};

	(void)state;
	assert_true(content_has_etag(etags, 3, slice_of("abcdefgh", 8)));
	assert_false(content_has_etag(etags, 2, slice_of("abcdefgh", 8)));
	assert_false(content_has_etag(etags, 3, slice_of("123456", 6)));
	assert_false(content_has_etag(NULL, 0, slice_of("12345678", 8)));
}

static void
no_response_names_classes(void **state)
{
	(void)state;
	assert_false(content_unwanted(205, 0));
	assert_true(content_unwanted(205, 2));
	assert_false(content_unwanted(404, 2));
	assert_true(content_unwanted(404, 8));
	assert_true(content_unwanted(503, 16));
	assert_false(content_unwanted(203, 8 | 16));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opaque_bytes_satisfy_what_devices_ask_for),
		cmocka_unit_test(a_plain_diagnostic_is_cut_at_its_cap),
		cmocka_unit_test(problem_details_have_a_title_and_a_detail),
		cmocka_unit_test(a_size_in_bytes_becomes_the_next_smaller_szx),
		cmocka_unit_test(
		    size2_is_in_the_first_block_and_when_asked_for),
		cmocka_unit_test(an_etag_is_known_whole_or_not_at_all),
		cmocka_unit_test(no_response_names_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
