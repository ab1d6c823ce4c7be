/*
 * Due work: deadlines of attempts, which the store leases; each is one pair.
 * What may start anew is engine_pump.c's.
 *
 * A job without a campaign is left to its device ("waits for contact"): it
 * came by itself, no operator asked for it.
 */
#include <stdlib.h>

#include "daemon/campaign.h"
#include "daemon/catalog.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"
#include "daemon/push.h"

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
	struct span p;
	int64_t age;

	return engine_span(e, peer, digest, &p, &age) && !span_whole(&p) &&
	    age < FETCHING_MS;
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
	progress_names(d, peer);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < r->payload_count; i++)
			if (young(e, peer[k], r->payload[i].digest))
				return true;
	return false;
}

void
engine_refresh(const struct engine *e, const struct store_device *d,
    struct job *j)
{
	const struct catalog_release *r = catalog_by_id(e->app->catalog,
	    j->release);
	char peer[3][LIMIT_ADDRESS + 2];
	int64_t age;

	if (r == NULL || j->state != JOB_FETCHING)
		return;
	progress_names(d, peer);
	for (size_t k = 0; k < 3; k++) {
		uint64_t done = 0;

		for (size_t i = 0; i < r->payload_count; i++) {
			struct span p = {.hi = 0};

			(void)engine_span(e, peer[k], r->payload[i].digest,
			    &p, &age);
			done += p.hi;
		}
		if (done > j->done && done <= j->total)
			j->done = done;
	}
}

bool
engine_pushable(const struct engine *e, const struct store_device *d)
{
	return d->driver != DRIVER_NONE ||
	    front_device_observes(e->app->front, d->id, push_claim(d));
}

struct inflight {
	uint64_t *job;
	size_t n, cap;
};

static int
note_inflight(void *arg, const struct job *j)
{
	struct inflight *f = arg;

	if (j->state > JOB_FETCHING)
		return 0;
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->job = realloc(f->job, f->cap * sizeof(*f->job));
		if (f->job == NULL)
			abort(); /* all state is on the disk */
	}
	f->job[f->n++] = j->id;
	return 0;
}

int
engine_restarted(struct engine *e)
{
	static const struct track_event ev = {.type = TRACK_RESTART};
	struct store *s = e->app->store;
	struct inflight f = {.n = 0};
	int rc = s->ops->job_active(s, note_inflight, &f);

	if (rc == 0 && f.n > 0) {
		rc = engine_begin(e);
		for (size_t i = 0; rc == 0 && i < f.n; i++)
			rc = engine_job_event(e, f.job[i], &ev, NULL);
		if (e->depth > 0)
			rc = engine_end(e, rc);
	}
	free(f.job);
	return rc;
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
	uint64_t version = j->version;
	int rc;

	if (withdrawn(e, j->release))
		return engine_step(e, j, &gone);
	/* blocks that went out and were not folded yet are no silence */
	rc = engine_seen_job(e, j);
	if (rc == 0 && e->watch != NULL)
		rc = e->app->store->ops->job_get(e->app->store, j->id, j);
	if (rc != 0 || j->version != version)
		return rc;
	if (j->state == JOB_QUEUED && j->started == 0)
		return engine_wait_until(e, j, 0); /* nobody asked for it */
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

static void
run_deadlines(struct engine *e, size_t cap, size_t *ret_n)
{
	struct job job[ENGINE_BATCH];
	int rc = lease(e, job, cap, ret_n);

	if (rc != 0)
		log_error("store: due jobs: %s (%s)", err_text(rc),
		    store_why(e->app->store));
	for (size_t i = 0; rc == 0 && i < *ret_n; i++) {
		int one = engine_begin(e);

		if (one == 0)
			one = engine_end(e, due_one(e, &job[i]));
		if (one != 0)
			log_error("job: job=%llu due, not moved: %s",
			    (unsigned long long)job[i].id, err_text(one));
	}
}

void
engine_due(struct engine *e)
{
	size_t busy = peer_inflight(e->app->peer), n = 0;

	engine_fold(e, true);
	e->wake = true;
	campaign_work(e->app);
	/* room for the answers: a push that cannot be sent is a failure */
	e->stalled = busy >= LIMIT_PEER_INFLIGHT - ENGINE_BATCH;
	if (e->stalled)
		return;
	run_deadlines(e, ENGINE_BATCH, &n);
	engine_pump(e, ENGINE_BATCH - n);
}
