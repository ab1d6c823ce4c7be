/* Requests that nobody approved, or asked for again, in time. */
#include "daemon/approve.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/audit.h"
#include "daemon/engine.h"

bool
approve_is_over(const struct app *app, const struct store_request *r)
{
	return r->expires <= loop_now(app->loop);
}

static int
expire(struct app *app, const struct store_request *r)
{
	struct store_event ev = {.kind = "admin", .what = "request expired"};
	const char *word = r->approved[0] != '\0' ? "approved by " :
	    "not approved";
	char subject[40];
	int rc = ST(app, request_remove, r->id);

	snprintf(subject, sizeof(subject), "request %" PRIu64, r->id);
	snprintf(ev.detail, sizeof(ev.detail), "%.40s of %.40s, %s%.40s: %.40s",
	    subject, r->by, word, r->approved, r->facts);
	ev.detail[strcspn(ev.detail, "\n")] = '\0';
	if (rc == 0)
		rc = audit_add(app, NULL, AUDIT_REQUEST_EXPIRE, subject,
		    "asked for by %s, %s%s: %.*s", r->by, word, r->approved,
		    (int)strcspn(r->facts, "\n"), r->facts);
	return rc != 0 ? rc : engine_log(app->engine, &ev);
}

static size_t
count_over(struct app *app, const struct store_request *r, size_t n)
{
	size_t over = 0;

	for (size_t i = 0; i < n; i++)
		over += approve_is_over(app, &r[i]);
	return over;
}

int
approve_drop_over(struct app *app)
{
	static struct store_request all[LIMIT_REQUESTS];
	size_t n = 0, over;
	int rc = ST(app, request_list, 0, LIMIT_REQUESTS, all, &n);

	over = rc == 0 ? count_over(app, all, n) : 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (approve_is_over(app, &all[i]))
			rc = expire(app, &all[i]);
	if (rc == 0 && over > 0)
		engine_say(app->engine, "approve: expired=%zu", over);
	return rc;
}

void
approve_tick(struct app *app)
{
	static struct store_request all[LIMIT_REQUESTS];
	size_t n = 0;

	if (ST(app, request_list, 0, LIMIT_REQUESTS, all, &n) != 0 ||
	    count_over(app, all, n) == 0 || engine_begin(app->engine) != 0 ||
	    engine_end(app->engine, approve_drop_over(app)) != 0)
		return; /* the next tick tries again */
}
