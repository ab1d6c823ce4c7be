/*
 * GET m/{c}: the class's current manifest. It is the same for everybody and
 * costs no SQL; a requester that gives a name (credential or ?ep=) makes an
 * event of it, others leave a mark by their address.
 *
 * GET m: what *this* device should have now.
 *   - a live job of a running campaign: the job's release;
 *   - a live job of no campaign: the same, or the class's current release
 *     when that is newer, since nobody ordered the older one;
 *   - no live job: the class's current release;
 *   - otherwise 4.04.
 * A job that has begun may go on. One that has not: 4.04 when it is not its
 * turn (admit.h says why), 4.29 with a time to come back when there is no
 * room. These two, and their Max-Age, are the only steering of devices; an
 * image's blocks know nothing of it. A suitd that is about to stop begins
 * nothing: 5.03, with the time at which it should be back.
 */
#include "daemon/res.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/access.h"
#include "daemon/admit.h"
#include "daemon/catalog.h"
#include "daemon/contact.h"
#include "daemon/engine.h"
#include "daemon/life.h"
#include "daemon/log.h"
#include "daemon/polled.h"
#include "daemon/trusted.h"

int
res_opaque(const struct req *req, struct resp *resp)
{
	return content_opaque(req->have_accept ? &req->accept : NULL,
	    &resp->cf, &resp->why);
}

static int
answer(const struct catalog_release *r, const struct req *req,
    struct resp *resp)
{
	int rc = res_opaque(req, resp);

	resp->body = r->served;
	resp->etag_len = sizeof(resp->etag);
	memcpy(resp->etag, r->digest, sizeof(resp->etag));
	return rc;
}

/* When to ask again, and whether for a newer trust list: also for a device that
 * there is nothing for now. */
static void
ask_again(struct app *app, struct resp *resp)
{
	resp->have_max_age = true;
	resp->max_age = app->conf.poll_max_age;
	resp->trust = trusted_seq(app);
}

/* It has read this manifest before: the answer is 2.03, and no download comes
 * of it but one that needs no manifest. */
static bool
has_it(const struct req *req, const struct catalog_release *r)
{
	for (size_t i = 0; i < req->etag_n; i++)
		if (slice_eq(req->etag[i], slice_of(r->digest, 8)))
			return true;
	return false;
}

/* The device asks, now: neither a later block nor our own notification. */
static bool
asked(const struct req *req)
{
	return req->first_block && !req->notify;
}

/* Does the request name its device? Then it is worth SQL. */
static bool
named(const struct req *req)
{
	if (req->who.device != 0)
		return true;
	for (size_t i = 0; i < req->query_n; i++)
		if (uri_query_value(req->query[i], "ep").p != NULL)
			return true;
	return false;
}

/* The status must not stop the delivery: a store that cannot be written is
 * the engine's to report, the manifest is served. */
static int
fetched(struct app *app, const struct req *req, struct ident *id,
    const struct catalog_release *r)
{
	struct engine *e = app->engine;
	const struct track_event ev = {
		.type = TRACK_MANIFEST_GET, .grade = id->grade,
	};
	int rc = engine_begin(e);

	if (rc == 0) {
		rc = contact_seen(e, &id->dev, req->addr);
		if (rc == 0)
			rc = contact_fetch(e, &id->dev, r, &ev);
		if (rc == 0 && r->payload_count == 0)
			rc = contact_whole(e, &id->dev, r, id->grade);
		rc = engine_end(e, rc);
	}
	if (rc != 0)
		log_warn("manifest: dev=%llu ep=%s asked, not kept: %s",
		    (unsigned long long)id->dev.id, id->dev.ep, err_text(rc));
	if (r->payload_count > 0 && !(id->dev.have_seq &&
	    trusted_runs(app, &id->dev) >= r->seq))
		engine_await(e, &id->dev, req->addr, r->id);
	return rc;
}

/* It asked and gets nothing: a sign of life all the same, which may be kept
 * already. */
static int
seen(struct app *app, const struct req *req, struct ident *id)
{
	static const struct track_event ev = {.type = TRACK_ALIVE};
	struct engine *e = app->engine;
	int rc;

	if (!contact_is_news(e, &id->dev, req->addr))
		return 0;
	rc = engine_begin(e);
	if (rc != 0)
		return rc;
	rc = contact_seen(e, &id->dev, req->addr);
	if (rc == 0 && engine_pushable(e, &id->dev))
		rc = engine_event(e, id->dev.id, &ev);
	rc = engine_end(e, rc);
	if (rc != 0)
		log_warn("manifest: dev=%llu ep=%s asked, not kept",
		    (unsigned long long)id->dev.id, id->dev.ep);
	return rc;
}

/* --- whose turn is it? --- */

