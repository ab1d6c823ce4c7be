/* Whose manifests a list lets through. */
#include "tests/lib/manifest_make.h"
#include "tests/lib/trust_make.h"

static const uint8_t id0[] = {0x81, 0x41, 0x00};
static const uint8_t id1[] = {0x81, 0x41, 0x01};
static uint8_t env_mem[2][LIMIT_ENVELOPE];
static struct manifest m;
static struct manifest_plan plan;
static struct trust_claim claim;
static struct made_list list;

/* A manifest of sequence 7; `by` signs, one after the other. */
static void
make_manifest(const uint8_t *class_id, enum manifest_dialect dialect,
    const int *by, size_t n)
{
	struct manifest_spec s = {.dialect = dialect, .sequence = 7,
	    .have_vendor = true, .vendor = {1}, .component_count = 1};
	struct manifest_spec_payload *p = &s.component[0].payload[0];
	struct buf b = buf_of(env_mem[0], sizeof(env_mem[0]));
	struct slice env;

	s.component[0].id = slice_of(id0, sizeof(id0));
	s.component[0].payload_count = 1;
	p->uri = "coap://h/a";
	p->size = 3;
	assert_int_equal(digest_compute(DIGEST_SHA256, slice_str("abc"),
	    &p->digest), 0);
	if (class_id != NULL) {
		s.have_class = true;
		memcpy(s.class_id, class_id, 16);
	}
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

/* The verdict on a manifest for a class by one signer. */
static int
judge(const uint8_t *class_id, int by)
{
	struct why why = {0};
	int rc;

	make_manifest(class_id, MANIFEST_CURRENT, &by, 1);
	rc = trust_manifest(&list.t, &claim, NULL, &why);
	assert_int_equal(why.err, rc);
	return rc;
}

static void
an_author_signs_for_the_own_class(void **state)
{
	const struct trust_key *author = NULL;
	struct trust_spec s = first_spec();
	int by = ALICE;

	(void)state;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), 0);
	assert_int_equal(judge(class_b, BOB), 0);
	make_manifest(class_a, MANIFEST_CURRENT, &by, 1);
	assert_int_equal(trust_manifest(&list.t, &claim, &author, NULL), 0);
	assert_true(slice_eq(author->cose, maker_cose[ALICE]));
	assert_int_equal(claim.class_count, 1);
	assert_int_equal(claim.component_count, 1);
	make_manifest(class_b, MANIFEST_RIOT09, &(int){BOB}, 1);
	assert_int_equal(trust_manifest(&list.t, &claim, &author, NULL), 0);
	assert_true(slice_eq(author->cose, maker_cose[BOB]));
}

static void
REQ_SEC_ACCESS_CONTROL_another_class_is_refused(void **state)
{
	struct trust_spec s = first_spec();

	(void)state;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_b, ALICE), ERR_CLASS);
	assert_int_equal(judge(class_a, BOB), ERR_CLASS);
	assert_int_equal(judge(NULL, ALICE), ERR_CLASS);
	s.key[0].classes = SLICE_NONE; /* no class is none, not all */
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), ERR_CLASS);
	s.key[0].every_class = true;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), 0);
	assert_int_equal(judge(class_b, ALICE), 0);
	assert_int_equal(judge(NULL, ALICE), 0);
}

static void
REQ_SEC_ACCESS_CONTROL_every_class_named_counts(void **state)
{
	struct trust_spec s = first_spec();
	uint8_t both[2][16];
	struct trust_claim c = {.class_count = 2,
	    .class_id = (const uint8_t(*)[16])both};
	uint8_t kid[TRUST_KID];
	const struct trust_key *alice;

	(void)state;
	memcpy(both[0], class_a, 16);
	memcpy(both[1], class_b, 16);
	make_list(&s, "", &list);
	assert_int_equal(cose_key_id(maker[ALICE], kid), 0);
	alice = trust_find(&list.t, slice_of(kid, TRUST_KID));
	assert_non_null(alice);
	assert_int_equal(trust_rights(alice, &c, NULL), ERR_CLASS);
	c.class_count = 1;
	assert_int_equal(trust_rights(alice, &c, NULL), 0);
}

