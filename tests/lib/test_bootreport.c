#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/bootreport.h"
#include "lib/cbor.h"
#include "lib/text.h"

/* { 0: 1, 1: epoch, 2: boot_ctr 3, 3: report_seq 70, [4: manifest], 5: 9 } */
#define EPOCH "48 0102030405060708"
#define HASH "5820 " \
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define COMMON "00 01 01" EPOCH "02 03 03 1846"
#define NONCE8 "48 1112131415161718"
#define NONCE32 "5820 " \
	"1111111111111111111111111111111111111111111111111111111111111111"

static struct cose_key *p256, *ed25519, *stranger, *mac;

static const struct bootreport sample = {
	.epoch = {1, 2, 3, 4, 5, 6, 7, 8}, .boot_ctr = 3, .report_seq = 70,
	.have_manifest = true, .manifest = {0xa0}, .sequence = 9,
	.have_list = true, .list_seq = 2, .result = BOOT_ROLLBACK,
	.have_tried = true, .tried = {0xb0},
};

static struct slice
seal(const struct cose_key *key, struct slice payload, struct buf *out)
{
	uint8_t kid[8];
	struct cose_sign_opts opts = {.attached = true,
	    .kid = slice_of(kid, sizeof(kid))};

	out->n = 0;
	assert_int_equal(cose_key_id(p256, kid), 0);
	assert_int_equal(cose_sign(key, payload, &opts, out), 0);
	return buf_slice(out);
}

static int
take(struct slice in, const struct cose_key *key, struct bootreport *ret)
{
	struct cose_msg m;
	int rc = bootreport_open(in, &m, NULL);

	return rc != 0 ? rc : bootreport_verify(&m, key, ret, NULL);
}

/* What is made of a payload that is signed as it should be. */
static int
payload(const char *hex, struct bootreport *ret)
{
	static uint8_t mem[2][2 * LIMIT_BOOTREPORT];
	struct buf raw = buf_of(mem[0], sizeof(mem[0]));
	struct buf out = buf_of(mem[1], sizeof(mem[1]));

	assert_int_equal(text_unhex(slice_str(hex), &raw), 0);
	return take(seal(p256, buf_slice(&raw), &out), p256, ret);
}

static void
a_report_comes_back_as_it_was(void **state)
{
	static const uint8_t nonce[LIMIT_BOOT_NONCE] = {7, 7};
	const struct cose_key *keys[] = {p256, ed25519};
	uint8_t mem[LIMIT_BOOTREPORT];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct buf b = buf_of(mem, sizeof(mem));
		struct bootreport r = sample, back;

		r.nonce = slice_of(nonce, i & 1 ? sizeof(nonce) : 0);
		r.boot_ctr = i & 2 ? UINT64_MAX : 3;
		r.have_list = i & 2;
		r.list_seq = r.have_list ? 5 : 0;
		if (i & 4) {
			r.result = BOOT_OK;
			r.have_tried = r.have_manifest = false;
			memset(r.tried, 0, sizeof(r.tried));
			memset(r.manifest, 0, sizeof(r.manifest));
		}
		assert_int_equal(bootreport_sign(&r, keys[i & 1], &b), 0);
		assert_int_equal(take(buf_slice(&b), keys[i & 1], &back), 0);
		assert_memory_equal(back.epoch, r.epoch, sizeof(r.epoch));
		assert_int_equal(back.boot_ctr, r.boot_ctr);
		assert_int_equal(back.report_seq, r.report_seq);
		assert_int_equal(back.have_manifest, r.have_manifest);
		assert_memory_equal(back.manifest, r.manifest, 32);
		assert_int_equal(back.sequence, r.sequence);
		assert_int_equal(back.have_list, r.have_list);
		assert_int_equal(back.list_seq, r.list_seq);
		assert_int_equal(back.result, r.result);
		assert_int_equal(back.have_tried, r.have_tried);
		assert_memory_equal(back.tried, r.tried, 32);
		assert_true(slice_eq(back.nonce, r.nonce));
	}
}

