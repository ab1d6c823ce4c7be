/*
 * Is there room, from the two sides that a start can come from: the pump,
 * which pushes, and the device, which asks. Each start is paid for once:
 * where a spread is announced the push pays the rate and the retry, and the
 * device's own request the slot and the bytes; otherwise whoever comes first
 * pays all of it.
 */
#include "daemon/admit.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/admit_slot.h"
#include "daemon/catalog.h"

#define PUSH_BURST 4 /* pushes that may leave together, less one */
#define MINUTE_MS 60000
#define FULL_MS 10000 /* look again although nobody woke us */

#define SAY(dst, ...) snprintf(dst, sizeof(dst), __VA_ARGS__)

/* --- meters --- */

static bool
meter_would(const struct meter *m, int64_t cost, int64_t now,
    int64_t *ret_wait)
{
	*ret_wait = 0;
	return cost == 0 || pace_would(&m->pace, cost > m->last ? cost :
	    m->last, ADMIT_BURST_MS, now, ret_wait);
}

static void
meter_take(struct meter *m, int64_t cost, int64_t now)
{
	int64_t wait;

	if (cost == 0)
		return;
	(void)pace_admit(&m->pace, cost, ADMIT_BURST_MS, now, &wait);
	m->last = cost;
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

/* --- what holds --- */

static bool
held_by_group(struct app *app, const struct group *g, struct admission *a)
{
	uint32_t most = app->conf.downloads_group;

	if (g == NULL || most == 0 || g->slots < most)
		return false;
	admit_put(a, HOLD_GROUP, loop_now(app->loop) + FULL_MS);
	SAY(a->text, "network group %s has %" PRIu32 " downloads, as many as "
	    "it may", g->name, g->slots);
	SAY(a->advice, "see the configuration key downloads_group");
	return true;
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
	    per_minute(c->retries), ADMIT_BURST_MS, now, &w1) &&
	    (g == NULL || pace_would(&g->retries, t2, ADMIT_BURST_MS, now,
	    &w2)));
	if (!ok) {
		admit_put(a, HOLD_BUDGET, now + (w1 > w2 ? w1 : w2));
		a->every = w2 > 0 ? t2 : per_minute(c->retries);
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

	if (meter_would(&ad->bytes, cost(n, c->bytes_per_second), now, &w1) &&
	    (g == NULL || meter_would(&g->bytes, cost(n, c->bytes_group), now,
	    &w2)))
		return false;
	admit_put(a, HOLD_BYTES, now + (w1 > w2 ? w1 : w2));
	a->every = cost(n, w2 > 0 ? c->bytes_group : c->bytes_per_second);
	SAY(a->text, "the byte rate of the %s is used up", w2 > 0 ?
	    "network group" : "server");
	SAY(a->advice, "see the configuration keys bytes_per_second and "
	    "bytes_per_second_group");
	return true;
}

/* --- the pump --- */

/* A device that cannot be told a spread, in a campaign that tells it. */
static bool
held_alone(struct app *app, const struct run *r, struct admission *a)
{
	struct store_counts n;

	if (app->store->ops->campaign_counts(app->store, r->c.id, &n) != 0 ||
	    !admit_held_room(app, r, &n, a))
		return false;
	a->until = loop_now(app->loop) + app->admit->mean;
	return true;
}

/* ms from one push to the next: as slots come free in the long run, so that
 * those that are free now are not filled in one second; an announcement
 * takes no slot and goes at the rate of notifications. */
static int64_t
push_interval(const struct app *app, bool told)
{
	const struct conf *c = &app->conf;

	if (!told)
		return pace_interval(app->admit->mean, c->downloads);
	return c->notify_rate == 0 ? 0 : 1000 / c->notify_rate > 0 ?
	    1000 / c->notify_rate : 1;
}

static bool
held_by_pushes(struct app *app, bool told, struct admission *a)
{
	int64_t t = push_interval(app, told), now = loop_now(app->loop);
	int64_t wait = 0;

	if (pace_would(&app->admit->push, t, t * PUSH_BURST, now, &wait))
		return false;
	admit_put(a, HOLD_PUSHES, now + wait);
	snprintf(a->text, sizeof(a->text), "devices are called one after the "
	    "other");
	return true;
}

