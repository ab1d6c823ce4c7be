/*
 * Manifests for tests, by hand: hex with '<' and '>' around what becomes
 * the content of a bstr, e.g. "a1 03 <a0>" is {3: <<{}>>}.
 */
#ifndef SUITD_TESTS_LIB_MANIFEST_MAKE_H
#define SUITD_TESTS_LIB_MANIFEST_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cbor.h"
#include "lib/manifest.h"

#define VENDOR "50 00112233445566778899aabbccddeeff"
#define CLASS "50 ffeeddccbbaa99887766554433221100"
#define CLASS2 "50 0f0e0d0c0b0a09080706050403020100"
#define D32 "5820 000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f"
#define E32 "5820 ff0102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f"
#define DIGEST_D "<82 2f " D32 ">"
#define DIGEST_E "<82 2f " E32 ">"
/* [20 {vendor, class, digest, size 5000}, 1 15, 2 15] */
#define SHARED "<86 14 a4 01" VENDOR "02" CLASS "03" DIGEST_D \
	"0e 191388 010f 020f>"
#define COMMON "03 <a2 02 81 81 4100 04 " SHARED ">"
#define URI_A "78 1a 636f61703a2f2f5b323030313a6462383a3a315d2f612e62696e"
/* [20 {uri}, 21 2, 3 15] */
#define INSTALL "14 <86 14 a1 15" URI_A "15 02 03 0f>"
#define VALIDATE "07 <82 03 0f>"
#define MANIFEST "a5 01 01 02 07" COMMON VALIDATE INSTALL

struct made {
	uint8_t bytes[LIMIT_ENVELOPE + 4096];
	size_t n;
};

static inline int
make_nibble(char c)
{
	return c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Reads `text` up to its end or a '>' into b; where it stopped. */
static inline const char *
make_pack(struct buf *b, const char *text)
{
	while (*text != '\0' && *text != '>') {
		if (*text == '<') {
			uint8_t *inner = malloc(LIMIT_ENVELOPE + 4096);
			struct buf i = buf_of(inner, LIMIT_ENVELOPE + 4096);

			text = make_pack(&i, text + 1);
			assert_int_equal(*text, '>');
			text++;
			cbr_put_bstr(b, buf_slice(&i));
			free(inner);
		} else if (isxdigit((unsigned char)*text)) {
			assert_true(isxdigit((unsigned char)text[1]));
			buf_put_u8(b, (uint8_t)(make_nibble(text[0]) << 4 |
			    make_nibble(text[1])));
			text += 2;
		} else {
			assert_int_equal(*text, ' ');
			text++;
		}
	}
	return text;
}

static inline struct slice
made_slice(const struct made *m)
{
	return slice_of(m->bytes, m->n);
}

static inline void
make_raw(struct made *m, const char *text)
{
	struct buf b = buf_of(m->bytes, sizeof(m->bytes));

	assert_int_equal(*make_pack(&b, text), '\0');
	assert_false(b.over);
	m->n = b.n;
}

/* The keys of all tests; made once. */
struct make_keys {
	struct cose_key *p256, *ed25519, *hmac, *other;
	struct cose_keyring ring; /* all but `other` */
};

static inline struct make_keys *
make_keys(void)
{
	static struct make_keys k;

	if (k.p256 != NULL)
		return &k;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &k.p256), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &k.ed25519), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_HMAC, &k.hmac), 0);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &k.other), 0);
	k.ring = (struct cose_keyring){{k.p256, k.ed25519, k.hmac}, 3};
	return &k;
}

static inline int
make_teardown(void **state)
{
	struct make_keys *k = make_keys();

	(void)state;
	cose_key_free(k->p256);
	cose_key_free(k->ed25519);
	cose_key_free(k->hmac);
	cose_key_free(k->other);
	k->p256 = NULL;
	return 0;
}

/*
 * A well-signed envelope around any manifest, however wrong it is, with
 * `members` (count and hex) after it.
 */
static inline void
make_envelope(struct made *m, const char *manifest, size_t count,
    const char *members)
{
	static struct made inner, wrapped;
	uint8_t digest[64], block[512];
	struct buf b = buf_of(m->bytes, sizeof(m->bytes));
	struct buf d = buf_of(digest, sizeof(digest));
	struct buf s = buf_of(block, sizeof(block));
	struct cose_sign_opts opts = {0};
	struct digest h;
	uint8_t auth[700];
	struct buf a = buf_of(auth, sizeof(auth));
	struct buf w = buf_of(wrapped.bytes, sizeof(wrapped.bytes));

	make_raw(&inner, manifest);
	cbr_put_bstr(&w, made_slice(&inner));
	assert_int_equal(digest_compute(DIGEST_SHA256, buf_slice(&w), &h), 0);
	cbr_put_array(&d, 2);
	cbr_put_int(&d, DIGEST_SHA256);
	cbr_put_bstr(&d, digest_slice(&h));
	assert_int_equal(cose_sign(make_keys()->p256, buf_slice(&d), &opts,
	    &s), 0);
	cbr_put_tag(&b, 107);
	cbr_put_map(&b, 2 + count);
	cbr_put_uint(&b, 2);
	cbr_put_array(&a, 2);
	cbr_put_bstr(&a, buf_slice(&d));
	cbr_put_bstr(&a, buf_slice(&s));
	cbr_put_bstr(&b, buf_slice(&a));
	cbr_put_uint(&b, 3);
	buf_put(&b, buf_slice(&w));
	if (members != NULL)
		assert_int_equal(*make_pack(&b, members), '\0');
	assert_false(b.over);
	m->n = b.n;
}

/* The same in RIOT's dialect, with EdDSA and the digest inside. */
static inline void
make_riot(struct made *m, const char *manifest)
{
	static struct made plain, inner;
	struct buf b = buf_of(plain.bytes, sizeof(plain.bytes));
	struct buf out = buf_of(m->bytes, sizeof(m->bytes));
	struct why why = {0};

	make_raw(&inner, manifest);
	assert_int_equal(*make_pack(&b, "a2 02 <80> 03"), '\0');
	cbr_put_bstr(&b, made_slice(&inner));
	assert_int_equal(manifest_sign(buf_slice(&b), make_keys()->ed25519,
	    NULL, &out, &why), 0);
	m->n = out.n;
}

/* All four steps; the code of the first that fails. */
static inline int
make_judge(struct slice envelope, struct manifest *ret_m,
    struct manifest_proof *ret_proof, struct manifest_plan *ret_plan)
{
	struct why why = {0};
	int rc;

	if ((rc = manifest_parse(envelope, ret_m, &why)) == 0 &&
	    (rc = manifest_verify(ret_m, &make_keys()->ring, ret_proof,
	    &why)) == 0 &&
	    (rc = manifest_walk(ret_m, ret_plan, &why)) == 0)
		rc = manifest_check_integrated(ret_m, ret_plan, &why);
	/* every refusal has its reason */
	assert_int_equal(why.err, rc);
	assert_true(rc == 0 || why.text[0] != '\0');
	return rc;
}

#endif
