/*
 * trust_encode: a list from a spec. It sorts what has an order, writes, and
 * reads back what it wrote: the parser is the one place that knows the rules,
 * duplicates and caps included.
 */
#include "lib/trust_impl.h"

/* Insertion: there are 32 at most. */
static void
sort_slices(struct slice *s, size_t n)
{
	struct slice t;
	size_t j;

	for (size_t i = 1; i < n; i++) {
		t = s[i];
		for (j = i; j > 0 && trust_cmp(s[j - 1], t) > 0; j--)
			s[j] = s[j - 1];
		s[j] = t;
	}
}

/* An array of the items in a row; ERR_SIZE over `cap`, 32 at most. */
static int
put_row(struct buf *b, struct slice row, size_t cap)
{
	struct slice item[32];
	struct cbr c = cbr_of(row);
	size_t n = 0;
	int rc;

	for (; !cbr_end(&c); n++) {
		if (n == cap)
			return ERR_SIZE;
		if ((rc = cbr_skip(&c, &item[n])) != 0)
			return rc;
	}
	sort_slices(item, n);
	cbr_put_array(b, n);
	for (size_t i = 0; i < n; i++)
		buf_put(b, item[i]);
	return 0;
}

/* Indices in the order of kids. */
struct order {
	size_t n;
	uint8_t kid[LIMIT_TRUST_KEYS][TRUST_KID];
	size_t at[LIMIT_TRUST_KEYS];
};

static int
order_add(struct order *o, struct slice cose)
{
	size_t i = o->n, j;
	int rc;

	if ((rc = trust_cose_kid(cose, o->kid[i])) != 0)
		return rc;
	for (j = i; j > 0 &&
	    memcmp(o->kid[o->at[j - 1]], o->kid[i], TRUST_KID) > 0; j--)
		o->at[j] = o->at[j - 1];
	o->at[j] = i;
	o->n++;
	return 0;
}

static int
put_roots(struct buf *b, const struct trust_spec *s)
{
	struct order o = {.n = 0};
	int rc;

	for (size_t i = 0; i < s->root_count; i++) {
		if ((rc = order_add(&o, s->root[i])) != 0)
			return rc;
	}
	cbr_put_uint(b, LIST_ROOTS);
	cbr_put_array(b, s->root_count + 1);
	cbr_put_uint(b, s->need);
	for (size_t i = 0; i < o.n; i++)
		buf_put(b, s->root[o.at[i]]);
	return 0;
}

static int
put_entry(struct buf *b, const struct trust_key *k, const uint8_t *kid)
{
	bool range = k->seq_min != 0 || k->seq_max != UINT64_MAX;
	bool classes = k->every_class || k->classes.n > 0;
	int rc;

	cbr_put_map(b, ENTRY_ROLE + classes + !k->every_component + range +
	    (k->name.n > 0) + k->extra_count);
	cbr_put_uint(b, ENTRY_KID);
	cbr_put_bstr(b, slice_of(kid, TRUST_KID));
	cbr_put_uint(b, ENTRY_COSE);
	buf_put(b, k->cose);
	cbr_put_uint(b, ENTRY_ROLE);
	cbr_put_uint(b, k->role);
	if (classes)
		cbr_put_uint(b, ENTRY_CLASSES);
	if (k->every_class)
		cbr_put_bool(b, true);
	else if (classes &&
	    (rc = put_row(b, k->classes, LIMIT_TRUST_CLASSES)) != 0)
		return rc;
	if (!k->every_component) {
		cbr_put_uint(b, ENTRY_COMPONENTS);
		if ((rc = put_row(b, k->components,
			 LIMIT_TRUST_COMPONENTS)) != 0)
			return rc;
	}
	if (range) {
		cbr_put_uint(b, ENTRY_RANGE);
		cbr_put_array(b, 2);
		cbr_put_uint(b, k->seq_min);
		cbr_put_uint(b, k->seq_max);
	}
	if (k->name.n > 0) {
		cbr_put_uint(b, ENTRY_NAME);
		cbr_put_tstr(b, k->name);
	}
	buf_put(b, k->extra);
	return 0;
}

static int
put_keys(struct buf *b, const struct trust_spec *s)
{
	struct order o = {.n = 0};
	int rc;

	for (size_t i = 0; i < s->key_count; i++) {
		if ((rc = order_add(&o, s->key[i].cose)) != 0)
			return rc;
	}
	cbr_put_uint(b, LIST_KEYS);
	cbr_put_array(b, s->key_count);
	for (size_t i = 0; i < o.n; i++) {
		const struct trust_key *k = &s->key[o.at[i]];

		if (k->role == TRUST_FOREIGN)
			buf_put(b, k->raw);
		else if ((rc = put_entry(b, k, o.kid[o.at[i]])) != 0)
			return rc;
	}
	return 0;
}

static void
put_denied(struct buf *b, const struct trust_spec *s)
{
	struct slice d[LIMIT_TRUST_DENIED];

	for (size_t i = 0; i < s->denied_count; i++)
		d[i] = slice_of(s->denied[i], TRUST_HASH);
	sort_slices(d, s->denied_count);
	cbr_put_uint(b, LIST_DENIED);
	cbr_put_array(b, s->denied_count);
	for (size_t i = 0; i < s->denied_count; i++)
		cbr_put_bstr(b, d[i]);
}

