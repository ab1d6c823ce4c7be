/*
 * The contract of db/store.h, for both twins: trust lists.
 */
#include <sqlite3.h>

#include "tests/db/twins.h"

static uint8_t bytes[STORE_TRUST_MAX + 1];

static int
put(struct store *s, uint64_t seq, size_t n)
{
	struct store_trust t = {.seq = seq, .at = 7, .by = "anna"};

	memset(bytes, (int)(seq & 0xff), sizeof(bytes));
	return ALONE(s, s->ops->trust_put(s, &t, slice_of(bytes, n)));
}

static void
a_list_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	static uint8_t raw[STORE_TRUST_MAX];
	struct store *s = store_of(state);
	struct store_trust t = {.seq = INT64_MAX, .at = -1}, back;
	struct buf out = buf_of(raw, sizeof(raw));

	memset(t.by, 'b', LIMIT_PSK_IDENTITY);
	memset(bytes, 0x5a, sizeof(bytes));
	OK(ALONE(s, s->ops->trust_put(s, &t, slice_of(bytes,
	    STORE_TRUST_MAX))));
	OK(s->ops->trust_get(s, INT64_MAX, &back, &out));
	assert_int_equal(back.seq, INT64_MAX);
	assert_int_equal(back.at, -1);
	assert_string_equal(back.by, t.by);
	assert_int_equal(back.len, STORE_TRUST_MAX);
	assert_int_equal(out.n, STORE_TRUST_MAX);
	assert_memory_equal(raw, bytes, STORE_TRUST_MAX);
	out.n = 1;
	FAILS(s->ops->trust_get(s, 0, &back, &out), ERR_SPACE);
}

static void
a_list_past_a_cap_or_of_nonsense_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_trust t = {.seq = 1}, back;

	FAILS(put(s, 1, STORE_TRUST_MAX + 1), ERR_SIZE);
	FAILS(put(s, 1, 0), ERR_INVALID);
	FAILS(put(s, 0, 5), ERR_INVALID);
	FAILS(put(s, (uint64_t)INT64_MAX + 1, 5), ERR_SIZE);
	memset(t.by, 'b', sizeof(t.by));
	FAILS(ALONE(s, s->ops->trust_put(s, &t, slice_of(bytes, 5))),
	    ERR_SIZE);
	t.by[0] = '\0';
	FAILS(s->ops->trust_put(s, &t, slice_of(bytes, 5)), ERR_STATE);
	FAILS(s->ops->trust_get(s, 0, &back, NULL), ERR_NOT_FOUND);
	FAILS(s->ops->trust_get(s, 1, &back, NULL), ERR_NOT_FOUND);
	FAILS(s->ops->trust_get(s, UINT64_MAX, &back, NULL), ERR_NOT_FOUND);
}

static void
the_sequence_grows_and_every_list_stays(void **state)
{
	struct store *s = store_of(state);
	uint8_t raw[64];
	struct store_trust t;

	OK(put(s, 1, 10));
	OK(put(s, 2, 20));
	OK(put(s, 9, 30));
	FAILS(put(s, 9, 30), ERR_SEQUENCE);
	FAILS(put(s, 8, 30), ERR_SEQUENCE);
	FAILS(s->ops->trust_get(s, 8, &t, NULL), ERR_NOT_FOUND);
	OK(s->ops->trust_get(s, 0, &t, NULL));
	assert_int_equal(t.seq, 9);
	for (uint64_t i = 1; i <= 2; i++) {
		struct buf out = buf_of(raw, sizeof(raw));

		OK(s->ops->trust_get(s, i, &t, &out));
		assert_int_equal(out.n, 10 * i);
		assert_int_equal(raw[0], i);
	}
}

static void
what_is_undone_was_never_there(void **state)
{
	struct store *s = store_of(state);
	struct store_trust t = {.seq = 1};

	OK(store_begin(s));
	OK(s->ops->trust_put(s, &t, slice_of(bytes, 5)));
	store_rollback(s);
	FAILS(s->ops->trust_get(s, 0, &t, NULL), ERR_NOT_FOUND);
	OK(put(s, 1, 5));
}

static void
no_statement_changes_or_drops_a_list(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	OK(put(f->s, 1, 5));
	OK(sqlite3_open(f->path, &db));
	FAILS(sqlite3_exec(db, "UPDATE trust SET list = x'00'", NULL, NULL,
	    NULL), SQLITE_CONSTRAINT);
	FAILS(sqlite3_exec(db, "DELETE FROM trust", NULL, NULL, NULL),
	    SQLITE_CONSTRAINT);
	sqlite3_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_list_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(a_list_past_a_cap_or_of_nonsense_is_refused),
		TWICE(the_sequence_grows_and_every_list_stays),
		TWICE(what_is_undone_was_never_there),
		{"no_statement_changes_or_drops_a_list",
		    no_statement_changes_or_drops_a_list, open_sqlite, shut,
		    NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
