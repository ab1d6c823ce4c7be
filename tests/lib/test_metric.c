#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/metric.h"

static char text[LIMIT_METRIC_TEXT + 1];
static struct metric_out m;

static void
begin(enum metric_format f)
{
	memset(text, 0, sizeof(text));
	metric_begin(&m, f, text, LIMIT_METRIC_TEXT);
}

static void
has(const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, text);
}

static size_t
count(const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* --- the table --- */

static bool
name_ok(const char *s)
{
	return *s >= 'a' && *s <= 'z' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

static void
names_and_units_are_what_openmetrics_asks_for(void **state)
{
	static const char *const ours[] = {"_total", "_info", "_bucket",
	    "_sum", "_count", "_created"};
	char unit[32];

	(void)state;
	for (int i = 0; i < METRICS; i++) {
		const struct metric_info *f = &metric_table[i];

		assert_true(name_ok(f->name));
		assert_true(f->cap > 0);
		assert_null(strpbrk(f->help, "\\\"\n"));
		assert_true(ends_with(f->help, "."));
		for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
			assert_false(ends_with(f->name, ours[k]));
		snprintf(unit, sizeof(unit), "_%s", f->unit);
		assert_true(f->unit[0] == '\0' || ends_with(f->name, unit));
		for (size_t k = 0; k < METRIC_LABELS; k++)
			assert_true(f->label[k] == NULL ||
			    (name_ok(f->label[k]) &&
			    strcmp(f->label[k], "le") != 0));
		assert_true(f->label[0] != NULL || f->label[1] == NULL);
		assert_true(f->label[0] != NULL || f->cap == 1);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(f->name,
			    metric_table[k].name);
	}
}

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram", [METRIC_INFO] = "info",
};

/* A row of docs/METRICS.md, as it has to be. */
static void
document_row(const struct metric_info *f, char *dst, size_t cap)
{
	const char *suffix = f->type == METRIC_COUNTER ? "_total" :
	    f->type == METRIC_INFO ? "_info" : "";

	snprintf(dst, cap, "\n| `%s%s` | %s | %s%s%s | %u | %s |\n", f->name,
	    suffix, type_names[f->type], f->label[0] ? f->label[0] : "",
	    f->label[1] ? ", " : "", f->label[1] ? f->label[1] : "", f->cap,
	    f->help);
}

static void
the_document_has_the_table(void **state)
{
	FILE *f = fopen("docs/METRICS.md", "r");
	char row[1024];

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, LIMIT_METRIC_TEXT, f)] = '\0';
	fclose(f);
	for (int i = 0; i < METRICS; i++) {
		document_row(&metric_table[i], row, sizeof(row));
		if (strstr(text, row) == NULL)
			fail_msg("docs/METRICS.md lacks this row:%s", row);
	}
	assert_int_equal(count("\n| `suitd_") + count("\n| `process_"),
	    METRICS);
}

/* --- both renderings --- */

static void
a_counter_has_its_suffix_where_each_format_wants_it(void **state)
{
	(void)state;
	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_REQUESTS);
	metric_count(&m, "m/{c}", "2.05", UINT64_MAX);
	assert_int_equal(metric_end(&m), 0);
	has("# TYPE suitd_requests_total counter\n");
	has("# HELP suitd_requests_total CoAP");
	has("\nsuitd_requests_total{path=\"m/{c}\",code=\"2.05\"} "
	    "18446744073709551615\n");
	assert_int_equal(count("# EOF"), 0);

	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_REQUESTS);
	metric_count(&m, "m/{c}", "2.05", 3);
	assert_int_equal(metric_end(&m), 0);
	has("# TYPE suitd_requests counter\n");
	has("\nsuitd_requests_total{path=\"m/{c}\",code=\"2.05\"} 3\n# EOF\n");
	assert_int_equal(count("# UNIT"), 0);
}

static void
a_unit_is_told_in_openmetrics_only(void **state)
{
	(void)state;
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_PROCESS_CPU);
	metric_real(&m, NULL, NULL, 1.25);
	assert_int_equal(metric_end(&m), 0);
	has("# TYPE process_cpu_seconds counter\n"
	    "# UNIT process_cpu_seconds seconds\n# HELP process_cpu_seconds ");
	has("\nprocess_cpu_seconds_total 1.25\n");

	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_PROCESS_CPU);
	assert_int_equal(metric_end(&m), 0);
	assert_int_equal(count("# UNIT"), 0);
}

static void
an_info_is_a_gauge_to_the_old_format(void **state)
{
	(void)state;
	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_BUILD);
	metric_count(&m, "1", "4.3.1", 1);
	assert_int_equal(metric_end(&m), 0);
	has("# TYPE suitd_build_info gauge\n");
	has("\nsuitd_build_info{version=\"1\",libcoap=\"4.3.1\"} 1\n");

	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_BUILD);
	metric_count(&m, "1", "4.3.1", 1);
	assert_int_equal(metric_end(&m), 0);
	has("# TYPE suitd_build info\n");
	has("\nsuitd_build_info{version=\"1\",libcoap=\"4.3.1\"} 1\n");
}

