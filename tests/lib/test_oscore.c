/* OSCORE: the vectors of RFC 8613 appendix C, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/get_impl.h"
#include "lib/oscore_impl.h"
#include "lib/text.h"

static struct slice
hex(const char *s)
{
	static uint8_t mem[8][256];
	static unsigned turn;
	struct buf b = buf_of(mem[turn++ % 8], sizeof(mem[0]));

	assert_int_equal(text_unhex(slice_str(s), &b), 0);
	return buf_slice(&b);
}

static void
put(uint8_t *dst, size_t *n, const char *s)
{
	struct slice v = hex(s);

	memcpy(dst, v.p, v.n);
	*n = v.n;
}

struct given {
	const char *master, *salt, *ours, *theirs, *context;
};

/* The server's side of appendix C.1.2, C.2.2 and C.3.2. */
static const struct given c1 = {"0102030405060708090a0b0c0d0e0f10",
	"9e7ca92223786340", "01", "", NULL};
static const struct given c2 = {"0102030405060708090a0b0c0d0e0f10", "", "01",
	"00", NULL};
static const struct given c3 = {"0102030405060708090a0b0c0d0e0f10",
	"9e7ca92223786340", "01", "", "37cbf3210017a2d3"};

static struct oscore_secret
secret_of(const struct given *g)
{
	struct oscore_secret s = {0};
	size_t n;

	put(s.master, &s.master_n, g->master);
	put(s.salt, &s.salt_n, g->salt);
	put(s.sender.b, &n, g->ours);
	s.sender.n = (uint8_t)n;
	put(s.recipient.b, &n, g->theirs);
	s.recipient.n = (uint8_t)n;
	s.have_context = g->context != NULL;
	if (s.have_context)
		put(s.context, &s.context_n, g->context);
	return s;
}

static struct oscore_keys
keys_of(const struct given *g)
{
	struct oscore_secret s = secret_of(g);
	struct oscore_keys k;

	assert_int_equal(oscore_derive(&s, &k), 0);
	return k;
}

static void
assert_hex(const uint8_t *p, size_t n, const char *want)
{
	struct slice w = hex(want);

	assert_int_equal(n, w.n);
	assert_memory_equal(p, w.p, n);
}

static void
keys_are_those_of_appendix_C(void **state)
{
	static const struct {
		const struct given *g;
		const char *theirs, *ours, *iv;
	} v[] = {
		{&c1, "f0910ed7295e6ad4b54fc793154302ff",
		    "ffb14e093c94c9cac9471648b4f98710",
		    "4622d4dd6d944168eefb54987c"},
		{&c2, "321b26943253c7ffb6003b0b64d74041",
		    "e57b5635815177cd679ab4bcec9d7dda",
		    "be35ae297d2dace910c52e99f9"},
		{&c3, "af2a1300a5e95788b356336eeecd2b92",
		    "e39a0c7c77b43f03b4b39ab9a268699f",
		    "2ca58fb85ff1b81c0b7181b85e"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct oscore_keys k = keys_of(v[i].g);

		assert_hex(k.recipient_key, OSCORE_KEY, v[i].theirs);
		assert_hex(k.sender_key, OSCORE_KEY, v[i].ours);
		assert_hex(k.iv, OSCORE_NONCE, v[i].iv);
	}
}

/* C.4 to C.6: what is outside goes, what was inside comes. The plain message
 * of the appendix has the Uri-Host, which is not protected. */
static const struct {
	const struct given *g;
	const char *sealed, *open;
} requests[] = {
	{&c1, "44025d1f00003974396c6f63616c686f7374"
	    "620914ff612f1092f1776f1c1668b3825e",
	    "44015d1f00003974b3747631"},
	{&c2, "440271c30000b932396c6f63616c686f7374"
	    "63091400ff4ed339a5a379b0b8bc731fffb0",
	    "440171c30000b932b3747631"},
	{&c3, "44022f8eef9bbf7a396c6f63616c686f7374"
	    "6b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3",
	    "44012f8eef9bbf7ab3747631"},
};

static void
requests_of_appendix_C_are_opened(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct oscore_keys k = keys_of(requests[i].g);
		struct oscore_outer o;
		struct oscore_inner in;
		uint8_t out[256];
		struct buf b = buf_of(out, sizeof(out));

		assert_int_equal(oscore_read(hex(requests[i].sealed), &o), 0);
		assert_int_equal(o.seq, 20);
		assert_int_equal(oscore_open(&k, &o, &b, &in), 0);
		assert_hex(b.p, b.n, requests[i].open);
		assert_int_equal(in.code, 1);
		assert_false(in.observe || in.have_echo);
	}
}

