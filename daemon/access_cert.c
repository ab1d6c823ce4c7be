/*
 * Who asks is looked up once for each request, so whose certificate it is
 * comes from the cache of access.c, which is emptied by whatever changes a
 * credential. What a name is not (revoked, for another device) is not kept:
 * it is asked in handshakes, and of open sessions when it may have changed.
 */
#include "daemon/access_cert.h"

#include <stdio.h>
#include <time.h>

#include "daemon/access_impl.h"
#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/log.h"

#define USED_MS 3600000 /* it is written no more often */

/* --- may it let in --- */

static void
name_of(const struct cert_peer *p, bool any_issuer,
    char dst[LIMIT_REVOKED_NAME + 1])
{
	snprintf(dst, LIMIT_REVOKED_NAME + 1, "%s@%s", p->id.serial,
	    any_issuer ? "" : p->id.issuer);
}

bool
access_cert_is(const struct cert_peer *p, const char *name)
{
	char full[LIMIT_REVOKED_NAME + 1], any[LIMIT_REVOKED_NAME + 1];

	name_of(p, false, full);
	name_of(p, true, any);
	return strcmp(name, p->identity) == 0 || strcmp(name, full) == 0 ||
	    strcmp(name, any) == 0;
}

/* What cannot be looked up is not let in. */
static int
revoked(struct app *app, const struct cert_peer *p, struct why *why)
{
	char name[3][LIMIT_REVOKED_NAME + 1];
	struct store_revoked r;
	int rc = ERR_NOT_FOUND;

	snprintf(name[0], sizeof(name[0]), "%s", p->identity);
	name_of(p, false, name[1]);
	name_of(p, true, name[2]);
	for (int i = 0; i < 3 && rc == ERR_NOT_FOUND; i++)
		rc = ST(app, revoked_get, name[i], &r);
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc != 0 ? rc : why_set(why, ERR_POLICY, "certificate serial=%s "
	    "was revoked by an operator", p->id.serial);
}

/* "serial HEX, until DATE, ISSUER": of these the first and the last. */
static bool
read_label(const char *label, char serial[2 * LIMIT_CERT_SERIAL + 2],
    const char **ret_issuer)
{
	static const char begin[] = "serial ", until[] = ", until ";
	const char *s = label + sizeof(begin) - 1, *p;
	size_t n;

	if (strncmp(label, begin, sizeof(begin) - 1) != 0 ||
	    (p = strstr(s, until)) == NULL)
		return false;
	n = (size_t)(p - s);
	p = strstr(p + sizeof(until) - 1, ", ");
	if (p == NULL || n == 0 || n > 2 * LIMIT_CERT_SERIAL)
		return false;
	memcpy(serial, s, n);
	strcpy(serial + n, "@");
	*ret_issuer = p + 2;
	return true;
}

/* Of those that begin with this serial number. */
static int
revoked_by_label(struct app *app, const char *label, int64_t *ret_at)
{
	static struct store_revoked page[LIMIT_PAGE];
	char serial[2 * LIMIT_CERT_SERIAL + 2];
	char after[LIMIT_REVOKED_NAME + 1] = "";
	const char *issuer;
	size_t n = LIMIT_PAGE, at;
	int rc = 0;

	if (!read_label(label, serial, &issuer))
		return ERR_NOT_FOUND;
	rc = ST(app, revoked_get, serial, &page[0]);
	if (rc == 0)
		*ret_at = page[0].at;
	if (rc != ERR_NOT_FOUND)
		return rc;
	strcpy(after, serial);
	at = strlen(serial);
	while (n == LIMIT_PAGE) {
		rc = ST(app, revoked_list, after, LIMIT_PAGE, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			if (strncmp(page[i].name, serial, at) != 0)
				return ERR_NOT_FOUND;
			if (strncmp(page[i].name + at, issuer,
			    strlen(issuer)) == 0) {
				*ret_at = page[i].at;
				return 0;
			}
			strcpy(after, page[i].name);
		}
		if (rc != 0)
			return rc;
	}
	return ERR_NOT_FOUND;
}

int
access_cert_revoked(struct app *app, const struct store_credential *c,
    int64_t *ret_at)
{
	struct store_revoked r;
	int rc = ERR_NOT_FOUND;

	if (c->kind != CREDENTIAL_CERT)
		return rc;
	rc = ST(app, revoked_get, c->identity, &r);
	if (rc == 0)
		*ret_at = r.at;
	return rc != ERR_NOT_FOUND ? rc : revoked_by_label(app, c->label,
	    ret_at);
}

/* Entered for the device? ERR_NOT_FOUND: for none. */
static int
entered(struct app *app, const struct cert_peer *p, uint64_t device,
    struct store_credential *c, struct why *why)
{
	int rc = ST(app, credential_get, CREDENTIAL_CERT, p->identity, c);

	if (rc == 0 && c->device != device)
		return why_set(why, ERR_CONFLICT, "the certificate is entered "
		    "for another device than %s", p->ep);
	if (rc == 0 && c->ends != 0 && c->ends <= loop_now(app->loop))
		return ERR_NOT_FOUND;
	return rc;
}

