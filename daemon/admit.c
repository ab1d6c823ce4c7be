/*
 * The questions, in the order in which a person would want the answer: is
 * the campaign to start anything at all, may this device, and is there room.
 * Each says what it found in one sentence; the first that holds wins.
 *
 * The pump must never wait for a place that nobody gives back, so that what
 * holds for a time says until when, and what holds until something happens
 * (a slot is given back, an operator acts) is woken by that.
 */
#include "daemon/admit.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/admit_slot.h"
#include "daemon/catalog.h"

#define SAY(dst, ...) snprintf(dst, sizeof(dst), __VA_ARGS__)

static const char *const names[HOLDS] = {
#define H(id, name) [HOLD_##id] = name,
	HOLD_LIST(H)
#undef H
};

const char *
hold_name(enum hold h)
{
	return (unsigned)h < HOLDS ? names[h] : "unknown";
}

void
admit_put(struct admission *a, enum hold h, int64_t until)
{
	a->hold = h;
	a->until = until;
}

/* --- the campaign --- */

static bool
held_by_state(const struct run *r, struct admission *a)
{
	const struct store_campaign *c = &r->c;

	switch (c->state) {
	case CAMPAIGN_RUNNING:
		if (c->ended == 0)
			return false;
		admit_put(a, HOLD_OVER, 0); /* its queue is being emptied */
		SAY(a->text, "the time of campaign %" PRIu64 " is over", c->id);
		return true;
	case CAMPAIGN_PAUSED:
		admit_put(a, HOLD_PAUSED, 0);
		SAY(a->text, "campaign %" PRIu64 " is paused%s%.150s",
		    c->id, c->cause[0] ? ": " : "", c->cause);
		SAY(a->advice, "suitctl campaign resume %" PRIu64, c->id);
		return true;
	case CAMPAIGN_DRAFT:
		if (r->policy.approval && c->approved[0] == '\0' && c->start) {
			admit_put(a, HOLD_APPROVAL, 0);
			SAY(a->text, "campaign %" PRIu64 " waits for the "
			    "approval of a second operator", c->id);
			SAY(a->advice, "another operator: suitctl campaign "
			    "approve --plan DIGEST");
			return true;
		}
		admit_put(a, HOLD_DRAFT, 0);
		SAY(a->text, "campaign %" PRIu64 " has not been started",
		    c->id);
		SAY(a->advice, "suitctl campaign show %" PRIu64, c->id);
		return true;
	default:
		admit_put(a, HOLD_OVER, 0);
		SAY(a->text, "campaign %" PRIu64 " is over", c->id);
		return true;
	}
}

static bool
held_by_clock(const struct run *r, int64_t now, struct admission *a)
{
	int64_t until = 0;

	if (r->policy.start * 1000 > now) {
		admit_put(a, HOLD_START, r->policy.start * 1000);
		SAY(a->text, "campaign %" PRIu64 " begins later", r->c.id);
		SAY(a->advice, "suitctl campaign pause %" PRIu64 " keeps it "
		    "from beginning", r->c.id);
		return true;
	}
	if (!window_is_open(&r->window, now, &until)) {
		admit_put(a, HOLD_WINDOW, until);
		SAY(a->text, "outside of the maintenance window \"%.100s\"",
		    r->policy.window);
		return true;
	}
	return false;
}

/* It may change with the next list, which wakes the pump. */
static bool
held_by_trust(struct app *app, uint64_t release, struct admission *a)
{
	const struct why *why = catalog_refused(app->catalog, release);

	if (why == NULL)
		return false;
	admit_put(a, HOLD_TRUST, 0);
	SAY(a->text, "the trust list does not allow release %" PRIu64
	    ": %.140s", release, why->text);
	SAY(a->advice, "publish what it allows, or a list that allows this: "
	    "suitctl trust publish LIST");
	return true;
}

bool
admit_held_closed(struct app *app, const struct run *r, struct admission *a)
{
	return held_by_state(r, a) ||
	    held_by_clock(r, loop_now(app->loop), a) ||
	    held_by_trust(app, r->c.release, a);
}

/* A device that was only told a spread does not work on it yet. */
static uint64_t
in_work(const struct run *r, const struct store_counts *n)
{
	if (r->policy.announce > 0)
		return n->active - n->by_state[JOB_NOTIFIED];
	return n->active + n->starting;
}

bool
admit_held_server(struct app *app, struct admission *a)
{
	if (admit_slots(app) < app->conf.downloads)
		return false;
	admit_put(a, HOLD_SERVER, 0);
	SAY(a->text, "all %" PRIu32 " download slots of the server are taken",
	    app->conf.downloads);
	SAY(a->advice, "see the configuration key downloads");
	return true;
}