static void
answers_of_appendix_C_are_sealed(void **state)
{
	static const char plain[] =
	    "64455d1f00003974ff48656c6c6f20576f726c6421";
	struct oscore_keys k = keys_of(&c1);
	struct oscore_asked asked = {{0x14}, 1};
	uint8_t out[256];
	struct buf b = buf_of(out, sizeof(out));

	(void)state;
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){false,
	    0}, hex(plain), &b), 0); /* C.7 */
	assert_hex(b.p, b.n, "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c3152437"
	    "8303cdafae119106");
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true,
	    0}, hex(plain), &b), 0); /* C.8 */
	assert_hex(b.p, b.n, "64445d1f00003974920100ff4d4c13669384b67354b2b617"
	    "5ff4b8658c666a6cf88e");
}

/* MODE.SERVER: somebody between the two changes something. */
static void
MODE_SERVER_a_flipped_bit_is_refused(void **state)
{
	struct oscore_keys k = keys_of(&c3);
	struct slice good = hex(requests[2].sealed), ctx = hex(c3.context);
	/* the header's and the host's bytes are not protected */
	size_t protected = good.n - 26, refused = 0;

	(void)state;
	for (size_t i = 0; i < good.n * 8; i++) {
		uint8_t bad[256], out[256];
		struct buf b = buf_of(out, sizeof(out));
		struct oscore_outer o;
		struct oscore_inner in;
		int rc;

		memcpy(bad, good.p, good.n);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		rc = oscore_read(slice_of(bad, good.n), &o);
		/* who looks the context up compares these two */
		if (rc == 0 && (o.kid.n != 0 || !slice_eq(o.context, ctx)))
			rc = ERR_NOT_FOUND;
		if (rc != 0 || i / 8 < protected)
			continue;
		assert_int_equal(oscore_open(&k, &o, &b, &in), ERR_DIGEST);
		refused++;
	}
	assert_true(refused > 13 * 8); /* what is sealed, and the number */
	for (size_t n = 0; n < good.n; n++) {
		struct oscore_outer o;
		struct oscore_inner in;
		uint8_t out[256];
		struct buf b = buf_of(out, sizeof(out));

		if (oscore_read(slice_sub(good, 0, n), &o) == 0)
			assert_int_equal(oscore_open(&k, &o, &b, &in),
			    ERR_DIGEST);
	}
}

static void
an_option_that_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *message;
		int rc;
	} v[] = {
		{"4002123493090120ff0000", 0}, /* id 20 */
		{"40021234920901ff0000", 0}, /* no id: its length is 0 */
		{"40021234910aff0000", ERR_BAD_OPTION}, /* no number */
		{"4002123490ff0000", ERR_BAD_OPTION}, /* nothing */
		{"400212349208ff0000", ERR_MALFORMED},
		{"40021234920108ff0000", ERR_BAD_OPTION}, /* no kid flag */
		{"40021234930a0001ff0000", ERR_BAD_OPTION}, /* 0001 */
		{"4002123492290aff0000", ERR_BAD_OPTION}, /* reserved */
		{"40021234970e010203040506ff0000", ERR_BAD_OPTION},
		{"40021234960d0102030405ff0000", 0},
		{"40021234931901ffff0000", ERR_BAD_OPTION}, /* context short */
		{"40021234990901aabbccddeeff11ff0000", 0}, /* 7 bytes of id */
		{"400212349a0901aabbccddeeff1122ff0000", ERR_BAD_OPTION},
		{"40021234920901", ERR_MALFORMED}, /* nothing is sealed */
		{"40021234920901ff", ERR_MALFORMED},
		{"4002123492090120ff0000", ERR_BAD_OPTION}, /* 11: Uri-Path */
		{"40021234920901" "00ff0000", ERR_BAD_OPTION}, /* twice */
		{"40011234920901ff0000", ERR_NOT_FOUND}, /* GET outside */
		{"60021234920901ff0000", ERR_NOT_FOUND}, /* an ACK */
		{"40021234", ERR_NOT_FOUND},
		{"80021234920901ff0000", ERR_MALFORMED}, /* version */
		{"49021234920901ff0000", ERR_MALFORMED}, /* token */
		{"400212", ERR_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct oscore_outer o;
		int rc = oscore_read(hex(v[i].message), &o);

		if (rc != v[i].rc)
			fail_msg("%s: %s, not %s", v[i].message, err_name(rc),
			    err_name(v[i].rc));
	}
}