static void
REQ_SEC_ACCESS_CONTROL_components_are_kept_to(void **state)
{
	struct trust_spec s = first_spec();
	struct trust_claim c;

	(void)state;
	s.key[0].every_component = false;
	s.key[0].components = slice_of(id1, sizeof(id1));
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), ERR_FORBIDDEN);
	s.key[0].components = slice_of(id0, sizeof(id0));
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), 0);
	for (size_t i = 0; i < list.t.key_count; i++) {
		if (!slice_eq(list.t.key[i].cose, maker_cose[ALICE]))
			continue;
		c = claim; /* a dependency may touch anything */
		assert_int_equal(trust_rights(&list.t.key[i], &c, NULL), 0);
		c.dependency_count = 1;
		assert_int_equal(trust_rights(&list.t.key[i], &c, NULL),
		    ERR_FORBIDDEN);
		c = claim; /* and so may who names none */
		c.component_count = 0;
		assert_int_equal(trust_rights(&list.t.key[i], &c, NULL),
		    ERR_FORBIDDEN);
	}
}

static void
REQ_SEC_ACCESS_CONTROL_sequences_are_kept_to(void **state)
{
	static const struct {
		uint64_t min, max;
		int rc;
	} t[] = {{7, 7, 0}, {0, 6, ERR_RANGE}, {8, 9, ERR_RANGE},
	    {0, UINT64_MAX, 0}};
	struct trust_spec s = first_spec();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		s.key[0].seq_min = t[i].min;
		s.key[0].seq_max = t[i].max;
		make_list(&s, "", &list);
		assert_int_equal(judge(class_a, ALICE), t[i].rc);
	}
}

static void
REQ_SEC_RIGHTS_the_right_signer_with_the_wrong_role(void **state)
{
	struct trust_spec s = first_spec();

	(void)state;
	s.key[2].every_class = true;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, FRESH), ERR_FORBIDDEN);
	for (int role = TRUST_OPERATOR; role < TRUST_ROLES; role++) {
		s.key[0].role = role;
		make_list(&s, "", &list);
		assert_int_equal(judge(class_a, ALICE), ERR_FORBIDDEN);
	}
	assert_int_equal(judge(class_a, R0), ERR_SIGNATURE); /* a root */
}

static void
TUF_ARBITRARY_a_stranger_signs_in_vain(void **state)
{
	struct trust_spec s = first_spec();

	(void)state;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, NOBODY), ERR_SIGNATURE);
	make_manifest(class_a, MANIFEST_CURRENT, NULL, 0);
	assert_int_equal(trust_manifest(&list.t, &claim, NULL, NULL),
	    ERR_UNSIGNED);
	s.key_count = 0;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), ERR_SIGNATURE);
}

static void
one_of_several_signers_with_the_rights_is_enough(void **state)
{
	static const int by[] = {NOBODY, BOB, ALICE};
	const struct trust_key *author = NULL;
	struct trust_spec s = first_spec();

	(void)state;
	make_list(&s, "", &list);
	make_manifest(class_a, MANIFEST_CURRENT, by, 3);
	assert_int_equal(trust_manifest(&list.t, &claim, &author, NULL), 0);
	assert_true(slice_eq(author->cose, maker_cose[ALICE]));
	make_manifest(class_a, MANIFEST_CURRENT, by, 2);
	author = NULL;
	assert_int_equal(trust_manifest(&list.t, &claim, &author, NULL),
	    ERR_CLASS);
	assert_null(author);
}

static void
TUF_KEYCOMPROMISE_a_removed_author_signs_in_vain(void **state)
{
	struct trust_spec s = first_spec();

	(void)state;
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), 0);
	trust_spec_next(&list.t, &s);
	for (size_t i = 0; i < s.key_count; i++) {
		if (slice_eq(s.key[i].cose, maker_cose[ALICE]))
			s.key[i] = s.key[--s.key_count];
	}
	make_list(&s, "", &list);
	assert_int_equal(judge(class_a, ALICE), ERR_SIGNATURE);
	assert_int_equal(judge(class_b, BOB), 0); /* nobody else is hit */
}

