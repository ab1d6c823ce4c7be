/*
 * front_dtls: sessions of DTLS and TLS: who holds which key, what certificate is shown,
 * and the peer that starts anew from the port it had.
 */
#ifndef SUITD_DAEMON_FRONT_DTLS_H
#define SUITD_DAEMON_FRONT_DTLS_H

#include "daemon/front_int.h"

/* Has this plane got sessions with keys? */
bool dtls_secures(const struct plane *pl);
/* PSK for the plane's context; no identity hint, no resumption. */
int dtls_setup(struct plane *pl) MUST_USE;
/* From now on who comes is shown front->cert, whatever that is then; call it
 * again when it was NULL. */
int dtls_show(struct plane *pl) MUST_USE;
/* The certificate that the peer of this session proved, good by what is
 * known now; NULL: none, or one that is good no longer. */
const struct cert_peer *dtls_peer(struct plane *pl, coap_session_t *session);
/* Checks up to `most` sessions anew; false: all are. */
bool dtls_recheck(struct plane *pl, size_t most);
void dtls_forget_certs(struct plane *pl, bool (*gone)(void *arg,
    const struct cert_peer *p), void *arg);
/* The identity that the peer of this session proved, "" if none. */
const char *dtls_identity(coap_session_t *session);
void dtls_connected(struct plane *pl, coap_session_t *session);
/* No other session of this front has it; 0: one without a handshake. */
uint64_t dtls_number(const struct plane *pl, coap_session_t *session);
/* It is to end after this turn: who speaks in it is nobody. */
bool dtls_is_over(const struct plane *pl, coap_session_t *session);
/* Has its handshake succeeded? Has it got a key, and neither ended nor been
 * counted as failed yet? Has it been? */
bool dtls_is_up(coap_session_t *session);
bool dtls_is_begun(coap_session_t *session);
bool dtls_is_failed(coap_session_t *session);
/* Now and then: counts and tells whose handshakes do not prove their keys. */
void dtls_tell_failed(struct plane *pl);
void dtls_gone(struct plane *pl, coap_session_t *session);
/* A valid record came. */
void dtls_heard(struct plane *pl, coap_session_t *session);
/* After libcoap's turn: ends the sessions that are to end. */
void dtls_settle(struct plane *pl);
/* This identity's sessions are to end: its key is another one now. Also by
 * the fingerprint of a certificate. */
void dtls_forget(struct plane *pl, const char *identity);
void dtls_fini(struct plane *pl);

#endif
