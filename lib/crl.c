/*
 * OpenSSL's own door for this, X509_CRL_METHOD, which replaces how a list is
 * looked into and how it is verified. The bytes that were signed are kept,
 * since a method cannot reach those of the list, and an issuer may be known
 * only by the chain of a client.
 *
 * Rejected: a set of numbers beside OpenSSL's check. Scopes, issuers, critical
 * extensions and times would have to be judged anew. For the same reason a
 * list with entries of other issuers, which hardly anybody writes, is left to
 * OpenSSL altogether.
 */
#include "lib/crl.h"

#include <stdlib.h>

#define INDEFINITE 0x01 /* what ASN1_get_object returns */
#define BROKEN 0x80
#define REVOKED 1 /* what a look-up returns */
#define NOT_ANY_MORE 2

struct memo {
	ASN1_TYPE *tbs; /* with its header */
	EVP_PKEY *signer; /* whose signature it has; NULL: not asked yet */
	size_t proofs;
	size_t n;
	X509_REVOKED *by[]; /* serial number; the list's */
};

/* --- what OpenSSL calls --- */

static int
on_free(X509_CRL *crl)
{
	struct memo *m = X509_CRL_get_meth_data(crl);

	if (m == NULL)
		return 1;
	ASN1_TYPE_free(m->tbs);
	EVP_PKEY_free(m->signer);
	free(m);
	X509_CRL_set_meth_data(crl, NULL);
	return 1;
}

static int
on_verify(X509_CRL *crl, EVP_PKEY *key)
{
	struct memo *m = X509_CRL_get_meth_data(crl);
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	int rc;

	if (m == NULL)
		return 0;
	if (m->signer != NULL && EVP_PKEY_eq(m->signer, key) == 1)
		return 1;
	m->proofs++;
	X509_CRL_get0_signature(crl, &sig, &alg);
	rc = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), alg, sig, m->tbs,
	    key);
	if (rc == 1 && EVP_PKEY_up_ref(key) == 1) {
		EVP_PKEY_free(m->signer);
		m->signer = key;
	}
	return rc;
}

static int
compare(const void *a, const void *b)
{
	const X509_REVOKED *const *x = a, *const *y = b;

	return ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(*x),
	    X509_REVOKED_get0_serialNumber(*y));
}

static int
compare_serial(const void *key, const void *b)
{
	const X509_REVOKED *const *y = b;

	return ASN1_INTEGER_cmp(key, X509_REVOKED_get0_serialNumber(*y));
}

/* RFC 5280 5.3.1: removeFromCRL. */
static bool
is_removed(const X509_REVOKED *r)
{
	ASN1_ENUMERATED *why = X509_REVOKED_get_ext_d2i(r, NID_crl_reason,
	    NULL, NULL);
	bool removed = why != NULL &&
	    ASN1_ENUMERATED_get(why) == CRL_REASON_REMOVE_FROM_CRL;

	ASN1_ENUMERATED_free(why);
	return removed;
}

/* `issuer` NULL: the list's, whose all entries are. */
static int
on_lookup(X509_CRL *crl, X509_REVOKED **ret, const ASN1_INTEGER *serial,
    const X509_NAME *issuer)
{
	struct memo *m = X509_CRL_get_meth_data(crl);
	X509_REVOKED **at;

	if (m == NULL || m->n == 0 || (issuer != NULL &&
	    X509_NAME_cmp(issuer, X509_CRL_get_issuer(crl)) != 0))
		return 0;
	at = bsearch(serial, m->by, m->n, sizeof(m->by[0]), compare_serial);
	if (at == NULL)
		return 0;
	if (ret != NULL)
		*ret = *at;
	return is_removed(*at) ? NOT_ANY_MORE : REVOKED;
}

X509_CRL_METHOD *
crl_method_new(void)
{
	return X509_CRL_METHOD_new(NULL, on_free, on_lookup, on_verify);
}

