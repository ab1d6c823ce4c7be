/*
 * reach: who has shown that it is where its datagrams come from, and how much
 * those may ask who have not. A bounded table of addresses without ports: a
 * device takes a new port for each download. Nothing is kept of who has not
 * shown it but token buckets of networks.
 *
 * Workers and the loop share it: words that are read and written whole, no
 * lock. What one thread enters another may see a little later.
 */
#ifndef SUITD_DAEMON_REACH_H
#define SUITD_DAEMON_REACH_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "lib/bucket.h"
#include "lib/conf.h"
#include "lib/echo.h"
#include "lib/net.h"

#define REACH_WAYS 8 /* a cache line */
#define REACH_DAY_S 86400

struct reach {
	enum conf_echo mode;
	uint32_t stranger_rate, handshake_rate;
	struct net_list trusted;
	struct echo_key key;
	_Atomic(uint64_t) *table; /* 24 bits of minutes, 40 of a MAC */
	size_t sets;
	/* counted where it happens, which is rare: shared by all threads */
	_Atomic(uint64_t) challenged, shrunk, cut, shown, stale, evicted,
	    unheard;
};

/* ERR_CRYPTO: no random bytes. `c` was checked. */
int reach_new(const struct conf *c, struct reach **ret) MUST_USE;
void reach_free(struct reach *r); /* NULL is fine */

/* AF_INET or AF_INET6. */
void reach_peer(const struct sockaddr *sa, struct echo_peer *ret);
/* True: believed, or shown within a day. Time is loop_tick's. */
bool reach_known(const struct reach *r, const struct echo_peer *p,
    int64_t now_us);
/* Has it shown its address itself? */
bool reach_proven(const struct reach *r, const struct echo_peer *p,
    int64_t now_us);
/* It has, by other means: a handshake, an answer of its own. NULL is fine. */
void reach_enter(struct reach *r, const struct echo_peer *p, int64_t now_us);
/* By this Echo option; false: it is not fresh, or not for this peer. */
bool reach_show(struct reach *r, const struct echo_peer *p,
    struct slice value, int64_t now_us);
void reach_echo(const struct reach *r, const struct echo_peer *p,
    int64_t now_us, uint8_t ret[ECHO_VALUE]);

/* The key of a network's bucket, and one of a peer with its port. */
uint64_t reach_network(const struct reach *r, const struct echo_peer *p);
uint64_t reach_flow(const struct reach *r, const struct echo_peer *p);

/* A thread's own buckets for stranger_rate. */
int reach_buckets_new(struct bucket_table *ret, size_t networks) MUST_USE;
void reach_buckets_free(struct bucket_table *t);
/* Whether a stranger's datagram is heard; who is known need not ask. */
bool reach_hears(struct reach *r, struct bucket_table *t,
    const struct echo_peer *p, int64_t now_us);

static inline void
reach_count(_Atomic(uint64_t) *c)
{
	atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

#endif
