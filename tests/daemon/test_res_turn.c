/*
 * Whose turn is it? GET /m in every state of a job under every hold, and
 * what explain says of it; observers, later blocks, revoked devices, staged
 * releases. The expectation is one line for each hold and one for each
 * state, written down here.
 */
#include "tests/daemon/fleet.h"

#define T0 INT64_C(1770000000000) /* a Monday, 02:40 UTC */

static struct world w;
static struct resp resp;
static struct req req;

/* One campaign over `dev` and `peer`, which fetches; `other` fetches in the
 * same network by itself. */
static struct store_device dev, peer, other;
static struct store_campaign camp;
static uint64_t rel;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	w.loop.now = T0;
	return 0;
}

static int
setup_sqlite(void **state)
{
	(void)state;
	world_open(&w, fake_sqlite);
	w.loop.now = T0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* --- states --- */

static void
s_fresh(void)
{
}

static void
s_transport(void)
{
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
	fleet_failed(&w, &dev, FAIL_TRANSPORT, REASON_DOWNLOAD);
}

static void
s_integrity(void)
{
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
	fleet_failed(&w, &dev, FAIL_INTEGRITY, REASON_DIGEST);
}

static void
s_execution(void)
{
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
	fleet_failed(&w, &dev, FAIL_EXECUTION, REASON_BOOT);
}

static void
s_inflight(void)
{
	pass(&w, 1000);
	assert_int_not_equal(last_job(&w, &dev).started, 0);
}

static void
s_notified(void)
{
	s_inflight();
	answer(&w, "/suit/trigger", 204, "");
	assert_int_equal(last_job(&w, &dev).state, JOB_NOTIFIED);
}

static void
s_fetching(void)
{
	assert_int_equal(fleet_poll(&w, &dev, true, &resp), 0);
}

static void
s_fetched(void)
{
	s_fetching();
	fleet_type(&w, &dev, TRACK_IMAGE_END);
}

static void
s_installing(void)
{
	s_fetched();
	fleet_type(&w, &dev, TRACK_REBOOT);
	assert_int_equal(last_job(&w, &dev).state, JOB_INSTALLING);
}

static const struct state {
	const char *name;
	enum driver driver;
	void (*make)(void);
	bool begun; /* it may go on, whatever holds */
	bool retry; /* a new try costs the budget of them */
	bool rest; /* after I or X */
	const char *hold; /* what explain says when nothing else holds */
} states[] = {
	{"ready", DRIVER_TRIGGER, s_fresh, 0, 0, 0, "queued"},
	{"fresh", DRIVER_NONE, s_fresh, 0, 0, 0, "contact"},
	{"T", DRIVER_NONE, s_transport, 0, 1, 0, "back-off"},
	{"I", DRIVER_NONE, s_integrity, 0, 1, 1, "back-off"},
	{"X", DRIVER_NONE, s_execution, 0, 1, 1, "back-off"},
	{"in flight", DRIVER_TRIGGER, s_inflight, 1, 0, 0, "queued"},
	{"notified", DRIVER_TRIGGER, s_notified, 1, 0, 0, "notified"},
	{"fetching", DRIVER_NONE, s_fetching, 1, 0, 0, "fetching"},
	{"fetched", DRIVER_NONE, s_fetched, 1, 0, 0, "fetched"},
	{"installing", DRIVER_NONE, s_installing, 1, 0, 0, "installing"},
};

/* --- holds --- */

static void
edit(const char *rules)
{
	assert_int_equal(w.app.store->ops->campaign_get(w.app.store, camp.id,
	    &camp), 0);
	snprintf(camp.policy, sizeof(camp.policy), "waves=100%% soak=0s "
	    "broke=100%% unreachable=100%% %s", rules);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->campaign_save(w.app.store, &camp)), 0);
	turn(&w);
}

static void
h_none(void)
{
}

static void
h_paused(void)
{
	struct why why;

	assert_int_equal(campaign_pause(&w.app, camp.id, &why), 0);
	turn(&w);
}

static void
move(enum campaign_state st, bool start, int64_t ended)
{
	assert_int_equal(w.app.store->ops->campaign_get(w.app.store, camp.id,
	    &camp), 0);
	camp.state = st;
	camp.start = start;
	camp.ended = ended;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->campaign_save(w.app.store, &camp)), 0);
	/* no turn: there the campaign would go on */
}

