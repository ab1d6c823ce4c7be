/*
 * app: puts the parts of struct app together, in the order in which they
 * need each other, and takes them apart again.
 */
#ifndef SUITD_DAEMON_APP_H
#define SUITD_DAEMON_APP_H

#include "daemon/suitd.h"

/*
 * app->conf is set. Makes the state directory, takes its lock (a second
 * suitd on it is ERR_BUSY), refuses an author's private key, opens store,
 * images and listeners. *why says what to do about a failure; app_close
 * after one is fine.
 */
int app_open(struct app *app, struct why *why) MUST_USE;
void app_close(struct app *app);
/* Says in plain words what is listened on and what is open to whom. */
void app_describe(const struct app *app);

#endif
