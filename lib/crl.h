/*
 * crl: a list of revoked certificates (RFC 5280 5) that costs the same to ask,
 * however long it is. What a list is for, and what it says of a certificate,
 * is OpenSSL's to decide. But OpenSSL digests all of a list for each chain
 * that it checks, and sorts it at the first: with 100 000 numbers 4 ms each
 * time, and 30 ms once. So whose key signed a list is remembered, and it is
 * sorted when it is read. One with entries of other issuers (5.3.3) costs what
 * it costs there.
 *
 * A list is read by one thread at a time of the process, and from then on used
 * by one. On the heap.
 */
#ifndef SUITD_LIB_CRL_H
#define SUITD_LIB_CRL_H

#include "lib/cert_ssl.h"
#include "lib/slice.h"

/* How lists are asked; outlives them. NULL: out of memory. */
X509_CRL_METHOD *crl_method_new(void);
void crl_method_free(X509_CRL_METHOD *m); /* NULL is fine */
/*
 * One list in DER, the caller's to free by X509_CRL_free. ERR_MALFORMED: it is
 * none, or there is something behind it; ERR_UNSUPPORTED: it has nothing but
 * what has changed since another one (5.2.4), which OpenSSL as it is set here
 * would take for all of it; ERR_NOMEM.
 */
int crl_parse(X509_CRL_METHOD *m, struct slice der, X509_CRL **ret) MUST_USE;
/* How many times its signature was computed; 0 where OpenSSL does it. */
size_t crl_proofs(X509_CRL *crl);

#endif
