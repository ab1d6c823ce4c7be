#include "daemon/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

void
addr_host(const struct sockaddr *sa, char dst[LIMIT_ADDRESS])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct in6_addr *a = &v6->sin6_addr;
	char name[IF_NAMESIZE];

	if (sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, dst, LIMIT_ADDRESS);
	} else if (IN6_IS_ADDR_V4MAPPED(a)) {
		inet_ntop(AF_INET, a->s6_addr + 12, dst, LIMIT_ADDRESS);
	} else {
		inet_ntop(AF_INET6, a, dst, LIMIT_ADDRESS);
		if (IN6_IS_ADDR_LINKLOCAL(a) &&
		    if_indextoname(v6->sin6_scope_id, name) != NULL) {
			strcat(dst, "%");
			strcat(dst, name);
		}
	}
}
