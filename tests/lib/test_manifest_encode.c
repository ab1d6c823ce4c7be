/*
 * What authors write: it is deterministic, has the form of the drafts'
 * templates, and our own reader accepts it and finds in it what was asked.
 */
#include "tests/lib/manifest_write.h"

static void
a_least_trust_list_is_written_and_riot_has_none(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct buf b = buf_of(bytes, sizeof(bytes));

	(void)state;
	s.list_min = 300;
	round_trip(&s);
	assert_true(plan.list_min == 300);
	assert_int_equal(plan.n, 1);
	s.dialect = MANIFEST_RIOT09;
	assert_int_equal(manifest_envelope(&s, &b, NULL), ERR_UNSUPPORTED);
}

static void
one_payload_in_both_dialects(void **state)
{
	const enum manifest_dialect d[] = {MANIFEST_CURRENT, MANIFEST_RIOT09};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct manifest_spec s = one_component(d[i]);

		round_trip(&s);
		assert_int_equal(plan.n, 1);
		assert_int_equal(plan.d[0].size, sizeof(image));
		assert_true(plan.list_min == 0);
		assert_true(digest_eq(&plan.d[0].digest,
		    &s.component[0].payload[0].digest));
		assert_memory_equal(plan.d[0].class_id, s.class_id, 16);
		assert_memory_equal(plan.d[0].vendor, s.vendor, 16);
		assert_true(slice_eq_str(plan.d[0].uri,
		    s.component[0].payload[0].uri));
	}
}

/* Byte for byte the template of the draft's example 1. */
static void
the_form_is_the_drafts(void **state)
{
	static struct made want;
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct manifest_spec_payload *p = &s.component[0].payload[0];
	char text[2048], hex[65];

	(void)state;
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", p->digest.b[i]);
	p->uri = "u";
	snprintf(text, sizeof(text), "a5 01 01 02 07 03 <a2 02 81 81 4100 04 "
	    "<86 14 a4 01 50 01000000000000000000000000000000"
	    "02 50 02000000000000000000000000000000"
	    "03 <82 2f 5820 %s> 0e 1819 010f 020f>> 07 <82 030f>"
	    "14 <86 14 a1 15 6175 1502 030f>", hex);
	make_raw(&want, text);
	assert_int_equal(manifest_encode(&s, &b, NULL), 0);
	assert_int_equal(b.n, want.n);
	assert_memory_equal(b.p, want.bytes, want.n);
	/* RIOT: other numbers, digest id 2, set-parameters in install */
	s.dialect = MANIFEST_RIOT09;
	snprintf(text, sizeof(text), "a5 01 01 02 07 03 <a2 02 81 81 4100 04 "
	    "<86 14 a4 01 50 01000000000000000000000000000000"
	    "02 50 02000000000000000000000000000000"
	    "03 <82 02 5820 %s> 0e 1819 010f 020f>>"
	    "09 <86 13 a1 15 6175 1502 030f> 0a <82 030f>", hex);
	make_raw(&want, text);
	b.n = 0;
	assert_int_equal(manifest_encode(&s, &b, NULL), 0);
	assert_int_equal(b.n, want.n);
	assert_memory_equal(b.p, want.bytes, want.n);
}

static void
output_is_deterministic(void **state)
{
	struct manifest_spec s = two_slots(MANIFEST_CURRENT);
	struct buf a = buf_of(bytes, sizeof(bytes));
	struct buf b = buf_of(more, sizeof(more));

	(void)state;
	s.text_version = "1";
	assert_int_equal(manifest_envelope(&s, &a, NULL), 0);
	assert_int_equal(manifest_envelope(&s, &b, NULL), 0);
	assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
}

