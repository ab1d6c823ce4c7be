/*
 * A key from whatever bytes somebody has. The form is told by the bytes:
 * all hex digits, "-----BEGIN ", a DER SEQUENCE, a CBOR map. PEM is taken
 * apart here so that OpenSSL never gets to ask for a pass phrase.
 *
 * A COSE_Key says what it is for (RFC 9052 7.1). A key for key agreement
 * has the same numbers as one for signatures; it is refused all the same.
 */
#include <inttypes.h>

#include "lib/cbor.h"
#include "lib/cose_impl.h"
#include "lib/text.h"

#define KEY_TEXT_MAX 8192

/* --- COSE_Key --- */

struct cose_fields {
	int64_t kty, alg, crv;
	struct slice kid, x, y, d, k;
	bool have_alg, y_sign, y_odd;
	bool ops_given, ops_fit;
};

static int
read_ops(struct cbr *c, struct cose_fields *f)
{
	uint64_t n;
	int64_t op;
	int rc;

	f->ops_given = true;
	if ((rc = cbr_get_array(c, &n)) != 0)
		return rc;
	for (; n > 0; n--) {
		if (cbr_get_int(c, &op) != 0) {
			if ((rc = cbr_skip(c, NULL)) != 0)
				return rc;
			continue;
		}
		/* sign, verify, MAC create, MAC verify: RFC 9052 table 5 */
		if (op == 1 || op == 2 || op == 9 || op == 10)
			f->ops_fit = true;
	}
	return 0;
}

/* -1 is the curve, or k in a symmetric key; which may come before kty. */
static int
read_minus_one(struct cbr *c, struct cose_fields *f)
{
	struct cbr_item it;
	int rc;

	if ((rc = cbr_peek(c, &it)) != 0)
		return rc;
	return it.type == CBR_BSTR ? cbr_get_bstr(c, &f->k)
				   : cbr_get_int(c, &f->crv);
}

static int
read_y(struct cbr *c, struct cose_fields *f)
{
	if (cbr_get_bool(c, &f->y_odd) != 0)
		return cbr_get_bstr(c, &f->y);
	f->y_sign = true;
	return 0;
}

static int
read_field(struct cbr *c, int64_t label, struct cose_fields *f)
{
	switch (label) {
	case KEY_KTY:
		return cbr_get_int(c, &f->kty);
	case KEY_KID:
		return cbr_get_bstr(c, &f->kid);
	case KEY_ALG:
		f->have_alg = true;
		return cbr_get_int(c, &f->alg);
	case KEY_OPS:
		return read_ops(c, f);
	case KEY_CRV: /* and KEY_K */
		return read_minus_one(c, f);
	case KEY_X:
		return cbr_get_bstr(c, &f->x);
	case KEY_Y:
		return read_y(c, f);
	case KEY_D:
		return cbr_get_bstr(c, &f->d);
	default:
		return cbr_skip(c, NULL);
	}
}

static int
read_fields(struct slice in, struct cose_fields *f, struct why *why)
{
	struct cbr c = cbr_of(in);
	int64_t label;
	uint64_t n;
	int rc;

	if ((rc = cbr_check(in)) != 0)
		return why_set(why, ERR_KEY, "COSE_Key: %s", err_text(rc));
	if (cbr_get_map(&c, &n) != 0)
		return why_set(why, ERR_KEY, "CBOR, but no COSE_Key map");
	for (; n > 0; n--) {
		if (cbr_get_int(&c, &label) != 0) {
			label = 0; /* a text label: nothing we read */
			if ((rc = cbr_skip(&c, NULL)) != 0)
				return rc;
		}
		if ((rc = read_field(&c, label, f)) != 0)
			return why_set(why, ERR_KEY, "RFC 9052 7.1: COSE_Key "
			    "label %" PRId64 ": %s", label, err_text(rc));
	}
	return 0;
}

static const struct cose_kind *
kind_of(const struct cose_fields *f)
{
	for (size_t i = 0; i < COSE_KINDS; i++) {
		if (cose_kinds[i].kty == f->kty && cose_kinds[i].crv == f->crv)
			return &cose_kinds[i];
	}
	return NULL;
}

/* SEC 1 2.3.3: 04 x y, or 02/03 x. */
static size_t
put_point(const struct cose_fields *f, uint8_t point[2 * COSE_COORD_MAX + 1])
{
	struct buf b = buf_of(point, 2 * COSE_COORD_MAX + 1);

	buf_put_u8(&b, f->y_sign ? 2 + f->y_odd : 4);
	buf_put(&b, f->x);
	buf_put(&b, f->y);
	return b.n;
}

