/*
 * What inet_ntop and snprintf would write for IPv4, several times faster:
 * each request needs its peer's address as text.
 */
#include "daemon/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static char *
put_number(char *p, unsigned v)
{
	char digits[10];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0)
		*p++ = digits[--n];
	*p = '\0';
	return p;
}

static void
put_ipv4(char *p, const void *raw)
{
	const uint8_t *b = raw;

	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_number(p, b[i]);
	}
}

void
addr_host(const struct sockaddr *sa, char dst[LIMIT_ADDRESS])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct in6_addr *a = &v6->sin6_addr;
	char name[IF_NAMESIZE];

	if (sa->sa_family == AF_INET) {
		put_ipv4(dst, &v4->sin_addr);
	} else if (IN6_IS_ADDR_V4MAPPED(a)) {
		put_ipv4(dst, a->s6_addr + 12);
	} else {
		inet_ntop(AF_INET6, a, dst, LIMIT_ADDRESS);
		if (IN6_IS_ADDR_LINKLOCAL(a) &&
		    if_indextoname(v6->sin6_scope_id, name) != NULL) {
			strcat(dst, "%");
			strcat(dst, name);
		}
	}
}

/* The longest host is INET6_ADDRSTRLEN + IF_NAMESIZE, 62 bytes. */
void
addr_host_port(const char *host, uint16_t port, char dst[LIMIT_ADDRESS])
{
	bool v6 = strchr(host, ':') != NULL;
	char *p = dst;

	if (v6)
		*p++ = '[';
	p = stpcpy(p, host);
	if (v6)
		*p++ = ']';
	*p++ = ':';
	put_number(p, port);
}
