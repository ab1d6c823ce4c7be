#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/cbor.h"
#include "lib/cose_impl.h"
#include "lib/text.h"

/* RFC 8032 7.1, test 1 */
#define ED_D "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define ED_X "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
/* RFC 6979 A.2.5 */
#define EC_D "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define EC_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define EC_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define K16 "000102030405060708090a0b0c0d0e0f"

/* An EC2 key of P-256 with more members in front; n is the map's head. */
#define EC(n, more) n "0102" more "2001215820" EC_X "225820" EC_Y

static void
cose_keys_and_what_is_wrong_with_them(void **state)
{
	static const struct {
		const char *hex;
		int rc;
		enum cose_key_kind kind;
		bool priv;
		const char *kid;
	} t[] = {
		{EC("a4", ""), 0, COSE_KEY_P256, false, ""},
		{EC("a5", "02426b31"), 0, COSE_KEY_P256, false, "k1"},
		{EC("a5", "0326"), 0, COSE_KEY_P256, false, ""},
		{EC("a5", "0328"), 0, COSE_KEY_P256, false, ""},
		{EC("a5", "048102"), 0, COSE_KEY_P256, false, ""},
		{EC("a5", "04820102"), 0, COSE_KEY_P256, false, ""},
		{EC("a5", "616100"), 0, COSE_KEY_P256, false, ""},
		{EC("a5", "") "235820" EC_D, 0, COSE_KEY_P256, true, ""},
		/* compressed: y is odd here */
		{"a401022001215820" EC_X "22f5", 0, COSE_KEY_P256, false, ""},
		/* k, crv before kty */
		{"a3200121 5820" ED_X "0101", ERR_KEY, 0, false, ""},
		{"a3200621 5820" ED_X "0101", 0, COSE_KEY_ED25519, false, ""},
		{"a301012006215820" ED_X, 0, COSE_KEY_ED25519, false, ""},
		{"a401012006215820" ED_X "235820" ED_D, 0, COSE_KEY_ED25519,
		    true, ""},
		{"a301012006235820" ED_D, 0, COSE_KEY_ED25519, true, ""},
		{"a2010420 50" K16, 0, COSE_KEY_HMAC, true, ""},
		{"a2 2050" K16 "0104", 0, COSE_KEY_HMAC, true, ""},
		{"a3010403052050" K16, 0, COSE_KEY_HMAC, true, ""},
		/* for something else: RFC 9052 7.1 */
		{EC("a5", "03381c"), ERR_KEY, 0, false, ""},
		{EC("a5", "033822"), ERR_KEY, 0, false, ""},
		{EC("a5", "0305"), ERR_KEY, 0, false, ""},
		{EC("a5", "048107"), ERR_KEY, 0, false, ""},
		{EC("a5", "0480"), ERR_KEY, 0, false, ""},
		{"a301012004215820" ED_X, ERR_KEY, 0, false, ""},
		{EC("a4", "") "00", ERR_KEY, 0, false, ""},
		/* not on the curve; halves of two keys; wrong lengths */
		{"a4010220012158 20" EC_Y "225820" EC_X, ERR_KEY, 0, false,
		    ""},
		{EC("a5", "") "235820" ED_D, ERR_KEY, 0, false, ""},
		{"a401012006215820" EC_X "235820" ED_D, ERR_KEY, 0, false,
		    ""},
		{"a401022002215820" EC_X "225820" EC_Y, ERR_KEY, 0, false,
		    ""},
		{"a401022001 2141 01 2241 01", ERR_KEY, 0, false, ""},
		{"a301022001235820" EC_D, ERR_KEY, 0, false, ""},
		{"a30101200621 4101", ERR_KEY, 0, false, ""},
		{"a2010120 06", ERR_KEY, 0, false, ""},
		{"a2010420 4f 000102030405060708090a0b0c0d0e", ERR_KEY, 0,
		    false, ""},
		{"a10104", ERR_KEY, 0, false, ""},
		{"a0", ERR_KEY, 0, false, ""},
		{"a2010101 02", ERR_KEY, 0, false, ""},
		{"a2010102", ERR_KEY, 0, false, ""},
		{"a101634f4b50", ERR_KEY, 0, false, ""},
		{EC("a5", "026161"), ERR_KEY, 0, false, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cose_key *key = NULL;
		struct why why = {0, ""};
		int rc = cose_key_parse(slice_str(t[i].hex), &key, &why);

		if (rc != t[i].rc)
			fail_msg("%s: %s %s", t[i].hex, err_name(rc),
			    why.text);
		assert_true(rc == 0 || (why.err == rc && key == NULL));
		if (rc != 0)
			continue;
		assert_int_equal(cose_key_kind(key), t[i].kind);
		assert_int_equal(cose_key_private(key), t[i].priv);
		assert_true(slice_eq_str(cose_key_kid(key), t[i].kid));
		cose_key_free(key);
	}
}

/* SPKI and PKCS#8 of the RFC 8032 key, and what is no DER key. */
static void
der_keys(void **state)
{
	static const struct {
		const char *hex;
		int rc;
		bool priv;
	} t[] = {
		{"302a300506032b6570032100" ED_X, 0, false},
		{"302e020100300506032b657004220420" ED_D, 0, true},
		{"302a300506032b6570032100" ED_X "00", ERR_KEY, false},
		{"302a300506032b656e032100" ED_X, ERR_KEY, false}, /* X25519 */
		{"302a300506032b6570032100", ERR_KEY, false},
		{"3000", ERR_KEY, false},
		{"30", ERR_KEY, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint8_t mem[128];
		struct buf b = buf_of(mem, sizeof(mem));
		struct cose_key *key;

		assert_int_equal(text_unhex(slice_str(t[i].hex), &b), 0);
		for (int as_hex = 0; as_hex < 2; as_hex++) {
			assert_int_equal(cose_key_parse(as_hex
			    ? slice_str(t[i].hex) : buf_slice(&b), &key,
			    NULL), t[i].rc);
			if (t[i].rc != 0)
				continue;
			assert_int_equal(cose_key_kind(key),
			    COSE_KEY_ED25519);
			assert_int_equal(cose_key_private(key), t[i].priv);
			cose_key_free(key);
		}
	}
}

static void
things_that_are_no_key(void **state)
{
	static const char *const t[] = {
		"", " ", "hello", "00", "zz", "ff",
		"-----BEGIN PUBLIC KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n"
		"-----END CERTIFICATE-----\n",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n",
		"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
		"MAA=\n-----END EC PRIVATE KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
	};
	static uint8_t big[8193];
	struct cose_key *key;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct why why = {0, ""};

		assert_int_equal(cose_key_parse(slice_str(t[i]), &key, &why),
		    ERR_KEY);
		assert_int_equal(why.err, ERR_KEY);
	}
	assert_int_equal(cose_key_parse(slice_of(big, sizeof(big)), &key,
	    NULL), ERR_KEY);
}

static void
same_key(const struct cose_key *key, struct slice in, bool priv)
{
	uint8_t a[8], b[8];
	struct cose_key *twin;

	assert_int_equal(cose_key_parse(in, &twin, NULL), 0);
	assert_int_equal(cose_key_kind(twin), cose_key_kind(key));
	assert_int_equal(cose_key_private(twin), priv);
	assert_int_equal(cose_key_id(key, a), 0);
	assert_int_equal(cose_key_id(twin, b), 0);
	assert_memory_equal(a, b, 8);
	cose_key_free(twin);
}

static void
every_encoding_gives_the_same_key(void **state)
{
	uint8_t mem[2048];
	char hex[4097];

	(void)state;
	for (int k = 0; k < COSE_KEY_HMAC; k++) {
		struct cose_key *key;
		struct buf b = buf_of(mem, sizeof(mem));

		assert_int_equal(cose_key_generate((enum cose_key_kind)k,
		    &key), 0);
		assert_true(cose_key_private(key));
		assert_int_equal(cose_key_put_pem(key, true, &b), 0);
		same_key(key, buf_slice(&b), true);
		same_key(key, slice_str(text_hex(buf_slice(&b), hex,
		    sizeof(hex))), true);
		b.n = 0;
		assert_int_equal(cose_key_put_pem(key, false, &b), 0);
		assert_null(memmem(mem, b.n, "PRIVATE", 7));
		same_key(key, buf_slice(&b), false);
		b.n = 0;
		assert_int_equal(cose_key_put_cose(key, &b), 0);
		assert_int_equal(cbr_check(buf_slice(&b)), 0);
		same_key(key, buf_slice(&b), false);
		cose_key_free(key);
	}
}

/* RFC 9053 7.1.1: y as its sign; true is odd, as this key's. */
static void
a_compressed_point_is_the_same_key(void **state)
{
	struct cose_key *key;
	uint8_t a[8], b[8];
	struct cose_key *other;

	(void)state;
	assert_int_equal(cose_key_parse(slice_str(EC("a4", "")), &key, NULL),
	    0);
	same_key(key, slice_str("a401022001215820" EC_X "22f5"), false);
	assert_int_equal(cose_key_parse(
	    slice_str("a401022001215820" EC_X "22f4"), &other, NULL), 0);
	assert_int_equal(cose_key_id(key, a), 0);
	assert_int_equal(cose_key_id(other, b), 0);
	assert_memory_not_equal(a, b, 8);
	cose_key_free(key);
	cose_key_free(other);
}

/* "openssl ecparam -genkey" writes the parameters first. */
static void
parameters_before_a_key_are_passed_over(void **state)
{
	static const char params[] = "-----BEGIN EC PARAMETERS-----\n"
				     "BggqhkjOPQMBBw==\n"
				     "-----END EC PARAMETERS-----\n";
	uint8_t mem[2048];
	struct buf b = buf_of(mem, sizeof(mem));
	struct cose_key *key;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &key), 0);
	buf_puts(&b, params);
	assert_int_equal(cose_key_put_pem(key, true, &b), 0);
	same_key(key, buf_slice(&b), true);
	cose_key_free(key);
}

