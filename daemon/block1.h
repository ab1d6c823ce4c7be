/*
 * block1: request bodies that come in blocks (RFC 7959 2.5), put together
 * within bounds: LIMIT_ASSEMBLIES bodies of up to LIMIT_BODY_MEM bytes in
 * memory, or, by a route with ROUTE_BODY_FILE, an upload to the images. A body
 * belongs to (peer, method, path, Request-Tag). Blocks must come in order.
 */
#ifndef SUITD_DAEMON_BLOCK1_H
#define SUITD_DAEMON_BLOCK1_H

#include "daemon/front_int.h"

struct block1;
struct assembly;

#define BLOCK1_MORE 1 /* not an error: 2.31, the body is not complete */

struct block1 *block1_new(struct blob_store *blobs); /* NULL: no memory */
void block1_free(struct block1 *b);
/*
 * Takes the request's payload. 0: x->req.body is the whole body, until
 * block1_drop, or x->resp.upload has it. BLOCK1_MORE, or ERR_INCOMPLETE (4.08), ERR_SIZE (4.13 over
 * `cap` bytes), ERR_BUSY, ERR_MALFORMED, ERR_NOSPACE, ERR_IO ...
 */
int block1_take(struct block1 *b, struct exchange *x, uint64_t cap,
    int64_t mono) MUST_USE;
void block1_drop(struct assembly *a); /* NULL is fine */
/* Gives up those that nothing came for, and those that are too slow. */
void block1_tick(struct block1 *b, struct front *f, int64_t mono);
/* Over LIMIT_ASSEMBLY_GRACE, and since then less than LIMIT_ASSEMBLY_LEAST
 * bytes a second: no device with a bad link, but somebody who keeps a place. */
bool block1_is_slow(uint64_t bytes, int64_t ms);
size_t block1_count(const struct block1 *b);

#endif
