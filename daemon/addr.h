/*
 * addr: a peer's address as text.
 */
#ifndef SUITD_DAEMON_ADDR_H
#define SUITD_DAEMON_ADDR_H

#include <sys/socket.h>

#include "lib/limits.h"

/*
 * Host without the port, AF_INET or AF_INET6. IPv4 in IPv6 is shown as IPv4,
 * the way the peer knows itself; a link-local address with its interface,
 * without which it means nothing.
 */
void addr_host(const struct sockaddr *sa, char dst[LIMIT_ADDRESS]);

#endif
