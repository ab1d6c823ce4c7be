/*
 * Images: what is kept, refused, found damaged, and what a crash leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/blob_file.h"
#include "lib/digest.h"
#include "lib/text.h"

#define MAX_IMAGE 4096
#define MAX_TOTAL 10000
#define OK(x) assert_int_equal((x), 0)
#define FAILS(x, err) assert_int_equal((x), (err))

struct fixture {
	char dir[64];
	struct blob_store *bs;
};

static uint8_t bytes[MAX_IMAGE + 1];

static void
reopen(struct fixture *f)
{
	struct blob_opts o = {f->dir, MAX_IMAGE, MAX_TOTAL};
	struct why why;

	blob_close(f->bs);
	f->bs = NULL;
	OK(blob_open(&o, &f->bs, &why));
}

static int
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

static int
down(void **state)
{
	struct fixture *f = *state;
	char cmd[96];

	blob_close(f->bs);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	free(f);
	return system(cmd);
}

static int
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

static void
path_of(const struct fixture *f, const uint8_t digest[32], char path[200])
{
	char hex[65];

	text_hex(slice_of(digest, 32), hex, sizeof(hex));
	snprintf(path, 200, "%s/images/%.2s/%s", f->dir, hex, hex);
}

static size_t
files_in(const struct fixture *f, const char *sub)
{
	char path[100];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", f->dir, sub);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
digest_of(struct slice in, uint8_t ret[32])
{
	struct digest d;

	OK(digest_compute(DIGEST_SHA256, in, &d));
	memcpy(ret, d.b, 32);
}

static void
an_image_is_read_back_and_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	struct slice in = slice_of(bytes, 3000);
	struct digest want;
	uint8_t digest[32];
	uint64_t size = 0;
	struct blob *b, *again;
	struct stat st;
	char path[200];

	OK(digest_compute(DIGEST_SHA256, in, &want));
	assert_false(blob_have(f->bs, want.b, NULL));
	FAILS(blob_get(f->bs, want.b, &b), ERR_NOT_FOUND);
	OK(put(f->bs, in, want.b, digest));
	assert_memory_equal(digest, want.b, 32);
	for (int round = 0; round < 2; round++) {
		assert_true(blob_have(f->bs, digest, &size));
		assert_int_equal(size, 3000);
		assert_int_equal(blob_total(f->bs), 3000);
		OK(blob_get(f->bs, digest, &b));
		OK(blob_get(f->bs, digest, &again));
		assert_ptr_equal(b, again); /* one mapping is shared */
		assert_true(slice_eq(blob_bytes(b), in));
		assert_memory_equal(blob_digest(b), digest, 32);
		blob_unref(again);
		assert_true(slice_eq(blob_bytes(b), in));
		blob_unref(b);
		reopen(f);
	}
	path_of(f, digest, path);
	OK(stat(path, &st));
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_int_equal(files_in(f, "tmp"), 0);
}

static void
existing_content_is_a_success_and_counts_once(void **state)
{
	struct fixture *f = *state;
	uint8_t a[32], b[32];

	OK(put(f->bs, slice_of(bytes, 100), NULL, a));
	OK(put(f->bs, slice_of(bytes, 100), a, b));
	assert_memory_equal(a, b, 32);
	assert_int_equal(blob_total(f->bs), 100);
	reopen(f);
	OK(put(f->bs, slice_of(bytes, 100), a, b));
	assert_int_equal(blob_total(f->bs), 100);
	assert_int_equal(files_in(f, "tmp"), 0);
}

static void
REQ_SEC_IMG_COMPLETE_DIGEST_a_wrong_one_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t wrong[32] = {1}, ret[32] = {7};
	struct blob_put *p;

	FAILS(put(f->bs, slice_of(bytes, 100), wrong, ret), ERR_DIGEST);
	FAILS(put(f->bs, SLICE_NONE, NULL, ret), ERR_INVALID);
	assert_int_equal(ret[0], 7);
	OK(blob_put_begin(f->bs, &p));
	OK(blob_put_write(p, slice_of(bytes, 50)));
	blob_put_abort(p);
	blob_put_abort(NULL);
	assert_int_equal(files_in(f, "tmp"), 0);
	assert_int_equal(files_in(f, "images"), 0);
	assert_int_equal(blob_total(f->bs), 0);
}