static void
the_largest_fits_its_limit_and_one_byte_more_is_refused(void **state)
{
	static uint8_t mem[LIMIT_BOOTREPORT + 1];
	struct cose_msg m;
	struct buf b;

	(void)state;
	for (size_t n = LIMIT_BOOTREPORT; n <= LIMIT_BOOTREPORT + 1; n++) {
		b = buf_of(mem, sizeof(mem));
		cbr_put_array(&b, 4);
		cbr_put_bstr(&b, SLICE_NONE);
		cbr_put_map(&b, 1);
		cbr_put_uint(&b, 4);
		cbr_put_bstr(&b, slice_of("k", 1));
		cbr_put_bstr_head(&b, n - b.n - 4);
		b.n = n - 1; /* the payload is zeros, the signature is h'' */
		buf_put_u8(&b, 0x40);
		assert_false(b.over);
		assert_int_equal(bootreport_open(buf_slice(&b), &m, NULL),
		    n == LIMIT_BOOTREPORT ? 0 : ERR_SIZE);
	}
}

/* None but the bytes that were signed, whatever is changed in them. */
static void
REQ_SEC_REPORTING_every_byte_flipped_is_refused(void **state)
{
	uint8_t mem[LIMIT_BOOTREPORT];
	struct buf b = buf_of(mem, sizeof(mem));
	struct bootreport back;
	size_t kid_at;

	(void)state;
	assert_int_equal(bootreport_sign(&sample, p256, &b), 0);
	assert_int_equal(take(buf_slice(&b), p256, &back), 0);
	/* d2 84 43 a1 01 28 a1 04 48 <kid>: it finds the key, no more */
	kid_at = 9;
	assert_int_equal(mem[kid_at - 1], 0x48);
	for (size_t i = 0; i < b.n; i++) {
		if (i >= kid_at && i < kid_at + 8)
			continue;
		for (int bit = 0; bit < 8; bit++) {
			mem[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(take(buf_slice(&b), p256, &back),
			    0);
			mem[i] ^= (uint8_t)(1 << bit);
		}
	}
	for (size_t n = 0; n < b.n; n++)
		assert_int_not_equal(take(slice_of(mem, n), p256, &back), 0);
}

static void
REQ_SEC_REPORTING_another_key_proves_nothing(void **state)
{
	uint8_t mem[LIMIT_BOOTREPORT], raw[LIMIT_BOOTREPORT];
	struct buf b = buf_of(mem, sizeof(mem));
	struct buf p = buf_of(raw, sizeof(raw));
	struct bootreport back;
	struct cose_msg m;

	(void)state;
	assert_int_equal(bootreport_sign(&sample, stranger, &b), 0);
	assert_int_equal(take(buf_slice(&b), p256, &back), ERR_SIGNATURE);
	/* who holds a PSK is the server, too */
	b.n = 0;
	assert_int_equal(bootreport_sign(&sample, mac, &b), ERR_KEY);
	assert_int_equal(bootreport_put(&sample, &p), 0);
	assert_int_equal(bootreport_open(seal(mac, buf_slice(&p), &b), &m,
	    NULL), ERR_ALGORITHM);
	assert_int_equal(take(seal(p256, buf_slice(&p), &b), mac, &back),
	    ERR_KEY);
}

/* What it says can be read before it is proven, whoever signed. */
static void
what_is_claimed_is_read_without_a_key(void **state)
{
	uint8_t mem[LIMIT_BOOTREPORT];
	struct buf b = buf_of(mem, sizeof(mem));
	struct bootreport back;
	struct cose_msg m;

	(void)state;
	assert_int_equal(bootreport_sign(&sample, stranger, &b), 0);
	assert_int_equal(bootreport_open(buf_slice(&b), &m, NULL), 0);
	assert_int_equal(bootreport_claim(&m, &back, NULL), 0);
	assert_int_equal(back.boot_ctr, sample.boot_ctr);
	assert_int_equal(back.report_seq, sample.report_seq);
	assert_memory_equal(back.epoch, sample.epoch, sizeof(back.epoch));
	m.payload.n--;
	assert_int_equal(bootreport_claim(&m, &back, NULL), ERR_TRUNCATED);
}

static void
a_message_must_be_attached_and_name_its_key(void **state)
{
	uint8_t mem[LIMIT_BOOTREPORT], raw[LIMIT_BOOTREPORT];
	struct buf b = buf_of(mem, sizeof(mem));
	struct buf p = buf_of(raw, sizeof(raw));
	struct cose_sign_opts opts = {.attached = true};
	struct cose_msg m;
	struct bootreport back;
	struct slice s;

	(void)state;
	assert_int_equal(bootreport_put(&sample, &p), 0);
	assert_int_equal(cose_sign(p256, buf_slice(&p), &opts, &b), 0);
	assert_int_equal(bootreport_open(buf_slice(&b), &m, NULL),
	    ERR_MISSING);
	opts = (struct cose_sign_opts){.kid = slice_of("kid", 3)};
	b.n = 0;
	assert_int_equal(cose_sign(p256, buf_slice(&p), &opts, &b), 0);
	assert_int_equal(bootreport_open(buf_slice(&b), &m, NULL),
	    ERR_MISSING);
	/* the Content-Format says what the tag says */
	s = seal(p256, buf_slice(&p), &b);
	assert_int_equal(take(slice_sub(s, 1, s.n), p256, &back), 0);
}

static void
a_payload_has_one_form(void **state)
{
	static const struct {
		const char *hex;
		int err;
	} cases[] = {
		{"a6" COMMON "05 09 07 00", 0},
		{"a7" COMMON "04" HASH "05 09 07 00", 0},
		{"a7" COMMON "05 09 06 00 07 00", 0},
		{"a7" COMMON "05 09 07 01 08" HASH, 0},
		{"a7" COMMON "05 09 07 03 08" HASH, 0},
		{"a7" COMMON "05 09 07 00 09" NONCE8, 0},
		{"a7" COMMON "05 09 07 00 09" NONCE32, 0},
		/* sizes */
		{"a7" COMMON "05 09 07 00 09 47 11121314151617", ERR_SIZE},
		{"a7" COMMON "05 09 07 00 09 5821 11" /* 33 bytes */
		 "1111111111111111111111111111111111111111111111111111111111"
		 "111111", ERR_INVALID},
		{"a6 00 01 01 47 01020304050607 02 03 03 04 05 09 07 00",
		 ERR_SIZE},
		{"a7" COMMON "04 42 a0a1 05 09 07 00", ERR_SIZE},
		/* result */
		{"a7" COMMON "05 09 07 04 08" HASH, ERR_RANGE},
		{"a6" COMMON "05 09 07 01", ERR_INVALID},
		{"a7" COMMON "05 09 07 00 08" HASH, ERR_INVALID},
		/* what is missing, twice, unknown, out of order */
		{"a5" COMMON "07 00", ERR_MISSING},
		{"a5" COMMON "05 09", ERR_MISSING},
		{"a0", ERR_MISSING},
		{"a5 01" EPOCH "02 03 03 04 05 09 07 00", ERR_MISSING},
		{"a7" COMMON "05 09 07 00 07 00", ERR_ORDER},
		{"a6" COMMON "07 00 05 09", ERR_ORDER},
		{"a7" COMMON "05 09 07 00 0a 00", ERR_UNSUPPORTED},
		{"a7" COMMON "05 09 07 00 181f 00", ERR_UNSUPPORTED},
		{"a7" COMMON "05 09 07 00 1bffffffffffffffff 00",
		 ERR_UNSUPPORTED},
		{"a6 00 02 01" EPOCH "02 03 03 04 05 09 07 00",
		 ERR_UNSUPPORTED},
		/* types and forms */
		{"a6" COMMON "05 20 07 00", ERR_TYPE},
		{"a6" COMMON "05 f5 07 00", ERR_TYPE},
		{"86 00 01 02 03 04 05", ERR_TYPE},
		{"a6" COMMON "05 1809 07 00", ERR_MALFORMED},
		{"bf" COMMON "05 09 07 00 ff", ERR_INDEFINITE},
		{"a6" COMMON "05 09 07 00 00", ERR_TRAILING},
		{"a6" COMMON "05 09 07", ERR_TRUNCATED},
	};
	struct bootreport r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (payload(cases[i].hex, &r) != cases[i].err)
			fail_msg("%s: %s, not %s", cases[i].hex,
			    err_name(payload(cases[i].hex, &r)),
			    err_name(cases[i].err));
}

static void
a_writer_refuses_what_no_reader_takes(void **state)
{
	static const uint8_t nonce[LIMIT_BOOT_NONCE + 1];
	uint8_t mem[LIMIT_BOOTREPORT];
	struct buf b = buf_of(mem, sizeof(mem));
	struct bootreport r = sample;

	(void)state;
	for (size_t n = 0; n <= sizeof(nonce); n++) {
		const bool ok = n == 0 || (n >= BOOTREPORT_NONCE_LEAST &&
		    n <= LIMIT_BOOT_NONCE);

		b.n = 0;
		r.nonce = slice_of(nonce, n);
		assert_int_equal(bootreport_put(&r, &b),
		    ok ? 0 : ERR_INVALID);
	}
	r = sample;
	r.have_tried = false;
	assert_int_equal(bootreport_put(&r, &b), ERR_INVALID);
	r.result = BOOT_RESULTS;
	assert_int_equal(bootreport_put(&r, &b), ERR_INVALID);
	b = buf_of(mem, 40);
	assert_int_equal(bootreport_put(&sample, &b), ERR_SPACE);
	assert_int_equal(b.n, 0);
}

static void
REQ_SEC_REPORTING_a_replay_is_refused(void **state)
{
	static const struct {
		uint64_t boot_ctr, report_seq;
		int err;
	} order[] = {
		{3, 70, 0}, {3, 70, ERR_SEQUENCE}, {3, 69, ERR_SEQUENCE},
		{2, UINT64_MAX, ERR_SEQUENCE}, {3, 71, 0}, {4, 0, 0},
		{3, 72, ERR_SEQUENCE}, {4, 0, ERR_SEQUENCE},
		{UINT64_MAX, 0, 0}, /* a jump forward is none */
		{UINT64_MAX, UINT64_MAX, 0},
		{UINT64_MAX, UINT64_MAX, ERR_SEQUENCE}, {0, 0, ERR_SEQUENCE},
	};
	struct bootreport_mark m = {.have = false};
	struct bootreport r = sample;

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct bootreport_mark was = m;

		r.boot_ctr = order[i].boot_ctr;
		r.report_seq = order[i].report_seq;
		assert_int_equal(bootreport_fresh(&m, &r, NULL),
		    order[i].err);
		if (order[i].err != 0)
			assert_memory_equal(&m, &was, sizeof(m));
	}
}

