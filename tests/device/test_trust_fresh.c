/* Freshness: a device asks whether what it was given is what is current. */
#include "lib/fresh.h"
#include "tests/device/trust_world.h"

static uint8_t said[512];
static uint64_t current = 4;
static struct cose_key *speaker; /* NULL: fresh_key */
static bool replay;

static void
speak(struct world *world, struct suitdev_response *r)
{
	static size_t n;
	struct fresh_ask ask;
	struct fresh f = {.list = world->lists, .class_count = 1,
	    .seq = {current}};
	struct buf b = buf_of(said, sizeof said);

	if (!replay || n == 0) {
		assert_int_equal(fresh_ask_parse(slice_of(world->body,
		    world->rq.payload.n), &ask, NULL), 0);
		f.nonce = ask.nonce;
		memcpy(f.class_id[0], ask.class_id[0], 16);
		assert_int_equal(fresh_sign(&f, speaker != NULL ? speaker :
		    fresh_key, &b), 0);
		n = b.n;
	}
	r->code = 205;
	r->payload = slice_of(said, n);
}

static void
freshly(void)
{
	trust.fresh = true;
	current = 4;
	speaker = NULL;
	replay = false;
	w.fresh = speak;
	world_boot(&w);
}

static void
a_fresh_manifest_is_installed(void **state)
{
	(void)state;
	freshly();
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(w.fresh_asks, 1);
}

static void
TUF_FREEZE_without_an_answer_nothing_is_fetched(void **state)
{
	(void)state;
	freshly();
	w.fresh = NULL; /* 4.04 */
	assert_false(world_until(&w, 4, 20 * SUITDEV_HOUR_MS));
	assert_int_equal(w.blocks, 0);
	assert_true(w.fresh_asks > 10 && w.fresh_asks < 60);
	w.fresh = speak;
	assert_true(world_until(&w, 4, 2 * SUITDEV_HOUR_MS));
}

/* On the way somebody holds back the newest manifest. */
static void
REQ_SEC_EXP_an_older_manifest_is_refused_although_it_is_newer_than_ours(
    void **state)
{
	(void)state;
	freshly();
	current = 5;
	assert_false(world_until(&w, 4, 20 * SUITDEV_HOUR_MS));
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.refused, REASON_SEQUENCE);
	w.spec.sequence = 5;
	publish_as(w.key);
	assert_true(world_until(&w, 5, 2 * SUITDEV_HOUR_MS));
}

static void
TUF_FREEZE_an_old_answer_has_the_wrong_nonce(void **state)
{
	(void)state;
	freshly();
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	replay = true; /* what was said about 4 */
	w.spec.sequence = 5;
	publish_as(w.key);
	assert_false(world_until(&w, 5, 10 * SUITDEV_HOUR_MS));
	assert_int_equal(w.dev.nv.sequence, 4);
	replay = false;
	assert_true(world_until(&w, 5, 2 * SUITDEV_HOUR_MS));
}

static void
TUF_FREEZE_an_author_cannot_say_what_is_fresh(void **state)
{
	(void)state;
	freshly();
	speaker = w.key;
	assert_false(world_until(&w, 4, 10 * SUITDEV_HOUR_MS));
	assert_int_equal(w.blocks, 0);
}

static bool
no_hint(struct world *world, struct suitdev_response *r)
{
	(void)world;
	r->trust = 0; /* on the way somebody strips the option */
	return true;
}

static void
TUF_FREEZE_a_list_that_is_held_back_is_missed(void **state)
{
	(void)state;
	freshly();
	w.twist = no_hint;
	list_remove(&l, w.key);
	serve_list(list_make(&l));
	assert_false(world_until(&w, 4, SUITDEV_HOUR_MS));
	assert_int_equal(trust.list.seq, 2); /* the fresh answer named it */
	assert_int_equal(w.blocks, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(a_fresh_manifest_is_installed),
		T(TUF_FREEZE_without_an_answer_nothing_is_fetched),
		T(REQ_SEC_EXP_an_older_manifest_is_refused_although_it_is_newer_than_ours),
		T(TUF_FREEZE_an_old_answer_has_the_wrong_nonce),
		T(TUF_FREEZE_an_author_cannot_say_what_is_fresh),
		T(TUF_FREEZE_a_list_that_is_held_back_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
