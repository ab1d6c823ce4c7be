/* What the engine starts of a campaign, and when; what it follows by itself. */
#include "tests/daemon/faulty.h"

/* --- admission --- */

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_campaign_never_runs_more_than_its_cap),
		cmocka_unit_test(a_paused_campaign_starts_nothing_and_resumes),
		cmocka_unit_test(a_campaign_ends_with_its_last_job),
		cmocka_unit_test(
		    a_newer_campaign_takes_over_and_an_older_one_does_not),
		cmocka_unit_test(nobody_is_pushed_without_an_operator),
		cmocka_unit_test(a_silent_device_is_followed_to_the_slot_flip),
		cmocka_unit_test(nobody_is_triggered_while_blocks_go_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
