/* Answers of the image plane to what gets no image. */
#include "tests/lib/get_heard.h"

#include "lib/text.h"

/* What libcoap 4.3.1 and the front answered to the same datagram, asked at
 * 127.0.0.1: these are the words that devices know. */
static const struct {
	const char *what, *request, *answer;
} spoken[] = {
	{"a token of 9 bytes",
	    "49011234313233343536373839b1690c5271344a326e765770525a49",
	    "70001234"},
	{"a token cut short",
	    "4801123431323334",
	    "70001234"},
	{"a marker, no payload",
	    "40011234b1690c5271344a326e765770525a49ff",
	    "70001234"},
	{"the same in a NON",
	    "50011234b1690c5271344a326e765770525a49ff",
	    "70001234"},
	{"delta 15",
	    "40011234b1690c5271344a326e765770525a49f161",
	    "70001234"},
	{"a value cut short",
	    "40011234b1690c5271344a326e765770525a491561",
	    "70001234"},
	{"an empty query",
	    "40011234b1690c5271344a326e765770525a4940",
	    "70001234"},
	{"SZX 7",
	    "40011234b1690c5271344a326e765770525a49c107",
	    "60801234ff524643203732353220352e343a206f7074696f6e207661"
	    "6c7565"},
	{"Block1 with SZX 7",
	    "40011234b1690c5271344a326e765770525a49d10307",
	    "60801234d00eff524643203732353220352e343a206f7074696f6e20"
	    "76616c7565"},
	{"SZX 7, Block1 after it",
	    "40011234b1690c5271344a326e765770525a49c1074106",
	    "60801234ff524643203732353220352e343a206f7074696f6e207661"
	    "6c7565"},
	{"a stranger",
	    "40011234b1690c5271344a326e765770525a492378797a",
	    "60821234d30078797aff426164204f7074696f6e"},
	{"a stranger in a NON",
	    "50011234b1690c5271344a326e765770525a492378797a",
	    "70001234"},
	{"a stranger, no answer wanted",
	    "40011234b1690c5271344a326e765770525a492178d1e81a",
	    "60821234d10078ff426164204f7074696f6e"},
	{"strangers with a token",
	    "420112346162b1690c5271344a326e765770525a492378797a0171d0"
	    "03e506d768656c6c6f",
	    "628212346162d30078797a0171d003e506d768656c6c6fff42616420"
	    "4f7074696f6e"},
	{"more strangers than it keeps",
	    "40011234b1690c5271344a326e765770525a49217661762176417641"
	    "762176217641764176d1cb7721772177e105ef77",
	    "60821234d1007661762176417641762176d1d5772177ff426164204f"
	    "7074696f6e"},
	{"Hop-Limit 0",
	    "40011234b1690c5271344a326e765770525a495100",
	    "60801234ff4261642052657175657374"},
	{"Hop-Limit 1",
	    "40011234b1690c5271344a326e765770525a495101",
	    "60a81234d103ffff3132372e302e302e31"},
	{"Hop-Limit 1 with a token",
	    "43011234616263b1690c5271344a326e765770525a495101",
	    "63a81234616263d103ffff3132372e302e302e31"},
	{"Hop-Limit 1, no answer wanted",
	    "40011234b1690c5271344a326e765770525a495101d1e510",
	    "60001234"},
	{"Proxy-Scheme",
	    "40011234b1690c5271344a326e765770525a49d40f636f6170",
	    "60a51234ff50726f7879696e67204e6f7420537570706f72746564"},
	{"Proxy-Scheme in a NON",
	    "50011234b1690c5271344a326e765770525a49d40f636f6170",
	    "50a51234ff50726f7879696e67204e6f7420537570706f72746564"},
	{"Proxy-Scheme and Hop-Limit 1",
	    "40011234b1690c5271344a326e765770525a495101d40a636f6170",
	    "60a51234ff50726f7879696e67204e6f7420537570706f72746564"},
	{"Proxy-Scheme and a stranger",
	    "40011234b1690c5271344a326e765770525a492178d40d636f6170",
	    "60821234d10078ff426164204f7074696f6e"},
	{"If-Match",
	    "400112341178a1690c5271344a326e765770525a49",
	    "60821234ff524643203732353220352e343a206f7074696f6e207661"
	    "6c7565"},
	{"17 queries",
	    "40011234b1690c5271344a326e765770525a4943613d3003613d3103"
	    "613d3203613d3303613d3403613d3503613d3603613d3703613d3803"
	    "613d3904613d313004613d313104613d313204613d313304613d3134"
	    "04613d313504613d3136",
	    "609d1234ff6d6f7265207468616e2031362071756572696573"},
	{"17 segments",
	    "40011234b16901780178017801780178017801780178017801780178"
	    "01780178017801780178",
	    "60841234ff7061746820746f6f206c6f6e67"},
	{"17 segments, Accept 257",
	    "40011234b16901780178017801780178017801780178017801780178"
	    "01780178017801780178620101",
	    "60841234c20101ffa220696e6f7420666f756e64216d706174682074"
	    "6f6f206c6f6e67"},
	{"SZX 7, Accept 257",
	    "40011234b1690c5271344a326e765770525a496201016107",
	    "60801234c20101ffa2206f6e6f742077656c6c2d666f726d65642178"
	    "1a524643203732353220352e343a206f7074696f6e2076616c7565"},
};

