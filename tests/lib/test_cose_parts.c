/* Messages from parts, so that each can be wrong; several signers. */
#include "tests/lib/cose_make.h"

struct parts {
	uint64_t tag;
	const char *prot, *unprot;
	struct slice sig;
};

static struct slice
assemble(const struct parts *p, uint8_t *mem, size_t cap)
{
	struct buf b = buf_of(mem, cap);

	if (p->tag != 0)
		cbr_put_tag(&b, p->tag);
	cbr_put_array(&b, 4);
	cbr_put_bstr(&b, hex(p->prot));
	buf_put(&b, hex(p->unprot));
	cbr_put_null(&b);
	cbr_put_bstr(&b, p->sig);
	assert_false(b.over);
	return buf_slice(&b);
}

/* Signs "p" for a Sign1 or Mac0 with this protected header. */
static struct slice
signature(size_t k, const char *context, const char *prot)
{
	static uint8_t sig[COSE_SIGNATURE_MAX];
	const struct cose_alg *alg = cose_alg_find(kinds[k].alg[0]);
	uint8_t mem[256];
	struct buf b = buf_of(mem, sizeof(mem));

	cose_tbs_put(&(struct cose_tbs){context, hex(prot), NULL,
			 slice_str("p")}, &b);
	assert_int_equal(cose_crypt_sign(keys[k], alg, buf_slice(&b), sig),
	    0);
	return slice_of(sig, alg->sig);
}

static void
headers_decide(void **state)
{
	static const struct {
		uint64_t tag;
		const char *prot, *unprot;
		int rc;
	} t[] = {
		{18, "a10126", "a0", 0},
		{0, "a10126", "a0", 0},
		{18, "a10126", "a104426b31", 0},
		{18, "a2012604426b31", "a0", 0},
		{18, "a2012603 00", "a1183700", 0},
		/* unknown or missing algorithm: RFC 9052 3.1 */
		{18, "", "a10126", ERR_ALGORITHM},
		{18, "a0", "a0", ERR_ALGORITHM},
		{18, "a1012e", "a0", ERR_ALGORITHM},
		{18, "a101382d", "a0", ERR_ALGORITHM},
		{18, "a1016565733235 36", "a0", ERR_ALGORITHM},
		{17, "a10126", "a0", ERR_ALGORITHM},
		{18, "a10105", "a0", ERR_ALGORITHM},
		{97, "a10105", "a0", ERR_ALGORITHM},
		/* known, but another key's: ES384, ES512, EdDSA */
		{18, "a1013822", "a0", ERR_SIGNATURE},
		{18, "a1013823", "a0", ERR_SIGNATURE},
		{18, "a10127", "a0", ERR_SIGNATURE},
		{17, "a10105", "a0", ERR_SIGNATURE},
		/* forms */
		{19, "a10126", "a0", ERR_TYPE},
		{98, "a10126", "a0", ERR_TYPE},
		{18, "80", "a0", ERR_TYPE},
		{18, "a10126", "80", ERR_TYPE},
		{18, "a1012600", "a0", ERR_TRAILING},
		{18, "a201260126", "a0", ERR_DUPLICATE},
		{18, "a10126", "a2046161 046162", ERR_DUPLICATE},
		{18, "a10126", "a10126", ERR_DUPLICATE},
		{18, "a2012604416b", "a104416b", ERR_DUPLICATE},
		{18, "a10126", "a1046161", ERR_TYPE},
		{18, "a101f6", "a0", ERR_TYPE},
		{18, "bf0126ff", "a0", ERR_INDEFINITE},
		/* crit: RFC 9052 3.1 */
		{18, "a201260281 01", "a0", 0},
		{18, "a201260282 0401", "a0", 0},
		{18, "a3012602811821 182100", "a0", ERR_UNSUPPORTED},
		{18, "a201260281 6161", "a0", ERR_UNSUPPORTED},
		{18, "a20126028105", "a0", ERR_UNSUPPORTED},
		{18, "a201260280", "a0", ERR_MALFORMED},
		{18, "a201260201", "a0", ERR_TYPE},
		{18, "a10126", "a1028101", ERR_MALFORMED},
	};
	struct cose_keyring ring = ring_of(keys[0], keys[4]);
	uint8_t mem[512];
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct parts p = {t[i].tag, t[i].prot, t[i].unprot,
		    signature(0, "Signature1", t[i].prot)};
		int rc = prove(assemble(&p, mem, sizeof(mem)),
		    slice_str("p"), &ring, &at);

		if (rc != t[i].rc)
			fail_msg("%s %s: %s", t[i].prot, t[i].unprot,
			    err_name(rc));
	}
}

static void
a_signature_of_another_length_is_refused(void **state)
{
	struct cose_keyring ring = ring_of(keys[0], NULL);
	uint8_t mem[512], long_sig[200] = {0};
	struct slice sig = signature(0, "Signature1", "a10126");
	struct parts p = {18, "a10126", "a0", SLICE_NONE};
	size_t at;

	(void)state;
	memcpy(long_sig, sig.p, sig.n);
	for (size_t n = 0; n < sizeof(long_sig); n++) {
		p.sig = slice_of(long_sig, n);
		assert_int_equal(prove(assemble(&p, mem, sizeof(mem)),
		    slice_str("p"), &ring, &at), n == 64 ? 0 : ERR_SIGNATURE);
	}
}

/* --- COSE_Sign --- */

