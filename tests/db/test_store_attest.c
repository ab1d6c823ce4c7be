/* Keys of bootloaders, in both stores. */
#include "tests/db/twins.h"

static struct store_attest
full_attest(uint64_t device, uint8_t kid)
{
	struct store_attest a;

	memset(&a, 0, sizeof(a));
	a.device = device;
	memset(a.kid, kid, sizeof(a.kid));
	a.key_len = sizeof(a.key);
	memset(a.key, 0x5a, sizeof(a.key));
	a.created = INT64_MAX;
	a.mark = (struct bootreport_mark){true, {9, 8, 7}, UINT64_MAX,
	    UINT64_MAX - 1};
	a.result = BOOT_REFUSED;
	a.sequence = UINT64_MAX;
	a.have_list = true;
	a.list_seq = UINT64_MAX;
	a.at = 5;
	a.fresh_at = 6;
	a.have_pending = true;
	memset(a.pending, 3, sizeof(a.pending));
	a.gone_n = LIMIT_BOOT_EPOCHS;
	memset(a.gone, 4, sizeof(a.gone));
	a.refused = UINT64_MAX;
	a.refused_at = 7;
	return a;
}

static int
put(struct store *s, const struct store_attest *a)
{
	int err;

	OK(store_begin(s));
	err = s->ops->attest_put(s, a);
	OK(store_commit(s));
	return err;
}

static void
same(const struct store_attest *a, const struct store_attest *b)
{
	assert_int_equal(a->device, b->device);
	assert_memory_equal(a->kid, b->kid, sizeof(a->kid));
	assert_int_equal(a->key_len, b->key_len);
	assert_memory_equal(a->key, b->key, sizeof(a->key));
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->mark.have, b->mark.have);
	assert_memory_equal(a->mark.epoch, b->mark.epoch,
	    sizeof(a->mark.epoch));
	assert_int_equal(a->mark.boot_ctr, b->mark.boot_ctr);
	assert_int_equal(a->mark.report_seq, b->mark.report_seq);
	assert_int_equal(a->result, b->result);
	assert_int_equal(a->sequence, b->sequence);
	assert_int_equal(a->have_list, b->have_list);
	assert_int_equal(a->list_seq, b->list_seq);
	assert_int_equal(a->at, b->at);
	assert_int_equal(a->fresh_at, b->fresh_at);
	assert_int_equal(a->have_pending, b->have_pending);
	assert_memory_equal(a->pending, b->pending, sizeof(a->pending));
	assert_int_equal(a->gone_n, b->gone_n);
	assert_memory_equal(a->gone, b->gone, sizeof(a->gone));
	assert_int_equal(a->refused, b->refused);
	assert_int_equal(a->refused_at, b->refused_at);
}

static void
what_is_put_comes_back_by_device_and_by_key(void **state)
{
	struct store *s = store_of(state);
	struct store_attest full = full_attest(add_device(s, "a"), 1), got;
	struct store_attest bare = {.device = add_device(s, "b"),
	    .kid = {2}, .key_len = 1};

	OK(put(s, &full));
	OK(put(s, &bare));
	OK(s->ops->attest_get(s, full.device, &got));
	same(&got, &full);
	OK(s->ops->attest_by_kid(s, full.kid, &got));
	same(&got, &full);
	OK(s->ops->attest_get(s, bare.device, &got));
	same(&got, &bare);
	/* the next report, and another key */
	full.mark.report_seq = UINT64_MAX;
	full.have_pending = full.have_list = false;
	memset(full.pending, 0, sizeof(full.pending));
	full.list_seq = full.gone_n = 0;
	memset(full.gone, 0, sizeof(full.gone));
	OK(put(s, &full));
	OK(s->ops->attest_get(s, full.device, &got));
	same(&got, &full);
	full.kid[0] = 77;
	full.key[0] = 0;
	OK(put(s, &full));
	OK(s->ops->attest_by_kid(s, full.kid, &got));
	same(&got, &full);
	FAILS(s->ops->attest_by_kid(s, (const uint8_t[8]){1, 1, 1, 1, 1, 1,
	    1, 1}, &got), ERR_NOT_FOUND);
}

static void
lists(struct store *s, uint64_t least, uint64_t told, uint64_t have)
{
	struct store_lists l = {9, 9};

	OK(s->ops->attest_lists(s, least, &l));
	assert_int_equal(l.told, told);
	assert_int_equal(l.have, have);
}

