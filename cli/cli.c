/*
 * cli: files in and out, the way every sentence takes them: "-" is a
 * standard stream, a size has a cap, a write is whole or not at all.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"

static char kept[4096];
static bool hushed;

int
cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (hushed) {
		vsnprintf(kept, sizeof(kept), fmt, ap);
	} else {
		fputs("suitctl: ", stderr);
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
	}
	va_end(ap);
	return CLI_USAGE;
}

void
cli_hush(void)
{
	hushed = true;
	kept[0] = '\0';
}

void
cli_speak(bool aloud)
{
	hushed = false;
	if (aloud && kept[0] != '\0')
		cli_usage("%s", kept);
}

static int
err_from_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ERR_FORBIDDEN;
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPACE;
	case EROFS:
		return ERR_READONLY;
	default:
		return ERR_IO;
	}
}

static int
read_all(int fd, size_t max, struct slice *ret_s)
{
	size_t n = 0, cap = 0;
	uint8_t *p = NULL, *q;
	ssize_t got = 1;

	while (got > 0 && n <= max) {
		if (n == cap) {
			cap = cap == 0 ? 65536 : cap * 2;
			if (cap > max + 1)
				cap = max + 1;
			q = realloc(p, cap);
			if (q == NULL)
				break;
			p = q;
		}
		got = read(fd, p + n, cap - n);
		if (got > 0)
			n += (size_t)got;
	}
	if (got == 0 && n <= max) {
		*ret_s = slice_of(p, n);
		return 0;
	}
	free(p);
	return got < 0 ? err_from_errno() : n > max ? ERR_SIZE : ERR_NOMEM;
}

int
cli_read(const char *path, size_t max, struct slice *ret_s)
{
	int fd = STDIN_FILENO, rc;

	if (strcmp(path, "-") == 0)
		return read_all(fd, max, ret_s);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno();
	rc = read_all(fd, max, ret_s);
	close(fd);
	return rc;
}

static bool
is_hex_text(struct slice s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (isxdigit(s.p[i]))
			digits++;
		else if (!isspace(s.p[i]))
			return false;
	}
	return digits > 0 && digits % 2 == 0;
}

int
cli_read_binary(const char *path, size_t max, struct slice *ret_s)
{
	struct slice s;
	struct buf out;
	uint8_t *p;
	/* hex is twice as long, and may be broken into lines */
	int rc = cli_read(path, max * 3, &s);

	if (rc != 0)
		return rc;
	if (is_hex_text(s)) {
		p = malloc(s.n);
		out = buf_of(p, s.n);
		rc = p == NULL ? ERR_NOMEM : text_unhex(s, &out);
		free((void *)s.p);
		s = slice_of(p, out.n);
	}
	if (rc == 0 && s.n > max)
		rc = ERR_SIZE;
	if (rc != 0) {
		free((void *)s.p);
		return rc;
	}
	*ret_s = s;
	return 0;
}

static int
write_all(int fd, struct slice s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n < 0)
			return err_from_errno();
		s = slice_sub(s, (size_t)n, s.n);
	}
	return 0;
}

int
cli_write(const char *path, struct slice s, unsigned mode)
{
	char tmp[4096];
	int fd, rc;

	if (strcmp(path, "-") == 0)
		return write_all(STDOUT_FILENO, s);
	if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
		return ERR_SIZE;
	fd = mkstemp(tmp);
	if (fd < 0)
		return err_from_errno();
	rc = write_all(fd, s);
	if (rc == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		rc = err_from_errno();
	close(fd);
	if (rc == 0 && rename(tmp, path) != 0)
		rc = err_from_errno();
	if (rc != 0)
		unlink(tmp);
	return rc;
}
