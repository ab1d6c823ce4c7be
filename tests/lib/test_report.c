#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/cbor.h"
#include "lib/report.h"
#include "lib/text.h"

/* {99: ["coap://h/m", [-16, 4 bytes]], 3: [], 4: ...} without its 4 */
#define REFERENCE "1863 82 6a636f61703a2f2f682f6d 82 2f 4401020304"
#define RECORD(section, params) "85 80" section "00 00" params
#define FAILED(reason, record) "04 a3 0520 06" record "07" reason

static uint8_t bytes[2 * LIMIT_REPORT];
static struct cose_key *signer, *mac, *stranger;

static struct slice
unhex(const char *hex)
{
	struct buf b = buf_of(bytes, sizeof(bytes));

	assert_int_equal(text_unhex(slice_str(hex), &b), 0);
	return buf_slice(&b);
}

static int
parse(const char *hex, struct report *ret)
{
	return report_parse_suit(unhex(hex), NULL, ret, NULL);
}

static void
success_is_a_report_of_success(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(parse("a4" REFERENCE "0242aabb 0380 04f5", &r), 0);
	assert_int_equal(r.event.type, TRACK_REPORT);
	assert_int_equal(r.event.phase, PHASE_SUCCEEDED);
	assert_int_equal(r.event.grade, GRADE_L0);
	assert_true(slice_eq_str(r.reference_uri, "coap://h/m"));
	assert_int_equal(r.manifest.alg, DIGEST_SHA256);
	assert_int_equal(r.manifest.n, 4);
	assert_memory_equal(r.manifest.b, "\x01\x02\x03\x04", 4);
	assert_true(slice_eq(r.nonce, slice_of("\xaa\xbb", 2)));
	assert_false(r.signed_ || r.proven || r.have_sequence);
}

static void
reasons_become_classes(void **state)
{
	static const struct {
		const char *reason, *record;
		unsigned number;
		enum report_phase phase;
		enum fail_class fail;
		enum track_reason why;
	} v[] = {
#define P PHASE_FAILED, FAIL_POLICY
#define X PHASE_FAILED, FAIL_EXECUTION
#define T PHASE_FAILED, FAIL_TRANSPORT
#define ANY RECORD("14", "a0")
		{"00", ANY, 0, X, REASON_OTHER},
		{"01", ANY, 1, P, REASON_PARSE},
		{"02", ANY, 2, P, REASON_UNSUPPORTED},
		{"03", ANY, 3, P, REASON_UNSUPPORTED},
		{"04", ANY, 4, P, REASON_SIGNATURE},
		{"05", ANY, 5, P, REASON_UNSUPPORTED},
		{"06", ANY, 6, P, REASON_UNSUPPORTED},
		{"07", ANY, 7, P, REASON_SIGNATURE},
		{"08", ANY, 8, P, REASON_UNSUPPORTED},
		{"09", ANY, 9, P, REASON_UNSUPPORTED},
		{"0a", ANY, 10, P, REASON_CONDITION},
		{"0a", RECORD("07", "a10e00"), 10, P, REASON_CONDITION},
		{"0a", RECORD("07", "a2 0e00 034100"), 10, PHASE_FAILED,
		    FAIL_INTEGRITY, REASON_DIGEST},
		{"0b", ANY, 11, X, REASON_STORAGE},
		{"0b", RECORD("10", "a0"), 11, T, REASON_DOWNLOAD},
		{"0b", RECORD("14", "a1156161"), 11, T, REASON_DOWNLOAD},
		{"0b", RECORD("09", "a0"), 11, X, REASON_BOOT},
		{"0c", ANY, 12, PHASE_INSTALLING, FAIL_NONE, REASON_NONE},
		{"0d", ANY, 13, X, REASON_OTHER},
		{"1bffffffffffffffff", ANY, UINT32_MAX, X, REASON_OTHER},
	};
	char hex[300];
	struct report r;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		snprintf(hex, sizeof(hex), "a2" REFERENCE FAILED("%s", "%s"),
		    v[i].record, v[i].reason);
		assert_int_equal(parse(hex, &r), 0);
		assert_int_equal(r.suit_reason, v[i].number);
		assert_int_equal(r.event.phase, v[i].phase);
		assert_int_equal(r.event.fail, v[i].fail);
		assert_int_equal(r.event.reason, v[i].why);
	}
}

