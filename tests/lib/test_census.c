#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/census.h"

#define GROUPS 8
#define NOW INT64_C(1764100000000)

static struct census_group groups[GROUPS];
static uint32_t places[2 * GROUPS];
static struct census c;

static int
fresh(void **state)
{
	(void)state;
	memset(groups, 0xaa, sizeof(groups)); /* what was there counts not */
	memset(places, 0xaa, sizeof(places));
	memset(&c, 0xaa, sizeof(c));
	c.group = groups;
	c.group_cap = GROUPS;
	c.index = places;
	census_begin(&c);
	return 0;
}

static void
add_class(uint8_t id, enum job_state st)
{
	struct census_device d = {.have_class = true, .have_job = true,
	    .state = st};

	d.class_id[15] = id;
	census_add(&c, &d, NOW);
}

static void
add_heard(const char *group, int64_t ago_s, uint32_t gap)
{
	struct census_device d = {.group = group, .gap = gap,
	    .seen = NOW - ago_s * 1000};

	census_add(&c, &d, NOW);
}

static void
jobs_are_counted_by_class_and_state(void **state)
{
	struct census_device none = {.have_job = true, .state = JOB_DONE};
	struct census_device idle = {.registered = true};

	(void)state;
	add_class(1, JOB_DONE);
	add_class(2, JOB_QUEUED);
	add_class(1, JOB_DONE);
	add_class(1, JOB_FAILED);
	census_add(&c, &none, NOW);
	census_add(&c, &idle, NOW);
	assert_int_equal(c.devices, 6);
	assert_int_equal(c.registered, 1);
	assert_int_equal(c.classes, 3);
	assert_int_equal(c.cls[0].id[15], 1);
	assert_int_equal(c.cls[0].by_state[JOB_DONE], 2);
	assert_int_equal(c.cls[0].by_state[JOB_FAILED], 1);
	assert_int_equal(c.cls[1].by_state[JOB_QUEUED], 1);
	assert_false(c.cls[2].have_class);
	assert_int_equal(c.cls[2].by_state[JOB_DONE], 1);
}

static void
classes_past_the_cap_are_one(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_METRIC_CLASSES; i++)
		add_class((uint8_t)i, JOB_DONE);
	assert_int_equal(c.classes, LIMIT_METRIC_CLASSES);
	assert_int_equal(c.other[JOB_DONE], 0);
	add_class(LIMIT_METRIC_CLASSES, JOB_DONE);
	add_class(LIMIT_METRIC_CLASSES + 1, JOB_FAILED);
	add_class(LIMIT_METRIC_CLASSES - 1, JOB_DONE); /* it has room */
	assert_int_equal(c.classes, LIMIT_METRIC_CLASSES);
	assert_int_equal(c.other[JOB_DONE], 1);
	assert_int_equal(c.other[JOB_FAILED], 1);
	assert_int_equal(c.cls[LIMIT_METRIC_CLASSES - 1].by_state[JOB_DONE],
	    2);
}

static void
groups_past_the_room_are_only_counted(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < GROUPS; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		add_heard(name, 1, 60);
	}
	assert_int_equal(c.groups, GROUPS);
	assert_int_equal(c.crowded, 0);
	add_heard("one more", 1, 60);
	add_heard("g3", 1, 60);
	assert_int_equal(c.groups, GROUPS);
	assert_int_equal(c.crowded, 1);
	assert_int_equal(c.devices, GROUPS + 2);
}

static void
the_longest_silent_groups_come_first(void **state)
{
	const struct census_group *g[GROUPS];

	(void)state;
	add_heard("a", 50, 0);
	add_heard("b", 900, 0);
	add_heard("c", 10, 0);
	add_heard("d", 400, 0);
	add_heard("b", 700, 0); /* the latest counts */
	census_add(&c, &(struct census_device){.group = "never"}, NOW);
	assert_int_equal(c.groups, 5);
	assert_int_equal(census_silent(&c, g, GROUPS), 4);
	assert_string_equal(g[0]->name, "b");
	assert_true(g[0]->seen == NOW - 700 * 1000);
	assert_string_equal(g[1]->name, "d");
	assert_string_equal(g[2]->name, "a");
	assert_string_equal(g[3]->name, "c");
	assert_int_equal(census_silent(&c, g, 2), 2);
	assert_string_equal(g[0]->name, "b");
	assert_string_equal(g[1]->name, "d");
	assert_int_equal(census_silent(&c, g, 0), 0);
}

static void
DOS_SILENCE_a_group_is_lost_when_all_are_silent(void **state)
{
	int64_t limit = census_patience(600);

	(void)state;
	assert_int_equal(limit, 3 * 600 + CENSUS_GRACE_S);
	assert_int_equal(census_patience(0), CENSUS_UNKNOWN_S +
	    CENSUS_GRACE_S);
	add_heard("alone", limit + 1, 600);
	add_heard("half", limit + 1, 600);
	add_heard("half", limit, 600);
	assert_int_equal(census_lost(&c), 0);
	add_heard("both", limit + 1, 600);
	add_heard("both", limit + 1, 600);
	assert_int_equal(census_lost(&c), 1);
	/* one that was never heard says nothing */
	census_add(&c, &(struct census_device){.group = "both"}, NOW);
	assert_int_equal(census_lost(&c), 1);
}

static void
a_census_begins_anew(void **state)
{
	(void)state;
	add_class(1, JOB_DONE);
	add_heard("a", 1, 1);
	census_begin(&c);
	assert_int_equal(c.devices + c.classes + c.groups, 0);
	add_class(1, JOB_FAILED);
	assert_int_equal(c.cls[0].by_state[JOB_DONE], 0);
	add_heard("a", 5, 1);
	assert_int_equal(c.group[0].heard, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(jobs_are_counted_by_class_and_state,
		    fresh),
		cmocka_unit_test_setup(classes_past_the_cap_are_one, fresh),
		cmocka_unit_test_setup(groups_past_the_room_are_only_counted,
		    fresh),
		cmocka_unit_test_setup(the_longest_silent_groups_come_first,
		    fresh),
		cmocka_unit_test_setup(
		    DOS_SILENCE_a_group_is_lost_when_all_are_silent,
		    fresh),
		cmocka_unit_test_setup(a_census_begins_anew, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
