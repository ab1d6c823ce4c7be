/* Writing the answers of the image plane. */
#include "tests/lib/get_make.h"

#include "lib/text.h"

#define TOTAL 5000

static uint8_t bytes[TOTAL], digest[32];

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

/* An answer, taken apart by the reader of options. */
struct heard {
	uint8_t b[GET_HEAD + GET_SMALL];
	size_t n;
	struct slice body;
};

static void
hear(const struct get_answer *a, struct heard *ret)
{
	struct buf b = buf_of(ret->b, sizeof(ret->b));

	assert_false(a->silent);
	assert_true(a->head_n <= GET_HEAD);
	buf_put(&b, slice_of(a->head, a->head_n));
	buf_put(&b, a->body);
	assert_false(b.over);
	ret->n = b.n;
	ret->body = a->body;
}

/* Value of an option; p NULL when absent. */
static struct slice
option(const struct heard *h, uint32_t number)
{
	const uint8_t *p = h->b + 4 + (h->b[0] & 15), *end = h->b + h->n;
	struct get_option o = {0};

	while (p < end && *p != GET_MARKER) {
		assert_true(get_next(&o, &p, end));
		if (o.number == number)
			return o.value;
	}
	return SLICE_NONE;
}

static uint32_t
number_in(struct slice v)
{
	uint32_t u = 0;

	assert_non_null(v.p);
	for (size_t i = 0; i < v.n; i++)
		u = u << 8 | v.p[i];
	return u;
}

static struct get_image
image(size_t n)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 11 + i / 256);
	for (size_t i = 0; i < sizeof(digest); i++)
		digest[i] = (uint8_t)(0xd0 + i);
	return (struct get_image){digest, slice_of(bytes, n)};
}

/* Asks for a block of an image of n bytes; what get_write returned. */
static int
ask(struct made *m, size_t n, struct get_answer *ret)
{
	const struct get_image im = image(n);
	struct get g;

	assert_int_equal(made_read(m, &g), GET_OK);
	memset(ret, 0x5a, sizeof(*ret));
	return get_write(&g, &im, 6, ret);
}

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
a_con_is_answered_in_its_ack_and_a_non_by_a_non(void **state)
{
	struct made *m = *state;
	const struct get_image im = image(TOTAL);
	struct get_answer a;
	struct get g;

	made_get(m, CON, "12345678");
	assert_int_equal(made_read(m, &g), GET_OK);
	g.answer_mid = 0xbeef;
	assert_int_equal(get_write(&g, &im, 6, &a), 0);
	assert_memory_equal(a.head, "\x68\x45\x12\x34" "12345678", 12);
	made_get(m, NON, "");
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_int_equal(get_write(&g, &im, 6, &a), 0);
	assert_memory_equal(a.head, "\x50\x45\x12\x34", 4);
	g.answer_mid = 0xbeef;
	assert_int_equal(get_write(&g, &im, 6, &a), 0);
	assert_memory_equal(a.head, "\x50\x45\xbe\xef", 4);
}

/* Rules 1, 2, 3 and 5 of the block path: any number first, the client's size
 * down to 16, M ignored, Block2 and the same ETag in every answer. */
static void
blocks_tile_the_image_at_every_size(void **state)
{
	struct made *m = *state;

	for (uint8_t szx = 0; szx <= 6; szx++) {
		uint32_t last = (TOTAL - 1) / (uint32_t)block_size(szx);

		for (uint32_t num = last; num + 1 > 0; num--) {
			struct get_answer a;
			struct block b;
			struct heard h;

			made_get(m, CON, "t");
			made_block(m, OPT_BLOCK2, num, num & 1, szx);
			assert_int_equal(ask(m, TOTAL, &a), 0);
			assert_int_equal(a.code, 205);
			assert_true(a.block);
			assert_int_equal(a.off, num * block_size(szx));
			assert_int_equal(a.len, num < last ? block_size(szx) :
			    TOTAL - a.off);
			assert_ptr_equal(a.body.p, bytes + a.off);
			assert_int_equal(a.body.n, a.len);
			hear(&a, &h);
			assert_true(slice_eq(option(&h, OPT_ETAG),
			    slice_of(digest, 8)));
			assert_int_equal(block_parse(option(&h, OPT_BLOCK2),
			    &b), 0);
			assert_int_equal(b.num, num);
			assert_int_equal(b.szx, szx);
			assert_int_equal(b.more, num < last);
			assert_int_equal(number_in(option(&h,
			    OPT_CONTENT_FORMAT)), CF_OCTET);
			assert_int_equal(option(&h, OPT_SIZE2).p != NULL,
			    num == 0);
		}
	}
}

static void
past_the_end_is_an_error_with_a_diagnostic(void **state)
{
	struct made *m = *state;
	struct get_answer a;

	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 5, false, 6);
	assert_int_equal(ask(m, TOTAL, &a), ERR_RANGE);
	assert_int_equal(a.code, 400);
	assert_false(a.block);
	assert_true(a.body.n > 0);
	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 0xfffff, false, 6);
	assert_int_equal(ask(m, TOTAL, &a), ERR_RANGE);
}

