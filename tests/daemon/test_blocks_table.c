/* The table of mappings, and the queue of the slow lane, by themselves. */
#include "daemon/log.h"
#include "tests/daemon/blocks_app.h"

static struct table *
table_of(size_t n, bool live)
{
	struct image_name *img = calloc(n + 1, sizeof(*img));
	struct names_source src = {.image = img, .images = n};
	struct names *names;
	struct table *t;

	assert_non_null(img);
	for (size_t i = 0; i < n; i++) {
		img[i].digest[0] = (uint8_t)(i >> 8);
		img[i].digest[1] = (uint8_t)i;
		img[i].live = live;
	}
	OK(names_new(&src, &names));
	OK(table_new(names, &t));
	names_unref(names);
	free(img);
	return t;
}

static struct blob *
some_blob(void)
{
	struct image im = {.p = bytes, .n = 100};
	struct blob *b;

	put_image(&im);
	OK(blob_get(app.blobs, im.digest, &b));
	return b;
}

static void
the_longest_unused_mapping_makes_room(void **state)
{
	struct table *t = table_of(LIMIT_IMAGES_MAPPED + 1, true);
	struct blob *b = some_blob();

	(void)state;
	for (size_t i = 0; i < LIMIT_IMAGES_MAPPED; i++)
		table_map(t, i, b, i == 77 ? 5 : 10 + (uint32_t)i);
	assert_int_equal(t->mapped, LIMIT_IMAGES_MAPPED);
	assert_non_null(t->entry[77].blob);
	table_map(t, LIMIT_IMAGES_MAPPED, b, 9);
	assert_int_equal(t->mapped, LIMIT_IMAGES_MAPPED);
	assert_null(t->entry[77].blob);
	assert_non_null(t->entry[0].blob);
	assert_non_null(t->entry[LIMIT_IMAGES_MAPPED].blob);
	/* again is no second one */
	table_map(t, 0, b, 9);
	assert_int_equal(t->mapped, LIMIT_IMAGES_MAPPED);
	table_free(t);
	blob_unref(b);
}

static void
a_new_table_inherits_what_is_live_and_good(void **state)
{
	struct table *old = table_of(4, true), *t = table_of(6, true);
	struct table *none = table_of(0, true);
	struct blob *b = some_blob();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		table_map(old, i, b, 40 + (uint32_t)i);
	atomic_store(&old->entry[1].bad, true);
	table_unmap(old, 2);
	t->names->image[3].live = false;
	table_inherit(t, old);
	assert_int_equal(t->mapped, 1);
	assert_ptr_equal(t->entry[0].blob, b);
	assert_int_equal(entry_used(&t->entry[0]), 40);
	table_free(old); /* the mapping is the new one's, too */
	assert_memory_equal(t->entry[0].bytes.p, bytes, 100);
	table_inherit(none, t);
	table_inherit(t, none);
	assert_int_equal(t->mapped, 1);
	table_free(none);
	table_free(t);
	blob_unref(b);
}

static void
a_full_queue_takes_no_more(void **state)
{
	struct slow_ring r = {.item = calloc(SLOW_RING, sizeof(*r.item))};
	struct envelope env = {.from.sin6_port = 9};
	struct iovec v = {bytes, DATAGRAM_MAX};
	struct msghdr m = {.msg_name = &env.from, .msg_namelen = 16,
	    .msg_control = &env.control, .msg_controllen = 40,
	    .msg_iov = &v, .msg_iovlen = 1};

	(void)state;
	for (unsigned i = 0; i < SLOW_RING; i++)
		assert_true(slow_push(&r, &m, i % DATAGRAM_MAX));
	assert_false(slow_push(&r, &m, 1));
	assert_int_equal(r.item[9].n, 9);
	assert_memory_equal(r.item[9].b, bytes, 9);
	atomic_store(&r.tail, 1);
	assert_true(slow_push(&r, &m, DATAGRAM_MAX));
	assert_int_equal(r.item[0].n, DATAGRAM_MAX);
	assert_false(slow_push(&r, &m, 1));
	free(r.item);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_longest_unused_mapping_makes_room),
		T(a_new_table_inherits_what_is_live_and_good),
		T(a_full_queue_takes_no_more),
	};

	log_init(LOGL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