static void
an_image_at_the_cap_fits_and_one_past_it_does_not(void **state)
{
	struct fixture *f = *state;
	uint8_t ret[32];

	FAILS(put(f->bs, slice_of(bytes, MAX_IMAGE + 1), NULL, ret), ERR_SIZE);
	OK(put(f->bs, slice_of(bytes, MAX_IMAGE), NULL, ret));
	assert_int_equal(blob_total(f->bs), MAX_IMAGE);
	assert_int_equal(files_in(f, "tmp"), 0);
}

static void
the_total_is_capped_over_images_and_uploads(void **state)
{
	struct fixture *f = *state;
	struct blob_put *p;
	uint8_t ret[32];
	struct why why;

	OK(put(f->bs, slice_of(bytes, 4000), NULL, ret));
	OK(put(f->bs, slice_of(bytes + 1, 4000), NULL, ret));
	OK(blob_put_begin(f->bs, &p));
	OK(blob_put_write(p, slice_of(bytes, 1000)));
	FAILS(put(f->bs, slice_of(bytes + 2, 1001), NULL, ret), ERR_NOSPACE);
	OK(put(f->bs, slice_of(bytes + 2, 1000), NULL, ret));
	FAILS(blob_put_write(p, slice_of(bytes, 1)), ERR_NOSPACE);
	FAILS(blob_put_write(p, SLICE_NONE), ERR_NOSPACE); /* it stays */
	FAILS(blob_put_commit(p, NULL, ret, &why), ERR_NOSPACE);
	assert_int_equal(blob_total(f->bs), 9000);
	OK(put(f->bs, slice_of(bytes + 3, 1000), NULL, ret));
	assert_int_equal(blob_total(f->bs), MAX_TOTAL);
	FAILS(put(f->bs, slice_of(bytes, 1), NULL, ret), ERR_NOSPACE);
}

/* What a thread does, and what it finds. */
static void
hash(struct blob_store *bs, const uint8_t digest[32], int want)
{
	struct blob_check *c;

	OK(blob_check_begin(bs, digest, &c));
	while (!blob_check_step(c, BLOB_HASH_NOW))
		continue;
	FAILS(blob_check_end(c), want);
}

static void
the_cap_of_an_image_is_at_most_that_of_the_protocol(void **state)
{
	struct fixture *f = *state;
	struct blob_opts o = {f->dir, UINT64_MAX, UINT64_MAX};
	static uint8_t mib[1024 * 1024];
	struct blob_put *p;
	struct blob *b;
	uint8_t ret[32];
	struct why why;

	blob_close(f->bs);
	OK(blob_open(&o, &f->bs, &why));
	OK(blob_put_begin(f->bs, &p));
	for (size_t i = 0; i < LIMIT_IMAGE / sizeof(mib); i++)
		OK(blob_put_write(p, slice_of(mib, sizeof(mib))));
	OK(blob_put_commit(p, NULL, ret, &why));
	reopen(f);
	hash(f->bs, ret, 0);
	OK(blob_get(f->bs, ret, &b));
	assert_int_equal(blob_bytes(b).n, LIMIT_IMAGE);
	blob_unref(b);

	blob_close(f->bs);
	OK(blob_open(&o, &f->bs, &why));
	OK(blob_put_begin(f->bs, &p));
	for (size_t i = 0; i < LIMIT_IMAGE / sizeof(mib); i++)
		OK(blob_put_write(p, slice_of(mib, sizeof(mib))));
	FAILS(blob_put_write(p, slice_of(mib, 1)), ERR_SIZE);
	blob_put_abort(p);
}

