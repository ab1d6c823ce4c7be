/*
 * few: lines of the log that anybody can cause. FEW_LINES of a kind may come
 * at once, and one more each FEW_MS; the next one says how many had none. Who
 * wants to know of each looks at a counter, or logs at debug.
 *
 * Pure: times are monotonic milliseconds.
 */
#ifndef SUITD_LIB_FEW_H
#define SUITD_LIB_FEW_H

#include "lib/err.h"
#include "lib/pace.h"

#define FEW_LINES 10
#define FEW_MS 6000
#define FEW_TEXT 48

/* All 0 in the beginning. */
struct few {
	struct pace pace;
	uint64_t unsaid; /* since the last one that was */
};

/* May it be said? Then `more` is to be behind it: "", or " (and N without a
 * line)"; else it is counted, and `more` stays as it was. */
bool few_may(struct few *f, int64_t now, char more[FEW_TEXT]) MUST_USE;

#endif
