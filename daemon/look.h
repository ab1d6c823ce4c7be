/*
 * look: the database is read through once after a start, on the disk's thread
 * and table by table, while suitd serves already. Damage is found on the day
 * when there is a backup, and not on the day when a device needs that row; a
 * start that waited for it would keep a fleet waiting for the sake of a log
 * line. The log and the status have what is found; nothing is repaired.
 */
#ifndef SUITD_DAEMON_LOOK_H
#define SUITD_DAEMON_LOOK_H

#include "daemon/suitd.h"

/* app->disk and app->store are there. */
int look_new(struct app *app, struct look **ret) MUST_USE;
/* After the disk, whose chore it is. NULL is fine. */
void look_free(struct look *l);

#endif
