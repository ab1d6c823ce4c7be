/*
 * libcbor does what is easy to get wrong by one: the length of a head, the
 * bytes of a string against what is left, half floats. Its streaming decoder
 * is stateless and allocates nothing; its item tree would do both, and would
 * lose the bytes as sent.
 *
 * Three things are decided here from the initial byte, because libcbor has
 * no say in them or differs between its versions: tags 6 to 20 and the
 * simple values without a name (0.8 refuses both; 18 is COSE_Sign1), and the
 * deterministic form that SUIT and COSE ask for.
 *
 * The head of a container claims a count. It is held against the bytes that
 * are left as soon as it is read, so no loop runs on a claim.
 *
 * What builds on single heads, the getters, is in cbor_get.c.
 *
 * The length callbacks take size_t in libcbor 0.8 and uint64_t in 0.10; both
 * are the same type on the 64-bit machines that this runs on.
 */
#include "lib/cbor.h"

#include <math.h>

#include <cbor.h>

#include "lib/limits.h"
#include "lib/text.h"

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "64-bit machines only");

/* --- libcbor's callbacks: each fills the struct cbr_item given to it --- */

#define ON_INT(name, ctype, kind) \
	static void \
	on_##name(void *ctx, ctype v) \
	{ \
		struct cbr_item *it = ctx; \
		it->type = kind; \
		it->u = v; \
	}
ON_INT(uint8, uint8_t, CBR_UINT)
ON_INT(uint16, uint16_t, CBR_UINT)
ON_INT(uint32, uint32_t, CBR_UINT)
ON_INT(uint64, uint64_t, CBR_UINT)
ON_INT(negint8, uint8_t, CBR_NINT)
ON_INT(negint16, uint16_t, CBR_NINT)
ON_INT(negint32, uint32_t, CBR_NINT)
ON_INT(negint64, uint64_t, CBR_NINT)
ON_INT(array, uint64_t, CBR_ARRAY)
ON_INT(map, uint64_t, CBR_MAP)
ON_INT(boolean, bool, CBR_BOOL)
#undef ON_INT

#define ON_STR(name, kind) \
	static void \
	on_##name(void *ctx, cbor_data p, uint64_t n) \
	{ \
		struct cbr_item *it = ctx; \
		it->type = kind; \
		it->str = slice_of(p, n); \
	}
ON_STR(bytes, CBR_BSTR)
ON_STR(text, CBR_TSTR)
#undef ON_STR

#define ON_BARE(name, kind) \
	static void \
	on_##name(void *ctx) \
	{ \
		((struct cbr_item *)ctx)->type = kind; \
	}
ON_BARE(null, CBR_NULL)
ON_BARE(undefined, CBR_UNDEFINED)
ON_BARE(break, CBR_BREAK)
#undef ON_BARE

static void
on_indef_array(void *ctx)
{
	struct cbr_item *it = ctx;

	it->type = CBR_ARRAY;
	it->indefinite = true;
}

static void
on_indef_map(void *ctx)
{
	struct cbr_item *it = ctx;

	it->type = CBR_MAP;
	it->indefinite = true;
}

static void
on_float(void *ctx, float v)
{
	struct cbr_item *it = ctx;

	it->type = CBR_FLOAT;
	it->f = (double)v;
}

static void
on_double(void *ctx, double v)
{
	struct cbr_item *it = ctx;

	it->type = CBR_FLOAT;
	it->f = v;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string = on_bytes,
	.string = on_text,
	.array_start = on_array,
	.map_start = on_map,
	.indef_array_start = on_indef_array,
	.indef_map_start = on_indef_map,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_undefined,
	.null = on_null,
	.boolean = on_boolean,
	.indef_break = on_break,
	/*
	 * head_check and head_own take these before libcbor sees them; so
	 * they do for the unnamed simple values of later versions
	 */
	.byte_string_start = cbor_null_byte_string_start_callback,
	.string_start = cbor_null_string_start_callback,
	.tag = cbor_null_tag_callback,
};

/* --- heads --- */

enum { /* major types, RFC 8949 3.1 */
	MAJOR_BSTR = 2,
	MAJOR_TSTR = 3,
	MAJOR_ARRAY = 4,
	MAJOR_MAP = 5,
	MAJOR_TAG = 6,
	MAJOR_OTHER = 7,
};

/* Additional information 28..31 by major type: RFC 8949 3, 3.2. */
static int
head_check(uint8_t major, uint8_t info, bool lenient)
{
	if (info < 28)
		return 0;
	if (info < 31)
		return ERR_MALFORMED;
	switch (major) {
	case MAJOR_BSTR:
	case MAJOR_TSTR:
		return ERR_INDEFINITE;
	case MAJOR_ARRAY:
	case MAJOR_MAP:
		return lenient ? 0 : ERR_INDEFINITE;
	case MAJOR_OTHER: /* break */
		return lenient ? 0 : ERR_MALFORMED;
	default:
		return ERR_MALFORMED;
	}
}

