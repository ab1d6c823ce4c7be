/*
 * The engine rule: nothing is pushed, told or served before the turn is
 * committed; a turn that cannot be committed leaves no trace.
 */
#include "tests/daemon/fake.h"

#include "daemon/log.h"
#include "lib/report.h"

/* --- a store that runs out of disk at the outermost commit --- */

static const struct store_ops *real;
static int depth, conflicts;
static bool full;

static int
f_begin(struct store *s)
{
	int rc = real->begin(s);

	depth += rc == 0;
	return rc;
}

static int
f_commit(struct store *s)
{
	depth--;
	if (full && depth == 0) {
		real->rollback(s);
		return ERR_NOSPACE;
	}
	return real->commit(s);
}

static void
f_rollback(struct store *s)
{
	depth--;
	real->rollback(s);
}

/* Somebody else saves the job first, `conflicts` times. */
static int
f_job_save(struct store *s, struct job *j)
{
	struct job other;

	if (conflicts > 0 && conflicts--) {
		assert_int_equal(real->job_get(s, j->id, &other), 0);
		assert_int_equal(real->job_save(s, &other), 0);
	}
	return real->job_save(s, j);
}

static void
faulty(struct world *w)
{
	static struct store_ops ops;

	real = w->app.store->ops;
	ops = *real;
	ops.begin = f_begin;
	ops.commit = f_commit;
	ops.rollback = f_rollback;
	ops.job_save = f_job_save;
	depth = conflicts = 0;
	full = false;
	w->app.store->ops = &ops;
}

static void
sound(struct world *w)
{
	w->app.store->ops = real;
}

static void
setup(struct world *w)
{
	world_open(w, store_mem_open);
}

static uint64_t
campaign(struct world *w, uint64_t release, uint32_t concurrency)
{
	char rules[40];

	snprintf(rules, sizeof(rules), "concurrency=%u", concurrency);
	return campaign_for(w, release, rules).id;
}

/* --- turns --- */

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

/* --- compare and set --- */

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

/* --- admission --- */

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

static void
a_campaign_never_runs_more_than_its_cap(void **state)
{
	struct world w;
	struct store_device d[12];
	size_t under_way = 0;

	(void)state;
	setup(&w);
	for (int i = 0; i < 12; i++) {
		char ep[16];

		snprintf(ep, sizeof(ep), "d%d", i);
		d[i] = device(&w, ep, DRIVER_TRIGGER);
	}
	campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 3);
	pass(&w, 5000);
	for (int i = 0; i < 12; i++)
		under_way += last_job(&w, &d[i]).attempt > 0;
	assert_int_equal(under_way, 3);
	world_close(&w);
}

static void
a_paused_campaign_starts_nothing_and_resumes(void **state)
{
	struct world w;
	struct store_device d;
	struct why why;
	uint64_t id;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	id = campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	assert_int_equal(campaign_pause(&w.app, id, &why), 0);
	turn(&w);
	pass(&w, 3600000);
	assert_int_equal(last_job(&w, &d).attempt, 0);
	assert_int_equal(campaign_pause(&w.app, id, &why), ERR_STATE);
	assert_int_equal(campaign_resume(&w.app, id, &why), 0);
	turn(&w);
	pass(&w, 1000);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	world_close(&w);
}

static void
a_campaign_ends_with_its_last_job(void **state)
{
	static const struct track_event ev = {.type = TRACK_CANCEL};
	struct world w;
	struct store_device d;
	struct store_campaign c;
	uint64_t id;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	id = campaign(&w, released(&w, 2, "coap://fw.example/a", 10), 1);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    d.id, &ev)), 0);
	turn(&w);
	assert_int_equal(w.app.store->ops->campaign_get(w.app.store, id, &c),
	    0);
	assert_int_equal(c.state, CAMPAIGN_FINISHED);
	world_close(&w);
}

static void
a_newer_campaign_takes_over_and_an_older_one_does_not(void **state)
{
	struct world w;
	struct store_device d;
	struct store_campaign c;
	uint64_t old, new;
	struct job j;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	old = released(&w, 2, "coap://fw.example/a", 10);
	new = released(&w, 3, "coap://fw.example/b", 20);
	campaign(&w, old, 1);
	j = last_job(&w, &d);
	campaign(&w, new, 1);
	assert_int_equal(w.app.store->ops->job_get(w.app.store, j.id, &j), 0);
	assert_int_equal(j.state, JOB_SUPERSEDED);
	assert_int_equal(last_job(&w, &d).release, new);
	c = campaign_for(&w, old, "");
	assert_int_equal(c.state, CAMPAIGN_DRAFT);
	assert_int_equal(c.verdict[PLAN_HELD], 1);
	world_close(&w);
}

