#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/cbor.h"
#include "lib/report.h"
#include "lib/text.h"

static uint8_t bytes[LIMIT_REPORT + 8];

static int
parse(const char *hex, struct report *ret)
{
	struct buf b = buf_of(bytes, sizeof(bytes));

	assert_int_equal(text_unhex(slice_str(hex), &b), 0);
	return report_parse_status(buf_slice(&b), ret, NULL);
}

/* As a device writes it. */
static int
echo(const struct report_status *s, struct report *ret)
{
	struct buf b = buf_of(bytes, sizeof(bytes));

	report_put_status(s, &b);
	assert_false(b.over);
	assert_int_equal(cbr_check(buf_slice(&b)), 0);
	return report_parse_status(buf_slice(&b), ret, NULL);
}

static void
what_a_device_writes_is_what_we_read(void **state)
{
	struct report_status s = {
		.phase = PHASE_FAILED, .reason = REASON_DIGEST,
		.have_sequence = true, .sequence = UINT64_MAX,
		.have_target = true, .target = 9, .attempt = 3,
		.done = 100, .total = 4096, .version = "1.2",
	};
	struct report r;

	(void)state;
	assert_int_equal(echo(&s, &r), 0);
	assert_int_equal(r.event.type, TRACK_REPORT);
	assert_int_equal(r.event.phase, PHASE_FAILED);
	assert_int_equal(r.event.fail, FAIL_INTEGRITY);
	assert_int_equal(r.event.reason, REASON_DIGEST);
	assert_int_equal(r.attempt, 3);
	assert_int_equal(r.event.attempt, 0); /* not by our count */
	assert_int_equal(r.event.target, 9);
	assert_int_equal(r.event.done, 100);
	assert_int_equal(r.event.total, 4096);
	assert_int_equal(r.event.grade, GRADE_L0);
	assert_true(r.have_sequence && r.sequence == UINT64_MAX);
	assert_true(r.have_target && r.target == 9);
	assert_true(slice_eq_str(r.version, "1.2"));
	assert_false(r.signed_ || r.proven);
}

static void
unset_fields_are_left_out(void **state)
{
	struct report_status s = {.phase = PHASE_DOWNLOADING};
	struct buf b = buf_of(bytes, sizeof(bytes));

	(void)state;
	report_put_status(&s, &b);
	assert_true(slice_eq(buf_slice(&b), slice_of("\xa1\x00\x01", 3)));
}

static void
every_phase_and_reason_survives(void **state)
{
	static const struct {
		enum track_reason reason;
		enum fail_class class;
	} v[] = {
		{REASON_PARSE, FAIL_POLICY}, {REASON_SIGNATURE, FAIL_POLICY},
		{REASON_UNSUPPORTED, FAIL_POLICY},
		{REASON_CONDITION, FAIL_POLICY},
		{REASON_SEQUENCE, FAIL_POLICY}, {REASON_CLASS, FAIL_POLICY},
		{REASON_DOWNLOAD, FAIL_TRANSPORT},
		{REASON_REBOOTED, FAIL_TRANSPORT},
		{REASON_DIGEST, FAIL_INTEGRITY},
		{REASON_STORAGE, FAIL_EXECUTION},
		{REASON_BOOT, FAIL_EXECUTION},
		{REASON_ROLLBACK, FAIL_EXECUTION},
		{REASON_OTHER, FAIL_EXECUTION},
		{REASON_RECOVERY, FAIL_EXECUTION},
	};
	struct report_status s = {0};
	struct report r;

	(void)state;
	for (int p = PHASE_IDLE; p <= PHASE_DECLINED; p++) {
		s.phase = (enum report_phase)p;
		assert_int_equal(echo(&s, &r), 0);
		assert_int_equal(r.event.phase, p);
	}
	s.phase = PHASE_FAILED;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		s.reason = v[i].reason;
		assert_int_equal(echo(&s, &r), 0);
		assert_int_equal(r.event.reason, v[i].reason);
		assert_int_equal(r.event.fail, v[i].class);
	}
	/* a reason that is ours to give, or nobody's */
	s.reason = REASON_NO_ANSWER;
	assert_int_equal(echo(&s, &r), 0);
	assert_int_equal(r.event.reason, REASON_OTHER);
	assert_int_equal(parse("a20005 011903e7", &r), 0);
	assert_int_equal(r.event.reason, REASON_OTHER);
	assert_int_equal(r.event.fail, FAIL_EXECUTION);
}

