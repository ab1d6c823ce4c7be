/*
 * explain: why is this device not updating? One cause by name, what happens
 * next without anybody doing anything and when, and what to do. The order of
 * questions is the one in which things hold: the device itself, its
 * campaign, its wave, its own wait, the pace (admit.h, so that this is what
 * the pump and the poll path do); and why there is no job at all.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/admit.h"
#include "daemon/ahead.h"
#include "daemon/campaign.h"
#include "daemon/catalog.h"
#include "daemon/credential.h"
#include "daemon/engine.h"
#include "daemon/res_admin.h"
#include "daemon/trusted.h"
#include "daemon/twin.h"
#include "daemon/wrongkey.h"
#include "lib/text.h"

#define SAY(dst, ...) snprintf(dst, sizeof(dst), __VA_ARGS__)

static void
held(const struct admission *a, struct msg_explain *m)
{
	SAY(m->hold, "%s", hold_name(a->hold));
	SAY(m->cause, "%.160s", a->text);
	SAY(m->advice, "%s", a->advice);
	m->until = a->until;
}

/* What ends a hold that has no time of its own. */
static const struct {
	enum hold hold;
	const char *next;
} nexts[] = {
	{HOLD_DRAFT, "nothing until it is started"},
	{HOLD_APPROVAL, "it starts when it is approved"},
	{HOLD_PAUSED, "nothing until it is resumed"},
	{HOLD_OVER, "nothing: it is over"},
	{HOLD_START, "the campaign starts"},
	{HOLD_WINDOW, "the window opens"},
	{HOLD_TRUST, "it goes on when a list allows its release"},
	{HOLD_WAVE, "its wave opens when the gate lets it"},
	{HOLD_RELEASE, "nothing"},
	{HOLD_REVOKED, "nothing until it is restored"},
	{HOLD_BACKOFF, "the next attempt"},
	{HOLD_CONCURRENCY, "it starts when another device of the campaign is "
	    "done"},
	{HOLD_SERVER, "it starts when a download ends"},
	{HOLD_GROUP, "it starts when a download of its group ends"},
	{HOLD_RATE, "the next start at this rate"},
	{HOLD_BYTES, "the next start at this rate"},
	{HOLD_BUDGET, "the next retry"},
};

static void
say_next(const struct admission *a, struct msg_explain *m)
{
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++)
		if (nexts[i].hold == a->hold)
			SAY(m->next, "%s", nexts[i].next);
}

/* The gate's sentence instead of "when the gate lets it". */
static void
say_gate(struct app *app, const struct run *r, struct msg_explain *m)
{
	struct policy_decision d;

	if (campaign_gate(app, r, &d) != 0 || d.text[0] == '\0')
		return;
	SAY(m->next, "the next wave opens when the gate lets it: %.110s",
	    d.text);
	m->until = d.until;
}

static void
say_contact(struct app *app, const struct store_device *d,
    const struct job *j, struct msg_explain *m)
{
	int64_t now = loop_now(app->loop);
	int64_t wake = d->gap == 0 || d->seen == 0 ? 0 :
	    d->seen + d->gap * INT64_C(1000);

	SAY(m->hold, "%s", hold_name(HOLD_CONTACT));
	if (j->reason != REASON_NONE && j->attempt > 0)
		SAY(m->cause, "waits for the device to speak after %" PRIu32
		    " attempts: %s", j->attempt, track_reason_text(j->reason));
	else if (engine_pushable(app->engine, d))
		SAY(m->cause, "waits for the device to speak");
	else
		SAY(m->cause, "suitd has no way to reach this device (driver "
		    "none): it must ask by itself");
	if (wake > now) {
		SAY(m->next, "it speaks every %" PRIu32 " min or so, the next "
		    "time about then", d->gap / 60);
		m->until = wake;
	} else if (wake != 0) {
		SAY(m->next, "it is overdue: it used to speak every %" PRIu32
		    " min", d->gap / 60);
	} else {
		SAY(m->next, "the update starts when it asks for its "
		    "manifest");
	}
	if (!engine_pushable(app->engine, d))
		SAY(m->advice, "suitctl device add %s --driver trigger "
		    "--address coap://HOST", d->ep);
	else
		SAY(m->advice, "check that the device is powered and "
		    "reachable; suitctl job retry %" PRIu64 " tries now",
		    j->id);
}

