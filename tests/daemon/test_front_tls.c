/* The other planes, with clients that nobody here wrote. */
#include "tests/rig/front_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/digest.h"
#include "tests/lib/cert_make.h"
#include "tests/rig/tls_client.h"

static char output[64 * 1024];
static uint8_t content[20000];

static int
start(void **state)
{
	int rc = rig_start(state);

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)('a' + i % 23);
	rig.served = slice_of(content, sizeof(content));
	return rc;
}

/* Runs a client beside the loop; its standard output is in `output`. */
static void
run(const char *command)
{
	char path[] = "/tmp/front_tls.XXXXXX";
	int fd = mkstemp(path), status;
	ssize_t n;
	pid_t pid = fork();

	unlink(path);
	if (pid == 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		dup2(open("/dev/null", O_RDONLY), 0);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		if (i == 1500)
			kill(pid, SIGKILL);
		rig_run(5);
	}
	n = pread(fd, output, sizeof(output) - 1, 0);
	output[n < 0 ? 0 : n] = '\0';
	close(fd);
}

static void
client(enum transport t, const char *args, const char *path)
{
	static const char *const scheme[] = {"coap", "coaps", "coap+tcp",
	    "coaps"};
	char command[512];

	snprintf(command, sizeof(command),
	    "exec coap-client-openssl -B 1 %s %s://127.0.0.1:%u/%s", args,
	    scheme[t], front_port(rig.front, t), path);
	run(command);
}

static void
says(const char *text)
{
	if (strstr(output, text) == NULL)
		fail_msg("\"%s\" is not in: %.400s", text, output);
}

static void
a_device_is_known_by_its_psk_identity(void **state)
{
	char local[64];

	(void)state;
	client(T_DTLS, "-u dev7 -k secret", "mine");
	says("1 dev7 127.0.0.1 ");
	snprintf(local, sizeof(local), "127.0.0.1:%u",
	    front_port(rig.front, T_DTLS));
	says(local);
	client(T_DTLS, "-u dev7 -k secret", "op");
	says("4.03");
}

static void
wrong_keys_and_strangers_get_nothing(void **state)
{
	struct front_stats st;

	(void)state;
	client(T_DTLS, "-u dev7 -k wrong", "mine");
	client(T_DTLS, "-u stranger -k secret", "mine");
	client(T_ADMIN, "-u dev7 -k secret", "a/who");
	front_stats(rig.front, &st);
	assert_int_equal(st.requests, 0);
}

static void
the_admin_plane_has_its_own_table_and_problem_details(void **state)
{
	(void)state;
	client(T_ADMIN, "-u admin -k secret", "a/who");
	says("2 admin ");
	client(T_ADMIN, "-u admin -k secret", "hello");
	says("4.04");
	client(T_ADMIN, "-u admin -k secret", "a/refused");
	says("4.09");
	says("SUIT 8.4.2");
	client(T_DTLS, "-u dev7 -k secret", "a/who");
	says("4.04");
}

static void
bodies_go_both_ways_on_every_plane(void **state)
{
	static const enum transport planes[] = {T_UDP, T_DTLS, T_TCP};
	char path[] = "/tmp/front_body.XXXXXX", args[128];
	struct digest d;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, content, sizeof(content)),
	    sizeof(content));
	close(fd);
	assert_int_equal(digest_compute(DIGEST_SHA256,
	    slice_of(content, sizeof(content)), &d), 0);
	for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) {
		const char *key = planes[i] == T_DTLS ? "-u dev1 -k secret" :
		    "";

		client(planes[i], key, "big");
		assert_int_equal(strspn(output, "abcdefghijklmnopqrstuvw"),
		    sizeof(content));
		memset(rig.body_digest, 0, 32);
		rig.calls = 0;
		snprintf(args, sizeof(args), "-m post -f %s %s", path, key);
		client(planes[i], args, "file");
		says("n=1");
		assert_memory_equal(rig.body_digest, d.b, 32);
	}
	unlink(path);
}

static void
s_client(const char *cipher, const char *more)
{
	char command[512];

	snprintf(command, sizeof(command), "sleep 0.3 | timeout 5 openssl "
	    "s_client -dtls1_2 -connect 127.0.0.1:%u -psk_identity dev1 "
	    "-psk 736563726574 -cipher %s:@SECLEVEL=0 %s",
	    front_port(rig.front, T_DTLS), cipher, more);
	run(command);
}

/* 7.14 */
static void
suites_of_constrained_devices_are_on(void **state)
{
	static const char *const suites[] = {"PSK-AES128-CCM8",
	    "PSK-AES128-CCM", "PSK-AES128-GCM-SHA256",
	    "ECDHE-PSK-CHACHA20-POLY1305"};
	char want[96];

	(void)state;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		s_client(suites[i], "");
		snprintf(want, sizeof(want), "Cipher is %s", suites[i]);
		says(want);
		says("PSK identity hint: None");
		says("Extended master secret: yes");
	}
}

