/* What is signed is proven; whatever else there is, is refused. */
#include "tests/lib/cose_make.h"

static struct cose_key *
key_of(const char *s)
{
	struct cose_key *key = NULL;
	struct why why = {0, ""};

	if (cose_key_parse(slice_str(s), &key, &why) != 0)
		fail_msg("%s", why.text);
	return key;
}

/* RFC 9052 C.2.1 and its key "11". */
static const char rfc9052_key[] =
    "a40102200121 5820"
    "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
    "225820"
    "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e";
static const char rfc9052_sign1[] =
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742e"
    "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0"
    "117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345ca"
    "cb36";

static void
the_example_of_rfc_9052(void **state)
{
	struct cose_key *key = key_of(rfc9052_key);
	struct cose_keyring ring = ring_of(others[0], key);
	struct cose_msg m;
	size_t i = 9;

	(void)state;
	assert_int_equal(cose_parse(hex(rfc9052_sign1), &m, NULL), 0);
	assert_int_equal(m.tag, COSE_TAG_SIGN1);
	assert_int_equal(m.alg, COSE_ES256);
	assert_true(slice_eq_str(m.kid, "11"));
	assert_true(slice_eq_str(m.payload, "This is the content."));
	assert_int_equal(cose_verify(&m, SLICE_NONE, &ring, &i, NULL), 0);
	assert_int_equal(i, 1);
	assert_int_equal(cose_verify(&m, m.payload, &ring, &i, NULL), 0);
	assert_int_equal(cose_verify(&m, slice_str("Other content"), &ring,
	    &i, NULL), ERR_SIGNATURE);
	cose_key_free(key);
}

static void
known_signatures(void **state)
{
	static const struct {
		const char *key;
		int alg;
		const char *text, *sig;
	} t[] = {
		/* RFC 8032 7.1, test 1 */
		{"302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a"
		 "0ee172f3daa62325af021a68f707511a", COSE_EDDSA, "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065"
		 "224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
		 "655141438e7a100b"},
		/* RFC 6979 A.2.5, SHA-256, "sample" */
		{"a4010220012158 20"
		 "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e"
		 "60f29fb6225820"
		 "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294"
		 "d4462299", COSE_ES256, "sample",
		 "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea8"
		 "4eaf3716"
		 "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f"
		 "843acda8"},
		/* RFC 4231 4.2 */
		{"a2010420540b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		 COSE_HMAC256, "Hi There",
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c"
		 "2e32cff7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cose_key *key = key_of(t[i].key);
		const struct cose_alg *alg = cose_alg_find(t[i].alg);
		struct slice text = slice_str(t[i].text);
		struct slice sig = hex(t[i].sig);

		assert_int_equal(cose_crypt_verify(key, alg, text, sig), 0);
		assert_int_equal(cose_crypt_verify(key, alg,
		    slice_str("other"), sig), ERR_SIGNATURE);
		assert_int_equal(cose_crypt_verify(key, alg, text,
		    slice_sub(sig, 0, sig.n - 1)), ERR_SIGNATURE);
		cose_key_free(key);
	}
}

static void
what_is_signed_is_proven(void **state)
{
	struct slice payload = slice_str("the digest");

	(void)state;
	for (size_t i = 0; i < 4 * KINDS; i++) {
		size_t k = i / 4, at = 9;
		struct cose_sign_opts o = {.alg = kinds[k].alg[i % 2],
		    .kid = i & 2 ? slice_str("k1") : SLICE_NONE,
		    .kid_protected = i % 2, .attached = i & 2};
		struct cose_keyring ring = ring_of(others[k], keys[k]);
		uint8_t mem[512];
		struct buf b = buf_of(mem, sizeof(mem));
		struct cose_msg m;

		assert_int_equal(cose_sign(keys[k], payload, &o, &b), 0);
		assert_int_equal(cose_parse(buf_slice(&b), &m, NULL), 0);
		assert_int_equal(m.tag, kinds[k].kind == COSE_KEY_HMAC
		    ? COSE_TAG_MAC0 : COSE_TAG_SIGN1);
		assert_int_equal(m.alg, o.alg);
		assert_true(slice_eq(m.kid, o.kid));
		assert_int_equal(m.payload.p != NULL, o.attached);
		assert_int_equal(m.sig.n, kinds[k].sig);
		assert_int_equal(cose_verify(&m, payload, &ring, &at, NULL),
		    0);
		assert_int_equal(at, 1);
		ring = ring_of(others[k], NULL);
		assert_int_equal(cose_verify(&m, payload, &ring, &at, NULL),
		    ERR_SIGNATURE);
		ring = ring_of(keys[k], NULL);
		assert_int_equal(cose_verify(&m, slice_str("the digesT"),
		    &ring, &at, NULL), ERR_SIGNATURE);
	}
}

static void
every_flipped_bit_is_refused(void **state)
{
	struct slice payload = slice_str("payload");

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct cose_keyring ring = ring_of(keys[k], others[k]);
		struct cose_sign_opts o = {.kid = slice_str("kid"),
		    .kid_protected = true, .attached = k % 2};
		uint8_t mem[512];
		struct buf b = buf_of(mem, sizeof(mem));
		size_t at;

		assert_int_equal(cose_sign(keys[k], payload, &o, &b), 0);
		for (size_t i = 0; i < 8 * b.n; i++) {
			mem[i / 8] ^= (uint8_t)(1 << i % 8);
			if (prove(buf_slice(&b), payload, &ring, &at) == 0)
				fail_msg("kind %zu, byte %zu, bit %zu", k,
				    i / 8, i % 8);
			mem[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		assert_int_equal(prove(buf_slice(&b), payload, &ring, &at),
		    0);
	}
}

static void
every_cut_and_every_tail_is_refused(void **state)
{
	struct cose_keyring ring = ring_of(keys[0], NULL);
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem));
	size_t at;

	(void)state;
	assert_int_equal(cose_sign(keys[0], slice_str("p"), NULL, &b), 0);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(prove(slice_of(mem, n), slice_str("p"),
		    &ring, &at), ERR_TRUNCATED);
	buf_put_u8(&b, 0);
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    ERR_TRAILING);
}

