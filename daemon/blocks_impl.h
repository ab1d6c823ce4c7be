/*
 * blocks_impl: what the files of the image plane share.
 *
 *   blocks.c        life, the table's replacement, the tick
 *   blocks_steer.c  sockets, and which datagram goes to which
 *   blocks_names.c  what images can be asked for by
 *   blocks_table.c  the images, as workers see them
 *   blocks_work.c   a worker's thread
 *   blocks_echo.c   who has not shown its address
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
#include "daemon/reach.h"
#include "daemon/seen.h"
#include "lib/get.h"

#define LINE 64 /* bytes of a cache line */
#define BATCH 64 /* datagrams that are read, answered and sent together */
/* As libcoap reads: the rest of a longer datagram is lost. */
#define DATAGRAM_MAX 1472
#define SLOW_RING 1024 /* requests of a worker that wait; a power of two */
#define SLOW_WAIT 1024 /* of all workers that wait for an image's hash */

#define STEER_SEGMENT 12 /* bytes of a Uri-Path with a short length */

/* --- blocks_names.c --- */

/* First segments of paths whose GETs are for the workers: "i", and those of
 * the paths that published manifests give to images. */
struct steer {
	size_t n;
	char segment[LIMIT_STEERED][STEER_SEGMENT + 1];
};

struct names {
	unsigned refs; /* the loop's thread alone counts */
	size_t images, paths;
	struct image_name *image; /* sorted */
	struct image_path *path; /* sorted */
	size_t *image_of; /* each path's */
	char *text;
	struct steer steer;
};

struct names_source {
	const struct image_name *image;
	size_t images;
	const struct image_path *path;
	size_t paths;
};
/* Copies all of it, with one reference to it. */
int names_new(const struct names_source *src, struct names **ret) MUST_USE;
struct names *names_ref(struct names *m); /* returns m */
void names_unref(struct names *m); /* NULL is fine */
/* The image that is asked for; errors as of image_find. Any thread. */
int names_find(const struct names *m, const struct get *g, size_t *ret)
    MUST_USE;

/* --- blocks_table.c --- */

struct entry {
	struct blob *blob; /* NULL: not mapped */
	struct slice bytes;
	_Atomic(bool) bad; /* reading it failed: for the slow lane */
	_Atomic(uint32_t) used; /* Unix seconds */
};

