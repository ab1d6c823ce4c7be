/* closed, against a daemon that is a script. */
#include <string.h>

#include "cli/online.h"
#include "tests/cli/script.h"

static struct cli text_cli, json_cli = {.json = true};
static struct msg_closed m;

static const struct step asking[] = {
	ONE("GET a/closed", 205, msg_closed, &m),
};

static int
setup(void **state)
{
	(void)state;
	m = (struct msg_closed){.principals = 2, .rights = "open: one",
	    .authors = "open: two", .strangers = "they may not register"};
	return 0;
}

static void
what_is_closed_and_what_is_open_is_told(void **state)
{
	(void)state;
	assert_int_equal(PLAY(cmd_closed, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "2 principals beside admin.psk; open: "
	    "one\n"));
	assert_non_null(strstr(said, "no trust list; open: two\n"));
	assert_non_null(strstr(said, "they may not register\n"));
	assert_non_null(strstr(said, "head none yet\n"));
}

static void
the_list_is_told_with_who_has_it(void **state)
{
	(void)state;
	m.trust = 3;
	strcpy(m.audit, "7:ab");
	assert_int_equal(PLAY(cmd_closed, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "those of trust list 3\n"));
	assert_non_null(strstr(said, "head 7:ab\n"));
	m.trust_told = 10;
	m.trust_have = 8;
	m.audit_broken = true;
	assert_int_equal(PLAY(cmd_closed, &text_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "list 3, 8 of 10 devices that tell have "
	    "it\n"));
	assert_non_null(strstr(said, "AUDIT LOG "));
}

static void
programs_read_it_by_name(void **state)
{
	(void)state;
	m.trust_told = 10;
	assert_int_equal(PLAY(cmd_closed, &json_cli, asking, NULL), CLI_OK);
	assert_non_null(strstr(said, "\"trust_told\":10,\"trust_have\":0"));
	assert_non_null(strstr(said, "\"audit_broken\":false"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_closed_and_what_is_open_is_told),
		T(the_list_is_told_with_who_has_it),
		T(programs_read_it_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
