/*
 * get_impl: what the reader and the writer of get.h share.
 */
#ifndef SUITD_LIB_GET_IMPL_H
#define SUITD_LIB_GET_IMPL_H

#include "lib/get.h"

#define GET_MARKER 0xff

enum get_number {
	OPT_IF_MATCH = 1,
	OPT_URI_HOST = 3,
	OPT_ETAG = 4,
	OPT_IF_NONE_MATCH = 5,
	OPT_OBSERVE = 6,
	OPT_URI_PORT = 7,
	OPT_LOCATION_PATH = 8,
	OPT_OSCORE = 9,
	OPT_URI_PATH = 11,
	OPT_CONTENT_FORMAT = 12,
	OPT_MAX_AGE = 14,
	OPT_URI_QUERY = 15,
	OPT_HOP_LIMIT = 16,
	OPT_ACCEPT = 17,
	OPT_LOCATION_QUERY = 20,
	OPT_BLOCK2 = 23,
	OPT_BLOCK1 = 27,
	OPT_SIZE2 = 28,
	OPT_PROXY_URI = 35,
	OPT_PROXY_SCHEME = 39,
	OPT_SIZE1 = 60,
	OPT_ECHO = 252,
	OPT_NO_RESPONSE = 258,
	OPT_REQUEST_TAG = 292,
};

/* Begins with {0}; a step adds to `number`. */
struct get_option {
	uint32_t number;
	struct slice value;
};

/* The option at *p, which is before `end` and no marker; false: malformed
 * (RFC 7252 3.1). */
bool get_next(struct get_option *o, const uint8_t **p, const uint8_t *end);
/* Critical, and none that we know. */
bool get_stranger(uint32_t number);

#endif
