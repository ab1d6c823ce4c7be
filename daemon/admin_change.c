/*
 * What every change by an operator has in common: a pair, an "admin" row in
 * the event log, an entry of the audit log, and an answer that waits for the
 * commit.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

int
admin_begin(struct app *app)
{
	return engine_begin(app->engine);
}

/* What was changed, as the audit log names it. */
static const char *
subject_of(const struct store_event *ev, const struct req *req, char *dst,
    size_t cap)
{
	if (ev->ep[0] != '\0')
		return ev->ep;
	if (ev->job != 0)
		snprintf(dst, cap, "job %" PRIu64, ev->job);
	else if (ev->campaign != 0)
		snprintf(dst, cap, "campaign %" PRIu64, ev->campaign);
	else if (ev->release != 0)
		snprintf(dst, cap, "release %" PRIu64, ev->release);
	else
		snprintf(dst, cap, "%s", req->arg[0] != NULL ? req->arg[0] :
		    "");
	return dst;
}

static int
add_audit(struct app *app, const struct req *req,
    const struct store_event *ev)
{
	enum audit_kind kind = audit_kind_of_word(ev->what);
	char subject[LIMIT_AUDIT_SUBJECT + 1];

	return audit_add(app, &req->who, kind, subject_of(ev, req, subject,
	    sizeof(subject)), "%s%s%s", kind == AUDIT_CHANGE ? ev->what : "",
	    kind == AUDIT_CHANGE && ev->detail[0] != '\0' ? ": " : "",
	    ev->detail);
}

int
admin_end(struct app *app, const struct req *req, struct resp *resp,
    struct store_event *ev, int err)
{
	char detail[sizeof(ev->detail)], who[80];
	int rc = err;

	if (rc == 0)
		rc = add_audit(app, req, ev);
	if (rc == 0) {
		strcpy(ev->kind, "admin");
		ev->grade = req->who.grade;
		text_escape(slice_str(req->who.identity), who, sizeof(who));
		strcpy(detail, ev->detail);
		snprintf(ev->detail, sizeof(ev->detail), "by %s%s%.100s", who,
		    detail[0] != '\0' ? ": " : "", detail);
		rc = engine_log(app->engine, ev);
	}
	rc = engine_end(app->engine, rc);
	if (rc == 0)
		resp->after_commit = true;
	else if (rc != err && resp->why.text[0] == '\0')
		why_set(&resp->why, rc, "not stored: %s", err_text(rc));
	return rc;
}
