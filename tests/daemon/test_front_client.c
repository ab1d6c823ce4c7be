/* Certificates of clients, shown by clients that nobody here wrote: libcoap's
 * with OpenSSL and with GnuTLS, and openssl itself. */
#include "tests/rig/front_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/disk.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "lib/few.h"
#include "tests/lib/peer_make.h"
#include "tests/rig/beside.h"
#include "tests/rig/tls_client.h"

static char dir[] = "/tmp/front_client.XXXXXX";
static struct made root, leaf, devices, other;
static uint8_t bytes[64 * 1024];
static struct buf text;

static void
write_file(const char *name, unsigned mode)
{
	char path[256], tmp[260];
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
static void
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

static void
make_client(const char *name, const struct peer_want *w,
    const struct made *by)
{
	struct made m = peer_make(w, by);

	write_client(name, &m, NULL);
	made_free(&m);
}

static void
write_list(const struct made *by, const long serial[2])
{
	X509_CRL *crl = crl_make(by, serial, 86400);

	put_crl(crl, true, &text);
	X509_CRL_free(crl);
	write_file("list.crl", 0644);
}

static void
name_file(char *key, const char *name)
{
	snprintf(key, 256, "%s/%s", dir, name);
}

static void
reload(void)
{
	struct why why;

	if (front_cert_reload(rig.front, &rig.conf, &why) != 0)
		fail_msg("%s", why.text);
}

static int
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

static int
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
static void
ask(enum transport t, const char *name)
{
	char args[256];

	snprintf(args, sizeof(args), "-c %s/%s.pem -j %s/%s.pem -C "
	    "%s/root.pem", dir, name, dir, name, dir);
	beside_client(t, args, "mine");
}

static uint64_t
requests(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.requests;
}

static const enum transport both[] = {T_DTLS, T_TLS};

static void
a_device_is_known_by_its_certificate(void **state)
{
	struct front_stats st;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		ask(both[i], "dev7");
		beside_says("1 dev7 127.0.0.1 ");
		assert_string_equal(rig.cert.ep, "dev7");
		assert_string_equal(rig.cert.id.serial, "07");
		assert_string_equal(rig.cert.id.issuer, "CN=devices");
		assert_int_equal(strlen(rig.cert.identity), 64);
	}
	assert_int_equal(rig.certs_shown, 2);
	front_stats(rig.front, &st);
	assert_int_equal(st.certs, 2);
	assert_int_equal(st.certs_refused, 0);
}

static void
gnutls_may_show_one_too(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "exec coap-client-gnutls -B 60 -c "
	    "%s/dev7.pem -j %s/dev7.pem -C %s/root.pem "
	    "coaps://127.0.0.1:%u/mine", dir, dir, dir,
	    front_port(rig.front, T_DTLS));
	beside_run(command);
	beside_says("1 dev7 127.0.0.1 ");
}

static void
keys_and_strangers_go_on_beside_it(void **state)
{
	char args[300];

	(void)state;
	snprintf(args, sizeof(args), "-R %s/root.pem", dir);
	for (size_t i = 0; i < 2; i++) {
		beside_client(both[i], "-u dev1 -k secret", "mine");
		beside_says("1 dev1 127.0.0.1 ");
		beside_client(both[i], args, "mine");
		beside_says("4.01");
		beside_client(both[i], args, "hello");
		beside_says("hello");
	}
	assert_int_equal(rig.certs_shown, 0);
}

