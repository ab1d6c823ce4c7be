/*
 * sizes: what the state directory takes, and what its disk has left.
 */
#ifndef SUITD_DAEMON_SIZES_H
#define SUITD_DAEMON_SIZES_H

#include <stdint.h>

struct app;

/* Bytes; what cannot be asked for is 0. */
struct sizes {
	uint64_t database; /* with its log */
	uint64_t images; /* how many */
	uint64_t image_bytes, image_limit;
	uint64_t disk_free; /* for others than root */
	uint64_t disk_size;
};

/* Asks the file system: some system calls, and a look at each image's name. */
void sizes_read(const struct app *app, struct sizes *ret);

#endif