struct table {
	size_t mapped;
	struct names *names;
	struct entry *entry; /* one for each image */
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

/* Takes a reference to the names; nothing is mapped. */
int table_new(struct names *names, struct table **ret) MUST_USE;
void table_free(struct table *t); /* NULL is fine */
/* Takes over the mappings of those that are live. */
void table_inherit(struct table *t, const struct table *old);
/* Takes a reference of its own. At LIMIT_IMAGES_MAPPED the one that was
 * used longest ago goes. */
void table_map(struct table *t, size_t at, struct blob *b, uint32_t now);
void table_unmap(struct table *t, size_t at);

/* --- blocks_steer.c --- */

/*
 * g->n sockets on the address of g->beside, a bound UDP socket; g->follow,
 * bound to port 0 by somebody else, get that address, too; and the program
 * that shares out between them. ERR_UNSUPPORTED with the kernel's words when
 * it does not want to; then nothing is left behind.
 */
struct steer_group {
	int beside;
	unsigned follow_n;
	int follow[FRONT_FOLLOW];
	unsigned n;
	int fd[LIMIT_IMAGE_WORKERS];
};
/* g->follow are of no use after a failure. */
int steer_open(struct steer_group *g, const struct steer *st,
    struct why *why) MUST_USE;
/* From now on for these paths; on failure as before. */
int steer_set(const struct steer_group *g, const struct steer *st) MUST_USE;
/* g->follow keep their places, and get what they got. */
void steer_close(struct steer_group *g);

/* --- workers --- */

struct batch; /* blocks_work.c */

/* Where a datagram came to, as the kernel tells it and wants it told. */
struct control {
	_Alignas(struct cmsghdr) uint8_t b[64];
};

struct envelope {
	struct sockaddr_in6 from;
	struct control control;
};

struct slow_item {
	struct envelope env;
	socklen_t from_n;
	size_t control_n, n;
	uint8_t b[DATAGRAM_MAX];
};

/* One that waits for what checks.h says of its image. */
struct slow_wait {
	uint64_t ticket; /* 0: free */
	struct worker *worker; /* that it came to */
	struct slow_item item;
};

/* One writer, the worker, and one reader, the loop's thread. */
struct slow_ring {
	_Alignas(LINE) _Atomic(uint32_t) head; /* the writer's */
	_Alignas(LINE) _Atomic(uint32_t) tail; /* the reader's */
	struct slow_item *item;
};

/* The other way: blocks that the slow lane sent, for the worker's table. */
struct slow_mark {
	struct seen_peer peer;
	uint8_t digest[8];
	uint32_t end, total;
};

struct mark_ring {
	_Alignas(LINE) _Atomic(uint32_t) head; /* the loop's thread's */
	_Alignas(LINE) _Atomic(uint32_t) tail; /* the worker's */
	struct slow_mark *item; /* SLOW_RING of them */
};

/* Written by the worker alone. */
struct counters {
	_Atomic(uint64_t) requests, blocks, bytes, errors, slow, dropped;
	_Atomic(uint64_t) code[CODES];
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
	struct bucket_table strangers; /* reach.h */
	struct slow_ring slow;
	struct mark_ring marks;
	/* the table that it reads just now; NULL: none */
	_Alignas(LINE) _Atomic(struct table *) using;
	struct counters counters;
};

struct blocks {
	struct app *app;
	unsigned n; /* workers */
	struct steer_group group;
	struct steer steer; /* as the kernel has it */
	int event; /* written by workers that gave something to the slow lane */
	uint8_t szx; /* of requests without Block2 */
	struct worker *worker[LIMIT_IMAGE_WORKERS];
	struct table *old; /* replaced, perhaps still in use */
	size_t look; /* whose file is looked at next */
	struct slow_wait *wait; /* SLOW_WAIT of them */
	size_t waiting; /* places that are taken */
	/* of the slow lane */
	uint64_t slow_blocks, slow_bytes, slow_errors, slow_dropped;
	uint64_t slow_code[CODES];
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

/* Who asks, as the table of downloads knows it; a name is at most SEEN_NAME. */
void worker_peer(const struct get *g, const struct sockaddr_in6 *from,
    struct seen_peer *ret);
int worker_new(struct blocks *b, unsigned number, struct worker **ret)
    MUST_USE;
/* The thread must have ended. NULL is fine. */
void worker_free(struct worker *w);
/* The thread's function. */
void *worker_run(void *worker);

/* --- blocks_echo.c --- */

/* Who a datagram is from; the first three are the caller's to fill in. */
struct guest {
	const struct sockaddr_in6 *from;
	size_t n; /* bytes of it */
	int64_t now; /* loop_tick's */
	struct echo_peer peer;
	bool known; /* its address is believed, or was shown */
	bool stranger; /* it was not, and should be */
};

/* It need not be asked for: nothing else is to be called. r may be NULL. */
bool guest_is_believed(const struct reach *r, struct guest *q);
/* Has it shown its address, just now or before? */
void guest_enter(struct reach *r, struct guest *q, const struct get *g);
bool guest_must_show(const struct reach *r, const struct guest *q);
/* Makes g->most fit a body of `total` bytes; false: nothing fits, challenge. */
bool guest_fits(struct reach *r, const struct guest *q, struct get *g,
    size_t total) MUST_USE;
void guest_challenge(struct reach *r, const struct guest *q,
    const struct get *g, struct get_answer *a);
/* The last word about any answer. */
void guest_bound(const struct guest *q, const struct get *g,
    struct get_answer *a);

/* --- blocks_slow.c --- */

/* By the worker: false when there is no room. */
bool slow_push(struct slow_ring *r, const struct msghdr *m, size_t n);
/* By the worker: notes what the slow lane sent. */
void slow_note(struct worker *w, int64_t now);
/* By the loop's thread: answers what waits. */
void slow_drain(struct blocks *b);
/* By the loop's thread: this image is hashed; answers who waits for it. */
void slow_checked(struct blocks *b, uint64_t ticket, int err);

#endif
