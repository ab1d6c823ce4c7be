/*
 * manifest_envelope: an envelope written anew from a parsed one, with one
 * more authentication block or without what a device does not need. All
 * other members are copied byte by byte, so digests keep holding.
 */
#include "lib/manifest_key.h"

#define BLOCK_MAX 1024 /* one COSE message of ours */

struct edit {
	const struct manifest *m;
	struct slice block; /* to add; p NULL: leave authentication alone */
	bool only_core; /* nothing but authentication and manifest */
	bool drop_described; /* no text, no coswid */
	struct buf *out;
};

static bool
keeps(const struct edit *e, struct slice key)
{
	struct cbr c = cbr_of(key);
	enum manifest_section s;
	uint64_t k;

	if (cbr_get_uint(&c, &k) != 0)
		return !e->only_core;
	if (k == SUIT_KEY_AUTH || k == SUIT_KEY_MANIFEST)
		return true;
	s = manifest_key_section(e->m->dialect, k);
	return !e->only_core && !(e->drop_described &&
	    (s == MANIFEST_TEXT || s == MANIFEST_COSWID));
}

static bool
is_auth(struct slice key)
{
	struct cbr c = cbr_of(key);
	uint64_t k;

	return cbr_get_uint(&c, &k) == 0 && k == SUIT_KEY_AUTH;
}

static void
put_auth(struct edit *e)
{
	const struct manifest *m = e->m;
	bool digest = m->dialect != MANIFEST_RIOT09;
	size_t mark = e->out->n;

	cbr_put_array(e->out, digest + m->auth_count + 1);
	if (digest)
		cbr_put_bstr(e->out, m->digest_body);
	for (size_t i = 0; i < m->auth_count; i++)
		cbr_put_bstr(e->out, m->auth[i]);
	cbr_put_bstr(e->out, e->block);
	manifest_wrap(e->out, mark);
}

/* Counts the members that stay, or copies them. */
static int
each_member(struct edit *e, bool write, size_t *ret_count)
{
	struct cbr c = cbr_of(e->m->envelope);
	struct slice key, value;
	size_t count = 0;
	uint64_t n, tag;
	int rc;

	if (e->m->tagged && (rc = cbr_get_tag(&c, &tag)) != 0)
		return rc;
	if ((rc = cbr_get_map(&c, &n)) != 0)
		return rc;
	for (; n > 0; n--) {
		if ((rc = cbr_skip(&c, &key)) != 0 ||
		    (rc = cbr_skip(&c, &value)) != 0)
			return rc;
		if (!keeps(e, key))
			continue;
		count++;
		if (!write)
			continue;
		buf_put(e->out, key);
		if (e->block.p != NULL && is_auth(key))
			put_auth(e);
		else
			buf_put(e->out, value);
	}
	*ret_count = count;
	return 0;
}

static int
rewrite(struct edit *e)
{
	size_t start = e->out->n, count;
	struct cbr c = cbr_of(e->m->envelope);
	uint64_t tag;
	int rc;

	if ((rc = each_member(e, false, &count)) != 0)
		return rc;
	if (e->m->tagged && cbr_get_tag(&c, &tag) == 0)
		cbr_put_tag(e->out, tag);
	cbr_put_map(e->out, count);
	rc = each_member(e, true, &count);
	if (rc == 0 && e->out->over)
		rc = ERR_SPACE;
	if (rc != 0)
		e->out->n = start;
	return rc;
}

int
manifest_sever(const struct manifest *m, struct buf *out)
{
	struct edit e = {
		.m = m,
		.only_core = m->dialect == MANIFEST_RIOT09,
		.drop_described = true,
		.out = out,
	};

	return rewrite(&e);
}

/* What a block signs: the SUIT_Digest, and that it is the right one. */
static int
signed_digest(const struct manifest *m, struct buf *b, struct why *why)
{
	struct digest d;
	int rc;

	if (digest_size(m->digest.alg) == 0)
		return why_set(why, ERR_ALGORITHM,
		    "SUIT 8.3: digest algorithm %d cannot be computed here",
		    m->digest.alg);
	if ((rc = digest_compute(m->digest.alg, m->manifest_raw, &d)) != 0)
		return rc;
	if (!digest_eq(&m->digest, &d))
		return why_set(why, ERR_DIGEST,
		    "SUIT 6.2: the digest in the envelope is not that of the "
		    "manifest: nothing to sign");
	if (m->dialect != MANIFEST_RIOT09) {
		buf_put(b, m->digest_body);
		return 0;
	}
	cbr_put_array(b, 2);
	cbr_put_int(b, 2);
	cbr_put_bstr(b, digest_slice(&d));
	return 0;
}

int
manifest_sign(struct slice envelope, const struct cose_key *key,
    const struct cose_sign_opts *opts, struct buf *out, struct why *why)
{
	uint8_t block[BLOCK_MAX], digest[96];
	struct buf b = buf_of(block, sizeof(block));
	struct buf d = buf_of(digest, sizeof(digest));
	struct cose_sign_opts o = opts != NULL ? *opts :
	    (struct cose_sign_opts){0};
	struct manifest m;
	struct edit e = {.m = &m, .out = out};
	int rc;

	if ((rc = manifest_parse(envelope, &m, why)) != 0 ||
	    (rc = signed_digest(&m, &d, why)) != 0)
		return rc;
	if (m.auth_count == LIMIT_AUTH_BLOCKS)
		return why_set(why, ERR_SIZE,
		    "SUIT 8.3: %d authentication blocks already",
		    LIMIT_AUTH_BLOCKS);
	o.attached = m.dialect == MANIFEST_RIOT09;
	/* RIOT knows Ed25519 by its older number only */
	if (o.attached && o.alg == 0 &&
	    cose_key_kind(key) == COSE_KEY_ED25519)
		o.alg = COSE_EDDSA;
	if ((rc = cose_sign(key, buf_slice(&d), &o, &b)) != 0)
		return why_set(why, rc, "signing: %s", err_text(rc));
	e.block = buf_slice(&b);
	if ((rc = rewrite(&e)) != 0)
		return why_set(why, rc, "signed envelope: %s", err_text(rc));
	return 0;
}
