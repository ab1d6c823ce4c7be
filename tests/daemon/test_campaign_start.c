/*
 * Starting exactly what was planned, the second operator's approval, lists
 * and other campaigns' devices, and devices that come later.
 */
#include "tests/daemon/camp.h"

static struct world w;
static struct why why;

static uint64_t
open_with(void **state, unsigned n)
{
	CAMP_OPEN(&w, state);
	w.loop.now = 1000000000000;
	fleet_of(&w, "d", n, DRIVER_NONE);
	return released(&w, 5, "coap://fw.example/a.bin", 100);
}

/* The change of a device in the last refused start; NULL: none. */
static const struct plan_change *
change_of(uint64_t id, uint64_t device)
{
	size_t n;
	const struct plan_change *k = campaign_diff(&w.app, id, &n);

	for (size_t i = 0; i < n; i++)
		if (k[i].device == device)
			return &k[i];
	return NULL;
}

static size_t
changes(uint64_t id)
{
	size_t n;

	(void)campaign_diff(&w.app, id, &n);
	return n;
}

static void
what_was_planned_is_started_and_nobody_twice(void **state)
{
	uint64_t rel = open_with(state, 25);
	struct store_campaign c = draft(&w, rel, "", "");
	struct each e;
	struct store_device d = dev(&w, "d0003");
	struct job j;

	assert_int_equal(campaign_start(&w.app, c.id, c.plan, &why), 0);
	turn(&w);
	c = camp(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_int_equal(c.wave, 1);
	assert_int_equal(changes(c.id), 0);
	e = jobs_of(&w, c.id);
	assert_int_equal(e.n, 25);
	assert_int_equal(e.by_wave[1], 10);
	assert_int_equal(e.by_wave[2], 3);
	assert_int_equal(e.by_wave[3], 12);
	assert_int_equal(CS(&w, job_live, d.id, &j), 0);
	assert_int_equal(campaign_start(&w.app, c.id, NULL, &why), ERR_STATE);
	turn(&w);
	work_out(&w);
	assert_int_equal(jobs_of(&w, c.id).n, 25);
	world_close(&w);
}

/* --- the fleet changes --- */

static void
updates_itself(void)
{
	runs_seq(&w, dev(&w, "d0003").id, 5);
}

static void
is_removed(void)
{
	drop(&w, "d0003");
}

static void
is_added(void)
{
	fleet_of(&w, "e", 1, DRIVER_NONE);
}

static void
is_tagged(void)
{
	struct store_device d = dev(&w, "d0003");

	d.tag_count = 1;
	strcpy(d.tag[0].name, "site");
	strcpy(d.tag[0].value, "south");
	put(&w, &d);
}

static void
is_held(void)
{
	uint64_t newer = released(&w, 9, "coap://fw.example/z.bin", 100);
	struct store_campaign c = draft(&w, newer, "ep == \"d0003\"", "");

	(void)go(&w, c.id);
}

static void
a_changed_fleet_is_not_started(void **state)
{
	static const struct {
		void (*fn)(void);
		const char *ep;
		int was, is; /* -1: not there */
	} t[] = {
		{updates_itself, "d0003", PLAN_UPDATE, PLAN_THERE},
		{is_removed, "", PLAN_UPDATE, -1},
		{is_added, "e0000", -1, PLAN_UPDATE},
		{is_tagged, "d0003", PLAN_UPDATE, -1},
		{is_held, "d0003", PLAN_UPDATE, PLAN_HELD},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t rel = open_with(state, 8), id;
		struct store_campaign c = draft(&w, rel,
		    "not tag.site == \"south\"", "waves=100%");
		const struct plan_change *k;
		uint8_t plan[32];

		memcpy(plan, c.plan, 32);
		id = dev(&w, "d0003").id;
		t[i].fn();
		if (t[i].ep[0] != '\0')
			id = dev(&w, t[i].ep).id;
		c = go(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_DRAFT);
		assert_true(c.planned);
		assert_false(c.start);
		assert_true(c.cause[0] != '\0');
		assert_int_equal(jobs_of(&w, c.id).n, 0);
		assert_memory_not_equal(c.plan, plan, 32);
		assert_int_equal(changes(c.id), 1);
		k = change_of(c.id, id);
		assert_non_null(k);
		assert_int_equal(k->was_there, t[i].was >= 0);
		assert_int_equal(k->is_there, t[i].is >= 0);
		if (k->was_there)
			assert_int_equal(k->verdict_was, t[i].was);
		if (k->is_there)
			assert_int_equal(k->verdict, t[i].is);
		/* the old plan cannot be started, the new one can */
		assert_int_equal(campaign_start(&w.app, c.id, plan, &why),
		    ERR_CONFLICT);
		assert_int_equal(campaign_start(&w.app, c.id, c.plan, &why),
		    0);
		turn(&w);
		c = camp(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_RUNNING);
		assert_int_equal(jobs_of(&w, c.id).n, c.verdict[PLAN_UPDATE]);
		world_close(&w);
	}
}

static void
changes_of_one_start_are_not_another_ones(void **state)
{
	uint64_t rel = open_with(state, 8);
	struct campaign_spec spec = {.release = rel, .by = "alice",
	    .name = "one", .select = "ep == \"d0001\" || ep == \"d0002\""};
	struct store_campaign a, b;

	assert_int_equal(plan_it(&w, &spec, &a, &why), 0);
	strcpy(spec.name, "two");
	strcpy(spec.select, "ep == \"d0003\" || ep == \"d0004\"");
	assert_int_equal(plan_it(&w, &spec, &b, &why), 0);
	drop(&w, "d0001");
	drop(&w, "d0003");
	(void)go(&w, a.id);
	assert_int_equal(changes(a.id), 1);
	(void)go(&w, b.id);
	assert_int_equal(changes(b.id), 1);
	assert_int_equal(changes(a.id), 0);
	world_close(&w);
}

/* A crash while the new plan is written: neither half a plan nor a start. */
static void
a_refused_start_survives_a_kill(void **state)
{
	uint64_t rel = open_with(state, 30000);
	struct store_campaign c = draft(&w, rel, "", "waves=100%");
	char ep[16];
	int turns = 0;

	for (int i = 0; i < 30; i++) {
		snprintf(ep, sizeof(ep), "d%04d", i);
		drop(&w, ep);
	}
	assert_int_equal(campaign_start(&w.app, c.id, c.plan, &why), 0);
	turn(&w);
	do { /* until the old plan is given up */
		assert_true(++turns < 30);
		engine_due(w.app.engine);
		turn(&w);
		c = camp(&w, c.id);
	} while (c.planned);
	assert_int_equal(changes(c.id), 30);
	engine_due(w.app.engine);
	turn(&w);
	world_kill(&w);
	work_out(&w);
	c = camp(&w, c.id);
	assert_true(c.planned);
	assert_false(c.start);
	assert_int_equal(c.state, CAMPAIGN_DRAFT);
	assert_true(c.cause[0] != '\0');
	assert_int_equal(c.verdict[PLAN_UPDATE], 29970);
	world_close(&w);
}

/* Between the last look and the jobs there are turns, in a large fleet. */
static void
who_moves_while_jobs_are_made_is_not_counted(void **state)
{
	uint64_t rel = open_with(state, 1000), size = 0;
	struct store_campaign c = draft(&w, rel, "", "waves=100%");
	struct store_device d;

	assert_int_equal(campaign_start(&w.app, c.id, c.plan, &why), 0);
	turn(&w);
	while (camp(&w, c.id).work != WORK_START) {
		engine_due(w.app.engine);
		turn(&w);
	}
	drop(&w, "d0999");
	runs_seq(&w, dev(&w, "d0998").id, 5);
	d = dev(&w, "d0997");
	d.revoked = true;
	put(&w, &d);
	work_out(&w);
	c = camp(&w, c.id);
	assert_int_equal(jobs_of(&w, c.id).n, 997);
	assert_int_equal(c.verdict[PLAN_UPDATE], 997);
	assert_int_equal(c.verdict[PLAN_THERE], 1);
	assert_int_equal(c.verdict[PLAN_REVOKED], 1);
	for (size_t i = 0; i < STORE_WAVES; i++)
		size += c.waves[i].size;
	assert_int_equal(size, 997);
	world_close(&w);
}

static void
nothing_to_do_is_not_started(void **state)
{
	uint64_t rel = open_with(state, 3);
	struct campaign_spec spec = {.release = rel, .start = true,
	    .select = "seq == 77", .by = "alice"};
	struct store_campaign c = draft(&w, rel, "seq == 77", "");

	assert_int_equal(campaign_start(&w.app, c.id, NULL, &why), ERR_STATE);
	assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	assert_int_equal(c.state, CAMPAIGN_DRAFT);
	assert_false(c.start);
	assert_true(c.cause[0] != '\0');
	world_close(&w);
}

/* --- sources --- */

static void
a_list_may_have_unknown_and_double_names(void **state)
{
	uint64_t rel = open_with(state, 5);
	struct slice ep[6] = {slice_str("d0002"), slice_str("d0001"),
	    slice_str("d0002"), slice_str("x"), slice_str("y"),
	    slice_of("d\0z", 3)};
	struct campaign_spec spec = {.release = rel, .source = SOURCE_LIST,
	    .ep = ep, .ep_count = 6, .by = "alice"};
	struct store_campaign c;
	uint64_t gone;

	assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	assert_int_equal(c.verdict[PLAN_UPDATE], 2);
	assert_int_equal(c.verdict[PLAN_UNKNOWN], 3);
	gone = dev(&w, "d0001").id;
	drop(&w, "d0001");
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_DRAFT);
	assert_int_equal(changes(c.id), 1);
	assert_int_equal(change_of(c.id, gone)->verdict, PLAN_UNKNOWN);
	assert_int_equal(change_of(c.id, gone)->verdict_was, PLAN_UPDATE);
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_int_equal(jobs_of(&w, c.id).n, 1);
	world_close(&w);
}

