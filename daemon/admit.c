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
#include "lib/text.h"

#define MINUTE_MS 60000
#define BURST_MS 1000 /* rates may run ahead by this much */
#define FULL_MS 10000 /* look again although nobody woke us */

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

static void
put(struct admission *a, enum hold h, int64_t until)
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
		return false;
	case CAMPAIGN_PAUSED:
		put(a, HOLD_PAUSED, 0);
		SAY(a->text, "campaign %" PRIu64 " is paused%s%.150s",
		    c->id, c->cause[0] ? ": " : "", c->cause);
		SAY(a->advice, "suitctl campaign resume %" PRIu64, c->id);
		return true;
	case CAMPAIGN_DRAFT:
		if (r->policy.approval && c->approved[0] == '\0' && c->start) {
			put(a, HOLD_APPROVAL, 0);
			SAY(a->text, "campaign %" PRIu64 " waits for the "
			    "approval of a second operator", c->id);
			SAY(a->advice, "another operator: suitctl campaign "
			    "approve --plan DIGEST");
			return true;
		}
		put(a, HOLD_DRAFT, 0);
		SAY(a->text, "campaign %" PRIu64 " has not been started",
		    c->id);
		SAY(a->advice, "suitctl campaign show %" PRIu64, c->id);
		return true;
	default:
		put(a, HOLD_OVER, 0);
		SAY(a->text, "campaign %" PRIu64 " is over", c->id);
		return true;
	}
}

static bool
held_by_clock(const struct run *r, int64_t now, struct admission *a)
{
	int64_t until = 0;

	if (r->policy.start * 1000 > now) {
		put(a, HOLD_START, r->policy.start * 1000);
		SAY(a->text, "campaign %" PRIu64 " begins later", r->c.id);
		SAY(a->advice, "suitctl campaign pause %" PRIu64 " keeps it "
		    "from beginning", r->c.id);
		return true;
	}
	if (!window_is_open(&r->window, now, &until)) {
		put(a, HOLD_WINDOW, until);
		SAY(a->text, "outside of the maintenance window \"%.100s\"",
		    r->policy.window);
		return true;
	}
	return false;
}

static bool
held_by_room(struct app *app, const struct run *r,
    const struct store_counts *n, struct admission *a)
{
	uint32_t slots = admit_slots(app), most = app->conf.downloads;
	uint64_t busy = n->active + n->starting;

	if (busy >= r->c.concurrency) {
		put(a, HOLD_CONCURRENCY, 0);
		SAY(a->text, "campaign %" PRIu64 " updates %" PRIu64 " devices "
		    "now, as many as it may", r->c.id, busy);
		return true;
	}
	if (slots >= most) {
		put(a, HOLD_SERVER, 0);
		SAY(a->text, "all %" PRIu32 " download slots of the server are "
		    "taken", most);
		SAY(a->advice, "see the configuration key downloads");
		return true;
	}
	return false;
}

/* ms between two starts, at the rate that the successes so far allow. */
static int64_t
interval(const struct run *r, const struct store_counts *n)
{
	const struct policy *p = &r->policy;
	const struct pace_ramp ramp = {p->rate, p->rate_factor * 10,
	    p->rate_step, p->rate_max};

	return pace_ramp(&ramp, n->by_state[JOB_DONE]);
}

static bool
held_by_rate(struct run *r, const struct store_counts *n, int64_t now,
    struct admission *a)
{
	int64_t wait = 0;

	if (pace_would(&r->pace, interval(r, n), BURST_MS, now, &wait))
		return false;
	put(a, HOLD_RATE, now + wait);
	SAY(a->text, "campaign %" PRIu64 " starts devices one after the other "
	    "at its rate", r->c.id);
	return true;
}

/* With an announced spread the push takes no slot: the device asks for one
 * when it comes. */
static bool
announces(const struct run *r)
{
	return r != NULL && r->policy.announce > 0;
}

int
admit_campaign(struct app *app, struct run *r, struct admission *ret,
    uint64_t *ret_room)
{
	struct store *s = app->store;
	int64_t now = loop_now(app->loop);
	struct store_counts n;
	uint64_t busy, room, slots;
	int rc;

	*ret = (struct admission){.hold = HOLD_NONE};
	*ret_room = 0;
	if (held_by_state(r, ret) || held_by_clock(r, now, ret))
		return 0;
	rc = s->ops->campaign_counts(s, r->c.id, &n);
	if (rc != 0)
		return rc;
	if ((!announces(r) && held_by_room(app, r, &n, ret)) ||
	    held_by_rate(r, &n, now, ret))
		return 0;
	if (announces(r)) {
		*ret_room = UINT64_MAX;
		return 0;
	}
	busy = n.active + n.starting;
	room = r->c.concurrency - busy;
	slots = app->conf.downloads - admit_slots(app);
	*ret_room = room < slots ? room : slots;
	return 0;
}

/* --- the device --- */

static bool
held_by_wave(const struct run *r, const struct job *j, struct admission *a)
{
	if (j->wave <= r->c.wave)
		return false;
	put(a, HOLD_WAVE, 0);
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
		put(ret, HOLD_REVOKED, 0);
		SAY(ret->text, "the device was revoked by an operator");
		SAY(ret->advice, "suitctl device restore %s", d->ep);
	} else if (catalog_by_id(app->catalog, j->release) == NULL) {
		put(ret, HOLD_RELEASE, 0);
		SAY(ret->text, "its release is not served any longer");
	} else if (r != NULL && held_by_wave(r, j, ret)) {
		return;
	} else if (j->due == 0) {
		put(ret, HOLD_CONTACT, 0);
		SAY(ret->text, "waits for the device to speak");
	} else if (j->due > now) {
		put(ret, HOLD_BACKOFF, j->due);
		SAY(ret->text, "put off after attempt %" PRIu32 ": %s",
		    j->attempt, track_reason_text(j->reason));
	}
}