static void
a_result_that_is_not_true_is_no_success(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(parse("a1 04f4", &r), 0);
	assert_int_equal(r.event.phase, PHASE_FAILED);
	assert_int_equal(r.event.fail, FAIL_EXECUTION);
	assert_int_equal(parse("a1 04a0", &r), 0);
	assert_int_equal(r.event.phase, PHASE_FAILED);
	assert_int_equal(parse("a1 04f6", &r), ERR_TYPE);
	assert_int_equal(parse("a1 0401", &r), ERR_TYPE);
}

static void
the_field_is_read_liberally(void **state)
{
	static const char *const v[] = {
		/* any order of keys */
		"a3 04f5 0380" REFERENCE, "a3 0380" REFERENCE "04f5",
		/* the reference last and the digest wrapped */
		"a2 04f5 1863 82 60 47 82 2f 44 01020304",
		/* indefinite containers, longer integers */
		"bf 1863 9f 60 9f 2f 4401020304 ff ff 1804 f5 ff",
		/* claims with parameters out of order; capabilities; unknown */
		"a5" REFERENCE "0381a4 00814100 0e00 034100 181801 04f5"
		    "08a1018181814100 6178f6",
		/* more elements than we know */
		"a2 1863 83 60 83 2f 4401020304 00 01 04f5",
		/* tag 285 in front */
		"d9011d a2" REFERENCE "04f5",
	};
	struct report r;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int rc = parse(v[i], &r);

		if (rc != 0)
			fail_msg("row %zu: %s", i, err_name(rc));
		assert_int_equal(r.event.phase, PHASE_SUCCEEDED);
		assert_int_equal(r.manifest.n, 4);
	}
}

static void
what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *hex;
		int rc;
	} v[] = {
		{"", ERR_TRUNCATED}, {"a1", ERR_TRUNCATED},
		{"a1 04f5 00", ERR_TRAILING}, {"00", ERR_TYPE},
		{"f5", ERR_TYPE}, {"a0", ERR_MISSING},
		{"a1 0380", ERR_MISSING},
		{"a2 04f5 04f5", ERR_DUPLICATE},
		{"a2 186300 04f5", ERR_TYPE},
		{"a2 186380 04f5", ERR_MISSING},
		{"a2 18638160 04f5", ERR_MISSING},
		{"a2 1863826080 04f5", ERR_MISSING},
		{"a2 18638260812f 04f5", ERR_MISSING},
		{"a2 18638260 82 00 40 04f5", ERR_RANGE},
		{"a2 18638260 82 2f 60 04f5", ERR_TYPE},
		{"a2 18638260 42 822f 04f5", ERR_TRUNCATED},
		{"a2 18638260 44 822f4000 04f5", ERR_TRAILING},
		{"a2 0201 04f5", ERR_TYPE}, {"a2 03a0 04f5", ERR_TYPE},
		{"a2 038100 04f5", ERR_TYPE},
		{"a1 04a1 0720", ERR_TYPE},
		{"a1 04a1 0682 8060", ERR_TYPE},
		{"d0 83 40a040", ERR_UNSUPPORTED},
		{"d860 84 40a04080", ERR_UNSUPPORTED},
		{"d28443a10128a0f640", ERR_MISSING}, /* detached */
		{"d9011d", ERR_TRUNCATED},
	};
	struct report r = {.records = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int rc = parse(v[i].hex, &r);

		if (rc != v[i].rc)
			fail_msg("%s: %s, not %s", v[i].hex, err_name(rc),
			    err_name(v[i].rc));
	}
	assert_int_equal(r.records, 77); /* untouched */
}

static int
with_records(size_t n, struct report *ret)
{
	struct buf b = buf_of(bytes, sizeof(bytes));

	cbr_put_map(&b, 2);
	cbr_put_uint(&b, 3);
	cbr_put_array(&b, n);
	for (size_t i = 0; i < n; i++) {
		if (i % 2)
			cbr_put_array(&b, 0);
		else
			cbr_put_map(&b, 0);
	}
	cbr_put_uint(&b, 4);
	cbr_put_bool(&b, true);
	return report_parse_suit(buf_slice(&b), NULL, ret, NULL);
}

