/*
 * What peers can make the front keep is bounded: sessions of each plane,
 * handshakes, connections, observers, answers that wait. Each test goes to
 * the cap and past it, with a peer for each address of 127.48.0.0/12.
 * (Per-peer observers, request bodies and remembered answers:
 * test_front_observe, _block1, _dedup.)
 */
#include "tests/rig/front_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/reach.h"
#include "tests/rig/front_steer.h"
#include "tests/rig/tls_client.h"

#define UDP_SESSIONS 64 /* front.c */
#define HANDSHAKES 2001 /* libcoap counts one late */
#define HELD 4096 /* front_int.h */
#define BATCH 64

static int fd = -1;
static uint16_t mid;

static struct sockaddr_in
plane(enum transport t)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(front_port(rig.front,
		    t)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int
setup(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};

	if (rig_start(state) != 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return bind(fd, (struct sockaddr *)&any, sizeof(any));
}

static int
teardown(void **state)
{
	close(fd);
	return rig_stop(state);
}

/* From the nth address. */
static void
send_from(unsigned n, enum transport t, const void *p, size_t len)
{
	struct sockaddr_in to = plane(t);
	struct in_pktinfo from = {0};
	struct iovec v = {(void *)p, len};
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(from))];
	} c;
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &v,
		.msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c),
	};

	memset(&c, 0, sizeof(c));
	from.ipi_spec_dst.s_addr = htonl(0x7f300001u + n);
	c.h.cmsg_level = IPPROTO_IP;
	c.h.cmsg_type = IP_PKTINFO;
	c.h.cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(&c.h), &from, sizeof(from));
	assert_int_equal(sendmsg(fd, &m, 0), len);
}

/* Lets the server work; answers are of no interest. */
static void
settle(void)
{
	uint8_t b[2048];
	bool more = true;

	while (more) {
		rig_run(3);
		more = false;
		while (recv(fd, b, sizeof(b), 0) > 0)
			more = true;
	}
}

static uint64_t
sessions(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.sessions;
}

/* The counter of the cap: somebody ran into it so often. */
static uint64_t
times(enum front_limit l)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.limit[l];
}

enum { PLAIN, OBSERVE, CANCEL };

static void
ask(unsigned n, unsigned token, int what)
{
	struct msg q;
	char text[8];

	snprintf(text, sizeof(text), "%02x", token);
	msg_begin(&q, CON, 1, ++mid, text);
	if (what != PLAIN)
		msg_opt_uint(&q, OPT_OBSERVE, what == CANCEL);
	msg_path(&q, "big");
	send_from(n, T_UDP, q.b, q.n);
}

static void
a_peer_without_a_credential_gets_one_of_few_sessions(void **state)
{
	(void)state;
	for (unsigned n = 0; n < UDP_SESSIONS; n++) {
		ask(n, 1, PLAIN);
		settle();
	}
	assert_int_equal(sessions(), UDP_SESSIONS);
	for (unsigned n = 0; n < 4 * UDP_SESSIONS; n++) {
		ask(UDP_SESSIONS + n, 1, PLAIN);
		settle();
		assert_in_range(sessions(), 1, UDP_SESSIONS);
	}
}

static uint64_t
observers(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.observers;
}

/* However long they take on a busy machine. */
static void
observers_become(uint64_t n)
{
	for (int i = 0; i < 1000 && observers() != n; i++)
		settle();
	settle(); /* and no more of them */
	assert_int_equal(observers(), n);
}

static void
observers_are_bounded_over_all_peers(void **state)
{
	unsigned n, per = LIMIT_OBSERVERS_PEER;

	(void)state;
	for (n = 0; n < LIMIT_OBSERVERS; n++) {
		ask(n / per, n % per, OBSERVE);
		if (n % 512 == 511)
			settle();
	}
	observers_become(LIMIT_OBSERVERS);
	assert_int_equal(times(FRONT_LIMIT_OBSERVERS), 0);
	ask(n / per, 0, OBSERVE);
	observers_become(LIMIT_OBSERVERS);
	assert_int_equal(times(FRONT_LIMIT_OBSERVERS), 1);
}

