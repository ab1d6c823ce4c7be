/*
 * A database that an older suitd wrote: what its verbs said then, they say
 * after the migrations, and what is new has its place.
 */
#include "tests/db/twins.h"

#include <sqlite3.h>

#include "db/schema.h"

/*
 * Under the first schema. Jobs: campaign 1 runs, 2 is paused, 3 is over, one
 * job is of none. Job 5 has a trigger in flight, job 6 waits for contact,
 * job 3 failed once, job 9 has a failure that is final.
 */
static const char OLD[] =
    "PRAGMA application_id = 0x53554954; PRAGMA user_version = 1;"
    "INSERT INTO release VALUES (1, x'01', 5, 0, 0, 'a', x'', NULL, 0, '',"
    " '', 7, 1, x'00');"
    "INSERT INTO campaign VALUES (1, 1, 'one', 1, 10, 'class x', 100, 200,"
    " 4), (2, 1, '', 2, 1, '', 101, 201, 1), (3, 1, '', 3, 1, '', 102, 202,"
    " 9);"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 10)"
    "INSERT INTO device SELECT i, 'd' || i, NULL, NULL, 1, 0, 0,"
    " 'coap://h' || i, 0, 'a' || i, 0, i, 1, '1.0', 1, i, 99, 60, 0, 11,"
    " 12, NULL FROM n;"
    /* campaign, device, state, attempt, last_fail, reason, due, started */
    "WITH j (c, d, st, at, f, r, due, begun) AS (VALUES"
    " (1, 1, 0, 0, 0, 0, 30, 0), (1, 2, 0, 0, 0, 0, 20, 0),"
    " (1, 3, 0, 1, 1, 1, 10, 0), (1, 4, 2, 2, 0, 0, 500, 40),"
    " (1, 5, 0, 1, 0, 0, 400, 50), (1, 6, 0, 3, 1, 1, 0, 0),"
    " (1, 7, 5, 1, 0, 0, 0, 0), (2, 8, 0, 0, 0, 0, 5, 0),"
    " (3, 9, 6, 4, 3, 17, 0, 0), (NULL, 10, 0, 0, 0, 0, 25, 0),"
    " (3, 1, 7, 0, 0, 25, 0, 0))"
    "INSERT INTO job SELECT NULL, c, d, 1, 5, st, 0, at, 0, f > 0, 0, 0, 0,"
    " 0, f, r, 60, 60 + d, due, begun, 0, 0, 1 FROM j;";

