/*
 * Answers that wait until what they speak of is durable. libcoap was given
 * nothing to send (front.c); here our own ACK follows, with the request's
 * message ID: an answer that waited is still piggy-backed.
 */
#include "daemon/front_int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/dedup.h"

/* To whom; the session is borrowed. */
static void
address(struct held *h, const struct exchange *x)
{
	h->session = x->session;
	h->peer = x->peer;
	h->con = x->con;
	h->reliable = x->reliable;
	h->mid = x->mid;
	h->no_response = x->no_response;
	h->budget = x->stranger ? x->budget : 0;
	h->row = front_row(x);
	h->token_n = x->token.n;
	memcpy(h->token, x->token.p, x->token.n);
	h->answer = x->answer;
}

/* The answer waits for the commit; its body must outlive the handler. A GET
 * that wrote and finds no room leaves at once: it acknowledges nothing. */
bool
held_add(struct exchange *x)
{
	struct held *h = &x->f->held[(x->f->held_last + 1) % HELD_MAX];
	uint8_t *body = NULL;

	if (x->f->held_n == HELD_MAX)
		return false;
	if (x->answer.body.n > 0) {
		body = malloc(x->answer.body.n);
		if (body == NULL)
			return false;
		memcpy(body, x->answer.body.p, x->answer.body.n);
	}
	address(h, x);
	coap_session_reference(h->session);
	h->answer.body = slice_of(body, x->answer.body.n);
	x->f->held_n++;
	x->f->held_last++;
	return true;
}

static void
send_one(struct held *h, const struct answer *a)
{
	bool silent = content_unwanted(a->code, h->no_response);
	coap_pdu_t *pdu;

	if ((silent && !h->con) || coap_session_get_state(h->session) !=
	    COAP_SESSION_STATE_ESTABLISHED) /* it has ended meanwhile */
		return;
	pdu = coap_pdu_init(h->con ? COAP_MESSAGE_ACK : COAP_MESSAGE_NON, 0,
	    h->con ? h->mid : coap_new_message_id(h->session),
	    coap_session_max_pdu_size(h->session));
	if (pdu == NULL)
		return;
	if (!silent && (!coap_add_token(pdu, h->token_n, h->token) ||
	    !answer_fill(a, pdu))) {
		coap_delete_pdu(pdu);
		return;
	}
	(void)coap_send(h->session, pdu);
}

static void
end_one(struct front *f, struct held *h, const struct answer *a)
{
	send_one(h, a);
	front_count(f, h->row, a->code);
	if (h->con)
		dedup_end(f->dedup, &h->peer, (uint16_t)h->mid, a);
	coap_session_release(h->session);
	if (h->answer.secret)
		explicit_bzero((void *)h->answer.body.p, h->answer.body.n);
	free((void *)h->answer.body.p);
}

/* A sync that failed: the transaction was taken, and is there for now. */
static struct slice
failure(const struct front_span *which, int err)
{
	static char text[CONTENT_DIAGNOSTIC];

	snprintf(text, sizeof(text), "%s%s", err_text(err), which->unsure ?
	    "; this may have been kept: ask, or send it again" : "");
	return slice_str(text);
}

void
held_flush(struct front *f, struct front_span which, int commit_err)
{
	struct answer failed = {.code = err_coap(commit_err)};
	struct answer bare = {.code = failed.code};
	uint64_t first = f->held_last - f->held_n + 1, from, to;

	from = which.after < first ? first : which.after + 1;
	to = which.upto < f->held_last ? which.upto : f->held_last;
	failed.body = failure(&which, commit_err);
	if (failed.code == 503)
		answer_opt_uint(&failed, COAP_OPTION_MAXAGE, CONTENT_BUSY_S);
	for (uint64_t k = from; k <= to; k++) {
		struct held *h = &f->held[k % HELD_MAX];

		if (commit_err != 0 && f->hooks.refused != NULL)
			f->hooks.refused(f->app, commit_err);
		end_one(f, h, commit_err == 0 ? &h->answer :
		    h->budget > 0 && answer_size(&failed, h->token_n) >
		    h->budget ? &bare : &failed);
	}
	if (from > to)
		return;
	assert(from == first || to == f->held_last);
	f->held_n -= to - from + 1;
	if (from > first)
		f->held_last = from - 1;
}

void
held_send(struct exchange *x)
{
	struct held h = {.reliable = false};

	address(&h, x);
	send_one(&h, &x->answer);
	front_count(x->f, h.row, x->answer.code);
	if (front_once(x))
		dedup_end(x->f->dedup, &x->peer, (uint16_t)x->mid,
		    &x->answer);
}

uint64_t
front_held(const struct front *f)
{
	return f->held_last;
}
