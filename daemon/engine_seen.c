/*
 * The workers' tables (seen.h) as the control thread follows them. What it
 * knows of a slot is a note of its own, found by the slot's id: how far it
 * was when it was folded, and its share of what `campaign watch` shows. News
 * come through the ring once a second, and by a walk through the table in
 * slices for what the ring had no room for or was not due yet. That is
 * memory only; what costs statements is a fold, and folds wait in two queues,
 * first blocks and ends before steps of 5 %. With very many downloads steps
 * are folded later, never more of them at a time.
 */
#include <stdlib.h>

#include "daemon/catalog.h"
#include "daemon/engine_impl.h"
#include "daemon/log.h"

#define DRAIN_MS 1000
#define DRAIN_MAX 32768 /* news in one turn, or as many as there is time */
#define DRAIN_SHARE 2 /* for: this part of ENGINE_FOLD_SPEND_MS */
#define DRAIN_STEP 256
#define FOLDED (2 * ENGINE_FOLD_MAX) /* and those of jobs that are due */
#define WALK_TICKS 100 /* of ENGINE_WATCH_MS, for all of a table */
#define WALK_LEAST 64
#define STALE_S 10 /* a mark that waits so long is folded anyway */
#define QUEUE 65536 /* folds that wait; a power of two */

enum {
	NOTE_FIRST = 1, /* in the queue of this name */
	NOTE_STEP = 16,
	NOTE_LIVE = 2, /* counted as a download in sight */
	NOTE_DROPPED = 4, /* what was seen counts no longer */
	NOTE_ENDED = 8, /* its end was folded */
};

struct note {
	uint32_t born; /* the download that this is of */
	uint32_t index; /* where its slot was last */
	uint32_t folded; /* its mark then, */
	uint32_t folded_at; /* and when, Unix s; 0: never */
	struct flow_share share;
	uint32_t flags;
};

struct table {
	struct seen *seen;
	struct note *note; /* by id */
	uint32_t walk;
};

struct todo {
	uint32_t table, id;
};

struct queue {
	struct todo *t;
	uint32_t head, tail;
	uint32_t flag; /* of a note that is in it */
};

struct engine_watch {
	struct table table[ENGINE_TABLES];
	size_t n;
	struct queue first, step;
	struct todo folded[FOLDED]; /* in the transaction that is open */
	size_t folded_n;
	uint64_t live;
	int64_t drained; /* when it began, ms */
	bool draining;
};

static void
on_tick(void *arg)
{
	engine_watch(arg);
}

static int
watch_new(struct engine *e)
{
	struct engine_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return ERR_NOMEM;
	e->watch = w;
	w->first.flag = NOTE_FIRST;
	w->step.flag = NOTE_STEP;
	w->first.t = calloc(QUEUE, sizeof(*w->first.t));
	w->step.t = calloc(QUEUE, sizeof(*w->step.t));
	if (w->first.t != NULL && w->step.t != NULL && loop_every(
	    e->app->loop, ENGINE_WATCH_MS, on_tick, e) == 0)
		return 0;
	engine_seen_free(e);
	return ERR_NOMEM;
}

int
engine_seen_add(struct engine *e, struct seen *s)
{
	struct table *t;
	int rc = e->watch == NULL ? watch_new(e) : 0;

	if (rc != 0)
		return rc;
	if (e->watch->n == ENGINE_TABLES)
		return ERR_LIMIT;
	t = &e->watch->table[e->watch->n];
	t->note = calloc(seen_cap(s), sizeof(*t->note));
	if (t->note == NULL)
		return ERR_NOMEM;
	t->seen = s;
	e->watch->n++;
	return 0;
}

void
engine_seen_free(struct engine *e)
{
	struct engine_watch *w = e->watch;

	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->table[i].note);
	free(w->first.t);
	free(w->step.t);
	free(w);
	e->watch = NULL;
}

uint64_t
engine_seen_live(const struct engine *e)
{
	return e->watch == NULL ? 0 : e->watch->live;
}

/* --- notes --- */

/* Full: the walk comes by again. */
static void
enqueue(struct engine_watch *w, struct queue *q, struct todo t)
{
	struct note *n = &w->table[t.table].note[t.id];

	if ((n->flags & q->flag) || q->head - q->tail == QUEUE)
		return;
	q->t[q->head++ % QUEUE] = t;
	n->flags |= q->flag;
}

static void
set_live(struct engine *e, struct note *n, bool live)
{
	if (live && !(n->flags & NOTE_LIVE)) {
		n->flags |= NOTE_LIVE;
		e->watch->live++;
	} else if (!live && (n->flags & NOTE_LIVE)) {
		n->flags &= ~(uint32_t)NOTE_LIVE;
		e->watch->live--;
	}
	if (!live)
		flow_drop(&e->flow, &n->share);
}

