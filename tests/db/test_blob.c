/*
 * Images: what is kept, what is refused, and what a crash leaves.
 */
#include "tests/db/blobs.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/digest.h"

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
	const struct CMUnitTest tests[] = {
		T(an_image_is_read_back_and_survives_a_restart),
		T(existing_content_is_a_success_and_counts_once),
		T(REQ_SEC_IMG_COMPLETE_DIGEST_a_wrong_one_leaves_nothing),
		T(an_image_at_the_cap_fits_and_one_past_it_does_not),
		T(the_total_is_capped_over_images_and_uploads),
		T(the_cap_of_an_image_is_at_most_that_of_the_protocol),
		T(an_upload_is_there_when_all_three_parts_are_done),
		T(a_missing_image_is_not_found_and_can_come_back),
		T(gc_drops_only_what_is_neither_needed_nor_mapped),
		T(a_kill_during_an_upload_leaves_no_partial_image),
		T(a_full_disk_is_an_error_and_passes),
		T(what_is_not_named_like_an_image_is_left_alone),
		T(a_directory_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
