#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "lib/clientca.h"
#include "lib/peercert.h"
#include "tests/lib/peer_make.h"

#define DAY 86400L

static const long span[2] = {-30 * DAY, 300 * DAY};
static struct made root, middle, other;
static struct clientca *ca;
static uint8_t bytes[LIMIT_CRL_FILE + 2];
static struct buf text;

static int
make_authorities(void **state)
{
	(void)state;
	root = cert_make(EVP_EC_gen("P-256"), "root", NULL, span);
	middle = cert_make(EVP_EC_gen("P-256"), "middle", &root, span);
	/* cert_make gives all of them the same number */
	ASN1_INTEGER_set(X509_get_serialNumber(middle.cert), 8);
	X509_sign(middle.cert, root.key, EVP_sha256());
	other = cert_make(EVP_EC_gen("P-256"), "other", NULL, span);
	return 0;
}

static int
free_authorities(void **state)
{
	(void)state;
	made_free(&root);
	made_free(&middle);
	made_free(&other);
	return 0;
}

static struct buf *
fresh(void)
{
	text = buf_of(bytes, sizeof(bytes));
	return &text;
}

static int
add(const struct made *m)
{
	struct why why = {0};
	int rc;

	put_cert(m, fresh());
	rc = clientca_add(ca, buf_slice(&text), &why);
	assert_int_equal(why.err, rc);
	return rc;
}

static int
add_crl(X509_CRL *crl, bool pem)
{
	struct why why = {0};
	int rc;

	put_crl(crl, pem, fresh());
	X509_CRL_free(crl);
	rc = clientca_add_crl(ca, buf_slice(&text), &why);
	assert_int_equal(why.err, rc);
	return rc;
}

static int
start(void **state)
{
	(void)state;
	assert_int_equal(clientca_new(&ca), 0);
	return add(&root);
}

static int
stop(void **state)
{
	(void)state;
	clientca_free(ca);
	return 0;
}

static int
check(const struct made *m, const struct made *sent, uint32_t grace,
    int64_t later)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct clientca_peer p = {m->cert, chain,
	    ((int64_t)time(NULL) + later) * 1000, grace};
	struct why why = {0};
	int x509, rc;

	if (sent != NULL)
		sk_X509_push(chain, sent->cert);
	rc = clientca_check(ca, &p, &x509, &why);
	assert_int_equal(why.err, rc);
	assert_true((x509 == X509_V_OK) == (rc == 0));
	sk_X509_free(chain);
	return rc;
}

/* Made, checked now, freed. */
static int
try(const struct peer_want *w, const struct made *by)
{
	struct made m = peer_make(w, by);
	int rc = check(&m, by == &middle ? by : NULL, 0, 0);

	made_free(&m);
	return rc;
}

static void
a_chain_leads_to_an_authority(void **state)
{
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made below = peer_make(&w, &middle);

	(void)state;
	assert_int_equal(try(&w, &root), 0);
	assert_int_equal(try(&w, &middle), 0);
	assert_int_equal(try(&w, &other), ERR_SIGNATURE);
	assert_int_equal(check(&below, NULL, 0, 0), ERR_SIGNATURE);
	assert_int_equal(check(&below, &other, 0, 0), ERR_SIGNATURE);
	/* an authority in the middle is an end, too */
	clientca_free(ca);
	assert_int_equal(clientca_new(&ca), 0);
	assert_int_equal(add(&middle), 0);
	assert_int_equal(check(&below, NULL, 0, 0), 0);
	assert_int_equal(try(&w, &root), ERR_SIGNATURE);
	made_free(&below);
}

static void
a_client_issues_nobody(void **state)
{
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made m = peer_make(&w, &root), below = peer_make(&w, &m);

	(void)state;
	assert_int_equal(check(&below, &m, 0, 0), ERR_SIGNATURE);
	made_free(&below);
	made_free(&m);
}

static void
every_byte_of_a_certificate_counts(void **state)
{
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made m = peer_make(&w, &root);
	unsigned char *der = NULL;
	int n = i2d_X509(m.cert, &der), read = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		const unsigned char *p = der;
		struct made bad = {NULL, NULL};

		der[i] ^= 1;
		bad.cert = d2i_X509(NULL, &p, n);
		ERR_clear_error();
		if (bad.cert != NULL && p == der + n) {
			read++;
			assert_int_not_equal(check(&bad, NULL, 0, 0), 0);
		}
		X509_free(bad.cert);
		der[i] ^= 1;
	}
	assert_true(read > n / 2);
	OPENSSL_free(der);
	made_free(&m);
}

