/*
 * What an answer to a push means, what is sent, and to which address.
 */
#include "tests/daemon/fake.h"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static struct store_device
updating(enum driver driver, bool nul)
{
	struct store_device d = device(&w, "dev", driver);
	uint64_t rel = released(&w, 5, "coap://fw.example/a", 100);

	d.nul_trigger = nul;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &d)), 0);
	turn(&w);
	campaign_for(&w, rel, "");
	return d;
}

static struct fake_sent *
sent(const char *path)
{
	for (size_t i = 0; i < w.peer.n; i++)
		if (strstr(w.peer.sent[i].uri, path) != NULL)
			return &w.peer.sent[i];
	return NULL;
}

static void
answers_are_told_apart(void **state)
{
	static const struct {
		int err;
		unsigned code;
		enum fail_class fail;
		enum track_reason reason;
		bool permanent;
	} want[] = {
		{ERR_TIMEOUT, 0, FAIL_TRANSPORT, REASON_NO_ANSWER, false},
		{ERR_UNREACHABLE, 0, FAIL_TRANSPORT, REASON_NO_ANSWER, false},
		{ERR_REJECTED, 0, FAIL_TRANSPORT, REASON_PUSH_RESET, false},
		{ERR_BUSY, 0, FAIL_OVERLOAD, REASON_PUSH_OVERLOAD, false},
		{0, 404, FAIL_POLICY, REASON_PUSH_NOT_FOUND, true},
		{0, 405, FAIL_POLICY, REASON_PUSH_METHOD, true},
		{0, 408, FAIL_POLICY, REASON_PUSH_REFUSED, true},
		{0, 413, FAIL_POLICY, REASON_PUSH_TOO_LARGE, true},
		{0, 429, FAIL_OVERLOAD, REASON_PUSH_OVERLOAD, false},
		{0, 503, FAIL_OVERLOAD, REASON_PUSH_OVERLOAD, false},
		{0, 500, FAIL_TRANSPORT, REASON_PUSH_REFUSED, false},
		{0, 504, FAIL_TRANSPORT, REASON_PUSH_REFUSED, false},
	};
	struct peer_answer a = {.code = 201};
	struct track_event ev;

	(void)state;
	push_outcome(&a, &ev);
	assert_int_equal(ev.type, TRACK_PUSH_OK);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		a.err = want[i].err;
		a.code = want[i].code;
		push_outcome(&a, &ev);
		assert_int_equal(ev.type, TRACK_PUSH_FAIL);
		assert_int_equal(ev.fail, want[i].fail);
		assert_int_equal(ev.reason, want[i].reason);
		assert_int_equal(ev.permanent, want[i].permanent);
	}
}

static void
a_trigger_is_the_url_with_the_name_and_a_nul(void **state)
{
	char want[128], hex[33];
	const struct fake_sent *s;

	(void)state;
	updating(DRIVER_TRIGGER, true);
	pass(&w, 10);
	s = sent("/suit/trigger");
	assert_non_null(s);
	assert_int_equal(s->method, M_POST);
	assert_string_equal(s->uri, "coap://127.0.0.9/suit/trigger");
	snprintf(want, sizeof(want), "coap://fw.example/m/%s?ep=dev",
	    text_hex(slice_of(w.class_id, 16), hex, sizeof(hex)));
	assert_int_equal(s->n, strlen(want) + 1);
	assert_memory_equal(s->payload, want, s->n);
}

static void
without_nul_there_is_none(void **state)
{
	const struct fake_sent *s;

	(void)state;
	updating(DRIVER_TRIGGER, false);
	pass(&w, 10);
	s = sent("/suit/trigger");
	assert_int_equal(s->payload[s->n - 1], 'v');
}

static void
a_url_that_locks_the_device_is_never_sent(void **state)
{
	struct store_device d;

	(void)state;
	snprintf(w.app.conf.public_uri, sizeof(w.app.conf.public_uri),
	    "coap://%s.example.%s.example.org", "a-firmware-server-with-a-name",
	    "of-quite-some-length-in-a-domain-of-the-same-kind");
	d = updating(DRIVER_TRIGGER, true);
	pass(&w, 10);
	assert_null(sent("/suit/trigger"));
	assert_int_equal(last_job(&w, &d).state, JOB_FAILED);
	assert_int_equal(last_job(&w, &d).reason, REASON_PUSH_TOO_LARGE);
}

