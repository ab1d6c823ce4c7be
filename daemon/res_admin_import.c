/*
 * Many devices in one request: all of its rows or none, and the same request
 * again changes nothing. So whoever imports a file may begin anew wherever
 * he was interrupted. One row in the event log tells of the batch, and an entry
 * of the audit log; a device that got another key has one of its own in both.
 */
#include <stdio.h>

#include "daemon/ahead.h"
#include "daemon/audit.h"
#include "daemon/campaign.h"
#include "daemon/credential.h"
#include "daemon/device_class.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

struct import {
	struct app *app;
	const struct req *req;
	const struct msg_import *in;
	struct msg_imported out;
	uint64_t room; /* devices that may still be added */
	size_t rekeyed; /* whose sessions may have to end */
	struct {
		uint64_t device;
		struct credential_list had;
	} key[LIMIT_IMPORT_ROWS];
};

static int
check_row(const struct msg_import_row *r, struct why *why)
{
	if (!text_name_ok(slice_str(r->ep), LIMIT_EP))
		return why_set(why, ERR_INVALID, "ep: an endpoint name has "
		    "letters, digits and ._:@- , %d at most", LIMIT_EP);
	if (r->if_none && r->key_len == 0)
		return why_set(why, ERR_INVALID, "no key to be given");
	return 0;
}

/* Makes or finds it; *ret_new, and whether the row changes it. */
static int
find_device(struct import *im, const struct msg_import_row *r,
    struct store_device *d, bool *ret_new, struct why *why)
{
	int rc = im->app->store->ops->device_by_ep(im->app->store, r->ep, d);

	*ret_new = rc == ERR_NOT_FOUND;
	if (rc != ERR_NOT_FOUND)
		return rc;
	if (im->room == 0)
		return why_set(why, ERR_LIMIT, "devices_max of suitd.conf is "
		    "reached");
	im->room--;
	memset(d, 0, sizeof(*d));
	strcpy(d->ep, r->ep);
	d->created = loop_now(im->app->loop);
	return 0;
}

static bool
has_tags(const struct store_device *d, const struct msg_import_row *r)
{
	size_t k;

	for (size_t i = 0; i < r->tag_count; i++) {
		for (k = 0; k < d->tag_count; k++)
			if (strcmp(d->tag[k].name, r->tag[i].name) == 0 &&
			    strcmp(d->tag[k].value, r->tag[i].value) == 0)
				break;
		if (k == d->tag_count)
			return false;
	}
	return d->tag_count == r->tag_count;
}

/* A class that a row names is set, unless it says that it was the device's own
 * word: so what was exported is, imported, as it was. */
static int
put_class(struct app *app, const struct msg_import_row *r,
    struct store_device *d, struct why *why)
{
	bool device = strcmp(r->class_by, "device") == 0;
	uint8_t class_id[16];
	int rc;

	if (!device && r->class_by[0] != '\0' &&
	    strcmp(r->class_by, "operator") != 0)
		return why_set(why, ERR_INVALID, "class_by: must be operator "
		    "or device");
	if (r->class_name[0] == '\0' && !device && r->class_by[0] != '\0' &&
	    !d->have_class)
		return why_set(why, ERR_INVALID, "class_by: it has no class");
	memcpy(class_id, d->class_id, 16);
	rc = r->class_name[0] == '\0' ? 0 :
	    admin_class(app, r->class_name, class_id, why);
	if (rc != 0)
		return rc;
	if (device)
		device_class_unset(d);
	if (device && r->class_name[0] != '\0') {
		memcpy(d->class_id, class_id, 16);
		d->have_class = true;
	} else if (!device && (r->class_name[0] != '\0' ||
	    r->class_by[0] != '\0')) {
		device_class_set(d, class_id);
	}
	return 0;
}

