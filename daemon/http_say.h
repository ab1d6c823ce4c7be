/*
 * http_say: what /healthz and /readyz say, a line for each question; without
 * HTTP, so that a test can ask.
 */
#ifndef SUITD_DAEMON_HTTP_SAY_H
#define SUITD_DAEMON_HTTP_SAY_H

#include "daemon/suitd.h"

/* Does the store answer? That the loop turns is said by the answer. */
bool http_say_health(struct app *app, struct buf *out);
/* Has it started, does it not stop, and is what is written on the disk? */
bool http_say_ready(struct app *app, struct buf *out);

#endif