static void
the_public_encoding_is_deterministic(void **state)
{
	uint8_t mem[256];
	struct buf b = buf_of(mem, sizeof(mem));
	char hex[513];
	struct cose_key *key;

	(void)state;
	assert_int_equal(cose_key_parse(
	    slice_str("a401012006215820" ED_X "235820" ED_D), &key, NULL),
	    0);
	assert_int_equal(cose_key_put_cose(key, &b), 0);
	assert_string_equal(text_hex(buf_slice(&b), hex, sizeof(hex)),
	    "a301012006215820" ED_X);
	assert_int_equal(cose_key_set_kid(key, slice_str("k1")), 0);
	b.n = 0;
	assert_int_equal(cose_key_put_cose(key, &b), 0);
	assert_string_equal(text_hex(buf_slice(&b), hex, sizeof(hex)),
	    "a4010102426b312006215820" ED_X);
	cose_key_free(key);
}

static void
the_kid_is_no_part_of_the_id(void **state)
{
	struct cose_key *key;
	uint8_t a[8], b[8];
	static const uint8_t kid[LIMIT_KID + 1];

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P384, &key), 0);
	assert_int_equal(cose_key_id(key, a), 0);
	assert_int_equal(cose_key_set_kid(key, slice_of(kid, LIMIT_KID)), 0);
	assert_int_equal(cose_key_set_kid(key, slice_of(kid, LIMIT_KID + 1)),
	    ERR_SIZE);
	assert_int_equal(cose_key_kid(key).n, LIMIT_KID);
	assert_int_equal(cose_key_id(key, b), 0);
	assert_memory_equal(a, b, 8);
	cose_key_free(key);
}

