/*
 * Events of jobs: one step of lib/track.h, saved by compare-and-set, logged,
 * and what follows from it queued for after the commit. Everything that a
 * job becomes, it becomes here.
 */
#include <stdio.h>

#include "daemon/admit.h"
#include "daemon/ahead.h"
#include "daemon/campaign.h"
#include "daemon/engine_impl.h"
#include "daemon/trusted.h"

#define CAS_TRIES 3

int
engine_log(struct engine *e, struct store_event *ev)
{
	struct store *s = e->app->store;
	int rc;

	ev->at = loop_now(e->app->loop);
	rc = s->ops->event_put(s, ev);
	if (rc != 0)
		return rc;
	e->stats.events++;
	engine_notify(e, T_ADMIN, "a/events");
	engine_notify(e, T_ADMIN, "a/status");
	return 0;
}

static int
log_job(struct engine *e, const struct job *was, const struct job *j,
    const struct track_event *ev)
{
	struct store *s = e->app->store;
	struct store_event row = {
		.device = j->device, .job = j->id, .campaign = j->campaign,
		.release = j->release, .grade = ev->grade, .kind = "job",
	};
	struct store_device d;
	const char *what = was->state != j->state ?
	    job_state_name(j->state) : track_event_name(ev->type);

	snprintf(row.what, sizeof(row.what), "%s", what);
	if (s->ops->device_get(s, j->device, &d) == 0)
		snprintf(row.ep, sizeof(row.ep), "%s", d.ep);
	snprintf(row.detail, sizeof(row.detail), "attempt %u%s%s",
	    (unsigned)j->attempt, j->reason == REASON_NONE ? "" : ": ",
	    j->reason == REASON_NONE ? "" : track_reason_text(j->reason));
	engine_say(e, "job: dev=%llu ep=%s job=%llu camp=%llu event=%s from=%s "
	    "to=%s attempt=%u reason=%s", (unsigned long long)j->device,
	    row.ep, (unsigned long long)j->id, (unsigned long long)j->campaign,
	    track_event_name(ev->type), job_state_name(was->state),
	    job_state_name(j->state), (unsigned)j->attempt,
	    track_reason_name(j->reason));
	return engine_log(e, &row);
}

/* Does a gate see a difference? A trigger that nobody answered is one, and
 * the job is queued before and after. */
static bool
counts_anew(const struct job *was, const struct job *j)
{
	return j->state != was->state || j->attempt != was->attempt ||
	    (j->started != 0) != (was->started != 0) ||
	    (j->due == 0) != (was->due == 0) ||
	    j->last_fail != was->last_fail || j->reason != was->reason ||
	    j->grade != was->grade;
}

static void
consequences(struct engine *e, const struct job *was, const struct job *j,
    unsigned todo)
{
	char topic[48];

	if (todo & TRACK_DO_PUSH)
		engine_push(e, j, false);
	if (todo & TRACK_DO_PROBE)
		engine_push(e, j, true);
	e->wake = true;
	if (j->campaign == 0)
		return;
	snprintf(topic, sizeof(topic), "a/campaigns/%llu",
	    (unsigned long long)j->campaign);
	engine_notify(e, T_ADMIN, topic);
	if (counts_anew(was, j))
		engine_campaign_check(e, j->campaign);
}

static void
count_step(struct engine *e, const struct job *was, const struct job *j)
{
	struct counts *n = &e->app->counts;

	for (int c = 0; c < FAIL_CLASSES; c++)
		n->failures[c] += j->fails[c] > was->fails[c];
	if (j->attempt > was->attempt && j->attempt > 1)
		n->retries[was->last_fail]++;
	if (j->done > was->done ||
	    (j->state > was->state && j->state <= JOB_DONE))
		runs_progress(e->app, j->campaign);
}

/*
 * Evidence below the grade that the campaign asks for proves nothing: that
 * it went well is a sign of life, and so is whatever anybody can say (L0). A
 * failure over the device's own channel ends the attempt, and the gate looks
 * at its grade; that the device is in recovery mode, which would stop the
 * campaign at once, is such a failure then.
 */
