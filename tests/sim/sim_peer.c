/*
 * The peer: our requests to devices, one at a time for each (NSTART 1), at
 * most LIMIT_PEER_INFLIGHT of them, repeated as RFC 7252 has it. A device
 * answers what suitsim's do: /suit/trigger, /suit/manifest, the slot.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/uri.h"

struct sim_push {
	struct sim_push *next;
	struct sim *s;
	struct sim_dev *d;
	uint32_t id;
	enum method method;
	char path[64];
	void (*cb)(void *arg, const struct peer_answer *a);
	void *arg;
	unsigned tries;
	int64_t wait, end; /* end: 0, or our own time-out */
	size_t n;
	uint8_t payload[];
};

static void start(struct sim_push *p);

/* Out of its device's queue, whose next one may go; then the answer. */
static void
end(struct sim_push *p, const struct peer_answer *a)
{
	struct sim *s = p->s;
	struct sim_dev *d = p->d;

	s->peer.n--;
	s->touched = true;
	d->push = p->next;
	if (d->push == NULL)
		d->push_end = &d->push;
	p->cb(p->arg, a);
	free(p);
	if (d->push != NULL && s->up)
		start(d->push);
}

/* --- at the device --- */

static void
answer_slot(struct sim_push *p, unsigned *code)
{
	*code = p->method == M_GET ? 205 : 405;
}

static void
answer_trigger(struct sim_push *p, unsigned *code)
{
	struct sim_dev *d = p->d;
	int err;

	if (p->method != M_POST) {
		*code = 405;
		return;
	}
	err = suitdev_trigger(&d->core, d->s->now,
	    slice_of(p->payload, p->n));
	*code = err == ERR_INCOMPLETE ? 408 : err != 0 ? err_coap(err) :
	    d->g->kind.riot ? 201 : 204;
	sim_trace(d->s, d, "triggered: %u", *code);
}

static void
answer_manifest(struct sim_push *p, unsigned *code)
{
	struct sim_dev *d = p->d;
	int rc;

	if (!d->g->kind.pushed || p->method != M_POST)
		return;
	rc = suitdev_pushed(&d->core, d->s->now, NULL,
	    slice_of(p->payload, p->n));
	*code = rc == 0 ? 204 : err_coap(rc);
	sim_trace(d->s, d, "given a manifest: %u", *code);
}

static const struct {
	const char *path;
	void (*fn)(struct sim_push *p, unsigned *code);
} served[] = {
	{"/suit/trigger", answer_trigger},
	{"/suit/manifest", answer_manifest},
	{"/suit/slot/active", answer_slot},
};

/* --- on the wire --- */

/* The push that a number means, if it is still out. */
static struct sim_push *
current(struct sim *s, struct sim_dev *d, int64_t id)
{
	struct sim_push *p = d->push;

	return !s->over && s->up && p != NULL && p->id == (uint32_t)id ? p :
	    NULL;
}

static void
answered(struct sim *s, void *arg, int64_t id)
{
	struct sim_dev *d = arg;
	struct sim_push *p = current(s, d, id);
	struct peer_answer a = {.code = d->push_code};

	if (p == NULL || sim_dark(s))
		return;
	if (strcmp(p->path, "/suit/slot/active") == 0 && a.code == 205)
		a.payload = slice_str(d->ram.slot == 0 ? "0" : "1");
	end(p, &a);
}

static void
reached(struct sim *s, void *arg, int64_t id)
{
	struct sim_dev *d = arg;
	struct sim_push *p = current(s, d, id);

	if (p == NULL || sim_dark(s) || !sim_dev_hears(d))
		return;
	if (d->push_seen != p->id) {
		d->push_seen = p->id;
		d->push_code = 404;
		for (size_t i = 0; i < sizeof(served) / sizeof(served[0]);
		    i++)
			if (d->g->kind.triggers &&
			    strcmp(served[i].path, p->path) == 0)
				served[i].fn(p, &d->push_code);
	}
	for (unsigned i = sim_copies(s); i > 0; i--)
		sim_at(s, s->now + sim_latency(s), answered, d, id);
	sim_dev_run(d);
}

static void
again(struct sim *s, void *arg, int64_t id)
{
	struct sim_dev *d = arg;
	struct sim_push *p = current(s, d, id);
	struct peer_answer a = {.err = ERR_TIMEOUT};
	int64_t at;

	if (p == NULL)
		return;
	if (p->tries == SIM_TRIES || (p->end != 0 && s->now >= p->end)) {
		end(p, &a);
		return;
	}
	for (unsigned i = sim_copies(s); i > 0; i--)
		sim_at(s, s->now + sim_latency(s), reached, d, id);
	p->tries++;
	at = s->now + p->wait;
	p->wait *= 2;
	sim_at(s, p->end != 0 && p->end < at ? p->end : at, again, d, id);
}

/* As soon as nothing is out: never from within peer_send. */
static void
start(struct sim_push *p)
{
	p->wait = sim_ack_timeout(p->s);
	if (p->end != 0)
		p->end += p->s->now;
	sim_at(p->s, p->s->now, again, p->d, p->id);
}

/* --- the interface --- */

static struct sim_push *
push_new(struct peer *pr, const struct peer_request *rq)
{
	struct sim_push *p = sim_alloc(NULL, 1, sizeof(*p) + rq->payload.n);

	memset(p, 0, sizeof(*p));
	p->s = pr->s;
	p->id = ++pr->next;
	p->method = rq->method;
	p->end = (int64_t)rq->timeout_s * 1000;
	p->n = rq->payload.n;
	if (p->n > 0)
		memcpy(p->payload, rq->payload.p, p->n);
	return p;
}

int
peer_send(struct peer *pr, const struct peer_request *rq,
    void (*cb)(void *arg, const struct peer_answer *a), void *arg)
{
	struct sim *s = pr->s;
	struct sim_push *p;
	struct sim_dev *d;
	struct uri u;

	if (pr->n >= LIMIT_PEER_INFLIGHT)
		return ERR_BUSY;
	if (rq->payload.n > LIMIT_ENVELOPE)
		return ERR_SIZE;
	if (uri_parse(slice_str(rq->uri), &u, NULL) != 0 ||
	    u.scheme != URI_COAP)
		return ERR_UNSUPPORTED;
	d = sim_dev_by_addr(s, u.host);
	if (d == NULL)
		return ERR_UNREACHABLE;
	p = push_new(pr, rq);
	snprintf(p->path, sizeof(p->path), "/%.*s", (int)u.path.n,
	    (const char *)u.path.p);
	p->d = d;
	p->cb = cb;
	p->arg = arg;
	pr->n++;
	*d->push_end = p;
	d->push_end = &p->next;
	if (d->push == p && !sim_daemon_dying(s))
		start(p);
	return 0;
}

size_t
peer_inflight(const struct peer *p)
{
	return p->n;
}

void
sim_peer_close(struct sim *s)
{
	const struct peer_answer stop = {.err = ERR_CANCELLED};

	for (unsigned i = 0; i < s->dev_n; i++)
		while (s->dev[i].push != NULL)
			end(s->dev[i].push, &stop);
}
