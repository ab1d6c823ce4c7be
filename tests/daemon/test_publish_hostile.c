/*
 * The gate again, with what somebody changed on the way: every bit of an
 * envelope, and releases of several parts of which one is missing.
 */
#include "tests/daemon/fake.h"

#define PARTS 8

static struct world w;
static uint8_t bytes[4096];

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* A release of several parts; part n is n + 1 bytes of n. */
static struct slice
several(size_t parts)
{
	static const uint8_t id[PARTS][3] = {{0x81, 0x41, 0}, {0x81, 0x41, 1},
	    {0x81, 0x41, 2}, {0x81, 0x41, 3}, {0x81, 0x41, 4},
	    {0x81, 0x41, 5}, {0x81, 0x41, 6}, {0x81, 0x41, 7}};
	static char uri[PARTS][100];
	static uint8_t bare[4096];
	struct manifest_spec spec = {.sequence = 10, .have_vendor = true,
	    .have_class = true, .component_count = parts};
	struct cose_sign_opts opts = {0};
	struct buf b = buf_of(bare, sizeof(bare));
	struct buf out = buf_of(bytes, sizeof(bytes));

	memcpy(spec.vendor, w.vendor, 16);
	memcpy(spec.class_id, w.class_id, 16);
	for (size_t i = 0; i < parts; i++) {
		struct manifest_spec_component *c = &spec.component[i];
		uint8_t part[PARTS];

		memset(part, (int)i, sizeof(part));
		snprintf(uri[i], sizeof(uri[i]), "coap://fw.example/%060zu/"
		    "%zu", i, i);
		c->id = slice_of(id[i], 3);
		c->payload_count = 1;
		c->payload[0].uri = uri[i];
		c->payload[0].size = i + 1;
		assert_int_equal(digest_compute(DIGEST_SHA256,
		    slice_of(part, i + 1), &c->payload[0].digest), 0);
	}
	assert_int_equal(manifest_envelope(&spec, &b, NULL), 0);
	assert_int_equal(manifest_sign(buf_slice(&b), w.key, &opts, &out,
	    NULL), 0);
	return buf_slice(&out);
}

static int
offer(struct slice envelope)
{
	struct publish_opts o = {0};
	struct publish_result r;
	int rc = publish_envelope(&w.app, envelope, &o, &r, NULL);

	turn(&w);
	return rc;
}

static void
REQ_SEC_AUTHENTIC_no_byte_of_a_kibibyte_may_change(void **state)
{
	struct slice good;
	uint8_t was;

	(void)state;
	for (int i = 0; i < PARTS; i++)
		(void)upload(&w, (size_t)i + 1, i);
	good = several(PARTS);
	assert_in_range(good.n, 1024, 2048);
	for (size_t i = 0; i < good.n; i++)
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			was = bytes[i];
			bytes[i] ^= (uint8_t)bit;
			if (offer(good) == 0)
				fail_msg("byte %zu, bit %#x", i, bit);
			bytes[i] = was;
		}
	for (size_t cut = 0; cut < good.n; cut++)
		assert_int_not_equal(offer(slice_of(bytes, cut)), 0);
	assert_int_equal(catalog_count(w.app.catalog), 0);
	assert_int_equal(offer(good), 0);
}

static void
TUF_EXTRANEOUS_no_release_with_a_part_missing(void **state)
{
	uint8_t digest[32];
	char path[100];

	(void)state;
	for (size_t missing = 0; missing < PARTS; missing++) {
		world_close(&w);
		world_open(&w, store_mem_open);
		for (int i = 0; i < PARTS; i++)
			if ((size_t)i != missing)
				(void)upload(&w, (size_t)i + 1, i);
		assert_int_equal(offer(several(PARTS)), ERR_DIGEST);
		/* and nothing of it is served */
		assert_int_equal(catalog_count(w.app.catalog), 0);
		for (size_t i = 0; i < PARTS; i++) {
			snprintf(path, sizeof(path), "%060zu/%zu", i, i);
			assert_int_equal(catalog_path(w.app.catalog, path,
			    digest), ERR_NOT_FOUND);
		}
		(void)upload(&w, missing + 1, (int)missing);
		assert_int_equal(offer(several(PARTS)), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_AUTHENTIC_no_byte_of_a_kibibyte_may_change),
		T(TUF_EXTRANEOUS_no_release_with_a_part_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
