/*
 * restore: a state directory from a backup (lib/backup.h). Everything is
 * copied and verified beside it before anything in it changes: files by their
 * digests, the database by all its pages, references and schema. Then the two
 * folders change places in one step. What is interrupted leaves the old state
 * directory, or has made the new one.
 *
 * A mount point can not be renamed: there the copy is made inside, what was
 * there is moved aside entry by entry, and the copy into its place. While
 * that goes on RESTORE_MOVING is there, and app_open refuses to start.
 */
#ifndef SUITD_DAEMON_RESTORE_H
#define SUITD_DAEMON_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/backup.h"

#define RESTORE_MOVING ".restore-moving"

struct restore_opts {
	const char *from, *state_dir;
	bool force; /* move aside what is in the state directory */
	int64_t now; /* Unix ms */
};
struct restored {
	struct backup b;
	char aside[600]; /* where what was there is now; "" there was nothing */
	/* 0, or the audit log is not whole, or not that of the backup's index:
	   a reason to look, and none to be without the backup */
	int audit_fault;
	struct why audit;
};
/*
 * ERR_BUSY: a suitd runs on it. ERR_EXISTS: there is something in it, and no
 * force. ERR_NOT_FOUND: no backup. ERR_DIGEST, ERR_CORRUPT, ERR_TYPE,
 * ERR_UNSUPPORTED: not a backup that can be used. ERR_NOSPACE, ERR_IO.
 */
int restore_backup(const struct restore_opts *o, struct restored *ret,
    struct why *why) MUST_USE;
/* The same for a person: says what was done, or why not; exit status. */
int restore_run(const struct restore_opts *o);

#endif
