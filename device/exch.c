/*
 * A response is matched by its message ID when piggy-backed, else by token
 * and peer; RIOT sends no token at all and is matched by the peer alone.
 *
 * Notifications are hints for the core, which asks anew with its ETag; so
 * their order (RFC 7641 3.4) does not matter here. The observation keeps one
 * token for good: refreshing it replaces the server's entry.
 */
#include "device/exch.h"

#include <netinet/in.h>

#include "lib/block.h"
#include "lib/uri.h"

#define TRIES 4 /* MAX_RETRANSMIT */
#define SEPARATE 10 /* ACK_TIMEOUTs to wait after an empty ACK */

bool
exch_peer_eq(const struct exch_peer *a, const struct exch_peer *b)
{
	const struct sockaddr_in *a4 = (const void *)&a->ss;
	const struct sockaddr_in *b4 = (const void *)&b->ss;
	const struct sockaddr_in6 *a6 = (const void *)&a->ss;
	const struct sockaddr_in6 *b6 = (const void *)&b->ss;

	if (a->ss.ss_family != b->ss.ss_family)
		return false;
	if (a->ss.ss_family == AF_INET)
		return a4->sin_port == b4->sin_port &&
		    a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port &&
	    memcmp(&a6->sin6_addr, &b6->sin6_addr, 16) == 0;
}

void
exch_init(struct exch *e, const struct exch_hooks *hooks, void *arg,
    uint64_t seed)
{
	uint64_t token;

	memset(e, 0, sizeof *e);
	e->hooks = hooks;
	e->arg = arg;
	e->rnd = seed;
	e->ack_timeout = 2000;
	e->token_len = 4;
	e->mid = (uint16_t)backoff_rand(&e->rnd);
	token = backoff_rand(&e->rnd);
	memcpy(e->obs_token, &token, sizeof token);
}

static void
transmit(struct exch *e)
{
	e->count.sent++;
	e->hooks->send(e->arg, &e->to, slice_of(e->out_dgram, e->out_len));
}

/* ACK_TIMEOUT times 1 to 1.5 (RFC 7252 4.8). */
static void
start_timer(struct exch *e, int64_t now)
{
	e->tries = 0;
	e->wait = e->ack_timeout + (int64_t)(backoff_rand(&e->rnd) %
	    ((uint64_t)e->ack_timeout / 2 + 1));
	e->due = now + e->wait;
}

static void
put_path(struct coap_out *o, const char *path)
{
	char seg[LIMIT_PATH + 1];

	for (size_t i = 0; path[0] != '\0' && uri_path_segment(slice_str(path),
	    i, seg, sizeof seg) == 0; i++)
		coap_put(o, COAP_URI_PATH, slice_str(seg));
}

static void
put_query(struct coap_out *o, struct slice q)
{
	while (q.n > 0) {
		const uint8_t *amp = memchr(q.p, '&', q.n);
		const size_t n = amp ? (size_t)(amp - q.p) : q.n;

		coap_put(o, COAP_URI_QUERY, slice_sub(q, 0, n));
		q = slice_sub(q, n + 1, q.n);
	}
}

static void
put_request(struct coap_out *o, const struct exch_target *to,
    const struct suitdev_request *rq)
{
	uint8_t block[3];
	size_t n;

	if (rq->etag_len > 0)
		coap_put(o, COAP_ETAG, slice_of(rq->etag, rq->etag_len));
	if (rq->observe)
		coap_put_uint(o, COAP_OBSERVE, 0);
	put_path(o, to->path);
	if (rq->content_format >= 0)
		coap_put_uint(o, COAP_CONTENT_FORMAT,
		    (uint32_t)rq->content_format);
	put_query(o, to->query);
	if (rq->have_block) {
		n = block_put((struct block){rq->num, false, rq->szx}, block);
		coap_put(o, COAP_BLOCK2, slice_of(block, n));
	}
}

int
exch_request(struct exch *e, int64_t now, const struct exch_target *to,
    const struct suitdev_request *rq)
{
	struct coap_msg head = {.type = COAP_CON, .code = rq->method,
	    .mid = ++e->mid, .token_len = e->token_len};
	struct coap_out o = {.b = buf_of(e->out_dgram, sizeof e->out_dgram)};
	uint64_t token = backoff_rand(&e->rnd);

	memcpy(e->token, rq->observe ? e->obs_token : (uint8_t *)&token, 8);
	memcpy(head.token, e->token, sizeof head.token);
	coap_begin(&o, &head);
	put_request(&o, to, rq);
	e->echo_at = o.b.n;
	e->echo_last = o.last;
	coap_put_payload(&o, rq->payload);
	if (o.b.over)
		return ERR_SIZE;
	e->out = true;
	e->acked = false;
	e->out_mid = head.mid;
	e->out_len = o.b.n;
	e->to = to->peer;
	if (rq->observe) {
		e->observing = true;
		e->obs_peer = to->peer;
	}
	start_timer(e, now);
	transmit(e);
	return 0;
}

