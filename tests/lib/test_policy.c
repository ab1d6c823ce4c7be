#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/policy.h"
#include "lib/policy_value.h"

static struct policy pol;

static int
parse(const char *line)
{
	struct why why = {0};
	int rc;

	policy_default(&pol);
	rc = policy_parse(line, &pol, NULL, &why);
	assert_int_equal(rc, why.err);
	return rc;
}

static void
wrong_at(const char *line, int err, unsigned column)
{
	struct policy before;
	unsigned at = 0;

	policy_default(&pol);
	before = pol;
	if (policy_parse(line, &pol, &at, NULL) != err || at != column)
		fail_msg("%s: column %u", line, at);
	assert_memory_equal(&before, &pol, sizeof(pol));
}

static const char *
printed(const struct policy *p)
{
	static uint8_t out[LIMIT_POLICY + 1];
	struct buf b = buf_of(out, LIMIT_POLICY);

	policy_print(p, &b);
	assert_false(b.over);
	out[b.n] = '\0';
	return (char *)out;
}

static void
defaults_are_as_agreed(void **state)
{
	(void)state;
	policy_default(&pol);
	assert_int_equal(pol.wave_count, 4);
	assert_int_equal(pol.wave[0].share, 100);
	assert_int_equal(pol.wave[0].least, 10);
	assert_int_equal(pol.wave[1].share, 1000);
	assert_int_equal(pol.wave[2].share, 5000);
	assert_int_equal(pol.wave[3].share, POLICY_WHOLE);
	assert_int_equal(pol.soak, 3600);
	assert_int_equal(pol.sample, 10);
	assert_int_equal(pol.confidence, 95);
	assert_int_equal(pol.broke, 500);
	assert_int_equal(pol.unreachable, 5000);
	assert_int_equal(pol.success, 6000);
	assert_int_equal(pol.settle, 9000);
	assert_int_equal(pol.on_failure, POLICY_PAUSE);
	assert_int_equal(pol.concurrency, 50);
	assert_int_equal(pol.rate_factor, 100);
	assert_int_equal(pol.grade, GRADE_L0);
	assert_false(pol.credential || pol.approval || pol.continuous);
	assert_string_equal(pol.window, "");
	assert_int_equal(policy_check(&pol, NULL), 0);
	assert_string_equal(printed(&pol), "");
}

/* Each default is written as it is printed; each key has its line of help. */
static void
the_table_is_sound(void **state)
{
	char text[256];

	(void)state;
	policy_default(&pol);
	for (const struct policy_key *k = policy_keys; k->name != NULL; k++) {
		struct buf b = buf_of((uint8_t *)text, sizeof(text) - 1);

		policy_key_put(k, &pol, &b);
		text[b.n] = '\0';
		if (k->type == POLICY_T_TEXT)
			assert_string_equal(text, "\"\"");
		else
			assert_string_equal(text, k->def);
		assert_true(k->help[0] != '\0');
		assert_null(strchr(k->help, '\n'));
	}
}

/* "\n*soak* = 1h\n\t0 .. 90d. ": bounds where a person can meet them. */
static void
entry(const struct policy_key *k, struct buf *out)
{
	buf_puts(out, "\n*");
	buf_puts(out, k->name);
	buf_puts(out, "* = ");
	policy_key_put(k, &pol, out);
	buf_puts(out, "\n\t");
	if (k->type == POLICY_T_WAVES || k->type >= POLICY_T_BOOL ||
	    k->max > UINT32_MAX)
		return;
	policy_number_put(k->type, k->min, out);
	buf_puts(out, " .. ");
	policy_number_put(k->type, k->max, out);
	buf_puts(out, ". ");
}

static void
every_key_is_in_the_man_page_with_its_default(void **state)
{
	static char text[65536];
	uint8_t want[256];
	FILE *f = fopen("docs/man/suitd.conf.5.scd", "r");
	char *at;

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	at = strstr(text, "\n# CAMPAIGN RULES\n");
	assert_non_null(at);
	policy_default(&pol);
	/* in the order of the table */
	for (const struct policy_key *k = policy_keys; k->name != NULL; k++) {
		struct buf b = buf_of(want, sizeof(want) - 1);

		entry(k, &b);
		want[b.n] = '\0';
		assert_false(b.over);
		at = strstr(at, (char *)want);
		if (at == NULL)
			fail_msg("%s is not in suitd.conf.5.scd", k->name);
	}
}

