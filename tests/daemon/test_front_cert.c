/* The server's certificate, seen by clients that nobody here wrote. */
#include "tests/rig/front_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/cert_make.h"
#include "tests/rig/beside.h"
#include "tests/rig/tls_client.h"

static char dir[] = "/tmp/front_cert.XXXXXX";
static struct made root, middle, leaf;

static void
write_pem(char dst[256], const char *name, unsigned mode,
    const struct buf *text)
{
	int fd;

	snprintf(dst, 256, "%s/%s", dir, name);
	unlink(dst);
	fd = open(dst, O_WRONLY | O_CREAT, mode);
	assert_int_equal(write(fd, text->p, text->n), text->n);
	close(fd);
}

/* Files of `m` and its issuer, and the key of `of`. */
static void
write_files(const struct made *m, const struct made *of)
{
	static uint8_t bytes[16384];
	struct buf b = buf_of(bytes, sizeof(bytes));

	put_cert(m, &b);
	put_cert(&middle, &b);
	write_pem(rig.conf.tls_cert, "cert.pem", 0644, &b);
	b.n = 0;
	put_key(of, NULL, &b);
	write_pem(rig.conf.tls_key, "key.pem", 0600, &b);
}

static int
start_certified(void **state)
{
	static const long span[2] = {-86400, 90 * 86400};
	static uint8_t bytes[8192];
	struct buf b = buf_of(bytes, sizeof(bytes));
	char path[256];
	int rc = rig_start(state);

	strcpy(strrchr(dir, '.') + 1, "XXXXXX");
	if (rc != 0 || mkdtemp(dir) == NULL)
		return -1;
	root = cert_make(EVP_EC_gen("P-256"), "root", NULL, span);
	middle = cert_make(EVP_EC_gen("P-256"), "middle", &root, span);
	leaf = cert_make(EVP_EC_gen("P-256"), "fw.test", &middle, span);
	put_cert(&root, &b);
	write_pem(path, "root.pem", 0644, &b);
	write_files(&leaf, &leaf);
	return 0;
}

static int
stop_certified(void **state)
{
	static const char *const names[] = {"root.pem", "cert.pem",
	    "key.pem", "out"};
	char path[256];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	made_free(&root);
	made_free(&middle);
	made_free(&leaf);
	return rig_stop(state);
}

static void
show_it(void)
{
	struct why why;

	if (front_cert_reload(rig.front, &rig.conf, &why) != 0)
		fail_msg("%s", why.text);
}

/* A client that trusts the root alone, and has no key. The form of names is
 * said, for OpenSSL 3.2 has another one by itself. */
static void
verify(const char *more)
{
	char command[512];

	snprintf(command, sizeof(command), "timeout 60 openssl "
	    "s_client -dtls1_2 -nbio -connect 127.0.0.1:%u -CAfile %s/root.pem "
	    "-partial_chain -verify_return_error -nameopt rfc2253 %s",
	    front_port(rig.front, T_DTLS), dir, more);
	beside_run(command);
}

static void
without_a_certificate_nobody_is_let_in_by_one(void **state)
{
	struct front_stats st;

	(void)state;
	rig.conf.tls_cert[0] = rig.conf.tls_key[0] = '\0';
	show_it();
	assert_int_equal(front_cert_expiry(rig.front), 0);
	verify("");
	beside_says("handshake failure");
	front_stats(rig.front, &st);
	assert_int_equal(st.requests, 0);
}

static void
clients_may_verify_the_server(void **state)
{
	char args[64];

	(void)state;
	show_it();
	verify("");
	beside_says("Verification: OK"); /* so it sent the issuer in the middle */
	beside_says("CN=fw.test");
	beside_says("No client certificate CA names sent");
	beside_says("New, TLSv1.2");
	/* who has proved nothing is nobody */
	snprintf(args, sizeof(args), "-R %s/root.pem", dir);
	beside_client(T_DTLS, args, "mine");
	beside_says("4.01");
	beside_client(T_DTLS, args, "hello");
	beside_says("hello");
}

static void
devices_use_their_keys_beside_it(void **state)
{
	(void)state;
	show_it();
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	beside_client(T_DTLS, "-B 2 -u dev7 -k wrong", "mine");
	assert_null(strstr(beside_output, "dev7 127"));
	beside_s_client("PSK-AES128-CCM8", "");
	beside_says("Cipher is PSK-AES128-CCM8");
	/* operators' port has none */
	beside_client(T_ADMIN, "-u admin -k secret", "a/who");
	beside_says("4 admin ");
}

