/*
 * cose: COSE_Sign1, COSE_Sign and COSE_Mac0 (RFC 9052, RFC 9053, RFC 9864),
 * verified and made on OpenSSL. Keys are the one thing in lib/ that lives on
 * the heap.
 *
 * Both spellings of the same mathematics are accepted: ES256 (-7) with a
 * P-256 key is ESP256 (-9), EdDSA (-8) with an Ed25519 key is Ed25519 (-19).
 */
#ifndef SUITD_LIB_COSE_H
#define SUITD_LIB_COSE_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

#define COSE_ES256 (-7)
#define COSE_EDDSA (-8)
#define COSE_ESP256 (-9)
#define COSE_ED25519 (-19)
#define COSE_ES384 (-35)
#define COSE_ES512 (-36)
#define COSE_ESP384 (-51)
#define COSE_ESP512 (-52)
#define COSE_HMAC256 5

#define COSE_TAG_MAC0 17
#define COSE_TAG_SIGN1 18
#define COSE_TAG_MAC 97
#define COSE_TAG_SIGN 98

#define COSE_SIGNATURE_MAX 160

struct cose_key;

enum cose_key_kind {
	COSE_KEY_P256,
	COSE_KEY_P384,
	COSE_KEY_P521,
	COSE_KEY_ED25519,
	COSE_KEY_HMAC,
};

/*
 * Reads a public or private key of any kind it recognises: PEM, DER (SPKI,
 * PKCS#8, SEC1), COSE_Key, or any of these in hex. ERR_KEY says in *why
 * what was found instead. The caller frees it with cose_key_free.
 */
int cose_key_parse(struct slice in, struct cose_key **ret_key, struct why *why)
    MUST_USE;
/* A symmetric key for Mac0, 16 to 64 bytes. */
int cose_key_hmac(struct slice raw, struct cose_key **ret_key) MUST_USE;
int cose_key_generate(enum cose_key_kind kind, struct cose_key **ret_key)
    MUST_USE;
void cose_key_free(struct cose_key *key); /* NULL is fine */

enum cose_key_kind cose_key_kind(const struct cose_key *key);
const char *cose_key_kind_name(enum cose_key_kind kind); /* "p256" ... */
bool cose_key_private(const struct cose_key *key); /* HMAC keys: true */
/* The default algorithm of the key: -9, -51, -52, -19 or 5. */
int cose_key_alg(const struct cose_key *key);
const char *cose_alg_name(int64_t alg); /* "ES256"; "?" when unknown */
/* First 8 bytes of SHA-256 over the deterministic public COSE_Key. */
int cose_key_id(const struct cose_key *key, uint8_t ret_kid[8]) MUST_USE;
/* kid given to the key (label 2 of a COSE_Key, or set); empty when none. */
struct slice cose_key_kid(const struct cose_key *key);
int cose_key_set_kid(struct cose_key *key, struct slice kid) MUST_USE;

/*
 * Encodings, of the public half unless with_private; ERR_KEY for an HMAC key,
 * which has none. PEM of a private key is PKCS#8, of a public one SPKI.
 */
int cose_key_put_cose(const struct cose_key *key, struct buf *out) MUST_USE;
/* ... without its kid: the very bytes that cose_key_id hashes. */
int cose_key_put_bare(const struct cose_key *key, struct buf *out) MUST_USE;
int cose_key_put_pem(const struct cose_key *key, bool with_private,
    struct buf *out) MUST_USE;

/* Trusted keys. Borrows the keys. */
struct cose_keyring {
	const struct cose_key *key[LIMIT_KEYRING];
	size_t n;
};

/* What a COSE message says of itself, before anything is proven. */
struct cose_msg {
	uint64_t tag; /* 17, 18, 98; 97 is not supported */
	struct slice prot; /* protected bstr content, as sent */
	int64_t alg; /* 0: none given */
	struct slice kid; /* either header; empty when none */
	struct slice payload; /* p is NULL when detached (nil) */
	struct slice sig; /* signature or tag; the first signer's in Sign */
	struct slice rest; /* COSE_Sign: the raw signatures array */
};

/*
 * Reads one tagged COSE message; `tag` 0 in *ret when untagged (a caller
 * that wants a tag refuses it). ERR_TRAILING when bytes follow. Two errors
 * mean "fine, but not for us", so that a block can be skipped: ERR_ALGORITHM
 * for COSE_Mac, ERR_UNSUPPORTED for a critical header we do not know.
 */
int cose_parse(struct slice in, struct cose_msg *ret_msg, struct why *why)
    MUST_USE;

/*
 * Proves a message with any key of the ring: keys whose kid equals the
 * message's first, then every other key that fits the algorithm. `payload`
 * is the detached payload; SLICE_NONE when the message has it attached (if
 * both are there they must be equal).
 * *ret_index is the ring index of the key that proved it.
 * ERR_ALGORITHM: not known here (skip the block). ERR_SIGNATURE: no key.
 */
int cose_verify(const struct cose_msg *msg, struct slice payload,
    const struct cose_keyring *ring, size_t *ret_index, struct why *why)
    MUST_USE;

/*
 * COSE_Sign, signer by signer: for those who count signatures. What a signer
 * says of itself, before anything is proven.
 */
struct cose_signer {
	struct slice prot; /* its protected bstr's content, as sent */
	int64_t alg; /* 0: none known in the protected header */
	struct slice kid; /* either header; empty when none */
	struct slice sig;
};
/* Signer `i` of a message that cose_parse read; ERR_NOT_FOUND past the last. */
int cose_signer_at(const struct cose_msg *msg, size_t i,
    struct cose_signer *ret) MUST_USE;
/*
 * Whether `key` made this signature over the attached payload. `scratch` is
 * the caller's room for what is signed: the payload, both protected headers
 * and COSE_SIGNER_ROOM; ERR_SPACE when it does not do.
 * ERR_ALGORITHM: not known here. ERR_SIGNATURE: not made by this key.
 */
#define COSE_SIGNER_ROOM 32
int cose_signer_verify(const struct cose_msg *msg,
    const struct cose_signer *signer, const struct cose_key *key,
    struct buf scratch) MUST_USE;
/*
 * Appends a COSE_Signature by `key`, algorithm and the key's id (cose_key_id)
 * in its protected header, over a body with protected header and payload.
 */
int cose_signer_put(const struct cose_key *key, struct slice body_prot,
    struct slice payload, struct buf *out) MUST_USE;

struct cose_sign_opts {
	int alg; /* 0: the key's default */
	struct slice kid; /* put into the unprotected header when not empty */
	bool kid_protected; /* ... into the protected one instead */
	bool attached; /* payload inside of the message (RIOT's dialect) */
};
/* Appends a tagged COSE_Sign1 (COSE_Mac0 for an HMAC key) to `out`. */
int cose_sign(const struct cose_key *key, struct slice payload,
    const struct cose_sign_opts *opts, struct buf *out) MUST_USE;

#endif
