/* restore_impl: what restore.c (the copy) and restore_swap.c (whose place it
 * takes) share. */
#ifndef SUITD_DAEMON_RESTORE_IMPL_H
#define SUITD_DAEMON_RESTORE_IMPL_H

#include <sys/types.h>

#include "daemon/restore.h"

#define RESTORE_PATH 1024

struct restore {
	const struct restore_opts *o;
	struct why *why;
	struct backup b;
	char state[512]; /* without symbolic links */
	char stage[560]; /* "" not known yet */
	char aside[600];
	bool exists, full, mount; /* the state directory */
	bool give; /* we are root: what we make is uid's and gid's, the state
	              directory's owner or, where there is none, suitd */
	uid_t uid;
	gid_t gid;
	int lock;
	int stage_lock; /* of r->stage itself: two may restore at once */
	int audit_fault; /* see restore.h */
	struct why audit;
};

/* "dir/name"; dir alone for "". */
void restore_path(const char *dir, const char *name, char ret[RESTORE_PATH]);
/* errno as an error of ours; why names the path. */
int restore_fail(struct why *why, const char *path);
/* A folder and all that is in it, if it is there. */
void restore_remove(const char *dir);

/* Finds out about the state directory, and locks it. */
int restore_look(struct restore *r) MUST_USE;
/* r->stage, which is there, is ours alone and empty. ERR_BUSY: another has
 * it, and r->stage is "". */
int restore_stage(struct restore *r) MUST_USE;
/* r->stage becomes the state directory. */
int restore_swap(struct restore *r) MUST_USE;

#endif