/* It has asked, and was told to come back: what holds it then, and until
 * when it keeps away. */
static bool
explain_booked(struct app *app, const struct store_device *d,
    const struct job *j, struct msg_explain *m)
{
	int64_t until = admit_booked(app, d->id);
	struct admission a;
	struct run *r = NULL;

	if (until == 0 || (j->campaign != 0 &&
	    runs_get(app, j->campaign, &r) != 0) || admit_begun(r, j, d) ||
	    admit_poll(app, r, j, d, &a) != 0)
		return false;
	if (a.hold == HOLD_NONE || a.hold <= HOLD_REVOKED)
		return false;
	held(&a, m);
	m->until = until;
	SAY(m->next, "it was told to ask again then");
	return true;
}

/* The pump has put it off without an attempt: why? */
static void
explain_put_off(struct app *app, struct run *r,
    const struct store_device *d, const struct job *j,
    struct admission *a)
{
	admit_pace(app, r, j, d, a);
	if (a->hold == HOLD_NONE && engine_fetching(app->engine, d,
	    j->release))
		SAY(a->text, "it fetches the image just now, by itself");
	a->until = j->due;
}

/* What holds a job that waits; HOLD_NONE: nothing, it is about to start. */
static int
holds(struct app *app, struct run *r, const struct store_device *d,
    const struct job *j, struct admission *ret)
{
	struct admission own;
	uint64_t room;

	*ret = (struct admission){.hold = HOLD_NONE};
	if (r != NULL && admit_campaign(app, r, ret, &room) != 0)
		return ERR_IO;
	if (ret->hold != HOLD_NONE && ret->hold < HOLD_WAVE)
		return 0;
	admit_job(app, r, j, d, &own);
	if (own.hold == HOLD_BACKOFF && j->reason == REASON_NONE)
		explain_put_off(app, r, d, j, ret);
	else if (own.hold != HOLD_NONE)
		*ret = own;
	else if (ret->hold == HOLD_NONE)
		admit_pace(app, r, j, d, ret);
	return 0;
}

/* A job that waits: who holds it? */
static void
explain_queued(struct app *app, const struct store_device *d,
    const struct job *j, struct msg_explain *m)
{
	struct admission a;
	struct run *r = NULL;

	if ((j->campaign != 0 && runs_get(app, j->campaign, &r) != 0) ||
	    holds(app, r, d, j, &a) != 0)
		return;
	if (a.hold == HOLD_CONTACT) {
		if (!explain_booked(app, d, j, m))
			say_contact(app, d, j, m);
		return;
	}
	if (a.text[0] == '\0')
		return; /* it is about to start */
	if (a.hold == HOLD_NONE) { /* by itself */
		SAY(m->cause, "%.160s", a.text);
		return;
	}
	held(&a, m);
	say_next(&a, m);
	if (a.hold == HOLD_WAVE)
		say_gate(app, r, m);
}

/* What an operator says so that it begins anew; a campaign that is aborted
 * takes nothing back. */
static void
say_again(struct app *app, const struct store_device *d, const struct job *j,
    const char *first, struct msg_explain *m)
{
	static struct store_campaign c;

	if (j->campaign != 0 && (j->reason == REASON_EXPIRED ||
	    (ST(app, campaign_get, j->campaign, &c) == 0 &&
	    c.state == CAMPAIGN_ABORTED)))
		SAY(m->advice, "suitctl campaign plan %" PRIu64
		    " --device %s", j->release, d->ep);
	else
		SAY(m->advice, "%.120s%ssuitctl job retry %" PRIu64, first,
		    first[0] != '\0' ? "; then " : "", j->id);
}

static void
explain_job(struct app *app, const struct store_device *d,
    const struct job *j, struct msg_explain *m)
{
	struct track_explain ex;

	track_explain(j, loop_now(app->loop), &ex);
	SAY(m->hold, "%s", job_state_name(j->state));
	SAY(m->cause, "%s", ex.cause);
	SAY(m->next, "%s", ex.next);
	SAY(m->advice, "%s", ex.advice);
	m->until = j->due;
	if (j->state == JOB_QUEUED && j->started == 0)
		explain_queued(app, d, j, m);
	else if (!job_state_final(j->state))
		(void)explain_booked(app, d, j, m);
	if (j->state == JOB_FAILED || j->state == JOB_CANCELLED)
		say_again(app, d, j, ex.advice, m);
}

