/*
 * Keys are known by the hash of all their bytes: a key id of 8 bytes is what
 * somebody may have taken the trouble to make twice. They have slots, so that
 * what a release remembers is two words; a list that brings more new keys than
 * there is room for takes those of keys that it does not name.
 *
 * Rejected: keeping it in the store. A start has to read every envelope
 * anyhow, nobody waits for its loop yet, and what is not written down cannot
 * be forged by who writes to the disk.
 */
#include "daemon/judge.h"

#include <stdlib.h>

#define BIT(i) (UINT32_C(1) << (i))

/* --- releases --- */

int
verdict_init(struct verdict *v, const struct manifest *m,
    const struct manifest_plan *plan)
{
	const size_t classes = plan->class_count, parts = m->component_count;

	*v = (struct verdict){.blocks = m->auth_count, .digest = m->digest};
	v->class_id = calloc(classes + 1, sizeof(*v->class_id));
	v->component = calloc(parts + 1, sizeof(*v->component));
	if (v->class_id == NULL || v->component == NULL) {
		verdict_fini(v);
		return ERR_NOMEM;
	}
	memcpy(v->class_id, plan->class_id, classes * sizeof(*v->class_id));
	memcpy(v->component, m->component, parts * sizeof(*v->component));
	v->claim = trust_claim_of(m, plan);
	v->claim.digest = digest_slice(&v->digest);
	v->claim.class_id = (const uint8_t (*)[TRUST_CLASS])v->class_id;
	v->claim.component = v->component;
	v->claim.manifest = NULL;
	return 0;
}

void
verdict_fini(struct verdict *v)
{
	free(v->class_id);
	free(v->component);
	v->class_id = NULL;
	v->component = NULL;
}

void
judge_forget(struct verdict *v, uint32_t keys)
{
	v->asked &= ~keys;
	v->signers &= ~keys;
}

/* --- keys --- */

static size_t
find_key(const struct judge *j, const uint8_t key[TRUST_HASH])
{
	size_t i = 0;

	while (i < JUDGE_KEYS && !(j->used[i] &&
	    memcmp(j->key[i], key, TRUST_HASH) == 0))
		i++;
	return i;
}

/* One that nobody has, else one that the list does not name. */
static size_t
free_slot(const struct judge *j, uint32_t named)
{
	size_t i = 0;

	while (i < JUDGE_KEYS && j->used[i])
		i++;
	if (i == JUDGE_KEYS)
		for (i = 0; (named & BIT(i)) != 0;)
			i++;
	return i;
}

static int
hash_keys(const struct trust *list, struct digest d[LIMIT_TRUST_KEYS])
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->key_count; i++)
		rc = digest_compute(DIGEST_SHA256, list->key[i].cose, &d[i]);
	return rc;
}

static uint32_t
seat_keys(struct judge *j, size_t n, const struct digest *d)
{
	uint32_t named = 0, forget = 0;
	size_t s;

	for (size_t i = 0; i < n; i++)
		if ((s = find_key(j, d[i].b)) < JUDGE_KEYS)
			named |= BIT(s);
	for (size_t i = 0; i < n; i++) {
		s = find_key(j, d[i].b);
		if (s == JUDGE_KEYS) {
			s = free_slot(j, named);
			memcpy(j->key[s], d[i].b, TRUST_HASH);
			j->used[s] = true;
			forget |= BIT(s);
		}
		named |= BIT(s);
		j->slot[i] = s;
	}
	return forget;
}

/* Who does not know the keys any more knows nothing of any release: all are
 * asked anew. */
static uint32_t
lose_keys(struct judge *j)
{
	for (size_t i = 0; i < LIMIT_TRUST_KEYS; i++)
		j->slot[i] = i;
	memset(j->used, 0, sizeof(j->used));
	return UINT32_MAX;
}

uint32_t
judge_obey(struct judge *j, const struct trust *list)
{
	struct digest d[LIMIT_TRUST_KEYS];

	trust_keys_close(&j->keys);
	trust_keys_open(list, &j->keys);
	if (list == NULL)
		return 0;
	return hash_keys(list, d) == 0 ? seat_keys(j, list->key_count, d) :
	    lose_keys(j);
}

void
judge_fini(struct judge *j)
{
	trust_keys_close(&j->keys);
}

/* --- verdicts --- */

static struct trust_memo
memo_of(const struct judge *j, const struct verdict *v)
{
	struct trust_memo memo = {0, 0};

	for (size_t i = 0; i < j->keys.list->key_count; i++) {
		memo.asked |= (v->asked >> j->slot[i] & 1) << i;
		memo.signers |= (v->signers >> j->slot[i] & 1) << i;
	}
	return memo;
}

static void
keep_memo(const struct judge *j, struct verdict *v,
    const struct trust_memo *memo)
{
	for (size_t i = 0; i < j->keys.list->key_count; i++) {
		v->asked |= (memo->asked >> i & 1) << j->slot[i];
		v->signers |= (memo->signers >> i & 1) << j->slot[i];
	}
}

int
judge_forbids(int rc, struct why *why)
{
	if (rc == 0 || rc == ERR_NOMEM || rc == ERR_CRYPTO ||
	    err_coap(rc) == 403)
		return rc;
	if (why != NULL)
		why->err = ERR_POLICY;
	return ERR_POLICY;
}

void
judge_look(const struct judge *j, struct verdict *v)
{
	const struct trust *list = j->keys.list;
	struct trust_memo memo;
	struct why why = {0};
	int rc;

	if (list == NULL)
		return;
	memo = memo_of(j, v);
	rc = trust_verdict(list, &v->claim, &memo, &why);
	if (rc != ERR_BUSY)
		rc = judge_forbids(rc, &why);
	v->why = why;
	v->why.err = rc;
	if ((trust_keys_all(list) & ~memo.asked) == 0)
		v->asked_by = list->seq;
}

static int
ask(struct judge *j, struct verdict *v, struct slice envelope,
    struct why *why)
{
	struct trust_memo memo = memo_of(j, v);
	struct manifest m;
	int rc = manifest_parse(envelope, &m, why);

	if (rc == 0)
		rc = trust_ask(&j->keys, &m, &memo, why);
	if (rc == 0)
		keep_memo(j, v, &memo);
	return rc;
}

/* What is wrong with a manifest itself was found in vain: it comes after what
 * the list says of it. */
int
judge_ask(struct judge *j, struct verdict *v, struct slice envelope)
{
	struct why why = {0};
	int rc;

	if (j->keys.list == NULL)
		return 0;
	rc = ask(j, v, envelope, &why);
	if (rc == ERR_NOMEM || rc == ERR_CRYPTO)
		return rc;
	v->asked_by = j->keys.list->seq;
	judge_look(j, v);
	if (rc != 0 && v->why.err == ERR_BUSY) {
		v->why = why;
		v->why.err = judge_forbids(rc, &v->why);
	}
	return 0;
}

unsigned
judge_cost(const struct judge *j, const struct verdict *v)
{
	const struct trust *list = j->keys.list;
	uint32_t left;

	if (list == NULL || v->asked_by == list->seq)
		return 0;
	left = trust_keys_all(list) & ~memo_of(j, v).asked;
	return (unsigned)__builtin_popcount(left) *
	    (unsigned)(v->blocks > 0 ? v->blocks : 1);
}
