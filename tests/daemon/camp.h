/*
 * camp: what the tests of campaigns have in common, on top of fake.h: both
 * stores, fleets, devices that answer.
 */
#ifndef SUITD_TESTS_DAEMON_CAMP_H
#define SUITD_TESTS_DAEMON_CAMP_H

#define FAKE_SENT 512
#include "tests/daemon/fake.h"

/* Each case runs on both: *state is the opener. */
static inline int
camp_setup(void **state)
{
	static int (*open)(struct store **ret);
	const char *want = getenv("STORE");

	open = want != NULL && strcmp(want, "sqlite") == 0 ? fake_sqlite :
	    store_mem_open;
	*state = &open;
	return 0;
}

#define CAMP_OPEN(w, state) world_open((w), *(int (**)(struct store **))*(state))

#define CS(w, verb, ...) \
	((w)->app.store->ops->verb((w)->app.store, __VA_ARGS__))

static inline void
pair_begin(struct world *w)
{
	assert_int_equal(engine_begin(w->app.engine), 0);
}

static inline void
pair_end(struct world *w, int rc)
{
	assert_int_equal(engine_end(w->app.engine, rc), 0);
}

/* Devices PREFIX0000 .. of the world's class that run sequence 1. */
static inline void
fleet_of(struct world *w, const char *prefix, unsigned n, enum driver driver)
{
	pair_begin(w);
	for (unsigned i = 0; i < n; i++) {
		struct store_device d = {.driver = driver, .have_class = true,
		    .have_seq = true, .seq = 1, .seen = w->loop.now,
		    .created = w->loop.now};

		snprintf(d.ep, sizeof(d.ep), "%s%04u", prefix, i);
		memcpy(d.class_id, w->class_id, 16);
		if (driver == DRIVER_TRIGGER)
			snprintf(d.uri, sizeof(d.uri), "coap://10.%u.%u.1", i >> 8,
			    i & 255);
		if (CS(w, device_put, &d) != 0)
			fail_msg("device %u", i);
	}
	pair_end(w, 0);
	turn(w);
}

static inline struct store_device
dev(struct world *w, const char *ep)
{
	struct store_device d;

	assert_int_equal(CS(w, device_by_ep, ep, &d), 0);
	return d;
}

static inline void
put(struct world *w, struct store_device *d)
{
	pair_begin(w);
	pair_end(w, CS(w, device_put, d));
	turn(w);
}

/* Every device's bootloader has a key, which nobody uses. */
static inline void
attest_all(struct world *w, uint64_t last)
{
	struct store_attest a = {.key_len = 1};

	pair_begin(w);
	for (a.device = 1; a.device <= last; a.device++) {
		memcpy(a.kid, &a.device, sizeof(a.kid));
		assert_int_equal(CS(w, attest_put, &a), 0);
	}
	pair_end(w, 0);
	turn(w);
}

static inline void
drop(struct world *w, const char *ep)
{
	struct store_device d = dev(w, ep);

	pair_begin(w);
	pair_end(w, CS(w, device_remove, d.id));
	turn(w);
}

static inline struct store_campaign
camp(struct world *w, uint64_t id)
{
	struct store_campaign c;

	assert_int_equal(CS(w, campaign_get, id, &c), 0);
	return c;
}

/* Turns until no campaign has work left; how many. */
static inline unsigned
work_out(struct world *w)
{
	struct store_campaign page[LIMIT_PAGE];
	unsigned turns = 0;

	for (;; turns++) {
		size_t n = 0, busy = 0;

		assert_true(turns < 5000);
		assert_int_equal(CS(w, campaign_live, 0, LIMIT_PAGE, page, &n),
		    0);
		for (size_t i = 0; i < n; i++)
			busy += page[i].work != WORK_NONE;
		if (busy == 0)
			return turns;
		engine_due(w->app.engine);
		turn(w);
	}
}

/* Planned, not started. */
static inline int
plan_it(struct world *w, struct campaign_spec *spec, struct store_campaign *c,
    struct why *why)
{
	int rc = campaign_plan(&w->app, spec, c, why);

