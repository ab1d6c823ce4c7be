/*
 * zone: what a clock on the wall shows in a time zone of the IANA database.
 *
 * The data is that of the C library: files under TZDIR, or else under the
 * system's zoneinfo directory (the package tzdata). "UTC" needs no file.
 *
 * This is the one place of lib/ that reads the disk by itself and has a
 * memory. A zone is asked for by setting TZ for a moment and putting it back,
 * for which the C library allocates and which every thread of the process
 * would see: only the control plane may call this, and it is single-threaded.
 * What was learned, the offsets of a month, is kept for LIMIT_ZONES zones; so
 * new data on the disk counts after a month at the latest, or at once after
 * zone_forget.
 */
#ifndef SUITD_LIB_ZONE_H
#define SUITD_LIB_ZONE_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

/*
 * 1 .. LIMIT_ZONE characters of [A-Za-z0-9_+/-], no slash in front. There is
 * no dot, so a name cannot lead out of the directory.
 */
bool zone_name_ok(struct slice name);
/*
 * Is it such a name, and is there data for it? Reads the disk, but only the
 * first bytes: a file that is damaged behind them is UTC to the C library.
 */
bool zone_exists(const char *name);

/* From `from_s` up to but without `to_s` local time is UTC + offset_s. */
struct zone_span {
	int64_t from_s, to_s; /* Unix seconds */
	int32_t offset_s; /* east is positive */
};
/*
 * The span around utc_s. Its ends are changes of the offset or merely where
 * knowledge ends: the next span may have the same offset. ERR_NOT_FOUND: no
 * such zone, or its data is gone; ERR_RANGE: more than INT64_MAX / 1000 from
 * 1970, or data that changes too often to be a zone's; ERR_SPACE: the process
 * has a TZ of more than 1023 bytes.
 */
int zone_span(const char *name, int64_t utc_s, struct zone_span *ret) MUST_USE;

struct zone_time {
	unsigned weekday; /* 0: Monday */
	unsigned minute; /* of the day, 0 .. 1439 */
	unsigned second; /* of the minute */
	int32_t offset_s;
};
/* What the clock shows at utc_s; utc_s + offset_s must fit. */
struct zone_time zone_time_of(int64_t utc_s, int32_t offset_s);

/* Forgets what was learned: TZDIR or the data has changed. */
void zone_forget(void);

#endif