static int
with_nonce(size_t total)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	static uint8_t nonce[LIMIT_REPORT];
	struct report r;

	cbr_put_map(&b, 2);
	cbr_put_uint(&b, 4);
	cbr_put_bool(&b, true);
	cbr_put_uint(&b, 2);
	cbr_put_bstr(&b, slice_of(nonce, total - 7));
	assert_int_equal(b.n, total);
	return report_parse_suit(buf_slice(&b), NULL, &r, NULL);
}

static void
sizes_are_capped(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(with_records(LIMIT_REPORT_RECORDS, &r), 0);
	assert_int_equal(r.records, LIMIT_REPORT_RECORDS);
	assert_int_equal(with_records(LIMIT_REPORT_RECORDS + 1, &r),
	    ERR_SIZE);
	assert_int_equal(with_nonce(LIMIT_REPORT), 0);
	assert_int_equal(with_nonce(LIMIT_REPORT + 1), ERR_SIZE);
}

static int
with_digest(size_t n)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	static const uint8_t d[DIGEST_MAX + 1];
	struct report r;

	cbr_put_map(&b, 2);
	cbr_put_uint(&b, 4);
	cbr_put_bool(&b, true);
	cbr_put_uint(&b, 99);
	cbr_put_array(&b, 2);
	cbr_put_str(&b, "");
	cbr_put_array(&b, 2);
	cbr_put_int(&b, DIGEST_SHA512);
	cbr_put_bstr(&b, slice_of(d, n));
	return report_parse_suit(buf_slice(&b), NULL, &r, NULL);
}

static void
digests_are_capped(void **state)
{
	(void)state;
	assert_int_equal(with_digest(DIGEST_MAX), 0);
	assert_int_equal(with_digest(DIGEST_MAX + 1), ERR_SIZE);
}

/* --- COSE --- */

static int
keys_make(void **state)
{
	(void)state;
	return cose_key_generate(COSE_KEY_P256, &signer) ||
	    cose_key_generate(COSE_KEY_P256, &stranger) ||
	    cose_key_hmac(slice_str("0123456789abcdef0123456789abcdef"), &mac);
}

static int
keys_free(void **state)
{
	(void)state;
	cose_key_free(signer);
	cose_key_free(stranger);
	cose_key_free(mac);
	return 0;
}

static void
seal(const struct cose_key *key, struct slice payload, struct buf *out)
{
	struct cose_sign_opts opts = {.attached = true};

	assert_int_equal(cose_sign(key, payload, &opts, out), 0);
	assert_false(out->over);
}

static void
a_proven_signature_is_the_highest_grade(void **state)
{
	const struct cose_key *keys[] = {signer, mac};
	struct cose_keyring ring = {{stranger, signer, mac}, 3};
	uint8_t out[300];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf b = buf_of(out, sizeof(out));
		struct slice s;
		struct report r;

		seal(keys[i], unhex("a2" REFERENCE "04f5"), &b);
		s = buf_slice(&b);
		assert_int_equal(report_parse_suit(s, &ring, &r, NULL), 0);
		assert_true(r.signed_ && r.proven);
		assert_int_equal(r.key, i + 1);
		assert_int_equal(r.event.grade, GRADE_L2);
		assert_int_equal(r.manifest.n, 4);
		/* no ring: signed, not proven */
		assert_int_equal(report_parse_suit(s, NULL, &r, NULL), 0);
		assert_true(r.signed_ && !r.proven);
		assert_int_equal(r.event.grade, GRADE_L0);
	}
}

static void
tags_around_and_inside_are_optional(void **state)
{
	struct cose_keyring ring = {{signer}, 1};
	uint8_t out[300];
	struct buf b = buf_of(out, sizeof(out));
	struct slice s;
	struct report r;

	(void)state;
	cbr_put_tag(&b, 285);
	seal(signer, unhex("d9011d a2" REFERENCE "04f5"), &b);
	s = buf_slice(&b);
	assert_int_equal(report_parse_suit(s, &ring, &r, NULL), 0);
	assert_true(r.proven);
	/* past tag 285 and tag 18: untagged COSE_Sign1 */
	s = slice_sub(s, 4, s.n);
	assert_int_equal(s.p[0], 0x84);
	assert_int_equal(report_parse_suit(s, &ring, &r, NULL), 0);
	assert_true(r.signed_ && r.proven);
}

