/*
 * trust_sign: signatures of a list. They lie beside the payload, so they can
 * be gathered in any order, on any machine; the list stays the same list.
 */
#include "lib/trust_impl.h"

/* Signatures as sent, and whose they are. */
struct sigs {
	size_t n;
	struct slice raw[LIMIT_AUTH_BLOCKS + 1];
	struct slice kid[LIMIT_AUTH_BLOCKS + 1];
};

static bool
has_kid(const struct sigs *s, struct slice kid)
{
	for (size_t i = 0; i < s->n; i++) {
		if (slice_eq(s->kid[i], kid))
			return true;
	}
	return false;
}

/* Those of `list` whose kid is not there and is not `but`. ERR_SIZE. */
static int
gather(const struct trust *list, struct slice but, struct sigs *s)
{
	struct cbr c = cbr_of(list->msg.rest);
	struct cose_signer signer;
	struct slice raw;
	uint64_t n;

	if (list->msg.rest.n == 0 || cbr_get_array(&c, &n) != 0)
		return 0;
	for (size_t i = 0; cose_signer_at(&list->msg, i, &signer) == 0 &&
	    cbr_skip(&c, &raw) == 0; i++) {
		if (slice_eq(signer.kid, but) || has_kid(s, signer.kid))
			continue;
		if (s->n == LIMIT_AUTH_BLOCKS)
			return ERR_SIZE;
		s->raw[s->n] = raw;
		s->kid[s->n++] = signer.kid;
	}
	return 0;
}

static int
put_message(struct slice payload, const struct sigs *s, struct buf *out,
    struct why *why)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust back;
	int rc;

	cbr_put_tag(&b, COSE_TAG_SIGN);
	cbr_put_array(&b, 4);
	cbr_put_bstr(&b, trust_body_prot);
	cbr_put_map(&b, 0);
	cbr_put_bstr(&b, payload);
	cbr_put_array(&b, s->n);
	for (size_t i = 0; i < s->n; i++)
		buf_put(&b, s->raw[i]);
	if (b.over)
		return why_set(why, ERR_SIZE, "TRUST 2.1: with its signatures "
		    "the list is over the limit of %d bytes",
		    LIMIT_TRUST_LIST);
	if ((rc = trust_parse(buf_slice(&b), &back, why)) != 0)
		return rc;
	if (b.n > out->cap - out->n)
		return why_set(why, ERR_SPACE, "no room for the list");
	buf_put(out, buf_slice(&b));
	return 0;
}

static int
too_many(struct why *why)
{
	return why_set(why, ERR_SIZE, "TRUST 2.1: more than %d signatures",
	    LIMIT_AUTH_BLOCKS);
}

int
trust_sign(const struct trust *list, const struct cose_key *key,
    struct buf *out, struct why *why)
{
	uint8_t mem[COSE_SIGNATURE_MAX + 64], cose[256], kid[TRUST_KID];
	struct buf b = buf_of(mem, sizeof(mem));
	struct buf public = buf_of(cose, sizeof(cose));
	struct sigs s = {.n = 0};
	int rc;

	if (!cose_key_private(key))
		return why_set(why, ERR_KEY, "a public key signs nothing");
	if ((rc = trust_key_put(key, &public, why)) != 0 ||
	    (rc = cose_key_id(key, kid)) != 0)
		return rc;
	if (gather(list, slice_of(kid, TRUST_KID), &s) != 0)
		return too_many(why);
	if ((rc = cose_signer_put(key, trust_body_prot, list->payload,
		 &b)) != 0)
		return why_set(why, rc, "signing: %s", err_text(rc));
	s.raw[s.n++] = buf_slice(&b);
	return put_message(list->payload, &s, out, why);
}

int
trust_merge(const struct trust *a, const struct trust *b, struct buf *out,
    struct why *why)
{
	struct sigs s = {.n = 0};

	if (memcmp(a->hash, b->hash, TRUST_HASH) != 0)
		return why_set(why, ERR_CONFLICT, "TRUST 3.1: these are two "
		    "lists: signatures of one say nothing of the other");
	if (gather(a, SLICE_NONE, &s) != 0 || gather(b, SLICE_NONE, &s) != 0)
		return too_many(why);
	return put_message(a->payload, &s, out, why);
}
