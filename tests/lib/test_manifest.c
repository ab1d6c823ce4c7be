/* What parse and verify refuse, each rule by a manifest that breaks it. */
#include "tests/lib/manifest_judge.h"

static void
a_plain_manifest_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(judge(MANIFEST), 0);
	assert_int_equal(m.dialect, MANIFEST_CURRENT);
	assert_int_equal(m.sequence, 7);
	assert_int_equal(proof.warnings, 0);
	assert_string_equal(proof.warning, "");
	assert_int_equal(proof.key, 0);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.d[0].size, 5000);
	assert_int_equal(plan.d[0].digest.alg, DIGEST_SHA256);
	assert_true(plan.d[0].have_class && plan.d[0].have_vendor);
	assert_int_equal(plan.d[0].section, MANIFEST_INSTALL);
}

static void
TUF_EXTRANEOUS_each_required_element_is_missed(void **state)
{
	(void)state;
	assert_int_equal(judge("a4 02 07" COMMON VALIDATE INSTALL),
	    ERR_MISSING);
	assert_int_equal(judge("a4 01 01" COMMON VALIDATE INSTALL),
	    ERR_MISSING);
	assert_int_equal(judge("a4 01 01 02 07" VALIDATE INSTALL),
	    ERR_MISSING);
	assert_int_equal(judge("a3 01 01 02 07" COMMON), 0);
	assert_int_equal(judge_raw("d86b a1 03 <a0>"), ERR_UNSIGNED);
	assert_int_equal(judge_raw("d86b a1 02 <81 " DIGEST_D ">"),
	    ERR_MISSING);
	assert_int_equal(judge_raw("d86b a2 02 <80> 03 <a0>"), ERR_MISSING);
	assert_int_equal(judge_raw("d9042e <a0>"), ERR_UNSIGNED);
}

static void
wrong_types_and_values_are_refused(void **state)
{
	(void)state;
	/* version, sequence number, common, reference URI */
	assert_int_equal(judge("a3 01 02 02 07" COMMON), ERR_UNSUPPORTED);
	assert_int_equal(judge("a3 01 20 02 07" COMMON), ERR_TYPE);
	assert_int_equal(judge("a3 01 01 02 20" COMMON), ERR_TYPE);
	assert_int_equal(judge("a3 01 01 02 07 03 a0"), ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "04 41 61"), ERR_TYPE);
	/* a section that is a number; one that may not be severed */
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 05"), ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "07 82 2f" D32),
	    ERR_TYPE);
	/* component ids */
	assert_int_equal(judge("a3 01 01 02 07 03 <a1 02 81 81 05>"),
	    ERR_TYPE);
	assert_int_equal(judge("a3 01 01 02 07 03 <a1 02 82 814100 814100>"),
	    ERR_DUPLICATE);
	/* the envelope */
	assert_int_equal(judge_raw("83 01 02 03"), ERR_TYPE);
	assert_int_equal(judge_raw("d86a a2 02 <80> 03 <a0>"), ERR_TYPE);
	assert_int_equal(judge_raw("d86b a2 02 80 03 <a0>"), ERR_TYPE);
	assert_int_equal(judge_raw(""), ERR_TRUNCATED);
}

static void
REQ_SEC_MFST_CHECK_commands_are_checked_in_every_section(void **state)
{
	(void)state;
	/* without an argument; code is text; policy is text */
	assert_int_equal(judge("a4 01 01 02 07" COMMON "07 <81 03>"),
	    ERR_MALFORMED);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "07 <82 61 61 03>"),
	    ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "07 <82 03 61 61>"),
	    ERR_TYPE);
	/* nil as a policy is of old drafts */
	assert_int_equal(judge("a4 01 01 02 07" COMMON "07 <82 03 f6>"),
	    ERR_TYPE);
	/* try-each with one branch, with a branch that is no bstr */
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0f 81 <80>>"),
	    ERR_RANGE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0f 82 <80> 80>"),
	    ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON
	    "14 <82 0f 82 f6 <80>>"), ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON
	    "14 <82 0f 82 <80> f6>"), 0);
	/* a fault deep inside of a branch */
	assert_int_equal(judge("a4 01 01 02 07" COMMON
	    "14 <82 0f 82 <82 18 20 <81 05>> <80>>"), ERR_MALFORMED);
	/* component index: past the end, negative, false, empty list */
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0c 01>"),
	    ERR_RANGE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0c 20>"),
	    ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0c f4>"),
	    ERR_TYPE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0c 80>"),
	    ERR_RANGE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0c f5>"), 0);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 0c 81 00>"),
	    0);
}