static void
weak_keys_and_digests_are_refused(void **state)
{
	const struct peer_want rsa = {.cn = "d", .serial = 1,
	    .key = EVP_RSA_gen(1024)};
	const struct peer_want good = {.cn = "d", .serial = 1,
	    .key = EVP_RSA_gen(2048)};
	const struct peer_want sha1 = {.cn = "d", .serial = 1,
	    .md = EVP_sha1()};

	(void)state;
	assert_int_equal(try(&rsa, &root), ERR_POLICY);
	assert_int_equal(try(&sha1, &root), ERR_POLICY);
	assert_int_equal(try(&good, &root), 0);
}

static void
a_servers_certificate_is_no_clients(void **state)
{
	const struct peer_want w = {.cn = "d", .serial = 1,
	    .eku = "serverAuth"};
	const struct peer_want both = {.cn = "d", .serial = 1,
	    .eku = "serverAuth,clientAuth"};

	(void)state;
	assert_int_equal(try(&w, &root), ERR_POLICY);
	assert_int_equal(try(&both, &root), 0);
}

static void
validity_counts_with_grace_at_both_ends(void **state)
{
	const struct peer_want w = {.cn = "d", .serial = 1,
	    .span = {-DAY, DAY}};
	struct made m = peer_make(&w, &root);

	(void)state;
	assert_int_equal(check(&m, NULL, 0, DAY - 60), 0);
	assert_int_equal(check(&m, NULL, 0, DAY + 60), ERR_POLICY);
	assert_int_equal(check(&m, NULL, 3600, DAY + 3500), 0);
	assert_int_equal(check(&m, NULL, 3600, DAY + 3700), ERR_POLICY);
	assert_int_equal(check(&m, NULL, 0, -DAY - 60), ERR_POLICY);
	assert_int_equal(check(&m, NULL, 3600, -DAY - 3500), 0);
	assert_int_equal(check(&m, NULL, 3600, -DAY - 3700), ERR_POLICY);
	made_free(&m);
}

static void
a_list_revokes_by_serial_number(void **state)
{
	const long serial[2] = {5, 9};
	const struct peer_want five = {.cn = "d", .serial = 5},
	    six = {.cn = "d", .serial = 6};

	(void)state;
	assert_int_equal(try(&five, &root), 0);
	assert_int_equal(add_crl(crl_make(&root, serial, DAY), true), 0);
	assert_int_equal(clientca_crls(ca), 1);
	assert_int_equal(try(&five, &root), ERR_POLICY);
	assert_int_equal(try(&six, &root), 0);
	/* of another issuer the number says nothing; that has no list */
	assert_int_equal(try(&five, &middle), 0);
}

static void
a_list_revokes_whole_authorities(void **state)
{
	const long serial[2] = {8, 0};
	const struct peer_want w = {.cn = "d", .serial = 1};

	(void)state;
	assert_int_equal(try(&w, &middle), 0);
	assert_int_equal(add_crl(crl_make(&root, serial, DAY), false), 0);
	assert_int_equal(try(&w, &middle), ERR_POLICY);
	assert_int_equal(try(&w, &root), 0);
}

static void
an_old_list_goes_on_to_revoke(void **state)
{
	const long serial[2] = {5, 0};
	const struct peer_want five = {.cn = "d", .serial = 5},
	    six = {.cn = "d", .serial = 6};
	int64_t now = (int64_t)time(NULL) * 1000;

	(void)state;
	assert_int_equal(clientca_crl_due(ca), 0);
	assert_int_equal(add_crl(crl_make(&root, serial, -DAY), true), 0);
	assert_true(clientca_crl_due(ca) < now);
	assert_true(clientca_until(ca) > now);
	assert_int_equal(try(&five, &root), ERR_POLICY);
	assert_int_equal(try(&six, &root), 0);
}

