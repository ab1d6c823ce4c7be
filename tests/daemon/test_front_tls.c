/* The other planes, with clients that nobody here wrote. */
#include "tests/rig/front_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/digest.h"
#include "tests/rig/beside.h"
#include "tests/rig/tls_client.h"

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

static void
a_device_is_known_by_its_psk_identity(void **state)
{
	char local[64];

	(void)state;
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	snprintf(local, sizeof(local), "127.0.0.1:%u",
	    front_port(rig.front, T_DTLS));
	beside_says(local);
	beside_client(T_DTLS, "-u dev7 -k secret", "op");
	beside_says("4.03");
}

/* What changes with each request comes whole, and new each time. */
static void
blocks_of_an_operators_answer_are_of_one(void **state)
{
	(void)state;
	beside_client(T_ADMIN, "-u admin -k secret", "a/turns");
	assert_int_equal(strspn(beside_output, "a"), 3000);
	assert_int_equal(rig.turns, 1);
	beside_client(T_ADMIN, "-b 256 -u admin -k secret", "a/turns");
	assert_int_equal(strspn(beside_output, "b"), 3000);
	/* other words, another answer */
	beside_client(T_ADMIN, "-u admin -k secret", "a/turns?x=1");
	assert_int_equal(strspn(beside_output, "c"), 3000);
	assert_int_equal(rig.turns, 3);
}

static void
wrong_keys_and_strangers_get_nothing(void **state)
{
	struct front_stats st;

	(void)state;
	beside_client(T_DTLS, "-B 2 -u dev7 -k wrong", "mine");
	beside_client(T_DTLS, "-u stranger -k secret", "mine");
	beside_client(T_ADMIN, "-u dev7 -k secret", "a/who");
	front_stats(rig.front, &st);
	assert_int_equal(st.requests, 0);
	assert_int_equal(st.handshakes, 0);
	/* a wrong key is none to OpenSSL, which waits for a better one */
	assert_in_range(st.handshakes_failed, 2, 3);
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	front_stats(rig.front, &st);
	assert_int_equal(st.handshakes, 1);
}

/* While its client still tries, and once; who is not known is not told. */
static void
a_wrong_key_is_told_by_its_identity(void **state)
{
	struct front_stats st;
	char want[64];

	(void)state;
	beside_client(T_DTLS, "-u stranger -k secret", "mine");
	assert_int_equal(rig.keys_failed, 0);
	beside_client(T_DTLS, "-B 8 -u dev7 -k wrong", "mine");
	snprintf(want, sizeof(want), "%d dev7 127.0.0.1", (int)T_DTLS);
	assert_string_equal(rig.key_failed, want);
	assert_int_equal(rig.keys_failed, 1);
	front_stats(rig.front, &st);
	assert_int_equal(st.handshakes_failed, 2);
	assert_int_equal(rig.keys_proved, 0);
	beside_client(T_DTLS, "-u dev7 -k secret", "mine");
	assert_int_equal(rig.keys_failed, 1);
	assert_int_equal(rig.keys_proved, 1);
}

static void
the_admin_plane_has_its_own_table_and_problem_details(void **state)
{
	(void)state;
	beside_client(T_ADMIN, "-u admin -k secret", "a/who");
	beside_says("4 admin ");
	beside_client(T_ADMIN, "-u admin -k secret", "hello");
	beside_says("4.04");
	beside_client(T_ADMIN, "-u admin -k secret", "a/refused");
	beside_says("4.09");
	beside_says("SUIT 8.4.2");
	beside_client(T_DTLS, "-u dev7 -k secret", "a/who");
	beside_says("4.04");
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

		beside_client(planes[i], key, "big");
		assert_int_equal(strspn(beside_output, "abcdefghijklmnopqrstuvw"),
		    sizeof(content));
		memset(rig.body_digest, 0, 32);
		rig.calls = 0;
		snprintf(args, sizeof(args), "-m post -f %s %s", path, key);
		beside_client(planes[i], args, "file");
		beside_says("n=1");
		assert_memory_equal(rig.body_digest, d.b, 32);
	}
	unlink(path);
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
		beside_s_client(suites[i], "");
		snprintf(want, sizeof(want), "Cipher is %s", suites[i]);
		beside_says(want);
		beside_says("PSK identity hint: None");
		beside_says("Extended master secret: yes");
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
		beside_s_client("PSK-AES128-CCM8", more);
		beside_says("New, TLSv1.2");
		assert_null(strstr(beside_output, "session ticket:"));
		snprintf(more, sizeof(more), "-sess_in %s", path);
		beside_s_client("PSK-AES128-CCM8", more);
		beside_says("New, TLSv1.2");
		assert_null(strstr(beside_output, "Reused"));
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
	int port = 10000 + getpid() % 9000; /* nobody else's */

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
	beside_client(T_TCP, "-s 1", "big");
	front_stats(rig.front, &st);
	assert_int_equal(st.requests > 1, 1);
	assert_int_equal(st.observers, 0);
	/* killed while it observes: DTLS would not tell, TCP does */
	beside_client(T_TCP, "-s 60 -B 1", "big & sleep 0.3; kill -9 $!; : ");
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
	beside_hang_up();
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
	    "coap-client-openssl -B 99 -s 99 -u admin -k secret "
	    "coaps://127.0.0.1:%u/a/big & done; read end; kill -9 $(jobs -p)",
	    front_port(rig.front, T_ADMIN));
	beside_talk(command);
	assert_int_equal(told_at_once, WATCHERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		T(blocks_of_an_operators_answer_are_of_one),
		T(a_device_is_known_by_its_psk_identity),
		T(wrong_keys_and_strangers_get_nothing),
		T(a_wrong_key_is_told_by_its_identity),
		T(the_admin_plane_has_its_own_table_and_problem_details),
		T(bodies_go_both_ways_on_every_plane),
		T(suites_of_constrained_devices_are_on),
		T(no_session_is_resumed),
		T(a_new_handshake_from_a_known_port_is_accepted),
		T(listeners_are_described),
		T(a_closed_session_ends_its_observations),
		T(operators_do_not_wait_for_notify_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