static void
poke(const char *path, off_t at)
{
	uint8_t c = 0xa5;
	int fd;

	OK(chmod(path, 0644));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void
REQ_SEC_MFST_CONST_a_damaged_image_is_found_others_go_on(void **state)
{
	struct fixture *f = *state;
	uint8_t a[32], b[32], ret[32];
	struct blob *blob;
	char path[200];

	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
	OK(put(f->bs, slice_of(bytes, 2000), NULL, b));
	reopen(f);
	path_of(f, a, path);
	poke(path, 1500);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	OK(blob_get(f->bs, b, &blob));
	blob_unref(blob);
	/* cut short, made longer, emptied: the same */
	OK(truncate(path, 2999));
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	reopen(f);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	OK(truncate(path, 0));
	reopen(f);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	/* who asks is told to upload it again, and that heals it */
	assert_false(blob_have(f->bs, a, NULL));
	assert_true(blob_have(f->bs, b, NULL));
	OK(put(f->bs, slice_of(bytes, 3000), a, ret));
	assert_true(blob_have(f->bs, a, NULL));
	OK(blob_get(f->bs, a, &blob));
	assert_true(slice_eq(blob_bytes(blob), slice_of(bytes, 3000)));
	blob_unref(blob);
	assert_int_equal(blob_total(f->bs), 5000);
}

static uint8_t large[BLOB_HASH_NOW + 1];

static void
big_store(struct fixture *f)
{
	struct blob_opts o = {f->dir, UINT64_MAX, UINT64_MAX};
	struct why why;

	blob_close(f->bs);
	f->bs = NULL;
	OK(blob_open(&o, &f->bs, &why));
}

/* At the cap it is done at once, one byte past it somebody else has to. */
static void
a_large_image_is_served_only_after_somebody_hashed_it(void **state)
{
	struct fixture *f = *state;
	uint8_t a[32], b[32];
	struct blob_check *c;
	struct blob *blob;
	size_t steps = 1;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 13 + i / 255);
	big_store(f);
	OK(put(f->bs, slice_of(large, BLOB_HASH_NOW), NULL, a));
	OK(put(f->bs, slice_of(large, BLOB_HASH_NOW + 1), NULL, b));
	OK(blob_get(f->bs, b, &blob)); /* the upload was hashed */
	blob_unref(blob);
	FAILS(blob_check_begin(f->bs, b, &c), ERR_EXISTS);
	big_store(f);
	OK(blob_get(f->bs, a, &blob));
	blob_unref(blob);
	FAILS(blob_get(f->bs, b, &blob), ERR_BUSY);
	OK(blob_check_begin(f->bs, b, &c));
	for (; !blob_check_step(c, 100000); steps++)
		FAILS(blob_get(f->bs, b, &blob), ERR_BUSY);
	/* no step does more than it is told */
	assert_int_equal(steps, (BLOB_HASH_NOW + 1 + 99999) / 100000);
	FAILS(blob_get(f->bs, b, &blob), ERR_BUSY);
	OK(blob_check_end(c));
	OK(blob_get(f->bs, b, &blob));
	assert_true(slice_eq(blob_bytes(blob), slice_of(large,
	    BLOB_HASH_NOW + 1)));
	blob_unref(blob);
	big_store(f);
	OK(blob_check_begin(f->bs, b, &c));
	blob_check_abort(c);
	blob_check_abort(NULL);
	FAILS(blob_get(f->bs, b, &blob), ERR_BUSY);
}

static void
REQ_SEC_MFST_CONST_no_byte_of_a_damaged_image_is_served(void **state)
{
	struct fixture *f = *state;
	uint8_t a[32], none[32] = {1};
	struct blob_check *c;
	struct blob *blob;
	char path[200];

	big_store(f);
	OK(put(f->bs, slice_of(large, sizeof(large)), NULL, a));
	path_of(f, a, path);
	poke(path, BLOB_HASH_NOW);
	FAILS(blob_get(f->bs, a, &blob), ERR_BUSY);
	hash(f->bs, a, ERR_CORRUPT);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	FAILS(blob_check_begin(f->bs, a, &c), ERR_CORRUPT);
	/* healed while it is hashed: the new one counts */
	big_store(f);
	OK(blob_check_begin(f->bs, a, &c));
	assert_false(blob_check_step(c, 1000));
	OK(put(f->bs, slice_of(large, sizeof(large)), a, none));
	while (!blob_check_step(c, BLOB_HASH_NOW))
		continue;
	OK(blob_check_end(c));
	OK(blob_get(f->bs, a, &blob));
	blob_unref(blob);
	/* touched, cut short or dropped while it is hashed */
	big_store(f);
	OK(blob_check_begin(f->bs, a, &c));
	OK(chmod(path, 0444));
	while (!blob_check_step(c, BLOB_HASH_NOW))
		continue;
	FAILS(blob_check_end(c), ERR_BUSY);
	FAILS(blob_get(f->bs, a, &blob), ERR_BUSY);
	OK(blob_check_begin(f->bs, a, &c));
	OK(truncate(path, 5));
	assert_true(blob_check_step(c, sizeof(large)));
	FAILS(blob_check_end(c), ERR_BUSY);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
	OK(unlink(path));
	FAILS(blob_check_begin(f->bs, a, &c), ERR_NOT_FOUND);
	FAILS(blob_check_begin(f->bs, none, &c), ERR_NOT_FOUND);
}