/* The slot is another download's now. A place in a queue stays the slot's. */
static void
renew(struct engine *e, struct note *n, uint32_t born)
{
	set_live(e, n, false);
	*n = (struct note){.born = born, .flags = n->flags &
	    (NOTE_FIRST | NOTE_STEP)};
}

static bool
fresh(const struct engine *e, const struct note *n, const struct seen_slot *s)
{
	return !(n->flags & (NOTE_ENDED | NOTE_DROPPED)) &&
	    seen_age(s, loop_now(e->app->loop)) < FETCHING_MS;
}

/* A slot with news, or one that the walk comes by: memory only. */
static void
look(struct engine *e, size_t table, const struct seen_slot *s)
{
	struct engine_watch *w = e->watch;
	struct table *t = &w->table[table];
	struct note *n = &t->note[s->id];
	struct todo todo = {(uint32_t)table, s->id};
	uint32_t now = (uint32_t)(loop_now(e->app->loop) / 1000);

	if (n->born != s->born)
		renew(e, n, s->born);
	n->index = s->index;
	if (n->flags & NOTE_DROPPED) {
		seen_drop(t->seen, s); /* again: it may have moved then */
		return;
	}
	set_live(e, n, fresh(e, n, s));
	flow_move(&e->flow, &n->share, s->span.hi);
	if (n->flags & NOTE_ENDED)
		return;
	if (n->folded_at == 0 || span_whole(&s->span))
		enqueue(w, &w->first, todo);
	else if (s->span.hi != n->folded && (span_step(&s->span, n->folded) ||
	    now - n->folded_at >= STALE_S))
		enqueue(w, &w->step, todo);
}

/* Does this slot still count? */
static bool
counts(const struct table *t, const struct seen_slot *s)
{
	const struct note *n = &t->note[s->id];

	return n->born != s->born || !(n->flags & NOTE_DROPPED);
}

/* --- folds --- */

static int
fold(struct engine *e, struct table *t, const struct seen_slot *s)
{
	struct note *n = &t->note[s->id];
	char peer[SEEN_TEXT];
	uint8_t digest[32];
	struct engine_mark m = {.peer = peer, .digest = digest};
	int rc = 0;

	seen_peer_text(&s->peer, peer);
	/* withdrawn, or two images with one mark: nobody's */
	if (catalog_mark(e->app->catalog, s->digest, digest) == 0)
		rc = engine_fold_mark(e, &m);
	if (rc != 0) {
		log_warn("progress: peer=%s not folded: %s", peer,
		    err_text(rc));
		return rc;
	}
	e->stats.folds++;
	if (n->flags & NOTE_DROPPED)
		return 0; /* that was the end of its attempt */
	n->folded = s->span.hi;
	n->folded_at = (uint32_t)(loop_now(e->app->loop) / 1000);
	if (span_whole(&s->span)) {
		n->flags |= NOTE_ENDED;
		seen_ended(t->seen, s);
	}
	set_live(e, n, fresh(e, n, s));
	if (n->flags & NOTE_LIVE)
		flow_put(&e->flow, &n->share, m.campaign, (struct flow_share){
		    .done = s->span.hi, .total = s->span.total});
	return 0;
}

/* By its note; a slot that is somebody else's by now has news of its own,
 * and what waited in both queues is folded once. */
static int
fold_todo(struct engine *e, struct todo todo)
{
	struct engine_watch *w = e->watch;
	struct table *t = &w->table[todo.table];
	struct note *n = &t->note[todo.id];
	struct seen_slot s;
	int rc;

	if (!seen_at(t->seen, n->index, &s) || s.id != todo.id ||
	    s.born != n->born || (n->flags & (NOTE_DROPPED | NOTE_ENDED)) ||
	    (n->folded_at != 0 && n->folded == s.span.hi))
		return 0;
	rc = fold(e, t, &s);
	if (rc == 0 && e->open) /* not a stranger's: that writes nothing */
		w->folded[w->folded_n++] = todo;
	return rc;
}

/* False: enough for this turn, or the store is in trouble; what it refused
 * is tried again after the others. */
static bool
fold_queue(struct engine *e, struct queue *q, size_t *left, int64_t until)
{
	struct engine_watch *w = e->watch;

	for (; q->tail != q->head; --*left) {
		struct todo t = q->t[q->tail % QUEUE];

		if (*left == 0 || w->folded_n == FOLDED ||
		    loop_spent(e->app->loop) >= until)
			return false;
		q->tail++;
		if (fold_todo(e, t) != 0) {
			q->t[q->head++ % QUEUE] = t;
			return false;
		}
		w->table[t.table].note[t.id].flags &= ~q->flag;
	}
	return true;
}

