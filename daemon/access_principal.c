/*
 * Who comes to the operators' port: a line of admin.psk, or a principal of
 * the store with one of its keys. Asked anew for each request, so that who
 * was removed, or has other rights now, is so on his next request. The file
 * goes first: root's word.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "daemon/access.h"
#include "daemon/access_impl.h"
#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/log.h"

/* Its session is older than its key. */
static void
on_ended(void *arg, const char *identity)
{
	const struct app *app = arg;

	front_forget_admin(app->front, identity);
}

static const struct operator *
in_file(struct app *app, const char *name)
{
	return operators_find(access_operators(app->access), name,
	    &(struct operators_told){on_ended, app});
}

/* ERR_NOT_FOUND, too, when the key has come to its end. */
static int
find_key(struct app *app, const char *identity,
    struct store_principal_key *ret)
{
	struct store *s = app->store;
	int rc = s->ops->principal_key_get(s, identity, ret);

	if (rc == 0 && ret->ends != 0 && ret->ends <= loop_now(app->loop))
		rc = ERR_NOT_FOUND;
	return rc;
}

static int
stored_rights(struct app *app, const char *name, struct rights *ret)
{
	struct store_principal p;
	struct why why;
	int rc = app->store->ops->principal_get(app->store, name, &p);

	if (rc != 0)
		return rc;
	rc = rights_parse(slice_str(p.rights), NULL, ret, &why);
	if (rc != 0)
		log_error("principal: name=%s is nobody: %s", name, why.text);
	return rc;
}

int
access_rights(struct app *app, const char *name, struct rights *ret)
{
	const struct operator *op = in_file(app, name);

	if (op == NULL)
		return stored_rights(app, name, ret);
	*ret = op->rights;
	return 0;
}

bool
access_in_file(struct app *app, const char *name, struct rights *ret)
{
	const struct operator *op = in_file(app, name);

	if (op != NULL && ret != NULL)
		*ret = op->rights;
	return op != NULL;
}

int
access_admin_psk(struct app *app, const char *identity, struct buf *ret_key)
{
	const struct operator *op = in_file(app, identity);
	struct store_principal_key k;
	int rc;

	if (op != NULL) {
		buf_put(ret_key, slice_of(op->key, op->key_len));
		return 0;
	}
	rc = find_key(app, identity, &k);
	if (rc == 0)
		buf_put(ret_key, slice_of(k.key, k.key_len));
	explicit_bzero(&k, sizeof(k));
	return rc == 0 ? 0 : ERR_NOT_FOUND;
}

void
access_admin_who(struct app *app, const char *identity,
    struct principal *ret)
{
	struct store_principal_key k = {.key_len = 0};
	struct rights r = {.role = ROLE_NOBODY};
	const char *name = identity;

	if (!access_in_file(app, identity, &r)) {
		name = k.principal;
		if (find_key(app, identity, &k) != 0 ||
		    stored_rights(app, k.principal, &r) != 0)
			r.role = ROLE_NOBODY;
	}
	ret->role = r.role;
	ret->scope = r.scope;
	if (r.role != ROLE_NOBODY)
		snprintf(ret->identity, sizeof(ret->identity), "%s", name);
	explicit_bzero(&k, sizeof(k));
}

/* --- who guesses --- */

/* A zone behind a % is no matter: a prefix is the same in all of them. */
static bool
host_of(const char *text, uint8_t ret[16])
{
	char plain[LIMIT_ADDRESS];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(text, "%"), text);
	memset(ret, 0, 16);
	if (inet_pton(AF_INET6, plain, ret) == 1)
		return true;
	ret[10] = ret[11] = 0xff;
	return inet_pton(AF_INET, plain, ret + 12) == 1;
}

bool
access_knock(struct app *app, const char *host)
{
	uint8_t h[16];
	bool first;

	if (!host_of(host, h) || slow_knock(access_slow(app->access), h,
	    loop_mono(app->loop), &first))
		return true;
	if (!first)
		return false;
	log_warn("admin: slowed host=%s, too many handshakes from its "
	    "network came to nothing", host);
	audit_refuse(app, &(struct principal){.role = ROLE_NOBODY}, "SLOWED",
	    host, "too many handshakes from its network came to nothing");
	return false;
}

void
access_proved(struct app *app, const char *host)
{
	uint8_t h[16];

	if (host_of(host, h))
		slow_proved(access_slow(app->access), h);
}

/* --- the file of operators --- */

void
access_watch(struct app *app)
{
	struct operators *o = access_operators(app->access);
	const char *news = operators_news(o,
	    &(struct operators_told){on_ended, app});
	int rc;

	if (news == NULL || engine_begin(app->engine) != 0)
		return; /* the next tick tries again */
	rc = engine_end(app->engine, audit_add(app, NULL, AUDIT_OPERATORS,
	    operators_file(o), "%s", news));
	if (rc == 0)
		operators_news_told(o);
}
