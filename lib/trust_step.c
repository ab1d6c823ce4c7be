/*
 * trust_step: signatures counted, and one list after another.
 *
 * Each signature is tried with the one root that its kid names, and a root is
 * asked no more once it has signed, so that a list stuffed with signatures
 * costs LIMIT_AUTH_BLOCKS of them at most. Trying every key was rejected: a
 * root's tool always writes the kid, and what a device spends on a stranger's
 * bytes has to be small.
 */
#include "lib/trust_impl.h"

/* ERR_SIGNATURE unless one of the signatures is this root's. */
static int
root_signed(const struct trust *list, const struct cose_key *key,
    const uint8_t kid[TRUST_KID])
{
	uint8_t mem[LIMIT_TRUST_LIST + COSE_SIGNER_ROOM];
	struct cose_signer s;
	int rc;

	for (size_t i = 0; cose_signer_at(&list->msg, i, &s) == 0; i++) {
		if (!slice_eq(s.kid, slice_of(kid, TRUST_KID)))
			continue;
		rc = cose_signer_verify(&list->msg, &s, key,
		    buf_of(mem, sizeof(mem)));
		if (rc != ERR_SIGNATURE && rc != ERR_ALGORITHM)
			return rc;
	}
	return ERR_SIGNATURE;
}

int
trust_count(const struct trust *list, const struct trust_roots *roots,
    unsigned *ret_count, unsigned *ret_signed)
{
	unsigned count = 0, bits = 0;
	struct cose_key *key;
	int rc;

	for (size_t i = 0; i < roots->n; i++) {
		rc = cose_key_parse(roots->cose[i], &key, NULL);
		if (rc == ERR_KEY) /* no point of its curve: never signs */
			continue;
		if (rc != 0)
			return rc;
		rc = root_signed(list, key, roots->kid[i]);
		cose_key_free(key);
		if (rc == 0) {
			count++;
			bits |= 1u << i;
		} else if (rc != ERR_SIGNATURE) {
			return rc;
		}
	}
	*ret_count = count;
	if (ret_signed != NULL)
		*ret_signed = bits;
	return 0;
}

static int
enough(const struct trust *list, const struct trust_roots *roots,
    const char *whose, struct why *why)
{
	unsigned n = 0;
	int rc;

	if ((rc = trust_count(list, roots, &n, NULL)) != 0)
		return why_set(why, rc, "TRUST 3.1: counting signatures: %s",
		    err_text(rc));
	if (n < roots->need)
		return why_set(why, ERR_SIGNATURE, "TRUST 3.1: signed by %u "
		    "of %s, %u of %zu must", n, whose, roots->need, roots->n);
	return 0;
}

int
trust_pin(const struct trust *list, struct why *why)
{
	return enough(list, &list->roots, "its own roots", why);
}

/* What numbers and hashes say, before any signature. */
static int
check_place(const struct trust *have, const struct trust *next, bool chain,
    struct why *why)
{
	bool same = memcmp(have->hash, next->hash, TRUST_HASH) == 0;
	unsigned long long h = have->seq, n = next->seq;

	if (n < h)
		return why_set(why, ERR_SEQUENCE, "TRUST 3.2: list %llu is "
		    "older than ours, %llu", n, h);
	if (n == h && same)
		return why_set(why, ERR_EXISTS,
		    "TRUST 3.2: list %llu is ours already", n);
	if (n == h)
		return why_set(why, ERR_CONFLICT, "TRUST 3.2: another list "
		    "of number %llu: a fork", n);
	if (n - h >= LIMIT_TRUST_STEP)
		return why_set(why, ERR_RANGE, "TRUST 3.2: list %llu is too "
		    "far past ours, %llu", n, h);
	if (n == h + 1)
		return memcmp(next->prev, have->hash, TRUST_HASH) == 0 ? 0 :
		    why_set(why, ERR_CONFLICT, "TRUST 3.2: list %llu follows "
		    "another list than our %llu: a fork", n, h);
	if (chain || !slice_eq(have->roots.raw, next->roots.raw))
		return why_set(why, ERR_ORDER, "TRUST 3.3: before list %llu "
		    "must come list %llu%s", n, h + 1,
		    chain ? "" : ": it has other roots");
	return 0;
}

static int
step(const struct trust *have, const struct trust *next, bool chain,
    struct why *why)
{
	int rc;

	if ((rc = check_place(have, next, chain, why)) != 0 ||
	    (rc = enough(next, &have->roots, "our roots", why)) != 0)
		return rc;
	if (slice_eq(have->roots.raw, next->roots.raw))
		return 0;
	return enough(next, &next->roots, "the roots that it brings", why);
}

int
trust_step(const struct trust *have, const struct trust *next,
    struct why *why)
{
	return step(have, next, false, why);
}

int
trust_step_chain(const struct trust *have, const struct trust *next,
    struct why *why)
{
	return step(have, next, true, why);
}
