/* A flood has some lines, and the last of them tells how large it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/few.h"

static void
there_are_some_at_once_and_one_more_each_time(void **state)
{
	struct few f = {.unsaid = 0};
	char more[FEW_TEXT] = "x";

	(void)state;
	for (int i = 0; i < FEW_LINES; i++) {
		assert_true(few_may(&f, 1000, more));
		assert_string_equal(more, "");
	}
	for (int i = 0; i < 57; i++)
		assert_false(few_may(&f, 1000, more));
	assert_false(few_may(&f, 1000 + FEW_MS - 1, more));
	assert_true(few_may(&f, 1000 + FEW_MS, more));
	assert_string_equal(more, " (and 58 without a line)");
	assert_false(few_may(&f, 1000 + FEW_MS, more));
	assert_true(few_may(&f, 1000 + 2 * FEW_MS, more));
	assert_string_equal(more, " (and 1 without a line)");
}

static void
after_a_while_there_are_as_many_again(void **state)
{
	const int64_t later = 1000 + 2 * FEW_LINES * FEW_MS;
	struct few f = {.unsaid = 0};
	char more[FEW_TEXT];

	(void)state;
	for (int i = 0; i < FEW_LINES; i++)
		assert_true(few_may(&f, 1000, more));
	assert_false(few_may(&f, 1000, more));
	for (int i = 0; i < FEW_LINES; i++)
		assert_true(few_may(&f, later, more));
	assert_false(few_may(&f, later, more));
}

static void
the_largest_number_has_room(void **state)
{
	struct few f = {.unsaid = UINT64_MAX};
	char more[FEW_TEXT];

	(void)state;
	assert_true(few_may(&f, 1000, more));
	assert_string_equal(more, " (and 18446744073709551615 without a "
	    "line)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_some_at_once_and_one_more_each_time),
		cmocka_unit_test(after_a_while_there_are_as_many_again),
		cmocka_unit_test(the_largest_number_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
