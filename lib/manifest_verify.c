/*
 * manifest_verify: proof (SUIT 6.2). A signature over the digest, and that
 * digest over the manifest with its bstr head as sent; one without the other
 * proves nothing. In RIOT's dialect each block carries its own digest.
 *
 * One good block is enough. Whoever relays an envelope can add or spoil
 * blocks, so a block that cannot be used is skipped, never fatal.
 */
#include <stdio.h>

#include "lib/manifest_key.h"
#include "lib/text.h"

struct verify {
	const struct manifest *m;
	const struct cose_keyring *ring;
	struct manifest_proof proof;
	unsigned skipped; /* MANIFEST_WARN_SKIPPED_AUTH */
	struct why *why;
};

static const struct {
	enum manifest_warning bit;
	const char *text;
} warnings[] = {
	{MANIFEST_WARN_NO_COMPONENTS,
	    "SUIT 8.4.5: the manifest declares no components"},
	{MANIFEST_WARN_DIGEST_ID,
	    "RIOT reads digest ids as unsigned: it will refuse -16, use 2"},
	{MANIFEST_WARN_DIALECT,
	    "written to an old draft: stored and served, not interpreted "
	    "with certainty"},
	{MANIFEST_WARN_UNKNOWN_KEY,
	    "holds keys that are not known here"},
	{MANIFEST_WARN_SKIPPED_AUTH,
	    "an authentication block with an unknown algorithm was skipped"},
	{MANIFEST_WARN_UNTAGGED, "SUIT 8.2: the envelope has no tag 107"},
};

static int
hash_as_sent(struct slice raw, int alg, struct digest *ret, struct why *why)
{
	int rc;

	if (digest_size(alg) == 0)
		return why_set(why, ERR_ALGORITHM,
		    "SUIT 8.3: digest algorithm %d cannot be computed here",
		    alg);
	if ((rc = digest_compute(alg, raw, ret)) != 0)
		return why_set(why, rc, "SUIT 8.3: digest: %s", err_text(rc));
	return 0;
}

static int
digest_mismatch(struct why *why)
{
	return why_set(why, ERR_DIGEST,
	    "SUIT 6.2: the digest in the authentication wrapper is not that "
	    "of the manifest");
}

/* RIOT: the digest is what this very block signs. */
static int
check_own_digest(struct verify *v, const struct cose_msg *msg)
{
	struct digest claimed, computed;
	int rc;

	if (msg->payload.p == NULL)
		return why_set(v->why, ERR_MISSING,
		    "SUIT -09 8.3: authentication block carries no digest");
	rc = manifest_digest_read(v->m->dialect, msg->payload, &claimed,
	    v->why);
	if (rc == 0)
		rc = hash_as_sent(v->m->manifest_raw, claimed.alg, &computed,
		    v->why);
	if (rc == 0 && !digest_eq(&claimed, &computed))
		rc = digest_mismatch(v->why);
	return rc;
}

static int
try_block(struct verify *v, struct slice block)
{
	bool riot = v->m->dialect == MANIFEST_RIOT09;
	struct cose_msg msg;
	int rc;

	if ((rc = cose_parse(block, &msg, v->why)) != 0)
		return rc;
	if (!riot && msg.payload.p != NULL)
		return why_set(v->why, ERR_POLICY,
		    "SUIT 8.3: the payload of an authentication block must "
		    "be detached");
	if (riot && (rc = check_own_digest(v, &msg)) != 0)
		return rc;
	rc = cose_verify(&msg, riot ? msg.payload : v->m->digest_body, v->ring,
	    &v->proof.key, v->why);
	if (rc == 0)
		v->proof.alg = msg.alg;
	return rc;
}

static int
check_blocks(struct verify *v)
{
	struct why first = {0};
	int rc = 0, worst = 0;

	for (size_t i = 0; i < v->m->auth_count; i++) {
		struct verify one = *v;
		struct why w = {0};

		one.why = &w;
		rc = try_block(&one, v->m->auth[i]);
		if (rc == 0) {
			v->proof.signer[v->proof.signer_count++] =
			    one.proof.key;
			if (v->proof.signer_count == 1) {
				v->proof.key = one.proof.key;
				v->proof.alg = one.proof.alg;
			}
		}
		if (rc == ERR_ALGORITHM || rc == ERR_UNSUPPORTED)
			v->skipped = MANIFEST_WARN_SKIPPED_AUTH;
		/* what is said when none holds: rather a bad signature */
		if (rc != 0 && (worst == 0 || worst == ERR_ALGORITHM ||
		    worst == ERR_UNSUPPORTED)) {
			worst = rc;
			first = w;
		}
	}
	if (v->proof.signer_count > 0)
		return 0;
	return why_set(v->why, worst, "%s", first.text);
}

