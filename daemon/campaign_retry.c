/* An operator's retry of one job; its campaign runs again if it was over. */
#include <inttypes.h>

#include "daemon/campaign_impl.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"

static int
retry(struct app *app, const struct job *job, struct why *why)
{
	static const struct track_event ev = {.type = TRACK_RETRY};
	struct store *s = app->store;
	struct store_campaign c;
	struct job live;
	struct run *r;
	int rc = s->ops->job_live(s, job->device, &live);

	if (rc == 0 && live.id != job->id)
		return why_set(why, ERR_STATE, "the device has a live job, "
		    "%" PRIu64, live.id);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (job->campaign != 0) {
		rc = s->ops->campaign_get(s, job->campaign, &c);
		if (rc == 0 && c.state == CAMPAIGN_ABORTED)
			return why_set(why, ERR_STATE, "its campaign was "
			    "aborted: start another one");
		if (rc == 0)
			rc = runs_of(app, &c, &r);
		if (rc == 0 && campaign_expires(r) != 0 &&
		    campaign_expires(r) <= loop_now(app->loop))
			return why_set(why, ERR_STATE, "the time of its "
			    "campaign is over: start another one");
		if (rc == 0 && c.state == CAMPAIGN_FINISHED)
			rc = campaign_move(app, &c, CAMPAIGN_RUNNING, why);
		if (rc != 0)
			return rc;
	}
	return engine_job_event(app->engine, job->id, &ev, NULL);
}

int
campaign_retry(struct app *app, uint64_t id, struct why *why)
{
	struct store *s = app->store;
	struct job job;
	int rc = s->ops->job_get(s, id, &job);

	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no job %" PRIu64, id);
	if (rc != 0)
		return rc;
	if (job.state != JOB_FAILED && job.state != JOB_CANCELLED &&
	    job.state != JOB_QUEUED)
		return why_set(why, ERR_STATE, "job %" PRIu64 " is %s", id,
		    job_state_name(job.state));
	if (catalog_by_id(app->catalog, job.release) == NULL)
		return why_set(why, ERR_STATE, "its release is withdrawn, or "
		    "the trust list does not allow it");
	rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	return engine_end(app->engine, retry(app, &job, why));
}