static void
without_block2_the_servers_size_counts(void **state)
{
	struct made *m = *state;
	struct get_image im = image(TOTAL);
	struct get_answer a;
	struct heard h;
	struct get g;

	made_get(m, CON, "");
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_int_equal(get_write(&g, &im, 4, &a), 0);
	assert_int_equal(a.len, 256);
	hear(&a, &h);
	assert_int_equal(number_in(option(&h, OPT_BLOCK2)), 8 | 4);
	assert_int_equal(number_in(option(&h, OPT_SIZE2)), TOTAL);
	/* what fits is no transfer */
	im.bytes.n = 256;
	assert_int_equal(get_write(&g, &im, 4, &a), 0);
	assert_int_equal(a.len, 256);
	hear(&a, &h);
	assert_null(option(&h, OPT_BLOCK2).p);
	assert_null(option(&h, OPT_SIZE2).p);
	/* an image of no bytes has no format, and no payload marker */
	im.bytes.n = 0;
	assert_int_equal(get_write(&g, &im, 4, &a), 0);
	hear(&a, &h);
	assert_null(option(&h, OPT_CONTENT_FORMAT).p);
	assert_int_equal(h.n, 4 + 9);
}

static void
size2_and_block1_are_answered_when_sent(void **state)
{
	struct made *m = *state;
	struct get_answer a;
	struct heard h;

	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 1, false, 6);
	made_block(m, OPT_BLOCK1, 0, false, 2);
	made_opt(m, OPT_SIZE2, "", 0);
	assert_int_equal(ask(m, TOTAL, &a), 0);
	hear(&a, &h);
	assert_int_equal(number_in(option(&h, OPT_SIZE2)), TOTAL);
	assert_int_equal(number_in(option(&h, OPT_BLOCK1)), 2);
}

static void
a_known_etag_is_valid_for_every_block(void **state)
{
	struct made *m = *state;
	struct get_answer a;
	struct heard h;

	for (uint32_t num = 0; num < 9; num++) {
		(void)image(TOTAL);
		made_begin(m, CON, "");
		made_opt(m, OPT_ETAG, "other", 5);
		made_opt(m, OPT_ETAG, digest, 8);
		made_opt(m, OPT_URI_PATH, "i", 1);
		made_block(m, OPT_BLOCK2, num, false, 6);
		assert_int_equal(ask(m, TOTAL, &a), 0);
		assert_int_equal(a.code, 203);
		assert_false(a.block);
		hear(&a, &h);
		assert_int_equal(h.n, 4 + 9);
		assert_true(slice_eq(option(&h, OPT_ETAG),
		    slice_of(digest, 8)));
	}
	made_begin(m, CON, "");
	made_opt(m, OPT_ETAG, digest, 7);
	made_opt(m, OPT_URI_PATH, "i", 1);
	assert_int_equal(ask(m, TOTAL, &a), 0);
	assert_int_equal(a.code, 205);
}

static void
accept_is_kept_to(void **state)
{
	static const uint8_t fine[] = {CF_OCTET, CF_CBOR, CF_JSON};
	struct made *m = *state;
	struct get_answer a;
	struct heard h;

	for (size_t i = 0; i < sizeof(fine); i++) {
		made_get(m, CON, "");
		made_opt(m, OPT_ACCEPT, &fine[i], 1);
		assert_int_equal(ask(m, TOTAL, &a), 0);
		hear(&a, &h);
		assert_int_equal(number_in(option(&h, OPT_CONTENT_FORMAT)),
		    fine[i]);
	}
	made_get(m, CON, "");
	made_opt(m, OPT_ACCEPT, "", 0);
	assert_int_equal(ask(m, TOTAL, &a), 0);
	hear(&a, &h);
	assert_int_equal(option(&h, OPT_CONTENT_FORMAT).n, 0);
	made_get(m, CON, "");
	made_opt(m, OPT_ACCEPT, "\x28", 1);
	assert_int_equal(ask(m, TOTAL, &a), ERR_ACCEPT);
	assert_int_equal(a.code, 406);
	hear(&a, &h);
	assert_null(option(&h, OPT_CONTENT_FORMAT).p);
	/* who reads RFC 9290 gets it, also of this */
	made_get(m, CON, "");
	made_opt(m, OPT_ACCEPT, "\1\1", 2);
	assert_int_equal(ask(m, TOTAL, &a), ERR_ACCEPT);
	hear(&a, &h);
	assert_int_equal(number_in(option(&h, OPT_CONTENT_FORMAT)),
	    CF_PROBLEM);
}

