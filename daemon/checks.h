/*
 * checks: every image that can be served is hashed once after a start, on
 * the disk's thread: those of current releases first, one after the other;
 * one that somebody asks for before its turn is hashed at once. The log names
 * those that are damaged.
 */
#ifndef SUITD_DAEMON_CHECKS_H
#define SUITD_DAEMON_CHECKS_H

#include "daemon/suitd.h"

/* Begins; app->catalog, blobs, disk and front are there. */
int checks_new(struct app *app, struct checks **ret) MUST_USE;
/* After the disk, whose chores they are. NULL is fine. */
void checks_free(struct checks *c);
/*
 * blob_get said ERR_BUSY: this one first. front_resume, and who called
 * checks_on_done, will have *ret_ticket and what blob_check_end said. ERR_LIMIT
 * when so many are asked for, ERR_EXISTS when nothing is unknown of it by now,
 * or another error of blob_check_begin.
 */
int checks_ask(struct app *app, const uint8_t digest[32],
    uint64_t *ret_ticket) MUST_USE;
/* Calls fn after each one; NULL: nobody. */
void checks_on_done(struct checks *c, void (*fn)(void *arg, uint64_t ticket,
    int err), void *arg);
/* Is every image hashed that was there at the start? */
bool checks_idle(const struct checks *c);

#endif