static void
REQ_SEC_REPORTING_a_forgery_is_not_proven(void **state)
{
	struct cose_keyring ring = {{signer}, 1}, empty = {{NULL}, 0};
	uint8_t out[300];
	struct buf b = buf_of(out, sizeof(out));
	struct report r;

	(void)state;
	seal(stranger, unhex("a1 04f5"), &b);
	assert_int_equal(report_parse_suit(buf_slice(&b), &ring, &r, NULL), 0);
	assert_true(r.signed_ && !r.proven);
	assert_int_equal(r.event.grade, GRADE_L0);
	b.n = 0;
	seal(signer, unhex("a1 04f5"), &b);
	assert_int_equal(report_parse_suit(buf_slice(&b), &empty, &r, NULL),
	    0);
	assert_false(r.proven);
	out[b.n - 1] ^= 1;
	assert_int_equal(report_parse_suit(buf_slice(&b), &ring, &r, NULL), 0);
	assert_false(r.proven);
}

/* --- vectors of others, where they are --- */

static const char *
vectors(void)
{
	const char *dir = getenv("SUIT_VECTORS");

	return dir != NULL ? dir : "../shared/vectors";
}

static int
load(const char *folder, const char *name, struct buf *out)
{
	static char text[3 * LIMIT_REPORT];
	char path[600];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s/%s", vectors(), folder, name);
	f = fopen(path, "r");
	if (f == NULL)
		return ERR_NOT_FOUND;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	return text_unhex(slice_of(text, n), out);
}

/* The verdict is in the file's name. */
static void
vector(const char *name, const struct cose_keyring *ring)
{
	const char *number = strstr(name, "reason");
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct report r;
	bool sealed = strstr(name, "sign1") != NULL;

	print_message("  %s\n", name);
	assert_int_equal(load("reports", name, &b), 0);
	assert_int_equal(report_parse_suit(buf_slice(&b), ring, &r, NULL), 0);
	assert_int_equal(r.signed_, sealed);
	assert_int_equal(r.proven, sealed);
	assert_int_equal(r.manifest.alg, DIGEST_SHA256);
	assert_int_equal(r.manifest.n, 32);
	assert_true(r.reference_uri.n > 0);
	if (strstr(name, "success") != NULL) {
		assert_int_equal(r.event.phase, PHASE_SUCCEEDED);
		return;
	}
	assert_non_null(strstr(name, "failure"));
	if (number != NULL) {
		assert_int_equal(r.suit_reason, atoi(number + 6));
	} else {
		assert_int_equal(r.suit_reason, 10);
		assert_int_equal(r.event.reason, REASON_DIGEST);
		assert_int_equal(r.event.fail, FAIL_INTEGRITY);
	}
	assert_int_equal(r.event.phase, r.suit_reason == 12 ?
	    PHASE_INSTALLING : PHASE_FAILED);
}

static void
vectors_of_others(void **state)
{
	static const char key_file[] =
	    "libcsuit-device_esp256_cose_key_public.hex";
	struct cose_keyring ring = {{NULL}, 1};
	struct cose_key *key = NULL;
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct dirent *e;
	char path[600];
	DIR *d;
	int n = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/reports", vectors());
	d = opendir(path);
	if (d == NULL) {
		print_message("SKIPPED: no vectors at %s (SUIT_VECTORS)\n",
		    path);
		skip();
	}
	assert_int_equal(load("keys", key_file, &b), 0);
	assert_int_equal(cose_key_parse(buf_slice(&b), &key, NULL), 0);
	ring.key[0] = key;
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".hex") == NULL)
			continue;
		vector(e->d_name, &ring);
		n++;
	}
	closedir(d);
	cose_key_free(key);
	assert_true(n > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_is_a_report_of_success),
		cmocka_unit_test(reasons_become_classes),
		cmocka_unit_test(a_result_that_is_not_true_is_no_success),
		cmocka_unit_test(the_field_is_read_liberally),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(sizes_are_capped),
		cmocka_unit_test(digests_are_capped),
		cmocka_unit_test(a_proven_signature_is_the_highest_grade),
		cmocka_unit_test(tags_around_and_inside_are_optional),
		cmocka_unit_test(REQ_SEC_REPORTING_a_forgery_is_not_proven),
		cmocka_unit_test(vectors_of_others),
	};

	return cmocka_run_group_tests(tests, keys_make, keys_free);
}