static void
secrets_stay_inside(void **state)
{
	struct cose_key *key, *pub;
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem)), small = buf_of(mem, 10);

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_HMAC, &key), 0);
	assert_int_equal(cose_key_put_cose(key, &b), ERR_KEY);
	assert_int_equal(cose_key_put_pem(key, false, &b), ERR_KEY);
	assert_int_equal(cose_key_put_pem(key, true, &b), ERR_KEY);
	assert_int_equal(b.n, 0);
	cose_key_free(key);
	assert_int_equal(cose_key_parse(slice_str("a301012006215820" ED_X),
	    &pub, NULL), 0);
	assert_int_equal(cose_key_put_pem(pub, true, &b), ERR_KEY);
	assert_int_equal(cose_key_put_pem(pub, false, &small), ERR_SPACE);
	assert_int_equal(cose_key_put_cose(pub, &small), ERR_SPACE);
	assert_int_equal(small.n, 0);
	cose_key_free(pub);
	cose_key_free(NULL);
}

static void
symmetric_keys_have_16_to_64_bytes(void **state)
{
	static const uint8_t raw[65];
	struct cose_key *key;

	(void)state;
	assert_int_equal(cose_key_hmac(slice_of(raw, 15), &key), ERR_KEY);
	assert_int_equal(cose_key_hmac(slice_of(raw, 65), &key), ERR_KEY);
	for (size_t n = 16; n <= 64; n += 48) {
		assert_int_equal(cose_key_hmac(slice_of(raw, n), &key), 0);
		assert_int_equal(cose_key_alg(key), COSE_HMAC256);
		cose_key_free(key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cose_keys_and_what_is_wrong_with_them),
		cmocka_unit_test(der_keys),
		cmocka_unit_test(things_that_are_no_key),
		cmocka_unit_test(every_encoding_gives_the_same_key),
		cmocka_unit_test(a_compressed_point_is_the_same_key),
		cmocka_unit_test(parameters_before_a_key_are_passed_over),
		cmocka_unit_test(the_public_encoding_is_deterministic),
		cmocka_unit_test(the_kid_is_no_part_of_the_id),
		cmocka_unit_test(secrets_stay_inside),
		cmocka_unit_test(symmetric_keys_have_16_to_64_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
