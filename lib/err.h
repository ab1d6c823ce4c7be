/*
 * err: the one list of errors.
 *
 * Every fallible function of this project returns 0 or one of these codes,
 * all negative. The same line gives the name that a test compares, the text
 * that a person reads and the CoAP code that a peer gets (RFC 7252 5.9).
 */
#ifndef SUITD_LIB_ERR_H
#define SUITD_LIB_ERR_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* E(name, CoAP code as ccdd, text) */
#define ERR_LIST(E) \
	E(INVALID, 400, "invalid argument") \
	E(TRUNCATED, 400, "input ends too early") \
	E(TRAILING, 400, "bytes after the end") \
	E(MALFORMED, 400, "not well-formed") \
	E(TYPE, 400, "wrong type") \
	E(RANGE, 400, "out of range") \
	E(DEPTH, 400, "nested too deeply") \
	E(DUPLICATE, 400, "duplicate key") \
	E(INDEFINITE, 400, "indefinite length") \
	E(ORDER, 400, "wrong order") \
	E(UTF8, 400, "text is not UTF-8") \
	E(MISSING, 400, "a required element is missing") \
	E(UNSUPPORTED, 400, "not supported") \
	E(SIZE, 413, "larger than the limit") \
	E(SPACE, 500, "buffer too small") \
	E(UNSIGNED, 403, "no authentication block") \
	E(SIGNATURE, 403, "no signature by a trusted key") \
	E(DIGEST, 403, "digest does not match") \
	E(ALGORITHM, 403, "algorithm not supported") \
	E(KEY, 400, "not a usable key") \
	E(SEQUENCE, 409, "sequence number not above the current one") \
	E(CLASS, 403, "class not allowed") \
	E(POLICY, 403, "refused by policy") \
	E(STATE, 409, "not possible in this state") \
	E(APPROVAL, 409, "waits for a second person's approval") \
	E(EXISTS, 409, "exists already") \
	E(NOT_FOUND, 404, "not found") \
	E(METHOD, 405, "method not allowed") \
	E(ACCEPT, 406, "content format not available") \
	E(CONTENT_FORMAT, 415, "content format not supported") \
	E(UNAUTHORIZED, 401, "credential required") \
	E(FORBIDDEN, 403, "not allowed for this credential") \
	E(BAD_OPTION, 402, "bad option") \
	E(INCOMPLETE, 408, "body incomplete") \
	E(BUSY, 503, "busy, ask again later") \
	E(LIMIT, 429, "limit reached, ask again later") \
	E(CONFLICT, 409, "changed in the meantime") \
	E(IO, 500, "input/output error") \
	E(NOSPACE, 503, "no space left on the server's disk") \
	E(READONLY, 503, "the server's disk is read-only") \
	E(CORRUPT, 500, "stored data is damaged") \
	E(CRYPTO, 500, "cryptographic library failed") \
	E(TIMEOUT, 504, "no answer") \
	E(UNREACHABLE, 502, "peer cannot be reached") \
	E(REJECTED, 502, "peer refused") \
	E(CANCELLED, 500, "cancelled") \
	E(NOMEM, 503, "out of memory")

enum err {
	ERR_OK = 0,
#define E(name, code, text) ERR_POS_##name,
	ERR_POS_FIRST_ = 0,
	ERR_LIST(E)
#undef E
	ERR_POS_END_,
#define E(name, code, text) ERR_##name = -ERR_POS_##name,
	ERR_LIST(E)
#undef E
};

/* "SIGNATURE"; "OK" for 0; "UNKNOWN" for a number that is no error. */
const char *err_name(int err);
/* A short English phrase without a full stop. */
const char *err_text(int err);
/* CoAP response code as ccdd (404 is 4.04); 500 for an unknown error. */
unsigned err_coap(int err);

/*
 * The reason of a refusal, for a person: names the rule and its section,
 * e.g. "SUIT 5.3: manifest digest does not match". Always NUL-terminated.
 * A function that takes a `struct why *` accepts NULL.
 */
struct why {
	int err;
	char text[240];
};

/* Fills *w when it is not NULL and returns err, so: return why_set(w, ...). */
int why_set(struct why *w, int err, const char *fmt, ...) PRINTF(3, 4);

#endif
