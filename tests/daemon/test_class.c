/*
 * Whose word a device's class is: who has no credential can move no device
 * out of the class that an operator has set, whatever he asks for in its
 * name, and what he tries is told.
 */
#include "tests/daemon/fake.h"

#include "daemon/device_class.h"
#include "daemon/log.h"
#include "daemon/res_admin.h"

#define OTHER "00000000-0000-0000-0000-000000000002"
#define THIRD "00000000-0000-0000-0000-000000000003"

static struct world w;
static struct req req;
static struct resp resp;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	w.app.conf.devices_max = 1000;
	memset(&req, 0, sizeof(req));
	req.arg[0] = req.arg[1] = "";
	req.first_block = true;
	strcpy(req.addr, "10.1.2.3");
	strcpy(req.peer, "10.1.2.3:40000");
	return 0;
}

static int
setup_sqlite(void **state)
{
	(void)setup(state);
	world_close(&w);
	world_open(&w, fake_sqlite);
	w.app.conf.devices_max = 1000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static int
registers(const char *ep, const char *class)
{
	char q[2][80];
	int rc;

	snprintf(q[0], sizeof(q[0]), "ep=%s", ep);
	snprintf(q[1], sizeof(q[1]), "c=%s", class);
	req.query[0] = slice_str(q[0]);
	req.query[1] = slice_str(q[1]);
	req.query_n = 2;
	req.method = M_POST;
	rc = ask(&w, res_rd, &req, &resp);
	turn(&w);
	req.query_n = 0;
	return rc;
}

static int
put(const char *ep, const struct msg_device_put *m)
{
	static uint8_t wire[4096];
	struct buf b = buf_of(wire, sizeof(wire));
	struct req rq = {.method = M_PUT, .transport = T_ADMIN};
	int rc;

	msg_put_cbor(&msg_device_put, m, &b);
	rq.body = buf_slice(&b);
	rq.arg[0] = ep;
	rq.arg[1] = "";
	strcpy(rq.who.identity, "admin");
	rc = ask(&w, res_admin_device, &rq, &resp);
	turn(&w);
	return rc;
}

static int
names(const char *ep, const char *class)
{
	struct msg_device_put m = {.driver = ""};

	snprintf(m.class_name, sizeof(m.class_name), "%s", class);
	return put(ep, &m);
}

static int
unsets(const char *ep, const char *what)
{
	struct msg_device_put m = {.driver = ""};

	snprintf(m.unset, sizeof(m.unset), "%s", what);
	return put(ep, &m);
}

static struct store_device
by_ep(const char *ep)
{
	struct store_device d;

	assert_int_equal(ST(&w.app, device_by_ep, ep, &d), 0);
	return d;
}

static bool
is(const uint8_t class_id[16], const char *class)
{
	char uuid[37];

	return strcmp(text_uuid(class_id, uuid), class) == 0;
}

/* How many, and the newest one. */
static size_t
events(const char *what, struct store_event *ret)
{
	static struct store_event ev[LIMIT_PAGE];
	struct store_event_filter f = {.limit = LIMIT_PAGE};
	size_t n = 0, found = 0;

	assert_int_equal(ST(&w.app, event_list, &f, ev, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(ev[i].what, what) != 0)
			continue;
		found++;
		if (ret != NULL)
			*ret = ev[i];
	}
	return found;
}

static void
what_an_operator_has_set_stays(void **state)
{
	struct store_device d;
	struct store_event ev;

	(void)state;
	assert_int_equal(names("dev", THIRD), 0);
	d = by_ep("dev");
	assert_true(d.class_set && is(d.class_id, THIRD));
	assert_int_equal(registers("dev", OTHER), 0); /* accepted */
	d = by_ep("dev");
	assert_true(d.registered && is(d.class_id, THIRD) &&
	    d.have_class_said && is(d.class_said, OTHER));
	assert_int_equal(events("class not taken", &ev), 1);
	assert_true(ev.device == d.id && ev.grade == GRADE_L0);
	assert_string_equal(ev.ep, "dev");
	/* again: no news, but counted */
	assert_int_equal(registers("dev", OTHER), 0);
	assert_int_equal(events("class not taken", NULL), 1);
	assert_int_equal(w.app.counts.classes[CLASS_COUNT_KEPT], 2);
	/* it says what is set */
	assert_int_equal(registers("dev", THIRD), 0);
	d = by_ep("dev");
	assert_true(d.class_set && !d.have_class_said);
	assert_int_equal(events("class as set", NULL), 1);
	assert_int_equal(registers("dev", THIRD), 0);
	assert_int_equal(events("class as set", NULL), 1);
	assert_int_equal(w.app.counts.classes[CLASS_COUNT_KEPT], 2);
	assert_int_equal(w.app.counts.classes[CLASS_COUNT_CHANGED], 0);
}

/* Nor over the device's own key: who has set it may know better. */
static void
it_stays_at_grade_L1_too(void **state)
{
	struct store_device d;

	(void)state;
	assert_int_equal(names("dev", THIRD), 0);
	d = by_ep("dev");
	req.who = (struct principal){.role = ROLE_DEVICE, .device = d.id,
	    .grade = GRADE_L1};
	assert_int_equal(registers("dev", OTHER), 0);
	d = by_ep("dev");
	assert_true(is(d.class_id, THIRD) && is(d.class_said, OTHER));
}

static void
its_own_word_counts_again_when_it_is_unset(void **state)
{
	struct store_device d;

	(void)state;
	assert_int_equal(names("dev", THIRD), 0);
	assert_int_equal(registers("dev", OTHER), 0);
	assert_int_equal(unsets("dev", "class"), 0);
	d = by_ep("dev");
	assert_true(!d.class_set && !d.have_class_said &&
	    is(d.class_id, OTHER));
	assert_int_equal(registers("dev", THIRD), 0);
	assert_true(is(by_ep("dev").class_id, THIRD));
	/* what it said before it was set, too */
	assert_int_equal(names("dev", OTHER), 0);
	d = by_ep("dev");
	assert_true(is(d.class_id, OTHER) && is(d.class_said, THIRD));
	assert_int_equal(unsets("dev", "class"), 0);
	assert_true(is(by_ep("dev").class_id, THIRD));
	/* and nothing else is unset */
	assert_int_equal(unsets("dev", "tags"), ERR_INVALID);
	assert_int_equal(unsets("dev", "class"), 0);
	assert_true(is(by_ep("dev").class_id, THIRD));
}

static void
who_never_registered_has_said_nothing(void **state)
{
	struct store_device d;

	(void)state;
	assert_int_equal(names("dev", OTHER), 0);
	assert_int_equal(unsets("dev", "class"), 0);
	assert_int_equal(names("dev", THIRD), 0);
	d = by_ep("dev");
	assert_true(d.class_set && !d.have_class_said);
	assert_int_equal(unsets("dev", "class"), 0);
	assert_true(is(by_ep("dev").class_id, THIRD));
}

static void
driver_and_address_can_be_unset(void **state)
{
	struct msg_device_put m = {.driver = "observe",
	    .uri = "coap://192.0.2.1"};
	struct store_device d;

	(void)state;
	assert_int_equal(put("dev", &m), 0);
	d = by_ep("dev");
	assert_true(d.driver_set && d.uri_set && !d.class_set);
	req.body = slice_str("</suit/trigger>");
	assert_int_equal(registers("dev", OTHER), 0);
	d = by_ep("dev");
	assert_int_equal(d.driver, DRIVER_OBSERVE);
	assert_string_equal(d.uri, "coap://192.0.2.1");
	assert_int_equal(unsets("dev", "driver"), 0);
	assert_int_equal(unsets("dev", "address"), 0);
	assert_string_equal(by_ep("dev").uri, "coap://192.0.2.1");
	assert_int_equal(registers("dev", OTHER), 0);
	d = by_ep("dev");
	assert_int_equal(d.driver, DRIVER_TRIGGER);
	assert_string_equal(d.uri, "coap://10.1.2.3:40000");
}

static void
without_an_operators_word_it_may_change_and_is_told(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	struct store_campaign c;
	struct store_event ev;
	uint64_t rel = released(&w, 5, "coap://fw.example/a", 100);

	(void)state;
	c = campaign_for(&w, rel, "");
	assert_int_equal(registers("dev", OTHER), 0);
	assert_true(is(by_ep("dev").class_id, OTHER));
	assert_int_equal(events("class changed", &ev), 1);
	assert_true(ev.device == d.id && ev.campaign == c.id &&
	    ev.job == last_job(&w, &d).id && ev.release == rel);
	assert_int_equal(w.app.counts.classes[CLASS_COUNT_CHANGED], 1);
	/* a first class is no change */
	assert_int_equal(registers("new", OTHER), 0);
	assert_int_equal(events("class changed", NULL), 1);
}

static int
fail_put(struct store *s, struct store_device *d)
{
	(void)s;
	(void)d;
	return ERR_IO;
}

/* What was not kept has not happened: neither is there a line of it. */
static void
a_change_that_is_not_kept_is_not_told(void **state)
{
	const struct store_ops *good = w.app.store->ops;
	struct store_ops ops = *good;
	uint64_t lines;

	(void)state;
	(void)device(&w, "dev", DRIVER_NONE);
	ops.device_put = fail_put;
	w.app.store->ops = &ops;
	lines = log_count(LOGL_WARN) + log_count(LOGL_INFO);
	assert_int_equal(registers("dev", OTHER), ERR_IO);
	assert_int_equal(log_count(LOGL_WARN) + log_count(LOGL_INFO), lines);
	w.app.store->ops = good;
	assert_int_equal(events("class changed", NULL), 0);
	assert_int_equal(registers("dev", OTHER), 0);
	assert_true(log_count(LOGL_INFO) > lines);
	assert_int_equal(events("class changed", NULL), 1);
}

static void
what_was_learnt_over_a_key_is_not_overwritten_without(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);

	(void)state;
	d.have_psk = true;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    ST(&w.app, device_put, &d)), 0);
	turn(&w);
	req.who = (struct principal){.role = ROLE_DEVICE, .device = d.id,
	    .grade = GRADE_L1};
	assert_int_equal(registers("dev", OTHER), 0);
	assert_true(is(by_ep("dev").class_id, OTHER));
	memset(&req.who, 0, sizeof(req.who));
	assert_int_equal(registers("dev", THIRD), ERR_UNAUTHORIZED);
	assert_true(is(by_ep("dev").class_id, OTHER));
}

