/*
 * oscore: the security contexts that are in use, and what becomes of a
 * datagram by them (RFC 8613). No sockets: front_oscore.c has these, and
 * libcoap never sees a protected message. A context is found by what the
 * request names, and read from the store when it is first used; each has a
 * number, by which libcoap's side of it is known, and which stands for this
 * context alone until it is gone.
 *
 * What must outlive the process is one number per credential, written ahead
 * of use in steps: no sender sequence number from it on was used, and no
 * request with one from it on was taken. After a start we go on beyond it,
 * and who asks with a lower one is asked for a proof that he does so now
 * (appendix B.1.2): one round trip, and no replay is taken. Steps that the
 * disk did not have yet when power went are skipped, by how many starts there
 * were: OSCORE_LIVES of them in a row may lose all that they wrote, and use
 * OSCORE_AHEAD numbers each. After a backup was restored, when nobody knows
 * how many were used, numbers go on from a place far away, by luck.
 *
 * A request that comes again, byte for byte and from where it came, is a
 * repetition of the message layer as long as it is remembered: one that only
 * reads is answered anew, with a nonce of its own, any other gets the
 * answer that was sent.
 */
#ifndef SUITD_DAEMON_OSCORE_H
#define SUITD_DAEMON_OSCORE_H

#include <netinet/in.h>

#include "lib/oscore.h"

struct oscore;

/* Where a datagram came from, and which of our addresses it came to. */
struct oscore_place {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} from;
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	} to; /* by the family of from */
};

/* What the store has. */
struct oscore_given {
	uint64_t credential;
	uint64_t counter;
	struct oscore_secret secret;
};

/* Counted up, durably, before anything is sent. */
struct oscore_life {
	uint64_t number; /* of starts */
	uint64_t base; /* no number below it */
};
#define OSCORE_STEP 1024 /* numbers that are reserved at a time */
#define OSCORE_AHEAD (8 * OSCORE_STEP)
#define OSCORE_LIVES 16
/* One of 16384 places, of which the last leaves as many numbers as there are
 * before it. */
uint64_t oscore_base(uint64_t luck);

struct oscore_hooks {
	void *arg;
	struct oscore_life life;
	/* ERR_NOT_FOUND: there is none, or it may not be used */
	int (*find)(void *arg, const char *identity,
	    struct oscore_given *ret);
	/* writes the counter */
	int (*reserve)(void *arg, uint64_t credential, uint64_t counter);
	uint64_t (*luck)(void *arg);
	/* this number stands for nobody any more */
	void (*gone)(void *arg, uint32_t number);
};

enum oscore_do {
	OSCORE_DROP,
	OSCORE_SEND, /* *out, to where *place says */
	OSCORE_PASS, /* *out, to libcoap, as from *number */
};

/* Counted since the start. */
struct oscore_stats {
	uint64_t live; /* contexts in memory */
	uint64_t opened, sealed, challenged, replayed, refused;
};

int oscore_new(const struct oscore_hooks *h, struct oscore **ret) MUST_USE;
void oscore_free(struct oscore *o); /* NULL is fine */

/* A datagram of a peer. `out` has room for LIMIT_OSCORE_MESSAGE; OSCORE_SEND
 * is an answer to `place`. */
enum oscore_do oscore_in(struct oscore *o, const struct oscore_place *place,
    struct slice in, struct buf *out, uint32_t *ret_number);
/* A message of libcoap for the context of this number. */
enum oscore_do oscore_out(struct oscore *o, uint32_t number, struct slice in,
    struct buf *out, struct oscore_place *ret_place);

/* Who is behind a number, and where; false: nobody. Until the next call. */
struct oscore_who {
	const char *identity;
	const struct oscore_place *place;
};
bool oscore_who(const struct oscore *o, uint32_t number,
    struct oscore_who *ret);
/* Its credential has changed, or is gone. */
void oscore_forget(struct oscore *o, const char *identity);
void oscore_stats(const struct oscore *o, struct oscore_stats *ret);

#endif