/* More than this server knows. */
static void
explain_ahead(struct app *app, const struct store_device *d,
    struct msg_explain *m)
{
	int64_t backup, at;
	uint64_t known = 0;

	ahead_restored(app, &backup, &at);
	(void)ST(app, release_highest, d->class_id, &known);
	SAY(m->hold, "ahead");
	SAY(m->cause, "it runs sequence %" PRIu64 ", newer than any release "
	    "known here (%" PRIu64 ")%s", d->seq, known, at != 0 ?
	    "; this server was restored from a backup" : "");
	SAY(m->next, "it would refuse whatever is published here now");
	SAY(m->advice, "publish a release with a sequence number above %"
	    PRIu64 ", or restore a newer backup", d->seq);
}

/* The class has nothing that is served: because of the trust list? */
static void
explain_none(struct app *app, const struct store_device *d,
    struct msg_explain *m)
{
	static struct store_release r;
	const struct why *why = NULL;

	if (ST(app, release_current, d->class_id, &r) == 0)
		why = catalog_refused(app->catalog, r.id);
	if (why == NULL) {
		SAY(m->hold, "no-release");
		SAY(m->cause, "no live release is published for its class");
		SAY(m->next, "nothing");
		SAY(m->advice, "suitctl publish ENVELOPE");
		return;
	}
	SAY(m->hold, "%s", hold_name(HOLD_TRUST));
	SAY(m->cause, "the trust list does not allow release %" PRIu64
	    ": %.110s", r.id, why->text);
	SAY(m->next, "it goes on when a list allows its release");
	SAY(m->advice, "publish what the list allows, or a list that allows "
	    "this: suitctl trust publish LIST");
}

/* No job, or a final one for another release than the current. */
static void
explain_idle(struct app *app, const struct store_device *d,
    const struct catalog_release *r, struct msg_explain *m)
{
	if (d->revoked) {
		SAY(m->hold, "%s", hold_name(HOLD_REVOKED));
		SAY(m->cause, "the device was revoked by an operator");
		SAY(m->next, "nothing until it is restored");
		SAY(m->advice, "suitctl device restore %s", d->ep);
	} else if (!d->have_class) {
		SAY(m->hold, "no-class");
		SAY(m->cause, "its class is not known");
		SAY(m->next, "nothing");
		SAY(m->advice, "suitctl device add %s --class CLASS", d->ep);
	} else if (d->ahead) {
		explain_ahead(app, d, m);
	} else if (r == NULL) {
		explain_none(app, d, m);
	} else if (d->have_seq && d->seq == r->seq) {
		SAY(m->hold, "current");
		SAY(m->cause, "it runs the current release");
		SAY(m->next, "nothing is to be done");
	} else if (d->have_seq && trusted_runs(app, d) > r->seq) {
		SAY(m->hold, "newer");
		SAY(m->cause, "it runs sequence %" PRIu64 ", newer than the "
		    "current release's %" PRIu64, d->seq, r->seq);
		SAY(m->next, "it would refuse that release");
		SAY(m->advice, "publish a release with a higher sequence "
		    "number");
	} else {
		SAY(m->hold, "no-campaign");
		SAY(m->cause, "no campaign has brought it to release %" PRIu64,
		    r->id);
		SAY(m->next, "it updates when it asks for its manifest by "
		    "itself");
		SAY(m->advice, "suitctl campaign start %" PRIu64
		    " --device %s", r->id, d->ep);
	}
}

/* Is the way that its last job ended the reason why it does not run what it
 * should? That is the current release, or a newer one that is staged. */