static bool
same_class(const struct store_device *a, const struct store_device *b)
{
	return a->have_class == b->have_class && a->class_set == b->class_set &&
	    a->have_class_said == b->have_class_said &&
	    memcmp(a->class_id, b->class_id, 16) == 0;
}

static int
put_device(struct import *im, const struct msg_import_row *r,
    struct store_device *d, bool *changed, struct why *why)
{
	static struct store_device was;
	struct app *app = im->app;
	int rc;

	was = *d;
	rc = put_class(app, r, d, why);
	*changed |= !same_class(&was, d);
	if (rc == 0 && r->tag_count > 0 && !has_tags(d, r)) {
		d->tag_count = r->tag_count;
		memcpy(d->tag, r->tag, sizeof(d->tag));
		*changed = true;
	}
	if (rc != 0 || !*changed)
		return rc;
	rc = ahead_judge(app, d);
	if (rc == 0)
		rc = ST(app, device_put, d);
	return rc == 0 ? campaign_join(app, d) : rc;
}

/* Has it this very key, or any where that is enough? */
static bool
has_key(struct app *app, const struct msg_import_row *r,
    const struct credential_list *had, const char *identity)
{
	struct store_credential c;
	bool same = false, valid = false;

	for (size_t i = 0; i < had->n; i++) {
		if (had->c[i].kind != CREDENTIAL_PSK)
			continue;
		if (r->if_none)
			return true;
		valid |= strcmp(had->c[i].identity, identity) == 0;
	}
	if (valid && ST(app, credential_get, CREDENTIAL_PSK, identity,
	    &c) == 0) {
		same = slice_eq(slice_of(c.secret, c.secret_len),
		    slice_of(r->key, r->key_len));
		explicit_bzero(&c, sizeof(c));
	}
	return same;
}

/* Is the key there that the row has? Then it is no news for its sender. */
static bool
is_its_own(struct app *app, const struct msg_import_row *r,
    const struct credential_list *had, const char *identity)
{
	struct msg_import_row own = *r;
	bool same;

	own.if_none = false;
	same = has_key(app, &own, had, identity);
	explicit_bzero(own.key, sizeof(own.key));
	return same;
}

/* Gives it, and notes whether another device has it. */
static int
give_key(struct import *im, size_t i, struct store_device *d,
    const struct credential_key *k, struct why *why)
{
	struct store_credential c;
	char other[LIMIT_EP + 1];
	int rc = credential_give(im->app, d, k, &c, why);

	if (rc != 0)
		return rc;
	rc = credential_shares(im->app, im->req, d, &c, other);
	explicit_bzero(&c, sizeof(c));
	if (rc == 0 && other[0] != '\0') {
		im->out.shared++;
		im->out.shares[i] = 1;
		im->out.shares_len = im->in->row_count;
	}
	return rc;
}

static int
put_key(struct import *im, size_t i, struct store_device *d, bool is_new,
    bool *changed, struct why *why)
{
	const struct msg_import_row *r = &im->in->row[i];
	const char *identity = r->identity[0] != '\0' ? r->identity : r->ep;
	const struct credential_key k = {.identity = identity,
	    .key = slice_of(r->key, r->key_len)};
	struct store_event ev = {.kind = "admin", .what = "device key set"};
	struct credential_list *had = &im->key[im->rekeyed].had;
	int rc = credential_list(im->app, d->id, had);

	if (rc != 0)
		return rc;
	if (has_key(im->app, r, had, identity)) {
		im->out.kept[i] = !is_its_own(im->app, r, had, identity);
		return 0;
	}
	if (had->n > 0)
		im->key[im->rekeyed++].device = d->id;
	*changed = true;
	rc = give_key(im, i, d, &k, why);
	if (rc != 0 || is_new)
		return rc;
	ev.device = d->id;
	strcpy(ev.ep, d->ep);
	snprintf(ev.detail, sizeof(ev.detail), "%.60s, imported", identity);
	rc = audit_add(im->app, &im->req->who, AUDIT_DEVICE_PSK, d->ep, "%s",
	    ev.detail);
	return rc != 0 ? rc : engine_log(im->app->engine, &ev);
}

