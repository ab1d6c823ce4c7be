/*
 * A key's life and the forms it is given away in. The public point is asked
 * for as numbers, never as OpenSSL's octets, whose form depends on how the
 * key was read.
 */
#include <stdlib.h>

#include "lib/cbor.h"
#include "lib/cose_impl.h"
#include "lib/digest.h"

const struct cose_kind cose_kinds[COSE_KINDS] = {
	[COSE_KEY_P256] = {"p256", "EC", SN_X9_62_prime256v1, KTY_EC2, 1, 32,
	    COSE_ESP256},
	[COSE_KEY_P384] = {"p384", "EC", SN_secp384r1, KTY_EC2, 2, 48,
	    COSE_ESP384},
	[COSE_KEY_P521] = {"p521", "EC", SN_secp521r1, KTY_EC2, 3, 66,
	    COSE_ESP512},
	[COSE_KEY_ED25519] = {"ed25519", "ED25519", NULL, KTY_OKP, 6, 32,
	    COSE_ED25519},
	[COSE_KEY_HMAC] = {"hmac", NULL, NULL, KTY_SYMMETRIC, 0, 0,
	    COSE_HMAC256},
};

/* x and y of a public key, padded; Ed25519 has only x. */
static int
public_part(const struct cose_key *key, uint8_t x[COSE_COORD_MAX],
    uint8_t y[COSE_COORD_MAX])
{
	int n = (int)cose_kinds[key->kind].coord, rc = ERR_CRYPTO;
	size_t len = COSE_COORD_MAX;
	BIGNUM *bx = NULL, *by = NULL;

	if (key->kind == COSE_KEY_ED25519)
		return EVP_PKEY_get_raw_public_key(key->pkey, x, &len) == 1
		    ? 0 : ERR_CRYPTO;
	if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, &bx) ==
		1 &&
	    EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &by) ==
		1 &&
	    BN_bn2binpad(bx, x, n) == n && BN_bn2binpad(by, y, n) == n)
		rc = 0;
	BN_free(bx);
	BN_free(by);
	return rc;
}

/* Deterministic order: 1, 2, -1, -2, -3 (RFC 8949 4.2.1). */
static int
put_cose(const struct cose_key *key, struct slice kid, struct buf *b)
{
	const struct cose_kind *kind = &cose_kinds[key->kind];
	uint8_t x[COSE_COORD_MAX], y[COSE_COORD_MAX];
	bool mac = key->kind == COSE_KEY_HMAC, ec = kind->kty == KTY_EC2;
	int rc;

	if (!mac && (rc = public_part(key, x, y)) != 0)
		return rc;
	cbr_put_map(b, (mac ? 2u : ec ? 4u : 3u) + (kid.n > 0));
	cbr_put_int(b, KEY_KTY);
	cbr_put_int(b, kind->kty);
	if (kid.n > 0) {
		cbr_put_int(b, KEY_KID);
		cbr_put_bstr(b, kid);
	}
	if (mac) {
		cbr_put_int(b, KEY_K);
		cbr_put_bstr(b, slice_of(key->mac, key->mac_n));
		return 0;
	}
	cbr_put_int(b, KEY_CRV);
	cbr_put_int(b, kind->crv);
	cbr_put_int(b, KEY_X);
	cbr_put_bstr(b, slice_of(x, kind->coord));
	if (ec) {
		cbr_put_int(b, KEY_Y);
		cbr_put_bstr(b, slice_of(y, kind->coord));
	}
	return 0;
}

/* RFC 9679: a thumbprint covers the required members only, thus no kid. */
static int
set_id(struct cose_key *key)
{
	uint8_t mem[256];
	struct buf b = buf_of(mem, sizeof(mem));
	struct digest d;
	int rc;

	if ((rc = put_cose(key, SLICE_NONE, &b)) == 0 &&
	    (rc = digest_compute(DIGEST_SHA256, buf_slice(&b), &d)) == 0)
		memcpy(key->id, d.b, sizeof(key->id));
	OPENSSL_cleanse(mem, sizeof(mem));
	return rc;
}

static bool
find_kind(const EVP_PKEY *pkey, enum cose_key_kind *ret)
{
	char group[64] = "";
	size_t n;

	EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n);
	for (size_t i = 0; i < COSE_KEY_HMAC; i++) {
		if (EVP_PKEY_is_a(pkey, cose_kinds[i].type) &&
		    (cose_kinds[i].group == NULL ||
			strcmp(cose_kinds[i].group, group) == 0)) {
			*ret = (enum cose_key_kind)i;
			return true;
		}
	}
	return false;
}

static bool
has_private(const EVP_PKEY *pkey)
{
	BIGNUM *d = NULL;
	size_t n = 0;

	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return EVP_PKEY_get_raw_private_key(pkey, NULL, &n) == 1;
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1)
		return false;
	BN_clear_free(d);
	return true;
}

