#include "daemon/coap_can.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "daemon/coap_compat.h"

/* What an older one does not say: with OpenSSL it could shake hands by PSK
 * and by certificate always, and had nothing of the rest. */
static const struct {
	const char *name, *ask;
	bool unsaid;
} cans[] = {
	{"dtls", "coap_dtls_is_supported", false},
	{"psk", "coap_dtls_psk_is_supported", true},
	{"pki", "coap_dtls_pki_is_supported", true},
	{"rpk", "coap_dtls_rpk_is_supported", false},
	{"cid", "coap_dtls_cid_is_supported", false},
	{"tcp", "coap_tcp_is_supported", false},
	{"tls", "coap_tls_is_supported", false},
	{"oscore", "", true}, /* it is ours, whatever libcoap can */
	{"ws", "coap_ws_is_supported", false},
	{"wss", "coap_wss_is_supported", false},
};
#define CANS (sizeof(cans) / sizeof(cans[0]))

static bool
can(size_t i)
{
	int (*ask)(void);

	*(void **)&ask = dlsym(RTLD_DEFAULT, cans[i].ask);
	return ask != NULL ? ask() != 0 : cans[i].unsaid;
}

bool
coap_can(const char *what)
{
	for (size_t i = 0; i < CANS; i++)
		if (strcmp(cans[i].name, what) == 0)
			return can(i);
	return false;
}

static void
put(char dst[COAP_CAN_TEXT], bool want, const char *between)
{
	for (size_t i = 0; i < CANS; i++) {
		size_t n = strlen(dst);

		if (can(i) != want)
			continue;
		snprintf(dst + n, COAP_CAN_TEXT - n, "%s%s", n == 0 ? "" :
		    between, cans[i].name);
		between = " ";
	}
}

void
coap_can_describe(char dst[COAP_CAN_TEXT])
{
	dst[0] = '\0';
	put(dst, true, " ");
	put(dst, false, ", no ");
}

const char *
coap_can_version(void)
{
	const char *name = coap_package_version(), *v = strchr(name, ' ');

	return v != NULL ? v + 1 : name; /* "libcoap 4.3.1" */
}

void
coap_can_library(char *dst, size_t cap)
{
	snprintf(dst, cap, "libcoap %s with OpenSSL %s", coap_can_version(),
	    OpenSSL_version(OPENSSL_VERSION_STRING));
}
