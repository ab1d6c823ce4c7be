/* GET of images: by path, by digest, and of one that is lost. */
#include "tests/daemon/res_call.h"

static void
images_by_path_by_digest_and_by_one_option(void **state)
{
	struct digest d;

	(void)state;
	released(&w, 5, "coap://fw.example/fw/a.bin", 100);
	d = upload(&w, 100, 5);
	strcpy(req.path, "fw/a.bin");
	assert_int_equal(call(res_rest), 0);
	assert_memory_equal(resp.etag, d.b, 8);
	blob_unref(resp.image);
	strcpy(req.path, "fw%2Fa.bin"); /* one Uri-Path with a slash in it */
	assert_int_equal(call(res_rest), 0);
	blob_unref(resp.image);
	strcpy(req.path, "fw/none");
	assert_int_equal(call(res_rest), ERR_NOT_FOUND);
	strcpy(req.path, "fw/a.bin");
	req.method = M_DELETE;
	assert_int_equal(call(res_rest), ERR_METHOD);
	req.method = M_GET;
	req.arg[0] = "short";
	assert_int_equal(call(res_image), ERR_INVALID);
	req.arg[0] = "***";
	assert_int_equal(call(res_image), ERR_INVALID);
	req.arg[0] = "AAAAAAAAAAAA";
	assert_int_equal(call(res_image), ERR_NOT_FOUND);
}

static void
a_lost_image_is_an_error_for_itself_alone(void **state)
{
	struct digest d;
	char cmd[256], hex[65];

	(void)state;
	released(&w, 5, "coap://fw.example/a.bin", 100);
	released(&w, 6, "coap://fw.example/b.bin", 100);
	d = upload(&w, 100, 5);
	text_hex(slice_of(d.b, 32), hex, sizeof(hex));
	snprintf(cmd, sizeof(cmd), "rm -f %s/images/%.2s/%s", w.dir, hex,
	    hex);
	assert_int_equal(system(cmd), 0);
	strcpy(req.path, "a.bin");
	assert_int_equal(call(res_rest), ERR_CORRUPT);
	assert_null(resp.image);
	strcpy(req.path, "b.bin");
	assert_int_equal(call(res_rest), 0);
	blob_unref(resp.image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(images_by_path_by_digest_and_by_one_option),
		T(a_lost_image_is_an_error_for_itself_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
