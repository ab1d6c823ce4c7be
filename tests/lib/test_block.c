#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/block.h"

static void
an_option_of_0_to_3_bytes_is_read(void **state)
{
	static const uint8_t v[] = {0xff, 0xff, 0xfe};
	struct block b;

	(void)state;
	assert_int_equal(block_parse(SLICE_NONE, &b), 0);
	assert_int_equal(b.num, 0);
	assert_int_equal(b.szx, 0);
	assert_false(b.more);
	assert_int_equal(block_parse(slice_of("\x1e", 1), &b), 0);
	assert_int_equal(b.num, 1);
	assert_true(b.more);
	assert_int_equal(b.szx, 6);
	assert_int_equal(block_parse(slice_of(v, 3), &b), 0);
	assert_int_equal(b.num, 0xfffff);
	assert_int_equal(b.szx, 6);
	/* leading zeros are allowed by RFC 7252 3.2 */
	assert_int_equal(block_parse(slice_of("\0\0\x16", 3), &b), 0);
	assert_int_equal(b.num, 1);
}

static void
szx_7_is_malformed_and_4_bytes_are_a_bad_option(void **state)
{
	struct block b = {9, true, 5};

	(void)state;
	assert_int_equal(block_parse(slice_of("\x07", 1), &b), ERR_MALFORMED);
	assert_int_equal(block_parse(slice_of("\0\0\0\x06", 4), &b),
	    ERR_BAD_OPTION);
	assert_int_equal(b.num, 9); /* untouched */
}

static void
put_is_shortest_and_parses_back(void **state)
{
	static const struct {
		uint32_t num;
		size_t n;
	} cases[] = {{0, 1}, {15, 1}, {16, 2}, {4095, 2}, {4096, 3},
	    {0xfffff, 3}};
	uint8_t o[3];
	struct block b;

	(void)state;
	assert_int_equal(block_put((struct block){0, false, 0}, o), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint8_t szx = 1; szx <= 6; szx++) {
			struct block in = {cases[i].num, i % 2 == 0, szx};
			size_t n = block_put(in, o);

			assert_int_equal(n, cases[i].n);
			assert_int_equal(block_parse(slice_of(o, n), &b), 0);
			assert_int_equal(b.num, in.num);
			assert_int_equal(b.more, in.more);
			assert_int_equal(b.szx, in.szx);
		}
	}
}

/* Walks a body at every szx and checks that the blocks tile it. */
static void
blocks_tile_the_body_at_every_szx(void **state)
{
	static const size_t totals[] = {0, 1, 15, 16, 17, 1023, 1024, 1025,
	    2048, 5000};

	(void)state;
	for (size_t t = 0; t < sizeof(totals) / sizeof(totals[0]); t++) {
		for (uint8_t szx = 0; szx <= 6; szx++) {
			struct block_slice s = {.block.more = true};
			size_t off = 0;
			struct block rq = {0, false, szx};

			while (s.block.more) {
				assert_int_equal(block_slice(totals[t], &rq, 6,
				    &s), 0);
				assert_int_equal(s.block.num, rq.num);
				assert_int_equal(s.block.szx, szx);
				assert_int_equal(s.off, off);
				assert_true(s.use_option);
				off += s.len;
				rq.num++;
			}
			assert_int_equal(off, totals[t]);
			/* one past the end, never an empty 2.05 */
			assert_int_equal(block_slice(totals[t], &rq, 6, &s),
			    ERR_RANGE);
		}
	}
}

static void
without_block2_the_option_is_there_only_when_needed(void **state)
{
	struct block_slice s;

	(void)state;
	assert_int_equal(block_slice(512, NULL, 5, &s), 0);
	assert_false(s.use_option);
	assert_int_equal(s.len, 512);
	assert_int_equal(block_slice(513, NULL, 5, &s), 0);
	assert_true(s.use_option);
	assert_true(s.block.more);
	assert_int_equal(s.len, 512);
	assert_int_equal(block_slice(0, NULL, 5, &s), 0);
	assert_false(s.use_option);
	assert_int_equal(s.len, 0);
}

static void
a_one_block_body_answers_block2_with_block2(void **state)
{
	struct block rq = {0, false, 6};
	struct block_slice s;

	(void)state;
	assert_int_equal(block_slice(3, &rq, 6, &s), 0);
	assert_true(s.use_option);
	assert_false(s.block.more);
	assert_int_equal(s.len, 3);
}

static void
more_in_a_request_is_ignored(void **state)
{
	struct block rq = {1, true, 2};
	struct block_slice s;

	(void)state;
	assert_int_equal(block_slice(65, &rq, 6, &s), 0);
	assert_false(s.block.more);
	assert_int_equal(s.off, 64);
	assert_int_equal(s.len, 1);
}

static void
a_smaller_size_of_ours_keeps_the_offset(void **state)
{
	struct block rq = {3, false, 6};
	struct block_slice s;

	(void)state;
	assert_int_equal(block_slice(10000, &rq, 4, &s), 0);
	assert_int_equal(s.block.szx, 4);
	assert_int_equal(s.block.num, 12);
	assert_int_equal(s.off, 3072);
	assert_int_equal(s.len, 256);
	/* and never a larger one than asked */
	rq = (struct block){5, false, 0};
	assert_int_equal(block_slice(10000, &rq, 6, &s), 0);
	assert_int_equal(s.block.szx, 0);
	assert_int_equal(s.off, 80);
}

static void
a_number_that_no_longer_fits_is_out_of_range(void **state)
{
	struct block rq = {0xfffff, false, 6};
	struct block_slice s;

	(void)state;
	assert_int_equal(block_slice(SIZE_MAX / 2, &rq, 6, &s), 0);
	assert_int_equal(block_slice(SIZE_MAX / 2, &rq, 5, &s), ERR_RANGE);
	assert_int_equal(block_slice((size_t)0xfffff << 10, &rq, 6, &s),
	    ERR_RANGE);
	assert_int_equal(block_slice(((size_t)0xfffff << 10) + 1, &rq, 6, &s),
	    0);
	assert_int_equal(s.len, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_of_0_to_3_bytes_is_read),
		cmocka_unit_test(szx_7_is_malformed_and_4_bytes_are_a_bad_option),
		cmocka_unit_test(put_is_shortest_and_parses_back),
		cmocka_unit_test(blocks_tile_the_body_at_every_szx),
		cmocka_unit_test(
		    without_block2_the_option_is_there_only_when_needed),
		cmocka_unit_test(a_one_block_body_answers_block2_with_block2),
		cmocka_unit_test(more_in_a_request_is_ignored),
		cmocka_unit_test(a_smaller_size_of_ours_keeps_the_offset),
		cmocka_unit_test(a_number_that_no_longer_fits_is_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
