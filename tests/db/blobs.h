/*
 * blobs: a store of images in a directory of its own, for the tests of
 * db/blob.h.
 */
#ifndef SUITD_TESTS_DB_BLOBS_H
#define SUITD_TESTS_DB_BLOBS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/blob_file.h"
#include "lib/text.h"

#define MAX_IMAGE 4096
#define MAX_TOTAL 10000
#define T(t) cmocka_unit_test_setup_teardown(t, up, down)
#define OK(x) assert_int_equal((x), 0)
#define FAILS(x, err) assert_int_equal((x), (err))

struct fixture {
	char dir[64];
	struct blob_store *bs;
};

static uint8_t bytes[MAX_IMAGE + 1];

static inline void
reopen(struct fixture *f)
{
	struct blob_opts o = {f->dir, MAX_IMAGE, MAX_TOTAL};
	struct why why;

	blob_close(f->bs);
	f->bs = NULL;
	OK(blob_open(&o, &f->bs, &why));
}

static inline int
up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/suitd-blob-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	reopen(f);
	*state = f;
	return 0;
}

static inline int
down(void **state)
{
	struct fixture *f = *state;
	char cmd[96];

	blob_close(f->bs);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	free(f);
	return system(cmd);
}

static inline int
put(struct blob_store *bs, struct slice in, const uint8_t *expect,
    uint8_t digest[32])
{
	struct blob_put *p;
	struct why why;
	int err;

	OK(blob_put_begin(bs, &p));
	for (size_t i = 0; i < in.n; i += 1000) {
		err = blob_put_write(p, slice_sub(in, i, 1000));
		if (err != 0) {
			FAILS(blob_put_commit(p, expect, digest, &why), err);
			return err;
		}
	}
	return blob_put_commit(p, expect, digest, &why);
}

static inline void
path_of(const struct fixture *f, const uint8_t digest[32], char path[200])
{
	char hex[65];

	text_hex(slice_of(digest, 32), hex, sizeof(hex));
	snprintf(path, 200, "%s/images/%.2s/%s", f->dir, hex, hex);
}

/* What a thread does, and what it finds. */
static inline void
hash(struct blob_store *bs, const uint8_t digest[32], int want)
{
	struct blob_check *c;

	OK(blob_check_begin(bs, digest, &c));
	while (!blob_check_step(c, BLOB_HASH_NOW))
		continue;
	FAILS(blob_check_end(c), want);
}

static inline void
poke(const char *path, off_t at)
{
	uint8_t c = 0xa5;
	int fd;

	OK(chmod(path, 0644));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

#endif
