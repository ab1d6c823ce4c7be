/*
 * device_class: whose word a device's class is.
 *
 * An operator's stands: a registration with another class is accepted, and
 * what it said is kept beside what is set. Without an operator's word the
 * device's own is taken, also at L0, for one that was given another image by
 * hand must get the updates of what it is now. Either is told: an event when
 * something has changed, a count each time.
 *
 * Nobody speaks for a device that has had a credential without one
 * (access.h): so a class that was learnt at L1 is not overwritten at L0.
 */
#ifndef SUITD_DAEMON_DEVICE_CLASS_H
#define SUITD_DAEMON_DEVICE_CLASS_H

#include "daemon/suitd.h"

/* --- an operator, in the record alone; ahead_judge comes after --- */

/* Of one that registers what it says itself is kept, also what it said
 * before. */
void device_class_set(struct store_device *d, const uint8_t class_id[16]);
/* Its own word counts again: what it said last, else what it has until it
 * says something. */
void device_class_unset(struct store_device *d);

/* --- the device --- */

struct device_saying {
	const uint8_t *class_id; /* 16 bytes */
	enum grade grade;
	const char *addr;
};

/* Inside of an engine's pair, before d is put. */
int device_class_say(struct app *app, struct store_device *d,
    const struct device_saying *say) MUST_USE;

#endif