struct sign_spec {
	const char *body; /* protected header of the body */
	const char *signer[LIMIT_AUTH_BLOCKS + 1];
	size_t n;
	size_t good; /* which signer's signature is right */
};

static struct slice
cose_sign_many(const struct sign_spec *s, uint8_t *mem, size_t cap)
{
	struct buf b = buf_of(mem, cap);
	uint8_t tbs_mem[256], sig[COSE_SIGNATURE_MAX] = {0};
	struct slice prot;

	cbr_put_tag(&b, COSE_TAG_SIGN);
	cbr_put_array(&b, 4);
	cbr_put_bstr(&b, hex(s->body));
	cbr_put_map(&b, 0);
	cbr_put_null(&b);
	cbr_put_array(&b, s->n);
	for (size_t i = 0; i < s->n; i++) {
		struct buf tbs = buf_of(tbs_mem, sizeof(tbs_mem));

		prot = hex(s->signer[i]);
		memset(sig, 1, sizeof(sig));
		cbr_put_array(&tbs, 5);
		cbr_put_str(&tbs, "Signature");
		cbr_put_bstr(&tbs, strcmp(s->body, "a0") == 0 ? SLICE_NONE
							      : hex(s->body));
		cbr_put_bstr(&tbs, prot);
		cbr_put_bstr(&tbs, SLICE_NONE);
		cbr_put_bstr(&tbs, slice_str("p"));
		if (i == s->good)
			assert_int_equal(cose_crypt_sign(keys[0],
			    cose_alg_find(COSE_ES256), buf_slice(&tbs), sig),
			    0);
		cbr_put_array(&b, 3);
		cbr_put_bstr(&b, prot);
		cbr_put_map(&b, 0);
		cbr_put_bstr(&b, slice_of(sig, 64));
	}
	assert_false(b.over);
	return buf_slice(&b);
}

static void
one_trusted_signer_is_enough(void **state)
{
	static const struct {
		struct sign_spec spec;
		int rc;
	} t[] = {
		{{"", {"a10126"}, 1, 0}, 0},
		{{"a0", {"a10126"}, 1, 0}, 0},
		{{"a10300", {"a10126"}, 1, 0}, 0},
		{{"", {"a1012e", "a10126"}, 2, 1}, 0},
		{{"", {"a10126", "a10126", "a1012e"}, 3, 1}, 0},
		{{"", {"a10126", "a1012e"}, 2, 9}, ERR_SIGNATURE},
		{{"", {"a1012e", "a10105"}, 2, 9}, ERR_ALGORITHM},
		{{"", {"a10126", "80"}, 2, 0}, ERR_TYPE},
		{{"", {"a10126", "a201260281 1821"}, 2, 0}, ERR_UNSUPPORTED},
		{{"", {NULL}, 0, 9}, ERR_MALFORMED},
		{{"", {"a10126", "a10126", "a10126", "a10126", "a10126",
		    "a10126", "a10126", "a10126"}, 8, 7}, 0},
		{{"", {"a10126", "a10126", "a10126", "a10126", "a10126",
		    "a10126", "a10126", "a10126", "a10126"}, 9, 0}, ERR_SIZE},
	};
	struct cose_keyring ring = ring_of(others[0], keys[0]);
	uint8_t mem[2048];
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct slice in = cose_sign_many(&t[i].spec, mem,
		    sizeof(mem));
		int rc = prove(in, slice_str("p"), &ring, &at);

		if (rc != t[i].rc)
			fail_msg("row %zu: %s", i, err_name(rc));
	}
}

/* A signer's signature must not pass for a Sign1, nor the other way. */
static void
contexts_are_kept_apart(void **state)
{
	struct cose_keyring ring = ring_of(keys[0], keys[4]);
	uint8_t mem[512];
	size_t at;
	struct parts p = {18, "a10126", "a0",
	    signature(0, "Signature", "a10126")};

	(void)state;
	assert_int_equal(prove(assemble(&p, mem, sizeof(mem)),
	    slice_str("p"), &ring, &at), ERR_SIGNATURE);
	p = (struct parts){17, "a10105", "a0", signature(4, "MAC", "a10105")};
	assert_int_equal(prove(assemble(&p, mem, sizeof(mem)),
	    slice_str("p"), &ring, &at), ERR_SIGNATURE);
	p.sig = signature(4, "MAC0", "a10105");
	assert_int_equal(prove(assemble(&p, mem, sizeof(mem)),
	    slice_str("p"), &ring, &at), 0);
}

static void
openssl_errors_do_not_pile_up(void **state)
{
	struct cose_keyring ring = ring_of(keys[0], keys[3]);
	struct cose_key *key;
	uint8_t mem[512];
	size_t at;
	struct parts p = {18, "a10126", "a0", slice_of(mem, 64)};

	(void)state;
	memset(mem, 0xff, sizeof(mem));
	ERR_clear_error();
	assert_int_equal(prove(assemble(&p, mem + 64, 256), slice_str("p"),
	    &ring, &at), ERR_SIGNATURE);
	assert_int_equal(cose_key_parse(hex("3003020100"), &key, NULL),
	    ERR_KEY);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &key), 0);
	cose_key_free(key);
	assert_int_equal(ERR_peek_error(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_decide),
		cmocka_unit_test(a_signature_of_another_length_is_refused),
		cmocka_unit_test(one_trusted_signer_is_enough),
		cmocka_unit_test(contexts_are_kept_apart),
		cmocka_unit_test(openssl_errors_do_not_pile_up),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
