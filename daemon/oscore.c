/*
 * libcoap's own OSCORE (since 4.3.2) was rejected: it does not tell a handler
 * whose context opened a request, removes none but the first context from
 * its ring, which it walks for each request, and Debian 12 has none.
 *
 * Message IDs of our CON and NON are counted here for all contexts together:
 * two behind one address must not get the same, and an acknowledgement, which
 * is protected by nothing, names nothing else.
 */
#include "daemon/oscore_impl.h"

#include <stdlib.h>

enum { CON, NON, ACK, RST };

/* One datagram on its way in. */
struct incoming {
	struct oscore *o;
	const struct oscore_place *place;
	struct slice in;
	struct oscore_outer outer;
	struct oscore_inner inner;
	struct context *c;
	struct buf *out;
};

static uint32_t
hash_from(const struct oscore_place *p)
{
	if (p->from.sa.sa_family == AF_INET)
		return oscore_hash(&p->from.in.sin_addr, 4) ^ p->from.in.sin_port;
	return oscore_hash(&p->from.in6.sin6_addr, 16) ^ p->from.in6.sin6_port;
}

static bool
same_from(const struct oscore_place *a, const struct oscore_place *b)
{
	if (a->from.sa.sa_family != b->from.sa.sa_family)
		return false;
	if (a->from.sa.sa_family == AF_INET)
		return a->from.in.sin_port == b->from.in.sin_port &&
		    a->from.in.sin_addr.s_addr == b->from.in.sin_addr.s_addr;
	return a->from.in6.sin6_port == b->from.in6.sin6_port &&
	    a->from.in6.sin6_scope_id == b->from.in6.sin6_scope_id &&
	    memcmp(&a->from.in6.sin6_addr, &b->from.in6.sin6_addr, 16) == 0;
}

/* --- requests --- */

static int
next_seq(struct oscore *o, struct context *c, struct oscore_with *ret)
{
	int rc = oscore_reserve(o, c, c->seq);

	if (rc == 0)
		*ret = (struct oscore_with){true, c->seq++};
	return rc;
}

static struct asked *
find_asked(struct context *c, struct slice token)
{
	struct asked *a;

	TAILQ_FOREACH(a, &c->asked, next)
		if (slice_eq(slice_of(a->token, a->token_n), token))
			return a;
	return NULL;
}

/* The oldest of its kind gives way. */
static void
make_room(struct context *c, bool observes)
{
	size_t n = observes ? c->observed_n : c->asked_n;
	struct asked *a, *oldest = NULL;

	if (n < (observes ? LIMIT_OSCORE_OBSERVED : LIMIT_OSCORE_ASKED))
		return;
	TAILQ_FOREACH(a, &c->asked, next)
		if (a->observes == observes)
			oldest = a;
	oscore_asked_free(c, oldest);
}

static int
remember(struct incoming *m)
{
	struct context *c = m->c;
	struct asked *a = find_asked(c, m->outer.token);

	if (a != NULL)
		oscore_asked_free(c, a);
	make_room(c, m->inner.observe);
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return ERR_NOMEM;
	memcpy(a->token, m->outer.token.p, m->outer.token.n);
	a->token_n = (uint8_t)m->outer.token.n;
	memcpy(a->piv, m->outer.piv.p, m->outer.piv.n);
	a->piv_n = (uint8_t)m->outer.piv.n;
	a->observes = m->inner.observe;
	a->reads = m->inner.code == 1 || m->inner.code == 5;
	a->mid = m->outer.mid;
	a->place = *m->place;
	c->asked_n += !a->observes;
	c->observed_n += a->observes;
	TAILQ_INSERT_HEAD(&c->asked, a, next);
	return 0;
}

/* An answer that is not protected: a code, and Max-Age 0. */
static enum oscore_do
refuse(struct incoming *m, uint8_t code)
{
	const struct oscore_outer *h = &m->outer;
	uint8_t type = h->type == CON ? ACK : NON;

	m->o->stats.refused++;
	m->out->n = 0;
	buf_put_u8(m->out, (uint8_t)(0x40 | type << 4 | h->token.n));
	buf_put_u8(m->out, code);
	buf_put_u8(m->out, (uint8_t)(h->mid >> 8));
	buf_put_u8(m->out, (uint8_t)h->mid);
	buf_put(m->out, h->token);
	buf_put(m->out, slice_of("\xd0\x01", 2));
	return OSCORE_SEND;
}