static void
REQ_SEC_ACCESS_CONTROL_certificates_of_others_are_refused(void **state)
{
	const struct peer_want server = {.cn = "dev7", .serial = 8,
	    .eku = "serverAuth"};
	const struct peer_want weak = {.cn = "dev7", .serial = 8,
	    .key = EVP_RSA_gen(1024)};
	const struct peer_want old = {.cn = "dev7", .serial = 8,
	    .span = {-86400, -3600}};
	const struct peer_want unnamed = {.cn = "dev 7", .serial = 8};
	static const char *const names[] = {"evil", "server", "weak", "old",
	    "unnamed"};
	struct front_stats st;

	(void)state;
	make_client("server", &server, &devices);
	make_client("weak", &weak, &devices);
	make_client("old", &old, &devices);
	make_client("unnamed", &unnamed, &devices);
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 2; k++) {
			ask(both[k], names[i]);
			if (strstr(beside_output, "127.0.0.1 ") == NULL &&
			    requests() == 0)
				continue;
			fail_msg("%s: %s", names[i], beside_output);
		}
	front_stats(rig.front, &st);
	assert_int_equal(st.certs, 0);
	/* libcoap's client shows no weak one, or does; that is OpenSSL's */
	assert_in_range(st.certs_refused, 8, 10);
	/* the grace lets in who is late by less */
	rig.conf.client_grace = 7200;
	ask(T_DTLS, "old");
	beside_says("1 dev7 ");
}

/* A certificate is public: without its key it is worth nothing. */
static void
the_certificate_alone_is_nothing(void **state)
{
	char command[600];

	(void)state;
	put_key(&other, NULL, &text);
	write_file("thief.key", 0600);
	snprintf(command, sizeof(command), "cd %s && openssl x509 -in "
	    "dev7.pem -out dev7.crt && timeout 60 openssl s_client "
	    "-connect 127.0.0.1:%u -cert dev7.crt -key thief.key; "
	    "cat thief.key >> dev7.crt", dir, front_port(rig.front, T_TLS));
	beside_run(command);
	ask(T_TLS, "thief");
	assert_int_equal(rig.certs_shown, 0);
	assert_int_equal(requests(), 0);
}

static void
the_hook_has_the_last_word(void **state)
{
	(void)state;
	rig.cert_err = ERR_POLICY;
	ask(T_DTLS, "dev7");
	ask(T_TLS, "dev7");
	assert_string_equal(rig.cert.ep, "dev7");
	assert_int_equal(rig.certs_shown, 0);
	assert_int_equal(requests(), 0);
}

/* NAME.pem, of which the certificate's message has `size` bytes: it and two
 * lengths of three (RFC 5246 7.4.2). Signatures have one of some lengths. */
static void
make_sized(const char *name, size_t size)
{
	static char san[LIMIT_CERT_PEER + 8] = "DNS:";
	struct peer_want w = {.cn = "dev7", .serial = 8, .san = san};
	size_t n = size - 1000, is;
	struct made m;

	do {
		memset(san + 4, 'x', n);
		san[4 + n] = '\0';
		m = peer_make(&w, &devices);
		is = 6 + (size_t)i2d_X509(m.cert, NULL);
		if (is == size)
			write_client(name, &m, NULL);
		made_free(&m);
		n += size - is;
	} while (is != size);
}

static void
authorities_are_named_and_chains_bounded(void **state)
{
	struct front_stats st;
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "timeout 60 openssl "
	    "s_client -dtls1_2 -nbio -connect 127.0.0.1:%u -nameopt rfc2253",
	    front_port(rig.front, T_DTLS));
	beside_run(command);
	beside_says("Acceptable client certificate CA names");
	beside_says("CN=devices");
	for (size_t more = 0; more < 2; more++) {
		make_sized("fat", LIMIT_CERT_PEER + more);
		ask(T_TLS, "fat");
		assert_int_equal(strstr(beside_output, "1 dev7 ") != NULL,
		    more == 0);
		ask(T_DTLS, "fat");
		assert_int_equal(strstr(beside_output, "1 dev7 ") != NULL,
		    more == 0);
		front_stats(rig.front, &st);
		assert_int_equal(st.handshakes_failed, 2 * more);
	}
}

/* --- what changes --- */

static void (*act)(void);
static unsigned acted;
static unsigned sessions_after;

/* Sees every session that has shown a certificate. */
static bool
count_it(void *arg, const struct cert_peer *p)
{
	unsigned *n = arg;

	(void)p;
	++*n;
	return false;
}

/* When the client has shown its certificate; once. */
static void
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

