/*
 * A device with a trust list: what it takes, how it comes to newer lists,
 * what a power loss does to them, and freshness.
 */
#include "lib/fresh.h"
#include "tests/device/world.h"
#include "tests/lib/list_make.h"

static struct world w;
static struct lister l;
static struct suitdev_trust trust;
static struct cose_key *bob, *fresh_key;
static uint8_t first[LIMIT_TRUST_LIST];
static uint64_t draws;

static void
draw(void *arg, uint8_t *dst, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)backoff_rand(&draws);
}

/* The server has one more list. */
static void
serve_list(struct slice list)
{
	assert_true(w.lists < 8);
	memcpy(w.list[w.lists], list.p, list.n);
	w.list_n[w.lists++] = list.n;
}

static int
setup(void **state)
{
	struct slice s;

	(void)state;
	draws = 7;
	world_init(&w, &suitdev_kind_poll);
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &bob), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &fresh_key), 0);
	list_add(&l, w.key, TRUST_AUTHOR);
	list_add(&l, fresh_key, TRUST_FRESHNESS);
	s = list_make(&l);
	memcpy(first, s.p, s.n);
	memset(&trust, 0, sizeof trust);
	trust.first = slice_of(first, s.n);
	trust.random = draw;
	serve_list(s);
	w.cfg.trust = &trust;
	w.cfg.keys = NULL; /* nobody asks for them */
	world_boot(&w);
	assert_int_equal(trust.list.seq, 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_fini(&w);
	list_fini(&l);
	cose_key_free(bob);
	cose_key_free(fresh_key);
	return 0;
}

static void
refused(enum track_reason reason)
{
	assert_false(world_until(&w, 4, 2 * SUITDEV_HOUR_MS));
	assert_int_equal(w.blocks, 0);
	assert_int_equal(w.dev.refused, reason);
	assert_int_equal(w.phase[w.reports - 1], PHASE_FAILED);
}

/* A manifest with the kid of its key, as suitctl writes it. */
static void
publish_as(const struct cose_key *key)
{
	static uint8_t bare[16384], kid[8];
	struct cose_sign_opts o = {.kid = {kid, sizeof kid}};
	struct buf b = buf_of(bare, sizeof bare);
	struct buf out = buf_of(w.envelope, sizeof w.envelope);

	assert_int_equal(cose_key_id(key, kid), 0);
	assert_int_equal(digest_compute(DIGEST_SHA256, slice_of(w.image,
	    w.image_n), &w.spec.component[0].payload[0].digest), 0);
	w.spec.component[0].payload[0].size = w.image_n;
	assert_int_equal(manifest_envelope(&w.spec, &b, NULL), 0);
	assert_int_equal(manifest_sign(buf_slice(&b), key, &o, &out, NULL),
	    0);
	w.envelope_n = out.n;
	w.etag++;
}

/* --- what it takes --- */

static void
what_the_list_allows_is_installed(void **state)
{
	(void)state;
	assert_true(world_until(&w, 4, SUITDEV_HOUR_MS));
	world_assert_runs(&w);
	assert_int_equal(w.list_gets, 0); /* nobody named a newer one */
}

/* docs/TRUST.md 6.2: the old key goes when the fleet has the new list. */
static void
the_server_learns_which_list_is_in_force(void **state)
{
	unsigned told;

	(void)state;
	w.envelope_n = 0;
	world_attest(&w);
	world_boot(&w);
	world_run(&w, SUITDEV_HOUR_MS);
	told = w.boots;
	assert_int_equal(told, 1);
	assert_true(w.boot[0].have_list);
	assert_int_equal(w.boot[0].list_seq, 1);
	serve_list(list_make(&l));
	world_run(&w, 2 * SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	assert_int_equal(w.boots, told + 1); /* once, and without a start */
	assert_int_equal(w.boot[told].list_seq, 2);
	assert_int_equal(w.boot[told].boot_ctr, w.boot[0].boot_ctr);
	assert_int_equal(w.replays, 0);
}

static void
TUF_ARBITRARY_a_key_that_is_not_in_the_list_signs_nothing(void **state)
{
	(void)state;
	publish_as(bob);
	refused(REASON_SIGNATURE);
	assert_int_equal(w.list_gets, 1); /* asked for a newer one, once */
	world_run(&w, 20 * SUITDEV_HOUR_MS);
	assert_int_equal(w.list_gets, 1);
}

static void
TUF_KEYCOMPROMISE_the_server_s_own_keys_install_nothing(void **state)
{
	(void)state;
	publish_as(fresh_key);
	refused(REASON_SIGNATURE);
	assert_int_equal(w.list_gets, 0); /* a key that is known */
	publish_as(l.root[0]); /* one root is no author either */
	refused(REASON_SIGNATURE);
}

static void
REQ_SEC_ACCESS_CONTROL_rights_of_the_list_hold_on_the_device(void **state)
{
	(void)state;
	l.spec.key[0].seq_max = 3;
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 2);
	refused(REASON_SEQUENCE);
	l.spec.key[0].seq_max = UINT64_MAX;
	l.spec.key[0].every_class = false;
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 3);
	refused(REASON_CLASS);
}

