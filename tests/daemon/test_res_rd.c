/* Registration: what a device may say of itself, and what that proves. */
#include "tests/daemon/res_call.h"

static void
a_registration_makes_a_device(void **state)
{
	char want[LIMIT_PATH + 1];
	struct store_device d;

	(void)state;
	req.method = M_POST;
	query("ep=new", "lt=60", "seq=3");
	assert_int_equal(call(res_rd), 0);
	assert_int_equal(resp.code, 201);
	assert_true(resp.after_commit);
	d = by_ep("new");
	snprintf(want, sizeof(want), "rd/%llu", (unsigned long long)d.reg);
	assert_string_equal(resp.location, want);
	assert_true(d.registered);
	assert_int_equal(d.reg_expires, w.loop.now + 60000);
	assert_int_equal(d.seq, 3);
	assert_int_equal(d.seq_grade, GRADE_L0);
	assert_string_equal(d.uri, "coap://10.1.2.3:40000");
}

/* RFC 9176 5.3.1 */
static void
an_update_keeps_what_it_does_not_say(void **state)
{
	static char number[32];
	struct store_device d;

	(void)state;
	req.method = M_POST;
	query("ep=new", "lt=60", "base=coap://10.1.2.3:9999");
	assert_int_equal(call(res_rd), 0);
	d = by_ep("new");
	assert_string_equal(d.uri, "coap://10.1.2.3:9999");
	snprintf(number, sizeof(number), "%llu", (unsigned long long)d.reg);
	w.loop.now += 30000;
	query(NULL, NULL, NULL);
	req.arg[0] = number;
	assert_int_equal(call(res_rd_one), 0);
	d = by_ep("new");
	assert_int_equal(d.reg_expires, w.loop.now + 60000);
	assert_string_equal(d.uri, "coap://10.1.2.3:9999");
	query("lt=90", NULL, NULL);
	req.arg[0] = number;
	assert_int_equal(call(res_rd_one), 0);
	assert_int_equal(by_ep("new").reg_expires, w.loop.now + 90000);
	/* registered anew, everything begins anew */
	query("ep=new", NULL, NULL);
	assert_int_equal(call(res_rd), 0);
	d = by_ep("new");
	assert_int_equal(d.reg_expires, w.loop.now + 90000000);
	assert_string_equal(d.uri, "coap://10.1.2.3:40000");
}

static void
unknown_ones_can_be_refused_and_are_counted(void **state)
{
	(void)state;
	req.method = M_POST;
	query("ep=a", NULL, NULL);
	w.app.conf.unknown_devices = CONF_UNKNOWN_REFUSE;
	assert_int_equal(call(res_rd), ERR_FORBIDDEN);
	w.app.conf.unknown_devices = CONF_UNKNOWN_ACCEPT;
	w.app.conf.devices_max = 1;
	assert_int_equal(call(res_rd), 0);
	query("ep=b", NULL, NULL);
	assert_int_equal(call(res_rd), ERR_LIMIT);
	query("ep=a", NULL, NULL);
	assert_int_equal(call(res_rd), 0); /* known: always */
	query(NULL, NULL, NULL);
	assert_int_equal(call(res_rd), ERR_MISSING);
}

static void
an_operators_word_is_not_overwritten(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_MANIFEST);

	(void)state;
	strcpy(w.app.conf.register_tags, "site room");
	d.driver_set = d.uri_set = true;
	strcpy(d.uri, "coap://192.0.2.1");
	d.tag_count = 1;
	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, "north");
	save(&d);
	req.method = M_POST;
	req.body = slice_str("</suit/trigger>");
	query("ep=dev", "tag.site=south", "tag.room=7");
	assert_int_equal(call(res_rd), 0);
	d = by_ep("dev");
	assert_int_equal(d.driver, DRIVER_MANIFEST);
	assert_string_equal(d.uri, "coap://192.0.2.1");
	assert_int_equal(d.tag_count, 2);
	assert_string_equal(d.tag[0].value, "north");
	assert_string_equal(d.tag[1].value, "7");
}

static void
tags_come_only_under_names_that_are_allowed(void **state)
{
	struct store_device d;

	(void)state;
	req.method = M_POST;
	query("ep=a", "tag.site=south", "tag.room=7");
	assert_int_equal(call(res_rd), 0); /* passed over, not refused */
	assert_int_equal(by_ep("a").tag_count, 0);
	strcpy(w.app.conf.register_tags, "room rack");
	assert_int_equal(call(res_rd), 0);
	d = by_ep("a");
	assert_int_equal(d.tag_count, 1);
	assert_string_equal(d.tag[0].name, "room");
	assert_string_equal(d.tag[0].value, "7");
	/* the first value stays, and does so when the name is taken back */
	query("ep=a", "tag.room=8", "tag.rack=1");
	assert_int_equal(call(res_rd), 0);
	d = by_ep("a");
	assert_int_equal(d.tag_count, 2);
	assert_string_equal(d.tag[0].value, "7");
	assert_string_equal(d.tag[1].value, "1");
	w.app.conf.register_tags[0] = '\0';
	assert_int_equal(call(res_rd), 0);
	assert_int_equal(by_ep("a").tag_count, 2);
}

