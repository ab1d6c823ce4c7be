/*
 * An OSCORE context. A request names it by the device's id, so ids are
 * unique among all devices: four random bytes, which each request carries.
 */
#include <sys/random.h>

#include "daemon/credential.h"
#include "daemon/oscore.h"
#include "daemon/res_admin.h"

#define MASTER 16
#define SALT 8
#define OURS 's' /* this side's id, the same in all contexts */
#define THEIRS 4 /* bytes of the device's id */
#define TRIES 8

static int
make(struct slice context, struct oscore_secret *s)
{
	uint8_t r[MASTER + SALT + THEIRS];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return ERR_IO;
	*s = (struct oscore_secret){.master_n = MASTER, .salt_n = SALT,
	    .sender = {1, {OURS}}, .recipient.n = THEIRS,
	    .have_context = context.p != NULL, .context_n = context.n};
	memcpy(s->master, r, MASTER);
	memcpy(s->salt, r + MASTER, SALT);
	memcpy(s->recipient.b, r + MASTER + SALT, THEIRS);
	if (context.n > 0)
		memcpy(s->context, context.p, context.n);
	explicit_bzero(r, sizeof(r));
	return 0;
}

/* One that no other device has. */
static int
make_new(struct app *app, struct slice context, struct oscore_secret *s,
    struct store_credential *c)
{
	struct buf out = buf_of(c->secret, sizeof(c->secret));
	struct store_credential other;
	int rc = 0;

	for (int i = 0; i < TRIES && rc == 0; i++) {
		rc = make(context, s);
		if (rc != 0)
			return rc;
		oscore_identity(slice_of(s->recipient.b, s->recipient.n),
		    s->have_context, context, c->identity);
		rc = ST(app, credential_get, CREDENTIAL_OSCORE, c->identity,
		    &other);
		explicit_bzero(&other, sizeof(other));
	}
	if (rc != ERR_NOT_FOUND)
		return rc == 0 ? ERR_EXISTS : rc;
	oscore_secret_put(s, &out);
	c->secret_len = out.n;
	return out.over ? ERR_SPACE : 0;
}

static int
check(struct app *app, const struct store_device *d,
    const struct credential_oscore *k, struct why *why)
{
	struct credential_list l;
	size_t n = 0;
	int rc = credential_list(app, d->id, &l);

	if (rc != 0)
		return rc;
	if (k->overlap_ms < 0 || k->overlap_ms > LIMIT_OVERLAP_S * 1000LL)
		return why_set(why, ERR_RANGE, "an overlap is at most %d days",
		    LIMIT_OVERLAP_S / 86400);
	if (k->context.n > LIMIT_OSCORE_CONTEXT)
		return why_set(why, ERR_RANGE, "an ID Context has at most %d "
		    "bytes", LIMIT_OSCORE_CONTEXT);
	for (size_t i = 0; i < l.n; i++)
		n += l.c[i].kind == CREDENTIAL_OSCORE;
	return k->overlap_ms > 0 && n >= LIMIT_CREDENTIALS ?
	    why_set(why, ERR_STATE, "%s has %d valid contexts already; "
	    "revoke one, or wait for its end", d->ep, LIMIT_CREDENTIALS) : 0;
}

int
credential_give_oscore(struct app *app, struct store_device *d,
    const struct credential_oscore *k, struct store_credential *ret,
    struct oscore_secret *ret_secret, struct why *why)
{
	struct store_credential c = {.kind = CREDENTIAL_OSCORE,
	    .device = d->id, .created = loop_now(app->loop)};
	struct oscore_secret s;
	int rc = check(app, d, k, why);

	if (rc == 0)
		rc = make_new(app, k->context, &s, &c);
	if (rc == 0)
		rc = credential_end_others(app, d->id, CREDENTIAL_OSCORE,
		    k->overlap_ms);
	if (rc == 0)
		rc = ST(app, credential_put, &c);
	if (rc == 0 && !d->have_psk) {
		d->have_psk = true;
		rc = ST(app, device_put, d);
	}
	if (rc == 0) {
		*ret = c;
		*ret_secret = s;
	}
	explicit_bzero(&c, sizeof(c));
	explicit_bzero(&s, sizeof(s));
	return rc;
}
