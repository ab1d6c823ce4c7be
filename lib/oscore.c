/*
 * The messages: what is outside, what was inside. Of the outside only the
 * header, the token and the OSCORE option mean anything to a server; what
 * else is there was written by nobody who is known.
 */
#include "lib/oscore.h"

#include "lib/get_impl.h"
#include "lib/oscore_impl.h"

#define HEAD 4
#define POST 2
#define FETCH 5
#define CHANGED 0x44 /* 2.04 */
#define CONTENT 0x45 /* 2.05 */
#define MARKER GET_MARKER

/* The option's first byte, RFC 8613 6.1. */
enum { FLAG_PIV = 0x07, FLAG_KID = 0x08, FLAG_CONTEXT = 0x10,
	FLAG_RESERVED = 0xe0 };

/* --- reading --- */

int
oscore_head(struct slice in, struct oscore_outer *ret)
{
	struct oscore_outer o = {0};
	size_t token;

	if (in.n < HEAD || in.p[0] >> 6 != 1)
		return ERR_MALFORMED;
	token = in.p[0] & 15;
	if (token > 8 || in.n < HEAD + token)
		return ERR_MALFORMED;
	o.type = in.p[0] >> 4 & 3;
	o.code = in.p[1];
	o.mid = (uint16_t)(in.p[2] << 8 | in.p[3]);
	o.token = slice_sub(in, HEAD, token);
	*ret = o;
	return 0;
}

/* Takes n bytes off the front. */
static int
take(struct slice *v, size_t n, struct slice *ret)
{
	if (v->n < n)
		return ERR_BAD_OPTION;
	*ret = slice_sub(*v, 0, n);
	*v = slice_sub(*v, n, v->n - n);
	return 0;
}

static int
read_piv(struct slice piv, uint64_t *ret)
{
	/* the one way to write a number; none is no request's */
	if (piv.n == 0 || piv.n > OSCORE_PIV || (piv.n > 1 && piv.p[0] == 0))
		return ERR_BAD_OPTION;
	*ret = 0;
	for (size_t i = 0; i < piv.n; i++)
		*ret = *ret << 8 | piv.p[i];
	return 0;
}

static int
read_value(struct slice v, struct oscore_outer *o)
{
	struct slice flags, n;
	int rc = take(&v, 1, &flags);

	if (rc != 0 || (flags.p[0] & FLAG_RESERVED) != 0 ||
	    (flags.p[0] & FLAG_KID) == 0)
		return ERR_BAD_OPTION;
	rc = take(&v, flags.p[0] & FLAG_PIV, &o->piv);
	if (rc == 0)
		rc = read_piv(o->piv, &o->seq);
	if (rc == 0 && (flags.p[0] & FLAG_CONTEXT) != 0) {
		o->have_context = true;
		rc = take(&v, 1, &n);
		if (rc == 0)
			rc = take(&v, n.p[0], &o->context);
	}
	o->kid = v;
	return rc == 0 && (v.n > OSCORE_ID ||
	    o->context.n > LIMIT_OSCORE_CONTEXT) ? ERR_BAD_OPTION : rc;
}

/* Those that a proxy may have added, or needs (RFC 8613 4.1, class U). */
static bool
outside(uint32_t number)
{
	return (number & 1) == 0 || number == OPT_URI_HOST ||
	    number == OPT_URI_PORT || number == OPT_OSCORE;
}

static int
read_options(struct slice in, struct oscore_outer *o)
{
	const uint8_t *p = o->token.p + o->token.n, *end = in.p + in.n;
	struct get_option opt = {0};
	struct slice value = SLICE_NONE;
	bool strange = false;

	while (p < end && *p != MARKER) {
		if (!get_next(&opt, &p, end))
			return ERR_MALFORMED;
		if (opt.number == OPT_OSCORE && value.p == NULL)
			value = opt.value;
		else
			strange |= opt.number == OPT_OSCORE ||
			    !outside(opt.number);
	}
	if (value.p == NULL)
		return ERR_NOT_FOUND;
	if (p + 1 >= end)
		return ERR_MALFORMED; /* nothing is sealed */
	o->sealed = slice_of(p + 1, (size_t)(end - p - 1));
	return strange ? ERR_BAD_OPTION : read_value(value, o);
}

