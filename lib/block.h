/*
 * block: block-wise transfer (RFC 7959) without state. Both planes use it.
 */
#ifndef SUITD_LIB_BLOCK_H
#define SUITD_LIB_BLOCK_H

#include "lib/err.h"
#include "lib/slice.h"

struct block {
	uint32_t num; /* 20 bits */
	bool more;
	uint8_t szx; /* 0..6: 16..1024 bytes */
};

static inline size_t
block_size(uint8_t szx)
{
	return (size_t)1 << (szx + 4);
}

/* The option's value, 0 to 3 bytes; 4 are ERR_BAD_OPTION, szx 7 is
 * ERR_MALFORMED. */
int block_parse(struct slice opt, struct block *ret) MUST_USE;
/* The shortest option value; its length (0..3). */
size_t block_put(struct block b, uint8_t dst[3]);

/*
 * The part of a body of `total` bytes that answers a request. `req` is NULL
 * when the request had no Block2 (then szx is `szx_max`). M in a request is
 * ignored; szx is never larger than asked nor than szx_max; a smaller one is
 * kept at the same offset, so any num answers, also as the first request.
 * Past the end: ERR_RANGE (4.00 with a diagnostic, never an empty 2.05).
 */
struct block_slice {
	struct block block;
	size_t off, len;
	bool use_option; /* put Block2 into the answer */
};
int block_slice(size_t total, const struct block *req, uint8_t szx_max,
    struct block_slice *ret) MUST_USE;

#endif
