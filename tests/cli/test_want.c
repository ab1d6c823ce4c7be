#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/sentence.h"
#include "cli/want.h"
#include "lib/policy.h"

/* The options of a line, as the sentences take them. */
static int
take(struct want *w, char **argv)
{
	struct cli_opt o[WANT_OPTS];
	int argc = 0;

	memset(w, 0, sizeof(*w));
	o[want_opts(w, o)] = (struct cli_opt){.name = NULL};
	while (argv[argc] != NULL)
		argc++;
	return cli_opts(o, argc, argv, 0, 1);
}
#define TAKE(w, ...) take(w, (char *[]){__VA_ARGS__, NULL})

/* --- the expression --- */

static void
class_tag_and_where_are_one_expression(void **state)
{
	const struct {
		struct want w;
		const char *select;
	} row[] = {
		{{.where = NULL}, ""},
		{{.where = "seq < 7 || grade == L2"},
		    "seq < 7 || grade == L2"},
		{{.class = "lamp"}, "class == \"lamp\""},
		{{.tag = {"site=north hall"}, .tags = 1},
		    "tag.site == \"north hall\""},
		{{.tag = {"a=1", "b=x=y"}, .tags = 2},
		    "tag.a == \"1\" && tag.b == \"x=y\""},
		{{.where = "a || b", .class = "lamp", .tag = {"s=n"},
		    .tags = 1},
		    "(a || b) && class == \"lamp\" && tag.s == \"n\""},
		{{.where = "a", .tag = {"s=\xc3\xa9|&()"}, .tags = 1},
		    "(a) && tag.s == \"\xc3\xa9|&()\""},
	};
	char text[LIMIT_SELECT + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(want_select(&row[i].w, text), CLI_OK);
		assert_string_equal(text, row[i].select);
	}
}

static void
a_value_cannot_leave_its_quotes(void **state)
{
	static const char *const bad[] = {"\" || ep != \"", "a\\", "a\nb",
	    "\x7f", "\xff"};
	char text[LIMIT_SELECT + 1], tag[64];
	struct want w;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w = (struct want){.class = bad[i]};
		assert_int_equal(want_select(&w, text), CLI_USAGE);
		snprintf(tag, sizeof(tag), "site=%s", bad[i]);
		w = (struct want){.tag = {tag}, .tags = 1};
		assert_int_equal(want_select(&w, text), CLI_USAGE);
	}
	w = (struct want){.where = "\xff"};
	assert_int_equal(want_select(&w, text), CLI_USAGE);
}

static void
a_tag_has_a_name_and_a_value(void **state)
{
	static const char *const bad[] = {"site", "site=", "=x", "a b=x",
	    "a\"=x", "n23456789012345678901234567890123=x"};
	char text[LIMIT_SELECT + 1];
	struct want w = {.tags = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w.tag[0] = bad[i];
		assert_int_equal(want_select(&w, text), CLI_USAGE);
	}
	w.tag[0] = "n2345678901234567890123456789012=x"; /* LIMIT_TAG_NAME */
	assert_int_equal(want_select(&w, text), CLI_OK);
}

static void
the_expression_has_a_cap(void **state)
{
	char text[LIMIT_SELECT + 1], where[LIMIT_SELECT + 2];
	struct want w = {.where = where};

	(void)state;
	memset(where, 'x', sizeof(where));
	where[LIMIT_SELECT] = '\0';
	assert_int_equal(want_select(&w, text), CLI_OK);
	assert_string_equal(text, where);
	where[LIMIT_SELECT] = 'x';
	where[LIMIT_SELECT + 1] = '\0';
	assert_int_equal(want_select(&w, text), CLI_USAGE);
	/* () && class == "c" are 18 more */
	w.class = "c";
	where[LIMIT_SELECT - 18] = '\0';
	assert_int_equal(want_select(&w, text), CLI_OK);
	assert_int_equal(strlen(text), LIMIT_SELECT);
	where[LIMIT_SELECT - 18] = 'x';
	where[LIMIT_SELECT - 17] = '\0';
	assert_int_equal(want_select(&w, text), CLI_USAGE);
}

/* --- the policy line --- */