/* Of a class of its own, with a number above all others. */
static uint64_t
other_release(void)
{
	static const uint8_t other[16] = {[15] = 2};
	static struct publish_result r;
	struct made m = {.seq = 900, .uri = "coap://fw.example/o",
	    .size = 50, .digest = upload(&w, 50, 77), .class_id = other};

	assert_int_equal(publish(&w, &m, &r), 0);
	return r.release.id;
}

static void
another_class_s_manifest_in_its_name_moves_no_job(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	struct store_campaign c;
	char uuid[37];
	struct job j;

	(void)state;
	d.have_seq = true;
	d.seq = 4;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    ST(&w.app, device_put, &d)), 0);
	c = campaign_for(&w, released(&w, 5, "coap://fw.example/a", 100), "");
	other_release();
	j = last_job(&w, &d);
	assert_int_equal(j.campaign, c.id);
	req.method = M_GET;
	req.arg[0] = OTHER;
	req.query[0] = slice_str("ep=dev");
	req.query_n = 1;
	assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).id, j.id);
	assert_int_equal(last_job(&w, &d).state, j.state);
	assert_int_equal(w.app.counts.classes[CLASS_COUNT_FETCHED], 1);
	/* its own is what it was */
	req.arg[0] = text_uuid(w.class_id, uuid);
	assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).id, j.id);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_int_equal(w.app.counts.classes[CLASS_COUNT_FETCHED], 1);
}

