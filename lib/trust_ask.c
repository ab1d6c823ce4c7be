/*
 * Who signed a manifest does not change with the list: only what this is
 * worth does. So a server looks at the signatures of a release once, and
 * then each list is judged by tables.
 *
 * All keys of the list are asked at a time, whatever their rights: a block
 * names its key, so that one check finds it among sixteen as among two, and
 * the next list may give rights to any of them.
 */
#include "lib/trust.h"

#define BIT(i) (UINT32_C(1) << (i))

void
trust_keys_open(const struct trust *list, struct trust_keys *ret)
{
	*ret = (struct trust_keys){.list = list};
}

void
trust_keys_close(struct trust_keys *k)
{
	for (size_t i = 0; i < LIMIT_TRUST_KEYS; i++)
		cose_key_free(k->own[i]);
	trust_keys_open(k->list, k);
}

uint32_t
trust_keys_all(const struct trust *list)
{
	uint32_t set = 0;

	for (size_t i = 0; i < list->key_count; i++)
		if (list->key[i].role != TRUST_FOREIGN)
			set |= BIT(i);
	return set;
}

/* A ring, and which key of the list each of its keys is. */
struct asked {
	struct cose_keyring ring;
	size_t at[LIMIT_TRUST_KEYS];
};

/* A key that is no point of its curve can have signed nothing. */
static int
fill_ring(struct trust_keys *k, uint32_t set, struct asked *a)
{
	int rc;

	a->ring.n = 0;
	for (size_t i = 0; i < k->list->key_count; i++) {
		if ((set & BIT(i)) == 0)
			continue;
		rc = k->own[i] != NULL ? 0 :
		    cose_key_parse(k->list->key[i].cose, &k->own[i], NULL);
		if (rc == ERR_KEY)
			continue;
		if (rc != 0)
			return rc;
		a->at[a->ring.n] = i;
		a->ring.key[a->ring.n++] = k->own[i];
	}
	return 0;
}

/*
 * Every block was tried with every key of the ring, until one proved it. So
 * of those that proved none it is known, too: what is left over is nobody's.
 */
int
trust_ask(struct trust_keys *k, const struct manifest *m,
    struct trust_memo *memo, struct why *why)
{
	uint32_t set = trust_keys_all(k->list) & ~memo->asked;
	struct manifest_proof proof;
	struct asked a;
	int rc = fill_ring(k, set, &a);

	if (rc == 0)
		rc = manifest_verify(m, &a.ring, &proof, why);
	if (rc != 0 && rc != ERR_SIGNATURE && rc != ERR_ALGORITHM)
		return rc;
	for (size_t i = 0; rc == 0 && i < proof.signer_count; i++)
		memo->signers |= BIT(a.at[proof.signer[i]]);
	memo->asked |= set;
	return 0;
}

int
trust_verdict(const struct trust *list, const struct trust_claim *claim,
    const struct trust_memo *memo, struct why *why)
{
	const struct trust_key *powerless = NULL;
	int rc = trust_check(list, claim, why);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < list->key_count; i++) {
		if ((memo->signers & BIT(i)) == 0)
			continue;
		if (trust_rights(&list->key[i], claim, NULL) == 0)
			return 0;
		if (powerless == NULL)
			powerless = &list->key[i];
	}
	if ((trust_keys_all(list) & ~memo->asked) != 0)
		return why_set(why, ERR_BUSY, "TRUST 4: list %llu is new, and "
		    "the signatures are being looked at",
		    (unsigned long long)list->seq);
	if (powerless != NULL)
		return trust_rights(powerless, claim, why);
	return why_set(why, ERR_SIGNATURE, "TRUST 4: nobody whom list %llu "
	    "names has signed this", (unsigned long long)list->seq);
}