static OSSL_PARAM *
ec_params(const struct cose_fields *f, const struct cose_kind *kind,
    BIGNUM *d)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	uint8_t point[2 * COSE_COORD_MAX + 1];
	OSSL_PARAM *params = NULL;

	if (bld != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
		kind->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
		point, put_point(f, point)) == 1 &&
	    (d == NULL ||
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) ==
		    1))
		params = OSSL_PARAM_BLD_to_param(bld);
	OSSL_PARAM_BLD_free(bld);
	return params;
}

static EVP_PKEY *
ec_from(const struct cose_fields *f, const struct cose_kind *kind)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *d = f->d.n ? BN_bin2bn(f->d.p, (int)f->d.n, NULL) : NULL;
	OSSL_PARAM *params = ec_params(f, kind, d);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && params != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey,
		d != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
		params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	BN_clear_free(d);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The public half of Ed25519 follows from the private one. */
static EVP_PKEY *
ed25519_from(const struct cose_fields *f)
{
	EVP_PKEY *pkey;
	uint8_t x[32];
	size_t n = sizeof(x);

	if (f->d.n == 0)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    f->x.p, f->x.n);
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, f->d.p,
	    f->d.n);
	if (pkey != NULL && f->x.n > 0 &&
	    (EVP_PKEY_get_raw_public_key(pkey, x, &n) != 1 ||
		!slice_eq(f->x, slice_of(x, n)))) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

static int
check_use(const struct cose_fields *f, const struct cose_kind *kind,
    struct why *why)
{
	const struct cose_alg *alg = cose_alg_find(f->alg);

	if (f->have_alg && (alg == NULL || &cose_kinds[alg->kind] != kind))
		return why_set(why, ERR_KEY, "RFC 9052 7.1: this %s key is "
		    "for algorithm %" PRId64 ", not for signatures",
		    kind->name, f->alg);
	if (f->ops_given && !f->ops_fit)
		return why_set(why, ERR_KEY, "RFC 9052 7.1: key_ops of this "
		    "%s key allow no signature", kind->name);
	if (f->kid.n > LIMIT_KID)
		return why_set(why, ERR_KEY, "kid of %zu bytes, the limit is "
		    "%d", f->kid.n, LIMIT_KID);
	return 0;
}

/* RFC 9053 7.1: coordinates keep their leading zeros. */
static int
check_sizes(const struct cose_fields *f, const struct cose_kind *kind,
    struct why *why)
{
	bool ec = kind->kty == KTY_EC2;
	size_t n = kind->coord;

	if (ec && f->x.n == 0 && f->d.n > 0)
		return why_set(why, ERR_KEY,
		    "a private %s key without x and y", kind->name);
	if (f->x.n != n && !(f->x.n == 0 && f->d.n > 0))
		return why_set(why, ERR_KEY, "RFC 9053 7.1: x of a %s key "
		    "has %zu bytes, not %zu", kind->name, f->x.n, n);
	if (ec && f->y.n != n && !(f->y_sign && f->y.n == 0))
		return why_set(why, ERR_KEY, "RFC 9053 7.1: y of a %s key "
		    "has %zu bytes, not %zu", kind->name, f->y.n, n);
	if (f->d.n != n && f->d.n != 0)
		return why_set(why, ERR_KEY, "RFC 9053 7.1: d of a %s key "
		    "has %zu bytes, not %zu", kind->name, f->d.n, n);
	return 0;
}

