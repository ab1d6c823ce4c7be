/*
 * Devices and their keys, as operators change them: what is refused, what is
 * changed, and that every change is in the log and waits for the commit.
 */
#include "tests/daemon/admin_call.h"

static void
a_device_is_added_changed_and_removed(void **state)
{
	struct msg_device_put m = {.driver = "trigger",
	    .uri = "coap://[2001:db8::1]", .tag_count = 1,
	    .tag = {{"site", "berlin"}}};
	static struct msg_device d;

	(void)state;
	strcpy(m.class_name, "1492af14-2569-5e48-bf42-9b2d51f2ab45");
	assert_int_equal(put_device("n1", &m), 0);
	assert_int_equal(resp.code, 201);
	is_logged("device added");
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_string_equal(d.driver, "trigger");
	assert_string_equal(d.uri, "coap://[2001:db8::1]");
	assert_true(d.have_class);
	assert_int_equal(d.tag_count, 1);

	/* what is absent stays */
	m = (struct msg_device_put){.driver = "none"};
	assert_int_equal(put_device("n1", &m), 0);
	is_logged("device changed");
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_string_equal(d.driver, "none");
	assert_string_equal(d.uri, "coap://[2001:db8::1]");
	assert_int_equal(d.tag_count, 1);

	assert_int_equal(call(M_DELETE, "a/devices/n1", NULL, SLICE_NONE), 0);
	is_logged("device removed");
	assert_int_equal(get("a/devices/n1"), ERR_NOT_FOUND);
	assert_int_equal(call(M_DELETE, "a/devices/n1", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

static void
bad_devices_change_nothing(void **state)
{
	static const struct msg_device_put bad[] = {
		{.class_name = "no-such-alias"}, {.driver = "carrier-pigeon"},
		{.uri = "http://x"}, {.uri = "x"},
	};
	struct msg_device_put m = {.driver = "none"};
	uint64_t before = events();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(put_device("n1", &bad[i]), ERR_INVALID);
		assert_true(resp.why.text[0] != '\0');
		assert_false(resp.after_commit);
	}
	assert_int_equal(put_device("a b", &m), ERR_INVALID);
	w.app.conf.devices_max = 0;
	assert_int_equal(put_device("n1", &m), ERR_LIMIT);
	assert_int_equal(get("a/devices/n1"), ERR_NOT_FOUND);
	assert_int_equal(events(), before);
}

static void
a_body_must_be_the_right_record(void **state)
{
	struct req rq = {.method = M_PUT, .have_cf = true, .cf = CF_JSON};

	(void)state;
	rq.arg[0] = "n1";
	rq.body = slice_str("{}");
	assert_int_equal(ask(&w, res_admin_device, &rq, &resp),
	    ERR_CONTENT_FORMAT);
	/* {"drivr": "none"} */
	assert_int_equal(call(M_PUT, "a/devices/n1", NULL,
	    slice_str("\xa1\x65" "drivr\x64none")), ERR_UNSUPPORTED);
	assert_int_equal(call(M_PUT, "a/devices/n1", NULL, SLICE_NONE),
	    ERR_TRUNCATED);
}

static void
tags_are_merged_and_capped(void **state)
{
	struct msg_device_put put = {.driver = "none"};
	static struct msg_tags m;
	static struct msg_device d;

	(void)state;
	assert_int_equal(put_device("n1", &put), 0);
	for (m.tag_count = 0; m.tag_count < LIMIT_TAGS; m.tag_count++) {
		snprintf(m.tag[m.tag_count].name, 8, "t%zu", m.tag_count);
		strcpy(m.tag[m.tag_count].value, "v");
	}
	assert_int_equal(call(M_PUT, "a/devices/n1/tags", NULL,
	    record(&msg_tags, &m)), 0);
	is_logged("device tagged");
	m = (struct msg_tags){1, {{"more", "v"}}};
	assert_int_equal(call(M_PUT, "a/devices/n1/tags", NULL,
	    record(&msg_tags, &m)), ERR_LIMIT);
	m = (struct msg_tags){2, {{"t3", ""}, {"t4", "new"}}};
	assert_int_equal(call(M_PUT, "a/devices/n1/tags", NULL,
	    record(&msg_tags, &m)), 0);
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_int_equal(d.tag_count, LIMIT_TAGS - 1);
	assert_int_equal(call(M_PUT, "a/devices/zz/tags", NULL,
	    record(&msg_tags, &m)), ERR_NOT_FOUND);
}

static void
a_new_key_is_shown_once_and_counts_at_once(void **state)
{
	struct msg_device_put put = {.driver = "none"};
	struct msg_psk a, b, m = {.key_len = 7};
	const struct msg_psk_set set = {.identity = "n1"};
	static struct msg_device d;
	uint8_t raw[LIMIT_PSK_KEY], wire[128];
	struct buf key = buf_of(raw, sizeof(raw)),
	    want = buf_of(wire, sizeof(wire));

	(void)state;
	assert_int_equal(put_device("n1", &put), 0);
	assert_int_equal(call(M_POST, "a/devices/n1/psk", NULL, SLICE_NONE),
	    0);
	is_logged("device key set");
	assert_int_equal(resp.code, 201);
	answer_is(&msg_psk, &a);
	assert_string_equal(a.identity, "n1");
	assert_int_equal(access_psk(&w.app, T_DTLS, "n1", &key), 0);
	assert_true(slice_eq(buf_slice(&key), slice_of(a.key, a.key_len)));
	assert_int_equal(call(M_POST, "a/devices/n1/psk", NULL, SLICE_NONE),
	    0);
	answer_is(&msg_psk, &b);
	assert_memory_not_equal(a.key, b.key, 16);
	key.n = 0;
	assert_int_equal(access_psk(&w.app, T_DTLS, "n1", &key), 0);
	assert_true(slice_eq(buf_slice(&key), slice_of(b.key, b.key_len)));
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_true(d.psk);

	/* a key that is too short, another's identity, an unknown device */
	assert_int_equal(call(M_PUT, "a/devices/n1/psk", NULL,
	    record(&msg_psk, &m)), ERR_INVALID);
	m.key_len = 8;
	strcpy(m.identity, "n2");
	assert_int_equal(call(M_PUT, "a/devices/n1/psk", NULL,
	    record(&msg_psk, &m)), ERR_INVALID);
	m.identity[0] = '\0';
	assert_int_equal(call(M_PUT, "a/devices/n1/psk", NULL,
	    record(&msg_psk, &m)), 0);
	msg_put_cbor(&msg_psk_set, &set, &want); /* a set key is not echoed */
	assert_true(slice_eq(buf_slice(&resp.out), buf_slice(&want)));
	assert_int_equal(call(M_POST, "a/devices/zz/psk", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_device_is_added_changed_and_removed),
		T(bad_devices_change_nothing),
		T(a_body_must_be_the_right_record),
		T(tags_are_merged_and_capped),
		T(a_new_key_is_shown_once_and_counts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
