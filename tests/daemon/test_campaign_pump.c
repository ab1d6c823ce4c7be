/*
 * The pump: how many start, when, and whose turn it is; and that waiting
 * costs nothing.
 */
#include "tests/daemon/camp.h"

#include "daemon/admit.h"
#include "daemon/res_admin.h"

static struct world w;
static struct why why;

static uint64_t
open_with(void **state, unsigned n)
{
	CAMP_OPEN(&w, state);
	w.loop.now = 1000000020000; /* a whole minute */
	w.app.conf.downloads_group = 0;
	fleet_of(&w, "d", n, DRIVER_TRIGGER);
	return released(&w, 5, "coap://fw.example/a.bin", 100000);
}

/* One turn when the timer says so; how often, until `end`. */
static unsigned
until(int64_t end, bool answers)
{
	unsigned fired = 0;

	while (w.loop.timer_at != 0 && w.loop.timer_at <= end) {
		if (w.loop.timer_at > w.loop.now)
			w.loop.now = w.loop.timer_at;
		w.loop.timer_at = 0;
		engine_due(w.app.engine);
		turn(&w);
		if (answers)
			answer_all(&w, true);
		fired++;
		assert_true(fired < 100000);
	}
	w.loop.now = end;
	return fired;
}

static uint64_t
attempts(uint64_t id)
{
	struct store_counts n;

	assert_int_equal(CS(&w, campaign_counts, id, &n), 0);
	return n.attempts;
}

/* Then its queue needs no look. */
static void
there_is_no_room_for_nobody(void **state)
{
	uint64_t rel = open_with(state, 0);
	struct store_campaign c;
	struct admission a;
	struct store_device d;
	struct run *r;
	uint64_t room;

	fleet_of(&w, "s", 3, DRIVER_NONE); /* all wait for contact */
	c = running(&w, rel, "");
	assert_int_equal(runs_get(&w.app, c.id, &r), 0);
	assert_int_equal(admit_campaign(&w.app, r, &a, &room), 0);
	assert_int_equal(a.hold, HOLD_NONE);
	assert_int_equal(room, 0);
	d = dev(&w, "s0001");
	pair_begin(&w);
	pair_end(&w, campaign_retry(&w.app, last_job(&w, &d).id, &why));
	assert_int_equal(admit_campaign(&w.app, r, &a, &room), 0);
	assert_int_equal(room, 1);
	turn(&w);
	world_close(&w);
}