static void
times_keep_their_milliseconds(void **state)
{
	(void)state;
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_PROCESS_START);
	metric_real(&m, NULL, NULL, 1764100000.123);
	assert_int_equal(metric_end(&m), 0);
	has("\nprocess_start_time_seconds 1764100000.123\n");
}

static void
a_histogram_counts_what_is_not_above_each_bound(void **state)
{
	static struct lag l;

	(void)state;
	memset(&l, 0, sizeof(l));
	lag_add(&l, 127, 0);
	lag_add(&l, 128, 0);
	lag_add(&l, 2000000, 0);
	lag_add(&l, UINT64_C(1) << 40, 0);
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_STORE);
	metric_lag(&m, "sync", &l);
	assert_int_equal(metric_end(&m), 0);
	has("# TYPE suitd_store_seconds histogram\n# UNIT suitd_store_seconds "
	    "seconds\n");
	has("\nsuitd_store_seconds_bucket{op=\"sync\",le=\"0.000128\"} 1\n");
	has("\nsuitd_store_seconds_bucket{op=\"sync\",le=\"0.000256\"} 2\n");
	has("\nsuitd_store_seconds_bucket{op=\"sync\",le=\"1.048576\"} 2\n");
	has("\nsuitd_store_seconds_bucket{op=\"sync\",le=\"2.097152\"} 3\n");
	has("\nsuitd_store_seconds_bucket{op=\"sync\",le=\"16.777216\"} 3\n");
	has("\nsuitd_store_seconds_bucket{op=\"sync\",le=\"+Inf\"} 4\n");
	has("\nsuitd_store_seconds_count{op=\"sync\"} 4\n");
	has("\nsuitd_store_seconds_sum{op=\"sync\"} 1099513.628");

	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_LOOP_TURN);
	metric_lag(&m, NULL, &l);
	assert_int_equal(metric_end(&m), 0);
	has("\nsuitd_loop_turn_seconds_bucket{le=\"0.000128\"} 1\n");
	has("\nsuitd_loop_turn_seconds_count 4\n");
}

/* --- strangers' text --- */

static void
label_values_are_escaped(void **state)
{
	(void)state;
	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_GROUP_SILENCE);
	metric_count(&m, "a\"} 1\nx{b=\"\\", NULL, 1);
	metric_count(&m, "Caf\xc3\xa9", NULL, 2);
	metric_count(&m, "\xff\n", NULL, 3);
	metric_count(&m, "", NULL, 4);
	assert_int_equal(metric_end(&m), 0);
	has("\nsuitd_group_silence_seconds{group=\"a\\\"} 1\\nx{b=\\\"\\\\\"} "
	    "1\n");
	has("{group=\"Caf\xc3\xa9\"} 2\n");
	has("{group=\"\\\\xff\\\\x0a\"} 3\n");
	has("{group=\"\"} 4\n");
}

static void
a_label_value_is_cut_past_its_cap(void **state)
{
	char at[LIMIT_METRIC_LABEL + 1], past[LIMIT_METRIC_LABEL + 2];

	(void)state;
	memset(at, 'a', sizeof(at) - 1);
	memset(past, 'b', sizeof(past) - 1);
	at[sizeof(at) - 1] = past[sizeof(past) - 1] = '\0';
	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_GROUP_SILENCE);
	metric_count(&m, at, NULL, 1);
	metric_count(&m, past, NULL, 2);
	assert_int_equal(metric_end(&m), 0);
	has(at);
	assert_int_equal(count(past), 0);
	has("bbb...\"} 2\n");
}

static void
label_sets_past_the_cap_are_dropped(void **state)
{
	char group[16];
	unsigned cap = metric_table[METRIC_ID_GROUP_SILENCE].cap;

	(void)state;
	begin(METRIC_PROMETHEUS);
	metric_family(&m, METRIC_ID_GROUP_SILENCE);
	for (unsigned i = 0; i < cap + 1; i++) {
		assert_int_equal(m.dropped, 0);
		snprintf(group, sizeof(group), "g%u", i);
		metric_count(&m, group, NULL, i);
	}
	assert_int_equal(m.dropped, 1);
	metric_family(&m, METRIC_ID_GROUPS); /* it is a cap of one family */
	metric_count(&m, NULL, NULL, 7);
	assert_int_equal(metric_end(&m), 0);
	assert_int_equal(count("\nsuitd_group_silence_seconds{"), cap);
	has("\nsuitd_groups 7\n");
}

/* --- what cannot be --- */

static void
a_family_is_written_once(void **state)
{
	(void)state;
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_GROUPS);
	metric_family(&m, METRIC_ID_DEVICES);
	metric_family(&m, METRIC_ID_GROUPS);
	assert_int_equal(metric_end(&m), ERR_ORDER);
}