static const struct track_event *
weigh(const struct engine *e, const struct job *job,
    const struct track_event *ev, struct track_event *ret)
{
	static const struct track_event alive = {.type = TRACK_ALIVE};
	struct run *r;

	if (job->campaign == 0 || (ev->type != TRACK_SEEN_RUNNING &&
	    (ev->type != TRACK_REPORT || ev->phase < PHASE_SUCCEEDED)) ||
	    runs_get(e->app, job->campaign, &r) != 0)
		return ev;
	*ret = *ev;
	if (r->policy.grade_nonce && ev->grade == GRADE_L2 && !ev->nonce)
		ret->grade = GRADE_L1;
	if ((int)ret->grade >= r->policy.grade)
		return ret;
	if (ev->type == TRACK_SEEN_RUNNING || ev->phase == PHASE_SUCCEEDED ||
	    ret->grade == GRADE_L0)
		return &alive;
	if (ev->reason == REASON_RECOVERY)
		ret->reason = REASON_BOOT;
	return ret;
}

/*
 * A number that the trust list calls burnt counts as what lies below its
 * floor: the device takes the job's release (trust_base), so it has not
 * refused it by running more. Only a number above the job's can be burnt.
 */
static const struct track_event *
unburnt(const struct engine *e, const struct job *job,
    const struct track_event *ev, struct track_event *ret)
{
	static struct store_device d;
	struct store *s = e->app->store;

	if (ev->type != TRACK_SEEN_RUNNING || e->app->trusted == NULL ||
	    ev->sequence <= job->target_seq ||
	    s->ops->device_get(s, job->device, &d) != 0 || !d.have_class)
		return ev;
	*ret = *ev;
	ret->sequence = trusted_base(e->app, d.class_id, ev->sequence);
	ret->before = trusted_base(e->app, d.class_id, ev->before);
	return ret;
}

/* The attempt of `was` has ended. When another job takes over, the download
 * goes on. */
static bool
attempt_over(const struct job *was, const struct job *now)
{
	if (was->started == 0 || job_state_final(was->state) ||
	    now->state == JOB_SUPERSEDED)
		return false;
	return job_state_final(now->state) || now->started == 0;
}

/* A job that goes back to the queue of a campaign that starts nothing any
 * more ends there. */
static int
end_requeued(struct engine *e, const struct job *was, struct job *job)
{
	struct track_event ev = {
		.type = TRACK_CANCEL, .reason = REASON_EXPIRED,
	};
	struct run *r;
	int rc;

	if (job->state != JOB_QUEUED || job->started != 0 ||
	    (was->state == JOB_QUEUED && was->started == 0) ||
	    job->campaign == 0)
		return 0;
	rc = runs_get(e->app, job->campaign, &r);
	if (rc != 0 || r->c.ended == 0)
		return rc == ERR_CORRUPT ? 0 : rc;
	if (r->c.state == CAMPAIGN_ABORTED)
		ev.reason = REASON_OPERATOR;
	return engine_step(e, job, &ev);
}

int
engine_step(struct engine *e, struct job *job, const struct track_event *ev)
{
	struct app *app = e->app;
	struct store *s = app->store;
	struct track_event counted, weighed;
	struct job was, next;
	unsigned todo = 0;
	int rc = 0;

	ev = unburnt(e, job, ev, &counted);
	ev = weigh(e, job, ev, &weighed);
	for (int i = 0; i < CAS_TRIES; i++) {
		was = *job;
		todo = track_step(&was, ev, &app->conf.track,
		    loop_now(app->loop), loop_rand(app->loop), &next);
		if (!(todo & TRACK_DO_SAVE))
			break;
		rc = s->ops->job_save(s, &next);
		if (rc != ERR_CONFLICT)
			break;
		e->stats.conflicts++;
		rc = s->ops->job_get(s, was.id, job);
		if (rc == 0)
			rc = ERR_CONFLICT;
		else
			break;
	}
	if (rc != 0)
		return rc;
	if (todo == TRACK_DO_NOTHING)
		return 0;
	e->idle[next.device % ENGINE_IDLE] = 0;
	admit_moved(app, &was, &next);
	count_step(e, &was, &next);
	if (attempt_over(&was, &next))
		engine_fold_drop(e, &next);
	if (todo & TRACK_DO_LOG)
		rc = log_job(e, &was, &next, ev);
	if (rc != 0)
		return rc;
	consequences(e, &was, &next, todo);
	*job = next;
	return end_requeued(e, &was, job);
}