static void
a_forged_list_is_refused(void **state)
{
	const long serial[2] = {5, 0};
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made fake = cert_make(EVP_EC_gen("P-256"), "root", NULL, span);
	struct made deep = cert_make(EVP_EC_gen("P-256"), "middle", NULL,
	    span);

	(void)state;
	assert_int_equal(add_crl(crl_make(&fake, serial, DAY), true),
	    ERR_SIGNATURE);
	assert_int_equal(clientca_crls(ca), 0);
	/* of one below it is found when a chain has that one */
	assert_int_equal(add_crl(crl_make(&deep, serial, DAY), true), 0);
	assert_int_equal(try(&w, &middle), ERR_SIGNATURE);
	assert_int_equal(try(&w, &root), 0);
	made_free(&fake);
	made_free(&deep);
}

/* What cannot be used is not as if there were none. */
static void
a_list_of_some_reasons_lets_nobody_in(void **state)
{
	const long serial[2] = {5, 0};
	const struct peer_want w = {.cn = "d", .serial = 1};
	X509_CRL *crl = crl_make(&root, serial, DAY);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL,
	    NID_issuing_distribution_point,
	    "critical,onlysomereasons:keyCompromise");

	(void)state;
	assert_non_null(e);
	X509_CRL_add_ext(crl, e, -1);
	X509_EXTENSION_free(e);
	X509_CRL_sign(crl, root.key, EVP_sha256());
	assert_int_equal(try(&w, &root), 0);
	assert_int_equal(add_crl(crl, true), 0);
	assert_int_equal(try(&w, &root), ERR_SIGNATURE);
}

static void
what_is_no_authority_is_refused(void **state)
{
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made m = peer_make(&w, &root);
	struct buf *b;

	(void)state;
	assert_int_equal(add(&m), ERR_INVALID);
	assert_int_equal(clientca_add(ca, SLICE_NONE, NULL), ERR_MALFORMED);
	assert_int_equal(clientca_add(ca, slice_str("hello\n"), NULL),
	    ERR_MALFORMED);
	b = fresh();
	put_cert(&other, b);
	b->p[b->n / 2] = '*';
	assert_int_equal(clientca_add(ca, buf_slice(b), NULL),
	    ERR_MALFORMED);
	assert_int_equal(clientca_add_crl(ca, SLICE_NONE, NULL),
	    ERR_MALFORMED);
	assert_int_equal(clientca_add_crl(ca, slice_str("0hello"), NULL),
	    ERR_MALFORMED);
	assert_int_equal(clientca_add_crl(ca, slice_str("hello"), NULL),
	    ERR_MALFORMED);
	assert_int_equal(add(&root), 0); /* it is there already */
	assert_int_equal(clientca_count(ca), 1);
	made_free(&m);
}

static void
files_at_their_caps_and_one_past(void **state)
{
	const long serial[2] = {5, 0};

	(void)state;
	memset(bytes, '\n', sizeof(bytes));
	text = buf_of(bytes, sizeof(bytes));
	put_cert(&other, &text);
	assert_int_equal(clientca_add(ca, slice_of(bytes, LIMIT_CERT_FILE),
	    NULL), 0);
	assert_int_equal(clientca_add(ca, slice_of(bytes,
	    LIMIT_CERT_FILE + 1), NULL), ERR_SIZE);
	for (size_t i = clientca_count(ca); i <= LIMIT_CLIENT_CAS; i++) {
		struct made m = cert_make(EVP_EC_gen("P-256"), "x", NULL,
		    span);

		assert_int_equal(add(&m), i < LIMIT_CLIENT_CAS ? 0 :
		    ERR_LIMIT);
		made_free(&m);
	}
	for (int i = 0; i <= LIMIT_CLIENT_CRLS; i++)
		assert_int_equal(add_crl(crl_make(&root, serial, DAY + i),
		    true), i < LIMIT_CLIENT_CRLS ? 0 : ERR_LIMIT);
	memset(bytes, '\n', sizeof(bytes));
	assert_int_equal(clientca_add_crl(ca, slice_of(bytes,
	    LIMIT_CRL_FILE), NULL), ERR_MALFORMED);
	assert_int_equal(clientca_add_crl(ca, slice_of(bytes,
	    LIMIT_CRL_FILE + 1), NULL), ERR_SIZE);
}

/* --- what a certificate says --- */

