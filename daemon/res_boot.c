/*
 * POST r, Content-Format 18: a boot report (lib/bootreport.h), by whomever it
 * was carried. The key says whose it is, and no channel is asked: what is
 * signed needs none. GET r: a nonce for it.
 *
 * A report speaks of a manifest. It moves the device's job only when that is
 * what the job is for: something that was never offered to the device has no
 * way into a gate. What was refused costs no write and no line of the log, but
 * once a minute for a device, once a second where its epochs take turns: its
 * old reports lie about on the way, for anybody to send again.
 *
 * Nor does it cost a signature, since what a report says of itself is enough
 * to refuse it. But not to say why: until it is proven the answer is that of
 * a forged one, nothing is written and nothing but a counter changes.
 */
#include "daemon/res.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/access.h"
#include "daemon/ahead.h"
#include "daemon/boots.h"
#include "daemon/catalog.h"
#include "daemon/contact.h"
#include "daemon/engine.h"
#include "lib/bootreport.h"
#include "lib/nonce.h"

#define REFUSED_MS 60000 /* between two refusals that are written */
#define EPOCH_MS 1000 /* where the second waits for another epoch */

struct intake {
	struct app *app;
	const struct req *req;
	struct resp *resp;
	struct cose_msg msg;
	struct store_attest a;
	struct store_device d;
	struct bootreport r;
	bool nonce; /* a fresh one of ours */
};

static int64_t
uptime_s(const struct app *app)
{
	return loop_mono(app->loop) / 1000;
}

/* --- a nonce --- */

/* It is no secret: who asks in another's name has nothing of it. */
static int
asker(struct app *app, const struct req *req, struct store_device *ret,
    struct why *why)
{
	const struct store_ops *ops = app->store->ops;
	char ep[LIMIT_EP + 1];
	int rc = access_claim(req, ep, why);

	if (rc == 0 && req->who.device != 0)
		rc = ops->device_get(app->store, req->who.device, ret);
	else if (rc == 0)
		rc = ops->device_by_ep(app->store, ep, ret);
	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "for whose report? register first, "
		    "or say ?ep=");
	return rc != 0 ? rc : access_revoked(ret, why);
}

int
res_nonce(struct app *app, const struct req *req, struct resp *resp)
{
	uint8_t nonce[NONCE_SIZE];
	static struct store_device d;
	int rc = asker(app, req, &d, &resp->why);

	if (rc == 0)
		rc = nonce_make(&app->nonce, d.id, uptime_s(app), nonce);
	if (rc != 0)
		return rc;
	resp->cf = CF_OCTET;
	resp->have_max_age = true;
	resp->max_age = NONCE_STEP_S * NONCE_STEPS;
	buf_put(&resp->out, slice_of(nonce, sizeof(nonce)));
	return 0;
}

/* --- a report --- */

/* What is asked before any signature: whose it is, and what it says. */
static int
read_claim(struct intake *in)
{
	struct store *s = in->app->store;
	struct why *why = &in->resp->why;
	int rc = bootreport_open(in->req->body, &in->msg, why);

	if (rc == 0)
		rc = in->msg.kid.n != sizeof(in->a.kid) ? ERR_NOT_FOUND :
		    s->ops->attest_by_kid(s, in->msg.kid.p, &in->a);
	if (rc == ERR_NOT_FOUND)
		return why_set(why, ERR_SIGNATURE, "boot report: no device "
		    "has this key: suitctl device attest EP KEY");
	return rc != 0 ? rc : bootreport_claim(&in->msg, &in->r, why);
}

/* One answer for all of them, and for what is not looked at: else strangers
 * could ask, by making reports up, where a device's counters are. */
static int
unproven(struct intake *in)
{
	return why_set(&in->resp->why, ERR_SIGNATURE, "boot report: it is not "
	    "signed by its device's key, or older than its last");
}

static int
prove(struct intake *in)
{
	struct cose_key *key = NULL;
	int rc = cose_key_parse(slice_of(in->a.key, in->a.key_len), &key,
	    &in->resp->why);

	if (rc == 0) {
		rc = bootreport_verify(&in->msg, key, &in->r, NULL);
		if (rc != 0 && rc != ERR_NOMEM && rc != ERR_CRYPTO)
			rc = unproven(in);
	}
	cose_key_free(key);
	if (rc == 0)
		boots_prove(in->app->boots, in->req->body);
	return rc;
}

/* Whose it is, once it is proven. */
static int
read_device(struct intake *in)
{
	struct store *s = in->app->store;
	int rc = s->ops->device_get(s, in->a.device, &in->d);

	return rc != 0 ? rc : access_revoked(&in->d, &in->resp->why);
}

