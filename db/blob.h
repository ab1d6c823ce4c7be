/*
 * blob: images by SHA-256 in a directory. Temp file, fsync, rename, fsync of
 * the directory, read-only; refcounted mmap. What has a digest as its name
 * has that digest as its content: re-hashed when first opened after a start.
 *
 * Layout: DIR/images/ab/abcdef...; DIR/tmp/ for uploads, emptied at open.
 * One process owns DIR. Errors of the disk are ERR_NOSPACE, ERR_READONLY
 * or ERR_IO. Single-threaded; the bytes of a mapped image may be read by
 * anyone while a reference is held.
 */
#ifndef SUITD_DB_BLOB_H
#define SUITD_DB_BLOB_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct blob_store;
struct blob; /* one mapped image */
struct blob_put; /* one upload in the making */

struct blob_opts {
	const char *dir;
	uint64_t max_image; /* bytes; at most LIMIT_IMAGE */
	uint64_t max_total; /* uploads in the making count */
};
int blob_open(const struct blob_opts *o, struct blob_store **ret,
    struct why *why) MUST_USE;
void blob_close(struct blob_store *bs); /* NULL is fine */
uint64_t blob_total(const struct blob_store *bs);
/* Is it there, and not known to be damaged? */
bool blob_have(struct blob_store *bs, const uint8_t digest[32],
    uint64_t *ret_size); /* ret_size may be NULL */

/* Upload: begin, write ..., then commit or abort; both free it. */
int blob_put_begin(struct blob_store *bs, struct blob_put **ret) MUST_USE;
/* ERR_SIZE above max_image, ERR_NOSPACE above max_total. An error stays:
 * the upload can only be aborted, and a commit repeats it. */
int blob_put_write(struct blob_put *p, struct slice in) MUST_USE;
/* `expect` NULL: whatever it hashes to; else ERR_DIGEST. An empty image is
 * ERR_INVALID. Existing content is a success, and heals a damaged image. */
int blob_put_commit(struct blob_put *p, const uint8_t *expect,
    uint8_t ret_digest[32], struct why *why) MUST_USE;
void blob_put_abort(struct blob_put *p); /* NULL is fine */
/*
 * A commit in three parts, so that a thread can wait for the disk. All of it
 * in order, even when there is an error: seal says what the digest is, place
 * makes the file durable under its name, finish tells the store and frees it.
 * Only place may run on another thread, and nothing else of the upload
 * meanwhile. After place an abort leaves a whole image to the next start.
 */
int blob_put_seal(struct blob_put *p, const uint8_t *expect) MUST_USE;
void blob_put_place(struct blob_put *p);
/* Also ERR_CONFLICT when the file was dropped in between. */
int blob_put_finish(struct blob_put *p, uint8_t ret_digest[32],
    struct why *why) MUST_USE;
uint64_t blob_put_size(const struct blob_put *p); /* bytes so far */
/*
 * What the disk said to the last upload, 0 when it took it; not max_total's
 * refusals. When it refused, this first looks whether `room` bytes are free
 * by now, and writes a page to see.
 */
int blob_trouble(struct blob_store *bs, uint64_t room) MUST_USE;

/*
 * Maps an image; one mapping is shared. The first open after a start, and
 * after the file was touched, hashes it: ERR_CORRUPT when the bytes are not
 * the name's (until it is uploaded again), ERR_NOT_FOUND, ERR_IO. One of more
 * than BLOB_HASH_NOW bytes it does not hash: ERR_BUSY until blob_check_... has.
 */
#define BLOB_HASH_NOW (1024 * 1024)
int blob_get(struct blob_store *bs, const uint8_t digest[32],
    struct blob **ret) MUST_USE;
/*
 * Hashes what is there, piece by piece: begin, step until it says true, end,
 * which frees it. Only step may run on another thread. begin: ERR_EXISTS when
 * nothing is unknown of the image, which is no reason to wait for anything;
 * end: 0, or what blob_get said had it hashed it; ERR_BUSY when the file was
 * touched meanwhile.
 */
struct blob_check;
int blob_check_begin(struct blob_store *bs, const uint8_t digest[32],
    struct blob_check **ret) MUST_USE;
bool blob_check_step(struct blob_check *c, size_t bytes) MUST_USE;
int blob_check_end(struct blob_check *c) MUST_USE;
/* Without a result. NULL is fine. */
void blob_check_abort(struct blob_check *c);
/* Does the file still have the bytes that were mapped? For those who hold on
 * to one. */
bool blob_current(const struct blob_store *bs, const struct blob *b);
struct slice blob_bytes(const struct blob *b);
const uint8_t *blob_digest(const struct blob *b);
struct blob *blob_ref(struct blob *b); /* returns b */
void blob_unref(struct blob *b); /* NULL is fine */

/* Calls cb for every image; drops those for which it says false and that are
 * not mapped. */
int blob_gc(struct blob_store *bs,
    bool (*keep)(void *arg, const uint8_t digest[32]), void *arg,
    size_t *ret_dropped) MUST_USE;
/* Is there an image of this name, as far as is known without a look at it? */
bool blob_known(struct blob_store *bs, const uint8_t digest[32]);
/* Calls cb for every image present. */
int blob_foreach(struct blob_store *bs,
    int (*cb)(void *arg, const uint8_t digest[32], uint64_t size), void *arg);

#endif
