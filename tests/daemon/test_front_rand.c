/* The pool of random bytes: nothing is given twice, over its end and past its
 * size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/front_rand.h"

#define UNIT 16
#define UNITS (4 * FRONT_RAND_POOL / UNIT)

static uint8_t got[UNITS][UNIT];

static int
cmp(const void *a, const void *b)
{
	return memcmp(a, b, UNIT);
}

static void
all_differ(void)
{
	qsort(got, UNITS, UNIT, cmp);
	for (size_t i = 1; i < UNITS; i++)
		assert_memory_not_equal(got[i - 1], got[i], UNIT);
}

static void
no_bytes_are_given_twice(void **state)
{
	uint8_t odd;

	(void)state;
	for (size_t i = 0; i < UNITS; i++) {
		assert_true(front_rand(got[i], UNIT));
		if (i % 100 == 0) /* what is asked does not divide the pool */
			assert_true(front_rand(&odd, 1));
	}
	all_differ();
}

static void
more_than_the_pool_holds_is_given_too(void **state)
{
	(void)state;
	memset(got, 0, sizeof(got));
	assert_true(front_rand(got, FRONT_RAND_POOL));
	assert_true(front_rand(got[FRONT_RAND_POOL / UNIT],
	    sizeof(got) - FRONT_RAND_POOL));
	all_differ();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bytes_are_given_twice),
		cmocka_unit_test(more_than_the_pool_holds_is_given_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
