/* Signatures of a list, and which list may follow which. */
#include "tests/lib/trust_make.h"

#include <stdlib.h>

#include "lib/cose_impl.h"

static struct made_list one, two, three, other;

/* List 1, and 2 after it, signed by enough. */
static void
make_two(void)
{
	struct trust_spec s = first_spec();

	make_list(&s, "01", &one);
	trust_spec_next(&one.t, &s);
	s.denied_count = 1;
	make_list(&s, "12", &two);
}

/* The next of `m`, as is. */
static void
make_next(const struct made_list *m, const char *by, struct made_list *ret)
{
	struct trust_spec s;

	trust_spec_next(&m->t, &s);
	make_list(&s, by, ret);
}

/* A list has them in the order of their ids. */
static void
swap_root(struct trust_spec *s, int out, int in)
{
	for (size_t i = 0; i < s->root_count; i++) {
		if (slice_eq(s->root[i], maker_cose[out]))
			s->root[i] = maker_cose[in];
	}
}

static void
a_first_list_is_signed_by_enough_of_its_own_roots(void **state)
{
	struct trust_spec s = first_spec();

	(void)state;
	make_list(&s, "02", &one);
	assert_int_equal(trust_pin(&one.t, NULL), 0);
	make_list(&s, "0", &one);
	assert_int_equal(trust_pin(&one.t, NULL), ERR_SIGNATURE);
	make_list(&s, "", &one);
	assert_int_equal(trust_pin(&one.t, NULL), ERR_SIGNATURE);
}

static void
REQ_SEC_RIGHTS_one_of_two_signatures_is_too_few(void **state)
{
	(void)state;
	make_two();
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
	make_next(&one, "1", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	make_next(&one, "", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
}

/* The same signature over and over, put there by hand. */
static void
REQ_SEC_RIGHTS_the_same_root_twice_counts_once(void **state)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct slice sig, head;
	struct trust t;
	unsigned n = 9, bits = 0;

	(void)state;
	make_two();
	make_next(&one, "0", &two);
	sig = slice_sub(two.t.msg.rest, 1, SIZE_MAX);
	head = slice_of(two.t.message.p,
	    (size_t)(two.t.msg.rest.p - two.t.message.p));
	buf_put(&b, head);
	cbr_put_array(&b, 2);
	buf_put(&b, sig);
	buf_put(&b, sig);
	assert_int_equal(trust_parse(buf_slice(&b), &t, NULL), 0);
	assert_int_equal(trust_count(&t, &one.t.roots, &n, &bits), 0);
	assert_int_equal(n, 1);
	assert_true(bits != 0 && (bits & (bits - 1)) == 0);
	assert_int_equal(trust_step(&one.t, &t, NULL), ERR_SIGNATURE);
}

static void
REQ_SEC_RIGHTS_an_author_is_no_root(void **state)
{
	(void)state;
	make_two();
	make_next(&one, "089", &two); /* R0, Alice, Bob */
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
}

/* A good signature under the kid of a root that did not make it. */
static void
REQ_SEC_AUTHENTIC_a_kid_proves_nothing(void **state)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct cose_signer s;
	struct trust t;

	(void)state;
	make_two();
	make_next(&one, "03", &two); /* R3 is no root */
	memcpy(mem, two.t.message.p, two.t.message.n);
	assert_int_equal(cose_signer_at(&two.t.msg, 1, &s), 0);
	for (size_t i = 0; i < one.t.roots.n; i++) {
		memcpy(mem + (s.kid.p - two.t.message.p),
		    one.t.roots.kid[i], TRUST_KID);
		assert_int_equal(trust_parse(slice_of(mem,
		    two.t.message.n), &t, NULL), 0);
		assert_int_equal(trust_step(&one.t, &t, NULL),
		    ERR_SIGNATURE);
	}
}

