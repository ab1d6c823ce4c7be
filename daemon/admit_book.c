/*
 * Bookings: who asked too early, and when it may come back. One queue for
 * each thing that holds, since a campaign that begins tomorrow must not make
 * those wait who only wait for the next slot.
 *
 * A booking is remembered so that a device that asks again and again keeps
 * its place and takes no second one. Rejected: one place of the table for
 * each device, where two that share it would drive each other out.
 */
#include "daemon/admit.h"
#include "daemon/admit_slot.h"

#define HORIZON_L0_MS (3600 * INT64_C(1000))
#define HORIZON_L1_MS (6 * HORIZON_L0_MS)
#define EARLY_MS 1000 /* clocks of devices are not exact */

/* The device's booking, or where it would go: a place that is over, else the
 * one that is over next. */
static struct booking *
booking_of(struct admit *a, uint64_t device)
{
	size_t set = (device * 0x9e3779b97f4a7c15u >> 48) / ADMIT_WAYS;
	struct booking *b = &a->booking[set * ADMIT_WAYS], *best = b;

	for (size_t i = 0; i < ADMIT_WAYS; i++) {
		if (b[i].device == device)
			return &b[i];
		if (b[i].until < best->until)
			best = &b[i];
	}
	return best;
}

int64_t
admit_booked(struct app *app, uint64_t device)
{
	const struct booking *b = booking_of(app->admit, device);

	return b->device == device && b->until - loop_now(app->loop) >
	    EARLY_MS ? b->until : 0;
}

/* How long after held->until its place is, ms: a place in the queue of what
 * holds it. */
static int64_t
place(struct app *app, const struct admit_turn *t, int64_t from,
    int64_t horizon)
{
	struct admit *a = app->admit;
	struct group *g;
	uint32_t most = app->conf.downloads;
	int64_t every = t->held->every;
	struct pace *queue = &a->book;

	switch (t->held->hold) {
	case HOLD_REVOKED:
	case HOLD_BACKOFF: /* it has been spread by its own back-off */
		return 0;
	case HOLD_START:
	case HOLD_WINDOW:
	case HOLD_CONCURRENCY:
	case HOLD_RATE:
		if (t->run == NULL)
			break;
		queue = &t->run->book;
		if (t->run->c.concurrency < most)
			most = t->run->c.concurrency;
		break;
	case HOLD_GROUP:
		g = slot_group(app, t->dev);
		if (g == NULL)
			break;
		queue = &g->book;
		most = app->conf.downloads_group;
		break;
	default:
		break;
	}
	if (every == 0)
		every = pace_interval(a->mean, most);
	return pace_book(queue, every, horizon, from, loop_rand(app->loop));
}

uint32_t
admit_book(struct app *app, const struct admit_turn *t)
{
	struct booking *b = booking_of(app->admit, t->dev->id);
	int64_t now = loop_now(app->loop), horizon, wait, from;

	horizon = t->grade >= GRADE_L1 ? HORIZON_L1_MS : HORIZON_L0_MS;
	if (b->device == t->dev->id && b->until - now > EARLY_MS &&
	    b->until - now <= HORIZON_L1_MS)
		return pace_max_age(b->until - now, HORIZON_L1_MS / 1000);
	from = t->held->until > now ? t->held->until : now;
	/* beyond what it believes: it comes again before, and no place is
	 * kept for it until then */
	if (from - now >= horizon)
		wait = horizon / 2 + (int64_t)(loop_rand(app->loop) %
		    (uint64_t)(horizon / 2 + 1));
	else
		wait = from - now + place(app, t, from, horizon);
	if (wait > horizon)
		wait = horizon;
	b->device = t->dev->id;
	b->until = now + wait;
	return pace_max_age(wait, (uint32_t)(horizon / 1000));
}
