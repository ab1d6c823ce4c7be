/*
 * share: so many a second of what costs the server a signature, for all who
 * ask together, and so many for each of them. Who has shown more of itself
 * goes first: the last quarter of a second's worth is kept for those whom a
 * credential proves, the quarter before that for them and for those who have
 * shown their address, and strangers, who may be one and send by any address,
 * have what is left. So a flood of strangers takes nothing from a device that
 * is known, while nobody who is known asks they may have it all.
 *
 * Pure: times are monotonic microseconds, above 0.
 */
#ifndef SUITD_LIB_SHARE_H
#define SUITD_LIB_SHARE_H

#include "lib/bucket.h"
#include "lib/echo.h"
#include "lib/limits.h"

enum share_rank {
	SHARE_STRANGER, /* has shown nothing: its address may be forged */
	SHARE_SHOWN, /* is where its datagrams come from */
	SHARE_KNOWN, /* has a credential */
	SHARE_RANKS,
};

/* Who asks. Of different ranks it is somebody else: who forges the address
 * of a neighbour does not ask in its name. */
struct share_asker {
	enum share_rank rank;
	uint8_t id[16]; /* of one who is known, a number; else the address, of
	                   which its network counts (bucket_prefix) */
};

struct share_rule {
	uint32_t per_s; /* of all; a second's worth may come at once; at
	                   least SHARE_LEAST */
	uint32_t each[SHARE_RANKS]; /* of one asker, above 0; the same */
};
#define SHARE_LEAST 8

/* All 0 in the beginning, but for the key, which is random. */
struct share {
	struct echo_key key;
	int64_t next; /* when it is whole again */
	struct bucket bucket[LIMIT_SHARE_ASKERS];
};

/* One more; false: there is none for this asker now, nothing has changed. */
bool share_take(struct share *s, const struct share_rule *r,
    const struct share_asker *who, int64_t now_us);
/* What was taken cost nothing in the end, or was well spent. */
void share_give(struct share *s, const struct share_rule *r,
    const struct share_asker *who, int64_t now_us);

#endif
