#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "lib/cert.h"
#include "tests/lib/cert_make.h"

#define DAY 86400L

static const long span[2] = {-DAY, 30 * DAY};
static struct made ca, leaf, other;

static int
setup(void **state)
{
	(void)state;
	ca = cert_make(EVP_EC_gen("P-256"), "ca", NULL, span);
	leaf = cert_make(EVP_EC_gen("P-256"), "fw.example.org", &ca, span);
	other = cert_make(EVP_EC_gen("P-256"), "other", NULL, span);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	made_free(&ca);
	made_free(&leaf);
	made_free(&other);
	return 0;
}

static uint8_t pem_bytes[2 * LIMIT_CERT_FILE], key_bytes[2 * LIMIT_CERT_FILE];
static struct buf pem, key;

static void
texts(void)
{
	pem = buf_of(pem_bytes, sizeof(pem_bytes));
	key = buf_of(key_bytes, sizeof(key_bytes));
}

static int
parse(void)
{
	struct cert *c = NULL;
	struct why why = {0};
	int rc = cert_parse(buf_slice(&pem), buf_slice(&key), &c, &why);

	assert_int_equal(why.err, rc);
	assert_true((c != NULL) == (rc == 0));
	cert_free(c);
	return rc;
}

static void
a_certificate_and_its_issuer_are_read(void **state)
{
	int64_t now = (int64_t)time(NULL) * 1000;
	struct cert *c;
	struct cert_parts p;

	(void)state;
	texts();
	put_cert(&leaf, &pem);
	put_cert(&ca, &pem);
	put_key(&leaf, NULL, &key);
	assert_int_equal(cert_parse(buf_slice(&pem), buf_slice(&key), &c,
	    NULL), 0);
	assert_string_equal(cert_name(c), "/CN=fw.example.org");
	assert_in_range(now - cert_from(c), DAY * 1000 - 5000,
	    DAY * 1000 + 60000);
	assert_in_range(cert_until(c) - now, 30 * DAY * 1000 - 60000,
	    30 * DAY * 1000 + 5000);
	p = cert_parts(c);
	assert_int_equal(X509_cmp(p.leaf, leaf.cert), 0);
	assert_int_equal(EVP_PKEY_eq(p.key, leaf.key), 1);
	assert_int_equal(sk_X509_num(p.chain), 1);
	cert_free(c);
	cert_free(NULL);
}

/* Of the whole chain: what has expired above is worth as little. */
static void
the_shortest_time_counts(void **state)
{
	const long old[2] = {-9 * DAY, -2 * DAY}, late[2] = {DAY, 60 * DAY};
	struct made root = cert_make(EVP_EC_gen("P-256"), "r", NULL, old);
	struct made x = cert_make(EVP_EC_gen("P-256"), "x", &root, late);
	int64_t now = (int64_t)time(NULL) * 1000;
	struct cert *c;

	(void)state;
	texts();
	put_cert(&x, &pem);
	put_cert(&root, &pem);
	put_key(&x, NULL, &key);
	assert_int_equal(cert_parse(buf_slice(&pem), buf_slice(&key), &c,
	    NULL), 0);
	assert_true(cert_until(c) < now - DAY * 1000);
	assert_true(cert_from(c) > now);
	cert_free(c);
	made_free(&x);
	made_free(&root);
}

static void
what_cannot_be_shown_is_refused(void **state)
{
	(void)state;
	texts();
	put_key(&leaf, NULL, &key);
	assert_int_equal(parse(), ERR_MALFORMED); /* nothing */
	buf_puts(&pem, "hello\n");
	assert_int_equal(parse(), ERR_MALFORMED);
	texts();
	put_cert(&leaf, &pem);
	assert_int_equal(parse(), ERR_KEY);
	buf_puts(&key, "hello\n");
	assert_int_equal(parse(), ERR_KEY);
	texts();
	put_cert(&leaf, &pem);
	put_key(&leaf, "secret", &key);
	assert_int_equal(parse(), ERR_KEY); /* and nobody is asked */
	texts();
	put_cert(&leaf, &pem);
	put_key(&other, NULL, &key);
	assert_int_equal(parse(), ERR_CONFLICT);
	texts();
	put_cert(&leaf, &pem);
	put_cert(&other, &pem);
	put_key(&leaf, NULL, &key);
	assert_int_equal(parse(), ERR_ORDER);
	texts();
	put_cert(&ca, &pem);
	put_cert(&leaf, &pem);
	put_key(&ca, NULL, &key);
	assert_int_equal(parse(), ERR_ORDER);
	/* cut off in the second one */
	texts();
	put_cert(&leaf, &pem);
	put_cert(&ca, &pem);
	pem.n -= 60;
	put_key(&leaf, NULL, &key);
	assert_int_equal(parse(), ERR_MALFORMED);
}

