/*
 * The chain: an entry's bytes, its hash, and what a run of entries proves.
 *
 * The previous hash is the second element of what is hashed, and the version
 * the first, so that the bytes of one kind of entry can never be those of
 * another. Rejected: a Merkle tree, which would prove single entries to those
 * who have only a head. Nobody asks for that here, and a list that is read as
 * a whole is understood as a whole.
 */
#include "lib/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/cbor.h"
#include "lib/digest.h"
#include "lib/text.h"

#define FORMAT 1

static const struct {
	const char *name, *word;
} kinds[] = {
#define K(id, name, word) {name, word},
	AUDIT_KIND_LIST(K)
#undef K
};

const char *
audit_kind_name(enum audit_kind kind)
{
	return (unsigned)kind < AUDIT_KINDS ? kinds[kind].name :
	    kinds[AUDIT_CHANGE].name;
}

enum audit_kind
audit_kind_of_word(const char *word)
{
	for (unsigned i = 0; word[0] != '\0' && i < AUDIT_KINDS; i++)
		if (strcmp(kinds[i].word, word) == 0)
			return (enum audit_kind)i;
	return AUDIT_CHANGE;
}

bool
audit_kind_known(const char *name)
{
	for (unsigned i = 0; i < AUDIT_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return true;
	return false;
}

/* --- one entry --- */

int
audit_put(const struct audit_entry *e, struct buf *out)
{
	const char *const text[] = {e->who, e->kind, e->subject, e->detail};

	if (e->n == 0 || e->n > INT64_MAX || e->at < 0)
		return ERR_RANGE;
	if (e->kind[0] == '\0')
		return ERR_INVALID;
	cbr_put_array(out, 8);
	cbr_put_uint(out, FORMAT);
	cbr_put_bstr(out, slice_of(e->prev, AUDIT_HASH));
	cbr_put_uint(out, e->n);
	cbr_put_uint(out, (uint64_t)e->at);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (!text_utf8_ok(slice_str(text[i])))
			return ERR_UTF8;
		cbr_put_str(out, text[i]);
	}
	return out->over ? ERR_SPACE : 0;
}

static int
hash(const struct audit_entry *e, uint8_t ret[AUDIT_HASH])
{
	uint8_t bytes[AUDIT_BYTES];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct digest d;
	int rc = audit_put(e, &b);

	if (rc == 0)
		rc = digest_compute(DIGEST_SHA256, buf_slice(&b), &d);
	if (rc == 0)
		memcpy(ret, d.b, AUDIT_HASH);
	return rc;
}

int
audit_append(struct audit_head *head, struct audit_entry *e)
{
	struct audit_entry now = *e;
	int rc;

	now.n = head->n + 1;
	memcpy(now.prev, head->hash, AUDIT_HASH);
	rc = hash(&now, now.hash);
	if (rc != 0)
		return rc;
	*e = now;
	head->n = now.n;
	memcpy(head->hash, now.hash, AUDIT_HASH);
	return 0;
}

/* --- heads --- */

char *
audit_head_text(const struct audit_head *h, char dst[AUDIT_HEAD_TEXT])
{
	int n = snprintf(dst, AUDIT_HEAD_TEXT, "%" PRIu64 ":", h->n);

	text_hex(slice_of(h->hash, AUDIT_HASH), dst + n,
	    AUDIT_HEAD_TEXT - (size_t)n);
	return dst;
}

int
audit_head_parse(struct slice in, struct audit_head *ret)
{
	const uint8_t *colon = in.n == 0 ? NULL : memchr(in.p, ':', in.n);
	struct audit_head h;
	struct buf b = buf_of(h.hash, sizeof(h.hash));
	size_t at = colon == NULL ? 0 : (size_t)(colon - in.p);
	int rc;

	if (colon == NULL || in.n - at - 1 != 2 * AUDIT_HASH)
		return ERR_MALFORMED;
	rc = text_u64(slice_sub(in, 0, at), &h.n);
	if (rc == 0)
		rc = text_unhex(slice_sub(in, at + 1, in.n), &b);
	if (rc == 0 && b.n != AUDIT_HASH)
		rc = ERR_MALFORMED;
	if (rc == 0 && h.n > INT64_MAX)
		rc = ERR_RANGE;
	if (rc == 0)
		*ret = h;
	return rc;
}

