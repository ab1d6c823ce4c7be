/*
 * trust_parse: a list from bytes. Every refusal here is about form, and form
 * is strict: whatever could be written in two ways is one way too many for
 * something whose hash is its identity.
 *
 * The fields come in their order, so the map is read straight through. A
 * positive number that is unknown may restrict what the others allow, so the
 * list is of no use here; negative ones are for what may be passed over.
 */
#include "lib/digest.h"
#include "lib/trust_impl.h"

static const uint8_t body_prot[] = "\xa1\x10\x78\x1c"
    "application/suitd-trust+cbor";
const struct slice trust_body_prot = {body_prot, sizeof(body_prot) - 1};

static int
read_seq(struct cbr *c, struct trust *t, struct why *why)
{
	int rc = cbr_get_uint(c, &t->seq);

	if (rc == 0 && (t->seq == 0 || t->seq > INT64_MAX))
		rc = ERR_RANGE;
	return rc == 0 ? 0 : why_set(why, rc,
	    "TRUST 2.2: the number of a list must be 1 to 2^63-1: %s",
	    err_text(rc));
}

static int
read_prev(struct cbr *c, struct trust *t, struct why *why)
{
	static const uint8_t none[TRUST_HASH];
	struct slice s;
	int rc;

	if ((rc = cbr_get_bstr(c, &s)) == 0 && s.n != TRUST_HASH)
		rc = ERR_RANGE;
	if (rc == 0 && (memcmp(s.p, none, TRUST_HASH) == 0) != (t->seq == 1))
		rc = ERR_RANGE;
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.2: the hash of the list "
		    "before must be 32 bytes, zeros in list 1 only: %s",
		    err_text(rc));
	memcpy(t->prev, s.p, TRUST_HASH);
	return 0;
}

static int
read_root(struct cbr *c, struct trust_roots *r, struct slice *last)
{
	uint8_t *kid = r->kid[r->n];
	struct slice cose;
	int rc;

	if ((rc = trust_skip(c, TRUST_DEPTH, &cose)) != 0)
		return rc;
	if (!trust_cose_usable(cose))
		return ERR_KEY;
	if ((rc = trust_cose_kid(cose, kid)) == 0)
		rc = trust_ascends(last, slice_of(kid, TRUST_KID));
	if (rc == 0)
		r->cose[r->n++] = cose;
	return rc;
}

static int
read_roots(struct cbr *c, struct trust *t, struct why *why)
{
	struct trust_roots *r = &t->roots;
	struct slice last = SLICE_NONE;
	size_t from = c->pos;
	uint64_t n = 0, need = 0;
	int rc;

	if ((rc = cbr_get_array(c, &n)) == 0 &&
	    (n < 2 || n > LIMIT_TRUST_ROOTS + 1))
		rc = n < 2 ? ERR_MISSING : ERR_SIZE;
	if (rc == 0 && (rc = cbr_get_uint(c, &need)) == 0 &&
	    (need == 0 || need > n - 1))
		rc = ERR_RANGE;
	for (uint64_t i = 1; rc == 0 && i < n; i++)
		rc = read_root(c, r, &last);
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.2: roots must be m and 1 to "
		    "%d keys (P-256, Ed25519), at least m, ascending by kid: "
		    "%s", LIMIT_TRUST_ROOTS, err_text(rc));
	r->need = (unsigned)need;
	r->raw = slice_sub(c->in, from, c->pos - from);
	return 0;
}

static int
read_keys(struct cbr *c, struct trust *t, struct why *why)
{
	struct slice last = SLICE_NONE;
	struct trust_key *k;
	uint64_t n;
	int rc;

	if ((rc = cbr_get_array(c, &n)) != 0 || n > LIMIT_TRUST_KEYS)
		return why_set(why, rc != 0 ? rc : ERR_SIZE, "TRUST 2.3: keys "
		    "must be an array of at most %d", LIMIT_TRUST_KEYS);
	for (; n > 0; n--) {
		k = &t->key[t->key_count];
		if ((rc = trust_read_entry(c, k, why)) != 0)
			return rc;
		if ((rc = trust_ascends(&last,
			 slice_of(k->kid, TRUST_KID))) != 0)
			return why_set(why, rc, "TRUST 2.3: keys must ascend "
			    "by kid: %s", err_text(rc));
		if (trust_is_root(t, last))
			return why_set(why, ERR_KEY, "TRUST 2.3: a root signs "
			    "lists and nothing else");
		t->key_count++;
	}
	return 0;
}

