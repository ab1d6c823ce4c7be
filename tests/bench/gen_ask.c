/*
 * One request of one device, from its first transmission to its answer
 * (RFC 7252 4.2, 5.2). Late doubles are no mistake of the server: they are
 * counted as strays, as is what fits no request.
 */
#include "tests/bench/gen.h"

#include "tests/bench/gen_rand.h"

#define SEPARATE UINT8_MAX /* tries: the answer comes by itself */
#define SEPARATE_WAIT 16 /* x ACK_TIMEOUT */

static struct wire_request
request_of(const struct gen *g, uint32_t k)
{
	return (struct wire_request){(uint32_t)g->a->first + k,
	    g->dev[k].item, g->dev[k].mid};
}

static void
send_empty(struct gen *g, uint32_t k, enum wire_type t, uint16_t mid)
{
	uint8_t b[4];

	if (g->tls != NULL)
		tls_write(g->tls, k, slice_of(b, wire_empty(t, mid, b)));
	else
		net_send(g->net, k, wire_empty(t, mid, net_room(g->net, k)));
}

void
ask_send(struct gen *g, uint32_t k)
{
	struct wire_request r = request_of(g, k);
	struct dev *d = &g->dev[k];
	uint8_t b[WIRE_MAX];

	if (g->tls != NULL)
		tls_write(g->tls, k, slice_of(b, wire_write(&g->wire, &r, b)));
	else
		net_send(g->net, k, wire_write(&g->wire, &r,
		    net_room(g->net, k)));
	wheel_set(&g->wheel, k, g->wheel.now + d->timeout);
}

void
ask_begin(struct gen *g, uint32_t k)
{
	struct dev *d = &g->dev[k];

	d->mid++;
	d->tries = 0;
	d->state = DEV_WAIT;
	d->timeout = (uint32_t)((double)g->a->ack_timeout *
	    (1 + 0.5 * rand_share(&g->luck))) + 1;
	d->sent = (uint32_t)g->now;
	if (g->a->think > 0) /* the queue has left `due` alone */
		hist_add(&g->t.overslept, (uint32_t)(g->now -
		    (uint64_t)d->link.due * 1000));
	g->issued++;
	ask_send(g, k);
}

/* --- the end of a request --- */

/* Of whole images only those that began at block 0 and had no mistake. */
static void
step_item(struct gen *g, struct dev *d, bool good)
{
	d->spoilt = d->spoilt || !good;
	d->item++;
	if (!g->a->from_start) {
		d->made++;
		if (d->item == g->blocks)
			d->item = 0;
		return;
	}
	if (d->item < g->blocks)
		return;
	d->item = 0;
	d->made++;
	g->t.images += !d->spoilt;
	d->spoilt = false;
}

/* No timer is set. */
static void
rest(struct gen *g, uint32_t k)
{
	struct dev *d = &g->dev[k];

	g->in_sight--;
	if (d->made >= g->a->each) {
		d->state = DEV_OVER;
		g->over++;
	} else if (g->a->think > 0) {
		d->state = DEV_THINK;
		wheel_set(&g->wheel, k, g->wheel.now +
		    (uint32_t)g->a->think);
	} else {
		queue_put(g, k);
	}
}

/* After a registration a device waits for notifications. */
static void
watch(struct gen *g, uint32_t k, const struct wire_answer *a)
{
	struct dev *d = &g->dev[k];

	d->state = DEV_WATCH;
	d->seen = a->observe;
	g->in_sight--;
	g->t.registered++;
}

static void
answered(struct gen *g, uint32_t k, const struct wire_answer *a,
    const struct why *wrong)
{
	struct dev *d = &g->dev[k];

	wheel_clear(&g->wheel, k);
	if (g->stopping) {
		g->t.late++;
	} else {
		hist_add(&g->t.latency, (uint32_t)g->now - d->sent);
		g->t.codes[a->code]++;
	}
	if (wrong->err != 0)
		dev_bad(g, k, wrong->text);
	else if (!g->stopping)
		g->t.done++;
	if (g->a->mode == GEN_OBSERVE && wrong->err == 0) {
		watch(g, k, a);
		return;
	}
	step_item(g, d, wrong->err == 0);
	rest(g, k);
}