static void
a_sample_has_the_labels_of_its_family(void **state)
{
	static struct lag l;

	(void)state;
	begin(METRIC_OPENMETRICS);
	metric_count(&m, NULL, NULL, 1);
	assert_int_equal(metric_end(&m), ERR_ORDER);
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_GROUPS);
	metric_count(&m, "x", NULL, 1);
	assert_int_equal(metric_end(&m), ERR_ORDER);
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_REQUESTS);
	metric_count(&m, "x", NULL, 1);
	assert_int_equal(metric_end(&m), ERR_ORDER);
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_GROUPS);
	metric_lag(&m, NULL, &l);
	assert_int_equal(metric_end(&m), ERR_ORDER);
	begin(METRIC_OPENMETRICS);
	metric_family(&m, METRIC_ID_LOOP_TURN);
	metric_count(&m, NULL, NULL, 1);
	assert_int_equal(metric_end(&m), ERR_ORDER);
}

/* The text of a scrape that has as much as the caps allow. */
static size_t
full_scrape(size_t cap)
{
	static struct lag l;
	char l1[LIMIT_METRIC_LABEL + 1], l2[16];

	memset(l1, 'x', sizeof(l1));
	l1[sizeof(l1) - 1] = '\0';
	metric_begin(&m, METRIC_OPENMETRICS, text, cap);
	for (int i = 0; i < METRICS; i++) {
		const struct metric_info *f = &metric_table[i];

		metric_family(&m, (enum metric)i);
		for (unsigned k = 0; k < f->cap; k++) {
			snprintf(l2, sizeof(l2), "%u", k);
			if (f->type == METRIC_HISTOGRAM)
				metric_lag(&m, f->label[0] ? l1 : NULL, &l);
			else
				metric_count(&m, f->label[0] ? l1 : NULL,
				    f->label[1] ? l2 : NULL, UINT64_MAX);
		}
	}
	return m.out.n;
}

static void
all_that_the_caps_allow_has_room(void **state)
{
	size_t n;

	(void)state;
	full_scrape(LIMIT_METRIC_TEXT);
	assert_int_equal(metric_end(&m), 0);
	assert_int_equal(m.dropped, 0);
	n = m.out.n;
	full_scrape(n);
	assert_int_equal(metric_end(&m), 0);
	full_scrape(n - 1);
	assert_int_equal(metric_end(&m), ERR_SPACE);
}

/* --- Accept --- */

static void
openmetrics_is_for_those_who_name_it(void **state)
{
	static const struct {
		const char *accept;
		enum metric_format f;
	} cases[] = {
		{"", METRIC_PROMETHEUS},
		{"*/*", METRIC_PROMETHEUS},
		{"text/plain", METRIC_PROMETHEUS},
		{"application/openmetrics-text", METRIC_OPENMETRICS},
		{"Application/OpenMetrics-Text ; version=1.0.0",
		    METRIC_OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0,"
		    "application/openmetrics-text;version=0.0.1;q=0.75,"
		    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		    METRIC_OPENMETRICS},
		{"text/plain, application/openmetrics-text;q=0.9",
		    METRIC_PROMETHEUS},
		{"text/plain;q=0.89, application/openmetrics-text;q=0.9",
		    METRIC_OPENMETRICS},
		{"application/openmetrics-text;q=0", METRIC_PROMETHEUS},
		{"application/openmetrics-text;q=0.000, */*",
		    METRIC_PROMETHEUS},
		{"application/openmetrics-text;q=0.001", METRIC_OPENMETRICS},
		{"application/openmetrics-textual", METRIC_PROMETHEUS},
		{",,;q=,;;=,application/openmetrics-text;q",
		    METRIC_OPENMETRICS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (metric_accept(slice_str(cases[i].accept)) != cases[i].f)
			fail_msg("%s", cases[i].accept);
	assert_non_null(strstr(metric_content_type(METRIC_OPENMETRICS),
	    "application/openmetrics-text; version=1.0.0"));
	assert_non_null(strstr(metric_content_type(METRIC_PROMETHEUS),
	    "text/plain; version=0.0.4"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_units_are_what_openmetrics_asks_for),
		cmocka_unit_test(the_document_has_the_table),
		cmocka_unit_test(
		    a_counter_has_its_suffix_where_each_format_wants_it),
		cmocka_unit_test(a_unit_is_told_in_openmetrics_only),
		cmocka_unit_test(an_info_is_a_gauge_to_the_old_format),
		cmocka_unit_test(times_keep_their_milliseconds),
		cmocka_unit_test(
		    a_histogram_counts_what_is_not_above_each_bound),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(a_label_value_is_cut_past_its_cap),
		cmocka_unit_test(label_sets_past_the_cap_are_dropped),
		cmocka_unit_test(a_family_is_written_once),
		cmocka_unit_test(a_sample_has_the_labels_of_its_family),
		cmocka_unit_test(all_that_the_caps_allow_has_room),
		cmocka_unit_test(openmetrics_is_for_those_who_name_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