static void
a_list_has_a_limit(void **state)
{
	uint64_t rel = open_with(state, 1);
	static struct slice ep[1001];
	struct campaign_spec spec = {.release = rel, .source = SOURCE_LIST,
	    .ep = ep, .ep_count = 1000, .by = "alice"};
	struct store_campaign c;

	for (size_t i = 0; i < 1001; i++)
		ep[i] = slice_str("d0000");
	assert_int_equal(plan_it(&w, &spec, &c, &why), 0);
	assert_int_equal(c.verdict[PLAN_UPDATE], 1);
	spec.ep_count = 1001;
	assert_int_equal(plan_it(&w, &spec, &c, &why), ERR_SIZE);
	world_close(&w);
}

/* --- approval --- */

static void
a_second_operator_approves(void **state)
{
	for (int by_conf = 0; by_conf < 2; by_conf++) {
		uint64_t rel = open_with(state, 25);
		struct store_campaign c;
		uint8_t old[32];

		w.app.conf.campaign_approval = by_conf;
		c = draft(&w, rel, "", by_conf ? "approval=no" :
		    "approval=yes");
		assert_int_equal(campaign_approve(&w.app, c.id, c.plan,
		    "alice", &why), ERR_FORBIDDEN);
		assert_int_equal(campaign_approve(&w.app, c.id, c.plan,
		    NULL, &why), ERR_FORBIDDEN);
		c = go(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_DRAFT);
		assert_true(c.start);
		pass(&w, 3600000);
		assert_int_equal(camp(&w, c.id).state, CAMPAIGN_DRAFT);
		memset(old, 7, 32);
		assert_int_equal(campaign_approve(&w.app, c.id, old, "bob",
		    &why), ERR_CONFLICT);
		/* the fleet changes: what bob says yes to is not there */
		drop(&w, "d0001");
		memcpy(old, c.plan, 32);
		assert_int_equal(campaign_approve(&w.app, c.id, old, "bob",
		    &why), 0);
		turn(&w);
		work_out(&w);
		c = camp(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_DRAFT);
		assert_string_equal(c.approved, "");
		assert_false(c.start);
		c = go(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_DRAFT);
		assert_int_equal(campaign_approve(&w.app, c.id, c.plan, "bob",
		    &why), 0);
		turn(&w);
		work_out(&w);
		c = camp(&w, c.id);
		assert_int_equal(c.state, CAMPAIGN_RUNNING);
		assert_string_equal(c.approved, "bob");
		world_close(&w);
	}
}

