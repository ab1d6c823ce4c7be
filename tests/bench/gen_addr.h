/*
 * gen_addr: addresses of devices. Device k has the base address + k, so that
 * an answer's destination is the device's number.
 */
#ifndef SUITD_BENCH_GEN_ADDR_H
#define SUITD_BENCH_GEN_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "tests/bench/gen_args.h"

struct addr {
	socklen_t n;
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
};

/* HOST:PORT, [HOST]:PORT; names are looked up. */
int addr_parse(const char *s, struct addr *ret, struct why *why) MUST_USE;
bool addr_eq(const struct addr *a, const struct sockaddr *b);
uint16_t addr_port(const struct addr *a);

/* Where devices live. */
struct addr_range {
	int family;
	bool none; /* the machine's own address */
	uint32_t peers;
	uint64_t base; /* the last 4 or 8 bytes of the first address */
	uint8_t prefix[8]; /* the first 8 bytes of an IPv6 address */
};

#define ADDR_CONTROL CMSG_SPACE(sizeof(struct in6_pktinfo))
#define ADDR_NOBODY UINT32_MAX

/* `to` decides on the family, and on the default base. */
int addr_range(const struct gen_args *a, const struct addr *to,
    struct addr_range *ret, struct why *why) MUST_USE;
/* Makes the control data of a message that leaves from device k. */
void addr_source(const struct addr_range *r, uint32_t k, struct msghdr *m);
/* The device that a received message was sent to. */
uint32_t addr_device(const struct addr_range *r, struct msghdr *m);
/* Device k's address with a port. */
struct addr addr_of(const struct addr_range *r, uint32_t k, uint16_t port);

#endif
