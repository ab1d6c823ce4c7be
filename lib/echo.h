/*
 * echo: has a peer of plain UDP shown that it is where its datagrams say it
 * is (RFC 9175)? Who has not gets at most ECHO_FACTOR times the bytes it has
 * sent, the limit of QUIC (RFC 9000 8.1): so a forged address is not worth
 * while.
 *
 * An Echo value is a MAC over address, port and a step of the server's
 * uptime, so that nothing is kept for who has not shown it yet, and no
 * calendar is needed. Pure: key and uptime are arguments.
 */
#ifndef SUITD_LIB_ECHO_H
#define SUITD_LIB_ECHO_H

#include "lib/slice.h"

#define ECHO_OPTION 252
#define ECHO_VALUE 8 /* bytes; 64 bits that nobody can guess */
#define ECHO_STEP_S 128 /* a value is good for one step to two */
#define ECHO_FACTOR 3

struct echo_key {
	uint8_t b[16]; /* random, from the start of the server */
};

/* Who it is made for: IPv4 as ::ffff:a.b.c.d, and where an address means
 * nothing without its interface, that. */
struct echo_peer {
	uint8_t host[16];
	uint32_t scope; /* 0: none */
	uint16_t port;
};

/* SipHash-2-4: a MAC for short texts that takes some 20 ns and no memory. */
uint64_t echo_mac(const struct echo_key *k, struct slice text);

void echo_make(const struct echo_key *k, const struct echo_peer *p,
    uint64_t uptime_s, uint8_t ret[ECHO_VALUE]);
/* Whether this was made for the peer in this step or in the one before. */
bool echo_fresh(const struct echo_key *k, const struct echo_peer *p,
    uint64_t uptime_s, struct slice value);

/* What may be sent for a datagram of so many bytes. */
static inline size_t
echo_budget(size_t received)
{
	return received * ECHO_FACTOR;
}

/*
 * The largest block, as szx 0 .. 6, that leaves room for `head` bytes of
 * answer around it; false: not even 16 bytes do.
 */
bool echo_szx(size_t budget, size_t head, uint8_t *ret_szx);

#endif
