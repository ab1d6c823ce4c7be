/*
 * The contract of db/store.h, for both twins: the event log.
 */
#include "tests/db/twins.h"

static uint64_t
add_event(struct store *s, uint64_t device, uint64_t job, uint64_t campaign)
{
	struct store_event e = {.at = 5, .device = device, .job = job,
	    .campaign = campaign, .release = campaign, .kind = "job"};

	OK(ALONE(s, s->ops->event_put(s, &e)));
	return e.id;
}

static void
an_event_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	struct store *s = store_of(state);
	struct store_event_filter f = {.limit = 1};
	struct store_event e, back;
	size_t n = 0;

	memset(&e, 0, sizeof(e));
	e.at = 1;
	e.device = 2;
	e.job = 3;
	e.campaign = 4;
	e.release = 5;
	memset(e.ep, 'e', sizeof(e.ep) - 1);
	memset(e.kind, 'k', sizeof(e.kind) - 1);
	memset(e.what, 'w', sizeof(e.what) - 1);
	e.grade = GRADE_L2;
	memset(e.detail, 'd', sizeof(e.detail) - 1);
	OK(ALONE(s, s->ops->event_put(s, &e)));
	OK(s->ops->event_list(s, &f, &back, &n));
	assert_int_equal(n, 1);
	assert_int_equal(back.id, e.id);
	assert_int_equal(back.at, 1);
	assert_int_equal(back.device, 2);
	assert_int_equal(back.job, 3);
	assert_int_equal(back.campaign, 4);
	assert_int_equal(back.release, 5);
	assert_string_equal(back.ep, e.ep);
	assert_string_equal(back.kind, e.kind);
	assert_string_equal(back.what, e.what);
	assert_int_equal(back.grade, GRADE_L2);
	assert_string_equal(back.detail, e.detail);

	e.grade = GRADE_L2 + 1;
	FAILS(ALONE(s, s->ops->event_put(s, &e)), ERR_INVALID);
	e.grade = GRADE_L0;
	e.detail[sizeof(e.detail) - 1] = 'd';
	FAILS(ALONE(s, s->ops->event_put(s, &e)), ERR_SIZE);
	e.detail[0] = e.kind[0] = '\0';
	FAILS(ALONE(s, s->ops->event_put(s, &e)), ERR_INVALID);
}

static size_t
events(struct store *s, struct store_event_filter f, uint64_t ids[10])
{
	struct store_event page[10];
	size_t n = 0;

	f.limit = f.limit ? f.limit : 10;
	OK(s->ops->event_list(s, &f, page, &n));
	for (size_t i = 0; i < n; i++)
		ids[i] = page[i].id;
	return n;
}

static void
events_are_listed_by_filter_and_in_both_directions(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = add_event(s, 1, 0, 0), b = add_event(s, 2, 7, 0);
	uint64_t c = add_event(s, 1, 7, 3), d = add_event(s, 2, 0, 3);
	uint64_t id[10];
#define EVENTS(...) events(s, (struct store_event_filter){__VA_ARGS__}, id)

	assert_true(a < b && b < c && c < d);
	assert_int_equal(EVENTS(.after = 0), 4);
	assert_true(id[0] == a && id[3] == d);
	assert_int_equal(EVENTS(.after = b), 2);
	assert_true(id[0] == c && id[1] == d);
	assert_int_equal(EVENTS(.after = d), 0);
	assert_int_equal(EVENTS(.newest_first = true, .limit = 3), 3);
	assert_true(id[0] == d && id[1] == c && id[2] == b);
	assert_int_equal(EVENTS(.newest_first = true, .after = b), 1);
	assert_true(id[0] == a);
	assert_int_equal(EVENTS(.device = 1), 2);
	assert_true(id[0] == a && id[1] == c);
	assert_int_equal(EVENTS(.device = 1, .newest_first = true), 2);
	assert_true(id[0] == c && id[1] == a);
	assert_int_equal(EVENTS(.job = 7), 2);
	assert_true(id[0] == b && id[1] == c);
	assert_int_equal(EVENTS(.job = 7, .newest_first = true, .after = c),
	    1);
	assert_true(id[0] == b);
	assert_int_equal(EVENTS(.campaign = 3), 2);
	assert_int_equal(EVENTS(.campaign = 3, .newest_first = true), 2);
	assert_int_equal(EVENTS(.release = 3, .after = c), 1);
	assert_true(id[0] == d);
	assert_int_equal(EVENTS(.release = 3, .newest_first = true), 2);
	assert_int_equal(EVENTS(.device = 1, .campaign = 3), 1);
	assert_true(id[0] == c);
	assert_int_equal(EVENTS(.device = 2, .job = 7, .campaign = 3), 0);
	assert_int_equal(EVENTS(.device = 9), 0);
}