static void
every_key_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse("  waves=1,5%:20,100% soak=15m sample=20\t"
	    "confidence=99 broke=0.25% unreachable=33.3 success=70% settle=1% "
	    "on_failure=rollback rollback=7 concurrency=1 rate=60 "
	    "rate_factor=1.25 rate_step=100 rate_max=600 start=1000 "
	    "window=\"Sa,Su 02:00-05:00 Europe/Berlin\" silent=7d grade=L2 "
	    "credential=yes from=18446744073709551615 approval=on "
	    "continuous=true attempts=300% expire=30d announce=90s  "), 0);
	assert_int_equal(pol.wave_count, 3);
	assert_int_equal(pol.wave[0].share, 0);
	assert_int_equal(pol.wave[0].least, 1);
	assert_int_equal(pol.wave[1].share, 500);
	assert_int_equal(pol.wave[1].least, 20);
	assert_int_equal(pol.soak, 900);
	assert_int_equal(pol.sample, 20);
	assert_int_equal(pol.confidence, 99);
	assert_int_equal(pol.broke, 25);
	assert_int_equal(pol.unreachable, 3330);
	assert_int_equal(pol.success, 7000);
	assert_int_equal(pol.settle, 100);
	assert_int_equal(pol.on_failure, POLICY_ROLLBACK);
	assert_int_equal(pol.rollback, 7);
	assert_int_equal(pol.concurrency, 1);
	assert_int_equal(pol.rate, 60);
	assert_int_equal(pol.rate_factor, 125);
	assert_int_equal(pol.rate_step, 100);
	assert_int_equal(pol.rate_max, 600);
	assert_int_equal(pol.start, 1000);
	assert_string_equal(pol.window, "Sa,Su 02:00-05:00 Europe/Berlin");
	assert_int_equal(pol.silent, 7 * 86400);
	assert_int_equal(pol.grade, GRADE_L2);
	assert_true(pol.credential && pol.approval && pol.continuous);
	assert_true(pol.from == UINT64_MAX);
	assert_int_equal(pol.attempts, 300);
	assert_int_equal(pol.expire, 30 * 86400);
	assert_int_equal(pol.announce, 90);
	assert_int_equal(policy_check(&pol, NULL), 0);
}

static void
a_later_line_goes_on_top(void **state)
{
	(void)state;
	assert_int_equal(parse("soak=2h broke=1%"), 0);
	assert_int_equal(policy_parse("soak=3h", &pol, NULL, NULL), 0);
	assert_string_equal(printed(&pol), "soak=3h broke=1%");
	assert_int_equal(policy_parse("", &pol, NULL, NULL), 0);
	assert_int_equal(policy_parse("window=x window=y", &pol, NULL, NULL),
	    ERR_DUPLICATE);
	assert_string_equal(printed(&pol), "soak=3h broke=1%");
}

static void
what_is_printed_reads_back_the_same(void **state)
{
	static const char *const lines[] = {
		"waves=0.01%,99.99%:2000000,100%", "waves=100%",
		"waves=10,100,100%", "soak=0", "soak=61s", "soak=25h",
		"broke=0%", "broke=100%", "broke=0.01%", "broke=12.5%",
		"rate=1 rate_factor=1.01 rate_step=2000000 rate_max=1",
		"rate=1 rate_factor=5.0 rate_step=1",
		"window=Sa-Su_America/New_York", "window=\"a b=c\"",
		"window=a=b", "start=253402300799", "on_failure=abort",
		"on_failure=rollback rollback=9223372036854775807",
		("grade=L1 credential=yes from=1 approval=yes continuous=yes "
		"attempts=1% expire=1s announce=1m"),
	};
	struct policy again;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i]), 0);
		assert_string_equal(printed(&pol), lines[i]);
		policy_default(&again);
		assert_int_equal(policy_parse(printed(&pol), &again, NULL,
		    NULL), 0);
		assert_memory_equal(&again, &pol, sizeof(pol));
	}
}

