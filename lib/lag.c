#include "lib/lag.h"

#include <stddef.h>

/* 0 .. 3 have a bucket each; then the two bits below the highest choose. */
static unsigned
bucket_of(uint64_t us)
{
	unsigned top, at;

	if (us < 4)
		return (unsigned)us;
	top = 63 - (unsigned)__builtin_clzll(us);
	at = (top - 1) * 4 + (unsigned)(us >> (top - 2) & 3);
	return at < LAG_BUCKETS ? at : LAG_BUCKETS - 1;
}

/* The largest value that belongs to it. */
static uint64_t
bucket_end(unsigned at)
{
	unsigned top = at / 4 + 1;

	if (at < 4)
		return at;
	return ((UINT64_C(4) + at % 4 + 1) << (top - 2)) - 1;
}

void
lag_add(struct lag *l, uint64_t us, int64_t now)
{
	int64_t slot = now / LAG_SLOT_MS;
	size_t at = (size_t)slot % LAG_SLOTS;

	l->n++;
	l->over += us > LAG_LONG_US;
	l->sum_us += us;
	l->bucket[bucket_of(us)]++;
	if (us > l->max_us)
		l->max_us = us;
	if (l->recent[at].slot != slot) {
		l->recent[at].slot = slot;
		l->recent[at].max_us = 0;
	}
	if (us > l->recent[at].max_us)
		l->recent[at].max_us = us;
}

uint64_t
lag_quantile(const struct lag *l, unsigned permille)
{
	/* in two parts: n times 1000 may not fit */
	uint64_t need = l->n / 1000 * permille +
	    (l->n % 1000 * permille + 999) / 1000, seen = 0;

	for (unsigned i = 0; i + 1 < LAG_BUCKETS; i++) {
		seen += l->bucket[i];
		if (seen >= need && seen > 0)
			return bucket_end(i) < l->max_us ? bucket_end(i) :
			    l->max_us;
	}
	return l->max_us;
}

uint64_t
lag_below(const struct lag *l, unsigned power)
{
	unsigned end = (power - 1) * 4; /* the first bucket that does not */
	uint64_t n = 0;

	for (unsigned i = 0; i < end && i + 1 < LAG_BUCKETS; i++)
		n += l->bucket[i];
	return n;
}

uint64_t
lag_recent(const struct lag *l, int64_t now)
{
	int64_t slot = now / LAG_SLOT_MS;
	uint64_t max = 0;

	for (size_t i = 0; i < LAG_SLOTS; i++)
		if (l->recent[i].slot > slot - LAG_SLOTS &&
		    l->recent[i].max_us > max)
			max = l->recent[i].max_us;
	return max;
}
