/*
 * coap: the message format of RFC 7252 for a device. Bounded, no allocation.
 *
 * Written here and not taken from a CoAP library, for what a simulator needs
 * and a library hides: requests without a token, a new port per transfer, a
 * chosen acknowledgement time-out, and each datagram in our hands, to be
 * lost, doubled or delayed on purpose. It also makes the daemon talk to an
 * implementation that shares no line with its own.
 */
#ifndef SUITD_DEVICE_COAP_H
#define SUITD_DEVICE_COAP_H

#include "lib/err.h"
#include "lib/slice.h"

enum coap_type { COAP_CON, COAP_NON, COAP_ACK, COAP_RST };

#define COAP_ETAG 4
#define COAP_OBSERVE 6
#define COAP_LOCATION_PATH 8
#define COAP_URI_PATH 11
#define COAP_CONTENT_FORMAT 12
#define COAP_MAX_AGE 14
#define COAP_URI_QUERY 15
#define COAP_BLOCK2 23
#define COAP_BLOCK1 27
#define COAP_ECHO 252
#define COAP_TRUST 65000 /* docs/PROTOCOL.md */

#define COAP_DATAGRAM 1280

struct coap_msg {
	enum coap_type type;
	unsigned code; /* ccdd: 205; 0 is empty, 1 to 31 a method */
	uint16_t mid;
	size_t token_len;
	uint8_t token[8];
	struct slice options, payload; /* borrow from the datagram */
};

/* Checks the whole of it, options included. ERR_MALFORMED. */
int coap_parse(struct slice in, struct coap_msg *ret) MUST_USE;

struct coap_opt {
	unsigned number;
	struct slice value;
};
struct coap_iter {
	struct slice left;
	unsigned number;
};
static inline struct coap_iter
coap_options(const struct coap_msg *m)
{
	return (struct coap_iter){m->options, 0};
}
bool coap_next(struct coap_iter *it, struct coap_opt *ret);
/* An unsigned option value; longer than 4 bytes is ERR_BAD_OPTION. */
int coap_uint(struct slice value, uint32_t *ret) MUST_USE;

/* Writer. Options in ascending order of number. */
struct coap_out {
	struct buf b;
	unsigned last;
};
void coap_begin(struct coap_out *o, const struct coap_msg *head);
void coap_put(struct coap_out *o, unsigned number, struct slice value);
void coap_put_uint(struct coap_out *o, unsigned number, uint32_t value);
void coap_put_payload(struct coap_out *o, struct slice payload);

#endif
