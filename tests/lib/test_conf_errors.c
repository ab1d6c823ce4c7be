#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/conf.h"

static struct conf conf; /* big: not on the stack of every test */
static struct conf_errors errors;

static void
every_error_is_told_with_its_line(void **state)
{
	static const struct {
		int line, err;
	} want[] = {
		{1, ERR_RANGE}, {2, ERR_NOT_FOUND}, {3, ERR_TYPE},
		{4, ERR_DUPLICATE}, {6, ERR_NOT_FOUND}, {9, ERR_TYPE},
		{10, ERR_MALFORMED},
		{13, ERR_TYPE}, /* a section's last line */
	};

	(void)state;
	conf_default(&conf);
	conf.poll_max_age = 7;
	assert_int_equal(conf_read("image_max = 0\n"
	    "poll_max_ag = 3\n"
	    "block_size = 17\n"
	    "image_max = 1M\n"
	    "alias a {\n\tclas = x\n}\n"
	    "poll_max_age = 5m\n"
	    "listen_coap = 5683 # no host\n"
	    "notify_rate 50\n"
	    "alias b {\n\tclass = nothing\n}\n", &conf, &errors), ERR_RANGE);
	assert_int_equal(errors.n, 8);
	assert_int_equal(errors.more, 0);
	for (size_t i = 0; i < errors.n; i++) {
		assert_int_equal(errors.at[i].line, want[i].line);
		assert_int_equal(errors.at[i].why.err, want[i].err);
	}
	assert_int_equal(conf.poll_max_age, 7); /* nothing was taken */
}

static void
errors_across_keys_name_a_line(void **state)
{
	(void)state;
	assert_int_equal(conf_read("\nimages_total = 1M\n\nimage_max = 2M\n"
	    "retry_policy_cap = 1s\ngroup_tag = \"a/b\"\n"
	    "campaign_policy = \"soak=never\"\n"
	    "public_uri = \"coap://x/path\"\n"
	    "listen_coaps = \"[::]:5683\"\n"
	    "four_eyes = publishing\n", &conf, &errors), ERR_RANGE);
	/* of one key that was not given: no line */
	assert_int_equal(errors.n, 7);
	assert_int_equal(errors.at[0].line, 0);
	assert_int_equal(errors.at[0].why.err, ERR_RANGE);
	assert_int_equal(errors.at[1].line, 4);
	assert_int_equal(errors.at[2].line, 6);
	assert_int_equal(errors.at[3].line, 7);
	assert_int_equal(errors.at[4].line, 8);
	assert_int_equal(errors.at[5].line, 9);
	assert_int_equal(errors.at[5].why.err, ERR_CONFLICT);
	assert_int_equal(errors.at[6].line, 10);
	assert_int_equal(errors.at[6].why.err, ERR_NOT_FOUND);
}

/* Not at the first plan. */
static void
a_window_of_campaign_policy_is_looked_at(void **state)
{
	(void)state;
	assert_int_equal(conf_read("\ncampaign_policy = "
	    "\"window='daily 25:00-26:00'\"\n", &conf, &errors), ERR_RANGE);
	assert_int_equal(errors.n, 1);
	assert_int_equal(errors.at[0].line, 2);
	assert_int_equal(conf_read("campaign_policy = "
	    "\"window='daily 01:00-05:00'\"\n", &conf, &errors), 0);
}

static void
fill(char *text, size_t n, const char *line)
{
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		text = stpcpy(text, line);
}

static void
errors_at_their_cap_and_one_past(void **state)
{
	/* wrong values, unknown keys, and both */
	static const char *const lines[] = {"image_max = 0\n", "x = 1\n",
	    "x = 1\nimage_max = 0\n"};
	static char text[64 * (LIMIT_CONF_ERRORS + 1)];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fill(text, LIMIT_CONF_ERRORS, lines[i]);
		assert_true(conf_read(text, &conf, &errors) != 0);
		assert_int_equal(errors.n, LIMIT_CONF_ERRORS);
		assert_int_equal(errors.more, 0);
		fill(text, LIMIT_CONF_ERRORS + 1, lines[i]);
		assert_true(conf_read(text, &conf, &errors) != 0);
		assert_int_equal(errors.n, LIMIT_CONF_ERRORS);
		assert_int_equal(errors.more, 1);
	}
	fill(text, LIMIT_CONF_ERRORS / 2, lines[2]);
	assert_true(conf_read(text, &conf, &errors) != 0);
	assert_int_equal(errors.n, LIMIT_CONF_ERRORS);
	assert_int_equal(errors.more, 0);
	fill(text, LIMIT_CONF_ERRORS, lines[2]);
	assert_true(conf_read(text, &conf, &errors) != 0);
	assert_int_equal(errors.n, LIMIT_CONF_ERRORS);
	assert_true(errors.more > 0);
}

static void
files_at_their_cap_and_one_past(void **state)
{
	char *text = malloc(LIMIT_CONF_FILE + 2);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', LIMIT_CONF_FILE + 1);
	text[LIMIT_CONF_FILE + 1] = '\0';
	assert_int_equal(conf_read(text, &conf, &errors), ERR_SIZE);
	assert_int_equal(errors.at[0].line, 0);
	text[LIMIT_CONF_FILE] = '\0';
	assert_int_equal(conf_read(text, &conf, &errors), 0);
	assert_int_equal(errors.n, 0);
	free(text);
}

static void
an_error_names_file_line_and_key(void **state)
{
	struct conf_error e = {.line = 3};
	char text[80];

	(void)state;
	(void)why_set(&e.why, ERR_RANGE, "k: r");
	conf_error_text(&e, "/etc/f", text, sizeof(text));
	assert_string_equal(text, "/etc/f:3: k: r");
	conf_error_text(&e, NULL, text, sizeof(text));
	assert_string_equal(text, "line 3: k: r");
	e.line = 0;
	conf_error_text(&e, "f", text, sizeof(text));
	assert_string_equal(text, "f: k: r");
	conf_error_text(&e, NULL, text, sizeof(text));
	assert_string_equal(text, "k: r");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_is_told_with_its_line),
		cmocka_unit_test(errors_across_keys_name_a_line),
		cmocka_unit_test(a_window_of_campaign_policy_is_looked_at),
		cmocka_unit_test(errors_at_their_cap_and_one_past),
		cmocka_unit_test(files_at_their_cap_and_one_past),
		cmocka_unit_test(an_error_names_file_line_and_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
