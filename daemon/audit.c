/*
 * Entries are few and go straight to the store. What strangers can cause,
 * refusals and logins, is folded first (lib/audit_fold.h) and written at the
 * end of the turn, since a refusal has no pair of its own, or one that is
 * undone.
 *
 * The head in memory is that of the last commit that is durable, read anew
 * after it: an entry of a pair that was undone was never there.
 */
#include "daemon/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/audit_watch.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "lib/audit_fold.h"
#include "lib/text.h"

#define PRUNE_MAX 2000 /* entries in one turn */

struct audit {
	struct audit_fold refused, logins;
	bool begun; /* the start is entered, so the stop will be */
	bool failing; /* the last time nothing could be written */
	bool due; /* something is to be written at the end of the turn */
	struct audit_head head; /* durable */
	uint64_t base; /* entries up to this one were pruned */
	struct audit_watch watch;
	struct audit_head anchored; /* what the journal has */
	uint64_t refusals;
};

int
audit_new(struct audit **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret == NULL ? ERR_NOMEM : 0;
}

void
audit_free(struct audit *a)
{
	free(a);
}

/* --- the head --- */

static void
anchor(struct audit *a)
{
	char text[AUDIT_HEAD_TEXT];

	a->anchored = a->head;
	log_info("audit: head=%s", audit_head_text(&a->head, text));
}

static bool
read_head(struct app *app)
{
	int rc = app->store->ops->audit_head(app->store, &app->audit->head);

	if (rc != 0)
		log_error("audit: head not read: %s (%s)", err_text(rc),
		    store_why(app->store));
	return rc == 0;
}

/* The number before the first that is there. */
static void
read_base(struct app *app)
{
	static struct audit_entry first;
	struct store_audit_filter f = {.limit = 1};
	size_t n = 0;

	if (app->store->ops->audit_list(app->store, &f, &first, &n) == 0 &&
	    n == 1)
		app->audit->base = first.n - 1;
}

static void
on_durable(struct app *app)
{
	struct audit *a = app->audit;

	if (read_head(app) && a->head.n - a->anchored.n >= AUDIT_ANCHOR)
		anchor(a);
}

void
audit_stats(const struct app *app, struct audit_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (app->audit != NULL)
		*ret = (struct audit_stats){app->audit->head,
		    app->audit->anchored, app->audit->refusals,
		    app->audit->watch.fault != 0};
}

/* --- entries --- */

static void
entry_who(struct audit_entry *e, const struct principal *who)
{
	if (who == NULL)
		return;
	if (who->role == ROLE_NOBODY || who->identity[0] == '\0')
		strcpy(e->who, "?");
	else
		text_escape(slice_str(who->identity), e->who, sizeof(e->who));
}

/* At the end, where nothing may cut it off: the detail makes room. */
static void
entry_approved(struct audit_entry *e, const struct principal *who)
{
	char name[LIMIT_PSK_IDENTITY + 1];
	char more[LIMIT_PSK_IDENTITY + 64];
	size_t at = strlen(e->detail), n;

	if (who == NULL || who->request == 0)
		return;
	n = (size_t)snprintf(more, sizeof(more), "%sapproved by %s, request %"
	    PRIu64, at > 0 ? ", " : "", text_escape(slice_str(who->approved),
	    name, sizeof(name)), who->request);
	if (at > sizeof(e->detail) - 1 - n)
		at = sizeof(e->detail) - 1 - n;
	strcpy(e->detail + at, more);
}

PRINTF(3, 0) static void
entry_text(struct audit_entry *e, const char *subject, const char *fmt,
    va_list ap)
{
	char text[LIMIT_AUDIT_DETAIL * 2];
	size_t n = strlen(e->detail);

	text_escape(slice_str(subject), e->subject, sizeof(e->subject));
	memcpy(text, e->detail, n);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	text_escape(slice_str(text), e->detail, sizeof(e->detail));
}