/* Every key at its longest fits into the store's column. */
static void
the_longest_policy_fits(void **state)
{
	char line[LIMIT_POLICY + 2], window[LIMIT_WINDOW + 1];

	(void)state;
	memset(window, 'a', LIMIT_WINDOW);
	window[LIMIT_WINDOW] = '\0';
	window[7] = ' ';
	snprintf(line, sizeof(line), "waves=11.11%%:1000000,22.22%%:1000001,"
	    "33.33%%:1000002,44.44%%:1000003,55.55%%:1000004,66.66%%:1000005,"
	    "77.77%%:1000006,100%% soak=7775999s sample=2000000 confidence=99%%"
	    " broke=11.11%% unreachable=11.11%% success=11.11%% "
	    "settle=11.11%% on_failure=rollback rollback=9223372036854775807 "
	    "concurrency=100000 rate=1000000 rate_factor=4.99 "
	    "rate_step=2000000 rate_max=1000000 start=253402300799 "
	    "window=\"%s\" silent=315359999s grade=L2 credential=yes "
	    "from=18446744073709551615 approval=yes continuous=yes "
	    "attempts=10000%% expire=315359999s announce=2591999s", window);
	assert_int_equal(parse(line), 0);
	assert_string_equal(printed(&pol), line);
	assert_true(strlen(line) < LIMIT_POLICY);
}

static void
lines_at_their_cap_and_one_past(void **state)
{
	char line[LIMIT_POLICY + 2];

	(void)state;
	memset(line, ' ', sizeof(line));
	line[LIMIT_POLICY] = '\0';
	assert_int_equal(parse(line), 0);
	line[LIMIT_POLICY] = ' ';
	line[LIMIT_POLICY + 1] = '\0';
	wrong_at(line, ERR_SIZE, LIMIT_POLICY + 1);
}