void
engine_seen_kept(struct engine *e, bool kept)
{
	struct engine_watch *w = e->watch;

	for (size_t i = 0; w != NULL && !kept && i < w->folded_n; i++) {
		struct todo t = w->folded[i];
		struct note *n = &w->table[t.table].note[t.id];

		n->folded_at = 0;
		n->flags &= ~(uint32_t)NOTE_ENDED;
		enqueue(w, &w->first, t);
	}
	if (w != NULL)
		w->folded_n = 0;
}

/* --- the tick --- */

/* A part of each table, so that all of it is seen in some seconds. */
static void
walk(struct engine *e, size_t table)
{
	struct table *t = &e->watch->table[table];
	size_t used = seen_used(t->seen), n = used / WALK_TICKS;
	struct seen_slot s;

	for (n = n < WALK_LEAST ? WALK_LEAST : n; n > 0; n--) {
		if (t->walk >= used)
			t->walk = 0;
		if (seen_at(t->seen, t->walk++, &s))
			look(e, table, &s);
	}
}

static void
drain(struct engine *e, int64_t until)
{
	struct engine_watch *w = e->watch;
	struct seen_slot s;

	w->draining = false;
	for (size_t i = 0; i < w->n; i++) {
		size_t left = DRAIN_MAX / w->n;

		while (left > 0 && seen_next(w->table[i].seen, &s)) {
			look(e, i, &s);
			if (--left % DRAIN_STEP == 0 &&
			    loop_spent(e->app->loop) >= until)
				left = 0;
		}
		w->draining |= left == 0;
	}
}

void
engine_watch(struct engine *e)
{
	struct engine_watch *w = e->watch;
	int64_t now = loop_now(e->app->loop), start;
	size_t left = ENGINE_FOLD_MAX;

	if (w == NULL)
		return;
	start = loop_spent(e->app->loop);
	for (size_t i = 0; i < w->n; i++)
		walk(e, i);
	if (w->draining || now - w->drained >= DRAIN_MS || now < w->drained) {
		if (!w->draining)
			w->drained = now;
		drain(e, start + ENGINE_FOLD_SPEND_MS / DRAIN_SHARE);
	}
	start += ENGINE_FOLD_SPEND_MS;
	if (fold_queue(e, &w->first, &left, start))
		(void)fold_queue(e, &w->step, &left, start);
}

/* --- by name --- */

bool
engine_seen_span(const struct engine *e, const char *peer,
    const uint8_t digest[32], struct span *ret, int64_t *ret_age)
{
	const struct engine_watch *w = e->watch;
	struct seen_peer p;
	struct seen_slot s;
	bool found = false;

	if (w == NULL || !seen_peer_read(peer, &p))
		return false;
	for (size_t i = 0; i < w->n; i++) {
		if (!seen_find(w->table[i].seen, &p, digest, &s) ||
		    !counts(&w->table[i], &s) ||
		    (found && s.span.hi <= ret->hi))
			continue;
		*ret = s.span;
		*ret_age = seen_age(&s, loop_now(e->app->loop));
		found = true;
	}
	return found;
}

void
engine_seen_drop(struct engine *e, const char *peer,
    const uint8_t digest[32])
{
	struct engine_watch *w = e->watch;
	struct seen_peer p;
	struct seen_slot s;

	if (w == NULL || !seen_peer_read(peer, &p))
		return;
	for (size_t i = 0; i < w->n; i++) {
		struct table *t = &w->table[i];

		if (!seen_find(t->seen, &p, digest, &s))
			continue;
		renew(e, &t->note[s.id], s.born);
		t->note[s.id].flags |= NOTE_DROPPED;
		seen_drop(t->seen, &s);
	}
}

static int
fold_named(struct engine *e, const char *peer, const uint8_t digest[32])
{
	struct engine_watch *w = e->watch;
	struct seen_peer p;
	struct seen_slot s;
	int rc = 0;

	if (!seen_peer_read(peer, &p))
		return 0;
	for (size_t i = 0; rc == 0 && i < w->n; i++) {
		struct table *t = &w->table[i];

		if (!seen_find(t->seen, &p, digest, &s))
			continue;
		look(e, i, &s);
		if (counts(t, &s) && t->note[s.id].folded != s.span.hi &&
		    w->folded_n < FOLDED)
			rc = fold_todo(e, (struct todo){(uint32_t)i, s.id});
	}
	return rc;
}

int
engine_seen_job(struct engine *e, const struct job *j)
{
	const struct catalog_release *r = catalog_by_id(e->app->catalog,
	    j->release);
	struct store *s = e->app->store;
	char peer[3][LIMIT_ADDRESS + 2];
	struct store_device d;
	int rc;

	if (e->watch == NULL || r == NULL)
		return 0;
	rc = s->ops->device_get(s, j->device, &d);
	if (rc != 0)
		return rc;
	progress_names(&d, peer);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; rc == 0 && i < r->payload_count; i++)
			rc = fold_named(e, peer[k], r->payload[i].digest);
	return rc;
}
