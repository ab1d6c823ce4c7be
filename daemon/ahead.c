#include "daemon/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/trusted.h"
#include "lib/text.h"

#define META "restored"
#define TICK_MS 1000

struct ahead {
	struct app *app;
	int64_t backup, at; /* 0: never restored */
	bool settling, begun; /* begun: `class_id` is the last one looked at */
	uint8_t class_id[16];
};

/* --- who is --- */

static int
log_ahead(struct app *app, const struct store_device *d, uint64_t known,
    bool any)
{
	struct store_event ev = {.device = d->id, .kind = "device",
	    .what = "ahead", .grade = d->seq_grade};

	snprintf(ev.ep, sizeof(ev.ep), "%s", d->ep);
	if (any)
		snprintf(ev.detail, sizeof(ev.detail), "runs sequence %" PRIu64
		    ", the highest known here is %" PRIu64, d->seq, known);
	else
		snprintf(ev.detail, sizeof(ev.detail), "runs sequence %" PRIu64
		    ", and no release of its class is known here", d->seq);
	log_warn("device: dev=%llu ep=%s ahead: %s",
	    (unsigned long long)d->id, d->ep, ev.detail);
	return engine_log(app->engine, &ev);
}

int
ahead_judge(struct app *app, struct store_device *d)
{
	struct store *s = app->store;
	bool was = d->ahead, any;
	uint64_t known = 0;
	int rc;

	d->ahead = false;
	if (!d->have_class || !d->have_seq)
		return 0;
	rc = s->ops->release_highest(s, d->class_id, &known);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	any = rc == 0;
	/* what was burnt is no release that got lost here */
	d->ahead = any ? trusted_runs(app, d) > known :
	    app->ahead != NULL && app->ahead->at != 0;
	return d->ahead && !was ? log_ahead(app, d, known, any) : 0;
}

/* --- and who is no longer --- */

void
ahead_published(struct app *app)
{
	if (app->ahead == NULL)
		return;
	app->ahead->settling = true;
	app->ahead->begun = false;
}

/* A slice of one class; true: there is more of it. */
static int
settle(struct ahead *a, const uint8_t class_id[16], bool *ret_more)
{
	struct store *s = a->app->store;
	uint64_t known;
	size_t n = 0;
	int rc = s->ops->release_highest(s, class_id, &known);

	*ret_more = false;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = s->ops->ahead_settle(s, class_id, known,
		    STORE_SETTLE_MAX, &n);
	*ret_more = rc == 0 && n == STORE_SETTLE_MAX;
	return rc;
}

/* What fails is tried again at the next tick. */
void
ahead_tick(struct ahead *a)
{
	struct store *s = a->app->store;
	uint8_t class_id[16];
	bool more = false;
	int rc;

	if (!a->settling)
		return;
	rc = s->ops->ahead_class(s, a->begun ? a->class_id : NULL, class_id);
	if (rc == ERR_NOT_FOUND)
		a->settling = false;
	if (rc != 0 || engine_begin(a->app->engine) != 0)
		return;
	rc = engine_end(a->app->engine, settle(a, class_id, &more));
	if (rc != 0 || more)
		return;
	memcpy(a->class_id, class_id, sizeof(class_id));
	a->begun = true;
}

static void
on_tick(void *arg)
{
	ahead_tick(arg);
}

/* --- a store that was restored --- */

static int
parse(struct slice text, int64_t *ret_backup, int64_t *ret_at)
{
	const uint8_t *sp = text.n > 0 ? memchr(text.p, ' ', text.n) : NULL;
	uint64_t backup, at;
	size_t n;

	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (sp == NULL)
		return ERR_MALFORMED;
	n = (size_t)(sp - text.p);
	if (text_u64(slice_sub(text, 0, n), &backup) != 0 ||
	    text_u64(slice_sub(text, n + 1, text.n), &at) != 0 || at == 0 ||
	    at > INT64_MAX || backup > INT64_MAX)
		return ERR_MALFORMED;
	*ret_backup = (int64_t)backup;
	*ret_at = (int64_t)at;
	return 0;
}

static int
remember(struct ahead *a, struct slice text)
{
	struct store *s = a->app->store;
	struct store_event ev = {.kind = "admin", .what = "restored",
	    .at = loop_now(a->app->loop)};
	time_t t = (time_t)(a->backup / 1000);
	char when[32] = "?";
	struct tm tm;
	int rc = store_begin(s);

	if (rc != 0)
		return rc;
	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(ev.detail, sizeof(ev.detail), "from the backup of %s UTC",
	    when);
	rc = s->ops->meta_put(s, META, text);
	if (rc == 0)
		rc = s->ops->event_put(s, &ev);
	if (rc == 0)
		rc = audit_add(a->app, NULL, AUDIT_RESTORE, "", "%s",
		    ev.detail);
	if (rc == 0) {
		log_warn("store: restored %s; what came later is lost, and "
		    "devices may know more", ev.detail);
		return store_commit(s);
	}
	store_rollback(s);
	return rc;
}

/* The file goes when the store has it: whatever is interrupted is done again,
 * to the same end. */
static int
take_over(struct ahead *a, struct why *why)
{
	char path[512], text[64];
	ssize_t n;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/" AHEAD_RESTORED,
	    a->app->conf.state_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : why_set(why, ERR_IO, "%s: %s",
		    path, strerror(errno));
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || parse(slice_of(text, (size_t)n), &a->backup, &a->at) != 0)
		return why_set(why, ERR_MALFORMED, "%s: not what suitd "
		    "--restore writes; remove it if the store is in order",
		    path);
	rc = remember(a, slice_of(text, (size_t)n));
	if (rc != 0)
		return why_set(why, rc, "%s: %s", path,
		    store_why(a->app->store));
	if (unlink(path) != 0)
		log_warn("%s: %s", path, strerror(errno));
	return 0;
}

static int
recall(struct ahead *a)
{
	struct store *s = a->app->store;
	uint8_t text[64];
	struct buf b = buf_of(text, sizeof(text));
	int rc = s->ops->meta_get(s, META, &b);

	if (rc == 0)
		rc = parse(buf_slice(&b), &a->backup, &a->at);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int
ahead_new(struct app *app, struct ahead **ret, struct why *why)
{
	struct ahead *a = calloc(1, sizeof(*a));
	int rc;

	if (a == NULL)
		return why_set(why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	a->app = app;
	a->settling = true; /* a publish may have come right before the end */
	why->text[0] = '\0';
	rc = take_over(a, why);
	if (rc == 0 && a->at == 0)
		rc = recall(a);
	if (rc == 0)
		rc = loop_every(app->loop, TICK_MS, on_tick, a);
	if (rc != 0) {
		free(a);
		return why->text[0] != '\0' ? rc : why_set(why, rc,
		    "what was restored: %s", err_text(rc));
	}
	*ret = a;
	return 0;
}

void
ahead_free(struct ahead *a)
{
	free(a);
}

uint64_t
ahead_count(const struct app *app)
{
	struct store_stats st;

	app->store->ops->stats(app->store, &st);
	return st.ahead;
}

void
ahead_restored(const struct app *app, int64_t *ret_backup, int64_t *ret_at)
{
	*ret_backup = app->ahead != NULL ? app->ahead->backup : 0;
	*ret_at = app->ahead != NULL ? app->ahead->at : 0;
}
