#include "lib/clientca.h"

#include <stdlib.h>
#include <time.h>

#include "lib/crl.h"

#define STRENGTH 2 /* OpenSSL's level: 112 bits, RSA of 2048, SHA-224 */
#define DER_SEQUENCE 0x30

struct clientca {
	X509_STORE *store;
	STACK_OF(X509) *cas;
	size_t cas_n, crls_n;
	X509_CRL_METHOD *lists;
	X509_CRL *crl[LIMIT_CLIENT_CRLS];
	int64_t due, until;
};

int
clientca_new(struct clientca **ret)
{
	struct clientca *ca = calloc(1, sizeof(*ca));

	if (ca == NULL)
		return ERR_NOMEM;
	ca->store = X509_STORE_new();
	ca->cas = sk_X509_new_null();
	ca->lists = crl_method_new();
	if (ca->store == NULL || ca->cas == NULL || ca->lists == NULL) {
		clientca_free(ca);
		return ERR_NOMEM;
	}
	*ret = ca;
	return 0;
}

void
clientca_free(struct clientca *ca)
{
	if (ca == NULL)
		return;
	for (size_t i = 0; i < ca->crls_n; i++)
		X509_CRL_free(ca->crl[i]);
	sk_X509_pop_free(ca->cas, X509_free);
	X509_STORE_free(ca->store);
	crl_method_free(ca->lists);
	free(ca);
}

static void
earliest(int64_t *first, const ASN1_TIME *t)
{
	struct tm tm;
	int64_t ms;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return;
	ms = (int64_t)timegm(&tm) * 1000;
	if (*first == 0 || ms < *first)
		*first = ms;
}

/* --- authorities --- */

static bool
known(const struct clientca *ca, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(ca->cas); i++)
		if (X509_cmp(sk_X509_value(ca->cas, i), x) == 0)
			return true;
	return false;
}

/* x is the authority's from here on. */
static int
keep(struct clientca *ca, X509 *x, struct why *why)
{
	int rc = 0;

	if (X509_check_ca(x) == 0)
		rc = why_set(why, ERR_INVALID, "RFC 5280 4.2.1.9: a "
		    "certificate that may not issue others");
	else if (known(ca, x)) /* in two files of a folder */
		rc = ERR_EXISTS;
	else if (ca->cas_n == LIMIT_CLIENT_CAS)
		rc = why_set(why, ERR_LIMIT, "more than %d authorities",
		    LIMIT_CLIENT_CAS);
	else if (X509_STORE_add_cert(ca->store, x) != 1 ||
	    sk_X509_push(ca->cas, x) == 0)
		rc = why_set(why, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		X509_free(x);
		return rc == ERR_EXISTS ? 0 : rc;
	}
	ca->cas_n++;
	earliest(&ca->until, X509_get0_notAfter(x));
	return 0;
}

