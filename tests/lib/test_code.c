#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/code.h"
#include "lib/err.h"

static void
each_code_has_its_place_and_its_name(void **state)
{
	char name[8];

	(void)state;
	for (unsigned code = 0; code < 800; code++) {
		unsigned i = code_index(code);

		assert_true(i < CODES);
		snprintf(name, sizeof(name), "%u.%02u", code / 100,
		    code % 100);
		assert_string_equal(code_name(i), i == CODES - 1 ? "other" :
		    name);
	}
	assert_string_equal(code_name(code_index(205)), "2.05");
	assert_string_equal(code_name(CODES), "other");
}

static void
every_error_that_a_peer_gets_is_counted_apart(void **state)
{
	(void)state;
	for (int e = 1; e < ERR_POS_END_; e++)
		assert_true(code_index(err_coap(-e)) < CODES - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_has_its_place_and_its_name),
		cmocka_unit_test(every_error_that_a_peer_gets_is_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