static void
without_a_public_name_the_route_tells_ours(void **state)
{
	const struct fake_sent *s;

	(void)state;
	w.app.conf.public_uri[0] = '\0';
	updating(DRIVER_TRIGGER, true);
	pass(&w, 10);
	s = sent("/suit/trigger");
	assert_non_null(s);
	assert_memory_equal(s->payload, "coap://127.0.0.", 15);
}

static void
a_manifest_push_is_the_envelope(void **state)
{
	const struct catalog_release *r;
	const struct fake_sent *s;
	struct manifest m;

	(void)state;
	updating(DRIVER_MANIFEST, false);
	assert_int_equal(engine_begin(w.app.engine), 0);
	struct store_device d;

	assert_int_equal(w.app.store->ops->device_by_ep(w.app.store, "dev",
	    &d), 0);
	strcpy(d.addr, "10.0.0.4");
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &d)), 0);
	turn(&w);
	pass(&w, 10);
	s = sent("/suit/manifest");
	assert_non_null(s);
	assert_string_equal(s->uri, "coap://10.0.0.4/suit/manifest");
	r = catalog_current(w.app.catalog, w.class_id);
	assert_int_equal(manifest_parse(slice_of(s->payload, s->n), &m, NULL),
	    0);
	assert_memory_equal(m.digest.b, r->digest, 32);
}

static void
MODE_SERVER_a_permanent_answer_is_not_tried_again(void **state)
{
	struct store_device d;
	size_t n;

	(void)state;
	d = updating(DRIVER_TRIGGER, true);
	pass(&w, 10);
	answer(&w, "/suit/trigger", 404, "");
	assert_int_equal(last_job(&w, &d).state, JOB_FAILED);
	assert_int_equal(last_job(&w, &d).reason, REASON_PUSH_NOT_FOUND);
	assert_int_equal(w.app.counts.pushes[DRIVER_TRIGGER]
	    [REASON_PUSH_NOT_FOUND], 1);
	assert_int_equal(w.app.counts.pushes[DRIVER_TRIGGER][REASON_NONE], 0);
	assert_int_equal(w.app.counts.failures[FAIL_POLICY], 1);
	n = w.peer.n;
	pass(&w, 86400000);
	assert_int_equal(w.peer.n, n);
}

static void
MODE_SERVER_loss_is_tried_again_never_before_the_base(void **state)
{
	struct store_device d;
	struct job j;

	(void)state;
	d = updating(DRIVER_TRIGGER, true);
	pass(&w, 10);
	answer(&w, "/suit/trigger", 0, "");
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_QUEUED);
	assert_int_equal(j.attempt, 1);
	assert_true(j.due >= w.loop.now + w.app.conf.track.backoff.
	    rule[FAIL_TRANSPORT].base_ms);
	assert_int_equal(w.app.counts.pushes[DRIVER_TRIGGER]
	    [REASON_NO_ANSWER], 1);
	assert_int_equal(w.app.counts.failures[FAIL_TRANSPORT], 1);
	assert_int_equal(w.app.counts.admissions[HOLD_NONE], 1);
	pass(&w, j.due - w.loop.now - 1);
	assert_int_equal(last_job(&w, &d).attempt, 1);
	assert_int_equal(w.app.counts.retries[FAIL_TRANSPORT], 0);
	pass(&w, 1);
	assert_int_equal(last_job(&w, &d).attempt, 2);
	assert_int_equal(w.app.counts.retries[FAIL_TRANSPORT], 1);
	assert_int_equal(w.app.counts.admissions[HOLD_NONE], 2);
	answer(&w, "/suit/trigger", 204, "");
	assert_int_equal(w.app.counts.pushes[DRIVER_TRIGGER][REASON_NONE], 1);
}

/* What a stuck campaign is told by. */
static void
progress_is_noted_when_a_device_gets_ahead(void **state)
{
	struct store_device d;
	const struct run *r;
	int64_t at;

	(void)state;
	d = updating(DRIVER_TRIGGER, true);
	r = runs_peek(&w.app, last_job(&w, &d).campaign);
	assert_non_null(r);
	pass(&w, 10);
	assert_int_equal(r->progress, 0); /* an attempt is none */
	answer(&w, "/suit/trigger", 0, "");
	assert_int_equal(r->progress, 0);
	pass(&w, last_job(&w, &d).due - w.loop.now);
	at = w.loop.now;
	answer(&w, "/suit/trigger", 204, "");
	assert_int_equal(r->progress, at);
}

