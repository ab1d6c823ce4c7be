#include "daemon/contact.h"

#include <stdio.h>

#include "daemon/engine_impl.h"
#include "daemon/trusted.h"

/* A device that polls must not be written at each poll. The row's text is
 * not written anew either: tags and name would be sought for nothing. */
#define SEEN_MS 600000
#define GAP_MAX_S (90 * 86400)
/* After a failure a poll alone is no new try; a fetched image is. */
#define POLL_AGAIN_MS 3600000

/* How long it is silent between two signs of life, as a mean that moves by
 * a quarter: what a sleeping device's next wake is estimated from. Contacts
 * that are closer than what is kept of `seen` tell nothing. */
void
contact_note(struct store_device *d, int64_t now)
{
	int64_t gap = (now - d->seen) / 1000;

	if (d->seen != 0 && gap >= SEEN_MS / 1000) {
		if (gap > GAP_MAX_S)
			gap = GAP_MAX_S;
		if (d->gap != 0)
			gap = d->gap + (gap - (int64_t)d->gap) / 4;
		d->gap = (uint32_t)gap;
	}
	d->seen = now;
}

bool
contact_fresh(int64_t seen, int64_t now)
{
	return now - seen < SEEN_MS;
}

bool
contact_is_news(struct engine *e, const struct store_device *d,
    const char *addr)
{
	struct job job;

	if (strcmp(d->addr, addr) != 0 ||
	    !contact_fresh(d->seen, loop_now(e->app->loop)))
		return true;
	return engine_pushable(e, d) &&
	    engine_live(e, d->id, &job) != ERR_NOT_FOUND;
}

int
contact_seen(struct engine *e, struct store_device *d, const char *addr)
{
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop);
	struct store_seen seen = {.device = d->id, .addr = addr, .at = now};

	if (strcmp(d->addr, addr) == 0 && contact_fresh(d->seen, now))
		return 0;
	contact_note(d, now);
	seen.gap = d->gap;
	snprintf(d->addr, sizeof(d->addr), "%s", addr);
	return s->ops->device_seen(s, &seen);
}

/* Should a device without a live job get one now? */
static int
wants_job(struct engine *e, const struct store_device *d,
    const struct catalog_release *r, const struct track_event *ev, bool *ret)
{
	struct store *s = e->app->store;
	bool poll = ev->type == TRACK_MANIFEST_GET;
	struct job last;
	int rc;

	*ret = false;
	if (d->have_seq ? trusted_runs(e->app, d) >= r->seq : poll)
		return 0;
	rc = s->ops->job_last(s, d->id, &last);
	if (rc == ERR_NOT_FOUND) {
		*ret = true;
		return 0;
	}
	if (rc == 0)
		*ret = last.release != r->id || (last.state != JOB_DONE &&
		    (!poll || loop_now(e->app->loop) - last.updated >
		    POLL_AGAIN_MS));
	return rc;
}

static int
by_itself(struct engine *e, const struct store_device *d,
    const struct catalog_release *r, const struct track_event *ev)
{
	struct store *s = e->app->store;
	struct store_release row;
	bool want;
	int rc = wants_job(e, d, r, ev, &want);

	if (rc != 0 || !want)
		return rc;
	rc = s->ops->release_get(s, r->id, &row);
	if (rc == 0)
		rc = engine_job_new(e, d, &row, NULL);
	return rc != 0 ? rc : engine_event(e, d->id, ev);
}

int
contact_whole(struct engine *e, const struct store_device *d,
    const struct catalog_release *r, enum grade grade)
{
	const struct track_event ev = {.type = TRACK_IMAGE_END, .grade = grade};
	struct store *s = e->app->store;
	struct job job;
	int rc = engine_live(e, d->id, &job);

	if (rc == ERR_NOT_FOUND)
		rc = s->ops->job_last(s, d->id, &job);
	if (rc == ERR_NOT_FOUND || (rc == 0 && job.release != r->id))
		return 0;
	return rc != 0 ? rc : engine_step(e, &job, &ev);
}

int
contact_fetch(struct engine *e, const struct store_device *d,
    const struct catalog_release *r, const struct track_event *ev)
{
	static const struct track_event newer = {.type = TRACK_SUPERSEDE};
	struct job job;
	int rc = engine_live(e, d->id, &job);

	if (rc == 0 && job.release == r->id)
		return engine_step(e, &job, ev);
	if (d->have_class && !catalog_is_for(r, d->class_id)) {
		/* whoever it is, it ends no order of the device's */
		e->app->counts.classes[CLASS_COUNT_FETCHED]++;
		return rc == ERR_NOT_FOUND ? 0 : rc;
	}
	if (rc == 0 && job.target_seq >= r->seq)
		return 0; /* it has another order than what it asks for */
	if (rc == 0)
		rc = engine_step(e, &job, &newer);
	else if (rc == ERR_NOT_FOUND)
		rc = 0;
	return rc != 0 ? rc : by_itself(e, d, r, ev);
}