/* --- the pace --- */

static bool
held_by_group(struct app *app, const struct group *g, struct admission *a)
{
	uint32_t most = app->conf.downloads_group;

	if (g == NULL || most == 0 || g->slots < most)
		return false;
	put(a, HOLD_GROUP, loop_now(app->loop) + FULL_MS);
	SAY(a->text, "network group %s has %" PRIu32 " downloads, as many as "
	    "it may", g->name, g->slots);
	SAY(a->advice, "see the configuration key downloads_group");
	return true;
}

/* ms that these bytes take at a rate; 0: no rate is set. */
static int64_t
cost(uint64_t bytes, uint64_t per_second)
{
	if (per_second == 0)
		return 0;
	return (int64_t)(bytes / per_second * 1000 +
	    bytes % per_second * 1000 / per_second) + 1;
}

static uint64_t
bytes_of(const struct app *app, const struct job *j)
{
	const struct catalog_release *r = catalog_by_id(app->catalog,
	    j->release);

	return r != NULL ? r->image_bytes : 0;
}

static int64_t
per_minute(uint32_t n)
{
	return n == 0 ? 0 : MINUTE_MS / n > 0 ? MINUTE_MS / n : 1;
}

/* A second try costs the network what the first one did, and the server's
 * budget of them is what keeps an outage from becoming a flood. */
static bool
is_retry(const struct job *j)
{
	return j->last_fail != FAIL_NONE && j->last_fail != FAIL_OVERLOAD;
}

static bool
held_by_budget(struct app *app, const struct job *j, const struct group *g,
    struct admission *a)
{
	const struct conf *c = &app->conf;
	struct admit *ad = app->admit;
	int64_t now = loop_now(app->loop), w1 = 0, w2 = 0, t2;
	bool ok;

	t2 = g == NULL ? 0 : per_minute(c->retries_group);
	ok = !is_retry(j) || (pace_would(&ad->retries,
	    per_minute(c->retries), BURST_MS, now, &w1) &&
	    (g == NULL || pace_would(&g->retries, t2, BURST_MS, now, &w2)));
	if (!ok) {
		put(a, HOLD_BUDGET, now + (w1 > w2 ? w1 : w2));
		SAY(a->text, "the budget of retries a minute is spent (%s)",
		    w2 > 0 ? g->name : "server");
		SAY(a->advice, "see the configuration keys retries and "
		    "retries_group");
	}
	return !ok;
}

static bool
held_by_bytes(struct app *app, const struct job *j, const struct group *g,
    struct admission *a)
{
	const struct conf *c = &app->conf;
	struct admit *ad = app->admit;
	uint64_t n = bytes_of(app, j);
	int64_t now = loop_now(app->loop), w1 = 0, w2 = 0;

	if (pace_would(&ad->bytes, cost(n, c->bytes_per_second), BURST_MS,
	    now, &w1) && (g == NULL || pace_would(&g->bytes,
	    cost(n, c->bytes_group), BURST_MS, now, &w2)))
		return false;
	put(a, HOLD_BYTES, now + (w1 > w2 ? w1 : w2));
	SAY(a->text, "the byte rate of the %s is used up", w2 > 0 ?
	    "network group" : "server");
	SAY(a->advice, "see the configuration keys bytes_per_second and "
	    "bytes_per_second_group");
	return true;
}

void
admit_pace(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret)
{
	struct group *g = slot_group(app, d);
	uint64_t room;

	*ret = (struct admission){.hold = HOLD_NONE};
	if (r != NULL && (admit_campaign(app, r, ret, &room) != 0 ||
	    ret->hold != HOLD_NONE))
		return;
	if (r == NULL && admit_slots(app) >= app->conf.downloads) {
		put(ret, HOLD_SERVER, 0);
		SAY(ret->text, "all %" PRIu32 " download slots of the server "
		    "are taken", app->conf.downloads);
		return;
	}
	if (!announces(r) && held_by_group(app, g, ret))
		return;
	if (!held_by_budget(app, j, g, ret))
		held_by_bytes(app, j, g, ret);
}

void
admit_take(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d)
{
	const struct conf *c = &app->conf;
	struct admit *ad = app->admit;
	struct group *g = slot_group(app, d);
	uint64_t n = bytes_of(app, j);
	int64_t now = loop_now(app->loop), wait;
	struct store_counts k;

	if (r != NULL && r->policy.rate != 0 &&
	    app->store->ops->campaign_counts(app->store, r->c.id, &k) == 0)
		(void)pace_admit(&r->pace, interval(r, &k), BURST_MS, now,
		    &wait);
	(void)pace_admit(&ad->bytes, cost(n, c->bytes_per_second), BURST_MS,
	    now, &wait);
	if (g != NULL)
		(void)pace_admit(&g->bytes, cost(n, c->bytes_group), BURST_MS,
		    now, &wait);
	if (!is_retry(j))
		return;
	(void)pace_admit(&ad->retries, per_minute(c->retries), BURST_MS, now,
	    &wait);
	if (g != NULL)
		(void)pace_admit(&g->retries, per_minute(c->retries_group),
		    BURST_MS, now, &wait);
}
