/* Credentials of a device: a new key, which there are, one that goes. */
#include <stdio.h>
#include <sys/random.h>

#include "daemon/access_cert.h"
#include "daemon/credential.h"
#include "daemon/log.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

/* The key of the request, or one that we make. */
static int
take_key(const struct req *req, const struct store_device *d,
    struct msg_psk *m, struct why *why)
{
	int rc = 0;

	if (req->method == M_PUT)
		rc = admin_body(req, &msg_psk, m, why);
	else if (getrandom(m->key, CREDENTIAL_NEW, 0) != CREDENTIAL_NEW)
		rc = ERR_IO;
	else
		m->key_len = CREDENTIAL_NEW;
	if (rc == 0 && m->identity[0] != '\0' &&
	    strcmp(m->identity, d->ep) != 0)
		rc = why_set(why, ERR_INVALID, "the identity of a device is "
		    "its endpoint name; leave it out");
	return rc;
}

static int
set_key(struct app *app, const struct req *req, struct resp *resp,
    struct store_device *d, const struct credential_key *k,
    struct msg_psk_set *ret)
{
	struct store_event ev = {.what = "device key set", .device = d->id};
	struct store_credential c;
	struct credential_list had;
	int rc = credential_list(app, d->id, &had);

	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	strcpy(ev.ep, d->ep);
	rc = credential_give(app, d, k, &c, &resp->why);
	if (rc == 0) {
		strcpy(ret->identity, c.identity);
		snprintf(ev.detail, sizeof(ev.detail), "%.60s%s",
		    c.identity, k->overlap_ms > 0 ?
		    " beside the old one" : "");
		rc = credential_shares(app, req, d, &c, ret->shares);
		explicit_bzero(&c, sizeof(c));
	}
	rc = admin_end(app, req, resp, &ev, rc);
	credential_settle(app, d->id, &had);
	if (rc == 0 && ret->shares[0] != '\0')
		log_warn("credential: ep=%s shares its key with %s", d->ep,
		    ret->shares);
	return rc;
}

/*
 * A new key is the end of the old one: at once, with the identity that is
 * the endpoint name, or after overlap= seconds, with another. A key that we
 * make is shown in this answer only.
 */
int
res_admin_device_psk(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	struct msg_psk_set said = {.shares = ""};
	struct msg_psk m = {.key_len = 0};
	struct credential_key k = {.identity = NULL};
	uint64_t overlap = 0;
	bool json = false;
	int rc = admin_device(app, req, &d, &resp->why);

	resp->secret = true;
	if (rc == 0)
		rc = admin_query_u64(req, "overlap", 0, &overlap, &resp->why);
	if (rc == 0)
		rc = admin_format(req, resp, &json); /* before it is done */
	if (rc == 0)
		rc = take_key(req, &d, &m, &resp->why);
	if (rc != 0) {
		explicit_bzero(&m, sizeof(m));
		return rc;
	}
	k.key = slice_of(m.key, m.key_len);
	k.overlap_ms = (int64_t)(overlap > LIMIT_OVERLAP_S ?
	    LIMIT_OVERLAP_S + 1LL : (int64_t)overlap) * 1000;
	rc = set_key(app, req, resp, &d, &k, &said);
	if (rc == 0 && req->method == M_POST) {
		resp->code = 201;
		strcpy(m.identity, said.identity);
		rc = admin_put(req, resp, &msg_psk, &m);
	} else if (rc == 0)
		rc = admin_put(req, resp, &msg_psk_set, &said);
	explicit_bzero(&m, sizeof(m));
	return rc;
}

static int
render(struct app *app, const struct store_credential *c,
    struct msg_credential *ret)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->id = c->id;
	snprintf(ret->kind, sizeof(ret->kind), "%s", credential_kind(c->kind));
	strcpy(ret->identity, c->identity);
	strcpy(ret->label, c->label);
	ret->created = c->created;
	ret->used = c->used;
	ret->ends = c->ends;
	rc = access_cert_revoked(app, c, &ret->revoked);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int
res_admin_device_credentials(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	struct credential_list l;
	struct msg_page_out page;
	struct msg_credential m;
	bool json = false;
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc == 0)
		rc = credential_list(app, d.id, &l);
	if (rc == 0)
		rc = admin_format(req, resp, &json);
	if (rc != 0)
		return rc;
	msg_page_begin(&page, &msg_credential, json, &resp->out);
	for (size_t i = 0; i < l.n; i++) {
		rc = render(app, &l.c[i], &m);
		if (rc != 0)
			return rc;
		if (!msg_page_add(&page, &m))
			return ERR_SPACE;
	}
	msg_page_end(&page, NULL);
	return 0;
}

/* By its identity, or its number. */
static const struct store_credential *
find(const struct credential_list *l, const char *name)
{
	uint64_t id = 0;
	bool number = text_u64(slice_str(name), &id) == 0;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->c[i].identity, name) == 0)
			return &l->c[i];
	for (size_t i = 0; number && i < l->n; i++)
		if (l->c[i].id == id)
			return &l->c[i];
	return NULL;
}

/* Else its authority would let it in again. */
static int
revoke_cert(struct app *app, const struct store_credential *c)
{
	struct store_revoked r = {.at = loop_now(app->loop)};

	snprintf(r.name, sizeof(r.name), "%s", c->identity);
	snprintf(r.reason, sizeof(r.reason), "%.100s", c->label);
	return ST(app, revoked_put, &r);
}

int
res_admin_device_credential(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	struct store_event ev = {.what = "credential revoked"};
	const struct store_credential *c = NULL;
	struct credential_list had;
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc == 0)
		rc = credential_list(app, d.id, &had);
	if (rc == 0 && (c = find(&had, req->arg[1])) == NULL)
		rc = why_set(&resp->why, ERR_NOT_FOUND, "%s has no such "
		    "credential; suitctl device credentials %s lists them",
		    d.ep, d.ep);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	ev.device = d.id;
	strcpy(ev.ep, d.ep);
	snprintf(ev.detail, sizeof(ev.detail), "%s %.60s",
	    credential_kind(c->kind), c->identity);
	rc = ST(app, credential_remove, c->id);
	if (rc == 0 && c->kind == CREDENTIAL_CERT)
		rc = revoke_cert(app, c);
	rc = admin_end(app, req, resp, &ev, rc);
	credential_settle(app, d.id, &had);
	return rc;
}
