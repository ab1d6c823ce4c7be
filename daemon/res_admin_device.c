/* Devices: who they are, how they are reached, whether they are served. */
#include <stdio.h>

#include "daemon/admin_scope.h"
#include "daemon/admit.h"
#include "daemon/ahead.h"
#include "daemon/campaign.h"
#include "daemon/credential.h"
#include "daemon/device_class.h"
#include "daemon/engine.h"
#include "daemon/push.h"
#include "daemon/res_admin.h"
#include "daemon/wrongkey.h"
#include "lib/text.h"
#include "lib/uri.h"

static int
set_uri(struct store_device *d, const char *text, struct why *why)
{
	struct uri u;
	int rc = uri_parse(slice_str(text), &u, why);

	if (rc != 0)
		return rc;
	if (u.scheme == URI_NONE || u.scheme == URI_OTHER || u.host.n == 0)
		return why_set(why, ERR_INVALID, "an address is a CoAP URI "
		    "such as coap://[2001:db8::1]:5683");
	strcpy(d->uri, text);
	d->uri_set = true;
	return 0;
}

static void
unset_driver(struct store_device *d)
{
	d->driver_set = false;
}

static void
unset_uri(struct store_device *d)
{
	d->uri_set = false;
}

/* What the device says counts again. */
static int
unset(struct store_device *d, const char *what, struct why *why)
{
	static const struct {
		const char *name;
		void (*unset)(struct store_device *d);
	} all[] = {
		{"class", device_class_unset},
		{"driver", unset_driver},
		{"address", unset_uri},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].name, what) != 0)
			continue;
		all[i].unset(d);
		return 0;
	}
	return why_set(why, ERR_INVALID, "what can be unset is class, driver "
	    "or address");
}

/* What the message names goes into the record, the rest stays. */
static int
apply(struct app *app, const struct msg_device_put *m, struct store_device *d,
    struct why *why)
{
	uint8_t class_id[16];
	char shown[64];
	int rc = 0;

	if (m->class_name[0] != '\0') {
		rc = admin_class(app, m->class_name, class_id, why);
		if (rc == 0)
			device_class_set(d, class_id);
	}
	if (rc == 0 && m->driver[0] != '\0') {
		if (push_by_name(slice_str(m->driver), &d->driver) != 0)
			return why_set(why, ERR_INVALID, "driver %s is not "
			    "known; there are none, trigger, manifest and "
			    "observe", text_escape(slice_str(m->driver),
			    shown, sizeof(shown)));
		d->driver_set = true;
	}
	if (rc == 0 && m->uri[0] != '\0')
		rc = set_uri(d, m->uri, why);
	if (m->have_nul_trigger)
		d->nul_trigger = m->nul_trigger;
	if (m->tag_count > 0) {
		d->tag_count = m->tag_count;
		memcpy(d->tag, m->tag, sizeof(d->tag));
	}
	if (rc == 0 && m->unset[0] != '\0')
		rc = unset(d, m->unset, why);
	return rc;
}

/* What the message names, for the logs. */
static void
note(const struct msg_device_put *m, char *dst, size_t cap)
{
	snprintf(dst, cap, "%s%s%s%s%s%.72s%s%s%s", m->class_name[0] != '\0' ?
	    "class=" : "", m->class_name, m->driver[0] != '\0' ? " driver=" :
	    "", m->driver, m->uri[0] != '\0' ? " address=" : "", m->uri,
	    m->tag_count > 0 ? " tags" : "", m->unset[0] != '\0' ?
	    " unset=" : "", m->unset);
}

