#include "daemon/approve.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/access.h"
#include "daemon/approve_facts.h"
#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/res_admin.h"
#include "daemon/route.h"
#include "lib/digest.h"
#include "lib/text.h"

/* --- what is asked for --- */

static void
put_part(struct buf *b, struct slice s)
{
	uint8_t len[4] = {(uint8_t)(s.n >> 24), (uint8_t)(s.n >> 16),
	    (uint8_t)(s.n >> 8), (uint8_t)s.n};

	buf_put(b, slice_of(len, sizeof(len)));
	buf_put(b, s);
}

/* Of all that a handler may look at, each part with its length. */
static int
digest_of(const struct req *req, uint8_t ret[32])
{
	static uint8_t bytes[LIMIT_BODY_MEM + LIMIT_PATH +
	    LIMIT_QUERY * (LIMIT_URI + 8) + 64];
	struct buf b = buf_of(bytes, sizeof(bytes));
	uint8_t head[4] = {(uint8_t)req->method, req->have_cf,
	    (uint8_t)(req->cf >> 8), (uint8_t)req->cf};
	struct digest d;
	int rc;

	put_part(&b, slice_of(head, sizeof(head)));
	put_part(&b, slice_str(req->path));
	for (size_t i = 0; i < req->query_n; i++)
		put_part(&b, req->query[i]);
	put_part(&b, SLICE_NONE); /* no query is empty: the end of them */
	put_part(&b, req->body);
	rc = b.over ? ERR_SIZE : digest_compute(DIGEST_SHA256, buf_slice(&b),
	    &d);
	if (rc == 0)
		memcpy(ret, d.b, 32);
	return rc;
}

static const char *
method_name(enum method m)
{
	return m == M_POST ? "POST" : m == M_PUT ? "PUT" : m == M_DELETE ?
	    "DELETE" : "FETCH";
}

/* As it was said; what it means is approve_facts' to say. */
static int
describe(const struct req *req, char *dst, size_t cap)
{
	char hex[65], query[80] = "";
	struct digest d;
	size_t n = 0;

	for (size_t i = 0; i < req->query_n && n < sizeof(query) - 8; i++)
		n += (size_t)snprintf(query + n, sizeof(query) - n, "%c%.40s",
		    i == 0 ? '?' : '&', text_escape(req->query[i], (char[44]){
		    0}, 44));
	n = (size_t)snprintf(dst, cap, "%s %.200s%s", method_name(req->method),
	    req->path, query);
	if (req->body.n == 0 || n >= cap)
		return 0;
	if (digest_compute(DIGEST_SHA256, req->body, &d) != 0)
		return ERR_CRYPTO;
	snprintf(dst + n, cap - n, ", %zu bytes, SHA-256 %s", req->body.n,
	    text_hex(slice_of(d.b, 32), hex, sizeof(hex)));
	return 0;
}

/* --- asking --- */

/* His own request for the very same; ERR_NOT_FOUND. */
static int
find_same(struct app *app, const struct principal *who,
    const uint8_t digest[32], struct store_request *ret)
{
	static struct store_request all[LIMIT_REQUESTS];
	size_t n = 0;
	int rc = ST(app, request_list, 0, LIMIT_REQUESTS, all, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (memcmp(all[i].digest, digest, 32) != 0 ||
		    strcmp(all[i].by, who->identity) != 0 ||
		    approve_is_over(app, &all[i]))
			continue;
		*ret = all[i];
		return 0;
	}
	return rc != 0 ? rc : ERR_NOT_FOUND;
}

static int
log_request(struct app *app, const struct store_request *r, const char *what,
    const struct principal *by)
{
	struct store_event ev = {.kind = "admin"};
	char subject[40];
	int rc;

	snprintf(subject, sizeof(subject), "request %" PRIu64, r->id);
	rc = audit_add(app, by, audit_kind_of_word(what), subject, "%.*s: %s",
	    (int)strcspn(r->facts, "\n"), r->facts, r->what);
	if (rc != 0)
		return rc;
	snprintf(ev.what, sizeof(ev.what), "%s", what);
	snprintf(ev.detail, sizeof(ev.detail), "by %.60s: request %" PRIu64
	    ", %.100s", by->identity, r->id, r->facts);
	ev.detail[strcspn(ev.detail, "\n")] = '\0';
	engine_say(app->engine, "approve: request=%" PRIu64 " kind=%s %s "
	    "by=%s", r->id, eyes_name(r->kind), what, by->identity);
	return engine_log(app->engine, &ev);
}

