/*
 * docs/LIMITS.md has every cap of lib/limits.h once, with a metric that there
 * is and a test that there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/metric.h"

#define COLUMNS 4
#define CELL 160

static char header[65536], doc[65536], source[1 << 20];

static void
load(const char *path, char *dst, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		fail_msg("%s: not there", path);
	n = fread(dst, 1, cap - 1, f);
	fclose(f);
	assert_true(n < cap - 1);
	dst[n] = '\0';
}

static int
setup(void **state)
{
	(void)state;
	load("lib/limits.h", header, sizeof(header));
	load("docs/LIMITS.md", doc, sizeof(doc));
	return 0;
}

/* The next name after *at; false: none is left. */
static bool
next_cap(const char **at, char *ret)
{
	const char *p = strstr(*at, "\n#define LIMIT_");

	if (p == NULL)
		return false;
	*at = p + 1;
	return sscanf(p, "\n#define %79s", ret) == 1;
}

/* Cells of a table's row that begins at p. */
static bool
cells(const char *p, char ret[COLUMNS][CELL])
{
	for (int i = 0; i < COLUMNS; i++) {
		size_t n = strcspn(++p, "|\n");

		if (p[n] != '|' || n >= CELL)
			return false;
		memcpy(ret[i], p, n);
		ret[i][n] = '\0';
		p += n;
	}
	return true;
}

static void
every_cap_has_one_row(void **state)
{
	const char *at = header;
	char name[80], row[96];
	size_t n = 0;

	(void)state;
	while (next_cap(&at, name)) {
		const char *p;

		snprintf(row, sizeof(row), "\n| `%s` |", name);
		p = strstr(doc, row);
		if (p == NULL)
			fail_msg("docs/LIMITS.md has no row of %s", name);
		if (strstr(p + 1, row) != NULL)
			fail_msg("docs/LIMITS.md has two rows of %s", name);
		n++;
	}
	assert_true(n > 90);
}

static void
every_row_is_of_a_cap(void **state)
{
	char name[80], want[96];

	(void)state;
	for (const char *p = doc; (p = strstr(p, "\n| `LIMIT_")) != NULL; p++) {
		assert_int_equal(sscanf(p, "\n| `%79[A-Z0-9_]", name), 1);
		snprintf(want, sizeof(want), "#define %s ", name);
		if (strstr(header, want) == NULL)
			fail_msg("%s is gone", name);
	}
}

/* "`suitd_x_total{a="b"}`" is a sample of a family. */
static bool
is_metric(const char *cell)
{
	char name[80];
	size_t n;

	if (sscanf(cell, " `%79[a-z_]", name) != 1)
		return false;
	n = strlen(name);
	if (n > 6 && strcmp(name + n - 6, "_total") == 0)
		name[n - 6] = '\0';
	for (int i = 0; i < METRICS; i++)
		if (strcmp(metric_table[i].name, name) == 0)
			return true;
	return false;
}

static void
each_row(void (*fn)(char cell[COLUMNS][CELL]))
{
	char cell[COLUMNS][CELL];
	size_t n = 0;

	for (const char *p = doc; (p = strstr(p, "\n| ")) != NULL; p++) {
		if (!cells(p + 1, cell))
			fail_msg("no four cells: %.60s", p + 1);
		if (strcmp(cell[0], " cap ") == 0)
			continue;
		fn(cell);
		n++;
	}
	assert_true(n > 90);
}

static void
check_counter(char cell[COLUMNS][CELL])
{
	if (strcmp(cell[2], " - ") != 0 && !is_metric(cell[2]))
		fail_msg("%s: no metric:%s", cell[0], cell[2]);
}

static void
every_counter_is_a_metric(void **state)
{
	(void)state;
	each_row(check_counter);
}

static void
check_test(char cell[COLUMNS][CELL])
{
	char path[80], name[80], want[96];

	if (sscanf(cell[3], " `%79[^`]` %79s", path, name) != 2)
		fail_msg("%s: no test:%s", cell[0], cell[3]);
	load(path, source, sizeof(source));
	snprintf(want, sizeof(want), "%s(", name);
	if (strstr(source, want) == NULL)
		fail_msg("%s: %s has no %s", cell[0], path, name);
}

static void
every_test_is_there(void **state)
{
	(void)state;
	each_row(check_test);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cap_has_one_row),
		cmocka_unit_test(every_row_is_of_a_cap),
		cmocka_unit_test(every_counter_is_a_metric),
		cmocka_unit_test(every_test_is_there),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
