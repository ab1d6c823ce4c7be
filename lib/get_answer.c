/*
 * Writing. Options go out in ascending order, so that one pass is enough;
 * the block stays where it is, in the image.
 */
#include "lib/get_impl.h"

#define VERSION_ACK 0x60
#define VERSION_NON 0x50
#define VERSION_RST 0x70

#define HOPS 255 /* Hop-Limit of an answer */
#define SHORT_MAX 255
#define SHORTS 6
#define LONGS 2
#define BLOCK1_MOST 5 /* with its head */

/* Options into a buffer, each with the distance from the last. */
struct writer {
	struct buf b;
	uint32_t last;
};

static uint8_t
coap_code(unsigned ccdd)
{
	return (uint8_t)(ccdd / 100 << 5 | ccdd % 100);
}

/* The nibble for a delta or a length, its extension into `ext`. */
static uint8_t
nibble(uint32_t v, struct buf *ext)
{
	if (v < 13)
		return (uint8_t)v;
	if (v < 269) {
		buf_put_u8(ext, (uint8_t)(v - 13));
		return 13;
	}
	buf_put_u8(ext, (uint8_t)((v - 269) >> 8));
	buf_put_u8(ext, (uint8_t)(v - 269));
	return 14;
}

static void
put(struct writer *w, uint32_t number, struct slice v)
{
	uint8_t raw[5];
	struct buf head = buf_of(raw, sizeof(raw));
	uint8_t d, n;

	buf_put_u8(&head, 0);
	d = nibble(number - w->last, &head);
	n = nibble((uint32_t)v.n, &head);
	raw[0] = (uint8_t)(d << 4 | n);
	if (head.n + v.n > w->b.cap - w->b.n) {
		w->b.over = true;
		return;
	}
	buf_put(&w->b, buf_slice(&head));
	buf_put(&w->b, v);
	w->last = number;
}

static void
put_uint(struct writer *w, uint32_t number, uint32_t v)
{
	uint8_t raw[4];
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (n > 0 || v >> shift != 0)
			raw[n++] = (uint8_t)(v >> shift);
	put(w, number, slice_of(raw, n));
}

static void
put_block(struct writer *w, uint32_t number, struct block b)
{
	uint8_t raw[3];
	size_t n = block_put(b, raw);

	put(w, number, slice_of(raw, n));
}

static void
put_header(struct buf *b, uint8_t first, uint8_t code, uint16_t mid)
{
	buf_put_u8(b, first);
	buf_put_u8(b, code);
	buf_put_u8(b, (uint8_t)(mid >> 8));
	buf_put_u8(b, (uint8_t)mid);
}

/* Header and token of an answer; options come next. */
static struct writer
start(const struct get *g, unsigned code, struct get_answer *a)
{
	struct writer w = {buf_of(a->head, sizeof(a->head)), 0};

	a->code = code;
	a->silent = a->block = false;
	a->off = a->len = 0;
	a->body = SLICE_NONE;
	put_header(&w.b, (uint8_t)((g->con ? VERSION_ACK : VERSION_NON) |
	    g->token.n), coap_code(code), g->con ? g->mid : g->answer_mid);
	buf_put(&w.b, g->token);
	return w;
}

static void
empty(struct get_answer *a, uint8_t first, uint16_t mid)
{
	struct buf b = buf_of(a->head, sizeof(a->head));

	a->code = 0;
	a->silent = a->block = false;
	a->off = a->len = 0;
	a->body = SLICE_NONE;
	put_header(&b, first, 0, mid);
	a->head_n = b.n;
}

/* How it ends: who does not want it gets an ACK, or nothing. */
static void
finish(const struct get *g, struct writer *w, struct slice body,
    struct get_answer *a)
{
	if (content_unwanted(a->code, g->no_response)) {
		empty(a, VERSION_ACK, g->mid);
		a->silent = !g->con;
		return;
	}
	if (body.n > 0)
		buf_put_u8(&w->b, GET_MARKER);
	a->head_n = w->b.n;
	a->body = body;
}

/*
 * Which strange options a 4.02 names: libcoap keeps a few numbers only, and
 * repeats every option that has one of them.
 */
struct strangers {
	uint32_t number[SHORTS + LONGS];
	size_t n, shorts, longs;
};

static bool
is_named(struct strangers *s, uint32_t number)
{
	size_t *count = number <= SHORT_MAX ? &s->shorts : &s->longs;

	for (size_t i = 0; i < s->n; i++)
		if (s->number[i] == number)
			return true;
	if (*count == (number <= SHORT_MAX ? SHORTS : LONGS))
		return false;
	*count += 1;
	s->number[s->n++] = number;
	return true;
}

#define BAD_OPTION "Bad Option"

/* RFC 7252 5.4.1; not even No-Response suppresses it. Options that fill a
 * datagram leave no room for words. */
