/*
 * bucket: how much who may ask, kept for a bounded number of askers. Token
 * buckets by the generic cell rate algorithm, in a table of the caller's, a
 * cache line for each set. Pure: keys are MACs, so that nobody can choose
 * its set; times are monotonic microseconds, above 0.
 *
 * A bucket that is full again is as good as none. So when a set has no room,
 * the one that is nearest to that is forgotten: a table that is too small lets
 * through too much, never too little.
 */
#ifndef SUITD_LIB_BUCKET_H
#define SUITD_LIB_BUCKET_H

#include "lib/slice.h"

#define BUCKET_WAYS 4

struct bucket {
	uint64_t key;
	int64_t next; /* when it is full again; 0: nobody's */
};

struct bucket_table {
	struct bucket *at; /* sets * BUCKET_WAYS, all 0 in the beginning */
	size_t sets; /* a power of two */
};

struct bucket_rate {
	uint32_t per_s; /* tokens that grow in a second; 0: no limit */
	uint32_t burst; /* that a full one holds; 0 counts as 1 */
};

/* Takes a token of the key's; false: there is none, nothing has changed. */
bool bucket_take(struct bucket_table *t, uint64_t key, struct bucket_rate r,
    int64_t now_us);
/* Gives one back, if the bucket is still there. */
void bucket_give(struct bucket_table *t, uint64_t key, struct bucket_rate r,
    int64_t now_us);
/* Buckets that are not full now: walks the table. */
size_t bucket_count(const struct bucket_table *t, int64_t now_us);

/*
 * The network that shares a bucket: /24 of IPv4, /56 of IPv6 (what a home
 * gets, RFC 6177). `host` as in echo.h. Its first bytes, borrowed.
 */
struct slice bucket_prefix(const uint8_t host[16]);

#endif