/* The argument of a head, and in *ret_n the head's length. */
static int
argument(struct slice in, uint64_t *ret_u, size_t *ret_n)
{
	uint8_t info = in.p[0] & 31;
	size_t n = info < 24 ? 0 : (size_t)1 << (info - 24);
	uint64_t u = info < 24 ? info : 0;

	if (n > in.n - 1)
		return ERR_TRUNCATED;
	for (size_t i = 0; i < n; i++)
		u = u << 8 | in.p[1 + i];
	*ret_u = u;
	*ret_n = 1 + n;
	return 0;
}

static bool
shortest(uint64_t u, size_t head)
{
	static const uint64_t below[] = {24, 0x100, 0x10000, 0x100000000};
	static const size_t len[] = {1, 2, 3, 5, 9};
	size_t i = 0;

	while (i < 4 && u >= below[i])
		i++;
	return head == len[i];
}

/* Tags and unnamed simple values; *ret_done tells whether it was one. */
static int
head_own(struct slice in, struct cbr_item *it, bool *ret_done)
{
	uint8_t major = in.p[0] >> 5, info = in.p[0] & 31;
	size_t n;
	int rc;

	*ret_done = false;
	if (major == MAJOR_OTHER ? info >= 20 && info != 24
				 : major != MAJOR_TAG)
		return 0;
	if ((rc = argument(in, &it->u, &n)) != 0)
		return rc;
	/* RFC 8949 3.3: a second byte below 32 is not well-formed */
	if (major == MAJOR_OTHER && info == 24 && it->u < 32)
		return ERR_MALFORMED;
	it->type = major == MAJOR_TAG ? CBR_TAG : CBR_SIMPLE;
	it->raw = slice_sub(in, 0, n);
	*ret_done = true;
	return 0;
}

static int
head_libcbor(struct slice in, struct cbr_item *it)
{
	struct cbor_decoder_result r;

	r = cbor_stream_decode(in.p, in.n, &callbacks, it);
	if (r.status == CBOR_DECODER_NEDATA)
		return ERR_TRUNCATED;
	if (r.status != CBOR_DECODER_FINISHED)
		return ERR_MALFORMED;
	it->raw = slice_sub(in, 0, r.read);
	return 0;
}

int
cbr_peek(const struct cbr *c, struct cbr_item *ret_item)
{
	struct slice in = slice_sub(c->in, c->pos, c->in.n);
	struct cbr_item it = {0};
	uint64_t u, room;
	size_t n;
	bool done;
	int rc;

	if (in.n == 0)
		return ERR_TRUNCATED;
	if ((rc = head_check(in.p[0] >> 5, in.p[0] & 31, c->lenient)) != 0 ||
	    (rc = head_own(in, &it, &done)) != 0)
		return rc;
	if (!done && (rc = head_libcbor(in, &it)) != 0)
		return rc;
	if (!c->lenient && in.p[0] >> 5 != MAJOR_OTHER) {
		if ((rc = argument(in, &u, &n)) != 0)
			return rc;
		if (!shortest(u, n))
			return ERR_MALFORMED;
	}
	room = in.n - it.raw.n;
	if ((it.type == CBR_ARRAY && it.u > room) ||
	    (it.type == CBR_MAP && it.u > room / 2))
		return ERR_TRUNCATED;
	if (it.type == CBR_TSTR && !text_utf8_ok(it.str))
		return ERR_UTF8;
	*ret_item = it;
	return 0;
}

int
cbr_next(struct cbr *c, struct cbr_item *ret_item)
{
	struct cbr_item it;
	int rc;

	if ((rc = cbr_peek(c, &it)) != 0)
		return rc;
	c->pos += it.raw.n;
	*ret_item = it;
	return 0;
}

/* --- whole items --- */

static int skip(struct cbr *c, unsigned depth);

static bool
at_break(const struct cbr *c)
{
	return c->pos < c->in.n && c->in.p[c->pos] == 0xff;
}

static int
skip_array(struct cbr *c, const struct cbr_item *it, unsigned depth)
{
	uint64_t i;
	int rc;

	for (i = 0; it->indefinite ? !at_break(c) : i < it->u; i++) {
		if ((rc = skip(c, depth)) != 0)
			return rc;
	}
	if (it->indefinite)
		c->pos++;
	return 0;
}

/* Any total order does; it only has to be quick. */
static int
key_cmp(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return memcmp(a.p, b.p, a.n);
}

struct key_set {
	struct slice key[LIMIT_CBOR_MAP];
	size_t n;
	size_t max; /* index of the greatest key */
};

/*
 * A key above all earlier ones is new without a search: maps in
 * deterministic order, the usual ones, cost one comparison per key.
 */
static int
key_add(struct key_set *s, struct slice key)
{
	int cmp = s->n == 0 ? 1 : key_cmp(key, s->key[s->max]);

	if (s->n == LIMIT_CBOR_MAP)
		return ERR_SIZE;
	if (cmp == 0)
		return ERR_DUPLICATE;
	for (size_t i = 0; cmp < 0 && i < s->n; i++) {
		if (slice_eq(key, s->key[i]))
			return ERR_DUPLICATE;
	}
	if (cmp > 0)
		s->max = s->n;
	s->key[s->n++] = key;
	return 0;
}