static int
ask(struct app *app, const struct req *req, struct store_request *r)
{
	int rc = approve_facts(app, req, r->kind, r->facts);

	if (rc == 0)
		rc = engine_begin(app->engine);
	if (rc != 0)
		return rc;
	r->created = loop_now(app->loop);
	r->expires = r->created + (int64_t)app->conf.four_eyes_expires * 1000;
	snprintf(r->by, sizeof(r->by), "%s", req->who.identity);
	rc = describe(req, r->what, sizeof(r->what));
	if (rc == 0)
		rc = approve_drop_over(app); /* they make room */
	if (rc == 0)
		rc = ST(app, request_put, r);
	if (rc == 0)
		rc = log_request(app, r, "approval asked for", &req->who);
	return engine_end(app->engine, rc);
}

/* Whoever approved still has to be somebody who may. */
static bool
still_counts(struct app *app, const struct store_request *r)
{
	struct rights now;

	return r->approved[0] != '\0' &&
	    access_rights(app, r->approved, &now) == 0 &&
	    (now.role & eyes_roles(r->kind)) != 0 && scope_all(&now.scope);
}

/* A look that changes nothing needs nobody; where the handler knows the word,
 * or anybody could say it to a change. */
static bool
only_looks(const struct route *route, const struct req *req)
{
	return req->method == M_GET || req->method == M_FETCH ||
	    ((route->flags & ROUTE_DRY) && (admin_flag(req, "dry_run") ||
	    admin_flag(req, "before_upload")));
}

int
approve_admit(struct app *app, const struct route *route, struct req *req,
    struct resp *resp)
{
	struct store_request r = {.kind = ROUTE_EYES_OF(route->flags)};
	uint8_t digest[32];
	int rc;

	if (r.kind == EYES_NONE || only_looks(route, req) ||
	    !eyes_wanted(&app->conf, r.kind))
		return 0;
	rc = digest_of(req, digest);
	if (rc == 0)
		rc = find_same(app, &req->who, digest, &r);
	if (rc == 0 && still_counts(app, &r)) {
		req->who.request = r.id;
		strcpy(req->who.approved, r.approved);
		return 0;
	}
	if (rc == ERR_NOT_FOUND) {
		memcpy(r.digest, digest, 32);
		rc = ask(app, req, &r);
		resp->after_commit = rc == 0;
	}
	if (rc == ERR_LIMIT)
		return why_set(&resp->why, rc, "%d changes wait for approval "
		    "already: suitctl request list", LIMIT_REQUESTS);
	return rc != 0 ? rc : why_set(&resp->why, ERR_APPROVAL, "request %"
	    PRIu64 " waits for a second person: suitctl approve %" PRIu64
	    "; when that is done, say this again", r.id, r.id);
}

/* --- answering --- */

bool
approve_sees(const struct principal *who, const struct store_request *r)
{
	return strcmp(r->by, who->identity) == 0 ||
	    (scope_all(&who->scope) && (who->role &
	    (eyes_roles(r->kind) | ROLE_AUDITOR)) != 0);
}

int
approve_get(struct app *app, uint64_t id, struct store_request *ret,
    struct why *why)
{
	int rc = ST(app, request_get, id, ret);

	if (rc == 0 && ret->expires <= loop_now(app->loop))
		rc = ERR_NOT_FOUND;
	return rc != ERR_NOT_FOUND ? rc : why_set(why, rc, "no request %"
	    PRIu64 " waits; suitctl request list", id);
}

int
approve_give(struct app *app, const struct principal *who, uint64_t id,
    struct why *why)
{
	struct store_request r;
	int rc = approve_get(app, id, &r, why);

	if (rc != 0)
		return rc;
	if (strcmp(r.by, who->identity) == 0)
		return why_set(why, ERR_FORBIDDEN, "%.60s asked for it: the "
		    "approval is for another person (suitctl --as NAME)",
		    r.by);
	if (!(who->role & eyes_roles(r.kind)) || !scope_all(&who->scope))
		return why_set(why, ERR_FORBIDDEN, "who approves this has a "
		    "role that could ask for it, and no scope");
	if (still_counts(app, &r))
		return why_set(why, ERR_EXISTS, "%.60s has approved it: it is "
		    "made when %.60s asks again", r.approved, r.by);
	snprintf(r.approved, sizeof(r.approved), "%s", who->identity);
	rc = ST(app, request_put, &r);
	return rc != 0 ? rc : log_request(app, &r, "approved", who);
}

int
approve_deny(struct app *app, const struct principal *who, uint64_t id,
    struct why *why)
{
	struct store_request r;
	bool own;
	int rc = approve_get(app, id, &r, why);

	if (rc != 0)
		return rc;
	own = strcmp(r.by, who->identity) == 0;
	if (!own && (!(who->role & eyes_roles(r.kind)) ||
	    !scope_all(&who->scope)))
		return why_set(why, ERR_FORBIDDEN, "only who asked for it and "
		    "who may approve it can end it");
	rc = ST(app, request_remove, id);
	return rc != 0 ? rc : log_request(app, &r, own ? "request taken back" :
	    "request denied", who);
}
