/*
 * The outcome table says what each answer means. 2.xx is "delivered", never
 * "started". 4.04, 4.05, 4.08 and 4.13 of a trigger are the device's
 * configuration, not loss: they are permanent (clients-on-the-wire 7.9).
 */
#include "daemon/push.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/admit.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/runs.h"

const struct push_driver push_drivers[] = {
	{"none", DRIVER_NONE, push_observe},
	{"trigger", DRIVER_TRIGGER, push_trigger},
	{"manifest", DRIVER_MANIFEST, push_manifest},
	{"observe", DRIVER_OBSERVE, push_observe},
	{NULL, DRIVER_NONE, NULL},
};

static const struct outcome {
	unsigned code; /* ccdd; 0 ends the table */
	enum fail_class fail;
	enum track_reason reason;
	bool permanent;
} outcomes[] = {
	{400, FAIL_POLICY, REASON_PUSH_REFUSED, true},
	{401, FAIL_POLICY, REASON_PUSH_REFUSED, true},
	{403, FAIL_POLICY, REASON_PUSH_REFUSED, true},
	{404, FAIL_POLICY, REASON_PUSH_NOT_FOUND, true},
	{405, FAIL_POLICY, REASON_PUSH_METHOD, true},
	{408, FAIL_POLICY, REASON_PUSH_REFUSED, true},
	{413, FAIL_POLICY, REASON_PUSH_TOO_LARGE, true},
	{415, FAIL_POLICY, REASON_PUSH_REFUSED, true},
	{429, FAIL_OVERLOAD, REASON_PUSH_OVERLOAD, false},
	{503, FAIL_OVERLOAD, REASON_PUSH_OVERLOAD, false},
	{0, FAIL_TRANSPORT, REASON_PUSH_REFUSED, false}, /* any other */
};

const char *
push_name(enum driver d)
{
	for (const struct push_driver *p = push_drivers; p->name; p++)
		if (p->driver == d)
			return p->name;
	return "unknown";
}