static void
odd_requests_get_the_bytes_that_libcoap_gave(void **state)
{
	struct made *m = *state;

	for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++) {
		struct buf in = buf_of(m->b, sizeof(m->b));
		char hex[2 * sizeof(struct heard)];
		struct get_answer a;
		enum get_verdict v;
		struct heard h;
		struct get g;

		assert_int_equal(text_unhex(slice_str(spoken[i].request), &in),
		    0);
		m->n = in.n;
		v = made_read(m, &g);
		assert_int_not_equal(v, GET_OK);
		get_reject(&g, v, "127.0.0.1", &a);
		hear(&a, &h);
		assert_false(a.block);
		text_hex(slice_of(h.b, h.n), hex, sizeof(hex));
		assert_string_equal(hex, spoken[i].answer);
	}
}

static void
every_error_is_an_answer(void **state)
{
	struct made *m = *state;
	struct get_answer a;
	struct heard h;
	struct get g;
	struct why why;

	memset(why.text, 'a', sizeof(why.text) - 1);
	why.text[sizeof(why.text) - 1] = '\0';
	for (int problem = 0; problem < 2; problem++) {
		made_get(m, CON, "12345678");
		if (problem)
			made_opt(m, OPT_ACCEPT, "\1\1", 2);
		made_block(m, OPT_BLOCK1, 0, false, 6);
		assert_int_equal(made_read(m, &g), GET_OK);
		for (int e = -1; e > -ERR_POS_END_; e--) {
			get_refuse(&g, e, NULL, &a);
			assert_int_equal(a.code, err_coap(e));
			get_refuse(&g, e, &why, &a);
			hear(&a, &h);
			assert_true(h.body.n >= sizeof(why.text) - 1);
			assert_int_equal(option(&h, OPT_MAX_AGE).p != NULL,
			    a.code == 503);
			assert_non_null(option(&h, OPT_BLOCK1).p);
		}
	}
}

/* The longest that a 4.02 can have to repeat. */
static void
strange_options_of_a_whole_datagram_are_named(void **state)
{
	struct made *m = *state;
	struct get_answer a;
	struct heard h;
	struct get g;

	made_begin(m, CON, "12345678");
	made_opt(m, OPT_URI_PATH, "i", 1);
	made_fill(m, 13, LIMIT_DATAGRAM - m->n - 3);
	assert_int_equal(m->n, LIMIT_DATAGRAM);
	assert_int_equal(made_read(m, &g), GET_CRITICAL);
	get_reject(&g, GET_CRITICAL, "", &a);
	hear(&a, &h);
	assert_int_equal(a.code, 402);
	assert_int_equal(option(&h, 13).n, LIMIT_DATAGRAM - 12 - 2 - 3);
	assert_true(a.head_n + a.body.n <= LIMIT_DATAGRAM);
}

/* With words for who reads the wire, where these fit. */
static void
a_402_fits_a_datagram(void **state)
{
	static const char words[] = "\xff" "Bad Option";
	struct made *m = *state;
	struct get_answer a;
	struct get g;

	for (size_t less = 9; less <= 10; less++) {
		made_begin(m, CON, "12345678");
		made_opt(m, OPT_URI_PATH, "i", 1);
		made_fill(m, 13, LIMIT_DATAGRAM - less - m->n - 3);
		assert_int_equal(made_read(m, &g), GET_CRITICAL);
		get_reject(&g, GET_CRITICAL, "", &a);
		assert_int_equal(a.head_n + a.body.n, less == 9 ?
		    LIMIT_DATAGRAM - 9 - 1 : LIMIT_DATAGRAM);
		assert_int_equal(memcmp(a.body.p + a.body.n - 11, words, 11) ==
		    0, less == 10);
	}
}

static void
silence_is_silence(void **state)
{
	struct made *m = *state;
	struct get_answer a;
	struct get g;

	m->n = 3;
	assert_int_equal(made_read(m, &g), GET_SILENT);
	get_reject(&g, GET_SILENT, "", &a);
	assert_true(a.silent);
}

static void
DOS_ECHO_a_challenge_fits_the_shortest_request(void **state)
{
	static const uint8_t want[] = {0x60, 0x81, 0x12, 0x34, 0xd8, 0xef,
	    1, 2, 3, 4, 5, 6, 7, 8};
	struct made *m = *state;
	struct get_answer a;
	struct get g;

	made_begin(m, CON, "");
	made_opt(m, OPT_URI_PATH, "", 0);
	assert_int_equal(made_read(m, &g), GET_OK);
	get_challenge(&g, slice_of(want + 6, 8), &a);
	assert_int_equal(a.head_n, sizeof(want));
	assert_memory_equal(a.head, want, sizeof(want));
	assert_true(a.head_n + a.body.n <= 3 * m->n);
	get_refuse(&g, ERR_NOT_FOUND, NULL, &a);
	get_bare(&g, &a);
	assert_int_equal(a.code, 404);
	assert_int_equal(a.head_n, 4);
	assert_int_equal(a.body.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, made_init, made_fini)
		T(odd_requests_get_the_bytes_that_libcoap_gave),
		T(every_error_is_an_answer),
		T(strange_options_of_a_whole_datagram_are_named),
		T(a_402_fits_a_datagram),
		T(silence_is_silence),
		T(DOS_ECHO_a_challenge_fits_the_shortest_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
