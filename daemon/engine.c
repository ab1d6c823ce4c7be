/*
 * The turn: pairs of engine_begin and engine_end are savepoints in one
 * transaction, which engine_turn commits before the loop sleeps. So a
 * thousand reports that arrive together cost one fsync, and one bad request
 * among them undoes only itself.
 *
 * What must not be seen before the commit (pushes, notifications, the new
 * catalog) is queued here. Topics and checks of a pair that is undone stay
 * queued: telling somebody that nothing changed is harmless; a push is not,
 * and is dropped with its pair.
 */
#include "daemon/engine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/access.h"
#include "daemon/admit.h"
#include "daemon/campaign.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"
#include "daemon/push.h"

static void
on_timer(void *arg)
{
	engine_due(arg);
}

static void
on_fold(void *arg)
{
	engine_fold(arg, false);
	engine_show(arg);
	engine_prune(arg);
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
	engine_seen_free(e);
	free(e->push);
	free(e->topic);
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
	e->mark[e->depth].push_n = e->push_n;
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
		e->push_n = e->mark[e->depth].push_n;
		admit_undone(e->app->admit, e->mark[e->depth].moves);
		planner_undone(e->app->campaigns);
	}
	return err;
}

/* Room for one more element; out of memory ends the daemon, its state is
 * on the disk. */
static void *
grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 16;
	p = realloc(p, *cap * size);
	if (p == NULL)
		abort();
	return p;
}

void
engine_push(struct engine *e, const struct job *job, bool probe)
{
	e->push = grow(e->push, e->push_n, &e->push_cap, sizeof(*e->push));
	e->push[e->push_n++] = (struct engine_push){*job, probe};
}

void
engine_notify(struct engine *e, enum transport plane, const char *path)
{
	struct engine_topic *t;

	for (size_t i = 0; i < e->topic_n; i++)
		if ((e->topic[i].plane == T_ADMIN) == (plane == T_ADMIN) &&
		    strcmp(e->topic[i].path, path) == 0)
			return;
	e->topic = grow(e->topic, e->topic_n, &e->topic_cap,
	    sizeof(*e->topic));
	t = &e->topic[e->topic_n++];
	t->plane = plane;
	snprintf(t->path, sizeof(t->path), "%s", path);
}

void
engine_after(struct engine *e, void (*fn)(struct app *app))
{
	for (size_t i = 0; i < e->after_n; i++)
		if (e->after[i] == fn)
			return;
	assert(e->after_n < ENGINE_AFTER);
	e->after[e->after_n++] = fn;
}

void
engine_wake(struct engine *e)
{
	e->wake = true;
}

void
engine_campaign_check(struct engine *e, uint64_t campaign)
{
	for (size_t i = 0; i < e->check_n; i++)
		if (e->check[i] == campaign)
			return;
	e->check = grow(e->check, e->check_n, &e->check_cap,
	    sizeof(*e->check));
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
	e->stats.commits_failed++;
	e->stats.degraded = true;
	snprintf(e->stats.why, sizeof(e->stats.why), "%s: %s", err_text(rc),
	    store_why(e->app->store));
	log_error("store: commit failed, this turn is undone and its "
	    "requests are refused; serving goes on: %s", e->stats.why);
	e->push_n = e->topic_n = e->after_n = 0;
	memset(e->idle, 0, sizeof(e->idle));
	progress_unfold(&e->progress, loop_now(e->app->loop));
	engine_seen_kept(e, false);
	access_forget(e->app->access);
	admit_undone(e->app->admit, e->moves);
	planner_reset(e->app->campaigns);
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
	if (e->stats.degraded)
		log_warn("store: commits succeed again");
	e->stats.degraded = false;
	engine_seen_kept(e, true);
	planner_committed(e->app->campaigns);
	return 0;
}

static void
tell(struct engine *e)
{
	for (size_t i = 0; i < e->after_n; i++)
		e->after[i](e->app);
	for (size_t i = 0; i < e->topic_n; i++)
		front_notify(e->app->front, e->topic[i].plane,
		    e->topic[i].path);
	e->after_n = e->topic_n = 0;
}

/* Only what was queued before now: a push may fail at once and become an
 * event, which is the next round's. */
static void
run_pushes(struct engine *e)
{
	struct engine_push *push = e->push;
	size_t n = e->push_n;

	e->push = NULL;
	e->push_n = e->push_cap = 0;
	for (size_t i = 0; i < n; i++) {
		e->stats.pushes++;
		if (push[i].probe)
			push_probe(e->app, &push[i].job);
		else
			push_job(e->app, &push[i].job);
	}
	free(push);
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
	if ((e->stalled || e->stats.degraded) && at != 0 &&
	    at < now + ENGINE_FOLD_MS)
		at = now + ENGINE_FOLD_MS;
	e->wake = false;
	loop_timer_at(e->app->loop, at);
}

/* Notifications are sent by front_flush, too: those of pushes by the last
 * one. */
void
engine_turn(struct engine *e)
{
	if (!e->begun) {
		int rc = engine_restarted(e);

		e->begun = true;
		if (rc != 0)
			log_error("store: triggers in flight: %s (%s)",
			    err_text(rc), store_why(e->app->store));
	}
	while (e->open) {
		int rc = commit(e);

		if (rc == 0)
			tell(e);
		front_flush(e->app->front, rc);
		if (rc == 0)
			run_pushes(e);
	}
	front_flush(e->app->front, 0);
	rearm(e);
}

void
engine_stats(const struct engine *e, struct engine_stats *ret)
{
	*ret = e->stats;
	ret->progress_slots = engine_seen_live(e);
	for (size_t i = 0; i < PROGRESS_SLOTS; i++)
		ret->progress_slots += e->progress.slot[i].peer[0] != '\0' &&
		    !e->progress.slot[i].manifest &&
		    !e->progress.slot[i].span.ended;
}
