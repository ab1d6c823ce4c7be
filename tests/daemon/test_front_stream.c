/* CoAP over TLS over TCP, with clients that nobody here wrote. */
#include "tests/rig/front_rig.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/rig/beside.h"

static uint8_t content[20000];

static uint64_t enough; /* handshakes, after which it is hung up */

static void
hang_up(void *arg)
{
	struct front_stats st;

	(void)arg;
	front_stats(rig.front, &st);
	if (st.handshakes >= enough)
		beside_hang_up();
}

static int
start(void **state)
{
	int rc = rig_start(state);

	enough = UINT64_MAX;
	if (rc == 0)
		rc = loop_every(rig.loop, 20, hang_up, NULL);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)('a' + i % 23);
	rig.served = slice_of(content, sizeof(content));
	return rc;
}

static void
a_device_is_known_by_its_key(void **state)
{
	struct front_stats st;

	(void)state;
	beside_client(T_TLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	beside_client(T_TLS, "-u dev7 -k secret", "op");
	beside_says("4.03");
	beside_client(T_TLS, "-u dev7 -k secret", "a/who");
	beside_says("4.04"); /* it is no operator's port */
	front_stats(rig.front, &st);
	assert_int_equal(st.handshakes, 3);
	assert_int_equal(st.handshakes_failed, 0);
}

static void
wrong_keys_and_strangers_get_nothing(void **state)
{
	struct front_stats st;
	char want[64];
	int tries;

	(void)state;
	beside_client(T_TLS, "-B 2 -u dev7 -k wrong", "mine");
	tries = rig.keys_failed;
	assert_in_range(tries, 1, 2);
	beside_client(T_TLS, "-u stranger -k secret", "mine");
	front_stats(rig.front, &st);
	assert_int_equal(st.requests, 0);
	assert_int_equal(st.handshakes, 0);
	assert_in_range(st.handshakes_failed, 2, 4);
	assert_int_equal(st.sessions_of[T_TLS], 0);
	/* and whose key it was is told */
	snprintf(want, sizeof(want), "%d dev7 127.0.0.1", (int)T_TLS);
	assert_string_equal(rig.key_failed, want);
	assert_int_equal(rig.keys_failed, tries);
}

static void
bodies_go_through(void **state)
{
	(void)state;
	beside_client(T_TLS, "-u dev1 -k secret", "big");
	assert_int_equal(strspn(beside_output, "abcdefghijklmnopqrstuvw"),
	    sizeof(content));
	rig.calls = 0;
	beside_client(T_TLS, "-u dev1 -k secret -m post -e hello", "r");
	assert_int_equal(rig.calls, 1);
}

/* It stays until there were `upto` handshakes, or it is refused. */
static void
s_client(const char *args, uint64_t upto)
{
	char command[512];

	snprintf(command, sizeof(command), "timeout 60 openssl "
	    "s_client -connect 127.0.0.1:%u -psk_identity dev1 "
	    "-psk 736563726574 -cipher PSK:@SECLEVEL=0 %s",
	    front_port(rig.front, T_TLS), args);
	enough = upto;
	beside_talk(command);
}

static void
it_is_version_12_and_no_other(void **state)
{
	struct front_stats st;

	(void)state;
	s_client("-tls1_2", 1);
	beside_says("Protocol  : TLSv1.2");
	s_client("-tls1_2 -alpn coap", 2);
	beside_says("ALPN protocol: coap");
	s_client("", 3); /* who could do 1.3 does 1.2 */
	beside_says("New, TLSv1.2");
	front_stats(rig.front, &st);
	assert_int_equal(st.handshakes, 3);
	s_client("-tls1_3", 4);
	beside_says("protocol version");
	s_client("-tls1_1", 4);
	beside_says("protocol version");
	s_client("-tls1", 4);
	beside_says("protocol version");
	front_stats(rig.front, &st);
	assert_int_equal(st.handshakes, 3);
}

/* A resumed one would prove a key that may be no key any more. */
static void
nothing_is_resumed(void **state)
{
	(void)state;
	s_client("-tls1_2 -reconnect", 6);
	beside_says("New, TLSv1.2");
	assert_null(strstr(beside_output, "Reused, "));
	assert_null(strstr(beside_output, "session ticket:"));
}

/* What does not even begin a handshake has no key, and harms nobody. */
static void
garbage_ends_its_connection_only(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	char text[] = "GET / HTTP/1.0\r\n\r\n";
	int fd[8];

	(void)state;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(front_port(rig.front, T_TLS));
	for (int i = 0; i < 8; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd[i], (struct sockaddr *)&to,
		    sizeof(to)), 0);
		rig_run(5); /* libcoap has a backlog of 5 */
		if (i % 2 == 0) /* the others say nothing */
			assert_int_equal(write(fd[i], text, sizeof(text)),
			    sizeof(text));
	}
	rig_run(50);
	beside_client(T_TLS, "-u dev7 -k secret", "mine");
	beside_says("1 dev7 127.0.0.1 ");
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	rig_run(20);
}

/* How many sessions there were, before and after its key was forgotten. */
static size_t before, after;

static void
forget_once(void *arg)
{
	struct front_stats st;

	(void)arg;
	front_stats(rig.front, &st);
	if (before > 0) {
		after = st.sessions_of[T_TLS];
		enough = 1;
	}
	if (before > 0 || st.handshakes == 0)
		return;
	before = st.sessions_of[T_TLS];
	front_forget(rig.front, "dev1");
}

static void
a_session_ends_when_its_key_does(void **state)
{
	(void)state;
	before = 0;
	after = 99;
	assert_int_equal(loop_every(rig.loop, 20, forget_once, NULL), 0);
	s_client("-tls1_2", UINT64_MAX);
	rig_run(50); /* it was hung up on */
	assert_int_equal(before, 1);
	assert_int_equal(after, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define C(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop)
		C(a_device_is_known_by_its_key),
		C(wrong_keys_and_strangers_get_nothing),
		C(bodies_go_through),
		C(it_is_version_12_and_no_other),
		C(nothing_is_resumed),
		C(garbage_ends_its_connection_only),
		C(a_session_ends_when_its_key_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