static int
open_old(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	sqlite3 *db;

	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/suitd-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/suitd.db", f->dir);
	assert_int_equal(schema_steps[0].number, 1);
	OK(sqlite3_open(f->path, &db));
	OK(sqlite3_exec(db, schema_steps[0].sql, NULL, NULL, NULL));
	if (sqlite3_exec(db, OLD, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	OK(sqlite3_close(db));
	reopen(f);
	return 0;
}

static void
old_campaigns_go_on(void **state)
{
	struct store *s = store_of(state);
	struct store_campaign c, page[4];
	uint8_t zero[sizeof(c.waves)] = {0};
	size_t n = 0;

	OK(s->ops->campaign_get(s, 1, &c));
	assert_string_equal(c.name, "one");
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_int_equal(c.concurrency, 10);
	assert_string_equal(c.select, "class x");
	assert_int_equal(c.created, 100);
	assert_int_equal(c.updated, 200);
	assert_int_equal(c.version, 4);
	assert_int_equal(c.work, WORK_NONE);
	assert_int_equal(c.source, SOURCE_LIST);
	assert_true(c.planned && !c.start && !c.hard);
	assert_string_equal(c.policy, "");
	assert_true(c.wave == 0 && c.wave_count == 0);
	assert_memory_equal(c.waves, zero, sizeof(c.waves));
	assert_memory_equal(c.verdict, zero, sizeof(c.verdict));
	assert_memory_equal(c.plan, zero, sizeof(c.plan));
	assert_true(c.of == 0 && c.follower == 0 && c.work_at == 0);
	assert_true(c.by[0] == '\0' && c.approved[0] == '\0' &&
	    c.cause[0] == '\0');
	assert_true(c.started == 100 && c.ended == 0);
	OK(s->ops->campaign_live(s, 0, 4, page, &n));
	assert_true(n == 2 && page[0].id == 1 && page[1].id == 2);
	OK(s->ops->campaign_get(s, 3, &c));
	assert_true(c.started == 102 && c.ended == 202);
	OK(ALONE(s, s->ops->campaign_save(s, &page[1])));
	assert_int_equal(add_campaign(s, 1, 1), 4);
}

static void
old_jobs_keep_counting(void **state)
{
	struct store *s = store_of(state);
	struct store_counts k;
	struct store_tally t[STORE_TALLY];
	struct store_stats st;
	size_t n = 0;

	OK(s->ops->campaign_counts(s, 1, &k));
	assert_int_equal(k.by_state[JOB_QUEUED], 5);
	assert_int_equal(k.by_state[JOB_FETCHING], 1);
	assert_int_equal(k.by_state[JOB_DONE], 1);
	assert_true(k.active == 1 && k.starting == 1 && k.waiting == 1);
	assert_int_equal(k.attempts, 8);
	OK(s->ops->campaign_counts(s, 3, &k));
	assert_int_equal(k.by_class[FAIL_INTEGRITY], 1);
	assert_int_equal(k.by_state[JOB_CANCELLED], 1);
	OK(s->ops->campaign_counts(s, 0, &k));
	assert_int_equal(k.by_state[JOB_QUEUED], 1);
	OK(s->ops->campaign_tally(s, 1, t, STORE_TALLY, &n));
	assert_int_equal(n, 6);
	assert_true(t[0].n == 2 && t[0].fail == FAIL_NONE && !t[0].waiting);
	assert_true(t[2].waiting && t[2].fail == FAIL_TRANSPORT &&
	    t[2].reason == REASON_NO_ANSWER && t[2].n == 1);
	s->ops->stats(s, &st);
	assert_true(st.devices == 10 && st.campaigns == 3 && st.jobs == 11 &&
	    st.jobs_live == 8);
	OK(ALONE(s, s->ops->device_remove(s, 5)));
	OK(s->ops->campaign_counts(s, 1, &k));
	assert_true(k.starting == 0 && k.attempts == 7);
	s->ops->stats(s, &st);
	assert_true(st.jobs == 10 && st.jobs_live == 7);
}

static void
old_jobs_come_when_they_are_due(void **state)
{
	struct store *s = store_of(state);
	struct store_queue q = {.campaign = 1, .now = 100, .lease_ms = 1000};
	struct job j[8];
	int64_t at = 0;
	size_t n = 0;

	OK(s->ops->next_due(s, &at));
	assert_int_equal(at, 25);
	OK(s->ops->next_queued(s, 1, 0, &at));
	assert_int_equal(at, 10);
	OK(s->ops->next_queued(s, 2, 0, &at));
	assert_int_equal(at, 5);
	OK(ALONE(s, s->ops->jobs_queued(s, &q, j, 8, &n)));
	assert_int_equal(n, 3);
	assert_true(j[0].device == 2 && j[1].device == 1 && j[2].device == 3);
	assert_int_equal(j[0].wave, 0);
	j[0].state = JOB_DONE;
	OK(save_job(s, &j[0]));
	OK(ALONE(s, s->ops->jobs_due(s, 500, 1000, j, 8, &n)));
	assert_int_equal(n, 3);
	assert_true(j[0].device == 10 && j[1].device == 5 && j[2].device == 4);
	OK(s->ops->job_notable(s, 1, NOTABLE_STUCK, j, 8, &n));
	assert_true(n == 2 && j[0].device == 3 && j[1].device == 6);
}

static int
first(void *arg, const struct store_scan *row)
{
	*(struct store_scan *)arg = *row;
	return row->d.id == 1 ? ERR_CANCELLED : 0;
}

static void
old_devices_are_as_they_were(void **state)
{
	struct store *s = store_of(state);
	struct store_scan_filter f = {.limit = 5};
	struct store_scan row;
	struct store_device d;
	uint64_t after;

	OK(s->ops->device_by_addr(s, "a7", &d));
	assert_true(d.id == 7 && d.seq == 7 && d.reg == 7 && d.seen == 12);
	assert_string_equal(d.uri, "coap://h7");
	assert_true(d.gap == 0 && !d.revoked && d.tag_count == 0);
	d.gap = 60;
	d.revoked = true;
	assert_false(d.ahead);
	assert_true(!d.class_set && !d.have_class_said);
	OK(ALONE(s, s->ops->device_put(s, &d)));
	OK(s->ops->device_get(s, 7, &d));
	assert_true(d.gap == 60 && d.revoked);
	FAILS(s->ops->device_scan(s, &f, first, &row, &after), ERR_CANCELLED);
	assert_true(row.have_last && row.last.state == JOB_CANCELLED);
	assert_true(row.have_live && row.live.state == JOB_QUEUED);
	assert_int_equal(add_device(s, "new"), 11);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, open_old, shut)
	const struct CMUnitTest tests[] = {
		T(old_campaigns_go_on),
		T(old_jobs_keep_counting),
		T(old_jobs_come_when_they_are_due),
		T(old_devices_are_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
