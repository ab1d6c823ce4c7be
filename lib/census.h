/*
 * census: what a walk over all devices finds, summed up: how many there are
 * by class and by the state of their last job, and which network groups or
 * sites have fallen silent. Bounded: classes beyond LIMIT_METRIC_CLASSES
 * are one, groups beyond the room that there is are only counted.
 */
#ifndef SUITD_LIB_CENSUS_H
#define SUITD_LIB_CENSUS_H

#include "lib/limits.h"
#include "lib/track.h"

#define CENSUS_UNKNOWN_S (24 * 3600) /* patience with a device of which it
                                        is not known how often it speaks */
#define CENSUS_GRACE_S 1200 /* contacts are noted to 10 minutes */

/* One device, as the walk meets it. */
struct census_device {
	bool have_class;
	uint8_t class_id[16];
	bool registered; /* and not expired */
	bool have_job;
	enum job_state state; /* of its last job */
	const char *group; /* up to LIMIT_ADDRESS - 1 bytes; NULL: none */
	int64_t seen; /* Unix ms; 0: never */
	uint32_t gap; /* seconds from one sign of life to the next; 0: not
	                 known */
};

struct census_class {
	bool have_class; /* false: devices of no class */
	uint8_t id[16];
	uint64_t by_state[JOB_STATES];
};

struct census_group {
	char name[LIMIT_ADDRESS];
	int64_t seen; /* the latest; 0: none of it was ever heard */
	uint64_t heard, silent; /* devices that were ever heard; of these,
	                           for too long not */
};

struct census {
	uint64_t devices, registered;
	size_t classes;
	struct census_class cls[LIMIT_METRIC_CLASSES];
	uint64_t other[JOB_STATES]; /* of classes beyond these */
	struct census_group *group; /* the caller's, group_cap of them */
	size_t groups, group_cap;
	uint32_t *index; /* the caller's: 2 * group_cap */
	uint64_t crowded; /* devices of groups that found no room */
};

/* Begins anew; group, group_cap (above 0) and index are set and stay. */
void census_begin(struct census *c);
void census_add(struct census *c, const struct census_device *d,
    int64_t now);
/*
 * The groups that were silent for longest, the longest first; of those that
 * were ever heard. How many, at most `cap`.
 */
size_t census_silent(const struct census *c,
    const struct census_group **ret, size_t cap);
/* Groups with two devices or more, all of which are silent for too long. */
uint64_t census_lost(const struct census *c);
/* Seconds after which a device is silent for too long: three times its gap,
 * and a grace. */
int64_t census_patience(uint32_t gap);

#endif