static void
TUF_KEYCOMPROMISE_a_denied_manifest_is_refused(void **state)
{
	struct trust_spec s = first_spec();
	struct digest longer = {.alg = DIGEST_SHA384, .n = 48};

	(void)state;
	make_list(&s, "", &list);
	make_manifest(class_a, MANIFEST_CURRENT, &(int){ALICE}, 1);
	assert_int_equal(trust_manifest(&list.t, &claim, NULL, NULL), 0);
	s.denied_count = 2;
	memset(s.denied[0], 0xff, 32);
	memcpy(s.denied[1], m.digest.b, 32);
	make_list(&s, "", &list);
	assert_int_equal(trust_manifest(&list.t, &claim, NULL, NULL),
	    ERR_POLICY);
	memcpy(longer.b, m.digest.b, 32);
	assert_true(trust_denies(&list.t, digest_slice(&longer)));
	longer.b[31] ^= 1;
	assert_false(trust_denies(&list.t, digest_slice(&longer)));
	assert_false(trust_denies(&list.t, slice_of(m.digest.b, 31)));
	assert_false(trust_denies(&list.t, SLICE_NONE));
}

static int
with_floor(const uint8_t *class_id, uint64_t least, uint64_t most)
{
	struct trust_spec s = first_spec();

	s.key[0].every_class = true;
	s.floor_count = 1;
	memcpy(s.floor[0].class_id, class_id, 16);
	s.floor[0].least = least;
	s.floor[0].most = most;
	make_list(&s, "", &list);
	return trust_manifest(&list.t, &claim, NULL, NULL);
}

static void
REQ_SEC_SEQUENCE_nothing_below_the_floor(void **state)
{
	(void)state;
	make_manifest(class_a, MANIFEST_CURRENT, &(int){ALICE}, 1);
	assert_int_equal(with_floor(class_a, 7, UINT64_MAX), 0);
	assert_int_equal(with_floor(class_a, 8, UINT64_MAX), ERR_SEQUENCE);
	assert_int_equal(with_floor(class_b, 8, UINT64_MAX), 0);
	/* who names no class is bound by all */
	make_manifest(NULL, MANIFEST_CURRENT, &(int){ALICE}, 1);
	assert_int_equal(with_floor(class_a, 7, UINT64_MAX), 0);
	assert_int_equal(with_floor(class_b, 8, UINT64_MAX), ERR_SEQUENCE);
}

static void
TUF_FASTFORWARD_a_ceiling_repairs_a_burnt_sequence(void **state)
{
	uint64_t burnt = (uint64_t)1 << 63;

	(void)state;
	make_manifest(class_a, MANIFEST_CURRENT, &(int){ALICE}, 1);
	assert_int_equal(with_floor(class_a, 7, 7), 0);
	assert_int_equal(with_floor(class_a, 0, 6), ERR_RANGE);
	/* a device that took the burnt one may go down to the floor */
	assert_int_equal(with_floor(class_a, 5, 1000), 0);
	assert_true(trust_base(&list.t, class_a, burnt) == 4);
	assert_true(trust_base(&list.t, class_a, 1001) == 4);
	assert_true(trust_base(&list.t, class_a, 1000) == 1000);
	assert_true(trust_base(&list.t, class_a, 2) == 2);
	assert_true(trust_base(&list.t, class_b, burnt) == burnt);
	assert_int_equal(with_floor(class_a, 0, 1000), 0);
	assert_true(trust_base(&list.t, class_a, burnt) == 0);
}