/* A private number that belongs to another point would sign in vain. */
static bool
halves_match(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

int
cose_key_wrap(EVP_PKEY *pkey, struct cose_key **ret_key, struct why *why)
{
	struct cose_key *key;
	enum cose_key_kind kind;
	const char *name;
	int rc = 0;

	if (!find_kind(pkey, &kind)) {
		name = EVP_PKEY_get0_type_name(pkey);
		rc = why_set(why, ERR_KEY, "this %s key is of no kind "
		    "used here: wants P-256, P-384, P-521 or Ed25519",
		    name != NULL ? name : "nameless");
		EVP_PKEY_free(pkey);
		return rc;
	}
	if ((key = calloc(1, sizeof(*key))) == NULL) {
		EVP_PKEY_free(pkey);
		return ERR_NOMEM;
	}
	key->kind = kind;
	key->pkey = pkey;
	key->have_private = has_private(pkey);
	if (key->have_private && kind != COSE_KEY_ED25519 &&
	    !halves_match(pkey))
		rc = why_set(why, ERR_KEY,
		    "the private and the public half do not match");
	if (rc != 0 || (rc = set_id(key)) != 0)
		cose_key_free(key);
	else
		*ret_key = key;
	return rc;
}

int
cose_key_hmac(struct slice raw, struct cose_key **ret_key)
{
	struct cose_key *key;
	int rc;

	if (raw.n < COSE_HMAC_MIN || raw.n > COSE_HMAC_MAX)
		return ERR_KEY;
	if ((key = calloc(1, sizeof(*key))) == NULL)
		return ERR_NOMEM;
	key->kind = COSE_KEY_HMAC;
	key->have_private = true;
	memcpy(key->mac, raw.p, raw.n);
	key->mac_n = raw.n;
	if ((rc = set_id(key)) != 0)
		cose_key_free(key);
	else
		*ret_key = key;
	return rc;
}

int
cose_key_generate(enum cose_key_kind kind, struct cose_key **ret_key)
{
	uint8_t raw[32];
	EVP_PKEY *pkey;
	int rc;

	if (kind == COSE_KEY_HMAC) {
		if (RAND_priv_bytes(raw, sizeof(raw)) != 1)
			return ERR_CRYPTO;
		rc = cose_key_hmac(slice_of(raw, sizeof(raw)), ret_key);
		OPENSSL_cleanse(raw, sizeof(raw));
		return rc;
	}
	pkey = kind == COSE_KEY_ED25519
	    ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
	    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", cose_kinds[kind].group);
	if (pkey == NULL)
		return ERR_CRYPTO;
	return cose_key_wrap(pkey, ret_key, NULL);
}

void
cose_key_free(struct cose_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	OPENSSL_cleanse(key, sizeof(*key));
	free(key);
}

enum cose_key_kind
cose_key_kind(const struct cose_key *key)
{
	return key->kind;
}

const char *
cose_key_kind_name(enum cose_key_kind kind)
{
	return cose_kinds[kind].name;
}

bool
cose_key_private(const struct cose_key *key)
{
	return key->have_private;
}

int
cose_key_alg(const struct cose_key *key)
{
	return cose_kinds[key->kind].alg;
}

int
cose_key_id(const struct cose_key *key, uint8_t ret_kid[8])
{
	memcpy(ret_kid, key->id, sizeof(key->id));
	return 0;
}

struct slice
cose_key_kid(const struct cose_key *key)
{
	return slice_of(key->kid, key->kid_n);
}

int
cose_key_set_kid(struct cose_key *key, struct slice kid)
{
	if (kid.n > LIMIT_KID)
		return ERR_SIZE;
	if (kid.n > 0)
		memcpy(key->kid, kid.p, kid.n);
	key->kid_n = kid.n;
	return 0;
}

static int
put_public(const struct cose_key *key, struct slice kid, struct buf *out)
{
	struct buf b = *out;
	int rc;

	if (key->kind == COSE_KEY_HMAC)
		return ERR_KEY;
	b.over = false;
	if ((rc = put_cose(key, kid, &b)) != 0)
		return rc;
	if (b.over)
		return ERR_SPACE;
	*out = b;
	return 0;
}

int
cose_key_put_cose(const struct cose_key *key, struct buf *out)
{
	return put_public(key, cose_key_kid(key), out);
}

int
cose_key_put_bare(const struct cose_key *key, struct buf *out)
{
	return put_public(key, SLICE_NONE, out);
}

int
cose_key_put_pem(const struct cose_key *key, bool with_private,
    struct buf *out)
{
	struct buf b = *out;
	const uint8_t *p;
	BIO *bio;
	long n;
	int ok, rc = 0;

	if (key->kind == COSE_KEY_HMAC || (with_private && !key->have_private))
		return ERR_KEY;
	if ((bio = BIO_new(BIO_s_secmem())) == NULL)
		return ERR_NOMEM;
	ok = with_private ? PEM_write_bio_PKCS8PrivateKey(bio, key->pkey,
				NULL, NULL, 0, NULL, NULL)
			  : PEM_write_bio_PUBKEY(bio, key->pkey);
	n = BIO_get_mem_data(bio, &p);
	b.over = false;
	if (ok != 1 || n <= 0)
		rc = ERR_CRYPTO;
	else
		buf_put(&b, slice_of(p, (size_t)n));
	BIO_free(bio);
	if (rc == 0 && b.over)
		rc = ERR_SPACE;
	if (rc == 0)
		*out = b;
	return rc;
}
