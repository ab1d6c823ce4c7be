/* What the statements of SQLite's store walk, and how many there are. */
#include "tests/db/filled.h"

#include <signal.h>
#include <sys/wait.h>

#include "db/store_sqlite.h"

static void
every_statement_on_the_way_has_its_index(void **state)
{
	struct store *s = store_of(state);
	struct store_event_filter ef = {.limit = 5};
	struct store_device_filter df = {.limit = 5};
	static struct store_device d[5];
	static struct store_event e[5];
	struct store_release r[5];
	struct store_scan_filter sf = {.after = 100, .limit = 5};
	struct store_queue q = {CAMPAIGN, STORE_WAVES, 2000, 1000};
	struct store_campaign c[5];
	struct store_tally t[5];
	struct store_counts k;
	struct store_stats st;
	struct job j[5];
	uint64_t pruned;
	int64_t at;
	bool needed;
	size_t n;

	fill(s, 300);
	for (int i = 0; i < 8; i++) {
		memset(&df, 0, sizeof(df));
		df.limit = 5;
		strcpy(df.after, "dev000100");
		df.have_class = i & 1;
		df.class_id[0] = 7;
		strcpy(df.tag_name, i & 2 ? "site" : "");
		strcpy(df.tag_value, i & 4 && i & 2 ? "3" : "");
		OK(s->ops->device_list(s, &df, d, &n));
		assert_int_equal(n, 5);
	}
	for (int i = 0; i < 10; i++) {
		memset(&ef, 0, sizeof(ef));
		ef.limit = 5;
		ef.newest_first = i % 2;
		ef.device = i / 2 == 1 ? 30 : 0;
		ef.job = i / 2 == 2 ? 30 : 0;
		ef.campaign = i / 2 == 3;
		ef.release = i / 2 == 4;
		OK(s->ops->event_list(s, &ef, e, &n));
	}
	OK(s->ops->device_by_ep(s, "dev000100", d));
	OK(s->ops->device_by_addr(s, "10.0.100", d));
	OK(s->ops->device_by_reg(s, 100, d));
	OK(s->ops->release_list(s, 0, 5, r, &n));
	OK(s->ops->release_current(s, (uint8_t[16]){7}, r));
	OK(s->ops->release_by_digest(s, (uint8_t[32]){1}, r));
	OK(s->ops->image_needed(s, (uint8_t[32]){1}, &needed));
	OK(ALONE(s, s->ops->release_set_state(s, 1, RELEASE_WITHDRAWN)));
	OK(s->ops->image_needed(s, (uint8_t[32]){1}, &needed));
	OK(s->ops->campaign_list(s, 0, 5, c, &n));
	OK(s->ops->campaign_live(s, 0, 5, c, &n));
	OK(s->ops->campaign_counts(s, CAMPAIGN, &k));
	OK(s->ops->campaign_tally(s, CAMPAIGN, t, 5, &n));
	OK(s->ops->device_scan(s, &sf, no_scan, NULL, &sf.after));
	for (int i = 0; i <= NOTABLE_FAILED; i++)
		OK(s->ops->job_notable(s, CAMPAIGN, (enum store_notable)i, j,
		    5, &n));
	OK(s->ops->job_list(s, CAMPAIGN, 100, 5, j, &n));
	OK(s->ops->job_live(s, 100, j));
	OK(s->ops->job_last(s, 100, j));
	OK(s->ops->next_due(s, &at));
	OK(s->ops->next_queued(s, CAMPAIGN, STORE_WAVES, &at));
	OK(ALONE(s, s->ops->jobs_queued(s, &q, j, 5, &n)));
	assert_int_equal(n, 5);
	j[0].state = JOB_NOTIFIED;
	OK(save_job(s, &j[0]));
	OK(s->ops->next_due(s, &at));
	OK(s->ops->job_active(s, no_job, NULL));
	OK(ALONE(s, s->ops->jobs_due(s, 2000, 1000, j, 5, &n)));
	assert_int_equal(n, 1);
	OK(ALONE(s, s->ops->plan_put(s, CAMPAIGN, 0, slice_str("plan"))));
	OK(ALONE(s, s->ops->plan_drop(s, CAMPAIGN)));
	OK(s->ops->campaign_get(s, CAMPAIGN, c));
	c[0].state = CAMPAIGN_PAUSED;
	OK(ALONE(s, s->ops->campaign_save(s, c)));
	FAILS(ALONE(s, s->ops->campaign_remove(s, CAMPAIGN)), ERR_STATE);
	q.campaign = add_campaign(s, 1, 1);
	OK(ALONE(s, s->ops->campaign_remove(s, q.campaign)));
	OK(ALONE(s, seen(s, 3, "10.9.9", 99)));
	OK(ALONE(s, s->ops->device_remove(s, 3)));
	OK(ALONE(s, s->ops->event_prune(s, 100, 50, &pruned)));
	assert_int_equal(put_release(s, 9, 9, &pruned), 0);
	s->ops->stats(s, &st);
	s->ops->stats(s, &st);
	assert_int_equal(st.scans, 0);
}

