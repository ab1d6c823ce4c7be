/* What a report and a block cost, and that the log of events has an end. */
#include "lib/report.h"
#include "tests/daemon/faulty.h"

/* One turn of `n` reports of devices that fetch: its statements. */
static uint64_t
reports(struct world *w, unsigned n, enum report_phase phase)
{
	struct report_status s = {.phase = phase, .done = 40, .total = 100};
	struct req req = {.method = M_POST, .arg = {"", ""}, .query_n = 1};
	struct store_stats before, after;
	uint8_t body[64];
	struct buf b = buf_of(body, sizeof(body));
	struct resp resp;
	char ep[24];

	report_put_status(&s, &b);
	req.body = buf_slice(&b);
	strcpy(req.addr, "10.1.2.3");
	w->app.store->ops->stats(w->app.store, &before);
	for (unsigned i = 0; i < n; i++) {
		snprintf(ep, sizeof(ep), "ep=dev%u", i);
		req.query[0] = slice_str(ep);
		assert_int_equal(ask(w, res_report, &req, &resp), 0);
		assert_true(resp.after_commit);
	}
	turn(w);
	w->app.store->ops->stats(w->app.store, &after);
	return after.statements - before.statements;
}

/*
 * What a report costs that moves a job: the job. Whose it is and its live job
 * are remembered but by the first of a turn, and eight events are one
 * statement. What a turn costs is in both.
 */
static void
a_report_runs_one_statement(void **state)
{
	struct world w;
	char ep[16];
	uint64_t one, many;

	(void)state;
	world_open(&w, fake_sqlite);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(ep, sizeof(ep), "dev%u", i);
		(void)device(&w, ep, DRIVER_NONE);
	}
	campaign_for(&w, released(&w, 5, "coap://fw.example/a", 100), "");
	turn(&w);
	(void)reports(&w, 20, PHASE_DOWNLOADING); /* addresses are new */
	(void)reports(&w, 20, PHASE_DOWNLOADED);
	one = reports(&w, 1, PHASE_INSTALLING);
	many = reports(&w, 20, PHASE_INSTALLING);
	assert_true(many - one <= 19 + 5);
	world_close(&w);
}

static void
the_block_path_runs_no_statement(void **state)
{
	struct world w;
	struct digest img;
	struct store_stats before, after;
	struct req req = {.first_block = true, .arg = {"", ""}};
	struct resp resp;
	char d64[64], hex[33];

	(void)state;
	/* the real database, since it is its statements that are counted */
	world_open(&w, fake_sqlite);
	img = upload(&w, 262144, 9);
	(void)released(&w, 9, "coap://fw.example/big.bin", 262144);
	w.app.store->ops->stats(w.app.store, &before);
	strcpy(req.addr, "10.9.8.7");
	req.arg[0] = text_hex(slice_of(w.class_id, 16), hex, sizeof(hex));
	assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
	req.arg[0] = text_b64u(slice_of(img.b, 9), d64, sizeof(d64));
	for (uint64_t end = 64; end <= 262144; end += 64) {
		assert_int_equal(ask(&w, res_image, &req, &resp), 0);
		engine_blocks(&w.app, &req, resp.image, end, 262144);
		blob_unref(resp.image);
		turn(&w);
	}
	strcpy(req.path, "big.bin");
	assert_int_equal(ask(&w, res_rest, &req, &resp), 0);
	blob_unref(resp.image);
	w.app.store->ops->stats(w.app.store, &after);
	assert_int_equal(after.statements, before.statements);
	world_close(&w);
}

static void
put_events(struct world *w, uint64_t n)
{
	struct store_event ev = {.kind = "device", .what = "test"};

	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(engine_begin(w->app.engine), 0);
		assert_int_equal(engine_end(w->app.engine,
		    engine_log(w->app.engine, &ev)), 0);
	}
	turn(w);
}

static void
the_event_log_keeps_the_newest(void **state)
{
	struct world w;
	struct store_stats st;
	struct store *s;

	(void)state;
	world_open(&w, store_mem_open);
	s = w.app.store;
	w.app.conf.events_keep = 100;
	put_events(&w, 100);
	engine_prune(w.app.engine);
	turn(&w);
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 100);
	put_events(&w, 1);
	engine_prune(w.app.engine);
	turn(&w);
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 100);
	/* more than goes in one turn */
	put_events(&w, 5500);
	engine_prune(w.app.engine);
	turn(&w);
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 600);
	engine_prune(w.app.engine);
	turn(&w);
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 100);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_event_log_keeps_the_newest),
		cmocka_unit_test(a_report_runs_one_statement),
		cmocka_unit_test(the_block_path_runs_no_statement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
