/*
 * span: how far a download is, from the blocks that went out alone. All that
 * is known of a block is where it ended: its size is the client's choice and
 * may change on the way (RFC 7959 2.2). What follows the mark within a
 * block's size goes on from there, the first SPAN_BLOCK bytes again are a
 * new start, anything further ahead is a jump (a resumed download, or blocks
 * that somebody else served).
 *
 * Offsets are of 32 bits: no image is larger than LIMIT_IMAGE.
 */
#ifndef SUITD_LIB_SPAN_H
#define SUITD_LIB_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#define SPAN_BLOCK 1024 /* the largest block, szx 6 */
#define SPAN_SHARE 20 /* a step is one part in so many */

/* All zero: nothing was seen. */
struct span {
	uint32_t lo, hi; /* seen without a gap: [lo, hi) */
	uint32_t total; /* size of the image */
	uint8_t blocks; /* that made it; stays at 255 */
	bool ended; /* its end was noted: the next start is another one */
};

enum span_news {
	SPAN_REPEATED, /* alive, but no news */
	SPAN_GREW,
	SPAN_JUMPED, /* there is a gap behind it */
	SPAN_STARTED, /* from the beginning: nothing of before counts */
};

/* A block went out that ends at `end`, at most `total`, which is at most
 * LIMIT_IMAGE. */
enum span_news span_block(struct span *s, uint32_t end, uint32_t total);
/*
 * The image is complete as far as seen: its last byte went out, and what
 * was seen of it is all of it, or the end of a resumed download (at least
 * two blocks of it), never a single stray block.
 */
bool span_whole(const struct span *s);
/* A step of 5 % or more from the mark `noted`, or behind it. */
bool span_step(const struct span *s, uint32_t noted);

#endif
