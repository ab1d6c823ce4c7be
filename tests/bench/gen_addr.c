#include "tests/bench/gen_addr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

static uint64_t
get_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
put_be(uint8_t *p, size_t n, uint64_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

int
addr_parse(const char *s, struct addr *ret, struct why *why)
{
	const char *colon = strrchr(s, ':');
	char host[256];
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
	struct slice h = slice_of(s, colon != NULL ? (size_t)(colon - s) : 0);
	int rc;

	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = slice_sub(h, 1, h.n - 2);
	if (h.n == 0 || !slice_to_cstr(h, host, sizeof(host)))
		return why_set(why, ERR_INVALID, "%s is not HOST:PORT", s);
	rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0)
		return why_set(why, ERR_INVALID, "%s: %s", s,
		    gai_strerror(rc));
	ret->n = found->ai_addrlen;
	memcpy(&ret->u, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

bool
addr_eq(const struct addr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *v4 = (const void *)b;
	const struct sockaddr_in6 *v6 = (const void *)b;

	if (a->u.sa.sa_family != b->sa_family)
		return false;
	if (b->sa_family == AF_INET)
		return a->u.v4.sin_port == v4->sin_port &&
		    a->u.v4.sin_addr.s_addr == v4->sin_addr.s_addr;
	return a->u.v6.sin6_port == v6->sin6_port &&
	    memcmp(&a->u.v6.sin6_addr, &v6->sin6_addr, 16) == 0;
}

uint16_t
addr_port(const struct addr *a)
{
	return ntohs(a->u.sa.sa_family == AF_INET ? a->u.v4.sin_port :
	    a->u.v6.sin6_port);
}

static const char *
usual_base(const struct addr *to)
{
	if (to->u.sa.sa_family == AF_INET)
		return ntohl(to->u.v4.sin_addr.s_addr) >> 24 == 127 ?
		    "127.1.0.1" : "none";
	return IN6_IS_ADDR_LOOPBACK(&to->u.v6.sin6_addr) ? "fd99::1:0" :
	    "none";
}

int
addr_range(const struct gen_args *a, const struct addr *to,
    struct addr_range *ret, struct why *why)
{
	const char *base = a->base != NULL ? a->base : usual_base(to);
	uint8_t bytes[16];

	*ret = (struct addr_range){.family = to->u.sa.sa_family,
	    .peers = (uint32_t)a->peers, .none = strcmp(base, "none") == 0};
	if (ret->none)
		return a->peers <= GEN_SOCKETS ? 0 : why_set(why, ERR_LIMIT,
		    "%d devices at most without a --base", GEN_SOCKETS);
	if (inet_pton(ret->family, base, bytes) != 1)
		return why_set(why, ERR_INVALID, "%s is not an address of the "
		    "family of --to", base);
	if (ret->family == AF_INET) {
		ret->base = get_be(bytes, 4);
	} else {
		memcpy(ret->prefix, bytes, 8);
		ret->base = get_be(bytes + 8, 8);
	}
	return 0;
}

/*
 * Without the padding behind it: 36 bytes are what the kernel has room for
 * on its stack, for more it allocates.
 */
void
addr_source(const struct addr_range *r, uint32_t k, struct msghdr *m)
{
	struct cmsghdr *c = m->msg_control;

	if (r->none) {
		m->msg_control = NULL;
		m->msg_controllen = 0;
	} else if (r->family == AF_INET) {
		struct in_pktinfo p = {.ipi_spec_dst.s_addr =
		    htonl((uint32_t)r->base + k)};

		m->msg_controllen = CMSG_LEN(sizeof(p));
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(c), &p, sizeof(p));
	} else {
		struct in6_pktinfo p = {.ipi6_ifindex = 0};

		memcpy(p.ipi6_addr.s6_addr, r->prefix, 8);
		put_be(p.ipi6_addr.s6_addr + 8, 8, r->base + k);
		m->msg_controllen = CMSG_LEN(sizeof(p));
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(c), &p, sizeof(p));
	}
}

uint32_t
addr_device(const struct addr_range *r, struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	uint64_t k = UINT64_MAX;

	if (c != NULL && r->family == AF_INET &&
	    c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo p;

		memcpy(&p, CMSG_DATA(c), sizeof(p));
		k = ntohl(p.ipi_addr.s_addr) - r->base;
	} else if (c != NULL && r->family == AF_INET6 &&
	    c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo p;

		memcpy(&p, CMSG_DATA(c), sizeof(p));
		if (memcmp(p.ipi6_addr.s6_addr, r->prefix, 8) == 0)
			k = get_be(p.ipi6_addr.s6_addr + 8, 8) - r->base;
	}
	return k < r->peers ? (uint32_t)k : ADDR_NOBODY;
}

struct addr
addr_of(const struct addr_range *r, uint32_t k, uint16_t port)
{
	struct addr a = {0};

	if (r->family == AF_INET) {
		a.n = sizeof(a.u.v4);
		a.u.v4.sin_family = AF_INET;
		a.u.v4.sin_port = htons(port);
		a.u.v4.sin_addr.s_addr = htonl((uint32_t)r->base + k);
	} else {
		a.n = sizeof(a.u.v6);
		a.u.v6.sin6_family = AF_INET6;
		a.u.v6.sin6_port = htons(port);
		memcpy(a.u.v6.sin6_addr.s6_addr, r->prefix, 8);
		put_be(a.u.v6.sin6_addr.s6_addr + 8, 8, r->base + k);
	}
	return a;
}