static void
no_session_is_resumed(void **state)
{
	char path[] = "/tmp/front_sess.XXXXXX", more[64];

	(void)state;
	close(mkstemp(path));
	for (int i = 0; i < 2; i++) {
		snprintf(more, sizeof(more), "-sess_out %s", path);
		s_client("PSK-AES128-CCM8", more);
		says("New, TLSv1.2");
		assert_null(strstr(output, "session ticket:"));
		snprintf(more, sizeof(more), "-sess_in %s", path);
		s_client("PSK-AES128-CCM8", more);
		says("New, TLSv1.2");
		assert_null(strstr(output, "Reused"));
	}
	unlink(path);
}

/* 7.14: a device that restarts has the port that it had before, and did not
 * say goodbye. */
static void
a_new_handshake_from_a_known_port_is_accepted(void **state)
{
	struct front_stats st;
	struct tls_client *c;
	int port = 40000 + getpid() % 20000;

	(void)state;
	for (int boot = 0; boot < 3; boot++) {
		c = tls_client_new(port, front_port(rig.front, T_DTLS));
		assert_non_null(c);
		for (int i = 0; i < 1000 && !tls_client_step(c); i++)
			rig_run(5);
		assert_true(tls_client_step(c));
		tls_client_drop(c); /* the power is gone */
	}
	front_stats(rig.front, &st);
	assert_int_equal(st.sessions, 1);
}

static size_t lines;

static void
count_line(void *arg, const char *text)
{
	const char *name = arg;

	lines += strncmp(text, name, strlen(name)) == 0;
}

static void
listeners_are_described(void **state)
{
	(void)state;
	lines = 0;
	front_describe(rig.front, count_line, "coaps: listens on 127.0.0.1:");
	front_describe(rig.front, count_line, "admin");
	assert_int_equal(lines, 2);
}

static void
a_closed_session_ends_its_observations(void **state)
{
	struct front_stats st;

	(void)state;
	client(T_TCP, "-s 1", "big");
	front_stats(rig.front, &st);
	assert_int_equal(st.requests > 1, 1);
	assert_int_equal(st.observers, 0);
	/* killed while it observes: DTLS would not tell, TCP does */
	client(T_TCP, "-s 60 -B 1", "big & sleep 0.3; kill -9 $!; : ");
	rig_run(20);
	front_stats(rig.front, &st);
	assert_int_equal(st.observers, 0);
}

#define WATCHERS 3

static size_t told_at_once;

/* As soon as all of them observe. */
static void
change_once(void *arg)
{
	struct front_stats st;

	(void)arg;
	front_stats(rig.front, &st);
	if (told_at_once != 0 || st.observers < WATCHERS)
		return;
	content[0]++;
	front_notify(rig.front, T_ADMIN, "a/big");
	front_flush(rig.front, FRONT_ALL, 0);
	front_stats(rig.front, &st);
	told_at_once = st.notifications;
}

static void
operators_do_not_wait_for_notify_rate(void **state)
{
	char command[256];

	(void)state;
	told_at_once = 0;
	rig.served = slice_of(content, 10);
	rig.conf.notify_rate = 1;
	assert_int_equal(loop_every(rig.loop, 20, change_once, NULL), 0);
	snprintf(command, sizeof(command), "for i in 1 2 3; do "
	    "coap-client-openssl -B 2 -s 2 -u admin -k secret "
	    "coaps://127.0.0.1:%u/a/big & done; wait",
	    front_port(rig.front, T_ADMIN));
	run(command);
	assert_int_equal(told_at_once, WATCHERS);
}

/* --- the server's certificate --- */

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
	int rc = start(state);

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

	if (front_cert_reload(rig.front, &why) != 0)
		fail_msg("%s", why.text);
}

/* A client that trusts the root alone, and has no key. */
static void
verify(const char *more)
{
	char command[512];

	snprintf(command, sizeof(command), "sleep 0.3 | timeout 5 openssl "
	    "s_client -dtls1_2 -connect 127.0.0.1:%u -CAfile %s/root.pem "
	    "-partial_chain -verify_return_error %s",
	    front_port(rig.front, T_DTLS), dir, more);
	run(command);
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
	says("handshake failure");
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
	says("Verification: OK"); /* so it sent the issuer in the middle */
	says("CN = fw.test");
	says("No client certificate CA names sent");
	says("New, TLSv1.2");
	/* who has proved nothing is nobody */
	snprintf(args, sizeof(args), "-R %s/root.pem", dir);
	client(T_DTLS, args, "mine");
	says("4.01");
	client(T_DTLS, args, "hello");
	says("hello");
}

