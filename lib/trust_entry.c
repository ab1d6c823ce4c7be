/*
 * trust_entry: one key and its rights. The order of fields is fixed, so the
 * role is known before the fields whose meaning depends on it; an entry that
 * is not for this version is stepped over whole, and never half understood.
 *
 * COSE_Keys are told by their first bytes: there are two forms, each with one
 * encoding, and the kid is a hash over it.
 */
#include "lib/digest.h"
#include "lib/text.h"
#include "lib/trust_impl.h"

static bool
has_at(struct slice s, size_t off, struct slice part)
{
	return slice_eq(slice_sub(s, off, part.n), part);
}

bool
trust_cose_usable(struct slice cose)
{
	/* {1: 2, -1: 1, -2: x, -3: y} and {1: 1, -1: 6, -2: x} */
	static const uint8_t p256[] = {0xa4, 1, 2, 0x20, 1, 0x21, 0x58, 32};
	static const uint8_t p256_y[] = {0x22, 0x58, 32};
	static const uint8_t ed[] = {0xa3, 1, 1, 0x20, 6, 0x21, 0x58, 32};
	size_t y = sizeof(p256) + 32;

	if (cose.n == sizeof(ed) + 32)
		return has_at(cose, 0, slice_of(ed, sizeof(ed)));
	return cose.n == y + sizeof(p256_y) + 32 &&
	    has_at(cose, 0, slice_of(p256, sizeof(p256))) &&
	    has_at(cose, y, slice_of(p256_y, sizeof(p256_y)));
}

int
trust_cose_kid(struct slice cose, uint8_t ret_kid[TRUST_KID])
{
	struct digest d;
	int rc;

	if ((rc = digest_compute(DIGEST_SHA256, cose, &d)) == 0)
		memcpy(ret_kid, d.b, TRUST_KID);
	return rc;
}

int
trust_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int cmp = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return cmp != 0 ? cmp : (a.n > b.n) - (a.n < b.n);
}

int
trust_ascends(struct slice *last, struct slice item)
{
	int cmp = last->n == 0 ? -1 : trust_cmp(*last, item);

	if (cmp >= 0)
		return cmp == 0 ? ERR_DUPLICATE : ERR_ORDER;
	*last = item;
	return 0;
}

int
trust_skip(struct cbr *c, unsigned depth, struct slice *ret_raw)
{
	uint64_t left[TRUST_DEPTH + 1] = {1};
	struct cbr t = *c;
	struct cbr_item it;
	unsigned d = 0;
	int rc;

	while (d > 0 || left[0] > 0) {
		if (left[d] == 0) {
			d--;
			continue;
		}
		left[d]--;
		if ((rc = cbr_next(&t, &it)) != 0)
			return rc;
		if (it.type != CBR_ARRAY && it.type != CBR_MAP &&
		    it.type != CBR_TAG)
			continue;
		if (d == depth)
			return ERR_DEPTH;
		/* claims were held against the bytes that are left */
		left[++d] = it.type == CBR_TAG ? 1 :
		    it.type == CBR_MAP ? 2 * it.u : it.u;
	}
	if (ret_raw != NULL)
		*ret_raw = slice_sub(c->in, c->pos, t.pos - c->pos);
	*c = t;
	return 0;
}

int
trust_read_row(struct cbr *c, struct trust_row *row, struct why *why)
{
	struct slice last = SLICE_NONE, s;
	uint64_t n;
	size_t from;
	int rc;

	if ((rc = cbr_get_array(c, &n)) != 0)
		return why_set(why, rc, "%s must be an array", row->rule);
	if (n > row->cap)
		return why_set(why, ERR_SIZE, "%s: %llu, the limit is %zu",
		    row->rule, (unsigned long long)n, row->cap);
	from = c->pos;
	for (uint64_t i = 0; i < n; i++) {
		if ((rc = cbr_get_bstr(c, &s)) == 0 && s.n != row->size)
			rc = ERR_RANGE;
		if (rc == 0)
			rc = trust_ascends(&last, s);
		if (rc != 0)
			return why_set(why, rc, "%s must be strings of %zu "
			    "bytes, ascending: %s", row->rule, row->size,
			    err_text(rc));
	}
	row->n = (size_t)n;
	row->items = slice_sub(c->in, from, c->pos - from);
	return 0;
}

