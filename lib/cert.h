/*
 * cert: the certificate that the server shows, with its issuers and its
 * private key (RFC 5280, PEM of RFC 7468). Whether it is trusted is the
 * client's to say; here it is only made sure that it can be shown.
 */
#ifndef SUITD_LIB_CERT_H
#define SUITD_LIB_CERT_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct cert;

/*
 * From two texts in PEM of up to LIMIT_CERT_FILE bytes; the certificate
 * itself comes first, each issuer behind whom it issued. On the heap.
 * ERR_SIZE; ERR_MALFORMED: no certificate, or a broken one; ERR_LIMIT: more
 * than LIMIT_CERT_CHAIN; ERR_ORDER: one that did not issue the one before;
 * ERR_KEY: no private key, or one that asks for a pass-phrase; ERR_CONFLICT:
 * the key is another certificate's; ERR_ALGORITHM: RSA of fewer than
 * LIMIT_CERT_RSA_LEAST bits, or what is neither RSA, EC nor EdDSA.
 */
int cert_parse(struct slice pem, struct slice key_pem, struct cert **ret,
    struct why *why) MUST_USE;
void cert_free(struct cert *c); /* NULL is fine; the key is wiped */

/* Unix ms; valid from .. until, of it and all of its issuers. */
int64_t cert_from(const struct cert *c);
int64_t cert_until(const struct cert *c);
/* Its subject, e.g. "/CN=fw.example.org", cut and escaped. */
const char *cert_name(const struct cert *c);

/* OpenSSL's X509 *, EVP_PKEY * and STACK_OF(X509) *; until cert_free. */
struct cert_parts {
	void *leaf, *key, *chain;
};
struct cert_parts cert_parts(const struct cert *c);

#endif
