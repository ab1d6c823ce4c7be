/*
 * gen_wheel: a timer for each of a million devices. Slots of a millisecond,
 * each a list of devices; who is due in a later round of the wheel stays in
 * its slot. Setting and clearing cost the same whatever is in there.
 */
#ifndef SUITD_BENCH_GEN_WHEEL_H
#define SUITD_BENCH_GEN_WHEEL_H

#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS 8192 /* milliseconds of a round; a power of two */
#define WHEEL_NONE UINT32_MAX

/* A device's part of it; also the link of a queue while no timer is set. */
struct wheel_link {
	uint32_t next, prev;
	uint32_t due; /* ms */
};

struct wheel {
	char *links; /* the first device's link */
	size_t stride; /* from one to the next */
	uint32_t now; /* ms; all before it have been told */
	uint32_t set; /* devices with a timer */
	uint32_t slot[WHEEL_SLOTS];
};

/* The links are the caller's and outlive the wheel. */
void wheel_init(struct wheel *w, void *links, size_t stride);
/* Due at `due`, at the earliest at the next millisecond. None must be set. */
void wheel_set(struct wheel *w, uint32_t k, uint32_t due);
void wheel_clear(struct wheel *w, uint32_t k);
/*
 * Tells of each device that is due, in the order of their milliseconds; its
 * timer is cleared before. `due` may set timers of that device only.
 */
void wheel_advance(struct wheel *w, uint32_t now,
    void (*due)(void *arg, uint32_t k), void *arg);

#endif
