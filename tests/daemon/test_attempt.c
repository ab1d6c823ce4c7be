/*
 * The edges of an attempt: what was seen of a download belongs to the
 * attempt that it was made in; what was in flight when the daemon died; who
 * took a job over; evidence that is too weak, also after a restart.
 */
#include "tests/daemon/fleet.h"

static struct world w;
static struct resp resp;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
setup_sqlite(void **state)
{
	(void)state;
	world_open(&w, fake_sqlite);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* Blocks of the image go out to a device that is known by its key. */
static void
blocks(const struct store_device *d, uint64_t release, uint64_t from,
    uint64_t to)
{
	static struct req req;
	const struct catalog_release *r = catalog_by_id(w.app.catalog,
	    release);
	struct blob *b;

	memset(&req, 0, sizeof(req));
	req.who.device = d->id;
	strcpy(req.addr, d->addr);
	assert_int_equal(blob_get(w.app.blobs, r->payload[0].digest, &b), 0);
	for (uint64_t at = from; at < to; at += 64)
		engine_blocks(&w.app, &req, b, at + 64 < to ? at + 64 : to,
		    blob_bytes(b).n);
	blob_unref(b);
}

/* --- late folds --- */

static void
a_late_fold_is_of_the_attempt_that_failed(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	uint64_t rel = released(&w, 2, "coap://fw.example/a", 1000);
	struct job j;

	(void)state;
	(void)campaign_for(&w, rel, "broke=100%");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	blocks(&d, rel, 0, 1000);
	fleet_failed(&w, &d, FAIL_INTEGRITY, REASON_DIGEST);
	engine_fold(w.app.engine, true);
	turn(&w);
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.attempt, 1);
	assert_int_equal(j.last_fail, FAIL_INTEGRITY);
	assert_int_equal(j.reason, REASON_DIGEST);
	/* a new download of it counts */
	w.loop.now = j.due;
	blocks(&d, rel, 0, 500);
	engine_fold(w.app.engine, true);
	turn(&w);
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_FETCHING);
	assert_int_equal(j.attempt, 2);
	assert_int_equal(j.done, 500);
}

/* The other half of this trap: after the last attempt the late fold made a
 * job of no campaign, which was fetched at once. */
static void
a_late_fold_makes_no_new_job(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	uint64_t rel = released(&w, 2, "coap://fw.example/a", 1000);
	struct job j;

	(void)state;
	(void)campaign_for(&w, rel, "broke=100%");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	j = last_job(&w, &d);
	blocks(&d, rel, 0, 1000);
	fleet_failed(&w, &d, FAIL_POLICY, REASON_SIGNATURE);
	engine_fold(w.app.engine, true);
	turn(&w);
	assert_int_equal(last_job(&w, &d).id, j.id);
	assert_int_equal(last_job(&w, &d).state, JOB_FAILED);
}

static void
of_two_attempts_only_the_second_counts(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	uint64_t rel = released(&w, 2, "coap://fw.example/a", 1000);

	(void)state;
	(void)campaign_for(&w, rel, "unreachable=100%");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	blocks(&d, rel, 0, 1000 - 128);
	engine_fold(w.app.engine, true);
	turn(&w);
	assert_int_equal(last_job(&w, &d).done, 1000 - 128);
	pass(&w, 400000); /* silence */
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	blocks(&d, rel, 0, 64);
	engine_fold(w.app.engine, true);
	turn(&w);
	assert_int_equal(last_job(&w, &d).done, 64);
}

/* --- who took over --- */

static void
a_campaign_that_takes_over_says_so(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	uint64_t rel = released(&w, 2, "coap://fw.example/a", 1000), own;
	struct job j;

	(void)state;
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	own = last_job(&w, &d).id;
	assert_int_equal(last_job(&w, &d).campaign, 0);
	blocks(&d, rel, 0, 1000);
	(void)campaign_for(&w, rel, "");
	assert_int_equal(w.app.store->ops->job_get(w.app.store, own, &j), 0);
	assert_int_equal(j.state, JOB_SUPERSEDED);
	assert_int_equal(j.reason, REASON_CAMPAIGN);
	/* what it has fetched counts for the new one */
	engine_fold(w.app.engine, true);
	turn(&w);
	assert_int_equal(last_job(&w, &d).campaign, 1);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHED);
}

static void
an_older_job_of_its_own_gives_way_to_a_newer_release(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	uint64_t own;
	struct job j;

	(void)state;
	(void)released(&w, 2, "coap://fw.example/a", 1000);
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	own = last_job(&w, &d).id;
	(void)campaign_for(&w, released(&w, 3, "coap://fw.example/b", 100),
	    "");
	assert_int_equal(w.app.store->ops->job_get(w.app.store, own, &j), 0);
	assert_int_equal(j.reason, REASON_NEWER_RELEASE);
}

