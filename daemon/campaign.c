/*
 * A campaign is a row and one job per device; what moves is the jobs. The
 * store admits only jobs of running campaigns, so that pause and resume are
 * one compare-and-set each, and an abort cancels what is not final yet.
 */
#include "daemon/campaign.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "lib/text.h"

#define PAGE 100
#define JOBS 128

struct start {
	struct app *app;
	const struct campaign_spec *spec;
	struct store_release rel;
	struct campaign_result r;
};

static int
log_campaign(struct app *app, const struct store_campaign *c,
    const char *what, const char *detail)
{
	struct store_event ev = {
		.campaign = c->id, .release = c->release, .kind = "campaign",
	};
	char topic[48];

	snprintf(ev.what, sizeof(ev.what), "%s", what);
	snprintf(ev.detail, sizeof(ev.detail), "%.64s: %.120s", c->name,
	    detail);
	snprintf(topic, sizeof(topic), "a/campaigns/%llu",
	    (unsigned long long)c->id);
	engine_notify(app->engine, T_ADMIN, topic);
	log_info("campaign: camp=%llu release=%llu %s %s",
	    (unsigned long long)c->id, (unsigned long long)c->release, what,
	    detail);
	return engine_log(app->engine, &ev);
}

/* --- start --- */

static bool
of_release(const struct store_release *r, const struct store_device *d)
{
	for (size_t i = 0; d->have_class && i < r->class_count; i++)
		if (memcmp(r->class_id[i], d->class_id, 16) == 0)
			return true;
	return false;
}

/* A live job that is in the way: superseded when it is for less. */
static int
make_room(struct start *st, const struct store_device *d, bool *ret_free)
{
	static const struct track_event newer = {.type = TRACK_SUPERSEDE};
	struct store *s = st->app->store;
	struct job job;
	int rc = s->ops->job_live(s, d->id, &job);

	*ret_free = true;
	if (rc == ERR_NOT_FOUND)
		return 0;
	/* one without a campaign is the same wish, without an operator */
	if (rc == 0 && (job.target_seq > st->rel.seq ||
	    (job.target_seq == st->rel.seq && job.campaign != 0))) {
		st->r.busy++;
		*ret_free = false;
		return 0;
	}
	if (rc == 0)
		st->r.superseded++;
	if (rc == 0 && !st->spec->dry_run)
		rc = engine_job_event(st->app->engine, job.id, &newer, NULL);
	return rc;
}

static int
take(struct start *st, const struct store_device *d)
{
	bool room;
	int rc;

	st->r.selected++;
	if (!of_release(&st->rel, d)) {
		st->r.other_class++;
		return 0;
	}
	if (d->have_seq && d->seq >= st->rel.seq) {
		d->seq == st->rel.seq ? st->r.there++ : st->r.newer++;
		return 0;
	}
	rc = make_room(st, d, &room);
	if (rc != 0 || !room)
		return rc;
	st->r.jobs++;
	return st->spec->dry_run ? 0 : engine_job_new(st->app->engine, d,
	    &st->rel, st->r.campaign.id);
}

