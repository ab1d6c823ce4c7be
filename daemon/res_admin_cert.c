/* Certificates of devices: entered by operators, and revoked. */
#include <stdio.h>

#include "daemon/access_cert.h"
#include "daemon/credential.h"
#include "daemon/engine.h"
#include "daemon/res_admin.h"
#include "lib/peercert.h"
#include "lib/text.h"

int
res_admin_device_cert(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	static struct msg_cert m;
	struct store_event ev = {.what = "certificate entered"};
	struct store_credential c = {.created = loop_now(app->loop)};
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc == 0)
		rc = admin_body(req, &msg_cert, &m, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	text_hex(slice_of(m.fingerprint, 32), c.identity, sizeof(c.identity));
	strcpy(c.label, m.label);
	rc = access_cert_enter(app, &d, &c, false);
	if (rc == ERR_EXISTS)
		(void)why_set(&resp->why, rc, "the certificate is another "
		    "device's");
	else if (rc == ERR_LIMIT)
		rc = why_set(&resp->why, ERR_STATE, "%s has %d certificates "
		    "already; suitctl device revoke %s --credential ID takes "
		    "one", d.ep, LIMIT_CREDENTIALS, d.ep);
	ev.device = d.id;
	strcpy(ev.ep, d.ep);
	snprintf(ev.detail, sizeof(ev.detail), "%.80s", m.label[0] != '\0' ?
	    m.label : c.identity);
	return admin_end(app, req, resp, &ev, rc);
}

/* --- revoked ones --- */

/* As store_revoked.h has it, so that it is found. */
static int
check_name(const char *name, struct why *why)
{
	const char *at = strchr(name, '@');
	char serial[2 * LIMIT_CERT_SERIAL + 1];
	uint8_t bytes[33];
	struct buf b = buf_of(bytes, sizeof(bytes));
	size_t n = at == NULL ? strlen(name) : (size_t)(at - name);

	if (at == NULL && n == 64 && text_unhex(slice_str(name), &b) == 0 &&
	    b.n == 32)
		return 0;
	if (at != NULL && peercert_serial(slice_of(name, n), serial) == 0 &&
	    strlen(serial) == n && memcmp(serial, name, n) == 0)
		return 0;
	return why_set(why, ERR_INVALID, "a certificate is named by "
	    "SERIAL@ISSUER, SERIAL@ or its fingerprint, in lower case hex");
}

static bool
gone(void *arg, const struct cert_peer *p)
{
	return access_cert_is(p, arg);
}

static int
change(struct app *app, const struct req *req, struct resp *resp,
    struct msg_revoked *m)
{
	struct store_event ev = {.id = 0};
	struct store_revoked r = {.at = loop_now(app->loop)};
	int rc = admin_begin(app);

	if (rc != 0)
		return rc;
	strcpy(r.name, m->name);
	strcpy(r.reason, m->reason);
	strcpy(ev.what, m->undo ? "certificate restored" :
	    "certificate revoked");
	snprintf(ev.detail, sizeof(ev.detail), "%.120s%s%.60s", m->name,
	    m->reason[0] != '\0' ? ": " : "", m->reason);
	rc = m->undo ? ST(app, revoked_remove, r.name) :
	    ST(app, revoked_put, &r);
	if (rc == ERR_NOT_FOUND)
		(void)why_set(&resp->why, rc, "it was not revoked");
	else if (rc == ERR_LIMIT)
		rc = why_set(&resp->why, ERR_STATE, "%d certificates are "
		    "revoked already; use client_crl for the rest",
		    LIMIT_REVOKED);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0 && !m->undo)
		front_forget_certs(app->front, gone, m->name);
	return rc;
}

/* --- the list --- */

struct after {
	char name[LIMIT_REVOKED_NAME + 1];
};

static int
fetch(struct app *app, void *filter, size_t limit, void *items, size_t *ret_n)
{
	const struct after *a = filter;

	return ST(app, revoked_list, a->name, limit, items, ret_n);
}

static void
advance(void *filter, const void *item)
{
	strcpy(((struct after *)filter)->name,
	    ((const struct store_revoked *)item)->name);
}

static int
render(struct app *app, const void *item, void *msg)
{
	const struct store_revoked *r = item;
	struct msg_revoked *m = msg;

	(void)app;
	memset(m, 0, sizeof(*m));
	strcpy(m->name, r->name);
	strcpy(m->reason, r->reason);
	m->at = r->at;
	return 0;
}

static void
cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%s",
	    ((const struct store_revoked *)item)->name);
}

int
res_admin_revoked(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_revoked,
	    sizeof(struct store_revoked), fetch, advance, render, cursor};
	static struct msg_revoked m;
	struct after a = {""};
	int rc;

	if (req->method == M_GET) {
		if (!slice_to_cstr(admin_query(req, "after"), a.name,
		    sizeof(a.name)))
			return why_set(&resp->why, ERR_INVALID, "after=");
		return admin_page(app, req, resp, &list, &a);
	}
	rc = admin_body(req, &msg_revoked, &m, &resp->why);
	if (rc == 0)
		rc = check_name(m.name, &resp->why);
	return rc != 0 ? rc : change(app, req, resp, &m);
}