struct turn {
	struct app *app;
	const struct req *req;
	struct resp *resp;
	const struct ident *id;
	struct store_device dev; /* with the address that it asks from: that
	                            is the network it will load */
	struct run *run; /* NULL: of no campaign */
	bool lasting; /* has_it is 2.03 until something is written of it, or
	                 the catalog changes */
	bool of_class; /* m/{c} was asked for */
};

static void
turn_dev(struct turn *t)
{
	t->dev = t->id->dev;
	snprintf(t->dev.addr, sizeof(t->dev.addr), "%s", t->req->addr);
}

static uint32_t
book(struct turn *t, const struct admission *a)
{
	const struct admit_turn at = {t->run, &t->dev, t->id->grade, a};

	return admit_book(t->app, &at);
}

/* A job whose trigger went out knows that its device's silence is our
 * doing. */
static void
steered(struct turn *t, const struct job *j)
{
	const struct track_event ev = {
		.type = TRACK_STEERED, .have_max_age = true,
		.max_age = t->resp->max_age, .grade = t->id->grade,
	};
	struct engine *e = t->app->engine;
	int rc;

	if (j->state != JOB_NOTIFIED &&
	    (j->state != JOB_QUEUED || j->started == 0))
		return;
	rc = engine_begin(e);
	if (rc == 0)
		rc = engine_end(e, engine_job_event(e, j->id, &ev, NULL));
	if (rc != 0) /* it is told all the same */
		log_warn("manifest: job=%llu steered, not kept: %s",
		    (unsigned long long)j->id, err_text(rc));
}

/* 4.29: no room. It gets a place in the queue. */
static int
no_room(struct turn *t, const struct job *j, const struct admission *a)
{
	if (t->req->notify) /* it did not ask, and is not told (observe.c) */
		return why_set(&t->resp->why, ERR_LIMIT, "%s", a->text);
	t->resp->max_age = book(t, a);
	steered(t, j);
	return why_set(&t->resp->why, ERR_LIMIT, "%s: ask again in %" PRIu32
	    " s", a->text, t->resp->max_age);
}

/* 4.04: not its turn. Where it is known when that will be, those who wait
 * come back one after the other, not all at that moment. */
static int
not_now(struct turn *t, const struct job *j, const struct admission *a)
{
	if (t->req->notify && a->hold != HOLD_REVOKED)
		return no_room(t, j, a);
	if (a->until != 0)
		t->resp->max_age = book(t, a);
	steered(t, j);
	return why_set(&t->resp->why, a->hold == HOLD_REVOKED ?
	    ERR_FORBIDDEN : ERR_NOT_FOUND, "nothing for you now: %s",
	    a->text);
}

static int
may_start(struct turn *t, const struct job *j,
    const struct catalog_release *r)
{
	struct app *app = t->app;
	struct admission a;
	int rc;

	if (j->campaign != 0) {
		rc = runs_get(app, j->campaign, &t->run);
		if (rc != 0)
			return rc;
	}
	if (admit_begun(t->run, j, &t->dev))
		return 0;
	rc = admit_poll(app, t->run, j, &t->dev, &a);
	if (rc != 0)
		return rc;
	if (!t->req->notify && (a.hold != HOLD_NONE || !has_it(t->req, r)))
		app->counts.admissions[a.hold]++;
	if (a.hold != HOLD_NONE && a.hold <= HOLD_REVOKED)
		return not_now(t, j, &a);
	if (has_it(t->req, r))
		return 0; /* it asks for no room */
	if (a.hold != HOLD_NONE)
		return no_room(t, j, &a);
	if (!t->req->notify)
		admit_poll_take(app, t->run, j, &t->dev);
	t->resp->after_commit = t->run != NULL; /* its slot is counted first */
	return 0;
}

/* To whoever asks while we drain. It is not observed either: what observes
 * us ends with us. */
static int
come_back(struct turn *t)
{
	struct app *app = t->app;
	struct job j;

	t->resp->max_age = life_come_back(app->life);
	if (app->store->ops->job_live(app->store, t->dev.id, &j) == 0)
		steered(t, &j);
	return why_set(&t->resp->why, ERR_BUSY, "suitd is about to stop: ask "
	    "again in %" PRIu32 " s", t->resp->max_age);
}

/* An observer must not lose its observation for having come too early: what
 * it runs already is no news to it. */
static const struct catalog_release *
stay(const struct turn *t)
{
	const struct store_device *d = &t->id->dev;

	if (!t->req->observe || !d->have_class || !d->have_seq)
		return NULL;
	return catalog_running(t->app->catalog, d->class_id, d->seq);
}

/* No download comes of it. A device ahead of its class's current release (a
 * campaign has brought it there) is not offered the older one. */
