/*
 * One signature by one key. An algorithm names the kind of key it works
 * with, and a key of another kind never reaches OpenSSL: this is what keeps
 * a public key's bytes from serving as an HMAC secret.
 *
 * Each call leaves OpenSSL's error queue as it found it. The queue belongs
 * to the thread, and a stale entry makes a healthy DTLS session look broken.
 */
#include "lib/cose_impl.h"

static const struct cose_alg algs[] = {
	{COSE_ES256, "ES256", COSE_KEY_P256, EVP_sha256, 64},
	{COSE_ESP256, "ESP256", COSE_KEY_P256, EVP_sha256, 64},
	{COSE_ES384, "ES384", COSE_KEY_P384, EVP_sha384, 96},
	{COSE_ESP384, "ESP384", COSE_KEY_P384, EVP_sha384, 96},
	{COSE_ES512, "ES512", COSE_KEY_P521, EVP_sha512, 132},
	{COSE_ESP512, "ESP512", COSE_KEY_P521, EVP_sha512, 132},
	{COSE_EDDSA, "EdDSA", COSE_KEY_ED25519, NULL, 64},
	{COSE_ED25519, "Ed25519", COSE_KEY_ED25519, NULL, 64},
	{COSE_HMAC256, "HMAC256", COSE_KEY_HMAC, EVP_sha256, 32},
};

const struct cose_alg *
cose_alg_find(int64_t alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (algs[i].alg == alg)
			return &algs[i];
	}
	return NULL;
}

const char *
cose_alg_name(int64_t alg)
{
	const struct cose_alg *a = cose_alg_find(alg);

	return a == NULL ? "?" : a->name;
}

static int
mac(const struct cose_key *key, const struct cose_alg *alg, struct slice tbs,
    uint8_t ret[EVP_MAX_MD_SIZE])
{
	return HMAC(alg->md(), key->mac, (int)key->mac_n, tbs.p, tbs.n, ret,
		   NULL) != NULL ? 0 : ERR_CRYPTO;
}

/* r || s (RFC 9053 2.1) to the DER that OpenSSL reads; its length or < 0. */
static int
raw_to_der(struct slice raw, uint8_t der[COSE_SIGNATURE_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, (int)(raw.n / 2), NULL);
	BIGNUM *s = BN_bin2bn(raw.p + raw.n / 2, (int)(raw.n / 2), NULL);
	uint8_t *p = der;
	int n = -1;

	if (sig != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* now owned by sig */
		if (i2d_ECDSA_SIG(sig, NULL) <= COSE_SIGNATURE_MAX)
			n = i2d_ECDSA_SIG(sig, &p);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n;
}

static int
der_to_raw(struct slice der, size_t n, uint8_t *ret_raw)
{
	const uint8_t *p = der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	int half = (int)(n / 2), rc = 0;

	if (sig == NULL ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_raw, half) != half ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_raw + half, half) != half)
		rc = ERR_CRYPTO;
	ECDSA_SIG_free(sig);
	return rc;
}

static int
verify_mac(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, struct slice sig)
{
	uint8_t want[EVP_MAX_MD_SIZE];
	int rc;

	if ((rc = mac(key, alg, tbs, want)) != 0)
		return rc;
	return CRYPTO_memcmp(want, sig.p, sig.n) == 0 ? 0 : ERR_SIGNATURE;
}

static int
verify_pkey(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, struct slice sig)
{
	uint8_t der[COSE_SIGNATURE_MAX];
	EVP_MD_CTX *md;
	int n, rc = ERR_SIGNATURE;

	if (alg->md != NULL) {
		if ((n = raw_to_der(sig, der)) < 0)
			return ERR_CRYPTO;
		sig = slice_of(der, (size_t)n);
	}
	if ((md = EVP_MD_CTX_new()) == NULL)
		return ERR_NOMEM;
	if (EVP_DigestVerifyInit(md, NULL, alg->md ? alg->md() : NULL, NULL,
		key->pkey) != 1)
		rc = ERR_CRYPTO;
	else if (EVP_DigestVerify(md, sig.p, sig.n, tbs.p, tbs.n) == 1)
		rc = 0;
	EVP_MD_CTX_free(md);
	return rc;
}

int
cose_crypt_verify(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, struct slice sig)
{
	int rc;

	if (key->kind != alg->kind || sig.n != alg->sig)
		return ERR_SIGNATURE;
	ERR_set_mark();
	rc = key->kind == COSE_KEY_HMAC ? verify_mac(key, alg, tbs, sig)
					: verify_pkey(key, alg, tbs, sig);
	ERR_pop_to_mark();
	return rc;
}

static int
sign_pkey(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, uint8_t *ret_sig)
{
	uint8_t out[COSE_SIGNATURE_MAX];
	size_t n = sizeof(out);
	EVP_MD_CTX *md;
	int rc = 0;

	if ((md = EVP_MD_CTX_new()) == NULL)
		return ERR_NOMEM;
	if (EVP_DigestSignInit(md, NULL, alg->md ? alg->md() : NULL, NULL,
		key->pkey) != 1 ||
	    EVP_DigestSign(md, out, &n, tbs.p, tbs.n) != 1)
		rc = ERR_CRYPTO;
	else if (alg->md != NULL)
		rc = der_to_raw(slice_of(out, n), alg->sig, ret_sig);
	else
		memcpy(ret_sig, out, alg->sig);
	EVP_MD_CTX_free(md);
	return rc;
}

int
cose_crypt_sign(const struct cose_key *key, const struct cose_alg *alg,
    struct slice tbs, uint8_t ret_sig[COSE_SIGNATURE_MAX])
{
	uint8_t sig[COSE_SIGNATURE_MAX];
	int rc;

	if (key->kind != alg->kind)
		return ERR_ALGORITHM;
	if (!key->have_private)
		return ERR_KEY;
	ERR_set_mark();
	rc = key->kind == COSE_KEY_HMAC ? mac(key, alg, tbs, sig)
					: sign_pkey(key, alg, tbs, sig);
	ERR_pop_to_mark();
	if (rc == 0)
		memcpy(ret_sig, sig, alg->sig);
	return rc;
}