/* As a thread does it: what the loop sees in between, and at the end. */
static void
an_upload_is_there_when_all_three_parts_are_done(void **state)
{
	struct fixture *f = *state;
	struct blob_put *p, *q;
	uint8_t ret[32], other[32];
	char path[200];
	struct why why;

	OK(blob_put_begin(f->bs, &p));
	OK(blob_put_write(p, slice_of(bytes, 3000)));
	assert_int_equal(blob_put_size(p), 3000);
	OK(blob_put_seal(p, NULL));
	assert_int_equal(files_in(f, "images"), 0);
	blob_put_place(p);
	assert_int_equal(files_in(f, "tmp"), 0);
	OK(blob_put_begin(f->bs, &q)); /* the same by somebody else */
	OK(blob_put_write(q, slice_of(bytes, 3000)));
	OK(blob_put_seal(q, NULL));
	blob_put_place(q);
	OK(blob_put_finish(p, ret, &why));
	OK(blob_put_finish(q, other, &why));
	assert_memory_equal(ret, other, 32);
	assert_int_equal(blob_total(f->bs), 3000);
	/* dropped after it was placed */
	OK(blob_put_begin(f->bs, &p));
	OK(blob_put_write(p, slice_of(bytes, 100)));
	OK(blob_put_seal(p, NULL));
	blob_put_place(p);
	digest_of(slice_of(bytes, 100), ret);
	path_of(f, ret, path);
	OK(unlink(path));
	FAILS(blob_put_finish(p, ret, &why), ERR_CONFLICT);
	assert_false(blob_have(f->bs, ret, NULL));
	/* given up after it was placed: the next start finds it whole */
	OK(blob_put_begin(f->bs, &p));
	OK(blob_put_write(p, slice_of(bytes, 100)));
	OK(blob_put_seal(p, ret));
	blob_put_place(p);
	blob_put_abort(p);
	assert_false(blob_have(f->bs, ret, NULL));
	reopen(f);
	assert_true(blob_have(f->bs, ret, NULL));
	assert_int_equal(blob_total(f->bs), 3100);
}

static void
REQ_SEC_MFST_CONST_a_touched_image_is_hashed_again(void **state)
{
	struct fixture *f = *state;
	struct blob *blob;
	uint8_t a[32];
	char path[200];

	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
	OK(blob_get(f->bs, a, &blob));
	blob_unref(blob);
	path_of(f, a, path);
	OK(chmod(path, 0444)); /* new ctime, same bytes */
	OK(blob_get(f->bs, a, &blob));
	blob_unref(blob);
	poke(path, 0);
	FAILS(blob_get(f->bs, a, &blob), ERR_CORRUPT);
}

static void
a_missing_image_is_not_found_and_can_come_back(void **state)
{
	struct fixture *f = *state;
	struct blob *blob, *old;
	uint8_t a[32], ret[32];
	char path[200];

	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
	path_of(f, a, path);
	OK(unlink(path));
	OK(put(f->bs, slice_of(bytes, 3000), a, ret)); /* it is gone */
	OK(blob_get(f->bs, a, &old));
	OK(unlink(path));
	OK(put(f->bs, slice_of(bytes, 3000), a, ret));
	assert_true(slice_eq(blob_bytes(old), slice_of(bytes, 3000)));
	blob_unref(old);
	OK(unlink(path));
	FAILS(blob_get(f->bs, a, &blob), ERR_NOT_FOUND);
	assert_false(blob_have(f->bs, a, NULL));
	assert_int_equal(blob_total(f->bs), 0);
}

struct keep {
	uint8_t digest[32];
	size_t asked;
};

static bool
keep_one(void *arg, const uint8_t digest[32])
{
	struct keep *k = arg;

	k->asked++;
	return memcmp(k->digest, digest, 32) == 0;
}

static int
count(void *arg, const uint8_t digest[32], uint64_t size)
{
	(void)digest;
	*(uint64_t *)arg += size;
	return 0;
}

static int
stop(void *arg, const uint8_t digest[32], uint64_t size)
{
	(void)digest;
	(void)size;
	return ++*(int *)arg == 2 ? ERR_CANCELLED : 0;
}

/* Images of this store that our address space shows. */
static size_t
mappings(const struct fixture *f)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[600];
	size_t n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		n += strstr(line, f->dir) != NULL;
	fclose(maps);
	return n;
}

