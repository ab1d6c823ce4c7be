/*
 * The contract of db/store.h, for both twins: the audit log. What only SQLite
 * has, the triggers, is at the end.
 */
#include "tests/db/twins.h"

#include <sqlite3.h>

static struct audit_entry
entry(const char *who, const char *kind, const char *subject)
{
	struct audit_entry e;

	memset(&e, 0, sizeof(e));
	e.at = 5;
	snprintf(e.who, sizeof(e.who), "%s", who);
	snprintf(e.kind, sizeof(e.kind), "%s", kind);
	snprintf(e.subject, sizeof(e.subject), "%s", subject);
	return e;
}

static uint64_t
add(struct store *s, const char *who, const char *kind, const char *subject)
{
	struct audit_entry e = entry(who, kind, subject);

	OK(ALONE(s, s->ops->audit_append(s, &e)));
	return e.n;
}

/* All of it, in order, as a chain. */
static int
verdict(struct store *s, const struct audit_head *kept)
{
	static struct audit_entry page[7];
	struct store_audit_filter f = {.limit = 7};
	struct audit_verify v;
	struct why why;
	size_t n = 7;
	int rc = 0;

	audit_verify_begin(&v, kept);
	while (rc == 0 && n == 7) {
		OK(s->ops->audit_list(s, &f, page, &n));
		for (size_t i = 0; rc == 0 && i < n; i++) {
			rc = audit_verify_add(&v, &page[i], &why);
			f.after = page[i].n;
		}
	}
	return rc != 0 ? rc : audit_verify_end(&v, &why);
}

static void
an_entry_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	struct store *s = store_of(state);
	struct store_audit_filter f = {.limit = 1};
	struct audit_entry e = entry("", "k", ""), back;
	size_t n = 0;

	e.at = INT64_MAX;
	memset(e.who, 'w', LIMIT_PSK_IDENTITY);
	memset(e.kind, 'k', AUDIT_KIND_MAX - 1);
	memset(e.subject, 's', LIMIT_AUDIT_SUBJECT);
	memset(e.detail, 'd', LIMIT_AUDIT_DETAIL);
	FAILS(s->ops->audit_append(s, &e), ERR_STATE);
	OK(ALONE(s, s->ops->audit_append(s, &e)));
	assert_int_equal(e.n, 1);
	OK(s->ops->audit_list(s, &f, &back, &n));
	assert_int_equal(n, 1);
	assert_memory_equal(&back, &e, sizeof(e));
	OK(verdict(s, NULL));

	e.detail[LIMIT_AUDIT_DETAIL] = 'd'; /* and what follows is `prev` */
	memset(e.prev, 'd', sizeof(e.prev));
	FAILS(ALONE(s, s->ops->audit_append(s, &e)), ERR_SIZE);
	e = entry("", "k", "");
	memset(e.subject, 's', sizeof(e.subject));
	FAILS(ALONE(s, s->ops->audit_append(s, &e)), ERR_SIZE);
	e = entry("", "", "");
	FAILS(ALONE(s, s->ops->audit_append(s, &e)), ERR_INVALID);
	e = entry("\xff", "k", "");
	FAILS(ALONE(s, s->ops->audit_append(s, &e)), ERR_UTF8);
	e = entry("", "k", "");
	e.at = -1;
	FAILS(ALONE(s, s->ops->audit_append(s, &e)), ERR_RANGE);
	assert_int_equal(e.n, 0);
	assert_int_equal(add(s, "", "k", ""), 2);
}

static void
what_is_appended_is_chained_and_what_is_undone_was_never_there(void **state)
{
	struct store *s = store_of(state);
	struct audit_entry e = entry("a", "k", "s");
	struct audit_head none, h, now;

	OK(s->ops->audit_head(s, &none));
	assert_int_equal(none.n, 0);
	for (int i = 1; i <= 20; i++)
		assert_int_equal(add(s, i % 2 ? "a" : "b", "k", "s"), i);
	OK(s->ops->audit_head(s, &h));
	assert_int_equal(h.n, 20);
	OK(verdict(s, &h));

	OK(store_begin(s));
	OK(store_begin(s));
	OK(s->ops->audit_append(s, &e));
	assert_int_equal(e.n, 21);
	OK(s->ops->audit_head(s, &now));
	assert_int_equal(now.n, 21);
	store_rollback(s);
	OK(s->ops->audit_head(s, &now));
	assert_memory_equal(&now, &h, sizeof(h));
	OK(s->ops->audit_append(s, &e));
	store_rollback(s);
	OK(s->ops->audit_head(s, &now));
	assert_memory_equal(&now, &h, sizeof(h));
	assert_int_equal(add(s, "c", "k", "s"), 21);
	OK(verdict(s, &h));
}

