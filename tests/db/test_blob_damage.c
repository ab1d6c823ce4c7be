/* Images that are damaged, or not hashed yet: no byte of them is served. */
#include "tests/db/blobs.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_MFST_CONST_a_damaged_image_is_found_others_go_on),
		T(a_large_image_is_served_only_after_somebody_hashed_it),
		T(REQ_SEC_MFST_CONST_no_byte_of_a_damaged_image_is_served),
		T(REQ_SEC_MFST_CONST_a_touched_image_is_hashed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