static void
the_first_may_be_all_zero_and_is_no_replay_of_nothing(void **state)
{
	struct bootreport_mark m = {.have = false};
	struct bootreport r = {.result = BOOT_OK};

	(void)state;
	assert_int_equal(bootreport_fresh(&m, &r, NULL), 0);
	assert_int_equal(bootreport_fresh(&m, &r, NULL), ERR_SEQUENCE);
}

static void
counters_that_begin_anew_are_for_an_operator(void **state)
{
	struct bootreport_mark m = {.have = false}, was;
	struct bootreport r = sample;

	(void)state;
	assert_int_equal(bootreport_fresh(&m, &r, NULL), 0);
	was = m;
	r.epoch[7]++;
	r.boot_ctr = 1000;
	assert_int_equal(bootreport_fresh(&m, &r, NULL), ERR_CONFLICT);
	assert_memory_equal(&m, &was, sizeof(m));
}

static void
results_become_events(void **state)
{
	static const struct {
		enum report_phase phase;
		enum fail_class fail;
		enum track_reason reason;
	} want[BOOT_RESULTS] = {
		{PHASE_SUCCEEDED, FAIL_NONE, REASON_NONE},
		{PHASE_FAILED, FAIL_EXECUTION, REASON_ROLLBACK},
		{PHASE_FAILED, FAIL_EXECUTION, REASON_RECOVERY},
		{PHASE_FAILED, FAIL_INTEGRITY, REASON_DIGEST},
	};
	struct track_event ev;
	struct bootreport r = sample;

	(void)state;
	for (unsigned i = 0; i < BOOT_RESULTS; i++) {
		r.result = (enum boot_result)i;
		bootreport_event(&r, &ev);
		assert_int_equal(ev.type, TRACK_REPORT);
		assert_int_equal(ev.grade, GRADE_L2);
		assert_int_equal(ev.phase, want[i].phase);
		assert_int_equal(ev.fail, want[i].fail);
		assert_int_equal(ev.reason, want[i].reason);
		assert_string_not_equal(boot_result_name(r.result), "?");
	}
	assert_string_equal(boot_result_name(BOOT_RESULTS), "?");
}

