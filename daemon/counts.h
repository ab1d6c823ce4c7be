/*
 * counts: what has happened since the start, for metrics: where nothing else
 * counts it. Written by the loop's thread, next to what it is about. A turn
 * that is undone is not taken back: that it was tried is true.
 */
#ifndef SUITD_DAEMON_COUNTS_H
#define SUITD_DAEMON_COUNTS_H

#include <stdint.h>

#include "daemon/admit_hold.h"
#include "db/store.h"
#include "lib/track.h"

#define COUNT_DRIVERS (DRIVER_OBSERVE + 1)

/* Boot reports: by their result, or why they were not taken. */
enum boot_count {
	BOOT_COUNT_REPLAY = BOOT_RESULTS, /* by what they say: a stranger may
	                                     count, too */
	BOOT_COUNT_EPOCH, /* counters that began anew */
	BOOT_COUNT_UNPROVEN,
	BOOT_COUNT_LIMITED, /* too many that proved nothing */
	BOOT_COUNTS,
};

/* Classes that were said in a device's name and are not the one it has. */
enum class_count {
	CLASS_COUNT_CHANGED, /* taken */
	CLASS_COUNT_KEPT, /* an operator has set it */
	CLASS_COUNT_FETCHED, /* a manifest of one was fetched */
	CLASS_COUNTS,
};

struct counts {
	uint64_t classes[CLASS_COUNTS];
	uint64_t boot[BOOT_COUNTS];
	uint64_t failures[FAIL_CLASSES]; /* attempts that failed */
	uint64_t retries[FAIL_CLASSES]; /* second and later attempts, by the
	                                   failure before */
	uint64_t pushes[COUNT_DRIVERS][REASONS]; /* REASON_NONE: delivered */
	uint64_t admissions[HOLDS]; /* HOLD_NONE: admitted */
	/* trust lists that somebody brought, nonces that devices asked about */
	uint64_t lists_taken, lists_refused, fresh_signed, fresh_refused;
};

#endif