/* --- kill -9 --- */

static void
a_trigger_in_flight_is_due_soon_after_a_restart(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "10.0.0.1");
	struct job j;

	(void)state;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	pass(&w, 1000);
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_not_equal(j.started, 0);
	assert_int_equal(admit_slots(&w.app), 1);
	pass(&w, 20000);
	world_kill(&w);
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.started, 0);
	assert_int_equal(admit_slots(&w.app), 0);
	/* nothing of it is the device's fault */
	assert_int_equal(j.fails[FAIL_TRANSPORT], 0);
	assert_int_equal(j.last_fail, FAIL_NONE);
	/* not before the floor after the push, and not 247 s */
	assert_in_range(j.due - w.loop.now, 69000, 102000);
	pass(&w, 60000);
	assert_int_equal(fleet_triggers(&w), 0);
	pass(&w, 60000);
	assert_int_equal(fleet_triggers(&w), 1);
	assert_int_equal(last_job(&w, &d).attempt, 2);
}

/* A daemon that dies each time it has pushed does not flood its devices:
 * however often, one trigger in 90 s for each. */
static void
a_daemon_that_dies_again_and_again_floods_nobody(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "10.0.0.1");
	unsigned n = 0;

	(void)state;
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "");
	for (int s = 0; s < 900; s += 5) {
		pass(&w, 5000);
		n += fleet_triggers(&w);
		world_kill(&w);
	}
	assert_in_range(n, 7, 11);
	assert_int_equal(last_job(&w, &d).attempt, n);
}

static void
all_in_flight_come_back_apart(void **state)
{
	struct store_device d[10];
	int64_t low = INT64_MAX, high = 0;
	char ep[16];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(ep, sizeof(ep), "dev%u", i);
		d[i] = fleet_add(&w, ep, DRIVER_TRIGGER, "10.0.0.1");
	}
	(void)campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "concurrency=10");
	pass(&w, 1000);
	w.loop.now += 3600000; /* down for an hour */
	world_kill(&w);
	for (unsigned i = 0; i < 10; i++) {
		struct job j = last_job(&w, &d[i]);

		assert_int_equal(j.started, 0);
		low = j.due < low ? j.due : low;
		high = j.due > high ? j.due : high;
	}
	assert_true(low >= w.loop.now);
	assert_true(high - low > 10000);
	assert_true(high <= w.loop.now + 31000);
}

/* --- weak evidence --- */

static void
after_a_restart_weak_evidence_is_still_weak(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	struct store_campaign c;
	struct why why;

	(void)state;
	c = campaign_for(&w, released(&w, 2, "coap://fw.example/a", 1000),
	    "grade=L1");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	fleet_type(&w, &d, TRACK_IMAGE_END);
	/* over, so that nothing reads it at the start */
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	pass(&w, 1000);
	world_kill(&w);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    &d, 2, GRADE_L0)), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHED);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    &d, 2, GRADE_L1)), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

/* A device that rests goes on polling; it has the manifest already. */
static void
a_poll_that_is_answered_2_03_begins_nothing(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	uint64_t rel = released(&w, 2, "coap://fw.example/a", 1000);
	const struct catalog_release *r;
	struct req req = {.method = M_GET, .first_block = true,
	    .who = {.role = ROLE_DEVICE, .grade = GRADE_L1}};
	struct job j;

	(void)state;
	(void)campaign_for(&w, rel, "broke=100%");
	r = catalog_by_id(w.app.catalog, rel);
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	fleet_failed(&w, &d, FAIL_EXECUTION, REASON_BOOT);
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_QUEUED);
	w.loop.now = j.due + 1000; /* our rest is over, its own is not */
	req.who.device = d.id;
	strcpy(req.addr, d.addr);
	req.etag[0] = slice_of(r->digest, 8);
	req.etag_n = 1;
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	turn(&w);
	assert_memory_equal(resp.etag, r->digest, 8); /* so 2.03 */
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	req.etag_n = 0;
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown), \
	cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
		T(a_late_fold_is_of_the_attempt_that_failed),
		T(a_late_fold_makes_no_new_job),
		T(of_two_attempts_only_the_second_counts),
		T(a_campaign_that_takes_over_says_so),
		T(an_older_job_of_its_own_gives_way_to_a_newer_release),
		T(a_trigger_in_flight_is_due_soon_after_a_restart),
		T(a_daemon_that_dies_again_and_again_floods_nobody),
		T(all_in_flight_come_back_apart),
		T(after_a_restart_weak_evidence_is_still_weak),
		T(a_poll_that_is_answered_2_03_begins_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