static int
from_cose(struct slice in, struct cose_key **ret_key, struct why *why)
{
	struct cose_fields f = {0};
	const struct cose_kind *kind;
	struct cose_key *key = NULL;
	EVP_PKEY *pkey;
	int rc;

	if ((rc = read_fields(in, &f, why)) != 0)
		return rc;
	if ((kind = kind_of(&f)) == NULL)
		return why_set(why, ERR_KEY, "COSE_Key of type %" PRId64
		    " on curve %" PRId64 ": wants P-256, P-384, P-521, "
		    "Ed25519 or a symmetric key", f.kty, f.crv);
	if ((rc = check_use(&f, kind, why)) != 0)
		return rc;
	if (kind->kty == KTY_SYMMETRIC) {
		if ((rc = cose_key_hmac(f.k, &key)) != 0)
			return why_set(why, rc, "a symmetric key has %d to %d "
			    "bytes", COSE_HMAC_MIN, COSE_HMAC_MAX);
	} else {
		if ((rc = check_sizes(&f, kind, why)) != 0)
			return rc;
		pkey = kind->kty == KTY_EC2 ? ec_from(&f, kind)
					    : ed25519_from(&f);
		if (pkey == NULL)
			return why_set(why, ERR_KEY, "the numbers of this "
			    "COSE_Key are no %s key", kind->name);
		if ((rc = cose_key_wrap(pkey, &key, why)) != 0)
			return rc;
	}
	if ((rc = cose_key_set_kid(key, f.kid)) != 0)
		cose_key_free(key);
	else
		*ret_key = key;
	return rc;
}

/* --- DER and PEM --- */

static int
from_der(struct slice in, struct cose_key **ret_key, struct why *why)
{
	const uint8_t *p = in.p;
	EVP_PKEY *pkey;

	if ((pkey = d2i_PUBKEY(NULL, &p, (long)in.n)) == NULL) {
		p = in.p;
		pkey = d2i_AutoPrivateKey(NULL, &p, (long)in.n);
	}
	if (pkey == NULL)
		return why_set(why, ERR_KEY,
		    "DER, but no public key (SPKI) and no private key "
		    "(PKCS#8, SEC1); a certificate or a damaged file?");
	if (p != in.p + in.n) {
		EVP_PKEY_free(pkey);
		return why_set(why, ERR_KEY, "bytes after the DER key");
	}
	return cose_key_wrap(pkey, ret_key, why);
}

/*
 * The first block that is a key: "openssl ecparam -genkey" writes one of
 * parameters in front of it.
 */
static int
from_pem(struct slice in, struct cose_key **ret_key, struct why *why)
{
	char *name = NULL, *header = NULL, found[48] = "no complete block";
	unsigned char *data = NULL;
	BIO *bio = BIO_new_mem_buf(in.p, (int)in.n);
	long n;
	int rc = ERR_KEY;
	bool is_key = false;

	if (bio == NULL)
		return ERR_NOMEM;
	while (!is_key && PEM_read_bio(bio, &name, &header, &data, &n) == 1) {
		text_escape(slice_str(name), found, sizeof(found));
		is_key = strcmp(name, PEM_STRING_PUBLIC) == 0 ||
		    strcmp(name, PEM_STRING_PKCS8INF) == 0 ||
		    (strcmp(name, PEM_STRING_ECPRIVATEKEY) == 0 &&
			header[0] == '\0');
		if (is_key)
			rc = from_der(slice_of(data, (size_t)n), ret_key, why);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)n);
	}
	BIO_free(bio);
	if (is_key)
		return rc;
	return why_set(why, ERR_KEY, "PEM with %s: wants PUBLIC KEY, PRIVATE "
	    "KEY or EC PRIVATE KEY, not encrypted", found);
}

/* --- any form --- */

static int
from_binary(struct slice in, struct cose_key **ret_key, struct why *why)
{
	if (memmem(in.p, in.n, "-----BEGIN ", 11) != NULL)
		return from_pem(in, ret_key, why);
	if (in.p[0] == 0x30) /* SEQUENCE */
		return from_der(in, ret_key, why);
	if (in.p[0] >> 5 == 5) /* CBOR map */
		return from_cose(in, ret_key, why);
	return why_set(why, ERR_KEY, "neither PEM, DER nor COSE_Key (it "
	    "begins with byte 0x%02x)", in.p[0]);
}

int
cose_key_parse(struct slice in, struct cose_key **ret_key, struct why *why)
{
	uint8_t mem[KEY_TEXT_MAX / 2];
	struct buf b = buf_of(mem, sizeof(mem));
	int rc;

	if (in.n == 0)
		return why_set(why, ERR_KEY, "an empty file, not a key");
	if (in.n > KEY_TEXT_MAX)
		return why_set(why, ERR_KEY, "%zu bytes are too many for a "
		    "key", in.n);
	if (text_unhex(in, &b) == 0 && b.n > 0)
		in = buf_slice(&b);
	ERR_set_mark();
	rc = from_binary(in, ret_key, why);
	ERR_pop_to_mark();
	OPENSSL_cleanse(mem, sizeof(mem));
	return rc;
}