	turn(w);
	if (rc != 0)
		return rc;
	work_out(w);
	*c = camp(w, c->id);
	return 0;
}

static inline struct store_campaign
draft(struct world *w, uint64_t release, const char *select,
    const char *policy)
{
	struct campaign_spec spec = {.release = release, .by = "alice"};
	struct store_campaign c;
	struct why why = {0};

	snprintf(spec.select, sizeof(spec.select), "%s", select);
	snprintf(spec.policy, sizeof(spec.policy), "%s", policy);
	if (plan_it(w, &spec, &c, &why) != 0)
		fail_msg("%s: %s", err_name(why.err), why.text);
	assert_true(c.planned);
	return c;
}

static inline struct store_campaign
go(struct world *w, uint64_t id)
{
	struct why why = {0};

	if (campaign_start(&w->app, id, NULL, &why) != 0)
		fail_msg("%s: %s", err_name(why.err), why.text);
	turn(w);
	work_out(w);
	return camp(w, id);
}

static inline struct store_campaign
running(struct world *w, uint64_t release, const char *policy)
{
	struct store_campaign c = draft(w, release, "", policy);

	c = go(w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	return c;
}

/* What was sent is answered (ok), or never (not): until nothing waits. */
static inline void
answer_all(struct world *w, bool ok)
{
	for (size_t i = 0; i < w->peer.n; i++) {
		struct fake_sent *s = &w->peer.sent[i];
		struct peer_answer a = {.code = 204};
		void (*cb)(void *, const struct peer_answer *) = s->cb;

		if (cb == NULL)
			continue;
		if (strstr(s->uri, "/slot/active") != NULL)
			a = (struct peer_answer){.code = 205,
			    .payload = slice_str("0")};
		if (!ok)
			a = (struct peer_answer){.err = ERR_TIMEOUT};
		s->cb = NULL;
		cb(s->arg, &a);
		turn(w);
	}
	w->peer.n = 0;
}

static inline void
event(struct world *w, uint64_t device, const struct track_event *ev)
{
	pair_begin(w);
	pair_end(w, engine_event(w->app.engine, device, ev));
	turn(w);
}

/* The device says that it failed for good, at `fail`. */
static inline void
breaks(struct world *w, uint64_t device, enum track_reason reason)
{
	const struct track_event ev = {.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_EXECUTION, .reason = reason};

	event(w, device, &ev);
}

static inline void
runs_seq(struct world *w, uint64_t device, uint64_t seq)
{
	struct store_device d;

	assert_int_equal(CS(w, device_get, device, &d), 0);
	pair_begin(w);
	pair_end(w, engine_running(w->app.engine, &d, seq, GRADE_L1));
	turn(w);
}

struct each {
	uint64_t campaign;
	uint64_t n, by_wave[STORE_WAVES + 1], by_state[JOB_STATES];
};

static inline struct each
jobs_of(struct world *w, uint64_t campaign)
{
	struct each e = {.campaign = campaign};
	struct job page[LIMIT_PAGE];
	uint64_t after = 0;
	size_t n = LIMIT_PAGE;

	while (n == LIMIT_PAGE) {
		n = 0;
		assert_int_equal(CS(w, job_list, campaign, after, LIMIT_PAGE,
		    page, &n), 0);
		for (size_t i = 0; i < n; i++) {
			after = page[i].id;
			e.n++;
			e.by_wave[page[i].wave]++;
			e.by_state[page[i].state]++;
		}
	}
	return e;
}

/* The same cases once more, on SQLite. */
static inline int
camp_run(const struct CMUnitTest *t, size_t n)
{
	int failed;

	unsetenv("STORE");
	failed = _cmocka_run_group_tests("memory", t, n, NULL, NULL);
	setenv("STORE", "sqlite", 1);
	return failed + _cmocka_run_group_tests("sqlite", t, n, NULL, NULL);
}
#define CASE(f) cmocka_unit_test_setup(f, camp_setup)

#endif
