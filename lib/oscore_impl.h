/*
 * oscore_impl: what oscore.c needs of cryptography, for nobody else.
 *
 *   oscore.c        messages, and which numbers were seen
 *   oscore_crypt.c  keys, nonces, one AEAD
 *   oscore_secret.c what both sides were given
 */
#ifndef SUITD_LIB_OSCORE_IMPL_H
#define SUITD_LIB_OSCORE_IMPL_H

#include "lib/oscore.h"

/* Whose number it is: a nonce is made of both (RFC 8613 5.2). */
struct oscore_nonce {
	struct oscore_id id;
	struct slice piv;
};

/* One text, and the request that it is or answers (RFC 8613 5.4). */
struct oscore_text {
	const uint8_t *key, *iv;
	const struct oscore_nonce *nonce;
	struct slice request_kid, request_piv;
};

/* Writes in.n + OSCORE_TAG bytes. */
int oscore_encrypt(const struct oscore_text *t, struct slice in, uint8_t *out)
    MUST_USE;
/* Writes in.n - OSCORE_TAG bytes; ERR_DIGEST. */
int oscore_decrypt(const struct oscore_text *t, struct slice in, uint8_t *out)
    MUST_USE;

#endif
