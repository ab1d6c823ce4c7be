/*
 * coap_compat: libcoap 4.3.1 (Debian 12) and 4.3.4 (Debian 13) have other
 * names for the same things. The one place that knows.
 */
#ifndef SUITD_DAEMON_COAP_COMPAT_H
#define SUITD_DAEMON_COAP_COMPAT_H

#include <coap3/coap.h>

#ifndef COAP_LOG_ERR
#define COAP_LOG_ERR LOG_ERR
#endif

/* WebSockets (RFC 8323 4) came with 4.3.2; there is nothing to listen with
 * where coap_can("ws") says no. */
#if __has_include(<coap3/coap_ws.h>)
#define COMPAT_PROTO_WS COAP_PROTO_WS
#define COMPAT_PROTO_WSS COAP_PROTO_WSS
#else
#define COMPAT_PROTO_WS COAP_PROTO_NONE
#define COMPAT_PROTO_WSS COAP_PROTO_NONE
#endif

#endif
