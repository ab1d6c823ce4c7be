/*
 * A chore stays in its queue while the thread is at it, so that its rank can
 * change meanwhile; only the thread takes it out, when it is over.
 *
 * Rejected: slices of this work on the loop. A page that is not in memory,
 * or a queue of the disk that is full, makes any slice a long one.
 */
#include "daemon/disk.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/loop.h"

TAILQ_HEAD(chores, chore);

struct disk {
	pthread_t thread;
	bool running;
	uint64_t ticket; /* the last one */
	int event; /* readable: there is something in `over` */
	pthread_mutex_t lock; /* of what follows, never held over a step */
	pthread_cond_t wake;
	struct chores queue[DISK_RANKS], over;
	bool stop;
};

/* --- the thread --- */

/* NULL: none, and none will come. */
static struct chore *
next(struct disk *d)
{
	int ranks = d->stop ? DISK_WRITE + 1 : DISK_RANKS;

	for (int r = 0; r < ranks; r++)
		if (!TAILQ_EMPTY(&d->queue[r]))
			return TAILQ_FIRST(&d->queue[r]);
	return NULL;
}

static void
finish(struct disk *d, struct chore *c)
{
	uint64_t one = 1;

	TAILQ_REMOVE(&d->queue[c->rank], c, next);
	TAILQ_INSERT_TAIL(&d->over, c, next);
	while (write(d->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *
run(void *arg)
{
	struct disk *d = arg;
	struct chore *c;
	bool over;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		while ((c = next(d)) == NULL && !d->stop)
			pthread_cond_wait(&d->wake, &d->lock);
		if (c == NULL)
			break;
		pthread_mutex_unlock(&d->lock);
		over = c->step(c);
		pthread_mutex_lock(&d->lock);
		if (over)
			finish(d, c);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* --- the loop's side --- */

static void
on_over(void *arg)
{
	struct disk *d = arg;
	struct chore *c;
	uint64_t n;

	(void)!read(d->event, &n, sizeof(n)); /* before the queue */
	for (;;) {
		pthread_mutex_lock(&d->lock);
		c = TAILQ_FIRST(&d->over);
		if (c != NULL)
			TAILQ_REMOVE(&d->over, c, next);
		pthread_mutex_unlock(&d->lock);
		if (c == NULL)
			return;
		c->done(c);
	}
}

void
disk_add(struct disk *d, struct chore *c, enum disk_rank rank)
{
	pthread_mutex_lock(&d->lock);
	c->rank = rank;
	c->dropped = false;
	TAILQ_INSERT_TAIL(&d->queue[rank], c, next);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (d->running)
		return;
	while (!c->step(c))
		continue;
	finish(d, c);
}

/* Is it still in its queue? They are short. */
static bool
waits(const struct disk *d, const struct chore *c)
{
	const struct chore *q;

	TAILQ_FOREACH(q, &d->queue[c->rank], next)
		if (q == c)
			return true;
	return false;
}

void
disk_hurry(struct disk *d, struct chore *c, enum disk_rank rank)
{
	pthread_mutex_lock(&d->lock);
	if (rank < c->rank && waits(d, c)) {
		TAILQ_REMOVE(&d->queue[c->rank], c, next);
		c->rank = rank;
		TAILQ_INSERT_TAIL(&d->queue[rank], c, next);
	}
	pthread_mutex_unlock(&d->lock);
}

uint64_t
disk_ticket(struct disk *d)
{
	return ++d->ticket;
}

/* Signals are the loop's. Without a thread chores are done when they come. */
static void
start(struct disk *d)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	d->running = rc == 0;
	if (d->running)
		(void)pthread_setname_np(d->thread, "disk");
}

int
disk_new(struct loop *loop, struct disk **ret)
{
	struct disk *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return ERR_NOMEM;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	for (int r = 0; r < DISK_RANKS; r++)
		TAILQ_INIT(&d->queue[r]);
	TAILQ_INIT(&d->over);
	d->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = d->event < 0 ? ERR_IO : loop_read(loop, d->event, on_over, d);
	if (rc != 0) {
		disk_free(d);
		return rc;
	}
	start(d);
	*ret = d;
	return 0;
}

void
disk_free(struct disk *d)
{
	struct chore *c;

	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (d->running)
		pthread_join(d->thread, NULL);
	on_over(d);
	for (int r = 0; r < DISK_RANKS; r++)
		while ((c = TAILQ_FIRST(&d->queue[r])) != NULL) {
			TAILQ_REMOVE(&d->queue[r], c, next);
			c->dropped = true;
			c->done(c);
		}
	if (d->event >= 0)
		close(d->event);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
