/*
 * content: what an answer says of its body (RFC 7252 5.5, RFC 7959, RFC
 * 9290). The front and the image plane both answer from here, so that a
 * device cannot tell which of them it met.
 */
#ifndef SUITD_LIB_CONTENT_H
#define SUITD_LIB_CONTENT_H

#include "lib/block.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

#define CF_TEXT 0
#define CF_COSE_SIGN1 18 /* application/cose; cose-type="cose-sign1" */
#define CF_LINK 40
#define CF_OCTET 42
#define CF_JSON 50
#define CF_CBOR 60
#define CF_COSE_SIGN 98 /* application/cose; cose-type="cose-sign" */
#define CF_PROBLEM 257 /* application/concise-problem-details+cbor */
#define CF_SUIT_REPORT 270
#define CF_NONE 0xffff

#define CONTENT_ETAG 8 /* first bytes of a digest */
#define CONTENT_ETAGS 4 /* of a request that are looked at */

/* Room for any diagnostic body. */
#define CONTENT_DIAGNOSTIC (LIMIT_DIAGNOSTIC * 2 + 64)
/* Max-Age of a 5.03 when nobody knows better, in seconds. */
#define CONTENT_BUSY_S 30

/*
 * The Content-Format of bytes that mean nothing to us: they satisfy any of
 * the formats that devices ask for. `accept` is NULL when none was asked
 * for; else ERR_ACCEPT when it is none of these.
 */
int content_opaque(const uint16_t *accept, uint16_t *ret_cf, struct why *why)
    MUST_USE;

/*
 * The body of an error answer: RFC 9290 when `problem`, else plain text of
 * at most LIMIT_DIAGNOSTIC bytes. `detail` may be "", then the text of `err`
 * stands for it. `out` has CONTENT_DIAGNOSTIC bytes.
 */
void content_diagnose(int err, const char *detail, bool problem,
    struct buf *out);

/* The largest block of at most `bytes`: 0 (16) .. 6 (1024). */
uint8_t content_szx(size_t bytes);

/*
 * Which part of a body of `total` bytes goes out, and whether with Size2.
 * ERR_RANGE past the end, with the reason.
 */
struct content_ask {
	const struct block *b2; /* NULL: the request had none */
	bool size2; /* it asked for the size */
	uint8_t szx; /* of an answer to a request without Block2 */
	uint8_t most; /* never larger: CONTENT_ANY, or what echo_szx said */
};
#define CONTENT_ANY 6 /* 1024 bytes */
struct content_part {
	struct block_slice s;
	bool size2; /* put Size2 into the answer */
};
int content_cut(const struct content_ask *ask, size_t total,
    struct content_part *ret, struct why *why) MUST_USE;

/*
 * The most bytes that stand around a block in an answer with a token of so
 * many bytes: header, ETag, Content-Format, Block2, Size2, marker.
 */
#define CONTENT_HEAD(token_n) (4 + (token_n) + 9 + 3 + 4 + 6 + 1)

/* Does the requester say that it has these very bytes (RFC 7252 5.10.6)? */
bool content_has_etag(const struct slice *etags, size_t n, struct slice etag);

/*
 * A GET has no body (RFC 7252 5.8.1), so none to assemble: its Block1 may
 * only say that all of it is here.
 */
static inline bool
content_whole(struct block b1)
{
	return b1.num == 0 && !b1.more;
}

/* RFC 7967 2.1: bit n-1 suppresses class n; `code` is ccdd. */
bool content_unwanted(unsigned code, uint32_t no_response);

#endif
