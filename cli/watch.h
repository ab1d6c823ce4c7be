/*
 * watch: one frame of `campaign watch`, and how it replaces the one before
 * on a terminal. No clock and no daemon here.
 */
#ifndef SUITD_CLI_WATCH_H
#define SUITD_CLI_WATCH_H

#include "cli/campaign.h"

struct watch_view {
	const struct msg_campaign *m;
	const struct notable *slow, *stuck;
	int64_t now;
	unsigned columns;
};
/* Lines of any length. */
void watch_frame(FILE *out, const struct watch_view *v);
/* The same in one line, for a pipe; without what changes by itself. */
void watch_line(const struct msg_campaign *m, char *dst, size_t cap);

struct screen {
	unsigned rows, columns; /* of the terminal now */
	unsigned shown; /* lines that the last frame took */
};
/*
 * Draws `frame` over the last one: the cursor goes up, each line is cut at
 * the width and cleared to its end, what is too many lines is left out and
 * said so. The cursor is left below the frame.
 */
void watch_draw(FILE *out, struct screen *s, const char *frame);

#endif