static int
take_filtered(struct start *st, struct store_device_filter *f)
{
	struct store *s = st->app->store;
	struct store_device *page = calloc(PAGE, sizeof(*page));
	size_t n = PAGE;
	int rc = page == NULL ? ERR_NOMEM : 0;

	f->limit = PAGE;
	f->after[0] = '\0';
	while (rc == 0 && n == PAGE) {
		n = 0;
		rc = s->ops->device_list(s, f, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = take(st, &page[i]);
		if (n > 0)
			snprintf(f->after, sizeof(f->after), "%s",
			    page[n - 1].ep);
	}
	free(page);
	return rc;
}

static int
take_classes(struct start *st)
{
	const struct campaign_spec *spec = st->spec;
	int rc = 0;

	for (size_t i = 0; i < st->rel.class_count && rc == 0; i++) {
		struct store_device_filter f = {.have_class = true};

		memcpy(f.class_id, st->rel.class_id[i], 16);
		if (!spec->have_class ||
		    memcmp(f.class_id, spec->class_id, 16) == 0)
			rc = take_filtered(st, &f);
	}
	return rc;
}

static int
take_tag(struct start *st)
{
	struct store_device_filter f = {0};

	snprintf(f.tag_name, sizeof(f.tag_name), "%s", st->spec->tag_name);
	snprintf(f.tag_value, sizeof(f.tag_value), "%s", st->spec->tag_value);
	return take_filtered(st, &f);
}

static int
take_list(struct start *st)
{
	struct store *s = st->app->store;
	int rc = 0;

	for (size_t i = 0; i < st->spec->ep_count && rc == 0; i++) {
		char ep[LIMIT_EP + 1];
		struct store_device d;

		if (!slice_to_cstr(st->spec->ep[i], ep, sizeof(ep)))
			rc = ERR_NOT_FOUND;
		else
			rc = s->ops->device_by_ep(s, ep, &d);
		if (rc == ERR_NOT_FOUND) {
			st->r.unknown++;
			rc = 0;
		} else if (rc == 0) {
			rc = take(st, &d);
		}
	}
	return rc;
}

static int
take_all(struct start *st)
{
	switch (st->spec->select) {
	case SELECT_CLASS:
		return take_classes(st);
	case SELECT_TAG:
		return take_tag(st);
	case SELECT_LIST:
		return take_list(st);
	}
	return ERR_INVALID;
}

static void
describe(const struct campaign_spec *spec, char *dst, size_t cap)
{
	char uuid[37];

	switch (spec->select) {
	case SELECT_CLASS:
		if (spec->have_class)
			snprintf(dst, cap, "class %s",
			    text_uuid(spec->class_id, uuid));
		else
			snprintf(dst, cap, "every class of the release");
		break;
	case SELECT_TAG:
		snprintf(dst, cap, "tag %s%s%s", spec->tag_name,
		    spec->tag_value[0] ? "=" : "", spec->tag_value);
		break;
	case SELECT_LIST:
		snprintf(dst, cap, "list of %zu", spec->ep_count);
		break;
	}
}

static int
check_spec(struct start *st, struct why *why)
{
	const struct campaign_spec *spec = st->spec;
	struct store *s = st->app->store;
	bool class = !spec->have_class;
	int rc = s->ops->release_get(s, spec->release, &st->rel);

	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no release %llu: suitctl release "
		    "list", (unsigned long long)spec->release);
	if (rc != 0)
		return rc;
	if (st->rel.state == RELEASE_WITHDRAWN)
		return why_set(why, ERR_STATE, "release %llu is withdrawn",
		    (unsigned long long)spec->release);
	for (size_t i = 0; i < st->rel.class_count && !class; i++)
		class = memcmp(st->rel.class_id[i], spec->class_id, 16) == 0;
	if (spec->select == SELECT_CLASS && !class)
		return why_set(why, ERR_CLASS,
		    "the release is not for this class");
	return 0;
}

static int
put(struct start *st)
{
	struct app *app = st->app;
	const struct campaign_spec *spec = st->spec;
	struct store_campaign *c = &st->r.campaign;
	int rc;

	c->release = spec->release;
	c->state = CAMPAIGN_RUNNING;
	c->concurrency = spec->concurrency ? spec->concurrency :
	    app->conf.concurrency;
	c->created = c->updated = loop_now(app->loop);
	if (spec->name[0] != '\0')
		snprintf(c->name, sizeof(c->name), "%s", spec->name);
	else
		snprintf(c->name, sizeof(c->name), "seq-%llu",
		    (unsigned long long)st->rel.seq);
	describe(spec, c->select, sizeof(c->select));
	rc = app->store->ops->campaign_put(app->store, c);
	return rc;
}

