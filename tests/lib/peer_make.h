/* peer_make: certificates of clients, and lists of revoked ones, for tests. */
#ifndef SUITD_TESTS_LIB_PEER_MAKE_H
#define SUITD_TESTS_LIB_PEER_MAKE_H

#include "tests/lib/cert_make.h"

struct peer_want {
	const char *cn; /* NULL: none */
	const char *san; /* as in openssl's files, "URI:urn:dev:1,DNS:a"; NULL */
	const char *eku; /* NULL: clientAuth */
	long serial;
	EVP_PKEY *key; /* NULL: a new P-256 one */
	const EVP_MD *md; /* NULL: SHA-256 */
	long span[2]; /* seconds from now; 0, 0: a day before, 30 after */
};

static inline void
peer_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static inline void
peer_subject(X509_NAME *n, const char *field, const char *text)
{
	X509_NAME_add_entry_by_txt(n, field, MBSTRING_ASC,
	    (const unsigned char *)text, -1, -1, 0);
}

static inline struct made
peer_make(const struct peer_want *w, const struct made *by)
{
	struct made m = {X509_new(), w->key != NULL ? w->key :
	    EVP_EC_gen("P-256")};
	bool always = w->span[0] == 0 && w->span[1] == 0;

	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), w->serial);
	X509_set_version(m.cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(m.cert), always ? -86400 :
	    w->span[0]);
	X509_gmtime_adj(X509_getm_notAfter(m.cert), always ? 30 * 86400 :
	    w->span[1]);
	X509_set_pubkey(m.cert, m.key);
	if (w->cn != NULL)
		peer_subject(X509_get_subject_name(m.cert), "CN", w->cn);
	peer_ext(m.cert, NID_basic_constraints, "critical,CA:FALSE");
	peer_ext(m.cert, NID_ext_key_usage, w->eku != NULL ? w->eku :
	    "clientAuth");
	if (w->san != NULL)
		peer_ext(m.cert, NID_subject_alt_name, w->san);
	X509_set_issuer_name(m.cert, X509_get_subject_name(by->cert));
	X509_sign(m.cert, by->key, w->md != NULL ? w->md : EVP_sha256());
	return m;
}

/* Of `by`, with up to two serial numbers (0: none), due `due` seconds from
 * now. */
static inline X509_CRL *
crl_make(const struct made *by, const long serial[2], long due)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -2 * 86400);

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_gmtime_adj(t, due);
	X509_CRL_set1_nextUpdate(crl, t);
	for (int i = 0; i < 2; i++) {
		X509_REVOKED *r;
		ASN1_INTEGER *n;

		if (serial[i] == 0)
			continue;
		r = X509_REVOKED_new();
		n = ASN1_INTEGER_new();
		ASN1_INTEGER_set(n, serial[i]);
		X509_gmtime_adj(t, -86400);
		X509_REVOKED_set_serialNumber(r, n);
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(crl, r);
		ASN1_INTEGER_free(n);
	}
	X509_CRL_sort(crl);
	X509_CRL_sign(crl, by->key, EVP_sha256());
	ASN1_TIME_free(t);
	return crl;
}

static inline void
put_crl(X509_CRL *crl, bool pem, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (pem)
		PEM_write_bio_X509_CRL(bio, crl);
	else
		i2d_X509_CRL_bio(bio, crl);
	put_bio(bio, out);
}

#endif