static void
the_last_images_stay_mapped_and_no_more_of_them(void **state)
{
	struct fixture *f = *state;
	struct blob *blob, *first;
	uint8_t d[BLOB_WARM + 1][32];

	for (size_t i = 0; i <= BLOB_WARM; i++) {
		OK(put(f->bs, slice_of(bytes, 100 + i), NULL, d[i]));
		OK(blob_get(f->bs, d[i], &blob));
		blob_unref(blob);
		assert_int_equal(mappings(f), i < BLOB_WARM ? i + 1 :
		    BLOB_WARM);
	}
	/* the first had to go; it comes back in the place of the second */
	OK(blob_get(f->bs, d[0], &first));
	assert_memory_equal(blob_bytes(first).p, bytes, 100);
	assert_int_equal(mappings(f), BLOB_WARM);
	/* in use is in use, warm or not */
	for (size_t i = 1; i <= BLOB_WARM; i++) {
		OK(blob_get(f->bs, d[i], &blob));
		blob_unref(blob);
	}
	assert_int_equal(mappings(f), BLOB_WARM + 1);
	assert_memory_equal(blob_bytes(first).p, bytes, 100);
	blob_unref(first);
	assert_int_equal(mappings(f), BLOB_WARM);
}

static void
an_image_that_went_away_is_not_served_from_its_mapping(void **state)
{
	struct fixture *f = *state;
	struct blob *blob;
	uint8_t a[32];
	char path[200];

	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
	OK(blob_get(f->bs, a, &blob));
	blob_unref(blob);
	assert_int_equal(mappings(f), 1);
	path_of(f, a, path);
	assert_int_equal(unlink(path), 0);
	FAILS(blob_get(f->bs, a, &blob), ERR_NOT_FOUND);
	assert_int_equal(mappings(f), 0);
}

static void
REQ_SEC_MFST_CONST_no_mapping_of_another_file(void **state)
{
	struct fixture *f = *state;
	struct blob *held, *now;
	uint8_t a[32];
	char path[200];

	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
	OK(blob_get(f->bs, a, &held));
	assert_true(blob_current(f->bs, held));
	path_of(f, a, path);
	poke(path, 0);
	assert_false(blob_current(f->bs, held));
	FAILS(blob_get(f->bs, a, &now), ERR_CORRUPT);
	assert_int_equal(blob_bytes(held).n, 3000); /* still mapped */
	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
	assert_false(blob_current(f->bs, held));
	OK(blob_get(f->bs, a, &now));
	assert_ptr_not_equal(held, now);
	assert_true(blob_current(f->bs, now));
	assert_int_equal(mappings(f), 2);
	blob_unref(held);
	assert_true(blob_current(f->bs, now));
	blob_unref(now);
	assert_int_equal(mappings(f), 1);
}

static void
gc_drops_only_what_is_neither_needed_nor_mapped(void **state)
{
	struct fixture *f = *state;
	struct keep k = {.asked = 0};
	uint8_t mapped[32], c[32], d[32];
	uint64_t total = 0;
	size_t n = 99;
	struct blob *blob;
	int seen = 0;

	OK(put(f->bs, slice_of(bytes, 1000), NULL, k.digest));
	OK(put(f->bs, slice_of(bytes, 1001), NULL, mapped));
	OK(put(f->bs, slice_of(bytes, 1002), NULL, c));
	OK(put(f->bs, slice_of(bytes, 1003), NULL, d));
	OK(blob_foreach(f->bs, count, &total));
	assert_int_equal(total, 4006);
	FAILS(blob_foreach(f->bs, stop, &seen), ERR_CANCELLED);
	assert_int_equal(seen, 2);
	OK(blob_get(f->bs, mapped, &blob));
	OK(blob_gc(f->bs, keep_one, &k, &n));
	assert_int_equal(n, 2);
	assert_int_equal(blob_total(f->bs), 2001);
	assert_true(blob_have(f->bs, k.digest, NULL));
	assert_true(blob_have(f->bs, mapped, NULL));
	assert_false(blob_have(f->bs, c, NULL));
	assert_true(slice_eq(blob_bytes(blob), slice_of(bytes, 1001)));
	blob_unref(blob);
	OK(blob_gc(f->bs, keep_one, &k, &n));
	assert_int_equal(n, 1);
	reopen(f);
	assert_int_equal(blob_total(f->bs), 1000);
}

static void
a_mapping_outlives_the_store(void **state)
{
	struct fixture *f = *state;
	struct blob *blob;
	uint8_t a[32];

	OK(put(f->bs, slice_of(bytes, 1000), NULL, a));
	OK(blob_get(f->bs, a, &blob));
	reopen(f);
	assert_true(slice_eq(blob_bytes(blob), slice_of(bytes, 1000)));
	blob_unref(blob);
	blob_unref(NULL);
}