static int
read_classes(struct cbr *c, struct trust_key *k, struct why *why)
{
	struct trust_row row = {"TRUST 2.3: classes of a key", TRUST_CLASS,
	    LIMIT_TRUST_CLASSES, 0, SLICE_NONE};
	bool every;
	int rc;

	if (cbr_get_bool(c, &every) == 0) {
		k->every_class = every;
		return every ? 0 : why_set(why, ERR_TYPE,
		    "TRUST 2.3: false is no set of classes");
	}
	if ((rc = trust_read_row(c, &row, why)) != 0)
		return rc;
	if (row.n == 0)
		return why_set(why, ERR_RANGE,
		    "TRUST 2.3: no class at all is written as no field");
	k->classes = row.items;
	return 0;
}

/* A component id is an array of byte strings (SUIT 8.4.5). */
static int
read_component(struct cbr *c)
{
	struct slice part;
	uint64_t n;
	int rc;

	if ((rc = cbr_get_array(c, &n)) != 0)
		return rc;
	for (; n > 0; n--) {
		if ((rc = cbr_get_bstr(c, &part)) != 0)
			return rc;
	}
	return 0;
}

static int
read_components(struct cbr *c, struct trust_key *k, struct why *why)
{
	struct slice last = SLICE_NONE;
	uint64_t n = 0;
	size_t from, at;
	int rc;

	if ((rc = cbr_get_array(c, &n)) == 0 && n > LIMIT_TRUST_COMPONENTS)
		rc = ERR_SIZE;
	from = c->pos;
	for (; rc == 0 && n > 0; n--) {
		at = c->pos;
		if ((rc = read_component(c)) == 0)
			rc = trust_ascends(&last,
			    slice_sub(c->in, at, c->pos - at));
	}
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.3: components of a key must "
		    "be at most %d ids, ascending: %s",
		    LIMIT_TRUST_COMPONENTS, err_text(rc));
	k->every_component = false;
	k->components = slice_sub(c->in, from, c->pos - from);
	return 0;
}

static int
read_range(struct cbr *c, struct trust_key *k, struct why *why)
{
	uint64_t n = 0, least, most;
	int rc;

	if ((rc = cbr_get_array(c, &n)) == 0 && n != 2)
		rc = ERR_RANGE;
	if (rc == 0 && (rc = cbr_get_uint(c, &least)) == 0 &&
	    (rc = cbr_get_uint(c, &most)) == 0 &&
	    (least > most || (least == 0 && most == UINT64_MAX)))
		rc = ERR_RANGE;
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.3: the range of a key must "
		    "be [least, most]: %s", err_text(rc));
	k->seq_min = least;
	k->seq_max = most;
	return 0;
}

static int
read_name(struct cbr *c, struct trust_key *k, struct why *why)
{
	struct slice s;
	int rc;

	if ((rc = cbr_get_tstr(c, &s)) == 0 &&
	    !text_name_ok(s, LIMIT_TRUST_NAME))
		rc = ERR_RANGE;
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.3: the name of a key must be "
		    "1 to %d of [A-Za-z0-9._:@-]: %s", LIMIT_TRUST_NAME,
		    err_text(rc));
	k->name = s;
	return 0;
}

static int
pass_over(struct cbr *c, struct why *why)
{
	int rc = trust_skip(c, TRUST_DEPTH, NULL);

	return rc == 0 ? 0 : why_set(why, rc, "TRUST 2.3: a field that is "
	    "passed over: %s", err_text(rc));
}

/* Fields 4 and up, of an entry that is for us so far. */
static int
read_right(struct cbr *c, int64_t label, struct trust_key *k,
    struct why *why)
{
	static int (*const read[])(struct cbr *c, struct trust_key *k,
	    struct why *why) = {
		[ENTRY_CLASSES] = read_classes,
		[ENTRY_COMPONENTS] = read_components,
		[ENTRY_RANGE] = read_range,
		[ENTRY_NAME] = read_name,
	};