/* 4.01 with Echo, protected, with a number of ours: nobody knows whether the
 * request's nonce was used. */
static enum oscore_do
challenge(struct incoming *m)
{
	uint8_t text[32];
	struct buf b = buf_of(text, sizeof(text));
	struct oscore_asked asked = {.piv_n = (uint8_t)m->outer.piv.n};
	struct oscore_with with;

	memcpy(asked.piv, m->outer.piv.p, m->outer.piv.n);
	buf_put_u8(&b, (uint8_t)(0x40 | (m->outer.type == CON ? ACK : NON)
	    << 4 | m->outer.token.n));
	buf_put_u8(&b, 0x81);
	buf_put_u8(&b, (uint8_t)(m->outer.mid >> 8));
	buf_put_u8(&b, (uint8_t)m->outer.mid);
	buf_put(&b, m->outer.token);
	buf_put_u8(&b, 13 << 4 | OSCORE_ECHO); /* option 252 */
	buf_put_u8(&b, 252 - 13);
	buf_put(&b, slice_of(m->c->echo, OSCORE_ECHO));
	m->out->n = 0;
	if (next_seq(m->o, m->c, &with) != 0 || oscore_seal(&m->c->keys,
	    &asked, with, buf_slice(&b), m->out) != 0)
		return OSCORE_DROP;
	m->o->stats.challenged++;
	return OSCORE_SEND;
}

static bool
proves_now(const struct incoming *m)
{
	return m->inner.have_echo &&
	    slice_eq(m->inner.echo, slice_of(m->c->echo, OSCORE_ECHO));
}

/* The datagram that was seen before, or NULL. */
static struct asked *
repeated(const struct incoming *m)
{
	struct asked *a = find_asked(m->c, m->outer.token);

	return a != NULL && a->mid == m->outer.mid &&
	    slice_eq(slice_of(a->piv, a->piv_n), m->outer.piv) &&
	    same_from(&a->place, m->place) ? a : NULL;
}

static enum oscore_do
answer_again(struct incoming *m, const struct asked *a)
{
	if (a->reads)
		return OSCORE_PASS;
	if (a->sent == NULL)
		return OSCORE_DROP; /* it is not answered yet */
	m->out->n = 0;
	buf_put(m->out, slice_of(a->sent, a->sent_n));
	return OSCORE_SEND;
}

static enum oscore_do
let_in(struct incoming *m)
{
	struct context *c = m->c;

	if (oscore_reserve(m->o, c, m->outer.seq) != 0)
		return OSCORE_DROP; /* it will come again */
	oscore_window_take(&c->window, m->outer.seq);
	if (c->window.next == m->outer.seq + 1)
		c->place = *m->place;
	return remember(m) == 0 ? OSCORE_PASS : OSCORE_DROP;
}

static enum oscore_do
request(struct incoming *m, uint32_t *ret_number)
{
	struct asked *again;
	enum oscore_do what;
	int fresh;

	if (oscore_find(m->o, &m->outer, &m->c) != 0)
		return refuse(m, 0x81);
	again = repeated(m);
	fresh = oscore_window_check(&m->c->window, m->outer.seq);
	if (fresh == ERR_SEQUENCE && again == NULL) {
		m->o->stats.replayed++;
		return refuse(m, 0x81);
	}
	if (oscore_open(&m->c->keys, &m->outer, m->out, &m->inner) != 0)
		return refuse(m, 0x80);
	m->o->stats.opened++;
	if (again != NULL)
		what = answer_again(m, again);
	else if (fresh == ERR_UNAUTHORIZED && !proves_now(m))
		what = challenge(m);
	else
		what = let_in(m);
	*ret_number = m->c->number;
	return what;
}