void
crl_method_free(X509_CRL_METHOD *m)
{
	if (m != NULL)
		X509_CRL_METHOD_free(m);
}

/* --- reading --- */

/* The first element of the outer sequence: RFC 5280 5.1.1.1. */
static bool
find_tbs(struct slice der, struct slice *ret)
{
	const unsigned char *p = der.p, *start;
	int tag, class, bad;
	long n;

	bad = ASN1_get_object(&p, &n, &tag, &class, (long)der.n);
	if (bad & (BROKEN | INDEFINITE) || p + n != der.p + der.n)
		return false;
	start = p;
	bad = ASN1_get_object(&p, &n, &tag, &class, n);
	if (bad & (BROKEN | INDEFINITE))
		return false;
	*ret = slice_of(start, (size_t)(p - start) + (size_t)n);
	return true;
}

/* NULL: out of memory. Written out it is these bytes, as they are. */
static ASN1_TYPE *
as_is(struct slice tbs)
{
	ASN1_STRING *bytes = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
	ASN1_TYPE *t = ASN1_TYPE_new();

	if (bytes == NULL || t == NULL ||
	    ASN1_STRING_set(bytes, tbs.p, (int)tbs.n) != 1) {
		ASN1_STRING_free(bytes);
		ASN1_TYPE_free(t);
		return NULL;
	}
	ASN1_TYPE_set(t, V_ASN1_SEQUENCE, bytes); /* takes it */
	return t;
}

/* Of a number that comes again OpenSSL believes the first entry; it sorts by
 * the same function. */
static size_t
once_each(X509_REVOKED **by, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || compare(&by[kept - 1], &by[i]) != 0)
			by[kept++] = by[i];
	return kept;
}

static int
remember(X509_CRL *crl, struct slice tbs)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	size_t n = all != NULL ? (size_t)sk_X509_REVOKED_num(all) : 0;
	struct memo *m = malloc(sizeof(*m) + n * sizeof(m->by[0]));

	if (m == NULL)
		return ERR_NOMEM;
	*m = (struct memo){.tbs = as_is(tbs), .n = n};
	X509_CRL_set_meth_data(crl, m);
	if (m->tbs == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		m->by[i] = sk_X509_REVOKED_value(all, (int)i);
	qsort(m->by, n, sizeof(m->by[0]), compare);
	m->n = once_each(m->by, n);
	return 0;
}

/* RFC 5280 5.3.3. */
static bool
speaks_for_others(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(all); i++)
		if (X509_REVOKED_get_ext_by_NID(sk_X509_REVOKED_value(all, i),
		    NID_certificate_issuer, -1) >= 0)
			return true;
	return false;
}

/* NULL: it is none. `m` NULL: OpenSSL's. */
static X509_CRL *
read_by(X509_CRL_METHOD *m, struct slice der)
{
	const unsigned char *p = der.p;
	X509_CRL *crl;

	/* what a list is made by stays with it */
	X509_CRL_set_default_method(m);
	crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	X509_CRL_set_default_method(NULL);
	return crl;
}

int
crl_parse(X509_CRL_METHOD *m, struct slice der, X509_CRL **ret)
{
	struct slice tbs;
	X509_CRL *crl;
	int rc = 0;

	if (!find_tbs(der, &tbs) || (crl = read_by(m, der)) == NULL)
		return ERR_MALFORMED;
	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0) {
		rc = ERR_UNSUPPORTED;
	} else if (!speaks_for_others(crl)) {
		rc = remember(crl, tbs);
	} else {
		X509_CRL_free(crl);
		crl = read_by(NULL, der);
		rc = crl != NULL ? 0 : ERR_NOMEM;
	}
	if (rc != 0) {
		X509_CRL_free(crl);
		return rc;
	}
	*ret = crl;
	return 0;
}

size_t
crl_proofs(X509_CRL *crl)
{
	const struct memo *m = X509_CRL_get_meth_data(crl);

	return m != NULL ? m->proofs : 0;
}
