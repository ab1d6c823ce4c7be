/*
 * ahead: devices that run a newer sequence than any release known here for
 * their class, withdrawn ones included. That is what is seen of them after an
 * old backup was restored, or while somebody else updates them: a manifest
 * of ours that is not above what they run they would refuse.
 *
 * A class without any release has nobody ahead, unless the store is a
 * restored one. Who is ahead is told when the device says what it runs, and
 * settled by a release that is not below it.
 */
#ifndef SUITD_DAEMON_AHEAD_H
#define SUITD_DAEMON_AHEAD_H

#include "daemon/suitd.h"

#define AHEAD_RESTORED "restored" /* a file in the state directory, made by
	suitd --restore: "BACKUP RESTORED\n", Unix milliseconds */

struct ahead;

/* app->store, loop and engine are there. Takes what AHEAD_RESTORED says over
 * into the store, with an event, and removes it. */
int ahead_new(struct app *app, struct ahead **ret, struct why *why) MUST_USE;
void ahead_free(struct ahead *a); /* NULL is fine */

/*
 * Inside of an engine's pair, before d is put: its class or its sequence is
 * another one than before. Sets d->ahead; an event when it becomes so.
 */
int ahead_judge(struct app *app, struct store_device *d) MUST_USE;
/* A release was published; for engine_after. */
void ahead_published(struct app *app);
/* Once a second: some of those that releases have reached. */
void ahead_tick(struct ahead *a);

/* How many, without a walk. */
uint64_t ahead_count(const struct app *app);
/* The backup's moment and that of the restoring, Unix ms; 0: this store was
 * never restored. */
void ahead_restored(const struct app *app, int64_t *ret_backup,
    int64_t *ret_at);

#endif