static void
texts_at_their_cap_and_one_past(void **state)
{
	char text[LIMIT_WINDOW + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	policy_default(&pol);
	assert_int_equal(policy_set(&pol, slice_str("window"),
	    slice_of(text, LIMIT_WINDOW), NULL), 0);
	assert_int_equal(strlen(pol.window), LIMIT_WINDOW);
	assert_int_equal(policy_set(&pol, slice_str("window"),
	    slice_of(text, LIMIT_WINDOW + 1), NULL), ERR_SIZE);
	assert_int_equal(policy_set(&pol, slice_str("window"),
	    slice_of("a\0b", 3), NULL), ERR_TYPE);
	assert_int_equal(policy_set(&pol, slice_str("window"),
	    slice_str("a\"b"), NULL), ERR_TYPE);
	assert_int_equal(policy_set(&pol, slice_str("window"),
	    slice_str("a\\b"), NULL), ERR_TYPE);
	assert_int_equal(policy_set(&pol, slice_str("window"),
	    slice_str("\xff"), NULL), ERR_TYPE);
}

static int
set_number(const struct policy_key *k, uint64_t u)
{
	bool hundredths = k->type == POLICY_T_RATE ||
	    k->type == POLICY_T_FACTOR;
	char text[40];

	if (hundredths)
		snprintf(text, sizeof(text), "%" PRIu64 ".%02" PRIu64,
		    u / 100, u % 100);
	else
		snprintf(text, sizeof(text), "%" PRIu64, u);
	return policy_set(&pol, slice_str(k->name), slice_str(text), NULL);
}

static void
numbers_at_their_bounds_and_one_past(void **state)
{
	unsigned checked = 0;

	(void)state;
	policy_default(&pol);
	for (const struct policy_key *k = policy_keys; k->name != NULL; k++) {
		if (k->type < POLICY_T_NUMBER || k->type > POLICY_T_TIME)
			continue;
		checked++;
		assert_int_equal(set_number(k, k->min), 0);
		assert_int_equal(set_number(k, k->max), 0);
		if (k->max != UINT64_MAX)
			assert_int_equal(set_number(k, k->max + 1),
			    ERR_RANGE);
		if (k->min > 0)
			assert_int_equal(set_number(k, k->min - 1),
			    ERR_RANGE);
	}
	assert_int_equal(checked, 23);
	assert_int_equal(parse("from=18446744073709551616"), ERR_RANGE);
	assert_int_equal(parse("broke=999999999999999999999"), ERR_RANGE);
	assert_int_equal(parse("broke=184467440737095517"), ERR_RANGE);
}

static void
wrong_types(void **state)
{
	static const char *const bad[] = {
		"soak=soon", "soak=1.5h", "soak=-1", "soak=", "sample=10%",
		"sample=ten", "confidence=95.5", "confidence=%", "broke=%",
		"broke=5%%", "broke=.5", "broke=5.", "broke=5.123",
		"broke=5 %", "broke=-1%", "rate_factor=1.5x", "rate_factor=",
		"rate=fast", "on_failure=stop", "on_failure=", "grade=l1",
		"grade=L3", "grade=L0|L1", "credential=1", "approval=maybe",
		"start=tomorrow", "start=2026-12-01", "start=2026-12-01T02:00",
		"start=2026-12-01T02:00:00+01", "start=2026-12-01 02:00Z",
		"start=2026-12-0xT02:00Z", "start=2026-12-01T02-00Z",
		"waves=", "waves=,100%", "waves=100%,", "waves=10%;100%",
		"waves=10%:,100%", "waves=10%5,100%", "waves=a,100%",
		"waves=%,100%", "waves=1%:2:3,100%",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int rc = parse(bad[i]);

		if (rc != ERR_TYPE && rc != ERR_MALFORMED)
			fail_msg("not refused: %s", bad[i]);
	}
}

static void
waves(void **state)
{
	(void)state;
	assert_int_equal(parse("waves=1,2,3,4,5,6,7,100%"), 0);
	assert_int_equal(pol.wave_count, POLICY_WAVES);
	assert_int_equal(parse("waves=1,2,3,4,5,6,7,8,100%"), ERR_SIZE);
	assert_int_equal(parse("waves=2000000,100%"), 0);
	assert_int_equal(parse("waves=2000001,100%"), ERR_RANGE);
	assert_int_equal(parse("waves=0,100%"), ERR_RANGE);
	assert_int_equal(parse("waves=0%,100%"), ERR_RANGE);
	assert_int_equal(parse("waves=0.01%,100%"), 0);
	assert_int_equal(parse("waves=1%:0,100%"), ERR_RANGE);
	assert_int_equal(parse("waves=50%,100.01%"), ERR_RANGE);
	assert_int_equal(parse("waves=50%"), ERR_ORDER);
	assert_int_equal(parse("waves=50"), ERR_ORDER);
	assert_int_equal(parse("waves=50%,50%,100%"), ERR_ORDER);
	assert_int_equal(parse("waves=50%,20%,100%"), ERR_ORDER);
	assert_int_equal(parse("waves=10,10,100%"), ERR_ORDER);
	assert_int_equal(parse("waves=100%,100%"), ERR_ORDER);
	assert_int_equal(parse("waves=1%:10,5,100%"), ERR_ORDER);
	assert_int_equal(parse("waves=100%:5"), ERR_ORDER);
	assert_int_equal(parse("waves=100%,200"), ERR_ORDER);
	assert_int_equal(parse("waves=20,10%,100%"), 0);
}

static void
instants(void **state)
{
	static const struct {
		const char *line;
		int64_t want;
	} good[] = {
		{"start=1970-01-01T00:00Z", 0},
		{"start=1970-03-01T00:00:01Z", 59 * 86400 + 1},
		{"start=2000-02-29T12:34:56Z", 951827696},
		{"start=2026-12-01T02:00Z", 1796090400},
		{"start=2100-03-01T00:00Z", 4107542400},
		{"start=9999-12-31T23:59:59Z", 253402300799},
		{"start=1796090400", 1796090400},
	};
	static const char *const bad[] = {
		"start=2026-13-01T02:00Z", "start=2026-00-01T02:00Z",
		"start=2026-02-29T02:00Z", "start=2100-02-29T02:00Z",
		"start=2026-04-31T02:00Z", "start=2026-04-00T02:00Z",
		"start=2026-04-01T24:00Z", "start=2026-04-01T02:60Z",
		"start=2026-04-01T02:00:60Z", "start=1969-12-31T23:59Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(good[i].line), 0);
		assert_int_equal(pol.start, good[i].want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != ERR_RANGE)
			fail_msg("not refused: %s", bad[i]);
}

static void
errors_name_the_column(void **state)
{
	struct why why = {0};

	(void)state;
	wrong_at("soak=1h sok=2h", ERR_NOT_FOUND, 9);
	wrong_at("soak=1h broke=x", ERR_TYPE, 15);
	wrong_at("soak=1h window=\"a", ERR_TRUNCATED, 16);
	wrong_at("soak=1h  soak=1h", ERR_DUPLICATE, 10);
	wrong_at("soak=1h =2", ERR_MALFORMED, 9);
	wrong_at("soak", ERR_MALFORMED, 1);
	wrong_at("soak 1h", ERR_MALFORMED, 1);
	wrong_at("\"soak\"=1h", ERR_MALFORMED, 1);
	wrong_at("window=\"a\"soak=1h", ERR_MALFORMED, 11);
	wrong_at("window=a\"b\"", ERR_MALFORMED, 9);
	wrong_at("sample=0", ERR_RANGE, 8);
	wrong_at("window=\"\t\"", ERR_TYPE, 9);
	wrong_at("soak=1h\n", ERR_TYPE, 6);
	policy_default(&pol);
	assert_int_equal(policy_parse("sok=2h", &pol, NULL, &why),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "soak")); /* the near miss */
	assert_int_equal(policy_set(&pol, slice_of("soak\0", 5),
	    slice_str("1h"), NULL), ERR_NOT_FOUND);
	assert_int_equal(policy_set(&pol, SLICE_NONE, SLICE_NONE, NULL),
	    ERR_NOT_FOUND);
}

static int
check(const char *line)
{
	assert_int_equal(parse(line), 0);
	return policy_check(&pol, NULL);
}

static void
either_quote_holds_blanks(void **state)
{
	struct policy q;

	(void)state;
	policy_default(&pol);
	policy_default(&q);
	assert_int_equal(policy_parse("window=\"mon 01:00-02:00\"", &pol,
	    NULL, NULL), 0);
	assert_int_equal(policy_parse("window='mon 01:00-02:00'", &q, NULL,
	    NULL), 0);
	assert_string_equal(q.window, "mon 01:00-02:00");
	assert_memory_equal(&pol, &q, sizeof(q));
	assert_int_equal(policy_parse("window='mon 01:00-02:00\"", &q, NULL,
	    NULL), ERR_TRUNCATED);
	assert_int_equal(policy_parse("soak=1'h", &q, NULL, NULL),
	    ERR_MALFORMED);
}

/* What is kept in a campaign's row is read again after a restart. */
static void
a_text_with_a_quote_comes_back(void **state)
{
	static const char *const lines[] = {"window=\"a'b\"",
	    "window=\"'\"", "window='a b'", "window=\"a ' b\""};
	uint8_t out[LIMIT_POLICY + 1];
	struct policy q;
	struct buf w;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		policy_default(&pol);
		policy_default(&q);
		assert_int_equal(policy_parse(lines[i], &pol, NULL, NULL), 0);
		w = buf_of(out, LIMIT_POLICY);
		policy_print(&pol, &w);
		out[w.n] = '\0';
		assert_int_equal(policy_parse((char *)out, &q, NULL, NULL),
		    0);
		assert_string_equal(q.window, pol.window);
	}
}

