/*
 * A resumed session proves an old key and skips the key callback, so a
 * revoked device would stay in. Tickets are switched off, and the security
 * level is set, by OpenSSL's own "system_default" section, the only setting
 * that reaches a context which another library makes. The session cache has
 * no word there: it is switched off by the first handshake, whose session is
 * thereby not stored either.
 *
 * Level 0: OpenSSL 3.2 counts the 8-byte tag of CCM_8 as 64 bits and refuses
 * it from level 1 on; constrained devices have nothing else. Only PSK suites
 * are offered, each of 128 bits or more.
 */
#include "daemon/coap_tls.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/ssl.h>

static const char settings[] =
    "suitd = init\n"
    "[init]\n"
    "ssl_conf = ssl\n"
    "[ssl]\n"
    "system_default = defaults\n"
    "[defaults]\n"
    "CipherString = DEFAULT:@SECLEVEL=0\n"
    "Options = -SessionTicket\n";

bool
coap_tls_init(void)
{
	BIO *bio = NULL;
	CONF *conf = NULL;
	bool ok;

	/* the machine's own configuration first, so that it cannot undo us */
	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		return false;
	bio = BIO_new_mem_buf(settings, -1);
	conf = NCONF_new(NULL);
	ok = bio != NULL && conf != NULL &&
	    NCONF_load_bio(conf, bio, NULL) == 1 &&
	    CONF_modules_load(conf, "suitd", 0) == 1;
	NCONF_free(conf);
	BIO_free(bio);
	return ok;
}

void
coap_tls_no_cache(void *ssl)
{
	SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl),
	    SSL_SESS_CACHE_OFF);
}

const char *
coap_tls_identity(void *ssl)
{
	return SSL_get_psk_identity(ssl);
}