/* Whether a session with a certificate is there half a second after `what`
 * was done; it was idle meanwhile, or else asked. */
static bool
survives(enum transport t, void (*what)(void))
{
	char command[400];

	act = what;
	acted = 0;
	rig.certs_shown = 0;
	sessions_after = 99;
	snprintf(command, sizeof(command), "timeout 60 openssl "
	    "s_client %s -connect 127.0.0.1:%u -cert %s/dev7.pem -key "
	    "%s/dev7.pem", t == T_DTLS ? "-dtls1_2 -nbio" : "-tls1_2",
	    front_port(rig.front, t), dir, dir);
	beside_talk(command);
	for (int i = 0; i < 1000 && acted < 15; i++) /* it was hung up on */
		rig_run(30);
	assert_in_range(sessions_after, 0, 1);
	return sessions_after == 1;
}

static void
nothing(void)
{
}

static void
revoke_other(void)
{
	write_list(&devices, (long[2]){8, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
}

static void
revoke_7(void)
{
	write_list(&devices, (long[2]){7, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
}

static void
other_authority(void)
{
	put_cert(&other, &text);
	write_file("ca.pem", 0644);
	reload();
}

static void
other_rule(void)
{
	strcpy(rig.conf.cert_endpoint, "cn:de(*)");
	reload();
}

static void
no_authority(void)
{
	rig.conf.client_ca[0] = rig.conf.client_crl[0] = '\0';
	reload();
}

static void
hook_refuses(void)
{
	rig.cert_err = ERR_POLICY;
	front_recheck(rig.front);
}

static void
forget_it(void)
{
	front_forget(rig.front, rig.cert.identity);
}

static bool
is_serial(void *arg, const struct cert_peer *p)
{
	return strcmp(p->id.serial, arg) == 0;
}

static void
forget_serial_7(void)
{
	front_forget_certs(rig.front, is_serial, "07");
}

static void
forget_serial_8(void)
{
	front_forget_certs(rig.front, is_serial, "08");
}

static int
start_timed(void **state)
{
	int rc = start(state);

	return rc == 0 ? loop_every(rig.loop, 30, during, NULL) : rc;
}

static void
a_reload_keeps_sessions_that_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(survives(both[i], nothing));
		assert_true(survives(both[i], reload));
		assert_true(survives(both[i], revoke_other));
		assert_true(survives(both[i], forget_serial_8));
	}
}

static void
who_is_revoked_loses_his_session(void **state)
{
	(void)state;
	assert_false(survives(T_DTLS, revoke_7));
	ask(T_DTLS, "dev7");
	assert_int_equal(requests(), 0);
	rig.conf.client_crl[0] = '\0';
	reload();
	assert_false(survives(T_TLS, revoke_7));
	ask(T_TLS, "dev7");
	assert_int_equal(requests(), 0);
}

static void
a_session_ends_when_its_certificate_is_good_no_longer(void **state)
{
	static void (*const what[])(void) = {forget_it, forget_serial_7,
	    hook_refuses, other_rule, other_authority, no_authority};

	for (size_t i = 0; i < 6; i++) {
		if (survives(both[i % 2], what[i]))
			fail_msg("%zu", i);
		if (i < 5 && (stop(state) != 0 || start_timed(state) != 0))
			fail();
	}
}

/* A request, and when it has come another one. */
static void
ask_twice(void *arg)
{
	static const char get[2][9] = {"\100\001\022\064\264mine",
	    "\100\001\022\065\264mine"};
	int *ticks = arg;

	if (*ticks == 0)
		beside_write(get[0], sizeof(get[0]));
	if (*ticks == 1)
		beside_write(get[1], sizeof(get[1]));
	if (*ticks == 15)
		beside_hang_up();
	if (*ticks == 0 || rig.certs_asked > 0)
		++*ticks;
}

/* Not within seconds, but before he is answered again. */
static void
nobody_is_served_by_what_he_has_lost(void **state)
{
	char command[400];
	int ticks = 0;

	(void)state;
	rig.cert_last = true;
	assert_int_equal(loop_every(rig.loop, 20, ask_twice, &ticks), 0);
	snprintf(command, sizeof(command), "timeout 60 openssl s_client "
	    "-dtls1_2 -nbio -connect 127.0.0.1:%u -cert %s/dev7.pem -key "
	    "%s/dev7.pem", front_port(rig.front, T_DTLS), dir, dir);
	beside_talk(command);
	assert_int_equal(rig.certs_shown, 1);
	assert_int_equal(rig.certs_asked, 1);
}

/* The list is replaced, and nobody tells suitd. */
static void
a_new_list_is_found(void **state)
{
	uint64_t served;

	(void)state;
	write_list(&devices, (long[2]){8, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
	ask(T_DTLS, "dev7");
	beside_says("1 dev7 ");
	write_list(&devices, (long[2]){7, 0});
	for (int i = 0; i < 60 && strstr(beside_output, "1 dev7 ") != NULL;
	    i++) {
		rig_run(1000);
		ask(T_DTLS, "dev7");
	}
	assert_null(strstr(beside_output, "1 dev7 "));
	served = requests();
	/* a broken one leaves that of before */
	buf_puts(&text, "hello");
	write_file("list.crl", 0644);
	rig_run(11000);
	ask(T_DTLS, "dev7");
	assert_null(strstr(beside_output, "1 dev7 "));
	assert_int_equal(requests(), served);
}

/* --- read by the disk's thread --- */

struct hold {
	struct chore chore;
	int fd[2];
	bool over;
};

static bool
held_step(struct chore *c)
{
	char b;

	return read(((struct hold *)c)->fd[0], &b, 1) == 1;
}

static void
held_done(struct chore *c)
{
	((struct hold *)c)->over = true;
}

static int told_err;
static unsigned told;

static void
on_told(void *arg, int err, const struct why *why)
{
	(void)arg;
	told_err = err;
	told++;
	if (err != 0)
		assert_int_equal(why->err, err);
}

static void
wait_told(unsigned n)
{
	for (int i = 0; i < 3000 && told < n; i++)
		rig_run(10);
	assert_int_equal(told, n);
}

/* The thread has not even begun, so that nobody's speed decides. */
static void
the_list_of_before_holds_until_the_new_one_is_read(void **state)
{
	struct hold h = {.chore = {.step = held_step, .done = held_done}};

	(void)state;
	told = 0;
	write_list(&devices, (long[2]){8, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
	assert_int_equal(pipe(h.fd), 0);
	disk_add(rig.disk, &h.chore, DISK_WRITE);
	write_list(&devices, (long[2]){7, 0});
	front_cert_read(rig.front, &rig.conf, on_told, NULL);
	ask(T_DTLS, "dev7");
	beside_says("1 dev7 ");
	assert_int_equal(told, 0);
	assert_int_equal(write(h.fd[1], "", 1), 1);
	wait_told(1);
	assert_true(h.over);
	assert_int_equal(told_err, 0);
	ask(T_DTLS, "dev7");
	assert_null(strstr(beside_output, "1 dev7 "));
	/* a broken one revokes as that of before */
	buf_puts(&text, "hello");
	write_file("list.crl", 0644);
	front_cert_read(rig.front, &rig.conf, on_told, NULL);
	wait_told(2);
	assert_int_equal(told_err, ERR_MALFORMED);
	ask(T_DTLS, "dev7");
	assert_null(strstr(beside_output, "1 dev7 "));
	assert_int_equal(requests(), 1);
	/* what is being read at the end is nobody's */
	front_cert_read(rig.front, &rig.conf, on_told, NULL);
	close(h.fd[0]);
	close(h.fd[1]);
}

static int
start_threaded(void **state)
{
	int rc;

	rig_threaded = true;
	rc = start(state);
	rig_threaded = false;
	return rc;
}

/* The serial number of one that was revoked is no secret, and is looked at
 * before the signature is: whoever knows it would write a line each time. */
static void
refusals_do_not_fill_the_log(void **state)
{
	uint64_t lines, spans;
	struct front_stats st;
	int64_t began;

	(void)state;
	revoke_7();
	lines = log_count(LOGL_WARN);
	began = loop_mono(rig.loop);
	for (int i = 0; i < 16; i++)
		ask(T_DTLS, "evil");
	lines = log_count(LOGL_WARN) - lines;
	spans = (uint64_t)(loop_mono(rig.loop) - began) / FEW_MS + 1;
	front_stats(rig.front, &st);
	assert_int_equal(st.certs_refused, 16);
	assert_in_range(lines, FEW_LINES, FEW_LINES + spans);
}

static void
what_cannot_be_read_leaves_that_of_before(void **state)
{
	struct why why = {0};

	(void)state;
	name_file(rig.conf.client_ca, "nothing.pem");
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, &why),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "client_ca: "));
	name_file(rig.conf.client_ca, "key.pem");
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_MALFORMED);
	name_file(rig.conf.client_ca, "dev7.pem");
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_INVALID);
	name_file(rig.conf.client_ca, "ca.pem");
	name_file(rig.conf.client_crl, "ca.pem");
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_MALFORMED);
	/* nor does half of a change count */
	rig.conf.client_crl[0] = '\0';
	name_file(rig.conf.tls_key, "ca.pem");
	assert_true(front_cert_reload(rig.front, &rig.conf, NULL) < 0);
	ask(T_DTLS, "dev7");
	beside_says("1 dev7 ");
}

