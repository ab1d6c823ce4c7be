/*
 * coap_tls: what libcoap does not let one say about its OpenSSL: no session
 * is ever resumed, and CCM_8 works at OpenSSL 3.2's idea of its strength.
 */
#ifndef SUITD_DAEMON_COAP_TLS_H
#define SUITD_DAEMON_COAP_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* Once, before the first libcoap context. (OpenSSL has ERR_ names, too, so
 * lib/err.h stays out of here.) */
bool coap_tls_init(void);
/* In the PSK callback, with the SSL object of the session. */
void coap_tls_no_cache(void *ssl);
/*
 * TLS over TCP is 1.2, as DTLS is here, neither an older one nor 1.3: libcoap
 * asks for 1.0 and above, and 1.3 has a PSK whose identity OpenSSL does not
 * tell, and resumption that no setting of ours would forbid. While a
 * ClientHello is looked at, before its version is.
 */
bool coap_tls_only_12(void *ssl);
/* Calls back for every record that can be a ClientHello; and for every one of
 * a handshake that is sealed, before it is opened: the peer thinks that both
 * have the same key now. Over TCP that is each one after an identity was
 * named; those before it may be told of, too. */
void coap_tls_watch(void *ssl, void (*hello)(void *arg),
    void (*sealed)(void *arg), void *arg);
void coap_tls_unwatch(void *ssl);
/* libcoap's session of an SSL object, also before it knows its SSL. */
void *coap_tls_session(void *ssl);
/* This one shows that certificate, while its ClientHello is looked at. The
 * objects are OpenSSL's, and shared: see cert_parts; leaf NULL: none. */
bool coap_tls_show(void *ssl, void *leaf, void *key, void *chain);

/* A certificate that the peer has sent: OpenSSL's X509 * and STACK_OF(X509) *,
 * of which the chain may be NULL. x509 is OpenSSL's number for what is wrong
 * with it, from which its alert is made; 0: no word of OpenSSL's. */
struct coap_tls_shown {
	void *leaf, *chain;
	int x509; /* out */
};
/*
 * In the hello, after coap_tls_watch: asks the peer for a certificate by one
 * of `names`, a STACK_OF(X509_NAME) * that is OpenSSL's from now on, of up to
 * `most` bytes. Who has none goes on without; who has one goes on if `verify`
 * says true, and proves then that it is his. `arg` is that of coap_tls_watch.
 */
bool coap_tls_ask(void *ssl, void *names, size_t most,
    bool (*verify)(void *arg, struct coap_tls_shown *shown));
/* What the peer of an open session showed; leaf NULL: nothing. Borrowed. */
struct coap_tls_shown coap_tls_peer(void *ssl);
/* The PSK identity that the peer proved; NULL if none. */
const char *coap_tls_identity(void *ssl);

#endif
