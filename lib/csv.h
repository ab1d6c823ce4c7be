/*
 * csv: a line of comma-separated values (RFC 4180), in place. A field may be
 * in double quotes, with a quote inside doubled; a line's end inside of a
 * field is refused, so that a line is a record and its number means
 * something. Pure; nothing is allocated.
 */
#ifndef SUITD_LIB_CSV_H
#define SUITD_LIB_CSV_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

/*
 * Takes `line` (without its LF; a CR before that is skipped) apart: the
 * fields borrow from it, and quoted ones are unquoted in it. ERR_LIMIT: more
 * fields than `cap`; ERR_MALFORMED: a quote that is not closed, something
 * between a quote and the next comma, a quote in a field without, or a NUL.
 */
int csv_split(char *line, size_t n, struct slice *ret, size_t cap,
    size_t *ret_n) MUST_USE;
/* The field as csv_split reads it, in quotes where it needs them. */
void csv_put(struct buf *out, struct slice field);

#endif
