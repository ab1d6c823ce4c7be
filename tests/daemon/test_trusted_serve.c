/* The trust list in force: what is served, what ends, and who is told. */
#include "daemon/image.h"
#include "daemon/res_admin.h"
#include "tests/daemon/trusted_world.h"

#define MINUTE 60000

static int
image(const struct made *m)
{
	size_t n, at;
	const struct image_name *img = catalog_images(w.app.catalog, &n);
	uint8_t digest[32];
	int rc = image_find(img, n, slice_of(m->digest.b, 32), &at);

	assert_int_equal(catalog_path(w.app.catalog, "a.bin", digest), rc);
	return rc;
}

/* --- what is served --- */

static void
REQ_SEC_KEY_ROTATION_what_a_removed_author_signed_is_not_served(void **state)
{
	struct made m = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_int_equal(image(&m), 0);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_null(catalog_by_id(w.app.catalog, r.release.id));
	assert_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(image(&m), ERR_STATE);
	assert_int_equal(err_coap(image_why(ERR_STATE)->err), 404);
	assert_non_null(catalog_refused(w.app.catalog, r.release.id));
	assert_int_equal(catalog_refusals(w.app.catalog), 1);
	/* back with a later list */
	list_add(&l, w.key, TRUST_AUTHOR);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_non_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(image(&m), 0);
	assert_null(catalog_refused(w.app.catalog, r.release.id));
}

static void
a_denied_manifest_gives_way_to_the_one_before(void **state)
{
	struct made m = good(), two = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	two.seq = 11; /* the same image */
	assert_int_equal(publish(&w, &two, &r), 0);
	l.spec.denied_count = 1;
	memcpy(l.spec.denied[0], r.release.digest, 32);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(catalog_current(w.app.catalog, w.class_id)->seq,
	    10);
	assert_int_equal(image(&m), 0); /* another release has it, too */
}

static void
observers_of_the_class_and_of_the_list_are_told(void **state)
{
	struct made m = good();
	char want[64], uuid[37];
	bool class_told = false, list_told = false;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	w.front.topics = 0;
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	snprintf(want, sizeof(want), "m/%s", text_uuid(w.class_id, uuid));
	for (size_t i = 0; i < w.front.topics; i++) {
		class_told |= strcmp(w.front.topic[i], want) == 0;
		list_told |= strcmp(w.front.topic[i], "k") == 0;
	}
	assert_true(class_told && list_told);
}

static void
it_is_enforced_after_a_restart(void **state)
{
	struct made m = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	catalog_free(w.app.catalog);
	assert_int_equal(catalog_new(&w.app.catalog), 0);
	w.app.conf.trust_root[0] = '\0'; /* it stays in force */
	assert_int_equal(begin(NULL), 0);
	assert_int_equal(trusted_seq(&w.app), 2);
	assert_int_equal(catalog_load(w.app.catalog, w.app.store), 0);
	assert_null(catalog_by_id(w.app.catalog, r.release.id));
	assert_int_equal(image(&m), ERR_STATE);
}

/* --- jobs --- */

static void
attempts_end_and_queues_wait_for_a_later_list(void **state)
{
	struct store_device a = device(&w, "a", DRIVER_TRIGGER);
	struct store_device b = device(&w, "b", DRIVER_TRIGGER);
	struct admission held;
	struct store_campaign c;
	struct made m = good();
	struct publish_result r;
	struct run *run;
	uint64_t room;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	c = campaign_for(&w, r.release.id, "concurrency=1");
	pass(&w, 1000);
	answer(&w, "suit/trigger", 204, "");
	assert_int_equal(last_job(&w, &a).state + last_job(&w, &b).state,
	    JOB_NOTIFIED + JOB_QUEUED);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	trusted_tick(w.app.trusted);
	turn(&w);
	if (last_job(&w, &a).state == JOB_QUEUED) {
		struct store_device swap = a;

		a = b;
		b = swap;
	}
	assert_int_equal(last_job(&w, &a).state, JOB_FAILED);
	assert_int_equal(last_job(&w, &a).reason, REASON_TRUST);
	assert_int_equal(last_job(&w, &a).last_fail, FAIL_POLICY);
	pass(&w, 10 * MINUTE);
	assert_int_equal(last_job(&w, &b).state, JOB_QUEUED);
	assert_int_equal(runs_get(&w.app, c.id, &run), 0);
	if (run->c.state == CAMPAIGN_RUNNING) {
		assert_int_equal(admit_campaign(&w.app, run, &held, &room),
		    0);
		assert_int_equal(held.hold, HOLD_TRUST);
	}
}

static void
explain_names_the_list_and_no_campaign_is_planned(void **state)
{
	static struct msg_explain m;
	struct campaign_spec spec = {.start = true};
	struct store_device d = device(&w, "a", DRIVER_NONE);
	struct req req = {.arg = {"a", ""}};
	struct store_campaign c;
	struct made g = good();
	struct publish_result r;
	struct resp resp;
	struct why why = {0};

	(void)state;
	(void)d;
	assert_int_equal(publish(&w, &g, &r), 0);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(ask(&w, res_admin_explain, &req, &resp), 0);
	assert_int_equal(msg_get(&msg_explain, buf_slice(&resp.out), &m,
	    NULL), 0);
	assert_string_equal(m.hold, hold_name(HOLD_TRUST));
	spec.release = r.release.id;
	assert_int_equal(campaign_plan(&w.app, &spec, &c, &why), ERR_POLICY);
}

static void
who_has_the_whole_image_is_left_to_say_what_became_of_it(void **state)
{
	struct store_device a = device(&w, "a", DRIVER_TRIGGER);
	struct made m = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	(void)campaign_for(&w, r.release.id, "");
	pass(&w, 1000);
	answer(&w, "suit/trigger", 204, "");
	fleet_type(&w, &a, TRACK_IMAGE_END);
	assert_int_equal(last_job(&w, &a).state, JOB_FETCHED);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	trusted_tick(w.app.trusted);
	turn(&w);
	assert_int_equal(last_job(&w, &a).state, JOB_FETCHED);
}

static void
a_poll_is_told_the_list_and_nothing_that_it_refuses(void **state)
{
	struct store_device d = device(&w, "a", DRIVER_NONE);
	struct made m = good();
	struct resp resp;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	assert_int_equal(resp.trust, 1);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(err_coap(fleet_poll(&w, &d, true, &resp)), 404);
	assert_int_equal(resp.trust, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(REQ_SEC_KEY_ROTATION_what_a_removed_author_signed_is_not_served),
		T(a_denied_manifest_gives_way_to_the_one_before),
		T(observers_of_the_class_and_of_the_list_are_told),
		T(it_is_enforced_after_a_restart),
		T(attempts_end_and_queues_wait_for_a_later_list),
		T(explain_names_the_list_and_no_campaign_is_planned),
		T(who_has_the_whole_image_is_left_to_say_what_became_of_it),
		T(a_poll_is_told_the_list_and_nothing_that_it_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
