#include "lib/cert.h"

#include <stdlib.h>

#include "lib/cert_ssl.h"
#include "lib/text.h"

struct cert {
	X509 *leaf;
	EVP_PKEY *key;
	STACK_OF(X509) *chain;
	int64_t from, until;
	char name[LIMIT_CERT_NAME + 1];
};

/* The times of the whole are those when all of it is valid. */
static int
narrow(struct cert *c, X509 *x, struct why *why)
{
	int64_t from, until;

	if (cert_ssl_time(X509_get0_notBefore(x), &from) != 0 ||
	    cert_ssl_time(X509_get0_notAfter(x), &until) != 0)
		return why_set(why, ERR_MALFORMED, "RFC 5280 4.1.2.5: a time "
		    "cannot be read");
	if (from > c->from)
		c->from = from;
	if (until < c->until)
		c->until = until;
	return 0;
}

static int
add(struct cert *c, X509 *x, X509 **last, struct why *why)
{
	int rc = narrow(c, x, why);

	if (rc == 0 && c->leaf == NULL) {
		c->leaf = *last = x;
		return 0;
	}
	if (rc == 0 && X509_check_issued(x, *last) != X509_V_OK)
		rc = why_set(why, ERR_ORDER, "RFC 5246 7.4.2: each "
		    "certificate must have issued the one before it");
	if (rc == 0 && sk_X509_num(c->chain) + 1 == LIMIT_CERT_CHAIN)
		rc = why_set(why, ERR_LIMIT, "more than %d certificates",
		    LIMIT_CERT_CHAIN);
	if (rc == 0 && sk_X509_push(c->chain, x) == 0)
		rc = why_set(why, ERR_NOMEM, "out of memory");
	if (rc != 0)
		X509_free(x);
	else
		*last = x;
	return rc;
}

static int
read_chain(struct cert *c, struct slice pem, struct why *why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x, *last = NULL;
	int rc = 0;

	c->chain = sk_X509_new_null();
	if (bio == NULL || c->chain == NULL)
		rc = why_set(why, ERR_NOMEM, "out of memory");
	while (rc == 0 && (x = PEM_read_bio_X509(bio, NULL, cert_ssl_no_pass,
	    NULL)) != NULL)
		rc = add(c, x, &last, why);
	/* the end of a good file is this error, too */
	if (rc == 0 && (c->leaf == NULL || ERR_GET_REASON(
	    ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		rc = why_set(why, ERR_MALFORMED, c->leaf == NULL ?
		    "RFC 7468 5: no certificate in PEM" :
		    "RFC 7468 5: a certificate that cannot be read");
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

static int
check_key(struct cert *c, struct why *why)
{
	int type = EVP_PKEY_get_base_id(c->key);

	if (X509_check_private_key(c->leaf, c->key) != 1)
		return why_set(why, ERR_CONFLICT, "the private key is not "
		    "the one of the certificate");
	if (type != EVP_PKEY_EC && type != EVP_PKEY_RSA &&
	    type != EVP_PKEY_ED25519 && type != EVP_PKEY_ED448)
		return why_set(why, ERR_ALGORITHM, "a key for EC, EdDSA or "
		    "RSA is needed");
	if (type == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(c->key) < LIMIT_CERT_RSA_LEAST)
		return why_set(why, ERR_ALGORITHM, "an RSA key needs %d bits "
		    "or more", LIMIT_CERT_RSA_LEAST);
	return 0;
}

static int
read_key(struct cert *c, struct slice pem, struct why *why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	int rc;

	if (bio == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	c->key = PEM_read_bio_PrivateKey(bio, NULL, cert_ssl_no_pass, NULL);
	if (c->key == NULL)
		rc = why_set(why, ERR_KEY, "no private key in PEM, or one "
		    "that asks for a pass-phrase");
	else
		rc = check_key(c, why);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int
cert_parse(struct slice pem, struct slice key_pem, struct cert **ret,
    struct why *why)
{
	struct cert *c;
	char subject[2 * LIMIT_CERT_NAME];
	int rc;

	if (pem.n > LIMIT_CERT_FILE || key_pem.n > LIMIT_CERT_FILE)
		return why_set(why, ERR_SIZE, "over %d bytes",
		    LIMIT_CERT_FILE);
	if (pem.n == 0 || key_pem.n == 0)
		return why_set(why, pem.n == 0 ? ERR_MALFORMED : ERR_KEY,
		    "nothing in it");
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	c->from = INT64_MIN;
	c->until = INT64_MAX;
	rc = read_chain(c, pem, why);
	if (rc == 0)
		rc = read_key(c, key_pem, why);
	if (rc != 0) {
		cert_free(c);
		return rc;
	}
	X509_NAME_oneline(X509_get_subject_name(c->leaf), subject,
	    sizeof(subject));
	text_escape(slice_str(subject), c->name, sizeof(c->name));
	*ret = c;
	return 0;
}

void
cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->leaf);
	EVP_PKEY_free(c->key);
	sk_X509_pop_free(c->chain, X509_free);
	free(c);
}

int64_t
cert_from(const struct cert *c)
{
	return c->from;
}

int64_t
cert_until(const struct cert *c)
{
	return c->until;
}

const char *
cert_name(const struct cert *c)
{
	return c->name;
}

struct cert_parts
cert_parts(const struct cert *c)
{
	return (struct cert_parts){c->leaf, c->key, c->chain};
}
