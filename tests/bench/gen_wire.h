/*
 * gen_wire: CoAP messages of devices (RFC 7252 3), written from the
 * arguments and read back. Neither knows sockets nor time.
 */
#ifndef SUITD_BENCH_GEN_WIRE_H
#define SUITD_BENCH_GEN_WIRE_H

#include "lib/block.h"
#include "tests/bench/gen_args.h"

#define WIRE_MAX 1400 /* bytes of a message, either way */
#define WIRE_OPTIONS 900 /* of them, those before Block2 */

enum wire_type { WIRE_CON, WIRE_NON, WIRE_ACK, WIRE_RST };

#define WIRE_GET 1
#define WIRE_POST 2
#define WIRE_ANSWERS 0x40 /* the first code of an answer */

/* What all requests have in common; borrows the arguments. */
struct wire {
	const struct gen_args *a;
	bool fixed; /* the options are the same for every device */
	unsigned last; /* number of the last of them */
	size_t n;
	uint8_t options[WIRE_OPTIONS];
};

/* ERR_SIZE when the options do not fit. */
int wire_init(struct wire *w, const struct gen_args *a) MUST_USE;

struct wire_request {
	uint32_t device, item; /* item: block or body */
	uint16_t mid;
};

/* Bytes written to `dst` of WIRE_MAX; the same for the same request. */
size_t wire_write(const struct wire *w, const struct wire_request *r,
    uint8_t *dst);
/* The token that such a request has; its length is the arguments'. */
struct slice wire_token(const struct wire *w, const struct wire_request *r,
    uint8_t dst[8]);
/* An empty message: an acknowledgement or a reset. 4 bytes. */
size_t wire_empty(enum wire_type t, uint16_t mid, uint8_t *dst);

/* Replaces each %u and %0Nu by `number`; false when it does not fit. */
bool wire_expand(const char *fmt, uint32_t number, struct buf *ret);

/* What an answer says; slices borrow the datagram. */
struct wire_answer {
	enum wire_type type;
	uint8_t code; /* as on the wire */
	uint16_t mid;
	struct slice token, etag, payload;
	bool have_block, have_observe, have_size2;
	struct block block;
	uint32_t observe, size2;
};

/* ERR_MALFORMED: not a message of version 1 with options in order. */
int wire_read(struct slice in, struct wire_answer *ret) MUST_USE;

#endif