static void
what_runs_is_stronger_than_a_claim(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(parse("a2 0004 0207", &r), 0); /* succeeded, seq 7 */
	assert_int_equal(r.event.type, TRACK_SEEN_RUNNING);
	assert_int_equal(r.event.sequence, 7);
	assert_int_equal(parse("a1 0207", &r), 0); /* seq alone */
	assert_int_equal(r.event.type, TRACK_SEEN_RUNNING);
	assert_int_equal(parse("a1 0004", &r), 0); /* a bare claim */
	assert_int_equal(r.event.type, TRACK_REPORT);
	assert_int_equal(r.event.phase, PHASE_SUCCEEDED);
	assert_int_equal(parse("a2 0001 0207", &r), 0); /* downloading */
	assert_int_equal(r.event.type, TRACK_REPORT);
	assert_int_equal(r.event.sequence, 0);
	assert_true(r.have_sequence);
}

static void
golioth_maps_are_read(void **state)
{
	static const struct {
		const char *hex;
		enum report_phase phase;
		enum fail_class fail;
		enum track_reason reason;
	} v[] = {
		/* {_ "s":0,"r":0,"pkg":"main","v":"1.2.5"}: as captured */
		{"bf 617300 617200 63706b67646d61696e 617665312e322e35 ff",
		    PHASE_IDLE, FAIL_NONE, REASON_NONE},
		{"bf 617301 617200 63706b67646d61696e 617665312e322e35"
		    "617465392e392e39 ff",
		    PHASE_DOWNLOADING, FAIL_NONE, REASON_NONE},
		{"a2 617302 617200", PHASE_DOWNLOADED, FAIL_NONE, REASON_NONE},
		{"a2 617303 617200", PHASE_INSTALLING, FAIL_NONE, REASON_NONE},
		{"a2 617300 617201", PHASE_SUCCEEDED, FAIL_NONE, REASON_NONE},
		{"a2 617303 617201", PHASE_INSTALLING, FAIL_NONE, REASON_NONE},
		{"a2 617300 617202", PHASE_FAILED, FAIL_EXECUTION,
		    REASON_STORAGE},
		{"a2 617300 617204", PHASE_FAILED, FAIL_TRANSPORT,
		    REASON_DOWNLOAD},
		{"a2 617300 617205", PHASE_FAILED, FAIL_INTEGRITY,
		    REASON_DIGEST},
		{"a2 617300 617206", PHASE_FAILED, FAIL_POLICY,
		    REASON_UNSUPPORTED},
		{"a2 61720b 617300", PHASE_FAILED, FAIL_TRANSPORT,
		    REASON_DOWNLOAD},
		{"a2 617300 61720c", PHASE_FAILED, FAIL_EXECUTION,
		    REASON_OTHER},
		{"a2 617300 61721bffffffffffffffff", PHASE_FAILED,
		    FAIL_EXECUTION, REASON_OTHER},
	};
	struct report r;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(parse(v[i].hex, &r), 0);
		assert_int_equal(r.event.phase, v[i].phase);
		assert_int_equal(r.event.fail, v[i].fail);
		assert_int_equal(r.event.reason, v[i].reason);
	}
	assert_int_equal(parse(v[0].hex, &r), 0);
	assert_true(slice_eq_str(r.version, "1.2.5"));
}