static void
approval_before_the_start_counts_as_well(void **state)
{
	uint64_t rel = open_with(state, 25);
	struct store_campaign c = draft(&w, rel, "", "approval=yes");

	/* of admin.psk: by then nobody else is an operator here */
	assert_int_equal(campaign_approve(&w.app, c.id, c.plan, "admin",
	    &why), 0);
	turn(&w);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_DRAFT);
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	world_close(&w);
}

/* --- later devices --- */

static void
joins(const char *ep)
{
	struct store_device d = dev(&w, ep);

	pair_begin(&w);
	pair_end(&w, campaign_join(&w.app, &d));
	turn(&w);
}

static void
a_continuous_campaign_takes_in_later_matches(void **state)
{
	uint64_t rel = open_with(state, 20), before;
	struct store_campaign c = draft(&w, rel, "", "continuous=yes "
	    "waves=50%,100%");
	struct store_device d;
	struct store_release r;
	struct job j;
	uint64_t size = 0;

	c = go(&w, c.id);
	before = jobs_of(&w, c.id).n;
	assert_int_equal(before, 20);
	fleet_of(&w, "n", 12, DRIVER_NONE);
	for (int i = 0; i < 10; i++) {
		char ep[16];

		snprintf(ep, sizeof(ep), "n%04d", i);
		joins(ep);
		joins(ep); /* twice is once */
	}
	c = camp(&w, c.id);
	assert_int_equal(jobs_of(&w, c.id).n, 30);
	for (size_t i = 0; i < STORE_WAVES; i++) {
		size += c.waves[i].size;
		assert_int_equal(jobs_of(&w, c.id).by_wave[i + 1 > 8 ? 0 :
		    i + 1], c.waves[i].size);
	}
	assert_int_equal(size, 30);
	assert_true(c.waves[0].size > 10 && c.waves[1].size > 10);
	/* while it is paused, too */
	assert_int_equal(campaign_pause(&w.app, c.id, &why), 0);
	turn(&w);
	joins("n0010");
	assert_int_equal(jobs_of(&w, c.id).n, 31);
	/* one that has begun by itself gets its order */
	d = dev(&w, "n0011");
	assert_int_equal(CS(&w, release_get, rel, &r), 0);
	pair_begin(&w);
	pair_end(&w, engine_job_new(w.app.engine, &d, &r, NULL));
	turn(&w);
	joins("n0011");
	assert_int_equal(CS(&w, job_live, d.id, &j), 0);
	assert_int_equal(j.campaign, c.id);
	world_close(&w);
}

