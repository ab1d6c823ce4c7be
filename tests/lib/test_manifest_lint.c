/* What a device that is named would not take, said before it is sent. */
#include "tests/lib/manifest_write.h"

static size_t
errors(const struct manifest_spec *s, enum manifest_device device,
    struct slice img)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct buf out = buf_of(more, sizeof(more));
	size_t n, count = 0;

	assert_int_equal(manifest_envelope(s, &b, NULL), 0);
	assert_int_equal(manifest_sign(buf_slice(&b), key_of(s), NULL, &out,
	    NULL), 0);
	assert_int_equal(make_judge(buf_slice(&out), &m, &proof, &plan), 0);
	n = manifest_lint(&m, &plan, device, img, found, 16);
	for (size_t i = 0; i < n; i++)
		count += found[i].error;
	return count;
}

/* A URI with `zeros` zeros in the middle. */
static size_t
riot_uri(const char *before, size_t zeros, const char *after)
{
	struct manifest_spec s = one_component(MANIFEST_RIOT09);
	char uri[400] = "";

	strcpy(uri, before);
	memset(uri + strlen(before), '0', zeros);
	strcpy(uri + strlen(before) + zeros, after);
	s.component[0].payload[0].uri = uri;
	return errors(&s, MANIFEST_DEVICE_RIOT, SLICE_NONE);
}

static void
riots_uris(void **state)
{
	static const char path[] = "/0123456789012345678901234567890123456789"
	    "01234567890";

	(void)state;
	assert_int_equal(riot_uri("coap://h/", 63, ""), 0);
	assert_int_equal(riot_uri("coap://h/", 64, ""), 1);
	assert_int_equal(riot_uri("coaps://h/", 63, ""), 0);
	assert_int_equal(strlen(path), 52);
	assert_int_equal(riot_uri("coap://", 61, path), 0);
	assert_int_equal(riot_uri("coap://", 62, path), 1);
	assert_int_equal(riot_uri("coap://", 63, "/a"), 0);
	assert_int_equal(riot_uri("coap://", 64, "/a"), 1);
	assert_int_equal(riot_uri("/fw/", 3, ""), 1);
	assert_int_equal(riot_uri("http://h/", 3, ""), 1);
	assert_int_equal(riot_uri("coap+tcp://h/", 3, ""), 1);
}

static void
riots_buffer_is_640_bytes(void **state)
{
	struct manifest_spec s = two_slots(MANIFEST_RIOT09);
	char uri[4][130];
	unsigned seen = 0;
	size_t e;

	(void)state;
	s.component[1] = s.component[0];
	s.component[1].id = slice_of(id_ram0, sizeof(id_ram0));
	s.component_count = 2;
	/* four URIs grow by a byte in turn */
	for (int n = 4 * 6; n < 4 * 20; n++) {
		for (int j = 0; j < 4; j++) {
			memset(uri[j], 0, sizeof(uri[j]));
			memcpy(uri[j], "coap://h/", 9);
			memset(uri[j] + 9, '0' + j, (size_t)(n + j) / 4);
			s.component[j / 2].payload[j % 2].uri = uri[j];
		}
		e = errors(&s, MANIFEST_DEVICE_RIOT, SLICE_NONE);
		assert_int_equal(e, m.envelope.n > 640);
		seen |= m.envelope.n == 640 ? 1 : m.envelope.n == 641 ? 2 : 0;
	}
	assert_int_equal(seen, 3);
}

static void
riots_image_header(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_RIOT09);
	struct manifest_spec_payload *p = &s.component[0].payload[0];
	uint8_t img[32] = "RIOT\x07";
	struct slice i = slice_of(img, sizeof(img));

	(void)state;
	p->size = sizeof(img);
	assert_int_equal(digest_compute(DIGEST_SHA256, i, &p->digest), 0);
	assert_int_equal(errors(&s, MANIFEST_DEVICE_RIOT, i), 0);
	s.sequence = 6;
	assert_int_equal(errors(&s, MANIFEST_DEVICE_RIOT, i), 1);
	s.sequence = 8;
	assert_int_equal(errors(&s, MANIFEST_DEVICE_RIOT, i), 1);
	/* an image that the manifest does not name */
	img[31] = 1;
	s.sequence = 7;
	assert_int_equal(errors(&s, MANIFEST_DEVICE_RIOT, i), 1);
	assert_int_equal(errors(&s, MANIFEST_DEVICE_ANY, i), 1);
}

static void
riot_reads_its_own_form_only(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);

	(void)state;
	assert_int_equal(errors(&s, MANIFEST_DEVICE_RIOT, SLICE_NONE), 1);
	/* index true, invoke section, reference URI, unknown command */
	make_riot(&made, "a5 01 01 02 07 03 <a1 02 81814100> 04 6161"
	    "0c <82 17 02>");
	assert_int_equal(make_judge(made_slice(&made), &m, &proof, &plan), 0);
	assert_int_equal(manifest_lint(&m, &plan, MANIFEST_DEVICE_RIOT,
	    SLICE_NONE, found, 16), 4);
	assert_true(found[2].error && found[3].error);
	make_riot(&made, "a4 01 01 02 07 03 <a1 02 81814100>"
	    "09 <86 0c f5 16 02 14 a1 16 00>");
	assert_int_equal(make_judge(made_slice(&made), &m, &proof, &plan), 0);
	assert_int_equal(manifest_lint(&m, &plan, MANIFEST_DEVICE_RIOT,
	    SLICE_NONE, found, 16), 5);
	/* the list of findings is never overrun */
	assert_int_equal(manifest_lint(&m, &plan, MANIFEST_DEVICE_RIOT,
	    SLICE_NONE, found, 1), 1);
}

static void
riot_takes_one_eddsa_signature(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_RIOT09);
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct buf out = buf_of(more, sizeof(more));
	struct slice one;

	(void)state;
	one = round_trip(&s);
	assert_int_equal(proof.alg, COSE_EDDSA);
	b.n = 0;
	assert_int_equal(manifest_sign(one, make_keys()->ed25519, NULL, &b,
	    NULL), 0);
	assert_int_equal(make_judge(buf_slice(&b), &m, &proof, &plan), 0);
	assert_int_equal(m.auth_count, 2);
	assert_int_equal(manifest_lint(&m, &plan, MANIFEST_DEVICE_RIOT,
	    SLICE_NONE, found, 16), 1);
	b.n = 0;
	assert_int_equal(manifest_envelope(&s, &b, NULL), 0);
	assert_int_equal(manifest_sign(buf_slice(&b), make_keys()->p256, NULL,
	    &out, NULL), 0);
	assert_int_equal(make_judge(buf_slice(&out), &m, &proof, &plan), 0);
	assert_int_equal(manifest_lint(&m, &plan, MANIFEST_DEVICE_RIOT,
	    SLICE_NONE, found, 16), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(riots_uris),
		cmocka_unit_test(riots_buffer_is_640_bytes),
		cmocka_unit_test(riots_image_header),
		cmocka_unit_test(riot_reads_its_own_form_only),
		cmocka_unit_test(riot_takes_one_eddsa_signature),
	};

	return cmocka_run_group_tests(tests, NULL, make_teardown);
}
