/*
 * tls_client: a DTLS-PSK client in steps, from a port of one's choice. Apart
 * from the rig, since OpenSSL and lib/err.h share names.
 */
#ifndef SUITD_TESTS_RIG_TLS_CLIENT_H
#define SUITD_TESTS_RIG_TLS_CLIENT_H

#include <stdbool.h>

struct tls_client;

struct tls_client *tls_client_new(int from_port, int to_port);
/* One without a key, which verifies nothing, from any port. */
struct tls_client *tls_client_stranger(int to_port);
bool tls_client_alive(struct tls_client *c); /* false: it was ended */
bool tls_client_step(struct tls_client *c); /* true: connected */
void tls_client_drop(struct tls_client *c); /* without a goodbye */

#endif
