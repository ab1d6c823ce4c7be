/* Lists of revoked certificates, as long as they may be, and what they cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/crl.h"
#include "tests/lib/peer_make.h"

#define MANY 20000
#define DAY 86400L
#define STEP 48271 /* of a generator of all numbers below a prime */
#define PRIME 2147483647

static X509_CRL_METHOD *method;
static struct made root;
static struct slice der;

static int
setup(void **state)
{
	static const long span[2] = {-DAY, DAY};

	(void)state;
	method = crl_method_new();
	root = cert_make(EVP_EC_gen("P-256"), "root", NULL, span);
	der = SLICE_NONE;
	return method == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	made_free(&root);
	crl_method_free(method);
	OPENSSL_free((void *)der.p);
	return 0;
}

static void
take_der(X509_CRL *crl)
{
	unsigned char *p = NULL;
	int n = i2d_X509_CRL(crl, &p);

	assert_true(n > 0);
	OPENSSL_free((void *)der.p);
	der = slice_of(p, (size_t)n);
	X509_CRL_free(crl);
}

static X509_CRL *
parsed(void)
{
	X509_CRL *crl;

	assert_int_equal(crl_parse(method, der, &crl), 0);
	return crl;
}

static void
add_number(X509_CRL *crl, long number, int reason)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_ENUMERATED *e = ASN1_ENUMERATED_new();
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -DAY);

	ASN1_INTEGER_set(n, number);
	X509_REVOKED_set_serialNumber(r, n);
	X509_REVOKED_set_revocationDate(r, t);
	ASN1_ENUMERATED_set(e, reason);
	if (reason != 0)
		X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0);
	assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
	ASN1_ENUMERATED_free(e);
	ASN1_INTEGER_free(n);
	ASN1_TIME_free(t);
}

/* As OpenSSL asks; what the entry's own number is, too. */
static int
look_up(X509_CRL *crl, long number)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509_REVOKED *r = NULL;
	int rc;

	ASN1_INTEGER_set(n, number);
	rc = X509_CRL_get0_by_serial(crl, &r, n);
	if (rc != 0)
		assert_int_equal(ASN1_INTEGER_cmp(n,
		    X509_REVOKED_get0_serialNumber(r)), 0);
	ASN1_INTEGER_free(n);
	return rc;
}

static void
each_of_many_is_found_and_no_other(void **state)
{
	static const long none[2];
	X509_CRL *crl = crl_make(&root, none, DAY);
	uint64_t x = 1;

	(void)state;
	/* in no order, as authorities write them */
	for (int i = 0; i < MANY; i++, x = x * STEP % PRIME)
		add_number(crl, (long)(2 * x), 0);
	add_number(crl, 3, 8); /* removeFromCRL */
	add_number(crl, 5, 1); /* keyCompromise */
	X509_CRL_sign(crl, root.key, EVP_sha256());
	take_der(crl);
	crl = parsed();
	x = 1;
	for (int i = 0; i < MANY; i++, x = x * STEP % PRIME) {
		assert_int_equal(look_up(crl, (long)(2 * x)), 1);
		assert_int_equal(look_up(crl, (long)(2 * x + 7)), 0);
	}
	assert_int_equal(look_up(crl, 3), 2);
	assert_int_equal(look_up(crl, 5), 1);
	X509_CRL_free(crl);
}

/* RFC 5280 5.3.3: this entry, and those behind it, are of another's. */
static void
add_number_of(X509_CRL *crl, long number, const char *issuer)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *g = GENERAL_NAME_new();
	X509_NAME *n = X509_NAME_new();
	STACK_OF(X509_REVOKED) *all;

	peer_subject(n, "CN", issuer);
	GENERAL_NAME_set0_value(g, GEN_DIRNAME, n);
	sk_GENERAL_NAME_push(names, g);
	add_number(crl, number, 0);
	all = X509_CRL_get_REVOKED(crl);
	assert_int_equal(X509_REVOKED_add1_ext_i2d(sk_X509_REVOKED_value(all,
	    sk_X509_REVOKED_num(all) - 1), NID_certificate_issuer, names, 1,
	    0), 1);
	GENERAL_NAMES_free(names);
}

static void
it_says_what_openssl_says(X509_CRL *made)
{
	const unsigned char *p;
	X509_CRL *ours, *theirs;

	X509_CRL_sign(made, root.key, EVP_sha256());
	take_der(made);
	p = der.p;
	ours = parsed();
	theirs = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_non_null(theirs);
	for (long i = 1; i < 100; i++)
		assert_int_equal(look_up(ours, i), look_up(theirs, i));
	assert_int_equal(X509_CRL_verify(ours, root.key), 1);
	X509_CRL_free(ours);
	X509_CRL_free(theirs);
}

static void
entries_of_other_issuers_revoke_nobody_of_its_own(void **state)
{
	static const long none[2];
	X509_CRL *crl = crl_make(&root, none, DAY);

	(void)state;
	add_number(crl, 1, 0);
	add_number_of(crl, 2, "other");
	add_number(crl, 3, 0);
	add_number_of(crl, 4, "root");
	add_number(crl, 5, 0);
	it_says_what_openssl_says(crl);
	crl = parsed();
	assert_int_equal(look_up(crl, 1), 1);
	assert_int_equal(look_up(crl, 2), 0);
	assert_int_equal(look_up(crl, 3), 0);
	assert_int_equal(look_up(crl, 5), 1);
	X509_CRL_free(crl);
}

