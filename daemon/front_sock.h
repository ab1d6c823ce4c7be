/*
 * front_sock: a plane's socket, and the pump that reads it.
 */
#ifndef SUITD_DAEMON_FRONT_SOCK_H
#define SUITD_DAEMON_FRONT_SOCK_H

#include "daemon/front_int.h"

/* Binds pl->listen, grows the buffer. */
int sock_listen(struct plane *pl, coap_proto_t proto, struct why *why)
    MUST_USE;
/* Reads what there is, within a turn's bounds; pl is a struct plane. */
void sock_turn(void *pl);
/* One warning when a burst of a thousand datagrams does not fit into the
 * smallest of the sockets' buffers, with what to do. */
void sock_say_small(const struct front *f);

#endif
