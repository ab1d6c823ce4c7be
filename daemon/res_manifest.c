/*
 * GET m/{c}: the class's current manifest. It is the same for everybody and
 * costs no SQL; a requester that gives a name (credential or ?ep=) makes an
 * event of it, others leave a mark by their address.
 *
 * GET m: what *this* device should have now.
 *   - a live job of a running campaign: the job's release;
 *   - a live job of no campaign: the same, or the class's current release
 *     when that is newer, since nobody ordered the older one;
 *   - a job whose campaign is paused: its release if the download has begun
 *     (notified and later: it may end), else 4.04 "nothing for you now";
 *   - no live job: the class's current release;
 *   - otherwise 4.04.
 * m/{c} does not know campaigns: a device that asks it is never held back.
 */
#include "daemon/res.h"

#include "daemon/access.h"
#include "daemon/catalog.h"
#include "daemon/contact.h"
#include "daemon/engine.h"
#include "daemon/log.h"

/* Opaque bytes satisfy any of the formats that devices ask for. */
int
res_opaque(const struct req *req, struct resp *resp)
{
	static const uint16_t fine[] = {CF_OCTET, CF_CBOR, CF_TEXT, CF_JSON};

	resp->cf = CF_OCTET;
	if (!req->have_accept)
		return 0;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (req->accept == fine[i]) {
			resp->cf = req->accept;
			return 0;
		}
	}
	return why_set(&resp->why, ERR_ACCEPT,
	    "RFC 7252 5.10.4: these bytes are application/octet-stream");
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

/* When to ask again: also for a device that there is nothing for now. */
static void
ask_again(struct app *app, struct resp *resp)
{
	resp->have_max_age = true;
	resp->max_age = app->conf.poll_max_age;
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
static void
fetched(struct app *app, const struct req *req, struct ident *id,
    const struct catalog_release *r)
{
	struct engine *e = app->engine;
	struct track_event ev = {
		.type = TRACK_MANIFEST_GET, .grade = id->grade,
	};
	int rc = engine_begin(e);

	if (rc != 0)
		goto out;
	rc = contact_seen(e, &id->dev, req->addr);
	if (rc == 0)
		rc = contact_fetch(e, &id->dev, r, &ev);
	if (rc == 0 && r->payload_count == 0) {
		/* everything it needs is integrated in these bytes */
		ev.type = TRACK_IMAGE_END;
		rc = engine_event(e, id->dev.id, &ev);
	}
	rc = engine_end(e, rc);
out:
	if (rc != 0)
		log_warn("manifest: dev=%llu ep=%s asked, not kept: %s",
		    (unsigned long long)id->dev.id, id->dev.ep, err_text(rc));
}

int
res_manifest_class(struct app *app, const struct req *req, struct resp *resp)
{
	const struct catalog_release *r;
	uint8_t class_id[16];
	struct ident id;
	int rc;

	ask_again(app, resp);
	if (conf_class(&app->conf, slice_str(req->arg[0]), class_id) != 0)
		return why_set(&resp->why, ERR_NOT_FOUND, "no such class");
	r = catalog_current(app->catalog, class_id);
	if (r == NULL)
		return why_set(&resp->why, ERR_NOT_FOUND,
		    "nothing published for this class");
	if (!asked(req))
		return answer(r, req, resp);
	if (named(req)) {
		rc = access_ident(app, req, NULL, &id, &resp->why);
		if (rc != 0)
			return rc;
		if (id.how != IDENT_NONE)
			fetched(app, req, &id, r);
	} else {
		engine_manifest_sent(app->engine, req, r->digest);
	}
	return answer(r, req, resp);
}

static int
held_back(struct app *app, const struct job *job, bool *ret)
{
	struct store *s = app->store;
	struct store_campaign c;
	int rc;

	*ret = false;
	if (job->campaign == 0 || job->state != JOB_QUEUED)
		return 0;
	rc = s->ops->campaign_get(s, job->campaign, &c);
	if (rc == 0)
		*ret = c.state != CAMPAIGN_RUNNING;
	return rc;
}

static int
release_for(struct app *app, const struct store_device *d,
    const struct catalog_release **ret, struct why *why)
{
	struct store *s = app->store;
	const struct catalog_release *cur = d->have_class ?
	    catalog_current(app->catalog, d->class_id) : NULL;
	struct job job;
	bool held = false;
	int rc = s->ops->job_live(s, d->id, &job);

	*ret = NULL;
	if (rc == 0) {
		rc = held_back(app, &job, &held);
		if (rc == 0 && held)
			return why_set(why, ERR_NOT_FOUND, "nothing for you "
			    "now: the campaign is paused");
		*ret = catalog_by_id(app->catalog, job.release);
		if (job.campaign == 0 && cur != NULL &&
		    cur->seq > job.target_seq)
			*ret = cur;
	} else if (rc == ERR_NOT_FOUND) {
		rc = 0;
		*ret = cur;
	}
	if (rc == 0 && *ret == NULL)
		return why_set(why, ERR_NOT_FOUND, d->have_class ?
		    "nothing for you" :
		    "nothing for you: your class is not known here");
	return rc;
}

int
res_manifest_own(struct app *app, const struct req *req, struct resp *resp)
{
	const struct catalog_release *r;
	struct ident id;
	int rc = access_ident(app, req, NULL, &id, &resp->why);

	ask_again(app, resp);
	if (rc != 0)
		return rc;
	if (id.how == IDENT_NONE)
		return why_set(&resp->why, ERR_NOT_FOUND,
		    "nothing for you: register first, or say ?ep=");
	rc = release_for(app, &id.dev, &r, &resp->why);
	if (rc != 0)
		return rc;
	if (asked(req))
		fetched(app, req, &id, r);
	return answer(r, req, resp);
}