static void
a_folder_is_read_and_an_empty_one_is_none(void **state)
{
	static const long span[2] = {-86400, 90 * 86400};
	const struct peer_want nine = {.cn = "dev9", .serial = 9};
	struct made third = cert_make(EVP_EC_gen("P-256"), "third", NULL,
	    span);
	char path[300];

	(void)state;
	name_file(path, "folder");
	assert_int_equal(mkdir(path, 0755), 0);
	name_file(rig.conf.client_ca, "folder");
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_MISSING);
	put_cert(&third, &text);
	write_file("folder/1.pem", 0644);
	put_cert(&devices, &text);
	write_file("folder/2.crt", 0644);
	buf_puts(&text, "not looked at");
	write_file("folder/README", 0644);
	reload();
	ask(T_DTLS, "dev7");
	beside_says("1 dev7 ");
	make_client("dev9", &nine, &third);
	ask(T_DTLS, "dev9");
	beside_says("1 dev9 ");
	for (int i = 2; i <= LIMIT_CLIENT_FILES; i++) {
		snprintf(path, sizeof(path), "folder/%d.cer", i);
		put_cert(&devices, &text);
		write_file(path, 0644);
		if (i == LIMIT_CLIENT_FILES - 1)
			reload();
	}
	assert_int_equal(front_cert_reload(rig.front, &rig.conf, NULL),
	    ERR_LIMIT);
	made_free(&third);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define C(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
#define T(fn) cmocka_unit_test_setup_teardown(fn, start_timed, stop)
		cmocka_unit_test_setup_teardown(
		    the_list_of_before_holds_until_the_new_one_is_read,
		    start_threaded, stop),
		C(a_device_is_known_by_its_certificate),
		C(gnutls_may_show_one_too),
		C(keys_and_strangers_go_on_beside_it),
		C(REQ_SEC_ACCESS_CONTROL_certificates_of_others_are_refused),
		C(the_certificate_alone_is_nothing),
		C(the_hook_has_the_last_word),
		C(authorities_are_named_and_chains_bounded),
		T(a_reload_keeps_sessions_that_are_good),
		T(who_is_revoked_loses_his_session),
		T(a_session_ends_when_its_certificate_is_good_no_longer),
		C(nobody_is_served_by_what_he_has_lost),
		C(a_new_list_is_found),
		C(refusals_do_not_fill_the_log),
		C(what_cannot_be_read_leaves_that_of_before),
		C(a_folder_is_read_and_an_empty_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
