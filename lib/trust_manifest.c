/*
 * trust_manifest: the verdict on a manifest. Rights come before signatures,
 * for two reasons: they cost nothing, and an envelope may carry signatures
 * of several authors, of whom the first one proven need not be the one who
 * has the rights. So only keys that have them get into the ring.
 *
 * Who signed without rights is looked for afterwards, for the reason that is
 * told.
 */
#include <stdio.h>

#include "lib/text.h"
#include "lib/trust_impl.h"

struct trust_claim
trust_claim_of(const struct manifest *m, const struct manifest_plan *plan)
{
	return (struct trust_claim){
		.sequence = m->sequence,
		.digest = digest_slice(&m->digest),
		.class_count = plan->class_count,
		.class_id = plan->class_id,
		.component_count = m->component_count,
		.component = m->component,
		.dependency_count = m->dependency_count,
		.manifest = m,
	};
}

/* --- whoever signed --- */

static int
check_floor(const struct trust_floor *f, uint64_t seq, struct why *why)
{
	char id[37];

	if (seq < f->least)
		return why_set(why, ERR_SEQUENCE, "TRUST 4.2: sequence %llu "
		    "is below the floor of class %s, %llu",
		    (unsigned long long)seq, text_uuid(f->class_id, id),
		    (unsigned long long)f->least);
	if (seq > f->most)
		return why_set(why, ERR_RANGE, "TRUST 4.2: sequence %llu is "
		    "above the ceiling of class %s, %llu",
		    (unsigned long long)seq, text_uuid(f->class_id, id),
		    (unsigned long long)f->most);
	return 0;
}

int
trust_check(const struct trust *list, const struct trust_claim *claim,
    struct why *why)
{
	bool all = claim->class_count == 0;
	size_t n = all ? list->floor_count : claim->class_count;
	struct trust_floor f;
	int rc;

	if (trust_denies(list, claim->digest))
		return why_set(why, ERR_POLICY, "TRUST 4.1: list %llu denies "
		    "this manifest", (unsigned long long)list->seq);
	for (size_t i = 0; i < n; i++) {
		f = all ? trust_floor_at(list, i)
			: trust_floor_of(list, claim->class_id[i]);
		if ((rc = check_floor(&f, claim->sequence, why)) != 0)
			return rc;
	}
	return 0;
}

/* --- rights of one key --- */

static const char *
called(const struct trust_key *key, char dst[LIMIT_TRUST_NAME + 1])
{
	if (key->name.n == 0)
		text_hex(slice_of(key->kid, TRUST_KID), dst,
		    2 * TRUST_KID + 1);
	else
		text_escape(key->name, dst, LIMIT_TRUST_NAME + 1);
	return dst;
}

static int
check_classes(const struct trust_key *key, const struct trust_claim *claim,
    struct why *why)
{
	char name[LIMIT_TRUST_NAME + 1], id[37];

	if (claim->class_count == 0 && !key->every_class)
		return why_set(why, ERR_CLASS, "TRUST 4.3: %s signs for some "
		    "classes, and this manifest is for any device",
		    called(key, name));
	for (size_t i = 0; i < claim->class_count; i++) {
		if (!trust_key_has_class(key, claim->class_id[i]))
			return why_set(why, ERR_CLASS, "TRUST 4.3: %s may not "
			    "sign for class %s", called(key, name),
			    text_uuid(claim->class_id[i], id));
	}
	return 0;
}

static int
check_components(const struct trust_key *key, const struct trust_claim *claim,
    struct why *why)
{
	char name[LIMIT_TRUST_NAME + 1], id[LIMIT_COMPONENT_ID + 1];

	if (key->every_component)
		return 0;
	if (claim->component_count == 0 || claim->dependency_count > 0)
		return why_set(why, ERR_FORBIDDEN, "TRUST 4.3: %s signs for "
		    "some components, and this manifest does not tell which "
		    "it touches", called(key, name));
	for (size_t i = 0; i < claim->component_count; i++) {
		if (!trust_key_has_component(key, claim->component[i]))
			return why_set(why, ERR_FORBIDDEN, "TRUST 4.3: %s may "
			    "not sign for component %s", called(key, name),
			    manifest_component_name(claim->component[i], id,
				sizeof(id)));
	}
	return 0;
}

