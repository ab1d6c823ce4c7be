/*
 * GET /m beside the matrix of test_res_turn.c: observers, later blocks,
 * class manifests, staged releases, jobs that were given up, commits that
 * fail, revoked devices.
 */
#include "tests/db/psk.h"
#include "tests/daemon/turn.h"

static struct req req;

/* --- observers and blocks --- */

static int
own(bool observe, bool notify, bool first)
{
	memset(&req, 0, sizeof(req));
	req.first_block = first;
	req.observe = observe;
	req.notify = notify;
	req.who.device = dev.id;
	req.who.grade = GRADE_L1;
	strcpy(req.addr, dev.addr);
	return ask(&w, res_manifest_own, &req, &resp);
}

static void
is_release(uint64_t id)
{
	assert_memory_equal(resp.etag, catalog_by_id(w.app.catalog,
	    id)->digest, 8);
}

static void
an_observer_keeps_its_observation(void **state)
{
	uint64_t one = released(&w, 1, "coap://fw.example/1", 10);

	(void)state;
	stage_named("fresh", "server-slots");
	assert_int_equal(own(true, false, true), 0);
	is_release(one); /* what it runs */
	assert_int_equal(own(true, true, true), 0);
	is_release(one);
	assert_int_equal(own(false, false, false), 0); /* the rest of it */
	is_release(one);
	assert_int_equal(last_job(&w, &dev).state, JOB_QUEUED);
	assert_int_equal(own(false, false, true), ERR_LIMIT);
	/* what it runs is not known: nothing is said, which is no error */
	dev = fleet_add(&w, "unknown", DRIVER_NONE, "10.0.0.9");
	dev.have_seq = false;
	fleet_save(&w, &dev);
	assert_int_equal(own(true, true, true), ERR_LIMIT);
	assert_int_equal(w.app.store->ops->device_by_ep(w.app.store, "dev",
	    &dev), 0);
	w.app.conf.downloads = 5;
	assert_int_equal(own(true, false, true), 0);
	is_release(rel);
	assert_int_equal(last_job(&w, &dev).state, JOB_FETCHING);
}

static void
what_has_begun_is_read_to_its_end(void **state)
{
	(void)state;
	stage_named("fetching", NULL);
	w.app.conf.downloads = 1;
	w.app.conf.downloads_group = 1;
	h_paused();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(own(false, false, false), 0);
		is_release(rel);
	}
	assert_int_equal(own(false, false, true), 0);
}

static void
blocks_of_one_reading_are_of_one_release(void **state)
{
	uint64_t new;

	(void)state;
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	(void)released(&w, 2, "coap://fw.example/a", 10);
	{
		struct publish_opts o = {.staged = true};
		struct made m = {.seq = 5, .uri = "coap://fw.example/staged",
		    .size = 20, .digest = upload(&w, 20, 5)};
		static struct publish_result r;
		uint8_t bytes[4096];
		struct why why;

		assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
		    sizeof(bytes)), &o, &r, &why), 0);
		turn(&w);
		new = r.release.id;
	}
	dev.seq = 5;
	fleet_save(&w, &dev); /* a campaign has brought it there */
	assert_int_equal(own(false, false, true), 0);
	is_release(new); /* not the older one that is offered */
	assert_int_equal(own(false, false, false), 0);
	is_release(new);
}

static void
class_manifests_know_no_queue(void **state)
{
	char uuid[37];

	teardown(state);
	for (size_t k = 0; k < HOLD_ROWS; k++) {
		bool waits = holds[k].kind == TURN;

		if (!waits && holds[k].kind != ROOM)
			continue;
		setup(state);
		stage_named("fresh", holds[k].name);
		memset(&req, 0, sizeof(req));
		req.first_block = true;
		req.arg[0] = text_uuid(w.class_id, uuid);
		req.arg[1] = "";
		req.query[0] = slice_str("ep=dev");
		req.query_n = 1;
		strcpy(req.addr, dev.addr);
		assert_int_equal(ask(&w, res_manifest_class, &req, &resp),
		    waits ? ERR_NOT_FOUND : 0);
		teardown(state);
	}
	setup(state);
}

/* --- staged --- */

static void
a_staged_release_reaches_its_campaign_only(void **state)
{
	struct publish_opts o = {.staged = true};
	struct made m = {.seq = 7, .uri = "coap://fw.example/staged", .size = 20,
	    .digest = upload(&w, 20, 7)};
	static struct publish_result r;
	struct campaign_spec spec = {.source = SOURCE_LIST, .start = true};
	struct slice ep = slice_str("dev");
	uint8_t bytes[4096];
	struct why why = {0};

	(void)state;
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	peer = fleet_add(&w, "peer", DRIVER_NONE, "10.0.9.1");
	rel = released(&w, 2, "coap://fw.example/a", 10);
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, &why), 0);
	turn(&w);
	spec.release = r.release.id;
	spec.ep = &ep;
	spec.ep_count = 1;
	strcpy(spec.policy, "waves=100% soak=0s");
	assert_int_equal(campaign_plan(&w.app, &spec, &camp, &why), 0);
	turn(&w);
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
	is_release(r.release.id);
	assert_int_equal(fleet_poll(&w, &peer, true, &resp), 0);
	is_release(rel);
	assert_int_equal(publish_offer(&w.app, r.release.id, &why), 0);
	turn(&w);
	assert_int_equal(fleet_poll(&w, &peer, true, &resp), 0);
	is_release(r.release.id);
}

