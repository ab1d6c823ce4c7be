/*
 * disk: what SQLite asks of the disk, seen and refused by a test. A program
 * that includes this has its own pwrite64 and so on, which libsqlite3 calls
 * in the place of libc's. Once per program.
 */
#ifndef SUITD_TESTS_DB_DISK_H
#define SUITD_TESTS_DB_DISK_H

#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

enum disk_op { DISK_PUT, DISK_CUT, DISK_SYNC, DISK_REMOVE };

struct disk_call {
	enum disk_op op;
	int fd; /* -1: DISK_REMOVE */
	const void *bytes;
	size_t n;
	off_t at; /* DISK_CUT: the size */
};

/* 0: the real thing follows; an errno that the caller gets; DISK_DONE: it is
 * told that it is done (a sync). Any thread. NULL: always the real thing. */
#define DISK_DONE (-1)
static int (*disk_hook)(const struct disk_call *c);

static int
disk_refuses(const struct disk_call *c)
{
	int e = disk_hook == NULL ? 0 : disk_hook(c);

	if (e > 0)
		errno = e;
	return e;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at);
int ftruncate64(int fd, off_t size);
int fdatasync(int fd);
int fsync(int fd);
int unlink(const char *path);

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
	    (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT,
	    "pwrite64");

	return disk_refuses(&(struct disk_call){DISK_PUT, fd, bytes, n, at}) ?
	    -1 : real(fd, bytes, n, at);
}

int
ftruncate64(int fd, off_t size)
{
	int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT,
	    "ftruncate64");

	return disk_refuses(&(struct disk_call){DISK_CUT, fd, NULL, 0, size})
	    ? -1 : real(fd, size);
}

int
fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	int e = disk_refuses(&(struct disk_call){DISK_SYNC, fd, NULL, 0, 0});

	return e == 0 ? real(fd) : e == DISK_DONE ? 0 : -1;
}

int
fsync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	int e = disk_refuses(&(struct disk_call){DISK_SYNC, fd, NULL, 0, 0});

	return e == 0 ? real(fd) : e == DISK_DONE ? 0 : -1;
}

int
unlink(const char *path)
{
	int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT,
	    "unlink");

	return disk_refuses(&(struct disk_call){DISK_REMOVE, -1, path, 0, 0})
	    ? -1 : real(path);
}

#endif
