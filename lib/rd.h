/*
 * rd: registration (RFC 9176 5): query parameters and link payload.
 */
#ifndef SUITD_LIB_RD_H
#define SUITD_LIB_RD_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct rd_tag {
	char name[LIMIT_TAG_NAME + 1];
	char value[LIMIT_TAG_VALUE + 1];
};

struct rd {
	char ep[LIMIT_EP + 1];
	uint32_t lt; /* seconds; 90000 by default (RFC 9176 5.3) */
	bool have_lt;
	char base[LIMIT_URI + 1]; /* "" when absent */
	/* ours, as further registration parameters */
	bool have_class, have_vendor, have_sequence;
	uint8_t class_id[16], vendor[16];
	char class_alias[LIMIT_ALIAS + 1]; /* c= that is no UUID */
	uint64_t sequence; /* seq=: what the device runs */
	char version[LIMIT_VERSION + 1]; /* v= */
	size_t tag_count; /* tag.NAME=VALUE */
	struct rd_tag tag[LIMIT_TAGS];
	bool has_trigger; /* a link to </suit/trigger> is in the payload */
};

/*
 * `query` are the Uri-Query options. Unknown parameters are ignored (RFC
 * 9176), known ones with a bad value are refused. ep is optional here: the
 * credential may give it.
 */
int rd_parse(const struct slice *query, size_t n, struct slice payload,
    struct rd *ret, struct why *why) MUST_USE;

#endif