static int
up_to_date(struct turn *t, const struct catalog_release *cur,
    const struct catalog_release **ret)
{
	const struct store_device *d = &t->id->dev;

	*ret = d->seq == cur->seq ? cur : catalog_running(t->app->catalog,
	    d->class_id, d->seq);
	return *ret != NULL ? 0 : why_set(&t->resp->why, ERR_NOT_FOUND,
	    "nothing for you: you run something newer");
}

/* It was given up for this very release because of the image or the device:
 * unlike a queued job's the wait is the class's longest, or until an operator
 * retries it. One in recovery mode has nothing else to fetch. *ret_rests: it
 * was, whether the wait is over or not. */
static int
given_up(struct turn *t, const struct catalog_release *cur, bool *ret_rests)
{
	struct app *app = t->app;
	struct admission a = {.hold = HOLD_BACKOFF};
	struct job last;
	int rc = app->store->ops->job_last(app->store, t->dev.id, &last);

	if (rc != 0 || cur == NULL)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	if (last.release != cur->id || last.state != JOB_FAILED ||
	    !admit_must_rest(&last) || last.reason == REASON_RECOVERY)
		return 0;
	*ret_rests = true;
	a.until = last.updated +
	    app->conf.track.backoff.rule[last.last_fail].cap_ms;
	if (a.until <= loop_now(app->loop))
		return 0;
	snprintf(a.text, sizeof(a.text), "given up after attempt %" PRIu32
	    ": %s", last.attempt, track_reason_text(last.reason));
	return no_room(t, &last, &a);
}

static int
release_for(struct turn *t, const struct catalog_release **ret)
{
	struct app *app = t->app;
	struct store *s = app->store;
	const struct store_device *d = &t->id->dev;
	const struct catalog_release *cur = d->have_class ?
	    catalog_current(app->catalog, d->class_id) : NULL;
	struct job job, own = {.state = JOB_QUEUED, .due = 1};
	const struct job *j = &job;
	int rc = s->ops->job_live(s, d->id, &job);
	bool rests = false;

	*ret = NULL;
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	t->lasting = rc == ERR_NOT_FOUND;
	if (rc == 0)
		*ret = catalog_by_id(app->catalog, job.release);
	if (rc == ERR_NOT_FOUND || (job.campaign == 0 && cur != NULL &&
	    cur->seq > job.target_seq)) {
		*ret = cur;
		own.release = cur != NULL ? cur->id : 0;
		j = &own;
	}
	if (*ret == NULL)
		return why_set(&t->resp->why, ERR_NOT_FOUND, d->have_class ?
		    "nothing for you" :
		    "nothing for you: your class is not known here");
	if (j == &own && d->have_seq &&
	    trusted_base(app, d->class_id, d->seq) >= cur->seq)
		return up_to_date(t, cur, ret);
	rc = rc == ERR_NOT_FOUND ? given_up(t, cur, &rests) : 0;
	t->lasting = t->lasting && !rests;
	if (rc == 0)
		rc = may_start(t, j, *ret);
	if (rc != 0 && (*ret = stay(t)) != NULL) {
		t->resp->max_age = app->conf.poll_max_age;
		rc = 0;
	}
	return rc;
}

/* A later block: of what the device has begun to read, so of the same that
 * its first block was. Nothing is decided here. */
static int
release_again(struct turn *t, const struct catalog_release **ret)
{
	struct app *app = t->app;
	const struct store_device *d = &t->id->dev;
	const struct catalog_release *cur = NULL, *runs = NULL;
	struct job job;
	int rc = app->store->ops->job_live(app->store, d->id, &job);

	*ret = NULL;
	if (d->have_class)
		cur = catalog_current(app->catalog, d->class_id);
	if (d->have_class && d->have_seq)
		runs = catalog_running(app->catalog, d->class_id, d->seq);
	if (rc == 0 && (job.state != JOB_QUEUED || job.started != 0))
		*ret = catalog_by_id(app->catalog, job.release);
	else if (runs != NULL && (rc == 0 || cur == NULL ||
	    trusted_runs(app, d) >= cur->seq))
		*ret = runs; /* see stay() and up_to_date() */
	else
		*ret = cur;
	return *ret != NULL ? 0 : why_set(&t->resp->why, ERR_NOT_FOUND,
	    "nothing for you: begin with the first block");
}

/* m/{c} knows no queue (who asks it may not understand 4.29), but a device
 * that a campaign holds back by name is held back here as well. */
static int
class_turn(struct turn *t, const struct catalog_release *r)
{
	struct app *app = t->app;
	struct admission a;
	struct job job;
	int rc = app->store->ops->job_live(app->store, t->id->dev.id, &job);

	t->lasting = rc == ERR_NOT_FOUND;
	if (rc != 0 || job.campaign == 0 || job.release != r->id)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = runs_get(app, job.campaign, &t->run);
	if (rc != 0 || admit_begun(t->run, &job, &t->dev))
		return rc;
	rc = admit_poll(app, t->run, &job, &t->dev, &a);
	return rc != 0 || a.hold == HOLD_NONE || a.hold > HOLD_REVOKED ? rc :
	    not_now(t, &job, &a);
}

