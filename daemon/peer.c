/*
 * A request has a session, and so a socket, of its own for as long as it
 * takes: what comes in on that socket answers it, and an ICMP error on it
 * means it. Requests to one address follow each other (NSTART 1). libcoap
 * repeats a CON; everything that ends a request is noted inside of libcoap's
 * callbacks and carried out after them, so that a callback of ours may send
 * the next request.
 */
#include "daemon/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/front_int.h"
#include "daemon/loop.h"
#include "lib/uri.h"

#define TICK_MS 250
#define DEADLINE_S 100 /* over MAX_TRANSMIT_WAIT: for separate answers */
#define ANSWER_MAX 1152
#define TOKEN_LEN 4

enum call_phase { CALL_WAITS, CALL_RUNS, CALL_OVER };

struct call {
	TAILQ_ENTRY(call) next;
	struct peer *p;
	enum call_phase phase;
	coap_session_t *session;
	coap_address_t to;
	enum method method;
	char uri[LIMIT_URI + 1];
	struct uri u; /* into uri */
	uint16_t cf;
	uint8_t *payload;
	size_t payload_n, off; /* acknowledged */
	uint8_t szx;
	bool blockwise;
	unsigned timeout_s;
	int64_t deadline; /* monotonic ms */
	uint8_t token[TOKEN_LEN];
	void (*cb)(void *arg, const struct peer_answer *a);
	void *arg;
	struct peer_answer answer;
	uint8_t body[ANSWER_MAX];
};

TAILQ_HEAD(calls, call);

struct peer {
	struct loop *loop;
	coap_context_t *ctx;
	int fd;
	struct calls calls;
	size_t n;
	struct reach *reach; /* NULL: nobody asks */
};

static const uint8_t codes[] = {
	[M_GET] = COAP_REQUEST_CODE_GET,
	[M_POST] = COAP_REQUEST_CODE_POST,
	[M_PUT] = COAP_REQUEST_CODE_PUT,
	[M_DELETE] = COAP_REQUEST_CODE_DELETE,
	[M_FETCH] = COAP_REQUEST_CODE_FETCH,
};

/* --- one request --- */

static int
add_uri(const struct call *j, coap_pdu_t *pdu)
{
	char path[LIMIT_PATH + 1], seg[LIMIT_PATH + 1];
	int rc = uri_path(&j->u, path, sizeof(path));

	if (rc != 0)
		return rc;
	for (size_t i = 0; uri_path_segment(slice_str(path), i, seg,
	    sizeof(seg)) == 0; i++)
		if (coap_add_option(pdu, COAP_OPTION_URI_PATH, strlen(seg),
		    (uint8_t *)seg) == 0)
			return ERR_SPACE;
	return 0;
}

static int
add_query(const struct call *j, coap_pdu_t *pdu)
{
	char text[LIMIT_URI + 1];

	for (size_t i = 0; i < LIMIT_QUERY; i++) {
		struct buf b = buf_of(text, sizeof(text));

		if (uri_query(&j->u, i, &b) != 0)
			break;
		if (coap_add_option(pdu, COAP_OPTION_URI_QUERY, b.n,
		    b.p) == 0)
			return ERR_SPACE;
	}
	return 0;
}

/* The payload, or the part of it that is due. */
static int
add_payload(const struct call *j, coap_pdu_t *pdu)
{
	struct slice all = slice_of(j->payload, j->payload_n), part = all;
	size_t size = block_size(j->szx);
	uint8_t raw[4];
	struct block b;

	if (j->blockwise) {
		part = slice_sub(all, j->off, size);
		b = (struct block){(uint32_t)(j->off / size),
		    j->off + part.n < all.n, j->szx};
		if (coap_add_option(pdu, COAP_OPTION_BLOCK1,
		    block_put(b, raw), raw) == 0)
			return ERR_SPACE;
		if (j->off == 0 && coap_add_option(pdu, COAP_OPTION_SIZE1,
		    coap_encode_var_safe(raw, sizeof(raw),
		    (unsigned)all.n), raw) == 0)
			return ERR_SPACE;
	}
	return part.n == 0 || coap_add_data(pdu, part.n, part.p) ? 0 :
	    ERR_SPACE;
}

