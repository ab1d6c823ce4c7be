/*
 * image: an image by the digest it is asked with, in the same words for
 * both planes: libcoap's (res_image.c) and the image plane (blocks.h).
 */
#ifndef SUITD_DAEMON_IMAGE_H
#define SUITD_DAEMON_IMAGE_H

#include "daemon/suitd.h"

#define IMAGE_PREFIX 9 /* least bytes of a digest in i/{d} */

/* What the catalog knows of an image; arrays of them are sorted by digest. */
struct image_name {
	uint8_t digest[32];
	bool live; /* a release that was not withdrawn names it */
};

/* A path that a published manifest gives to an image; arrays of them are
 * sorted by name, canonical as of lib/uri.h. */
struct image_path {
	char *name;
	uint8_t digest[32];
	bool live;
};

/*
 * The one that begins with these bytes. ERR_STATE for one that is not live,
 * ERR_NOT_FOUND, and ERR_RANGE for a prefix that is too short or too long or
 * names several. Any thread.
 */
int image_find(const struct image_name *img, size_t n, struct slice prefix,
    size_t *ret) MUST_USE;
/* The same by 8 bytes, which no peer may ask with. */
int image_find_mark(const struct image_name *img, size_t n,
    const uint8_t mark[8], size_t *ret) MUST_USE;
/* The same for the text in i/{d}; what is not base64url is ERR_RANGE. */
int image_find_text(const struct image_name *img, size_t n, struct slice text,
    size_t *ret) MUST_USE;
/* By path; ERR_STATE, ERR_NOT_FOUND. Some devices put the whole path into one
 * option: %2F means '/' then, unless something has that very name. Any
 * thread. */
int image_find_path(const struct image_path *p, size_t n, const char *path,
    size_t *ret) MUST_USE;
/* The same in the catalog. */
int image_by_path(const struct catalog *c, const char *path,
    uint8_t ret_digest[32]) MUST_USE;
/* What a peer is told of an error of these; static. */
const struct why *image_why(int err);

/*
 * blob_get, with a line in the log and words for the peer when it fails.
 * ERR_BUSY: the image has to be hashed first, and somebody does (checks.h):
 * the answer has to wait for `ticket`. 0: it cannot even wait, and there shall
 * be no answer; the peer will ask again.
 */
struct image_opened {
	struct blob *blob;
	uint64_t ticket;
};
int image_open(struct app *app, const uint8_t digest[32],
    struct image_opened *ret, struct why *why) MUST_USE;
/* Words for what checks.h found, and a line in the log. Returns the error
 * that the peer gets. */
int image_fail(const uint8_t digest[32], int err, struct why *why);

#endif
