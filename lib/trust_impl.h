/*
 * trust_impl: what the trust_*.c files share; for nobody else.
 *
 *   trust.c           roles, and what a list says of keys, digests, classes
 *   trust_parse.c     the message, the list and its fields
 *   trust_entry.c     one key and its rights
 *   trust_step.c      signatures, and one list after another
 *   trust_manifest.c  the verdict on a manifest
 *   trust_encode.c    makes a list
 *   trust_sign.c      its signatures
 */
#ifndef SUITD_LIB_TRUST_IMPL_H
#define SUITD_LIB_TRUST_IMPL_H

#include "lib/cbor.h"
#include "lib/trust.h"

/* Keys of the list's map: docs/TRUST.md 2.2. */
enum {
	LIST_SEQ = 1, LIST_PREV = 2, LIST_ROOTS = 3, LIST_KEYS = 4,
	LIST_DENIED = 5, LIST_FLOORS = 6,
};
/* ... and of a key's entry, 2.3. */
enum {
	ENTRY_KID = 1, ENTRY_COSE = 2, ENTRY_ROLE = 3, ENTRY_CLASSES = 4,
	ENTRY_COMPONENTS = 5, ENTRY_RANGE = 6, ENTRY_NAME = 7,
};

/*
 * The protected header of every list: typ (RFC 9596), so that no signature
 * over anything else is ever one over a list.
 */
extern const struct slice trust_body_prot;

/* One COSE_Key as lists have them; `cose` is a whole item. */
bool trust_cose_usable(struct slice cose);
int trust_cose_kid(struct slice cose, uint8_t ret_kid[TRUST_KID]) MUST_USE;

/* RFC 8949 4.2.1: the order of encoded items. */
int trust_cmp(struct slice a, struct slice b);

/*
 * The next item of a sequence that must ascend: ERR_ORDER when it does not
 * come after *last, which is moved on. Empty at the beginning.
 */
int trust_ascends(struct slice *last, struct slice item) MUST_USE;

/*
 * cbr_skip for small stacks: no recursion, no set of keys. Items nested in
 * more than `depth` containers are ERR_DEPTH; TRUST_DEPTH at most. What it
 * passes over is never looked into, so keys that come twice do no harm.
 */
#define TRUST_DEPTH 8
int trust_skip(struct cbr *c, unsigned depth, struct slice *ret_raw) MUST_USE;

int trust_read_entry(struct cbr *c, struct trust_key *ret_key, struct why *why)
    MUST_USE;
/*
 * Reads an array of at most `cap` strings of `size` bytes, ascending. The
 * elements in a row, and their number.
 */
struct trust_row {
	const char *rule; /* for a refusal: "TRUST 2.4: denied digests" */
	size_t size, cap;
	size_t n;
	struct slice items;
};
int trust_read_row(struct cbr *c, struct trust_row *row, struct why *why)
    MUST_USE;

#endif