/* Without any credential, so from addresses that may be forged. */
static void
plain_peers_that_observe_are_bounded(void **state)
{
	unsigned n;

	(void)state;
	for (n = 0; n < LIMIT_OBSERVING_PLAIN; n++) {
		ask(n, 0, OBSERVE);
		if (n % 512 == 511)
			settle();
	}
	observers_become(LIMIT_OBSERVING_PLAIN);
	assert_int_equal(times(FRONT_LIMIT_OBSERVING_PLAIN), 0);
	ask(n, 0, OBSERVE);
	observers_become(LIMIT_OBSERVING_PLAIN);
	assert_int_equal(times(FRONT_LIMIT_OBSERVING_PLAIN), 1);
	ask(3, 1, OBSERVE); /* who observes may observe more */
	observers_become(LIMIT_OBSERVING_PLAIN + 1);
	ask(3, 0, CANCEL);
	ask(3, 1, CANCEL);
	observers_become(LIMIT_OBSERVING_PLAIN - 1);
	ask(n, 0, OBSERVE); /* its place */
	observers_become(LIMIT_OBSERVING_PLAIN);
}

/* The kernel sends all of them to one context of their own. */
static void
peers_of_a_context_are_bounded(void **state)
{
	assert_int_equal(steer_front(rig.front, 1), 0);
	plain_peers_that_observe_are_bounded(state);
	assert_in_range(sessions(), LIMIT_OBSERVING_PLAIN,
	    LIMIT_OBSERVING_PLAIN + UDP_SESSIONS);
}

static void
many_contexts_have_room_for_many(void **state)
{
	(void)state;
	assert_int_equal(steer_front(rig.front, FRONT_FOLLOW), 0);
	for (unsigned n = 0; n < 4 * LIMIT_OBSERVING_PLAIN; n++) {
		ask(n, 0, OBSERVE);
		if (n % 512 == 511)
			settle();
	}
	settle();
	assert_int_equal(observers(), 4 * LIMIT_OBSERVING_PLAIN);
}

/* Hellos from addresses that may be forged. */
static void
handshakes_are_bounded(void **state)
{
	static const uint8_t hello[60] = {22, 0xfe, 0xfd, [13] = 1};

	(void)state;
	for (unsigned n = 0; n < HANDSHAKES + 5 * BATCH; n++) {
		send_from(n, T_DTLS, hello, sizeof(hello));
		if (n % BATCH == BATCH - 1)
			settle();
		if (n + 1 == 10 * BATCH)
			assert_in_range(sessions(), 10 * BATCH - 1,
			    10 * BATCH);
	}
	settle();
	assert_in_range(sessions(), HANDSHAKES - 1, HANDSHAKES);
}

static void
idle_dtls_sessions_are_bounded(void **state)
{
	struct tls_client *c;
	unsigned cap = rig.conf.sessions_max;
	int port = 10000 + getpid() % 9000; /* nobody else's */

	(void)state;
	for (unsigned n = 0; n < cap + 3; n++) {
		c = tls_client_new(port + (int)n, front_port(rig.front,
		    T_DTLS));
		assert_non_null(c);
		for (int i = 0; i < 1000 && !tls_client_step(c); i++)
			rig_run(1);
		assert_true(tls_client_step(c));
		tls_client_drop(c);
		assert_int_equal(sessions(), n < cap ? n + 1 : cap);
		assert_int_equal(times(FRONT_LIMIT_SESSIONS),
		    n < cap ? 0 : n + 1 - cap);
	}
}

/* A connection from this address; answers are of no interest. */
static int
connect_from(uint32_t host)
{
	struct sockaddr_in to = plane(T_TCP), from = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(host)};
	int s = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(s, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), 0);
	rig_run(1); /* libcoap's backlog is short */
	return s;
}

