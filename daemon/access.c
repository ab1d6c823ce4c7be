/*
 * Credentials come from the store; a cache keeps the handshake storm after a
 * restart and `who` (asked once per request) off the SQL. It has room for as
 * many devices as there may be sessions by default, and more. It is emptied
 * whenever a credential changes, so that a removed device is nobody on its
 * very next request, whatever its session says; who adds ten thousand
 * credentials meanwhile wipes only what is in use.
 */
#include "daemon/access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/access_cert.h"
#include "daemon/access_impl.h"
#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/secret.h"
#include "lib/cose.h"
#include "lib/text.h"
#include "lib/uri.h"

#define WAYS 8
#define CACHE 32768
/* That a credential is in use must not be written at each request. */
#define USED_MS 3600000
#define MARKS 1024
#define KEY_FILE_MAX (64 * 1024)

struct entry {
	enum credential_kind kind;
	/* "": free; of a certificate with its endpoint behind it */
	char identity[LIMIT_PSK_IDENTITY + 1];
	uint64_t id, device;
	int64_t used, ends;
	size_t key_len; /* of a PSK */
	uint8_t key[LIMIT_PSK_KEY];
};

/* To be written. */
struct mark {
	uint64_t id;
	int64_t at;
};

struct access {
	struct operators *operators;
	struct slow slow; /* who guesses on the operators' port */
	struct entry cache[CACHE]; /* sets of WAYS */
	uint16_t used[CACHE]; /* entries that are not free */
	size_t used_n;
	unsigned turn; /* whose of a full set it is to go */
	struct mark mark[MARKS];
	size_t marks; /* more are marked at their next request */
	int64_t next_end; /* when the next credential ends; 0: look */
};