static int
device_put(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_device_put m;
	static struct store_device d;
	struct store_event ev = {.what = "device changed"};
	struct store_stats st;
	int rc = admin_body(req, &msg_device_put, &m, &resp->why);

	if (rc != 0)
		return rc;
	if (!text_name_ok(slice_str(req->arg[0]), LIMIT_EP))
		return why_set(&resp->why, ERR_INVALID, "an endpoint name has "
		    "letters, digits and ._:@- , %d at most", LIMIT_EP);
	rc = ST(app, device_by_ep, req->arg[0], &d);
	if (rc == 0)
		rc = admin_keeps_device(req, &d, &resp->why);
	if (rc == ERR_NOT_FOUND) {
		app->store->ops->stats(app->store, &st);
		if (st.devices >= app->conf.devices_max)
			return why_set(&resp->why, ERR_LIMIT, "devices_max of "
			    "suitd.conf is reached");
		memset(&d, 0, sizeof(d));
		strcpy(d.ep, req->arg[0]);
		d.created = loop_now(app->loop);
		strcpy(ev.what, "device added");
		resp->code = 201;
		rc = 0;
	}
	if (rc == 0)
		rc = apply(app, &m, &d, &resp->why);
	if (rc == 0)
		rc = admin_keeps_device(req, &d, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	rc = ahead_judge(app, &d); /* the class may be another one */
	if (rc == 0)
		rc = ST(app, device_put, &d);
	if (rc == 0)
		rc = campaign_join(app, &d);
	ev.device = d.id;
	strcpy(ev.ep, d.ep);
	note(&m, ev.detail, sizeof(ev.detail));
	return admin_end(app, req, resp, &ev, rc);
}

/* revoke: neither served nor updated, until restore; its key stays. */
int
res_admin_device_revoke(struct app *app, const struct req *req,
    struct resp *resp)
{
	static const struct track_event cancel = {.type = TRACK_CANCEL};
	static struct store_device d;
	static struct msg_device m;
	struct store_event ev = {.id = 0};
	struct credential_list had = {.n = 0};
	bool revoke = strcmp(req->arg[1], "revoke") == 0;
	struct job j;
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc == 0 && !revoke && strcmp(req->arg[1], "restore") != 0)
		rc = why_set(&resp->why, ERR_NOT_FOUND, "a device can be "
		    "revoked and restored");
	if (rc == 0)
		rc = credential_list(app, d.id, &had);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	d.revoked = revoke;
	strcpy(ev.what, revoke ? "device revoked" : "device restored");
	strcpy(ev.ep, d.ep);
	ev.device = d.id;
	rc = ST(app, device_put, &d);
	if (rc == 0 && revoke && ST(app, job_live, d.id, &j) == 0)
		rc = engine_job_event(app->engine, j.id, &cancel, NULL);
	rc = admin_end(app, req, resp, &ev, rc);
	credential_settle(app, d.id, &had);
	if (rc != 0)
		return rc;
	admin_msg_device(app, &d, &m);
	return admin_put(req, resp, &msg_device, &m);
}

static int
device_delete(struct app *app, const struct req *req, struct resp *resp,
    const struct store_device *d)
{
	struct store_event ev = {.what = "device removed", .device = d->id};
	struct credential_list had;
	struct job j, gone;
	bool live;
	int rc = credential_list(app, d->id, &had);

	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	strcpy(ev.ep, d->ep);
	live = ST(app, job_live, d->id, &j) == 0;
	rc = ST(app, device_remove, d->id);
	if (rc == 0 && live) {
		gone = j;
		gone.state = JOB_CANCELLED; /* it gives back its slot */
		admit_moved(app, &j, &gone);
		if (j.campaign != 0)
			engine_campaign_check(app->engine, j.campaign);
	}
	engine_wake(app->engine);
	rc = admin_end(app, req, resp, &ev, rc);
	credential_settle(app, d->id, &had);
	return rc;
}

int
res_admin_device(struct app *app, const struct req *req, struct resp *resp)
{
	static struct store_device d;
	static struct store_attest a;
	static struct msg_device m;
	int rc;

	if (req->method == M_PUT)
		return device_put(app, req, resp);
	rc = admin_device(app, req, &d, &resp->why);
	if (rc != 0)
		return rc;
	if (req->method == M_DELETE)
		return device_delete(app, req, resp, &d);
	admin_msg_device(app, &d, &m);
	wrongkey_say(app, &d, m.wrong_key);
	m.have_attest = ST(app, attest_get, d.id, &a) == 0;
	if (m.have_attest)
		admin_msg_attest(&a, &m.attest);
	return admin_put(req, resp, &msg_device, &m);
}

int
res_admin_device_events(struct app *app, const struct req *req,
    struct resp *resp)
{
	struct store_event_filter f = {0};
	static struct store_device d;
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc != 0)
		return rc;
	f.device = d.id;
	return admin_events(app, req, resp, &f);
}

/* Sets, replaces, or with an empty value removes. */
static int
merge_tag(struct store_device *d, const struct rd_tag *t, struct why *why)
{
	size_t i = 0;

	while (i < d->tag_count && strcmp(d->tag[i].name, t->name) != 0)
		i++;
	if (t->value[0] == '\0') {
		if (i < d->tag_count)
			d->tag[i] = d->tag[--d->tag_count];
		return 0;
	}
	if (i == LIMIT_TAGS)
		return why_set(why, ERR_LIMIT, "a device has at most %d tags; "
		    "remove one with NAME=", LIMIT_TAGS);
	if (i == d->tag_count)
		d->tag_count++;
	d->tag[i] = *t;
	return 0;
}

int
res_admin_device_tags(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	static struct msg_tags m;
	struct store_event ev = {.what = "device tagged"};
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc == 0)
		rc = admin_body(req, &msg_tags, &m, &resp->why);
	for (size_t i = 0; rc == 0 && i < m.tag_count; i++) {
		size_t n = strlen(ev.detail);

		rc = merge_tag(&d, &m.tag[i], &resp->why);
		snprintf(ev.detail + n, sizeof(ev.detail) - n, "%s%s=%s",
		    i > 0 ? " " : "", m.tag[i].name, m.tag[i].value);
	}
	if (rc == 0)
		rc = admin_keeps_device(req, &d, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	ev.device = d.id;
	strcpy(ev.ep, d.ep);
	rc = ST(app, device_put, &d);
	if (rc == 0)
		rc = campaign_join(app, &d);
	return admin_end(app, req, resp, &ev, rc);
}