int
oscore_read(struct slice in, struct oscore_outer *ret)
{
	struct oscore_outer o;
	int rc = oscore_head(in, &o);

	if (rc != 0)
		return rc;
	if ((o.code != POST && o.code != FETCH) || o.type > 1)
		return ERR_NOT_FOUND;
	rc = read_options(in, &o);
	if (rc == 0 || rc == ERR_BAD_OPTION)
		*ret = o;
	return rc;
}

/* --- what is inside of a request --- */

static int
look_inside(struct slice plain, struct oscore_inner *ret)
{
	const uint8_t *p = plain.p + 1, *end = plain.p + plain.n;
	struct get_option opt = {0};

	if (plain.n < 1 || plain.p[0] == 0 || plain.p[0] > 31)
		return ERR_MALFORMED;
	ret->code = plain.p[0];
	while (p < end && *p != MARKER) {
		if (!get_next(&opt, &p, end))
			return ERR_MALFORMED;
		if (opt.number == OPT_OSCORE)
			return ERR_MALFORMED;
		if (opt.number == OPT_OBSERVE)
			ret->observe = opt.value.n == 0 ||
			    (opt.value.n == 1 && opt.value.p[0] == 0);
		if (opt.number == OPT_ECHO) {
			ret->have_echo = true;
			ret->echo = opt.value;
		}
	}
	return p < end && p + 1 == end ? ERR_MALFORMED : 0;
}

int
oscore_open(const struct oscore_keys *k, const struct oscore_outer *req,
    struct buf *out, struct oscore_inner *ret)
{
	struct oscore_inner in = {0};
	struct oscore_nonce n = {k->recipient, req->piv};
	struct oscore_text t = {k->recipient_key, k->iv, &n, req->kid,
	    req->piv};
	size_t at = HEAD + req->token.n, size = req->sealed.n - OSCORE_TAG;
	struct slice plain;
	int rc;

	if (req->sealed.n <= OSCORE_TAG)
		return ERR_DIGEST;
	if (out->cap < at + size)
		return ERR_SPACE;
	plain = slice_of(out->p + at - 1, size);
	rc = oscore_decrypt(&t, req->sealed, out->p + at - 1);
	if (rc == 0)
		rc = look_inside(plain, &in);
	if (rc != 0)
		return rc;
	/* the code goes before the token */
	out->n = 0;
	buf_put_u8(out, (uint8_t)(0x40 | req->type << 4 | req->token.n));
	buf_put_u8(out, in.code);
	buf_put_u8(out, (uint8_t)(req->mid >> 8));
	buf_put_u8(out, (uint8_t)req->mid);
	buf_put(out, req->token);
	out->n = at + size - 1;
	*ret = in;
	return 0;
}

/* --- writing --- */

/* An option's head has a nibble for the delta and one for the length, with
 * 0, 1 or 2 bytes more (RFC 7252 3.1). */
static uint8_t
nibble(uint32_t v)
{
	return v < 13 ? (uint8_t)v : v < 269 ? 13 : 14;
}

static void
put_more(struct buf *b, uint32_t v)
{
	if (v >= 269) {
		buf_put_u8(b, (uint8_t)((v - 269) >> 8));
		buf_put_u8(b, (uint8_t)(v - 269));
	} else if (v >= 13) {
		buf_put_u8(b, (uint8_t)(v - 13));
	}
}

static void
put_option(struct buf *b, uint32_t *last, uint32_t number, struct slice v)
{
	uint32_t delta = number - *last;

	buf_put_u8(b, (uint8_t)(nibble(delta) << 4 |
	    nibble((uint32_t)v.n)));
	put_more(b, delta);
	put_more(b, (uint32_t)v.n);
	buf_put(b, v);
	*last = number;
}

/* A response's code, options and payload, as they are sealed. Observe is
 * outside; inside it says only that this is a notification. */
