/*
 * The resources of devices: manifests, registration, status.
 */
#include "daemon/progress.h"
#include "lib/report.h"
#include "tests/daemon/fake.h"

static struct world w;
static struct req req;
static struct resp resp;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	memset(&req, 0, sizeof(req));
	req.arg[0] = req.arg[1] = "";
	req.first_block = true;
	req.method = M_GET;
	strcpy(req.addr, "10.1.2.3");
	strcpy(req.peer, "10.1.2.3:40000");
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
call(route_fn fn)
{
	int rc = ask(&w, fn, &req, &resp);

	turn(&w);
	return rc;
}

static void
query(const char *a, const char *b, const char *c)
{
	const char *q[3] = {a, b, c};

	req.query_n = 0;
	for (size_t i = 0; i < 3 && q[i] != NULL; i++)
		req.query[req.query_n++] = slice_str(q[i]);
}

static void
save(struct store_device *d)
{
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, d)), 0);
	turn(&w);
}

static struct store_device
by_ep(const char *ep)
{
	struct store_device d;

	assert_int_equal(w.app.store->ops->device_by_ep(w.app.store, ep, &d),
	    0);
	return d;
}

static bool
has_job(const struct store_device *d)
{
	struct job j;

	return w.app.store->ops->job_last(w.app.store, d->id, &j) == 0;
}

/* --- GET m/{c} and m --- */

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

/* --- images --- */

static void
images_by_path_by_digest_and_by_one_option(void **state)
{
	struct digest d;

	(void)state;
	released(&w, 5, "coap://fw.example/fw/a.bin", 100);
	d = upload(&w, 100, 5);
	strcpy(req.path, "fw/a.bin");
	assert_int_equal(call(res_rest), 0);
	assert_memory_equal(resp.etag, d.b, 8);
	blob_unref(resp.image);
	strcpy(req.path, "fw%2Fa.bin"); /* one Uri-Path with a slash in it */
	assert_int_equal(call(res_rest), 0);
	blob_unref(resp.image);
	strcpy(req.path, "fw/none");
	assert_int_equal(call(res_rest), ERR_NOT_FOUND);
	strcpy(req.path, "fw/a.bin");
	req.method = M_DELETE;
	assert_int_equal(call(res_rest), ERR_METHOD);
	req.method = M_GET;
	req.arg[0] = "short";
	assert_int_equal(call(res_image), ERR_INVALID);
	req.arg[0] = "***";
	assert_int_equal(call(res_image), ERR_INVALID);
	req.arg[0] = "AAAAAAAAAAAA";
	assert_int_equal(call(res_image), ERR_NOT_FOUND);
}

static void
a_lost_image_is_an_error_for_itself_alone(void **state)
{
	struct digest d;
	char cmd[256], hex[65];

	(void)state;
	released(&w, 5, "coap://fw.example/a.bin", 100);
	released(&w, 6, "coap://fw.example/b.bin", 100);
	d = upload(&w, 100, 5);
	text_hex(slice_of(d.b, 32), hex, sizeof(hex));
	snprintf(cmd, sizeof(cmd), "rm -f %s/images/%.2s/%s", w.dir, hex,
	    hex);
	assert_int_equal(system(cmd), 0);
	strcpy(req.path, "a.bin");
	assert_int_equal(call(res_rest), ERR_CORRUPT);
	assert_null(resp.image);
	strcpy(req.path, "b.bin");
	assert_int_equal(call(res_rest), 0);
	blob_unref(resp.image);
}

/* --- registration --- */

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

/* --- status --- */

static void
status(const struct report_status *s)
{
	static uint8_t bytes[256];
	struct buf b = buf_of(bytes, sizeof(bytes));

	report_put_status(s, &b);
	req.method = M_POST;
	req.body = buf_slice(&b);
}