static void
who_wants_no_answer_gets_an_ack_alone(void **state)
{
	struct made *m = *state;
	struct get_answer a;

	made_get(m, CON, "abcd");
	made_opt(m, OPT_NO_RESPONSE, "\2", 1);
	assert_int_equal(ask(m, TOTAL, &a), 0);
	assert_int_equal(a.code, 0);
	assert_false(a.silent);
	assert_false(a.block); /* nothing went out */
	assert_int_equal(a.head_n, 4);
	assert_memory_equal(a.head, "\x60\0\x12\x34", 4);
	assert_int_equal(a.body.n, 0);
	made_get(m, NON, "abcd");
	made_opt(m, OPT_NO_RESPONSE, "\2", 1);
	assert_int_equal(ask(m, TOTAL, &a), 0);
	assert_true(a.silent);
	/* errors are another class; the first of two options counts */
	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 5, false, 6);
	made_opt(m, OPT_NO_RESPONSE, "\2", 1);
	made_opt(m, OPT_NO_RESPONSE, "\x1a", 1);
	assert_int_equal(ask(m, TOTAL, &a), ERR_RANGE);
	assert_int_equal(a.code, 400);
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

/* Every token, every block size, with all that can be asked for. */
static void
DOS_AMPLIFICATION_get_head_is_never_exceeded(void **state)
{
	const struct get_image im = image(TOTAL);
	struct made *m = *state;
	struct get_answer a;
	struct get g;

	for (unsigned k = 0; k < 9 * 7 * 4; k++) {
		made_get(m, CON, &"12345678"[8 - k % 9]);
		if (k & 1)
			made_opt(m, OPT_ACCEPT, "\x2a", 1);
		made_block(m, OPT_BLOCK2, 0, false, 6);
		if (k & 2)
			made_block(m, OPT_BLOCK1, 0, false, 6);
		made_opt(m, OPT_SIZE2, NULL, 0);
		assert_int_equal(made_read(m, &g), GET_OK);
		assert_int_equal(g.most, CONTENT_ANY);
		g.most = (uint8_t)(k / 9 % 7);
		assert_int_equal(get_write(&g, &im, 6, &a), 0);
		assert_int_equal(a.body.n, (size_t)16 << g.most);
		assert_true(a.head_n <= get_head(&g));
	}
}

static void
a_smaller_block_keeps_its_place(void **state)
{
	const struct get_image im = image(TOTAL);
	struct made *m = *state;
	struct get_answer a;
	struct heard h;
	struct get g;

	made_get(m, CON, "");
	made_block(m, OPT_BLOCK2, 3, false, 6);
	assert_int_equal(made_read(m, &g), GET_OK);
	g.most = 1;
	assert_int_equal(get_write(&g, &im, 6, &a), 0);
	hear(&a, &h);
	assert_int_equal(number_in(option(&h, OPT_BLOCK2)),
	    3 * 32 << 4 | 8 | 1);
	assert_memory_equal(a.body.p, bytes + 3072, 32);
	/* and who asks without Block2 */
	made_get(m, CON, "");
	assert_int_equal(made_read(m, &g), GET_OK);
	g.most = 0;
	assert_int_equal(get_write(&g, &im, 6, &a), 0);
	hear(&a, &h);
	assert_int_equal(number_in(option(&h, OPT_BLOCK2)), 8);
	assert_int_equal(a.body.n, 16);
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

static void
the_first_echo_option_is_read(void **state)
{
	static const uint8_t zeros[41];
	struct made *m = *state;
	struct get g;

	made_get(m, CON, "");
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_null(g.echo.p);
	made_get(m, CON, "");
	made_opt(m, OPT_ECHO, "12345678", 8);
	made_opt(m, OPT_ECHO, "87654321", 8);
	assert_int_equal(made_read(m, &g), GET_OK);
	assert_true(slice_eq_str(g.echo, "12345678"));
	made_get(m, CON, "");
	made_opt(m, OPT_ECHO, zeros, 40);
	assert_int_equal(made_read(m, &g), GET_OK);
	made_get(m, CON, "");
	made_opt(m, OPT_ECHO, zeros, 41);
	assert_int_equal(made_read(m, &g), GET_RESET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, made_init, made_fini)
		T(odd_requests_get_the_bytes_that_libcoap_gave),
		T(a_con_is_answered_in_its_ack_and_a_non_by_a_non),
		T(blocks_tile_the_image_at_every_size),
		T(past_the_end_is_an_error_with_a_diagnostic),
		T(without_block2_the_servers_size_counts),
		T(size2_and_block1_are_answered_when_sent),
		T(a_known_etag_is_valid_for_every_block),
		T(accept_is_kept_to),
		T(who_wants_no_answer_gets_an_ack_alone),
		T(every_error_is_an_answer),
		T(strange_options_of_a_whole_datagram_are_named),
		T(a_402_fits_a_datagram),
		T(silence_is_silence),
		T(DOS_AMPLIFICATION_get_head_is_never_exceeded),
		T(a_smaller_block_keeps_its_place),
		T(DOS_ECHO_a_challenge_fits_the_shortest_request),
		T(the_first_echo_option_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
