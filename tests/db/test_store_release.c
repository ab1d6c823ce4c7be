/*
 * The contract of db/store.h, for both twins: releases, payloads, images.
 */
#include "tests/db/twins.h"

static struct store_release
full_release(void)
{
	struct store_release r;

	memset(&r, 0, sizeof(r));
	memset(r.digest, 0x77, sizeof(r.digest));
	r.seq = UINT64_MAX - 1;
	r.dialect = 3;
	memset(r.author, 'a', LIMIT_KEY_NAME);
	r.class_count = LIMIT_COMPONENTS;
	for (size_t i = 0; i < LIMIT_COMPONENTS; i++)
		r.class_id[i][0] = (uint8_t)(i + 1);
	memset(r.vendor, 0x55, 16);
	r.image_bytes = 1 << 20;
	memset(r.warning, 'w', sizeof(r.warning) - 1);
	memset(r.label, 'l', LIMIT_VERSION);
	r.created = 42;
	return r;
}

static int
put(struct store *s, struct store_release *r, struct slice env,
    const struct store_payload *p, size_t np)
{
	return ALONE(s, s->ops->release_put(s, r, env, p, np));
}

static void
same_release(const struct store_release *a, const struct store_release *b)
{
	assert_int_equal(a->id, b->id);
	assert_memory_equal(a->digest, b->digest, 32);
	assert_true(a->seq == b->seq);
	assert_int_equal(a->dialect, b->dialect);
	assert_int_equal(a->state, b->state);
	assert_string_equal(a->author, b->author);
	assert_int_equal(a->class_count, b->class_count);
	assert_memory_equal(a->class_id, b->class_id, 16 * a->class_count);
	assert_memory_equal(a->vendor, b->vendor, 16);
	assert_int_equal(a->image_bytes, b->image_bytes);
	assert_string_equal(a->warning, b->warning);
	assert_string_equal(a->label, b->label);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->envelope_len, b->envelope_len);
}

static void
a_release_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	static uint8_t env[LIMIT_ENVELOPE], raw[LIMIT_ENVELOPE];
	static struct store_payload p[LIMIT_DOWNLOADS], q[LIMIT_DOWNLOADS];
	struct store *s = store_of(state);
	struct store_release r = full_release(), back;
	struct buf out = buf_of(raw, sizeof(raw));
	size_t n = 0;

	memset(env, 0xd9, sizeof(env));
	for (size_t i = 0; i < LIMIT_DOWNLOADS; i++) {
		p[i].digest[0] = (uint8_t)i;
		p[i].size = 1000 + i;
		memset(p[i].path, 'a' + (int)i % 26, LIMIT_PATH - i);
		memset(p[i].uri, 'u', LIMIT_URI);
		p[i].external = i % 2;
	}
	p[5].path[0] = '\0';
	OK(put(s, &r, slice_of(env, sizeof(env)), p, LIMIT_DOWNLOADS));
	assert_int_equal(r.envelope_len, sizeof(env));
	OK(s->ops->release_get(s, r.id, &back));
	same_release(&r, &back);
	OK(s->ops->release_by_digest(s, r.digest, &back));
	same_release(&r, &back);
	OK(s->ops->release_envelope(s, r.id, &out));
	assert_true(slice_eq(buf_slice(&out), slice_of(env, sizeof(env))));
	OK(s->ops->release_payloads(s, r.id, q, LIMIT_DOWNLOADS, &n));
	assert_int_equal(n, LIMIT_DOWNLOADS);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(q[i].release, r.id);
		assert_memory_equal(q[i].digest, p[i].digest, 32);
		assert_int_equal(q[i].size, p[i].size);
		assert_string_equal(q[i].path, p[i].path);
		assert_string_equal(q[i].uri, p[i].uri);
		assert_int_equal(q[i].external, p[i].external);
	}
	OK(s->ops->release_payloads(s, r.id, q, 3, &n));
	assert_int_equal(n, 3);
	out = buf_of(raw, sizeof(raw) - 1);
	FAILS(s->ops->release_envelope(s, r.id, &out), ERR_SPACE);
	assert_int_equal(out.n, 0);
}