/* --- polls that were answered before, see polled.h --- */

/* A device known by its address alone is not remembered: another one may
 * come to have the same. */
static bool
poll_key(const struct req *req, char ep[LIMIT_EP + 1],
    struct polled_key *ret)
{
	struct why why;

	ret->device = req->who.device;
	ret->ep = ep;
	ret->addr = req->addr;
	return asked(req) && !req->observe && req->etag_n > 0 &&
	    access_claim(req, ep, &why) == 0 &&
	    (req->who.device != 0 || ep[0] != '\0');
}

/* What it has, when that was all there is for it, and still is; `cur`: it
 * asks for its class's, which is this, else NULL. */
static const struct catalog_release *
told_before(struct app *app, const struct req *req,
    const struct catalog_release *cur)
{
	const struct catalog_release *r;
	char ep[LIMIT_EP + 1];
	struct polled_note n;
	struct polled_key k = {.of_class = cur != NULL};

	if (!poll_key(req, ep, &k) || !polled_find(app->polled, &k, &n) ||
	    !contact_fresh(n.seen, loop_now(app->loop)))
		return NULL;
	r = catalog_by_id(app->catalog, n.release);
	return r != NULL && (cur == NULL || r == cur) && has_it(req, r) ? r :
	    NULL;
}

static void
remember(struct turn *t, const struct catalog_release *r)
{
	const struct store_device *d = &t->id->dev;
	const struct polled_note n = {d->id, r->id, d->seen};
	char ep[LIMIT_EP + 1];
	struct polled_key k = {.of_class = t->of_class};

	if (t->lasting && poll_key(t->req, ep, &k))
		polled_put(t->app->polled, &k, &n);
}

/* --- the two paths --- */

int
res_manifest_class(struct app *app, const struct req *req, struct resp *resp)
{
	const struct catalog_release *r;
	uint8_t class_id[16];
	struct ident id;
	struct turn t = {.app = app, .req = req, .resp = resp, .id = &id,
	    .of_class = true};
	int rc;

	ask_again(app, resp);
	if (conf_class(&app->conf, slice_str(req->arg[0]), class_id) != 0)
		return why_set(&resp->why, ERR_NOT_FOUND, "no such class");
	r = catalog_current(app->catalog, class_id);
	if (r == NULL)
		return why_set(&resp->why, ERR_NOT_FOUND,
		    "nothing published for this class");
	if (!asked(req) || told_before(app, req, r) != NULL)
		return answer(r, req, resp);
	if (named(req)) {
		rc = access_ident(app, req, NULL, &id, &resp->why);
		if (rc != 0)
			return rc;
		if (id.how != IDENT_NONE) {
			turn_dev(&t);
			rc = class_turn(&t, r);
			if (rc != 0) {
				(void)seen(app, req, &id);
				return rc;
			}
			if (!has_it(req, r))
				(void)fetched(app, req, &id, r);
			else if (seen(app, req, &id) == 0)
				remember(&t, r);
		}
	} else {
		engine_manifest_sent(app->engine, req, r->digest);
		engine_await(app->engine, NULL, req->addr, r->id);
	}
	return answer(r, req, resp);
}

int
res_manifest_own(struct app *app, const struct req *req, struct resp *resp)
{
	const struct catalog_release *r = told_before(app, req, NULL);
	struct ident id;
	struct turn t = {.app = app, .req = req, .resp = resp, .id = &id};
	int rc;

	ask_again(app, resp);
	if (r != NULL)
		return answer(r, req, resp);
	rc = access_ident(app, req, NULL, &id, &resp->why);
	if (rc != 0)
		return rc;
	if (id.how == IDENT_NONE)
		return why_set(&resp->why, ERR_NOT_FOUND,
		    "nothing for you: register first, or say ?ep=");
	turn_dev(&t);
	if (asked(req) && life_state(app->life) >= LIFE_DRAINING)
		rc = come_back(&t);
	else
		rc = req->first_block ? release_for(&t, &r) :
		    release_again(&t, &r);
	if (rc != 0 && asked(req))
		(void)seen(app, req, &id);
	if (rc != 0)
		return rc;
	if (asked(req) && has_it(req, r) && seen(app, req, &id) == 0)
		remember(&t, r);
	if (asked(req) && !has_it(req, r))
		rc = fetched(app, req, &id, r);
	/* without its slot a campaign's device must not begin */
	if (rc != 0 && resp->after_commit)
		return rc;
	return answer(r, req, resp);
}
