/*
 * A trust list for who approves it: what is another one than in the list that
 * is in force. Who can be trusted by it is said by its roots, not here.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/approve_facts.h"
#include "daemon/trusted.h"
#include "lib/cbor.h"
#include "lib/text.h"

/* ", class ..." of a key. */
static void
put_classes(const struct trust_key *k, struct buf *b)
{
	struct cbr c = cbr_of(k->classes);
	char text[37];
	struct slice id;

	if (k->every_class || k->classes.n == 0)
		buf_puts(b, k->every_class ? ", every class" : ", no class");
	while (!k->every_class && cbr_get_bstr(&c, &id) == 0 &&
	    id.n == TRUST_CLASS) {
		buf_puts(b, ", class ");
		buf_puts(b, text_uuid(id.p, text));
	}
}

static void
put_components(const struct trust_key *k, struct buf *b)
{
	struct cbr c = cbr_of(k->components);
	char text[80];
	struct slice id;

	while (!k->every_component && cbr_skip(&c, &id) == 0) {
		buf_puts(b, ", component ");
		buf_puts(b, manifest_component_name(id, text, sizeof(text)));
	}
}

static void
add_key(struct facts *f, const char *word, const struct trust_key *k)
{
	char text[1900], range[64] = "", kid[17];
	struct buf b = buf_of(text, sizeof(text) - 1);

	if (k->role == TRUST_AUTHOR) {
		put_classes(k, &b);
		put_components(k, &b);
	}
	text[b.n] = '\0';
	if (k->seq_min != 0 || k->seq_max != UINT64_MAX)
		snprintf(range, sizeof(range), ", sequences %" PRIu64 " to %"
		    PRIu64, k->seq_min, k->seq_max);
	facts_add(f, "%s: %s %.*s, key %s%s%s", word,
	    trust_role_name(k->role), (int)k->name.n, k->name.n > 0 ?
	    (const char *)k->name.p : "", text_hex(slice_of(k->kid,
	    TRUST_KID), kid, sizeof(kid)), text, range);
}

static void
add_keys(struct facts *f, const struct trust *have, const struct trust *next)
{
	const struct trust_key *was;

	for (size_t i = 0; i < next->key_count; i++) {
		const struct trust_key *k = &next->key[i];

		was = trust_find(have, slice_of(k->kid, TRUST_KID));
		if (was == NULL) {
			add_key(f, "new", k);
		} else if (!slice_eq(was->raw, k->raw)) {
			add_key(f, "changed", k);
			add_key(f, "before", was);
		}
	}
	for (size_t i = 0; i < have->key_count; i++) {
		was = &have->key[i];
		if (trust_find(next, slice_of(was->kid, TRUST_KID)) == NULL)
			add_key(f, "gone", was);
	}
}

static void
add_roots(struct facts *f, const struct trust *have, const struct trust *next)
{
	const struct trust_roots *r = &next->roots, *was = &have->roots;
	char kid[17];

	if (slice_eq(r->raw, was->raw))
		return;
	facts_add(f, "ROOTS: %u of %zu must sign, until now %u of %zu",
	    r->need, r->n, was->need, was->n);
	for (size_t i = 0; i < r->n; i++)
		if (!trust_is_root(have, slice_of(r->kid[i], TRUST_KID)))
			facts_add(f, "new: root %s", text_hex(slice_of(
			    r->kid[i], TRUST_KID), kid, sizeof(kid)));
	for (size_t i = 0; i < was->n; i++)
		if (!trust_is_root(next, slice_of(was->kid[i], TRUST_KID)))
			facts_add(f, "gone: root %s", text_hex(slice_of(
			    was->kid[i], TRUST_KID), kid, sizeof(kid)));
}

/* Digests that `a` denies and `b` does not. */
static void
add_denied(struct facts *f, const char *word, const struct trust *a,
    const struct trust *b)
{
	struct cbr c = cbr_of(a->denied);
	struct slice d;
	char hex[2 * TRUST_HASH + 1];

	while (cbr_get_bstr(&c, &d) == 0)
		if (!trust_denies(b, d))
			facts_add(f, "%s: manifest %s", word, text_hex(d, hex,
			    sizeof(hex)));
}

static void
add_floor(struct facts *f, const uint8_t id[TRUST_CLASS],
    const struct trust *have, const struct trust *next)
{
	struct trust_floor is = trust_floor_of(next, id);
	struct trust_floor was = trust_floor_of(have, id);
	char uuid[37], most[40] = "";

	if (is.least == was.least && is.most == was.most)
		return;
	if (is.most != UINT64_MAX)
		snprintf(most, sizeof(most), " and at most %" PRIu64, is.most);
	facts_add(f, "floor: class %s at least %" PRIu64 "%s, until now %"
	    PRIu64 "%s", text_uuid(id, uuid), is.least, most, was.least,
	    was.most != UINT64_MAX ? " with a ceiling" : "");
}

/* Of every class that has one in either. */
static void
add_floors(struct facts *f, const struct trust *have,
    const struct trust *next)
{
	for (size_t i = 0; i < next->floor_count; i++) {
		struct trust_floor t = trust_floor_at(next, i);

		add_floor(f, t.class_id, have, next);
	}
	for (size_t i = 0; i < have->floor_count; i++) {
		struct trust_floor t = trust_floor_at(have, i);
		struct trust_floor is = trust_floor_of(next, t.class_id);

		if (is.least == 0 && is.most == UINT64_MAX)
			add_floor(f, t.class_id, have, next);
	}
}

void
facts_trust(struct facts *f)
{
	static struct trust next;
	const struct trust *have = trusted_list(f->app);
	char hex[2 * TRUST_HASH + 1];
	struct why why = {0};
	int rc = trust_parse(f->req->body, &next, &why);
	size_t before;

	if (rc != 0) {
		facts_add(f, "publish something that is no trust list: %s",
		    why.text);
		return;
	}
	facts_add(f, "publish trust list %" PRIu64 "; in force is %s%" PRIu64,
	    next.seq, have == NULL ? "none, " : "", trusted_seq(f->app));
	facts_add(f, "list: %zu bytes, hash %s", f->req->body.n,
	    text_hex(slice_of(next.hash, TRUST_HASH), hex, sizeof(hex)));
	if (have == NULL)
		return;
	rc = trust_step_chain(have, &next, &why);
	if (rc != 0)
		facts_add(f, "would be refused now: %s: %s", err_text(rc),
		    why.text);
	before = f->out.n;
	add_roots(f, have, &next);
	add_keys(f, have, &next);
	add_denied(f, "denied", &next, have);
	add_denied(f, "denied no longer", have, &next);
	add_floors(f, have, &next);
	if (!slice_eq(have->extra, next.extra))
		facts_add(f, "fields for later versions: %zu, other ones than "
		    "before", next.extra_count);
	if (before == f->out.n && !f->cut)
		facts_add(f, "nothing else is another one than before");
}
