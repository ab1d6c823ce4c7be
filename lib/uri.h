/*
 * uri: CoAP URIs (RFC 7252 6) and paths. A canonical path is the segments
 * joined by '/', without a leading one; '/' and '%' inside of a segment are
 * %2F and %25, so that a path that came in one Uri-Path option with slashes
 * differs from one that came in several (both can be looked up, see
 * uri_path_loose).
 */
#ifndef SUITD_LIB_URI_H
#define SUITD_LIB_URI_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

enum uri_scheme {
	URI_NONE, /* a relative reference */
	URI_COAP,
	URI_COAPS,
	URI_COAP_TCP,
	URI_COAPS_TCP,
	URI_OTHER,
};

struct uri {
	enum uri_scheme scheme;
	struct slice host; /* without brackets; as written */
	bool host_ipv6;
	uint16_t port; /* the scheme's default when absent */
	struct slice path; /* as written, without the first '/' */
	struct slice query; /* as written, without '?' */
	struct slice fragment; /* without '#'; have_fragment tells "" */
	bool have_fragment;
};

/* Absolute URIs and relative references; no allocation. */
int uri_parse(struct slice in, struct uri *ret, struct why *why) MUST_USE;
/* Canonical path of a parsed URI (percent-decoding each segment). */
int uri_path(const struct uri *u, char *dst, size_t cap) MUST_USE;
/* Adds one raw segment to a canonical path in `b`. */
void uri_path_add(struct buf *b, struct slice segment);
/* The nth raw segment of a canonical path into dst; ERR_NOT_FOUND. */
int uri_path_segment(struct slice path, size_t n, char *dst, size_t cap)
    MUST_USE;
/* %2F back to '/': how a device that sends one option means it. */
void uri_path_loose(char *path);
/* The nth '&'-separated part of a URI's query, percent-decoded: one
 * Uri-Query option. ERR_NOT_FOUND past the last, ERR_SPACE. */
int uri_query(const struct uri *u, size_t n, struct buf *out) MUST_USE;
/* "name=value" in a '&'-less query option: value, or p NULL. */
struct slice uri_query_value(struct slice option, const char *name);

#endif
