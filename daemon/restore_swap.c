/*
 * The copy takes the place of the state directory. It is first given the name
 * that the old one shall have, and then both change names at once: there is
 * never a moment without a state directory, in which a start would make an
 * empty one, and never one in which the old one has a name that the next try
 * removes.
 */
#include "daemon/restore_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE "suitd" /* whom systemd/suitd.sysusers makes */
#define NAMES 1000 /* before-restore.1 and on */

void
restore_path(const char *dir, const char *name, char ret[RESTORE_PATH])
{
	snprintf(ret, RESTORE_PATH, "%s%s%s", dir, name[0] ? "/" : "", name);
}

int
restore_fail(struct why *why, const char *path)
{
	int err = errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE :
	    errno == EROFS || errno == EACCES || errno == EPERM ?
	    ERR_READONLY : ERR_IO;

	return why_set(why, err, "%s: %s", path, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	(void)remove(path);
	return 0;
}

void
restore_remove(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int
remove_inside(const char *path, const struct stat *st, int type,
    struct FTW *f)
{
	return f->level > 0 ? remove_one(path, st, type, f) : 0;
}

/* Is what was opened still what has this name? */
static bool
is_still(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
restore_stage(struct restore *r)
{
	r->stage_lock = open(r->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	if (r->stage_lock < 0)
		return restore_fail(r->why, r->stage);
	if (flock(r->stage_lock, LOCK_EX | LOCK_NB) ==
	    0 && is_still(r->stage_lock, r->stage)) {
		(void)nftw(r->stage, remove_inside, 16, FTW_DEPTH |
		    FTW_PHYS | FTW_MOUNT);
		return 0;
	}
	why_set(r->why, ERR_BUSY, "%s: another suitd restores", r->stage);
	r->stage[0] = '\0'; /* it is the other's */
	return ERR_BUSY;
}

/* --- what is there --- */

/* A lock is left by every suitd, and lost+found by mkfs. */
static bool
counts(const char *name)
{
	static const char *const not[] = {".", "..", "lock", "lost+found",
	    ".restoring"};

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (strcmp(name, not[i]) == 0)
			return false;
	return strncmp(name, "before-restore.", 15) != 0;
}

static int
each_entry(const char *dir, int (*fn)(void *arg, const char *name), void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return ERR_IO;
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (counts(e->d_name))
			rc = fn(arg, e->d_name);
	closedir(d);
	return rc;
}

static int
stop_at_one(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return ERR_EXISTS;
}

static int
lock(struct restore *r)
{
	char path[RESTORE_PATH];

	restore_path(r->state, "lock", path);
	r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->lock < 0)
		return restore_fail(r->why, path);
	if (flock(r->lock, LOCK_EX | LOCK_NB) != 0 ||
	    !is_still(r->lock, path)) /* another --restore was quicker */
		return why_set(r->why, ERR_BUSY, "a suitd runs on %s: stop it "
		    "first", r->state);
	if (r->give)
		(void)!fchown(r->lock, r->uid, r->gid);
	return 0;
}

/* Its parent may be of the same file system: mount --bind. A kernel before
 * 5.8 does not say. */
static int
is_mount(const struct restore *r, const struct stat *st, bool *ret)
{
	char parent[sizeof(r->state)];
	struct statx x = {.stx_mask = 0};
	struct stat up;

	strcpy(parent, r->state);
	if (stat(dirname(parent), &up) != 0 ||
	    statx(AT_FDCWD, r->state, 0, 0, &x) != 0)
		return restore_fail(r->why, r->state);
	*ret = up.st_dev != st->st_dev ||
	    (x.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return 0;
}

static int
look_inside(struct restore *r, const struct stat *st)
{
	int rc;

	r->exists = true;
	r->give = geteuid() == 0;
	r->uid = st->st_uid;
	r->gid = st->st_gid;
	rc = is_mount(r, st, &r->mount);
	if (rc == 0)
		rc = lock(r);
	if (rc != 0)
		return rc;
	rc = each_entry(r->state, stop_at_one, NULL);
	r->full = rc == ERR_EXISTS;
	if (r->full && !r->o->force)
		return why_set(r->why, ERR_EXISTS, "%s is not empty; --force "
		    "moves what is there aside", r->state);
	return r->full ? 0 : rc;
}

/* There is no state directory whose owner could be asked. */
static void
give_to_service(struct restore *r)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(SERVICE) : NULL;

	if (pw == NULL)
		return;
	r->give = true;
	r->uid = pw->pw_uid;
	r->gid = pw->pw_gid;
}

int
restore_look(struct restore *r)
{
	char real[PATH_MAX];
	const char *dir = r->o->state_dir;
	struct stat st;
	int rc = 0;

	if (realpath(dir, real) != NULL)
		dir = real;
	else if (errno != ENOENT)
		return restore_fail(r->why, dir);
	if (!slice_to_cstr(slice_str(dir), r->state, sizeof(r->state)))
		return why_set(r->why, ERR_SIZE, "the state directory's name "
		    "is too long");
	while (strlen(r->state) > 1 && r->state[strlen(r->state) - 1] == '/')
		r->state[strlen(r->state) - 1] = '\0';
	if (stat(r->state, &st) == 0 && S_ISDIR(st.st_mode))
		rc = look_inside(r, &st);
	else if (errno != ENOENT)
		rc = why_set(r->why, ERR_IO, "%s: not a folder", r->state);
	else
		give_to_service(r);
	if (rc == 0)
		snprintf(r->stage, sizeof(r->stage), r->mount ?
		    "%s/.restoring" : "%s.restoring", r->state);
	return rc;
}

/* --- and the change --- */

/* The first name that is free. */
static int
name_aside(struct restore *r)
{
	struct stat st;

	for (int n = 1; n < NAMES; n++) {
		snprintf(r->aside, sizeof(r->aside), r->mount ?
		    "%s/before-restore.%d" : "%s.before-restore.%d", r->state,
		    n);
		if (lstat(r->aside, &st) != 0 && errno == ENOENT)
			return 0;
	}
	return why_set(r->why, ERR_LIMIT, "there are %d of %s by now: remove "
	    "some", NAMES - 1, r->aside);
}

/* Where the file system can not exchange them. */
static int
two_steps(struct restore *r)
{
	char old[sizeof(r->aside)];
	int rc;

	if ((size_t)snprintf(old, sizeof(old), "%s.old", r->aside) >=
	    sizeof(old))
		return why_set(r->why, ERR_SIZE, "%s: the name is too long",
		    r->aside);
	if (rename(r->state, old) != 0)
		return restore_fail(r->why, r->state);
	if (rename(r->aside, r->state) == 0) {
		if (rename(old, r->aside) != 0)
			snprintf(r->aside, sizeof(r->aside), "%s", old);
		return 0;
	}
	rc = restore_fail(r->why, r->state);
	if (rename(old, r->state) != 0)
		return why_set(r->why, rc, "%s is now %s", r->state, old);
	return rc;
}

static int
swap_names(struct restore *r)
{
	if (!r->exists)
		return rename(r->stage, r->state) == 0 ? 0 :
		    restore_fail(r->why, r->state);
	if (name_aside(r) != 0)
		return ERR_LIMIT;
	if (rename(r->stage, r->aside) != 0)
		return restore_fail(r->why, r->aside);
	if (renameat2(AT_FDCWD, r->aside, AT_FDCWD, r->state,
	    RENAME_EXCHANGE) == 0)
		return 0;
	strcpy(r->stage, r->aside); /* to be removed, should it fail */
	if (errno == EINVAL || errno == ENOSYS)
		return two_steps(r);
	return restore_fail(r->why, r->state);
}

struct move {
	const char *from, *to;
	struct why *why;
};

static int
move_one(void *arg, const char *name)
{
	struct move *m = arg;
	char from[RESTORE_PATH], to[RESTORE_PATH];

	restore_path(m->from, name, from);
	restore_path(m->to, name, to);
	return rename(from, to) == 0 ? 0 : restore_fail(m->why, from);
}

static int
move_old(void *arg, const char *name)
{
	return strcmp(name, RESTORE_MOVING) == 0 ? 0 : move_one(arg, name);
}

/* One that was interrupted has left a folder of this name: it is never
 * missing until all is done. */
static int
begin_moving(struct restore *r, const char *moving)
{
	if (renameat2(AT_FDCWD, r->stage, AT_FDCWD, moving,
	    RENAME_NOREPLACE) == 0) {
		r->stage[0] = '\0'; /* it stays, whatever happens */
		return 0;
	}
	if (errno != EEXIST || renameat2(AT_FDCWD, r->stage, AT_FDCWD,
	    moving, RENAME_EXCHANGE) != 0)
		return restore_fail(r->why, moving);
	return 0;
}

/* From the first step to the last the state directory is none, and the
 * folder's name keeps every suitd from starting. */
static int
swap_inside(struct restore *r)
{
	char moving[sizeof(r->state) + 32];
	struct move out = {r->state, r->aside, r->why},
	    in = {moving, r->state, r->why};
	int rc = r->full ? name_aside(r) : 0;

	if (rc == 0 && r->full && mkdir(r->aside, 0700) != 0)
		rc = restore_fail(r->why, r->aside);
	if (rc == 0 && r->full && r->give)
		(void)!chown(r->aside, r->uid, r->gid);
	snprintf(moving, sizeof(moving), "%s/" RESTORE_MOVING, r->state);
	if (rc == 0)
		rc = begin_moving(r, moving);
	if (rc == 0 && r->full)
		rc = each_entry(r->state, move_old, &out);
	if (rc == 0)
		rc = each_entry(moving, move_one, &in);
	if (rc == 0 && rmdir(moving) != 0)
		rc = restore_fail(r->why, moving);
	if (rc == 0 && r->stage[0] != '\0')
		restore_remove(r->stage); /* of the one before */
	return rc;
}

static void
sync_dir(const char *path)
{
	char parent[RESTORE_PATH];
	int fd;

	snprintf(parent, sizeof(parent), "%s", path);
	fd = open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)!fsync(fd);
	if (fd >= 0)
		close(fd);
}

int
restore_swap(struct restore *r)
{
	char db[RESTORE_PATH];
	int rc = r->mount ? swap_inside(r) : swap_names(r);

	if (rc != 0)
		return rc;
	restore_path(r->state, BACKUP_DB, db);
	sync_dir(db);
	sync_dir(r->state);
	if (r->full)
		return 0;
	if (!r->mount && r->exists) { /* it had a lock in it, at most */
		restore_path(r->aside, "lock", db);
		(void)unlink(db);
		(void)rmdir(r->aside);
	}
	if (access(r->aside, F_OK) != 0)
		r->aside[0] = '\0';
	return 0;
}
