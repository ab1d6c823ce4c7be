/*
 * catalog: what is served, in memory. GET of a manifest, of an image and of
 * an alias path run no SQL. It is read from the store at start and anew
 * after every committed publish or withdrawal, into a fresh table that
 * replaces the old one, so that a commit that fails leaves it as it was.
 */
#ifndef SUITD_DAEMON_CATALOG_H
#define SUITD_DAEMON_CATALOG_H

#include "daemon/suitd.h"
#include "lib/trust.h"

struct image_name; /* image.h */

struct catalog_payload {
	uint8_t digest[32];
	uint64_t size;
	uint32_t components; /* bit n: component n may take it */
};

struct catalog_release {
	uint64_t id, seq;
	uint8_t digest[32];
	size_t class_count;
	uint8_t class_id[LIMIT_COMPONENTS][16];
	uint64_t image_bytes;
	uint32_t components; /* those that download something here */
	struct slice envelope; /* as published */
	struct slice served; /* what devices get: severed for RIOT's dialect */
	size_t payload_count;
	struct catalog_payload *payload;
};

int catalog_new(struct catalog **ret) MUST_USE;
void catalog_free(struct catalog *c); /* NULL is fine */
/* On failure the old content stays. */
int catalog_load(struct catalog *c, struct store *s) MUST_USE;
/* Calls fn after each load from now on; NULL: nobody. */
void catalog_on_load(struct catalog *c, void (*fn)(void *arg), void *arg);
/*
 * A release that this list does not allow is not there any more, and from the
 * next load on its images are as if it had been withdrawn, and the one before
 * is its class's; NULL: all are. Borrowed. No signature is looked at: a release
 * that may be allowed, by a key that was never tried on it, is not (ERR_BUSY),
 * until catalog_ask has done that.
 */
void catalog_obey(struct catalog *c, const struct trust *list);
/* A slice of that, some 25 ms; true: there are more that are allowed, from the
 * next load on. A release that a load finds in the store is judged there, at
 * once. */
bool catalog_ask(struct catalog *c);
size_t catalog_waiting(const struct catalog *c); /* releases, for catalog_ask */
/* Loads and logs; for engine_after. */
void catalog_reload(struct app *app);
/* Why the list does not allow this release; NULL: it does, or there is none
 * of this number. Borrowed until the next load. */
const struct why *catalog_refused(const struct catalog *c, uint64_t id);
size_t catalog_refusals(const struct catalog *c); /* how many */

/* All borrowed until the next load; NULL when there is none. */
const struct catalog_release *catalog_current(const struct catalog *c,
    const uint8_t class_id[16]);
/* Those of all classes; one of several classes comes several times. */
void catalog_each_current(const struct catalog *c, void (*fn)(void *arg,
    const struct catalog_release *r), void *arg);
const struct catalog_release *catalog_by_id(const struct catalog *c,
    uint64_t id);
/* The release of this class with this sequence number: what it runs. */
const struct catalog_release *catalog_running(const struct catalog *c,
    const uint8_t class_id[16], uint64_t seq);
const struct catalog_release *catalog_by_digest(const struct catalog *c,
    const uint8_t digest[32]);
/* Is this one of the release's classes? */
static inline bool
catalog_is_for(const struct catalog_release *r, const uint8_t class_id[16])
{
	for (size_t i = 0; i < r->class_count; i++)
		if (memcmp(r->class_id[i], class_id, 16) == 0)
			return true;
	return false;
}
/* Does this release list this image as a payload? */
static inline const struct catalog_payload *
catalog_payload(const struct catalog_release *r, const uint8_t digest[32])
{
	for (size_t i = 0; i < r->payload_count; i++)
		if (memcmp(r->payload[i].digest, digest, 32) == 0)
			return &r->payload[i];
	return NULL;
}

/*
 * An image by canonical path. ERR_STATE for one that only withdrawn releases
 * name, ERR_NOT_FOUND.
 */
int catalog_path(const struct catalog *c, const char *path,
    uint8_t ret_digest[32]) MUST_USE;
/* All there are, for image_find and image_find_path; borrowed until the next
 * load. */
const struct image_path *catalog_paths(const struct catalog *c,
    size_t *ret_n);
const struct image_name *catalog_images(const struct catalog *c,
    size_t *ret_n);
/* By 8 bytes of the digest, as the image plane's marks have them; not for a
 * peer to ask. Errors as of image_find. */
int catalog_mark(const struct catalog *c, const uint8_t mark[8],
    uint8_t ret_digest[32]) MUST_USE;
size_t catalog_count(const struct catalog *c); /* live releases */

#endif
