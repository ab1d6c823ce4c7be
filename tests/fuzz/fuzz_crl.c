/* Lists of revoked certificates: what is read is a list to OpenSSL, too, and
 * both say the same of each of its numbers, and of a signature. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/crl.h"

#define MOST 4096

/* Whose the signature of the seeds is; nobody has the other half any more. */
static const uint8_t spki[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04, 0x10, 0xe1, 0xf0, 0x8c, 0x52, 0x05, 0x8e, 0x66, 0xd7,
	0x8a, 0x13, 0xe7, 0x6f, 0xe2, 0xb9, 0x04, 0x70, 0x3c, 0x03, 0x3d, 0x72,
	0xac, 0x3d, 0x87, 0x4d, 0x27, 0x8c, 0x49, 0x92, 0xc3, 0x3b, 0x33, 0x3a,
	0xc2, 0x22, 0x09, 0x46, 0xf1, 0x9c, 0xf5, 0x85, 0x28, 0xf0, 0xc5, 0xb9,
	0x1d, 0xff, 0x1f, 0x1b, 0xe1, 0x6f, 0x95, 0x55, 0x38, 0x74, 0x53, 0xff,
	0x57, 0xb2, 0xed, 0x43, 0xc8, 0xe8, 0x72,
};

static X509_CRL_METHOD *method;
static EVP_PKEY *key;

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
same_answer(X509_CRL *ours, X509_CRL *theirs, const ASN1_INTEGER *serial)
{
	ASN1_INTEGER *n = ASN1_INTEGER_dup(serial); /* it is not const there */
	X509_REVOKED *a = NULL, *b = NULL;

	require(n != NULL);
	require((X509_CRL_get0_by_serial(ours, &a, n) != 0) ==
	    (X509_CRL_get0_by_serial(theirs, &b, n) != 0));
	require((a == NULL) == (b == NULL));
	require(a == NULL || ASN1_STRING_cmp(
	    X509_REVOKED_get0_revocationDate(a),
	    X509_REVOKED_get0_revocationDate(b)) == 0);
	ASN1_INTEGER_free(n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const unsigned char *at = spki;
	STACK_OF(X509_REVOKED) *all;
	X509_CRL *ours, *theirs;

	if (key == NULL) {
		method = crl_method_new();
		key = d2i_PUBKEY(NULL, &at, sizeof(spki));
		require(method != NULL && key != NULL);
	}
	if (n > MOST || crl_parse(method, slice_of(p, n), &ours) != 0)
		return 0;
	at = p;
	theirs = d2i_X509_CRL(NULL, &at, (long)n);
	require(theirs != NULL && at == p + n);
	for (int i = 0; i < 2; i++) /* the second is remembered */
		require((X509_CRL_verify(ours, key) == 1) ==
		    (X509_CRL_verify(theirs, key) == 1));
	all = X509_CRL_get_REVOKED(theirs);
	for (int i = 0; i < sk_X509_REVOKED_num(all); i++)
		same_answer(ours, theirs, X509_REVOKED_get0_serialNumber(
		    sk_X509_REVOKED_value(all, i)));
	X509_CRL_free(ours);
	X509_CRL_free(theirs);
	ERR_clear_error();
	return 0;
}
