/*
 * The turn: pairs of engine_begin and engine_end are savepoints in one
 * transaction, which engine_turn commits before the loop sleeps. So a
 * thousand reports that arrive together cost one fsync, and one bad request
 * among them undoes only itself.
 *
 * What must not be seen before the commit is durable (pushes, notifications,
 * the new catalog) is queued here, and told by engine_sync.c. Topics and checks of a pair that is undone stay
 * queued: telling somebody that nothing changed is harmless; a push is not,
 * and is dropped with its pair.
 */
#include "daemon/engine.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/access.h"
#include "daemon/admit.h"
#include "daemon/approve.h"
#include "daemon/audit.h"
#include "daemon/campaign.h"
#include "daemon/credential.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"
#include "daemon/polled.h"
#include "daemon/push.h"
#include "db/store_sync.h"

static void
on_timer(void *arg)
{
	engine_due(arg);
}

static void
on_fold(void *arg)
{
	struct engine *e = arg;

	engine_fold(e, false);
	engine_show(e);
	engine_prune(e);
	credential_tick(e->app);
	approve_tick(e->app);
	health_tick(e->app);
	audit_tick(e->app);
	if (e->sync.failed)
		e->sync.owed = true; /* is the disk well again? */
	if (e->app->store->syncer != NULL)
		syncer_tick(e->app->store->syncer);
}

static void
on_turn(void *arg)
{
	engine_turn(arg);
}

int
engine_new(struct app *app, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	int rc;

	if (e == NULL)
		return ERR_NOMEM;
	e->app = app;
	e->progress.flow = &e->flow;
	e->wake = true;
	e->pruned = UINT64_MAX; /* events_keep may be less than before */
	loop_timer(app->loop, on_timer, e);
	loop_before_sleep(app->loop, on_turn, e);
	rc = loop_every(app->loop, ENGINE_FOLD_MS, on_fold, e);
	if (rc != 0) {
		free(e);
		return rc;
	}
	*ret = e;
	return 0;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	if (e->open)
		e->app->store->ops->rollback(e->app->store);
	engine_news_free(&e->news);
	engine_news_free(&e->told);
	engine_seen_free(e);
	free(e->check);
	free(e);
}

/* --- pairs --- */

int
engine_begin(struct engine *e)
{
	struct store *s = e->app->store;
	int rc;

	assert(e->depth < ENGINE_DEPTH);
	if (!e->open) {
		rc = s->ops->begin(s);
		if (rc != 0)
			return rc;
		e->open = true;
		e->moves = admit_moves(e->app->admit);
	}
	rc = s->ops->begin(s);
	if (rc != 0)
		return rc;
	e->mark[e->depth].push_n = e->news.push_n;
	e->mark[e->depth].line_n = e->news.line_n;
	e->mark[e->depth++].moves = admit_moves(e->app->admit);
	return 0;
}

int
engine_end(struct engine *e, int err)
{
	struct store *s = e->app->store;

	assert(e->depth > 0);
	e->depth--;
	if (err != 0)
		s->ops->rollback(s);
	else
		err = s->ops->commit(s);
	if (err != 0) {
		e->news.push_n = e->mark[e->depth].push_n;
		engine_news_unsay(&e->news, e->mark[e->depth].line_n);
		memset(e->idle, 0, sizeof(e->idle));
		admit_undone(e->app->admit, e->mark[e->depth].moves);
		planner_undone(e->app->campaigns);
		polled_undone(e->app->polled);
	}
	return err;
}

void
engine_push(struct engine *e, const struct job *job, bool probe)
{
	engine_news_push(&e->news, &(struct engine_push){*job, probe});
}

void
engine_notify(struct engine *e, enum transport plane, const char *path)
{
	engine_news_topic(&e->news, plane, path);
}

void
engine_say(struct engine *e, const char *fmt, ...)
{
	char text[1024], *line;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line = e->news.line_n + e->told.line_n < ENGINE_LINES ?
	    strdup(text) : NULL;
	if (line != NULL)
		engine_news_line(&e->news, line);
	else
		log_info("%s", text);
}

void
engine_after(struct engine *e, void (*fn)(struct app *app))
{
	engine_news_after(&e->news, fn);
}

void
engine_wake(struct engine *e)
{
	e->wake = true;
}

void
engine_reloaded(struct engine *e)
{
	engine_wake(e);
	e->pruned = UINT64_MAX;
}

void
engine_campaign_check(struct engine *e, uint64_t campaign)
{
	for (size_t i = 0; i < e->check_n; i++)
		if (e->check[i] == campaign)
			return;
	if (e->check_n == e->check_cap) {
		e->check_cap = e->check_cap ? e->check_cap * 2 : 16;
		e->check = realloc(e->check, e->check_cap *
		    sizeof(*e->check));
		if (e->check == NULL)
			abort();
	}
	e->check[e->check_n++] = campaign;
}

