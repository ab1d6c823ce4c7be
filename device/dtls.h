/*
 * dtls: one DTLS 1.2 PSK association over datagrams that somebody else
 * carries, on OpenSSL. Plain bytes in, records out by a hook, and back.
 */
#ifndef SUITD_DEVICE_DTLS_H
#define SUITD_DEVICE_DTLS_H

#include "lib/err.h"
#include "lib/slice.h"

struct dtls_ctx;
struct dtls;

struct dtls_psk {
	const char *identity;
	struct slice key;
};

/* Shared by all; CCM_8, CCM and GCM. */
int dtls_ctx_new(struct dtls_ctx **ret) MUST_USE;
void dtls_ctx_free(struct dtls_ctx *c); /* NULL is fine */

struct dtls_hooks {
	void (*send)(void *arg, struct slice record); /* to the peer */
	void (*plain)(void *arg, struct slice dgram); /* from the peer */
};
/* Borrows `psk`'s texts. The handshake starts with the first dtls_send. */
int dtls_new(struct dtls_ctx *c, const struct dtls_psk *psk,
    const struct dtls_hooks *hooks, void *arg, struct dtls **ret) MUST_USE;
void dtls_free(struct dtls *d); /* sends close_notify; NULL is fine */

/*
 * Sends, or keeps the datagram (the last one only: CoAP repeats) until the
 * handshake is through. ERR_REJECTED: the peer ended the association.
 */
int dtls_send(struct dtls *d, struct slice dgram) MUST_USE;
int dtls_input(struct dtls *d, struct slice record) MUST_USE;
/* The handshake's own timer: ms from now, -1 none. */
int64_t dtls_timeout(struct dtls *d);
int dtls_tick(struct dtls *d) MUST_USE;

#endif