static int
read(const struct peer_want *w, struct peercert *ret, struct made *ret_made)
{
	struct why why = {0};
	int rc;

	*ret_made = peer_make(w, &root);
	rc = peercert_read(ret_made->cert, ret, &why);
	assert_int_equal(why.err, rc);
	return rc;
}

static void
names_and_numbers_of_a_certificate(void **state)
{
	const struct peer_want w = {.cn = "dev7", .serial = 0xabcde,
	    .san = "URI:urn:dev:7,email:a@b.c,DNS:d7.example,IP:::1"};
	struct peercert c;
	struct made m;

	(void)state;
	assert_int_equal(read(&w, &c, &m), 0);
	assert_string_equal(c.id.serial, "0abcde");
	assert_string_equal(c.id.issuer, "CN=root");
	assert_true(c.id.until - c.id.from == 31 * DAY * 1000);
	assert_int_equal(c.name_n, 3);
	assert_int_equal(c.name[0].kind, CERTMAP_URI);
	assert_true(slice_eq_str(c.name[0].text, "urn:dev:7"));
	assert_true(slice_eq_str(c.name[1].text, "d7.example"));
	assert_int_equal(c.name[2].kind, CERTMAP_CN);
	assert_true(slice_eq_str(c.name[2].text, "dev7"));
	made_free(&m);
}

static void
names_at_their_cap_and_one_past(void **state)
{
	char san[2048] = "DNS:a";
	struct peer_want w = {.serial = 1, .san = san};
	struct peercert c;
	struct made m;

	(void)state;
	for (int i = 1; i < LIMIT_CERT_NAMES; i++)
		strcat(san, ",DNS:a");
	assert_int_equal(read(&w, &c, &m), 0);
	assert_int_equal(c.name_n, LIMIT_CERT_NAMES);
	made_free(&m);
	w.cn = "one more";
	assert_int_equal(read(&w, &c, &m), ERR_LIMIT);
	made_free(&m);
	w.cn = NULL;
	strcat(san, ",URI:b");
	assert_int_equal(read(&w, &c, &m), ERR_LIMIT);
	made_free(&m);
}

static int
with_serial(size_t n, bool negative)
{
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made m = peer_make(&w, &root);
	BIGNUM *bn = BN_new();
	struct peercert c;
	int rc;

	BN_one(bn);
	BN_lshift(bn, bn, (int)(8 * n - 1));
	BN_set_negative(bn, negative);
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(m.cert));
	X509_sign(m.cert, root.key, EVP_sha256());
	rc = peercert_read(m.cert, &c, NULL);
	BN_free(bn);
	made_free(&m);
	return rc;
}

static int
with_issuer(size_t n)
{
	char ou[LIMIT_CERT_ISSUER];
	const struct peer_want w = {.cn = "d", .serial = 1};
	struct made m = peer_make(&w, &root);
	X509_NAME *name = X509_NAME_new();
	struct peercert c;
	int rc;

	memset(ou, 'a', sizeof(ou));
	for (n -= 2; n > 62; n -= 63) { /* "O=" and 60 each, a comma */
		ou[60] = '\0';
		peer_subject(name, "O", ou);
	}
	ou[60] = 'a';
	ou[n - 2] = '\0';
	peer_subject(name, "O", ou);
	X509_set_issuer_name(m.cert, name);
	X509_sign(m.cert, root.key, EVP_sha256());
	rc = peercert_read(m.cert, &c, NULL);
	if (rc == 0)
		assert_int_equal(strlen(c.id.issuer), LIMIT_CERT_ISSUER);
	X509_NAME_free(name);
	made_free(&m);
	return rc;
}

static void
numbers_and_issuers_at_their_caps_and_one_past(void **state)
{
	(void)state;
	assert_int_equal(with_serial(LIMIT_CERT_SERIAL, false), 0);
	assert_int_equal(with_serial(LIMIT_CERT_SERIAL + 1, false), ERR_SIZE);
	assert_int_equal(with_serial(3, true), ERR_MALFORMED);
	assert_int_equal(with_issuer(LIMIT_CERT_ISSUER + 2), 0);
	assert_int_equal(with_issuer(LIMIT_CERT_ISSUER + 3), ERR_SIZE);
}

