/*
 * A job that somebody else has changed meanwhile, or that has ended when its
 * push comes to be made.
 */
#include "tests/daemon/faulty.h"

/* What was found out in a pair that is undone is not known. */
static void
a_job_that_lives_again_is_found(void **state)
{
	static const struct track_event cancel = {.type = TRACK_CANCEL},
	    get = {.type = TRACK_MANIFEST_GET};
	struct engine *e;
	struct world w;
	struct store_device d;

	(void)state;
	setup(&w);
	e = w.app.engine;
	d = device(&w, "dev", DRIVER_TRIGGER);
	campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	assert_int_equal(engine_begin(e), 0);
	assert_int_equal(engine_event(e, d.id, &cancel), 0);
	assert_int_equal(engine_event(e, d.id, &get), 0);
	assert_int_equal(engine_end(e, ERR_POLICY), ERR_POLICY);
	assert_int_equal(engine_begin(e), 0);
	assert_int_equal(engine_end(e, engine_event(e, d.id, &get)), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	world_close(&w);
}

static void
a_lost_race_is_run_again_on_the_new_job(void **state)
{
	static const struct track_event ev = {.type = TRACK_CANCEL};
	struct world w;
	struct store_device d;
	struct engine_stats st;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	faulty(&w);
	conflicts = 2;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    d.id, &ev)), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_CANCELLED);
	engine_stats(w.app.engine, &st);
	assert_int_equal(st.conflicts, 2);
	sound(&w);
	world_close(&w);
}

static void
a_race_lost_for_ever_is_an_error(void **state)
{
	static const struct track_event ev = {.type = TRACK_CANCEL};
	struct world w;
	struct store_device d;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	faulty(&w);
	conflicts = 100;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    d.id, &ev)), ERR_CONFLICT);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	sound(&w);
	world_close(&w);
}

static void
the_attempt_is_saved_before_the_push(void **state)
{
	struct world w;
	struct store_device d;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	engine_due(w.app.engine);
	assert_int_equal(w.peer.n, 0); /* not before the commit */
	assert_int_equal(last_job(&w, &d).attempt, 1);
	turn(&w);
	assert_true(w.peer.n > 0);
	world_close(&w);
}

/* Who is revoked meanwhile, or whose campaign is aborted, hears nothing. */
static void
a_push_whose_job_has_ended_is_not_made(void **state)
{
	static const struct track_event cancel = {.type = TRACK_CANCEL};
	struct engine *e;
	struct world w;
	struct store_device d;

	(void)state;
	setup(&w);
	e = w.app.engine;
	d = device(&w, "dev", DRIVER_TRIGGER);
	campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	engine_due(e);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	assert_int_equal(engine_begin(e), 0);
	assert_int_equal(engine_end(e, engine_event(e, d.id, &cancel)), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_CANCELLED);
	assert_int_equal(w.peer.n, 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_that_lives_again_is_found),
		cmocka_unit_test(a_lost_race_is_run_again_on_the_new_job),
		cmocka_unit_test(a_race_lost_for_ever_is_an_error),
		cmocka_unit_test(the_attempt_is_saved_before_the_push),
		cmocka_unit_test(a_push_whose_job_has_ended_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
