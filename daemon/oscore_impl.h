/*
 * oscore_impl: what the files of oscore.h share.
 *
 *   oscore.c          a datagram, in and out
 *   oscore_context.c  contexts: found, numbered, given up
 */
#ifndef SUITD_DAEMON_OSCORE_IMPL_H
#define SUITD_DAEMON_OSCORE_IMPL_H

#include <sys/queue.h>

#include "daemon/oscore.h"

#define OSCORE_BUCKETS 16384
#define OSCORE_ECHO 8 /* bytes */

/* A request, for its answers. */
struct asked {
	TAILQ_ENTRY(asked) next; /* the newest first */
	uint8_t token[8];
	uint8_t token_n;
	uint8_t piv_n, piv[OSCORE_PIV];
	bool observes, reads;
	bool used; /* its nonce */
	uint16_t mid;
	bool told; /* by a CON of ours, and with which message IDs */
	uint16_t inner_mid, outer_mid;
	struct oscore_place place;
	size_t sent_n; /* the answer, when it must not run again */
	uint8_t *sent;
};

struct context {
	TAILQ_ENTRY(context) next; /* the one that was used last first */
	LIST_ENTRY(context) bucket;
	uint32_t number;
	char identity[OSCORE_IDENTITY + 1];
	uint64_t credential;
	struct oscore_keys keys;
	struct oscore_window window;
	uint64_t seq; /* of ours, the next */
	uint64_t reserved; /* numbers below it may be used */
	uint8_t echo[OSCORE_ECHO];
	struct oscore_place place; /* of the newest request */
	size_t asked_n, observed_n;
	TAILQ_HEAD(, asked) asked;
};
TAILQ_HEAD(contexts, context);

/* A message of ours that may be acknowledged. */
struct flying {
	uint32_t number; /* 0: none */
	uint32_t to; /* hash of the address */
	uint16_t mid; /* as libcoap knows it */
};

struct oscore {
	struct oscore_hooks h;
	struct context *place[LIMIT_OSCORE_LIVE];
	uint8_t generation[LIMIT_OSCORE_LIVE]; /* of the next one there */
	uint32_t last; /* where one was put */
	struct contexts used;
	LIST_HEAD(bucket, context) bucket[OSCORE_BUCKETS];
	struct flying flying[65536]; /* by message ID */
	uint16_t mid;
	struct oscore_stats stats;
};

uint32_t oscore_hash(const void *bytes, size_t n);
/* The context that a request names, used now. */
int oscore_find(struct oscore *o, const struct oscore_outer *m,
    struct context **ret) MUST_USE;
struct context *oscore_by_number(const struct oscore *o, uint32_t number);
/* Numbers up to this one may be used from now on. */
int oscore_reserve(struct oscore *o, struct context *c, uint64_t seq)
    MUST_USE;
void oscore_asked_free(struct context *c, struct asked *a);

#endif