static void
rules_become_a_policy_line(void **state)
{
	char text[LIMIT_POLICY + 1];
	struct want w;

	(void)state;
	assert_int_equal(TAKE(&w, "7"), 1);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	assert_string_equal(text, "");
	assert_int_equal(TAKE(&w, "7", "--soak", "1h", "--approval",
	    "--waves=1%,50%,100%", "--at", "2026-12-01 22:00",
	    "--credential"), 1);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	assert_string_equal(text, "waves=1%,50%,100% soak=1h "
	    "start=\"2026-12-01 22:00\" credential=yes approval=yes");
	assert_int_equal(TAKE(&w, "--policy", "soak=2h", "--rate", "5"), 0);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	assert_string_equal(text, "soak=2h rate=5");
	/* the window of suitd.conf is taken away */
	assert_int_equal(TAKE(&w, "--window", "", "--soak=1h"), 0);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	assert_string_equal(text, "soak=1h window=\"\"");
	assert_int_equal(TAKE(&w, "--window="), 0);
	assert_int_equal(TAKE(&w, "--where", ""), -1);
	assert_int_equal(TAKE(&w, "--approval=no"), -1);
	assert_int_equal(TAKE(&w, "--soak"), -1);
	assert_int_equal(TAKE(&w, "--soak", ""), -1);
	assert_int_equal(TAKE(&w, "--soak", "1h", "--soak", "2h"), -1);
}

/* Those that the daemon writes apart. */
static void
every_key_of_the_policy_has_an_option(void **state)
{
	(void)state;
	for (const struct policy_key *k = policy_keys; k->name; k++) {
		const struct want_rule *r = want_rules;

		while (r->name != NULL && strcmp(r->key, k->name) != 0)
			r++;
		if ((r->name != NULL) ==
		    (strncmp(k->name, "forgive_", 8) == 0))
			fail_msg("%s", k->name);
	}
	for (const struct want_rule *r = want_rules; r->name != NULL; r++)
		assert_true(want_rule_help(r)[0] != '\0');
}

static void
every_rule_comes_out_under_its_key(void **state)
{
	char text[LIMIT_POLICY + 1], want[128];
	struct want w;

	(void)state;
	for (const struct want_rule *r = want_rules; r->name != NULL; r++) {
		if (r->value != NULL)
			assert_int_equal(TAKE(&w, (char *)r->name, "v"), 0);
		else
			assert_int_equal(TAKE(&w, (char *)r->name), 0);
		snprintf(want, sizeof(want), "%s=%s", r->key,
		    r->value != NULL ? "v" : "yes");
		assert_int_equal(want_policy(&w, text), CLI_OK);
		assert_string_equal(text, want);
	}
}

static void
a_rule_cannot_smuggle_another(void **state)
{
	static char *const bad[] = {"1h\" broke=\"100%", "1h\nbroke=1",
	    "1h\tbroke=1", "\x7f", "\xc3"};
	char text[LIMIT_POLICY + 1];
	struct want w;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(TAKE(&w, "--soak", bad[i]), 0);
		assert_int_equal(want_policy(&w, text), CLI_USAGE);
	}
	assert_int_equal(TAKE(&w, "--soak", "1h broke=100%"), 0);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	assert_string_equal(text, "soak=\"1h broke=100%\"");
}

static void
the_policy_line_has_a_cap(void **state)
{
	char text[LIMIT_POLICY + 1], value[LIMIT_POLICY + 2];
	struct want w;

	(void)state;
	memset(value, 'x', sizeof(value));
	value[LIMIT_POLICY - 5] = '\0'; /* soak= */
	assert_int_equal(TAKE(&w, "--soak", value), 0);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	assert_int_equal(strlen(text), LIMIT_POLICY);
	value[LIMIT_POLICY - 5] = 'x';
	value[LIMIT_POLICY - 4] = '\0';
	assert_int_equal(want_policy(&w, text), CLI_USAGE);
	value[LIMIT_POLICY - 4] = 'x';
	value[LIMIT_POLICY] = '\0';
	assert_int_equal(TAKE(&w, "--policy", value), 0);
	assert_int_equal(want_policy(&w, text), CLI_OK);
	value[LIMIT_POLICY] = 'x';
	value[LIMIT_POLICY + 1] = '\0';
	assert_int_equal(want_policy(&w, text), CLI_USAGE);
}