bool
admit_held_room(struct app *app, const struct run *r,
    const struct store_counts *n, struct admission *a)
{
	uint64_t busy = in_work(r, n);

	if (busy >= r->c.concurrency) {
		admit_put(a, HOLD_CONCURRENCY, 0);
		SAY(a->text, "campaign %" PRIu64 " updates %" PRIu64 " devices "
		    "now, as many as it may", r->c.id, busy);
		return true;
	}
	return admit_held_server(app, a);
}

int64_t
admit_interval(const struct run *r, const struct store_counts *n)
{
	const struct policy *p = &r->policy;
	const struct pace_ramp ramp = {p->rate, p->rate_factor * 10,
	    p->rate_step, p->rate_max};

	return pace_ramp(&ramp, n->by_state[JOB_DONE]);
}

bool
admit_held_rate(struct app *app, const struct run *r,
    const struct store_counts *n, struct admission *a)
{
	int64_t now = loop_now(app->loop), wait = 0;

	if (pace_would(&r->pace, admit_interval(r, n), ADMIT_BURST_MS, now, &wait))
		return false;
	admit_put(a, HOLD_RATE, now + wait);
	a->every = admit_interval(r, n);
	SAY(a->text, "campaign %" PRIu64 " starts devices one after the other "
	    "at its rate", r->c.id);
	return true;
}

bool
admit_is_told(const struct store_device *d)
{
	return d->driver == DRIVER_TRIGGER && !d->nul_trigger;
}

bool
admit_announces(const struct run *r, const struct store_device *d)
{
	return r != NULL && r->policy.announce > 0 && admit_is_told(d);
}

/* How many the rate lets start now: the pump must not take jobs from the
 * store only to put them off. */
static uint64_t
at_once(const struct run *r, const struct store_counts *n)
{
	int64_t t = admit_interval(r, n);

	return t == 0 ? UINT64_MAX : (uint64_t)(ADMIT_BURST_MS / t) + 1;
}

/* Jobs that the pump could start, those of later waves with them: where all
 * wait for contact the queue needs no look. */
static uint64_t
in_queue(const struct store_counts *n)
{
	return n->by_state[JOB_QUEUED] - n->starting - n->waiting;
}

int
admit_campaign(struct app *app, const struct run *r,
    struct admission *ret, uint64_t *ret_room)
{
	struct store *s = app->store;
	struct store_counts n;
	bool spread = r->policy.announce > 0; /* room is each device's matter */
	uint64_t room, slots;
	int rc;

	*ret = (struct admission){.hold = HOLD_NONE};
	*ret_room = 0;
	if (admit_held_closed(app, r, ret))
		return 0;
	rc = s->ops->campaign_counts(s, r->c.id, &n);
	if (rc != 0)
		return rc;
	if ((!spread && admit_held_room(app, r, &n, ret)) ||
	    admit_held_rate(app, r, &n, ret))
		return 0;
	*ret_room = at_once(r, &n);
	if (in_queue(&n) < *ret_room)
		*ret_room = in_queue(&n);
	if (spread)
		return 0;
	room = r->c.concurrency - in_work(r, &n);
	slots = app->conf.downloads - admit_slots(app);
	if (slots < room)
		room = slots;
	if (room < *ret_room)
		*ret_room = room;
	return 0;
}

/* --- the device --- */

static bool
held_by_wave(const struct run *r, const struct job *j, struct admission *a)
{
	if (j->wave <= r->c.wave)
		return false;
	admit_put(a, HOLD_WAVE, 0);
	SAY(a->text, "it belongs to wave %" PRIu32 " of campaign %" PRIu64 ", "
	    "which has opened %" PRIu32 " of %" PRIu32, j->wave, r->c.id,
	    r->c.wave, r->c.wave_count);
	SAY(a->advice, "suitctl campaign show %" PRIu64 " tells what the gate "
	    "waits for; campaign next opens the next wave", r->c.id);
	return true;
}

void
admit_job(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret)
{
	int64_t now = loop_now(app->loop);

	*ret = (struct admission){.hold = HOLD_NONE};
	if (d->revoked) {
		admit_put(ret, HOLD_REVOKED, 0);
		SAY(ret->text, "the device was revoked by an operator");
		SAY(ret->advice, "suitctl device restore %s", d->ep);
	} else if (held_by_trust(app, j->release, ret)) {
		return;
	} else if (catalog_by_id(app->catalog, j->release) == NULL) {
		admit_put(ret, HOLD_RELEASE, 0);
		SAY(ret->text, "its release is not served any longer");
	} else if (r != NULL && held_by_wave(r, j, ret)) {
		return;
	} else if (j->state != JOB_QUEUED || j->started != 0) {
		return; /* `due` is a deadline */
	} else if (j->due == 0) {
		admit_put(ret, HOLD_CONTACT, 0);
		SAY(ret->text, "waits for the device to speak");
	} else if (j->due > now) {
		admit_put(ret, HOLD_BACKOFF, j->due);
		SAY(ret->text, "put off after attempt %" PRIu32 ": %s",
		    j->attempt, track_reason_text(j->reason));
	}
}