#define SET(param) "a4 01 01 02 07" COMMON "14 <82 14 a1 " param ">"

static void
parameters_have_their_types(void **state)
{
	(void)state;
	assert_int_equal(judge(SET("02 4f 00112233445566778899aabbccddee")),
	    ERR_RANGE);
	assert_int_equal(judge(SET("02 05")), ERR_TYPE);
	assert_int_equal(judge(SET("01 d870 43 010203")), 0);
	assert_int_equal(judge(SET("01 d871 43 010203")), ERR_TYPE);
	assert_int_equal(judge(SET("03 82 2f" D32)), ERR_TYPE);
	assert_int_equal(judge(SET("03 <82 2f 41 00>")), ERR_DIGEST);
	assert_int_equal(judge(SET("03 <81 2f>")), ERR_RANGE);
	assert_int_equal(judge(SET("03 <82 2f" D32 "00>")), ERR_TRAILING);
	assert_int_equal(judge(SET("03 <83 2f" D32 "00>")), 0);
	/* a digest that we cannot compute: SHAKE128 */
	assert_int_equal(judge(SET("03 <82 31" D32 ">")), 0);
	assert_int_equal(judge(SET("05 20")), ERR_TYPE);
	assert_int_equal(judge(SET("0e 61 61")), ERR_TYPE);
	assert_int_equal(judge(SET("15 43 616263")), ERR_TYPE);
	assert_int_equal(judge(SET("15 63 61ff63")), ERR_UTF8);
	assert_int_equal(judge(SET("13 <d860 84 40 a0 f6 80>")), 0);
	assert_int_equal(judge(SET("13 <ff>")), ERR_MALFORMED);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 14 80>"),
	    ERR_TYPE);
}

static void
unknown_keys_warn_and_custom_ones_do_not(void **state)
{
	(void)state;
	assert_int_equal(judge(SET("18 77 00")), 0);
	assert_int_equal(proof.warnings, MANIFEST_WARN_UNKNOWN_KEY);
	assert_true(proof.warning[0] != '\0');
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 18 77 00>"),
	    0);
	assert_int_equal(proof.warnings, MANIFEST_WARN_UNKNOWN_KEY);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <82 39 0100 00>"),
	    0);
	assert_int_equal(proof.warnings, 0);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "18 63 00"), 0);
	assert_int_equal(proof.warnings, MANIFEST_WARN_UNKNOWN_KEY);
}

static void
form_is_deterministic_cbor(void **state)
{
	(void)state;
	/* duplicate keys: envelope, manifest, common, parameters */
	assert_int_equal(judge_raw("d86b a3 02 <80> 02 <80> 03 <a0>"),
	    ERR_DUPLICATE);
	assert_int_equal(judge("a4 01 01 01 01 02 07" COMMON), ERR_DUPLICATE);
	assert_int_equal(judge("a3 01 01 02 07 03 <a2 02 81814100 02 "
	    "81814100>"), ERR_DUPLICATE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON
	    "14 <82 14 a2 0500 0501>"), ERR_DUPLICATE);
	/* indefinite lengths, at each level */
	assert_int_equal(judge_raw("d86b bf 02 <80> 03 <a0> ff"),
	    ERR_INDEFINITE);
	assert_int_equal(judge("bf 01 01 02 07" COMMON "ff"), ERR_INDEFINITE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "14 <9f ff>"),
	    ERR_INDEFINITE);
	assert_int_equal(judge("a4 01 01 02 07" COMMON
	    "14 <82 14 a1 15 7f 61 61 ff>"), ERR_INDEFINITE);
	/* a number in more bytes than it needs */
	assert_int_equal(judge("a3 01 01 02 1807" COMMON), ERR_MALFORMED);
	/* bytes after the end, at each level */
	make_envelope(&made, MANIFEST, 0, NULL);
	made.bytes[made.n++] = 0;
	assert_int_equal(make_judge(made_slice(&made), &m, &proof, &plan),
	    ERR_TRAILING);
	assert_int_equal(judge(MANIFEST "00"), ERR_TRAILING);
	assert_int_equal(judge("a4 01 01 02 07" COMMON "07 <82 030f 00>"),
	    ERR_TRAILING);
}