	if (label > 0 && label <= ENTRY_NAME)
		return read[label](c, k, why);
	if (label >= 0) /* it may take away what the others give */
		k->role = TRUST_FOREIGN;
	else
		k->extra_count++;
	return pass_over(c, why);
}

/* kid, key and role: what every entry begins with. */
static int
read_identity(struct cbr *c, struct trust_key *k, struct why *why)
{
	uint8_t want[TRUST_KID];
	struct slice kid;
	uint64_t label, role = 0;
	int rc;

	if ((rc = cbr_get_uint(c, &label)) != 0 || label != ENTRY_KID ||
	    (rc = cbr_get_bstr(c, &kid)) != 0 || kid.n != TRUST_KID ||
	    (rc = cbr_get_uint(c, &label)) != 0 || label != ENTRY_COSE ||
	    (rc = trust_skip(c, TRUST_DEPTH, &k->cose)) != 0 ||
	    (rc = cbr_get_uint(c, &label)) != 0 || label != ENTRY_ROLE ||
	    (rc = cbr_get_uint(c, &role)) != 0)
		return why_set(why, rc != 0 ? rc : ERR_MISSING, "TRUST 2.3: "
		    "an entry must begin with kid, COSE_Key and role");
	if ((rc = trust_cose_kid(k->cose, want)) != 0)
		return rc;
	if (memcmp(want, kid.p, TRUST_KID) != 0)
		return why_set(why, ERR_KEY, "TRUST 2.3: a kid is not that of "
		    "its COSE_Key");
	memcpy(k->kid, want, TRUST_KID);
	if (role < TRUST_ROLES && trust_cose_usable(k->cose))
		k->role = (enum trust_role)role;
	return 0;
}

/* Drops what may have been read of an entry that turns out to be foreign. */
static void
make_foreign(struct trust_key *k)
{
	k->every_class = k->every_component = false;
	k->classes = k->components = k->name = k->extra = SLICE_NONE;
	k->extra_count = 0;
	k->seq_min = UINT64_MAX;
	k->seq_max = 0;
}

int
trust_read_entry(struct cbr *c, struct trust_key *ret_key, struct why *why)
{
	struct trust_key k = {.every_component = true, .seq_max = UINT64_MAX};
	struct slice last = SLICE_NONE;
	size_t from = c->pos, at;
	uint64_t n;
	int64_t label;
	int rc;

	if ((rc = cbr_get_map(c, &n)) != 0 || n < ENTRY_ROLE)
		return why_set(why, rc != 0 ? rc : ERR_MISSING,
		    "TRUST 2.3: an entry must be a map of kid, key and role");
	if ((rc = read_identity(c, &k, why)) != 0)
		return rc;
	for (n -= ENTRY_ROLE; n > 0; n--) {
		at = c->pos;
		if ((rc = cbr_get_int(c, &label)) == 0)
			rc = trust_ascends(&last,
			    slice_sub(c->in, at, c->pos - at));
		if (rc == 0 && label >= 0 && label <= ENTRY_ROLE)
			rc = ERR_ORDER;
		if (rc != 0)
			return why_set(why, rc, "TRUST 2.3: fields of an "
			    "entry: %s", err_text(rc));
		rc = k.role == TRUST_FOREIGN ? pass_over(c, why)
					     : read_right(c, label, &k, why);
		if (rc != 0)
			return rc;
		if (k.extra_count == 1) /* the first: the others follow */
			k.extra = slice_sub(c->in, at, 0);
	}
	if (k.extra_count > 0)
		k.extra.n = (size_t)(c->in.p + c->pos - k.extra.p);
	if (k.role == TRUST_FOREIGN)
		make_foreign(&k);
	k.raw = slice_sub(c->in, from, c->pos - from);
	*ret_key = k;
	return 0;
}