static void
a_release_past_a_cap_or_of_nonsense_is_refused(void **state)
{
	static uint8_t env[LIMIT_ENVELOPE + 1];
	static struct store_payload p[LIMIT_DOWNLOADS + 1];
	struct store *s = store_of(state);
	struct store_release r = full_release();
	struct slice one = slice_of(env, 1);

	FAILS(put(s, &r, slice_of(env, sizeof(env)), NULL, 0), ERR_SIZE);
	FAILS(put(s, &r, SLICE_NONE, NULL, 0), ERR_INVALID);
	FAILS(put(s, &r, one, p, LIMIT_DOWNLOADS + 1), ERR_SIZE);
	memset(p[0].path, 'p', sizeof(p[0].path));
	FAILS(put(s, &r, one, p, 1), ERR_SIZE);
	p[0].path[0] = '\0';
	memset(p[0].uri, 'p', sizeof(p[0].uri));
	FAILS(put(s, &r, one, p, 1), ERR_SIZE);
	r.class_count = LIMIT_COMPONENTS + 1;
	FAILS(put(s, &r, one, NULL, 0), ERR_SIZE);
	r = full_release();
	memset(r.label, 'l', sizeof(r.label));
	FAILS(put(s, &r, one, NULL, 0), ERR_SIZE);
	r = full_release();
	r.class_id[1][0] = r.class_id[0][0];
	FAILS(put(s, &r, one, NULL, 0), ERR_DUPLICATE);
	r = full_release();
	r.state = RELEASE_STAGED + 1;
	FAILS(put(s, &r, one, NULL, 0), ERR_INVALID);
	FAILS(s->ops->release_by_digest(s, r.digest, &r), ERR_NOT_FOUND);
}

static void
what_is_not_there_is_not_found(void **state)
{
	struct store *s = store_of(state);
	struct store_release r;
	struct store_payload p;
	uint8_t none[32] = {9};
	struct buf out = buf_of(none, 0);
	size_t n;

	FAILS(s->ops->release_get(s, 1, &r), ERR_NOT_FOUND);
	FAILS(s->ops->release_by_digest(s, none, &r), ERR_NOT_FOUND);
	FAILS(s->ops->release_current(s, none, &r), ERR_NOT_FOUND);
	FAILS(s->ops->release_envelope(s, 1, &out), ERR_NOT_FOUND);
	FAILS(s->ops->release_payloads(s, 1, &p, 1, &n), ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->release_set_state(s, 1, RELEASE_LIVE)),
	    ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->release_set_state(s, 1, 9)), ERR_INVALID);
}

static void
REQ_SEC_SEQUENCE_the_sequence_grows_in_every_class(void **state)
{
	struct store *s = store_of(state);
	struct store_release r;
	uint64_t id = 0, big;

	OK(put_release(s, 1, 10, &id));
	FAILS(put_release(s, 2, 10, &big), ERR_SEQUENCE);
	FAILS(put_release(s, 2, 9, &big), ERR_SEQUENCE);
	FAILS(put_release(s, 1, 11, &big), ERR_EXISTS);
	OK(ALONE(s, s->ops->release_set_state(s, id, RELEASE_WITHDRAWN)));
	FAILS(put_release(s, 2, 10, &big), ERR_SEQUENCE);
	OK(put_release(s, 2, 11, &big));
	/* one class of several is enough; other classes are free */
	r = full_release();
	r.seq = 11;
	r.class_id[3][0] = 7;
	r.class_id[6][0] = 99;
	FAILS(put(s, &r, slice_str("e"), NULL, 0), ERR_SEQUENCE);
	r.class_id[3][0] = 98;
	OK(put(s, &r, slice_str("e"), NULL, 0));
	/* the upper half of 64 bits is above the lower */
	OK(put_release(s, 3, INT64_MAX, &big));
	OK(put_release(s, 4, (uint64_t)INT64_MAX + 1, &big));
	FAILS(put_release(s, 5, INT64_MAX, &id), ERR_SEQUENCE);
	OK(put_release(s, 5, UINT64_MAX, &big));
	OK(s->ops->release_current(s, (uint8_t[16]){7}, &r));
	assert_int_equal(r.id, big);
	OK(ALONE(s, s->ops->release_set_state(s, big, RELEASE_WITHDRAWN)));
	OK(s->ops->release_current(s, (uint8_t[16]){7}, &r));
	assert_true(r.seq == (uint64_t)INT64_MAX + 1);
}

