/*
 * gen_net: a few UDP sockets that carry any number of devices. Each datagram
 * leaves from its device's own address (IP_PKTINFO, RFC 3542 6.1) and each
 * answer is told by the address that it came to. Batches both ways. The
 * chance of loss is applied here, so that nobody above knows of it.
 */
#ifndef SUITD_BENCH_GEN_NET_H
#define SUITD_BENCH_GEN_NET_H

#include "tests/bench/gen_args.h"

struct net;

/* Refusals say what the caller can do about it. */
int net_open(const struct gen_args *a, struct net **ret, struct why *why)
    MUST_USE;
void net_close(struct net *n); /* takes NULL */

/*
 * Where to write device k's next datagram, WIRE_MAX bytes; net_send sends
 * what was written there, now or with the next flush.
 */
uint8_t *net_room(struct net *n, uint32_t k);
void net_send(struct net *n, uint32_t k, size_t len);
void net_flush(struct net *n);

/*
 * What has come, up to 64 datagrams a socket; the slice is valid during the
 * call. The number of them. `got` may send.
 */
unsigned net_receive(struct net *n, void (*got)(void *arg, uint32_t k,
    struct slice datagram), void *arg);
/* Sleeps until something comes, `ms` at most. */
void net_wait(struct net *n, int ms);

/* Of datagrams that were sent to an address that is no device's, or came from
   another than the server's; and of those that the kernel did not take. */
struct net_counts {
	uint64_t strangers, unsent;
};
struct net_counts net_counts(const struct net *n);

#endif