static void
authentication_stands_before_the_manifest(void **state)
{
	static struct made swapped;
	struct buf b = buf_of(swapped.bytes, sizeof(swapped.bytes));
	size_t auth;

	(void)state;
	make_envelope(&made, MANIFEST, 0, NULL);
	assert_int_equal(manifest_parse(made_slice(&made), &m, NULL), 0);
	auth = (size_t)(m.manifest_raw.p - 1 - made.bytes - 3);
	buf_put(&b, slice_of(made.bytes, 3));
	buf_put(&b, slice_of(m.manifest_raw.p - 1, m.manifest_raw.n + 1));
	buf_put(&b, slice_of(made.bytes + 3, auth));
	assert_int_equal(b.n, made.n);
	assert_int_equal(make_judge(buf_slice(&b), &m, &proof, &plan),
	    ERR_ORDER);
}

/* Arrays inside of each other, as an argument that nobody looks at. */
static int
judge_depth(unsigned depth)
{
	char text[4096] = "a4 01 01 02 07" COMMON "14 <82 39 0100 ";

	for (unsigned i = 1; i < depth; i++)
		strcat(text, "81 ");
	strcat(text, "00>");
	return judge(text);
}

static int
judge_nested(unsigned sequences)
{
	char text[4096] = "a4 01 01 02 07" COMMON "14 ";

	for (unsigned i = 1; i < sequences; i++)
		strcat(text, "<82 18 20 ");
	strcat(text, "<80>");
	for (unsigned i = 1; i < sequences; i++)
		strcat(text, ">");
	return judge(text);
}

static void
depth_is_capped(void **state)
{
	(void)state;
	/* the sequence itself is the first level */
	assert_int_equal(judge_depth(LIMIT_CBOR_DEPTH), 0);
	assert_int_equal(judge_depth(LIMIT_CBOR_DEPTH + 1), ERR_DEPTH);
	assert_int_equal(judge_nested(LIMIT_CBOR_DEPTH), 0);
	assert_int_equal(judge_nested(LIMIT_CBOR_DEPTH + 1), ERR_DEPTH);
}

static int
judge_components(unsigned n)
{
	char text[4096] = "a3 01 01 02 07 03 <a1 02 98";

	snprintf(text + strlen(text), 32, "%02x", n);
	for (unsigned i = 0; i < n; i++)
		snprintf(text + strlen(text), 32, "8141%02x ", i);
	strcat(text, ">");
	return judge(text);
}

static int
judge_commands(unsigned n)
{
	char text[8192] = "a3 01 01 02 07 03 <a2 02 81814100 04 <99";

	snprintf(text + strlen(text), 32, "%04x", 2 * n);
	for (unsigned i = 0; i < n; i++)
		strcat(text, "030f ");
	strcat(text, ">>");
	return judge(text);
}

static int
judge_payloads(unsigned n)
{
	char text[4096] = "";

	for (unsigned i = 0; i < n; i++)
		snprintf(text + strlen(text), 32, "62 23%02x 4100", 'a' + i);
	return judge_members(MANIFEST, n, text);
}

static int
judge_size(size_t n)
{
	static char text[200000];
	static struct made one;
	size_t have, at;

	/* an integrated payload fills the envelope up */
	make_envelope(&one, MANIFEST, 1, "61 23 590100 00");
	have = one.n - 1;
	snprintf(text, sizeof(text), "6123 59%04x", (unsigned)(n - have));
	at = strlen(text);
	memset(text + at, '0', 2 * (n - have));
	text[at + 2 * (n - have)] = '\0';
	make_envelope(&made, MANIFEST, 1, text);
	assert_int_equal(made.n, n);
	return make_judge(made_slice(&made), &m, &proof, &plan);
}

