/* One host, or one network, does not have all places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/crowd.h"

static struct crowd crowd;
static uintptr_t last;

static int
setup(void **state)
{
	(void)state;
	memset(&crowd, 0, sizeof(crowd));
	last = 0;
	return 0;
}

/* 198.b.c.d */
static enum crowd_verdict
enter(uint8_t b, uint8_t c, uint8_t d, bool trusted)
{
	struct crowd_one o = {++last, {[10] = 0xff, 0xff, 198, b, c, d},
	    trusted};

	return crowd_enter(&crowd, &o);
}

static enum crowd_verdict
enter6(uint8_t sixth, uint8_t seventh, uint8_t eighth)
{
	struct crowd_one o = {++last, {0x20, 1, 0x0d, 0xb8, 0, sixth, seventh,
	    eighth, [15] = eighth}, false};

	return crowd_enter(&crowd, &o);
}

static void
a_host_at_its_cap_and_one_past(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_CONNECTIONS_HOST; i++)
		assert_int_equal(enter(0, 0, 1, false), CROWD_IN);
	assert_int_equal(enter(0, 0, 1, false), CROWD_HOST);
	assert_int_equal(crowd.n, LIMIT_CONNECTIONS_HOST);
	assert_int_equal(enter(0, 0, 2, false), CROWD_IN);
	crowd_leave(&crowd, 1);
	assert_int_equal(enter(0, 0, 1, false), CROWD_IN);
	assert_int_equal(enter(0, 0, 1, false), CROWD_HOST);
	crowd_leave(&crowd, 4711); /* nobody */
	assert_int_equal(enter(0, 0, 1, false), CROWD_HOST);
}

static void
a_network_at_its_cap_and_one_past(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_CONNECTIONS_NETWORK; i++)
		assert_int_equal(enter(0, 7, (uint8_t)i, false), CROWD_IN);
	assert_int_equal(enter(0, 7, 255, false), CROWD_NETWORK);
	assert_int_equal(enter(0, 8, 255, false), CROWD_IN);
}

static void
a_network_of_ipv6_is_what_a_home_gets(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_CONNECTIONS_NETWORK; i++)
		assert_int_equal(enter6(0, 7, (uint8_t)i), CROWD_IN);
	assert_int_equal(enter6(0, 7, 200), CROWD_NETWORK);
	assert_int_equal(enter6(0, 8, 200), CROWD_IN);
	assert_int_equal(enter6(1, 7, 200), CROWD_IN);
}

static void
trusted_ones_leave_places_to_others(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_CONNECTIONS_TRUSTED; i++)
		assert_int_equal(enter(0, 0, 1, true), CROWD_IN);
	assert_int_equal(enter(0, 0, 1, true), CROWD_NETWORK);
	assert_int_equal(enter(1, 0, 1, true), CROWD_NETWORK);
	for (int i = LIMIT_CONNECTIONS_TRUSTED; i < LIMIT_CONNECTIONS; i++)
		assert_int_equal(enter(2, (uint8_t)(i / 64), 1, false),
		    CROWD_IN);
	assert_int_equal(enter(3, 0, 1, false), CROWD_FULL);
	assert_int_equal(crowd.n, LIMIT_CONNECTIONS);
	crowd_leave(&crowd, last - 1);
	assert_int_equal(enter(3, 0, 1, false), CROWD_IN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup(fn, setup)
		T(a_host_at_its_cap_and_one_past),
		T(a_network_at_its_cap_and_one_past),
		T(a_network_of_ipv6_is_what_a_home_gets),
		T(trusted_ones_leave_places_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