static int
open_file(const char *path, bool make, struct access **ret, struct why *why)
{
	struct access *a = calloc(1, sizeof(*a));
	int rc;

	if (a == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	rc = operators_open(path, make, &a->operators, why);
	if (rc != 0)
		free(a);
	else
		*ret = a;
	return rc;
}

int
access_open(const char *state_dir, struct access **ret, struct why *why)
{
	char path[SECRET_PATH];

	snprintf(path, sizeof(path), "%s/" ACCESS_FILE, state_dir);
	return open_file(path, true, ret, why);
}

int
access_open_conf(const struct conf *c, struct access **ret, struct why *why)
{
	char path[SECRET_PATH];

	if (secret_path(c->admin_psk, ACCESS_FILE, path))
		return open_file(path, false, ret, why);
	return access_open(c->state_dir, ret, why);
}

const char *
access_file(const struct access *a)
{
	return operators_file(a->operators);
}

void
access_free(struct access *a)
{
	if (a == NULL)
		return;
	operators_free(a->operators);
	access_forget(a);
	free(a);
}

struct operators *
access_operators(struct access *a)
{
	return a->operators;
}

struct slow *
access_slow(struct access *a)
{
	return &a->slow;
}

void
access_forget(struct access *a)
{
	a->next_end = 0;
	while (a->used_n > 0)
		explicit_bzero(&a->cache[a->used[--a->used_n]],
		    sizeof(a->cache[0]));
}

/* --- the front's hooks --- */

static struct entry *
set_of(struct access *a, const char *identity)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (const char *p = identity; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return &a->cache[(h ^ h >> 15) % (CACHE / WAYS) * WAYS];
}

/* Free, or given up; it counts as used from now on. */
static struct entry *
take(struct access *a, struct entry *set)
{
	struct entry *e = set;

	while (e < set + WAYS && e->identity[0] != '\0')
		e++;
	if (e == set + WAYS)
		return &set[a->turn++ % WAYS];
	a->used[a->used_n++] = (uint16_t)(e - a->cache);
	return e;
}

/* NULL: it is none any more. */
static struct entry *
valid(const struct app *app, struct entry *e)
{
	return e->ends == 0 || loop_now(app->loop) < e->ends ? e : NULL;
}

static struct entry *
find(struct access *a, enum credential_kind kind, const char *identity)
{
	struct entry *set = set_of(a, identity);

	for (struct entry *e = set; e < set + WAYS; e++)
		if (e->kind == kind && strcmp(e->identity, identity) == 0)
			return e;
	return NULL;
}

static struct entry *
keep(struct access *a, const char *identity, const struct store_credential *c)
{
	struct entry *e = take(a, set_of(a, identity));

	strcpy(e->identity, identity);
	e->kind = c->kind;
	e->id = c->id;
	e->device = c->device;
	e->used = c->used;
	e->ends = c->ends;
	e->key_len = c->kind == CREDENTIAL_PSK ? c->secret_len : 0;
	memcpy(e->key, c->secret, e->key_len);
	return e;
}

static struct entry *
credential(struct app *app, enum credential_kind kind, const char *identity)
{
	struct access *a = app->access;
	struct store_credential c;
	struct entry *e;

	if (identity[0] == '\0' || strlen(identity) > LIMIT_PSK_IDENTITY)
		return NULL;
	e = find(a, kind, identity);
	if (e != NULL)
		return valid(app, e);
	if (app->store->ops->credential_get(app->store, kind, identity,
	    &c) != 0)
		return NULL;
	e = keep(a, identity, &c);
	explicit_bzero(&c, sizeof(c));
	return valid(app, e);
}

/* --- certificates --- */

_Static_assert(sizeof(((struct cert_peer *)0)->identity) - 1 + LIMIT_EP <=
    LIMIT_PSK_IDENTITY, "an entry has room for both names");

static void
name_of(const struct cert_peer *p, char dst[LIMIT_PSK_IDENTITY + 1])
{
	snprintf(dst, LIMIT_PSK_IDENTITY + 1, "%s%s", p->identity, p->ep);
}

bool
access_known_cert(struct app *app, const struct cert_peer *p,
    struct principal *ret)
{
	char name[LIMIT_PSK_IDENTITY + 1];
	struct entry *e;

	name_of(p, name);
	e = find(app->access, CREDENTIAL_CERT, name);
	if (e == NULL || valid(app, e) == NULL)
		return false;
	ret->device = e->device;
	ret->credential = e->id;
	return true;
}

void
access_know_cert(struct app *app, const struct cert_peer *p,
    const struct store_credential *c)
{
	char name[LIMIT_PSK_IDENTITY + 1];

	name_of(p, name);
	(void)keep(app->access, name, c);
}

static void
mark_used(struct app *app, struct entry *e)
{
	struct access *a = app->access;
	int64_t now = loop_now(app->loop);

	if ((e->used != 0 && now - e->used < USED_MS) || a->marks == MARKS)
		return;
	e->used = now;
	a->mark[a->marks++] = (struct mark){e->id, now};
}

void
access_write_used(struct app *app)
{
	struct access *a = app->access;
	const struct store_ops *o = app->store->ops;
	int rc;

	if (a->marks == 0 || engine_begin(app->engine) != 0)
		return; /* the next tick tries again */
	rc = 0;
	for (size_t i = 0; rc == 0 && i < a->marks; i++) {
		rc = o->credential_used(app->store, a->mark[i].id,
		    a->mark[i].at);
		if (rc == ERR_NOT_FOUND) /* removed meanwhile */
			rc = 0;
	}
	if (engine_end(app->engine, rc) == 0)
		a->marks = 0;
}

int64_t
access_next_end(struct app *app)
{
	struct store_credential c;
	struct access *a = app->access;
	size_t n = 0;

	if (a->next_end == 0 && app->store->ops->credential_ended(app->store,
	    INT64_MAX, 1, &c, &n) == 0)
		a->next_end = n == 0 ? INT64_MAX : c.ends;
	return a->next_end != 0 ? a->next_end : INT64_MAX;
}

bool
access_is_revoked(struct app *app, uint64_t device)
{
	static struct store_device d;

	return app->store->ops->device_get(app->store, device, &d) == 0 &&
	    d.revoked;
}

int
access_psk(struct app *app, enum transport t, const char *identity,
    struct buf *ret_key)
{
	struct entry *e;

	if (t == T_ADMIN)
		return access_admin_psk(app, identity, ret_key);
	e = credential(app, CREDENTIAL_PSK, identity);
	if (e == NULL || access_is_revoked(app, e->device))
		return ERR_NOT_FOUND;
	buf_put(ret_key, slice_of(e->key, e->key_len));
	return 0;
}

/* `identity` may lie in *ret. */
void
access_who(struct app *app, enum transport t, const char *identity,
    struct principal *ret)
{
	struct principal p = {.role = ROLE_NOBODY};
	struct entry *e;

	if (t == T_ADMIN) {
		access_admin_who(app, identity, &p);
	} else if ((e = credential(app, t == T_OSCORE ? CREDENTIAL_OSCORE :
	    CREDENTIAL_PSK, identity)) != NULL) {
		p.role = ROLE_DEVICE;
		p.device = e->device;
		p.grade = GRADE_L1;
		p.credential = e->id;
		mark_used(app, e);
		snprintf(p.identity, sizeof(p.identity), "%s", identity);
	}
	if (p.role != ROLE_NOBODY)
		p.grade = GRADE_L1;
	*ret = p;
}

/* --- no author's private key here --- */

/* Also one that a pass-phrase protects, which cannot be read here. */
static bool
says_private(struct slice s)
{
	static const char mark[] = "PRIVATE KEY-----";

	return memmem(s.p, s.n, mark, sizeof(mark) - 1) != NULL;
}

static bool
holds_private_key(int dir, const char *name)
{
	static uint8_t bytes[KEY_FILE_MAX];
	struct cose_key *key;
	struct why why;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	bool found = false;

	if (fd >= 0)
		close(fd);
	if (n > 0 && says_private(slice_of(bytes, (size_t)n))) {
		found = true;
	} else if (n > 0 && cose_key_parse(slice_of(bytes, (size_t)n), &key,
	    &why) == 0) {
		found = cose_key_private(key);
		cose_key_free(key);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return found;
}

static bool
key_like(const char *name)
{
	static const char *const ends[] = {".pem", ".key", ".der", ".cbor"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (n > strlen(ends[i]) &&
		    strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

int
access_refuse_private_keys(const char *state_dir, struct why *why)
{
	DIR *dir = opendir(state_dir);
	struct dirent *de;
	int rc = 0;

	if (dir == NULL)
		return why_set(why, ERR_IO, "%s: %s", state_dir,
		    strerror(errno));
	while (rc == 0 && (de = readdir(dir)) != NULL) {
		if (key_like(de->d_name) &&
		    holds_private_key(dirfd(dir), de->d_name))
			rc = why_set(why, ERR_POLICY,
			    "%s/%s is a private key; suitd never holds one: "
			    "move it to the author's own machine and give "
			    "suitd the public key (suitctl author add)",
			    state_dir, de->d_name);
	}
	closedir(dir);
	return rc;
}

/* --- whose request --- */

void
access_say_claim(struct app *app, const struct req *req, const char *how,
    const char *ep)
{
	char more[FEW_TEXT];

	if (few_may(&app->claims, loop_mono(app->loop), more))
		log_warn("ident: refused peer=%s %s claims ep=%s%s",
		    req->peer, how, ep, more);
	else
		log_debug("ident: refused peer=%s %s claims ep=%s", req->peer,
		    how, ep);
}

static int
by_credential(struct app *app, const struct req *req, const char *ep,
    struct ident *id, struct why *why)
{
	char how[LIMIT_PSK_IDENTITY + 16];
	int rc = app->store->ops->device_get(app->store, req->who.device,
	    &id->dev);

	if (rc == ERR_NOT_FOUND) { /* removed in this very turn */
		memset(id, 0, sizeof(*id));
		return 0;
	}
	if (rc != 0)
		return rc;
	if (ep[0] != '\0' && strcmp(ep, id->dev.ep) != 0) {
		snprintf(how, sizeof(how), "identity=%s", req->who.identity);
		access_say_claim(app, req, how, ep);
		audit_refuse(app, &req->who, "IMPERSONATION", ep,
		    "the credential is of %s, from %s", id->dev.ep, req->addr);
		return why_set(why, ERR_FORBIDDEN,
		    "this credential speaks for another endpoint");
	}
	id->how = IDENT_CREDENTIAL;
	id->grade = req->who.grade;
	return 0;
}

static int
by_claim(struct app *app, const struct req *req, const char *ep,
    struct ident *id, struct why *why)
{
	int rc = app->store->ops->device_by_ep(app->store, ep, &id->dev);

	if (rc == ERR_NOT_FOUND) {
		memset(id, 0, sizeof(*id));
		snprintf(id->dev.ep, sizeof(id->dev.ep), "%s", ep);
		return 0;
	}
	if (rc != 0)
		return rc;
	if (id->dev.have_psk) {
		access_say_claim(app, req, "without its credential", ep);
		audit_refuse(app, &req->who, "IMPERSONATION", ep,
		    "without its credential, from %s", req->addr);
		return why_set(why, ERR_UNAUTHORIZED,
		    "this endpoint has a credential: use coaps");
	}
	id->how = IDENT_EP;
	return 0;
}

int
access_claim(const struct req *req, char dst[LIMIT_EP + 1], struct why *why)
{
	dst[0] = '\0';
	for (size_t i = 0; i < req->query_n; i++) {
		struct slice v = uri_query_value(req->query[i], "ep");

		if (v.p == NULL)
			continue;
		if (!text_name_ok(v, LIMIT_EP))
			return why_set(why, ERR_INVALID,
			    "ep: not an endpoint name");
		(void)slice_to_cstr(v, dst, LIMIT_EP + 1);
		return 0;
	}
	return 0;
}

int
access_revoked(const struct store_device *d, struct why *why)
{
	return !d->revoked ? 0 : why_set(why, ERR_FORBIDDEN,
	    "this device was revoked by an operator");
}

int
access_ident(struct app *app, const struct req *req, const char *ep,
    struct ident *ret, struct why *why)
{
	struct ident id = {0};
	char name[LIMIT_EP + 1];
	int rc;

	rc = access_claim(req, name, why);
	if (rc != 0)
		return rc;
	if (ep == NULL || ep[0] == '\0')
		ep = name;
	if (req->who.device != 0) {
		rc = by_credential(app, req, ep, &id, why);
	} else if (req->who.ep[0] != '\0') {
		rc = access_cert_ident(app, req, ep, &id, why);
	} else if (ep[0] != '\0') {
		rc = by_claim(app, req, ep, &id, why);
	} else {
		rc = app->store->ops->device_by_addr(app->store, req->addr,
		    &id.dev);
		if (rc == 0 && !id.dev.have_psk)
			id.how = IDENT_ADDRESS;
		else
			memset(&id, 0, sizeof(id));
		if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT)
			rc = 0;
	}
	if (rc == 0 && id.how != IDENT_NONE)
		rc = access_revoked(&id.dev, why);
	if (rc == 0)
		*ret = id;
	return rc;
}
