/*
 * coap_can: what the libcoap in use can, found by asking it when suitd runs:
 * another one may have been installed since it was built, and the older one
 * has no word for what it cannot.
 */
#ifndef SUITD_DAEMON_COAP_CAN_H
#define SUITD_DAEMON_COAP_CAN_H

#include <stdbool.h>
#include <stddef.h>

/* One of: dtls psk pki rpk cid tcp tls oscore ws wss. False for another. */
bool coap_can(const char *what);
/* "dtls psk pki tcp tls, no rpk cid oscore ws wss" */
#define COAP_CAN_TEXT 80
void coap_can_describe(char dst[COAP_CAN_TEXT]);
/* The library's own version: "4.3.1"; and with what it works: "libcoap 4.3.1
 * with OpenSSL 3.0.19". */
const char *coap_can_version(void);
void coap_can_library(char *dst, size_t cap);

#endif