static void
a_status_moves_the_job_and_is_graded(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_NONE);
	struct report_status s = {
		.phase = PHASE_DOWNLOADING, .done = 40, .total = 100,
	};

	(void)state;
	campaign_for(&w, released(&w, 5, "coap://fw.example/a", 100), "");
	status(&s);
	assert_int_equal(call(res_report), ERR_NOT_FOUND); /* whose? */
	query("ep=dev", NULL, NULL);
	assert_int_equal(call(res_report), 0);
	assert_true(resp.after_commit);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L0);
	req.who.device = d.id;
	req.who.grade = GRADE_L1;
	s.phase = PHASE_SUCCEEDED;
	s.have_sequence = true;
	s.sequence = 5;
	s.version = "1.2.3";
	status(&s);
	assert_int_equal(call(res_report), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_int_equal(last_job(&w, &d).grade, GRADE_L1);
	d = by_ep("dev");
	assert_int_equal(d.seq, 5);
	assert_int_equal(d.seq_grade, GRADE_L1);
	assert_string_equal(d.version, "1.2.3");
	/* said twice: nothing moves */
	assert_int_equal(call(res_report), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

static void
REQ_SEC_REPORTING_wrong_reports_are_refused(void **state)
{
	(void)state;
	device(&w, "dev", DRIVER_NONE);
	query("ep=dev", NULL, NULL);
	req.method = M_POST;
	assert_int_equal(call(res_report), ERR_MISSING);
	req.body = slice_str("x");
	assert_int_not_equal(call(res_report), 0);
	req.have_cf = true;
	req.cf = CF_JSON;
	assert_int_equal(call(res_report), ERR_CONTENT_FORMAT);
}

/* --- progress --- */

static void
marks_come_together_and_apart(void **state)
{
	static struct progress p;
	uint8_t digest[32] = {1};
	struct progress_mark m = {"a:x", digest, 64, 1000};
	const struct progress_slot *s;

	(void)state;
	memset(&p, 0, sizeof(p));
	for (m.end = 64; m.end < 1000; m.end += 64)
		progress_block(&p, &m, 1);
	s = progress_find(&p, "a:x", digest);
	assert_int_equal(s->span.hi, 960);
	assert_false(progress_complete(s));
	m.end = 1000;
	progress_block(&p, &m, 2);
	assert_true(progress_complete(s));
	progress_folded(&p, (struct progress_slot *)s, 2);
	assert_int_equal(p.dirty, 0);
	m.end = 64; /* from the beginning */
	progress_block(&p, &m, 3);
	assert_int_equal(s->span.hi, 64);
	assert_false(progress_complete(s));
	assert_null(progress_find(&p, "a:y", digest));
}

static void
one_stray_last_block_is_no_download(void **state)
{
	static struct progress p;
	uint8_t digest[32] = {1};
	struct progress_mark m = {"a:x", digest, 100000, 100000};

	(void)state;
	memset(&p, 0, sizeof(p));
	progress_block(&p, &m, 1);
	assert_false(progress_complete(progress_find(&p, "a:x", digest)));
	/* a resumed one ends with several */
	m.peer = "a:y";
	m.end = 99000;
	progress_block(&p, &m, 1);
	m.end = 100000;
	progress_block(&p, &m, 1);
	assert_true(progress_complete(progress_find(&p, "a:y", digest)));
}

static void
the_table_is_bounded_and_forgets_the_stalest(void **state)
{
	static struct progress p;
	uint8_t digest[32] = {1};
	char peer[32];
	struct progress_mark m = {peer, digest, 64, 1000};

	(void)state;
	memset(&p, 0, sizeof(p));
	for (int i = 0; i < 4 * PROGRESS_SLOTS; i++) {
		snprintf(peer, sizeof(peer), "a:%d", i);
		progress_block(&p, &m, i);
	}
	assert_true(p.evicted > 0);
	assert_true(p.dirty <= PROGRESS_SLOTS);
	assert_non_null(progress_find(&p, peer, digest));
	assert_null(progress_find(&p, "a:0", digest));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		T(images_by_path_by_digest_and_by_one_option),
		T(a_lost_image_is_an_error_for_itself_alone),
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
		T(a_status_moves_the_job_and_is_graded),
		T(REQ_SEC_REPORTING_wrong_reports_are_refused),
		T(marks_come_together_and_apart),
		T(one_stray_last_block_is_no_download),
		T(the_table_is_bounded_and_forgets_the_stalest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