/* The end of a good text is an error of OpenSSL's, too. */
static bool
at_end(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

int
clientca_add(struct clientca *ca, struct slice pem, struct why *why)
{
	BIO *bio;
	X509 *x;
	int rc = 0, n = 0;

	if (pem.n > LIMIT_CERT_FILE)
		return why_set(why, ERR_SIZE, "over %d bytes",
		    LIMIT_CERT_FILE);
	bio = BIO_new_mem_buf(pem.n > 0 ? (const void *)pem.p : "",
	    (int)pem.n);
	if (bio == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	for (; rc == 0 && (x = PEM_read_bio_X509(bio, NULL, cert_ssl_no_pass,
	    NULL)) != NULL; n++)
		rc = keep(ca, x, why);
	if (rc == 0 && (n == 0 || !at_end()))
		rc = why_set(why, ERR_MALFORMED, n == 0 ?
		    "RFC 7468 5: no certificate in PEM" :
		    "RFC 7468 5: a certificate that cannot be read");
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

/* --- lists of what is revoked --- */

/* One of an authority that is not here, but below one, is looked at when a
 * chain has it. */
static bool
forged(const struct clientca *ca, X509_CRL *crl)
{
	bool named = false;

	for (int i = 0; i < sk_X509_num(ca->cas); i++) {
		X509 *x = sk_X509_value(ca->cas, i);

		if (X509_NAME_cmp(X509_get_subject_name(x),
		    X509_CRL_get_issuer(crl)) != 0)
			continue;
		named = true;
		if (X509_CRL_verify(crl, X509_get0_pubkey(x)) == 1)
			return false;
	}
	return named;
}

static int
keep_crl(struct clientca *ca, X509_CRL *crl, struct why *why)
{
	int rc = 0;

	if (forged(ca, crl))
		rc = why_set(why, ERR_SIGNATURE, "RFC 5280 6.3.3: a list that "
		    "its issuer did not sign");
	else if (ca->crls_n == LIMIT_CLIENT_CRLS)
		rc = why_set(why, ERR_LIMIT, "more than %d lists",
		    LIMIT_CLIENT_CRLS);
	else if (X509_STORE_add_crl(ca->store, crl) != 1)
		rc = why_set(why, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		X509_CRL_free(crl);
		return rc;
	}
	ca->crl[ca->crls_n++] = crl;
	earliest(&ca->due, X509_CRL_get0_nextUpdate(crl));
	return 0;
}

static int
add_der(struct clientca *ca, struct slice der, struct why *why)
{
	X509_CRL *crl;
	int rc = crl_parse(ca->lists, der, &crl);

	if (rc == ERR_UNSUPPORTED)
		return why_set(why, rc, "RFC 5280 5.2.4: a delta list, which "
		    "has but the changes to another one; suitd takes whole "
		    "lists");
	if (rc != 0)
		return why_set(why, rc, rc == ERR_NOMEM ? "out of memory" :
		    "RFC 5280 5: a list that cannot be read");
	return keep_crl(ca, crl, why);
}

static int
add_pem(struct clientca *ca, struct slice bytes, struct why *why)
{
	BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
	unsigned char *der;
	int rc = 0, n = 0;
	long len;

	if (bio == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	for (; rc == 0 && PEM_bytes_read_bio(&der, &len, NULL,
	    PEM_STRING_X509_CRL, bio, cert_ssl_no_pass, NULL) == 1; n++) {
		rc = add_der(ca, slice_of(der, (size_t)len), why);
		OPENSSL_free(der);
	}
	if (rc == 0 && (n == 0 || !at_end()))
		rc = why_set(why, ERR_MALFORMED, n == 0 ?
		    "RFC 7468 6: no list of revoked certificates" :
		    "RFC 7468 6: a list that cannot be read");
	BIO_free(bio);
	return rc;
}

int
clientca_add_crl(struct clientca *ca, struct slice bytes, struct why *why)
{
	int rc;

	if (bytes.n > LIMIT_CRL_FILE)
		return why_set(why, ERR_SIZE, "over %d bytes",
		    LIMIT_CRL_FILE);
	if (bytes.n == 0)
		return why_set(why, ERR_MALFORMED, "nothing in it");
	rc = bytes.p[0] == DER_SEQUENCE ? add_der(ca, bytes, why) :
	    add_pem(ca, bytes, why);
	ERR_clear_error();
	return rc;
}

/* --- what is there --- */

size_t
clientca_count(const struct clientca *ca)
{
	return ca->cas_n;
}

size_t
clientca_crls(const struct clientca *ca)
{
	return ca->crls_n;
}

int64_t
clientca_crl_due(const struct clientca *ca)
{
	return ca->due;
}

int64_t
clientca_until(const struct clientca *ca)
{
	return ca->until;
}

void *
clientca_names(const struct clientca *ca)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();

	for (int i = 0; names != NULL && i < sk_X509_num(ca->cas); i++) {
		X509_NAME *n = X509_NAME_dup(X509_get_subject_name(
		    sk_X509_value(ca->cas, i)));

		if (n != NULL && sk_X509_NAME_push(names, n) != 0)
			continue;
		X509_NAME_free(n);
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		names = NULL;
	}
	return names;
}

/* --- the check --- */

struct check {
	const struct clientca *ca;
	const struct clientca_peer *peer;
};

/* With the grace: is it too late by more, or too early? */
static bool
within(const struct check *k, const X509 *x)
{
	time_t now = (time_t)(k->peer->now / 1000);
	time_t late = now - (time_t)k->peer->grace;
	time_t early = now + (time_t)k->peer->grace;

	return X509_cmp_time(X509_get0_notAfter(x), &late) > 0 &&
	    X509_cmp_time(X509_get0_notBefore(x), &early) < 0;
}

static bool
has_list(const struct clientca *ca, const X509 *x)
{
	for (size_t i = 0; i < ca->crls_n; i++)
		if (X509_NAME_cmp(X509_CRL_get_issuer(ca->crl[i]),
		    X509_get_issuer_name(x)) == 0)
			return true;
	return false;
}

static int
on_verify(int ok, X509_STORE_CTX *ctx)
{
	const struct check *k = X509_STORE_CTX_get_app_data(ctx);
	const X509 *x = X509_STORE_CTX_get_current_cert(ctx);

	if (ok)
		return 1;
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		ok = within(k, x);
		break;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		ok = !has_list(k->ca, x);
		break;
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		ok = 1;
		break;
	default:
		break;
	}
	if (ok)
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return ok;
}

static int
verify(struct check *k, X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(ctx, k->ca->store, k->peer->leaf,
	    k->peer->chain) != 1 ||
	    X509_STORE_CTX_set_default(ctx, "ssl_client") != 1)
		return X509_V_ERR_UNSPECIFIED;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)(k->peer->now / 1000));
	X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
	X509_VERIFY_PARAM_set_depth(param, LIMIT_CERT_CHAIN);
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN |
	    (k->ca->crls_n > 0 ? X509_V_FLAG_CRL_CHECK |
	    X509_V_FLAG_CRL_CHECK_ALL : 0));
	X509_STORE_CTX_set_app_data(ctx, k);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	if (X509_verify_cert(ctx) == 1)
		return X509_V_OK;
	return X509_STORE_CTX_get_error(ctx) != X509_V_OK ?
	    X509_STORE_CTX_get_error(ctx) : X509_V_ERR_UNSPECIFIED;
}

static int
code(int x509)
{
	switch (x509) {
	case X509_V_OK:
		return 0;
	case X509_V_ERR_CERT_REVOKED:
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return ERR_POLICY;
	default:
		return ERR_SIGNATURE;
	}
}

int
clientca_check(const struct clientca *ca, const struct clientca_peer *p,
    int *ret_x509, struct why *why)
{
	struct check k = {ca, p};
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int x509 = ctx != NULL ? verify(&k, ctx) : X509_V_ERR_OUT_OF_MEM;

	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	*ret_x509 = x509;
	return x509 == X509_V_OK ? 0 : why_set(why, code(x509),
	    "client_ca: %s", X509_verify_cert_error_string(x509));
}
