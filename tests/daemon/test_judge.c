/*
 * Many releases under one list after the other: what is known of signatures
 * is not found out again, what is not known is found out in slices, and until
 * then nobody gets what waits for it.
 */
#include "daemon/judge.h"
#include "daemon/trusted.h"
#include "tests/daemon/fleet.h"
#include "tests/lib/list_make.h"

#define SLICE 256 /* checks in one turn, see catalog_judge.c */
#define MANY (SLICE + 40)

static struct world w;
static struct lister l;
static struct cose_key *bob, *carol;
static uint64_t oldest, newest;
static char uri[64];

static int
setup(void **state)
{
	char root[128];
	struct why why = {0};
	struct slice first;
	FILE *f;

	(void)state;
	world_open(&w, store_mem_open);
	strcpy(w.app.conf.state_dir, w.dir);
	snprintf(root, sizeof(root), "%s/list.one", w.dir);
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &bob), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &carol), 0);
	list_add(&l, w.key, TRUST_AUTHOR)->name = slice_str("alice");
	first = list_make(&l);
	f = fopen(root, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(first.p, 1, first.n, f), first.n);
	fclose(f);
	strcpy(w.app.conf.trust_root, root);
	if (trusted_new(&w.app, &w.app.trusted, &why) != 0)
		fail_msg("%s", why.text);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	list_fini(&l);
	cose_key_free(bob);
	cose_key_free(carol);
	world_close(&w);
	return 0;
}

static void
next_list(void)
{
	struct why why = {0};

	if (trusted_publish(&w.app, list_make(&l), NULL, &why) != 0)
		fail_msg("%s", why.text);
	turn(&w);
}

static void
publish_many(size_t n)
{
	struct digest d = upload(&w, 100, 1);
	struct publish_result r;

	for (size_t i = 0; i < n; i++) {
		struct made m = {.seq = 10 + i, .uri = uri, .size = 100,
		    .digest = d};

		snprintf(uri, sizeof(uri), "coap://fw.example/%zu.bin", i);
		assert_int_equal(publish(&w, &m, &r), 0);
		if (i == 0)
			oldest = r.release.id;
	}
	newest = r.release.id;
	assert_int_equal(catalog_count(w.app.catalog), n);
}

/* A start on this store, with the list that it has, and nothing loaded. */
static void
begin_again(void)
{
	struct why why = {0};

	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	catalog_free(w.app.catalog);
	assert_int_equal(catalog_new(&w.app.catalog), 0);
	assert_int_equal(trusted_new(&w.app, &w.app.trusted, &why), 0);
}

static void
start_again(void)
{
	begin_again();
	assert_int_equal(catalog_load(w.app.catalog, w.app.store), 0);
}

static int
refused(uint64_t id)
{
	const struct why *why = catalog_refused(w.app.catalog, id);

	return why == NULL ? 0 : why->err;
}

static void
what_was_known_is_judged_in_the_turn_of_the_list(void **state)
{
	(void)state;
	list_add(&l, bob, TRUST_AUTHOR);
	next_list();
	publish_many(MANY);
	list_remove(&l, w.key);
	next_list();
	assert_int_equal(catalog_waiting(w.app.catalog), 0);
	assert_int_equal(catalog_refusals(w.app.catalog), MANY);
	assert_int_equal(refused(oldest), ERR_SIGNATURE);
	list_add(&l, w.key, TRUST_AUTHOR)->seq_min = 10 + MANY - 1;
	next_list();
	assert_int_equal(catalog_waiting(w.app.catalog), 0);
	assert_int_equal(catalog_count(w.app.catalog), 1);
	assert_int_equal(refused(newest), 0);
	assert_int_equal(refused(oldest), ERR_POLICY); /* a range */
}

/* Nobody has tried carol on them yet: alice's rights are gone at once. */
static void
what_waits_for_a_signature_is_not_served(void **state)
{
	uint8_t digest[32];

	(void)state;
	publish_many(MANY);
	list_remove(&l, w.key);
	list_add(&l, carol, TRUST_AUTHOR);
	next_list();
	assert_int_equal(catalog_waiting(w.app.catalog), MANY - SLICE);
	assert_int_equal(catalog_count(w.app.catalog), 0);
	assert_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(catalog_path(w.app.catalog, "0.bin", digest),
	    ERR_STATE);
	assert_int_equal(refused(newest), ERR_SIGNATURE);
	assert_int_equal(refused(oldest), ERR_BUSY);
	trusted_slice(w.app.trusted);
	assert_int_equal(catalog_waiting(w.app.catalog), 0);
	assert_int_equal(refused(oldest), ERR_SIGNATURE);
	assert_int_equal(catalog_count(w.app.catalog), 0);
}