static int
put_row(struct import *im, size_t i, struct why *why)
{
	static struct store_device d;
	const struct msg_import_row *r = &im->in->row[i];
	bool is_new = false, changed;
	int rc = check_row(r, why);

	if (rc == 0)
		rc = find_device(im, r, &d, &is_new, why);
	if (rc != 0)
		return rc;
	changed = is_new;
	if (is_new && r->key_len > 0)
		d.have_psk = true; /* else its row is written twice */
	rc = put_device(im, r, &d, &changed, why);
	if (rc == 0 && r->key_len > 0)
		rc = put_key(im, i, &d, is_new, &changed, why);
	im->out.added += is_new;
	im->out.changed += changed && !is_new;
	im->out.same += !changed;
	return rc;
}

/* Every row is tried, so that one look finds all that is wrong. Where the
 * disk fails, it ends. */
static int
put_rows(struct import *im)
{
	struct msg_import_error *e;
	struct why why;
	int rc = 0, first = 0;

	for (size_t i = 0; i < im->in->row_count; i++) {
		why = (struct why){0, ""};
		if ((rc = engine_begin(im->app->engine)) != 0)
			return rc;
		rc = engine_end(im->app->engine, put_row(im, i, &why));
		if (rc == 0)
			continue;
		if (err_coap(rc) >= 500)
			return rc;
		if (first == 0)
			first = rc;
		if (im->out.error_count == LIMIT_IMPORT_ERRORS)
			break;
		e = &im->out.error[im->out.error_count++];
		e->row = (uint32_t)i;
		snprintf(e->text, sizeof(e->text), "%.*s", LIMIT_IMPORT_TEXT,
		    why.text[0] != '\0' ? why.text : err_text(rc));
	}
	return first;
}

static int
run(struct import *im, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "devices imported"};
	struct store_stats st;
	int rc;

	im->app->store->ops->stats(im->app->store, &st);
	im->room = st.devices < im->app->conf.devices_max ?
	    im->app->conf.devices_max - st.devices : 0;
	if ((rc = admin_begin(im->app)) != 0)
		return rc;
	rc = put_rows(im);
	if (rc == 0 && im->in->dry)
		rc = ERR_CANCELLED; /* it is undone */
	if (rc == 0 && im->out.added + im->out.changed == 0)
		return engine_end(im->app->engine, 0); /* nothing to tell */
	snprintf(ev.detail, sizeof(ev.detail), "%u added, %u changed, %u as "
	    "they were, %zu keys replaced", im->out.added, im->out.changed,
	    im->out.same, im->rekeyed);
	rc = admin_end(im->app, req, resp, &ev, rc);
	for (size_t i = 0; rc == 0 && i < im->rekeyed; i++)
		credential_settle(im->app, im->key[i].device,
		    &im->key[i].had);
	if (rc == 0 && im->out.shared > 0)
		log_warn("credential: %u keys that were imported are other "
		    "devices', too", im->out.shared);
	return rc;
}

int
res_admin_import(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_import in;
	static struct import im;
	int rc = admin_body(req, &msg_import, &in, &resp->why);

	if (rc != 0) {
		explicit_bzero(&in, sizeof(in)); /* it may have had keys */
		return rc;
	}
	im.app = app;
	im.req = req;
	im.in = &in;
	im.rekeyed = 0;
	memset(&im.out, 0, sizeof(im.out));
	im.out.kept_len = in.row_count;
	rc = run(&im, req, resp);
	explicit_bzero(&in, sizeof(in));
	im.out.done = rc == 0;
	if (rc != 0 && im.out.error_count == 0 && rc != ERR_CANCELLED)
		return rc;
	return admin_put(req, resp, &msg_imported, &im.out);
}