static bool
same(const struct audit_head *a, const struct audit_head *b)
{
	return a->n == b->n && memcmp(a->hash, b->hash, AUDIT_HASH) == 0;
}

/* --- a run of entries --- */

void
audit_verify_begin(struct audit_verify *v, const struct audit_head *kept)
{
	memset(v, 0, sizeof(*v));
	if (kept != NULL)
		v->kept = *kept;
}

/* It may begin anywhere: whether that is right is known at the end. */
static void
first_entry(struct audit_verify *v, const struct audit_entry *e)
{
	v->base.n = e->n > 0 ? e->n - 1 : 0;
	memcpy(v->base.hash, e->prev, AUDIT_HASH);
	v->head = v->base;
	v->first = e->at;
}

static int
check_kept(const struct audit_verify *v, const struct audit_head *h,
    struct why *why)
{
	if (h->n != v->kept.n || v->kept.n == 0 || same(h, &v->kept))
		return 0;
	return why_set(why, ERR_CONFLICT, "entry %" PRIu64 " is another one "
	    "than the one whose head was kept: the log was made anew, or is "
	    "that of another server", h->n);
}

int
audit_verify_add(struct audit_verify *v, const struct audit_entry *e,
    struct why *why)
{
	static const struct audit_head none;
	uint8_t h[AUDIT_HASH];
	struct audit_head gone;
	int rc;

	if (v->entries == 0)
		first_entry(v, e);
	if (v->entries == 0 && v->base.n == 0 && !same(&v->base, &none))
		return why_set(why, ERR_DIGEST, "entry 1 names an entry "
		    "before it");
	if (e->n != v->head.n + 1)
		return why_set(why, ERR_ORDER, "after entry %" PRIu64 " comes "
		    "%" PRIu64, v->head.n, e->n);
	rc = hash(e, h);
	if (rc == ERR_CRYPTO)
		return why_set(why, rc, "%s", err_text(rc));
	if (rc != 0 || memcmp(h, e->hash, AUDIT_HASH) != 0)
		return why_set(why, ERR_DIGEST, "entry %" PRIu64 " was "
		    "changed: its hash is another one", e->n);
	if (memcmp(e->prev, v->head.hash, AUDIT_HASH) != 0)
		return why_set(why, ERR_DIGEST, "entry %" PRIu64 " does not "
		    "follow from the entry before it", e->n);
	v->head.n = e->n;
	memcpy(v->head.hash, h, AUDIT_HASH);
	v->entries++;
	v->last = e->at;
	if (strcmp(e->kind, audit_kind_name(AUDIT_PRUNE)) == 0 &&
	    audit_head_parse(slice_str(e->subject), &gone) == 0 &&
	    same(&gone, &v->base))
		v->pruned = true;
	rc = v->entries == 1 ? check_kept(v, &v->base, why) : 0;
	return rc != 0 ? rc : check_kept(v, &v->head, why);
}

int
audit_verify_end(const struct audit_verify *v, struct why *why)
{
	if (v->head.n < v->kept.n)
		return why_set(why, ERR_TRUNCATED, "the log ends at entry %"
		    PRIu64 ", and there was an entry %" PRIu64, v->head.n,
		    v->kept.n);
	if (v->base.n > 0 && !v->pruned && !same(&v->base, &v->kept))
		return why_set(why, ERR_MISSING, "the log begins with entry %"
		    PRIu64 ", and nothing in it says that those before it "
		    "were pruned", v->base.n + 1);
	return 0;
}
