/*
 * blocks_impl: what the files of the image plane share.
 *
 *   blocks.c        life, the table's replacement, the tick
 *   blocks_steer.c  sockets, and which datagram goes to which
 *   blocks_table.c  the images, as workers see them
 *   blocks_work.c   a worker's thread
 *   blocks_slow.c   what the loop's thread answers for the workers
 */
#ifndef SUITD_DAEMON_BLOCKS_IMPL_H
#define SUITD_DAEMON_BLOCKS_IMPL_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "daemon/blocks.h"
#include "daemon/image.h"
#include "daemon/seen.h"
#include "lib/get.h"

#define LINE 64 /* bytes of a cache line */
#define BATCH 64 /* datagrams that are read, answered and sent together */
/* As libcoap reads: the rest of a longer datagram is lost. */
#define DATAGRAM_MAX 1472
#define SLOW_RING 256 /* requests of a worker that wait; a power of two */

/* --- blocks_table.c --- */

struct entry {
	struct blob *blob; /* NULL: not mapped */
	struct slice bytes;
	_Atomic(bool) bad; /* reading it failed: for the slow lane */
	_Atomic(uint32_t) used; /* Unix seconds */
};

struct table {
	size_t n, mapped;
	struct image_name *name; /* sorted, all there are */
	struct entry *entry; /* one for each name */
	struct table *next; /* of those that are to be freed */
};

static inline bool
entry_bad(const struct entry *e)
{
	return atomic_load_explicit(&e->bad, memory_order_relaxed);
}

static inline uint32_t
entry_used(const struct entry *e)
{
	return atomic_load_explicit(&e->used, memory_order_relaxed);
}

/* Written once a second at most: other workers read the same line. */
static inline void
entry_use(struct entry *e, uint32_t now)
{
	if (entry_used(e) != now)
		atomic_store_explicit(&e->used, now, memory_order_relaxed);
}

/* Copies `img`; nothing is mapped. */
int table_new(const struct image_name *img, size_t n, struct table **ret)
    MUST_USE;
void table_free(struct table *t); /* NULL is fine */
/* Takes over the mappings of those that are live. */
void table_inherit(struct table *t, const struct table *old);
/* Takes a reference of its own. At LIMIT_IMAGES_MAPPED the one that was
 * used longest ago goes. */
void table_map(struct table *t, size_t at, struct blob *b, uint32_t now);
void table_unmap(struct table *t, size_t at);

/* --- blocks_steer.c --- */

/*
 * n sockets on the address of `beside`, a bound UDP socket, and the program
 * that shares out between them. ERR_UNSUPPORTED with the kernel's words when
 * it does not want to; then nothing is left behind.
 */
int steer_open(int beside, unsigned n, int *ret_fd, struct why *why) MUST_USE;
void steer_close(int beside, int *fd, unsigned n);

/* --- workers --- */

struct batch; /* blocks_work.c */

/* Where a datagram came to, as the kernel tells it and wants it told. */
union control {
	struct cmsghdr align;
	uint8_t b[64];
};

struct envelope {
	struct sockaddr_in6 from;
	union control control;
};

struct slow_item {
	struct envelope env;
	socklen_t from_n;
	size_t control_n, n;
	uint8_t b[DATAGRAM_MAX];
};

/* One writer, the worker, and one reader, the loop's thread. */
struct slow_ring {
	_Alignas(LINE) _Atomic(uint32_t) head; /* the writer's */
	_Alignas(LINE) _Atomic(uint32_t) tail; /* the reader's */
	struct slow_item *item;
};

/* Written by the worker alone. */
struct counters {
	_Atomic(uint64_t) requests, blocks, errors, slow, dropped;
};

static inline void
count(_Atomic(uint64_t) *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c,
	    memory_order_relaxed) + n, memory_order_relaxed);
}

struct worker {
	struct blocks *b;
	unsigned number; /* 1.. */
	int fd;
	bool runs;
	pthread_t thread;
	struct batch *batch;
	struct seen *seen;
	struct slow_ring slow;
	/* the table that it reads just now; NULL: none */
	_Alignas(LINE) _Atomic(struct table *) using;
	struct counters counters;
};

struct blocks {
	struct app *app;
	unsigned n; /* workers */
	int beside; /* libcoap's socket */
	int event; /* written by workers that gave something to the slow lane */
	uint8_t szx; /* of requests without Block2 */
	struct worker *worker[LIMIT_IMAGE_WORKERS];
	struct table *old; /* replaced, perhaps still in use */
	size_t look; /* whose file is looked at next */
	uint64_t slow_blocks, slow_errors; /* of the slow lane */
	/* what follows is read by workers; NULL: all goes to the slow lane */
	_Alignas(LINE) _Atomic(struct table *) table;
	_Atomic(bool) stop;
};

/* The table in use, for the loop's thread; NULL: there is none. */
struct table *blocks_table(const struct blocks *b);
/* Takes it over; the one before is freed when no worker reads it. */
void blocks_publish(struct blocks *b, struct table *t);

/* For table_map. */
uint32_t entry_now(const struct blocks *b);

int worker_new(struct blocks *b, unsigned number, struct worker **ret)
    MUST_USE;
/* The thread must have ended. NULL is fine. */
void worker_free(struct worker *w);
/* The thread's function. */
void *worker_run(void *worker);

/* --- blocks_slow.c --- */

/* By the worker: false when there is no room. */
bool slow_push(struct slow_ring *r, const struct msghdr *m, size_t n);
/* By the loop's thread: answers what waits. */
void slow_drain(struct blocks *b);

#endif
