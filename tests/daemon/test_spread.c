/*
 * The announced spread: who is told it and how, what its silence means, and
 * that a slot is taken, and each budget paid, once and when the device asks.
 */
#include "tests/daemon/fleet.h"

static struct world w;
static struct resp resp;
static uint64_t rel;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	rel = released(&w, 2, "coap://fw.example/a", 1000);
	return 0;
}

static int
setup_sqlite(void **state)
{
	(void)state;
	world_open(&w, fake_sqlite);
	rel = released(&w, 2, "coap://fw.example/a", 1000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* Every trigger is taken. */
static void
taken(void)
{
	const struct peer_answer a = {.code = 204};

	for (size_t i = 0; i < w.peer.n; i++) {
		struct fake_sent *s = &w.peer.sent[i];

		if (s->cb == NULL)
			continue;
		s->cb(s->arg, &a);
		s->cb = NULL;
	}
	w.peer.n = 0;
	turn(&w);
}

static struct store_device
riot(const char *ep)
{
	struct store_device d = fleet_add(&w, ep, DRIVER_TRIGGER, "10.0.0.1");

	d.nul_trigger = true;
	fleet_save(&w, &d);
	return d;
}

/* --- the URL --- */

static void
url(struct store_device d, uint32_t spread, int rc, const char *want)
{
	struct push p = {.app = &w.app, .dev = d, .release = rel,
	    .spread = spread};
	char got[LIMIT_URI + 1];
	struct why why;

	assert_int_equal(push_manifest_url(&p, got, sizeof(got), &why), rc);
	if (rc == 0 && want != NULL)
		assert_string_equal(got, want);
}

static void
the_spread_is_in_the_url(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "127.0.0.9");
	struct conf_alias *a = &w.app.conf.alias[w.app.conf.alias_count++];

	(void)state;
	snprintf(a->name, sizeof(a->name), "lamp");
	memcpy(a->class_id, w.class_id, 16);
	url(d, 0, 0, "coap://fw.example/m/lamp?ep=dev");
	url(d, 600, 0, "coap://fw.example/m?ep=dev&w=600");
	d.have_psk = true;
	strcpy(w.app.conf.listen_coaps, "[::]:5684");
	url(d, 0, 0, "coaps://127.0.0.1/m");
	url(d, 600, 0, "coaps://127.0.0.1/m?w=600");
	url(d, UINT32_MAX, 0, "coaps://127.0.0.1/m?w=4294967295");
}

/* At each cap, and one past it. */
static void
the_spread_keeps_to_the_caps(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "127.0.0.9");
	size_t n;

	(void)state;
	/* path: "/m?ep=" + name + "&w=600" */
	n = PUSH_PATH - strlen("/m?ep=") - strlen("&w=600");
	assert_true(n < LIMIT_EP);
	memset(d.ep, 'e', n);
	d.ep[n] = '\0';
	url(d, 600, 0, NULL);
	d.ep[n] = 'e';
	d.ep[n + 1] = '\0';
	url(d, 600, ERR_SIZE, NULL);
	url(d, 60, 0, NULL);
	/* all of it */
	strcpy(d.ep, "dev");
	n = PUSH_URL - strlen("/m?ep=dev&w=600");
	memset(w.app.conf.public_uri, 'h', n);
	memcpy(w.app.conf.public_uri, "coap://", 7);
	w.app.conf.public_uri[n] = '\0';
	url(d, 600, 0, NULL);
	w.app.conf.public_uri[n] = 'h';
	w.app.conf.public_uri[n + 1] = '\0';
	url(d, 600, ERR_SIZE, NULL);
}

/* --- who is told --- */