/* As many as a slice has checks come back at once, one more waits. */
static void
releases_come_back_in_slices_the_newest_first(void **state)
{
	struct req req = {.method = M_GET, .first_block = true};
	struct resp resp;
	char hex[33];

	(void)state;
	publish_many(SLICE + 1);
	list_remove(&l, w.key);
	list_add(&l, bob, TRUST_AUTHOR);
	next_list();
	start_again(); /* and so forgets whose they are */
	assert_int_equal(catalog_refusals(w.app.catalog), SLICE + 1);
	list_add(&l, w.key, TRUST_AUTHOR);
	next_list();
	assert_int_equal(catalog_waiting(w.app.catalog), 1);
	assert_int_equal(catalog_count(w.app.catalog), SLICE);
	assert_int_equal(refused(oldest), ERR_BUSY);
	req.arg[0] = text_hex(slice_of(w.class_id, 16), hex, sizeof(hex));
	assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
	trusted_slice(w.app.trusted);
	assert_int_equal(catalog_waiting(w.app.catalog), 0);
	assert_int_equal(catalog_count(w.app.catalog), SLICE + 1);
	assert_int_equal(refused(oldest), 0);
}

/* What is not waited for is tried as well, so that the list which needs it
 * finds it: two authors take turns, and no release is missed. */
static void
keys_are_tried_before_a_list_needs_them(void **state)
{
	(void)state;
	publish_many(MANY);
	list_add(&l, bob, TRUST_AUTHOR);
	next_list();
	assert_int_equal(catalog_waiting(w.app.catalog), 0);
	assert_int_equal(catalog_count(w.app.catalog), MANY);
	trusted_slice(w.app.trusted);
	list_remove(&l, w.key);
	next_list();
	assert_int_equal(catalog_waiting(w.app.catalog), 0);
	assert_int_equal(refused(oldest), ERR_SIGNATURE);
}

static void
attempts_do_not_end_while_their_release_waits(void **state)
{
	struct store_device d = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	struct resp resp;

	(void)state;
	publish_many(SLICE + 1);
	list_remove(&l, w.key);
	list_add(&l, bob, TRUST_AUTHOR);
	next_list();
	start_again();
	list_add(&l, w.key, TRUST_AUTHOR);
	next_list();
	trusted_slice(w.app.trusted);
	(void)campaign_for(&w, oldest, "");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	start_again(); /* all are asked again for a key that is new */
	list_remove(&l, w.key);
	list_add(&l, carol, TRUST_AUTHOR);
	next_list();
	assert_int_equal(refused(oldest), ERR_BUSY);
	trusted_tick(w.app.trusted);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	trusted_slice(w.app.trusted);
	trusted_tick(w.app.trusted);
	assert_int_equal(last_job(&w, &d).reason, REASON_TRUST);
}

/* --- what fails at the wrong time --- */

/* OpenSSL's own header has an ERR_STATE, too. What nobody has, fails. */
int EVP_set_default_properties(void *libctx, const char *wanted);

/* Neither it nor its images, until somebody has looked at its signature. */
static void
what_could_not_be_judged_is_not_served(void **state)
{
	uint8_t digest[32];
	int rc;

	(void)state;
	publish_many(1);
	begin_again();
	assert_int_equal(EVP_set_default_properties(NULL, "nobody=has"), 1);
	rc = catalog_load(w.app.catalog, w.app.store);
	assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
	assert_int_equal(rc, 0);
	assert_int_equal(catalog_path(w.app.catalog, "0.bin", digest),
	    ERR_STATE);
	assert_int_equal(refused(oldest), ERR_BUSY);
	trusted_slice(w.app.trusted);
	assert_int_equal(catalog_path(w.app.catalog, "0.bin", digest), 0);
	assert_int_equal(refused(oldest), 0);
}

static int
fail_list(struct store *s, uint64_t before, size_t limit,
    struct store_release *ret, size_t *ret_n)
{
	(void)s;
	(void)before;
	(void)limit;
	(void)ret;
	(void)ret_n;
	return ERR_IO;
}

/* The table of before is all there is, and the list holds all the same. */
static void
TUF_KEYCOMPROMISE_a_catalog_that_is_not_loaded_obeys_too(void **state)
{
	const struct store_ops *good = w.app.store->ops;
	struct store_ops ops = *good;
	uint8_t digest[32];

	(void)state;
	publish_many(1);
	list_remove(&l, w.key);
	list_add(&l, bob, TRUST_AUTHOR);
	ops.release_list = fail_list;
	w.app.store->ops = &ops;
	next_list();
	assert_int_equal(catalog_refusals(w.app.catalog), 0); /* not loaded */
	assert_null(catalog_by_id(w.app.catalog, oldest));
	assert_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(refused(oldest), ERR_SIGNATURE);
	w.app.store->ops = good;
	trusted_tick(w.app.trusted);
	assert_int_equal(catalog_refusals(w.app.catalog), 1);
	assert_int_equal(refused(oldest), ERR_SIGNATURE);
	assert_int_equal(catalog_path(w.app.catalog, "0.bin", digest),
	    ERR_STATE);
}