static void
checks_across_keys(void **state)
{
	(void)state;
	assert_int_equal(check("on_failure=rollback"), ERR_MISSING);
	assert_int_equal(check("on_failure=rollback rollback=1"), 0);
	assert_int_equal(check("rollback=1"), 0); /* an operator's button */
	assert_int_equal(check("rate_max=5"), ERR_MISSING);
	assert_int_equal(check("rate_factor=2 rate_step=5"), ERR_MISSING);
	assert_int_equal(check("rate=1 rate_factor=2"), ERR_MISSING);
	assert_int_equal(check("rate=1 rate_step=2"), ERR_MISSING);
	assert_int_equal(check("rate=1 rate_step=2 rate_factor=2"), 0);
	assert_int_equal(check("rate=5 rate_max=4"), ERR_CONFLICT);
	assert_int_equal(check("rate=5 rate_max=5"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_agreed),
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(every_key_is_in_the_man_page_with_its_default),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(a_later_line_goes_on_top),
		cmocka_unit_test(what_is_printed_reads_back_the_same),
		cmocka_unit_test(the_longest_policy_fits),
		cmocka_unit_test(lines_at_their_cap_and_one_past),
		cmocka_unit_test(texts_at_their_cap_and_one_past),
		cmocka_unit_test(numbers_at_their_bounds_and_one_past),
		cmocka_unit_test(wrong_types),
		cmocka_unit_test(waves),
		cmocka_unit_test(instants),
		cmocka_unit_test(errors_name_the_column),
		cmocka_unit_test(either_quote_holds_blanks),
		cmocka_unit_test(a_text_with_a_quote_comes_back),
		cmocka_unit_test(checks_across_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
