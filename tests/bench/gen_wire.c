#include "tests/bench/gen_wire.h"

#include "tests/bench/gen_rand.h"

#define OPT_ETAG 4
#define OPT_OBSERVE 6
#define OPT_PATH 11
#define OPT_FORMAT 12
#define OPT_QUERY 15
#define OPT_ACCEPT 17
#define OPT_BLOCK2 23
#define OPT_SIZE2 28
#define MARKER 0xff
#define EXPANDED 256

/* --- options --- */

static void
put_number(struct buf *b, unsigned nibble, size_t v)
{
	if (nibble == 13)
		buf_put_u8(b, (uint8_t)(v - 13));
	if (nibble == 14) {
		buf_put_u8(b, (uint8_t)((v - 269) >> 8));
		buf_put_u8(b, (uint8_t)(v - 269));
	}
}

static unsigned
nibble_of(size_t v)
{
	return v < 13 ? (unsigned)v : v < 269 ? 13 : 14;
}

static void
put_option(struct buf *b, unsigned *last, unsigned number, struct slice v)
{
	unsigned delta = number - *last;

	buf_put_u8(b, (uint8_t)(nibble_of(delta) << 4 | nibble_of(v.n)));
	put_number(b, nibble_of(delta), delta);
	put_number(b, nibble_of(v.n), v.n);
	buf_put(b, v);
	*last = number;
}

/* The shortest form: 0 is empty (RFC 7252 3.2). */
static struct slice
uint_value(uint32_t v, uint8_t dst[4])
{
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (n > 0 || v >> shift != 0)
			dst[n++] = (uint8_t)(v >> shift);
	return slice_of(dst, n);
}

static void
put_uint(struct buf *b, unsigned *last, unsigned number, uint64_t v)
{
	uint8_t bytes[4];

	if (v != GEN_UNSET)
		put_option(b, last, number, uint_value((uint32_t)v, bytes));
}

bool
wire_expand(const char *fmt, uint32_t number, struct buf *ret)
{
	while (*fmt != '\0') {
		size_t n = strcspn(fmt, "%"), width, digits = 0;
		char text[12], zeros[12] = "00000000000";

		buf_put(ret, slice_of(fmt, n));
		fmt += n;
		if (*fmt == '\0')
			break;
		n = 1;
		width = fmt[n] == '0' && fmt[n + 1] >= '1' &&
		    fmt[n + 1] <= '9' ? (size_t)(fmt[n + 1] - '0') : 0;
		n += width > 0 ? 2 : 0;
		if (fmt[n] != 'u') { /* an ordinary % */
			buf_put_u8(ret, '%');
			fmt++;
			continue;
		}
		fmt += n + 1;
		for (uint32_t v = number; v > 0 || digits == 0; v /= 10)
			text[sizeof(text) - ++digits] = (char)('0' + v % 10);
		if (width > digits)
			buf_put(ret, slice_of(zeros, width - digits));
		buf_put(ret, slice_of(text + sizeof(text) - digits, digits));
	}
	return !ret->over;
}

/* An option for each part of what is left of / or &. */
static void
put_parts(struct buf *b, unsigned *last, unsigned number, struct slice text)
{
	int sep = number == OPT_PATH ? '/' : '&';

	while (text.n > 0) {
		const uint8_t *p = memchr(text.p, sep, text.n);
		size_t n = p != NULL ? (size_t)(p - text.p) : text.n;

		put_option(b, last, number, slice_sub(text, 0, n));
		text = slice_sub(text, n + 1, text.n);
	}
}

/* Everything before Block2; the number of the last option. */
static unsigned
put_options(const struct gen_args *a, uint32_t device, struct buf *b)
{
	const bool get = a->mode != GEN_POST;
	uint8_t path[EXPANDED], query[EXPANDED];
	struct buf p = buf_of(path, sizeof(path)),
	    q = buf_of(query, sizeof(query));
	unsigned last = 0;

	if (!wire_expand(a->path + (a->path[0] == '/'), device, &p) ||
	    !wire_expand(a->query != NULL ? a->query : "", device, &q))
		b->over = true;
	if (get && a->etag.n > 0)
		put_option(b, &last, OPT_ETAG,
		    slice_of(a->etag.b, a->etag.n));
	if (a->mode == GEN_OBSERVE)
		put_uint(b, &last, OPT_OBSERVE, 0);
	put_parts(b, &last, OPT_PATH, buf_slice(&p));
	if (!get)
		put_uint(b, &last, OPT_FORMAT, a->cf);
	put_parts(b, &last, OPT_QUERY, buf_slice(&q));
	if (get)
		put_uint(b, &last, OPT_ACCEPT, a->accept);
	return last;
}

int
wire_init(struct wire *w, const struct gen_args *a)
{
	struct buf b = buf_of(w->options, sizeof(w->options));

	w->a = a;
	if (a->path == NULL) /* handshakes only */
		return 0;
	w->last = put_options(a, UINT32_MAX, &b);
	w->n = b.n;
	w->fixed = strchr(a->path, '%') == NULL &&
	    (a->query == NULL || strchr(a->query, '%') == NULL);
	return b.over ? ERR_SIZE : 0;
}

/* --- requests --- */

