/*
 * The engine rule: nothing is pushed, told or served before the turn is
 * committed; a turn that cannot be committed leaves no trace.
 */
#include "daemon/log.h"
#include "tests/daemon/faulty.h"

static void
a_pair_that_fails_undoes_itself_only(void **state)
{
	struct world w;
	struct store_device a = {.ep = "a"}, b = {.ep = "b"}, got;
	struct store_ops const *ops;

	(void)state;
	setup(&w);
	ops = w.app.store->ops;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(ops->device_put(w.app.store, &a), 0);
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(ops->device_put(w.app.store, &b), 0);
	assert_int_equal(engine_end(w.app.engine, ERR_POLICY), ERR_POLICY);
	turn(&w);
	assert_int_equal(ops->device_by_ep(w.app.store, "a", &got), 0);
	assert_int_equal(ops->device_by_ep(w.app.store, "b", &got),
	    ERR_NOT_FOUND);
	world_close(&w);
}

static void
a_turn_is_one_commit(void **state)
{
	struct world w;
	struct engine_stats before, after;

	(void)state;
	setup(&w);
	engine_stats(w.app.engine, &before);
	for (int i = 0; i < 10; i++) {
		struct store_device d = {0};

		snprintf(d.ep, sizeof(d.ep), "dev%d", i);
		assert_int_equal(engine_begin(w.app.engine), 0);
		assert_int_equal(engine_end(w.app.engine,
		    w.app.store->ops->device_put(w.app.store, &d)), 0);
	}
	turn(&w);
	turn(&w); /* nothing to do: no transaction */
	engine_stats(w.app.engine, &after);
	assert_int_equal(after.turns - before.turns, 1);
	world_close(&w);
}

static void
a_failed_commit_pushes_and_tells_nothing(void **state)
{
	struct world w;
	struct store_device d;
	struct health_report health;
	uint64_t rel;
	struct job j;

	(void)state;
	setup(&w);
	d = device(&w, "riot", DRIVER_TRIGGER);
	rel = released(&w, 2, "coap://fw.example/a.bin", 5000);
	campaign(&w, rel, 1);
	faulty(&w);
	full = true;
	w.front.topics = 0;
	engine_due(w.app.engine);
	turn(&w);
	assert_int_equal(w.front.flush_err, ERR_NOSPACE);
	assert_int_equal(w.front.topics, 0);
	assert_int_equal(w.peer.n, 0);
	j = last_job(&w, &d);
	assert_int_equal(j.attempt, 0); /* not counted: not tried */
	health_read(&w.app.health, &health);
	assert_true(health.degraded && !health.writable);
	assert_int_equal(health.err, ERR_NOSPACE);
	/* the disk has room again: the job is still due */
	full = false;
	w.app.health.trial = true; /* as each second's page */
	pass(&w, 60000);
	assert_true(w.peer.n > 0);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	health_read(&w.app.health, &health);
	assert_true(health.writable && !health.degraded);
	sound(&w);
	world_close(&w);
}

static int
say_in_a_pair(struct world *w, int err)
{
	assert_int_equal(engine_begin(w->app.engine), 0);
	engine_say(w->app.engine, "a decision");
	return engine_end(w->app.engine, err);
}

/* A line that speaks of what is not there sends somebody the wrong way. */
static void
a_line_is_said_after_its_commit_only(void **state)
{
	struct world w;
	uint64_t lines;

	(void)state;
	setup(&w);
	lines = log_count(LOGL_INFO);
	assert_int_equal(say_in_a_pair(&w, ERR_POLICY), ERR_POLICY);
	turn(&w);
	assert_int_equal(log_count(LOGL_INFO), lines);
	faulty(&w);
	full = true;
	assert_int_equal(say_in_a_pair(&w, 0), 0);
	turn(&w);
	assert_int_equal(log_count(LOGL_INFO), lines);
	full = false;
	w.app.health.trial = true;
	assert_int_equal(say_in_a_pair(&w, 0), 0);
	assert_int_equal(log_count(LOGL_INFO), lines);
	turn(&w);
	assert_int_equal(log_count(LOGL_INFO), lines + 1);
	sound(&w);
	world_close(&w);
}

static void
lines_that_wait_have_a_cap(void **state)
{
	struct world w;
	uint64_t lines;

	(void)state;
	setup(&w);
	lines = log_count(LOGL_INFO);
	assert_int_equal(engine_begin(w.app.engine), 0);
	for (int i = 0; i < ENGINE_LINES; i++)
		engine_say(w.app.engine, "a decision");
	assert_int_equal(log_count(LOGL_INFO), lines);
	engine_say(w.app.engine, "one more");
	assert_int_equal(log_count(LOGL_INFO), lines + 1);
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	turn(&w);
	assert_int_equal(log_count(LOGL_INFO), lines + ENGINE_LINES + 1);
	world_close(&w);
}

static void
a_release_is_served_after_its_commit_only(void **state)
{
	struct world w;
	struct publish_result r;
	struct publish_opts o = {0};
	uint8_t bytes[4096];
	struct why why;
	struct made m = {
		.seq = 1, .uri = "coap://fw.example/a.bin", .size = 100,
	};

	(void)state;
	setup(&w);
	m.digest = upload(&w, 100, 1);
	faulty(&w);
	full = true;
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, &why), 0);
	assert_null(catalog_current(w.app.catalog, w.class_id));
	turn(&w);
	assert_null(catalog_current(w.app.catalog, w.class_id));
	full = false;
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_non_null(catalog_current(w.app.catalog, w.class_id));
	sound(&w);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_that_fails_undoes_itself_only),
		cmocka_unit_test(a_turn_is_one_commit),
		cmocka_unit_test(a_failed_commit_pushes_and_tells_nothing),
		cmocka_unit_test(a_line_is_said_after_its_commit_only),
		cmocka_unit_test(lines_that_wait_have_a_cap),
		cmocka_unit_test(a_release_is_served_after_its_commit_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