static void
TUF_ROLLBACK_a_floor_holds_on_the_device(void **state)
{
	(void)state;
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 5,
	    .most = UINT64_MAX};
	memcpy(l.spec.floor[0].class_id, w.cfg.class_id, 16);
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	refused(REASON_SEQUENCE);
}

static void
TUF_FASTFORWARD_a_ceiling_leads_back_down(void **state)
{
	(void)state;
	w.cfg.sequence = UINT64_C(1) << 63; /* burnt */
	storage_ram_fini(&w.ram);
	storage_ram_init(&w.ram, IMAGE_MAX);
	world_boot(&w);
	world_run(&w, 2 * SUITDEV_HOUR_MS);
	assert_int_equal(w.blocks, 0);
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 2, .most = 1000};
	memcpy(l.spec.floor[0].class_id, w.cfg.class_id, 16);
	serve_list(list_make(&l));
	assert_true(world_until(&w, 4, 3 * SUITDEV_HOUR_MS));
	world_assert_runs(&w);
}

static void
a_manifest_that_asks_for_a_list_gets_it_first(void **state)
{
	(void)state;
	w.spec.list_min = 2;
	publish_as(w.key);
	refused(REASON_CONDITION);
	serve_list(list_make(&l));
	assert_true(world_until(&w, 4, 26 * SUITDEV_HOUR_MS));
	assert_int_equal(trust.list.seq, 2);
}

static void
a_device_without_lists_refuses_what_asks_for_one(void **state)
{
	(void)state;
	w.cfg.trust = NULL;
	w.cfg.keys = &w.ring;
	w.spec.list_min = 1;
	publish_as(w.key);
	world_boot(&w);
	refused(REASON_CONDITION);
}

/* --- newer lists --- */

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

static void
without_a_list_that_proves_itself_nothing_starts(void **state)
{
	struct storage_ram empty;

	(void)state;
	storage_ram_init(&empty, IMAGE_MAX);
	w.cfg.storage_arg = &empty;
	list_make_by(&l, 1);
	trust.first = slice_of(l.bytes, l.n);
	suitdev_init(&w.dev, &w.cfg);
	assert_int_equal(suitdev_boot(&w.dev, w.now), ERR_SIGNATURE);
	storage_ram_fini(&empty);
}

/* --- power --- */

static struct storage risky;
static jmp_buf dark;
static unsigned calls, cut_at, torn;

/* The write ends after `torn` bytes: the rest is what was there, or nothing. */
static int
list_write(void *arg, unsigned place, struct slice s)
{
	static uint8_t half[STORAGE_LIST];
	struct storage_ram *r = arg;
	size_t n = torn < s.n ? torn : s.n;

	if (++calls != cut_at)
		return storage_ram.list_write(r, place, s);
	memset(half, 0xff, sizeof half);
	if (r->list_n[place] > 0)
		memcpy(half, r->list[place], r->list_n[place]);
	memcpy(half, s.p, n);
	assert_int_equal(storage_ram.list_write(r, place, slice_of(half,
	    s.n)), 0);
	longjmp(dark, 1);
}

static int
set_state(void *arg, struct slice s)
{
	if (++calls == cut_at)
		longjmp(dark, 1);
	return storage_ram.set_state(arg, s);
}

/* To the byte: a mixture of two would have rights that nobody gave. */
static void
assert_whole(void)
{
	const size_t i = trust.list.seq - 1;

	assert_true(i < w.lists);
	assert_int_equal(trust.list.message.n, w.list_n[i]);
	assert_memory_equal(trust.list.message.p, w.list[i], w.list_n[i]);
}

static void
after_a_cut(unsigned at, unsigned bytes, uint64_t least)
{
	calls = 0;
	cut_at = at;
	torn = bytes;
	if (setjmp(dark) == 0)
		(void)world_until(&w, 4, SUITDEV_HOUR_MS);
	cut_at = 0;
	storage_ram_power(&w.ram);
	world_boot(&w);
	assert_true(trust.list.seq >= least);
	assert_whole();
}