static void
MODE_SERVER_a_stranger_may_not_point_us_at_somebody_else(void **state)
{
	char reg[24];

	(void)state;
	req.method = M_POST;
	query("ep=dev", "base=coap://198.51.100.7:9", NULL);
	assert_int_equal(call(res_rd), ERR_FORBIDDEN);
	query("ep=dev", "base=coap://victim.example", NULL);
	assert_int_equal(call(res_rd), ERR_FORBIDDEN);
	query("ep=dev", "base=coap://10.1.2.3:61616", NULL);
	assert_int_equal(call(res_rd), 0);
	assert_string_equal(by_ep("dev").uri, "coap://10.1.2.3:61616");
	strcpy(req.addr, "2001:db8::a");
	query("ep=dev", "base=coap://[2001:DB8:0::A]", NULL);
	assert_int_equal(call(res_rd), 0);
	/* an update neither; a credential may */
	snprintf(reg, sizeof(reg), "%llu",
	    (unsigned long long)by_ep("dev").reg);
	req.arg[0] = reg;
	query("base=coap://198.51.100.7", NULL, NULL);
	assert_int_equal(call(res_rd_one), ERR_FORBIDDEN);
	req.who.device = by_ep("dev").id;
	req.who.grade = GRADE_L1;
	query("ep=dev", "base=coap://198.51.100.7", NULL);
	assert_int_equal(call(res_rd), 0);
	assert_string_equal(by_ep("dev").uri, "coap://198.51.100.7");
}

static void
a_link_to_the_trigger_chooses_the_driver(void **state)
{
	(void)state;
	req.method = M_POST;
	req.body = slice_str("</suit/version>,</suit/trigger>");
	query("ep=riot", NULL, NULL);
	assert_int_equal(call(res_rd), 0);
	assert_int_equal(by_ep("riot").driver, DRIVER_TRIGGER);
	assert_true(by_ep("riot").nul_trigger);
}

static void
registering_again_is_a_reboot_and_proof(void **state)
{
	struct store_device d;
	uint64_t reg;

	(void)state;
	released(&w, 5, "coap://fw.example/a", 100);
	req.method = M_POST;
	query("ep=dev", "seq=4", NULL);
	assert_int_equal(call(res_rd), 0);
	d = by_ep("dev");
	reg = d.reg;
	memcpy(d.class_id, w.class_id, 16);
	d.have_class = true;
	save(&d);
	campaign_for(&w, catalog_current(w.app.catalog, w.class_id)->id, "");
	assert_int_equal(engine_begin(w.app.engine), 0);
	struct track_event ev = {.type = TRACK_IMAGE_END};

	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    d.id, &ev)), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHED);
	strcpy(req.peer, "10.1.2.3:50000");
	query("ep=dev", "seq=5", NULL);
	assert_int_equal(call(res_rd), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(by_ep("dev").reg, reg); /* replaced, not added */
	assert_string_equal(by_ep("dev").uri, "coap://10.1.2.3:50000");
}

static void
coming_back_with_the_old_version_is_a_rollback(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	struct track_event ev = {.type = TRACK_IMAGE_END};
	struct job j;

	(void)state;
	campaign_for(&w, released(&w, 5, "coap://fw.example/a", 100), "");
	req.method = M_POST;
	query("ep=dev", "seq=4", NULL);
	assert_int_equal(call(res_rd), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    d.id, &ev)), 0);
	turn(&w);
	assert_int_equal(call(res_rd), 0);
	j = last_job(&w, &d);
	assert_int_equal(j.last_fail, FAIL_EXECUTION);
	assert_int_equal(j.reason, REASON_ROLLBACK);
}

static void
update_and_leave_by_number(void **state)
{
	struct store_device d;
	char reg[24];

	(void)state;
	req.method = M_POST;
	query("ep=dev", "lt=60", NULL);
	assert_int_equal(call(res_rd), 0);
	d = by_ep("dev");
	snprintf(reg, sizeof(reg), "%llu", (unsigned long long)d.reg);
	req.arg[0] = reg;
	query("lt=600", NULL, NULL);
	assert_int_equal(call(res_rd_one), 0);
	assert_int_equal(resp.code, 204);
	assert_int_equal(by_ep("dev").reg_expires, w.loop.now + 600000);
	req.method = M_DELETE;
	assert_int_equal(call(res_rd_one), 0);
	assert_int_equal(resp.code, 202);
	assert_false(by_ep("dev").registered);
	assert_int_equal(call(res_rd_one), ERR_NOT_FOUND);
	req.arg[0] = "99";
	assert_int_equal(call(res_rd_one), ERR_NOT_FOUND);
	req.arg[0] = "x";
	assert_int_equal(call(res_rd_one), ERR_NOT_FOUND);
}

static void
a_number_is_no_credential(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	char reg[24];

	(void)state;
	d.have_psk = d.registered = true;
	d.reg = 77;
	save(&d);
	snprintf(reg, sizeof(reg), "%d", 77);
	req.arg[0] = reg;
	req.method = M_DELETE;
	assert_int_equal(call(res_rd_one), ERR_UNAUTHORIZED);
	assert_true(by_ep("dev").registered);
	req.who.device = d.id;
	req.who.grade = GRADE_L1;
	assert_int_equal(call(res_rd_one), 0);
	assert_false(by_ep("dev").registered);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_registration_makes_a_device),
		T(an_update_keeps_what_it_does_not_say),
		T(unknown_ones_can_be_refused_and_are_counted),
		T(an_operators_word_is_not_overwritten),
		T(tags_come_only_under_names_that_are_allowed),
		T(MODE_SERVER_a_stranger_may_not_point_us_at_somebody_else),
		T(a_link_to_the_trigger_chooses_the_driver),
		T(registering_again_is_a_reboot_and_proof),
		T(coming_back_with_the_old_version_is_a_rollback),
		T(update_and_leave_by_number),
		T(a_number_is_no_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
