/*
 * front_client: which certificates of clients are good.
 */
#ifndef SUITD_DAEMON_FRONT_CLIENT_H
#define SUITD_DAEMON_FRONT_CLIENT_H

#include "daemon/coap_tls.h"
#include "daemon/front_int.h"

/* Takes what was loaded, which is empty then; sessions are to be checked by it. */
void client_take(struct front *f, struct client_trust *t);
/* The chain, the names, and hooks.cert. */
int client_check(struct front *f, struct coap_tls_shown *shown,
    struct cert_peer *ret, struct why *why) MUST_USE;
/*
 * Reads client_ca and client_crl by a copy of c on the disk's thread; `done`
 * runs on the loop, perhaps inside of this call, and not at all when the
 * thread ends before. On 0 it may take t and leave it empty, else `why` says
 * what is wrong.
 */
struct client_read {
	struct conf conf;
	struct client_trust t;
	int rc;
	struct why why;
	void (*done)(struct front *f, struct client_read *r);
	/* front_cert_read's; NULL: the files have changed */
	void (*told)(void *arg, int err, const struct why *why);
	void *arg;
};
void client_read(struct front *f, const struct conf *c,
    const struct client_read *what);
/* Frees it there, too: 100 000 entries are 40 ms. */
void client_drop(struct front *f, struct client_trust *t);
/* Looks at files now and then, checks some sessions. */
void client_tick(struct front *f);

#endif