static void
a_damaged_one_leaves_that_of_before(void **state)
{
	static const long span[2] = {-2 * 86400, -86400};
	struct made old = cert_make(EVP_EC_gen("P-256"), "fw.old", &middle,
	    span);
	static struct conf next;
	int64_t end;

	(void)state;
	show_it();
	end = front_cert_expiry(rig.front);
	assert_true(end > loop_now(rig.loop));
	write_files(&leaf, &middle);
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_CONFLICT);
	write_files(&leaf, &leaf);
	assert_int_equal(chmod(rig.conf.tls_key, 0644), 0);
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_POLICY);
	unlink(rig.conf.tls_key);
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_NOT_FOUND);
	rig.conf.tls_key[0] = '\0';
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_MISSING);
	/* it is shown until the end, whatever the next start makes of coaps */
	next = rig.conf;
	next.listen_coaps[0] = '\0';
	assert_int_equal(front_cert_reload(rig.front, &next, NULL),
	    ERR_MISSING);
	next.tls_cert[0] = '\0';
	strcpy(rig.conf.tls_key, "/not/what/next/has");
	assert_int_equal(front_cert_expiry(rig.front), end);
	verify("");
	beside_says("Verification: OK");
	assert_int_equal(front_cert_reload(rig.front, &next, NULL), 0);
	assert_int_equal(front_cert_expiry(rig.front), 0);
	/* one that has expired is shown; it is the client's to refuse it */
	write_files(&old, &old);
	show_it();
	assert_true(front_cert_expiry(rig.front) < loop_now(rig.loop));
	verify("");
	beside_says("certificate has expired");
	made_free(&old);
}

static void
a_new_one_is_shown_and_none_when_it_is_taken_away(void **state)
{
	static const long span[2] = {-86400, 40 * 86400};
	struct made new = cert_make(EVP_EC_gen("P-384"), "fw.new", &middle,
	    span);

	(void)state;
	show_it();
	write_files(&new, &new);
	verify("");
	beside_says("CN=fw.test"); /* not before it is told to */
	show_it();
	verify("");
	beside_says("CN=fw.new");
	rig.conf.tls_cert[0] = rig.conf.tls_key[0] = '\0';
	show_it();
	assert_int_equal(front_cert_expiry(rig.front), 0);
	verify("");
	assert_null(strstr(beside_output, "fw.new"));
	assert_null(strstr(beside_output, "fw.test"));
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	made_free(&new);
}

/* A GET, and another one when that was answered and the certificate is new. */
static void
ask_twice(void *arg)
{
	static const char get[2][10] = {"\100\001\022\064\265hello",
	    "\100\001\022\065\265hello"};
	unsigned *sent = arg;
	struct front_stats st;

	front_stats(rig.front, &st);
	if (st.requests < *sent)
		return;
	if (*sent == 2) {
		beside_hang_up();
		return;
	}
	if (*sent == 1)
		show_it();
	beside_write(get[*sent], sizeof(get[0]));
	++*sent;
}

static void
sessions_go_on_over_a_reload(void **state)
{
	static const long span[2] = {-86400, 40 * 86400};
	struct made new = cert_make(EVP_EC_gen("P-384"), "fw.new", &middle,
	    span);
	struct front_stats st;
	char command[512];
	unsigned sent = 0;

	(void)state;
	show_it();
	write_files(&new, &new);
	assert_int_equal(loop_every(rig.loop, 20, ask_twice, &sent), 0);
	snprintf(command, sizeof(command), "timeout 60 openssl s_client "
	    "-dtls1_2 -nbio -connect 127.0.0.1:%u -CAfile %s/root.pem "
	    "-verify_return_error -verify_quiet",
	    front_port(rig.front, T_DTLS), dir);
	beside_talk(command);
	assert_int_equal(sent, 2);
	front_stats(rig.front, &st);
	assert_int_equal(st.requests, 2);
	assert_int_equal(st.handshakes, 1);
	verify("");
	beside_says("CN=fw.new");
	made_free(&new);
}