static bool
is_closed(int s)
{
	uint8_t b[64];
	ssize_t n;

	while ((n = recv(s, b, sizeof(b), MSG_DONTWAIT)) > 0)
		continue; /* its CSM */
	return n == 0;
}

/* `most` connections from this host, and one that is closed at once. */
static void
fill_host(int *s, uint32_t host, unsigned most, enum front_limit l)
{
	uint64_t had = times(l), were = sessions();

	for (unsigned n = 0; n <= most; n++)
		s[n] = connect_from(host);
	for (int i = 0; i < 1000 && !is_closed(s[most]); i++)
		rig_run(10);
	assert_true(is_closed(s[most]));
	assert_false(is_closed(s[0]));
	assert_false(is_closed(s[most - 1]));
	close(s[most]);
	assert_int_equal(sessions(), were + most);
	assert_int_equal(times(l), had + 1);
}

#define HOST 0x7f300001u /* 127.48.0.1 */

static int
setup_strangers(void **state)
{
	struct conf conf;

	conf_default(&conf);
	strcpy(conf.trusted_networks, "127.0.0.1");
	return reach_new(&conf, &rig_reach) != 0 ? -1 : setup(state);
}

static int
teardown_strangers(void **state)
{
	int rc = teardown(state);

	reach_free(rig_reach);
	rig_reach = NULL;
	return rc;
}

static void
connections_are_bounded(void **state)
{
	static int s[LIMIT_CONNECTIONS + 3];
	int *next = s;

	(void)state;
	fill_host(next, INADDR_LOOPBACK, LIMIT_CONNECTIONS_TRUSTED,
	    FRONT_LIMIT_CONNECTIONS_NETWORK);
	next += LIMIT_CONNECTIONS_TRUSTED;
	fill_host(next, HOST, LIMIT_CONNECTIONS_HOST,
	    FRONT_LIMIT_CONNECTIONS_HOST);
	next += LIMIT_CONNECTIONS_HOST;
	/* whoever else comes is let in, up to the end of all places */
	fill_host(next, HOST + 0x10000, LIMIT_CONNECTIONS -
	    LIMIT_CONNECTIONS_TRUSTED - LIMIT_CONNECTIONS_HOST,
	    FRONT_LIMIT_CONNECTIONS);
	assert_int_equal(sessions(), LIMIT_CONNECTIONS);
	for (unsigned n = 0; n < LIMIT_CONNECTIONS; n++)
		close(s[n]);
	for (int i = 0; i < 1000 && sessions() > 0; i++)
		rig_run(10);
	close(connect_from(HOST));
	assert_int_equal(times(FRONT_LIMIT_CONNECTIONS_HOST), 1);
}

static void
connections_of_a_network_are_bounded(void **state)
{
	static int s[LIMIT_CONNECTIONS_NETWORK + 1];
	unsigned most = LIMIT_CONNECTIONS_HOST - 1; /* of one of them */
	unsigned others = LIMIT_CONNECTIONS_NETWORK - most;

	(void)state;
	for (unsigned n = 0; n < others; n++)
		s[n] = connect_from(HOST + 1 + n);
	fill_host(s + others, HOST, most, FRONT_LIMIT_CONNECTIONS_NETWORK);
	close(connect_from(HOST + 0x100));
	assert_int_equal(times(FRONT_LIMIT_CONNECTIONS_NETWORK), 1);
	for (unsigned n = 0; n < LIMIT_CONNECTIONS_NETWORK; n++)
		close(s[n]);
	rig_run(20);
}

/* --- answers that wait for the disk --- */

static void
post(uint16_t id)
{
	struct msg q;

	msg_begin(&q, CON, 2, id, "01");
	msg_path(&q, "r");
	msg_send(&q, 0);
}

/* A sync that hangs, and as many requests before it as may wait. */
static void
fill_up(unsigned n)
{
	rig.no_flush = true;
	for (unsigned i = 1; i <= n; i++) {
		post((uint16_t)i);
		if (i % BATCH == 0)
			rig_run(1);
	}
	for (int i = 0; i < 100 && rig.calls < (int)n; i++)
		rig_run(5);
	assert_int_equal(rig.calls, n);
	assert_int_equal(front_held(rig.front), n);
}

