/*
 * crowd: who has the places that there are, so that one host, or one network,
 * does not have them all. A bounded table of the caller's, walked at each
 * arrival: some microseconds, and an arrival is a connection.
 *
 * - A host may have LIMIT_CONNECTIONS_HOST places, its network (as in
 *   bucket.h: /24, /56 of IPv6) LIMIT_CONNECTIONS_NETWORK.
 * - Behind one address may be many: a NAT, or a proxy in front of all
 *   devices. A host that is trusted is not counted so; it and all other
 *   trusted ones may have LIMIT_CONNECTIONS_TRUSTED, and what is left is for
 *   the others.
 */
#ifndef SUITD_LIB_CROWD_H
#define SUITD_LIB_CROWD_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct crowd {
	size_t n;
	struct crowd_one {
		uintptr_t id; /* the caller's */
		uint8_t host[16]; /* IPv4 as ::ffff:a.b.c.d */
		bool trusted;
	} at[LIMIT_CONNECTIONS];
};

enum crowd_verdict {
	CROWD_IN, /* it has a place, until crowd_leave */
	CROWD_FULL, /* all places are taken */
	CROWD_HOST, /* its host has as many as a host may have */
	CROWD_NETWORK, /* its network has; or those who are trusted have */
};

/* `who->id` is not in it. */
enum crowd_verdict crowd_enter(struct crowd *c, const struct crowd_one *who)
    MUST_USE;
void crowd_leave(struct crowd *c, uintptr_t id); /* who is not in it, too */

#endif
