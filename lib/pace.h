/*
 * pace: how fast devices are let in. The generic cell rate algorithm (ITU-T
 * I.371, the virtual scheduling form) for admission, the same state used as a
 * queue for booking, and the few formulas that choose its rate. Pure: time
 * and luck are arguments. Times are Unix milliseconds, spans milliseconds.
 *
 * No argument is refused. A negative span counts as 0, a number of slots of
 * 0 as 1, and a sum that does not fit stays at the end of the range.
 */
#ifndef SUITD_LIB_PACE_H
#define SUITD_LIB_PACE_H

#include "lib/slice.h"

/*
 * The theoretical time of the next cell; 0: free. This alone is kept, and it
 * survives a restart as it is.
 *
 * A state serves either admission or booking: bookings run a horizon ahead,
 * which admission with a small burst would take for a clock that was set
 * back.
 *
 * A clock set back leaves `next` far ahead. Admission by itself gets it no
 * farther than burst + t, booking no farther than the horizon; what is more
 * than PACE_FAR times as far counts as free. So a clock set back by a year
 * costs at most one burst too many, one set back by less holds admission up
 * for PACE_FAR * (burst + t) at the worst, and callers may change a rate or
 * have horizons of their own by up to that factor without the state being
 * forgotten.
 */
struct pace {
	int64_t next;
};
#define PACE_FAR 8

/*
 * One cell of `t` ms (0: unlimited). True: admitted now, state advanced,
 * *ret_wait 0. False: state untouched, *ret_wait ms until it would be.
 * `burst` ms: how far the state may run ahead of now; 0: strictly spaced.
 * While the clock does not go back, any span of d ms sees at most
 * (burst + d) / t + 1 admissions.
 */
bool pace_admit(struct pace *p, int64_t t, int64_t burst, int64_t now,
    int64_t *ret_wait);
/* The answer that pace_admit would give, without changing anything. */
bool pace_would(const struct pace *p, int64_t t, int64_t burst, int64_t now,
    int64_t *ret_wait);

/*
 * A place in the queue: moves the state by `t` and returns how long to wait
 * for it. When that lies beyond `horizon` nothing is consumed and the answer
 * is U(horizon / 2, horizon), made of the uniform `rnd`: come back and ask.
 * 0 <= answer <= horizon. t of 0: no queue, no wait.
 */
int64_t pace_book(struct pace *p, int64_t t, int64_t horizon, int64_t now,
    uint64_t rnd);

/* Max-Age in seconds for a wait: rounded up, 1 .. max(1, cap_s). */
uint32_t pace_max_age(int64_t wait_ms, uint32_t cap_s);

/*
 * The moving mean of session times after one more of `sample_ms`: an eighth
 * of each new one, the first one (mean_ms 0) whole. Always 1 s .. 1 d, and
 * so is the sample when it is counted.
 */
int64_t pace_mean(int64_t mean_ms, int64_t sample_ms);
/*
 * Interval between admissions that keeps M slots full: 0.95 S / M, S a mean
 * as pace_mean gives it (clamped alike), at least 1 ms. The twentieth makes
 * up for devices that do not come.
 */
int64_t pace_interval(int64_t mean_ms, uint32_t slots);

/* A roll-out that grows faster with proven successes. */
struct pace_ramp {
	uint32_t per_minute; /* starts at first; 0: unlimited */
	uint32_t factor_permille; /* 1000 .. 5000, clamped */
	uint32_t step; /* successes for each growth; 0: never grows */
	uint32_t max_per_minute; /* 0: no bound */
};
/*
 * Ms between starts, rounded up; 0: unlimited. A rate that is limited is
 * never more than one start a ms.
 */
int64_t pace_ramp(const struct pace_ramp *r, uint64_t successes);

#endif