static size_t
entries(struct store *s, struct store_audit_filter f, uint64_t ns[10])
{
	static struct audit_entry page[10];
	size_t n = 0;

	f.limit = f.limit ? f.limit : 10;
	OK(s->ops->audit_list(s, &f, page, &n));
	for (size_t i = 0; i < n; i++)
		ns[i] = page[i].n;
	return n;
}
#define ENTRIES(...) \
	entries(s, (struct store_audit_filter){__VA_ARGS__}, id)

static void
entries_are_listed_by_filter_and_in_both_directions(void **state)
{
	struct store *s = store_of(state);
	struct store_audit_filter bad = {.limit = LIMIT_PAGE + 1};
	struct audit_entry e;
	uint64_t id[10];
	size_t n;

	assert_int_equal(ENTRIES(.after = 0), 0);
	add(s, "", "start", "");
	add(s, "alice", "device.add", "d1");
	add(s, "alice", "device.add", "d2");
	add(s, "bob", "device.revoke", "d1");
	assert_int_equal(ENTRIES(.after = 0), 4);
	assert_true(id[0] == 1 && id[3] == 4);
	assert_int_equal(ENTRIES(.after = 2, .limit = 1), 1);
	assert_int_equal(id[0], 3);
	assert_int_equal(ENTRIES(.newest_first = true, .limit = 2), 2);
	assert_true(id[0] == 4 && id[1] == 3);
	assert_int_equal(ENTRIES(.newest_first = true, .after = 3), 2);
	assert_int_equal(ENTRIES(.after = UINT64_MAX), 0);
	assert_int_equal(ENTRIES(.have_who = true), 1);
	assert_int_equal(id[0], 1);
	for (int newest = 0; newest < 2; newest++) {
		assert_int_equal(ENTRIES(.who = "alice", .have_who = true,
		    .newest_first = newest), 2);
		assert_int_equal(id[0], newest ? 3 : 2);
		assert_int_equal(ENTRIES(.kind = "device.add",
		    .newest_first = newest), 2);
		assert_int_equal(ENTRIES(.subject = "d1",
		    .newest_first = newest), 2);
		assert_int_equal(id[0], newest ? 4 : 2);
		assert_int_equal(ENTRIES(.subject = "d1", .who = "bob",
		    .have_who = true, .newest_first = newest), 1);
		assert_int_equal(ENTRIES(.subject = "d1", .kind = "start",
		    .newest_first = newest), 0);
		assert_int_equal(ENTRIES(.from = 3, .newest_first = newest),
		    2);
		assert_int_equal(id[0], newest ? 4 : 3);
		assert_int_equal(ENTRIES(.from = 3, .subject = "d1",
		    .newest_first = newest), 1);
		assert_int_equal(ENTRIES(.from = 3, .who = "alice",
		    .have_who = true, .newest_first = newest), 1);
		assert_int_equal(ENTRIES(.from = 3, .kind = "device.add",
		    .newest_first = newest), 1);
		assert_int_equal(ENTRIES(.from = 5, .newest_first = newest),
		    0);
		assert_int_equal(ENTRIES(.from = INT64_MAX,
		    .newest_first = newest), 0);
	}
	bad = (struct store_audit_filter){.limit = 1, .from = UINT64_MAX};
	FAILS(s->ops->audit_list(s, &bad, &e, &n), ERR_RANGE);
	bad = (struct store_audit_filter){.limit = LIMIT_PAGE + 1};
	FAILS(s->ops->audit_list(s, &bad, &e, &n), ERR_RANGE);
	bad.limit = 0;
	FAILS(s->ops->audit_list(s, &bad, &e, &n), ERR_RANGE);
}

