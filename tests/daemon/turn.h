/*
 * turn: a job in every state, under every hold: one line for each of both.
 * What it means is asked by test_res_turn.c (all of it) and test_res_poll.c.
 */
#ifndef SUITD_TESTS_DAEMON_TURN_H
#define SUITD_TESTS_DAEMON_TURN_H

#include "tests/daemon/fleet.h"

#define T0 INT64_C(1770000000000) /* a Monday, 02:40 UTC */

static struct world w;
static struct resp resp;

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

#define HOLD_ROWS (sizeof(holds) / sizeof(holds[0]))

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

/* By their names; `hold` NULL: nothing holds. */
static inline void
stage_named(const char *state, const char *hold)
{
	const struct hold_row *h = holds;
	const struct state *s = states;

	while (strcmp(s->name, state) != 0)
		s++;
	while (hold != NULL && (h->name == NULL || strcmp(h->name, hold) != 0))
		h++;
	stage(s, h);
}

#endif
