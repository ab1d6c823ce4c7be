/*
 * Preloaded into what changes folders: it is killed (-9) in the place of its
 * KILL_AT-th change of a name, counted from 1. One more than there are, and
 * it lives. NO_EXCHANGE: of a file system that knows no RENAME_EXCHANGE.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

int rename(const char *from, const char *to);
int renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned flags);

static void *
real(const char *name)
{
	static long n;
	const char *at = getenv("KILL_AT");

	if (at != NULL && ++n == strtol(at, NULL, 10))
		raise(SIGKILL);
	return dlsym(RTLD_NEXT, name);
}

int
rename(const char *from, const char *to)
{
	return ((int (*)(const char *, const char *))real("rename"))(from, to);
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned flags)
{
	if (getenv("NO_EXCHANGE") != NULL && (flags & 2) != 0) {
		errno = EINVAL;
		return -1;
	}
	return ((int (*)(int, const char *, int, const char *, unsigned))real(
	    "renameat2"))(from_fd, from, to_fd, to, flags);
}

int
unlink(const char *path)
{
	return ((int (*)(const char *))real("unlink"))(path);
}

int
rmdir(const char *path)
{
	return ((int (*)(const char *))real("rmdir"))(path);
}

int
mkdir(const char *path, mode_t mode)
{
	return ((int (*)(const char *, mode_t))real("mkdir"))(path, mode);
}
