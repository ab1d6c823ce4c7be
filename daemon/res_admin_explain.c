/*
 * explain: why is this device not updating? One cause, what happens next
 * without anybody doing anything, and what to do. What holds a live job is
 * the tracker's to say; here is what holds it from outside (its campaign,
 * no way to reach the device), and why there is no job at all.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/catalog.h"
#include "daemon/res_admin.h"

#define SAY(dst, ...) snprintf(dst, sizeof(dst), __VA_ARGS__)

static void
explain_campaign(struct app *app, const struct job *j, struct msg_explain *m)
{
	struct store_campaign c;

	if (j->campaign == 0 || ST(app, campaign_get, j->campaign, &c) != 0 ||
	    c.state != CAMPAIGN_PAUSED)
		return;
	SAY(m->cause, "campaign %" PRIu64 " is paused", c.id);
	SAY(m->next, "nothing until it is resumed");
	SAY(m->advice, "suitctl campaign resume %" PRIu64, c.id);
}

static void
explain_job(struct app *app, const struct store_device *d,
    const struct job *j, struct msg_explain *m)
{
	struct track_explain ex;

	track_explain(j, loop_now(app->loop), &ex);
	SAY(m->cause, "%s", ex.cause);
	SAY(m->next, "%s", ex.next);
	SAY(m->advice, "%s", ex.advice);
	if (j->state == JOB_QUEUED && d->driver == DRIVER_NONE) {
		SAY(m->cause, "suitd has no way to reach this device (driver "
		    "none): it must ask by itself");
		SAY(m->next, "the update starts when the device asks for its "
		    "manifest");
		SAY(m->advice, "suitctl device add %s --driver trigger "
		    "--address coap://HOST", d->ep);
	}
	if (!job_state_final(j->state))
		explain_campaign(app, j, m);
}

/* No job, or a final one for another release than the current. */
static void
explain_idle(const struct store_device *d, const struct catalog_release *r,
    struct msg_explain *m)
{
	if (!d->have_class) {
		SAY(m->cause, "its class is not known");
		SAY(m->next, "nothing");
		SAY(m->advice, "suitctl device add %s --class CLASS", d->ep);
	} else if (r == NULL) {
		SAY(m->cause, "no live release is published for its class");
		SAY(m->next, "nothing");
		SAY(m->advice, "suitctl publish ENVELOPE");
	} else if (d->have_seq && d->seq == r->seq) {
		SAY(m->cause, "it runs the current release");
		SAY(m->next, "nothing is to be done");
	} else if (d->have_seq && d->seq > r->seq) {
		SAY(m->cause, "it runs sequence %" PRIu64 ", newer than the "
		    "current release's %" PRIu64, d->seq, r->seq);
		SAY(m->next, "it would refuse that release");
		SAY(m->advice, "publish a release with a higher sequence "
		    "number");
	} else {
		SAY(m->cause, "no campaign has brought it to release %" PRIu64,
		    r->id);
		SAY(m->next, "it updates when it asks for its manifest by "
		    "itself");
		SAY(m->advice, "suitctl campaign start %" PRIu64
		    " --device %s", r->id, d->ep);
	}
}

int
res_admin_explain(struct app *app, const struct req *req, struct resp *resp)
{
	static struct store_device d;
	const struct catalog_release *r = NULL;
	struct msg_explain m = {.have_job = false};
	struct job j;
	int rc = admin_device(app, req->arg[0], &d, &resp->why);

	if (rc != 0)
		return rc;
	strcpy(m.ep, d.ep);
	if (d.have_seq)
		SAY(m.runs, "sequence %" PRIu64 " (L%d%s)", d.seq,
		    d.seq_grade, d.seq_grade == GRADE_L0 ?
		    ", as it says itself" : d.seq_grade == GRADE_L1 ?
		    ", over its own key" : ", signed");
	if (d.have_class)
		r = catalog_current(app->catalog, d.class_id);
	if (r != NULL)
		SAY(m.offered, "release %" PRIu64 ", sequence %" PRIu64, r->id,
		    r->seq);
	m.have_job = ST(app, job_live, d.id, &j) == 0 ||
	    ST(app, job_last, d.id, &j) == 0;
	if (m.have_job)
		admin_msg_job(app, &j, &m.job);
	if (m.have_job && (!job_state_final(j.state) || (r != NULL &&
	    j.release == r->id && j.state != JOB_DONE)))
		explain_job(app, &d, &j, &m);
	else
		explain_idle(&d, r, &m);
	return admin_put(req, resp, &msg_explain, &m);
}
