/*
 * front_client: certificates of clients, shown to a front by clients that
 * nobody here wrote: libcoap's with OpenSSL and with GnuTLS, and openssl.
 */
#ifndef SUITD_TESTS_DAEMON_FRONT_CLIENT_H
#define SUITD_TESTS_DAEMON_FRONT_CLIENT_H

#include "tests/rig/front_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/peer_make.h"
#include "tests/rig/beside.h"
#include "tests/rig/tls_client.h"

static char dir[] = "/tmp/front_client.XXXXXX";
static struct made root, leaf, devices, other;
static uint8_t bytes[64 * 1024];
static struct buf text;

static inline void
write_file(const char *name, unsigned mode)
{
	char path[400], tmp[404];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT, mode);
	assert_int_equal(write(fd, text.p, text.n), text.n);
	close(fd);
	assert_int_equal(rename(tmp, path), 0);
	text.n = 0;
}

/* NAME.pem with certificate and key, as coap-client has it. */
static inline void
write_client(const char *name, const struct made *m, const struct made *more)
{
	char file[64];

	put_cert(m, &text);
	if (more != NULL)
		put_cert(more, &text);
	put_key(m, NULL, &text);
	snprintf(file, sizeof(file), "%s.pem", name);
	write_file(file, 0600);
}

static inline void
make_client(const char *name, const struct peer_want *w,
    const struct made *by)
{
	struct made m = peer_make(w, by);

	write_client(name, &m, NULL);
	made_free(&m);
}

static inline void
name_file(char *key, const char *name)
{
	snprintf(key, 256, "%s/%s", dir, name);
}

static inline void
reload(void)
{
	struct why why;

	if (front_cert_reload(rig.front, &rig.conf, &why) != 0)
		fail_msg("%s", why.text);
}

static inline int
start(void **state)
{
	static const long span[2] = {-86400, 90 * 86400};
	const struct peer_want d7 = {.cn = "dev7", .serial = 7},
	    evil = {.cn = "dev7", .serial = 7};
	int rc = rig_start(state);

	strcpy(strrchr(dir, '.') + 1, "XXXXXX");
	if (rc != 0 || mkdtemp(dir) == NULL)
		return -1;
	text = buf_of(bytes, sizeof(bytes));
	root = cert_make(EVP_EC_gen("P-256"), "root", NULL, span);
	leaf = cert_make(EVP_EC_gen("P-256"), "fw.test", &root, span);
	devices = cert_make(EVP_EC_gen("P-256"), "devices", NULL, span);
	other = cert_make(EVP_EC_gen("P-256"), "devices", NULL, span);
	put_cert(&root, &text);
	write_file("root.pem", 0644);
	put_cert(&leaf, &text);
	write_file("cert.pem", 0644);
	put_key(&leaf, NULL, &text);
	write_file("key.pem", 0600);
	put_cert(&devices, &text);
	write_file("ca.pem", 0644);
	make_client("dev7", &d7, &devices);
	make_client("evil", &evil, &other);
	name_file(rig.conf.tls_cert, "cert.pem");
	name_file(rig.conf.tls_key, "key.pem");
	name_file(rig.conf.client_ca, "ca.pem");
	strcpy(rig.conf.cert_endpoint, "cn");
	reload();
	return 0;
}

static inline int
stop(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	made_free(&root);
	made_free(&leaf);
	made_free(&devices);
	made_free(&other);
	return system(command) != 0 ? -1 : rig_stop(state);
}

/* coap-client with NAME.pem asks who it is. */
static inline void
ask(enum transport t, const char *name)
{
	char args[256];

	snprintf(args, sizeof(args), "-c %s/%s.pem -j %s/%s.pem -C "
	    "%s/root.pem", dir, name, dir, name, dir);
	beside_client(t, args, "mine");
}

static inline uint64_t
requests(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.requests;
}

static const enum transport both[] = {T_DTLS, T_TLS};

static void (*act)(void);
static unsigned acted;
static unsigned sessions_after;

/* Sees every session that has shown a certificate. */
static inline bool
count_it(void *arg, const struct cert_peer *p)
{
	unsigned *n = arg;

	(void)p;
	++*n;
	return false;
}

/* When the client has shown its certificate; once. */
static inline void
during(void *arg)
{
	(void)arg;
	if (acted++ > 0) {
		if (acted != 15)
			return;
		sessions_after = 0;
		front_forget_certs(rig.front, count_it, &sessions_after);
		beside_hang_up();
		return;
	}
	if (rig.certs_shown == 0)
		acted = 0;
	else
		act();
}

static inline int
start_timed(void **state)
{
	int rc = start(state);

	return rc == 0 ? loop_every(rig.loop, 30, during, NULL) : rc;
}

#endif
