/*
 * What a device does between its requests: waits for its turn, thinks, has a
 * handshake, loses its session.
 */
#include "tests/bench/gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/gen_rand.h"

#define TURNS 64 /* begun at most before answers are read again */
#define COMPLAINTS 5
#define SHAKE_WAIT 16 /* x ACK_TIMEOUT: flights after 1, 3, 7 and 15 s */
#define SCATTER 37 /* blocks between the first ones of neighbours */

int
dev_init(struct gen *g)
{
	const uint32_t peers = (uint32_t)g->a->peers;

	g->dev = calloc(peers, sizeof(*g->dev));
	if (g->dev == NULL)
		return ERR_NOMEM;
	wheel_init(&g->wheel, &g->dev[0].link, sizeof(*g->dev));
	g->head = WHEEL_NONE;
	g->luck = g->a->seed;
	for (uint32_t k = 0; k < peers; k++) {
		g->dev[k].mid = (uint16_t)rand_next(&g->luck);
		if (g->blocks > 0 && !g->a->from_start)
			g->dev[k].item = (uint32_t)((uint64_t)k * SCATTER %
			    g->blocks);
		queue_put(g, k);
	}
	g->shaking = g->tls != NULL;
	g->unshaken = g->shaking ? peers : 0;
	return 0;
}

void
dev_scatter(struct gen *g)
{
	for (uint32_t k; (k = queue_take(g)) != WHEEL_NONE;) {
		g->dev[k].state = DEV_THINK;
		wheel_set(&g->wheel, k, g->wheel.now + 1 + (uint32_t)(
		    g->a->think * k / g->a->peers));
	}
}

void
dev_bad(struct gen *g, uint32_t k, const char *what)
{
	g->t.bad++;
	if (g->complaints++ < COMPLAINTS)
		fprintf(stderr, "coapgen: device %u, %s %u: %s\n", k,
		    g->blocks > 0 ? "block" : "request", g->dev[k].item,
		    what);
}

/* --- handshakes --- */

static void
shaken(struct gen *g, uint32_t k, enum tls_state s)
{
	g->shaken++;
	g->in_sight--;
	if (s == TLS_READY) {
		hist_add(&g->t.latency, (uint32_t)g->now - g->dev[k].sent);
		g->t.handshakes++;
		queue_put(g, k);
		return;
	}
	if (g->t.refused++ == 0)
		fprintf(stderr, "coapgen: device %u: no session\n", k);
	g->dev[k].state = DEV_OVER;
	g->over++;
}

static void
shake_on(struct gen *g, uint32_t k, enum tls_state s)
{
	const uint32_t most = SHAKE_WAIT * (uint32_t)g->a->ack_timeout;
	uint32_t ms = ((uint32_t)g->now - g->dev[k].sent) / 1000, next;

	if (s == TLS_SHAKING && ms >= most)
		s = tls_give_up(g->tls, k);
	if (s != TLS_SHAKING) {
		shaken(g, k, s);
		return;
	}
	next = tls_timeout(g->tls, k);
	wheel_set(&g->wheel, k, g->wheel.now +
	    (next < most - ms ? next : most - ms));
}

static void
shake(struct gen *g, uint32_t k)
{
	g->dev[k].state = DEV_SHAKE;
	g->dev[k].sent = (uint32_t)g->now;
	g->unshaken--;
	shake_on(g, k, tls_begin(g->tls, k));
}

/* A device without its session does not come back in a run. */
static void
retire(struct gen *g, uint32_t k)
{
	if (g->t.lost_sessions++ == 0)
		fprintf(stderr, "coapgen: device %u: session closed\n", k);
	g->dev[k].state = DEV_OVER;
	g->over++;
}

/* The server has closed it. */
static void
session_lost(struct gen *g, uint32_t k)
{
	const struct dev *d = &g->dev[k];

	if (d->state == DEV_OVER || d->state == DEV_IDLE)
		return; /* the latter is noticed at its turn */
	if (d->state != DEV_WATCH)
		wheel_clear(&g->wheel, k);
	g->in_sight -= d->state == DEV_WAIT;
	retire(g, k);
}

/* --- turns --- */

static bool
may_ask(const struct gen *g)
{
	if (g->head == WHEEL_NONE || g->in_sight >= g->a->window)
		return false;
	if (g->shaking)
		return g->unshaken > 0;
	return !g->stopping && (g->a->mode == GEN_OBSERVE ||
	    g->issued < g->a->count);
}

void
dev_turns(struct gen *g)
{
	uint64_t most = g->a->burst != GEN_UNSET ? g->a->burst : TURNS;

	for (uint64_t i = 0; i < most && may_ask(g); i++) {
		uint32_t k = queue_take(g);

		g->in_sight++;
		if (g->shaking) {
			shake(g, k);
		} else if (g->tls != NULL && !tls_alive(g->tls, k)) {
			g->in_sight--;
			retire(g, k);
		} else {
			ask_begin(g, k);
		}
	}
}

static void
on_plain(void *arg, uint32_t k, struct slice message)
{
	ask_message(arg, k, message);
}

void
dev_datagram(void *arg, uint32_t k, struct slice datagram)
{
	struct gen *g = arg;
	enum tls_state s;

	g->now = gen_clock() - g->origin;
	if (g->tls == NULL) {
		ask_message(g, k, datagram);
		return;
	}
	if (g->dev[k].state == DEV_SHAKE) {
		wheel_clear(&g->wheel, k);
		s = tls_input(g->tls, k, datagram, on_plain, g);
		shake_on(g, k, s);
	} else if (tls_input(g->tls, k, datagram, on_plain, g) == TLS_DEAD) {
		session_lost(g, k);
	}
}

void
dev_due(void *arg, uint32_t k)
{
	struct gen *g = arg;
	struct dev *d = &g->dev[k];

	switch ((enum dev_state)d->state) {
	case DEV_WAIT:
		ask_due(g, k);
		break;
	case DEV_THINK:
		queue_put(g, k);
		break;
	case DEV_SHAKE:
		shake_on(g, k, tls_due(g->tls, k));
		break;
	case DEV_IDLE:
	case DEV_WATCH:
	case DEV_OVER:
		break;
	}
}
