/*
 * Feeds files to a fuzz target, for machines without a fuzzing engine: each
 * argument is a file, or a directory of which every file is taken. Prints
 * how many there were; none at all is a failure, so that a wrong path does
 * not look like success. Each input is a block of its exact size, so that a
 * sanitizer sees the first byte read past it.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
feed_file(const char *path, size_t size, size_t *count)
{
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *f = fopen(path, "rb");
	int rc = -1;

	if (data != NULL && f != NULL && fread(data, 1, size, f) == size) {
		LLVMFuzzerTestOneInput(data, size);
		(*count)++;
		rc = 0;
	} else {
		perror(path);
	}
	if (f != NULL)
		fclose(f);
	free(data);
	return rc;
}

static int
feed_dir(const char *path, size_t *count)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;
	char name[4096];
	int rc = 0, n;

	if (dir == NULL) {
		perror(path);
		return -1;
	}
	while ((e = readdir(dir)) != NULL) {
		n = snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (n < 0 || (size_t)n >= sizeof(name) ||
		    stat(name, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (feed_file(name, (size_t)st.st_size, count) != 0)
			rc = -1;
	}
	closedir(dir);
	return rc;
}

int
main(int argc, char **argv)
{
	size_t count = 0;
	struct stat st;
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			rc = -1;
		} else if (S_ISDIR(st.st_mode)
			? feed_dir(argv[i], &count) != 0
			: feed_file(argv[i], (size_t)st.st_size, &count) != 0)
			rc = -1;
	}
	printf("%zu inputs\n", count);
	return rc != 0 || count == 0;
}