/* In a pair. */
static int
append(struct app *app, struct audit_entry *e)
{
	int rc;

	e->at = loop_now(app->loop);
	if (e->at < 0)
		e->at = 0;
	rc = app->store->ops->audit_append(app->store, e);
	if (rc == 0 && app->audit != NULL)
		engine_after(app->engine, on_durable);
	return rc;
}

int
audit_add(struct app *app, const struct principal *who, enum audit_kind kind,
    const char *subject, const char *fmt, ...)
{
	struct audit_entry e = {.n = 0};
	va_list ap;

	entry_who(&e, who);
	/* first, so that there is room for it */
	if (who != NULL && who->request != 0)
		snprintf(e.detail, sizeof(e.detail), "request %" PRIu64
		    ", approved by %.128s: ", who->request, who->approved);
	strcpy(e.kind, audit_kind_name(kind));
	va_start(ap, fmt);
	entry_text(&e, subject, fmt, ap);
	va_end(ap);
	entry_approved(&e, who);
	return append(app, &e);
}

/* --- what is folded --- */

void
audit_refuse(struct app *app, const struct principal *who, const char *rule,
    const char *subject, const char *fmt, ...)
{
	struct audit *a = app->audit;
	struct audit_entry e = {.n = 0};
	char key[AUDIT_FOLD_KEY], text[LIMIT_AUDIT_DETAIL];
	va_list ap;

	if (a == NULL)
		return;
	entry_who(&e, who);
	strcpy(e.kind, audit_kind_name(AUDIT_REFUSAL));
	va_start(ap, fmt);
	entry_text(&e, subject, fmt, ap);
	va_end(ap);
	strcpy(text, e.detail);
	snprintf(e.detail, sizeof(e.detail), "%.32s%s%.*s", rule,
	    text[0] != '\0' ? ": " : "", LIMIT_AUDIT_DETAIL - 40, text);
	snprintf(key, sizeof(key), "%.32s|%s", rule, e.who);
	a->refusals++;
	if (audit_fold_add(&a->refused, key, &e, loop_mono(app->loop)))
		a->due = true;
}

void
audit_login(struct app *app, const struct principal *who, const char *host)
{
	struct audit *a = app->audit;
	struct audit_entry e = {.n = 0};
	char key[AUDIT_FOLD_KEY];

	if (a == NULL)
		return;
	entry_who(&e, who);
	strcpy(e.kind, audit_kind_name(AUDIT_OPERATOR_LOGIN));
	text_escape(slice_str(host), e.subject, sizeof(e.subject));
	snprintf(key, sizeof(key), "%.100s|%.100s", e.who, e.subject);
	if (audit_fold_add(&a->logins, key, &e, loop_mono(app->loop)))
		a->due = true;
}

static bool
is_refusal(enum method m, unsigned code)
{
	if (code == 401 || code == 403)
		return true;
	return !(m & (M_GET | M_FETCH)) &&
	    (code == 400 || code == 409 || code == 413);
}

void
audit_denied(struct app *app, const struct req *req, int err,
    const struct why *why)
{
	static const struct {
		enum method m;
		const char *name;
	} names[] = {{M_GET, "GET"}, {M_POST, "POST"}, {M_PUT, "PUT"},
	    {M_DELETE, "DELETE"}, {M_FETCH, "FETCH"}};
	char subject[LIMIT_PATH + 16];
	size_t i = 0;

	if (!is_refusal(req->method, err_coap(err)))
		return;
	while (i + 1 < sizeof(names) / sizeof(names[0]) &&
	    names[i].m != req->method)
		i++;
	snprintf(subject, sizeof(subject), "%s %s", names[i].name, req->path);
	audit_refuse(app, &req->who, err_name(err), subject, "%s, from %s",
	    why->text[0] != '\0' ? why->text : err_text(err), req->addr);
}