int
access_cert(struct app *app, const struct cert_peer *p, struct why *why)
{
	static struct store_device d;
	struct store_credential c;
	int rc = revoked(app, p, why);

	if (rc != 0)
		return rc;
	rc = ST(app, device_by_ep, p->ep, &d);
	if (rc == ERR_NOT_FOUND)
		d.id = 0;
	else if (rc != 0)
		return rc;
	else if (d.revoked)
		return why_set(why, ERR_POLICY, "device %s was revoked by an "
		    "operator", p->ep);
	rc = entered(app, p, d.id, &c, why);
	if (rc == ERR_NOT_FOUND && app->conf.client_pinned)
		return why_set(why, ERR_POLICY, "client_pinned: no operator "
		    "has entered this certificate for %s", p->ep);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- who it is --- */

void
access_cert_who(struct app *app, const struct cert_peer *p,
    struct principal *ret)
{
	static struct store_device d;
	struct store_credential c;

	*ret = (struct principal){.role = ROLE_DEVICE, .grade = GRADE_L1};
	snprintf(ret->identity, sizeof(ret->identity), "%s", p->identity);
	strcpy(ret->ep, p->ep);
	if (access_known_cert(app, p, ret) ||
	    ST(app, device_by_ep, p->ep, &d) != 0)
		return;
	ret->device = d.id;
	if (ST(app, credential_get, CREDENTIAL_CERT, p->identity, &c) != 0 ||
	    c.device != d.id)
		return;
	ret->credential = c.id;
	access_know_cert(app, p, &c);
}

int
access_cert_ident(struct app *app, const struct req *req, const char *ep,
    struct ident *ret, struct why *why)
{
	char how[LIMIT_EP + 24];

	if (ep[0] != '\0' && strcmp(ep, req->who.ep) != 0) {
		snprintf(how, sizeof(how), "certificate of ep=%s",
		    req->who.ep);
		access_say_claim(app, req, how, ep);
		audit_refuse(app, &req->who, "IMPERSONATION", ep,
		    "the certificate is of %s, from %s", req->who.ep,
		    req->addr);
		return why_set(why, ERR_FORBIDDEN,
		    "this certificate speaks for another endpoint");
	}
	memset(ret, 0, sizeof(*ret));
	strcpy(ret->dev.ep, req->who.ep);
	ret->grade = req->who.grade;
	return 0;
}

/* --- it is entered --- */

static int64_t
last_use(const struct store_credential *c)
{
	return c->used > c->created ? c->used : c->created;
}

/* The one that was shown longest ago makes room. */
static int
make_room(struct app *app, uint64_t device, bool replace)
{
	struct store_credential all[STORE_CREDENTIALS], *oldest = NULL;
	size_t n = 0, certs = 0;
	int rc = ST(app, credential_list, device, all, STORE_CREDENTIALS, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (all[i].kind != CREDENTIAL_CERT)
			continue;
		certs++;
		if (oldest == NULL || last_use(&all[i]) < last_use(oldest))
			oldest = &all[i];
	}
	if (rc != 0 || certs < LIMIT_CREDENTIALS)
		return rc;
	return replace ? ST(app, credential_remove, oldest->id) : ERR_LIMIT;
}

int
access_cert_enter(struct app *app, struct store_device *d,
    const struct store_credential *c, bool replace)
{
	struct store_credential old, new = *c;
	int rc = ST(app, credential_get, CREDENTIAL_CERT, c->identity, &old);

	if (rc == 0 && old.device != d->id)
		return ERR_EXISTS;
	if (rc == 0)
		new.id = old.id;
	else if (rc == ERR_NOT_FOUND)
		rc = make_room(app, d->id, replace);
	new.device = d->id;
	new.kind = CREDENTIAL_CERT;
	if (rc == 0)
		rc = ST(app, credential_put, &new);
	access_forget(app->access);
	if (rc == 0 && !d->have_psk) {
		d->have_psk = true;
		rc = ST(app, device_put, d);
	}
	return rc;
}

static void
describe(const struct cert_peer *p, struct store_credential *c)
{
	time_t t = (time_t)(p->id.until / 1000);
	char date[16] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	snprintf(c->identity, sizeof(c->identity), "%s", p->identity);
	snprintf(c->label, sizeof(c->label), "serial %s, until %s, %.48s",
	    p->id.serial, date, p->id.issuer);
}

static int
enter_new(struct app *app, struct store_device *d, struct store_credential *c)
{
	struct store_event ev = {.kind = "device", .device = d->id,
	    .grade = GRADE_L1, .what = "certificate entered"};
	int rc;

	strcpy(ev.ep, d->ep);
	snprintf(ev.detail, sizeof(ev.detail), "%.80s", c->label);
	engine_say(app->engine, "device: ep=%s certificate entered: %s",
	    d->ep, c->label);
	rc = audit_add(app, NULL, AUDIT_DEVICE_CERT, d->ep, "shown by the "
	    "device for the first time: %s, %s", c->identity, c->label);
	return rc != 0 ? rc : engine_log(app->engine, &ev);
}

void
access_cert_shown(struct app *app, const struct cert_peer *p)
{
	static struct store_device d;
	struct store_credential c = {.id = 0};
	int64_t now = loop_now(app->loop);
	int rc = ST(app, device_by_ep, p->ep, &d);
	bool old;

	if (rc != 0)
		return; /* it may register */
	old = ST(app, credential_get, CREDENTIAL_CERT, p->identity, &c) == 0;
	if (old && d.have_psk && c.label[0] != '\0' && c.used != 0 &&
	    now - c.used < USED_MS)
		return;
	describe(p, &c);
	c.created = c.created != 0 ? c.created : now;
	c.used = now;
	rc = engine_begin(app->engine);
	if (rc == 0) {
		rc = access_cert_enter(app, &d, &c, true);
		if (rc == 0 && !old)
			rc = enter_new(app, &d, &c);
		rc = engine_end(app->engine, rc);
	}
	if (rc != 0)
		log_error("device: ep=%s its certificate could not be "
		    "entered: %s", d.ep, err_text(rc));
}