static int
put_plain(struct slice in, const struct oscore_outer *head, struct buf *b,
    struct slice *ret_observe)
{
	const uint8_t *p = head->token.p + head->token.n, *end = in.p + in.n;
	struct get_option opt = {0};
	uint32_t last = 0;

	buf_put_u8(b, head->code);
	while (p < end && *p != MARKER) {
		if (!get_next(&opt, &p, end))
			return ERR_MALFORMED;
		if (opt.number == OPT_OBSERVE) {
			*ret_observe = opt.value;
			if (ret_observe->p == NULL)
				ret_observe->p = p;
			opt.value = SLICE_NONE;
		}
		put_option(b, &last, opt.number, opt.value);
	}
	buf_put(b, slice_of(p, (size_t)(end - p)));
	return b->over ? ERR_SPACE : 0;
}

/* Of a response: the number, if it is one of ours. */
static struct slice
write_piv(uint64_t seq, uint8_t b[1 + OSCORE_PIV])
{
	unsigned n = 1;

	while (n < OSCORE_PIV && seq >> (8 * n) != 0)
		n++;
	b[0] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		b[1 + i] = (uint8_t)(seq >> (8 * (n - 1 - i)));
	return slice_of(b + 1, n);
}

int
oscore_seal(const struct oscore_keys *k, const struct oscore_asked *asked,
    struct oscore_with with, struct slice in, struct buf *out)
{
	uint8_t plain[LIMIT_OSCORE_MESSAGE], value[1 + OSCORE_PIV];
	struct slice request = slice_of(asked->piv, asked->piv_n);
	struct slice observe = SLICE_NONE, piv = SLICE_NONE;
	struct buf b = buf_of(plain, sizeof(plain));
	struct oscore_nonce n = {k->recipient, request};
	struct oscore_text t = {k->sender_key, k->iv, &n,
	    slice_of(k->recipient.b, k->recipient.n), request};
	struct oscore_outer head;
	uint32_t last = 0;
	int rc = oscore_head(in, &head);

	if (rc != 0 || head.code < 0x40)
		return ERR_MALFORMED;
	rc = put_plain(in, &head, &b, &observe);
	if (rc != 0 || (observe.p != NULL && !with.own) ||
	    (with.own && with.seq >= OSCORE_SEQ_END))
		return rc != 0 ? rc : ERR_STATE;
	if (with.own) {
		piv = write_piv(with.seq, value);
		n = (struct oscore_nonce){k->sender, piv};
	}
	out->n = 0;
	buf_put(out, slice_sub(in, 0, HEAD + head.token.n));
	if (observe.p != NULL)
		put_option(out, &last, OPT_OBSERVE, observe);
	put_option(out, &last, OPT_OSCORE, slice_of(value, piv.n > 0 ?
	    1 + piv.n : 0));
	buf_put_u8(out, MARKER);
	if (out->over || out->cap - out->n < b.n + OSCORE_TAG)
		return ERR_SPACE;
	out->p[1] = observe.p != NULL ? CONTENT : CHANGED;
	rc = oscore_encrypt(&t, buf_slice(&b), out->p + out->n);
	if (rc == 0)
		out->n += b.n + OSCORE_TAG;
	return rc;
}

/* --- which numbers were seen --- */

int
oscore_window_check(const struct oscore_window *w, uint64_t seq)
{
	uint64_t back;

	if (!w->known)
		return seq >= w->above ? 0 : ERR_UNAUTHORIZED;
	if (seq >= w->next)
		return 0;
	back = w->next - 1 - seq;
	return back >= 64 || (w->seen >> back & 1) != 0 ? ERR_SEQUENCE : 0;
}

void
oscore_window_take(struct oscore_window *w, uint64_t seq)
{
	uint64_t ahead;

	if (!w->known) {
		*w = (struct oscore_window){true, 0, seq + 1, UINT64_MAX};
	} else if (seq < w->next) {
		w->seen |= (uint64_t)1 << (w->next - 1 - seq);
	} else {
		ahead = seq + 1 - w->next;
		w->seen = (ahead < 64 ? w->seen << ahead : 0) | 1;
		w->next = seq + 1;
	}
}