static int
call_transmit(struct call *j)
{
	coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON,
	    (coap_pdu_code_t)codes[j->method], j->session);
	uint8_t raw[4];
	int rc;

	if (pdu == NULL)
		return ERR_NOMEM;
	rc = coap_add_token(pdu, TOKEN_LEN, j->token) ? 0 : ERR_SPACE;
	if (rc == 0)
		rc = add_uri(j, pdu);
	if (rc == 0 && j->cf != CF_NONE && coap_add_option(pdu,
	    COAP_OPTION_CONTENT_FORMAT, coap_encode_var_safe(raw,
	    sizeof(raw), j->cf), raw) == 0)
		rc = ERR_SPACE;
	if (rc == 0)
		rc = add_query(j, pdu);
	if (rc == 0)
		rc = add_payload(j, pdu);
	if (rc != 0) {
		coap_delete_pdu(pdu);
		return rc;
	}
	return coap_send(j->session, pdu) == COAP_INVALID_MID ?
	    ERR_UNREACHABLE : 0;
}

static void
call_extend(struct call *j)
{
	j->deadline = loop_mono(j->p->loop) + (int64_t)1000 *
	    (j->timeout_s > 0 ? j->timeout_s : DEADLINE_S);
}

static int
call_start(struct call *j)
{
	uint64_t luck = loop_rand(j->p->loop);

	memcpy(j->token, &luck, TOKEN_LEN);
	j->phase = CALL_RUNS;
	call_extend(j);
	j->session = coap_new_client_session(j->p->ctx, NULL, &j->to,
	    COAP_PROTO_UDP);
	if (j->session == NULL)
		return ERR_UNREACHABLE;
	coap_session_set_app_data(j->session, j);
	return call_transmit(j);
}

static void
call_over(struct call *j, int err)
{
	if (j->phase == CALL_OVER)
		return;
	j->phase = CALL_OVER;
	j->answer.err = err;
}

/* --- what comes back --- */

static bool
get_option(const coap_pdu_t *pdu, uint16_t number, struct slice *ret)
{
	coap_opt_iterator_t it;
	coap_opt_t *opt = coap_check_option(pdu, number, &it);

	if (opt != NULL)
		*ret = slice_of(coap_opt_value(opt), coap_opt_length(opt));
	return opt != NULL;
}

/*
 * The peer took a block, or wants smaller ones: true when the request goes
 * on. A smaller size counts from what was taken; in a 4.13 nothing was.
 */
static bool
goes_on(struct call *j, const coap_pdu_t *pdu, unsigned code)
{
	struct slice v;
	struct block b;
	size_t sent = block_size(j->szx);

	if (!j->blockwise || !get_option(pdu, COAP_OPTION_BLOCK1, &v) ||
	    block_parse(v, &b) != 0)
		return false;
	if (code == 413 && b.szx < j->szx && j->off == 0) {
		j->szx = b.szx;
		return true;
	}
	if (code != 231 || j->off + sent >= j->payload_n)
		return false;
	j->off += sent;
	if (b.szx < j->szx)
		j->szx = b.szx;
	return true;
}

static void
keep_answer(struct call *j, const coap_pdu_t *pdu, unsigned code)
{
	size_t len = 0, off = 0, total = 0;
	const uint8_t *data = NULL;
	struct slice v;

	j->answer.code = code;
	if (get_option(pdu, COAP_OPTION_MAXAGE, &v) && v.n <= 4) {
		j->answer.have_max_age = true;
		for (size_t i = 0; i < v.n; i++)
			j->answer.max_age = j->answer.max_age << 8 | v.p[i];
	}
	if (!coap_get_data_large(pdu, &len, &data, &off, &total))
		return;
	if (len > sizeof(j->body))
		len = sizeof(j->body);
	memcpy(j->body, data, len);
	j->answer.payload = slice_of(j->body, len);
}

/* It got our token, so it is where it says. */
static void
show(const struct call *j)
{
	struct echo_peer p;

	reach_peer(&j->to.addr.sa, &p);
	reach_enter(j->p->reach, &p, loop_tick());
}

