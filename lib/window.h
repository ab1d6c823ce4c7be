/*
 * window: when a roll-out may start something, on the server's clock and in
 * a time zone. Devices need no clock.
 *
 *   mon-fri 22:00-04:00, sat,sun 00:00-24:00 Europe/Berlin
 *
 * Ranges separated by commas, each with days before it: names, ranges of
 * names (sat-mon goes over the week's end), `daily`, or none for every day.
 * A piece between commas that has only days belongs to the next. Times are
 * HH:MM, 00:00 .. 24:00; a range that ends when it starts or before goes on
 * over midnight and belongs to the day on which it starts. After the last
 * range, the name of a time zone (lib/zone.h); none: UTC. An empty text, or
 * `always`, is always open. Case does not matter but in the zone.
 *
 * A window is open while the clock on the wall in that zone shows a time of
 * one of its ranges. So where the clock is put forward over a range, that
 * range does not open on that day; one that the clock jumps into opens at
 * the jump; an hour that comes twice is open twice; and a range over a change
 * of the clock is as much longer or shorter as the night is.
 */
#ifndef SUITD_LIB_WINDOW_H
#define SUITD_LIB_WINDOW_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct window_range {
	uint8_t days; /* bit 0: Monday ... bit 6: Sunday; never 0 */
	uint16_t start; /* minute of the day, 0 .. 1439 */
	uint16_t end; /* 1 .. 1440; <= start: on the next day */
};
/* Plain and copyable; all zero is always open. */
struct window {
	unsigned n; /* ranges; 0: always open */
	struct window_range range[LIMIT_WINDOW_RANGES];
	char zone[LIMIT_ZONE + 1]; /* "UTC" when none was named */
};

/*
 * ERR_MALFORMED (not of the form above), ERR_RANGE (no such time of day),
 * ERR_SIZE (more than LIMIT_WINDOW bytes, and so also whenever there are
 * more than LIMIT_WINDOW_RANGES ranges), ERR_UNSUPPORTED (a zone without
 * data: a typing error, or tzdata is not installed), ERR_TRAILING (something
 * after the end). Only on failure, *ret_column is the byte, counted from 1,
 * where it lies; it may be NULL.
 */
int window_parse(const char *text, struct window *ret, unsigned *ret_column,
    struct why *why) MUST_USE;

/*
 * Is it open at `now` (Unix ms)? *ret_until: when that changes, Unix ms; 0:
 * never. A zone whose data has gone since the window was parsed counts as
 * closed, to be asked again after WINDOW_LOST_MS; where it is lost only for
 * the time ahead, *ret_until is as far as could be seen.
 */
bool window_is_open(const struct window *w, int64_t now, int64_t *ret_until);
#define WINDOW_LOST_MS 3600000

/*
 * The canonical text, at most LIMIT_WINDOW bytes, without a NUL. It parses
 * to the same window; for one that window_parse has made, that is.
 */
void window_print(const struct window *w, struct buf *out);

#endif