/* --- the request --- */

static void
a_request_says_what_was_typed(void **state)
{
	static struct msg_campaign_start in;
	static struct want w;
	char ep[LIMIT_EP + 2];

	(void)state;
	memset(ep, 'e', sizeof(ep) - 1);
	ep[LIMIT_EP + 1] = '\0';
	assert_int_equal(TAKE(&w, "7", "--device", ep + 1, "--device", "b",
	    "--name", "n", "--rate", "5"), 1);
	assert_int_equal(want_start(&w, "7", &in), CLI_OK);
	assert_string_equal(in.release, "7");
	assert_string_equal(in.name, "n");
	assert_string_equal(in.policy, "rate=5");
	assert_string_equal(in.select, "");
	assert_int_equal(in.ep_count, 2);
	assert_int_equal(strlen(in.ep[0]), LIMIT_EP);
	assert_string_equal(in.ep[1], "b");
	assert_int_equal(TAKE(&w, "7", "--device", ep), 1);
	assert_int_equal(want_start(&w, "7", &in), CLI_USAGE);
	assert_int_equal(TAKE(&w, "7", "--of", "12"), 1);
	assert_int_equal(want_start(&w, "7", &in), CLI_OK);
	assert_int_equal(in.of, 12);
	assert_int_equal(TAKE(&w, "7", "--of", "x"), 1);
	assert_int_equal(want_start(&w, "7", &in), CLI_USAGE);
}

static void
devices_are_named_in_one_way(void **state)
{
	static struct msg_campaign_start in;
	static struct want w;

	(void)state;
	assert_int_equal(TAKE(&w, "--device", "a", "--class", "c"), 0);
	assert_int_equal(want_start(&w, "7", &in), CLI_USAGE);
	assert_int_equal(TAKE(&w, "--device", "a", "--of", "1"), 0);
	assert_int_equal(want_start(&w, "7", &in), CLI_USAGE);
	assert_int_equal(TAKE(&w, "--of", "1", "--where", "x"), 0);
	assert_int_equal(want_start(&w, "7", &in), CLI_USAGE);
}

static void
the_help_and_the_man_page_have_every_rule(void **state)
{
	static char man[65536];
	char *words[] = {"campaign", "plan", NULL}, *text = NULL, line[64];
	FILE *f = fopen("docs/man/suitctl.1.scd", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	man[fread(man, 1, sizeof(man) - 1, f)] = '\0';
	fclose(f);
	f = open_memstream(&text, &n);
	assert_true(sentence_help(f, 2, words));
	fclose(f);
	for (const struct want_rule *r = want_rules; r->name != NULL; r++) {
		snprintf(line, sizeof(line), "      %s", r->name);
		assert_non_null(strstr(text, line));
		assert_non_null(strstr(text, want_rule_help(r)));
		snprintf(line, sizeof(line), "\n*%s*", r->name);
		if (strstr(man, line) == NULL)
			fail_msg("%s is not in suitctl.1.scd", r->name);
	}
	assert_non_null(strstr(text, " pause|abort|rollback [pause]\n"));
	assert_non_null(strstr(text, " L0|L1|L2 [L0]\n"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_tag_and_where_are_one_expression),
		cmocka_unit_test(a_value_cannot_leave_its_quotes),
		cmocka_unit_test(a_tag_has_a_name_and_a_value),
		cmocka_unit_test(the_expression_has_a_cap),
		cmocka_unit_test(rules_become_a_policy_line),
		cmocka_unit_test(every_key_of_the_policy_has_an_option),
		cmocka_unit_test(every_rule_comes_out_under_its_key),
		cmocka_unit_test(a_rule_cannot_smuggle_another),
		cmocka_unit_test(the_policy_line_has_a_cap),
		cmocka_unit_test(a_request_says_what_was_typed),
		cmocka_unit_test(devices_are_named_in_one_way),
		cmocka_unit_test(the_help_and_the_man_page_have_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
