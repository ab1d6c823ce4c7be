/*
 * front_oscore: the plane of OSCORE. Requests come to a port of their own,
 * since what a device acknowledges is told apart by nothing else. They are
 * opened here and go on to libcoap over the loopback interface, each
 * security context from an address of its own of 127.0.0.0/8; what libcoap
 * sends there is sealed, and leaves. So the front serves them as it serves
 * plain UDP, but knows who asks.
 */
#ifndef SUITD_DAEMON_FRONT_OSCORE_H
#define SUITD_DAEMON_FRONT_OSCORE_H

#include "daemon/front_int.h"

/* Listens on conf->listen_oscore, if that is on. */
int front_oscore_open(struct front *f, struct why *why) MUST_USE;
void front_oscore_close(struct front *f);
/* Whose session it is; false: nobody's any more, or it was never one. */
struct oscore_who;
bool front_oscore_who(const struct front *f, const coap_session_t *s,
    struct oscore_who *ret);
/* "": nobody's. */
const char *front_oscore_identity(const struct front *f,
    const coap_session_t *s);
void front_oscore_forget(struct front *f, const char *identity);
void front_oscore_stats(const struct front *f, struct front_stats *ret);

#endif