static void
as_many_as_may_and_no_more(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=100% "
	    "concurrency=7");
	struct each e;
	struct job page[LIMIT_PAGE];
	size_t n = 0;

	(void)until(w.loop.now + 60000, true);
	e = jobs_of(&w, c.id);
	assert_int_equal(e.by_state[JOB_NOTIFIED], 7);
	assert_int_equal(CS(&w, job_list, c.id, 0, LIMIT_PAGE, page, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (page[i].state == JOB_NOTIFIED) {
			runs_seq(&w, page[i].device, 5);
			break;
		}
	(void)until(w.loop.now + 1000, true);
	e = jobs_of(&w, c.id);
	assert_int_equal(e.by_state[JOB_NOTIFIED], 7);
	assert_int_equal(e.by_state[JOB_DONE], 1);
	world_close(&w);
}

static void
the_rate_is_the_rate(void **state)
{
	uint64_t rel = open_with(state, 100);
	struct store_campaign c = draft(&w, rel, "", "waves=100% "
	    "concurrency=1000 rate=12");
	int64_t t0;
	unsigned fired;

	w.app.conf.track.notify_ms = 86400000;
	c = go(&w, c.id);
	t0 = w.loop.now;
	(void)until(t0 + 1, true);
	assert_int_equal(attempts(c.id), 1); /* one each 5 s, 1 s burst */
	fired = until(t0 + 60000, true);
	assert_in_range(attempts(c.id), 12, 14);
	fired += until(t0 + 180000, true);
	assert_in_range(attempts(c.id), 36, 38);
	assert_true(fired < 200);
	world_close(&w);
}

static void
the_rate_grows_with_proven_successes(void **state)
{
	uint64_t rel = open_with(state, 100), before;
	struct store_campaign c = draft(&w, rel, "", "waves=100% "
	    "concurrency=1000 rate=12 rate_factor=2 rate_step=5 rate_max=40");
	struct job page[LIMIT_PAGE];
	size_t n = 0, k = 0;

	w.app.conf.track.notify_ms = 86400000;
	c = go(&w, c.id);
	(void)until(w.loop.now + 60000, true);
	for (int step = 1; step <= 2; step++) { /* 24, then 40 and not 48 */
		n = 0;
		assert_int_equal(CS(&w, job_list, c.id, 0, LIMIT_PAGE, page,
		    &n), 0);
		for (size_t i = 0; i < n && k < (size_t)step * 5; i++)
			if (page[i].state == JOB_NOTIFIED) {
				runs_seq(&w, page[i].device, 5);
				k++;
			}
		(void)until(w.loop.now + 6000, true);
		before = attempts(c.id);
		(void)until(w.loop.now + 60000, true);
		assert_in_range(attempts(c.id) - before, step == 1 ? 23 : 39,
		    step == 1 ? 25 : 41);
	}
	world_close(&w);
}

/* A list of campaigns that are over is no way round the rate. */
static void
looking_at_others_does_not_reset_the_pace(void **state)
{
	uint64_t rel = open_with(state, 100);
	struct store_campaign c, old[100];
	struct run *r;
	int64_t t0;

	for (int i = 0; i < 100; i++) {
		old[i] = draft(&w, rel, "", "waves=100%");
		assert_int_equal(campaign_abort(&w.app, old[i].id, false,
		    &why), 0);
		turn(&w);
		old[i] = camp(&w, old[i].id);
	}
	c = running(&w, rel, "waves=100% concurrency=1000 rate=1");
	t0 = w.loop.now;
	for (int k = 0; k < 20; k++) {
		(void)until(t0 + k * 1000, true);
		for (int i = 0; i < 100; i++)
			assert_int_equal(runs_of(&w.app, &old[i], &r), 0);
		engine_due(w.app.engine);
		turn(&w);
	}
	assert_int_equal(attempts(c.id), 1);
	world_close(&w);
}

static void
a_window_opens_to_the_millisecond(void **state)
{
	uint64_t rel = open_with(state, 3);
	struct store_campaign c = running(&w, rel, "waves=100% "
	    "window=\"daily 03:00-05:00 UTC\"");
	int64_t day = w.loop.now / 86400000 * 86400000, at = day + 3 * 3600000;

	if (at <= w.loop.now)
		at += 86400000;
	assert_true(until(at - 1, true) <= 2);
	assert_int_equal(attempts(c.id), 0);
	(void)until(at, true);
	assert_int_equal(attempts(c.id), 3);
	world_close(&w);
}

/* 4 slots, two campaigns: whatever comes free goes round. */
static void
two_campaigns_share(void **state)
{
	uint64_t rel = open_with(state, 60);
	struct campaign_spec spec = {.release = rel, .by = "alice",
	    .name = "a", .policy = "waves=100%", .start = true};
	struct store_campaign a, b;
	struct job page[LIMIT_PAGE];
	char ep[16];

	for (int i = 0; i < 60; i++) {
		struct store_device d;

		snprintf(ep, sizeof(ep), "d%04d", i);
		d = dev(&w, ep);
		d.tag_count = 1;
		strcpy(d.tag[0].name, "k");
		strcpy(d.tag[0].value, i % 2 ? "odd" : "even");
		put(&w, &d);
	}
	w.app.conf.downloads = 4;
	w.app.conf.track.notify_ms = 86400000;
	strcpy(spec.select, "tag.k == \"odd\"");
	assert_int_equal(plan_it(&w, &spec, &a, &why), 0);
	strcpy(spec.name, "b");
	strcpy(spec.select, "tag.k == \"even\"");
	assert_int_equal(plan_it(&w, &spec, &b, &why), 0);
	for (int k = 0; k < 30; k++) {
		size_t n = 0;
		bool done = false;

		(void)until(w.loop.now + 60000, true);
		/* one of those that run ends: of `a` if there is any */
		for (int x = 0; x < 2 && !done; x++) {
			n = 0;
			assert_int_equal(CS(&w, job_list, x ? b.id : a.id, 0,
			    LIMIT_PAGE, page, &n), 0);
			for (size_t i = 0; i < n && !done; i++)
				if (page[i].state == JOB_NOTIFIED) {
					runs_seq(&w, page[i].device, 5);
					done = true;
				}
		}
		assert_true(done);
	}
	assert_true(attempts(a.id) + attempts(b.id) >= 30);
	assert_in_range(attempts(a.id), attempts(b.id) - 8,
	    attempts(b.id) + 8);
	world_close(&w);
}

static void
a_device_that_is_removed_gives_back_its_slot(void **state)
{
	uint64_t rel = open_with(state, 2);
	struct store_campaign c;
	struct req req = {.method = M_DELETE, .arg = {"d0000", ""}};
	struct resp resp;

	w.app.conf.downloads = 1;
	w.app.conf.track.notify_ms = 86400000;
	c = running(&w, rel, "waves=100%");
	(void)until(w.loop.now + 5000, true);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_NOTIFIED], 1);
	if (last_job(&w, &(struct store_device){.id = dev(&w, "d0000").id})
	    .state != JOB_NOTIFIED)
		req.arg[0] = "d0001";
	assert_int_equal(ask(&w, res_admin_device, &req, &resp), 0);
	turn(&w);
	(void)until(w.loop.now + 5000, true);
	assert_int_equal(jobs_of(&w, c.id).n, 1);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_NOTIFIED], 1);
	world_close(&w);
}

