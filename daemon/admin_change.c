/*
 * What every change by an operator has in common: a pair, an "admin" row in
 * the event log, and an answer that waits for the commit.
 */
#include <stdio.h>

#include "daemon/engine.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

int
admin_begin(struct app *app)
{
	return engine_begin(app->engine);
}

int
admin_end(struct app *app, const struct req *req, struct resp *resp,
    struct store_event *ev, int err)
{
	char detail[sizeof(ev->detail)], who[80];
	int rc = err;

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
