/*
 * Two devices with one credential are found; one that moves, whose NAT gives
 * it another port, that has two sockets or two ways to the network, or whose
 * updates fail, is not taken for two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/twin.h"

static struct twin t;
static int64_t now;
static unsigned found;

static int
setup(void **state)
{
	(void)state;
	t = (struct twin){.places = 0};
	now = 1000000;
	found = 0;
	return 0;
}

static void
from(uint32_t host, uint32_t port)
{
	struct twin_place p = {host, host * 1000 + port};

	now += 1000;
	found += twin_from(&t, p, now);
}

static void
runs(uint64_t seq)
{
	now += 1000;
	found += twin_runs(&t, seq, now);
}

static void
two_that_take_turns_are_found_once(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		from(1, 1);
		from(1, 1); /* a few each time */
		from(2, 1);
	}
	assert_int_equal(found, 0); /* two came back twice */
	from(1, 1);
	assert_int_equal(found, 1);
	for (int i = 0; i < 100; i++)
		from(1 + (uint32_t)i % 2, 1);
	assert_int_equal(found, 1);
	assert_true(twin_is(&t, now));
}

static void
as_many_as_there_are_places_are_found(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3 * TWIN_PLACES; i++)
		from(i % TWIN_PLACES, 1);
	assert_int_equal(found, 1);
}

/* One past: each has fallen out before it comes again. */
static void
more_that_take_turns_in_order_are_not(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20 * (TWIN_PLACES + 1); i++)
		from(i % (TWIN_PLACES + 1), 1);
	assert_int_equal(found, 0);
}

static void
two_that_shake_hands_for_each_request_are_found_later(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		from(1, i);
		from(2, i);
	}
	from(1, 6);
	assert_int_equal(found, 0);
	from(2, 6);
	assert_int_equal(found, 1);
}

static void
one_that_moves_is_one(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		from(i, 1);
	from(7, 3); /* and once back home */
	assert_int_equal(found, 0);
}

static void
one_whose_nat_gives_it_ports_is_one(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		from(1, i);
	assert_int_equal(found, 0);
}

static void
one_with_two_sockets_is_one(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		from(1, i % 2);
	assert_int_equal(found, 0);
}

/* A handshake on each of its ways, five times an hour. */
static void
one_with_two_ways_is_one(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		from(1 + i % 2, i);
		now += 720000;
	}
	assert_int_equal(found, 0);
}

static void
a_late_packet_of_an_old_session_is_nothing(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 50; i++) {
		from(i, 1);
		from(i + 1, 1);
		from(i, 1);
		now += TWIN_WINDOW_MS;
	}
	assert_int_equal(found, 0);
}

static void
sequences_that_go_back_and_forth_are_two(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		runs(4 + (uint64_t)i % 2);
	assert_int_equal(found, 0);
	runs(5);
	assert_int_equal(found, 1);
}

static void
updates_and_one_that_fails_are_one(void **state)
{
	(void)state;
	for (uint64_t s = 1; s < 100; s++)
		runs(s);
	runs(98);
	runs(99);
	runs(98);
	assert_int_equal(found, 0);
	/* and again, but no sooner than a download takes */
	now += TWIN_WINDOW_MS;
	for (int i = 0; i < 50; i++) {
		now += 1300000;
		runs(98 + (uint64_t)i % 2);
	}
	assert_int_equal(found, 0);
}

static void
both_signs_count_together(void **state)
{
	(void)state;
	from(1, 1);
	runs(1);
	from(2, 1);
	runs(2);
	from(1, 1);
	runs(1);
	from(2, 1);
	assert_int_equal(found, 0);
	runs(2);
	assert_int_equal(found, 1);
}

static void
it_ends_when_it_was_quiet(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		from(1 + (uint32_t)i % 2, 1);
	assert_int_equal(found, 1);
	assert_true(twin_is(&t, now + TWIN_QUIET_MS - 1));
	assert_false(twin_is(&t, now + TWIN_QUIET_MS));
	now += TWIN_QUIET_MS;
	for (int i = 0; i < 10; i++)
		from(1 + (uint32_t)i % 2, 1);
	assert_int_equal(found, 2);
}

static void
a_clock_that_is_set_back_does_no_harm(void **state)
{
	(void)state;
	from(1, 1);
	from(2, 1);
	from(1, 1);
	now = 5;
	from(2, 1);
	from(1, 1);
	assert_int_equal(found, 0);
	from(2, 1);
	assert_int_equal(found, 1);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(two_that_take_turns_are_found_once),
		CASE(as_many_as_there_are_places_are_found),
		CASE(more_that_take_turns_in_order_are_not),
		CASE(two_that_shake_hands_for_each_request_are_found_later),
		CASE(one_that_moves_is_one),
		CASE(one_whose_nat_gives_it_ports_is_one),
		CASE(one_with_two_sockets_is_one),
		CASE(one_with_two_ways_is_one),
		CASE(a_late_packet_of_an_old_session_is_nothing),
		CASE(sequences_that_go_back_and_forth_are_two),
		CASE(updates_and_one_that_fails_are_one),
		CASE(both_signs_count_together),
		CASE(it_ends_when_it_was_quiet),
		CASE(a_clock_that_is_set_back_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