static bool
ended_badly(struct app *app, const struct store_device *d,
    const struct catalog_release *r, const struct job *j)
{
	if (j->state == JOB_DONE || (d->have_seq &&
	    trusted_runs(app, d) >= j->target_seq))
		return false;
	if (r != NULL && j->release == r->id)
		return true;
	return j->state != JOB_SUPERSEDED && (r == NULL ||
	    r->seq < j->target_seq) &&
	    catalog_by_id(app->catalog, j->release) != NULL;
}

/* Beside why it does not update: something is wrong with its credential. */
static void
note_credential(struct app *app, const struct store_device *d,
    struct msg_explain *m)
{
	const bool authority = app->conf.client_ca[0] != '\0';
	struct credential_list l;
	size_t keys = 0, contexts = 0;

	if (!d->have_psk || credential_list(app, d->id, &l) != 0)
		return;
	for (size_t i = 0; i < l.n; i++) {
		keys += l.c[i].kind == CREDENTIAL_PSK;
		contexts += l.c[i].kind == CREDENTIAL_OSCORE;
	}
	if (twin_of(app, d->id) && keys == l.n)
		SAY(m->note, "two devices use its key; give the right one "
		    "another: suitctl device psk %s --new", d->ep);
	else if (twin_of(app, d->id))
		SAY(m->note, "two devices use its %s; give the right one "
		    "another: suitctl device credentials %s", contexts > 0 ?
		    "credential" : keys == 0 ? "certificate" :
		    "key or certificate", d->ep);
	else if (l.n == 0 && authority)
		SAY(m->note, "it has no valid key or certificate: give it a "
		    "certificate, or suitctl device psk %s --new", d->ep);
	else if (l.n == 0)
		SAY(m->note, "it has no valid credential, nobody may speak "
		    "for it: suitctl device psk %s --new", d->ep);
	else
		wrongkey_say(app, d, m->note);
}

/* Nor does it where its class is not what its image is. */
static void
note_class(const struct store_device *d, const struct catalog_release *offered,
    struct msg_explain *m)
{
	char said[37], set[37];

	if (m->note[0] != '\0' || !d->have_class)
		return;
	if (d->have_class_said)
		SAY(m->note, "it says class %s, set is %s; to take its word: "
		    "suitctl device add %s --unset class",
		    text_uuid(d->class_said, said), text_uuid(d->class_id, set),
		    d->ep);
	else if (offered != NULL && !catalog_is_for(offered, d->class_id))
		SAY(m->note, "release %" PRIu64 " of its job is not for its "
		    "class, %s: suitctl device events %s", offered->id,
		    text_uuid(d->class_id, set), d->ep);
}

int
res_admin_explain(struct app *app, const struct req *req, struct resp *resp)
{
	static struct store_device d;
	const struct catalog_release *r = NULL, *offered = NULL;
	struct msg_explain m = {.have_job = false};
	struct job j;
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc != 0)
		return rc;
	strcpy(m.ep, d.ep);
	if (d.have_seq)
		SAY(m.runs, "sequence %" PRIu64 "%s (L%d%s)", d.seq,
		    d.ahead ? ", newer than any known here" : "",
		    d.seq_grade, d.seq_grade == GRADE_L0 ?
		    ", as it says itself" : d.seq_grade == GRADE_L1 ?
		    ", over its own key" : ", signed");
	if (d.have_class)
		r = catalog_current(app->catalog, d.class_id);
	m.have_job = ST(app, job_live, d.id, &j) == 0 ||
	    ST(app, job_last, d.id, &j) == 0;
	/* its job may be for another release than its class's, or a staged
	 * one */
	if (m.have_job && !job_state_final(j.state))
		offered = catalog_by_id(app->catalog, j.release);
	if (offered == NULL)
		offered = r;
	if (offered != NULL)
		SAY(m.offered, "release %" PRIu64 ", sequence %" PRIu64,
		    offered->id, offered->seq);
	if (m.have_job) {
		engine_refresh(app->engine, &d, &j);
		admin_msg_job(app, &j, &m.job);
	}
	if (m.have_job && !d.revoked && (!job_state_final(j.state) ||
	    ended_badly(app, &d, r, &j)))
		explain_job(app, &d, &j, &m);
	else
		explain_idle(app, &d, r, &m);
	note_credential(app, &d, &m);
	note_class(&d, offered, &m);
	return admin_put(req, resp, &msg_explain, &m);
}
