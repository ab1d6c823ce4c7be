/*
 * Guessing slows down: what is free, how the wait grows and where it ends,
 * that a success never was an attempt, that others are not touched, and that
 * a full table remembers those who guess most.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/eyes.h"
#include "lib/rights.h"
#include "lib/slow.h"

static struct slow slow;
static bool first;

static int
setup(void **state)
{
	(void)state;
	memset(&slow, 0, sizeof(slow));
	return 0;
}

static const uint8_t *
v4(unsigned a, unsigned b)
{
	static uint8_t host[16];

	memset(host, 0, sizeof(host));
	host[10] = host[11] = 0xff;
	host[12] = 10;
	host[13] = (uint8_t)(a >> 8);
	host[14] = (uint8_t)a;
	host[15] = (uint8_t)b;
	return host;
}

static bool
knock(const uint8_t *host, int64_t now)
{
	return slow_knock(&slow, host, now, &first);
}

/* All that is free, at one moment. */
static void
spend(const uint8_t *host, int64_t now)
{
	for (int i = 0; i < SLOW_FREE; i++)
		assert_true(knock(host, now));
}

static void
the_wait_doubles_up_to_its_cap(void **state)
{
	int64_t now = 1, wait = SLOW_FIRST_MS;

	(void)state;
	spend(v4(1, 1), now);
	for (int i = 0; i < 12; i++) {
		assert_false(knock(v4(1, 1), now));
		assert_false(knock(v4(1, 1), now + wait - 1));
		now += wait;
		assert_true(knock(v4(1, 1), now));
		wait = wait * 2 < SLOW_MOST_MS ? wait * 2 : SLOW_MOST_MS;
	}
	assert_int_equal(wait, SLOW_MOST_MS);
}

static void
a_run_of_refusals_is_told_once(void **state)
{
	(void)state;
	spend(v4(1, 1), 1);
	assert_false(knock(v4(1, 1), 1));
	assert_true(first);
	assert_false(knock(v4(1, 1), 2));
	assert_false(first);
	assert_true(knock(v4(1, 1), 2000));
	assert_false(first);
	assert_false(knock(v4(1, 1), 2001));
	assert_false(first);
}

static void
who_succeeds_never_waits(void **state)
{
	(void)state;
	for (int i = 0; i < 10 * SLOW_FREE; i++) {
		assert_true(knock(v4(1, 1), 1));
		slow_proved(&slow, v4(1, 1));
	}
	/* at one short of it, and with the last one open */
	for (int i = 0; i < SLOW_FREE - 1; i++)
		assert_true(knock(v4(1, 1), 1));
	assert_true(knock(v4(1, 1), 1));
	assert_false(knock(v4(1, 1), 1));
	slow_proved(&slow, v4(1, 1));
	assert_true(knock(v4(1, 1), 1));
	slow_proved(&slow, v4(9, 9)); /* nobody's: nothing */
}

static void
other_prefixes_are_not_touched(void **state)
{
	uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1}, near[16], far[16];

	(void)state;
	spend(v4(1, 1), 1);
	assert_false(knock(v4(1, 200), 1)); /* the same /24 */
	assert_true(knock(v4(2, 1), 1));
	memcpy(near, six, 16);
	memcpy(far, six, 16);
	near[7] = 9; /* within the /56 */
	far[6] = 9;
	spend(six, 1);
	assert_false(knock(near, 1));
	assert_true(knock(far, 1));
}

static void
failures_are_forgiven_one_after_the_other(void **state)
{
	int64_t now = 1 + SLOW_FORGIVE_MS;

	(void)state;
	spend(v4(1, 1), 1);
	assert_true(knock(v4(1, 1), now));
	assert_false(knock(v4(1, 1), now));
	now += (int64_t)SLOW_FORGIVE_MS * SLOW_FREE;
	spend(v4(1, 1), now);
	assert_false(knock(v4(1, 1), now));
}

static void
a_full_table_remembers_those_who_guess_most(void **state)
{
	(void)state;
	spend(v4(0, 1), 1);
	for (unsigned i = 1; i < 3 * LIMIT_SLOW; i++) {
		assert_true(knock(v4(i, 1), 2));
		assert_int_equal(slow.n, i < LIMIT_SLOW ? i + 1 : LIMIT_SLOW);
	}
	assert_false(knock(v4(0, 1), 3));
}

static void
kinds_of_four_eyes_are_read(void **state)
{
	unsigned set = 77;

	(void)state;
	assert_int_equal(eyes_parse("", &set, NULL), 0);
	assert_int_equal(set, 0);
	assert_int_equal(eyes_parse(" publish,trust campaign ", &set, NULL),
	    0);
	/* with any of them, principals */
	assert_int_equal(set, 1u << EYES_PUBLISH | 1u << EYES_TRUST |
	    1u << EYES_CAMPAIGN | 1u << EYES_PRINCIPAL);
	assert_int_equal(eyes_parse("author", &set, NULL), 0);
	assert_int_equal(set, 1u << EYES_AUTHOR | 1u << EYES_PRINCIPAL);
	assert_int_equal(eyes_parse("publishing", &set, NULL), ERR_NOT_FOUND);
	assert_int_equal(eyes_parse("pub", &set, NULL), ERR_NOT_FOUND);
	assert_int_equal(eyes_parse("trust trust", &set, NULL),
	    ERR_DUPLICATE);
	assert_int_equal(set, 1u << EYES_AUTHOR | 1u << EYES_PRINCIPAL);
	for (int k = EYES_NONE + 1; k < EYES_KINDS; k++) {
		assert_int_equal(eyes_parse(eyes_name(k), &set, NULL), 0);
		assert_true(set & 1u << k);
		assert_int_not_equal(eyes_roles(k), ROLE_NOBODY);
	}
	for (int k = EYES_NONE; k < EYES_KINDS; k++) {
		struct conf c = {.four_eyes = "trust"};

		assert_int_equal(eyes_wanted(&c, k), k == EYES_TRUST ||
		    k == EYES_PRINCIPAL);
		c.four_eyes[0] = '\0';
		assert_false(eyes_wanted(&c, k));
		c.campaign_approval = true;
		assert_int_equal(eyes_wanted(&c, k), k == EYES_CAMPAIGN ||
		    k == EYES_PRINCIPAL);
	}
	assert_string_equal(eyes_name(EYES_KINDS), "");
	assert_int_equal(eyes_roles(EYES_KINDS), ROLE_NOBODY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_wait_doubles_up_to_its_cap, setup),
		cmocka_unit_test_setup(a_run_of_refusals_is_told_once, setup),
		cmocka_unit_test_setup(who_succeeds_never_waits, setup),
		cmocka_unit_test_setup(other_prefixes_are_not_touched, setup),
		cmocka_unit_test_setup(
		    failures_are_forgiven_one_after_the_other, setup),
		cmocka_unit_test_setup(
		    a_full_table_remembers_those_who_guess_most, setup),
		cmocka_unit_test(kinds_of_four_eyes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