static void
an_answer_that_comes_too_late_says_nothing(void **state)
{
	struct store_device d;
	struct fake_sent late;
	struct peer_answer a = {.code = 404};

	(void)state;
	d = updating(DRIVER_TRIGGER, true);
	pass(&w, 10);
	late = *sent("/suit/trigger");
	sent("/suit/trigger")->cb = NULL;
	pass(&w, 3600000); /* it died, the next attempt is under way */
	assert_true(last_job(&w, &d).attempt > 1);
	late.cb(late.arg, &a);
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
}

static void
observers_are_told_and_others_waited_for(void **state)
{
	struct store_device d = updating(DRIVER_OBSERVE, false);

	(void)state;
	pass(&w, 10);
	assert_int_equal(w.front.told, 0);
	assert_int_equal(last_job(&w, &d).due, 0);
	strcpy(w.front.observes, "dev");
	/* it makes contact */
	struct track_event ev = {.type = TRACK_ALIVE};

	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_event(w.app.engine,
	    d.id, &ev)), 0);
	turn(&w);
	pass(&w, 120000);
	assert_int_equal(w.front.told, 1);
	w.front.done(w.front.done_arg, 0);
	w.front.done = NULL;
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
}

/* It may have been registered before the device had a credential. */
static void
REQ_SEC_ACCESS_CONTROL_a_name_is_no_credential(void **state)
{
	struct store_device d = updating(DRIVER_NONE, false);

	(void)state;
	strcpy(w.front.observes, "dev");
	assert_true(engine_pushable(w.app.engine, &d));
	d.have_psk = true;
	assert_false(engine_pushable(w.app.engine, &d));
}

static void
names_of_drivers(void **state)
{
	enum driver d;

	(void)state;
	for (const struct push_driver *p = push_drivers; p->name; p++) {
		assert_int_equal(push_by_name(slice_str(p->name), &d), 0);
		assert_int_equal(d, p->driver);
		assert_string_equal(push_name(d), p->name);
	}
	assert_int_equal(push_by_name(slice_str("pigeon"), &d),
	    ERR_NOT_FOUND);
}

static void
addresses_become_uris(void **state)
{
	struct store_device d = {0};
	char uri[LIMIT_URI + 1];

	(void)state;
	assert_int_equal(push_uri(&d, "/x", uri), ERR_UNREACHABLE);
	strcpy(d.addr, "192.0.2.1");
	assert_int_equal(push_uri(&d, "/x", uri), 0);
	assert_string_equal(uri, "coap://192.0.2.1/x");
	strcpy(d.addr, "2001:db8::1");
	assert_int_equal(push_uri(&d, "/x", uri), 0);
	assert_string_equal(uri, "coap://[2001:db8::1]/x");
	strcpy(d.addr, "fe80::1%tap0");
	assert_int_equal(push_uri(&d, "/x", uri), 0);
	assert_string_equal(uri, "coap://[fe80::1%25tap0]/x");
	strcpy(d.uri, "coap://[2001:db8::2]:61616/");
	assert_int_equal(push_uri(&d, "/x", uri), 0);
	assert_string_equal(uri, "coap://[2001:db8::2]:61616/x");
	memset(d.uri, 'a', LIMIT_URI);
	assert_int_equal(push_uri(&d, "/x", uri), ERR_SIZE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(answers_are_told_apart),
		T(a_trigger_is_the_url_with_the_name_and_a_nul),
		T(without_nul_there_is_none),
		T(a_url_that_locks_the_device_is_never_sent),
		T(without_a_public_name_the_route_tells_ours),
		T(a_manifest_push_is_the_envelope),
		T(MODE_SERVER_a_permanent_answer_is_not_tried_again),
		T(MODE_SERVER_loss_is_tried_again_never_before_the_base),
		T(progress_is_noted_when_a_device_gets_ahead),
		T(an_answer_that_comes_too_late_says_nothing),
		T(observers_are_told_and_others_waited_for),
		T(REQ_SEC_ACCESS_CONTROL_a_name_is_no_credential),
		T(names_of_drivers),
		T(addresses_become_uris),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