static void
pruning_drops_the_oldest_and_ids_go_on(void **state)
{
	struct store *s = store_of(state);
	struct store_stats st;
	uint64_t id[10], n = 9, last = 0;

	OK(ALONE(s, s->ops->event_prune(s, 0, 10, &n)));
	assert_int_equal(n, 0);
	for (int i = 0; i < 8; i++)
		last = add_event(s, 1, 2, 3);
	OK(ALONE(s, s->ops->event_prune(s, 8, 100, &n)));
	assert_int_equal(n, 0);
	OK(ALONE(s, s->ops->event_prune(s, 9, 100, &n)));
	assert_int_equal(n, 0);
	OK(ALONE(s, s->ops->event_prune(s, 3, 2, &n)));
	assert_int_equal(n, 2);
	OK(ALONE(s, s->ops->event_prune(s, 3, 0, &n)));
	assert_int_equal(n, 0);
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 6);
	OK(ALONE(s, s->ops->event_prune(s, 3, 100, &n)));
	assert_int_equal(n, 3);
	assert_int_equal(EVENTS(.after = 0), 3);
	assert_int_equal(id[2], last);
	OK(ALONE(s, s->ops->event_prune(s, 0, 100, &n)));
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 0);
	assert_int_equal(add_event(s, 1, 2, 3), last + 1);
	FAILS(ALONE(s, s->ops->event_prune(s, UINT64_MAX, 1, &n)), ERR_RANGE);
	FAILS(ALONE(s, s->ops->event_prune(s, 1, UINT64_MAX, &n)), ERR_RANGE);
}

/* Events 1 .. n of jobs 1 .. n, in the pair that is open. */
static void
put_events(struct store *s, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i <= n; i++) {
		struct store_event e = {.at = 5, .job = i, .kind = "job"};

		OK(s->ops->event_put(s, &e));
		assert_int_equal(e.id, i);
	}
}

static void
are_there(struct store *s, uint64_t n)
{
	struct store_event_filter f = {.limit = LIMIT_PAGE};
	static struct store_event page[LIMIT_PAGE];
	struct store_stats st;
	size_t got = 0;

	s->ops->stats(s, &st);
	assert_int_equal(st.events, n);
	OK(s->ops->event_list(s, &f, page, &got));
	assert_int_equal(got, n);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(page[i].id, i + 1);
		assert_int_equal(page[i].job, i + 1);
	}
}

/* 1 and 64 are what SQLite's store keeps waiting. */
static void
as_many_as_wait_for_the_commit_and_more(void **state)
{
	struct store *s = store_of(state);
	uint64_t n = 0;

	for (uint64_t many = 64; many <= 66; many++) {
		OK(store_begin(s));
		OK(store_begin(s));
		put_events(s, 1, many);
		OK(store_commit(s));
		are_there(s, many);
		store_rollback(s);
		are_there(s, 0);
	}
	OK(store_begin(s));
	put_events(s, 1, 66);
	OK(store_commit(s));
	are_there(s, 66);
	OK(store_begin(s));
	put_events(s, 67, 131);
	OK(s->ops->event_prune(s, 66, 100, &n));
	assert_int_equal(n, 65);
	OK(store_commit(s));
	assert_int_equal(add_event(s, 1, 2, 3), 132);
}

static void
a_pair_that_is_undone_takes_back_its_events(void **state)
{
	struct store *s = store_of(state);

	OK(store_begin(s));
	OK(store_begin(s));
	put_events(s, 1, 3);
	store_rollback(s);
	put_events(s, 1, 4);
	OK(store_begin(s));
	put_events(s, 5, 20);
	are_there(s, 20);
	put_events(s, 21, 90);
	store_rollback(s);
	put_events(s, 5, 6);
	are_there(s, 6);
	OK(store_begin(s));
	put_events(s, 7, 9);
	OK(store_commit(s));
	OK(store_commit(s));
	are_there(s, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(an_event_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(events_are_listed_by_filter_and_in_both_directions),
		TWICE(pruning_drops_the_oldest_and_ids_go_on),
		TWICE(as_many_as_wait_for_the_commit_and_more),
		TWICE(a_pair_that_is_undone_takes_back_its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
