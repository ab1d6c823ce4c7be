/*
 * slow: who guesses is made to wait. An attempt counts as failed from its
 * beginning until it has succeeded, so that many at a time gain nothing; a
 * prefix of addresses with SLOW_FREE of them is put off for a second after
 * each further one, then for 2, 4, ... up to SLOW_MOST_MS. One is forgiven
 * every SLOW_FORGIVE_MS.
 *
 * Pure: the table is the caller's, all 0 in the beginning; times are
 * monotonic milliseconds. A full table forgets who has failed least, the
 * longest ago: those who guess most are remembered.
 */
#ifndef SUITD_LIB_SLOW_H
#define SUITD_LIB_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/limits.h"

#define SLOW_FREE 16 /* what parallel scripts of one site may have open */
#define SLOW_FIRST_MS 1000
#define SLOW_MOST_MS 64000
#define SLOW_FORGIVE_MS 64000
#define SLOW_OPEN_MOST 64 /* counted of one prefix; more forgive alike */

struct slow_entry {
	uint8_t prefix[8];
	uint32_t open; /* attempts that have not succeeded; 0: free */
	int64_t at; /* up to when was forgiven */
	int64_t until; /* put off until then */
	bool told; /* of this run of refusals */
};

struct slow {
	struct slow_entry at[LIMIT_SLOW];
	size_t n; /* entries that were ever used */
};

/*
 * An attempt from `host` (16 bytes; IPv4 in IPv6's form, whose /24 is the
 * prefix; else the /56). False: it is to be refused, and is not counted;
 * *ret_first tells that it is the first refusal of a run.
 */
bool slow_knock(struct slow *s, const uint8_t host[16], int64_t now,
    bool *ret_first);
/* The attempt has succeeded: it never was one. */
void slow_proved(struct slow *s, const uint8_t host[16]);

#endif
