/*
 * net: networks as an operator writes them, "10.0.0.0/8 fc00::/7".
 */
#ifndef SUITD_LIB_NET_H
#define SUITD_LIB_NET_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct net_list {
	size_t n;
	struct net {
		uint8_t host[16]; /* IPv4 as ::ffff:a.b.c.d */
		uint8_t bits; /* 0 .. 128, of these 16 bytes */
	} at[LIMIT_NETWORKS];
};

/*
 * Networks with blanks or commas between them; without a length it is one
 * address. ERR_TYPE names the one that is none, and one that has bits behind
 * its length; ERR_SIZE: more than LIMIT_NETWORKS.
 */
int net_list_parse(const char *text, struct net_list *ret, struct why *why)
    MUST_USE;
bool net_list_has(const struct net_list *l, const uint8_t host[16]);
bool net_is_loopback(const uint8_t host[16]);

#endif