static void
slots_are_two_downloads_with_their_own_digest(void **state)
{
	const enum manifest_dialect d[] = {MANIFEST_CURRENT, MANIFEST_RIOT09};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct manifest_spec s = two_slots(d[i]);

		round_trip(&s);
		assert_int_equal(plan.n, 2);
		for (size_t j = 0; j < 2; j++) {
			const struct manifest_spec_payload *p =
			    &s.component[0].payload[j];
			assert_true(plan.d[j].have_slot);
			assert_int_equal(plan.d[j].slot, p->slot);
			assert_int_equal(plan.d[j].size, p->size);
			assert_true(digest_eq(&plan.d[j].digest, &p->digest));
			assert_true(slice_eq_str(plan.d[j].uri, p->uri));
		}
	}
}

static void
several_components_each_with_two_slots(void **state)
{
	static uint8_t ids[8][3];
	static char uri[8][2][16];
	struct manifest_spec s = two_slots(MANIFEST_CURRENT);

	(void)state;
	s.component_count = 8;
	for (unsigned i = 0; i < 8; i++) {
		memcpy(ids[i], id00, 3);
		ids[i][2] = (uint8_t)i;
		s.component[i] = s.component[0];
		s.component[i].id = slice_of(ids[i], 3);
		for (unsigned j = 0; j < 2; j++) {
			snprintf(uri[i][j], 16, "coap://h/%u%u", i, j);
			s.component[i].payload[j].uri = uri[i][j];
		}
	}
	round_trip(&s);
	assert_int_equal(plan.n, 16);
	assert_int_equal(m.component_count, 8);
	assert_int_equal(plan.d[15].component, 7);
	assert_int_equal(plan.d[15].size, 99);
	/* RIOT, as its tool writes two RAM components */
	s = one_component(MANIFEST_RIOT09);
	s.component[1] = s.component[0];
	s.component[1].id = slice_of(id_ram0, sizeof(id_ram0));
	s.component_count = 2;
	round_trip(&s);
	assert_int_equal(plan.n, 2);
	assert_int_equal(plan.d[1].component, 1);
}

static void
four_slots_and_a_single_one(void **state)
{
	struct manifest_spec s = two_slots(MANIFEST_CURRENT);
	struct manifest_spec_component *c = &s.component[0];

	(void)state;
	c->payload[2] = c->payload[0];
	c->payload[3] = c->payload[1];
	c->payload[2].slot = 2;
	c->payload[3].slot = 3;
	c->payload_count = 4;
	round_trip(&s);
	assert_int_equal(plan.n, 4);
	c->payload_count = 1;
	c->payload[0].slot = 5;
	round_trip(&s);
	assert_int_equal(plan.n, 1);
	assert_true(plan.d[0].have_slot);
	assert_int_equal(plan.d[0].slot, 5);
}

static void
text_is_severable(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct buf cut = buf_of(bytes, sizeof(bytes));
	struct slice full;
	struct digest id;

	(void)state;
	s.text_description = "fixes";
	s.text_version = "1.2.3";
	s.text_vendor = "V";
	s.text_model = "M";
	s.reference_uri = "coap://h/m";
	full = round_trip(&s);
	assert_true(slice_eq_str(m.reference_uri, "coap://h/m"));
	assert_non_null(m.part[MANIFEST_TEXT].content.p);
	assert_true(slice_eq_str(manifest_component_text(&m,
	    MANIFEST_TEXT_VERSION), "1.2.3"));
	assert_true(slice_eq_str(manifest_component_text(&m,
	    MANIFEST_TEXT_MODEL), "M"));
	id = m.digest;
	cut.n = 0;
	assert_int_equal(manifest_sever(&m, &cut), 0);
	assert_true(cut.n < full.n);
	assert_int_equal(make_judge(buf_slice(&cut), &m, &proof, &plan), 0);
	assert_true(m.part[MANIFEST_TEXT].severed);
	assert_int_equal(manifest_component_text(&m,
	    MANIFEST_TEXT_VERSION).n, 0);
	assert_true(digest_eq(&id, &m.digest));
	assert_int_equal(plan.n, 1);
	/* severing again changes nothing */
	static uint8_t twice[LIMIT_ENVELOPE];
	struct buf t = buf_of(twice, sizeof(twice));
	assert_int_equal(manifest_sever(&m, &t), 0);
	assert_true(slice_eq(buf_slice(&t), buf_slice(&cut)));
}

