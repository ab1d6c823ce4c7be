/*
 * blocks: the image plane. GETs of i/{d}, and of the paths that published
 * manifests give to images, over plain UDP are answered by threads that do
 * nothing else, each with a socket of its own in the group of libcoap's; the
 * kernel sends each datagram to the right one. libcoap answers everything
 * else, and these too where the kernel cannot be told. It is told the first
 * segments of paths, LIMIT_STEERED of them and none that a resource of
 * the loop's begins with.
 *
 * Same bytes as from libcoap's plane (lib/get.h). What a worker cannot answer
 * by itself goes to the loop's thread through a bounded queue, the slow lane:
 * an image that is not mapped yet or damaged, a peer with a long name. What
 * does not fit anywhere is dropped, and asked for again.
 *
 * Single-threaded to its callers: all of this is called by the loop's thread.
 */
#ifndef SUITD_DAEMON_BLOCKS_H
#define SUITD_DAEMON_BLOCKS_H

#include "daemon/suitd.h"

struct blocks;

/*
 * Starts conf.image_workers threads, never more than the process may use
 * cores, beside the front's UDP socket. app->front, catalog and loop are
 * there. *ret is NULL when there is nothing to do: no workers wanted, no
 * plain UDP. When the kernel refuses, a line in the log says why, and
 * libcoap serves everything; that is no error.
 */
int blocks_new(struct app *app, struct blocks **ret) MUST_USE;
/* No thread is left, and no socket; before the front goes. */
void blocks_stop(struct blocks *b); /* NULL is fine */
/* After the engine, which reads what workers noted; before the catalog and
 * the images go. */
void blocks_free(struct blocks *b); /* NULL is fine */
/* A line in plain words, for the log at start. NULL is fine. */
void blocks_describe(const struct blocks *b,
    void (*line)(void *arg, const char *text), void *arg);
unsigned blocks_workers(const struct blocks *b); /* NULL: 0 */

struct blocks_stats {
	uint64_t requests, blocks, errors; /* answered by workers */
	uint64_t bytes; /* of images, in these blocks */
	uint64_t code[CODES]; /* their answers by code (lib/code.h) */
	uint64_t slow; /* given to the slow lane */
	uint64_t slow_blocks, slow_bytes; /* blocks that it sent, of all */
	uint64_t dropped; /* the slow lane or the network was full */
	size_t mapped; /* images that workers can read */
	uint64_t peers; /* downloads that are noted (seen.h) */
	uint64_t evicted; /* that made room for newer ones */
};
void blocks_stats(const struct blocks *b, struct blocks_stats *ret);
/* The front's hook: adds requests, blocks and errors, and the rest as it is. */
void blocks_count(struct app *app, struct front_stats *ret);

#endif