/* Starts, reports and lost power in every order: no pair is signed twice, the
 * server takes each, and the flash is not worn out. */
static void
counters_never_repeat_whenever_the_power_goes(void **state)
{
	struct bootreport_ctr flash = {.epoch = {1}}, ram;
	struct bootreport_mark m = {.have = false};
	uint64_t rnd = 4711, starts = 0, reports = 0, writes = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		uint64_t n = backoff_rand(&rnd) % 200;

		ram = flash;
		bootreport_start(&ram);
		if (backoff_rand(&rnd) % 8 == 0)
			continue; /* before it was stored: none was signed */
		flash = ram;
		writes++;
		starts++;
		while (n-- > 0) {
			struct bootreport r = sample;

			if (bootreport_next(&ram, &r)) {
				if (backoff_rand(&rnd) % 8 == 0)
					break;
				flash = ram;
				writes++;
			}
			assert_int_equal(bootreport_fresh(&m, &r, NULL), 0);
			reports++;
		}
	}
	assert_true(writes <= starts + reports / BOOT_RESERVE + 1);
}

static int
make_keys(void **state)
{
	(void)state;
	return cose_key_generate(COSE_KEY_P256, &p256) != 0 ||
	    cose_key_generate(COSE_KEY_ED25519, &ed25519) != 0 ||
	    cose_key_generate(COSE_KEY_P256, &stranger) != 0 ||
	    cose_key_hmac(slice_str("0123456789abcdef"), &mac) != 0;
}

static int
drop_keys(void **state)
{
	(void)state;
	cose_key_free(p256);
	cose_key_free(ed25519);
	cose_key_free(stranger);
	cose_key_free(mac);
	return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(a_report_comes_back_as_it_was),
		T(the_largest_fits_its_limit_and_one_byte_more_is_refused),
		T(REQ_SEC_REPORTING_every_byte_flipped_is_refused),
		T(REQ_SEC_REPORTING_another_key_proves_nothing),
		T(what_is_claimed_is_read_without_a_key),
		T(a_message_must_be_attached_and_name_its_key),
		T(a_payload_has_one_form),
		T(a_writer_refuses_what_no_reader_takes),
		T(REQ_SEC_REPORTING_a_replay_is_refused),
		T(the_first_may_be_all_zero_and_is_no_replay_of_nothing),
		T(counters_that_begin_anew_are_for_an_operator),
		T(results_become_events),
		T(counters_never_repeat_whenever_the_power_goes),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