/* --- the end of a turn --- */

/* Each by itself: one campaign's trouble is not another one's. */
static void
run_checks(struct engine *e)
{
	for (size_t i = 0; i < e->check_n; i++) {
		int rc = engine_begin(e);

		if (rc == 0)
			rc = engine_end(e, campaign_check(e->app,
			    e->check[i]));
		if (rc != 0 && rc != ERR_NOT_FOUND) /* a draft, replaced */
			log_error("campaign: camp=%llu not checked: %s",
			    (unsigned long long)e->check[i], err_text(rc));
	}
	e->check_n = 0;
}

static void
turn_failed(struct engine *e, int rc)
{
	struct why why;

	e->stats.commits_failed++;
	why_set(&why, rc, "%s: %s", err_text(rc), store_why(e->app->store));
	health_failed(&e->app->health, HEALTH_COMMIT, &why,
	    loop_now(e->app->loop));
	e->news.push_n = e->kept.push_n;
	e->news.topic_n = e->kept.topic_n;
	e->news.after_n = e->kept.after_n;
	engine_news_unsay(&e->news, e->kept.line_n);
	memset(e->idle, 0, sizeof(e->idle));
	progress_unfold(&e->progress, loop_now(e->app->loop));
	engine_seen_kept(e, false);
	access_forget(e->app->access);
	admit_undone(e->app->admit, e->moves);
	planner_reset(e->app->campaigns);
	polled_undone(e->app->polled);
}

static int
commit(struct engine *e)
{
	struct store *s = e->app->store;
	int rc;

	run_checks(e);
	assert(e->depth == 0);
	rc = s->ops->commit(s);
	e->open = false;
	e->stats.turns++;
	if (rc != 0) {
		turn_failed(e, rc);
		return rc;
	}
	health_well(&e->app->health, HEALTH_COMMIT, loop_now(e->app->loop));
	engine_seen_kept(e, true);
	planner_committed(e->app->campaigns);
	e->kept.push_n = e->news.push_n;
	e->kept.topic_n = e->news.topic_n;
	e->kept.after_n = e->news.after_n;
	e->kept.line_n = e->news.line_n;
	e->kept.held = front_held(e->app->front);
	e->sync.owed = true;
	return 0;
}

/* It is no use to ask the disk again at once. Of uploads we ask nothing. */
static bool
refuses(const struct engine *e)
{
	return health_fails(&e->app->health, HEALTH_COMMIT) ||
	    health_fails(&e->app->health, HEALTH_SYNC);
}

static void
rearm(struct engine *e)
{
	struct store *s = e->app->store;
	int64_t now = loop_now(e->app->loop), at = 0, pump = 0;
	int rc;

	if (!e->wake)
		return;
	rc = s->ops->next_due(s, &at);
	if (rc == 0)
		rc = engine_pump_next(e, &pump);
	if (rc == 0 && pump != 0 && (at == 0 || pump < at))
		at = pump;
	if (rc != 0) {
		log_error("store: next due time: %s (%s)", err_text(rc),
		    store_why(s));
		at = now + ENGINE_LEASE_MS;
	}
	/* a disk that refuses is not asked a thousand times a second */
	if ((e->stalled || refuses(e)) && at != 0 &&
	    at < now + ENGINE_FOLD_MS)
		at = now + ENGINE_FOLD_MS;
	e->wake = false;
	loop_timer_at(e->app->loop, at);
}

/* What follows from a commit that is durable may want to commit, too: a push
 * may fail at once. Notifications are sent by front_flush: those of pushes by
 * the last one. */
void
engine_turn(struct engine *e)
{
	static const struct front_span none = {.upto = 0};
	struct front *f = e->app->front;

	if (!e->begun) {
		int rc = engine_restarted(e);

		e->begun = true;
		if (rc != 0)
			log_error("store: triggers in flight: %s (%s)",
			    err_text(rc), store_why(e->app->store));
	}
	audit_settle(e->app);
	do {
		int rc = e->open ? commit(e) : 0;

		if (rc != 0)
			front_flush(f, (struct front_span){
			    .after = e->kept.held, .upto = UINT64_MAX}, rc);
		engine_sync_settle(e);
		engine_sync_start(e);
	} while (e->open);
	polled_settled(e->app->polled);
	front_flush(f, e->sync.asked ? none : FRONT_ALL, 0);
	rearm(e);
}

void
engine_stats(const struct engine *e, struct engine_stats *ret)
{
	int64_t now = loop_now(e->app->loop);

	*ret = e->stats;
	ret->progress_slots = engine_seen_live(e);
	ret->running = e->running;
	for (size_t i = 0; i < PROGRESS_SLOTS; i++)
		ret->progress_slots += engine_in_sight(&e->progress.slot[i],
		    now);
}
