#include "daemon/credential.h"

#include <stdio.h>

#include "daemon/access.h"
#include "daemon/admin_scope.h"
#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/res_admin.h"
#include "daemon/twin.h"

#define ENDED_AT_ONCE 50 /* of them in one tick */

const char *
credential_kind(enum credential_kind kind)
{
	static const char *const names[] = {
		[CREDENTIAL_PSK] = "psk", [CREDENTIAL_CERT] = "certificate",
		[CREDENTIAL_OSCORE] = "oscore",
	};

	return names[kind];
}

bool
credential_ended(const struct app *app, const struct store_credential *c)
{
	return c->ends != 0 && c->ends <= loop_now(app->loop);
}

int
credential_list(struct app *app, uint64_t device, struct credential_list *ret)
{
	size_t n = 0;
	int rc = ST(app, credential_list, device, ret->c, STORE_CREDENTIALS,
	    &n);

	if (rc != 0)
		return rc;
	ret->n = 0;
	for (size_t i = 0; i < n; i++)
		if (!credential_ended(app, &ret->c[i]))
			ret->c[ret->n++] = ret->c[i];
	return 0;
}

/* A key's identity is shown in logs and typed into devices. */
static bool
identity_ok(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < '!' || s[i] > '~')
			return false;
	return n >= 1 && n <= LIMIT_PSK_IDENTITY;
}

/* ERR_NOT_FOUND is what a new one needs. */
static int
find(struct app *app, const char *identity, struct store_credential *ret)
{
	return ST(app, credential_get, CREDENTIAL_PSK, identity, ret);
}

/* EP, EP#2, ...: the device has fewer than LIMIT_CREDENTIALS, so one of the
 * first few is free, unless others were given them. */
static int
free_identity(struct app *app, const char *ep,
    char ret[LIMIT_PSK_IDENTITY + 1])
{
	struct store_credential c;
	int rc = 0;

	snprintf(ret, LIMIT_PSK_IDENTITY + 1, "%s", ep);
	for (unsigned i = 2; i < 10; i++) {
		rc = find(app, ret, &c);
		explicit_bzero(&c, sizeof(c));
		if (rc != 0)
			return rc == ERR_NOT_FOUND ? 0 : rc;
		snprintf(ret, LIMIT_PSK_IDENTITY + 1, "%s#%u", ep, i);
	}
	return ERR_EXISTS;
}

static int
check(const struct credential_key *k, struct why *why)
{
	if (k->key.n < LIMIT_PSK_KEY_LEAST || k->key.n > LIMIT_PSK_KEY)
		return why_set(why, ERR_INVALID, "a key has %d to %d bytes",
		    LIMIT_PSK_KEY_LEAST, LIMIT_PSK_KEY);
	if (k->identity != NULL && k->identity[0] != '\0' &&
	    !identity_ok(k->identity))
		return why_set(why, ERR_INVALID, "an identity has 1 to %d "
		    "printable ASCII characters and no blank",
		    LIMIT_PSK_IDENTITY);
	if (k->overlap_ms < 0 || k->overlap_ms > LIMIT_OVERLAP_S * 1000LL)
		return why_set(why, ERR_RANGE, "an overlap is at most %d days",
		    LIMIT_OVERLAP_S / 86400);
	return 0;
}

/* Another device's identity is the end of it. */
static int
is_anothers(struct app *app, const struct store_device *d,
    const char *identity, struct store_credential *ret, struct why *why)
{
	static struct store_device other;
	int rc = find(app, identity, ret);

	if (rc == 0 && ret->device != d->id)
		return why_set(why, ERR_EXISTS, "the identity %s is another "
		    "device's", identity);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (strcmp(identity, d->ep) != 0 && ST(app, device_by_ep, identity,
	    &other) == 0)
		return why_set(why, ERR_EXISTS, "%s is the name of another "
		    "device", identity);
	return 0;
}

int
credential_end_others(struct app *app, uint64_t device,
    enum credential_kind kind, int64_t overlap)
{
	struct store_credential all[STORE_CREDENTIALS], c;
	size_t n = 0;
	int64_t ends = loop_now(app->loop) + overlap;
	int rc = ST(app, credential_list, device, all, STORE_CREDENTIALS, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (all[i].kind != kind)
			continue;
		if (overlap == 0 || credential_ended(app, &all[i])) {
			rc = ST(app, credential_remove, all[i].id);
			continue;
		}
		if (all[i].ends != 0 && all[i].ends <= ends)
			continue;
		/* with its secret */
		rc = ST(app, credential_get, kind, all[i].identity, &c);
		c.ends = ends;
		if (rc == 0)
			rc = ST(app, credential_put, &c);
		explicit_bzero(&c, sizeof(c));
	}
	return rc;
}

static int
choose(struct app *app, const struct store_device *d,
    const struct credential_key *k, struct store_credential *c,
    struct why *why)
{
	char name[LIMIT_PSK_IDENTITY + 1];
	int rc;

	snprintf(name, sizeof(name), "%s", k->identity == NULL ||
	    k->identity[0] == '\0' ? d->ep : k->identity);
	if (k->overlap_ms > 0 && (k->identity == NULL ||
	    k->identity[0] == '\0') &&
	    (rc = free_identity(app, d->ep, name)) != 0)
		return why_set(why, rc, "no identity is free for a second "
		    "key; give one");
	rc = is_anothers(app, d, name, c, why);
	if (rc == 0 && k->overlap_ms > 0 && c->id != 0)
		rc = why_set(why, ERR_EXISTS, "the identity %s has a key; a "
		    "second key needs an identity of its own", name);
	strcpy(c->identity, name);
	return rc;
}

