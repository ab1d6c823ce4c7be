/*
 * Workers only ever read; what they read is replaced as a whole by the
 * loop's thread. A worker says which table it reads (`using`) from the
 * moment a batch is in until its answers are out, and a replaced table is
 * freed when nobody says so. Rejected: a reference count, which every batch
 * of every worker would write to the same line.
 *
 * Images are mapped when somebody asks; starting with a thousand of them costs
 * nothing.
 */
#include "daemon/blocks_impl.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/catalog.h"
#include "daemon/checks.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/loop.h"

#define TICK_MS 1000
#define LOOK 256 /* files looked at in a tick, some 2 us each */
#define RCVBUF_GOOD (2 * 1024 * 1024) /* some 1000 requests */

/* --- the table --- */

struct table *
blocks_table(const struct blocks *b)
{
	return atomic_load_explicit(&b->table, memory_order_relaxed);
}

uint32_t
entry_now(const struct blocks *b)
{
	return (uint32_t)(loop_now(b->app->loop) / 1000);
}

static bool
in_use(const struct blocks *b, const struct table *t)
{
	for (unsigned i = 0; i < b->n; i++)
		if (atomic_load(&b->worker[i]->using) == t)
			return true;
	return false;
}

static void
reclaim(struct blocks *b)
{
	struct table **at = &b->old;

	while (*at != NULL) {
		struct table *t = *at;

		if (in_use(b, t)) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		table_free(t);
	}
}

void
blocks_publish(struct blocks *b, struct table *t)
{
	struct table *was = atomic_exchange(&b->table, t);

	if (was != NULL) {
		was->next = b->old;
		b->old = was;
	}
	reclaim(b);
}

/* What the kernel does not learn is served all the same: by libcoap. */
static void
steer_for(struct blocks *b, const struct names *names)
{
	if (b->n == 0 || memcmp(&b->steer, &names->steer,
	    sizeof(b->steer)) == 0)
		return;
	if (steer_set(&b->group, &names->steer) == 0)
		b->steer = names->steer;
	else
		log_warn("images: the kernel does not take new paths; the "
		    "main loop serves them");
}

/* Without memory for a new one there is none: then the slow lane, which asks
 * the catalog itself, has everything, and the tick tries again. */
static void
on_load(void *arg)
{
	struct blocks *b = arg;
	struct table *t = NULL, *was = blocks_table(b);
	struct names *names = NULL;
	struct names_source src;

	src.image = catalog_images(b->app->catalog, &src.images);
	src.path = catalog_paths(b->app->catalog, &src.paths);
	if (names_new(&src, &names) != 0 || table_new(names, &t) != 0)
		log_error("blocks: no memory for a table of %zu images",
		    src.images);
	else if (was != NULL)
		table_inherit(t, was);
	blocks_publish(b, t);
	if (t != NULL)
		steer_for(b, names);
	names_unref(names);
}

/* --- the loop's part --- */

static void
on_slow(void *arg)
{
	slow_drain(arg);
}

static void
on_checked(void *arg, uint64_t ticket, int err)
{
	slow_checked(arg, ticket, err);
}

/* Of a file that is another one by now nothing is served; who asks next
 * has the slow lane look at it. */
static void
look(struct blocks *b)
{
	struct table *t = blocks_table(b), *next = NULL;
	size_t looked = 0;

	for (size_t i = 0; looked < LOOK && i < t->names->images; i++) {
		size_t at = b->look++ % t->names->images;
		struct blob *blob = t->entry[at].blob;

		looked += blob != NULL;
		if (blob == NULL || blob_current(b->app->blobs, blob))
			continue;
		if (next == NULL && table_new(t->names, &next) == 0)
			table_inherit(next, t);
		if (next != NULL)
			table_unmap(next, at);
	}
	if (next != NULL)
		blocks_publish(b, next);
}

static void
on_tick(void *arg)
{
	struct blocks *b = arg;

	if (b->n == 0)
		return;
	reclaim(b);
	if (blocks_table(b) == NULL)
		on_load(b);
	else
		look(b);
}

/* --- threads --- */

