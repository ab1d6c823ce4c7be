/*
 * Principals: who may do what. Nobody gives what he has not, takes what he
 * could not give, or changes himself, so that rights only ever get less on
 * their way. Lines of admin.psk are shown, but they are root's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "daemon/access.h"
#include "daemon/audit.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

#define KEY_NEW 16 /* bytes */
#define OVERLAP_MOST (366u * 86400) /* seconds */

/* --- lists --- */

static int
list_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	return ST(app, principal_list, filter, limit, items, ret_n);
}

static void
list_advance(void *filter, const void *item)
{
	strcpy(filter, ((const struct store_principal *)item)->name);
}

static int
list_render(struct app *app, const void *item, void *msg)
{
	const struct store_principal *p = item;
	struct msg_principal *m = msg;
	struct store_principal_key k[LIMIT_PRINCIPAL_KEYS];
	size_t n = 0;
	int rc = ST(app, principal_key_list, p->name, k, LIMIT_PRINCIPAL_KEYS,
	    &n);

	strcpy(m->name, p->name);
	strcpy(m->rights, p->rights);
	strcpy(m->by, p->by);
	m->created = p->created;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct msg_principal_key *to = &m->key[m->key_count];

		if (k[i].ends != 0 && k[i].ends <= loop_now(app->loop))
			continue;
		m->key_count++;
		strcpy(to->identity, k[i].identity);
		to->created = k[i].created;
		to->ends = k[i].ends;
	}
	explicit_bzero(k, sizeof(k));
	return rc;
}

static void
list_cursor(const void *item, char dst[MSG_CURSOR])
{
	strcpy(dst, ((const struct store_principal *)item)->name);
}

int
res_admin_principals(struct app *app, const struct req *req,
    struct resp *resp)
{
	static const struct admin_list list = {&msg_principal,
	    sizeof(struct store_principal), list_fetch, list_advance,
	    list_render, list_cursor};
	char after[LIMIT_KEY_NAME + 1];

	if (!slice_to_cstr(admin_query(req, "after"), after, sizeof(after)))
		return why_set(&resp->why, ERR_SIZE, "after= is too long");
	return admin_page(app, req, resp, &list, after);
}

/* --- one --- */

static int
find(struct app *app, const struct req *req, struct store_principal *ret,
    struct why *why)
{
	int rc = ST(app, principal_get, req->arg[0], ret);

	return rc != ERR_NOT_FOUND ? rc : why_set(why, rc, access_in_file(app,
	    req->arg[0], NULL) ? "this principal is a line of admin.psk: "
	    "change it there" : "no such principal; `suitctl principal list` "
	    "shows them");
}

/* What was stored is below who asks; what cannot be read has nothing. */
static int
check_below(const struct req *req, const char *rights, struct why *why)
{
	struct rights r;

	if (rights_parse(slice_str(rights), NULL, &r, NULL) != 0 ||
	    (r.role & ~req->who.role) == 0)
		return 0;
	return why_set(why, ERR_FORBIDDEN, "this principal has a role that "
	    "you have not");
}

static int
check_other(const struct req *req, struct why *why)
{
	return strcmp(req->arg[0], req->who.identity) != 0 ? 0 : why_set(why,
	    ERR_FORBIDDEN, "nobody changes his own rights");
}

static int
show_file(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_principal m;
	struct rights r;
	struct buf b = buf_of(m.rights, LIMIT_RIGHTS);

	memset(&m, 0, sizeof(m));
	if (!access_in_file(app, req->arg[0], &r))
		return ERR_NOT_FOUND;
	rights_print(&r, &b);
	snprintf(m.name, sizeof(m.name), "%s", req->arg[0]);
	m.file = true;
	return admin_put(req, resp, &msg_principal, &m);
}

static int
show(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_principal m;
	struct store_principal p;
	int rc = show_file(app, req, resp);

	if (rc != ERR_NOT_FOUND)
		return rc;
	rc = find(app, req, &p, &resp->why);
	memset(&m, 0, sizeof(m));
	if (rc == 0)
		rc = list_render(app, &p, &m);
	return rc != 0 ? rc : admin_put(req, resp, &msg_principal, &m);
}

