/*
 * Rows that SQLite's store remembers: they cost no statement, a device more
 * than it has room for does, and neither a rollback nor somebody else's
 * write leaves one that is not so.
 */
#include "tests/db/twins.h"

#include <sqlite3.h>

static uint64_t
statements(struct store *s)
{
	struct store_stats st;

	s->ops->stats(s, &st);
	return st.statements;
}

/* Devices 1 .. n, and a pair is open in which all of them were read. */
static void
fill(struct store *s, uint64_t n)
{
	struct store_device d;
	char ep[16];

	OK(store_begin(s));
	for (uint64_t i = 1; i <= n; i++) {
		memset(&d, 0, sizeof(d));
		snprintf(ep, sizeof(ep), "d%llu", (unsigned long long)i);
		strcpy(d.ep, ep);
		OK(s->ops->device_put(s, &d));
		assert_int_equal(d.id, i);
		OK(s->ops->device_by_ep(s, ep, &d));
	}
}

static void
as_many_as_fit_cost_nothing_and_one_more_does(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;
	uint64_t before;

	fill(s, LIMIT_MEMO);
	OK(store_commit(s));
	OK(store_begin(s));
	before = statements(s);
	for (uint64_t i = 1; i <= LIMIT_MEMO; i++)
		OK(s->ops->device_get(s, i, &d));
	OK(s->ops->device_by_ep(s, "d8192", &d));
	assert_int_equal(d.id, LIMIT_MEMO);
	assert_int_equal(statements(s), before);
	memset(&d, 0, sizeof(d));
	strcpy(d.ep, "more");
	OK(s->ops->device_put(s, &d));
	OK(s->ops->device_get(s, d.id, &d));
	before = statements(s);
	OK(s->ops->device_get(s, 1, &d));
	assert_string_equal(d.ep, "d1");
	assert_int_equal(statements(s), before + 1);
	OK(store_commit(s));
}

static void
what_a_pair_wrote_and_undid_is_not_remembered(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;
	struct job j, k;
	uint64_t release = add_release(s, 1), before;

	fill(s, 2);
	track_init(&j, 1, release, 1, 5);
	OK(s->ops->job_put(s, &j));
	OK(s->ops->job_live(s, 1, &k));
	OK(store_commit(s));
	OK(store_begin(s));
	OK(store_begin(s));
	OK(s->ops->device_seen(s, &(struct store_seen){1, "new", 7, 0}));
	OK(s->ops->device_get(s, 1, &d));
	assert_string_equal(d.addr, "new");
	k.state = JOB_DONE;
	k.device = 2; /* it stays 1's */
	OK(s->ops->job_save(s, &k));
	FAILS(s->ops->job_live(s, 1, &k), ERR_NOT_FOUND);
	store_rollback(s);
	OK(s->ops->device_get(s, 1, &d));
	assert_string_equal(d.addr, "");
	OK(s->ops->job_live(s, 1, &k));
	assert_int_equal(k.state, JOB_QUEUED);
	before = statements(s);
	OK(s->ops->device_get(s, 2, &d)); /* nobody wrote it */
	OK(s->ops->job_live(s, 1, &k));
	assert_int_equal(statements(s), before);
	OK(store_commit(s));
}

static void
more_than_the_list_of_a_transaction_are_undone(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;

	fill(s, 1500);
	OK(store_commit(s));
	OK(store_begin(s));
	OK(store_begin(s));
	for (uint64_t i = 1; i <= 1500; i++)
		OK(s->ops->device_seen(s, &(struct store_seen){i, "", 7, 0}));
	store_rollback(s);
	for (uint64_t i = 1; i <= 1500; i++) {
		OK(s->ops->device_get(s, i, &d));
		assert_int_equal(d.seen, 0);
	}
	OK(store_commit(s));
}

static void
somebody_else_s_write_is_seen(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->s;
	struct store_device d;
	sqlite3 *db;

	fill(s, 1);
	OK(store_commit(s));
	OK(sqlite3_open(f->path, &db));
	OK(sqlite3_exec(db, "UPDATE device SET version = 'x'", NULL, NULL,
	    NULL));
	OK(sqlite3_close(db));
	OK(store_begin(s));
	OK(s->ops->device_get(s, 1, &d));
	assert_string_equal(d.version, "x");
	OK(store_commit(s));
}

#define ONCE(t) {#t, t, open_sqlite, shut, NULL}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ONCE(as_many_as_fit_cost_nothing_and_one_more_does),
		ONCE(what_a_pair_wrote_and_undid_is_not_remembered),
		ONCE(more_than_the_list_of_a_transaction_are_undone),
		ONCE(somebody_else_s_write_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