static void
it_may_begin_with_nobody(void **state)
{
	uint64_t rel = open_with(state, 0);
	struct store_campaign c = draft(&w, rel, "", "continuous=yes");

	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	fleet_of(&w, "n", 1, DRIVER_NONE);
	joins("n0000");
	c = camp(&w, c.id);
	assert_int_equal(c.wave, 1);
	assert_int_equal(c.waves[0].size, 1);
	runs_seq(&w, dev(&w, "n0000").id, 5);
	assert_int_equal(camp(&w, c.id).state, CAMPAIGN_RUNNING);
	world_close(&w);
}

/* --- trouble --- */

static int
no_plan(struct store *s, uint64_t campaign, uint64_t part, struct buf *out)
{
	(void)s;
	(void)campaign;
	(void)part;
	(void)out;
	return ERR_CORRUPT;
}

static void
work_that_fails_is_tried_again_later_and_holds_up_nobody(void **state)
{
	uint64_t rel = open_with(state, 2000);
	struct store_campaign bad = draft(&w, rel, "", "");
	static struct store_ops ops;
	const struct store_ops *real = w.app.store->ops;
	int fired = 0;

	pair_begin(&w);
	bad.work = WORK_START;
	pair_end(&w, real->campaign_save(w.app.store, &bad));
	engine_wake(w.app.engine);
	turn(&w);
	ops = *real;
	ops.plan_get = no_plan;
	w.app.store->ops = &ops;
	for (int64_t end = w.loop.now + 60000; w.loop.timer_at != 0 &&
	    w.loop.timer_at <= end; fired++) {
		assert_true(fired < 20);
		if (w.loop.timer_at > w.loop.now)
			w.loop.now = w.loop.timer_at;
		engine_due(w.app.engine);
		turn(&w);
	}
	assert_true(fired >= 5);
	w.app.store->ops = real;
	pass(&w, 20000);
	work_out(&w);
	assert_int_equal(camp(&w, bad.id).state, CAMPAIGN_RUNNING);
	world_close(&w);
}