static void
payloads_are_integrated(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct buf cut = buf_of(bytes, sizeof(bytes));

	(void)state;
	s.component[0].payload[0] = payload("#bb");
	s.component[1] = s.component[0];
	s.component[1].id = slice_of(id_ram0, sizeof(id_ram0));
	s.component[1].payload[0] = payload("#a");
	s.component_count = 2;
	round_trip(&s);
	assert_int_equal(m.integrated_count, 2);
	/* in the order of deterministic encoding */
	assert_true(slice_eq_str(m.integrated[0].uri, "#a"));
	assert_true(slice_eq_str(m.integrated[1].uri, "#bb"));
	assert_true(slice_eq(m.integrated[0].payload,
	    slice_of(image, sizeof(image))));
	cut.n = 0;
	assert_int_equal(manifest_sever(&m, &cut), 0);
	assert_int_equal(make_judge(buf_slice(&cut), &m, &proof, &plan), 0);
	/* the same one for two components is one member */
	s.component[1].payload[0] = s.component[0].payload[0];
	round_trip(&s);
	assert_int_equal(m.integrated_count, 1);
}

static void
several_keys_sign_and_kids_travel(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct buf a = buf_of(bytes, sizeof(bytes));
	struct buf b = buf_of(more, sizeof(more));
	struct make_keys *k = make_keys();
	struct cose_sign_opts opts = {.kid = slice_str("author")};
	struct cose_keyring last = {{k->hmac}, 1};
	struct cose_msg msg;
	struct slice first;

	(void)state;
	first = round_trip(&s);
	a.n = 0;
	assert_int_equal(manifest_sign(first, k->other, &opts, &a, NULL), 0);
	b.n = 0;
	opts.kid_protected = true;
	assert_int_equal(manifest_sign(buf_slice(&a), k->hmac, &opts, &b,
	    NULL), 0);
	assert_int_equal(manifest_parse(buf_slice(&b), &m, NULL), 0);
	assert_int_equal(m.auth_count, 3);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(cose_parse(m.auth[i], &msg, NULL), 0);
		assert_true(slice_eq_str(msg.kid, "author"));
	}
	assert_int_equal(manifest_verify(&m, &last, &proof, NULL), 0);
	assert_int_equal(proof.alg, COSE_HMAC256);
}

/* An algorithm of tomorrow, in a well-formed block, in first place. */
static void
unknown_blocks_beside_a_good_one_are_skipped(void **state)
{
	static struct made block;
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct slice good = round_trip(&s);
	struct buf b = buf_of(bytes, sizeof(bytes));
	uint8_t auth[1024];
	struct buf a = buf_of(auth, sizeof(auth));

	(void)state;
	make_raw(&block, "d2 84 <a1 01 38 2d> a0 f6 44 00000000");
	for (int with_good = 1; with_good >= 0; with_good--) {
		assert_int_equal(manifest_parse(good, &m, NULL), 0);
		a.n = b.n = 0;
		cbr_put_array(&a, 2 + with_good);
		cbr_put_bstr(&a, m.digest_body);
		cbr_put_bstr(&a, made_slice(&block));
		if (with_good)
			cbr_put_bstr(&a, m.auth[0]);
		cbr_put_tag(&b, 107);
		cbr_put_map(&b, 2);
		cbr_put_uint(&b, 2);
		cbr_put_bstr(&b, buf_slice(&a));
		cbr_put_uint(&b, 3);
		buf_put(&b, m.manifest_raw);
		if (!with_good) {
			assert_int_equal(make_judge(buf_slice(&b), &m, &proof,
			    &plan), ERR_ALGORITHM);
			continue;
		}
		assert_int_equal(make_judge(buf_slice(&b), &m, &proof, &plan),
		    0);
		assert_int_equal(proof.warnings, MANIFEST_WARN_SKIPPED_AUTH);
		assert_int_equal(proof.key, 0);
	}
}