/* An attacker knows a public key's bytes; they must never be a secret. */
static void
a_public_key_is_no_mac_secret(void **state)
{
	uint8_t x[32], mem[512];
	size_t n = sizeof(x), at;
	struct cose_keyring ring = ring_of(keys[3], NULL);
	struct cose_key *forged;
	struct buf b = buf_of(mem, sizeof(mem));

	(void)state;
	assert_int_equal(EVP_PKEY_get_raw_public_key(keys[3]->pkey, x, &n),
	    1);
	assert_int_equal(cose_key_hmac(slice_of(x, n), &forged), 0);
	assert_int_equal(cose_sign(forged, slice_str("p"), NULL, &b), 0);
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    ERR_SIGNATURE);
	mem[0] = 0xd2;
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    ERR_ALGORITHM);
	cose_key_free(forged);
}

static void
an_algorithm_binds_its_curve(void **state)
{
	uint8_t mem[512];

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t a = 0; a < KINDS; a++) {
			struct cose_sign_opts o = {.alg = kinds[a].alg[0]};
			struct buf b = buf_of(mem, sizeof(mem));

			assert_int_equal(cose_sign(keys[k], slice_str("p"),
			    &o, &b), a == k ? 0 : ERR_ALGORITHM);
			assert_int_equal(b.n > 0, a == k);
		}
	}
}

static void
payload_detached_attached_or_missing(void **state)
{
	struct cose_keyring ring = ring_of(keys[0], NULL);
	struct cose_sign_opts o = {.attached = true};
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem));
	size_t at;

	(void)state;
	assert_int_equal(cose_sign(keys[0], slice_str("p"), NULL, &b), 0);
	assert_int_equal(prove(buf_slice(&b), SLICE_NONE, &ring, &at),
	    ERR_MISSING);
	b.n = 0;
	assert_int_equal(cose_sign(keys[0], slice_str(""), &o, &b), 0);
	assert_int_equal(prove(buf_slice(&b), SLICE_NONE, &ring, &at), 0);
	assert_int_equal(prove(buf_slice(&b), slice_str("x"), &ring, &at),
	    ERR_SIGNATURE);
}