static void
TUF_FASTFORWARD_what_is_above_the_ceiling_does_not_count(void **state)
{
	static const uint64_t burnt[] = {1000, INT64_MAX, UINT64_MAX};
	struct store *s = store_of(state);
	struct store_release r = full_release();

	r.seq = 5;
	OK(put(s, &r, slice_str("e"), NULL, 0));
	for (uint64_t i = 0; i < 3; i++) {
		memset(r.digest, (int)(0x80 + i), 32);
		r.seq = burnt[i];
		OK(put(s, &r, slice_str("e"), NULL, 0));
		memset(r.digest, (int)(0x90 + i), 32);
		r.seq = 6 + i;
		r.ceiling = 0;
		FAILS(put(s, &r, slice_str("e"), NULL, 0), ERR_SEQUENCE);
		r.ceiling = burnt[i];
		FAILS(put(s, &r, slice_str("e"), NULL, 0), ERR_SEQUENCE);
		r.ceiling = 999;
		OK(put(s, &r, slice_str("e"), NULL, 0));
		memset(r.digest, 0xa0, 32);
		FAILS(put(s, &r, slice_str("e"), NULL, 0), ERR_SEQUENCE);
		r.ceiling = 0;
	}
	OK(s->ops->release_get(s, r.id, &r));
	assert_true(r.ceiling == 0);
}

static void
a_release_of_no_class_has_no_order(void **state)
{
	struct store *s = store_of(state);
	struct store_release r = {.seq = 5, .digest = {1}};

	OK(put(s, &r, slice_str("e"), NULL, 0));
	r.digest[0] = 2;
	OK(put(s, &r, slice_str("e"), NULL, 0));
	FAILS(s->ops->release_current(s, (uint8_t[16]){0}, &r),
	    ERR_NOT_FOUND);
}

static void
current_is_the_highest_that_lives(void **state)
{
	struct store *s = store_of(state);
	uint8_t class_id[16] = {7};
	uint64_t a = add_release(s, 1), b = add_release(s, 2);
	struct store_release r;

	OK(s->ops->release_current(s, class_id, &r));
	assert_int_equal(r.id, b);
	OK(ALONE(s, s->ops->release_set_state(s, b, RELEASE_WITHDRAWN)));
	OK(s->ops->release_current(s, class_id, &r));
	assert_int_equal(r.id, a);
	OK(ALONE(s, s->ops->release_set_state(s, a, RELEASE_WITHDRAWN)));
	FAILS(s->ops->release_current(s, class_id, &r), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->release_set_state(s, b, RELEASE_LIVE)));
	OK(s->ops->release_current(s, class_id, &r));
	assert_int_equal(r.id, b);
}

struct told {
	size_t n, stop_at;
	uint64_t size[8];
	enum release_state st[8];
};

static int
see(void *arg, const struct store_payload *p, enum release_state st)
{
	struct told *told = arg;

	told->size[told->n] = p->size;
	told->st[told->n++] = st;
	return told->n == told->stop_at ? ERR_CANCELLED : 0;
}

static bool
needed(struct store *s, unsigned n)
{
	uint8_t digest[32] = {0};
	bool is = false;

	memcpy(digest, &n, sizeof(n));
	OK(s->ops->image_needed(s, digest, &is));
	return is;
}

