/* How a device comes to newer lists, and what lies about them can do. */
#include "tests/device/trust_world.h"

static void
REQ_SEC_KEY_ROTATION_a_new_author_comes_with_a_new_list(void **state)
{
	(void)state;
	list_add(&l, bob, TRUST_AUTHOR);
	serve_list(list_make(&l));
	publish_as(bob);
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(trust.list.seq, 2);
	assert_string_equal(w.last_list, "/k");
}

static void
REQ_SEC_KEY_ROTATION_a_removed_author_is_no_reason_to_ask(void **state)
{
	unsigned gets;

	(void)state;
	w.envelope_n = 0;
	list_add(&l, bob, TRUST_AUTHOR);
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	list_remove(&l, bob);
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 3);
	gets = w.list_gets;
	publish_as(bob);
	refused(REASON_SIGNATURE);
	assert_int_equal(w.list_gets, gets);
}

/* And the server, which is a thief's, serves the old image all the same. */
static bool
revoke_midway(struct world *world, struct suitdev_response *r)
{
	if (world->twists > 0 && strncmp(world->uri, "/m", 2) == 0)
		*r = (struct suitdev_response){.code = 404};
	if (world->blocks != 3 || world->twists++ != 0)
		return true;
	list_remove(&l, w.key);
	serve_list(list_make(&l));
	/* the device is told while it downloads */
	world->dev.observing = true;
	suitdev_notified(&world->dev, world->now,
	    &(struct suitdev_response){.code = 205, .observe = true,
	    .trust = 2, .etag_len = 1, .etag = {9}});
	return true;
}

static void
TUF_KEYCOMPROMISE_a_revoked_author_s_download_ends(void **state)
{
	(void)state;
	w.twist = revoke_midway;
	assert_false(world_until(&w, 4, 5 * SUITDEV_HOUR_MS));
	assert_true(w.blocks >= 3);
	assert_int_equal(trust.list.seq, 2);
	assert_int_equal(w.dev.nv.sequence, 3);
	assert_false(w.dev.loaded);
	assert_int_equal(w.dev.refused, REASON_SIGNATURE);
}

static void
roots_that_change_are_walked_one_by_one(void **state)
{
	struct cose_key *old[2] = {l.root[0], l.root[1]}, *new[2];
	uint8_t bytes[LIMIT_TRUST_LIST];
	struct buf b;

	(void)state;
	serve_list(list_make(&l)); /* 2: the same roots */
	/* 3: two other roots; the old ones and the new ones sign it */
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(cose_key_generate(COSE_KEY_P256, &new[i]),
		    0);
		l.root[i] = new[i];
		l.spec.root[i] = list_cose(&l, new[i]);
	}
	list_make(&l);
	b = buf_of(bytes, sizeof bytes);
	assert_int_equal(trust_sign(&l.list, old[0], &b, NULL), 0);
	assert_int_equal(trust_parse(buf_slice(&b), &l.list, NULL), 0);
	b = buf_of(l.bytes, sizeof l.bytes);
	assert_int_equal(trust_sign(&l.list, old[1], &b, NULL), 0);
	serve_list(buf_slice(&b));
	serve_list(list_make(&l)); /* 4: of the new ones alone */
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 5);
	assert_int_equal(w.dev.count.bad_lists, 0);
	for (size_t i = 0; i < 2; i++)
		cose_key_free(old[i]);
}

static void
TUF_ROLLBACK_an_older_list_or_a_fork_changes_nothing(void **state)
{
	struct lister fork = l;

	(void)state;
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	/* the server goes back, and lies about the number */
	w.list_n[1] = w.list_n[0];
	memcpy(w.list[1], w.list[0], w.list_n[0]);
	trust.heard = true;
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	/* another number 2, and one that comes after it */
	list_add(&fork, bob, TRUST_AUTHOR);
	list_make(&fork);
	list_make(&fork);
	serve_list(slice_of(fork.bytes, fork.n));
	world_run(&w, 30 * SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	assert_int_equal(w.dev.count.bad_lists, 1);
}

static void
TUF_FREEZE_lies_about_lists_cost_one_request_a_day(void **state)
{
	(void)state;
	w.envelope_n = 0;
	w.lists = 8; /* list 8 is named, and 4.04 or garbage is there */
	world_run(&w, 23 * SUITDEV_HOUR_MS);
	assert_int_equal(w.list_gets, 1);
	world_run(&w, 72 * SUITDEV_HOUR_MS);
	assert_true(w.list_gets <= 4);
	assert_int_equal(trust.list.seq, 1);
}

static bool
endless(struct world *world, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strncmp(world->uri, "/k", 2) == 0) {
		*r = (struct suitdev_response){.code = 205,
		    .have_block = true, .more = true, .num = world->rq.num,
		    .szx = world->rq.szx, .payload = slice_of(bytes,
		    (size_t)16 << world->rq.szx)};
	}
	return true;
}

static void
TUF_ENDLESS_a_list_ends_at_its_cap(void **state)
{
	(void)state;
	w.envelope_n = 0;
	w.lists = 2;
	w.twist = endless;
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(w.list_gets, LIMIT_TRUST_LIST / 1024 + 1);
	assert_int_equal(trust.list.seq, 1);
	assert_int_equal(w.dev.count.bad_lists, 1);
}

static void
the_image_brings_a_newer_list(void **state)
{
	(void)state;
	list_make(&l);
	trust.first = slice_of(l.bytes, l.n);
	world_boot(&w);
	assert_int_equal(trust.list.seq, 2);
	/* and an older image's does not bring it back */
	trust.first = slice_of(first, w.list_n[0]);
	world_boot(&w);
	assert_int_equal(trust.list.seq, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(REQ_SEC_KEY_ROTATION_a_new_author_comes_with_a_new_list),
		T(REQ_SEC_KEY_ROTATION_a_removed_author_is_no_reason_to_ask),
		T(TUF_KEYCOMPROMISE_a_revoked_author_s_download_ends),
		T(roots_that_change_are_walked_one_by_one),
		T(TUF_ROLLBACK_an_older_list_or_a_fork_changes_nothing),
		T(TUF_FREEZE_lies_about_lists_cost_one_request_a_day),
		T(TUF_ENDLESS_a_list_ends_at_its_cap),
		T(the_image_brings_a_newer_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
