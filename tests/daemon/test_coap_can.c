#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/coap_can.h"

static void
what_it_says_it_can_is_what_is_described(void **state)
{
	static const char *const all[] = {"dtls", "psk", "pki", "rpk", "cid",
	    "tcp", "tls", "oscore", "ws", "wss"};
	char text[COAP_CAN_TEXT], copy[COAP_CAN_TEXT];
	unsigned n = 0;
	bool can = true;

	(void)state;
	coap_can_describe(text);
	strcpy(copy, text);
	for (char *w = strtok(copy, " ,"); w != NULL; w = strtok(NULL, " ,")) {
		if (strcmp(w, "no") == 0) {
			can = false;
			continue;
		}
		n++;
		assert_int_equal(coap_can(w), can);
	}
	assert_int_equal(n, sizeof(all) / sizeof(all[0]));
	for (size_t i = 0; i < n; i++)
		assert_non_null(strstr(text, all[i]));
	assert_false(coap_can("magic"));
}

/* Without these there is no suitd. */
static void
it_can_what_we_need(void **state)
{
	char text[64];

	(void)state;
	assert_true(coap_can("dtls") && coap_can("psk") && coap_can("pki"));
	assert_true(coap_can("tcp") && coap_can("tls"));
	coap_can_library(text, sizeof(text));
	assert_non_null(strstr(text, "libcoap 4."));
	assert_non_null(strstr(text, " with OpenSSL 3."));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_it_can_is_what_is_described),
		cmocka_unit_test(it_can_what_we_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
