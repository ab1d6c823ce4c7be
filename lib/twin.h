/*
 * twin: is one credential used by two devices? From where its requests come,
 * and what they say is running, tells a copy from a device that moves.
 *
 * A device that moves, or whose NAT gave it another port, leaves the place
 * it had and does not come back to it. Two devices take turns: each goes on
 * in a session of its own, from a host of its own. So what counts is to come
 * back, from another host, to a place that was left: TWIN_BACK points; only
 * to a host that was left, by a new port, as a device does that has two ways
 * to the network: one. Two sessions from one host are one device with two
 * sockets, or two behind a NAT, and count nothing. Going back and forth
 * between two sequence numbers counts TWIN_RUNS each time: a device goes
 * back when an update fails, but not four times in an hour.
 *
 * TWIN_POINTS within TWIN_WINDOW_MS are a twin, until nothing of the kind was
 * seen for TWIN_QUIET_MS. Copies that take turns by more than TWIN_PLACES
 * places are not seen. Pure, and no clock of the device's.
 */
#ifndef SUITD_LIB_TWIN_H
#define SUITD_LIB_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TWIN_PLACES 8
#define TWIN_BACK 4
#define TWIN_RUNS 3
#define TWIN_POINTS 12
#define TWIN_WINDOW_MS 3600000
#define TWIN_QUIET_MS 86400000

struct twin_place {
	uint32_t host, port; /* port: of host and port together; hashes */
};

/* All zero: nothing was seen. */
struct twin {
	struct twin_place place[TWIN_PLACES]; /* the latest first */
	uint8_t places, points;
	bool told; /* a sequence number was */
	bool two; /* and another one before it */
	uint64_t seq, before;
	int64_t since; /* of the first of the points */
	int64_t last; /* sign; Unix ms */
	bool found;
};

uint32_t twin_hash(const void *p, size_t n);
/* A request came from there. True: by this it is a twin. */
bool twin_from(struct twin *t, struct twin_place p, int64_t now);
/* It said that it runs this. True: by this it is a twin. */
bool twin_runs(struct twin *t, uint64_t seq, int64_t now);
/* Is it one? No longer when it was quiet. */
bool twin_is(const struct twin *t, int64_t now);

#endif