static int
step(void *arg)
{
	(*(unsigned *)arg)++;
	return 0;
}

/* Steps of SQLite's machine that a look at the queue of `wave` takes. */
static unsigned
steps_of_queue(struct store *s, uint32_t wave, size_t want)
{
	struct store_queue q = {CAMPAIGN, wave, 9999, 10};
	unsigned steps = 0;
	struct job j[5];
	int64_t at;
	size_t n = 9;

	OK(store_begin(s)); /* to have them compiled: that takes steps, too */
	OK(s->ops->next_queued(s, CAMPAIGN, wave, &at));
	OK(s->ops->jobs_queued(s, &q, j, 5, &n));
	assert_int_equal(n, want);
	store_rollback(s);
	sqlite3_progress_handler(sq_of(s)->db, 1, step, &steps);
	OK(store_begin(s));
	OK(s->ops->next_queued(s, CAMPAIGN, wave, &at));
	OK(s->ops->jobs_queued(s, &q, j, 5, &n));
	store_rollback(s);
	sqlite3_progress_handler(sq_of(s)->db, 0, NULL, NULL);
	return steps;
}

static void
add_overdue(struct store *s, unsigned from, unsigned n, uint32_t wave)
{
	struct job j;
	char ep[16];

	OK(store_begin(s));
	for (unsigned i = from; i < from + n; i++) {
		snprintf(ep, sizeof(ep), "q%u", i);
		j = make_job(CAMPAIGN, add_device(s, ep), 1, 1 + i);
		j.wave = wave;
		j.last_fail = i % 2 ? FAIL_TRANSPORT : FAIL_NONE;
		OK(s->ops->job_put(s, &j));
	}
	OK(store_commit(s));
}

static void
waves_that_are_closed_cost_nothing(void **state)
{
	struct store *s = store_of(state);
	unsigned few, open;

	add_campaign(s, add_release(s, 1), 1);
	add_overdue(s, 0, 10, 1);
	add_overdue(s, 10, 10, 2);
	few = steps_of_queue(s, 0, 0);
	open = steps_of_queue(s, 1, 5);
	add_overdue(s, 20, 1000, 2);
	assert_int_equal(steps_of_queue(s, 0, 0), few);
	assert_int_equal(steps_of_queue(s, 1, 5), open);
	/* nor does what waits behind the few that fit */
	assert_true(steps_of_queue(s, 2, 5) < 2 * open);
}

static void
add_entries(struct store *s, unsigned n)
{
	struct audit_entry e;

	OK(store_begin(s));
	for (unsigned i = 0; i < n; i++) {
		memset(&e, 0, sizeof(e));
		strcpy(e.who, "anna");
		strcpy(e.kind, "k");
		OK(s->ops->audit_append(s, &e));
	}
	OK(store_commit(s));
}

/* Steps that the entries from number `from` on take, by whom or by all. */
static unsigned
steps_of_log(struct store *s, uint64_t from, bool by)
{
	struct store_audit_filter f = {.limit = 5, .from = from,
	    .have_who = by, .who = "anna"};
	static struct audit_entry e[5];
	unsigned steps = 0;
	size_t n = 0;

	OK(s->ops->audit_list(s, &f, e, &n)); /* compiled */
	assert_int_equal(n, 2);
	sqlite3_progress_handler(sq_of(s)->db, 1, step, &steps);
	OK(s->ops->audit_list(s, &f, e, &n));
	sqlite3_progress_handler(sq_of(s)->db, 0, NULL, NULL);
	return steps;
}

