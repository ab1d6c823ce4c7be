/*
 * progress: which peer is how far in which image, as far as seen. A bounded
 * table in memory that the block path writes and a tick folds into the
 * tracker; losing it costs nothing but a late status.
 *
 * A peer is known as well as its request knows it: "d:ID" by credential,
 * "e:NAME" by ?ep=, "a:HOST" by address.
 */
#ifndef SUITD_DAEMON_PROGRESS_H
#define SUITD_DAEMON_PROGRESS_H

#include "daemon/flow.h"
#include "daemon/front.h"
#include "db/store.h"
#include "lib/span.h"

#define PROGRESS_SLOTS 16384 /* a power of two */
#define PROGRESS_PROBE 8 /* places that one key may take */

struct progress_slot {
	char peer[LIMIT_ADDRESS + 2]; /* "": free */
	bool manifest; /* digest is a release's: its manifest was sent */
	uint8_t digest[32];
	struct span span; /* ended: the end was folded */
	uint32_t folded; /* its mark when it was folded last */
	int64_t at; /* last block */
	int64_t folded_at;
	struct flow_share share;
	bool dirty; /* something to fold */
};

struct progress {
	struct progress_slot slot[PROGRESS_SLOTS];
	uint64_t evicted; /* slots lost to newer ones */
	size_t dirty;
	struct flow *flow; /* that their shares are of; NULL: nobody looks */
};

/* Names the requester; false when nothing is known of it. */
bool progress_peer(const struct req *req, char *dst, size_t cap);

/* The three names that a device may be known by: "d:", "e:", "a:". */
void progress_names(const struct store_device *d,
    char ret[3][LIMIT_ADDRESS + 2]);

/* A block of an image went out; lib/span.h says what its end tells. */
struct progress_mark {
	const char *peer;
	const uint8_t *digest;
	uint64_t end, total;
};
void progress_block(struct progress *p, const struct progress_mark *m,
    int64_t now);
/* The manifest of a release went out. */
void progress_manifest(struct progress *p, const char *peer,
    const uint8_t digest[32], int64_t now);

/* An image, and complete as far as seen. */
bool progress_complete(const struct progress_slot *s);
/* Is it time to fold this slot: at its end, by 5 %, or every 10 s? */
bool progress_due(const struct progress_slot *s, int64_t now);
/* NULL: nothing of it went to this peer lately. */
const struct progress_slot *progress_find(const struct progress *p,
    const char *peer, const uint8_t digest[32]);
void progress_folded(struct progress *p, struct progress_slot *s,
    int64_t now);
/* What this peer has of it counts no longer. */
void progress_drop(struct progress *p, const char *peer,
    const uint8_t digest[32]);
/* What was folded since `since` was not kept after all. */
void progress_unfold(struct progress *p, int64_t since);

#endif
