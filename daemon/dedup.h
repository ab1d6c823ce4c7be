/*
 * dedup: the answers to requests that must not run twice. A repeated CON has
 * the message ID of the first (RFC 7252 4.5), but not always its token: one
 * widely used client makes a new one, so the key is (peer, message ID) and the
 * answer goes out with the token of the repetition.
 */
#ifndef SUITD_DAEMON_DEDUP_H
#define SUITD_DAEMON_DEDUP_H

#include "daemon/front_int.h"

#define DEDUP_LIFETIME_MS 247000 /* EXCHANGE_LIFETIME, RFC 7252 4.8.2 */
/*
 * MAX_TRANSMIT_WAIT: whoever asked has given up. A key that was answered is
 * kept no longer; a late copy of the request is still known, and gets nothing.
 */
#define DEDUP_SECRET_MS 93000

struct dedup;

struct dedup *dedup_new(void); /* NULL: no memory */
void dedup_free(struct dedup *d);
/* Remembers that it runs; the oldest of LIMIT_DEDUP goes. */
void dedup_begin(struct dedup *d, const struct peer_key *peer, uint16_t mid,
    int64_t mono);
/* Its answer (options and body are copied). */
void dedup_end(struct dedup *d, const struct peer_key *peer, uint16_t mid,
    const struct answer *a);
/* Wipes the answers with keys whose time is over; and those of a session that
 * has ended, by its number (0: none). */
void dedup_tick(struct dedup *d, int64_t mono);
void dedup_closed(struct dedup *d, uint64_t session);
/*
 * 0: *ret_answer is what was answered, valid until the next call here;
 * ERR_BUSY: it still waits for its commit, or was wiped; ERR_NOT_FOUND.
 */
int dedup_find(const struct dedup *d, const struct peer_key *peer,
    uint16_t mid, int64_t mono, struct answer *ret_answer) MUST_USE;

#endif