/* Seals as a client does. */
static size_t
request(const struct oscore_keys *k, const char *plain, uint8_t *out)
{
	static const uint8_t piv[] = {5};
	struct slice kid = slice_of(k->recipient.b, k->recipient.n);
	struct oscore_nonce n = {k->recipient, slice_of(piv, 1)};
	struct oscore_text t = {k->recipient_key, k->iv, &n, kid, n.piv};
	struct slice p = hex(plain);
	struct buf b = buf_of(out, 256);

	buf_put(&b, hex("41020001aa"));
	buf_put_u8(&b, (uint8_t)(0x90 | (2 + kid.n)));
	buf_put(&b, hex("0905"));
	buf_put(&b, kid);
	buf_put_u8(&b, 0xff);
	assert_int_equal(oscore_encrypt(&t, p, out + b.n), 0);
	return b.n + p.n + OSCORE_TAG;
}

static void
what_is_inside_must_be_a_request(void **state)
{
	static const struct {
		const char *plain;
		int rc;
	} v[] = {
		{"01", 0}, {"0160", 0}, {"02ff00", 0},
		{"00", ERR_MALFORMED}, /* an empty message */
		{"45", ERR_MALFORMED}, /* a response */
		{"20", ERR_MALFORMED},
		{"02ff", ERR_MALFORMED}, /* a marker, and nothing */
		{"01b5", ERR_MALFORMED}, /* an option that is cut off */
		{"01f0", ERR_MALFORMED},
		{"019109", ERR_MALFORMED}, /* OSCORE in OSCORE */
	};
	struct oscore_keys k = keys_of(&c2);

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t in[256], out[256];
		size_t n = request(&k, v[i].plain, in);
		struct buf b = buf_of(out, sizeof(out));
		struct oscore_outer o;
		struct oscore_inner inner;

		assert_int_equal(oscore_read(slice_of(in, n), &o), 0);
		assert_int_equal(oscore_open(&k, &o, &b, &inner), v[i].rc);
	}
}

static void
observe_and_echo_are_seen_inside(void **state)
{
	struct oscore_keys k = keys_of(&c2);
	uint8_t in[256], out[256];
	size_t n = request(&k, "0160d4e9" "01020304", in);
	struct buf b = buf_of(out, sizeof(out));
	struct oscore_outer o;
	struct oscore_inner inner;

	(void)state;
	assert_int_equal(oscore_read(slice_of(in, n), &o), 0);
	assert_int_equal(oscore_open(&k, &o, &b, &inner), 0);
	assert_true(inner.observe && inner.have_echo);
	assert_true(slice_eq(inner.echo, hex("01020304")));
	assert_hex(b.p, b.n, "41010001aa60d4e901020304");
	/* a buffer that is one byte too small */
	b = buf_of(out, b.n - 1);
	assert_int_equal(oscore_open(&k, &o, &b, &inner), ERR_SPACE);
	/* cancelling is no observing */
	n = request(&k, "016101", in);
	b = buf_of(out, sizeof(out));
	assert_int_equal(oscore_read(slice_of(in, n), &o), 0);
	assert_int_equal(oscore_open(&k, &o, &b, &inner), 0);
	assert_false(inner.observe);
}