static void
the_field_is_read_liberally(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(parse("a0", &r), 0); /* nothing: alive */
	assert_int_equal(r.event.phase, PHASE_IDLE);
	assert_int_equal(parse("bfff", &r), 0);
	/* short names, any order, unknown keys of any kind */
	assert_int_equal(parse("a6 6373657107 617003 20a10102 f5f4"
	    "63666f6f8101 424142f6", &r), 0);
	assert_int_equal(r.event.phase, PHASE_INSTALLING);
	assert_int_equal(r.sequence, 7);
	/* integers longer than needed */
	assert_int_equal(parse("a1 1800 1a00000001", &r), 0);
	assert_int_equal(r.event.phase, PHASE_DOWNLOADING);
	/* nested and indefinite inside of what is skipped */
	assert_int_equal(parse("bf 1863 9f01bf02f6ffff 0001 ff", &r), 0);
	assert_int_equal(r.event.phase, PHASE_DOWNLOADING);
	/* a count past 32 bits is no error */
	assert_int_equal(parse("a1 041bffffffffffffffff", &r), 0);
	assert_true(r.attempt == UINT32_MAX);
}

static void
what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *hex;
		int rc;
	} v[] = {
		{"", ERR_TRUNCATED}, {"a1", ERR_TRUNCATED},
		{"a100", ERR_TRUNCATED}, {"bf0001", ERR_TRUNCATED},
		{"a1000100", ERR_TRAILING}, {"80", ERR_TYPE},
		{"01", ERR_TYPE}, {"6173", ERR_TYPE},
		{"a1 0007", ERR_RANGE}, {"a1 617304", ERR_RANGE},
		{"a1 0020", ERR_TYPE}, {"a1 006161", ERR_TYPE},
		{"a1 0701", ERR_TYPE}, {"a1 0801", ERR_TYPE},
		{"a2 0001 0001", ERR_DUPLICATE},
		{"a2 0201 6373657101", ERR_DUPLICATE},
		{"a1 0761ff", ERR_UTF8},
		{"a1 0962612f", ERR_MALFORMED}, {"a1 0960", ERR_MALFORMED},
		{"a1 084100", ERR_SIZE},
		{"a1 001c", ERR_MALFORMED}, {"ff", ERR_MALFORMED},
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

static void
names_and_digest_are_read(void **state)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	uint8_t digest[32] = {0xab, [31] = 0xcd};
	struct report r;

	(void)state;
	cbr_put_map(&b, 2);
	cbr_put_uint(&b, 8);
	cbr_put_bstr(&b, slice_of(digest, sizeof(digest)));
	cbr_put_uint(&b, 9);
	cbr_put_str(&b, "node-1");
	assert_int_equal(report_parse_status(buf_slice(&b), &r, NULL), 0);
	assert_int_equal(r.manifest.alg, DIGEST_SHA256);
	assert_memory_equal(r.manifest.b, digest, 32);
	assert_true(slice_eq_str(r.ep, "node-1"));
}

/* One text of n bytes at an integer key. */
static int
long_text(unsigned key, size_t n)
{
	struct buf b = buf_of(bytes, sizeof(bytes));
	static char text[LIMIT_REPORT];
	struct report r;

	memset(text, 'x', sizeof(text));
	cbr_put_map(&b, 1);
	cbr_put_uint(&b, key);
	cbr_put_tstr(&b, slice_of(text, n));
	assert_false(b.over);
	return report_parse_status(buf_slice(&b), &r, NULL);
}

static void
sizes_are_capped(void **state)
{
	(void)state;
	assert_int_equal(long_text(7, LIMIT_VERSION), 0);
	assert_int_equal(long_text(7, LIMIT_VERSION + 1), ERR_SIZE);
	assert_int_equal(long_text(9, LIMIT_EP), 0);
	assert_int_equal(long_text(9, LIMIT_EP + 1), ERR_SIZE);
	/* head of the map, 2-byte key, 3-byte head of the text */
	assert_int_equal(long_text(99, LIMIT_REPORT - 6), 0);
	assert_int_equal(long_text(99, LIMIT_REPORT - 5), ERR_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_device_writes_is_what_we_read),
		cmocka_unit_test(unset_fields_are_left_out),
		cmocka_unit_test(every_phase_and_reason_survives),
		cmocka_unit_test(what_runs_is_stronger_than_a_claim),
		cmocka_unit_test(golioth_maps_are_read),
		cmocka_unit_test(the_field_is_read_liberally),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(names_and_digest_are_read),
		cmocka_unit_test(sizes_are_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
