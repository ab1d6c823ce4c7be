/*
 * The contract of db/store.h, for both twins: devices that are ahead of every
 * release of their class.
 */
#include "tests/db/twins.h"

static uint64_t
put_ahead(struct store *s, const char *ep, uint8_t class, uint64_t seq)
{
	struct store_device d = {.have_class = true, .class_id = {class},
	    .have_seq = true, .seq = seq, .ahead = true};

	strcpy(d.ep, ep);
	OK(ALONE(s, s->ops->device_put(s, &d)));
	return d.id;
}

static uint64_t
counted(struct store *s)
{
	struct store_stats st;

	s->ops->stats(s, &st);
	return st.ahead;
}

static bool
is_ahead(struct store *s, uint64_t id)
{
	struct store_device d;

	OK(s->ops->device_get(s, id, &d));
	return d.ahead;
}

static void
those_ahead_are_counted_however_they_come_and_go(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = put_ahead(s, "a", 1, 5), b = put_ahead(s, "b", 1, 6);
	struct store_device d;

	assert_int_equal(counted(s), 2);
	OK(s->ops->device_get(s, a, &d));
	OK(ALONE(s, s->ops->device_put(s, &d))); /* no change */
	assert_int_equal(counted(s), 2);
	d.ahead = false;
	OK(ALONE(s, s->ops->device_put(s, &d)));
	assert_int_equal(counted(s), 1);
	assert_false(is_ahead(s, a));
	OK(ALONE(s, s->ops->device_remove(s, b)));
	assert_int_equal(counted(s), 0);
	d.ahead = true;
	OK(store_begin(s));
	OK(s->ops->device_put(s, &d));
	assert_int_equal(counted(s), 1);
	store_rollback(s);
	assert_int_equal(counted(s), 0);
	assert_false(is_ahead(s, a));
}

static void
ahead_of_what_without_a_class_or_a_sequence(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = {.ep = "a", .have_class = true, .ahead = true};

	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = (struct store_device){.ep = "a", .have_seq = true, .ahead = true};
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	assert_int_equal(counted(s), 0);
}

static void
classes_with_devices_ahead_are_walked_in_order(void **state)
{
	struct store *s = store_of(state);
	uint8_t c[16] = {9}, got[16];

	FAILS(s->ops->ahead_class(s, NULL, got), ERR_NOT_FOUND);
	(void)put_ahead(s, "a", 0, 1);
	(void)put_ahead(s, "b", 7, 1);
	(void)put_ahead(s, "c", 7, 2);
	OK(s->ops->ahead_class(s, NULL, got));
	assert_int_equal(got[0], 0);
	OK(s->ops->ahead_class(s, got, c));
	assert_int_equal(c[0], 7);
	FAILS(s->ops->ahead_class(s, c, got), ERR_NOT_FOUND);
}

static void
how_far_ahead_is_by_unsigned_sequence(void **state)
{
	struct store *s = store_of(state);
	uint8_t class[16] = {1}, other[16] = {2};
	uint64_t seq = 0;

	FAILS(s->ops->ahead_max(s, class, &seq), ERR_NOT_FOUND);
	(void)put_ahead(s, "a", 1, INT64_MAX);
	OK(s->ops->ahead_max(s, class, &seq));
	assert_true(seq == INT64_MAX);
	(void)put_ahead(s, "b", 1, UINT64_MAX - 1);
	(void)put_ahead(s, "c", 1, (uint64_t)INT64_MAX + 1);
	OK(s->ops->ahead_max(s, class, &seq));
	assert_true(seq == UINT64_MAX - 1);
	FAILS(s->ops->ahead_max(s, other, &seq), ERR_NOT_FOUND);
}

static void
a_release_settles_those_it_has_reached_in_slices(void **state)
{
	struct store *s = store_of(state);
	uint8_t class[16] = {1};
	uint64_t id[4] = {
		put_ahead(s, "a", 1, UINT64_MAX), put_ahead(s, "b", 1, 5),
		put_ahead(s, "c", 1, 6), put_ahead(s, "d", 2, 5),
	};
	size_t n = 9;

	OK(ALONE(s, s->ops->ahead_settle(s, class, 4, 10, &n)));
	assert_int_equal(n, 0);
	OK(ALONE(s, s->ops->ahead_settle(s, class, 6, 1, &n)));
	assert_int_equal(n, 1);
	assert_true(!is_ahead(s, id[1]) && is_ahead(s, id[2]));
	OK(ALONE(s, s->ops->ahead_settle(s, class, 6, 10, &n)));
	assert_int_equal(n, 1);
	assert_true(is_ahead(s, id[0]) && is_ahead(s, id[3]));
	OK(ALONE(s, s->ops->ahead_settle(s, class, UINT64_MAX, 10, &n)));
	assert_int_equal(n, 1);
	assert_int_equal(counted(s), 1);
}

static void
a_slice_has_bounds_and_needs_a_pair(void **state)
{
	struct store *s = store_of(state);
	uint8_t class[16] = {1};
	size_t n = 9;

	FAILS(ALONE(s, s->ops->ahead_settle(s, class, 1, 0, &n)), ERR_RANGE);
	FAILS(ALONE(s, s->ops->ahead_settle(s, class, 1, STORE_SETTLE_MAX + 1,
	    &n)), ERR_RANGE);
	OK(ALONE(s, s->ops->ahead_settle(s, class, 1, STORE_SETTLE_MAX, &n)));
	assert_int_equal(n, 0);
	FAILS(s->ops->ahead_settle(s, class, 1, 1, &n), ERR_STATE);
}

static void
the_highest_sequence_counts_withdrawn_releases(void **state)
{
	struct store *s = store_of(state);
	uint8_t class[16] = {7};
	uint64_t id = 0, seq = 0;

	FAILS(s->ops->release_highest(s, class, &seq), ERR_NOT_FOUND);
	OK(put_release(s, 1, 3, &id));
	OK(put_release(s, 2, UINT64_MAX - 1, &id));
	OK(ALONE(s, s->ops->release_set_state(s, id, RELEASE_WITHDRAWN)));
	OK(s->ops->release_highest(s, class, &seq));
	assert_true(seq == UINT64_MAX - 1);
}

static struct {
	unsigned n;
	uint64_t last;
} heard;

static void
hear(void *arg, uint64_t device)
{
	(void)arg;
	heard.n++;
	heard.last = device;
}

static void
who_listens_hears_of_each_that_is_settled(void **state)
{
	struct store *s = store_of(state);
	uint8_t class[16] = {1};
	uint64_t id = put_ahead(s, "a", 1, 5);
	size_t n;

	heard.n = 0;
	s->wrote = hear;
	OK(ALONE(s, s->ops->ahead_settle(s, class, 5, 10, &n)));
	assert_true(heard.n == 1 && heard.last == id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(those_ahead_are_counted_however_they_come_and_go),
		TWICE(ahead_of_what_without_a_class_or_a_sequence),
		TWICE(classes_with_devices_ahead_are_walked_in_order),
		TWICE(how_far_ahead_is_by_unsigned_sequence),
		TWICE(a_release_settles_those_it_has_reached_in_slices),
		TWICE(a_slice_has_bounds_and_needs_a_pair),
		TWICE(the_highest_sequence_counts_withdrawn_releases),
		TWICE(who_listens_hears_of_each_that_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