/* Identities of keys are NAME:NUMBER, so a name has no colon. */
static int
check_name(struct app *app, const char *name, struct why *why)
{
	if (!text_name_ok(slice_str(name), LIMIT_KEY_NAME) ||
	    strchr(name, ':') != NULL)
		return why_set(why, ERR_INVALID, "a principal's name has "
		    "letters, digits and ._@- , %d at most", LIMIT_KEY_NAME);
	return access_in_file(app, name, NULL) ? why_set(why, ERR_EXISTS,
	    "%s is a line of admin.psk", name) : 0;
}

/* The rights that are asked for, in their canonical form. */
static int
read_rights(struct app *app, const struct req *req,
    struct store_principal *p, struct why *why)
{
	static struct msg_principal_put in;
	struct buf b = buf_of(p->rights, LIMIT_RIGHTS);
	struct rights r;
	int rc = admin_body(req, &msg_principal_put, &in, why);

	if (rc == 0)
		rc = rights_parse(slice_str(in.rights), &app->conf, &r, why);
	if (rc != 0)
		return rc;
	if (r.role & ~req->who.role)
		return why_set(why, ERR_FORBIDDEN, "nobody gives a role that "
		    "he has not");
	rights_print(&r, &b);
	if (b.over)
		return ERR_SIZE;
	p->rights[b.n] = '\0';
	return 0;
}

static int
put(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "principal changed"};
	static struct store_principal p;
	int rc = check_name(app, req->arg[0], &resp->why);

	if (rc == 0)
		rc = check_other(req, &resp->why);
	if (rc != 0)
		return rc;
	memset(&p, 0, sizeof(p));
	rc = ST(app, principal_get, req->arg[0], &p);
	if (rc == 0)
		rc = check_below(req, p.rights, &resp->why);
	else if (rc == ERR_NOT_FOUND) {
		strcpy(ev.what, "principal added");
		strcpy(p.name, req->arg[0]);
		p.created = loop_now(app->loop);
		resp->code = 201;
		rc = 0;
	}
	if (rc == 0)
		rc = read_rights(app, req, &p, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	snprintf(p.by, sizeof(p.by), "%s", req->who.identity);
	snprintf(ev.detail, sizeof(ev.detail), "%s: %.120s", p.name, p.rights);
	rc = ST(app, principal_put, &p);
	if (rc == ERR_LIMIT)
		why_set(&resp->why, rc, "%d principals are the most",
		    LIMIT_PRINCIPALS);
	rc = admin_end(app, req, resp, &ev, rc);
	return rc != 0 ? rc : show(app, req, resp);
}

