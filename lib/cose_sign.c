/*
 * Tagged COSE_Sign1 and COSE_Mac0, and the structure under the signature.
 * The algorithm always goes into the protected header (RFC 9052 3.1).
 */
#include "lib/cbor.h"
#include "lib/cose_impl.h"

/*
 * RFC 9052 4.4: an empty protected header is signed as h'', even when its
 * sender wrote it as h'a0'.
 */
static void
put_protected(struct buf *b, struct slice prot)
{
	if (prot.n == 1 && prot.p[0] == 0xa0)
		prot.n = 0;
	cbr_put_bstr(b, prot);
}

void
cose_tbs_put(const struct cose_tbs *t, struct buf *out)
{
	cbr_put_array(out, t->signer != NULL ? 5 : 4);
	cbr_put_str(out, t->context);
	put_protected(out, t->body);
	if (t->signer != NULL)
		put_protected(out, *t->signer);
	cbr_put_bstr(out, SLICE_NONE); /* no external data */
	cbr_put_bstr(out, t->payload);
}

static void
put_header(struct buf *b, const struct cose_alg *alg, struct slice kid)
{
	cbr_put_map(b, (alg != NULL) + (kid.n > 0));
	if (alg != NULL) {
		cbr_put_int(b, HDR_ALG);
		cbr_put_int(b, alg->alg);
	}
	if (kid.n > 0) {
		cbr_put_int(b, HDR_KID);
		cbr_put_bstr(b, kid);
	}
}

int
cose_sign(const struct cose_key *key, struct slice payload,
    const struct cose_sign_opts *opts, struct buf *out)
{
	static const struct cose_sign_opts none = {0};
	uint8_t head[LIMIT_KID + 16], tbs_mem[COSE_TBS_MAX];
	uint8_t sig[COSE_SIGNATURE_MAX];
	struct buf prot = buf_of(head, sizeof(head)), b = *out;
	struct buf tbs = buf_of(tbs_mem, sizeof(tbs_mem));
	const struct cose_alg *alg;
	bool is_mac = key->kind == COSE_KEY_HMAC;
	int rc;

	opts = opts == NULL ? &none : opts;
	alg = cose_alg_find(opts->alg != 0 ? opts->alg : cose_key_alg(key));
	if (alg == NULL)
		return ERR_ALGORITHM;
	if (opts->kid.n > LIMIT_KID)
		return ERR_SIZE;
	put_header(&prot, alg, opts->kid_protected ? opts->kid : SLICE_NONE);
	cose_tbs_put(&(struct cose_tbs){is_mac ? "MAC0" : "Signature1",
			 buf_slice(&prot), NULL, payload},
	    &tbs);
	if (tbs.over)
		return ERR_SIZE;
	if ((rc = cose_crypt_sign(key, alg, buf_slice(&tbs), sig)) != 0)
		return rc;
	b.over = false;
	cbr_put_tag(&b, is_mac ? COSE_TAG_MAC0 : COSE_TAG_SIGN1);
	cbr_put_array(&b, 4);
	cbr_put_bstr(&b, buf_slice(&prot));
	put_header(&b, NULL, opts->kid_protected ? SLICE_NONE : opts->kid);
	if (opts->attached)
		cbr_put_bstr(&b, payload);
	else
		cbr_put_null(&b);
	cbr_put_bstr(&b, slice_of(sig, alg->sig));
	if (b.over)
		return ERR_SPACE;
	*out = b;
	return 0;
}

int
cose_signer_put(const struct cose_key *key, struct slice body_prot,
    struct slice payload, struct buf *out)
{
	uint8_t head[LIMIT_KID + 16], tbs_mem[COSE_TBS_MAX];
	uint8_t sig[COSE_SIGNATURE_MAX];
	struct buf prot = buf_of(head, sizeof(head)), b = *out;
	struct buf tbs = buf_of(tbs_mem, sizeof(tbs_mem));
	const struct cose_alg *alg = cose_alg_find(cose_key_alg(key));
	struct slice signer;
	int rc;

	if (key->kind == COSE_KEY_HMAC)
		return ERR_KEY;
	put_header(&prot, alg, slice_of(key->id, sizeof(key->id)));
	signer = buf_slice(&prot);
	cose_tbs_put(&(struct cose_tbs){"Signature", body_prot, &signer,
			 payload},
	    &tbs);
	if (tbs.over)
		return ERR_SIZE;
	if ((rc = cose_crypt_sign(key, alg, buf_slice(&tbs), sig)) != 0)
		return rc;
	cbr_put_array(&b, 3);
	cbr_put_bstr(&b, signer);
	put_header(&b, NULL, SLICE_NONE);
	cbr_put_bstr(&b, slice_of(sig, alg->sig));
	if (b.over)
		return ERR_SPACE;
	*out = b;
	return 0;
}
