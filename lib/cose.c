/*
 * Reading and proving. cose_parse checks the form of everything, so that
 * cose_verify only has to think about trust.
 *
 * An algorithm counts only where it is signed along (RFC 9052 3.1): one in
 * the unprotected header is as good as none. A `crit` header (3.1) may name
 * nothing but what this file reads.
 */
#include "lib/cose.h"

#include <inttypes.h>

#include "lib/cbor.h"
#include "lib/cose_impl.h"

struct header {
	bool have_alg, have_kid;
	int64_t alg; /* 0 when it is a text: none of those is known */
	struct slice kid;
};

/* One COSE_Signature, or what Sign1 and Mac0 have in its place. */
struct signer {
	struct slice prot;
	struct header header;
	struct slice sig;
};

static int
read_crit(struct cbr *c, struct why *why)
{
	uint64_t n;
	int64_t label;
	int rc;

	if ((rc = cbr_get_array(c, &n)) != 0 || n == 0)
		return why_set(why, rc != 0 ? rc : ERR_MALFORMED,
		    "RFC 9052 3.1: crit must be an array of labels");
	for (; n > 0; n--) {
		if (cbr_get_int(c, &label) != 0 || label < HDR_ALG ||
		    label > HDR_KID)
			return why_set(why, ERR_UNSUPPORTED,
			    "RFC 9052 3.1: a critical header parameter is not "
			    "understood here");
	}
	return 0;
}

static int
read_alg(struct cbr *c, bool prot, struct header *h, struct why *why)
{
	struct cbr_item it;
	int64_t alg = 0;
	int rc;

	if ((rc = cbr_peek(c, &it)) == 0)
		rc = it.type == CBR_TSTR ? cbr_skip(c, NULL)
					 : cbr_get_int(c, &alg);
	if (rc != 0)
		return why_set(why, rc, "RFC 9052 3.1: alg must be a number "
					"or a text");
	if (h->have_alg)
		return why_set(why, ERR_DUPLICATE,
		    "RFC 9052 3: alg is in both headers");
	if (prot) {
		h->have_alg = true;
		h->alg = alg;
	}
	return 0;
}

static int
read_kid(struct cbr *c, struct header *h, struct why *why)
{
	int rc = cbr_get_bstr(c, &h->kid);

	if (rc != 0)
		return why_set(why, rc,
		    "RFC 9052 3.1: kid must be a byte string");
	if (h->have_kid)
		return why_set(why, ERR_DUPLICATE,
		    "RFC 9052 3: kid is in both headers");
	if (h->kid.n > LIMIT_KID)
		return why_set(why, ERR_SIZE, "COSE: kid of %zu bytes, the "
		    "limit is %d", h->kid.n, LIMIT_KID);
	h->have_kid = true;
	return 0;
}