/* Open sessions end with this turn. */
static int
end_sessions(struct app *app, const char *name)
{
	struct store_principal_key k[LIMIT_PRINCIPAL_KEYS];
	size_t n = 0;
	int rc = ST(app, principal_key_list, name, k, LIMIT_PRINCIPAL_KEYS,
	    &n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		front_forget_admin(app->front, k[i].identity);
	explicit_bzero(k, sizeof(k));
	return rc;
}

/* A later principal of this name is another person. */
static int
drop_requests(struct app *app, const struct req *req, const char *name)
{
	static struct store_request all[LIMIT_REQUESTS];
	char subject[40];
	size_t n = 0;
	int rc = ST(app, request_list, 0, LIMIT_REQUESTS, all, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (strcmp(all[i].by, name) == 0) {
			snprintf(subject, sizeof(subject), "request %" PRIu64,
			    all[i].id);
			rc = ST(app, request_remove, all[i].id);
			if (rc == 0)
				rc = audit_add(app, &req->who,
				    AUDIT_REQUEST_DENY, subject, "of %s, who "
				    "is removed: %.*s", name, (int)strcspn(
				    all[i].facts, "\n"), all[i].facts);
		} else if (strcmp(all[i].approved, name) == 0) {
			all[i].approved[0] = '\0';
			rc = ST(app, request_put, &all[i]);
		}
	}
	return rc;
}

int
res_admin_principal(struct app *app, const struct req *req,
    struct resp *resp)
{
	struct store_event ev = {.what = "principal removed"};
	static struct store_principal p;
	int rc;

	if (req->method != M_DELETE)
		return req->method == M_PUT ? put(app, req, resp) :
		    show(app, req, resp);
	rc = check_other(req, &resp->why);
	if (rc == 0)
		rc = find(app, req, &p, &resp->why);
	if (rc == 0)
		rc = check_below(req, p.rights, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	snprintf(ev.detail, sizeof(ev.detail), "%s", p.name);
	rc = end_sessions(app, p.name);
	if (rc == 0)
		rc = ST(app, principal_remove, p.name);
	if (rc == 0)
		rc = drop_requests(app, req, p.name);
	return admin_end(app, req, resp, &ev, rc);
}

/* --- keys --- */

/* The newest one ends after `overlap_ms`, the others go now. Whose own key it
 * is still has to get the answer: his session is worth nothing after it. */
static int
end_others(struct app *app, const struct req *req,
    const struct store_principal *p, int64_t overlap_ms)
{
	bool own = strcmp(p->name, req->who.identity) == 0;
	struct store_principal_key k[LIMIT_PRINCIPAL_KEYS];
	char newest[LIMIT_PSK_IDENTITY + 1];
	int64_t end = loop_now(app->loop) + overlap_ms;
	size_t n = 0;
	int rc = ST(app, principal_key_list, p->name, k, LIMIT_PRINCIPAL_KEYS,
	    &n);

	snprintf(newest, sizeof(newest), "%s:%" PRIu32, p->name, p->last_key);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (overlap_ms == 0 || strcmp(k[i].identity, newest) != 0) {
			if (!own)
				front_forget_admin(app->front,
				    k[i].identity);
			rc = ST(app, principal_key_remove, k[i].identity);
		} else if (k[i].ends == 0 || k[i].ends > end) {
			k[i].ends = end;
			rc = ST(app, principal_key_put, &k[i]);
		}
	}
	explicit_bzero(k, sizeof(k));
	return rc;
}

static int
new_key(struct app *app, struct store_principal *p,
    struct store_principal_key *k)
{
	int rc;

	p->last_key++;
	strcpy(k->principal, p->name);
	snprintf(k->identity, sizeof(k->identity), "%s:%" PRIu32, p->name,
	    p->last_key);
	k->created = loop_now(app->loop);
	k->key_len = KEY_NEW;
	if (getrandom(k->key, KEY_NEW, 0) != KEY_NEW)
		return ERR_IO;
	rc = ST(app, principal_put, p);
	return rc != 0 ? rc : ST(app, principal_key_put, k);
}

/* One's own, or with the right to give rights that of one below. */
static int
check_key(struct app *app, const struct req *req,
    const struct store_principal *p, struct why *why)
{
	if (access_in_file(app, p->name, NULL))
		return why_set(why, ERR_EXISTS, "%s is a line of admin.psk, "
		    "too, and that is another one", p->name);
	if (strcmp(req->arg[0], req->who.identity) == 0)
		return 0;
	if (!(req->who.role & ROLE_GRANT) || !scope_all(&req->who.scope))
		return why_set(why, ERR_FORBIDDEN, "without the role grant "
		    "one has a new key for oneself only");
	return check_below(req, p->rights, why);
}

int
res_admin_principal_key(struct app *app, const struct req *req,
    struct resp *resp)
{
	struct store_event ev = {.what = "principal key set"};
	struct store_principal_key k = {.key_len = 0};
	static struct store_principal p;
	struct msg_psk m = {.key_len = KEY_NEW};
	uint64_t overlap = 0;
	int rc = find(app, req, &p, &resp->why);

	resp->secret = true;
	if (rc == 0)
		rc = check_key(app, req, &p, &resp->why);
	if (rc == 0)
		rc = admin_query_u64(req, "overlap", 0, &overlap, &resp->why);
	if (rc == 0 && overlap > OVERLAP_MOST)
		rc = why_set(&resp->why, ERR_RANGE, "overlap= is %u at most",
		    OVERLAP_MOST);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	rc = end_others(app, req, &p, (int64_t)overlap * 1000);
	if (rc == 0)
		rc = new_key(app, &p, &k);
	snprintf(ev.detail, sizeof(ev.detail), "%s", k.identity);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0) {
		resp->code = 201;
		strcpy(m.identity, k.identity);
		memcpy(m.key, k.key, KEY_NEW);
		rc = admin_put(req, resp, &msg_psk, &m);
	}
	explicit_bzero(&k, sizeof(k));
	explicit_bzero(&m, sizeof(m));
	return rc;
}