/* Of the same number the first entry counts, wherever the others are. */
static void
a_number_that_comes_again_changes_nothing(void **state)
{
	static const long none[2];

	(void)state;
	for (int n = 2; n < 40; n++) {
		X509_CRL *crl = crl_make(&root, none, DAY);

		for (int i = 1; i < n; i++)
			add_number(crl, i, 0);
		add_number(crl, 50, 1);
		for (int i = 0; i < n; i++)
			add_number(crl, 50, 8);
		it_says_what_openssl_says(crl);
	}
}

/* OpenSSL would take one that is newer for the whole list, and let in whom that
 * revoked. */
static void
one_of_changes_alone_is_refused(void **state)
{
	static const long serial[2] = {1, 2};
	ASN1_INTEGER *base = ASN1_INTEGER_new();

	(void)state;
	ASN1_INTEGER_set(base, 1);
	for (int critical = 0; critical < 2; critical++) {
		X509_CRL *crl = crl_make(&root, serial, DAY);

		assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl,
		    base, critical, 0), 1);
		X509_CRL_sign(crl, root.key, EVP_sha256());
		take_der(crl);
		assert_int_equal(crl_parse(method, der, &crl),
		    ERR_UNSUPPORTED);
	}
	ASN1_INTEGER_free(base);
}

static void
an_empty_one_has_nobody(void **state)
{
	static const long none[2];
	X509_CRL *crl;

	(void)state;
	take_der(crl_make(&root, none, DAY));
	crl = parsed();
	assert_int_equal(look_up(crl, 1), 0);
	assert_int_equal(X509_CRL_verify(crl, root.key), 1);
	X509_CRL_free(crl);
}

static void
a_signature_is_computed_once_for_each_key(void **state)
{
	static const long serial[2] = {1, 2};
	EVP_PKEY *other = EVP_EC_gen("P-256");
	X509_CRL *crl;

	(void)state;
	take_der(crl_make(&root, serial, DAY));
	crl = parsed();
	assert_int_equal(crl_proofs(crl), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(X509_CRL_verify(crl, root.key), 1);
	assert_int_equal(crl_proofs(crl), 1);
	/* what is remembered is of that key alone */
	assert_true(X509_CRL_verify(crl, other) <= 0);
	assert_true(X509_CRL_verify(crl, other) <= 0);
	assert_int_equal(crl_proofs(crl), 3);
	assert_int_equal(X509_CRL_verify(crl, root.key), 1);
	assert_int_equal(crl_proofs(crl), 3);
	X509_CRL_free(crl);
	EVP_PKEY_free(other);
}

/* Of each kind of key that an authority may have. */
static void
signatures_of_all_kinds_are_believed_and_changed_bytes_are_not(void **state)
{
	static const long span[2] = {-DAY, DAY}, serial[2] = {4711, 0};
	EVP_PKEY *key[] = {EVP_EC_gen("P-384"), EVP_RSA_gen(2048),
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

	(void)state;
	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
		struct made by = cert_make(key[i], "by", NULL, span);
		X509_CRL *crl = crl_make(&by, serial, DAY);

		X509_CRL_sign(crl, by.key, i == 2 ? NULL : EVP_sha256());
		take_der(crl);
		crl = parsed();
		assert_int_equal(X509_CRL_verify(crl, by.key), 1);
		X509_CRL_free(crl);
		/* 4711 becomes 4710 */
		for (size_t k = 0; k + 3 < der.n; k++)
			if (memcmp(der.p + k, "\x02\x02\x12\x67", 4) == 0)
				((uint8_t *)der.p)[k + 3]--;
		crl = parsed();
		assert_int_equal(look_up(crl, 4710), 1);
		assert_true(X509_CRL_verify(crl, by.key) <= 0);
		X509_CRL_free(crl);
		made_free(&by);
	}
	ERR_clear_error();
}

static void
what_is_cut_or_goes_on_is_none(void **state)
{
	static const long serial[2] = {1, 2};
	uint8_t bytes[2048];
	X509_CRL *crl;

	(void)state;
	take_der(crl_make(&root, serial, DAY));
	assert_true(der.n < sizeof(bytes));
	memcpy(bytes, der.p, der.n);
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(crl_parse(method, slice_of(bytes, n), &crl),
		    ERR_MALFORMED);
	bytes[der.n] = 0;
	assert_int_equal(crl_parse(method, slice_of(bytes, der.n + 1), &crl),
	    ERR_MALFORMED);
	assert_int_equal(crl_parse(method, slice_of("\x30\x80\x00\x00", 4),
	    &crl), ERR_MALFORMED); /* of no definite length */
	ERR_clear_error();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(each_of_many_is_found_and_no_other),
		T(entries_of_other_issuers_revoke_nobody_of_its_own),
		T(a_number_that_comes_again_changes_nothing),
		T(one_of_changes_alone_is_refused),
		T(an_empty_one_has_nobody),
		T(a_signature_is_computed_once_for_each_key),
		T(signatures_of_all_kinds_are_believed_and_changed_bytes_are_not),
		T(what_is_cut_or_goes_on_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
