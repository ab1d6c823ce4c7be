/*
 * A BIO of our own stands between OpenSSL and the batches of gen_net: memory
 * BIOs would copy every record twice more and keep buffers for each session.
 * What OpenSSL writes in one go is one datagram; several records in one are
 * legal (RFC 6347 4.1.1), and a flight of PSK stays below the MTU.
 */
#include "tests/bench/gen_tls.h"

#include <sys/time.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/digest_ssl.h" /* before ssl.h: it keeps ERR_STATE ours */
#include "lib/text.h"
#include "tests/bench/gen_wire.h"

#include <openssl/ssl.h>

#define KEY 64

struct session {
	struct tls *tls;
	SSL *ssl; /* NULL: not begun, or dead */
	uint32_t k;
};

struct tls {
	const struct gen_args *a;
	struct net *net;
	SSL_CTX *ctx;
	BIO_METHOD *method;
	struct slice key;
	struct slice in; /* the datagram that is being read */
	uint8_t key_bytes[KEY];
	struct session *session; /* by device */
};

/* --- the BIO --- */

static int
bio_write(BIO *b, const char *p, int n)
{
	struct session *s = BIO_get_data(b);

	if (n <= 0 || n > WIRE_MAX)
		return -1;
	memcpy(net_room(s->tls->net, s->k), p, (size_t)n);
	net_send(s->tls->net, s->k, (size_t)n);
	return n;
}

static int
bio_read(BIO *b, char *p, int cap)
{
	struct session *s = BIO_get_data(b);
	struct slice in = s->tls->in;

	BIO_clear_retry_flags(b);
	if (in.n == 0 || cap <= 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	if (in.n > (size_t)cap)
		in.n = (size_t)cap;
	memcpy(p, in.p, in.n);
	s->tls->in = SLICE_NONE;
	return (int)in.n;
}

static long
bio_ctrl(BIO *b, int what, long arg, void *p)
{
	(void)b;
	(void)arg;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

static bool
bio_method(struct tls *t)
{
	t->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "coapgen");
	return t->method != NULL &&
	    BIO_meth_set_write(t->method, bio_write) == 1 &&
	    BIO_meth_set_read(t->method, bio_read) == 1 &&
	    BIO_meth_set_ctrl(t->method, bio_ctrl) == 1;
}

/* --- the context --- */

static unsigned
give_psk(SSL *ssl, const char *hint, char *identity, unsigned id_cap,
    unsigned char *key, unsigned key_cap)
{
	const struct session *s = SSL_get_app_data(ssl);
	const struct tls *t = s->tls;
	struct buf id = buf_of(identity, id_cap);

	(void)hint;
	if (!wire_expand(t->a->psk_id, (uint32_t)t->a->first + s->k, &id) ||
	    id.n >= id_cap || t->key.n > key_cap)
		return 0;
	identity[id.n] = '\0';
	memcpy(key, t->key.p, t->key.n);
	return (unsigned)t->key.n;
}

static bool
set_key(struct tls *t)
{
	const char *s = t->a->psk;
	struct buf b = buf_of(t->key_bytes, sizeof(t->key_bytes));

	if (strncmp(s, "hex:", 4) == 0) {
		if (text_unhex(slice_str(s + 4), &b) != 0)
			return false;
	} else {
		buf_puts(&b, s);
	}
	t->key = buf_slice(&b);
	return !b.over && b.n > 0;
}

int
tls_new(const struct gen_args *a, struct net *n, struct tls **ret,
    struct why *why)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->a = a;
	t->net = n;
	t->session = calloc(a->peers, sizeof(*t->session));
	t->ctx = SSL_CTX_new(DTLS_client_method());
	if (!set_key(t)) {
		tls_free(t);
		return why_set(why, ERR_KEY, "--psk: 1 to %d bytes, text or "
		    "hex:...", KEY);
	}
	if (t->session == NULL || t->ctx == NULL || !bio_method(t) ||
	    SSL_CTX_set_cipher_list(t->ctx,
	    "PSK-AES128-CCM8:@SECLEVEL=0") != 1) {
		tls_free(t);
		return why_set(why, ERR_CRYPTO, "OpenSSL has no "
		    "TLS_PSK_WITH_AES_128_CCM_8");
	}
	SSL_CTX_set_psk_client_callback(t->ctx, give_psk);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
	*ret = t;
	return 0;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	for (uint64_t k = 0; t->session != NULL && k < t->a->peers; k++)
		SSL_free(t->session[k].ssl);
	free(t->session);
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->method);
	free(t);
}

/* --- sessions --- */

static enum tls_state
dead(struct session *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	return TLS_DEAD;
}

/* `rc` is what an operation said. */
static enum tls_state
verdict(struct session *s, int rc)
{
	int e = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc);

	if (e != SSL_ERROR_NONE && e != SSL_ERROR_WANT_READ) {
		ERR_clear_error();
		return dead(s);
	}
	return SSL_is_init_finished(s->ssl) ? TLS_READY : TLS_SHAKING;
}

/* Microseconds; half of ACK_TIMEOUT is the 1 s of RFC 6347 4.2.4.1. */
static unsigned
flight_timer(SSL *ssl, unsigned before)
{
	const struct session *s = SSL_get_app_data(ssl);

	return before == 0 ? (unsigned)s->tls->a->ack_timeout * 500 :
	    2 * before;
}

enum tls_state
tls_begin(struct tls *t, uint32_t k)
{
	struct session *s = &t->session[k];
	BIO *bio = BIO_new(t->method);

	*s = (struct session){.tls = t, .k = k, .ssl = SSL_new(t->ctx)};
	if (s->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return dead(s);
	}
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	SSL_set_mtu(s->ssl, WIRE_MAX);
	DTLS_set_timer_cb(s->ssl, flight_timer);
	SSL_set_connect_state(s->ssl);
	return verdict(s, SSL_do_handshake(s->ssl));
}

enum tls_state
tls_input(struct tls *t, uint32_t k, struct slice datagram,
    void (*plain)(void *arg, uint32_t k, struct slice message), void *arg)
{
	struct session *s = &t->session[k];
	uint8_t b[WIRE_MAX];
	int n;

	if (s->ssl == NULL)
		return TLS_DEAD;
	t->in = datagram;
	if (!SSL_is_init_finished(s->ssl))
		return verdict(s, SSL_do_handshake(s->ssl));
	while ((n = SSL_read(s->ssl, b, sizeof(b))) > 0)
		plain(arg, k, slice_of(b, (size_t)n));
	return verdict(s, n);
}

enum tls_state
tls_give_up(struct tls *t, uint32_t k)
{
	return dead(&t->session[k]);
}

uint32_t
tls_timeout(struct tls *t, uint32_t k)
{
	struct timeval tv;

	if (DTLSv1_get_timeout(t->session[k].ssl, &tv) != 1)
		return 1000;
	return (uint32_t)(tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1);
}

enum tls_state
tls_due(struct tls *t, uint32_t k)
{
	struct session *s = &t->session[k];

	return verdict(s, DTLSv1_handle_timeout(s->ssl) < 0 ? 0 : 1);
}

bool
tls_alive(const struct tls *t, uint32_t k)
{
	return t->session[k].ssl != NULL;
}

void
tls_write(struct tls *t, uint32_t k, struct slice message)
{
	struct session *s = &t->session[k];

	if (s->ssl != NULL)
		(void)SSL_write(s->ssl, message.p, (int)message.n);
}