/* Each that is due; what the disk does not take stays counted. */
static int
write_fold(struct app *app, struct audit_fold *f, bool all)
{
	int64_t now = loop_mono(app->loop);
	struct audit_slot *s;
	struct audit_entry e;
	int rc = 0, n = 0;

	while (rc == 0 && n++ <= LIMIT_AUDIT_FOLD &&
	    (s = audit_fold_due(f, now, all)) != NULL) {
		audit_fold_entry(s, &e);
		rc = engine_begin(app->engine);
		if (rc == 0)
			rc = engine_end(app->engine, append(app, &e));
		if (rc == 0)
			audit_fold_written(s, now);
	}
	return rc;
}

static void
write_folds(struct app *app, bool all)
{
	struct audit *a = app->audit;
	int rc = write_fold(app, &a->logins, all);

	if (rc == 0)
		rc = write_fold(app, &a->refused, all);
	a->due = false; /* the tick tries again */
	if (rc != 0 && !a->failing)
		log_error("audit: not written: %s (%s)", err_text(rc),
		    store_why(app->store));
	a->failing = rc != 0;
}

/* In slices, a tick each; each says by its own entry what it took. */
static int
prune(struct app *app)
{
	struct audit_head base;
	char text[AUDIT_HEAD_TEXT];
	uint64_t n = 0;
	int rc = app->store->ops->audit_prune(app->store,
	    app->conf.audit_keep, PRUNE_MAX, &base, &n);

	return rc != 0 || n == 0 ? rc : audit_add(app, NULL, AUDIT_PRUNE,
	    audit_head_text(&base, text), "%" PRIu64 " entries, audit_keep is %"
	    PRIu32, n, app->conf.audit_keep);
}

/* How many there are is known at the start, and after each prune. */
static void
keep_short(struct app *app)
{
	struct audit *a = app->audit;
	uint64_t keep = app->conf.audit_keep;
	int rc;

	if (keep == 0 || a->head.n - a->base < keep + keep / 10 + 1)
		return;
	rc = engine_begin(app->engine);
	if (rc == 0)
		rc = engine_end(app->engine, prune(app));
	if (rc != 0)
		log_error("audit: not pruned: %s (%s)", err_text(rc),
		    store_why(app->store));
	else
		read_base(app);
	audit_watch_begin(&a->watch);
}

static void
watch(struct app *app)
{
	struct audit *a = app->audit;
	struct why why;

	if (a->watch.fault != 0 || a->head.n == 0 ||
	    audit_watch_step(&a->watch, app->store, &a->head, &why) != 0)
		return; /* what the store says is told elsewhere */
	if (a->watch.fault != 0)
		log_error("audit: the log is not whole: %s", why.text);
}

void
audit_settle(struct app *app)
{
	if (app->audit != NULL && app->audit->due)
		write_folds(app, false);
}

void
audit_tick(struct app *app)
{
	if (app->audit == NULL)
		return;
	write_folds(app, false);
	keep_short(app);
	watch(app);
}

/* --- begin and end --- */

static int
own_entry(struct app *app, enum audit_kind kind, const char *detail)
{
	int rc = engine_begin(app->engine);

	return rc != 0 ? rc : engine_end(app->engine, audit_add(app, NULL,
	    kind, "", "%s", detail));
}

void
audit_started(struct app *app)
{
	int rc;

	if (app->audit == NULL)
		return;
	if (read_head(app) && app->audit->head.n > 0)
		anchor(app->audit);
	read_base(app);
	audit_watch_begin(&app->audit->watch);
	app->audit->begun = true;
	rc = own_entry(app, AUDIT_START, "suitd " SUITD_VERSION);
	if (rc != 0)
		log_error("audit: start not written: %s (%s)", err_text(rc),
		    store_why(app->store));
}

void
audit_closed(const struct app *app)
{
	if (app->audit != NULL && app->audit->head.n > 0)
		anchor(app->audit);
}

void
audit_ended(struct app *app)
{
	int rc;

	if (app->audit == NULL || !app->audit->begun)
		return;
	write_folds(app, true);
	rc = own_entry(app, AUDIT_STOP, "");
	if (rc != 0)
		log_error("audit: stop not written: %s (%s)", err_text(rc),
		    store_why(app->store));
}
