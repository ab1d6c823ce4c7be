/*
 * A resumed session proves an old key and skips the key callback, so a
 * revoked device would stay in. Tickets are switched off, and the security
 * level is set, by OpenSSL's own "system_default" section, the only setting
 * that reaches a context which another library makes. The session cache has
 * no word there: it is switched off by the first handshake, whose session is
 * thereby not stored either.
 *
 * Level 0: OpenSSL 3.2 counts the 8-byte tag of CCM_8 as 64 bits and refuses
 * it from level 1 on; constrained devices have nothing else. Without a
 * certificate only PSK suites can be had, each of 128 bits or more.
 */
#include "daemon/coap_tls.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

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

struct watcher {
	void (*hello)(void *arg);
	void (*sealed)(void *arg);
	bool (*verify)(void *arg, struct coap_tls_shown *shown);
	void *arg;
};

static int watcher_index = -1;

static void
watcher_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	OPENSSL_free(ptr);
}

/* Type 1, version 2, epoch 2, number 6, length 2. */
static void
on_dtls_header(struct watcher *w, const unsigned char *p)
{
	static const unsigned char start[8];

	if (p[0] != SSL3_RT_HANDSHAKE)
		return;
	if (p[10] <= 1 && memcmp(p + 3, start, 7) == 0)
		w->hello(w->arg);
	else if (memcmp(p + 3, start, 2) != 0)
		w->sealed(w->arg);
}

/*
 * Type 1, version 2, length 2. After an identity was named the next handshake
 * record is the sealed Finished. That the cipher changes in between cannot be
 * waited for: OpenSSL from 3.2 on tells nobody of records in clear who asks
 * during the handshake.
 */
static void
on_tls_header(struct watcher *w, const unsigned char *p)
{
	if (p[0] == SSL3_RT_HANDSHAKE)
		w->sealed(w->arg);
}

/* A record header, before what follows it is opened. */
static void
on_record(int write_p, int version, int type, const void *buf, size_t len,
    SSL *ssl, void *arg)
{
	(void)version;
	(void)ssl;
	if (write_p || type != SSL3_RT_HEADER)
		return;
	if (len == DTLS1_RT_HEADER_LENGTH)
		on_dtls_header(arg, buf);
	else if (len == SSL3_RT_HEADER_LENGTH)
		on_tls_header(arg, buf);
}

void
coap_tls_watch(void *ssl, void (*hello)(void *arg),
    void (*sealed)(void *arg), void *arg)
{
	struct watcher *w = OPENSSL_malloc(sizeof(*w));

	if (watcher_index < 0)
		watcher_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
		    watcher_free);
	if (w == NULL || SSL_set_ex_data(ssl, watcher_index, w) != 1) {
		OPENSSL_free(w);
		return;
	}
	w->hello = hello;
	w->sealed = sealed;
	w->verify = NULL;
	w->arg = arg;
	SSL_set_msg_callback(ssl, on_record);
	SSL_set_msg_callback_arg(ssl, w);
}

void
coap_tls_unwatch(void *ssl)
{
	SSL_set_msg_callback(ssl, NULL);
}

void
coap_tls_no_cache(void *ssl)
{
	SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl),
	    SSL_SESS_CACHE_OFF);
}

bool
coap_tls_only_12(void *ssl)
{
	return SSL_set_min_proto_version((SSL *)ssl, TLS1_2_VERSION) == 1 &&
	    SSL_set_max_proto_version((SSL *)ssl, TLS1_2_VERSION) == 1;
}

void *
coap_tls_session(void *ssl)
{
	return SSL_get_app_data((SSL *)ssl);
}

bool
coap_tls_show(void *ssl, void *leaf, void *key, void *chain)
{
	ERR_clear_error(); /* of what libcoap tried */
	if (leaf == NULL)
		return true;
	/* OpenSSL would look for issuers in each handshake anew */
	SSL_set_mode((SSL *)ssl, SSL_MODE_NO_AUTO_CHAIN);
	return SSL_use_cert_and_key(ssl, leaf, key, chain, 1) == 1;
}

/* In the place of OpenSSL's own verification: one function decides, about
 * what is shown now and about what was shown before. */
static int
on_certificate(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct watcher *w = watcher_index < 0 ? NULL :
	    SSL_get_ex_data(ssl, watcher_index);
	struct coap_tls_shown shown = {X509_STORE_CTX_get0_cert(ctx),
	    X509_STORE_CTX_get0_untrusted(ctx), 0};

	(void)arg;
	if (w != NULL && w->verify != NULL && w->verify(w->arg, &shown))
		return 1;
	X509_STORE_CTX_set_error(ctx, shown.x509 != X509_V_OK ? shown.x509 :
	    X509_V_ERR_CERT_REJECTED);
	return 0;
}

bool
coap_tls_ask(void *ssl, void *names, size_t most,
    bool (*verify)(void *arg, struct coap_tls_shown *shown))
{
	struct watcher *w = watcher_index < 0 ? NULL :
	    SSL_get_ex_data(ssl, watcher_index);

	if (w == NULL || names == NULL) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	w->verify = verify;
	SSL_CTX_set_cert_verify_callback(SSL_get_SSL_CTX(ssl),
	    on_certificate, NULL);
	SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
	SSL_set_client_CA_list(ssl, names);
	SSL_set_max_cert_list((SSL *)ssl, (long)most);
	return true;
}

struct coap_tls_shown
coap_tls_peer(void *ssl)
{
	return (struct coap_tls_shown){SSL_get0_peer_certificate(ssl),
	    SSL_get_peer_cert_chain(ssl), 0};
}

const char *
coap_tls_identity(void *ssl)
{
	return SSL_get_psk_identity(ssl);
}