static const struct store_ops *real;
static int reads; /* of the list that go well, before one does not */

/* It has written some of its answer by then. */
static int
get_half(struct store *s, uint64_t seq, struct store_trust *ret,
    struct buf *out)
{
	int rc = real->trust_get(s, seq, ret, out);

	if (rc != 0 || reads-- > 0)
		return rc;
	memset(out->p, 0, out->n);
	return ERR_IO;
}

/* The list is kept and durable, and cannot be read back in its turn. */
static void
REQ_SEC_KEY_ROTATION_a_list_that_was_not_read_is_read_again(void **state)
{
	struct store_ops ops = *w.app.store->ops;

	(void)state;
	publish_many(1);
	list_remove(&l, w.key);
	list_add(&l, bob, TRUST_AUTHOR);
	real = w.app.store->ops;
	ops.trust_get = get_half;
	w.app.store->ops = &ops;
	reads = 1; /* to compare it with */
	next_list();
	assert_int_equal(trusted_seq(&w.app), 1);
	assert_true(slice_eq_str(trusted_list(&w.app)->key[0].name, "alice"));
	reads = 1;
	trusted_tick(w.app.trusted);
	w.app.store->ops = real;
	assert_int_equal(trusted_seq(&w.app), 2);
	assert_int_equal(refused(oldest), ERR_SIGNATURE);
}

/* --- what is remembered of keys --- */

/* Lists with new keys, until the oldest slots are given to others. */
static void
keys_that_made_room_are_asked_anew(void **state)
{
	struct made m = {.seq = 10, .uri = "coap://fw.example/a", .size = 3,
	    .digest = upload(&w, 3, 1), .key = bob};
	struct manifest_plan plan;
	struct cose_key *key[LIMIT_TRUST_KEYS];
	struct verdict v;
	struct judge j = {.used = {false}};
	struct manifest man;
	uint8_t bytes[4096];
	struct slice envelope = made(&w, &m, bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(manifest_parse(envelope, &man, NULL), 0);
	assert_int_equal(manifest_walk(&man, &plan, NULL), 0);
	assert_int_equal(verdict_init(&v, &man, &plan), 0);
	list_add(&l, bob, TRUST_AUTHOR);
	(void)list_make(&l);
	judge_forget(&v, judge_obey(&j, &l.list));
	judge_look(&j, &v);
	assert_int_equal(v.why.err, ERR_BUSY);
	assert_int_equal(judge_cost(&j, &v), 2);
	assert_int_equal(judge_ask(&j, &v, envelope), 0);
	assert_int_equal(v.why.err, 0);
	assert_int_equal(judge_cost(&j, &v), 0);
	for (size_t lists = 0; lists < 3; lists++) {
		l.spec.key_count = 0;
		l.coses = LIST_ROOTS;
		for (size_t i = 0; i < LIMIT_TRUST_KEYS; i++) {
			assert_int_equal(cose_key_generate(COSE_KEY_ED25519,
			    &key[i]), 0);
			list_add(&l, key[i], TRUST_AUTHOR);
			cose_key_free(key[i]);
		}
		(void)list_make(&l);
		judge_forget(&v, judge_obey(&j, &l.list));
		judge_look(&j, &v);
		assert_int_equal(v.why.err, ERR_BUSY);
		assert_int_equal(judge_ask(&j, &v, envelope), 0);
		assert_int_equal(v.why.err, ERR_SIGNATURE);
	}
	l.spec.key_count = 0;
	l.coses = LIST_ROOTS;
	list_add(&l, bob, TRUST_AUTHOR);
	(void)list_make(&l);
	judge_forget(&v, judge_obey(&j, &l.list));
	judge_look(&j, &v);
	assert_int_equal(v.why.err, ERR_BUSY); /* forgotten, not mistaken */
	assert_int_equal(judge_ask(&j, &v, envelope), 0);
	assert_int_equal(v.why.err, 0);
	verdict_fini(&v);
	judge_fini(&j);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_known_is_judged_in_the_turn_of_the_list),
		T(what_waits_for_a_signature_is_not_served),
		T(releases_come_back_in_slices_the_newest_first),
		T(keys_are_tried_before_a_list_needs_them),
		T(attempts_do_not_end_while_their_release_waits),
		T(what_could_not_be_judged_is_not_served),
		T(TUF_KEYCOMPROMISE_a_catalog_that_is_not_loaded_obeys_too),
		T(REQ_SEC_KEY_ROTATION_a_list_that_was_not_read_is_read_again),
		T(keys_that_made_room_are_asked_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