static void
blocks_are_capped(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	static uint8_t two[2][LIMIT_ENVELOPE];
	struct buf b = buf_of(two[0], LIMIT_ENVELOPE), next;

	(void)state;
	assert_int_equal(manifest_envelope(&s, &b, NULL), 0);
	for (int i = 1; i <= LIMIT_AUTH_BLOCKS; i++) {
		next = buf_of(two[i % 2], LIMIT_ENVELOPE);
		assert_int_equal(manifest_sign(buf_slice(&b),
		    make_keys()->p256, NULL, &next, NULL), 0);
		b = next;
	}
	assert_int_equal(make_judge(buf_slice(&b), &m, &proof, &plan), 0);
	assert_int_equal(m.auth_count, LIMIT_AUTH_BLOCKS);
	next = buf_of(two[1], LIMIT_ENVELOPE);
	assert_int_equal(manifest_sign(buf_slice(&b), make_keys()->p256, NULL,
	    &next, NULL), ERR_SIZE);
	/* one past the cap, in an envelope that somebody else made */
	static uint8_t auth[4096];
	struct buf a = buf_of(auth, sizeof(auth));

	next.n = 0;
	cbr_put_array(&a, LIMIT_AUTH_BLOCKS + 2);
	cbr_put_bstr(&a, m.digest_body);
	for (int i = 0; i <= LIMIT_AUTH_BLOCKS; i++)
		cbr_put_bstr(&a, m.auth[0]);
	cbr_put_tag(&next, 107);
	cbr_put_map(&next, 2);
	cbr_put_uint(&next, 2);
	cbr_put_bstr(&next, buf_slice(&a));
	cbr_put_uint(&next, 3);
	buf_put(&next, m.manifest_raw);
	assert_int_equal(manifest_parse(buf_slice(&next), &m, NULL), ERR_SIZE);
}

static void
nothing_is_signed_that_does_not_hold(void **state)
{
	struct manifest_spec s = one_component(MANIFEST_CURRENT);
	struct slice good = round_trip(&s);
	struct buf out = buf_of(bytes, sizeof(bytes));

	(void)state;
	memcpy(bytes, good.p, good.n);
	more[good.n - 1] ^= 1;
	assert_int_equal(manifest_sign(slice_of(more, good.n),
	    make_keys()->p256, NULL, &out, NULL), ERR_DIGEST);
	assert_int_equal(out.n, 0);
	assert_int_equal(manifest_sign(slice_of(more, good.n - 1),
	    make_keys()->p256, NULL, &out, NULL), ERR_TRUNCATED);
	more[good.n - 1] ^= 1;
	out.cap = good.n;
	assert_int_equal(manifest_sign(slice_of(more, good.n),
	    make_keys()->p256, NULL, &out, NULL), ERR_SPACE);
}

static int
refused(const struct manifest_spec *s)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct why why = {0};
	int rc = manifest_envelope(s, &b, &why);

	assert_int_equal(b.n, 0);
	assert_int_equal(why.err, rc);
	return rc;
}