static void
riot_is_told_nothing_and_has_its_slot_at_once(void **state)
{
	struct store_device a = riot("a"), b = riot("b");
	struct job j, k;

	(void)state;
	w.app.conf.downloads = 1;
	(void)campaign_for(&w, rel, "announce=2h");
	pass(&w, 1000);
	assert_int_equal(fleet_triggers(&w), 1);
	for (size_t i = 0; i < w.peer.n; i++)
		assert_null(memmem(w.peer.sent[i].payload, w.peer.sent[i].n,
		    "w=", 2));
	assert_int_equal(admit_slots(&w.app), 1);
	taken();
	assert_int_equal(admit_slots(&w.app), 1);
	j = last_job(&w, &a);
	k = last_job(&w, &b);
	assert_int_equal((j.state == JOB_NOTIFIED) + (k.state ==
	    JOB_NOTIFIED), 1);
	if (k.state == JOB_NOTIFIED)
		j = k;
	assert_true(j.due <= w.loop.now + w.app.conf.track.notify_ms);
	/* it may come although there is no room for another */
	if (j.device == b.id)
		a = b;
	assert_int_equal(fleet_poll(&w, &a, false, &resp), 0);
	/* and the other one has its turn when this one is through */
	fleet_type(&w, &a, TRACK_IMAGE_END);
	pass(&w, 90000);
	assert_int_equal(fleet_triggers(&w), 1);
}

static void
an_observer_is_told_nothing(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_OBSERVE,
	    "10.0.0.1");

	(void)state;
	strcpy(w.front.observes, "dev");
	(void)campaign_for(&w, rel, "announce=2h");
	pass(&w, 1000);
	assert_int_equal(w.front.told, 1);
	assert_int_equal(admit_slots(&w.app), 1);
	w.front.done(w.front.done_arg, 0);
	w.front.done = NULL;
	turn(&w);
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
	assert_true(last_job(&w, &d).due <= w.loop.now +
	    w.app.conf.track.notify_ms);
	assert_int_equal(admit_slots(&w.app), 1);
}

/* --- what its silence means --- */

static void
its_time_is_the_spread_and_what_it_is_told(void **state)
{
	struct store_device a = fleet_add(&w, "a", DRIVER_TRIGGER,
	    "10.0.0.1");
	struct store_device b = fleet_add(&w, "b", DRIVER_TRIGGER,
	    "10.0.1.1");
	int64_t notify = w.app.conf.track.notify_ms, due;

	(void)state;
	w.app.conf.downloads = 1;
	w.app.conf.downloads_group = 1;
	strcpy(b.addr, "10.0.0.2");
	fleet_save(&w, &b);
	(void)campaign_for(&w, rel, "announce=10m concurrency=10");
	pass(&w, 1000);
	assert_int_equal(fleet_triggers(&w), 2); /* no slot is needed to be told */
	assert_int_equal(admit_slots(&w.app), 0);
	taken();
	assert_int_equal(last_job(&w, &a).due, w.loop.now + notify + 600000);
	pass(&w, 500000);
	assert_int_equal(last_job(&w, &b).state, JOB_NOTIFIED);
	assert_int_equal(fleet_poll(&w, &a, false, &resp), 0);
	assert_int_equal(admit_slots(&w.app), 1);
	pass(&w, 60000);
	assert_int_equal(fleet_poll(&w, &b, false, &resp), ERR_LIMIT);
	due = last_job(&w, &b).due;
	assert_true(due >= w.loop.now + resp.max_age * INT64_C(1000));
	assert_string_equal(fleet_explain(&w, "b").hold, "server-slots");
	assert_true(fleet_explain(&w, "b").until <= due);
	fleet_type(&w, &a, TRACK_IMAGE_END);
	w.loop.now += resp.max_age * INT64_C(1000);
	assert_int_equal(fleet_poll(&w, &b, false, &resp), 0);
}

static void
who_never_comes_has_failed(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "10.0.0.1");

	(void)state;
	(void)campaign_for(&w, rel, "announce=10m unreachable=100%");
	pass(&w, 1000);
	taken();
	pass(&w, 600000 + w.app.conf.track.notify_ms - 1000);
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
	pass(&w, 2000);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(last_job(&w, &d).reason, REASON_SILENCE_MANIFEST);
}

static void
a_paused_campaign_is_not_its_fault(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_TRIGGER,
	    "10.0.0.1");
	struct store_campaign c;
	struct why why;

	(void)state;
	c = campaign_for(&w, rel, "announce=1m");
	pass(&w, 1000);
	taken();
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	w.loop.now += 60000;
	assert_int_equal(fleet_poll(&w, &d, false, &resp), ERR_NOT_FOUND);
	assert_true(last_job(&w, &d).due >= w.loop.now +
	    resp.max_age * INT64_C(1000));
}