/* An acknowledgement or a reset of what we sent, or a ping. */
static enum oscore_do
empty(struct incoming *m, uint32_t *ret_number)
{
	const struct flying *f = &m->o->flying[m->outer.mid];
	bool ping = m->outer.type == CON;

	if (m->in.n != 4 || m->outer.type == NON || (!ping &&
	    (f->number == 0 || f->to != hash_from(m->place))))
		return OSCORE_DROP;
	m->out->n = 0;
	buf_put(m->out, m->in);
	if (ping) {
		m->out->p[0] = 0x40 | RST << 4;
		return OSCORE_SEND;
	}
	m->out->p[2] = (uint8_t)(f->mid >> 8);
	m->out->p[3] = (uint8_t)f->mid;
	*ret_number = f->number;
	return OSCORE_PASS;
}

enum oscore_do
oscore_in(struct oscore *o, const struct oscore_place *place,
    struct slice in, struct buf *out, uint32_t *ret_number)
{
	struct incoming m = {.o = o, .place = place, .in = in, .out = out};
	int rc = oscore_head(in, &m.outer);

	if (rc != 0)
		return OSCORE_DROP;
	if (m.outer.code == 0)
		return empty(&m, ret_number);
	rc = oscore_read(in, &m.outer);
	if (rc == 0)
		return request(&m, ret_number);
	if (rc == ERR_BAD_OPTION)
		return refuse(&m, 0x82);
	/* who does not speak OSCORE has nothing to look for here */
	return rc == ERR_NOT_FOUND && m.outer.code < 32 && m.outer.type <= NON ?
	    refuse(&m, 0x81) : OSCORE_DROP;
}

/* --- answers --- */

/* A message ID of ours for libcoap's; the same for a repetition. */
static void
set_mid(struct oscore *o, struct context *c, struct asked *a,
    const struct oscore_outer *h, struct buf *out)
{
	if (!a->told || a->inner_mid != h->mid) {
		a->told = true;
		a->inner_mid = h->mid;
		a->outer_mid = ++o->mid;
	}
	o->flying[a->outer_mid] = (struct flying){c->number,
	    hash_from(&c->place), h->mid};
	out->p[2] = (uint8_t)(a->outer_mid >> 8);
	out->p[3] = (uint8_t)a->outer_mid;
}

/* Without memory a repetition gets no answer, which is safe. */
static void
keep_sent(struct asked *a, const struct buf *out)
{
	uint8_t *copy = malloc(out->n);

	if (copy == NULL)
		return;
	free(a->sent);
	memcpy(copy, out->p, out->n);
	a->sent = copy;
	a->sent_n = out->n;
}

static enum oscore_do
answer(struct oscore *o, struct context *c, struct slice in, struct buf *out,
    struct oscore_place *ret_place)
{
	struct oscore_asked asked;
	struct oscore_with with = {.own = false};
	struct oscore_outer h;
	struct asked *a;

	if (oscore_head(in, &h) != 0 ||
	    (a = find_asked(c, h.token)) == NULL)
		return OSCORE_DROP;
	if ((a->used || a->observes) && next_seq(o, c, &with) != 0)
		return OSCORE_DROP;
	a->used = true;
	asked.piv_n = a->piv_n;
	memcpy(asked.piv, a->piv, a->piv_n);
	if (oscore_seal(&c->keys, &asked, with, in, out) != 0)
		return OSCORE_DROP;
	o->stats.sealed++;
	*ret_place = h.type == ACK ? a->place : c->place;
	if (h.type != ACK)
		set_mid(o, c, a, &h, out);
	if (!a->reads)
		keep_sent(a, out);
	return OSCORE_SEND;
}

enum oscore_do
oscore_out(struct oscore *o, uint32_t number, struct slice in,
    struct buf *out, struct oscore_place *ret_place)
{
	struct context *c = oscore_by_number(o, number);

	if (c == NULL || in.n < 4)
		return OSCORE_DROP;
	if (in.p[1] != 0)
		return answer(o, c, in, out, ret_place);
	if (in.n != 4 || (in.p[0] >> 4 & 3) < ACK)
		return OSCORE_DROP;
	out->n = 0;
	buf_put(out, in);
	*ret_place = c->place;
	return OSCORE_SEND;
}

void
oscore_stats(const struct oscore *o, struct oscore_stats *ret)
{
	*ret = o->stats;
}
