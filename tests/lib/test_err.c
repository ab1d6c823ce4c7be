#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/err.h"

static void
names_and_codes(void **state)
{
	(void)state;
	assert_string_equal(err_name(ERR_SIGNATURE), "SIGNATURE");
	assert_int_equal(err_coap(ERR_NOT_FOUND), 404);
	assert_string_equal(err_name(1), "UNKNOWN");
	assert_string_equal(err_name(-9999), "UNKNOWN");
	assert_int_equal(err_coap(-9999), 500);
	assert_string_equal(err_name(0), "OK");
}

static void
every_error_is_negative_and_has_a_text(void **state)
{
	(void)state;
	for (int e = -1; e > -ERR_POS_END_; e--) {
		assert_true(err_text(e)[0] != '\0');
		assert_in_range(err_coap(e), 400, 599);
	}
}

static void
why_is_cut_and_terminated(void **state)
{
	struct why w;
	char big[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = 'x';
	big[999] = '\0';
	assert_int_equal(why_set(&w, ERR_TYPE, "%s", big), ERR_TYPE);
	assert_int_equal(w.text[sizeof(w.text) - 1], '\0');
	assert_int_equal(why_set(NULL, ERR_TYPE, "x"), ERR_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_codes),
		cmocka_unit_test(every_error_is_negative_and_has_a_text),
		cmocka_unit_test(why_is_cut_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
