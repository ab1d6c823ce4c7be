/* Changes that wait for a second person: thin; approve.c decides. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/approve.h"
#include "daemon/engine.h"
#include "daemon/res_admin.h"

/* In a list the first of its lines is enough. */
static void
render(const struct store_request *r, bool whole, struct msg_request *m)
{
	memset(m, 0, sizeof(*m));
	m->id = r->id;
	snprintf(m->kind, sizeof(m->kind), "%s", eyes_name(r->kind));
	snprintf(m->what, sizeof(m->what), "%s", r->what);
	strcpy(m->by, r->by);
	strcpy(m->approved, r->approved);
	m->created = r->created;
	m->expires = r->expires;
	memcpy(m->digest, r->digest, 32);
	snprintf(m->facts, sizeof(m->facts), "%.*s", whole ?
	    LIMIT_REQUEST_FACTS : (int)strcspn(r->facts, "\n"), r->facts);
}

/* Few enough for one page. */
int
res_admin_requests(struct app *app, const struct req *req, struct resp *resp)
{
	static struct store_request all[LIMIT_REQUESTS];
	static struct msg_request m;
	struct msg_page_out page;
	bool json = false;
	size_t n = 0;
	int rc = admin_format(req, resp, &json);

	if (rc == 0)
		rc = ST(app, request_list, 0, LIMIT_REQUESTS, all, &n);
	if (rc != 0)
		return rc;
	msg_page_begin(&page, &msg_request, json, &resp->out);
	for (size_t i = 0; i < n; i++) {
		if (all[i].expires <= loop_now(app->loop) ||
		    !approve_sees(&req->who, &all[i]))
			continue;
		render(&all[i], false, &m);
		if (!msg_page_add(&page, &m))
			return ERR_SPACE;
	}
	msg_page_end(&page, NULL);
	return 0;
}

static int
deny(struct app *app, const struct req *req, struct resp *resp, uint64_t id)
{
	int rc = admin_begin(app);

	if (rc == 0)
		rc = engine_end(app->engine, approve_deny(app, &req->who, id,
		    &resp->why));
	resp->after_commit = rc == 0;
	return rc;
}

int
res_admin_request(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_request m;
	struct store_request r;
	uint64_t id;
	int rc = admin_id(req->arg[0], &id, &resp->why);

	if (rc == 0)
		rc = approve_get(app, id, &r, &resp->why);
	if (rc == 0 && !approve_sees(&req->who, &r))
		rc = why_set(&resp->why, ERR_NOT_FOUND, "no request %" PRIu64
		    " waits; suitctl request list", id);
	if (rc != 0)
		return rc;
	if (req->method == M_DELETE)
		return deny(app, req, resp, id);
	render(&r, true, &m);
	return admin_put(req, resp, &msg_request, &m);
}

int
res_admin_request_approve(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct msg_request m;
	struct store_request r;
	uint64_t id;
	int rc = admin_id(req->arg[0], &id, &resp->why);

	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	rc = engine_end(app->engine, approve_give(app, &req->who, id,
	    &resp->why));
	resp->after_commit = rc == 0;
	if (rc == 0)
		rc = approve_get(app, id, &r, &resp->why);
	if (rc != 0)
		return rc;
	render(&r, true, &m);
	return admin_put(req, resp, &msg_request, &m);
}
