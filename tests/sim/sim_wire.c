/*
 * A device's exchanges: one at a time, confirmable, repeated as RFC 7252
 * 4.2 has it. A request is one object that all of its datagrams share; what
 * arrives late finds its own request, whatever the device does by then.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define RUDE_MS 1000

struct sim_req *
sim_req_ref(struct sim_req *r)
{
	r->refs++;
	return r;
}

void
sim_req_unref(struct sim_req *r)
{
	if (r != NULL && --r->refs == 0)
		free(r);
}

struct sim_ans *
sim_ans_ref(struct sim_ans *a)
{
	a->refs++;
	return a;
}

void
sim_ans_unref(struct sim_ans *a)
{
	if (a != NULL && --a->refs == 0)
		free(a);
}

/* --- the wire --- */

bool
sim_dark(const struct sim *s)
{
	return s->now < s->net.dark_until;
}

unsigned
sim_copies(struct sim *s)
{
	if (sim_dark(s) || sim_chance(&s->net_rnd) < s->net.drop)
		return 0;
	return s->net.dup > 0 && sim_chance(&s->net_rnd) < s->net.dup ? 2 : 1;
}

int64_t
sim_latency(struct sim *s)
{
	const struct sim_net *n = &s->net;

	return n->lat_min +
	    sim_below(&s->net_rnd, n->lat_max - n->lat_min + 1);
}

/* RFC 7252 4.8: ACK_TIMEOUT 2 s, ACK_RANDOM_FACTOR 1.5. */
int64_t
sim_ack_timeout(struct sim *s)
{
	return 2000 + sim_below(&s->net_rnd, 1001);
}

static void
arrives(struct sim *s, void *arg, int64_t n)
{
	struct sim_req *rq = arg;

	(void)n;
	if (!s->over && !sim_dark(s))
		sim_front_request(s, rq);
	sim_req_unref(rq);
}

static void
transmit(struct sim_dev *d)
{
	struct sim *s = d->s;

	for (unsigned i = sim_copies(s); i > 0; i--)
		sim_at(s, s->now + sim_latency(s), arrives,
		    sim_req_ref(d->ask), 0);
	d->tries++;
	d->again = s->now + d->wait;
	d->wait *= 2;
}

/* --- the core's network --- */

/* Only a manifest is worth an admission; images have names of their own. */
static bool
asks_manifest(const struct sim_req *rq)
{
	const char *path = strncmp(rq->uri, "coap://", 7) == 0 ?
	    strchr(rq->uri + 7, '/') : rq->uri;

	return rq->method == 1 && rq->num == 0 && path != NULL &&
	    path[1] == 'm' && (path[2] == '\0' || path[2] == '?' ||
	    path[2] == '/');
}

static int
wire_send(void *arg, const struct suitdev_request *q)
{
	struct sim_dev *d = arg;
	struct sim_req *rq = sim_alloc(NULL, 1, sizeof(*rq));

	if (strlen(q->uri) >= sizeof(rq->uri) ||
	    q->payload.n > sizeof(rq->payload)) {
		free(rq);
		return ERR_SIZE;
	}
	*rq = (struct sim_req){
		.refs = 1, .d = d, .id = ++d->ask_id, .method = q->method,
		.have_block = q->have_block, .observe = q->observe,
		.num = q->num, .szx = q->szx, .cf = q->content_format,
		.etag_n = q->etag_len, .n = q->payload.n,
	};
	strcpy(rq->uri, q->uri);
	memcpy(rq->etag, q->etag, sizeof(rq->etag));
	if (q->payload.n > 0)
		memcpy(rq->payload, q->payload.p, q->payload.n);
	rq->admission = asks_manifest(rq);
	d->ask = rq;
	d->tries = 0;
	d->wait = sim_ack_timeout(d->s);
	d->asked_at = d->s->now;
	sim_count_try(d);
	transmit(d);
	return 0;
}

static void
over(struct sim_dev *d)
{
	sim_req_unref(d->ask);
	d->ask = NULL;
}

void
sim_wire_forget(struct sim_dev *d)
{
	over(d);
	d->note_token = 0;
	d->session = 0;
}

static void
wire_forget(void *arg)
{
	sim_wire_forget(arg);
}

const struct suitdev_net sim_wire = {wire_send, wire_forget};

void
sim_wire_again(struct sim_dev *d)
{
	if (d->ask == NULL || d->s->now < d->again)
		return;
	if (d->tries < SIM_TRIES) {
		transmit(d);
		return;
	}
	sim_trace(d->s, d, "no answer to %s", d->ask->uri);
	over(d);
	d->session = 0; /* it may be that: the next one begins anew */
	suitdev_lost(&d->core, d->s->now, ERR_TIMEOUT);
}

/* --- answers --- */

static void
take(struct sim_dev *d, struct sim_ans *a)
{
	struct sim *s = d->s;
	const bool block = d->core.phase == SUITDEV_FETCH;

	if (d->ask->observe && a->r.observe)
		d->note_token = a->id;
	over(d);
	if (a->admission)
		sim_count_told(d, a);
	suitdev_answer(&d->core, s->now, &a->r);
	if (d->g->rude && d->core.wake > s->now + RUDE_MS)
		d->core.wake = s->now + RUDE_MS;
	/* from one block's request to the next one's */
	if (block && d->asked_at + s->block_ms > s->now)
		d->busy = d->asked_at + s->block_ms;
	sim_count_state(d);
	sim_dev_run(d);
}

static void
answered(struct sim *s, void *arg, int64_t n)
{
	struct sim_ans *a = arg;
	struct sim_dev *d = a->d;

	(void)n;
	if (!s->over && !sim_dark(s) && sim_dev_hears(d) && d->ask != NULL &&
	    d->ask->id == a->id)
		take(d, a);
	sim_ans_unref(a);
}

void
sim_wire_answer(struct sim *s, struct sim_ans *a)
{
	for (unsigned i = sim_copies(s); i > 0; i--)
		sim_at(s, s->now + sim_latency(s), answered, sim_ans_ref(a),
		    0);
}
