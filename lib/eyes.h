/*
 * eyes: kinds of changes that may need four eyes, and the list of them in
 * the configuration.
 */
#ifndef SUITD_LIB_EYES_H
#define SUITD_LIB_EYES_H

#include <stdbool.h>

#include "lib/conf.h"
#include "lib/err.h"

/* A route has at most one. Stored numbers. */
enum eyes {
	EYES_NONE = 0,
	EYES_PUBLISH = 1, /* a release is published, or offered */
	EYES_AUTHOR = 2, /* an author's key comes or goes */
	EYES_PRINCIPAL = 3, /* a principal, or a key of it */
	EYES_TRUST = 4, /* a trust list */
	EYES_CAMPAIGN = 5, /* a campaign starts: by its plan, see policy.h */
	EYES_KINDS,
};

const char *eyes_name(enum eyes kind); /* "publish"; "" of none */
/* Whose word may be the second: a set of roles. */
unsigned eyes_roles(enum eyes kind);
/*
 * "publish, author": words with blanks or commas between them, "" is none.
 * The kinds as bits, 1 << kind. With any of them EYES_PRINCIPAL is in, too:
 * else one could make his own second person. ERR_NOT_FOUND, ERR_DUPLICATE.
 */
int eyes_parse(const char *text, unsigned *ret, struct why *why) MUST_USE;
/* Does the configuration want two persons for such a change? Where a plan of a
 * campaign needs two, principals do. */
bool eyes_wanted(const struct conf *c, enum eyes kind);

#endif
