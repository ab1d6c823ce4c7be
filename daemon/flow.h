/*
 * flow: what goes out just now, campaign by campaign, in memory: devices that
 * download, bytes of how many, bytes a second. A download's own share of it
 * is kept with its mark, so that sums never drift. Bounded; a download of a
 * campaign that finds no place is not in the figures.
 */
#ifndef SUITD_DAEMON_FLOW_H
#define SUITD_DAEMON_FLOW_H

#include "lib/limits.h"
#include "lib/slice.h"

#define FLOW_PLACES (LIMIT_CAMPAIGNS_LIVE + 1) /* 0 is nobody's */
#define FLOW_SECONDS 5 /* that the rate is measured over */

struct flow_sum {
	uint64_t devices, done, total; /* of those that download now */
	uint64_t rate; /* bytes a second */
};

struct flow_place {
	uint64_t campaign; /* 0: free */
	uint64_t devices, done, total;
	uint64_t moved; /* bytes since it took this place */
	uint64_t then[FLOW_SECONDS]; /* moved, tick by tick */
	int64_t at[FLOW_SECONDS]; /* of these, ms */
	size_t ticks;
	bool changed; /* since the last tick */
	bool flowing; /* at the last tick there was a rate */
};

struct flow {
	struct flow_place place[FLOW_PLACES];
};

/* What one download adds; all zero: nothing. */
struct flow_share {
	uint32_t done, total;
	uint32_t place;
};

/* The download is of this campaign (0: of none) and as far as that. */
void flow_put(struct flow *f, struct flow_share *s, uint64_t campaign,
    struct flow_share far);
/* It goes on; nothing for one that is in no place. */
void flow_move(struct flow *f, struct flow_share *s, uint32_t done);
/* It does so no longer. */
void flow_drop(struct flow *f, struct flow_share *s);

/* Once a second: `changed` is called with each campaign that has other
 * figures than at the last tick. */
void flow_tick(struct flow *f, int64_t now_ms,
    void (*changed)(void *arg, uint64_t campaign), void *arg);
/* All zero when nothing of it goes out. */
void flow_get(const struct flow *f, uint64_t campaign, int64_t now_ms,
    struct flow_sum *ret);

#endif
