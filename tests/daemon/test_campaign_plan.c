/*
 * Plans: every device with its verdict, waves by the rules, one digest; what
 * is started is what was planned, or nothing, and what differs is told.
 */
#include "tests/daemon/camp.h"

static struct world w;

#define URI "coap://fw.example/a.bin"

static uint64_t
open_with(void **state, unsigned n, enum driver driver)
{
	CAMP_OPEN(&w, state);
	w.loop.now = 1000000000000;
	fleet_of(&w, "d", n, driver);
	return released(&w, 5, URI, 100);
}

/* Entries of the stored plan: by wave, and by verdict. */
static uint64_t
stored(uint64_t id, uint64_t by_wave[STORE_WAVES + 1],
    uint64_t by_verdict[PLAN_VERDICTS])
{
	static struct plan_entry e[PLAN_PART_ENTRIES];
	uint64_t all = 0, part = 0, last = 0;
	size_t n;

	memset(by_wave, 0, (STORE_WAVES + 1) * sizeof(*by_wave));
	memset(by_verdict, 0, PLAN_VERDICTS * sizeof(*by_verdict));
	while (campaign_plan_part(&w.app, id, part++, e, &n) == 0) {
		for (size_t i = 0; i < n; i++, all++) {
			assert_true(e[i].device >= last);
			last = e[i].device;
			by_wave[e[i].wave]++;
			by_verdict[e[i].verdict]++;
		}
	}
	return all;
}

/* --- the plan --- */

static void
job_for(const char *ep, uint64_t release, enum track_reason reason)
{
	const struct track_event no = {.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = FAIL_POLICY, .reason = reason};
	struct store_device d = dev(&w, ep);
	struct store_release r;

	assert_int_equal(CS(&w, release_get, release, &r), 0);
	pair_begin(&w);
	assert_int_equal(engine_job_new(w.app.engine, &d, &r, NULL), 0);
	if (reason != REASON_NONE)
		assert_int_equal(engine_event(w.app.engine, d.id, &no), 0);
	pair_end(&w, 0);
	turn(&w);
}

static void
each_verdict_is_counted(void **state)
{
	uint64_t rel = open_with(state, 12, DRIVER_NONE), old, other;
	struct slice ep[12];
	char name[12][16];
	struct campaign_spec spec = {.release = rel, .source = SOURCE_LIST,
	    .ep = ep, .ep_count = 12, .by = "alice",
	    .policy = "silent=7d credential=yes from=1"};
	struct store_device d;
	struct store_campaign c, hold;
	struct why why = {0};
	uint64_t wave[STORE_WAVES + 1], verdict[PLAN_VERDICTS];

	for (int i = 0; i < 12; i++) {
		snprintf(name[i], 16, "d%04d", i);
		ep[i] = slice_str(name[i]);
		d = dev(&w, name[i]);
		d.have_psk = i != 5;
		d.seq = i == 1 ? 5 : i == 2 ? 6 : i == 4 ? 0 : 1;
		d.have_class = i != 11;
		if (i == 3)
			memset(d.class_id, 9, 16);
		d.revoked = i == 6;
		if (i == 7)
			d.created = d.seen = w.loop.now - 8 * 86400000LL;
		put(&w, &d);
	}
	old = released(&w, 6, "coap://fw.example/b.bin", 100);
	other = released(&w, 7, "coap://fw.example/c.bin", 100);
	(void)old;
	hold = draft(&w, other, "ep == \"d0008\"", "");
	(void)go(&w, hold.id);
	job_for("d0009", rel, REASON_DECLINED);
	ep[10] = slice_str("nobody");
	assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	assert_int_equal(c.verdict[PLAN_UPDATE], 1);
	assert_int_equal(c.verdict[PLAN_THERE], 1);
	assert_int_equal(c.verdict[PLAN_NEWER], 1);
	assert_int_equal(c.verdict[PLAN_CLASS], 1);
	assert_int_equal(c.verdict[PLAN_NO_CLASS], 1);
	assert_int_equal(c.verdict[PLAN_FROM], 1);
	assert_int_equal(c.verdict[PLAN_CREDENTIAL], 1);
	assert_int_equal(c.verdict[PLAN_REVOKED], 1);
	assert_int_equal(c.verdict[PLAN_SILENT], 1);
	assert_int_equal(c.verdict[PLAN_HELD], 1);
	assert_int_equal(c.verdict[PLAN_DECLINED], 1);
	assert_int_equal(c.verdict[PLAN_UNKNOWN], 1);
	assert_int_equal(stored(c.id, wave, verdict), 12);
	for (int v = 0; v < PLAN_VERDICTS; v++)
		assert_int_equal(verdict[v], c.verdict[v]);
	assert_int_equal(wave[0], 11);
	world_close(&w);
}