static void
a_notification_has_its_number_outside_and_needs_a_nonce(void **state)
{
	struct oscore_keys k = keys_of(&c1);
	struct oscore_asked asked = {{0x14}, 1};
	struct slice in = hex("4145000177" "620102" "6132" "ff40");
	uint8_t out[256];
	struct buf b = buf_of(out, sizeof(out));

	(void)state;
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){false,
	    0}, in, &b), ERR_STATE);
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true,
	    0x100}, in, &b), 0);
	/* 2.05, Observe 0102, OSCORE with 0100 */
	assert_hex(b.p, 12, "4145000177" "620102" "33020100");
	assert_int_equal(b.n, 13 + 1 + 1 + 2 + 2 + OSCORE_TAG);
	/* not one number more than there are */
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true,
	    OSCORE_SEQ_END - 1}, in, &b), 0);
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true,
	    OSCORE_SEQ_END}, in, &b), ERR_STATE);
	/* neither a request nor too large a message is sealed */
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true, 1},
	    hex("41010001770102"), &b), ERR_MALFORMED);
	b = buf_of(out, 20);
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true, 1},
	    in, &b), ERR_SPACE);
}

static void
the_largest_message_is_sealed_and_one_more_is_not(void **state)
{
	struct oscore_keys k = keys_of(&c1);
	struct oscore_asked asked = {{1}, 1};
	static uint8_t in[LIMIT_OSCORE_MESSAGE + 64];
	static uint8_t out[sizeof(in) + OSCORE_GROWS];
	struct buf b = buf_of(out, sizeof(out));
	size_t most = LIMIT_OSCORE_MESSAGE + 3; /* a code for a header */

	(void)state;
	memcpy(in, "\x40\x45\0\1\xff", 5);
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true, 1},
	    slice_of(in, most), &b), 0);
	assert_true(b.n <= most + OSCORE_GROWS);
	assert_int_equal(oscore_seal(&k, &asked, (struct oscore_with){true, 1},
	    slice_of(in, most + 1), &b), ERR_SPACE);
}

/* The window against a list of everything that was ever taken. */
static void
REQ_SEC_SEQUENCE_a_number_is_taken_once(void **state)
{
	struct oscore_window w = {.known = true};
	static bool taken[4096];
	uint64_t top = 0;

	(void)state;
	srand(8613);
	for (int i = 0; i < 200000; i++) {
		uint64_t from = top > 100 ? top - 100 : 0;
		uint64_t seq = from + (uint64_t)rand() % 160;
		bool want;

		if (seq >= 4096)
			break;
		want = !taken[seq] && (seq >= top || top - 1 - seq < 64);
		assert_int_equal(oscore_window_check(&w, seq), want ? 0 :
		    ERR_SEQUENCE);
		if (!want)
			continue;
		oscore_window_take(&w, seq);
		taken[seq] = true;
		if (seq >= top)
			top = seq + 1;
	}
	assert_true(top > 3000);
}

static void
REQ_SEC_SEQUENCE_what_was_before_a_start_needs_a_proof(void **state)
{
	struct oscore_window w = {.above = 100};

	(void)state;
	assert_int_equal(oscore_window_check(&w, 0), ERR_UNAUTHORIZED);
	assert_int_equal(oscore_window_check(&w, 99), ERR_UNAUTHORIZED);
	assert_int_equal(oscore_window_check(&w, 100), 0);
	oscore_window_take(&w, 50); /* it was proven */
	assert_int_equal(oscore_window_check(&w, 50), ERR_SEQUENCE);
	assert_int_equal(oscore_window_check(&w, 49), ERR_SEQUENCE);
	assert_int_equal(oscore_window_check(&w, 0), ERR_SEQUENCE);
	assert_int_equal(oscore_window_check(&w, 51), 0);
	oscore_window_take(&w, OSCORE_SEQ_END - 1);
	assert_int_equal(oscore_window_check(&w, 51), ERR_SEQUENCE);
}