/* --- waiting --- */

static void
jobs_that_are_all_put_off_do_not_spin(void **state)
{
	static const struct {
		uint64_t bytes, group;
		uint32_t slots;
		unsigned most; /* timers in an hour */
	} t[] = {
		{100, 0, 0, 30}, /* 1000 s for each of them */
		{0, 100, 0, 3700}, /* its group's: one look a second */
		{0, 0, 1, 3700},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t rel = open_with(state, 400), before;
		struct store_campaign c;
		struct store_stats st;
		unsigned fired;

		for (int k = 0; k < 400; k++) { /* one network */
			char ep[16];
			struct store_device d;

			snprintf(ep, sizeof(ep), "d%04d", k);
			d = dev(&w, ep);
			strcpy(d.addr, "10.1.1.1");
			put(&w, &d);
		}
		w.app.conf.bytes_per_second = t[i].bytes;
		w.app.conf.bytes_group = t[i].group;
		w.app.conf.downloads_group = t[i].slots;
		w.app.conf.track.notify_ms = 86400000;
		c = running(&w, rel, "waves=100% concurrency=1000");
		(void)until(w.loop.now + 60000, true);
		w.app.store->ops->stats(w.app.store, &st);
		before = st.commits;
		fired = until(w.loop.now + 3600000, true);
		w.app.store->ops->stats(w.app.store, &st);
		assert_true(attempts(c.id) >= 1 && attempts(c.id) <= 6);
		if (fired > t[i].most)
			fail_msg("case %zu: %u timers, %u commits", i, fired,
			    (unsigned)(st.commits - before));
		world_close(&w);
	}
}

static void
a_paused_campaign_and_a_full_one_need_no_timer(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=100% "
	    "concurrency=3");

	w.app.conf.track.notify_ms = 10 * 86400000LL;
	(void)until(w.loop.now + 10000, true);
	assert_int_equal(attempts(c.id), 3);
	assert_true(until(w.loop.now + 3600000, true) <= 2);
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	assert_true(until(w.loop.now + 3600000, true) <= 1);
	world_close(&w);
}

/* Its time is over, its gate was met, one device takes ever so long. */
static void
an_expired_campaign_waits_for_its_last_device(void **state)
{
	uint64_t rel = open_with(state, 20);
	struct store_campaign c;
	struct job page[LIMIT_PAGE];
	size_t n = 0, k = 0;

	w.app.conf.track.notify_ms = 10 * 86400000LL;
	c = running(&w, rel, "waves=50%,100% sample=9 soak=2h expire=1h");
	(void)until(w.loop.now + 10000, true);
	assert_int_equal(CS(&w, job_list, c.id, 0, LIMIT_PAGE, page, &n), 0);
	for (size_t i = 0; i < n && k < 9; i++)
		if (page[i].state == JOB_NOTIFIED) {
			runs_seq(&w, page[i].device, 5);
			k++;
		}
	assert_true(camp(&w, c.id).wave_met != 0);
	assert_true(until(w.loop.now + 5 * 3600000, true) < 10);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_int_equal(c.wave, 1);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_CANCELLED], 10);
	world_close(&w);
}

/* --- a disk that refuses --- */

static const struct store_ops *real;
static int depth;

static int
f_begin(struct store *s)
{
	depth++;
	return real->begin(s);
}