static void
waves_are_cut_by_the_rules(void **state)
{
	static const struct {
		unsigned n, waves;
		uint64_t size[4];
	} t[] = {
		{1, 1, {1}}, {10, 1, {10}}, {11, 2, {10, 1}},
		{25, 3, {10, 3, 12}}, {1000, 4, {10, 90, 400, 500}},
		{5000, 4, {50, 450, 2000, 2500}},
	};
	uint64_t rel, wave[STORE_WAVES + 1], verdict[PLAN_VERDICTS];
	unsigned have = 0;
	char p[8];

	rel = open_with(state, 0, DRIVER_NONE);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct store_campaign c;

		snprintf(p, sizeof(p), "f%zu-", i);
		fleet_of(&w, p, t[i].n - have, DRIVER_NONE);
		have = t[i].n;
		c = draft(&w, rel, "", "");
		assert_int_equal(c.wave_count, t[i].waves);
		assert_int_equal(stored(c.id, wave, verdict), t[i].n);
		for (unsigned k = 0; k < t[i].waves; k++) {
			assert_int_equal(c.waves[k].size, t[i].size[k]);
			assert_int_equal(wave[k + 1], t[i].size[k]);
		}
	}
	world_close(&w);
}

static void
the_same_fleet_has_the_same_digest_and_names_have_canaries(void **state)
{
	uint64_t rel = open_with(state, 300, DRIVER_NONE);
	struct campaign_spec spec = {.release = rel, .by = "alice"};
	static struct plan_entry a[PLAN_PART_ENTRIES], b[PLAN_PART_ENTRIES];
	struct store_campaign one, two, three;
	struct why why = {0};
	size_t n, same = 0;

	one = draft(&w, rel, "", "");
	assert_int_equal(campaign_plan_part(&w.app, one.id, 0, a, &n), 0);
	two = draft(&w, rel, "", "");
	assert_memory_equal(one.plan, two.plan, 32);
	/* it took the place of the first one */
	assert_int_equal(CS(&w, campaign_get, one.id, &one), ERR_NOT_FOUND);
	strcpy(spec.name, "other");
	assert_int_equal(plan_it(&w, &spec, &three, &why), 0);
	assert_memory_not_equal(two.plan, three.plan, 32);
	assert_int_equal(CS(&w, campaign_get, two.id, &two), 0);
	assert_int_equal(campaign_plan_part(&w.app, three.id, 0, b, &n), 0);
	assert_int_equal(n, 300);
	for (size_t i = 0; i < n; i++)
		same += a[i].wave == 1 && b[i].wave == 1;
	assert_true(same < 6); /* of 10 */
	world_close(&w);
}

static void
live_campaigns_have_a_limit(void **state)
{
	uint64_t rel = open_with(state, 3, DRIVER_NONE);
	struct campaign_spec spec = {.release = rel, .by = "alice"};
	struct store_campaign c;
	struct why why = {0};

	for (int i = 0; i < LIMIT_CAMPAIGNS_LIVE; i++) {
		snprintf(spec.name, sizeof(spec.name), "c%d", i);
		assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	}
	strcpy(spec.name, "more");
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_LIMIT);
	strcpy(spec.name, "c5"); /* takes the place of its draft */
	assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	strcpy(spec.name, "more");
	assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	world_close(&w);
}

static void
a_wrong_selection_points_at_its_column(void **state)
{
	uint64_t rel = open_with(state, 3, DRIVER_NONE);
	struct campaign_spec spec = {.release = rel,
	    .select = "seq < 7 && bogus == 1"};
	struct store_campaign c;
	struct why why = {0};

	assert_int_not_equal(plan_it(&w, &spec, &c, &why), 0);
	assert_non_null(strstr(why.text, "12"));
	strcpy(spec.select, "");
	strcpy(spec.policy, "soak=1h bogus=1");
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_NOT_FOUND);
	strcpy(spec.policy, "on_failure=rollback rollback=99");
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_NOT_FOUND);
	snprintf(spec.policy, sizeof(spec.policy), "on_failure=rollback "
	    "rollback=%u", (unsigned)rel); /* not above itself */
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_SEQUENCE);
	spec.policy[0] = '\0';
	spec.release = 77;
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_NOT_FOUND);
	spec.release = rel;
	spec.source = SOURCE_CAMPAIGN;
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_NOT_FOUND);
	world_close(&w);
}