int
engine_live(struct engine *e, uint64_t device, struct job *ret)
{
	struct store *s = e->app->store;
	uint64_t *idle = &e->idle[device % ENGINE_IDLE];
	int rc;

	if (*idle == device)
		return ERR_NOT_FOUND;
	rc = s->ops->job_live(s, device, ret);
	if (rc == ERR_NOT_FOUND)
		*idle = device;
	return rc;
}

/* Contact that says nothing of an update that is over. */
static bool
idle_contact(enum track_event_type t)
{
	return t == TRACK_ALIVE || t == TRACK_MANIFEST_GET ||
	    t == TRACK_BLOCKS || t == TRACK_IMAGE_END;
}

int
engine_event(struct engine *e, uint64_t device, const struct track_event *ev)
{
	struct store *s = e->app->store;
	struct job job;
	int rc = engine_live(e, device, &job);

	if (rc == ERR_NOT_FOUND && idle_contact(ev->type))
		return 0;
	if (rc == ERR_NOT_FOUND)
		rc = s->ops->job_last(s, device, &job);
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc != 0 ? rc : engine_step(e, &job, ev);
}

int
engine_job_event(struct engine *e, uint64_t id, const struct track_event *ev,
    struct job *ret)
{
	struct store *s = e->app->store;
	struct job job;
	int rc = s->ops->job_get(s, id, &job);

	if (rc == 0)
		rc = engine_step(e, &job, ev);
	if (rc == 0 && ret != NULL)
		*ret = job;
	return rc;
}

int
engine_running(struct engine *e, struct store_device *d, uint64_t sequence,
    enum grade grade)
{
	struct store *s = e->app->store;
	struct track_event ev = {
		.type = TRACK_SEEN_RUNNING, .grade = grade,
		.sequence = sequence,
		.before = d->have_seq ? d->seq : 0,
	};
	int rc = 0;

	if (!d->have_seq || d->seq != sequence || d->seq_grade < grade) {
		d->have_seq = true;
		d->seq = sequence;
		d->seq_grade = grade;
		rc = ahead_judge(e->app, d);
		if (rc == 0)
			rc = s->ops->device_put(s, d);
	}
	return rc != 0 ? rc : engine_event(e, d->id, &ev);
}

int
engine_job_new(struct engine *e, const struct store_device *d,
    const struct store_release *r, const struct engine_order *order)
{
	static const struct engine_order nobody = {.campaign = 0};
	const struct engine_order *o = order != NULL ? order : &nobody;
	struct app *app = e->app;
	struct store_event row = {
		.device = d->id, .campaign = o->campaign, .release = r->id,
		.kind = "job", .what = "queued",
	};
	struct job job;
	int rc;

	track_init(&job, d->id, r->id, r->seq, loop_now(app->loop));
	job.campaign = o->campaign;
	job.wave = o->wave;
	if (o->campaign == 0 || !engine_pushable(e, d))
		job.due = 0; /* waits for contact */
	rc = app->store->ops->job_put(app->store, &job);
	if (rc != 0)
		return rc;
	e->idle[d->id % ENGINE_IDLE] = 0;
	e->wake = true;
	if (o->quiet)
		return 0;
	row.job = job.id;
	snprintf(row.ep, sizeof(row.ep), "%s", d->ep);
	snprintf(row.detail, sizeof(row.detail), "to sequence %llu",
	    (unsigned long long)r->seq);
	return engine_log(e, &row);
}