static int
read_denied(struct cbr *c, struct trust *t, struct why *why)
{
	struct trust_row row = {"TRUST 2.4: denied digests", TRUST_HASH,
	    LIMIT_TRUST_DENIED, 0, SLICE_NONE};
	int rc;

	if ((rc = trust_read_row(c, &row, why)) != 0)
		return rc;
	t->denied = row.items;
	t->denied_count = row.n;
	return 0;
}

/* least, or [least, most] */
static int
read_floor(struct cbr *c)
{
	uint64_t n, least, most;
	int rc;

	if (cbr_get_uint(c, &least) == 0)
		return 0;
	if ((rc = cbr_get_array(c, &n)) != 0)
		return rc;
	if (n != 2)
		return ERR_RANGE;
	if ((rc = cbr_get_uint(c, &least)) != 0 ||
	    (rc = cbr_get_uint(c, &most)) != 0)
		return rc;
	/* the largest number is written as no ceiling */
	return least > most || most == UINT64_MAX ? ERR_RANGE : 0;
}

static int
read_floors(struct cbr *c, struct trust *t, struct why *why)
{
	struct slice last = SLICE_NONE, class_id;
	uint64_t n = 0;
	size_t from;
	int rc;

	if ((rc = cbr_get_map(c, &n)) == 0 && n > LIMIT_TRUST_FLOORS)
		rc = ERR_SIZE;
	from = c->pos;
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		if ((rc = cbr_get_bstr(c, &class_id)) == 0 &&
		    class_id.n != TRUST_CLASS)
			rc = ERR_RANGE;
		if (rc == 0 && (rc = trust_ascends(&last, class_id)) == 0)
			rc = read_floor(c);
	}
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.4: floors must be at most %d "
		    "classes, ascending, each with a number or [least, most]: "
		    "%s", LIMIT_TRUST_FLOORS, err_text(rc));
	t->floor_count = (size_t)n;
	t->floors = slice_sub(c->in, from, c->pos - from);
	return 0;
}

/* What comes after the fields: negative numbers only. */
static int
read_extra(struct cbr *c, uint64_t n, struct trust *t, struct why *why)
{
	struct slice last = SLICE_NONE, key;
	size_t from = c->pos, at;
	int64_t label;
	int rc = 0;

	t->extra_count = (size_t)n;
	for (; rc == 0 && n > 0; n--) {
		at = c->pos;
		if ((rc = cbr_get_int(c, &label)) != 0)
			break;
		if (label >= 0)
			return why_set(why, ERR_UNSUPPORTED, "TRUST 2.2: "
			    "field %lld is of a later version, and may "
			    "restrict", (long long)label);
		key = slice_sub(c->in, at, c->pos - at);
		if ((rc = trust_ascends(&last, key)) == 0)
			rc = trust_skip(c, TRUST_DEPTH, NULL);
	}
	if (rc == 0 && !cbr_end(c))
		rc = ERR_TRAILING;
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.2: fields of the list: %s",
		    err_text(rc));
	t->extra = slice_sub(c->in, from, c->pos - from);
	return 0;
}

static int
read_list(struct slice payload, struct trust *t, struct why *why)
{
	static int (*const read[])(struct cbr *c, struct trust *t,
	    struct why *why) = {
		[LIST_SEQ] = read_seq,
		[LIST_PREV] = read_prev,
		[LIST_ROOTS] = read_roots,
		[LIST_KEYS] = read_keys,
		[LIST_DENIED] = read_denied,
		[LIST_FLOORS] = read_floors,
	};
	struct cbr c = cbr_of(payload);
	uint64_t n, label = 0;
	int rc;

	if ((rc = cbr_get_map(&c, &n)) != 0 || n < LIST_FLOORS)
		return why_set(why, rc != 0 ? rc : ERR_MISSING,
		    "TRUST 2.2: a list must be a map with fields 1 to 6");
	for (unsigned i = LIST_SEQ; i <= LIST_FLOORS; i++) {
		if ((rc = cbr_get_uint(&c, &label)) != 0 || label != i)
			return why_set(why, rc != 0 ? rc : ERR_MISSING,
			    "TRUST 2.2: field %u must come here", i);
		if ((rc = read[i](&c, t, why)) != 0)
			return rc;
	}
	return read_extra(&c, n - LIST_FLOORS, t, why);
}

