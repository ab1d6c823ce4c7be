/*
 * From the commit to what may be seen of it. Turns that are committed gather
 * in e->news; when no sync has begun, all of them move to e->told and one is
 * asked for; its answer lets the held answers go, tells observers and runs
 * the pushes. So a disk that takes long has larger groups, not a longer
 * queue, and the loop never waits for it.
 *
 * Where a commit is durable at once the answer is given on the spot.
 *
 * Rejected: to undo turns whose sync failed. What came after them has seen
 * what they did, and on the disk they may be there all the same.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/engine_impl.h"
#include "daemon/log.h"
#include "daemon/push.h"
#include "db/store_sync.h"

/* --- lists --- */

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
engine_news_push(struct engine_news *n, const struct engine_push *p)
{
	n->push = grow(n->push, n->push_n, &n->push_cap, sizeof(*n->push));
	n->push[n->push_n++] = *p;
}

void
engine_news_topic(struct engine_news *n, enum transport plane,
    const char *path)
{
	struct engine_topic *t;

	for (size_t i = 0; i < n->topic_n; i++)
		if ((n->topic[i].plane == T_ADMIN) == (plane == T_ADMIN) &&
		    strcmp(n->topic[i].path, path) == 0)
			return;
	n->topic = grow(n->topic, n->topic_n, &n->topic_cap,
	    sizeof(*n->topic));
	t = &n->topic[n->topic_n++];
	t->plane = plane;
	snprintf(t->path, sizeof(t->path), "%s", path);
}

void
engine_news_after(struct engine_news *n, void (*fn)(struct app *app))
{
	for (size_t i = 0; i < n->after_n; i++)
		if (n->after[i] == fn)
			return;
	assert(n->after_n < ENGINE_AFTER);
	n->after[n->after_n++] = fn;
}

void
engine_news_line(struct engine_news *n, char *line)
{
	n->line = grow(n->line, n->line_n, &n->line_cap, sizeof(*n->line));
	n->line[n->line_n++] = line;
}

void
engine_news_unsay(struct engine_news *news, size_t n)
{
	while (news->line_n > n)
		free(news->line[--news->line_n]);
}

void
engine_news_free(struct engine_news *n)
{
	engine_news_unsay(n, 0);
	free(n->line);
	free(n->push);
	free(n->topic);
}

/* Between turns everything in e->news is committed. */
static void
gather(struct engine *e)
{
	struct engine_news *n = &e->news;

	for (size_t i = 0; i < n->push_n; i++)
		engine_news_push(&e->told, &n->push[i]);
	for (size_t i = 0; i < n->topic_n; i++)
		engine_news_topic(&e->told, n->topic[i].plane,
		    n->topic[i].path);
	for (size_t i = 0; i < n->after_n; i++)
		engine_news_after(&e->told, n->after[i]);
	for (size_t i = 0; i < n->line_n; i++)
		engine_news_line(&e->told, n->line[i]);
	n->push_n = n->topic_n = n->after_n = n->line_n = 0;
	e->kept.push_n = e->kept.topic_n = e->kept.after_n = 0;
	e->kept.line_n = 0;
	e->sync.held = e->kept.held;
	e->sync.owed = false;
}

/* --- what may be seen now --- */

static bool
comes_again(const struct engine_news *n, void (*fn)(struct app *app))
{
	for (size_t i = 0; i < n->after_n; i++)
		if (n->after[i] == fn)
			return true;
	return false;
}

/* What reads the store now would also see what is not durable yet: it is
 * left to the sync of that. */
static void
tell(struct engine *e)
{
	struct engine_news *n = &e->told;

	for (size_t i = 0; i < n->line_n; i++)
		log_info("%s", n->line[i]);
	engine_news_unsay(n, 0);
	for (size_t i = 0; i < n->after_n; i++)
		if (!comes_again(&e->news, n->after[i]))
			n->after[i](e->app);
	for (size_t i = 0; i < n->topic_n; i++)
		front_notify(e->app->front, n->topic[i].plane,
		    n->topic[i].path);
	n->after_n = n->topic_n = 0;
}

/* A turn that came since may have ended its job: the device was revoked, or
 * the campaign aborted. Should it not be read, its deadline comes. */
static bool
still_wanted(const struct engine *e, const struct job *j)
{
	struct store *s = e->app->store;
	struct job now;

	return s->ops->job_get(s, j->id, &now) == 0 &&
	    !job_state_final(now.state) && now.attempt == j->attempt;
}

/* A push may fail at once and become an event, which is in e->news. */
static void
run_pushes(struct engine *e)
{
	struct engine_news *n = &e->told;

	for (size_t i = 0; i < n->push_n; i++) {
		const struct engine_push *p = &n->push[i];

		if (!still_wanted(e, &p->job))
			continue;
		if (p->probe) {
			push_probe(e->app, &p->job);
			continue;
		}
		e->stats.pushes++;
		push_job(e->app, &p->job);
	}
	n->push_n = 0;
}

static void
sync_failed(struct engine *e, int rc)
{
	struct syncer_stats st;
	struct why why;

	syncer_stats(e->app->store->syncer, &st);
	e->stats.syncs_failed++;
	why_set(&why, rc, "%s: %.120s", err_text(rc), st.why.text);
	health_failed(&e->app->health, HEALTH_SYNC, &why,
	    loop_now(e->app->loop));
	e->sync.failed = true;
}

static void
answered(struct engine *e, int rc)
{
	const struct front_span span = {.upto = e->sync.held,
	    .unsure = rc != 0};

	e->sync.asked = false;
	if (rc != 0) {
		sync_failed(e, rc);
		front_flush(e->app->front, span, rc);
		return;
	}
	health_well(&e->app->health, HEALTH_SYNC, loop_now(e->app->loop));
	e->sync.failed = false;
	tell(e);
	front_flush(e->app->front, span, 0);
	run_pushes(e);
}

/* --- asking --- */

void
engine_sync_start(struct engine *e)
{
	struct store *s = e->app->store;

	if (e->open || !e->sync.owed)
		return;
	if (!s->unsynced) {
		gather(e);
		answered(e, 0);
	} else if (syncer_ask(s->syncer) == 0) {
		gather(e);
		e->sync.asked = true;
	}
}

void
engine_sync_settle(struct engine *e)
{
	int rc = 0;

	if (e->sync.asked && syncer_answer(e->app->store->syncer, &rc))
		answered(e, rc);
}

void
engine_drain(struct engine *e)
{
	engine_turn(e);
	while (e->sync.asked) {
		answered(e, syncer_wait(e->app->store->syncer));
		engine_turn(e);
	}
}