void
admit_pace(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret)
{
	struct group *g;
	uint64_t room;
	bool told = admit_announces(r, d);

	*ret = (struct admission){.hold = HOLD_NONE};
	(void)admit_slots(app); /* counting them anew moves groups */
	g = slot_group(app, d);
	if (r != NULL && (admit_campaign(app, r, ret, &room) != 0 ||
	    ret->hold != HOLD_NONE))
		return;
	if (r == NULL && admit_held_server(app, ret))
		return;
	if (r != NULL && r->policy.announce > 0 && !told &&
	    held_alone(app, r, ret))
		return;
	if (!told && held_by_group(app, g, ret))
		return;
	if (held_by_budget(app, j, g, ret))
		return;
	if (!told && held_by_bytes(app, j, g, ret))
		return;
	held_by_pushes(app, told, ret);
}

static void
take_start(struct app *app, struct run *r, const struct job *j,
    struct group *g)
{
	const struct conf *c = &app->conf;
	int64_t now = loop_now(app->loop), wait;
	struct store_counts k;

	if (r != NULL && r->policy.rate != 0 &&
	    app->store->ops->campaign_counts(app->store, r->c.id, &k) == 0)
		(void)pace_admit(&r->pace, admit_interval(r, &k),
		    ADMIT_BURST_MS, now, &wait);
	if (!is_retry(j))
		return;
	(void)pace_admit(&app->admit->retries, per_minute(c->retries),
	    ADMIT_BURST_MS, now, &wait);
	if (g != NULL)
		(void)pace_admit(&g->retries, per_minute(c->retries_group),
		    ADMIT_BURST_MS, now, &wait);
}

static void
take_bytes(struct app *app, const struct job *j, struct group *g)
{
	const struct conf *c = &app->conf;
	uint64_t n = bytes_of(app, j);
	int64_t now = loop_now(app->loop);

	meter_take(&app->admit->bytes, cost(n, c->bytes_per_second), now);
	if (g != NULL)
		meter_take(&g->bytes, cost(n, c->bytes_group), now);
}

void
admit_take(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d)
{
	struct group *g = slot_group(app, d);
	bool told = admit_announces(r, d);
	int64_t t = push_interval(app, told), wait;

	take_start(app, r, j, g);
	(void)pace_admit(&app->admit->push, t, t * PUSH_BURST,
	    loop_now(app->loop), &wait);
	if (!told)
		take_bytes(app, j, g);
}

/* --- the poll path --- */

static bool
pushed(const struct job *j)
{
	return j->state == JOB_NOTIFIED ||
	    (j->state == JOB_QUEUED && j->started != 0);
}

bool
admit_begun(const struct run *r, const struct job *j,
    const struct store_device *d)
{
	if (j->state == JOB_QUEUED && j->started == 0)
		return false;
	return !pushed(j) || !admit_announces(r, d);
}

/* After a failure of the image or the device itself a new try before its
 * time would only break it again. A link that works again is no reason to
 * wait. */
bool
admit_must_rest(const struct job *j)
{
	return j->last_fail == FAIL_INTEGRITY || j->last_fail == FAIL_EXECUTION;
}

static int
poll_room(struct app *app, const struct run *r, const struct job *j,
    struct admission *ret)
{
	struct store_counts n;
	int rc;

	if (r == NULL) {
		(void)admit_held_server(app, ret);
		return 0;
	}
	rc = app->store->ops->campaign_counts(app->store, r->c.id, &n);
	if (rc == 0 && !admit_held_room(app, r, &n, ret) && !pushed(j))
		(void)admit_held_rate(app, r, &n, ret);
	return rc;
}

int
admit_poll(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret)
{
	struct group *g;
	int rc;

	*ret = (struct admission){.hold = HOLD_NONE};
	if (r != NULL && admit_held_closed(app, r, ret))
		return 0;
	admit_job(app, r, j, d, ret);
	if (ret->hold != HOLD_NONE && ret->hold != HOLD_CONTACT &&
	    (ret->hold != HOLD_BACKOFF || admit_must_rest(j)))
		return 0;
	*ret = (struct admission){.hold = HOLD_NONE};
	rc = poll_room(app, r, j, ret);
	if (rc != 0 || ret->hold != HOLD_NONE)
		return rc;
	g = slot_group(app, d);
	if (!held_by_group(app, g, ret) &&
	    (pushed(j) || !held_by_budget(app, j, g, ret)))
		(void)held_by_bytes(app, j, g, ret);
	return 0;
}

void
admit_poll_take(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d)
{
	struct group *g = slot_group(app, d);

	if (!pushed(j))
		take_start(app, r, j, g);
	take_bytes(app, j, g);
}
