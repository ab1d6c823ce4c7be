/*
 * door: what happens to a datagram before libcoap sees it, and to what
 * libcoap says by itself. libcoap makes a session of each new address, which
 * costs a walk over all of them, and has words of its own for errors; a
 * flood is to cost a fraction of that, and no stranger is to get more than
 * echo.h allows, whoever answers.
 *
 * It stands in the place of libc's recvmsg and sendmsg, the two by which
 * libcoap reads and writes datagrams, and changes nothing for sockets that
 * nobody has given to it, nor for other threads. The loop's thread only,
 * where not said otherwise.
 */
#ifndef SUITD_DAEMON_DOOR_H
#define SUITD_DAEMON_DOOR_H

#include "daemon/reach.h"

enum door_kind { DOOR_PLAIN, DOOR_DTLS };

struct door;

/* `r` stays the caller's; NULL: nobody is a stranger, nothing is bounded. */
int door_new(struct reach *r, struct door **ret) MUST_USE;
void door_free(struct door *d); /* NULL is fine */
/* From now on this socket's datagrams go through it, until door_leave. */
int door_watch(struct door *d, int fd, enum door_kind kind) MUST_USE;
void door_leave(int fd); /* -1 is fine */

/* The datagram that libcoap read last, while it is looked at. */
struct door_guest {
	struct echo_peer peer;
	bool stranger; /* has not shown its address, and should */
	size_t left; /* bytes that may still be sent to a stranger */
};
const struct door_guest *door_guest(const struct door *d);
/* This is its Echo option; true: it is no stranger any more. */
bool door_show(struct door *d, struct slice echo);
/* What is sent from now on belongs to no datagram. */
void door_closed(struct door *d);

/* A handshake of this peer succeeded: it is not counted. */
void door_shaken(struct door *d, const struct sockaddr *sa);

/* ClientHellos over handshake_rate. */
uint64_t door_unheard(const struct door *d);

#endif
