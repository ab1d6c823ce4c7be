/*
 * POST r: what a device says of itself. A SUIT_Report (Content-Format 270)
 * or the compact status map; without a Content-Format the first byte tells.
 * The answer, 2.04, leaves after the commit.
 *
 * Grade: L2 when the device's own key signed it, L1 when its channel is
 * authenticated, else L0. A report that was signed by some other key counts
 * as its channel does.
 */
#include "daemon/res.h"

#include <stdio.h>

#include "daemon/access.h"
#include "daemon/ahead.h"
#include "daemon/catalog.h"
#include "daemon/contact.h"
#include "daemon/credential.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/twin.h"
#include "lib/report.h"

struct intake {
	struct app *app;
	const struct req *req;
	struct resp *resp;
	struct report rep;
	struct ident id;
	uint64_t signer; /* device whose key proved it; 0: none */
};

/* The key of the identity that the message names, or of the channel. */
static struct cose_key *
device_key(struct intake *in, uint64_t *ret_device)
{
	struct store *s = in->app->store;
	char name[LIMIT_PSK_IDENTITY + 1];
	struct store_credential c = {.id = 0};
	struct cose_msg msg;
	struct cose_key *ret = NULL;

	if (cose_parse(in->req->body, &msg, NULL) != 0)
		return NULL;
	if (msg.kid.n == 0)
		snprintf(name, sizeof(name), "%s", in->req->who.identity);
	else if (!slice_to_cstr(msg.kid, name, sizeof(name)))
		return NULL;
	if (name[0] == '\0' ||
	    s->ops->credential_get(s, CREDENTIAL_PSK, name, &c) != 0 ||
	    credential_ended(in->app, &c) ||
	    cose_key_hmac(slice_of(c.secret, c.secret_len), &ret) != 0)
		ret = NULL;
	else
		*ret_device = c.device;
	explicit_bzero(&c, sizeof(c));
	return ret;
}

static int
parse_suit(struct intake *in)
{
	uint64_t device = 0;
	struct cose_key *key = device_key(in, &device);
	struct cose_keyring ring = {.n = 0};
	int rc;

	if (key != NULL) {
		ring.key[0] = key;
		ring.n = 1;
	}
	rc = report_parse_suit(in->req->body, &ring, &in->rep,
	    &in->resp->why);
	if (rc == 0 && in->rep.proven)
		in->signer = device;
	cose_key_free(key);
	return rc;
}

/* A map is the compact form; an array or a COSE tag is a SUIT_Report. Both
 * are maps when a report comes bare: Content-Format 270 tells then. */
static int
parse(struct intake *in)
{
	const struct req *req = in->req;
	struct resp *resp = in->resp;
	bool tagged = req->body.n > 0 && (req->body.p[0] >> 5 == 6 ||
	    req->body.p[0] >> 5 == 4);

	if (req->body.n == 0)
		return why_set(&resp->why, ERR_MISSING, "no report");
	if (req->have_cf && req->cf == CF_SUIT_REPORT)
		return parse_suit(in);
	if (!req->have_cf || req->cf == CF_CBOR || req->cf == CF_OCTET)
		return tagged ? parse_suit(in) :
		    report_parse_status(req->body, &in->rep, &resp->why);
	return why_set(&resp->why, ERR_CONTENT_FORMAT,
	    "status is Content-Format %d or %d", CF_SUIT_REPORT, CF_CBOR);
}

static int
identify(struct intake *in)
{
	struct app *app = in->app;
	char ep[LIMIT_EP + 1];
	int rc;

	if (!slice_to_cstr(in->rep.ep, ep, sizeof(ep)))
		return why_set(&in->resp->why, ERR_INVALID, "ep");
	if (in->signer != 0) {
		in->id.how = IDENT_CREDENTIAL;
		in->id.grade = GRADE_L2;
		rc = app->store->ops->device_get(app->store, in->signer,
		    &in->id.dev);
		return rc != 0 ? rc : access_revoked(&in->id.dev,
		    &in->resp->why);
	}
	rc = access_ident(app, in->req, ep, &in->id, &in->resp->why);
	if (rc == 0 && in->id.how == IDENT_NONE)
		rc = why_set(&in->resp->why, ERR_NOT_FOUND,
		    "whose report? register first, or say ?ep=");
	return rc;
}

/* What it says it runs goes into its record, whatever becomes of the job. */
static int
remember(struct intake *in, bool *ret_changed)
{
	struct store_device *d = &in->id.dev;
	const struct report *r = &in->rep;
	char version[LIMIT_VERSION + 1];

	*ret_changed = false;
	if (r->have_sequence)
		twin_runs_seq(in->app, in->req, r->sequence);
	in->rep.event.before = d->have_seq ? d->seq : 0;
	if (r->version.n > 0 &&
	    slice_to_cstr(r->version, version, sizeof(version)) &&
	    strcmp(version, d->version) != 0) {
		snprintf(d->version, sizeof(d->version), "%s", version);
		*ret_changed = true;
	}
	if (r->have_sequence && (!d->have_seq || d->seq != r->sequence ||
	    d->seq_grade < in->id.grade)) {
		d->have_seq = true;
		d->seq = r->sequence;
		d->seq_grade = in->id.grade;
		*ret_changed = true;
		return ahead_judge(in->app, d);
	}
	return 0;
}

/* A report of another manifest than the job's says nothing of the job. */
static bool
of_job(struct intake *in)
{
	const struct catalog_release *r;
	struct store *s = in->app->store;
	struct job job;

	if (in->rep.manifest.alg != DIGEST_SHA256 ||
	    s->ops->job_live(s, in->id.dev.id, &job) != 0)
		return true;
	r = catalog_by_id(in->app->catalog, job.release);
	if (r == NULL)
		return true;
	if (memcmp(r->digest, in->rep.manifest.b, 32) != 0)
		return false;
	/* the manifest names the job as well as its number does */
	if (in->rep.event.target == 0)
		in->rep.event.target = job.target_seq;
	return true;
}

static int
apply(struct intake *in)
{
	struct engine *e = in->app->engine;
	struct store *s = in->app->store;
	struct store_event row = {
		.device = in->id.dev.id, .kind = "device", .what = "report",
		.grade = in->id.grade, .detail = "of another release",
	};
	bool changed;
	int rc = remember(in, &changed);

	if (rc == 0 && changed)
		rc = s->ops->device_put(s, &in->id.dev);
	if (rc == 0)
		rc = contact_seen(e, &in->id.dev, in->req->addr);
	if (rc != 0)
		return rc;
	in->rep.event.grade = in->id.grade;
	if (of_job(in))
		return engine_event(e, in->id.dev.id, &in->rep.event);
	snprintf(row.ep, sizeof(row.ep), "%s", in->id.dev.ep);
	return engine_log(e, &row);
}

int
res_report(struct app *app, const struct req *req, struct resp *resp)
{
	struct intake in = {.app = app, .req = req, .resp = resp};
	int rc = parse(&in);

	if (rc == 0)
		rc = identify(&in);
	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	resp->after_commit = true;
	log_debug("report: dev=%llu ep=%s event=%s phase=%d grade=%d",
	    (unsigned long long)in.id.dev.id, in.id.dev.ep,
	    track_event_name(in.rep.event.type), (int)in.rep.event.phase,
	    (int)in.id.grade);
	return engine_end(app->engine, apply(&in));
}
