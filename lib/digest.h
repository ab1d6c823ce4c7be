/*
 * digest: SHA-2 by COSE algorithm number (RFC 9054), on OpenSSL.
 */
#ifndef SUITD_LIB_DIGEST_H
#define SUITD_LIB_DIGEST_H

#include "lib/err.h"
#include "lib/slice.h"

#define DIGEST_SHA256 (-16)
#define DIGEST_SHA384 (-43)
#define DIGEST_SHA512 (-44)
#define DIGEST_MAX 64

/* An algorithm and its value; alg 0 means none. */
struct digest {
	int alg;
	size_t n;
	uint8_t b[DIGEST_MAX];
};

/* 0 when `alg` cannot be computed here (SHAKE among them). */
size_t digest_size(int alg);
int digest_compute(int alg, struct slice in, struct digest *ret) MUST_USE;
bool digest_eq(const struct digest *a, const struct digest *b);
static inline struct slice
digest_slice(const struct digest *d)
{
	return slice_of(d->b, d->n);
}

/*
 * SHA-1 of the two parts in a row. For name-based UUIDs (RFC 9562 5.5) and
 * nothing else: it is kept out of the table above on purpose.
 */
#define DIGEST_SHA1_SIZE 20
int digest_sha1(struct slice a, struct slice b, uint8_t ret[DIGEST_SHA1_SIZE])
    MUST_USE;

/* Incremental; digest_free(NULL) is fine. */
struct digest_ctx;
struct digest_ctx *digest_new(int alg); /* NULL: unknown algorithm */
int digest_update(struct digest_ctx *c, struct slice in) MUST_USE;
int digest_final(struct digest_ctx *c, struct digest *ret) MUST_USE;
void digest_free(struct digest_ctx *c);

#endif
