/* cert_make: certificates for tests, made on the spot. */
#ifndef SUITD_TESTS_LIB_CERT_MAKE_H
#define SUITD_TESTS_LIB_CERT_MAKE_H

#include <stdlib.h>

#include "lib/digest_ssl.h"

struct made {
	X509 *cert;
	EVP_PKEY *key;
};

/* Signed by `by`, or by itself; may sign others; valid from now + span[0] to
 * now + span[1], in seconds. */
static inline struct made
cert_make(EVP_PKEY *key, const char *name, const struct made *by,
    const long span[2])
{
	struct made m = {X509_new(), key};
	X509_NAME *subject = X509_get_subject_name(m.cert);
	X509_EXTENSION *ca;

	ASN1_INTEGER_set(X509_get_serialNumber(m.cert), 7);
	X509_set_version(m.cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(m.cert), span[0]);
	X509_gmtime_adj(X509_getm_notAfter(m.cert), span[1]);
	X509_set_pubkey(m.cert, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
	    "critical,CA:TRUE");
	X509_add_ext(m.cert, ca, -1);
	X509_EXTENSION_free(ca);
	X509_set_issuer_name(m.cert, X509_get_subject_name(by != NULL ?
	    by->cert : m.cert));
	X509_sign(m.cert, by != NULL ? by->key : key,
	    EVP_PKEY_get_base_id(by != NULL ? by->key : key) ==
	    EVP_PKEY_ED25519 ? NULL : EVP_sha256());
	return m;
}

static inline void
made_free(struct made *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
}

/* Appends, with a NUL that does not count. */
static inline void
put_bio(BIO *bio, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	buf_put(out, slice_of(p, (size_t)n));
	BIO_free(bio);
}

static inline void
put_cert(const struct made *m, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, m->cert);
	put_bio(bio, out);
}

/* With a pass-phrase unless it is NULL. */
static inline void
put_key(const struct made *m, const char *pass, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(bio, m->key, pass != NULL ?
	    EVP_aes_128_cbc() : NULL, pass, pass != NULL ? (int)strlen(pass) :
	    0, NULL, NULL);
	put_bio(bio, out);
}

#endif