/* `who` signs the list `m` under a kid of n bytes; how many roots count? */
static unsigned
count_under(const struct made_list *m, int who, const uint8_t *kid, size_t n)
{
	static uint8_t mem[LIMIT_TRUST_LIST], head[64], tbs[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem)), h = buf_of(head, 64);
	struct buf s = buf_of(tbs, sizeof(tbs));
	uint8_t sig[COSE_SIGNATURE_MAX];
	struct slice prot;
	struct trust t;
	unsigned count = 9;

	cbr_put_map(&h, 1 + (n > 0));
	cbr_put_int(&h, HDR_ALG);
	cbr_put_int(&h, cose_key_alg(maker[who]));
	if (n > 0) {
		cbr_put_int(&h, HDR_KID);
		cbr_put_bstr(&h, slice_of(kid, n));
	}
	prot = buf_slice(&h);
	cose_tbs_put(&(struct cose_tbs){"Signature", m->t.msg.prot, &prot,
			 m->t.payload}, &s);
	assert_int_equal(cose_crypt_sign(maker[who],
	    cose_alg_find(cose_key_alg(maker[who])), buf_slice(&s), sig), 0);
	buf_put(&b, slice_of(m->t.message.p,
	    (size_t)(m->t.msg.rest.p - m->t.message.p)));
	cbr_put_array(&b, 1);
	cbr_put_array(&b, 3);
	cbr_put_bstr(&b, prot);
	cbr_put_map(&b, 0);
	cbr_put_bstr(&b, slice_of(sig, 64));
	assert_int_equal(trust_parse(buf_slice(&b), &t, NULL), 0);
	assert_int_equal(trust_count(&t, &t.roots, &count, NULL), 0);
	return count;
}

/* Or a stranger's signatures would be tried with every root. */
static void
DOS_SIGNATURES_one_counts_for_the_root_that_it_names(void **state)
{
	uint8_t kid[2][TRUST_KID];

	(void)state;
	make_two();
	assert_int_equal(cose_key_id(maker[R0], kid[0]), 0);
	assert_int_equal(cose_key_id(maker[R1], kid[1]), 0);
	assert_int_equal(count_under(&one, R0, kid[0], TRUST_KID), 1);
	assert_int_equal(count_under(&one, R0, kid[1], TRUST_KID), 0);
	assert_int_equal(count_under(&one, R0, kid[0], TRUST_KID - 1), 0);
	assert_int_equal(count_under(&one, R0, NULL, 0), 0);
}

