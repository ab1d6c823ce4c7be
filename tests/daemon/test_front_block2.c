/* Answers in blocks: their sizes, their ETag, their end. */
#include "tests/daemon/front_get.h"

static void
get_block(struct msg *a, uint32_t num, bool more, unsigned szx)
{
	static uint16_t mid = 5000;
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, "");
	msg_path(&q, "big");
	msg_block(&q, OPT_BLOCK2, num, more, szx);
	msg_ask(&q, a);
}

/* 7.1, 7.2: any token, any size, from the first block on, at any offset. */
static void
blocks_of_every_size_tile_the_body(void **state)
{
	(void)state;
	rig.served = slice_of(pattern, 2500);
	for (unsigned szx = 0; szx <= 6; szx++) {
		size_t off = 0;
		bool more = true;

		for (uint32_t num = 0; more; num++) {
			struct slice v;
			struct msg a;
			uint32_t b2;

			get_block(&a, num, false, szx);
			assert_int_equal(a.code, 205);
			b2 = msg_get_uint(&a, OPT_BLOCK2);
			assert_int_equal(b2 >> 4, num);
			assert_int_equal(b2 & 7, szx);
			assert_memory_equal(a.body.p, pattern + off, a.body.n);
			off += a.body.n;
			more = (b2 & 8) != 0;
			assert_int_equal(msg_get(&a, OPT_SIZE2, &v), num == 0);
			assert_int_equal(msg_get_uint(&a, OPT_MAX_AGE), 7);
		}
		assert_int_equal(off, 2500);
	}
}

static void
etag_is_the_same_at_every_size_and_changes_with_the_content(void **state)
{
	struct msg a, b;

	(void)state;
	rig.served = slice_of(pattern, 2500);
	get_block(&a, 0, false, 6);
	get_block(&b, 39, false, 2);
	assert_true(slice_eq(etag_of(&a), etag_of(&b)));
	rig.served = slice_of(pattern + 1, 2500);
	get_block(&b, 0, false, 6);
	assert_false(slice_eq(etag_of(&a), etag_of(&b)));
}

/* Anjay -I: a full answer was too long, asks again with M and a smaller size */
static void
more_in_a_request_is_ignored_and_sizes_shrink(void **state)
{
	struct msg a;

	(void)state;
	rig.served = slice_of(pattern, 2500);
	get(&a, "big", "01");
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 8 | 5); /* 512, ours */
	assert_int_equal(a.body.n, 512);
	get_block(&a, 0, true, 4);
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 8 | 4);
	get_block(&a, 9, true, 4); /* resume as the first request */
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 9 << 4 | 4);
	assert_memory_equal(a.body.p, pattern + 9 * 256, a.body.n);
	assert_int_equal(a.body.n, 2500 - 9 * 256);
}

static void
a_one_block_body_answers_block2_with_block2(void **state)
{
	struct msg q, a;

	(void)state;
	rig.served = slice_of(pattern, 10);
	get_block(&a, 0, false, 6);
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 6);
	assert_int_equal(a.body.n, 10);
	/* and an empty one is a block, too */
	rig.served = slice_of(pattern, 0);
	get_block(&a, 0, false, 6);
	assert_int_equal(a.code, 205);
	assert_int_equal(a.body.n, 0);
	msg_begin(&q, CON, 1, 1, "");
	msg_path(&q, "hello");
	msg_opt(&q, OPT_SIZE2, NULL, 0);
	msg_ask(&q, &a);
	assert_int_equal(msg_get_uint(&a, OPT_SIZE2), 5);
}

static void
past_the_end_and_szx_7_are_errors_with_a_diagnostic(void **state)
{
	struct msg a;

	(void)state;
	rig.served = slice_of(pattern, 2048);
	get_block(&a, 2, false, 6);
	assert_int_equal(a.code, 400);
	assert_true(a.body.n > 0);
	get_block(&a, 0xfffff, false, 6);
	assert_int_equal(a.code, 400);
	get_block(&a, 0, false, 7);
	assert_int_equal(a.code, 400);
}

static void
a_known_etag_is_answered_valid_without_payload(void **state)
{
	uint8_t etag[8];
	struct msg q, a;

	(void)state;
	rig.served = slice_of(pattern, 2048);
	get(&a, "big", "");
	memcpy(etag, etag_of(&a).p, 8);
	msg_begin(&q, CON, 1, 1, "");
	msg_opt(&q, OPT_ETAG, "other", 5);
	msg_opt(&q, OPT_ETAG, etag, 8);
	msg_path(&q, "big");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 203);
	assert_int_equal(a.body.n, 0);
	assert_memory_equal(etag_of(&a).p, etag, 8);
	assert_int_equal(msg_get_uint(&a, OPT_MAX_AGE), 7);
}

static void
images_tell_how_far_they_went_and_are_released(void **state)
{
	struct front_stats before, after;
	struct msg q, a;

	(void)state;
	rig.served = slice_of(pattern, 2500);
	front_stats(rig.front, &before);
	get(&a, "big", ""); /* blocks too, but of no image */
	msg_begin(&q, CON, 1, 1, "");
	msg_path(&q, "img");
	msg_block(&q, OPT_BLOCK2, 2, false, 6);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_memory_equal(etag_of(&a).p, "\1\2\3\4\5\6\7\x8", 8);
	assert_int_equal(rig.blocks, 1);
	assert_int_equal(rig.blocks_end, 2500);
	assert_int_equal(rig.blocks_total, 2500);
	assert_int_equal(rig.unrefs, 1);
	front_stats(rig.front, &after);
	assert_int_equal(after.blocks - before.blocks, 1);
	assert_int_equal(after.block_bytes - before.block_bytes, 2500 - 2048);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(blocks_of_every_size_tile_the_body),
		T(etag_is_the_same_at_every_size_and_changes_with_the_content),
		T(more_in_a_request_is_ignored_and_sizes_shrink),
		T(a_one_block_body_answers_block2_with_block2),
		T(past_the_end_and_szx_7_are_errors_with_a_diagnostic),
		T(a_known_etag_is_answered_valid_without_payload),
		T(images_tell_how_far_they_went_and_are_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
