/* suitd's command line: what does not go together is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/options.h"

#define HASH "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

static struct options o;

/* "-n -c file" as the shell would give it. */
static int
given(const char *line)
{
	static char copy[512];
	char *argv[2 * CONF_SETTINGS + 8] = {"suitd"};
	char *save = NULL;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w != NULL && argc < 2 * CONF_SETTINGS + 7;
	    w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	memset(&o, 0, sizeof(o));
	optind = 0; /* getopt begins anew */
	return options_read(argc, argv, &o);
}

static void
options_are_taken(void **state)
{
	(void)state;
	assert_int_equal(given(""), -1);
	assert_int_equal(given("-v -c f -d dir -o a=1 -o b=2"), -1);
	assert_true(o.verbose);
	assert_string_equal(o.source.file, "f");
	assert_string_equal(o.source.dir, "dir");
	assert_int_equal(o.source.settings, 2);
	assert_string_equal(o.source.setting[1], "b=2");
	assert_int_equal(given("-n"), -1);
	assert_true(o.check);
	assert_int_equal(given("--fsck --repair -d x"), -1);
	assert_true(o.fsck && o.repair);
	assert_int_equal(o.audit_head.n, 0);
	assert_int_equal(given("--fsck --audit-head 7:" HASH), -1);
	assert_int_equal(o.audit_head.n, 7);
	assert_int_equal(given("--restore bk --force"), -1);
	assert_true(o.force);
	assert_string_equal(o.restore, "bk");
}

static void
what_does_not_go_together_is_refused(void **state)
{
	(void)state;
	assert_int_equal(given("--repair"), 2);
	assert_int_equal(given("--force"), 2);
	assert_int_equal(given("--force --fsck"), 2);
	assert_int_equal(given("--repair --restore bk"), 2);
	assert_int_equal(given("-n --fsck"), 2);
	assert_int_equal(given("--audit-head 7:" HASH), 2);
	assert_int_equal(given("--fsck --audit-head 0:" HASH), 2);
	assert_int_equal(given("--fsck --audit-head 7"), 2);
	assert_int_equal(given("--fsck --audit-head"), 2);
	assert_int_equal(given("-n --restore bk"), 2);
	assert_int_equal(given("--fsck --restore bk"), 2);
	assert_int_equal(given("file.conf"), 2);
	assert_int_equal(given("--nope"), 2);
	assert_int_equal(given("--restore"), 2);
}

static void
settings_have_their_cap(void **state)
{
	char line[512] = "";

	(void)state;
	for (int i = 0; i < CONF_SETTINGS; i++)
		strcat(line, "-o a=1 ");
	assert_int_equal(given(line), -1);
	assert_int_equal(o.source.settings, CONF_SETTINGS);
	strcat(line, "-o b=2");
	assert_int_equal(given(line), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(what_does_not_go_together_is_refused),
		cmocka_unit_test(settings_have_their_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