/* --- paid once --- */

static void
the_rate_is_paid_by_the_push(void **state)
{
	struct store_device a = fleet_add(&w, "a", DRIVER_TRIGGER,
	    "10.0.0.1");
	struct store_device b = fleet_add(&w, "b", DRIVER_TRIGGER,
	    "10.0.1.1");
	struct store_campaign c;
	struct run *r;
	int64_t next;

	(void)state;
	c = campaign_for(&w, rel, "announce=1h rate=6 concurrency=10");
	pass(&w, 15000);
	assert_int_equal(fleet_triggers(&w), 2);
	taken();
	assert_int_equal(fleet_poll(&w, &a, false, &resp), 0);
	pass(&w, 15000);
	assert_int_equal(runs_get(&w.app, c.id, &r), 0);
	next = r->pace.next;
	assert_true(next <= w.loop.now); /* a start would be let in now */
	assert_int_equal(fleet_poll(&w, &b, false, &resp), 0);
	assert_int_equal(r->pace.next, next);
}

/* A group that is full does not keep others of it from being told. */
static void
to_be_told_no_room_is_needed(void **state)
{
	struct store_device a = fleet_add(&w, "a", DRIVER_NONE, "10.0.0.1");

	(void)state;
	(void)fleet_add(&w, "b", DRIVER_TRIGGER, "10.0.0.2");
	w.app.conf.downloads = w.app.conf.downloads_group = 1;
	(void)campaign_for(&w, rel, "announce=1h");
	assert_int_equal(fleet_poll(&w, &a, false, &resp), 0);
	pass(&w, 1000);
	assert_int_equal(fleet_triggers(&w), 1);
}

static void
bytes_are_paid_by_who_comes(void **state)
{
	struct store_device a = fleet_add(&w, "a", DRIVER_TRIGGER,
	    "10.0.0.1");
	struct store_device b = fleet_add(&w, "b", DRIVER_TRIGGER,
	    "10.0.1.1");

	(void)state;
	w.app.conf.bytes_per_second = 100; /* 10 s an image */
	(void)campaign_for(&w, rel, "announce=1h concurrency=10");
	pass(&w, 1000);
	assert_int_equal(fleet_triggers(&w), 2);
	taken();
	assert_int_equal(fleet_poll(&w, &a, false, &resp), 0);
	assert_int_equal(fleet_poll(&w, &b, false, &resp), ERR_LIMIT);
	pass(&w, 10000);
	assert_int_equal(fleet_poll(&w, &b, false, &resp), 0);
}

/* A campaign that announces may tell more devices than it serves at once,
 * and those told do not stand in each other's way. */
static void
concurrency_is_of_those_that_fetch(void **state)
{
	struct store_device d[3];
	char ep[8];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(ep, sizeof(ep), "d%u", i);
		d[i] = fleet_add(&w, ep, DRIVER_TRIGGER, "10.0.0.1");
	}
	(void)campaign_for(&w, rel, "announce=1h concurrency=2");
	pass(&w, 1000);
	assert_int_equal(fleet_triggers(&w), 3);
	taken();
	assert_int_equal(fleet_poll(&w, &d[0], false, &resp), 0);
	assert_int_equal(fleet_poll(&w, &d[1], false, &resp), 0);
	assert_int_equal(fleet_poll(&w, &d[2], false, &resp), ERR_LIMIT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown), \
	cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
		T(the_spread_is_in_the_url),
		T(the_spread_keeps_to_the_caps),
		T(riot_is_told_nothing_and_has_its_slot_at_once),
		T(an_observer_is_told_nothing),
		T(its_time_is_the_spread_and_what_it_is_told),
		T(who_never_comes_has_failed),
		T(a_paused_campaign_is_not_its_fault),
		T(the_rate_is_paid_by_the_push),
		T(to_be_told_no_room_is_needed),
		T(bytes_are_paid_by_who_comes),
		T(concurrency_is_of_those_that_fetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
