/*
 * audit_watch: proves the audit log while suitd runs, some entries a second,
 * from the first to the last and on with those that come. So an edit behind
 * suitd's back is told without anybody asking; who can do that can also stop
 * suitd, which is why heads are kept elsewhere.
 */
#ifndef SUITD_DAEMON_AUDIT_WATCH_H
#define SUITD_DAEMON_AUDIT_WATCH_H

#include "db/store.h"

#define AUDIT_WATCH_ENTRIES 1024 /* in a step: about a millisecond */

struct audit_watch {
	struct audit_verify v;
	int fault; /* a code of lib/audit.h; then nothing more is looked at */
};

/* From the beginning: at the start, and when it has moved. */
void audit_watch_begin(struct audit_watch *w);
/*
 * A step; `last` is the last entry that is durable, and must be reached.
 * w->fault and *why are set once. An error is the store's: the next step goes
 * on.
 */
int audit_watch_step(struct audit_watch *w, struct store *s,
    const struct audit_head *last, struct why *why) MUST_USE;

#endif