static void
every_size_is_capped(void **state)
{
	(void)state;
	assert_int_equal(judge_components(LIMIT_COMPONENTS), 0);
	assert_int_equal(judge_components(LIMIT_COMPONENTS + 1), ERR_SIZE);
	assert_int_equal(judge_commands(LIMIT_COMMANDS), 0);
	assert_int_equal(judge_commands(LIMIT_COMMANDS + 1), ERR_SIZE);
	assert_int_equal(judge_payloads(LIMIT_INTEGRATED), 0);
	assert_int_equal(judge_payloads(LIMIT_INTEGRATED + 1), ERR_SIZE);
	assert_int_equal(judge_size(LIMIT_ENVELOPE), 0);
	assert_int_equal(judge_size(LIMIT_ENVELOPE + 1), ERR_SIZE);
}

static void
REQ_SEC_AUTHENTIC_every_bit_of_a_signed_envelope_counts(void **state)
{
	(void)state;
	make_envelope(&made, MANIFEST, 0, NULL);
	assert_int_equal(make_judge(made_slice(&made), &m, &proof, &plan), 0);
	assert_int_equal(judge_flips(), 0);
}

static void
every_truncation_is_refused(void **state)
{
	(void)state;
	make_envelope(&made, MANIFEST, 0, NULL);
	for (size_t n = 0; n < made.n; n++)
		assert_int_not_equal(manifest_parse(slice_of(made.bytes, n),
		    &m, NULL), 0);
}

static void
TUF_ARBITRARY_no_block_or_a_foreign_key_is_no_signature(void **state)
{
	static struct made envelope;
	struct buf b = buf_of(envelope.bytes, sizeof(envelope.bytes));
	struct cose_keyring none = {{make_keys()->other}, 1};
	struct why why;

	(void)state;
	make_envelope(&made, MANIFEST, 0, NULL);
	assert_int_equal(manifest_parse(made_slice(&made), &m, NULL), 0);
	assert_int_equal(manifest_verify(&m, &none, &proof, &why),
	    ERR_SIGNATURE);
	none.n = 0;
	assert_int_equal(manifest_verify(&m, &none, &proof, &why),
	    ERR_SIGNATURE);
	/* only the digest left */
	buf_put(&b, slice_of("\xd8\x6b\xa2\x02", 4));
	uint8_t auth[80];
	struct buf a = buf_of(auth, sizeof(auth));
	cbr_put_array(&a, 1);
	cbr_put_bstr(&a, m.digest_body);
	cbr_put_bstr(&b, buf_slice(&a));
	cbr_put_uint(&b, 3);
	buf_put(&b, m.manifest_raw);
	assert_int_equal(make_judge(buf_slice(&b), &m, &proof, &plan),
	    ERR_UNSIGNED);
}

/* Text {"en": {1: "a"}} and its digest in the manifest. */
#define TEXT "<a1 62 656e a1 01 61 61>"

static const char *
with_text_digest(const char *member)
{
	static char text[2048];
	static struct made one;
	struct digest d;
	size_t n;

	make_raw(&one, member);
	assert_int_equal(digest_compute(DIGEST_SHA256, made_slice(&one), &d),
	    0);
	n = (size_t)snprintf(text, sizeof(text),
	    "a6 01 01 02 07" COMMON VALIDATE INSTALL "17 82 2f 5820 ");
	for (size_t i = 0; i < d.n; i++)
		n += (size_t)snprintf(text + n, 3, "%02x", d.b[i]);
	return text;
}