static void
the_named_key_is_taken_first(void **state)
{
	struct cose_key *twin;
	struct cose_sign_opts o = {.kid = slice_str("me")};
	uint8_t pem[512], mem[512], id[8];
	struct buf p = buf_of(pem, sizeof(pem)), b = buf_of(mem, 512);
	struct cose_keyring ring;
	size_t at;

	(void)state;
	assert_int_equal(cose_key_put_pem(keys[0], false, &p), 0);
	assert_int_equal(cose_key_parse(buf_slice(&p), &twin, NULL), 0);
	assert_int_equal(cose_key_set_kid(twin, slice_str("me")), 0);
	assert_int_equal(cose_sign(keys[0], slice_str("p"), &o, &b), 0);
	ring = ring_of(keys[0], twin);
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    0);
	assert_int_equal(at, 1);
	/* a key is also known by its own id */
	assert_int_equal(cose_key_set_kid(twin, SLICE_NONE), 0);
	assert_int_equal(cose_key_id(others[0], id), 0);
	o.kid = slice_of(id, sizeof(id));
	b.n = 0;
	assert_int_equal(cose_sign(keys[0], slice_str("p"), &o, &b), 0);
	ring = ring_of(others[0], twin);
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    0);
	assert_int_equal(at, 1);
	cose_key_free(twin);
}

static void
kid_ends_at_the_limit(void **state)
{
	static const uint8_t kid[LIMIT_KID + 1];
	struct cose_keyring ring = ring_of(keys[0], NULL);
	struct cose_sign_opts o = {.kid = {kid, LIMIT_KID}};
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem));
	size_t at;

	(void)state;
	assert_int_equal(cose_sign(keys[0], slice_str("p"), &o, &b), 0);
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    0);
	o.kid.n++;
	assert_int_equal(cose_sign(keys[0], slice_str("p"), &o, &b),
	    ERR_SIZE);
	b.n = 0;
	cbr_put_tag(&b, 18);
	cbr_put_array(&b, 4);
	cbr_put_bstr(&b, hex("a10126"));
	cbr_put_map(&b, 1);
	cbr_put_uint(&b, 4);
	cbr_put_bstr(&b, o.kid);
	cbr_put_null(&b);
	cbr_put_bstr(&b, SLICE_NONE);
	assert_int_equal(prove(buf_slice(&b), slice_str("p"), &ring, &at),
	    ERR_SIZE);
}

static void
signing_needs_a_private_key_and_room(void **state)
{
	struct cose_key *pub;
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem)), small = buf_of(mem, 60);

	(void)state;
	assert_int_equal(cose_key_put_cose(keys[0], &b), 0);
	assert_int_equal(cose_key_parse(buf_slice(&b), &pub, NULL), 0);
	b.n = 0;
	assert_int_equal(cose_sign(pub, slice_str("p"), NULL, &b), ERR_KEY);
	assert_int_equal(cose_sign(keys[0], slice_str("p"), NULL, &small),
	    ERR_SPACE);
	assert_int_equal(small.n, 0);
	cose_key_free(pub);
}

static void
a_payload_over_the_limit_is_refused(void **state)
{
	static uint8_t big[COSE_TBS_MAX];
	struct cose_keyring ring = ring_of(keys[4], NULL);
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem));
	size_t at;

	(void)state;
	assert_int_equal(cose_sign(keys[4], slice_of(big, LIMIT_ENVELOPE),
	    NULL, &b), 0);
	assert_int_equal(prove(buf_slice(&b), slice_of(big, LIMIT_ENVELOPE),
	    &ring, &at), 0);
	assert_int_equal(prove(buf_slice(&b), slice_of(big, COSE_TBS_MAX),
	    &ring, &at), ERR_SIZE);
	assert_int_equal(cose_sign(keys[4], slice_of(big, COSE_TBS_MAX),
	    NULL, &b), ERR_SIZE);
}

static void
names_of_algorithms(void **state)
{
	(void)state;
	assert_string_equal(cose_alg_name(-7), "ES256");
	assert_string_equal(cose_alg_name(-19), "Ed25519");
	assert_string_equal(cose_alg_name(-46), "?");
	assert_string_equal(cose_alg_name(INT64_MIN), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_9052),
		cmocka_unit_test(known_signatures),
		cmocka_unit_test(what_is_signed_is_proven),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_cut_and_every_tail_is_refused),
		cmocka_unit_test(a_public_key_is_no_mac_secret),
		cmocka_unit_test(an_algorithm_binds_its_curve),
		cmocka_unit_test(payload_detached_attached_or_missing),
		cmocka_unit_test(the_named_key_is_taken_first),
		cmocka_unit_test(kid_ends_at_the_limit),
		cmocka_unit_test(signing_needs_a_private_key_and_room),
		cmocka_unit_test(a_payload_over_the_limit_is_refused),
		cmocka_unit_test(names_of_algorithms),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
