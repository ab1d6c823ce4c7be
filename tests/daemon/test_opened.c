/* What is closed and what is open, in words, for the default configuration
 * and for each key that closes something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/opened.h"

static struct conf c;
static char text[OPENED_TEXT];

static int
setup(void **state)
{
	(void)state;
	conf_default(&c);
	return 0;
}

static void
says(bool open)
{
	assert_int_equal(strstr(text, "open: ") != NULL, open);
	assert_true(strlen(text) + 1 < sizeof(text)); /* nothing is cut */
}

static void
one_person_may_until_two_have_to(void **state)
{
	(void)state;
	assert_true(opened_rights(&c, text));
	says(true);
	strcpy(c.four_eyes, "publish author principal trust campaign");
	assert_false(opened_rights(&c, text));
	says(false);
	assert_non_null(strstr(text, "publish, author, principal, trust, "
	    "campaign"));
	strcpy(c.four_eyes, "");
	c.campaign_approval = true; /* the older key */
	assert_false(opened_rights(&c, text));
	assert_non_null(strstr(text, "campaign"));
}

static void
strangers_are_let_in_by_either_of_two_keys(void **state)
{
	(void)state;
	for (int e = CONF_ECHO_OFF; e <= CONF_ECHO_ALWAYS; e++)
		for (int u = CONF_UNKNOWN_ACCEPT; u <= CONF_UNKNOWN_CERTIFIED;
		    u++) {
			bool open = e == CONF_ECHO_OFF ||
			    u == CONF_UNKNOWN_ACCEPT;

			c.echo = (enum conf_echo)e;
			c.unknown_devices = (enum conf_unknown)u;
			assert_int_equal(opened_strangers(&c, text), open);
			says(open);
		}
}

static void
authors_are_made_by_one_operator_or_two(void **state)
{
	(void)state;
	assert_true(opened_authors(&c, text));
	says(true);
	strcpy(c.four_eyes, "author");
	assert_false(opened_authors(&c, text));
	says(false);
	c.allow_unsigned = true; /* then that does not help */
	assert_true(opened_authors(&c, text));
	says(true);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup(t, setup)
	const struct CMUnitTest tests[] = {
		T(one_person_may_until_two_have_to),
		T(strangers_are_let_in_by_either_of_two_keys),
		T(authors_are_made_by_one_operator_or_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