int
push_by_name(struct slice name, enum driver *ret)
{
	for (const struct push_driver *p = push_drivers; p->name; p++) {
		if (slice_eq_str(name, p->name)) {
			*ret = p->driver;
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

void
push_outcome(const struct peer_answer *a, struct track_event *ret)
{
	const struct outcome *o = outcomes;

	memset(ret, 0, sizeof(*ret));
	if (a->err == 0 && a->code / 100 == 2) {
		ret->type = TRACK_PUSH_OK;
		return;
	}
	ret->type = TRACK_PUSH_FAIL;
	if (a->err == ERR_BUSY) {
		ret->fail = FAIL_OVERLOAD;
		ret->reason = REASON_PUSH_OVERLOAD;
		ret->have_max_age = true;
		ret->max_age = 5; /* it is we who are busy */
		return;
	}
	if (a->err != 0) {
		ret->fail = FAIL_TRANSPORT;
		ret->reason = a->err == ERR_REJECTED ? REASON_PUSH_RESET :
		    REASON_NO_ANSWER;
		return;
	}
	while (o->code != 0 && o->code != a->code)
		o++;
	ret->fail = o->fail;
	ret->reason = o->reason;
	ret->permanent = o->permanent;
	ret->have_max_age = a->have_max_age;
	ret->max_age = a->max_age;
}

/* --- where --- */

int
push_uri(const struct store_device *d, const char *path,
    char dst[LIMIT_URI + 1])
{
	const char *pct = strchr(d->addr, '%');
	int n;

	if (d->uri[0] != '\0') {
		size_t k = strlen(d->uri);

		while (k > 0 && d->uri[k - 1] == '/')
			k--;
		n = snprintf(dst, LIMIT_URI + 1, "%.*s%s", (int)k, d->uri,
		    path);
	} else if (d->addr[0] == '\0') {
		return ERR_UNREACHABLE;
	} else if (strchr(d->addr, ':') == NULL) {
		n = snprintf(dst, LIMIT_URI + 1, "coap://%s%s", d->addr,
		    path);
	} else if (pct != NULL) { /* RFC 6874: the zone's '%' is %25 */
		n = snprintf(dst, LIMIT_URI + 1, "coap://[%.*s%%25%s]%s",
		    (int)(pct - d->addr), d->addr, pct + 1, path);
	} else {
		n = snprintf(dst, LIMIT_URI + 1, "coap://[%s]%s", d->addr,
		    path);
	}
	return n < 0 || n > LIMIT_URI ? ERR_SIZE : 0;
}

/* --- one push --- */

void
push_end(struct push *p, const struct track_event *ev)
{
	struct app *app = p->app;
	struct store *s = app->store;
	struct job job;
	int rc;

	app->counts.pushes[p->dev.driver][ev->reason]++;
	engine_wake(app->engine); /* admission may wait for a place */
	rc = engine_begin(app->engine);
	if (rc == 0) {
		rc = s->ops->job_get(s, p->job, &job);
		/* an answer to an attempt that is over says nothing */
		if (rc == 0 && job.attempt == p->attempt)
			rc = engine_job_event(app->engine, p->job, ev, NULL);
		rc = engine_end(app->engine, rc);
	}
	if (rc != 0)
		log_error("push: job=%llu dev=%llu answer not kept: %s",
		    (unsigned long long)p->job,
		    (unsigned long long)p->dev.id, err_text(rc));
	free(p);
}

void
push_answer(void *arg, const struct peer_answer *a)
{
	struct push *p = arg;
	struct track_event ev;

	if (p->app->front == NULL) { /* the daemon stops, see app_close */
		free(p);
		return;
	}
	push_outcome(a, &ev);
	if (ev.type == TRACK_PUSH_OK && p->spread > 0) {
		ev.have_max_age = true;
		ev.max_age = p->spread;
	}
	ev.grade = p->dev.have_psk ? GRADE_L1 : GRADE_L0;
	log_info("push: dev=%llu ep=%s job=%llu attempt=%u answer=%u err=%s",
	    (unsigned long long)p->dev.id, p->dev.ep,
	    (unsigned long long)p->job, (unsigned)p->attempt, a->code,
	    err_name(a->err));
	push_end(p, &ev);
}

static void
failed(struct push *p, int err, const char *why)
{
	struct track_event ev = {
		.type = TRACK_PUSH_FAIL, .fail = FAIL_TRANSPORT,
		.reason = REASON_NO_ANSWER,
	};

	if (err == ERR_UNREACHABLE || err == ERR_UNSUPPORTED) {
		/* none, or none that can be used: a name, or coaps */
		ev.reason = REASON_NO_ADDRESS;
	} else if (err == ERR_SIZE || err == ERR_INVALID) {
		ev.fail = FAIL_POLICY;
		ev.permanent = true;
		ev.reason = REASON_PUSH_TOO_LARGE;
	} else if (err == ERR_BUSY) {
		ev.fail = FAIL_OVERLOAD;
		ev.reason = REASON_PUSH_OVERLOAD;
		ev.have_max_age = true;
		ev.max_age = 5;
	}
	log_warn("push: dev=%llu ep=%s job=%llu not sent: %s%s%s",
	    (unsigned long long)p->dev.id, p->dev.ep,
	    (unsigned long long)p->job, err_text(err), why[0] ? ": " : "",
	    why);
	push_end(p, &ev);
}

static int
run(struct push *p, struct why *why)
{
	const struct push_driver *d = push_drivers;

	while (d->name != NULL && d->driver != p->dev.driver)
		d++;
	if (d->fn == NULL || catalog_by_id(p->app->catalog, p->release) ==
	    NULL)
		return ERR_NOT_FOUND;
	return d->fn(p, why);
}

void
push_job(struct app *app, const struct job *job)
{
	struct store *s = app->store;
	struct push *p = calloc(1, sizeof(*p));
	const struct run *r = runs_peek(app, job->campaign);
	struct why why = {0};
	int rc;

	if (p == NULL)
		abort(); /* all state is on the disk */
	p->app = app;
	p->job = job->id;
	p->release = job->release;
	p->attempt = job->attempt;
	rc = s->ops->device_get(s, job->device, &p->dev);
	if (rc == 0 && admit_announces(r, &p->dev))
		p->spread = (uint32_t)r->policy.announce;
	if (rc == 0)
		rc = run(p, &why);
	if (rc != 0)
		failed(p, rc, why.text);
}