static void
answer_critical(const struct get *g, struct get_answer *a)
{
	const uint8_t *p = g->options.p, *end = p + g->options.n;
	struct writer head = start(g, 402, a);
	struct writer w = {buf_of(a->small, sizeof(a->small)), 0};
	struct get_option o = {0};
	struct strangers s = {.n = 0};

	while (p < end && get_next(&o, &p, end))
		if (get_stranger(o.number) && is_named(&s, o.number))
			put(&w, o.number, o.value);
	if (head.b.n + w.b.n + 1 + sizeof(BAD_OPTION) - 1 <= LIMIT_DATAGRAM) {
		buf_put_u8(&w.b, GET_MARKER);
		buf_puts(&w.b, BAD_OPTION);
	}
	a->head_n = head.b.n;
	a->body = buf_slice(&w.b);
}

/* RFC 8768 4: who ran out of hops learns where. */
static void
answer_hops(const struct get *g, const char *self, struct get_answer *a)
{
	struct writer w = start(g, 508, a);
	struct buf b = buf_of(a->small, sizeof(a->small));

	buf_puts(&b, self);
	put_uint(&w, OPT_HOP_LIMIT, HOPS);
	finish(g, &w, buf_slice(&b), a);
}

static void
answer_phrase(const struct get *g, unsigned code, const char *phrase,
    struct get_answer *a)
{
	struct writer w = start(g, code, a);

	finish(g, &w, slice_str(phrase), a);
}

void
get_reject(const struct get *g, enum get_verdict v, const char *self,
    struct get_answer *ret)
{
	struct why why;

	switch (v) {
	case GET_CRITICAL:
		if (g->con)
			answer_critical(g, ret);
		else
			empty(ret, VERSION_RST, g->mid);
		break;
	case GET_PROXY:
		answer_phrase(g, 505, "Proxying Not Supported", ret);
		break;
	case GET_HOPS_BAD:
		answer_phrase(g, 400, "Bad Request", ret);
		break;
	case GET_HOPS_OUT:
		answer_hops(g, self, ret);
		break;
	case GET_ERROR:
		(void)why_set(&why, g->err, "%s", g->rule);
		get_refuse(g, g->err, &why, ret);
		break;
	case GET_RESET:
		empty(ret, VERSION_RST, g->mid);
		break;
	default:
		empty(ret, VERSION_RST, 0);
		ret->silent = true;
		break;
	}
}

int
get_write(const struct get *g, const struct get_image *im, uint8_t szx,
    struct get_answer *ret)
{
	const struct content_ask ask = {
		.b2 = g->have_b2 ? &g->b2 : NULL, .size2 = g->size2, .szx = szx,
		.most = g->most,
	};
	struct slice etag = slice_of(im->digest, CONTENT_ETAG);
	bool valid = content_has_etag(g->etag, g->etags, etag);
	struct content_part part;
	struct writer w;
	struct why why;
	uint16_t cf;
	int rc = content_opaque(g->have_accept ? &g->accept : NULL, &cf, &why);

	if (rc == 0 && !valid)
		rc = content_cut(&ask, im->bytes.n, &part, &why);
	if (rc != 0) {
		get_refuse(g, rc, &why, ret);
		return rc;
	}
	w = start(g, valid ? 203 : 205, ret);
	put(&w, OPT_ETAG, etag);
	if (valid) {
		finish(g, &w, SLICE_NONE, ret);
		return 0;
	}
	if (im->bytes.n > 0)
		put_uint(&w, OPT_CONTENT_FORMAT, cf);
	if (part.s.use_option)
		put_block(&w, OPT_BLOCK2, part.s.block);
	if (g->have_b1)
		put_block(&w, OPT_BLOCK1, g->b1);
	if (part.size2)
		put_uint(&w, OPT_SIZE2, (uint32_t)im->bytes.n);
	ret->block = true;
	ret->off = part.s.off;
	ret->len = part.s.len;
	finish(g, &w, slice_sub(im->bytes, part.s.off, part.s.len), ret);
	return 0;
}

size_t
get_head(const struct get *g)
{
	return CONTENT_HEAD(g->token.n) + (g->have_b1 ? BLOCK1_MOST : 0);
}

void
get_challenge(const struct get *g, struct slice echo, struct get_answer *ret)
{
	struct writer w = start(g, 401, ret);

	put(&w, OPT_ECHO, echo);
	finish(g, &w, SLICE_NONE, ret);
}

void
get_bare(const struct get *g, struct get_answer *a)
{
	struct writer w = start(g, a->code, a);

	finish(g, &w, SLICE_NONE, a);
}

void
get_refuse(const struct get *g, int err, const struct why *why,
    struct get_answer *ret)
{
	struct writer w = start(g, err_coap(err), ret);
	struct buf b = buf_of(ret->small, sizeof(ret->small));
	bool problem = g->have_accept && g->accept == CF_PROBLEM;

	content_diagnose(err, why != NULL ? why->text : "", problem, &b);
	if (problem)
		put_uint(&w, OPT_CONTENT_FORMAT, CF_PROBLEM);
	if (ret->code == 503)
		put_uint(&w, OPT_MAX_AGE, CONTENT_BUSY_S);
	if (g->have_b1)
		put_block(&w, OPT_BLOCK1, g->b1);
	finish(g, &w, buf_slice(&b), ret);
}
