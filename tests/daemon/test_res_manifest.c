/* GET m/{c} and m: whose manifest it is, and in which form. */
#include "tests/daemon/res_call.h"

static bool
has_job(const struct store_device *d)
{
	struct job j;

	return w.app.store->ops->job_last(w.app.store, d->id, &j) == 0;
}

static void
the_class_manifest_is_served_with_its_etag(void **state)
{
	const struct catalog_release *r;
	char uuid[37];

	(void)state;
	req.arg[0] = text_uuid(w.class_id, uuid);
	assert_int_equal(call(res_manifest_class), ERR_NOT_FOUND);
	released(&w, 5, "coap://fw.example/a", 100);
	assert_int_equal(call(res_manifest_class), 0);
	r = catalog_current(w.app.catalog, w.class_id);
	assert_true(slice_eq(resp.body, r->envelope));
	assert_int_equal(resp.etag_len, 8);
	assert_memory_equal(resp.etag, r->digest, 8);
	assert_true(resp.have_max_age);
	assert_int_equal(resp.max_age, w.app.conf.poll_max_age);
	req.arg[0] = "nonsense";
	assert_int_equal(call(res_manifest_class), ERR_NOT_FOUND);
}

static void
a_device_that_runs_older_and_polls_is_followed(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	char uuid[37];

	(void)state;
	released(&w, 5, "coap://fw.example/a", 100);
	req.arg[0] = text_uuid(w.class_id, uuid);
	query("ep=dev", NULL, NULL);
	assert_int_equal(call(res_manifest_class), 0);
	assert_false(has_job(&d)); /* what it runs is not known */
	d = by_ep("dev");
	assert_string_equal(d.addr, "10.1.2.3");
	d.have_seq = true;
	d.seq = 5;
	save(&d);
	assert_int_equal(call(res_manifest_class), 0);
	assert_false(has_job(&d)); /* up to date */
	d.seq = 4;
	save(&d);
	req.notify = true;
	assert_int_equal(call(res_manifest_class), 0);
	assert_false(has_job(&d)); /* it is we who speak */
	req.notify = false;
	assert_int_equal(call(res_manifest_class), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_int_equal(last_job(&w, &d).campaign, 0);
}

static void
REQ_SEC_REPORTING_a_stranger_may_not_poll_in_a_devices_name(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	char uuid[37];

	(void)state;
	d.have_psk = true;
	d.have_seq = true;
	save(&d);
	released(&w, 5, "coap://fw.example/a", 100);
	req.arg[0] = text_uuid(w.class_id, uuid);
	query("ep=dev", NULL, NULL);
	assert_int_equal(call(res_manifest_class), ERR_UNAUTHORIZED);
	assert_int_equal(call(res_manifest_own), ERR_UNAUTHORIZED);
	assert_false(has_job(&d));
	assert_string_equal(by_ep("dev").addr, "");
}

static void
its_own_manifest_is_its_jobs_then_its_classes(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	struct store_campaign c;
	const struct catalog_release *old;
	struct why why;
	uint64_t id;

	(void)state;
	assert_int_equal(call(res_manifest_own), ERR_NOT_FOUND); /* who? */
	query("ep=dev", NULL, NULL);
	assert_int_equal(call(res_manifest_own), ERR_NOT_FOUND);
	id = released(&w, 5, "coap://fw.example/a", 100);
	c = campaign_for(&w, id, "");
	released(&w, 6, "coap://fw.example/b", 200);
	old = catalog_by_id(w.app.catalog, id);
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	assert_int_equal(call(res_manifest_own), ERR_NOT_FOUND);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(campaign_resume(&w.app, c.id, &why), 0);
	turn(&w);
	assert_int_equal(call(res_manifest_own), 0);
	assert_memory_equal(resp.etag, old->digest, 8);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	/* what has begun may end, also in a paused campaign */
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	assert_int_equal(call(res_manifest_own), 0);
	assert_memory_equal(resp.etag, old->digest, 8);
	/* and in one that was aborted; not when the abort was hard */
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	assert_int_equal(call(res_manifest_own), 0);
	assert_memory_equal(resp.etag, old->digest, 8);
	assert_int_equal(campaign_abort(&w.app, c.id, true, &why), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_CANCELLED);
	assert_int_equal(call(res_manifest_own), 0);
	assert_memory_equal(resp.etag, catalog_current(w.app.catalog,
	    w.class_id)->digest, 8);
}

static void
what_nobody_ordered_gives_way_to_the_newest(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);

	(void)state;
	d.have_seq = true;
	d.seq = 4;
	save(&d);
	query("ep=dev", NULL, NULL);
	released(&w, 5, "coap://fw.example/a", 100);
	assert_int_equal(call(res_manifest_own), 0);
	assert_int_equal(last_job(&w, &d).target_seq, 5);
	released(&w, 6, "coap://fw.example/b", 200);
	assert_int_equal(call(res_manifest_own), 0);
	assert_memory_equal(resp.etag, catalog_current(w.app.catalog,
	    w.class_id)->digest, 8);
	assert_int_equal(last_job(&w, &d).target_seq, 6);
}

static void
any_accept_that_means_bytes_is_fine(void **state)
{
	static const uint16_t fine[] = {0, 42, 50, 60};
	char uuid[37];

	(void)state;
	released(&w, 5, "coap://fw.example/a", 100);
	req.arg[0] = text_uuid(w.class_id, uuid);
	req.have_accept = true;
	for (size_t i = 0; i < 4; i++) {
		req.accept = fine[i];
		assert_int_equal(call(res_manifest_class), 0);
		assert_int_equal(resp.cf, fine[i]);
	}
	req.accept = 41;
	assert_int_equal(call(res_manifest_class), ERR_ACCEPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_class_manifest_is_served_with_its_etag),
		T(a_device_that_runs_older_and_polls_is_followed),
		T(REQ_SEC_REPORTING_a_stranger_may_not_poll_in_a_devices_name),
		T(its_own_manifest_is_its_jobs_then_its_classes),
		T(what_nobody_ordered_gives_way_to_the_newest),
		T(any_accept_that_means_bytes_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