static void
REQ_SEC_AUTHENTIC_severable_members_match_their_digest(void **state)
{
	(void)state;
	assert_int_equal(judge_members(with_text_digest(TEXT), 1, "17" TEXT),
	    0);
	assert_true(m.part[MANIFEST_TEXT].present);
	assert_false(m.part[MANIFEST_TEXT].severed);
	assert_int_equal(judge(with_text_digest(TEXT)), 0);
	assert_true(m.part[MANIFEST_TEXT].severed);
	assert_null(m.part[MANIFEST_TEXT].content.p);
	assert_int_equal(judge_members(with_text_digest(TEXT), 1,
	    "17 <a1 62 656e a1 01 61 62>"), ERR_DIGEST);
	/* not declared at all, or inline already */
	assert_int_equal(judge_members(MANIFEST, 1, "17" TEXT), ERR_POLICY);
	assert_int_equal(judge_members("a4 01 01 02 07" COMMON "17" TEXT, 1,
	    "17" TEXT), ERR_POLICY);
	/* not CBOR */
	assert_int_equal(judge_members(with_text_digest("<ff>"), 1, "17<ff>"),
	    ERR_MALFORMED);
}

static void
no_components_is_a_warning(void **state)
{
	(void)state;
	assert_int_equal(judge("a4 01 01 02 07 03 <a1 04 <82 01 0f>>"
	    INSTALL), 0);
	assert_int_equal(proof.warnings, MANIFEST_WARN_NO_COMPONENTS);
	assert_int_equal(plan.n, 1);
}

static void
integrated_payloads_are_checked(void **state)
{
	static const char fetch[] = "a4 01 01 02 07 03 <a1 02 81814100>"
	    "14 <84 14 a3 03 <82 2f 5820 ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad> 0e 03 15 62 2361 15 02>";

	(void)state;
	assert_int_equal(judge_members(fetch, 1, "62 2361 43 616263"), 0);
	assert_int_equal(judge_members(fetch, 1, "62 2361 43 616264"),
	    ERR_DIGEST);
	assert_int_equal(judge_members(fetch, 1, "62 2361 44 61626364"),
	    ERR_SIZE);
	assert_int_equal(judge_members(fetch, 1, "62 2361 00"), ERR_TYPE);
	assert_int_equal(judge_members(fetch, 1, "62 2362 43 616263"),
	    ERR_MISSING);
	assert_int_equal(judge(fetch), ERR_MISSING);
}

static void
output_is_untouched_on_failure(void **state)
{
	struct manifest before;
	struct manifest_proof p = {.key = 77};

	(void)state;
	memset(&m, 0x5a, sizeof(m));
	before = m;
	make_envelope(&made, "a1 01 01", 0, NULL);
	assert_int_equal(manifest_parse(made_slice(&made), &m, NULL),
	    ERR_MISSING);
	assert_memory_equal(&m, &before, sizeof(m));
	make_envelope(&made, MANIFEST, 0, NULL);
	assert_int_equal(manifest_parse(made_slice(&made), &m, NULL), 0);
	m.auth_count = 0;
	assert_int_equal(manifest_verify(&m, &make_keys()->ring, &p, NULL),
	    ERR_UNSIGNED);
	assert_int_equal(p.key, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_manifest_is_accepted),
		cmocka_unit_test(
		    TUF_EXTRANEOUS_each_required_element_is_missed),
		cmocka_unit_test(wrong_types_and_values_are_refused),
		cmocka_unit_test(
		    REQ_SEC_MFST_CHECK_commands_are_checked_in_every_section),
		cmocka_unit_test(parameters_have_their_types),
		cmocka_unit_test(unknown_keys_warn_and_custom_ones_do_not),
		cmocka_unit_test(form_is_deterministic_cbor),
		cmocka_unit_test(authentication_stands_before_the_manifest),
		cmocka_unit_test(depth_is_capped),
		cmocka_unit_test(every_size_is_capped),
		cmocka_unit_test(
		    REQ_SEC_AUTHENTIC_every_bit_of_a_signed_envelope_counts),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(
		    TUF_ARBITRARY_no_block_or_a_foreign_key_is_no_signature),
		cmocka_unit_test(
		    REQ_SEC_AUTHENTIC_severable_members_match_their_digest),
		cmocka_unit_test(no_components_is_a_warning),
		cmocka_unit_test(integrated_payloads_are_checked),
		cmocka_unit_test(output_is_untouched_on_failure),
	};

	return cmocka_run_group_tests(tests, NULL, make_teardown);
}
