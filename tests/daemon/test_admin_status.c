/* What operators are shown of the daemon: its status and its audit log. */
#include "daemon/audit.h"
#include "tests/daemon/admin_call.h"

static void
status_counts(void **state)
{
	struct msg_status m;

	(void)state;
	device(&w, "n1", DRIVER_NONE);
	assert_int_equal(get("a/status"), 0);
	answer_is(&msg_status, &m);
	assert_int_equal(m.devices, 1);
	assert_int_equal(m.due, 0);
	assert_int_equal(m.oldest_due, 0);
	assert_int_equal(m.image_bytes_limit, w.app.conf.images_total);
	assert_int_equal(m.slots_limit, w.app.conf.downloads);
	assert_string_equal(m.http, w.app.conf.listen_http);
	assert_int_equal(m.blocks, 7);
	assert_int_equal(m.image_workers, 2);
	assert_int_equal(m.image_slow, 3);
	assert_int_equal(m.image_dropped, 4);
	assert_int_equal(m.image_peers, 8);
	assert_int_equal(m.image_evicted, 9);
	assert_int_equal(m.images_mapped, 10);
	assert_string_equal(m.version, SUITD_VERSION);
	assert_string_equal(m.state, "ready");
	assert_int_equal(m.reloaded, 0);
	assert_false(m.reload_failed);
	assert_false(m.degraded);
}

static void
status_tells_what_stands_and_waits(void **state)
{
	static struct msg_campaign_start start_n1 = {.release = "1",
	    .ep_count = 1, .ep = {"n1"}, .start = true};
	struct msg_status m;

	(void)state;
	device(&w, "n1", DRIVER_NONE);
	released(&w, 3, "coap://fw.example/c", 20);
	assert_int_equal(start(&start_n1), 0);
	assert_int_equal(get("a/status"), 0);
	answer_is(&msg_status, &m);
	assert_int_equal(m.campaigns_running, 1);
	assert_int_equal(m.campaigns_paused, 0);
	assert_int_equal(call(M_POST, "a/campaigns/1/pause", NULL,
	    SLICE_NONE), 0);
	assert_int_equal(get("a/status"), 0);
	answer_is(&msg_status, &m);
	assert_int_equal(m.campaigns_running, 0);
	assert_int_equal(m.campaigns_paused, 1);
	assert_int_equal(m.jobs_failed, 0);
}

/* What is not durable is not shown: it may be undone. */
static void
the_audit_log_is_shown_as_far_as_it_is_durable(void **state)
{
	static struct msg_device_put put;
	static struct audit_entry e;
	struct msg_audit_head head;
	struct msg_page page;
	struct audit_stats st;
	struct why why;

	(void)state;
	assert_int_equal(audit_new(&w.app.audit), 0);
	assert_int_equal(put_device("kitchen", &put), 0);
	assert_int_equal(put_device("cellar", &put), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(audit_add(&w.app, NULL, AUDIT_CHANGE, "", "x"), 0);
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	audit_stats(&w.app, &st);
	assert_int_equal(st.head.n, 2);
	for (int newest = 0; newest < 2; newest++) {
		struct req rq = {.method = M_GET, .transport = T_ADMIN};

		rq.who.role = ROLE_OPERATOR;
		rq.query[rq.query_n++] = slice_str(newest ? "newest" : "x");
		assert_int_equal(ask(&w, res_admin_audit, &rq, &resp), 0);
		assert_int_equal(msg_page_open(&msg_audit, buf_slice(
		    &resp.out), &page), 0);
		assert_int_equal(page.left, 2);
		assert_int_equal(msg_page_item(&page, &e, &why), 0);
		assert_int_equal(e.n, newest ? 2 : 1);
		assert_string_equal(e.subject, newest ? "cellar" : "kitchen");
		assert_int_equal(ask(&w, res_admin_audit_head, &rq, &resp), 0);
		answer_is(&msg_audit_head, &head);
		assert_int_equal(head.n, 2);
	}
	turn(&w);
	assert_int_equal(get("a/audit/head"), 0);
	answer_is(&msg_audit_head, &head);
	assert_int_equal(head.n, 3);
	assert_int_equal(call(M_GET, "a/audit", "kind=nonsense", SLICE_NONE),
	    ERR_INVALID);
	assert_int_equal(call(M_GET, "a/audit", "after=x", SLICE_NONE),
	    ERR_INVALID);
	audit_free(w.app.audit);
	w.app.audit = NULL;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(status_counts),
		T(status_tells_what_stands_and_waits),
		T(the_audit_log_is_shown_as_far_as_it_is_durable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
