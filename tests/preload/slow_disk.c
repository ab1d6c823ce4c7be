/*
 * Preloaded into suitd by test_slow_disk.py: what syncs does what the file
 * named in SLOW_DISK says: "hang" waits until it says something else, "fail"
 * fails, anything else is the real thing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int
as_told(int fd, const char *name)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	const char *path = getenv("SLOW_DISK");
	char word[8];

	for (;;) {
		int in = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

		word[0] = '\0';
		if (in >= 0 && read(in, word, sizeof(word)) <= 0)
			word[0] = '\0';
		if (in >= 0)
			close(in);
		if (word[0] != 'h')
			break;
		usleep(5000);
	}
	if (word[0] == 'f') {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

int
fdatasync(int fd)
{
	return as_told(fd, "fdatasync");
}

int
fsync(int fd)
{
	return as_told(fd, "fsync");
}