/* A child dies at its nth write; what is left is whole images only. */
static void
a_kill_during_an_upload_leaves_no_partial_image(void **state)
{
	struct fixture *f = *state;
	uint8_t a[32];
	struct digest want;
	struct blob *blob;
	struct blob_put *p;
	char left[96];
	int status, fd;
	pid_t pid;

	for (int n = 0; n < 6; n++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			if (put(f->bs, slice_of(bytes, 500 + (size_t)n), NULL,
			    a) != 0 || blob_put_begin(f->bs, &p) != 0)
				_exit(1);
			for (int i = 0; i < n; i++)
				if (blob_put_write(p, slice_of(bytes, 300)))
					_exit(1);
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		/* as where a file cannot be without a name */
		snprintf(left, sizeof(left), "%s/tmp/left", f->dir);
		fd = open(left, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
		reopen(f);
		assert_int_equal(files_in(f, "tmp"), 0);
		OK(digest_compute(DIGEST_SHA256, slice_of(bytes,
		    500 + (size_t)n), &want));
		OK(blob_get(f->bs, want.b, &blob));
		blob_unref(blob);
	}
	assert_int_equal(blob_total(f->bs), 6 * 500 + 15);
}

static void
a_full_disk_is_an_error_and_passes(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	uint8_t a[32];

	signal(SIGXFSZ, SIG_IGN);
	OK(getrlimit(RLIMIT_FSIZE, &old));
	small = old;
	small.rlim_cur = 1500;
	OK(setrlimit(RLIMIT_FSIZE, &small));
	FAILS(put(f->bs, slice_of(bytes, 3000), NULL, a), ERR_IO);
	OK(setrlimit(RLIMIT_FSIZE, &old));
	assert_int_equal(files_in(f, "tmp"), 0);
	assert_int_equal(blob_total(f->bs), 0);
	OK(put(f->bs, slice_of(bytes, 3000), NULL, a));
}

static void
what_is_not_named_like_an_image_is_left_alone(void **state)
{
	struct fixture *f = *state;
	char path[200];
	uint8_t a[32];

	OK(put(f->bs, slice_of(bytes, 10), NULL, a));
	path_of(f, a, path);
	strcpy(strrchr(path, '/'), "/notes.txt");
	close(open(path, O_CREAT | O_WRONLY, 0600));
	reopen(f);
	assert_int_equal(blob_total(f->bs), 10);
	OK(access(path, F_OK));
}

static void
a_directory_that_cannot_be_is_refused(void **state)
{
	struct blob_opts o = {"/proc/suitd-no", MAX_IMAGE, MAX_TOTAL};
	struct blob_store *bs = NULL;
	static char name[5000];
	struct why why;

	(void)state;
	assert_int_not_equal(blob_open(&o, &bs, &why), 0);
	memset(name, 'x', sizeof(name) - 1);
	o.dir = name;
	FAILS(blob_open(&o, &bs, &why), ERR_SIZE);
	assert_null(bs);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, up, down)
	const struct CMUnitTest tests[] = {
		T(an_image_is_read_back_and_survives_a_restart),
		T(existing_content_is_a_success_and_counts_once),
		T(REQ_SEC_IMG_COMPLETE_DIGEST_a_wrong_one_leaves_nothing),
		T(an_image_at_the_cap_fits_and_one_past_it_does_not),
		T(the_total_is_capped_over_images_and_uploads),
		T(the_cap_of_an_image_is_at_most_that_of_the_protocol),
		T(REQ_SEC_MFST_CONST_a_damaged_image_is_found_others_go_on),
		T(a_large_image_is_served_only_after_somebody_hashed_it),
		T(REQ_SEC_MFST_CONST_no_byte_of_a_damaged_image_is_served),
		T(an_upload_is_there_when_all_three_parts_are_done),
		T(REQ_SEC_MFST_CONST_a_touched_image_is_hashed_again),
		T(a_missing_image_is_not_found_and_can_come_back),
		T(the_last_images_stay_mapped_and_no_more_of_them),
		T(an_image_that_went_away_is_not_served_from_its_mapping),
		T(REQ_SEC_MFST_CONST_no_mapping_of_another_file),
		T(gc_drops_only_what_is_neither_needed_nor_mapped),
		T(a_mapping_outlives_the_store),
		T(a_kill_during_an_upload_leaves_no_partial_image),
		T(a_full_disk_is_an_error_and_passes),
		T(what_is_not_named_like_an_image_is_left_alone),
		T(a_directory_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
