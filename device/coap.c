#include "device/coap.h"

/* A delta or length nibble with its extension (RFC 7252 3.1). */
static bool
take_nibble(struct slice *s, unsigned nibble, unsigned *ret)
{
	const size_t more = nibble == 13 ? 1 : nibble == 14 ? 2 : 0;

	if (nibble == 15 || s->n < more)
		return false;
	*ret = nibble;
	if (more == 1)
		*ret = s->p[0] + 13u;
	else if (more == 2)
		*ret = (s->p[0] << 8 | s->p[1]) + 269u;
	s->p += more;
	s->n -= more;
	return true;
}

/* One option; false at the end, at the marker or when malformed. */
static bool
take_option(struct slice *s, unsigned *number, struct slice *ret_value)
{
	struct slice left = *s;
	unsigned head, delta, len;

	if (left.n == 0 || left.p[0] == 0xff)
		return false;
	head = left.p[0];
	left.p++;
	left.n--;
	if (!take_nibble(&left, head >> 4, &delta) ||
	    !take_nibble(&left, head & 15, &len) ||
	    len > left.n || *number + delta > UINT16_MAX)
		return false;
	*number += delta;
	*ret_value = slice_of(left.p, len);
	s->p = left.p + len;
	s->n = left.n - len;
	return true;
}

int
coap_parse(struct slice in, struct coap_msg *ret)
{
	struct coap_msg m = {0};
	struct slice left, value;
	unsigned number = 0;

	if (in.n < 4 || in.p[0] >> 6 != 1 || (in.p[0] & 15) > 8)
		return ERR_MALFORMED;
	m.type = (enum coap_type)(in.p[0] >> 4 & 3);
	m.code = (in.p[1] >> 5) * 100u + (in.p[1] & 31);
	m.mid = (uint16_t)(in.p[2] << 8 | in.p[3]);
	m.token_len = in.p[0] & 15;
	if (in.n < 4 + m.token_len ||
	    (m.code == 0 && in.n != 4)) /* 4.1: empty is empty */
		return ERR_MALFORMED;
	memcpy(m.token, in.p + 4, m.token_len);
	left = slice_sub(in, 4 + m.token_len, in.n);
	m.options = left;
	while (take_option(&left, &number, &value))
		;
	if (left.n == 1 || (left.n > 0 && left.p[0] != 0xff))
		return ERR_MALFORMED;
	m.options.n -= left.n;
	m.payload = slice_sub(left, 1, left.n);
	*ret = m;
	return 0;
}

bool
coap_next(struct coap_iter *it, struct coap_opt *ret)
{
	if (!take_option(&it->left, &it->number, &ret->value))
		return false;
	ret->number = it->number;
	return true;
}

int
coap_uint(struct slice value, uint32_t *ret)
{
	uint32_t u = 0;

	if (value.n > 4)
		return ERR_BAD_OPTION;
	for (size_t i = 0; i < value.n; i++)
		u = u << 8 | value.p[i];
	*ret = u;
	return 0;
}

void
coap_begin(struct coap_out *o, const struct coap_msg *head)
{
	uint8_t b[4] = {
	    (uint8_t)(1 << 6 | head->type << 4 | head->token_len),
	    (uint8_t)(head->code / 100 << 5 | head->code % 100),
	    (uint8_t)(head->mid >> 8), (uint8_t)head->mid};

	o->last = 0;
	buf_put(&o->b, slice_of(b, sizeof b));
	buf_put(&o->b, slice_of(head->token, head->token_len));
}

static unsigned
nibble(unsigned v)
{
	return v < 13 ? v : v < 269 ? 13 : 14;
}

static void
put_extension(struct buf *b, unsigned v)
{
	if (v >= 269) {
		buf_put_u8(b, (uint8_t)((v - 269) >> 8));
		buf_put_u8(b, (uint8_t)(v - 269));
	} else if (v >= 13) {
		buf_put_u8(b, (uint8_t)(v - 13));
	}
}

void
coap_put(struct coap_out *o, unsigned number, struct slice value)
{
	const unsigned delta = number - o->last;

	buf_put_u8(&o->b, (uint8_t)(nibble(delta) << 4 |
	    nibble((unsigned)value.n)));
	put_extension(&o->b, delta);
	put_extension(&o->b, (unsigned)value.n);
	buf_put(&o->b, value);
	o->last = number;
}

void
coap_put_uint(struct coap_out *o, unsigned number, uint32_t value)
{
	uint8_t b[4];
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (n > 0 || value >> shift != 0)
			b[n++] = (uint8_t)(value >> shift);
	coap_put(o, number, slice_of(b, n));
}

void
coap_put_payload(struct coap_out *o, struct slice payload)
{
	if (payload.n == 0)
		return;
	buf_put_u8(&o->b, 0xff);
	buf_put(&o->b, payload);
}
