/*
 * fresh: what a server says is current, to a device without a clock. The
 * device sends a nonce; a key of the trust list with the role freshness, which
 * can do nothing else, signs it together with the number of the newest list
 * and the sequence numbers of the newest manifests. Whoever replays an old
 * answer has the wrong nonce; whoever holds an old manifest back cannot make
 * such an answer (TUF: indefinite freeze).
 *
 *   ask    = {1 => nonce, ? 2 => [1*8 class-id]}
 *   answer = COSE_Sign1, payload attached:
 *            {1 => nonce, 2 => list number, 3 => {* class-id => sequence}}
 *
 * Strict CBOR, without unknown keys.
 */
#ifndef SUITD_LIB_FRESH_H
#define SUITD_LIB_FRESH_H

#include "lib/trust.h"

struct fresh_ask {
	struct slice nonce; /* LIMIT_NONCE_LEAST .. LIMIT_NONCE bytes */
	size_t class_count; /* up to LIMIT_FRESH_CLASSES */
	uint8_t class_id[LIMIT_FRESH_CLASSES][16];
};
/* ERR_MISSING: no nonce. ERR_SIZE: a cap. Slices borrow from `in`. */
int fresh_ask_parse(struct slice in, struct fresh_ask *ret, struct why *why)
    MUST_USE;
void fresh_ask_put(const struct fresh_ask *ask, struct buf *out);

struct fresh {
	struct slice nonce;
	uint64_t list;
	size_t class_count;
	uint8_t class_id[LIMIT_FRESH_CLASSES][16];
	uint64_t seq[LIMIT_FRESH_CLASSES];
};
/* Appends the answer, signed. */
int fresh_sign(const struct fresh *f, const struct cose_key *key,
    struct buf *out) MUST_USE;
/*
 * An answer that a freshness key of the list has signed: only that is proven,
 * the nonce and the numbers are for the caller to look at. Slices borrow from
 * `in`. ERR_SIGNATURE.
 */
int fresh_verify(struct slice in, const struct trust *list,
    struct fresh *ret, struct why *why) MUST_USE;
/* What fresh_verify reads once it is proven: the payload alone. */
int fresh_parse(struct slice payload, struct fresh *ret, struct why *why)
    MUST_USE;
/* The sequence of a class; false: the answer has none. */
bool fresh_seq(const struct fresh *f, const uint8_t class_id[16],
    uint64_t *ret);

#endif