/* What they waited for is there: so many answers leave, none twice. */
static void
let_go(unsigned n)
{
	static bool had[HELD + 1];
	struct msg a;

	memset(had, 0, sizeof(had));
	for (unsigned upto = BATCH; upto < n + BATCH; upto += BATCH) {
		front_flush(rig.front, (struct front_span){.upto =
		    upto}, 0);
		for (unsigned i = upto - BATCH; i < upto && i < n; i++) {
			assert_true(msg_recv(&a, 0, RIG_HANGS));
			assert_int_equal(a.code, 204);
			assert_in_range(a.mid, 1, HELD);
			assert_false(had[a.mid]);
			had[a.mid] = true;
		}
	}
	assert_false(msg_recv(&a, 0, 20));
}

static void
is_refused(unsigned id)
{
	struct msg a;

	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.mid, id);
	assert_int_equal(a.code, 503);
	assert_true(msg_get_uint(&a, OPT_MAX_AGE) > 0);
	assert_int_equal(rig.calls, HELD);
}

static void
answers_that_wait_are_bounded_and_reading_goes_on(void **state)
{
	struct msg q, a;

	(void)state;
	fill_up(HELD);
	assert_false(msg_recv(&a, 0, 1)); /* none has left */
	assert_int_equal(times(FRONT_LIMIT_HELD), 0);
	post(HELD + 1);
	is_refused(HELD + 1);
	assert_int_equal(times(FRONT_LIMIT_HELD), 1);
	msg_begin(&q, CON, 1, HELD + 2, "02");
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	post(HELD + 3); /* nobody else gets a place meanwhile */
	is_refused(HELD + 3);
	let_go(HELD);
	rig.no_flush = false;
	post(HELD + 4);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.code, 204);
}

/* Two planes that are ready in one turn, and one place. */
static void
planes_share_the_places(void **state)
{
	static const uint8_t csm[] = {0x00, 0xe1},
	    frame[] = {0x21, 0x02, 0x77, 0xb1, 'r'};
	struct sockaddr_in to = plane(T_TCP);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	uint8_t b[256];
	struct msg a;

	(void)state;
	assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(s, csm, sizeof(csm), 0), sizeof(csm));
	rig_run(20);
	while (recv(s, b, sizeof(b), MSG_DONTWAIT) > 0)
		continue; /* its own CSM */
	fill_up(HELD - 1);
	post(HELD);
	assert_int_equal(send(s, frame, sizeof(frame), 0), sizeof(frame));
	for (int i = 0; i < 100 && rig.calls < HELD; i++)
		rig_run(5);
	rig_run(200);
	assert_int_equal(rig.calls, HELD);
	assert_int_equal(front_held(rig.front), HELD);
	/* whoever came second is told so */
	if (recv(s, b, sizeof(b), MSG_DONTWAIT) > 0)
		assert_int_equal(b[b[0] >> 4 == 13 ? 2 : 1], 0xa3); /* 5.03 */
	else
		is_refused(HELD);
	assert_false(msg_recv(&a, 0, 20));
	close(s);
	rig.no_flush = false;
	rig_run(20);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define STRANGERS(t) cmocka_unit_test_setup_teardown(t, setup_strangers, \
	teardown_strangers)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_peer_without_a_credential_gets_one_of_few_sessions),
		T(observers_are_bounded_over_all_peers),
		T(plain_peers_that_observe_are_bounded),
		T(peers_of_a_context_are_bounded),
		T(many_contexts_have_room_for_many),
		T(handshakes_are_bounded),
		T(idle_dtls_sessions_are_bounded),
		STRANGERS(connections_are_bounded),
		STRANGERS(connections_of_a_network_are_bounded),
		T(answers_that_wait_are_bounded_and_reading_goes_on),
		T(planes_share_the_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