int
credential_give(struct app *app, struct store_device *d,
    const struct credential_key *k, struct store_credential *ret,
    struct why *why)
{
	struct store_credential c = {.kind = CREDENTIAL_PSK};
	struct credential_list l;
	size_t keys = 0;
	int rc = check(k, why);

	if (rc == 0)
		rc = credential_list(app, d->id, &l);
	for (size_t i = 0; rc == 0 && i < l.n; i++)
		keys += l.c[i].kind == CREDENTIAL_PSK;
	if (rc == 0 && k->overlap_ms > 0 && keys >= LIMIT_CREDENTIALS)
		rc = why_set(why, ERR_STATE, "%s has %d valid keys already; "
		    "revoke one, or wait for its end", d->ep,
		    LIMIT_CREDENTIALS);
	if (rc == 0)
		rc = choose(app, d, k, &c, why);
	/* first, since they count */
	if (rc == 0)
		rc = credential_end_others(app, d->id, CREDENTIAL_PSK,
		    k->overlap_ms);
	if (rc != 0) {
		explicit_bzero(c.secret, sizeof(c.secret));
		return rc;
	}
	c.id = 0; /* that one was removed */
	c.device = d->id;
	c.created = loop_now(app->loop);
	c.used = c.ends = 0;
	c.secret_len = k->key.n;
	memcpy(c.secret, k->key.p, k->key.n);
	rc = ST(app, credential_put, &c);
	if (rc == 0 && !d->have_psk) {
		d->have_psk = true;
		rc = ST(app, device_put, d);
	}
	if (rc == 0)
		*ret = c;
	explicit_bzero(c.secret, sizeof(c.secret));
	return rc;
}

static int
log_shares(struct app *app, const struct store_device *d, const char *other)
{
	struct store_event ev = {.kind = "device", .device = d->id,
	    .what = "key shared"};
	int rc;

	strcpy(ev.ep, d->ep);
	snprintf(ev.detail, sizeof(ev.detail), "it shares its key with %s; "
	    "each can speak for the other", other);
	rc = audit_add(app, NULL, AUDIT_DEVICE_TWIN, d->ep, "%s", ev.detail);
	return rc != 0 ? rc : engine_log(app->engine, &ev);
}

int
credential_shares(struct app *app, const struct req *req,
    const struct store_device *d, const struct store_credential *c,
    char ret[LIMIT_EP + 1])
{
	static struct store_device other;
	struct store_credential same;
	int rc = ST(app, credential_same, c, &same);

	ret[0] = '\0';
	if (rc != 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = ST(app, device_get, same.device, &other);
	if (rc != 0)
		return rc;
	strcpy(ret, admin_sees_device(req, &other) ? other.ep :
	    MSG_SHARES_HIDDEN);
	return log_shares(app, d, ret);
}

void
credential_settle(struct app *app, uint64_t device,
    const struct credential_list *before)
{
	static struct store_device d;
	struct credential_list now = {.n = 0};
	size_t k;

	access_forget(app->access);
	if (ST(app, device_get, device, &d) == 0 && !d.revoked &&
	    credential_list(app, device, &now) != 0)
		now.n = 0; /* in doubt all of them */
	for (size_t i = 0; i < before->n; i++) {
		for (k = 0; k < now.n; k++)
			if (before->c[i].id == now.c[k].id)
				break;
		if (k < now.n)
			continue;
		front_forget(app->front, before->c[i].identity);
		twin_forget(app, &before->c[i]);
	}
}

static void
say_ended(struct app *app, const struct store_credential *c,
    struct store_event *ev)
{
	static struct store_device d;
	struct credential_list left = {.n = 0};
	bool used = false;

	*ev = (struct store_event){.kind = "device", .device = c->device};
	strcpy(ev->what, "credential ended");
	if (c->device != 0 && ST(app, device_get, c->device, &d) == 0)
		strcpy(ev->ep, d.ep);
	if (c->device == 0 || credential_list(app, c->device, &left) != 0)
		left.n = 0;
	for (size_t i = 0; i < left.n; i++)
		used |= left.c[i].used != 0;
	snprintf(ev->detail, sizeof(ev->detail), "%s %s%s",
	    credential_kind(c->kind), c->identity, used ? "" : left.n == 0 ?
	    "; it was the last one" : "; the new one was never used, the "
	    "device may not have it");
}

static int
end_one(struct app *app, const struct store_credential *c)
{
	struct store_event ev;
	int rc = engine_begin(app->engine);

	if (rc != 0)
		return rc;
	say_ended(app, c, &ev);
	rc = ST(app, credential_remove, c->id);
	if (rc == 0)
		rc = audit_add(app, NULL, AUDIT_CREDENTIAL_END, ev.ep, "%s",
		    ev.detail);
	if (rc == 0)
		rc = engine_log(app->engine, &ev);
	rc = engine_end(app->engine, rc);
	if (rc == 0)
		engine_say(app->engine, "credential: ended ep=%s %s", ev.ep,
		    ev.detail);
	return rc;
}

void
credential_tick(struct app *app)
{
	struct store_credential ended[ENDED_AT_ONCE];
	int64_t now = loop_now(app->loop);
	size_t n = 0;

	access_write_used(app);
	access_watch(app);
	twin_tick(app);
	if (now < access_next_end(app))
		return;
	if (ST(app, credential_ended, now, ENDED_AT_ONCE, ended, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (end_one(app, &ended[i]) != 0)
			break; /* the next tick tries again */
		front_forget(app->front, ended[i].identity);
		twin_forget(app, &ended[i]);
	}
	access_forget(app->access);
}
