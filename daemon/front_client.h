/*
 * front_client: which certificates of clients are good.
 */
#ifndef SUITD_DAEMON_FRONT_CLIENT_H
#define SUITD_DAEMON_FRONT_CLIENT_H

#include "daemon/coap_tls.h"
#include "daemon/front_int.h"

/* Takes what was loaded; sessions are to be checked by it. */
void client_take(struct front *f, struct client_trust *t);
/* The chain, the names, and hooks.cert. */
int client_check(struct front *f, struct coap_tls_shown *shown,
    struct cert_peer *ret, struct why *why) MUST_USE;
/* Looks at files now and then, checks some sessions. */
void client_tick(struct front *f);

#endif
