/*
 * seen: who was sent which image how far, as one worker of the image plane
 * notes it: a bounded table in memory with one writer, the worker, and one
 * reader, the control thread. Neither waits for the other. Losing a slot
 * costs a late status, nothing else.
 *
 * Memory grows with the downloads that are seen, up to the cap, and never
 * shrinks; the slot of the set that was touched longest ago makes room.
 */
#ifndef SUITD_DAEMON_SEEN_H
#define SUITD_DAEMON_SEEN_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"
#include "lib/span.h"

#define SEEN_SET 8 /* places that one key may take */
#define SEEN_RING 65536 /* news on the way; a power of two */
#define SEEN_NAME 22 /* longest name, in bytes; longer ones are not for here */

/*
 * A peer. Kind 'a': its address, 16 bytes (IPv4 as ::ffff:a.b.c.d), and 4
 * bytes of scope id as the machine has it when link-local. Kind 'e': the
 * name that it gave, 1 to SEEN_NAME bytes, checked by text_name_ok. What is
 * behind n in b must be 0.
 */
struct seen_peer {
	uint8_t kind, n;
	uint8_t b[SEEN_NAME];
};

/*
 * The same as a text, "a:HOST" or "e:NAME", as progress.h has it. Reading is
 * false for a text that no slot can hold: a long name, a device's id.
 */
#define SEEN_TEXT (LIMIT_ADDRESS + 2)
void seen_peer_text(const struct seen_peer *p, char dst[SEEN_TEXT]);
bool seen_peer_read(const char *text, struct seen_peer *ret) MUST_USE;

struct seen;

/* `slots`: SEEN_SET to LIMIT_SEEN, else ERR_RANGE; rounded down to whole
 * sets. ERR_NOMEM. */
int seen_new(size_t slots, struct seen **ret) MUST_USE;
void seen_free(struct seen *s); /* NULL is fine */

/* --- the writer's thread: no allocation, no lock, no system call --- */

/* `digest`: the first 8 bytes of the image's. */
uint64_t seen_hash(const struct seen_peer *p, const uint8_t digest[8]);
/*
 * Ahead of seen_block, its slot is fetched into the cache. What it takes to
 * find it is three steps, each needs what the one before has fetched: for
 * many blocks all of step 0, then all of step 1, all of step 2.
 */
#define SEEN_STEPS 3
void seen_prefetch(const struct seen *s, uint64_t hash, unsigned step);

/* A block of an image went out; lib/span.h says what its end tells. */
struct seen_mark {
	const struct seen_peer *peer;
	const uint8_t *digest; /* of the image, 8 bytes at least */
	uint64_t hash; /* seen_hash of both */
	uint32_t end, total;
};
/* `now_ms`: Unix time, one coarse reading a batch will do. */
void seen_block(struct seen *s, const struct seen_mark *m, int64_t now_ms);

/* --- the reader's thread --- */

/* A slot as it was a moment ago. */
struct seen_slot {
	struct seen_peer peer;
	uint8_t digest[8];
	struct span span;
	uint32_t index; /* where it is just now */
	uint32_t id; /* below seen_cap; as long as it is this peer's and
	                image's, then somebody else's */
	uint32_t born; /* of each download another one, never 0: a peer that
	                  begins from the start has a new one */
	uint32_t at; /* for seen_age */
};

/*
 * The next slot with news; false when there is none. Each comes once until
 * it has news again. Nobody waits: when the ring is full, news stay in the
 * table, to be found by whoever walks it with seen_at.
 */
bool seen_next(struct seen *s, struct seen_slot *ret);
/* A walk: index 0 to seen_used - 1; false: nobody is there. */
size_t seen_used(const struct seen *s);
bool seen_at(const struct seen *s, uint32_t index, struct seen_slot *ret);
bool seen_find(const struct seen *s, const struct seen_peer *p,
    const uint8_t digest[8], struct seen_slot *ret);
/* Ms since its last block; 0 for one from the future. */
int64_t seen_age(const struct seen_slot *t, int64_t now_ms);

/* The end of this download was noted: its first block again is another
 * one's. */
void seen_ended(struct seen *s, const struct seen_slot *t);
/* What was seen of it counts no longer: its next block is another's. */
void seen_drop(struct seen *s, const struct seen_slot *t);

size_t seen_cap(const struct seen *s); /* slots */

struct seen_stats {
	uint64_t slots; /* taken */
	uint64_t evicted; /* lost to newer ones */
	uint64_t overflows; /* news that found the ring full */
};
void seen_stats(const struct seen *s, struct seen_stats *ret);

#endif
