/*
 * Certificates of clients: who is known by one, who is refused, and which
 * files of authorities are read.
 */
#include <sys/stat.h>

#include "tests/daemon/front_client.h"

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
		C(a_device_is_known_by_its_certificate),
		C(gnutls_may_show_one_too),
		C(keys_and_strangers_go_on_beside_it),
		C(REQ_SEC_ACCESS_CONTROL_certificates_of_others_are_refused),
		C(the_certificate_alone_is_nothing),
		C(the_hook_has_the_last_word),
		C(authorities_are_named_and_chains_bounded),
		C(what_cannot_be_read_leaves_that_of_before),
		C(a_folder_is_read_and_an_empty_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
