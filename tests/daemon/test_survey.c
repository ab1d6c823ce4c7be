/* The walk over devices: only while somebody asks, in slices, one census
 * whole before it is shown. */
#include "daemon/survey.h"
#include "tests/daemon/fleet.h"

#define DEVICES 100

static struct world w;
static struct survey *s;
static int64_t clock_us, look_us; /* each look at the clock takes so long */

int64_t
loop_clock(void)
{
	return clock_us += look_us;
}

static int
open_world(void **state)
{
	world_open(&w, *state);
	clock_us = look_us = 0;
	assert_int_equal(survey_new(&w.app, &s), 0);
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	survey_free(s);
	world_close(&w);
	return 0;
}

static void
add_devices(int n)
{
	char ep[16], addr[24];

	for (int i = 0; i < n; i++) {
		snprintf(ep, sizeof(ep), "dev%d", i);
		snprintf(addr, sizeof(addr), "10.0.%d.%d", i % 3, i + 1);
		fleet_add(&w, ep, DRIVER_NONE, addr);
	}
}

static uint64_t
statements(void)
{
	struct store_stats st;

	w.app.store->ops->stats(w.app.store, &st);
	return st.statements;
}

static void
step(int64_t ms)
{
	w.loop.now += ms;
	survey_step(s);
}

static void
nobody_asks_and_nobody_walks(void **state)
{
	uint64_t was;

	(void)state;
	add_devices(3);
	was = statements();
	for (int i = 0; i < 50; i++)
		step(SURVEY_TICK_MS);
	assert_int_equal(statements(), was);
	assert_null(survey_ask(s));
	step(SURVEY_TICK_MS);
	assert_non_null(survey_ask(s));
}

static void
it_walks_in_slices_and_shows_what_is_whole(void **state)
{
	const struct census *c;
	int steps = 0;

	(void)state;
	add_devices(DEVICES);
	look_us = SURVEY_SLICE_US * 2 / 3; /* one look at some devices a tick */
	while ((c = survey_ask(s)) == NULL && steps < 1000) {
		step(SURVEY_TICK_MS);
		steps++;
	}
	assert_in_range(steps, 3, 10);
	assert_int_equal(c->devices, DEVICES);
	assert_int_equal(c->registered, 0);
	assert_int_equal(c->groups, 3);
	assert_int_equal(census_lost(c), 0);
}

static void
it_rests_and_then_sees_what_is_new(void **state)
{
	const struct census *c;
	uint64_t was;

	(void)state;
	add_devices(2);
	(void)survey_ask(s);
	step(SURVEY_TICK_MS);
	assert_int_equal(survey_ask(s)->devices, 2);
	fleet_add(&w, "late", DRIVER_NONE, "10.9.9.9");
	was = statements();
	step(SURVEY_REST_MS - 1);
	assert_int_equal(survey_ask(s)->devices, 2);
	assert_int_equal(statements(), was);
	step(1);
	c = survey_ask(s);
	assert_int_equal(c->devices, 3);
	assert_int_equal(c->groups, 2 + 1);
}

static void
what_is_of_long_ago_is_not_shown(void **state)
{
	uint64_t was;

	(void)state;
	add_devices(1);
	(void)survey_ask(s);
	step(SURVEY_TICK_MS);
	assert_non_null(survey_ask(s));
	step(SURVEY_IDLE_MS); /* the last one that it walks for */
	was = statements();
	step(SURVEY_REST_MS);
	step(SURVEY_REST_MS);
	assert_int_equal(statements(), was);
	assert_null(survey_ask(s));
}

static void
registrations_end_and_jobs_are_counted_by_class(void **state)
{
	struct store_device d = device(&w, "reg", DRIVER_NONE);
	const struct census *c;

	(void)state;
	d.registered = true;
	d.reg = 5;
	d.reg_expires = w.loop.now + 60000;
	fleet_save(&w, &d);
	(void)survey_ask(s);
	step(0);
	assert_int_equal(survey_ask(s)->registered, 1);
	step(60000);
	c = survey_ask(s);
	assert_int_equal(c->registered, 0);
	assert_int_equal(c->devices, 1);
	assert_int_equal(c->classes, 0); /* it had no job yet */
}

static void
a_tag_is_the_group_where_it_is_said_to_be(void **state)
{
	struct store_device d = device(&w, "a", DRIVER_NONE);
	const struct census *c;

	(void)state;
	strcpy(w.app.conf.group_tag, "site");
	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, "north");
	d.tag_count = 1;
	fleet_save(&w, &d);
	add_devices(1); /* has no such tag */
	(void)survey_ask(s);
	step(0);
	c = survey_ask(s);
	assert_int_equal(c->groups, 1);
	assert_string_equal(c->group[0].name, "site=north");
}

#define WORLD(t, store) \
	{#t " (" #store ")", t, open_world, close_world, store}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(nobody_asks_and_nobody_walks, fake_sqlite),
		WORLD(it_walks_in_slices_and_shows_what_is_whole,
		    store_mem_open),
		WORLD(it_walks_in_slices_and_shows_what_is_whole, fake_sqlite),
		WORLD(it_rests_and_then_sees_what_is_new, fake_sqlite),
		WORLD(what_is_of_long_ago_is_not_shown, fake_sqlite),
		WORLD(registrations_end_and_jobs_are_counted_by_class,
		    fake_sqlite),
		WORLD(a_tag_is_the_group_where_it_is_said_to_be, fake_sqlite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