static void
devices_use_their_keys_beside_it(void **state)
{
	(void)state;
	show_it();
	client(T_DTLS, "-u dev7 -k secret", "mine");
	says("1 dev7 127.0.0.1 ");
	client(T_DTLS, "-u dev7 -k wrong", "mine");
	assert_null(strstr(output, "dev7 127"));
	s_client("PSK-AES128-CCM8", "");
	says("Cipher is PSK-AES128-CCM8");
	/* operators' port has none */
	client(T_ADMIN, "-u admin -k secret", "a/who");
	says("2 admin ");
}

static void
a_damaged_one_leaves_that_of_before(void **state)
{
	static const long span[2] = {-2 * 86400, -86400};
	struct made old = cert_make(EVP_EC_gen("P-256"), "fw.old", &middle,
	    span);
	int64_t end;

	(void)state;
	show_it();
	end = front_cert_expiry(rig.front);
	assert_true(end > loop_now(rig.loop));
	write_files(&leaf, &middle);
	assert_int_equal(front_cert_reload(rig.front, NULL), ERR_CONFLICT);
	write_files(&leaf, &leaf);
	assert_int_equal(chmod(rig.conf.tls_key, 0644), 0);
	assert_int_equal(front_cert_reload(rig.front, NULL), ERR_POLICY);
	unlink(rig.conf.tls_key);
	assert_int_equal(front_cert_reload(rig.front, NULL), ERR_NOT_FOUND);
	rig.conf.tls_key[0] = '\0';
	assert_int_equal(front_cert_reload(rig.front, NULL), ERR_MISSING);
	assert_int_equal(front_cert_expiry(rig.front), end);
	verify("");
	says("Verification: OK");
	/* one that has expired is shown; it is the client's to refuse it */
	write_files(&old, &old);
	show_it();
	assert_true(front_cert_expiry(rig.front) < loop_now(rig.loop));
	verify("");
	says("certificate has expired");
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
	says("CN = fw.test"); /* not before it is told to */
	show_it();
	verify("");
	says("CN = fw.new");
	rig.conf.tls_cert[0] = rig.conf.tls_key[0] = '\0';
	show_it();
	assert_int_equal(front_cert_expiry(rig.front), 0);
	verify("");
	assert_null(strstr(output, "fw.new"));
	assert_null(strstr(output, "fw.test"));
	client(T_DTLS, "-u dev7 -k secret", "mine");
	says("1 dev7 127.0.0.1 ");
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
		says("handshake failure");
		client(T_DTLS, "-u dev7 -k wrong", "mine");
	}
	front_forget(rig.front, "dev7");
	front_flush(rig.front, FRONT_ALL, 0);
	client(T_DTLS, "-u dev7 -k secret", "mine");
	says("1 dev7 127.0.0.1 ");
	front_stats(rig.front, &st);
	assert_true(st.sessions <= 4);
}

/* As with a PSK: the power is gone, and the port is the same. */
static void
who_verifies_may_start_anew_from_his_port(void **state)
{
	char command[512];
	int port = 40000 + getpid() % 20000;

	(void)state;
	show_it();
	snprintf(command, sizeof(command), "sleep 9 | openssl s_client "
	    "-dtls1_2 -connect 127.0.0.1:%u -CAfile %s/root.pem -brief "
	    "-bind 127.0.0.1:%d >%s/out 2>&1 & for i in $(seq 60); do "
	    "grep -q Verification %s/out && break; sleep 0.1; done; "
	    "kill -9 $! $(jobs -p); cat %s/out", front_port(rig.front,
	    T_DTLS), dir, port, dir, dir, dir);
	for (int boot = 0; boot < 3; boot++) {
		run(command);
		says("Verification: OK");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(a_device_is_known_by_its_psk_identity),
		T(wrong_keys_and_strangers_get_nothing),
		T(the_admin_plane_has_its_own_table_and_problem_details),
		T(bodies_go_both_ways_on_every_plane),
		T(suites_of_constrained_devices_are_on),
		T(no_session_is_resumed),
		T(a_new_handshake_from_a_known_port_is_accepted),
		T(listeners_are_described),
		T(a_closed_session_ends_its_observations),
		T(operators_do_not_wait_for_notify_rate),
#define C(fn) cmocka_unit_test_setup_teardown(fn, start_certified, \
	stop_certified)
		C(without_a_certificate_nobody_is_let_in_by_one),
		C(clients_may_verify_the_server),
		C(devices_use_their_keys_beside_it),
		C(a_damaged_one_leaves_that_of_before),
		C(a_new_one_is_shown_and_none_when_it_is_taken_away),
		C(failed_handshakes_leave_nothing_behind),
		C(who_verifies_may_start_anew_from_his_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