/* Class ids come first in struct trust_floor, so a slice finds the rest. */
static void
put_floors(struct buf *b, const struct trust_spec *s)
{
	struct slice id[LIMIT_TRUST_FLOORS];
	const struct trust_floor *f;

	for (size_t i = 0; i < s->floor_count; i++)
		id[i] = slice_of(&s->floor[i], TRUST_CLASS);
	sort_slices(id, s->floor_count);
	cbr_put_uint(b, LIST_FLOORS);
	cbr_put_map(b, s->floor_count);
	for (size_t i = 0; i < s->floor_count; i++) {
		f = (const void *)id[i].p;
		cbr_put_bstr(b, id[i]);
		if (f->most != UINT64_MAX)
			cbr_put_array(b, 2);
		cbr_put_uint(b, f->least);
		if (f->most != UINT64_MAX)
			cbr_put_uint(b, f->most);
	}
}

static int
check_counts(const struct trust_spec *s, struct why *why)
{
	if (s->root_count > LIMIT_TRUST_ROOTS)
		return why_set(why, ERR_SIZE, "TRUST 2.2: at most %d roots",
		    LIMIT_TRUST_ROOTS);
	if (s->key_count > LIMIT_TRUST_KEYS)
		return why_set(why, ERR_SIZE, "TRUST 2.3: at most %d keys",
		    LIMIT_TRUST_KEYS);
	if (s->denied_count > LIMIT_TRUST_DENIED)
		return why_set(why, ERR_SIZE, "TRUST 2.4: at most %d denied "
		    "digests", LIMIT_TRUST_DENIED);
	if (s->floor_count > LIMIT_TRUST_FLOORS)
		return why_set(why, ERR_SIZE, "TRUST 2.4: at most %d floors",
		    LIMIT_TRUST_FLOORS);
	return 0;
}

int
trust_encode(const struct trust_spec *spec, struct buf *out, struct why *why)
{
	uint8_t mem[LIMIT_TRUST_LIST];
	struct buf b = buf_of(mem, sizeof(mem));
	struct trust back;
	int rc;

	if ((rc = check_counts(spec, why)) != 0)
		return rc;
	cbr_put_map(&b, LIST_FLOORS + spec->extra_count);
	cbr_put_uint(&b, LIST_SEQ);
	cbr_put_uint(&b, spec->seq);
	cbr_put_uint(&b, LIST_PREV);
	cbr_put_bstr(&b, slice_of(spec->prev, TRUST_HASH));
	if ((rc = put_roots(&b, spec)) != 0 || (rc = put_keys(&b, spec)) != 0)
		return why_set(why, rc, "TRUST 2.3: keys: %s", err_text(rc));
	put_denied(&b, spec);
	put_floors(&b, spec);
	buf_put(&b, spec->extra);
	if (b.over)
		return why_set(why, ERR_SIZE, "TRUST 2.1: the list is over "
		    "the limit of %d bytes", LIMIT_TRUST_LIST);
	if ((rc = trust_parse_payload(buf_slice(&b), &back, why)) != 0)
		return rc;
	if (b.n > out->cap - out->n)
		return why_set(why, ERR_SPACE, "no room for the list");
	buf_put(out, buf_slice(&b));
	return 0;
}

void
trust_spec_same(const struct trust *list, struct trust_spec *ret_spec)
{
	struct trust_spec s = {.seq = list->seq, .need = list->roots.need};
	struct cbr c = cbr_of(list->denied);
	struct slice digest;

	memcpy(s.prev, list->prev, TRUST_HASH);
	s.root_count = list->roots.n;
	memcpy(s.root, list->roots.cose, sizeof(s.root));
	s.key_count = list->key_count;
	memcpy(s.key, list->key, sizeof(s.key));
	while (cbr_get_bstr(&c, &digest) == 0)
		memcpy(s.denied[s.denied_count++], digest.p, TRUST_HASH);
	for (; s.floor_count < list->floor_count; s.floor_count++)
		s.floor[s.floor_count] = trust_floor_at(list, s.floor_count);
	s.extra = list->extra;
	s.extra_count = list->extra_count;
	*ret_spec = s;
}

void
trust_spec_next(const struct trust *list, struct trust_spec *ret_spec)
{
	trust_spec_same(list, ret_spec);
	ret_spec->seq++;
	memcpy(ret_spec->prev, list->hash, TRUST_HASH);
}

int
trust_key_put(const struct cose_key *key, struct buf *out, struct why *why)
{
	uint8_t mem[256];
	struct buf b = buf_of(mem, sizeof(mem));
	int rc;

	if ((rc = cose_key_put_bare(key, &b)) != 0 ||
	    !trust_cose_usable(buf_slice(&b)))
		return why_set(why, rc == 0 ? ERR_KEY : rc, "TRUST 2.2: keys "
		    "of a list are p256 or ed25519, not %s",
		    cose_key_kind_name(cose_key_kind(key)));
	if (b.n > out->cap - out->n)
		return why_set(why, ERR_SPACE, "no room for the key");
	buf_put(out, buf_slice(&b));
	return 0;
}