void
ask_due(struct gen *g, uint32_t k)
{
	struct dev *d = &g->dev[k];

	if (d->tries >= g->a->tries) { /* SEPARATE, too */
		g->t.given_up++;
		step_item(g, d, false);
		rest(g, k);
		return;
	}
	d->tries++;
	d->timeout *= 2;
	g->t.retransmissions++;
	if (g->a->non) /* nothing repeats a NON: it is asked anew */
		d->mid++;
	ask_send(g, k);
}

/* --- what comes in --- */

static void
on_empty(struct gen *g, uint32_t k, const struct wire_answer *a)
{
	struct dev *d = &g->dev[k];

	if (d->state != DEV_WAIT || a->mid != d->mid ||
	    a->type < WIRE_ACK) {
		g->t.strays++;
	} else if (a->type == WIRE_RST) {
		answered(g, k, a, &(struct why){ERR_REJECTED, "reset"});
	} else {
		d->tries = SEPARATE;
		wheel_clear(&g->wheel, k);
		wheel_set(&g->wheel, k, g->wheel.now + SEPARATE_WAIT *
		    (uint32_t)g->a->ack_timeout);
	}
}

static void
on_notification(struct gen *g, uint32_t k, const struct wire_answer *a)
{
	struct dev *d = &g->dev[k];
	struct why why = {0};

	if (d->seen == a->observe && a->have_observe) {
		g->t.strays++; /* our acknowledgement was lost */
		return;
	}
	check_notification(g, k, a, &why);
	if (why.err != 0) {
		dev_bad(g, k, why.text);
		return;
	}
	d->seen = a->observe;
	d->made++;
	g->t.codes[a->code]++;
	g->t.last_us = g->now - g->start;
	if (g->t.notifications++ == 0)
		g->t.first_us = g->t.last_us;
	if (d->made >= g->a->each) {
		d->state = DEV_OVER;
		g->over++;
	}
}

static void
on_answer(struct gen *g, uint32_t k, const struct wire_answer *a, size_t n)
{
	const struct dev *d = &g->dev[k];
	struct wire_request r = request_of(g, k);
	uint8_t token[8];
	bool mine = slice_eq(a->token, wire_token(&g->wire, &r, token));
	struct why why = {0};

	if (a->type == WIRE_CON)
		send_empty(g, k, mine ? WIRE_ACK : WIRE_RST, a->mid);
	if (d->state == DEV_WATCH && mine && a->type != WIRE_ACK) {
		on_notification(g, k, a);
	} else if (d->state != DEV_WAIT ||
	    (a->type == WIRE_ACK ? a->mid != d->mid : !mine)) {
		g->t.strays++;
	} else {
		if (!g->stopping)
			g->t.answer_bytes += n;
		if (!mine)
			why_set(&why, ERR_CONFLICT, "another token");
		else
			check_answer(g, k, a, &why);
		answered(g, k, a, &why);
	}
}

/* A server that knows no CoAP beyond sending the request's head back. */
static void
on_bare(struct gen *g, uint32_t k, struct slice m)
{
	struct wire_answer a = {.code = m.n > 1 ? m.p[1] : 0};
	struct why why = {0};

	if (g->dev[k].state != DEV_WAIT || m.n < 4 ||
	    (m.p[2] << 8 | m.p[3]) != g->dev[k].mid) {
		g->t.strays++;
		return;
	}
	if (!g->stopping)
		g->t.answer_bytes += m.n;
	if (g->a->size != GEN_UNSET && m.n != g->a->size)
		why_set(&why, ERR_SIZE, "%zu bytes", m.n);
	answered(g, k, &a, &why);
}

void
ask_message(struct gen *g, uint32_t k, struct slice message)
{
	struct wire_answer a;

	if (g->a->bare)
		on_bare(g, k, message);
	else if (wire_read(message, &a) != 0)
		dev_bad(g, k, "not a CoAP message");
	else if (a.code == 0)
		on_empty(g, k, &a);
	else if (a.code < WIRE_ANSWERS)
		g->t.strays++; /* a request */
	else
		on_answer(g, k, &a, message.n);
}