static int
check_severed(struct verify *v)
{
	const struct manifest_part *part;
	struct digest declared, computed;
	int rc;

	for (int s = 0; s < MANIFEST_SECTIONS; s++) {
		part = &v->m->part[s];
		if (part->digest.p == NULL || part->raw.p == NULL)
			continue;
		if ((rc = manifest_digest_read(v->m->dialect, part->digest,
		    &declared, v->why)) != 0 ||
		    (rc = hash_as_sent(part->raw, declared.alg, &computed,
		    v->why)) != 0)
			return rc;
		if (!digest_eq(&declared, &computed))
			return why_set(v->why, ERR_DIGEST,
			    "SUIT 8.5: severable member %s does not match "
			    "the digest in the manifest",
			    manifest_section_name(s));
	}
	return 0;
}

static void
first_warning(struct manifest_proof *proof)
{
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if ((proof->warnings & warnings[i].bit) != 0) {
			snprintf(proof->warning, sizeof(proof->warning), "%s",
			    warnings[i].text);
			return;
		}
}

int
manifest_verify(const struct manifest *m, const struct cose_keyring *ring,
    struct manifest_proof *ret_proof, struct why *why)
{
	struct verify v = {.m = m, .ring = ring, .why = why};
	struct digest computed;
	int rc;

	if (m->auth_count == 0)
		return why_set(why, ERR_UNSIGNED,
		    "SUIT 6.2: the manifest carries no authentication block");
	if (m->dialect != MANIFEST_RIOT09) {
		rc = hash_as_sent(m->manifest_raw, m->digest.alg, &computed,
		    why);
		if (rc != 0)
			return rc;
		if (!digest_eq(&m->digest, &computed))
			return digest_mismatch(why);
	}
	if ((rc = check_blocks(&v)) != 0 || (rc = check_severed(&v)) != 0)
		return rc;
	v.proof.warnings = v.skipped | m->warnings;
	first_warning(&v.proof);
	*ret_proof = v.proof;
	return 0;
}

/* A dependency is named by the digest of its manifest (trust-domains). */
static int
payload_digest(const struct manifest *m, const struct manifest_download *d,
    struct slice payload, struct digest *ret)
{
	struct slice hashed = payload;
	struct manifest inner;

	if (d->component >= m->component_count &&
	    manifest_parse(payload, &inner, NULL) == 0)
		hashed = inner.manifest_raw;
	return digest_compute(d->digest.alg, hashed, ret);
}

static int
check_download(const struct manifest *m, const struct manifest_download *d,
    struct why *why)
{
	const struct manifest_integrated *in = NULL;
	struct digest computed;
	char name[80];
	int rc;

	text_escape(d->uri, name, sizeof(name));
	for (size_t i = 0; i < m->integrated_count; i++)
		if (slice_eq(m->integrated[i].uri, d->uri))
			in = &m->integrated[i];
	if (in == NULL)
		return d->uri.n == 0 || d->uri.p[0] != '#' ? 0 :
		    why_set(why, ERR_MISSING,
		    "SUIT 5.5: no integrated payload %s in the envelope",
		    name);
	if (d->have_size && d->size != in->payload.n)
		return why_set(why, ERR_SIZE,
		    "SUIT 8.4.8.7: integrated payload %s has %zu bytes, not "
		    "%llu", name, in->payload.n, (unsigned long long)d->size);
	/* of an encrypted payload the digest may be the plaintext's */
	if (d->encrypted || digest_size(d->digest.alg) == 0)
		return 0;
	if ((rc = payload_digest(m, d, in->payload, &computed)) != 0)
		return rc;
	if (!digest_eq(&d->digest, &computed))
		return why_set(why, ERR_DIGEST,
		    "SUIT 8.4.8.6: integrated payload %s does not match its "
		    "digest", name);
	return 0;
}

int
manifest_check_integrated(const struct manifest *m,
    const struct manifest_plan *plan, struct why *why)
{
	int rc;

	for (size_t i = 0; i < plan->n; i++)
		if ((rc = check_download(m, &plan->d[i], why)) != 0)
			return rc;
	return 0;
}