static int
say(struct intake *in, const char *what, const char *detail)
{
	struct store_event row = {.device = in->d.id, .kind = "device",
	    .grade = GRADE_L2};

	snprintf(row.ep, sizeof(row.ep), "%s", in->d.ep);
	snprintf(row.what, sizeof(row.what), "%s", what);
	snprintf(row.detail, sizeof(row.detail), "%s", detail);
	return engine_log(in->app->engine, &row);
}

static bool
is_gone(const struct store_attest *a, const uint8_t epoch[BOOTREPORT_EPOCH])
{
	for (size_t i = 0; i < a->gone_n; i++)
		if (memcmp(a->gone[i], epoch, BOOTREPORT_EPOCH) == 0)
			return true;
	return false;
}

/* How long what was refused before keeps this one from being written. */
static int64_t
quiet_ms(const struct intake *in, bool pending)
{
	const struct store_attest *a = &in->a;

	if (pending && !a->have_pending)
		return 0;
	return pending && memcmp(a->pending, in->r.epoch,
	    BOOTREPORT_EPOCH) != 0 ? EPOCH_MS : REFUSED_MS;
}

/* A replay, or counters that began anew: for an operator to see. */
static int
refuse(struct intake *in, int err)
{
	struct store *s = in->app->store;
	struct store_attest *a = &in->a;
	const int64_t now = loop_now(in->app->loop);
	bool pending = err == ERR_CONFLICT && !is_gone(a, in->r.epoch);
	int rc;

	in->app->counts.boot[pending ? BOOT_COUNT_EPOCH : BOOT_COUNT_REPLAY]++;
	if (now >= a->refused_at && now - a->refused_at <
	    quiet_ms(in, pending))
		return err;
	if ((rc = engine_begin(in->app->engine)) != 0)
		return rc;
	engine_say(in->app->engine, "boot: refused dev=%" PRIu64 " ep=%s "
	    "peer=%s boot=%" PRIu64 " report=%" PRIu64 " %s", in->d.id,
	    in->d.ep, in->req->peer, in->r.boot_ctr, in->r.report_seq,
	    err_name(err));
	a->refused++;
	a->refused_at = now;
	if (pending) {
		a->have_pending = true;
		memcpy(a->pending, in->r.epoch, BOOTREPORT_EPOCH);
	}
	rc = s->ops->attest_put(s, a);
	if (rc == 0)
		rc = say(in, pending ? "boot epoch" : "boot replay",
		    in->resp->why.text);
	rc = engine_end(in->app->engine, rc);
	in->resp->after_commit = rc == 0;
	return rc != 0 ? rc : err;
}

/* What it runs goes into its record. */
static int
remember(struct intake *in)
{
	struct store *s = in->app->store;
	struct store_attest *a = &in->a;
	struct store_device *d = &in->d;
	const struct bootreport *r = &in->r;
	int rc;

	a->result = r->result;
	a->sequence = r->sequence;
	a->have_list = r->have_list;
	a->list_seq = r->list_seq;
	a->at = loop_now(in->app->loop);
	if (in->nonce)
		a->fresh_at = a->at;
	a->have_pending = false;
	rc = s->ops->attest_put(s, a);
	if (rc != 0 || r->result == BOOT_RECOVERY || (d->have_seq &&
	    d->seq == r->sequence && d->seq_grade == GRADE_L2))
		return rc;
	d->have_seq = true;
	d->seq = r->sequence;
	d->seq_grade = GRADE_L2;
	rc = ahead_judge(in->app, d);
	return rc != 0 ? rc : s->ops->device_put(s, d);
}

/* Is the job for the manifest that the report speaks of? */
static bool
of_job(const struct intake *in, const struct job *j)
{
	const struct catalog_release *r = catalog_by_id(in->app->catalog,
	    j->release);
	const bool ok = in->r.result == BOOT_OK;

	if (r == NULL || (ok && !in->r.have_manifest))
		return false;
	return memcmp(r->digest, ok ? in->r.manifest : in->r.tried, 32) == 0;
}

/*
 * A start that went well proves the sequence number, unless it is the job's
 * by another manifest. One that went wrong is news of a job that was begun
 * with just this manifest.
 */