static coap_response_t
on_response(coap_session_t *session, const coap_pdu_t *sent,
    const coap_pdu_t *pdu, const coap_mid_t mid)
{
	struct call *j = coap_session_get_app_data(session);
	coap_bin_const_t token = coap_pdu_get_token(pdu);
	unsigned raw = coap_pdu_get_code(pdu);
	unsigned code = (raw >> 5) * 100 + (raw & 31);
	int rc;

	(void)sent;
	(void)mid;
	if (j == NULL || j->phase != CALL_RUNS ||
	    !slice_eq(slice_of(token.s, token.length),
	    slice_of(j->token, TOKEN_LEN)))
		return COAP_RESPONSE_FAIL; /* RST */
	show(j);
	if (!goes_on(j, pdu, code)) {
		keep_answer(j, pdu, code);
		call_over(j, 0);
		return COAP_RESPONSE_OK;
	}
	call_extend(j);
	rc = call_transmit(j);
	if (rc != 0)
		call_over(j, rc);
	return COAP_RESPONSE_OK;
}

static void
on_nack(coap_session_t *session, const coap_pdu_t *sent,
    const coap_nack_reason_t reason, const coap_mid_t mid)
{
	struct call *j = coap_session_get_app_data(session);

	(void)mid;
	/* libcoap 4.3.4 also tells of a reset of what was never sent */
	if (j == NULL || (sent == NULL && reason == COAP_NACK_RST))
		return;
	call_over(j, reason == COAP_NACK_RST ? ERR_REJECTED :
	    reason == COAP_NACK_TOO_MANY_RETRIES ? ERR_TIMEOUT :
	    ERR_UNREACHABLE);
}

/* --- all of them --- */

static void
call_free(struct call *j)
{
	struct peer *p = j->p;

	TAILQ_REMOVE(&p->calls, j, next);
	p->n--;
	if (j->session != NULL) {
		coap_session_set_app_data(j->session, NULL);
		/* takes a CON that would still be repeated out of the queue */
		coap_session_disconnected(j->session,
		    COAP_NACK_NOT_DELIVERABLE);
		coap_session_release(j->session);
	}
	free(j->payload);
	free(j);
}

/* The first of those that wait for this address has its turn. */
static void
start_next(struct peer *p, const coap_address_t *to)
{
	struct call *j;
	int rc;

	TAILQ_FOREACH(j, &p->calls, next) {
		if (j->phase == CALL_OVER || !coap_address_equals(&j->to, to))
			continue;
		if (j->phase == CALL_WAITS) {
			rc = call_start(j);
			if (rc != 0)
				call_over(j, rc);
		}
		return;
	}
}

/* Tells, frees and goes on with those that are over. */
static void
reap(struct peer *p)
{
	struct call *j;

	do {
		TAILQ_FOREACH(j, &p->calls, next)
			if (j->phase == CALL_OVER)
				break;
		if (j != NULL) {
			coap_address_t to = j->to;

			j->cb(j->arg, &j->answer);
			call_free(j);
			start_next(p, &to);
		}
	} while (j != NULL);
}

static void
on_readable(void *arg)
{
	struct peer *p = arg;

	(void)coap_io_process(p->ctx, COAP_IO_NO_WAIT);
	reap(p);
}

static void
on_tick(void *arg)
{
	struct peer *p = arg;
	int64_t now = loop_mono(p->loop);
	struct call *j;

	TAILQ_FOREACH(j, &p->calls, next)
		if (j->phase == CALL_RUNS && now >= j->deadline)
			call_over(j, ERR_TIMEOUT);
	reap(p);
}

int
peer_new(struct loop *loop, const struct conf *conf, struct peer **ret,
    struct why *why)
{
	struct peer *p = calloc(1, sizeof(*p));
	int rc;

