/*
 * cert_ssl: what all readers of certificates ask OpenSSL alike.
 */
#ifndef SUITD_LIB_CERT_SSL_H
#define SUITD_LIB_CERT_SSL_H

#include "lib/digest_ssl.h"
#include "lib/err.h"

/* Unix ms; ERR_MALFORMED: no time. */
int cert_ssl_time(const ASN1_TIME *t, int64_t *ret) MUST_USE;
/* A callback of PEM readers: nobody is there who could type one. */
int cert_ssl_no_pass(char *buf, int size, int rwflag, void *arg);

#endif
