/* Marks of downloads: what a block's end tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/limits.h"
#include "lib/span.h"

static void
blocks_of_any_size_make_one_span(void **state)
{
	struct span s = {0};

	(void)state;
	assert_int_equal(span_block(&s, 64, 5000), SPAN_STARTED);
	assert_int_equal(span_block(&s, 128, 5000), SPAN_GREW);
	assert_int_equal(span_block(&s, 1024, 5000), SPAN_GREW);
	assert_int_equal(span_block(&s, 2048, 5000), SPAN_GREW);
	assert_int_equal(s.lo, 0);
	assert_int_equal(s.hi, 2048);
	assert_false(span_whole(&s));
	assert_int_equal(span_block(&s, 3072, 5000), SPAN_GREW);
	assert_int_equal(span_block(&s, 4096, 5000), SPAN_GREW);
	assert_int_equal(span_block(&s, 5000, 5000), SPAN_GREW);
	assert_true(span_whole(&s));
}

static void
a_repeated_block_is_no_news(void **state)
{
	struct span s = {0};

	(void)state;
	span_block(&s, 1024, 5000);
	span_block(&s, 2048, 5000);
	assert_int_equal(span_block(&s, 2048, 5000), SPAN_REPEATED);
	assert_int_equal(span_block(&s, 1088, 5000), SPAN_REPEATED);
	assert_int_equal(s.hi, 2048);
	assert_int_equal(s.blocks, 2);
}

static void
the_first_bytes_again_are_a_new_start(void **state)
{
	struct span s = {0};

	(void)state;
	span_block(&s, 1024, 5000);
	span_block(&s, 2048, 5000);
	assert_int_equal(span_block(&s, 1024, 5000), SPAN_STARTED);
	assert_int_equal(s.hi, 1024);
	assert_int_equal(s.blocks, 1);
	/* a block is not behind itself: a lost answer, asked for again */
	assert_int_equal(span_block(&s, 1024, 5000), SPAN_REPEATED);
	/* one byte past the largest first block is none */
	span_block(&s, 2048, 5000);
	assert_int_equal(span_block(&s, SPAN_BLOCK + 1, 5000), SPAN_REPEATED);
}

static void
a_block_is_all_of_a_small_image_and_starts_anew_after_its_end(void **state)
{
	struct span s = {0};

	(void)state;
	assert_int_equal(span_block(&s, 100, 100), SPAN_STARTED);
	assert_true(span_whole(&s));
	assert_int_equal(span_block(&s, 100, 100), SPAN_REPEATED);
	s.ended = true;
	assert_int_equal(span_block(&s, 100, 100), SPAN_STARTED);
	assert_false(s.ended);
}

static void
a_gap_of_more_than_a_block_is_a_jump(void **state)
{
	struct span s = {0};

	(void)state;
	span_block(&s, 64, 100000);
	assert_int_equal(span_block(&s, 64 + SPAN_BLOCK, 100000), SPAN_GREW);
	assert_int_equal(span_block(&s, 64 + 2 * SPAN_BLOCK + 1, 100000),
	    SPAN_JUMPED);
	assert_int_equal(s.lo, 64 + SPAN_BLOCK + 1);
	assert_int_equal(s.blocks, 1);
}

static void
a_single_stray_last_block_is_no_download(void **state)
{
	struct span s = {0};

	(void)state;
	assert_int_equal(span_block(&s, 100000, 100000), SPAN_JUMPED);
	assert_false(span_whole(&s));
	s = (struct span){0};
	span_block(&s, 99000, 100000);
	span_block(&s, 100000, 100000);
	assert_true(span_whole(&s)); /* a resumed one */
}

static void
the_largest_image_fits_and_blocks_are_counted_to_a_cap(void **state)
{
	struct span s = {0};

	(void)state;
	for (uint32_t end = 16; end < LIMIT_IMAGE; end += SPAN_BLOCK)
		span_block(&s, end, LIMIT_IMAGE);
	assert_int_equal(s.blocks, UINT8_MAX);
	assert_int_equal(span_block(&s, LIMIT_IMAGE, LIMIT_IMAGE), SPAN_GREW);
	assert_int_equal(s.lo, 0);
	assert_true(span_whole(&s));
	/* an image without a byte is never whole */
	s = (struct span){0};
	span_block(&s, 0, 0);
	assert_false(span_whole(&s));
}

static void
a_step_is_five_percent_or_a_way_back(void **state)
{
	struct span s = {.hi = 1049, .total = 1000 * SPAN_SHARE};

	(void)state;
	assert_false(span_step(&s, 50));
	assert_true(span_step(&s, 49));
	assert_true(span_step(&s, 1050));
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(blocks_of_any_size_make_one_span),
		T(a_repeated_block_is_no_news),
		T(the_first_bytes_again_are_a_new_start),
		T(a_block_is_all_of_a_small_image_and_starts_anew_after_its_end),
		T(a_gap_of_more_than_a_block_is_a_jump),
		T(a_single_stray_last_block_is_no_download),
		T(the_largest_image_fits_and_blocks_are_counted_to_a_cap),
		T(a_step_is_five_percent_or_a_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
