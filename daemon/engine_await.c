/*
 * Who is about to ask for the first block of an image: what a stop waits for.
 * The jobs under way tell it of those that were triggered or admitted. Of a
 * manifest that no job came of (nobody knows what its device runs, or who it
 * is) a note is kept in a ring, where the oldest gives way.
 *
 * Rejected: to count manifests as if they were blocks. A fleet that polls
 * would keep a suitd up that serves nobody.
 */
#include <stdio.h>

#include "daemon/catalog.h"
#include "daemon/engine_impl.h"

void
engine_await(struct engine *e, const struct store_device *d,
    const char *addr, uint64_t release)
{
	struct engine_awaited *w = &e->awaited[e->awaited_n++ %
	    LIMIT_AWAITED];

	*w = (struct engine_awaited){.release = release,
	    .device = d == NULL ? 0 : d->id, .at = loop_now(e->app->loop)};
	snprintf(w->ep, sizeof(w->ep), "%s", d == NULL ? "" : d->ep);
	snprintf(w->addr, sizeof(w->addr), "%s", addr);
}

/* --- of those without a job --- */

static bool
has_begun(const struct engine *e, const struct engine_awaited *w,
    int64_t now)
{
	const struct catalog_release *r = catalog_by_id(e->app->catalog,
	    w->release);
	struct store_device d = {.id = w->device};
	char peer[3][LIMIT_ADDRESS + 2];
	struct span span;
	int64_t age;

	if (r == NULL)
		return true; /* nothing of it is served any more */
	strcpy(d.ep, w->ep);
	strcpy(d.addr, w->addr);
	progress_names(&d, peer);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < r->payload_count; i++)
			if (engine_span(e, peer[k], r->payload[i].digest,
			    &span, &age) && age <= now - w->at)
				return true;
	return false;
}

/* Then the jobs tell, or it is over already. */
static bool
has_job(const struct engine *e, const struct engine_awaited *w)
{
	struct store *s = e->app->store;
	struct job j;

	return w->device != 0 && s->ops->job_last(s, w->device, &j) == 0 &&
	    (!job_state_final(j.state) || j.updated >= w->at);
}

static bool
any_noted(const struct engine *e, int64_t now)
{
	for (size_t i = 0; i < LIMIT_AWAITED; i++) {
		const struct engine_awaited *w = &e->awaited[i];

		if (w->release != 0 && now - w->at < ENGINE_AWAIT_MS &&
		    !has_begun(e, w, now) && !has_job(e, w))
			return true;
	}
	return false;
}

/* --- of those with one --- */

struct look {
	int64_t now, notify_ms;
	bool any;
};

/* Who was told to come later than a trigger's answer is waited for was sent
 * away, or has a spread. What left of its image was folded meanwhile: a stop
 * asks only when no block has left for longer than that takes. */
static int
look_at_job(void *arg, const struct job *j)
{
	struct look *l = arg;
	int64_t since = j->updated > j->started ? j->updated : j->started;

	l->any = j->state <= JOB_FETCHING && j->done == 0 &&
	    l->now - since < ENGINE_AWAIT_MS &&
	    (j->state != JOB_NOTIFIED || j->due <= l->now + l->notify_ms);
	return l->any ? ERR_EXISTS : 0;
}

bool
engine_awaits(const struct engine *e)
{
	struct store *s = e->app->store;
	struct look l = {.now = loop_now(e->app->loop),
	    .notify_ms = e->app->conf.track.notify_ms};

	if (any_noted(e, l.now))
		return true;
	(void)!s->ops->job_active(s, look_at_job, &l);
	return l.any;
}
