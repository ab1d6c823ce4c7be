/*
 * cose_make: two keys of every kind, made once, rings of them, and a message
 * read and verified, for the tests of lib/cose.h.
 */
#ifndef SUITD_TESTS_LIB_COSE_MAKE_H
#define SUITD_TESTS_LIB_COSE_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/cbor.h"
#include "lib/cose_impl.h"
#include "lib/text.h"

static const struct {
	enum cose_key_kind kind;
	int alg[2]; /* both spellings */
	size_t sig;
} kinds[] = {
	{COSE_KEY_P256, {COSE_ES256, COSE_ESP256}, 64},
	{COSE_KEY_P384, {COSE_ES384, COSE_ESP384}, 96},
	{COSE_KEY_P521, {COSE_ES512, COSE_ESP512}, 132},
	{COSE_KEY_ED25519, {COSE_EDDSA, COSE_ED25519}, 64},
	{COSE_KEY_HMAC, {COSE_HMAC256, COSE_HMAC256}, 32},
};
#define KINDS 5

static struct cose_key *keys[KINDS], *others[KINDS];

static inline int
make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		if (cose_key_generate(kinds[i].kind, &keys[i]) != 0 ||
		    cose_key_generate(kinds[i].kind, &others[i]) != 0)
			return -1;
	}
	return 0;
}

static inline int
drop_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		cose_key_free(keys[i]);
		cose_key_free(others[i]);
	}
	return 0;
}

static inline struct slice
hex(const char *s)
{
	static uint8_t mem[4][1024];
	static unsigned turn;
	struct buf b = buf_of(mem[turn++ % 4], sizeof(mem[0]));

	assert_int_equal(text_unhex(slice_str(s), &b), 0);
	return buf_slice(&b);
}

static inline struct cose_keyring
ring_of(const struct cose_key *a, const struct cose_key *b)
{
	struct cose_keyring r = {.n = 0};

	if (a != NULL)
		r.key[r.n++] = a;
	if (b != NULL)
		r.key[r.n++] = b;
	return r;
}

/* Both steps at once, as a reader of messages does them. */
static inline int
prove(struct slice in, struct slice payload, const struct cose_keyring *ring,
    size_t *ret_index)
{
	struct cose_msg m;
	int rc;

	if ((rc = cose_parse(in, &m, NULL)) != 0)
		return rc;
	return cose_verify(&m, payload, ring, ret_index, NULL);
}

#endif