/* --- slices --- */

static void
many_parts_are_planned_over_turns(void **state)
{
	uint64_t rel = open_with(state, 7000, DRIVER_NONE);
	uint64_t wave[STORE_WAVES + 1], verdict[PLAN_VERDICTS];
	struct campaign_spec spec = {.release = rel, .by = "alice"};
	struct store_campaign c, again;
	struct why why = {0};

	/* a commit fails in the middle, then the daemon dies */
	pair_begin(&w);
	pair_end(&w, 0);
	assert_int_equal(campaign_plan(&w.app, &spec, &c, &why), 0);
	turn(&w);
	work_out(&w);
	c = camp(&w, c.id);
	assert_int_equal(stored(c.id, wave, verdict), 7000);
	assert_int_equal(c.verdict[PLAN_UPDATE], 7000);
	/* the same in one go and in pieces */
	pair_begin(&w);
	again = c;
	again.planned = false;
	again.work = WORK_PLAN;
	pair_end(&w, CS(&w, campaign_save, &again));
	turn(&w);
	engine_due(w.app.engine);
	turn(&w);
	world_kill(&w);
	engine_due(w.app.engine);
	turn(&w);
	drop(&w, "d6999"); /* not looked at yet */
	planner_reset(w.app.campaigns); /* as a failed commit does */
	work_out(&w);
	again = camp(&w, c.id);
	assert_int_equal(again.verdict[PLAN_UPDATE], 6999);
	assert_int_equal(stored(c.id, wave, verdict), 6999);
	assert_memory_not_equal(again.plan, c.plan, 32);
	world_close(&w);
}

static void
a_plan_that_shrinks_by_a_part_can_be_started(void **state)
{
	uint64_t rel = open_with(state, 6600, DRIVER_NONE);
	struct store_campaign c = draft(&w, rel, "", "waves=100%");
	char ep[16];

	for (int i = 0; i < 100; i++) {
		snprintf(ep, sizeof(ep), "d%04d", i * 50);
		drop(&w, ep);
	}
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_DRAFT);
	assert_false(c.start);
	assert_int_equal(c.verdict[PLAN_UPDATE], 6500);
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_int_equal(jobs_of(&w, c.id).n, 6500);
	world_close(&w);
}

/* Killed at every turn of plan and start. */
static void
a_kill_anywhere_changes_nothing(void **state)
{
	uint64_t rel = open_with(state, 700, DRIVER_NONE);
	struct store_campaign c = draft(&w, rel, "", "waves=10%,100%");
	uint8_t plan[32];
	struct why why = {0};
	struct each e;
	int turns = 0;

	memcpy(plan, c.plan, 32);
	pair_begin(&w);
	c.start = true;
	c.work = WORK_PLAN;
	pair_end(&w, CS(&w, campaign_save, &c));
	turn(&w);
	while (c.work != WORK_NONE || c.state == CAMPAIGN_DRAFT) {
		assert_true(++turns < 100);
		engine_due(w.app.engine);
		turn(&w);
		if (turns % 3 == 0 || c.work == WORK_START)
			world_kill(&w);
		c = camp(&w, c.id);
	}
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_memory_equal(c.plan, plan, 32);
	e = jobs_of(&w, c.id);
	assert_int_equal(e.n, 700);
	assert_int_equal(e.by_wave[1], 70);
	assert_int_equal(c.wave, 1);
	/* and cancelled the same way */
	pair_begin(&w);
	pair_end(&w, CS(&w, campaign_get, c.id, &c));
	turn(&w);
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	world_kill(&w);
	work_out(&w);
	e = jobs_of(&w, c.id);
	assert_int_equal(e.by_state[JOB_CANCELLED], 700);
	world_close(&w);
}