static void
it_is_shown_and_explained(void **state)
{
	struct req rq = {.method = M_GET, .transport = T_ADMIN};
	static struct msg_device m;
	static struct msg_explain ex;
	struct why why;

	(void)state;
	rq.arg[0] = "dev";
	rq.arg[1] = "";
	assert_int_equal(names("dev", THIRD), 0);
	assert_int_equal(registers("dev", OTHER), 0);
	assert_int_equal(ask(&w, res_admin_device, &rq, &resp), 0);
	assert_int_equal(msg_get(&msg_device, buf_slice(&resp.out), &m, &why),
	    0);
	assert_true(m.class_set && is(m.class_id, THIRD) &&
	    m.have_class_said && is(m.class_said, OTHER));
	assert_int_equal(ask(&w, res_admin_explain, &rq, &resp), 0);
	assert_int_equal(msg_get(&msg_explain, buf_slice(&resp.out), &ex,
	    &why), 0);
	assert_non_null(strstr(ex.note, OTHER));
	assert_non_null(strstr(ex.note, THIRD));
	assert_int_equal(registers("dev", THIRD), 0);
	assert_int_equal(ask(&w, res_admin_explain, &rq, &resp), 0);
	assert_int_equal(msg_get(&msg_explain, buf_slice(&resp.out), &ex,
	    &why), 0);
	assert_string_equal(ex.note, "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_an_operator_has_set_stays),
		cmocka_unit_test_setup_teardown(what_an_operator_has_set_stays,
		    setup_sqlite, teardown),
		T(it_stays_at_grade_L1_too),
		T(its_own_word_counts_again_when_it_is_unset),
		T(who_never_registered_has_said_nothing),
		T(driver_and_address_can_be_unset),
		T(without_an_operators_word_it_may_change_and_is_told),
		T(a_change_that_is_not_kept_is_not_told),
		T(what_was_learnt_over_a_key_is_not_overwritten_without),
		T(another_class_s_manifest_in_its_name_moves_no_job),
		T(it_is_shown_and_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