void
exch_forget(struct exch *e)
{
	e->out = e->observing = false;
}

int64_t
exch_tick(struct exch *e, int64_t now)
{
	if (!e->out)
		return SUITDEV_NEVER;
	if (now < e->due)
		return e->due;
	if (e->acked || e->tries == TRIES) {
		e->out = false;
		e->hooks->lost(e->arg, ERR_TIMEOUT);
		return SUITDEV_NEVER;
	}
	e->tries++;
	e->wait *= 2;
	e->due = now + e->wait;
	e->count.retransmitted++;
	transmit(e);
	return e->due;
}

/* --- what comes in --- */

static void
send_empty(struct exch *e, const struct exch_peer *to, enum coap_type type,
    uint16_t mid)
{
	struct coap_msg head = {.type = type, .mid = mid};
	uint8_t bytes[4];
	struct coap_out o = {.b = buf_of(bytes, sizeof bytes)};

	coap_begin(&o, &head);
	e->hooks->send(e->arg, to, buf_slice(&o.b));
}

static int
read_option(struct suitdev_response *r, const struct coap_opt *o,
    struct buf *location)
{
	struct block block;
	int err = 0;

	switch (o->number) {
	case COAP_ETAG:
		if (o->value.n == 0 || o->value.n > sizeof r->etag)
			return ERR_BAD_OPTION;
		r->etag_len = o->value.n;
		memcpy(r->etag, o->value.p, o->value.n);
		break;
	case COAP_OBSERVE:
		r->observe = true;
		break;
	case COAP_LOCATION_PATH:
		uri_path_add(location, o->value);
		break;
	case COAP_MAX_AGE:
		err = coap_uint(o->value, &r->max_age);
		r->have_max_age = err == 0;
		break;
	case COAP_BLOCK2:
		err = block_parse(o->value, &block);
		if (err == 0) {
			r->have_block = true;
			r->num = block.num;
			r->more = block.more;
			r->szx = block.szx;
		}
		break;
	case COAP_BLOCK1:
		break;
	case COAP_TRUST:
		if (o->value.n > 8)
			return 0; /* elective */
		for (size_t i = 0; i < o->value.n; i++)
			r->trust = r->trust << 8 | o->value.p[i];
		break;
	default: /* unknown: critical ones have odd numbers */
		err = o->number & 1 ? ERR_BAD_OPTION : 0;
	}
	return err;
}

static int
read_response(const struct coap_msg *m, struct suitdev_response *r,
    struct buf *location)
{
	struct coap_iter it = coap_options(m);
	struct coap_opt o;

	memset(r, 0, sizeof *r);
	r->code = m->code;
	r->payload = m->payload;
	while (coap_next(&it, &o)) {
		int err = read_option(r, &o, location);

		if (err != 0)
			return err;
	}
	r->location = buf_slice(location);
	return location->over ? ERR_SIZE : 0;
}

/* 4.01 with Echo: the same request once more, with the value. */
static bool
echoed(struct exch *e, int64_t now, const struct coap_msg *m)
{
	struct coap_iter it = coap_options(m);
	struct coap_opt o = {0};
	uint8_t rest[COAP_DATAGRAM];
	struct coap_out out = {.b = buf_of(e->out_dgram, sizeof e->out_dgram),
	    .last = e->echo_last};
	size_t n = e->out_len - e->echo_at;

	if (m->code != 401 || e->echo_at == 0)
		return false;
	while (coap_next(&it, &o))
		if (o.number == COAP_ECHO)
			break;
	if (o.number != COAP_ECHO || o.value.n == 0 || o.value.n > 40)
		return false;
	memcpy(rest, e->out_dgram + e->echo_at, n);
	out.b.n = e->echo_at;
	coap_put(&out, COAP_ECHO, o.value);
	buf_put(&out.b, slice_of(rest, n));
	if (out.b.over)
		return false;
	e->echo_at = 0; /* once */
	e->out_len = out.b.n;
	e->out_mid = ++e->mid;
	e->out_dgram[2] = (uint8_t)(e->out_mid >> 8);
	e->out_dgram[3] = (uint8_t)e->out_mid;
	e->acked = false;
	start_timer(e, now);
	transmit(e);
	return true;
}