static void
a_staged_release_is_served_but_not_current(void **state)
{
	static const uint8_t class_id[16] = {7};
	struct store *s = store_of(state);
	uint64_t old = add_release(s, 1), staged = add_release(s, 2), id = 0;
	struct told all = {0};
	struct store_release r;

	OK(ALONE(s, s->ops->release_set_state(s, staged, RELEASE_STAGED)));
	FAILS(ALONE(s, s->ops->release_set_state(s, staged,
	    RELEASE_STAGED + 1)), ERR_INVALID);
	OK(s->ops->release_get(s, staged, &r));
	assert_int_equal(r.state, RELEASE_STAGED);
	OK(s->ops->release_current(s, class_id, &r));
	assert_int_equal(r.id, old);
	OK(s->ops->payload_foreach(s, see, &all));
	assert_int_equal(all.n, 2);
	assert_int_equal(all.st[1], RELEASE_STAGED);
	assert_true(needed(s, 2));
	FAILS(put_release(s, 3, 2, &id), ERR_SEQUENCE); /* it counts there */
	OK(ALONE(s, s->ops->release_set_state(s, staged, RELEASE_LIVE)));
	OK(s->ops->release_current(s, class_id, &r));
	assert_int_equal(r.id, staged);
	OK(ALONE(s, s->ops->release_set_state(s, staged, RELEASE_WITHDRAWN)));
	assert_false(needed(s, 2));
}

static void
REQ_SEC_MFST_CONST_a_path_never_changes_its_bytes(void **state)
{
	struct store *s = store_of(state);
	struct store_release r = {.seq = 1, .digest = {1}};
	struct store_payload p[2] = {
		{.digest = {1}, .size = 10, .path = "fw/a.bin"},
		{.digest = {1}, .size = 10, .path = "fw/a.bin"},
	};
	struct store_payload back[2];
	size_t n = 0;

	OK(put(s, &r, slice_str("e"), p, 2)); /* twice the same is one */
	OK(ALONE(s, s->ops->release_set_state(s, r.id, RELEASE_WITHDRAWN)));
	r.digest[0] = 2;
	p[0].digest[0] = 2;
	FAILS(put(s, &r, slice_str("e"), p, 1), ERR_CONFLICT);
	FAILS(put(s, &r, slice_str("e"), p, 2), ERR_CONFLICT);
	strcpy(p[0].path, "fw/b.bin");
	OK(put(s, &r, slice_str("e"), p, 2)); /* same path, same bytes */
	r.digest[0] = 3;
	strcpy(p[1].path, "fw/new");
	strcpy(p[0].path, "fw/new");
	FAILS(put(s, &r, slice_str("e"), p, 2), ERR_CONFLICT); /* in itself */
	p[0].path[0] = p[1].path[0] = '\0';
	OK(put(s, &r, slice_str("e"), p, 2)); /* none is no path */
	OK(s->ops->release_payloads(s, r.id, back, 2, &n));
	assert_int_equal(n, 2);
}

static void
a_refused_release_leaves_nothing(void **state)
{
	struct store *s = store_of(state);
	uint64_t id = add_release(s, 1);
	struct store_release r = {.seq = 9, .digest = {9}, .class_count = 1};
	struct store_payload p = {.digest = {9}, .path = "fw/1"};
	struct store_stats st;
	bool needed = true;

	FAILS(put(s, &r, slice_str("e"), &p, 1), ERR_CONFLICT);
	assert_int_equal(r.id, 0);
	FAILS(s->ops->release_by_digest(s, r.digest, &r), ERR_NOT_FOUND);
	FAILS(s->ops->release_current(s, r.class_id[0], &r), ERR_NOT_FOUND);
	OK(s->ops->image_needed(s, p.digest, &needed));
	assert_false(needed);
	s->ops->stats(s, &st);
	assert_int_equal(st.releases, 1);
	assert_int_equal(add_release(s, 2), id + 1);
}

