/*
 * Inside of the catalog: catalog.c makes tables, catalog_judge.c has what the
 * trust list says of the releases in them.
 */
#ifndef SUITD_DAEMON_CATALOG_IMPL_H
#define SUITD_DAEMON_CATALOG_IMPL_H

#include "daemon/catalog.h"
#include "daemon/judge.h"

struct release {
	struct catalog_release pub; /* first: pub is what callers hold */
	unsigned refs;
	uint8_t *bytes; /* envelope, then the severed copy */
	struct verdict verdict; /* of the trust list */
};

struct class {
	uint8_t id[16];
	const struct release *current;
};

/* A growing array of `size`-byte elements. */
struct vec {
	void *p;
	size_t n, cap;
};

struct table {
	struct vec release; /* struct release *, by id */
	struct vec refused; /* the same, those that the trust list refuses */
	struct vec class; /* struct class, by id */
	struct vec path; /* struct path, by name */
	struct vec image; /* struct image_name, by digest */
};

struct catalog {
	struct table t;
	struct judge judge;
	bool asking; /* there may be keys that were not tried on a release */
	void (*on_load)(void *arg);
	void *arg;
};

/* By its number, in a sorted table; NULL. */
struct release *catalog_find(const struct vec *v, uint64_t id);

#endif