static void
stop_threads(struct blocks *b)
{
	atomic_store(&b->stop, true);
	for (unsigned i = 0; i < b->n; i++) {
		struct worker *w = b->worker[i];

		if (w == NULL || !w->runs)
			continue;
		/* ENOTCONN, and wakes who waits for a datagram */
		(void)shutdown(w->fd, SHUT_RDWR);
		pthread_join(w->thread, NULL);
		w->runs = false;
	}
}

/* Signals are the loop's. */
static int
start_thread(struct worker *w)
{
	char name[16];
	sigset_t all, was;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	e = pthread_create(&w->thread, NULL, worker_run, w);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (e != 0)
		return ERR_NOMEM;
	w->runs = true;
	snprintf(name, sizeof(name), "images-%u", w->number);
	(void)pthread_setname_np(w->thread, name);
	return 0;
}

static void
close_sockets(struct blocks *b)
{
	if (b->group.n == 0)
		return; /* libcoap's socket may be gone already */
	steer_close(&b->group);
	for (unsigned i = 0; i < b->n; i++)
		b->worker[i]->fd = -1;
}

static void
forget_workers(struct blocks *b)
{
	blocks_stop(b);
	for (unsigned i = 0; i < b->n; i++) {
		worker_free(b->worker[i]);
		b->worker[i] = NULL;
	}
	b->n = 0;
}

static int
steer_all(struct blocks *b, const struct steer *st, struct why *why)
{
	struct steer_group *g = &b->group;
	struct front *f = b->app->front;
	int rc = front_follow_open(f, g->follow, &g->follow_n);

	if (rc != 0)
		return why_set(why, rc, "%s", err_text(rc));
	g->n = b->n;
	rc = steer_open(g, st, why);
	if (rc != 0)
		return rc;
	rc = front_follow_start(f);
	if (rc == 0)
		return 0;
	g->follow_n = 0;
	steer_close(g);
	return why_set(why, rc, "%s", err_text(rc));
}

/* With contexts for those who observe, or without. */
static int
steer(struct blocks *b, const struct steer *st, struct why *why)
{
	struct steer_group *g = &b->group;
	int rc = steer_all(b, st, why);

	if (rc == 0)
		return 0;
	log_warn("front: no contexts for peers that observe: %s; few of them "
	    "can", why->text);
	front_follow_close(b->app->front);
	g->follow_n = 0;
	g->n = b->n;
	return steer_open(g, st, why);
}

static int
start_workers(struct blocks *b, struct why *why)
{
	const struct table *t = blocks_table(b);
	int rc = t == NULL ? ERR_NOMEM : 0;

	for (unsigned i = 0; i < b->n && rc == 0; i++)
		rc = worker_new(b, i + 1, &b->worker[i]);
	if (rc != 0)
		return why_set(why, rc, "%s", err_text(rc));
	rc = steer(b, &t->names->steer, why);
	if (rc != 0)
		return rc;
	b->steer = t->names->steer;
	for (unsigned i = 0; i < b->n; i++)
		b->worker[i]->fd = b->group.fd[i];
	for (unsigned i = 0; i < b->n && rc == 0; i++)
		rc = start_thread(b->worker[i]);
	return rc == 0 ? 0 : why_set(why, rc, "cannot start a thread");
}

/* The engine reads what they see. It keeps a table until the loop has ended,
 * so it gets them last. */
static int
show_tables(struct blocks *b)
{
	int rc = 0;

	for (unsigned i = 0; i < b->n && rc == 0; i++)
		rc = engine_seen_add(b->app->engine, b->worker[i]->seen);
	return rc;
}

/* --- life --- */

static unsigned
cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ?
	    (unsigned)CPU_COUNT(&set) : 1;
}

/* What the loop calls cannot be taken back, so a failure here ends it. */
static int
hook_up(struct blocks *b)
{
	int rc;

	b->wait = calloc(SLOW_WAIT, sizeof(*b->wait));
	if (b->wait == NULL)
		return ERR_NOMEM;
	b->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (b->event < 0)
		return ERR_IO;
	rc = loop_read(b->app->loop, b->event, on_slow, b);
	if (rc == 0)
		rc = loop_every(b->app->loop, TICK_MS, on_tick, b);
	return rc;
}

