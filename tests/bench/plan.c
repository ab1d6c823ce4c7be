/*
 * plan: a fleet in SQLite, and the real daemon's campaign code on it, with a
 * loop that is played (fake.h): how long planning, starting and cancelling
 * take in all, how long one slice keeps the loop from answering, and what
 * the operators' questions cost meanwhile and afterwards.
 *
 *	plan DIR N
 *
 * Of the devices 90 % are of the release's class, a tenth of them is there
 * already, one in 20 has begun by itself.
 */
#include "tests/daemon/fake.h"

#include <time.h>

#include "daemon/res_admin.h"

#define GROUP 5000

static char db[160];
static struct world w;

struct span {
	double total, longest;
	unsigned slices;
};

static double
ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
open_db(struct store **ret)
{
	struct store_sqlite_opts o = {db, false, false, NULL};
	struct why why = {0};

	return store_sqlite_open(&o, ret, &why);
}

static void
add(unsigned k)
{
	struct store_device d = {
		.have_class = true, .driver = DRIVER_NONE, .have_seq = true,
		.seq = k % 10 == 1 ? 5 : 1, .registered = true,
		.reg = (uint64_t)k + 1, .reg_expires = w.loop.now + 86400000,
		.created = w.loop.now, .seen = w.loop.now, .tag_count = 2,
	};

	snprintf(d.ep, sizeof(d.ep), "dev-%07u", k);
	snprintf(d.addr, sizeof(d.addr), "10.%u.%u.%u", k >> 16 & 255,
	    k >> 8 & 255, k & 255);
	snprintf(d.version, sizeof(d.version), "1.0.%u", k % 7);
	strcpy(d.tag[0].name, "site");
	snprintf(d.tag[0].value, sizeof(d.tag[0].value), "s%u", k % 100);
	strcpy(d.tag[1].name, "ring");
	snprintf(d.tag[1].value, sizeof(d.tag[1].value), "%u", k % 3);
	memcpy(d.class_id, w.class_id, 16);
	if (k % 20 == 7)
		memset(d.class_id, 9, 16);
	d.have_class = k % 20 != 13;
	assert_int_equal(w.app.store->ops->device_put(w.app.store, &d), 0);
}

static void
fill(unsigned n)
{
	for (unsigned k = 0; k < n;) {
		assert_int_equal(engine_begin(w.app.engine), 0);
		for (unsigned i = 0; i < GROUP && k < n; i++)
			add(k++);
		assert_int_equal(engine_end(w.app.engine, 0), 0);
		turn(&w);
	}
}

/* One in 20 has asked for it by itself. */
static void
jobs(unsigned n, uint64_t release)
{
	struct store_release r;
	struct store *s = w.app.store;

	assert_int_equal(s->ops->release_get(s, release, &r), 0);
	for (uint64_t id = 3; id < n;) {
		assert_int_equal(engine_begin(w.app.engine), 0);
		for (unsigned i = 0; i < GROUP && id < n; i++, id += 20) {
			struct store_device d;
			const struct engine_order quiet = {0, 0, true};

			assert_int_equal(s->ops->device_get(s, id, &d), 0);
			assert_int_equal(engine_job_new(w.app.engine, &d, &r,
			    &quiet), 0);
		}
		assert_int_equal(engine_end(w.app.engine, 0), 0);
		turn(&w);
	}
}

static struct store_campaign
work(uint64_t id, struct span *sp)
{
	struct store_campaign c;
	struct store *s = w.app.store;

	for (;;) {
		double t = ms_now();

		assert_int_equal(s->ops->campaign_get(s, id, &c), 0);
		if (c.work == WORK_NONE)
			return c;
		engine_due(w.app.engine);
		turn(&w);
		t = ms_now() - t;
		sp->total += t;
		sp->slices++;
		if (t > sp->longest)
			sp->longest = t;
	}
}

static void
row(const char *what, const struct span *sp)
{
	printf("%-44s %9.1f ms %7u slices, longest %6.1f ms\n", what,
	    sp->total, sp->slices, sp->longest);
	fflush(stdout);
}

static struct store_campaign
plan(const char *name, uint64_t release, const char *select)
{
	struct campaign_spec spec = {.release = release, .by = "bench"};
	struct span sp = {0};
	struct store_campaign c;
	struct why why = {0};
	char what[80];
	double t = ms_now();

	strcpy(spec.name, name);
	snprintf(spec.select, sizeof(spec.select), "%s", select);
	if (campaign_plan(&w.app, &spec, &c, &why) != 0)
		fail_msg("%s", why.text);
	turn(&w);
	sp.longest = sp.total = ms_now() - t;
	sp.slices = 1;
	c = work(c.id, &sp);
	snprintf(what, sizeof(what), "plan %.30s", select[0] ? select :
	    "(the release's classes)");
	row(what, &sp);
	printf("    %llu to update\n",
	    (unsigned long long)c.verdict[PLAN_UPDATE]);
	return c;
}

