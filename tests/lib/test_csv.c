/* Lines of comma-separated values: what is one, what is none, and that what
 * is written is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/csv.h"

#define FIELDS 4

/* The fields with a | behind each. */
static int
split(const char *line, char *ret, size_t cap)
{
	static char copy[200];
	struct slice f[FIELDS];
	size_t n = 0, at = 0;
	int rc;

	memcpy(copy, line, strlen(line) + 1);
	rc = csv_split(copy, strlen(line), f, FIELDS, &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		at += (size_t)snprintf(ret + at, cap - at, "%.*s|",
		    (int)f[i].n, (const char *)f[i].p);
	return rc;
}

static void
a_line_is_taken_apart(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{"", "|"}, {"\r", "|"}, {"a", "a|"}, {"a\r", "a|"},
		{",", "||"}, {"a,b", "a|b|"}, {"a,,c,", "a||c||"},
		{"\"a\"", "a|"}, {"\"a,b\",c", "a,b|c|"}, {"\"\"", "|"},
		{"\"a\"\"b\"", "a\"b|"}, {"\"\"\"\"", "\"|"},
		{"x,\"\"\"\"\r", "x|\"|"}, {" a , b", " a | b|"},
	};
	char got[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(split(rows[i].line, got, sizeof(got)), 0);
		assert_string_equal(got, rows[i].want);
	}
}

static void
what_is_no_csv_is_refused(void **state)
{
	static const char *const bad[] = {"\"", "\"a", "\"a\"b", "a\"b",
	    "a\"", "\"a\"\"", "\"a\" ,b", "a,\"", "\"a\"\r\r"};
	char got[200], nul[] = {'a', '\0', 'b'};
	struct slice f[FIELDS];
	size_t n = 9;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(split(bad[i], got, sizeof(got)),
		    ERR_MALFORMED);
	assert_int_equal(csv_split(nul, 3, f, FIELDS, &n), ERR_MALFORMED);
	assert_int_equal(n, 9);
}

static void
fields_have_their_cap(void **state)
{
	char got[200];

	(void)state;
	assert_int_equal(split("1,2,3,4", got, sizeof(got)), 0);
	assert_int_equal(split("1,2,3,4,", got, sizeof(got)), ERR_LIMIT);
}

static void
what_is_written_is_read(void **state)
{
	static const char *const field[] = {"", "a", "a,b", "\"", "a\"\"b",
	    "\"a\"", ",\","};
	uint8_t raw[100];
	char got[200], want[200];

	(void)state;
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
		struct buf b = buf_of(raw, sizeof(raw) - 1);

		csv_put(&b, slice_str(field[i]));
		buf_puts(&b, ",x");
		raw[b.n] = '\0';
		assert_int_equal(split((const char *)raw, got, sizeof(got)),
		    0);
		snprintf(want, sizeof(want), "%s|x|", field[i]);
		assert_string_equal(got, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(what_is_no_csv_is_refused),
		cmocka_unit_test(fields_have_their_cap),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