static void
h_draft(void)
{
	move(CAMPAIGN_DRAFT, false, 0);
}

static void
h_approval(void)
{
	edit("approval=yes");
	move(CAMPAIGN_DRAFT, true, 0);
}

static void
h_over(void)
{
	move(CAMPAIGN_RUNNING, false, w.loop.now);
}

static void
h_start(void)
{
	char rule[40];

	snprintf(rule, sizeof(rule), "start=%lld",
	    (long long)(w.loop.now / 1000 + 3600));
	edit(rule);
}

static void
h_window(void)
{
	edit("window=\"04:00-05:00 UTC\"");
}

static void
h_wave(void)
{
	assert_int_equal(w.app.store->ops->campaign_get(w.app.store, camp.id,
	    &camp), 0);
	camp.wave = 0;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->campaign_save(w.app.store, &camp)), 0);
}

static void
h_concurrency(void)
{
	assert_int_equal(w.app.store->ops->campaign_get(w.app.store, camp.id,
	    &camp), 0);
	camp.concurrency = 1;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->campaign_save(w.app.store, &camp)), 0);
	turn(&w);
}

static void
h_server(void)
{
	w.app.conf.downloads = 2;
}

static void
h_group(void)
{
	w.app.conf.downloads_group = 1;
}

static void
h_rate(void)
{
	struct run *r;

	edit("rate=1");
	assert_int_equal(runs_get(&w.app, camp.id, &r), 0);
	r->pace.next = w.loop.now + 50000;
}

static void
h_bytes(void)
{
	w.app.conf.bytes_per_second = 1;
	w.app.admit->bytes.pace.next = w.loop.now + 50000;
	w.app.admit->bytes.last = 50000;
}

static void
h_budget(void)
{
	w.app.conf.retries = 1;
	w.app.admit->retries.next = w.loop.now + 50000;
}

static void
h_revoked(void)
{
	assert_int_equal(w.app.store->ops->device_get(w.app.store, dev.id,
	    &dev), 0);
	dev.revoked = true;
	fleet_save(&w, &dev);
}

enum kind { FREE, TURN, ROOM, GONE };

static const struct hold_row {
	const char *name; /* as explain says it; NULL: nothing holds */
	void (*impose)(void);
	enum kind kind;
	uint32_t least, most; /* Max-Age */
} holds[] = {
	{NULL, h_none, FREE, 0, 0},
	{"draft", h_draft, TURN, 900, 900}, /* poll_max_age */
	{"approval", h_approval, TURN, 900, 900},
	{"paused", h_paused, TURN, 900, 900},
	{"over", h_over, TURN, 900, 900},
	{"start-time", h_start, TURN, 3600, 3660},
	{"window", h_window, TURN, 4000, 4900},
	{"wave", h_wave, TURN, 900, 900},
	{"concurrency", h_concurrency, ROOM, 1, 60},
	{"server-slots", h_server, ROOM, 1, 60},
	{"group-slots", h_group, ROOM, 10, 70},
	{"rate", h_rate, ROOM, 48, 120},
	{"bytes", h_bytes, ROOM, 48, 1100},
	{"retry-budget", h_budget, ROOM, 48, 120},
	{"revoked", h_revoked, GONE, 0, 0},
};

static void
stage(const struct state *s, const struct hold_row *h)
{
	rel = released(&w, 2, "coap://fw.example/a", 1000);
	dev = fleet_add(&w, "dev", s->driver, "10.0.0.1");
	peer = fleet_add(&w, "peer", DRIVER_NONE, "10.0.9.1");
	camp = campaign_for(&w, rel, "broke=100% unreachable=100%");
	other = fleet_add(&w, "other", DRIVER_NONE, "10.0.0.2");
	assert_int_equal(fleet_poll(&w, &peer, true, &resp), 0);
	assert_int_equal(fleet_poll(&w, &other, true, &resp), 0);
	s->make();
	h->impose();
}

/* What GET /m shall answer, by the rules in the header of res_manifest. */
static int
answers(const struct state *s, const struct hold_row *h)
{
	bool held = h->kind == ROOM && (s->retry || h->impose != h_budget);

	if (h->kind == GONE)
		return ERR_FORBIDDEN;
	if (s->begun)
		return 0;
	if (h->kind == TURN)
		return ERR_NOT_FOUND;
	return s->rest || held ? ERR_LIMIT : 0;
}

