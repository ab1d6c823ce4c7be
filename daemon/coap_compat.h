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

#endif