static void
REQ_SEC_AUTHENTIC_no_bit_of_a_manifest_may_change(void **state)
{
	struct trust_spec s = first_spec();
	static uint8_t mem[LIMIT_ENVELOPE];
	size_t n;

	(void)state;
	make_list(&s, "", &list);
	make_manifest(class_a, MANIFEST_CURRENT, &(int){ALICE}, 1);
	n = m.envelope.n;
	memcpy(mem, m.envelope.p, n);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		mem[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (manifest_parse(slice_of(mem, n), &m, NULL) == 0 &&
		    manifest_walk(&m, &plan, NULL) == 0) {
			claim = trust_claim_of(&m, &plan);
			/* what is not signed may change: a kid, a tag */
			if (trust_manifest(&list.t, &claim, NULL, NULL) == 0)
				assert_memory_equal(m.manifest_raw.p,
				    env_mem[1] + (m.manifest_raw.p - mem),
				    m.manifest_raw.n);
		}
		mem[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(judge(class_a, ALICE), 0);
}

static void
a_ring_has_the_keys_of_one_role(void **state)
{
	struct trust_spec s = first_spec();
	struct trust_ring r;

	(void)state;
	make_list(&s, "", &list);
	assert_int_equal(trust_ring_open(&list.t, TRUST_AUTHOR, NULL, &r), 0);
	assert_int_equal(r.ring.n, 2);
	trust_ring_close(&r);
	assert_int_equal(trust_ring_open(&list.t, TRUST_FRESHNESS, NULL, &r),
	    0);
	assert_int_equal(r.ring.n, 1);
	assert_true(slice_eq(r.who[0]->cose, maker_cose[FRESH]));
	trust_ring_close(&r);
	assert_int_equal(trust_ring_open(&list.t, TRUST_FOREIGN, NULL, &r),
	    0);
	assert_int_equal(r.ring.n, 0);
	make_manifest(class_a, MANIFEST_CURRENT, &(int){ALICE}, 1);
	assert_int_equal(trust_ring_open(&list.t, TRUST_AUTHOR, &claim, &r),
	    0);
	assert_int_equal(r.ring.n, 1);
	assert_true(slice_eq(r.who[0]->cose, maker_cose[ALICE]));
	trust_ring_close(&r);
}

static void
kids_find_keys_and_roots(void **state)
{
	struct trust_spec s = first_spec();
	uint8_t kid[8];

	(void)state;
	make_list(&s, "", &list);
	assert_int_equal(cose_key_id(maker[ALICE], kid), 0);
	assert_non_null(trust_find(&list.t, slice_of(kid, 8)));
	assert_false(trust_is_root(&list.t, slice_of(kid, 8)));
	assert_null(trust_find(&list.t, slice_of(kid, 7)));
	assert_int_equal(cose_key_id(maker[R1], kid), 0);
	assert_null(trust_find(&list.t, slice_of(kid, 8)));
	assert_true(trust_is_root(&list.t, slice_of(kid, 8)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_author_signs_for_the_own_class),
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_another_class_is_refused),
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_every_class_named_counts),
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_components_are_kept_to),
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_sequences_are_kept_to),
		cmocka_unit_test(
		    REQ_SEC_RIGHTS_the_right_signer_with_the_wrong_role),
		cmocka_unit_test(TUF_ARBITRARY_a_stranger_signs_in_vain),
		cmocka_unit_test(
		    one_of_several_signers_with_the_rights_is_enough),
		cmocka_unit_test(
		    TUF_KEYCOMPROMISE_a_removed_author_signs_in_vain),
		cmocka_unit_test(
		    TUF_KEYCOMPROMISE_a_denied_manifest_is_refused),
		cmocka_unit_test(REQ_SEC_SEQUENCE_nothing_below_the_floor),
		cmocka_unit_test(
		    TUF_FASTFORWARD_a_ceiling_repairs_a_burnt_sequence),
		cmocka_unit_test(
		    REQ_SEC_AUTHENTIC_no_bit_of_a_manifest_may_change),
		cmocka_unit_test(a_ring_has_the_keys_of_one_role),
		cmocka_unit_test(kids_find_keys_and_roots),
	};

	return cmocka_run_group_tests(tests, make_makers, drop_makers);
}