int
trust_rights(const struct trust_key *key, const struct trust_claim *claim,
    struct why *why)
{
	char name[LIMIT_TRUST_NAME + 1];
	int rc;

	if (key->role != TRUST_AUTHOR)
		return why_set(why, ERR_FORBIDDEN, "TRUST 4.3: %s is no "
		    "author but has role %s", called(key, name),
		    trust_role_name(key->role));
	if ((rc = check_classes(key, claim, why)) != 0 ||
	    (rc = check_components(key, claim, why)) != 0)
		return rc;
	if (claim->sequence < key->seq_min || claim->sequence > key->seq_max)
		return why_set(why, ERR_RANGE, "TRUST 4.3: %s may sign "
		    "sequences %llu to %llu, not %llu", called(key, name),
		    (unsigned long long)key->seq_min,
		    (unsigned long long)key->seq_max,
		    (unsigned long long)claim->sequence);
	return 0;
}

/* --- rings --- */

static int
ring_add(struct trust_ring *r, const struct trust_key *key)
{
	struct cose_key *own;
	int rc = cose_key_parse(key->cose, &own, NULL);

	if (rc == ERR_KEY)
		return 0;
	if (rc != 0)
		return rc;
	r->who[r->ring.n] = key;
	r->own[r->ring.n] = own;
	r->ring.key[r->ring.n++] = own;
	return 0;
}

int
trust_ring_open(const struct trust *list, enum trust_role role,
    const struct trust_claim *claim, struct trust_ring *ret_ring)
{
	const struct trust_key *key;
	int rc;

	ret_ring->ring.n = 0;
	for (size_t i = 0; i < list->key_count; i++) {
		key = &list->key[i];
		if (key->role == TRUST_FOREIGN || key->role != role ||
		    (claim != NULL && trust_rights(key, claim, NULL) != 0))
			continue;
		if ((rc = ring_add(ret_ring, key)) != 0) {
			trust_ring_close(ret_ring);
			return rc;
		}
	}
	return 0;
}

void
trust_ring_close(struct trust_ring *ring)
{
	for (size_t i = 0; i < ring->ring.n; i++)
		cose_key_free(ring->own[i]);
	ring->ring.n = 0;
}

/* --- the verdict --- */

/*
 * Nobody with the rights has signed it. If somebody of the list did, say
 * what they lack; else the list may be too old, or the manifest is a
 * stranger's.
 */
static int
blame(const struct trust *list, const struct trust_claim *claim, int err,
    struct why *why)
{
	struct manifest_proof proof;
	struct trust_ring one;
	int rc;

	for (size_t i = 0; i < list->key_count; i++) {
		const struct trust_key *key = &list->key[i];

		if (key->role == TRUST_FOREIGN ||
		    trust_rights(key, claim, NULL) == 0)
			continue;
		one.ring.n = 0;
		if ((rc = ring_add(&one, key)) != 0)
			return rc;
		rc = one.ring.n == 0 ? ERR_SIGNATURE :
		    manifest_verify(claim->manifest, &one.ring, &proof, NULL);
		trust_ring_close(&one);
		if (rc == 0)
			return trust_rights(key, claim, why);
	}
	return err;
}

int
trust_manifest(const struct trust *list, const struct trust_claim *claim,
    const struct trust_key **ret_author, struct why *why)
{
	struct manifest_proof proof;
	struct trust_ring r;
	int rc;

	if (claim->manifest == NULL)
		return why_set(why, ERR_INVALID,
		    "TRUST 4: a claim without its manifest");
	if ((rc = trust_check(list, claim, why)) != 0 ||
	    (rc = trust_ring_open(list, TRUST_AUTHOR, claim, &r)) != 0)
		return rc;
	rc = manifest_verify(claim->manifest, &r.ring, &proof, why);
	if (rc == 0 && ret_author != NULL)
		*ret_author = r.who[proof.key];
	trust_ring_close(&r);
	/* a digest that is wrong, or no signature at all, is nobody's fault */
	return rc == ERR_SIGNATURE || rc == ERR_ALGORITHM ?
	    blame(list, claim, rc, why) : rc;
}