/* Through all ways in which a row comes, changes and goes. */
static void
lists_are_counted_by_what_was_told_last(void **state)
{
	struct store *s = store_of(state);
	struct store_attest a[4];

	lists(s, 0, 0, 0);
	for (uint8_t i = 0; i < 4; i++) {
		a[i] = (struct store_attest){.kid = {1 + i}, .key_len = 1,
		    .device = add_device(s, (const char *[]){"a", "b", "c",
		    "d"}[i]), .have_list = i > 0, .list_seq = i};
		OK(put(s, &a[i]));
	}
	lists(s, 0, 3, 3);
	lists(s, 2, 3, 2);
	lists(s, 4, 3, 0);
	a[1].list_seq = 3;
	OK(put(s, &a[1]));
	lists(s, 3, 3, 2);
	a[2].have_list = false; /* of an image without a list */
	a[2].list_seq = 0;
	OK(put(s, &a[2]));
	lists(s, 0, 2, 2);
	a[3].kid[0] = 99; /* another key */
	OK(put(s, &a[3]));
	lists(s, 3, 2, 2);
	OK(store_begin(s));
	OK(s->ops->attest_remove(s, a[3].device));
	lists(s, 3, 1, 1);
	store_rollback(s);
	lists(s, 3, 2, 2);
	OK(store_begin(s));
	OK(s->ops->attest_remove(s, a[3].device));
	OK(s->ops->device_remove(s, a[1].device));
	OK(store_commit(s));
	lists(s, 0, 0, 0);
}

static void
what_is_nonsense_or_another_devices_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_attest a = full_attest(add_device(s, "a"), 1), got;
	struct store_attest b = full_attest(add_device(s, "b"), 1);

	FAILS(s->ops->attest_put(s, &a), ERR_STATE);
	OK(put(s, &a));
	FAILS(put(s, &b), ERR_EXISTS);
	b.kid[0]++;
	OK(put(s, &b));
	b.kid[0]--; /* a key that it had not, and cannot have */
	FAILS(put(s, &b), ERR_EXISTS);
	OK(s->ops->attest_by_kid(s, a.kid, &got));
	same(&got, &a);
	b = full_attest(77, 9);
	FAILS(put(s, &b), ERR_NOT_FOUND);
	b.device = 0;
	FAILS(put(s, &b), ERR_INVALID);
	a.key_len = 0;
	FAILS(put(s, &a), ERR_INVALID);
	a.key_len = sizeof(a.key) + 1;
	FAILS(put(s, &a), ERR_SIZE);
	a.key_len = 1;
	a.gone_n = LIMIT_BOOT_EPOCHS + 1;
	FAILS(put(s, &a), ERR_SIZE);
	a.gone_n = 0;
	a.result = BOOT_RESULTS;
	FAILS(put(s, &a), ERR_INVALID);
	FAILS(s->ops->attest_get(s, 77, &got), ERR_NOT_FOUND);
	FAILS(s->ops->attest_get(s, UINT64_MAX, &got), ERR_NOT_FOUND);
}

static void
it_goes_with_its_device_or_alone_and_an_undone_pair_brings_it_back(
    void **state)
{
	struct store *s = store_of(state);
	struct store_attest a = full_attest(add_device(s, "a"), 1), got;

	OK(put(s, &a));
	OK(store_begin(s));
	OK(s->ops->attest_remove(s, a.device));
	FAILS(s->ops->attest_get(s, a.device, &got), ERR_NOT_FOUND);
	FAILS(s->ops->attest_remove(s, a.device), ERR_NOT_FOUND);
	store_rollback(s);
	OK(s->ops->attest_get(s, a.device, &got));
	same(&got, &a);
	OK(store_begin(s));
	OK(s->ops->device_remove(s, a.device));
	OK(store_commit(s));
	FAILS(s->ops->attest_get(s, a.device, &got), ERR_NOT_FOUND);
	FAILS(s->ops->attest_by_kid(s, a.kid, &got), ERR_NOT_FOUND);
}

static uint64_t heard;

static void
hear(void *arg, uint64_t device)
{
	(void)arg;
	heard = device;
}

static void
who_listens_hears_of_which_device_it_was(void **state)
{
	struct store *s = store_of(state);
	struct store_attest a = full_attest(add_device(s, "a"), 1);

	s->wrote = hear;
	heard = 0;
	OK(put(s, &a));
	assert_int_equal(heard, a.device);
	heard = 0;
	OK(store_begin(s));
	OK(s->ops->attest_remove(s, a.device));
	OK(store_commit(s));
	assert_int_equal(heard, a.device);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(what_is_put_comes_back_by_device_and_by_key),
		TWICE(lists_are_counted_by_what_was_told_last),
		TWICE(what_is_nonsense_or_another_devices_is_refused),
		TWICE(it_goes_with_its_device_or_alone_and_an_undone_pair_brings_it_back),
		TWICE(who_listens_hears_of_which_device_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