/* And what explain shall call it, before and after. Its own back-off is
 * asked about before the room; a device that is not reached from here is
 * waited for, until it has asked and was sent away. */
static const char *
explained(const struct state *s, const struct hold_row *h, bool after)
{
	int rc = answers(s, h);

	if (h->kind == GONE || (h->kind == TURN && !s->begun))
		return h->name;
	if (after && rc == 0)
		return s->begun && strcmp(s->name, "in flight") != 0 &&
		    strcmp(s->name, "notified") != 0 ? s->hold : "fetching";
	if (s->begun || s->retry)
		return s->hold;
	if (rc == ERR_LIMIT && (after || s->driver == DRIVER_TRIGGER))
		return h->name;
	return s->hold;
}

static void
cell(const struct state *s, const struct hold_row *h)
{
	struct msg_explain m;
	const char *want = explained(s, h, false);
	int rc;

	m = fleet_explain(&w, "dev");
	if (strcmp(m.hold, want) != 0)
		fail_msg("%s under %s: explain says %s, not %s (%s)", s->name,
		    h->name, m.hold, want, m.cause);
	assert_string_not_equal(m.cause, "");
	assert_string_not_equal(m.next, "");
	rc = fleet_poll(&w, &dev, true, &resp);
	if (rc != answers(s, h))
		fail_msg("%s under %s: %s, not %s (%s)", s->name, h->name,
		    err_name(rc), err_name(answers(s, h)), resp.why.text);
	if (rc == ERR_LIMIT && s->rest && last_job(&w, &dev).due != 0)
		assert_in_range(resp.max_age, 300, 21600);
	else if (rc == ERR_LIMIT || rc == ERR_NOT_FOUND)
		assert_in_range(resp.max_age, h->least, h->most);
	if (rc == 0)
		assert_memory_equal(resp.etag, catalog_by_id(w.app.catalog,
		    rel)->digest, 8);
	m = fleet_explain(&w, "dev");
	want = explained(s, h, true);
	if (strcmp(m.hold, want) != 0)
		fail_msg("%s under %s: then explain says %s, not %s (%s)",
		    s->name, h->name, m.hold, want, m.cause);
}

static void
every_state_under_every_hold(void **state)
{
	int (*fresh)(void **) = fake_db[0] ? setup_sqlite : setup;
	size_t cells = 0;

	teardown(state);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (size_t k = 0; k < sizeof(holds) / sizeof(holds[0]); k++) {
			fresh(state);
			stage(&states[i], &holds[k]);
			cell(&states[i], &holds[k]);
			teardown(state);
			cells++;
		}
	}
	assert_int_equal(cells, 150);
	fresh(state);
}

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
	stage(&states[1], &holds[9]); /* fresh, no slot */
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
	stage(&states[7], &holds[0]); /* fetching */
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
	for (size_t k = 8; k < 14; k++) { /* no room of any kind */
		setup(state);
		stage(&states[1], &holds[k]);
		memset(&req, 0, sizeof(req));
		req.first_block = true;
		req.arg[0] = text_uuid(w.class_id, uuid);
		req.arg[1] = "";
		req.query[0] = slice_str("ep=dev");
		req.query_n = 1;
		strcpy(req.addr, dev.addr);
		assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
		teardown(state);
	}
	for (size_t k = 1; k < 8; k++) { /* not its turn */
		setup(state);
		stage(&states[1], &holds[k]);
		memset(&req, 0, sizeof(req));
		req.first_block = true;
		req.arg[0] = text_uuid(w.class_id, uuid);
		req.arg[1] = "";
		req.query[0] = slice_str("ep=dev");
		req.query_n = 1;
		strcpy(req.addr, dev.addr);
		assert_int_equal(ask(&w, res_manifest_class, &req, &resp),
		    ERR_NOT_FOUND);
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
	stage(&states[1], &holds[0]);
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
	stage(&states[1], &holds[0]);
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
	stage(&states[1], &holds[0]);
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
	assert_int_equal(engine_end(w.app.engine, w.app.store->ops->psk_put(
	    w.app.store, "dev", dev.id, slice_of(key, sizeof(key)))), 0);
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
		T(every_state_under_every_hold),
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
