/* Keys that are about certificates of clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/conf.h"

static struct conf conf;

static int
parse(const char *text)
{
	struct why why = {0};
	int rc = conf_parse(text, &conf, &why);

	assert_int_equal(why.err, rc);
	return rc;
}

static void
who_asks_for_certificates_shows_one(void **state)
{
	(void)state;
	assert_int_equal(parse("client_ca = \"/ca\""), ERR_MISSING);
	assert_int_equal(parse("client_crl = \"/crl\""), ERR_MISSING);
	assert_int_equal(parse("tls_cert = \"/c\"\nclient_ca = \"/ca\"\n"
	    "client_crl = \"/crl\""), 0);
	assert_string_equal(conf.client_ca, "/ca");
	assert_int_equal(parse("client_ca = \"ca\""), ERR_TYPE);
}

static void
rules_for_endpoints_are_checked(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_string_equal(conf.cert_endpoint, "cn");
	assert_int_equal(parse("cert_endpoint = \"san-uri:urn:dev:* cn\""),
	    0);
	assert_string_equal(conf.cert_endpoint, "san-uri:urn:dev:* cn");
	assert_int_equal(parse("cert_endpoint = \"cn:**\""), ERR_MALFORMED);
	assert_int_equal(parse("cert_endpoint = \"mail\""), ERR_NOT_FOUND);
	assert_int_equal(parse("cert_endpoint = \"\""), ERR_MISSING);
}

static void
two_listeners_of_tcp_have_two_addresses(void **state)
{
	(void)state;
	assert_int_equal(parse("listen_coaps_tcp = \"[::]:5683\""),
	    ERR_CONFLICT);
	assert_int_equal(parse("listen_tcp = \"\"\n"
	    "listen_coaps_tcp = \"[::]:5683\""), 0);
	/* that of coaps over UDP is another one */
	assert_int_equal(parse("listen_coaps_tcp = \"[::]:5684\""), 0);
	assert_int_equal(parse("listen_tcp = \"[::1]:0\"\n"
	    "listen_coaps_tcp = \"[::1]:0\""), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_for_certificates_shows_one),
		cmocka_unit_test(rules_for_endpoints_are_checked),
		cmocka_unit_test(two_listeners_of_tcp_have_two_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
