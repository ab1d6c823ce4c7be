/*
 * cert_load: the server's certificate from the files of the configuration.
 */
#ifndef SUITD_DAEMON_CERT_LOAD_H
#define SUITD_DAEMON_CERT_LOAD_H

#include "lib/cert.h"
#include "lib/conf.h"

#define CERT_SOON_DAYS 30 /* from then on its end is told */

/*
 * tls_cert, and tls_key or the systemd credential tls.key. *ret is NULL when
 * there is none to show. *why names the key and the file: see cert_parse and
 * secret_read; ERR_MISSING: a certificate without a key. One that has
 * expired is no error, see cert_verdict.
 */
int cert_load(const struct conf *c, struct cert **ret, struct why *why)
    MUST_USE;

enum cert_when { CERT_GOOD, CERT_SOON, CERT_EARLY, CERT_EXPIRED };
/* Is it valid now (Unix ms)? With a line for a person, e.g. "/CN=fw until
 * 2027-01-01T00:00Z". */
enum cert_when cert_verdict(const struct cert *c, int64_t now, char *dst,
    size_t cap);

#endif
