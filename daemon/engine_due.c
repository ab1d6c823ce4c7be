/*
 * Due work. The store leases due jobs; each is one pair. A queued job is
 * admitted, which counts the attempt and saves it: the push itself runs
 * after the turn's commit, so that a crash in between costs an attempt and
 * never sends one that was not counted.
 *
 * A job is left to its device ("waits for contact") when nobody may or can
 * push it: a job without a campaign (the device came by itself, no operator
 * asked for it) and a device without a driver.
 */
#include <stdio.h>

#include "daemon/catalog.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"

#define FETCHING_MS 60000 /* a block this young: the download is alive */
#define POSTPONE_MS 30000
#define FULL_MS 2000 /* the campaign is at its cap: look again */

static int
prune(struct engine *e, uint64_t *ret_n)
{
	struct store *s = e->app->store;
	int rc = engine_begin(e);

	if (rc != 0)
		return rc;
	return engine_end(e, s->ops->event_prune(s, e->app->conf.events_keep,
	    ENGINE_PRUNE_MAX, ret_n));
}

void
engine_prune(struct engine *e)
{
	struct store *s = e->app->store;
	struct store_stats st;
	uint64_t n = 0;
	int rc = 0;

	if (e->pruned == e->stats.events)
		return;
	s->ops->stats(s, &st);
	if (st.events > e->app->conf.events_keep)
		rc = prune(e, &n);
	if (rc != 0)
		log_error("events: not pruned: %s (%s)", err_text(rc),
		    store_why(s));
	else if (n < ENGINE_PRUNE_MAX)
		e->pruned = e->stats.events;
}

static bool
young(const struct engine *e, const char *peer, const uint8_t digest[32])
{
	const struct progress_slot *s = progress_find(&e->progress, peer,
	    digest);

	return s != NULL && !progress_complete(s) &&
	    loop_now(e->app->loop) - s->at < FETCHING_MS;
}

bool
engine_fetching(const struct engine *e, const struct store_device *d,
    uint64_t release)
{
	const struct catalog_release *r = catalog_by_id(e->app->catalog,
	    release);
	char peer[3][LIMIT_ADDRESS + 2];

	if (r == NULL)
		return false;
	snprintf(peer[0], sizeof(peer[0]), "d:%llu",
	    (unsigned long long)d->id);
	snprintf(peer[1], sizeof(peer[1]), "e:%s", d->ep);
	snprintf(peer[2], sizeof(peer[2]), "a:%s", d->addr);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < r->payload_count; i++)
			if (young(e, peer[k], r->payload[i].digest))
				return true;
	return false;
}

static int
wait_until(struct engine *e, struct job *j, int64_t due)
{
	struct store *s = e->app->store;

	j->due = due;
	return s->ops->job_save(s, j);
}

bool
engine_pushable(const struct engine *e, const struct store_device *d)
{
	return d->driver != DRIVER_NONE ||
	    front_device_observes(e->app->front, d->id, d->ep);
}

/* A trigger under way is an attempt and counts; those that this very batch
 * has started are among them. */
static int
over_cap(struct engine *e, uint64_t campaign, bool *ret)
{
	struct store *s = e->app->store;
	struct store_campaign c;
	struct store_counts n;
	int rc = s->ops->campaign_get(s, campaign, &c);

	if (rc == 0)
		rc = s->ops->campaign_counts(s, campaign, &n);
	if (rc == 0)
		*ret = c.concurrency != 0 &&
		    n.active + n.starting >= c.concurrency;
	return rc;
}

static int
admit(struct engine *e, struct job *j)
{
	static const struct track_event ev = {.type = TRACK_ADMITTED};
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop);
	struct store_device d;
	bool full = false;
	int rc = s->ops->device_get(s, j->device, &d);

	if (rc != 0)
		return rc;
	if (j->campaign == 0 || !engine_pushable(e, &d))
		return wait_until(e, j, 0);
	if (engine_fetching(e, &d, j->release))
		return wait_until(e, j, now + POSTPONE_MS);
	rc = over_cap(e, j->campaign, &full);
	if (rc != 0)
		return rc;
	if (full)
		return wait_until(e, j, now + FULL_MS);
	return engine_step(e, j, &ev);
}

static bool
withdrawn(struct engine *e, uint64_t release)
{
	struct store *s = e->app->store;
	struct store_release r;

	return catalog_by_id(e->app->catalog, release) == NULL &&
	    s->ops->release_get(s, release, &r) == 0 &&
	    r.state == RELEASE_WITHDRAWN;
}

static int
due_one(struct engine *e, struct job *j)
{
	static const struct track_event ev = {.type = TRACK_DUE};
	static const struct track_event gone = {
		.type = TRACK_CANCEL, .reason = REASON_WITHDRAWN,
	};

	if (withdrawn(e, j->release))
		return engine_step(e, j, &gone);
	if (j->state == JOB_QUEUED && j->started == 0)
		return admit(e, j);
	return engine_step(e, j, &ev);
}

static int
lease(struct engine *e, struct job *job, size_t cap, size_t *ret_n)
{
	struct store *s = e->app->store;
	int rc = engine_begin(e);

	if (rc != 0)
		return rc;
	return engine_end(e, s->ops->jobs_due(s, loop_now(e->app->loop),
	    ENGINE_LEASE_MS, job, cap, ret_n));
}

void
engine_due(struct engine *e)
{
	struct job job[ENGINE_BATCH];
	size_t busy = peer_inflight(e->app->peer);
	size_t cap = ENGINE_BATCH, n = 0;
	int rc;

	engine_fold(e, true);
	e->wake = true;
	/* room for the answers: a push that cannot be sent is a failure */
	e->stalled = busy >= LIMIT_PEER_INFLIGHT - ENGINE_BATCH;
	if (e->stalled)
		return;
	rc = lease(e, job, cap, &n);
	if (rc != 0)
		log_error("store: due jobs: %s (%s)", err_text(rc),
		    store_why(e->app->store));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		int one = engine_begin(e);

		if (one == 0)
			one = engine_end(e, due_one(e, &job[i]));
		if (one != 0)
			log_error("job: job=%llu due, not moved: %s",
			    (unsigned long long)job[i].id, err_text(one));
	}
}