/* With no signature to spare, no bit may change, whatever it stands for. */
static void
REQ_SEC_AUTHENTIC_no_bit_of_a_list_may_change(void **state)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct trust t;
	size_t n, read = 0;

	(void)state;
	make_two();
	n = two.t.message.n;
	memcpy(mem, two.t.message.p, n);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		mem[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (trust_parse(slice_of(mem, n), &t, NULL) == 0) {
			read++;
			assert_int_not_equal(trust_step(&one.t, &t, NULL), 0);
		}
		mem[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(read > 1000); /* or nothing was asked of trust_step */
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(trust_parse(slice_of(mem, i), &t, NULL),
		    0);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
}

static void
TUF_ROLLBACK_an_older_list_is_refused(void **state)
{
	(void)state;
	make_two();
	assert_int_equal(trust_step(&two.t, &one.t, NULL), ERR_SEQUENCE);
	assert_int_equal(trust_step(&two.t, &two.t, NULL), ERR_EXISTS);
}

static void
TUF_ROLLBACK_a_fork_is_told_from_a_successor(void **state)
{
	struct trust_spec s;

	(void)state;
	make_two();
	trust_spec_next(&one.t, &s); /* another number 2, and 3 after it */
	s.floor_count = 1;
	make_list(&s, "01", &other);
	make_next(&other, "01", &three);
	assert_int_equal(trust_step(&one.t, &other.t, NULL), 0);
	assert_int_equal(trust_step(&two.t, &other.t, NULL), ERR_CONFLICT);
	assert_int_equal(trust_step(&two.t, &three.t, NULL), ERR_CONFLICT);
	assert_int_equal(trust_step(&other.t, &three.t, NULL), 0);
}

/* A list with number `seq` after list 1. */
static int
jump(uint64_t seq, bool chain)
{
	struct trust_spec s;

	trust_spec_next(&one.t, &s);
	s.seq = seq;
	make_list(&s, "01", &other);
	return chain ? trust_step_chain(&one.t, &other.t, NULL)
		     : trust_step(&one.t, &other.t, NULL);
}

static void
TUF_FASTFORWARD_a_list_may_not_be_too_far_ahead(void **state)
{
	(void)state;
	make_two();
	assert_int_equal(jump(3, false), 0);
	assert_int_equal(jump(LIMIT_TRUST_STEP, false), 0);
	assert_int_equal(jump(1 + LIMIT_TRUST_STEP, false), ERR_RANGE);
	assert_int_equal(jump(INT64_MAX, false), ERR_RANGE);
	assert_int_equal(jump(2, true), 0);
	assert_int_equal(jump(3, true), ERR_ORDER);
	assert_int_equal(jump(1 + LIMIT_TRUST_STEP, true), ERR_RANGE);
}

static void
REQ_SEC_KEY_ROTATION_other_roots_need_both_sides(void **state)
{
	struct trust_spec s;

	(void)state;
	make_two();
	trust_spec_next(&one.t, &s); /* R2 out, R3 in */
	swap_root(&s, R2, R3);
	make_list(&s, "01", &two); /* both are old and new */
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
	make_list(&s, "03", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	make_list(&s, "02", &two); /* enough old ones, one new */
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	make_list(&s, "023", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
	/* nothing in common */
	for (int i = 0; i < 3; i++)
		s.root[i] = maker_cose[R3 + i];
	make_list(&s, "01", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	make_list(&s, "345", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	make_list(&s, "0145", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
}

static void
REQ_SEC_KEY_ROTATION_a_threshold_alone_is_a_change_of_roots(void **state)
{
	struct trust_spec s;

	(void)state;
	make_two();
	trust_spec_next(&one.t, &s);
	s.need = 3;
	make_list(&s, "01", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	make_list(&s, "012", &two);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
	/* and back: three must sign that two are enough */
	trust_spec_next(&two.t, &s);
	s.need = 2;
	make_list(&s, "01", &three);
	assert_int_equal(trust_step(&two.t, &three.t, NULL), ERR_SIGNATURE);
	make_list(&s, "012", &three);
	assert_int_equal(trust_step(&two.t, &three.t, NULL), 0);
}

static void
REQ_SEC_KEY_ROTATION_root_changes_are_walked(void **state)
{
	struct trust_spec s;

	(void)state;
	make_two();
	trust_spec_next(&one.t, &s);
	swap_root(&s, R2, R3);
	make_list(&s, "01", &two);
	make_next(&two, "01", &three); /* R0 and R1 are in every set */
	assert_int_equal(trust_step(&one.t, &three.t, NULL), ERR_ORDER);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), 0);
	assert_int_equal(trust_step(&two.t, &three.t, NULL), 0);
}

static void
TUF_KEYCOMPROMISE_a_removed_root_signs_no_more(void **state)
{
	struct trust_spec s;

	(void)state;
	make_two();
	trust_spec_next(&one.t, &s);
	swap_root(&s, R2, R3);
	make_list(&s, "01", &two);
	make_next(&two, "02", &three);
	assert_int_equal(trust_step(&two.t, &three.t, NULL), ERR_SIGNATURE);
	make_next(&two, "03", &three);
	assert_int_equal(trust_step(&two.t, &three.t, NULL), 0);
}

static void
signatures_of_several_machines_are_merged(void **state)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust t;
	unsigned n = 0;

	(void)state;
	make_two();
	make_next(&one, "0", &two);
	make_next(&one, "02", &three);
	assert_int_equal(trust_step(&one.t, &two.t, NULL), ERR_SIGNATURE);
	assert_int_equal(trust_merge(&two.t, &three.t, &b, NULL), 0);
	assert_int_equal(trust_parse(buf_slice(&b), &t, NULL), 0);
	assert_int_equal(trust_step(&one.t, &t, NULL), 0);
	assert_int_equal(trust_count(&t, &one.t.roots, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(t.hash, two.t.hash, TRUST_HASH);
	assert_int_equal(trust_merge(&one.t, &two.t, &b, NULL), ERR_CONFLICT);
}

static void
signing_again_takes_the_place_of_the_signature(void **state)
{
	struct trust_spec s = first_spec();
	struct cose_signer signer;

	(void)state;
	make_list(&s, "0011", &one);
	assert_int_equal(trust_pin(&one.t, NULL), 0);
	assert_int_equal(cose_signer_at(&one.t.msg, 1, &signer), 0);
	assert_int_equal(cose_signer_at(&one.t.msg, 2, &signer),
	    ERR_NOT_FOUND);
}

static void
signatures_have_a_cap(void **state)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust_spec s = first_spec();

	(void)state;
	make_list(&s, "01234567", &one);
	assert_int_equal(LIMIT_AUTH_BLOCKS, 8);
	assert_int_equal(trust_pin(&one.t, NULL), 0);
	assert_int_equal(trust_sign(&one.t, maker[8], &b, NULL), ERR_SIZE);
	assert_int_equal(trust_sign(&one.t, maker[7], &b, NULL), 0);
}

static void
only_private_keys_of_known_kinds_sign(void **state)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust_spec s = first_spec();
	struct cose_key *k;

	(void)state;
	make_list(&s, "", &one);
	assert_int_equal(cose_key_parse(maker_cose[R0], &k, NULL), 0);
	assert_int_equal(trust_sign(&one.t, k, &b, NULL), ERR_KEY);
	cose_key_free(k);
	assert_int_equal(cose_key_generate(COSE_KEY_P384, &k), 0);
	assert_int_equal(trust_sign(&one.t, k, &b, NULL), ERR_KEY);
	cose_key_free(k);
	assert_int_equal(cose_key_generate(COSE_KEY_HMAC, &k), 0);
	assert_int_equal(trust_sign(&one.t, k, &b, NULL), ERR_KEY);
	cose_key_free(k);
	assert_int_equal(b.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_first_list_is_signed_by_enough_of_its_own_roots),
		cmocka_unit_test(
		    REQ_SEC_RIGHTS_one_of_two_signatures_is_too_few),
		cmocka_unit_test(
		    REQ_SEC_RIGHTS_the_same_root_twice_counts_once),
		cmocka_unit_test(REQ_SEC_RIGHTS_an_author_is_no_root),
		cmocka_unit_test(REQ_SEC_AUTHENTIC_a_kid_proves_nothing),
		cmocka_unit_test(
		    DOS_SIGNATURES_one_counts_for_the_root_that_it_names),
		cmocka_unit_test(
		    REQ_SEC_AUTHENTIC_no_bit_of_a_list_may_change),
		cmocka_unit_test(TUF_ROLLBACK_an_older_list_is_refused),
		cmocka_unit_test(
		    TUF_ROLLBACK_a_fork_is_told_from_a_successor),
		cmocka_unit_test(
		    TUF_FASTFORWARD_a_list_may_not_be_too_far_ahead),
		cmocka_unit_test(
		    REQ_SEC_KEY_ROTATION_other_roots_need_both_sides),
		cmocka_unit_test(
		REQ_SEC_KEY_ROTATION_a_threshold_alone_is_a_change_of_roots),
		cmocka_unit_test(
		    REQ_SEC_KEY_ROTATION_root_changes_are_walked),
		cmocka_unit_test(
		    TUF_KEYCOMPROMISE_a_removed_root_signs_no_more),
		cmocka_unit_test(signatures_of_several_machines_are_merged),
		cmocka_unit_test(
		    signing_again_takes_the_place_of_the_signature),
		cmocka_unit_test(signatures_have_a_cap),
		cmocka_unit_test(only_private_keys_of_known_kinds_sign),
	};

	return cmocka_run_group_tests(tests, make_makers, drop_makers);
}
