#include "tests/rig/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_client {
	const char *identity;
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static unsigned
on_psk(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
    unsigned char *psk, unsigned max_psk)
{
	const struct tls_client *c = SSL_get_app_data(ssl);

	(void)hint;
	(void)max_identity;
	(void)max_psk;
	strcpy(identity, c->identity);
	memcpy(psk, "secret", 6);
	return 6;
}

static struct sockaddr_in
loopback(int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	return sin;
}

static struct tls_client *
client_new(int from_port, int to_port, const char *identity)
{
	struct sockaddr_in from = loopback(from_port), to = loopback(to_port);
	struct tls_client *c = calloc(1, sizeof(*c));
	BIO *bio;

	c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		tls_client_drop(c);
		return NULL;
	}
	c->ctx = SSL_CTX_new(DTLS_client_method());
	c->identity = identity;
	if (identity != NULL) {
		SSL_CTX_set_cipher_list(c->ctx,
		    "PSK-AES128-CCM8:@SECLEVEL=0");
		SSL_CTX_set_psk_client_callback(c->ctx, on_psk);
	}
	c->ssl = SSL_new(c->ctx);
	SSL_set_app_data(c->ssl, c);
	bio = BIO_new_dgram(c->fd, BIO_NOCLOSE);
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
	SSL_set_bio(c->ssl, bio, bio);
	return c;
}

struct tls_client *
tls_client_new(int from_port, int to_port)
{
	return client_new(from_port, to_port, "dev1");
}

struct tls_client *
tls_client_of(const char *identity, int from_port, int to_port)
{
	return client_new(from_port, to_port, identity);
}

void
tls_client_send(struct tls_client *c, const void *p, int n)
{
	ERR_clear_error();
	(void)SSL_write(c->ssl, p, n);
}

int
tls_client_recv(struct tls_client *c, void *p, int cap)
{
	int n;

	ERR_clear_error();
	n = SSL_read(c->ssl, p, cap);
	return n > 0 ? n : 0;
}

struct tls_client *
tls_client_stranger(int to_port)
{
	return client_new(0, to_port, NULL);
}

bool
tls_client_alive(struct tls_client *c)
{
	char b[16];
	int n;

	ERR_clear_error(); /* the server is in this thread, too */
	n = SSL_read(c->ssl, b, sizeof(b));

	return n > 0 || SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ;
}

bool
tls_client_step(struct tls_client *c)
{
	if (SSL_is_init_finished(c->ssl))
		return true;
	DTLSv1_handle_timeout(c->ssl);
	return SSL_connect(c->ssl) == 1;
}

void
tls_client_drop(struct tls_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	free(c);
}
