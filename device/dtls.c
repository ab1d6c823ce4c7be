/*
 * Memory BIOs stand between OpenSSL and the wire. What OpenSSL writes in one
 * go is sent as one datagram: several records in one are legal (RFC 6347
 * 4.1.1), and a flight of a PSK handshake stays far below the MTU.
 */
#include "device/dtls.h"

#include <sys/time.h>

#include <stdlib.h>

#include "lib/digest_ssl.h" /* before ssl.h: it keeps ERR_STATE ours */

#include <openssl/ssl.h>

#define MTU 1400

struct dtls_ctx {
	SSL_CTX *ssl;
};

struct dtls {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	struct dtls_psk psk;
	const struct dtls_hooks *hooks;
	void *arg;
	size_t waiting_n;
	uint8_t waiting[MTU];
};

static unsigned
give_psk(SSL *ssl, const char *hint, char *identity, unsigned id_cap,
    unsigned char *key, unsigned key_cap)
{
	const struct dtls *d = SSL_get_app_data(ssl);
	const size_t n = strlen(d->psk.identity);

	(void)hint;
	if (n >= id_cap || d->psk.key.n > key_cap)
		return 0;
	memcpy(identity, d->psk.identity, n + 1);
	memcpy(key, d->psk.key.p, d->psk.key.n);
	return (unsigned)d->psk.key.n;
}

int
dtls_ctx_new(struct dtls_ctx **ret)
{
	struct dtls_ctx *c = calloc(1, sizeof *c);

	if (c == NULL)
		return ERR_NOMEM;
	c->ssl = SSL_CTX_new(DTLS_client_method());
	if (c->ssl == NULL || SSL_CTX_set_cipher_list(c->ssl,
	    "PSK-AES128-CCM8:PSK-AES128-CCM:PSK-AES128-GCM-SHA256"
	    ":@SECLEVEL=0") != 1) {
		dtls_ctx_free(c);
		return ERR_CRYPTO;
	}
	SSL_CTX_set_psk_client_callback(c->ssl, give_psk);
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
	*ret = c;
	return 0;
}

void
dtls_ctx_free(struct dtls_ctx *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
}

int
dtls_new(struct dtls_ctx *c, const struct dtls_psk *psk,
    const struct dtls_hooks *hooks, void *arg, struct dtls **ret)
{
	struct dtls *d = calloc(1, sizeof *d);

	if (d == NULL)
		return ERR_NOMEM;
	d->psk = *psk;
	d->hooks = hooks;
	d->arg = arg;
	d->ssl = SSL_new(c->ssl);
	d->in = BIO_new(BIO_s_mem());
	d->out = BIO_new(BIO_s_mem());
	if (d->ssl == NULL || d->in == NULL || d->out == NULL) {
		BIO_free(d->in);
		BIO_free(d->out);
		SSL_free(d->ssl);
		free(d);
		return ERR_CRYPTO;
	}
	BIO_set_mem_eof_return(d->in, -1);
	BIO_set_mem_eof_return(d->out, -1);
	SSL_set_bio(d->ssl, d->in, d->out);
	SSL_set_app_data(d->ssl, d);
	SSL_set_mtu(d->ssl, MTU);
	SSL_set_connect_state(d->ssl);
	*ret = d;
	return 0;
}

static void
flush(struct dtls *d)
{
	uint8_t bytes[4096];
	int n = BIO_read(d->out, bytes, sizeof bytes);

	if (n > 0)
		d->hooks->send(d->arg, slice_of(bytes, (size_t)n));
}

void
dtls_free(struct dtls *d)
{
	if (d == NULL)
		return;
	if (SSL_is_init_finished(d->ssl)) {
		(void)SSL_shutdown(d->ssl);
		flush(d);
	}
	SSL_free(d->ssl);
	ERR_clear_error();
	free(d);
}

/* 0 when OpenSSL only waits for more. */
static int
verdict(struct dtls *d, int rc)
{
	const int e = SSL_get_error(d->ssl, rc);

	ERR_clear_error();
	if (rc > 0 || e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return 0;
	return ERR_REJECTED;
}

static int
shake(struct dtls *d)
{
	int rc, err;

	ERR_clear_error();
	rc = SSL_do_handshake(d->ssl);
	err = verdict(d, rc);
	flush(d);
	if (err != 0 || rc != 1 || d->waiting_n == 0)
		return err;
	rc = SSL_write(d->ssl, d->waiting, (int)d->waiting_n);
	d->waiting_n = 0;
	err = verdict(d, rc);
	flush(d);
	return err;
}

int
dtls_send(struct dtls *d, struct slice dgram)
{
	int rc;

	if (dgram.n == 0 || dgram.n > sizeof d->waiting)
		return ERR_SIZE;
	if (!SSL_is_init_finished(d->ssl)) {
		memcpy(d->waiting, dgram.p, dgram.n);
		d->waiting_n = dgram.n;
		return SSL_in_before(d->ssl) ? shake(d) : 0;
	}
	ERR_clear_error();
	rc = SSL_write(d->ssl, dgram.p, (int)dgram.n);
	rc = verdict(d, rc);
	flush(d);
	return rc;
}

int
dtls_input(struct dtls *d, struct slice record)
{
	uint8_t bytes[MTU];
	int err = 0, n;

	if (BIO_write(d->in, record.p, (int)record.n) != (int)record.n)
		return ERR_NOMEM;
	if (!SSL_is_init_finished(d->ssl)) {
		err = shake(d);
		if (err != 0 || !SSL_is_init_finished(d->ssl))
			return err;
	}
	ERR_clear_error();
	while ((n = SSL_read(d->ssl, bytes, sizeof bytes)) > 0)
		d->hooks->plain(d->arg, slice_of(bytes, (size_t)n));
	err = verdict(d, n);
	flush(d);
	return err;
}

int64_t
dtls_timeout(struct dtls *d)
{
	struct timeval tv;

	if (DTLSv1_get_timeout(d->ssl, &tv) != 1)
		return -1;
	return tv.tv_sec * INT64_C(1000) + tv.tv_usec / 1000 + 1;
}

int
dtls_tick(struct dtls *d)
{
	int rc = DTLSv1_handle_timeout(d->ssl);

	ERR_clear_error();
	flush(d);
	return rc < 0 ? ERR_TIMEOUT : 0;
}