int
blocks_new(struct app *app, struct blocks **ret)
{
	struct blocks *b;
	struct why why;
	int rc;

	if (app->conf.image_workers == 0 ||
	    front_socket(app->front, T_UDP) < 0)
		return 0;
	b = aligned_alloc(LINE, sizeof(*b));
	if (b == NULL)
		return ERR_NOMEM;
	memset(b, 0, sizeof(*b));
	b->app = app;
	b->event = -1;
	b->group.beside = front_socket(app->front, T_UDP);
	b->szx = content_szx(app->conf.block_size);
	rc = hook_up(b);
	if (rc != 0) {
		blocks_free(b);
		return rc;
	}
	on_load(b);
	b->n = cores();
	if (b->n > app->conf.image_workers)
		b->n = app->conf.image_workers;
	if (start_workers(b, &why) != 0) {
		forget_workers(b);
		log_warn("images: no workers of their own: %s; the main loop "
		    "serves them, which is slower", why.text);
	}
	rc = show_tables(b);
	if (rc != 0) {
		blocks_free(b);
		return rc;
	}
	catalog_on_load(app->catalog, on_load, b);
	checks_on_done(app->checks, on_checked, b);
	*ret = b;
	return 0;
}

void
blocks_stop(struct blocks *b)
{
	if (b == NULL)
		return;
	stop_threads(b);
	close_sockets(b);
}

void
blocks_free(struct blocks *b)
{
	if (b == NULL)
		return;
	catalog_on_load(b->app->catalog, NULL, NULL);
	checks_on_done(b->app->checks, NULL, NULL);
	forget_workers(b);
	reclaim(b);
	table_free(blocks_table(b));
	if (b->event >= 0)
		close(b->event);
	free(b->wait);
	free(b);
}

/* --- what it says of itself --- */

unsigned
blocks_workers(const struct blocks *b)
{
	return b == NULL ? 0 : b->n;
}

void
blocks_describe(const struct blocks *b,
    void (*line)(void *arg, const char *text), void *arg)
{
	socklen_t n = sizeof(int);
	char text[256];
	int got = 0;

	if (blocks_workers(b) == 0)
		return;
	/* the kernel says twice what it was asked for (socket(7)) */
	(void)getsockopt(b->worker[0]->fd, SOL_SOCKET, SO_RCVBUF, &got, &n);
	snprintf(text, sizeof(text), "images: %u worker%s beside coap, "
	    "receive buffer %d KiB each%s", b->n, b->n == 1 ? "" : "s",
	    got / 2048,
	    got / 2 < RCVBUF_GOOD ? "; a burst of requests may be lost: set "
	    "net.core.rmem_max=4194304" : "");
	line(arg, text);
}

static uint64_t
get(const _Atomic(uint64_t) *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void
blocks_stats(const struct blocks *b, struct blocks_stats *ret)
{
	*ret = (struct blocks_stats){0};
	if (blocks_workers(b) == 0)
		return;
	ret->blocks = ret->slow_blocks = b->slow_blocks;
	ret->bytes = ret->slow_bytes = b->slow_bytes;
	memcpy(ret->code, b->slow_code, sizeof(ret->code));
	ret->errors = b->slow_errors;
	ret->dropped = b->slow_dropped;
	if (blocks_table(b) != NULL)
		ret->mapped = blocks_table(b)->mapped;
	for (unsigned i = 0; i < b->n; i++) {
		const struct counters *c = &b->worker[i]->counters;
		struct seen_stats seen;

		seen_stats(b->worker[i]->seen, &seen);
		ret->peers += seen.slots;
		ret->evicted += seen.evicted;
		ret->requests += get(&c->requests);
		ret->blocks += get(&c->blocks);
		ret->bytes += get(&c->bytes);
		for (unsigned k = 0; k < CODES; k++)
			ret->code[k] += get(&c->code[k]);
		ret->errors += get(&c->errors);
		ret->slow += get(&c->slow);
		ret->dropped += get(&c->dropped);
	}
}

void
blocks_count(struct app *app, struct front_stats *ret)
{
	struct blocks_stats st;

	blocks_stats(app->blocks, &st);
	ret->requests += st.requests;
	ret->blocks += st.blocks;
	ret->errors += st.errors;
	ret->image_workers = blocks_workers(app->blocks);
	ret->image_slow = st.slow;
	ret->image_dropped = st.dropped;
	ret->image_peers = st.peers;
	ret->image_evicted = st.evicted;
	ret->images_mapped = st.mapped;
}