/* One header map; its keys are known to be unique. */
static int
read_header(struct cbr *c, bool prot, struct header *h, struct why *why)
{
	uint64_t n;
	int64_t label;
	int rc;

	if ((rc = cbr_get_map(c, &n)) != 0)
		return why_set(why, rc, "RFC 9052 3: a header must be a map");
	for (; n > 0; n--) {
		if (cbr_get_int(c, &label) != 0) {
			label = 0; /* reserved: nothing we read */
			if ((rc = cbr_skip(c, NULL)) != 0)
				return rc;
		}
		if (label == HDR_CRIT && !prot)
			rc = why_set(why, ERR_MALFORMED, "RFC 9052 3.1: crit "
			    "must be in the protected header");
		else if (label == HDR_CRIT)
			rc = read_crit(c, why);
		else if (label == HDR_ALG)
			rc = read_alg(c, prot, h, why);
		else if (label == HDR_KID)
			rc = read_kid(c, h, why);
		else
			rc = cbr_skip(c, NULL);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The two headers that begin every structure of COSE. */
static int
read_headers(struct cbr *c, struct slice *ret_prot, struct header *h,
    struct why *why)
{
	struct slice prot;
	struct cbr in;
	int rc;

	if ((rc = cbr_get_bstr(c, &prot)) != 0)
		return why_set(why, rc,
		    "RFC 9052 3: the protected header must be a byte string");
	if (prot.n > 0) {
		if ((rc = cbr_check(prot)) != 0)
			return why_set(why, rc,
			    "RFC 9052 3: the protected header: %s",
			    err_text(rc));
		in = cbr_of(prot);
		if ((rc = read_header(&in, true, h, why)) != 0)
			return rc;
	}
	*ret_prot = prot;
	return read_header(c, false, h, why);
}

static int
read_signer(struct cbr *c, struct signer *ret, struct why *why)
{
	struct signer s = {0};
	uint64_t n = 0;
	int rc;

	if ((rc = cbr_get_array(c, &n)) != 0 || n != 3)
		return why_set(why, rc != 0 ? rc : ERR_MALFORMED,
		    "RFC 9052 4.1: COSE_Signature must be an array of 3");
	if ((rc = read_headers(c, &s.prot, &s.header, why)) != 0)
		return rc;
	if ((rc = cbr_get_bstr(c, &s.sig)) != 0)
		return why_set(why, rc,
		    "RFC 9052 4.1: a signature must be a byte string");
	*ret = s;
	return 0;
}

/* COSE_Sign: all signers are checked, the first one is told. */
static int
read_signers(struct cbr *c, struct cose_msg *m, struct why *why)
{
	struct signer first = {0}, s;
	struct cbr in = *c;
	uint64_t n = 0;
	int rc;

	if ((rc = cbr_get_array(&in, &n)) != 0 || n == 0)
		return why_set(why, rc != 0 ? rc : ERR_MALFORMED,
		    "RFC 9052 4.1: COSE_Sign must have signatures");
	if (n > LIMIT_AUTH_BLOCKS)
		return why_set(why, ERR_SIZE, "COSE: %" PRIu64 " signers, "
		    "the limit is %d", n, LIMIT_AUTH_BLOCKS);
	for (uint64_t i = 0; i < n; i++) {
		if ((rc = read_signer(&in, &s, why)) != 0)
			return rc;
		if (i == 0)
			first = s;
	}
	m->alg = first.header.alg;
	m->kid = first.header.kid;
	m->sig = first.sig;
	return cbr_skip(c, &m->rest);
}

static int
read_tag(struct cbr *c, uint64_t *ret_tag, struct why *why)
{
	struct cbr_item it;
	int rc;

	*ret_tag = 0;
	if ((rc = cbr_peek(c, &it)) != 0 || it.type != CBR_TAG)
		return rc;
	if (it.u == COSE_TAG_MAC)
		return why_set(why, ERR_ALGORITHM,
		    "RFC 9052 6.1: COSE_Mac with recipients is not supported");
	if (it.u != COSE_TAG_MAC0 && it.u != COSE_TAG_SIGN1 &&
	    it.u != COSE_TAG_SIGN)
		return why_set(why, ERR_TYPE, "RFC 9052 2: tag %" PRIu64
		    " is not COSE_Sign, COSE_Sign1 or COSE_Mac0", it.u);
	return cbr_get_tag(c, ret_tag);
}

static int
read_payload(struct cbr *c, struct slice *ret, struct why *why)
{
	int rc;

	*ret = SLICE_NONE;
	if (cbr_get_null(c) == 0 || (rc = cbr_get_bstr(c, ret)) == 0)
		return 0;
	return why_set(why, rc,
	    "RFC 9052 4.1: the payload must be a byte string or nil");
}

int
cose_parse(struct slice in, struct cose_msg *ret_msg, struct why *why)
{
	struct cbr c = cbr_of(in);
	struct header h = {0};
	struct cose_msg m = {0};
	struct cbr_item it;
	uint64_t n = 0;
	int rc;

	if ((rc = cbr_check(in)) != 0)
		return why_set(why, rc, "COSE: %s", err_text(rc));
	if ((rc = read_tag(&c, &m.tag, why)) != 0)
		return rc;
	if ((rc = cbr_get_array(&c, &n)) != 0 || n != 4)
		return why_set(why, rc != 0 ? rc : ERR_MALFORMED,
		    "RFC 9052 4.1: a COSE message must be an array of 4");
	if ((rc = read_headers(&c, &m.prot, &h, why)) != 0 ||
	    (rc = read_payload(&c, &m.payload, why)) != 0 ||
	    (rc = cbr_peek(&c, &it)) != 0)
		return rc;
	if (m.tag == COSE_TAG_SIGN || (m.tag == 0 && it.type == CBR_ARRAY)) {
		if ((rc = read_signers(&c, &m, why)) != 0)
			return rc;
	} else {
		if ((rc = cbr_get_bstr(&c, &m.sig)) != 0)
			return why_set(why, rc, "RFC 9052 4.2: the signature "
			    "or tag must be a byte string");
		m.alg = h.alg;
		m.kid = h.kid;
	}
	*ret_msg = m;
	return 0;
}

static bool
kid_matches(const struct cose_key *key, struct slice kid)
{
	return kid.n > 0 && (slice_eq(kid, cose_key_kid(key)) ||
	    slice_eq(kid, slice_of(key->id, sizeof(key->id))));
}

/* Every key that fits: those the kid names first, then the others. */
static int
try_keys(const struct cose_alg *alg, const struct signer *s, struct slice tbs,
    const struct cose_keyring *ring, size_t *ret_index)
{
	int rc;

	for (int named = 1; named >= 0; named--) {
		for (size_t i = 0; i < ring->n; i++) {
			const struct cose_key *key = ring->key[i];

			if (key->kind != alg->kind ||
			    kid_matches(key, s->header.kid) != (named == 1))
				continue;
			rc = cose_crypt_verify(key, alg, tbs, s->sig);
			if (rc == 0)
				*ret_index = i;
			if (rc != ERR_SIGNATURE)
				return rc;
		}
	}
	return ERR_SIGNATURE;
}

struct claim {
	const struct cose_msg *msg;
	struct slice payload;
	const struct cose_keyring *ring;
};

static int
try_signer(const struct claim *cl, const struct signer *s, size_t *ret_index,
    struct why *why)
{
	const struct cose_alg *alg = cose_alg_find(s->header.alg);
	uint64_t tag = cl->msg->tag;
	struct cose_tbs t = {"Signature1", cl->msg->prot, NULL, cl->payload};
	uint8_t mem[COSE_TBS_MAX];
	struct buf tbs = buf_of(mem, sizeof(mem));
	bool many = cl->msg->rest.n > 0;
	int rc;

	if (alg == NULL)
		return why_set(why, ERR_ALGORITHM, s->header.alg == 0 ?
		    "RFC 9052 3.1: no known alg in the protected header" :
		    "RFC 9053 2: algorithm %" PRId64 " is not known here",
		    s->header.alg);
	if (alg->kind == COSE_KEY_HMAC ? many || tag == COSE_TAG_SIGN1 :
					 tag == COSE_TAG_MAC0)
		return why_set(why, ERR_ALGORITHM,
		    "RFC 9052 8: %s does not belong into this kind of message",
		    alg->name);
	if (alg->kind == COSE_KEY_HMAC)
		t.context = "MAC0";
	if (many) {
		t.context = "Signature";
		t.signer = &s->prot;
	}
	cose_tbs_put(&t, &tbs);
	if (tbs.over)
		return why_set(why, ERR_SIZE, "COSE: payload of %zu bytes is "
		    "over the limit", cl->payload.n);
	rc = try_keys(alg, s, buf_slice(&tbs), cl->ring, ret_index);
	if (rc == 0)
		return 0;
	return why_set(why, rc, "RFC 9052 4.4: no trusted key proves this "
	    "%s signature (%zu keys in the ring)", alg->name, cl->ring->n);
}

/* RFC 9052 4.1: one signer whom we trust is enough. */
static int
try_signers(const struct claim *cl, size_t *ret_index, struct why *why)
{
	struct cbr c = cbr_of(cl->msg->rest);
	struct signer s;
	uint64_t n;
	int rc, worst = ERR_ALGORITHM;

	if ((rc = cbr_get_array(&c, &n)) != 0)
		return rc;
	for (; n > 0; n--) {
		if ((rc = read_signer(&c, &s, why)) != 0)
			return rc;
		if ((rc = try_signer(cl, &s, ret_index, why)) == 0)
			return 0;
		if (rc != ERR_ALGORITHM)
			worst = rc;
	}
	return worst == ERR_ALGORITHM ? worst : why_set(why, worst,
	    "RFC 9052 4.4: no signer's key is trusted");
}

int
cose_verify(const struct cose_msg *msg, struct slice payload,
    const struct cose_keyring *ring, size_t *ret_index, struct why *why)
{
	struct claim cl = {msg, payload, ring};
	struct signer s = {msg->prot, {true, true, msg->alg, msg->kid},
	    msg->sig};

	if (msg->payload.p != NULL) {
		if (payload.p != NULL && !slice_eq(payload, msg->payload))
			return why_set(why, ERR_SIGNATURE, "RFC 9052 4.1: the "
			    "message carries another payload than expected");
		cl.payload = msg->payload;
	} else if (payload.p == NULL) {
		return why_set(why, ERR_MISSING,
		    "RFC 9052 4.1: the payload is detached and not here");
	}
	if (msg->rest.n > 0)
		return try_signers(&cl, ret_index, why);
	return try_signer(&cl, &s, ret_index, why);
}

/* --- COSE_Sign, signer by signer --- */

int
cose_signer_at(const struct cose_msg *msg, size_t i, struct cose_signer *ret)
{
	struct cbr c = cbr_of(msg->rest);
	struct signer s = {0};
	uint64_t n;

	if (msg->rest.n == 0 || cbr_get_array(&c, &n) != 0 || i >= n)
		return ERR_NOT_FOUND;
	for (size_t j = 0; j <= i; j++) {
		if (read_signer(&c, &s, NULL) != 0)
			return ERR_NOT_FOUND;
	}
	*ret = (struct cose_signer){s.prot, s.header.alg, s.header.kid, s.sig};
	return 0;
}

int
cose_signer_verify(const struct cose_msg *msg,
    const struct cose_signer *signer, const struct cose_key *key,
    struct buf scratch)
{
	const struct cose_alg *alg = cose_alg_find(signer->alg);

	if (alg == NULL || alg->kind == COSE_KEY_HMAC)
		return ERR_ALGORITHM;
	cose_tbs_put(&(struct cose_tbs){"Signature", msg->prot, &signer->prot,
			 msg->payload},
	    &scratch);
	if (scratch.over)
		return ERR_SPACE;
	return cose_crypt_verify(key, alg, buf_slice(&scratch), signer->sig);
}