static int
start(struct start *st, struct why *why)
{
	char detail[120];
	int rc = put(st);

	if (rc == 0)
		rc = take_all(st);
	if (rc == 0 && st->r.jobs == 0)
		return why_set(why, ERR_STATE, "nothing to do: of %llu "
		    "devices %llu run it, %llu run newer, %llu have a job, "
		    "%llu are of another class, %llu are unknown",
		    (unsigned long long)st->r.selected,
		    (unsigned long long)st->r.there,
		    (unsigned long long)st->r.newer,
		    (unsigned long long)st->r.busy,
		    (unsigned long long)st->r.other_class,
		    (unsigned long long)st->r.unknown);
	snprintf(detail, sizeof(detail), "started, %llu jobs",
	    (unsigned long long)st->r.jobs);
	return rc != 0 ? rc : log_campaign(st->app, &st->r.campaign,
	    "running", detail);
}

int
campaign_start(struct app *app, const struct campaign_spec *spec,
    struct campaign_result *ret, struct why *why)
{
	struct start st = {.app = app, .spec = spec};
	int rc = check_spec(&st, why);

	if (rc != 0)
		return rc;
	if (spec->dry_run) {
		rc = take_all(&st);
	} else {
		rc = engine_begin(app->engine);
		if (rc == 0)
			rc = engine_end(app->engine, start(&st, why));
	}
	if (rc == 0)
		*ret = st.r;
	return rc;
}

/* --- pause, resume, abort, finish --- */

static const char *const names[] = {
	[CAMPAIGN_DRAFT] = "draft",
	[CAMPAIGN_RUNNING] = "running",
	[CAMPAIGN_PAUSED] = "paused",
	[CAMPAIGN_FINISHED] = "finished",
	[CAMPAIGN_ABORTED] = "aborted",
};

const char *
campaign_state_name(enum campaign_state st)
{
	return (unsigned)st < sizeof(names) / sizeof(names[0]) ? names[st] :
	    "unknown";
}

#define BIT(s) (1u << CAMPAIGN_##s)
static const unsigned moves[] = {
	[CAMPAIGN_DRAFT] = BIT(RUNNING) | BIT(ABORTED),
	[CAMPAIGN_RUNNING] = BIT(PAUSED) | BIT(FINISHED) | BIT(ABORTED),
	[CAMPAIGN_PAUSED] = BIT(RUNNING) | BIT(FINISHED) | BIT(ABORTED),
	/* an operator's retry of one of its jobs */
	[CAMPAIGN_FINISHED] = BIT(RUNNING),
	[CAMPAIGN_ABORTED] = 0,
};

static int
move(struct app *app, struct store_campaign *c, enum campaign_state to,
    struct why *why)
{
	struct store *s = app->store;
	int rc;

	if (!(moves[c->state] & 1u << to))
		return why_set(why, ERR_STATE, "campaign %llu is %s",
		    (unsigned long long)c->id, names[c->state]);
	c->state = to;
	c->updated = loop_now(app->loop);
	rc = s->ops->campaign_save(s, c);
	return rc != 0 ? rc : log_campaign(app, c, names[to], c->select);
}

/* What is not final becomes cancelled, for one reason; of campaign 0, which
 * is none, the jobs of one release. */
static int
cancel_jobs(struct app *app, uint64_t id, uint64_t release,
    enum track_reason reason)
{
	const struct track_event ev = {
		.type = TRACK_CANCEL, .reason = reason,
	};
	struct store *s = app->store;
	struct job *page = calloc(JOBS, sizeof(*page));
	uint64_t after = 0;
	size_t n = JOBS;
	int rc = page == NULL ? ERR_NOMEM : 0;

	while (rc == 0 && n == JOBS) {
		n = 0;
		rc = s->ops->job_list(s, id, after, JOBS, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			after = page[i].id;
			if (!job_state_final(page[i].state) &&
			    page[i].release == release)
				rc = engine_job_event(app->engine, after, &ev,
				    NULL);
		}
	}
	free(page);
	return rc;
}

