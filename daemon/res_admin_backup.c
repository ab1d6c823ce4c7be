/* Backups: a/backup, and images by their digests. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/backup.h"
#include "daemon/engine.h"
#include "daemon/res.h"
#include "daemon/res_admin.h"
#include "db/store_copy.h"
#include "lib/text.h"

static int
find(struct app *app, const struct req *req, struct backup_view *v,
    struct why *why)
{
	int rc = backup_get(app, req->arg[0], v);

	return rc == 0 ? 0 : why_set(why, rc, "no such snapshot (any more): "
	    "`suitctl backup DIR` makes one");
}

static int
put_view(const struct req *req, struct resp *resp,
    const struct backup_view *v)
{
	static const char *const states[] = {
		[BACKUP_NONE] = "", [BACKUP_COPYING] = "copying",
		[BACKUP_READY] = "ready", [BACKUP_FAILED] = "failed",
	};
	struct msg_backup m = {.created = v->created, .expires = v->expires,
	    .lost = v->lost, .done = v->done, .total = v->total, .size = v->size,
	    .part = LIMIT_BACKUP_PART, .schema = (uint32_t)store_schema()};

	strcpy(m.id, v->id);
	strcpy(m.by, v->by);
	strcpy(m.state, states[v->state]);
	m.ready = v->state == BACKUP_READY;
	memcpy(m.digest, v->digest, sizeof(m.digest));
	snprintf(m.version, sizeof(m.version), "%s", SUITD_VERSION);
	if (v->audit.n > 0)
		audit_head_text(&v->audit, m.audit);
	snprintf(m.why, sizeof(m.why), "%s", v->why.text);
	return admin_put(req, resp, &msg_backup, &m);
}

/* Who takes keys and all is in the log before he has them. */
int
res_admin_backups(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "backup begun"};
	struct slice given = admin_query(req, "id");
	struct backup_view v;
	char id[17] = "";
	int rc = 0;

	if (given.p != NULL && (!text_name_ok(given, sizeof(id) - 1) ||
	    !slice_to_cstr(given, id, sizeof(id))))
		return why_set(&resp->why, ERR_INVALID, "id= is a name of up "
		    "to %zu letters and digits", sizeof(id) - 1);
	if (id[0] != '\0' && backup_get(app, id, &v) == 0 &&
	    v.state != BACKUP_FAILED)
		return put_view(req, resp, &v);
	rc = admin_begin(app);
	if (rc != 0)
		return rc;
	rc = backup_start(app, req->who.identity, id, &resp->why);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0)
		rc = backup_get(app, NULL, &v);
	if (rc != 0)
		return rc;
	resp->code = 201;
	snprintf(resp->location, sizeof(resp->location), "a/backup/%s", v.id);
	return put_view(req, resp, &v);
}

int
res_admin_backup(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "backup called off"};
	struct backup_view v;
	int rc = find(app, req, &v, &resp->why);

	if (rc != 0)
		return rc;
	if (req->method == M_GET)
		return put_view(req, resp, &v);
	rc = admin_begin(app);
	if (rc != 0)
		return rc;
	backup_drop(app);
	return admin_end(app, req, resp, &ev, 0);
}

static int
done(struct app *app, const struct req *req, struct resp *resp,
    const struct backup_view *v)
{
	struct store_event ev = {.what = "backup taken"};
	int rc;

	if (v->state != BACKUP_READY)
		return why_set(&resp->why, ERR_STATE, "it is not ready");
	rc = admin_begin(app);
	if (rc != 0)
		return rc;
	snprintf(ev.detail, sizeof(ev.detail), "database of %" PRIu64
	    " bytes", v->size);
	rc = admin_end(app, req, resp, &ev, backup_taken(app));
	if (rc == 0)
		engine_after(app->engine, backup_over);
	return rc;
}

int
res_admin_backup_part(struct app *app, const struct req *req,
    struct resp *resp)
{
	struct backup_view v;
	uint64_t n;
	int rc = find(app, req, &v, &resp->why);

	if (rc != 0)
		return rc;
	if (req->method == M_POST)
		return strcmp(req->arg[1], "done") == 0 ?
		    done(app, req, resp, &v) : ERR_NOT_FOUND;
	resp->secret = true; /* it has them all */
	rc = res_opaque(req, resp);
	if (rc == 0)
		rc = text_u64(slice_str(req->arg[1]), &n);
	if (rc == 0)
		rc = backup_part(app, n, &resp->body, resp->etag);
	if (rc != 0)
		return why_set(&resp->why, rc, "parts are 0, 1, ... of %u "
		    "bytes, when it is ready", LIMIT_BACKUP_PART);
	resp->etag_len = sizeof(resp->etag);
	return 0;
}

/* Whatever its releases are: withdrawn ones belong to a backup as well. */
int
res_admin_image_data(struct app *app, const struct req *req,
    struct resp *resp)
{
	uint8_t digest[32];
	int rc = admin_image_digest(slice_str(req->arg[0]), digest,
	    &resp->why);

	if (rc != 0)
		return rc;
	backup_touch(app);
	if (!resp->waited && !blob_have(app->blobs, digest, NULL))
		return why_set(&resp->why, ERR_NOT_FOUND, "no such image here, "
		    "or it is damaged");
	return res_image_serve(app, digest, req, resp);
}
