#include "daemon/observe_run.h"

#include <stdlib.h>

#include "daemon/loop.h"
#include "lib/uri.h"

#define SEQ_LOOKED_AT_MS 256000 /* 128 s, and what a repetition takes */

int
observe_target_init(struct observe_target *t, const struct exchange *x)
{
	const struct req *req = &x->req;
	bool own = (x->match.route->flags & ROUTE_OWN) != 0;
	size_t n = strlen(req->path) + 1;
	uint8_t *p;

	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < req->query_n; i++)
		n += req->query[i].n;
	p = malloc(n);
	if (p == NULL)
		return ERR_NOMEM;
	t->path = (char *)p;
	strcpy(t->path, req->path);
	p += strlen(req->path) + 1;
	for (size_t i = 0; i < req->query_n; i++) {
		t->query[i] = slice_of(p, req->query[i].n);
		if (t->query[i].n > 0)
			memcpy(p, req->query[i].p, t->query[i].n);
		p += t->query[i].n;
		if (own && t->ep.n == 0)
			t->ep = uri_query_value(t->query[i], "ep");
	}
	t->query_n = req->query_n;
	t->plane = x->plane;
	t->session = x->session;
	memcpy(t->token, x->token.p, x->token.n);
	t->token_n = x->token.n;
	t->device = own ? req->who.device : 0;
	t->have_accept = req->have_accept;
	t->accept = req->accept;
	t->have_b2 = x->have_b2;
	t->szx = x->b2.szx;
	return 0;
}

void
observe_target_fini(struct observe_target *t)
{
	free(t->path);
}

void
observe_run(struct front *f, const struct observe_target *t,
    struct exchange *x)
{
	memset(x, 0, sizeof(*x));
	x->f = f;
	x->plane = t->plane;
	x->session = t->session;
	x->token = slice_of(t->token, t->token_n);
	x->have_b2 = t->have_b2;
	x->b2.szx = t->szx;
	x->req.method = M_GET;
	x->req.transport = t->plane->t;
	strcpy(x->req.path, t->path); /* it came out of a req */
	x->req.arg[0] = x->match.arg[0];
	x->req.arg[1] = x->match.arg[1];
	memcpy(x->req.query, t->query, sizeof(t->query));
	x->req.query_n = t->query_n;
	x->req.have_accept = t->have_accept;
	x->req.accept = t->accept;
	x->req.cf = CF_NONE;
	x->req.observe = x->req.notify = x->req.first_block = true;
	req_addresses(t->plane, t->session, &x->req);
	front_run(x);
}

uint32_t
observe_seq_next(struct observe_seq *s, int64_t now, int64_t mono)
{
	uint32_t seq = (uint32_t)(now >> 3) & 0xffffff;
	uint32_t ahead = (seq - s->last) & 0xffffff;

	if (s->at != 0 && mono - s->at < SEQ_LOOKED_AT_MS &&
	    (ahead == 0 || ahead >= 1u << 23))
		seq = (s->last + 1) & 0xffffff;
	*s = (struct observe_seq){seq, mono};
	return seq;
}

void
observe_number(struct exchange *x, struct observe_seq *s)
{
	const struct loop *l = x->f->loop;

	answer_opt_uint(&x->answer, COAP_OPTION_OBSERVE, observe_seq_next(s,
	    loop_now(l), loop_mono(l)));
}

int
observe_send(const struct observe_target *t, struct exchange *x)
{
	coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, 0,
	    coap_new_message_id(t->session),
	    coap_session_max_pdu_size(t->session));
	int rc = ERR_NOMEM;

	if (pdu != NULL && (!coap_add_token(pdu, t->token_n, t->token) ||
	    !answer_fill(&x->answer, pdu))) {
		coap_delete_pdu(pdu);
		rc = ERR_SPACE;
	} else if (pdu != NULL) {
		rc = coap_send(t->session, pdu) == COAP_INVALID_MID ?
		    ERR_UNREACHABLE : 0;
	}
	blob_unref(x->resp.image);
	return rc;
}