static int
change(struct app *app, uint64_t id, enum campaign_state to, struct why *why)
{
	struct store *s = app->store;
	struct store_campaign c;
	int rc = s->ops->campaign_get(s, id, &c);

	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no campaign %llu: suitctl campaign "
		    "list", (unsigned long long)id);
	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	rc = move(app, &c, to, why);
	if (rc == 0 && to == CAMPAIGN_ABORTED)
		rc = cancel_jobs(app, id, c.release, REASON_OPERATOR);
	engine_wake(app->engine);
	return engine_end(app->engine, rc);
}

int
campaign_pause(struct app *app, uint64_t id, struct why *why)
{
	return change(app, id, CAMPAIGN_PAUSED, why);
}

int
campaign_resume(struct app *app, uint64_t id, struct why *why)
{
	struct store_campaign c;

	if (app->store->ops->campaign_get(app->store, id, &c) == 0 &&
	    c.state != CAMPAIGN_PAUSED)
		return why_set(why, ERR_STATE, "campaign %llu is %s",
		    (unsigned long long)id, names[c.state]);
	return change(app, id, CAMPAIGN_RUNNING, why);
}

int
campaign_abort(struct app *app, uint64_t id, struct why *why)
{
	return change(app, id, CAMPAIGN_ABORTED, why);
}

static int
retry(struct app *app, const struct job *job, struct why *why)
{
	static const struct track_event ev = {.type = TRACK_RETRY};
	struct store *s = app->store;
	struct store_campaign c;
	struct job live;
	int rc = s->ops->job_live(s, job->device, &live);

	if (rc == 0 && live.id != job->id)
		return why_set(why, ERR_STATE, "the device has a live job, "
		    "%llu", (unsigned long long)live.id);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (job->campaign != 0) {
		rc = s->ops->campaign_get(s, job->campaign, &c);
		if (rc == 0 && c.state == CAMPAIGN_ABORTED)
			return why_set(why, ERR_STATE, "its campaign was "
			    "aborted: start another one");
		if (rc == 0 && c.state == CAMPAIGN_FINISHED)
			rc = move(app, &c, CAMPAIGN_RUNNING, why);
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
		return why_set(why, rc, "no job %llu", (unsigned long long)id);
	if (rc != 0)
		return rc;
	if (job.state != JOB_FAILED && job.state != JOB_CANCELLED &&
	    job.state != JOB_QUEUED)
		return why_set(why, ERR_STATE, "job %llu is %s",
		    (unsigned long long)id, job_state_name(job.state));
	if (catalog_by_id(app->catalog, job.release) == NULL)
		return why_set(why, ERR_STATE, "its release is withdrawn");
	rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	return engine_end(app->engine, retry(app, &job, why));
}

int
campaign_withdrawn(struct app *app, uint64_t release)
{
	struct store *s = app->store;
	struct store_campaign page[16];
	uint64_t before = 0;
	size_t n = 16;
	int rc = 0;

	while (rc == 0 && n == 16) {
		n = 0;
		rc = s->ops->campaign_list(s, before, 16, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			struct store_campaign *c = &page[i];

			before = c->id;
			if (c->release != release ||
			    !(moves[c->state] & BIT(ABORTED)))
				continue;
			rc = move(app, c, CAMPAIGN_ABORTED, NULL);
			if (rc == 0)
				rc = cancel_jobs(app, c->id, release,
				    REASON_WITHDRAWN);
		}
	}
	/* devices that came by themselves would wait for it for ever */
	return rc != 0 ? rc : cancel_jobs(app, 0, release, REASON_WITHDRAWN);
}

int
campaign_check(struct app *app, uint64_t id)
{
	struct store *s = app->store;
	struct store_campaign c;
	struct store_counts n;
	uint64_t live = 0;
	int rc = s->ops->campaign_get(s, id, &c);

	if (rc == 0 && !(moves[c.state] & BIT(FINISHED)))
		return 0;
	if (rc == 0)
		rc = s->ops->campaign_counts(s, id, &n);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < JOB_STATES; i++)
		if (!job_state_final((enum job_state)i))
			live += n.by_state[i];
	return live != 0 ? 0 : move(app, &c, CAMPAIGN_FINISHED, NULL);
}
