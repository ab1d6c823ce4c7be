/* Images in memory: how many stay, and which file's they are. */
#include "tests/db/blobs.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_last_images_stay_mapped_and_no_more_of_them),
		T(an_image_that_went_away_is_not_served_from_its_mapping),
		T(REQ_SEC_MFST_CONST_no_mapping_of_another_file),
		T(a_mapping_outlives_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