static int
tell_job(struct intake *in, uint64_t before)
{
	struct store *s = in->app->store;
	const struct bootreport *r = &in->r;
	struct track_event ev;
	struct job j;
	int rc = s->ops->job_live(s, in->d.id, &j);

	if (rc == ERR_NOT_FOUND)
		rc = s->ops->job_last(s, in->d.id, &j);
	if (rc != 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	bootreport_event(r, &ev);
	ev.nonce = in->nonce;
	if (r->result == BOOT_OK) {
		ev = (struct track_event){.type = TRACK_SEEN_RUNNING,
		    .grade = GRADE_L2, .nonce = in->nonce,
		    .sequence = r->sequence, .before = before};
		if (r->sequence == j.target_seq && !of_job(in, &j))
			return say(in, "boot report", "of another release");
	} else if (j.attempt == 0 || !of_job(in, &j)) {
		return say(in, "boot report", "of what was not offered");
	}
	return engine_event(in->app->engine, in->d.id, &ev);
}

static int
apply(struct intake *in)
{
	const uint64_t before = in->d.have_seq ? in->d.seq : 0;
	const struct bootreport *r = &in->r;
	struct engine *e = in->app->engine;
	char detail[120];
	int rc = remember(in);

	snprintf(detail, sizeof(detail), "%s, sequence %" PRIu64 ", start %"
	    PRIu64 ", report %" PRIu64 "%s", boot_result_name(r->result),
	    r->sequence, r->boot_ctr, r->report_seq,
	    in->nonce ? ", fresh" : "");
	if (rc == 0)
		rc = say(in, "booted", detail);
	/* who carries it may be anybody: an address is the device's only
	 * when the channel says so */
	if (rc == 0 && in->req->who.device == in->d.id)
		rc = contact_seen(e, &in->d, in->req->addr);
	return rc != 0 ? rc : tell_job(in, before);
}

/*
 * Below the last one, or of an epoch that is over: it is no news, whoever
 * signed it. What equals the last one may be the device's own, sent again
 * over a restart of ours, and is worth a look.
 */
static bool
is_old(const struct intake *in, int late)
{
	const struct bootreport_mark *m = &in->a.mark;

	if (late == ERR_CONFLICT)
		return is_gone(&in->a, in->r.epoch);
	return late == ERR_SEQUENCE && (in->r.boot_ctr != m->boot_ctr ||
	    in->r.report_seq != m->report_seq);
}

static int
not_taken(struct intake *in, enum boot_count why, int err)
{
	in->app->counts.boot[why]++;
	return err;
}

/*
 * 0: it is proven, and news. Who sends again what was proven is told so, and
 * it costs no signature. All else is paid for before it is compared with
 * anything, so that neither answer tells where that would have come out.
 */
static int
judge(struct intake *in)
{
	struct app *app = in->app;
	struct bootreport_mark mark;
	int late, rc = read_claim(in);

	if (rc != 0)
		return not_taken(in, BOOT_COUNT_UNPROVEN, rc);
	mark = in->a.mark;
	late = bootreport_fresh(&mark, &in->r, NULL);
	if (late == 0 || !boots_proven(app->boots, in->req->body)) {
		if (!boots_take(app, in->req))
			return not_taken(in, BOOT_COUNT_LIMITED, why_set(
			    &in->resp->why, ERR_LIMIT, "boot reports: too "
			    "many that prove nothing"));
		if (is_old(in, late))
			return not_taken(in, BOOT_COUNT_REPLAY, unproven(in));
		rc = prove(in);
	}
	if (rc == 0)
		rc = read_device(in);
	if (rc != 0)
		return not_taken(in, BOOT_COUNT_UNPROVEN, rc);
	rc = bootreport_fresh(&in->a.mark, &in->r, &in->resp->why);
	return rc != 0 ? refuse(in, rc) : 0;
}

int
res_boot(struct app *app, const struct req *req, struct resp *resp)
{
	static struct intake in;
	int rc;

	in = (struct intake){.app = app, .req = req, .resp = resp};
	rc = judge(&in);
	if (rc != 0)
		return rc;
	boots_give(app, req);
	in.nonce = nonce_fresh(&app->nonce, in.a.device, uptime_s(app),
	    in.r.nonce);
	if ((rc = engine_begin(app->engine)) != 0)
		return rc;
	resp->after_commit = true;
	app->counts.boot[in.r.result]++;
	engine_say(app->engine, "boot: dev=%" PRIu64 " ep=%s peer=%s "
	    "result=%s seq=%" PRIu64 " boot=%" PRIu64 " report=%" PRIu64 " nonce=%s", in.d.id, in.d.ep,
	    req->peer, boot_result_name(in.r.result), in.r.sequence,
	    in.r.boot_ctr, in.r.report_seq, in.nonce ? "fresh" :
	    in.r.nonce.n > 0 ? "old" : "none");
	return engine_end(app->engine, apply(&in));
}
