/*
 * boots: which boot reports were proven lately, and how many signatures are
 * still looked at. Both are in memory: after a restart an old report that is
 * sent again is one that nobody has proven.
 */
#ifndef SUITD_DAEMON_BOOTS_H
#define SUITD_DAEMON_BOOTS_H

#include "daemon/suitd.h"

/* NULL is fine as `b`, in tests: nothing is remembered, nothing is bounded. */
int boots_new(struct boots **ret) MUST_USE;
void boots_free(struct boots *b);

/* These very bytes were proven: whoever sends them again has them. */
void boots_prove(struct boots *b, struct slice message);
/* Of the last LIMIT_BOOT_PROVEN or so; two that share a place forget the
 * first. */
bool boots_proven(const struct boots *b, struct slice message);

/* May the signature of this one be looked at? It is paid for until it turns
 * out to be worth it. */
bool boots_take(const struct app *app, const struct req *req);
void boots_give(const struct app *app, const struct req *req);

#endif
