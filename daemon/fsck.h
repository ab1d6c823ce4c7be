/*
 * fsck: suitd --fsck. Is the state directory of a suitd that does not run
 * what it should be? Prints a table of what it found; repairs, if it is asked
 * to, what can be repaired without losing anything.
 */
#ifndef SUITD_DAEMON_FSCK_H
#define SUITD_DAEMON_FSCK_H

#include <stdbool.h>

#include "lib/audit.h"

/* Exit codes. */
enum fsck_result {
	FSCK_CLEAN = 0,
	FSCK_REPAIRED = 1, /* all of it is repaired, or safe to repair */
	FSCK_UNSAFE = 2, /* something is left that a person has to decide */
	FSCK_FAILED = 3, /* it was not checked: a daemon runs, there is no such
	                    directory, a newer suitd wrote it, ... */
};

/* The table is for stdout, errors and, on a terminal, progress for stderr. */
struct fsck_opts {
	const char *state_dir;
	bool repair;
	struct audit_head audit_head; /* n 0: none was kept */
};
enum fsck_result fsck_run(const struct fsck_opts *o);

#endif