static void
pruning_drops_the_oldest_and_tells_the_head_of_what_is_gone(void **state)
{
	struct store *s = store_of(state);
	struct audit_head base = {.n = 77}, third, kept;
	uint64_t id[10], n = 9;

	OK(ALONE(s, s->ops->audit_prune(s, 1, 10, &base, &n)));
	assert_true(n == 0 && base.n == 0);
	for (int i = 1; i <= 8; i++) {
		add(s, "a", "k", "s");
		if (i == 3)
			OK(s->ops->audit_head(s, &third));
	}
	OK(ALONE(s, s->ops->audit_prune(s, 8, 100, &base, &n)));
	assert_true(n == 0 && base.n == 0);
	OK(ALONE(s, s->ops->audit_prune(s, 2, 3, &base, &n)));
	assert_int_equal(n, 3);
	assert_memory_equal(&base, &third, sizeof(base));
	assert_int_equal(ENTRIES(.after = 0), 5);
	assert_int_equal(id[0], 4);
	FAILS(verdict(s, NULL), ERR_MISSING);
	OK(verdict(s, &third));

	OK(store_begin(s));
	OK(s->ops->audit_prune(s, 1, 100, &base, &n));
	assert_true(n == 4 && base.n == 7);
	store_rollback(s);
	assert_int_equal(ENTRIES(.after = 0), 5);
	OK(ALONE(s, s->ops->audit_prune(s, 5, 9, &base, &n)));
	assert_true(n == 0 && base.n == 3);
	OK(s->ops->audit_head(s, &kept));
	OK(ALONE(s, s->ops->audit_prune(s, 1, 100, &base, &n)));
	assert_true(n == 4 && base.n == 7);
	assert_int_equal(add(s, "a", "k", "s"), 9);
	OK(verdict(s, &base));
	OK(verdict(s, &kept) == ERR_MISSING ? 0 : 1);
	FAILS(ALONE(s, s->ops->audit_prune(s, 0, 1, &base, &n)), ERR_RANGE);
	FAILS(ALONE(s, s->ops->audit_prune(s, UINT64_MAX, 1, &base, &n)),
	    ERR_RANGE);
	FAILS(ALONE(s, s->ops->audit_prune(s, 1, UINT64_MAX, &base, &n)),
	    ERR_RANGE);
}

/* Somebody with the file and no more than SQL. */
static void
sqlite_refuses_what_is_no_append(void **state)
{
	static const char *const no[] = {
		"UPDATE audit SET who = 'x' WHERE n = 2",
		"UPDATE audit SET n = 9 WHERE n = 4",
		"DELETE FROM audit WHERE n = 2",
		"DELETE FROM audit WHERE n = 4",
		"DELETE FROM audit",
		"INSERT OR REPLACE INTO audit SELECT n, at, 'x', kind,"
		" subject, detail, prev, hash FROM audit WHERE n = 2",
		"INSERT INTO audit SELECT 9, at, who, kind, subject, detail,"
		" prev, hash FROM audit WHERE n = 2",
		"UPDATE audit_base SET n = 2",
		"UPDATE audit_base SET n = 9, hash = zeroblob(32)",
		"DELETE FROM audit_base",
		"INSERT OR REPLACE INTO audit_base SELECT 1, n, hash"
		" FROM audit WHERE n = 2",
	};
	struct fixture *f = *state;
	char *said = NULL;
	sqlite3 *db;

	for (int i = 0; i < 4; i++)
		add(f->s, "a", "k", "s");
	store_close(f->s);
	f->s = NULL;
	OK(sqlite3_open(f->path, &db));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (sqlite3_exec(db, no[i], NULL, NULL, &said) == SQLITE_OK)
			fail_msg("%s", no[i]);
		sqlite3_free(said);
	}
	OK(sqlite3_close(db));
	reopen(f);
	OK(verdict(f->s, NULL));
	assert_int_equal(add(f->s, "a", "k", "s"), 5);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TWICE(an_entry_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(what_is_appended_is_chained_and_what_is_undone_was_never_there),
		TWICE(entries_are_listed_by_filter_and_in_both_directions),
		TWICE(pruning_drops_the_oldest_and_tells_the_head_of_what_is_gone),
		cmocka_unit_test_setup_teardown(
		    sqlite_refuses_what_is_no_append, open_sqlite, shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