/* A hello that comes to nothing must not leave a watch on a dead session. */
static void
failed_handshakes_leave_nothing_behind(void **state)
{
	struct front_stats st;

	(void)state;
	show_it();
	for (int i = 0; i < 2; i++) {
		verify("-cipher ECDHE-RSA-AES128-GCM-SHA256");
		beside_says("handshake failure");
		beside_client(T_DTLS, "-B 2 -u dev7 -k wrong", "mine");
	}
	front_forget(rig.front, "dev7");
	front_flush(rig.front, FRONT_ALL, 0);
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	front_stats(rig.front, &st);
	assert_true(st.sessions <= 4);
}

/* As with a PSK: the power is gone, and the port is the same. */
static void
who_verifies_may_start_anew_from_his_port(void **state)
{
	char command[512];
	int port = 10000 + getpid() % 9000; /* nobody else's */

	(void)state;
	show_it();
	/* Its hellos come after 0, 1, 3, 7 and 15 s: a rig that is starved
	 * may take the first two for one. */
	snprintf(command, sizeof(command), "sleep 90 | openssl s_client "
	    "-dtls1_2 -nbio -connect 127.0.0.1:%u -CAfile %s/root.pem -brief "
	    "-bind 127.0.0.1:%d >%s/out 2>&1 & for i in $(seq 600); do "
	    "grep -q Verification %s/out && break; sleep 0.1; done; "
	    "kill -9 $! $(jobs -p); cat %s/out", front_port(rig.front,
	    T_DTLS), dir, port, dir, dir, dir);
	for (int boot = 0; boot < 3; boot++) {
		beside_run(command);
		beside_says("Verification: OK");
	}
}

/* --- who may have a session --- */

static int
start_crowded(void **state)
{
	struct rlimit r;
	int rc;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return -1;
	r.rlim_cur = r.rlim_max < 4 * LIMIT_STRANGERS ? r.rlim_max :
	    4 * LIMIT_STRANGERS;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0)
		return -1;
	rig_sessions_max = 2 * LIMIT_STRANGERS;
	rc = start_certified(state);
	rig_sessions_max = 100;
	return rc;
}

static struct tls_client *
arrive(struct tls_client *c)
{
	assert_non_null(c);
	for (int i = 0; i < 2000 && !tls_client_step(c); i++)
		rig_run(1);
	assert_true(tls_client_step(c));
	rig_run(1);
	return c;
}

static void
strangers_at_their_cap_and_one_past(void **state)
{
	static struct tls_client *c[LIMIT_STRANGERS + 1];
	struct tls_client *device;
	struct front_stats st;
	int port = front_port(rig.front, T_DTLS);

	(void)state;
	show_it();
	device = arrive(tls_client_new(0, port)); /* longer silent than all */
	for (size_t i = 0; i < LIMIT_STRANGERS; i++)
		c[i] = arrive(tls_client_stranger(port));
	front_stats(rig.front, &st);
	assert_int_equal(st.sessions, LIMIT_STRANGERS + 1);
	assert_int_equal(st.limit[FRONT_LIMIT_KEYLESS], 0);
	assert_true(tls_client_alive(c[0]));
	c[LIMIT_STRANGERS] = arrive(tls_client_stranger(port));
	rig_run(20);
	front_stats(rig.front, &st);
	assert_int_equal(st.sessions, LIMIT_STRANGERS + 1);
	assert_int_equal(st.limit[FRONT_LIMIT_KEYLESS], 1);
	assert_false(tls_client_alive(c[0])); /* the longest silent one */
	assert_true(tls_client_alive(c[1]));
	assert_true(tls_client_alive(c[LIMIT_STRANGERS]));
	assert_true(tls_client_alive(device));
	for (size_t i = 0; i <= LIMIT_STRANGERS; i++)
		tls_client_drop(c[i]);
	tls_client_drop(device);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define C(fn) cmocka_unit_test_setup_teardown(fn, start_certified, \
	stop_certified)
		C(without_a_certificate_nobody_is_let_in_by_one),
		C(clients_may_verify_the_server),
		C(devices_use_their_keys_beside_it),
		C(a_damaged_one_leaves_that_of_before),
		C(a_new_one_is_shown_and_none_when_it_is_taken_away),
		C(sessions_go_on_over_a_reload),
		C(failed_handshakes_leave_nothing_behind),
		C(who_verifies_may_start_anew_from_his_port),
		cmocka_unit_test_setup_teardown(
		    strangers_at_their_cap_and_one_past, start_crowded,
		    stop_certified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