static int
f_commit(struct store *s)
{
	if (--depth == 0) {
		real->rollback(s);
		return ERR_NOSPACE;
	}
	return real->commit(s);
}

static void
f_rollback(struct store *s)
{
	depth--;
	real->rollback(s);
}

static void
a_full_disk_is_not_asked_all_the_time(void **state)
{
	uint64_t rel = open_with(state, 40);
	struct store_campaign c = running(&w, rel, "waves=100%");
	static struct store_ops ops;
	unsigned fired;

	real = w.app.store->ops;
	ops = *real;
	ops.begin = f_begin;
	ops.commit = f_commit;
	ops.rollback = f_rollback;
	depth = 0;
	w.app.store->ops = &ops;
	fired = until(w.loop.now + 10000, true);
	assert_in_range(fired, 3, 12);
	assert_int_equal(attempts(c.id), 0);
	w.app.store->ops = real;
	w.app.health.trial = true; /* as each second's page */
	(void)until(w.loop.now + 2000, true);
	assert_int_equal(attempts(c.id), 40);
	world_close(&w);
}

/* That uploads are refused is nothing to campaigns. */
static void
a_disk_that_takes_no_uploads_slows_nobody(void **state)
{
	static const struct why full = {ERR_NOSPACE, "full"};
	uint64_t rel = open_with(state, 40);
	struct store_campaign c;

	w.app.conf.notify_rate = 10;
	health_failed(&w.app.health, HEALTH_IMAGES, &full, w.loop.now);
	c = running(&w, rel, "waves=100%");
	assert_true(until(w.loop.now + 3000, true) > 20);
	assert_true(attempts(c.id) > 20);
	world_close(&w);
}

/* --- the numbers --- */

static void
the_message_adds_up(void **state)
{
	uint64_t rel = open_with(state, 60), sum = 0, in = 0;
	struct store_campaign c = running(&w, rel, "waves=50%,100% soak=0 "
	    "sample=100 broke=100%");
	static struct msg_campaign m;
	struct job page[LIMIT_PAGE];
	size_t n = 0, k = 0;

	(void)until(w.loop.now + 10000, true);
	assert_int_equal(CS(&w, job_list, c.id, 0, LIMIT_PAGE, page, &n), 0);
	for (size_t i = 0; i < n && k < 12; i++) {
		if (page[i].state != JOB_NOTIFIED)
			continue;
		if (k++ % 3 == 0)
			breaks(&w, page[i].device, REASON_BOOT);
		else
			runs_seq(&w, page[i].device, 5);
		w.loop.now += 60000;
	}
	c = camp(&w, c.id);
	assert_int_equal(admin_msg_campaign(&w.app, &c, &m), 0);
	for (uint32_t i = 0; i < m.wave_count; i++) {
		const struct msg_wave *v = &m.waves[i];

		in += v->size;
		sum += v->fresh + v->asleep + v->active + v->done + v->other;
		sum += v->retrying;
	}
	assert_int_equal(in, 60);
	assert_int_equal(sum, 60);
	assert_int_equal(m.counts.done, 8);
	assert_int_equal(m.verdict[0].n, 60);
	assert_int_equal(m.failure_count, 1);
	assert_string_equal(m.failure[0].name, "boot");
	assert_int_equal(m.failure[0].n, 4);
	assert_true(m.per_hour > 0);
	assert_true(m.eta > w.loop.now);
	assert_true(m.eta_basis[0] != '\0');
	assert_true(m.gate[0] != '\0');
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	c = camp(&w, c.id);
	assert_int_equal(admin_msg_campaign(&w.app, &c, &m), 0);
	assert_true(m.hold[0] != '\0');
	assert_int_equal(m.eta, 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(there_is_no_room_for_nobody),
		CASE(as_many_as_may_and_no_more),
		CASE(the_rate_is_the_rate),
		CASE(the_rate_grows_with_proven_successes),
		CASE(looking_at_others_does_not_reset_the_pace),
		CASE(a_window_opens_to_the_millisecond),
		CASE(two_campaigns_share),
		CASE(a_device_that_is_removed_gives_back_its_slot),
		CASE(jobs_that_are_all_put_off_do_not_spin),
		CASE(a_paused_campaign_and_a_full_one_need_no_timer),
		CASE(an_expired_campaign_waits_for_its_last_device),
		CASE(a_full_disk_is_not_asked_all_the_time),
		CASE(a_disk_that_takes_no_uploads_slows_nobody),
		CASE(the_message_adds_up),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