static int
skip_map(struct cbr *c, const struct cbr_item *it, unsigned depth)
{
	struct key_set keys;
	size_t from;
	uint64_t i;
	int rc;

	keys.n = keys.max = 0;
	if (it->u > LIMIT_CBOR_MAP)
		return ERR_SIZE;
	for (i = 0; it->indefinite ? !at_break(c) : i < it->u; i++) {
		from = c->pos;
		if ((rc = skip(c, depth)) != 0 ||
		    (rc = key_add(&keys,
			 slice_sub(c->in, from, c->pos - from))) != 0 ||
		    (rc = skip(c, depth)) != 0)
			return rc;
	}
	if (it->indefinite)
		c->pos++;
	return 0;
}

/*
 * `depth` is the number of containers and tags around the item. The one
 * recursion over input in this program, LIMIT_CBOR_DEPTH deep at most.
 */
static int
skip(struct cbr *c, unsigned depth)
{
	struct cbr_item it;
	int rc;

	if ((rc = cbr_next(c, &it)) != 0)
		return rc;
	if (it.type == CBR_BREAK)
		return ERR_MALFORMED;
	if (it.type != CBR_ARRAY && it.type != CBR_MAP && it.type != CBR_TAG)
		return 0;
	if (depth == LIMIT_CBOR_DEPTH)
		return ERR_DEPTH;
	if (it.type == CBR_TAG)
		return skip(c, depth + 1);
	return it.type == CBR_MAP ? skip_map(c, &it, depth + 1)
				  : skip_array(c, &it, depth + 1);
}

int
cbr_skip(struct cbr *c, struct slice *ret_raw)
{
	struct cbr t = *c;
	int rc;

	if ((rc = skip(&t, 0)) != 0)
		return rc;
	if (ret_raw != NULL)
		*ret_raw = slice_sub(c->in, c->pos, t.pos - c->pos);
	c->pos = t.pos;
	return 0;
}

int
cbr_check(struct slice in)
{
	struct cbr c = cbr_of(in);
	int rc;

	if ((rc = cbr_skip(&c, NULL)) != 0)
		return rc;
	return cbr_end(&c) ? 0 : ERR_TRAILING;
}

/* --- writer --- */

/* `n` is what libcbor wrote into the room of `b`; 0 when it did not fit. */
static void
wrote(struct buf *b, size_t n)
{
	if (n == 0)
		b->over = true;
	b->n += n;
}

#define ROOM(b) (b)->p + (b)->n, (b)->cap - (b)->n

void
cbr_put_uint(struct buf *b, uint64_t u)
{
	wrote(b, cbor_encode_uint(u, ROOM(b)));
}

void
cbr_put_int(struct buf *b, int64_t i)
{
	if (i < 0)
		wrote(b, cbor_encode_negint((uint64_t)(-1 - i), ROOM(b)));
	else
		cbr_put_uint(b, (uint64_t)i);
}

void
cbr_put_bstr_head(struct buf *b, size_t n)
{
	wrote(b, cbor_encode_bytestring_start(n, ROOM(b)));
}

void
cbr_put_bstr(struct buf *b, struct slice s)
{
	cbr_put_bstr_head(b, s.n);
	buf_put(b, s);
}

void
cbr_put_tstr(struct buf *b, struct slice s)
{
	wrote(b, cbor_encode_string_start(s.n, ROOM(b)));
	buf_put(b, s);
}

void
cbr_put_str(struct buf *b, const char *s)
{
	cbr_put_tstr(b, slice_str(s));
}

void
cbr_put_array(struct buf *b, size_t n)
{
	wrote(b, cbor_encode_array_start(n, ROOM(b)));
}

void
cbr_put_map(struct buf *b, size_t pairs)
{
	wrote(b, cbor_encode_map_start(pairs, ROOM(b)));
}

void
cbr_put_tag(struct buf *b, uint64_t tag)
{
	wrote(b, cbor_encode_tag(tag, ROOM(b)));
}

void
cbr_put_bool(struct buf *b, bool v)
{
	wrote(b, cbor_encode_bool(v, ROOM(b)));
}

void
cbr_put_null(struct buf *b)
{
	wrote(b, cbor_encode_null(ROOM(b)));
}

/* Whether the `n` bytes read back as `d`: nothing was lost. */
static bool
same_double(const uint8_t *p, size_t n, double d)
{
	struct cbr c = cbr_of(slice_of(p, n));
	struct cbr_item it;

	return cbr_next(&c, &it) == 0 && it.type == CBR_FLOAT &&
	    (isnan(d) ? isnan(it.f) : it.f == d);
}

void
cbr_put_double(struct buf *b, double d)
{
	uint8_t head[9];
	size_t n;

	n = cbor_encode_half((float)d, head, sizeof(head));
	if (!same_double(head, n, d))
		n = cbor_encode_single((float)d, head, sizeof(head));
	if (!same_double(head, n, d))
		n = cbor_encode_double(d, head, sizeof(head));
	buf_put(b, slice_of(head, n));
}