/* Fills *t as it goes: one of those on the stack is enough. */
static int
parse_payload(struct slice in, struct trust *t, struct why *why)
{
	struct digest d;
	int rc;

	if (in.n > LIMIT_TRUST_LIST)
		return why_set(why, ERR_SIZE, "TRUST 2.1: %zu bytes, the "
		    "limit is %d", in.n, LIMIT_TRUST_LIST);
	*t = (struct trust){.payload = in};
	if ((rc = read_list(in, t, why)) != 0 ||
	    (rc = digest_compute(DIGEST_SHA256, in, &d)) != 0)
		return rc;
	memcpy(t->hash, d.b, TRUST_HASH);
	return 0;
}

int
trust_parse_payload(struct slice in, struct trust *ret_list, struct why *why)
{
	struct trust t;
	int rc;

	if ((rc = parse_payload(in, &t, why)) == 0)
		*ret_list = t;
	return rc;
}

/*
 * What is not signed must not vary: nothing in headers without protection.
 * A COSE message of this kind begins d8 62 84 58 20 HEADER a0.
 */
static const uint8_t begin[] = {0xd8, COSE_TAG_SIGN, 0x84, 0x58,
    sizeof(body_prot) - 1};
#define LIST_BEGIN (sizeof(begin) + sizeof(body_prot) - 1 + 1)

static bool
is_list(struct slice in)
{
	return in.n > LIST_BEGIN && memcmp(in.p, begin, sizeof(begin)) == 0 &&
	    slice_eq(slice_sub(in, sizeof(begin), trust_body_prot.n),
		trust_body_prot) && in.p[LIST_BEGIN - 1] == 0xa0;
}

/* Pairs of simple things: no reader of headers has to dig. */
static int
check_flat(struct slice prot)
{
	struct cbr c = cbr_of(prot);
	int rc;

	if ((rc = trust_skip(&c, 1, NULL)) != 0)
		return rc;
	return cbr_end(&c) ? 0 : ERR_TRAILING;
}

static int
check_signature(struct cbr *c)
{
	struct slice prot, sig;
	uint64_t n;
	int rc;

	if ((rc = cbr_get_array(c, &n)) != 0 ||
	    (rc = n == 3 ? 0 : ERR_MALFORMED) != 0 ||
	    (rc = cbr_get_bstr(c, &prot)) != 0 ||
	    (rc = check_flat(prot)) != 0 ||
	    (rc = cbr_get_map(c, &n)) != 0 ||
	    (rc = n == 0 ? 0 : ERR_MALFORMED) != 0)
		return rc;
	return cbr_get_bstr(c, &sig);
}

/* The form of what stands around the payload, before cose_parse reads it. */
static int
check_message(struct slice in, struct why *why)
{
	struct cbr c = cbr_of(in);
	struct slice payload;
	uint64_t n = 0;
	int rc;

	if (!is_list(in))
		return why_set(why, ERR_TYPE, "TRUST 2.1: not a COSE_Sign of "
		    "type application/suitd-trust+cbor");
	c.pos = LIST_BEGIN;
	if ((rc = cbr_get_bstr(&c, &payload)) != 0)
		return why_set(why, rc,
		    "TRUST 2.1: the list must be inside of its message");
	if ((rc = cbr_get_array(&c, &n)) == 0 && n == 0)
		rc = ERR_UNSIGNED;
	for (; rc == 0 && n > 0; n--)
		rc = check_signature(&c);
	if (rc != 0)
		return why_set(why, rc, "TRUST 2.1: signatures must be [flat "
		    "header, {}, bytes]: %s", err_text(rc));
	return 0;
}

int
trust_parse(struct slice in, struct trust *ret_list, struct why *why)
{
	struct trust t;
	struct cose_msg msg;
	int rc;

	if (in.n > LIMIT_TRUST_LIST)
		return why_set(why, ERR_SIZE, "TRUST 2.1: %zu bytes, the "
		    "limit is %d", in.n, LIMIT_TRUST_LIST);
	if ((rc = check_message(in, why)) != 0 ||
	    (rc = cose_parse(in, &msg, why)) != 0 ||
	    (rc = parse_payload(msg.payload, &t, why)) != 0)
		return rc;
	t.message = in;
	t.msg = msg;
	*ret_list = t;
	return 0;
}
