/*
 * secret: files that hold one. A secret comes from a file that the
 * configuration names, or from a systemd credential (systemd.exec(5)); never
 * from the command line or the environment, which others can read.
 */
#ifndef SUITD_DAEMON_SECRET_H
#define SUITD_DAEMON_SECRET_H

#include <sys/stat.h>

#include "lib/err.h"
#include "lib/slice.h"

#define SECRET_PATH 512

/*
 * Where it is: the file of the configuration, or $CREDENTIALS_DIRECTORY/name
 * if that is there, or ""; true unless it is "".
 */
bool secret_path(const char *file, const char *name,
    char ret_path[SECRET_PATH]);

/*
 * As ssh(1) has it: a file of ours that others can read is no secret. One of
 * root's may be open to a group, which will be ours, but not to all; systemd
 * guards its own. ERR_POLICY, with what to do; one of somebody else is that,
 * too, since he may put another in its place.
 */
int secret_check(const char *path, const struct stat *st, struct why *why)
    MUST_USE;

/* The whole of it, checked. ERR_NOT_FOUND; ERR_IO: unreadable, no file;
 * ERR_SIZE: as much as `ret` has room for, or more. */
int secret_read(const char *path, struct buf *ret, struct why *why) MUST_USE;

#endif
