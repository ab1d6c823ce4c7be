/*
 * store_check: is the database of a suitd that does not run what it should
 * be? Looks at everything, so it takes as long as reading the file; repairs,
 * when it is asked to, only what is counted or derived from other rows.
 *
 * It opens the file by itself, and neither migrates it nor makes one. Without
 * `repair` no row is written.
 */
#ifndef SUITD_DB_STORE_CHECK_H
#define SUITD_DB_STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "db/finding.h"
#include "lib/audit.h"
#include "lib/err.h"
#include "lib/limits.h"

/* An image that a release names. */
struct store_image {
	uint8_t digest[32];
	uint64_t size; /* as it was published */
	bool needed; /* image_needed: it may not be missing */
	uint64_t release, seq;
	char path[LIMIT_PATH + 1]; /* "" none */
};

struct store_check_opts {
	const char *path;
	bool repair;
	struct audit_head audit_head; /* that was kept elsewhere; n 0: none */
	struct finder finder;
	/* every image that is served here, sorted by digest; not called at all
	 * when they cannot be read. Its non-zero ends it. */
	int (*image)(void *arg, const struct store_image *im);
};

struct store_checked {
	int schema;
	bool whole; /* the images are known: `image` was called for all */
	uint64_t devices, releases, jobs, events; /* rows; 0 if unreadable */
};

/*
 * 0: it was checked, whatever was found. ERR_NOT_FOUND: no such file;
 * ERR_UNSUPPORTED: a newer suitd wrote it; ERR_TYPE: not a store of suitd;
 * ERR_BUSY, ERR_NOSPACE, ERR_READONLY, ERR_IO: it could not be checked, or a
 * repair not be written.
 */
int store_check(const struct store_check_opts *o, struct store_checked *ret,
    struct why *why) MUST_USE;

#endif