static void
what_comes_before_a_page_of_the_log_costs_nothing(void **state)
{
	struct store *s = store_of(state);
	unsigned all, hers;

	add_entries(s, 3);
	all = steps_of_log(s, 2, false);
	hers = steps_of_log(s, 2, true);
	add_entries(s, 1000);
	assert_int_equal(steps_of_log(s, 1002, false), all);
	assert_int_equal(steps_of_log(s, 1002, true), hers);
}

/* check_plans asserts this of every statement that a test runs. */
static void
a_statement_that_walks_a_table_is_found_out(void **state)
{
	static const char *const walk[] = {
		"SELECT * FROM device",
		"SELECT ep FROM device AS x WHERE x.version = '1'",
		"SELECT * FROM campaign c JOIN job j ON j.release = c.id",
		"SELECT due FROM job WHERE state = 5 ORDER BY due LIMIT 1",
		"SELECT EXISTS (SELECT 1 FROM event WHERE kind = 'job')",
		"SELECT * FROM (SELECT ep FROM device_tag WHERE value = '1')",
		"UPDATE job SET due = 1 WHERE release = 1",
		"DELETE FROM event WHERE at < 3",
		" /* scans */ SELECT * FROM device",
	};
	static const char *const led[] = {
		"/* scans */ SELECT * FROM device",
		"SELECT 1",
		"SELECT d.ep FROM device d WHERE d.id > 3 ORDER BY d.id",
		"SELECT * FROM (SELECT max(id) FROM event UNION ALL SELECT 1)",
		"INSERT INTO meta VALUES ('scan', x'00')",
	};
	sqlite3 *db = sq_of(store_of(state))->db;
	char line[200] = "";

	for (size_t i = 0; i < sizeof(walk) / sizeof(walk[0]); i++) {
		assert_true(sq_plan_scans(db, walk[i], line, sizeof(line)));
		assert_memory_equal(line, "SCAN ", 5);
	}
	for (size_t i = 0; i < sizeof(led) / sizeof(led[0]); i++)
		assert_false(sq_plan_scans(db, led[i], line, sizeof(line)));
	/* what a trigger does is seen with the statement that fires it */
	OK(sqlite3_exec(db, "CREATE TRIGGER walker AFTER INSERT ON meta BEGIN"
	    " DELETE FROM event WHERE kind = new.name; END", NULL, NULL,
	    NULL));
	assert_true(sq_plan_scans(db, led[4], line, sizeof(line)));
}

/* The store dies by it, with the statement on its stack. */
static void
a_store_that_checks_plans_dies_of_a_walk(void **state)
{
	static const char WALK[] = "SELECT count(*) FROM device WHERE gap = 1";
	struct sq *s = sq_of(store_of(state));
	int64_t n = 7;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		_exit(sq_int(s, Q0(WALK), &n) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	s->check_plans = false;
	OK(sq_int(s, Q0(WALK), &n));
	assert_int_equal(n, 0);
}

static void
statements_are_counted_and_sleep_runs_none(void **state)
{
	struct store *s = store_of(state);
	struct store_stats a, b;
	struct store_device d;

	s->ops->stats(s, &a);
	s->ops->stats(s, &b);
	assert_int_equal(a.statements, b.statements);
	FAILS(s->ops->device_get(s, 1, &d), ERR_NOT_FOUND);
	s->ops->stats(s, &b);
	assert_int_equal(b.statements, a.statements + 1);
	add_device(s, "a"); /* begin, insert, commit */
	s->ops->stats(s, &b);
	assert_int_equal(b.statements, a.statements + 4);
	assert_int_equal(b.commits, 1);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, open_sqlite, shut)
	const struct CMUnitTest tests[] = {
		T(every_statement_on_the_way_has_its_index),
		T(waves_that_are_closed_cost_nothing),
		T(what_comes_before_a_page_of_the_log_costs_nothing),
		T(a_statement_that_walks_a_table_is_found_out),
		T(a_store_that_checks_plans_dies_of_a_walk),
		T(statements_are_counted_and_sleep_runs_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
