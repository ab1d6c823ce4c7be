/*
 * polled: devices that poll and that there is nothing new for. Most of a
 * fleet asks GET /m or /m/{c} with the ETag of what it has, and hears 2.03; that
 * answer is the same until something is written of that device, or the
 * catalog changes, and costs no SQL while it is remembered here.
 *
 * Exact: the store tells whose rows were written (store.h), the catalog that
 * it was read anew, the engine that a pair or a turn was undone; each drops
 * what may have changed. Bounded: when it is full, one at random goes. Only
 * devices that the store knows are in it.
 */
#ifndef SUITD_DAEMON_POLLED_H
#define SUITD_DAEMON_POLLED_H

#include "db/store.h"

struct polled;

/* Who asked, as it said it, and what for. */
struct polled_key {
	uint64_t device; /* of its credential; 0: none */
	const char *ep; /* what it claims; "" nothing */
	const char *addr; /* where it asked from */
	bool of_class; /* a class's manifest: other rules than for its own */
};

/* What it was answered. */
struct polled_note {
	uint64_t device;
	uint64_t release; /* it has this, and there is nothing else for it */
	int64_t seen; /* its last sign of life, as the store has it */
};

/* Listens to `s`, of which there is one listener, until polled_free. Room
 * for `cap` devices, 1 or more; memory is touched when it is used. */
int polled_new(struct store *s, size_t cap, struct polled **ret) MUST_USE;
void polled_free(struct polled *p); /* NULL is fine */

/* Of all of these: NULL remembers nothing. */

bool polled_find(struct polled *p, const struct polled_key *k,
    struct polled_note *ret) MUST_USE;
/* What was read just now, own writes of the turn included. Names and
 * addresses that are too long together (over 89 bytes) are not remembered. */
void polled_put(struct polled *p, const struct polled_key *k,
    const struct polled_note *n);
/* All of it: the catalog has changed. */
void polled_forget(struct polled *p);
/* The turn is over, and what was read in it is so. */
void polled_settled(struct polled *p);
/* Writes of this turn are undone: what was read meanwhile may not be so. */
void polled_undone(struct polled *p);
size_t polled_count(const struct polled *p); /* scans; those still valid */

#endif