/* --- given up --- */

static void
a_job_given_up_for_its_image_is_not_begun_by_asking(void **state)
{
	const struct backoff_rule *r;

	(void)state;
	stage_named("fresh", NULL);
	r = &w.app.conf.track.backoff.rule[FAIL_EXECUTION];
	for (unsigned i = 0; i < r->attempts; i++) {
		w.loop.now += r->cap_ms;
		assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
		fleet_failed(&w, &dev, FAIL_EXECUTION, REASON_BOOT);
	}
	assert_int_equal(last_job(&w, &dev).state, JOB_FAILED);
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), ERR_LIMIT);
	assert_in_range(resp.max_age, 3 * 3600, 6 * 3600);
	assert_string_equal(fleet_explain(&w, "dev").hold, "failed");
	w.loop.now += r->cap_ms;
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
}

static void
a_job_given_up_for_its_link_is(void **state)
{
	unsigned n;

	(void)state;
	stage_named("fresh", NULL);
	n = w.app.conf.track.backoff.rule[FAIL_TRANSPORT].attempts;
	for (unsigned i = 0; i < n; i++) {
		w.loop.now += 60000; /* inside of its back-off */
		assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
		fleet_failed(&w, &dev, FAIL_TRANSPORT, REASON_DOWNLOAD);
	}
	assert_int_equal(last_job(&w, &dev).state, JOB_FAILED);
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
}

/* --- commit --- */

static const struct store_ops *real;
static bool full;
static int depth;

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
	if (!full || depth != 0)
		return real->commit(s);
	real->rollback(s);
	return ERR_NOSPACE;
}

static void
f_rollback(struct store *s)
{
	depth--;
	real->rollback(s);
}

static void
without_a_commit_nobody_is_let_in(void **state)
{
	static struct store_ops ops;

	(void)state;
	stage_named("fresh", NULL);
	real = w.app.store->ops;
	ops = *real;
	ops.begin = f_begin;
	ops.commit = f_commit;
	ops.rollback = f_rollback;
	w.app.store->ops = &ops;
	full = true;
	assert_int_equal(own(false, false, true), 0);
	assert_true(resp.after_commit); /* the front holds it */
	assert_int_equal(admit_slots(&w.app), 3);
	turn(&w);
	assert_int_equal(w.front.flush_err, ERR_NOSPACE);
	assert_int_equal(admit_slots(&w.app), 2);
	assert_int_equal(last_job(&w, &dev).state, JOB_QUEUED);
	full = false;
	w.app.store->ops = real;
}

/* --- revoked --- */

static void
a_revoked_device_is_refused_everywhere(void **state)
{
	uint8_t key[16] = {1}, out[LIMIT_PSK_KEY];
	struct buf b = buf_of(out, sizeof(out));
	struct principal who;
	char arg[24];

	(void)state;
	released(&w, 2, "coap://fw.example/a", 10);
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	dev.registered = true;
	dev.reg = 77;
	dev.reg_expires = INT64_MAX;
	dev.have_psk = true;
	fleet_save(&w, &dev);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, psk_put(w.app.store,
	    "dev", dev.id, slice_of(key, sizeof(key)))), 0);
	turn(&w);
	assert_int_equal(access_psk(&w.app, T_DTLS, "dev", &b), 0);
	h_revoked();
	access_forget(w.app.access);
	b = buf_of(out, sizeof(out));
	assert_int_equal(access_psk(&w.app, T_DTLS, "dev", &b),
	    ERR_NOT_FOUND);
	assert_int_equal(b.n, 0);
	/* an open session that speaks before it is ended */
	access_who(&w.app, T_DTLS, "dev", &who);
	memset(&req, 0, sizeof(req));
	req.first_block = true;
	req.who = who;
	req.who.device = dev.id;
	strcpy(req.addr, dev.addr);
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp),
	    ERR_FORBIDDEN);
	req.method = M_POST;
	req.body = slice_of((const uint8_t *)"\xa1\x01\x02", 3);
	assert_int_equal(ask(&w, res_report, &req, &resp), ERR_FORBIDDEN);
	req.body = SLICE_NONE;
	assert_int_equal(ask(&w, res_rd, &req, &resp), ERR_FORBIDDEN);
	snprintf(arg, sizeof(arg), "%d", 77);
	req.arg[0] = arg;
	assert_int_equal(ask(&w, res_rd_one, &req, &resp), ERR_FORBIDDEN);
	turn(&w);
	assert_int_equal(w.app.store->ops->job_last(w.app.store, dev.id,
	    &(struct job){0}), ERR_NOT_FOUND);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown), \
	cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
		T(an_observer_keeps_its_observation),
		T(what_has_begun_is_read_to_its_end),
		T(blocks_of_one_reading_are_of_one_release),
		cmocka_unit_test_setup_teardown(class_manifests_know_no_queue,
		    setup, teardown),
		T(a_staged_release_reaches_its_campaign_only),
		T(a_job_given_up_for_its_image_is_not_begun_by_asking),
		T(a_job_given_up_for_its_link_is),
		T(without_a_commit_nobody_is_let_in),
		T(a_revoked_device_is_refused_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