/* An observation keeps its token; other requests have one each. */
struct slice
wire_token(const struct wire *w, const struct wire_request *r,
    uint8_t dst[8])
{
	uint64_t x = w->a->seed << 48 ^ (uint64_t)r->device << 16 ^
	    (w->a->mode == GEN_OBSERVE ? 0 : r->mid);

	x = rand_next(&x); /* neighbours look unlike each other */
	memcpy(dst, &x, sizeof(x));
	return slice_of(dst, w->a->token);
}

static void
put_header(const struct wire *w, const struct wire_request *r, struct buf *b)
{
	uint8_t token[8];

	buf_put_u8(b, (uint8_t)(0x40 | (w->a->non ? WIRE_NON : WIRE_CON) << 4 |
	    w->a->token));
	buf_put_u8(b, w->a->mode == GEN_POST ? WIRE_POST : WIRE_GET);
	buf_put_u8(b, (uint8_t)(r->mid >> 8));
	buf_put_u8(b, (uint8_t)r->mid);
	buf_put(b, wire_token(w, r, token));
}

size_t
wire_write(const struct wire *w, const struct wire_request *r, uint8_t *dst)
{
	const struct gen_args *a = w->a;
	struct buf b = buf_of(dst, WIRE_MAX);
	unsigned last = w->last;
	uint8_t v[3];

	put_header(w, r, &b);
	if (w->fixed)
		buf_put(&b, slice_of(w->options, w->n));
	else
		put_options(a, r->device, &b);
	if (a->szx != GEN_UNSET && a->mode != GEN_POST)
		put_option(&b, &last, OPT_BLOCK2, slice_of(v,
		    block_put((struct block){.num = r->item,
		    .szx = (uint8_t)a->szx}, v)));
	if (a->size2 && r->item == 0)
		put_uint(&b, &last, OPT_SIZE2, 0);
	if (a->mode == GEN_POST && a->bodies > 0) {
		const struct gen_bytes *body = &a->body[r->item % a->bodies];

		buf_put_u8(&b, MARKER);
		buf_put(&b, slice_of(body->b, body->n));
	}
	return b.n;
}

size_t
wire_empty(enum wire_type t, uint16_t mid, uint8_t *dst)
{
	dst[0] = (uint8_t)(0x40 | t << 4);
	dst[1] = 0;
	dst[2] = (uint8_t)(mid >> 8);
	dst[3] = (uint8_t)mid;
	return 4;
}

/* --- answers --- */

static bool
read_number(struct slice *in, unsigned nibble, size_t *ret)
{
	size_t more = nibble == 13 ? 1 : nibble == 14 ? 2 : 0;

	if (nibble == 15 || in->n < more)
		return false;
	*ret = nibble;
	if (more == 1)
		*ret = 13u + in->p[0];
	else if (more == 2)
		*ret = 269u + ((unsigned)in->p[0] << 8 | in->p[1]);
	*in = slice_sub(*in, more, in->n);
	return true;
}

static bool
read_uint(struct slice v, uint32_t *ret)
{
	if (v.n > 4)
		return false;
	*ret = 0;
	for (size_t i = 0; i < v.n; i++)
		*ret = *ret << 8 | v.p[i];
	return true;
}

static bool
read_option(size_t number, struct slice v, struct wire_answer *a)
{
	switch (number) {
	case OPT_ETAG:
		a->etag = v;
		return v.n >= 1 && v.n <= 8;
	case OPT_OBSERVE:
		a->have_observe = true;
		return read_uint(v, &a->observe);
	case OPT_BLOCK2:
		a->have_block = true;
		return block_parse(v, &a->block) == 0;
	case OPT_SIZE2:
		a->have_size2 = true;
		return read_uint(v, &a->size2);
	default: /* Content-Format, Max-Age, ...: nothing that we compare */
		return true;
	}
}

static bool
read_options(struct slice in, struct wire_answer *a)
{
	size_t number = 0;

	while (in.n > 0 && in.p[0] != MARKER) {
		unsigned first = in.p[0];
		size_t delta, n;

		in = slice_sub(in, 1, in.n);
		if (!read_number(&in, first >> 4, &delta) ||
		    !read_number(&in, first & 15, &n) || n > in.n)
			return false;
		number += delta;
		if (!read_option(number, slice_sub(in, 0, n), a))
			return false;
		in = slice_sub(in, n, in.n);
	}
	a->payload = slice_sub(in, 1, in.n);
	return in.n != 1; /* a marker, and nothing behind it */
}

int
wire_read(struct slice in, struct wire_answer *ret)
{
	size_t tkl;

	if (in.n < 4 || in.p[0] >> 6 != 1 || (in.p[0] & 15) > 8)
		return ERR_MALFORMED;
	tkl = in.p[0] & 15;
	if (in.n < 4 + tkl || (in.p[1] == 0 && in.n != 4))
		return ERR_MALFORMED;
	*ret = (struct wire_answer){
		.type = (enum wire_type)(in.p[0] >> 4 & 3), .code = in.p[1],
		.mid = (uint16_t)(in.p[2] << 8 | in.p[3]),
		.token = slice_sub(in, 4, tkl),
	};
	return read_options(slice_sub(in, 4 + tkl, in.n), ret) ? 0 :
	    ERR_MALFORMED;
}
