/* A list judged by what is known of signatures says what trust_manifest says. */
#include "tests/lib/manifest_make.h"
#include "tests/lib/trust_make.h"

#include "lib/backoff.h"

#define PEOPLE 6 /* ALICE and who comes after; the last is in no list */
#define ROUNDS 400
#define LISTS 4 /* one after the other */

static const uint8_t id0[] = {0x81, 0x41, 0x00};
static uint8_t env_mem[2][LIMIT_ENVELOPE];
static struct manifest m;
static struct manifest_plan plan;
static struct trust_claim claim;
static struct made_list list;
static uint64_t luck;

/* One of `n`. */
static unsigned
any(unsigned n)
{
	return (unsigned)(backoff_rand(&luck) % n);
}

static void
make_manifest(const uint8_t *class_id, uint64_t sequence, const int *by,
    size_t n)
{
	struct manifest_spec s = {.sequence = sequence, .have_vendor = true,
	    .have_class = true, .component_count = 1};
	struct manifest_spec_payload *p = &s.component[0].payload[0];
	struct buf b = buf_of(env_mem[0], sizeof(env_mem[0]));
	struct slice env;

	memcpy(s.class_id, class_id, 16);
	s.component[0].id = slice_of(id0, sizeof(id0));
	s.component[0].payload_count = 1;
	p->uri = "coap://h/a";
	assert_int_equal(digest_compute(DIGEST_SHA256, SLICE_NONE,
	    &p->digest), 0);
	assert_int_equal(manifest_envelope(&s, &b, NULL), 0);
	env = buf_slice(&b);
	for (size_t i = 0; i < n; i++) {
		b = buf_of(env_mem[(i + 1) % 2], sizeof(env_mem[0]));
		assert_int_equal(manifest_sign(env, maker[by[i]], NULL, &b,
		    NULL), 0);
		env = buf_slice(&b);
	}
	assert_int_equal(manifest_parse(env, &m, NULL), 0);
	assert_int_equal(manifest_walk(&m, &plan, NULL), 0);
	claim = trust_claim_of(&m, &plan);
}

static void
some_list(void)
{
	static const enum trust_role roles[] = {TRUST_AUTHOR, TRUST_AUTHOR,
	    TRUST_FRESHNESS, TRUST_OPERATOR};
	struct trust_spec s = first_spec();

	s.key_count = 0;
	for (int who = ALICE; who < ALICE + PEOPLE - 1; who++) {
		struct trust_key *k;

		if (any(3) == 0)
			continue;
		add_key(&s, who, roles[any(4)], row_of(any(2) ? row_a : row_b,
		    any(2) ? class_a : class_b));
		k = &s.key[s.key_count - 1];
		k->every_class = any(2);
		if (k->role != TRUST_AUTHOR) {
			k->classes = SLICE_NONE;
			k->every_class = k->every_component = false;
		} else {
			k->seq_min = any(4);
		}
	}
	make_list(&s, "", &list);
}

/* What is known of signatures, by whose they are. */
struct known {
	bool asked[KEYS], signer[KEYS];
};

static int
maker_of(const struct trust_key *k)
{
	int who = ALICE;

	while (!slice_eq(k->cose, maker_cose[who]))
		who++;
	return who;
}

static struct trust_memo
recall(const struct known *k)
{
	struct trust_memo memo = {0, 0};

	for (size_t i = 0; i < list.t.key_count; i++) {
		int who = maker_of(&list.t.key[i]);

		memo.asked |= (uint32_t)k->asked[who] << i;
		memo.signers |= (uint32_t)k->signer[who] << i;
	}
	return memo;
}

static void
learn(struct known *k, const struct trust_memo *memo)
{
	for (size_t i = 0; i < list.t.key_count; i++) {
		int who = maker_of(&list.t.key[i]);

		k->asked[who] = memo->asked >> i & 1;
		k->signer[who] = memo->signers >> i & 1;
	}
}

static int
by_tables(const struct trust_memo *memo, struct why *why)
{
	struct trust_claim bare = claim;

	bare.manifest = NULL; /* there is nothing to look at */
	return trust_verdict(&list.t, &bare, memo, why);
}

/* One manifest under lists that come one after the other. */
static void
it_says_what_looking_at_the_signatures_says(void **state)
{
	unsigned said[2] = {0, 0}, waited = 0;

	(void)state;
	luck = 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		int by[2] = {ALICE + (int)any(PEOPLE),
		    ALICE + (int)any(PEOPLE)};
		struct known known = {.asked = {false}};

		make_manifest(any(2) ? class_a : class_b, 1 + any(3), by,
		    1 + any(2));
		for (unsigned i = 0; i < LISTS; i++) {
			struct why why = {0};
			struct trust_memo memo;
			struct trust_keys keys;
			int truth, rc;

			some_list();
			truth = trust_manifest(&list.t, &claim, NULL, NULL);
			memo = recall(&known);
			rc = by_tables(&memo, &why);
			assert_int_equal(why.err, rc);
			if (rc == ERR_BUSY) {
				waited++;
				trust_keys_open(&list.t, &keys);
				assert_int_equal(trust_ask(&keys, &m, &memo,
				    NULL), 0);
				trust_keys_close(&keys);
				assert_int_equal(memo.asked,
				    trust_keys_all(&list.t));
				rc = by_tables(&memo, NULL);
			}
			assert_int_equal(rc, truth);
			said[rc == 0]++;
			learn(&known, &memo);
		}
	}
	assert_true(said[0] > ROUNDS && said[1] > ROUNDS / 2);
	assert_true(waited > ROUNDS / 2 && waited < ROUNDS * LISTS);
}

static void
one_who_has_the_rights_is_enough_and_nobody_else_is_asked(void **state)
{
	struct trust_spec s = first_spec();
	struct trust_memo memo = {0, 0};
	struct trust_keys keys;

	(void)state;
	make_list(&s, "", &list);
	make_manifest(class_a, 7, &(int){ALICE}, 1);
	trust_keys_open(&list.t, &keys);
	assert_int_equal(by_tables(&memo, NULL), ERR_BUSY);
	assert_int_equal(trust_ask(&keys, &m, &memo, NULL), 0);
	assert_int_equal(by_tables(&memo, NULL), 0);
	memo.asked = memo.signers; /* others may have come since */
	assert_int_equal(by_tables(&memo, NULL), 0);
	memo.signers = 0;
	assert_int_equal(by_tables(&memo, NULL), ERR_BUSY);
	trust_keys_close(&keys);
}

/* It is not known of such a one that nobody signed it. */
static void
what_is_wrong_whoever_signed_is_not_kept(void **state)
{
	struct trust_spec s = first_spec();
	struct trust_memo memo = {0, 0};
	struct trust_keys keys;

	(void)state;
	make_list(&s, "", &list);
	trust_keys_open(&list.t, &keys);
	make_manifest(class_a, 7, NULL, 0);
	assert_int_equal(trust_ask(&keys, &m, &memo, NULL), ERR_UNSIGNED);
	make_manifest(class_a, 7, &(int){ALICE}, 1);
	m.digest.b[0] ^= 1;
	assert_int_equal(trust_ask(&keys, &m, &memo, NULL), ERR_DIGEST);
	assert_int_equal(memo.asked | memo.signers, 0);
	trust_keys_close(&keys);
}

int
main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(it_says_what_looking_at_the_signatures_says),
		T(one_who_has_the_rights_is_enough_and_nobody_else_is_asked),
		T(what_is_wrong_whoever_signed_is_not_kept),
	};

	return cmocka_run_group_tests(tests, make_makers, drop_makers);
}