/* The configuration has changed, and the daemon was started again. */
static void
a_class_alias_that_has_gone_does_not_kill_a_campaign(void **state)
{
	uint64_t rel = open_with(state, 4);
	struct store_campaign c, d;
	struct run *r;

	w.app.conf.alias_count = 1;
	strcpy(w.app.conf.alias[0].name, "pump");
	memcpy(w.app.conf.alias[0].class_id, w.class_id, 16);
	c = draft(&w, rel, "class == pump && ep == \"d0001\"", "");
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	d = draft(&w, rel, "class == pump", "");
	w.app.conf.alias_count = 0;
	world_kill(&w);
	assert_int_equal(runs_get(&w.app, c.id, &r), 0);
	d = go(&w, d.id);
	assert_int_equal(d.state, CAMPAIGN_DRAFT);
	assert_false(d.start);
	assert_true(d.cause[0] != '\0');
	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	work_out(&w);
	assert_int_equal(jobs_of(&w, c.id).by_state[JOB_CANCELLED], 1);
	world_close(&w);
}

/* As the migration leaves it: a list, and words that described it. */
static void
a_campaign_of_the_first_schema_is_not_blind(void **state)
{
	struct store_campaign c = {.release = open_with(state, 1),
	    .state = CAMPAIGN_RUNNING, .source = SOURCE_LIST,
	    .planned = true, .select = "list of 1", .concurrency = 1};
	struct run *r;

	pair_begin(&w);
	pair_end(&w, CS(&w, campaign_put, &c));
	turn(&w);
	assert_int_equal(runs_get(&w.app, c.id, &r), 0);
	assert_false(r->blind);
	world_close(&w);
}

static void
a_draft_that_is_given_up_leaves_no_plan(void **state)
{
	uint64_t rel = open_with(state, 20);
	struct store_campaign c = draft(&w, rel, "", "");
	static struct plan_entry e[PLAN_PART_ENTRIES];
	size_t n;

	assert_int_equal(campaign_abort(&w.app, c.id, false, &why), 0);
	turn(&w);
	assert_int_equal(campaign_plan_part(&w.app, c.id, 0, e, &n),
	    ERR_NOT_FOUND);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_planned_is_started_and_nobody_twice),
		CASE(a_changed_fleet_is_not_started),
		CASE(changes_of_one_start_are_not_another_ones),
		CASE(a_refused_start_survives_a_kill),
		CASE(who_moves_while_jobs_are_made_is_not_counted),
		CASE(nothing_to_do_is_not_started),
		CASE(a_list_may_have_unknown_and_double_names),
		CASE(a_list_has_a_limit),
		CASE(a_second_operator_approves),
		CASE(approval_before_the_start_counts_as_well),
		CASE(a_continuous_campaign_takes_in_later_matches),
		CASE(it_may_begin_with_nobody),
		CASE(work_that_fails_is_tried_again_later_and_holds_up_nobody),
		CASE(a_class_alias_that_has_gone_does_not_kill_a_campaign),
		CASE(a_campaign_of_the_first_schema_is_not_blind),
		CASE(a_draft_that_is_given_up_leaves_no_plan),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
