/* Images and releases that operators bring, and the names of these. */
#include "tests/daemon/admin_call.h"

static int
put_author(const char *name, struct slice key, const char *class)
{
	static struct msg_author_put m;
	char path[128];

	memset(&m, 0, sizeof(m));
	memcpy(m.key, key.p, key.n);
	m.key_len = key.n;
	if (class != NULL)
		strcpy(m.class_name[m.class_count++], class);
	snprintf(path, sizeof(path), "a/keys/%s", name);
	return call(M_PUT, path, NULL, record(&msg_author_put, &m));
}

static void
REQ_SEC_KEY_PROTECTION_a_private_key_is_refused(void **state)
{
	uint8_t raw[2048];
	struct buf pem = buf_of(raw, sizeof(raw));
	static struct msg_author a;

	(void)state;
	assert_int_equal(cose_key_put_pem(w.key, true, &pem), 0);
	assert_int_equal(put_author("bob", buf_slice(&pem), NULL),
	    ERR_POLICY);
	pem.n = 0;
	assert_int_equal(cose_key_put_pem(w.key, false, &pem), 0);
	assert_int_equal(put_author("bob", buf_slice(&pem), "nonsense"),
	    ERR_INVALID);
	assert_int_equal(put_author("b b", buf_slice(&pem), NULL),
	    ERR_INVALID);
	assert_int_equal(put_author("bob", slice_str("junk"), NULL),
	    ERR_KEY);
	assert_int_equal(put_author("bob", buf_slice(&pem),
	    "1492af14-2569-5e48-bf42-9b2d51f2ab45"), 0);
	is_logged("author added");
	answer_is(&msg_author, &a);
	assert_string_equal(a.kind, "p256");
	assert_int_equal(a.class_count, 1);
	assert_int_equal(call(M_DELETE, "a/keys/bob", NULL, SLICE_NONE), 0);
	is_logged("author removed");
	assert_int_equal(call(M_DELETE, "a/keys/bob", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

static void
an_upload_must_have_its_digest(void **state)
{
	struct slice image = slice_str("hello");
	struct digest d;
	char path[128], hex[65];
	struct msg_image m;

	(void)state;
	assert_int_equal(digest_compute(DIGEST_SHA256, image, &d), 0);
	snprintf(path, sizeof(path), "a/images/%s", text_hex(digest_slice(&d),
	    hex, sizeof(hex)));
	assert_int_equal(get(path), ERR_NOT_FOUND);
	assert_int_equal(call(M_PUT, path, NULL, slice_str("hellO")),
	    ERR_DIGEST);
	assert_int_equal(get(path), ERR_NOT_FOUND);
	assert_int_equal(call(M_PUT, path, NULL, image), 0);
	is_logged("image uploaded");
	assert_int_equal(get(path), 0);
	answer_is(&msg_image, &m);
	assert_int_equal(m.size, 5);
	assert_false(m.needed);
	snprintf(path, sizeof(path), "a/images/%s", text_b64u(
	    digest_slice(&d), hex, sizeof(hex)));
	assert_int_equal(get(path), 0);
	assert_int_equal(get("a/images/00"), ERR_INVALID);
	assert_int_equal(call(M_POST, "a/images", NULL, SLICE_NONE), 0);
	is_logged("images cleaned");
	assert_int_equal(get(path), ERR_NOT_FOUND);
}

static void
publishing_twice_is_one_release(void **state)
{
	struct made m = {.seq = 5, .uri = "coap://fw.example/x", .size = 30};
	static struct msg_release r;
	uint8_t bytes[4096];
	struct slice envelope;
	uint64_t before;

	(void)state;
	m.digest = upload(&w, 30, 3);
	envelope = made(&w, &m, bytes, sizeof(bytes));
	before = events();
	assert_int_equal(call(M_POST, "a/releases", "dry_run", envelope), 0);
	assert_int_equal(events(), before);
	assert_int_equal(get("a/releases/1"), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/releases", NULL, envelope), 0);
	is_logged("published");
	assert_int_equal(resp.code, 201);
	assert_string_equal(resp.location, "a/releases/1");
	answer_is(&msg_release, &r);
	assert_int_equal(r.seq, 5);
	assert_int_equal(r.payload_count, 1);
	before = events();
	assert_int_equal(call(M_POST, "a/releases", NULL, envelope), 0);
	answer_is(&msg_release, &r);
	assert_true(r.exists);
	assert_int_equal(r.id, 1);
	assert_int_equal(events(), before);
	assert_int_equal(call(M_POST, "a/releases", NULL,
	    slice_sub(envelope, 0, 50)), ERR_TRUNCATED);
}

static void
releases_have_two_names(void **state)
{
	uint64_t id = released(&w, 9, "coap://fw.example/one", 20);
	static struct msg_release r;
	char path[128], hex[65];

	(void)state;
	assert_int_equal(id, 1);
	assert_int_equal(get("a/releases/1"), 0);
	answer_is(&msg_release, &r);
	text_hex(slice_of(r.digest, 32), hex, sizeof(hex));
	snprintf(path, sizeof(path), "a/releases/%s", hex);
	assert_int_equal(get(path), 0);
	snprintf(path, sizeof(path), "a/releases/%.6s", hex);
	assert_int_equal(get(path), 0);
	snprintf(path, sizeof(path), "a/releases/%.5s", hex);
	assert_int_equal(get(path), ERR_NOT_FOUND);
	snprintf(path, sizeof(path), "a/releases/%.6s%s", hex, "zz");
	assert_int_equal(get(path), ERR_NOT_FOUND);
	assert_int_equal(call(M_DELETE, "a/releases/1", NULL, SLICE_NONE), 0);
	is_logged("withdrawn");
	assert_int_equal(get("a/releases/1"), 0);
	answer_is(&msg_release, &r);
	assert_string_equal(r.state, "withdrawn");
	assert_null(catalog_current(w.app.catalog, w.class_id));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_KEY_PROTECTION_a_private_key_is_refused),
		T(an_upload_must_have_its_digest),
		T(publishing_twice_is_one_release),
		T(releases_have_two_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
