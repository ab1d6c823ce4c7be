/*
 * blob_walk: what lies in the folders of images, for a check of a state
 * directory that no daemon uses. Nothing is opened or changed by a walk;
 * blob_open would empty tmp/.
 */
#ifndef SUITD_DB_BLOB_WALK_H
#define SUITD_DB_BLOB_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

enum blob_kind {
	BLOB_FOLDER, /* images, one of its 256, tmp */
	BLOB_IMAGE, /* named by a digest, in the folder that it belongs to */
	BLOB_LEFTOVER, /* in tmp: an upload that broke off */
	BLOB_STRANGE, /* not suitd's */
};

struct blob_found {
	enum blob_kind kind;
	const char *path;
	uint8_t digest[32]; /* of an image: what its name says */
	uint64_t size;
	unsigned mode; /* 07777 */
	uint32_t owner; /* uid */
};

/* cb's non-zero ends it and is returned. Folders that are not there are no
 * error; ERR_IO, ERR_READONLY for one that cannot be read. */
int blob_walk(const char *dir, int (*cb)(void *arg,
    const struct blob_found *f), void *arg) MUST_USE;

/* SHA-256 of a file; `some` is told of each MiB, and may be NULL. ERR_IO: it
 * cannot be read to its end. */
struct blob_hash {
	void (*some)(void *arg, uint64_t bytes);
	void *arg;
};
int blob_hash_file(const char *path, const struct blob_hash *h,
    uint8_t ret_digest[32]) MUST_USE;

/* Moves a file to dir/damaged/, durably; its name stays. */
int blob_set_aside(const char *dir, const char *path) MUST_USE;

#endif