	(void)conf;
	if (p == NULL)
		return ERR_NOMEM;
	coap_startup();
	TAILQ_INIT(&p->calls);
	p->loop = loop;
	p->ctx = coap_new_context(NULL);
	if (p->ctx == NULL) {
		free(p);
		return why_set(why, ERR_NOMEM, "peer: no CoAP context");
	}
	coap_context_set_block_mode(p->ctx, 0);
	coap_register_response_handler(p->ctx, on_response);
	coap_register_nack_handler(p->ctx, on_nack);
	p->fd = coap_context_get_coap_fd(p->ctx);
	(void)coap_io_process(p->ctx, COAP_IO_NO_WAIT);
	rc = loop_read(loop, p->fd, on_readable, p);
	if (rc == 0)
		rc = loop_every(loop, TICK_MS, on_tick, p);
	if (rc != 0) {
		peer_free(p);
		return why_set(why, rc, "peer: %s", err_text(rc));
	}
	*ret = p;
	return 0;
}

void
peer_tells(struct peer *p, struct reach *r)
{
	p->reach = r;
}

void
peer_free(struct peer *p)
{
	struct call *j;

	if (p == NULL)
		return;
	while ((j = TAILQ_FIRST(&p->calls)) != NULL) {
		call_over(j, ERR_CANCELLED);
		j->cb(j->arg, &j->answer);
		call_free(j);
	}
	coap_free_context(p->ctx);
	free(p);
}

/* Literals only. "%25" before a zone is "%" outside of a URI. */
static int
call_address(struct call *j)
{
	char text[LIMIT_ADDRESS], host[LIMIT_ADDRESS], *zone;
	int rc;

	if (j->u.scheme != URI_COAP)
		return ERR_UNSUPPORTED;
	if (!slice_to_cstr(j->u.host, host, sizeof(host) - 8))
		return ERR_UNSUPPORTED;
	zone = strchr(host, '%');
	if (zone != NULL)
		memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
	snprintf(text, sizeof(text), j->u.host_ipv6 ? "[%.70s]:%u" :
	    "%.70s:%u", host, j->u.port);
	rc = addr_parse(text, &j->to, NULL);
	return rc == ERR_INVALID ? ERR_UNSUPPORTED : rc;
}

static int
call_new(const struct peer_request *rq, struct call **ret)
{
	struct call *j = calloc(1, sizeof(*j));
	int rc = ERR_NOMEM;

	if (j == NULL)
		return rc;
	j->payload = malloc(rq->payload.n > 0 ? rq->payload.n : 1);
	if (j->payload == NULL)
		goto fail;
	if (rq->payload.n > 0)
		memcpy(j->payload, rq->payload.p, rq->payload.n);
	j->payload_n = rq->payload.n;
	j->method = rq->method;
	j->cf = rq->cf;
	j->timeout_s = rq->timeout_s;
	j->szx = 6;
	j->blockwise = rq->payload.n > BLOCK_MAX;
	rc = ERR_SIZE;
	if (!slice_to_cstr(slice_str(rq->uri), j->uri, sizeof(j->uri)))
		goto fail;
	rc = uri_parse(slice_str(j->uri), &j->u, NULL);
	if (rc == 0)
		rc = call_address(j);
	if (rc != 0)
		goto fail;
	*ret = j;
	return 0;
fail:
	free(j->payload);
	free(j);
	return rc;
}

static bool
address_busy(const struct peer *p, const coap_address_t *to)
{
	const struct call *j;

	TAILQ_FOREACH(j, &p->calls, next)
		if (coap_address_equals(&j->to, to))
			return true;
	return false;
}

int
peer_send(struct peer *p, const struct peer_request *rq,
    void (*cb)(void *arg, const struct peer_answer *a), void *arg)
{
	struct call *j;
	bool wait;
	int rc;

	if (p->n >= LIMIT_PEER_INFLIGHT)
		return ERR_BUSY;
	if (rq->payload.n > LIMIT_ENVELOPE)
		return ERR_SIZE;
	rc = call_new(rq, &j);
	if (rc != 0)
		return rc;
	j->p = p;
	j->cb = cb;
	j->arg = arg;
	wait = address_busy(p, &j->to);
	TAILQ_INSERT_TAIL(&p->calls, j, next);
	p->n++;
	rc = wait ? 0 : call_start(j);
	if (rc != 0)
		call_free(j);
	return rc;
}

size_t
peer_inflight(const struct peer *p)
{
	return p->n;
}