/* Its rows were undone: nothing of it may be gone on with. */
static void
a_plan_that_was_undone_is_forgotten(void **state)
{
	uint64_t rel = open_with(state, 13000, DRIVER_NONE);
	struct campaign_spec spec = {.release = rel, .by = "alice"};
	struct store_campaign a, b;
	struct why why = {0};

	pair_begin(&w);
	strcpy(spec.select, "ep == \"d0001\"");
	assert_int_equal(campaign_plan(&w.app, &spec, &a, &why), 0);
	assert_int_equal(engine_end(w.app.engine, ERR_POLICY), ERR_POLICY);
	pair_begin(&w);
	strcpy(spec.select, "");
	assert_int_equal(campaign_plan(&w.app, &spec, &b, &why), 0);
	pair_end(&w, 0);
	turn(&w);
	work_out(&w);
	b = camp(&w, b.id);
	assert_int_equal(b.verdict[PLAN_UPDATE], 13000);
	/* a start that was undone in the middle, and another one later */
	pair_begin(&w);
	assert_int_equal(campaign_start(&w.app, b.id, NULL, &why), 0);
	assert_int_equal(engine_end(w.app.engine, ERR_POLICY), ERR_POLICY);
	turn(&w);
	drop(&w, "d0000");
	b = go(&w, b.id);
	assert_int_equal(b.state, CAMPAIGN_DRAFT);
	assert_int_equal(b.verdict[PLAN_UPDATE], 12999);
	world_close(&w);
}

/* --- commits that fail and kills, at random --- */

static const struct store_ops *real;
static int depth;
static uint64_t luck;
static bool faulty;

static int
f_begin(struct store *s)
{
	depth++;
	return real->begin(s);
}

static int
f_commit(struct store *s)
{
	if (--depth == 0 && faulty && backoff_rand(&luck) % 3 == 0) {
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
stumble(uint64_t id, bool (*over)(const struct store_campaign *c))
{
	for (int turns = 0; turns < 400; turns++) {
		struct store_campaign c = camp(&w, id);

		if (over(&c))
			return;
		engine_due(w.app.engine);
		turn(&w);
		if (backoff_rand(&luck) % 8 == 0) {
			depth = 0; /* the daemon's own rollback is no commit */
			world_kill(&w);
		}
	}
	fail_msg("it does not end");
}

static bool
is_running(const struct store_campaign *c)
{
	return c->state == CAMPAIGN_RUNNING && c->work == WORK_NONE;
}

static bool
is_idle(const struct store_campaign *c)
{
	return c->work == WORK_NONE;
}

static void
faults_of_any_kind_end_right(void **state)
{
	static struct store_ops ops;
	struct why why = {0};

	for (uint64_t seed = 1; seed <= 8; seed++) {
		uint64_t rel = open_with(state, 5000,
		    DRIVER_NONE);
		struct store_campaign c = draft(&w, rel, "", "");
		uint8_t plan[32];
		struct each e;
		int rc = -1;

		memcpy(plan, c.plan, 32);
		luck = seed;
		real = w.app.store->ops;
		ops = *real;
		ops.begin = f_begin;
		ops.commit = f_commit;
		ops.rollback = f_rollback;
		w.app.store->ops = &ops;
		depth = 0;
		while (!camp(&w, c.id).start) {
			rc = campaign_start(&w.app, c.id, plan, &why);
			assert_int_equal(rc, 0);
			turn(&w);
		}
		faulty = true;
		stumble(c.id, is_running);
		faulty = false;
		c = camp(&w, c.id);
		assert_memory_equal(c.plan, plan, 32);
		e = jobs_of(&w, c.id);
		assert_int_equal(e.n, 5000);
		for (uint32_t i = 0; i < c.wave_count; i++)
			assert_int_equal(e.by_wave[i + 1], c.waves[i].size);
		assert_int_equal(c.verdict[PLAN_UPDATE], 5000);
		assert_int_equal(campaign_abort(&w.app, c.id, false, &why),
		    0);
		turn(&w);
		faulty = true;
		stumble(c.id, is_idle);
		faulty = false;
		assert_int_equal(jobs_of(&w, c.id).by_state[JOB_CANCELLED],
		    5000);
		w.app.store->ops = real;
		world_close(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_verdict_is_counted),
		CASE(waves_are_cut_by_the_rules),
		CASE(the_same_fleet_has_the_same_digest_and_names_have_canaries),
		CASE(live_campaigns_have_a_limit),
		CASE(a_wrong_selection_points_at_its_column),
		CASE(many_parts_are_planned_over_turns),
		CASE(a_plan_that_shrinks_by_a_part_can_be_started),
		CASE(a_kill_anywhere_changes_nothing),
		CASE(a_plan_that_was_undone_is_forgotten),
		CASE(faults_of_any_kind_end_right),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