static int
with_key(EVP_PKEY *pkey)
{
	struct made m = cert_make(pkey, "k", NULL, span);
	int rc;

	texts();
	put_cert(&m, &pem);
	put_key(&m, NULL, &key);
	rc = parse();
	made_free(&m);
	return rc;
}

static void
keys_at_their_least_and_below(void **state)
{
	(void)state;
	assert_int_equal(with_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")),
	    0);
	assert_int_equal(with_key(EVP_EC_gen("P-384")), 0);
	assert_int_equal(with_key(EVP_RSA_gen(LIMIT_CERT_RSA_LEAST)), 0);
	assert_int_equal(with_key(EVP_RSA_gen(LIMIT_CERT_RSA_LEAST - 8)),
	    ERR_ALGORITHM);
}

/* "/CN=x/CN=x..", of n bytes; how many of it are shown as they are. */
static size_t
shown_of(size_t n)
{
	struct made m = cert_make(EVP_EC_gen("P-256"), "x", NULL, span);
	char want[LIMIT_CERT_NAME + 65] = "/CN=x", cn[65] = "";
	size_t at = 5, same = 0;
	struct cert *c;

	while (at < n) {
		size_t more = n - at > 64 ? 34 : n - at;

		memset(cn, 'y', more - 4);
		cn[more - 4] = '\0';
		X509_NAME_add_entry_by_txt(X509_get_subject_name(m.cert),
		    "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
		at += (size_t)snprintf(want + at, sizeof(want) - at, "/CN=%s",
		    cn);
	}
	X509_sign(m.cert, m.key, EVP_sha256());
	texts();
	put_cert(&m, &pem);
	put_key(&m, NULL, &key);
	assert_int_equal(cert_parse(buf_slice(&pem), buf_slice(&key), &c,
	    NULL), 0);
	assert_int_equal(strlen(want), n);
	assert_int_equal(strlen(cert_name(c)), LIMIT_CERT_NAME);
	while (same < n && cert_name(c)[same] == want[same])
		same++;
	cert_free(c);
	made_free(&m);
	return same;
}

static void
a_name_at_its_cap_is_whole_and_one_past_is_cut(void **state)
{
	(void)state;
	assert_int_equal(shown_of(LIMIT_CERT_NAME), LIMIT_CERT_NAME);
	assert_int_equal(shown_of(LIMIT_CERT_NAME + 1), LIMIT_CERT_NAME - 3);
}

static int
chain_of(size_t n)
{
	struct made m[LIMIT_CERT_CHAIN + 1];
	int rc;

	for (size_t i = 0; i < n; i++)
		m[i] = cert_make(EVP_EC_gen("P-256"), i % 2 ? "a" : "b",
		    i > 0 ? &m[i - 1] : NULL, span);
	texts();
	for (size_t i = n; i-- > 0; )
		put_cert(&m[i], &pem);
	put_key(&m[n - 1], NULL, &key);
	rc = parse();
	for (size_t i = 0; i < n; i++)
		made_free(&m[i]);
	return rc;
}

static void
chains_and_files_at_their_caps_and_one_past(void **state)
{
	(void)state;
	assert_int_equal(chain_of(1), 0);
	assert_int_equal(chain_of(LIMIT_CERT_CHAIN), 0);
	assert_int_equal(chain_of(LIMIT_CERT_CHAIN + 1), ERR_LIMIT);
	texts();
	put_cert(&leaf, &pem);
	put_key(&leaf, NULL, &key);
	while (pem.n < LIMIT_CERT_FILE)
		buf_puts(&pem, "\n");
	while (key.n < LIMIT_CERT_FILE)
		buf_puts(&key, "\n");
	assert_int_equal(parse(), 0);
	buf_puts(&pem, "\n");
	assert_int_equal(parse(), ERR_SIZE);
	pem.n--;
	buf_puts(&key, "\n");
	assert_int_equal(parse(), ERR_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_and_its_issuer_are_read),
		cmocka_unit_test(the_shortest_time_counts),
		cmocka_unit_test(what_cannot_be_shown_is_refused),
		cmocka_unit_test(keys_at_their_least_and_below),
		cmocka_unit_test(
		    a_name_at_its_cap_is_whole_and_one_past_is_cut),
		cmocka_unit_test(chains_and_files_at_their_caps_and_one_past),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