static void
files_of_certificates_are_read(void **state)
{
	const struct peer_want w = {.cn = "dev7", .serial = 77};
	struct made m = peer_make(&w, &root);
	struct peercert_id pem, der;
	struct peercert c;
	unsigned char *p = NULL;
	int n = i2d_X509(m.cert, &p);

	(void)state;
	assert_int_equal(peercert_read(m.cert, &c, NULL), 0);
	put_cert(&m, fresh());
	assert_int_equal(peercert_parse(buf_slice(&text), &pem, NULL), 0);
	assert_int_equal(peercert_parse(slice_of(p, (size_t)n), &der, NULL),
	    0);
	assert_memory_equal(pem.fingerprint, c.id.fingerprint, 32);
	assert_memory_equal(der.fingerprint, c.id.fingerprint, 32);
	assert_string_equal(der.serial, "4d");
	assert_string_equal(pem.issuer, "CN=root");
	assert_false(pem.ca);
	put_cert(&root, fresh());
	assert_int_equal(peercert_parse(buf_slice(&text), &pem, NULL), 0);
	assert_true(pem.ca);
	put_cert(&m, fresh());
	assert_int_equal(peercert_parse(SLICE_NONE, &pem, NULL),
	    ERR_MALFORMED);
	assert_int_equal(peercert_parse(slice_of(p, (size_t)n - 1), &pem,
	    NULL), ERR_MALFORMED);
	assert_int_equal(peercert_parse(slice_str("hello"), &pem, NULL),
	    ERR_MALFORMED);
	memset(bytes + text.n, '\n', LIMIT_CERT_FILE + 1 - text.n);
	assert_int_equal(peercert_parse(slice_of(bytes, LIMIT_CERT_FILE),
	    &pem, NULL), 0);
	assert_int_equal(peercert_parse(slice_of(bytes, LIMIT_CERT_FILE + 1),
	    &pem, NULL), ERR_SIZE);
	OPENSSL_free(p);
	made_free(&m);
}

static void
serial_numbers_as_people_write_them(void **state)
{
	char s[2 * LIMIT_CERT_SERIAL + 1], in[8 * LIMIT_CERT_SERIAL];

	(void)state;
	assert_int_equal(peercert_serial(slice_str("0xABCDE"), s), 0);
	assert_string_equal(s, "0abcde");
	assert_int_equal(peercert_serial(slice_str("00:0a:Bc:De"), s), 0);
	assert_string_equal(s, "0abcde");
	assert_int_equal(peercert_serial(slice_str("0"), s), 0);
	assert_string_equal(s, "00");
	assert_int_equal(peercert_serial(slice_str("5"), s), 0);
	assert_string_equal(s, "05");
	assert_int_equal(peercert_serial(slice_str(""), s), ERR_MALFORMED);
	assert_int_equal(peercert_serial(slice_str("12g4"), s),
	    ERR_MALFORMED);
	assert_int_equal(peercert_serial(slice_str("-5"), s),
	    ERR_MALFORMED);
	memset(in, 'f', sizeof(in));
	assert_int_equal(peercert_serial(slice_of(in,
	    2 * LIMIT_CERT_SERIAL), s), 0);
	assert_int_equal(peercert_serial(slice_of(in,
	    2 * LIMIT_CERT_SERIAL + 1), s), ERR_SIZE);
	assert_int_equal(peercert_serial(slice_of(in, sizeof(in)), s),
	    ERR_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define C(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
		C(a_chain_leads_to_an_authority),
		C(a_client_issues_nobody),
		C(every_byte_of_a_certificate_counts),
		C(weak_keys_and_digests_are_refused),
		C(a_servers_certificate_is_no_clients),
		C(validity_counts_with_grace_at_both_ends),
		C(a_list_revokes_by_serial_number),
		C(a_list_revokes_whole_authorities),
		C(an_old_list_goes_on_to_revoke),
		C(a_forged_list_is_refused),
		C(a_list_of_some_reasons_lets_nobody_in),
		C(what_is_no_authority_is_refused),
		C(files_at_their_caps_and_one_past),
		C(names_and_numbers_of_a_certificate),
		C(names_at_their_cap_and_one_past),
		C(numbers_and_issuers_at_their_caps_and_one_past),
		C(files_of_certificates_are_read),
		C(serial_numbers_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, make_authorities,
	    free_authorities);
}