static void
a_power_cut_at_any_byte_of_a_list_leaves_the_old_or_the_new(void **state)
{
	static volatile unsigned at, bytes;

	(void)state;
	(void)teardown(NULL);
	for (at = 1; at < 30; at++)
		for (bytes = 0; bytes < 600; bytes += at < 8 ? 7 : 199) {
			setup(NULL);
			risky = storage_ram;
			risky.list_write = list_write;
			risky.set_state = set_state;
			w.cfg.storage = &risky;
			list_add(&l, bob, TRUST_AUTHOR);
			serve_list(list_make(&l));
			publish_as(bob);
			cut_at = 0;
			world_boot(&w);
			after_a_cut(at, bytes, 1);
			after_a_cut(at, bytes + 1, trust.list.seq);
			/* and in the end all is well */
			assert_true(world_until(&w, 4,
			    30 * SUITDEV_HOUR_MS));
			assert_int_equal(trust.list.seq, 2);
			(void)teardown(NULL);
		}
	setup(NULL);
}

static void
a_power_cut_never_brings_an_older_list_back(void **state)
{
	static volatile unsigned bytes;
	uint64_t had;

	(void)state;
	risky = storage_ram;
	risky.list_write = list_write;
	w.cfg.storage = &risky;
	w.envelope_n = 0;
	cut_at = 0;
	world_boot(&w);
	serve_list(list_make(&l));
	serve_list(list_make(&l));
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 3);
	/* of the same length as 2, which it takes the place of */
	l.spec.key[0].seq_max = UINT64_MAX - 1;
	l.spec.key[0].seq_min = 1;
	serve_list(list_make(&l));
	for (bytes = 0; bytes < w.list_n[3] + 32; bytes += 5) {
		had = trust.list.seq;
		calls = 0;
		cut_at = 1;
		torn = bytes;
		if (setjmp(dark) == 0) {
			world_run(&w, SUITDEV_HOUR_MS);
			fail_msg("not cut at %u", bytes);
		}
		cut_at = 0;
		world_boot(&w);
		assert_true(trust.list.seq >= had);
		assert_true(trust.list.seq >= 3);
		assert_whole();
	}
	world_run(&w, SUITDEV_HOUR_MS);
	assert_int_equal(trust.list.seq, 4);
}

/* --- freshness --- */

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
		T(the_server_learns_which_list_is_in_force),
		T(what_the_list_allows_is_installed),
		T(TUF_ARBITRARY_a_key_that_is_not_in_the_list_signs_nothing),
		T(TUF_KEYCOMPROMISE_the_server_s_own_keys_install_nothing),
		T(REQ_SEC_ACCESS_CONTROL_rights_of_the_list_hold_on_the_device),
		T(TUF_ROLLBACK_a_floor_holds_on_the_device),
		T(TUF_FASTFORWARD_a_ceiling_leads_back_down),
		T(a_manifest_that_asks_for_a_list_gets_it_first),
		T(a_device_without_lists_refuses_what_asks_for_one),
		T(REQ_SEC_KEY_ROTATION_a_new_author_comes_with_a_new_list),
		T(REQ_SEC_KEY_ROTATION_a_removed_author_is_no_reason_to_ask),
		T(TUF_KEYCOMPROMISE_a_revoked_author_s_download_ends),
		T(roots_that_change_are_walked_one_by_one),
		T(TUF_ROLLBACK_an_older_list_or_a_fork_changes_nothing),
		T(TUF_FREEZE_lies_about_lists_cost_one_request_a_day),
		T(TUF_ENDLESS_a_list_ends_at_its_cap),
		T(the_image_brings_a_newer_list),
		T(without_a_list_that_proves_itself_nothing_starts),
		T(a_power_cut_at_any_byte_of_a_list_leaves_the_old_or_the_new),
		T(a_power_cut_never_brings_an_older_list_back),
		T(a_fresh_manifest_is_installed),
		T(TUF_FREEZE_without_an_answer_nothing_is_fetched),
		T(REQ_SEC_EXP_an_older_manifest_is_refused_although_it_is_newer_than_ours),
		T(TUF_FREEZE_an_old_answer_has_the_wrong_nonce),
		T(TUF_FREEZE_an_author_cannot_say_what_is_fresh),
		T(TUF_FREEZE_a_list_that_is_held_back_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
