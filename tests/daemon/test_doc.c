#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/admit.h"
#include "daemon/front_int.h"
#include "lib/plan.h"

static char text[128 * 1024];

static int
read_protocol(void **state)
{
	FILE *f = fopen("docs/PROTOCOL.md", "r");

	(void)state;
	if (f == NULL)
		return 1;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return 0;
}

/* A row each; a job that is done holds nothing. */
static void
every_hold_is_in_the_protocol_document(void **state)
{
	const char *at = strstr(text, "\n### What holds a device");
	char row[64];

	(void)state;
	assert_non_null(at);
	for (int h = HOLD_NONE + 1; h < HOLDS; h++) {
		snprintf(row, sizeof(row), "\n| `%s` | ", hold_name(h));
		if (strstr(at, row) == NULL)
			fail_msg("%s is not in PROTOCOL.md", hold_name(h));
	}
	for (int s = 0; s < JOB_STATES; s++) {
		snprintf(row, sizeof(row), "`%s`", job_state_name(s));
		if (s != JOB_DONE && strstr(at, row) == NULL)
			fail_msg("%s is not in PROTOCOL.md",
			    job_state_name(s));
	}
}

static void
every_verdict_is_in_the_protocol_document(void **state)
{
	const char *at = strstr(text, "\nVerdicts of a plan");
	char word[64];

	(void)state;
	assert_non_null(at);
	for (int v = 0; v < PLAN_VERDICTS; v++) {
		snprintf(word, sizeof(word), "`%s`", plan_verdict_name(v));
		if (strstr(at, word) == NULL)
			fail_msg("%s is not in PROTOCOL.md",
			    plan_verdict_name(v));
	}
}

static void
every_reason_is_in_the_protocol_document(void **state)
{
	const char *at = strstr(text, "\n### Why a job is where it is");
	char cell[160];

	(void)state;
	assert_non_null(at);
	for (int r = REASON_NONE + 1; r < REASONS; r++) {
		snprintf(cell, sizeof(cell), "| %d | `%s` | %s |", r,
		    track_reason_name(r), track_reason_text(r));
		if (strstr(at, cell) == NULL)
			fail_msg("%s is not in PROTOCOL.md", cell);
	}
}

static unsigned
routes_in(const struct route *r)
{
	unsigned n = 0;

	while (r[n].path != NULL)
		n++;
	return n;
}

/* As docs/METRICS.md has it: else some would be "other". */
static void
every_route_is_counted_apart(void **state)
{
	(void)state;
	assert_true(FRONT_FIXED + routes_in(routes_device) +
	    routes_in(routes_admin) <= FRONT_ROWS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hold_is_in_the_protocol_document),
		cmocka_unit_test(every_reason_is_in_the_protocol_document),
		cmocka_unit_test(every_verdict_is_in_the_protocol_document),
		cmocka_unit_test(every_route_is_counted_apart),
	};

	return cmocka_run_group_tests(tests, read_protocol, NULL);
}
