#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
credentials(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	return dir != NULL && dir[0] == '/' ? dir : NULL;
}

bool
secret_path(const char *file, const char *name, char ret_path[SECRET_PATH])
{
	const char *dir = credentials();

	ret_path[0] = '\0';
	if (file[0] != '\0')
		snprintf(ret_path, SECRET_PATH, "%s", file);
	else if (dir != NULL && ((size_t)snprintf(ret_path, SECRET_PATH,
	    "%s/%s", dir, name) >= SECRET_PATH ||
	    access(ret_path, F_OK) != 0))
		ret_path[0] = '\0';
	return ret_path[0] != '\0';
}

/* systemd gives them to one user by an ACL, which shows as the group's. */
static bool
is_credential(const char *path)
{
	const char *dir = credentials();
	size_t n = dir == NULL ? 0 : strlen(dir);

	return n > 0 && strncmp(path, dir, n) == 0 && path[n] == '/' &&
	    strstr(path + n, "/../") == NULL;
}

int
secret_check(const char *path, const struct stat *st, struct why *why)
{
	bool ours = st->st_uid == geteuid();

	if (!S_ISREG(st->st_mode))
		return why_set(why, ERR_IO, "%s: not a file", path);
	if (!ours && st->st_uid != 0)
		return why_set(why, ERR_POLICY, "%s: belongs to user %u, who "
		    "could put another in its place; chown it", path,
		    (unsigned)st->st_uid);
	if ((st->st_mode & (ours && !is_credential(path) ? 077 : 007)) != 0)
		return why_set(why, ERR_POLICY, "%s: others may read it; "
		    "chmod %s it", path, ours ? "600" : "640");
	return 0;
}

static int
read_all(int fd, struct buf *ret)
{
	ssize_t n = 1;

	while (n > 0 && ret->n < ret->cap) {
		n = read(fd, ret->p + ret->n, ret->cap - ret->n);
		if (n > 0)
			ret->n += (size_t)n;
	}
	if (n < 0)
		return ERR_IO;
	return n == 0 ? 0 : ERR_SIZE;
}

int
secret_read(const char *path, struct buf *ret, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	struct stat st;

	if (fd < 0)
		return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s: %s", path, strerror(errno));
	rc = fstat(fd, &st) != 0 ? ERR_IO : secret_check(path, &st, why);
	if (rc == 0) {
		rc = read_all(fd, ret);
		if (rc != 0)
			(void)why_set(why, rc, "%s: %s", path, rc == ERR_SIZE ?
			    "too long" : strerror(errno));
	}
	close(fd);
	return rc;
}
