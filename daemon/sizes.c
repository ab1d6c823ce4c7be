#include "daemon/sizes.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/app.h"

static uint64_t
file_size(const struct app *app, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", app->conf.state_dir, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int
count_image(void *arg, const uint8_t digest[32], uint64_t size)
{
	uint64_t *n = arg;

	(void)digest;
	(void)size;
	++*n;
	return 0;
}

void
sizes_read(const struct app *app, struct sizes *ret)
{
	struct statvfs v;

	*ret = (struct sizes){
		.database = file_size(app, "suitd.db") +
		    file_size(app, "suitd.db-wal"),
		.image_bytes = blob_total(app->blobs),
		.image_limit = app->conf.images_total,
	};
	if (blob_foreach(app->blobs, count_image, &ret->images) != 0)
		ret->images = 0;
	if (statvfs(app->conf.state_dir, &v) == 0) {
		ret->disk_free = (uint64_t)v.f_bavail * v.f_frsize;
		ret->disk_size = (uint64_t)v.f_blocks * v.f_frsize;
	}
}