static void
nobody_is_pushed_without_an_operator(void **state)
{
	struct world w;
	struct store_device d;
	struct store_release r;
	uint64_t rel;

	(void)state;
	setup(&w);
	d = device(&w, "dev", DRIVER_TRIGGER);
	rel = released(&w, 2, "coap://fw.example/a", 10);
	assert_int_equal(w.app.store->ops->release_get(w.app.store, rel, &r),
	    0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_job_new(
	    w.app.engine, &d, &r, NULL)), 0);
	turn(&w);
	pass(&w, 3600000);
	assert_int_equal(w.peer.n, 0);
	assert_int_equal(last_job(&w, &d).due, 0);
	world_close(&w);
}

/* --- a whole life, RIOT's: nothing is ever reported --- */

static void
fetch(struct world *w, const char *addr, const struct digest *d, size_t from,
    size_t to)
{
	struct req req = {.method = M_GET};
	struct blob *b;
	size_t n;

	strcpy(req.addr, addr);
	assert_int_equal(blob_get(w->app.blobs, d->b, &b), 0);
	n = blob_bytes(b).n;
	while (from < to) {
		from += 64;
		if (from > n)
			from = n;
		engine_blocks(&w->app, &req, b, from, n);
	}
	blob_unref(b);
}

static void
a_silent_device_is_followed_to_the_slot_flip(void **state)
{
	struct world w;
	struct store_device d;
	struct digest img;
	struct req req = {.first_block = true, .arg = {"", ""}};
	struct resp resp;
	struct slice ep = slice_str("ep=riot");

	(void)state;
	setup(&w);
	d = device(&w, "riot", DRIVER_TRIGGER);
	campaign(&w, released(&w, 2, "coap://fw.example/a.bin", 5000), 1);
	img = upload(&w, 5000, 2);
	pass(&w, 10);
	answer(&w, "/suit/slot/active", 205, "0");
	answer(&w, "/suit/trigger", 201, "");
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
	/* it asks for the manifest by name, for the image by address only */
	char hex[33];
	req.arg[0] = text_hex(slice_of(w.class_id, 16), hex, sizeof(hex));
	req.query[req.query_n++] = ep;
	strcpy(req.addr, "127.0.0.9");
	assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	fetch(&w, "127.0.0.9", &img, 0, 2500);
	pass(&w, 1000);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_true(last_job(&w, &d).done >= 2500);
	fetch(&w, "127.0.0.9", &img, last_job(&w, &d).done, 5000);
	pass(&w, 1000);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHED);
	/* the tracker asks it what it runs */
	pass(&w, w.app.conf.track.install_ms / 8);
	answer(&w, "/suit/slot/active", 205, "1");
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L0);
	assert_int_equal(w.app.store->ops->device_get(w.app.store, d.id, &d),
	    0);
	assert_int_equal(d.seq, 2);
	world_close(&w);
}

static void
nobody_is_triggered_while_blocks_go_out(void **state)
{
	struct world w;
	struct store_device d;
	struct digest img;

	(void)state;
	setup(&w);
	d = device(&w, "riot", DRIVER_TRIGGER);
	strcpy(d.addr, "10.0.0.7");
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &d)), 0);
	turn(&w);
	img = upload(&w, 5000, 2);
	campaign(&w, released(&w, 2, "coap://fw.example/a.bin", 5000), 1);
	fetch(&w, "10.0.0.7", &img, 0, 640);
	pass(&w, 100);
	assert_int_equal(w.peer.n, 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	world_close(&w);
}

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
		cmocka_unit_test(a_pair_that_fails_undoes_itself_only),
		cmocka_unit_test(a_turn_is_one_commit),
		cmocka_unit_test(a_failed_commit_pushes_and_tells_nothing),
		cmocka_unit_test(a_line_is_said_after_its_commit_only),
		cmocka_unit_test(lines_that_wait_have_a_cap),
		cmocka_unit_test(a_release_is_served_after_its_commit_only),
		cmocka_unit_test(a_job_that_lives_again_is_found),
		cmocka_unit_test(a_lost_race_is_run_again_on_the_new_job),
		cmocka_unit_test(a_race_lost_for_ever_is_an_error),
		cmocka_unit_test(the_attempt_is_saved_before_the_push),
		cmocka_unit_test(a_push_whose_job_has_ended_is_not_made),
		cmocka_unit_test(a_campaign_never_runs_more_than_its_cap),
		cmocka_unit_test(a_paused_campaign_starts_nothing_and_resumes),
		cmocka_unit_test(a_campaign_ends_with_its_last_job),
		cmocka_unit_test(
		    a_newer_campaign_takes_over_and_an_older_one_does_not),
		cmocka_unit_test(nobody_is_pushed_without_an_operator),
		cmocka_unit_test(a_silent_device_is_followed_to_the_slot_flip),
		cmocka_unit_test(nobody_is_triggered_while_blocks_go_out),
		cmocka_unit_test(the_event_log_keeps_the_newest),
		cmocka_unit_test(a_report_runs_one_statement),
		cmocka_unit_test(the_block_path_runs_no_statement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