static void
releases_are_listed_newest_first_by_page(void **state)
{
	struct store *s = store_of(state);
	struct store_release page[3];
	uint64_t id[5];
	size_t n = 0;

	for (unsigned i = 0; i < 5; i++)
		id[i] = add_release(s, i + 1);
	OK(s->ops->release_list(s, 0, 3, page, &n));
	assert_int_equal(n, 3);
	assert_int_equal(page[0].id, id[4]);
	OK(s->ops->release_list(s, page[2].id, 3, page, &n));
	assert_int_equal(n, 2);
	assert_int_equal(page[1].id, id[0]);
	OK(s->ops->release_list(s, id[0], 3, page, &n));
	assert_int_equal(n, 0);
}

static void
every_payload_of_ours_is_told_with_its_state(void **state)
{
	struct store *s = store_of(state);
	struct store_release r = {.seq = 1, .digest = {1}};
	struct store_payload p[3] = {
		{.digest = {1}, .size = 11, .path = "fw/a"},
		{.digest = {2}, .size = 12, .external = true},
		{.digest = {3}, .size = 13},
	};
	struct told all = {0}, two = {.stop_at = 2};

	OK(s->ops->payload_foreach(s, see, &all));
	assert_int_equal(all.n, 0);
	OK(put(s, &r, slice_str("e"), p, 3));
	OK(ALONE(s, s->ops->release_set_state(s, r.id, RELEASE_WITHDRAWN)));
	add_release(s, 14);
	OK(s->ops->payload_foreach(s, see, &all));
	assert_int_equal(all.n, 3);
	assert_int_equal(all.size[0], 11);
	assert_int_equal(all.size[1], 13);
	assert_int_equal(all.size[2], 14);
	assert_int_equal(all.st[1], RELEASE_WITHDRAWN);
	assert_int_equal(all.st[2], RELEASE_LIVE);
	FAILS(s->ops->payload_foreach(s, see, &two), ERR_CANCELLED);
	assert_int_equal(two.n, 2);
	OK(s->ops->payload_foreach(s, see, &two)); /* and again from the top */
}

static void
an_image_is_needed_by_a_live_release_or_job(void **state)
{
	struct store *s = store_of(state);
	uint64_t rel = add_release(s, 5), dev = add_device(s, "a");
	struct job j = make_job(0, dev, rel, 0);

	assert_true(needed(s, 5));
	assert_false(needed(s, 6));
	OK(put_job(s, &j));
	OK(ALONE(s, s->ops->release_set_state(s, rel, RELEASE_WITHDRAWN)));
	assert_true(needed(s, 5));
	j.state = JOB_INSTALLING;
	OK(save_job(s, &j));
	assert_true(needed(s, 5));
	j.state = JOB_DONE;
	OK(save_job(s, &j));
	assert_false(needed(s, 5));
	OK(ALONE(s, s->ops->release_set_state(s, rel, RELEASE_LIVE)));
	assert_true(needed(s, 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_release_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(a_release_past_a_cap_or_of_nonsense_is_refused),
		TWICE(what_is_not_there_is_not_found),
		TWICE(REQ_SEC_SEQUENCE_the_sequence_grows_in_every_class),
		TWICE(
		    TUF_FASTFORWARD_what_is_above_the_ceiling_does_not_count),
		TWICE(a_release_of_no_class_has_no_order),
		TWICE(current_is_the_highest_that_lives),
		TWICE(a_staged_release_is_served_but_not_current),
		TWICE(REQ_SEC_MFST_CONST_a_path_never_changes_its_bytes),
		TWICE(a_refused_release_leaves_nothing),
		TWICE(releases_are_listed_newest_first_by_page),
		TWICE(every_payload_of_ours_is_told_with_its_state),
		TWICE(an_image_is_needed_by_a_live_release_or_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