static void
a_secret_is_stored_and_read(void **state)
{
	static const struct given *const all[] = {&c1, &c2, &c3};
	uint8_t bytes[LIMIT_SECRET];
	struct oscore_secret s, r;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		s = secret_of(all[i]);
		b = buf_of(bytes, sizeof(bytes));
		oscore_secret_put(&s, &b);
		assert_false(b.over);
		assert_int_equal(oscore_secret_get(buf_slice(&b), &r), 0);
		assert_memory_equal(&s, &r, sizeof(s));
		for (size_t n = 0; n < b.n; n++)
			assert_int_not_equal(oscore_secret_get(slice_of(bytes,
			    n), &r), 0);
		buf_put_u8(&b, 0);
		assert_int_equal(oscore_secret_get(buf_slice(&b), &r),
		    ERR_TRAILING);
	}
	/* the largest one fits the store */
	s = (struct oscore_secret){LIMIT_OSCORE_MASTER, LIMIT_OSCORE_SALT,
	    LIMIT_OSCORE_CONTEXT, .have_context = true,
	    .sender = {OSCORE_ID, {1}}, .recipient = {OSCORE_ID, {2}}};
	b = buf_of(bytes, sizeof(bytes));
	oscore_secret_put(&s, &b);
	assert_false(b.over);
	assert_int_equal(oscore_secret_get(buf_slice(&b), &r), 0);
}

static void
a_secret_that_is_short_or_for_one_id_is_refused(void **state)
{
	struct oscore_secret s = secret_of(&c2);

	(void)state;
	assert_int_equal(oscore_secret_check(&s, NULL), 0);
	s.master_n = LIMIT_OSCORE_MASTER_LEAST - 1;
	assert_int_equal(oscore_secret_check(&s, NULL), ERR_KEY);
	s = secret_of(&c2);
	s.recipient = s.sender;
	assert_int_equal(oscore_secret_check(&s, NULL), ERR_KEY);
	/* one byte more than there is room for */
	assert_int_equal(oscore_secret_get(hex("855821" "00000000000000000000"
	    "0000000000000000000000000000000000000000000000" "40" "4101" "40"
	    "f6"), &s), ERR_SIZE);
}

static void
identities_tell_ids_and_contexts_apart(void **state)
{
	char a[OSCORE_IDENTITY + 1], b[OSCORE_IDENTITY + 1];

	(void)state;
	oscore_identity(hex("00ff"), false, SLICE_NONE, a);
	assert_string_equal(a, "00ff");
	oscore_identity(hex("00ff"), true, SLICE_NONE, b);
	assert_string_equal(b, "00ff@");
	oscore_identity(hex("00112233445566"), true,
	    hex("00112233445566778899aabbccddeeff"), a);
	assert_string_equal(a,
	    "00112233445566@00112233445566778899aabbccddeeff");
	assert_int_equal(strlen(a), OSCORE_IDENTITY);
	oscore_identity(SLICE_NONE, false, SLICE_NONE, a);
	assert_string_equal(a, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_appendix_C),
		cmocka_unit_test(requests_of_appendix_C_are_opened),
		cmocka_unit_test(answers_of_appendix_C_are_sealed),
		cmocka_unit_test(MODE_SERVER_a_flipped_bit_is_refused),
		cmocka_unit_test(an_option_that_is_wrong_is_refused),
		cmocka_unit_test(what_is_inside_must_be_a_request),
		cmocka_unit_test(observe_and_echo_are_seen_inside),
		cmocka_unit_test(
		    a_notification_has_its_number_outside_and_needs_a_nonce),
		cmocka_unit_test(
		    the_largest_message_is_sealed_and_one_more_is_not),
		cmocka_unit_test(REQ_SEC_SEQUENCE_a_number_is_taken_once),
		cmocka_unit_test(
		    REQ_SEC_SEQUENCE_what_was_before_a_start_needs_a_proof),
		cmocka_unit_test(a_secret_is_stored_and_read),
		cmocka_unit_test(
		    a_secret_that_is_short_or_for_one_id_is_refused),
		cmocka_unit_test(identities_tell_ids_and_contexts_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
