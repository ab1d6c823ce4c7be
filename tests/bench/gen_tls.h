/*
 * gen_tls: DTLS sessions of devices by OpenSSL, PSK only, all over the
 * sockets of gen_net. Records go in and out without a buffer in between.
 */
#ifndef SUITD_BENCH_GEN_TLS_H
#define SUITD_BENCH_GEN_TLS_H

#include "tests/bench/gen_net.h"

struct tls;

enum tls_state {
	TLS_SHAKING, TLS_READY,
	TLS_DEAD, /* refused, closed by the server, or given up */
};

int tls_new(const struct gen_args *a, struct net *n, struct tls **ret,
    struct why *why) MUST_USE;
void tls_free(struct tls *t); /* takes NULL */

/* Begins device k's handshake. */
enum tls_state tls_begin(struct tls *t, uint32_t k);
/*
 * A datagram from the server. Application data is handed to `plain`, which
 * may call tls_write for the same device.
 */
enum tls_state tls_input(struct tls *t, uint32_t k, struct slice datagram,
    void (*plain)(void *arg, uint32_t k, struct slice message), void *arg);
/* Milliseconds until the flight is to be sent again. */
uint32_t tls_timeout(struct tls *t, uint32_t k);
/* That time may be over. */
enum tls_state tls_due(struct tls *t, uint32_t k);
/* Ends a handshake that takes too long: OpenSSL would try for minutes. */
enum tls_state tls_give_up(struct tls *t, uint32_t k);
bool tls_alive(const struct tls *t, uint32_t k);
/* A message of a ready session; nothing happens without one. */
void tls_write(struct tls *t, uint32_t k, struct slice message);

#endif
