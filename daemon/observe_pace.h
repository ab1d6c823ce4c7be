/*
 * observe_pace: how many notifications of a broadcast may leave now. One
 * that comes after a rest may tell a tenth of a second's worth at once, so
 * that a small fleet sees no delay; the others follow at the rate. Time is
 * an argument: a test plays an hour.
 */
#ifndef SUITD_DAEMON_OBSERVE_PACE_H
#define SUITD_DAEMON_OBSERVE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. */
struct observe_pace {
	int64_t at; /* of the last earning, monotonic ms */
	int64_t credit; /* in thousandths of a notification */
	bool busy; /* the caller's: somebody waits on after this time */
};

/* What was earned since the last time; rate 0..100000 per second,
 * 0: no limit. */
void observe_pace_earn(struct observe_pace *p, uint32_t rate, int64_t now);
bool observe_pace_may(const struct observe_pace *p);
void observe_pace_spend(struct observe_pace *p);

#endif
