/* Writing the answers of the image plane: blocks, and what goes with them. */
#include "tests/lib/get_heard.h"

#define TOTAL 5000

static uint8_t bytes[TOTAL], digest[32];

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, made_init, made_fini)
		T(a_con_is_answered_in_its_ack_and_a_non_by_a_non),
		T(blocks_tile_the_image_at_every_size),
		T(past_the_end_is_an_error_with_a_diagnostic),
		T(without_block2_the_servers_size_counts),
		T(size2_and_block1_are_answered_when_sent),
		T(a_known_etag_is_valid_for_every_block),
		T(accept_is_kept_to),
		T(who_wants_no_answer_gets_an_ack_alone),
		T(DOS_AMPLIFICATION_get_head_is_never_exceeded),
		T(a_smaller_block_keeps_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