/* The mean and the worst of some calls of a handler. */
static void
question(const char *what, route_fn fn, const char *arg, const char *query)
{
	double worst = 0, sum = 0;

	for (int i = 0; i < 20; i++) {
		struct req req = {.method = M_GET, .arg = {arg, ""},
		    .accept = CF_NONE};
		struct resp resp;
		double t = ms_now();
		int rc;

		if (query != NULL)
			req.query[req.query_n++] = slice_str(query);
		rc = ask(&w, fn, &req, &resp);
		t = ms_now() - t;
		if (rc != 0)
			fail_msg("%s: %s %s", what, err_name(rc),
			    resp.why.text);
		sum += t;
		if (t > worst)
			worst = t;
	}
	printf("%-44s %9.2f ms, worst %.2f ms\n", what, sum / 20, worst);
	fflush(stdout);
}

static void
questions(const struct store_campaign *c, const char *when)
{
	char id[24], what[80];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->id);
	snprintf(what, sizeof(what), "campaign show, %s", when);
	question(what, res_admin_campaign, id, NULL);
	snprintf(what, sizeof(what), "campaign list, %s", when);
	question(what, res_admin_campaigns, "", NULL);
	snprintf(what, sizeof(what), "device explain, %s", when);
	question(what, res_admin_explain, "dev-0000500", NULL);
}

static void
started(struct store_campaign *c)
{
	struct span sp = {0};
	struct why why = {0};
	double t = ms_now();
	char id[24];

	assert_int_equal(campaign_start(&w.app, c->id, c->plan, &why), 0);
	turn(&w);
	sp.longest = sp.total = ms_now() - t;
	sp.slices = 1;
	*c = work(c->id, &sp);
	row("start: planned anew, and a job each", &sp);
	if (c->state != CAMPAIGN_RUNNING)
		fail_msg("%s", c->cause);
	questions(c, "running");
	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->id);
	question("its jobs, the slowest", res_admin_jobs, id, "which=slow");
	t = ms_now();
	engine_campaign_check(w.app.engine, c->id);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	turn(&w);
	printf("%-44s %9.2f ms\n", "a gate looked at", ms_now() - t);
}

static void
ended(struct store_campaign *c)
{
	struct span sp = {0};
	struct why why = {0};
	double t = ms_now();

	assert_int_equal(campaign_abort(&w.app, c->id, false, &why), 0);
	turn(&w);
	sp.longest = sp.total = ms_now() - t;
	sp.slices = 1;
	*c = work(c->id, &sp);
	row("abort: every job cancelled", &sp);
	questions(c, "aborted");
}

/* Whoever has begun by himself is let go of. */
static void
withdrawn(uint64_t release)
{
	struct span sp = {0};
	struct why why = {0};

	while (sp.slices == 0 || campaign_own_next(&w.app) != 0) {
		double t = ms_now();

		if (sp.slices++ == 0) {
			assert_int_equal(engine_begin(w.app.engine), 0);
			assert_int_equal(engine_end(w.app.engine,
			    publish_withdraw(&w.app, release, &why)), 0);
		} else {
			engine_due(w.app.engine);
		}
		turn(&w);
		t = ms_now() - t;
		sp.total += t;
		if (t > sp.longest)
			sp.longest = t;
	}
	row("release withdrawn: jobs of no campaign end", &sp);
}

int
main(int argc, char **argv)
{
	unsigned n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	uint64_t release, own, again;
	struct store_campaign c;
	char id[24];

	if (n < 1000) {
		fputs("usage: plan DIR N\n", stderr);
		return 2;
	}
	snprintf(db, sizeof(db), "%s/plan.db", argv[1]);
	if (unlink(db) != 0 && access(db, F_OK) == 0)
		return 1;
	world_open(&w, open_db);
	w.loop.now = 1800000000000;
	fill(n);
	own = released(&w, 3, "coap://fw.example/own.bin", 1000);
	jobs(n, own);
	again = released(&w, 4, "coap://fw.example/b.bin", 1000);
	release = released(&w, 5, "coap://fw.example/a.bin", 1000);
	(void)plan("by-tag", release, "tag.site == \"s8\" && seq < 5");
	(void)plan("by-attr", release, "seq < 5 && grade == L0");
	c = plan("all", release, "");
	questions(&c, "planned");
	snprintf(id, sizeof(id), "%llu", (unsigned long long)c.id);
	question("a page of the plan", res_admin_plan, id, NULL);
	question("a page of the plan, those held", res_admin_plan, id,
	    "verdict=held");
	started(&c);
	ended(&c);
	jobs(n, again);
	withdrawn(again);
	world_close(&w);
	return 0;
}
