/*
 * tls_client: a DTLS-PSK client in steps, from a port of one's choice. Apart
 * from the rig, since OpenSSL and lib/err.h share names.
 */
#ifndef SUITD_TESTS_RIG_TLS_CLIENT_H
#define SUITD_TESTS_RIG_TLS_CLIENT_H

#include <stdbool.h>

struct tls_client;

struct tls_client *tls_client_new(int from_port, int to_port);
/* Another device than dev1, with the same key. */
struct tls_client *tls_client_of(const char *identity, int from_port,
    int to_port);
/* A message out; and in, 0: none. */
void tls_client_send(struct tls_client *c, const void *p, int n);
int tls_client_recv(struct tls_client *c, void *p, int cap);
/* One without a key, which verifies nothing, from any port. */
struct tls_client *tls_client_stranger(int to_port);
bool tls_client_alive(struct tls_client *c); /* false: it was ended */
bool tls_client_step(struct tls_client *c); /* true: connected */
void tls_client_drop(struct tls_client *c); /* without a goodbye */

#endif