static void
what_makes_no_sense_is_not_written(void **state)
{
	static char long_uri[LIMIT_URI + 2];
	struct manifest_spec s;

#define REFUSED(err, dialect, change) do { \
	s = two_slots(dialect); \
	struct manifest_spec_component *c = &s.component[0]; \
	(void)c; \
	change; \
	assert_int_equal(refused(&s), err); \
} while (0)
	(void)state;
	memset(long_uri, 'u', LIMIT_URI + 1);
	REFUSED(ERR_UNSUPPORTED, MANIFEST_DRAFT17, );
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, s.component_count = 0);
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, s.component_count = 9);
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, c->payload_count = 0);
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, c->payload_count = 5);
	REFUSED(ERR_TYPE, MANIFEST_CURRENT, c->id = slice_str("x"));
	REFUSED(ERR_TYPE, MANIFEST_CURRENT, c->id = SLICE_NONE);
	REFUSED(ERR_MISSING, MANIFEST_CURRENT, c->payload[0].have_slot = false);
	REFUSED(ERR_DUPLICATE, MANIFEST_CURRENT, c->payload[1].slot = 0);
	REFUSED(ERR_DUPLICATE, MANIFEST_CURRENT,
	    s.component[s.component_count++] = *c);
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, c->payload[0].uri = "");
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, c->payload[0].uri = NULL);
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, c->payload[0].uri = "\xff");
	REFUSED(ERR_RANGE, MANIFEST_CURRENT, c->payload[0].uri = long_uri);
	REFUSED(ERR_ALGORITHM, MANIFEST_CURRENT, c->payload[0].digest.n = 31);
	REFUSED(ERR_ALGORITHM, MANIFEST_CURRENT, c->payload[0].digest.alg = 0);
	REFUSED(ERR_INVALID, MANIFEST_CURRENT, c->payload[0].uri = "#x");
	REFUSED(ERR_INVALID, MANIFEST_CURRENT,
	    c->payload[0].integrated = slice_of(image, 1));
	REFUSED(ERR_DIGEST, MANIFEST_CURRENT, c->payload[0] = payload("#x");
	    c->payload[0].have_slot = true; c->payload[0].size--);
	REFUSED(ERR_UTF8, MANIFEST_CURRENT, s.text_model = "\xff");
	REFUSED(ERR_UNSUPPORTED, MANIFEST_RIOT09, s.text_model = "x");
	REFUSED(ERR_UNSUPPORTED, MANIFEST_RIOT09, s.reference_uri = "x");
	REFUSED(ERR_UNSUPPORTED, MANIFEST_RIOT09,
	    c->payload[0] = payload("#x"); c->payload[0].have_slot = true);
	REFUSED(ERR_RANGE, MANIFEST_RIOT09, s.sequence = 0x100000000);
#undef REFUSED
}

static void
a_small_buffer_is_an_error_and_never_an_overrun(void **state)
{
	struct manifest_spec s = two_slots(MANIFEST_CURRENT);
	struct buf b = buf_of(bytes, sizeof(bytes));
	size_t n;

	(void)state;
	s.text_version = "1";
	assert_int_equal(manifest_envelope(&s, &b, NULL), 0);
	n = b.n;
	for (size_t cap = 0; cap < n; cap++) {
		uint8_t *exact = malloc(cap + 1);
		struct buf small = buf_of(exact, cap);

		assert_non_null(exact);
		exact[cap] = 0x77;
		assert_int_equal(manifest_envelope(&s, &small, NULL),
		    ERR_SPACE);
		assert_int_equal(small.n, 0);
		assert_int_equal(exact[cap], 0x77);
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_least_trust_list_is_written_and_riot_has_none),
		cmocka_unit_test(one_payload_in_both_dialects),
		cmocka_unit_test(the_form_is_the_drafts),
		cmocka_unit_test(output_is_deterministic),
		cmocka_unit_test(
		    slots_are_two_downloads_with_their_own_digest),
		cmocka_unit_test(several_components_each_with_two_slots),
		cmocka_unit_test(four_slots_and_a_single_one),
		cmocka_unit_test(text_is_severable),
		cmocka_unit_test(payloads_are_integrated),
		cmocka_unit_test(several_keys_sign_and_kids_travel),
		cmocka_unit_test(unknown_blocks_beside_a_good_one_are_skipped),
		cmocka_unit_test(blocks_are_capped),
		cmocka_unit_test(nothing_is_signed_that_does_not_hold),
		cmocka_unit_test(what_makes_no_sense_is_not_written),
		cmocka_unit_test(
		    a_small_buffer_is_an_error_and_never_an_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, make_teardown);
}
