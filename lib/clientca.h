/*
 * clientca: which client certificates are trusted (RFC 5280 6): authorities,
 * lists of what they revoked, and the check of a chain, with the time as an
 * argument. Sessions that are open are checked by the same function when the
 * files have changed.
 *
 * - A chain has to lead to one of the authorities, each of which is an end,
 *   whether it is a root or not; its keys and digests have 112 bits of
 *   strength or more; the certificate must be one for TLS clients.
 * - Of an authority without a list nothing is revoked by list. A list that is
 *   past its nextUpdate goes on to revoke: who is kept from fetching a new
 *   one shall not let in whom the old one keeps out.
 * - Validity counts, with `grace` at both ends: a device that slept beyond
 *   its certificate's end can be given the time to fetch the update that
 *   brings another one.
 */
#ifndef SUITD_LIB_CLIENTCA_H
#define SUITD_LIB_CLIENTCA_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

struct clientca;

int clientca_new(struct clientca **ret) MUST_USE; /* on the heap */
void clientca_free(struct clientca *ca); /* NULL is fine */
/*
 * All certificates of a text in PEM, of up to LIMIT_CERT_FILE bytes.
 * ERR_SIZE; ERR_MALFORMED: none, or a broken one; ERR_INVALID: one that may
 * not issue others; ERR_LIMIT: beyond LIMIT_CLIENT_CAS.
 */
int clientca_add(struct clientca *ca, struct slice pem, struct why *why)
    MUST_USE;
/*
 * All lists of a text in PEM, or one in DER, of up to LIMIT_CRL_FILE bytes.
 * ERR_SIZE; ERR_MALFORMED; ERR_UNSUPPORTED: a delta list; ERR_SIGNATURE: not
 * signed by the authority of its issuer's name; ERR_LIMIT: beyond
 * LIMIT_CLIENT_CRLS. After clientca_add.
 */
int clientca_add_crl(struct clientca *ca, struct slice bytes,
    struct why *why) MUST_USE;
size_t clientca_count(const struct clientca *ca); /* authorities */
size_t clientca_crls(const struct clientca *ca);
/* When the first list is due for its next update, Unix ms; 0: no list, or
 * none that says so. */
int64_t clientca_crl_due(const struct clientca *ca);
/* When the first authority ends, Unix ms; 0: there is none. */
int64_t clientca_until(const struct clientca *ca);
/* OpenSSL's STACK_OF(X509_NAME) * of the authorities, a copy, for the list
 * that a server sends (RFC 5246 7.4.4); NULL: out of memory. */
void *clientca_names(const struct clientca *ca);

/* Whom, and when. */
struct clientca_peer {
	void *leaf; /* X509 * */
	void *chain; /* STACK_OF(X509) *, what it sent; may be NULL */
	int64_t now; /* Unix ms */
	uint32_t grace; /* seconds */
};
/*
 * 0; ERR_SIGNATURE: no chain; ERR_POLICY: revoked, not valid now, or not for
 * this use. *ret_x509 gets OpenSSL's number for it (X509_V_OK for 0), from
 * which TLS makes its alert.
 */
int clientca_check(const struct clientca *ca, const struct clientca_peer *p,
    int *ret_x509, struct why *why) MUST_USE;

#endif
