/*
 * lag: how long somebody was kept waiting, as a histogram of bounded size.
 * Four buckets to each doubling, so that a quantile is told to a quarter;
 * the largest value is told exactly, since the start and of the last minute.
 */
#ifndef SUITD_LIB_LAG_H
#define SUITD_LIB_LAG_H

#include <stdint.h>

#define LAG_BUCKETS 128 /* up to over an hour; longer ones share the last */
#define LAG_LONG_US 100000 /* longer than this is counted apart */
#define LAG_SLOTS 7
#define LAG_SLOT_MS 10000

struct lag {
	uint64_t n, over; /* all of them; those above LAG_LONG_US */
	uint64_t max_us, sum_us;
	uint64_t bucket[LAG_BUCKETS];
	struct {
		int64_t slot; /* time / LAG_SLOT_MS */
		uint64_t max_us;
	} recent[LAG_SLOTS];
};

/* `now`: monotonic milliseconds, never going back. */
void lag_add(struct lag *l, uint64_t us, int64_t now);
/* What `permille` of them do not exceed: the end of that bucket, never above
 * the largest. 0 when there are none. */
uint64_t lag_quantile(const struct lag *l, unsigned permille);
/* How many took less than 2^power us, 2 <= power <= 32. */
uint64_t lag_below(const struct lag *l, unsigned power);
/* The largest of the last 60 s (up to 70). */
uint64_t lag_recent(const struct lag *l, int64_t now);

#endif
