/*
 * loop: the only place that knows the time and makes luck. A libevent base,
 * a wall and a monotonic clock, one timer, signals, a hook before sleep.
 */
#ifndef SUITD_DAEMON_LOOP_H
#define SUITD_DAEMON_LOOP_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/lag.h"

struct loop;
struct event_base; /* libevent's */

int loop_new(uint64_t seed, struct loop **ret) MUST_USE; /* seed 0: random */
void loop_free(struct loop *l);
/* Until loop_stop. */
int loop_run(struct loop *l) MUST_USE;
void loop_stop(struct loop *l);

int64_t loop_now(const struct loop *l); /* Unix milliseconds, once a turn */
int64_t loop_mono(const struct loop *l); /* monotonic milliseconds */
/* Monotonic microseconds, read now; for any thread. */
int64_t loop_clock(void);
/* The same as of the kernel's last tick: costs no system call. */
int64_t loop_tick(void);
/* Ms that the events of this turn have taken so far: for work in slices. */
int64_t loop_spent(const struct loop *l);
uint64_t loop_rand(struct loop *l);
/* Unix milliseconds as of the kernel's last tick, for threads beside the
 * loop: costs no system call. */
int64_t loop_coarse(void);
/* How long each turn kept the loop, from its first event to the next sleep:
 * whoever came meanwhile waited so long. */
const struct lag *loop_lag(const struct loop *l);

/* The one timer: cb once at or after `at` (Unix ms); 0 disarms. */
void loop_timer(struct loop *l, void (*cb)(void *arg), void *arg);
void loop_timer_at(struct loop *l, int64_t at);
/* Called after the events of a turn, before the loop sleeps. */
void loop_before_sleep(struct loop *l, void (*cb)(void *arg), void *arg);
/* Calls cb while fd is readable. 0 or an error; at most 32 of them. */
int loop_read(struct loop *l, int fd, void (*cb)(void *arg), void *arg)
    MUST_USE;
int loop_signal(struct loop *l, int signo, void (*cb)(void *arg, int signo),
    void *arg) MUST_USE;
/* For who brings events of his own to it (http.c), and calls loop_wake first
 * in each of them: the clocks are read, the turn has begun. */
struct event_base *loop_base(struct loop *l);
void loop_wake(struct loop *l);
/* A periodic tick, for slow housekeeping. */
int loop_every(struct loop *l, int64_t ms, void (*cb)(void *arg), void *arg)
    MUST_USE;

#endif
