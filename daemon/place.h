/*
 * place: an upload gets its place on the disk without the loop waiting.
 */
#ifndef SUITD_DAEMON_PLACE_H
#define SUITD_DAEMON_PLACE_H

#include "daemon/suitd.h"

/*
 * blob_put_place on app->disk, which takes over the upload: *ret_ticket is for
 * resp->wait, and front_resume gives it back. 0: it was done at once, there
 * is no such thread. On failure it stays the caller's.
 */
int place_start(struct app *app, struct blob_put *put, uint64_t *ret_ticket)
    MUST_USE;

#endif