static bool
has_token(const struct exch *e, const struct coap_msg *m, const uint8_t *t)
{
	return m->token_len == e->token_len &&
	    memcmp(m->token, t, m->token_len) == 0;
}

static void
input_response(struct exch *e, int64_t now, const struct exch_peer *from,
    const struct coap_msg *m)
{
	const bool ours = e->out && exch_peer_eq(from, &e->to) &&
	    has_token(e, m, e->token) &&
	    (m->type != COAP_ACK || m->mid == e->out_mid);
	const bool noted = !ours && m->type != COAP_ACK && e->observing &&
	    exch_peer_eq(from, &e->obs_peer) && has_token(e, m, e->obs_token);
	char path[LIMIT_PATH + 1];
	struct buf location = buf_of(path, sizeof path - 1);
	struct suitdev_response r;

	if (!ours && !noted) {
		e->count.duplicates++;
		if (m->type == COAP_CON)
			send_empty(e, from, COAP_RST, m->mid);
		return;
	}
	if (m->type == COAP_CON)
		send_empty(e, from, COAP_ACK, m->mid);
	if (ours && echoed(e, now, m))
		return;
	if (ours)
		e->out = false;
	if (read_response(m, &r, &location) != 0) {
		if (ours)
			e->hooks->lost(e->arg, ERR_BAD_OPTION);
	} else if (ours) {
		e->hooks->answer(e->arg, &r);
	} else {
		e->hooks->notified(e->arg, &r);
	}
}

static void
input_request(struct exch *e, const struct exch_peer *from,
    const struct coap_msg *m)
{
	struct coap_msg head = {.type = m->type == COAP_CON ? COAP_ACK :
	    COAP_NON, .mid = m->mid, .token_len = m->token_len};
	struct coap_out o = {.b = buf_of(e->answer, sizeof e->answer)};
	struct coap_iter it = coap_options(m);
	struct coap_opt opt;
	struct exch_in in = {.method = m->code, .payload = m->payload};
	struct exch_out out = {.code = 404, .content_format = -1};
	struct buf path = buf_of(in.path, sizeof in.path - 1);
	uint8_t block[3];
	size_t n;

	if (e->answered && e->from_mid == m->mid &&
	    exch_peer_eq(from, &e->from)) {
		e->count.duplicates++;
		e->hooks->send(e->arg, from,
		    slice_of(e->answer, e->answer_len));
		return;
	}
	while (coap_next(&it, &opt)) {
		if (opt.number == COAP_URI_PATH)
			uri_path_add(&path, opt.value);
		else if (opt.number == COAP_BLOCK1)
			in.have_block = block_parse(opt.value, &in.block) == 0;
	}
	if (!path.over)
		e->hooks->serve(e->arg, &in, &out);
	memcpy(head.token, m->token, m->token_len);
	head.code = out.code;
	if (head.type == COAP_NON)
		head.mid = ++e->mid;
	coap_begin(&o, &head);
	if (out.content_format >= 0)
		coap_put_uint(&o, COAP_CONTENT_FORMAT,
		    (uint32_t)out.content_format);
	if (in.have_block) {
		n = block_put(in.block, block);
		coap_put(&o, COAP_BLOCK1, slice_of(block, n));
	}
	coap_put_payload(&o, out.payload);
	e->answered = !o.b.over;
	e->answer_len = o.b.n;
	e->from = *from;
	e->from_mid = m->mid;
	if (!o.b.over)
		e->hooks->send(e->arg, from, buf_slice(&o.b));
}

void
exch_input(struct exch *e, int64_t now, const struct exch_peer *from,
    struct slice dgram)
{
	struct coap_msg m;

	e->count.received++;
	if (coap_parse(dgram, &m) != 0)
		return;
	if (m.code == 0) {
		const bool ours = e->out && m.mid == e->out_mid &&
		    exch_peer_eq(from, &e->to);

		if (m.type == COAP_CON) {
			send_empty(e, from, COAP_RST, m.mid); /* a ping */
		} else if (ours && m.type == COAP_RST) {
			e->count.resets++;
			e->out = false;
			e->hooks->lost(e->arg, ERR_REJECTED);
		} else if (ours && m.type == COAP_ACK && !e->acked) {
			e->acked = true;
			e->due = now + SEPARATE * e->ack_timeout;
		}
	} else if (m.code < 32) {
		if (m.type <= COAP_NON)
			input_request(e, from, &m);
	} else if (m.type != COAP_RST) {
		input_response(e, now, from, &m);
	}
}
