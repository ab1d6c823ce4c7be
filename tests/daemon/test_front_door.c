/*
 * ClientHellos at the door: floods from one network and from forged
 * addresses, and who gets in all the same. Loopback counts here.
 */
#include "tests/rig/front_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/reach.h"
#include "tests/rig/tls_client.h"

#define RATE 2
#define BURST 20 /* ten times that */
#define ALL 100 /* five times that */
#define GROWN 15 /* more than may have grown again meanwhile */
#define FLOOD 1000

static struct conf conf;
static int fd;

static int
setup(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};

	conf_default(&conf);
	conf.trusted_networks[0] = '\0';
	conf.handshake_rate = RATE;
	if (reach_new(&conf, &rig_reach) != 0 || rig_start(state) != 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return bind(fd, (struct sockaddr *)&any, sizeof(any));
}

static int
teardown(void **state)
{
	int rc = rig_stop(state);

	close(fd);
	reach_free(rig_reach);
	rig_reach = NULL;
	return rc;
}

/* From this address of 127/8, as it may be forged. */
static void
send_from(uint32_t host, const void *p, size_t len)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(
		    INADDR_LOOPBACK), .sin_port = htons(front_port(rig.front,
		    T_DTLS)),
	};
	struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(host)};
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
	c.h.cmsg_level = IPPROTO_IP;
	c.h.cmsg_type = IP_PKTINFO;
	c.h.cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(&c.h), &from, sizeof(from));
	assert_int_equal(sendmsg(fd, &m, 0), len);
}

static uint8_t epoch; /* of the hellos */

/* One from each of n hosts, `step` apart. */
static void
flood(unsigned n, uint32_t step)
{
	const uint8_t hello[60] = {22, 0xfe, 0xfd, [4] = epoch, [13] = 1};

	for (uint32_t i = 0; i < n; i++) {
		send_from(0x7f300001u + i * step, hello, sizeof(hello));
		if (i % 64 == 63)
			rig_run(2);
	}
	rig_run(20);
}

static uint64_t
sessions(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.sessions;
}

static uint64_t
unheard(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.limit[FRONT_LIMIT_HANDSHAKES];
}

static bool
shakes(struct tls_client *c)
{
	assert_non_null(c);
	for (int i = 0; i < 300 && !tls_client_step(c); i++)
		rig_run(1);
	return tls_client_step(c);
}

static void
DOS_HANDSHAKE_a_network_at_its_rate_and_one_past(void **state)
{
	(void)state;
	flood(BURST, 1);
	assert_int_equal(sessions(), BURST);
	assert_int_equal(unheard(), 0);
	flood(FLOOD, 0); /* the first of them again: it has five more */
	assert_int_equal(sessions(), BURST);
	assert_in_range(unheard(), FLOOD - 5 - GROWN, FLOOD - 5);
}

static void
DOS_HANDSHAKE_forged_networks_have_one_rate_together(void **state)
{
	(void)state;
	flood(FLOOD, 256);
	assert_in_range(sessions(), ALL, ALL + GROWN);
	assert_in_range(unheard(), FLOOD - ALL - GROWN, FLOOD - ALL);
}

/* No client says that in a first hello, but libcoap makes a place for it. */
static void
DOS_HANDSHAKE_a_hello_of_another_epoch_is_one_all_the_same(void **state)
{
	(void)state;
	epoch = 1;
	flood(FLOOD, 256);
	epoch = 0;
	assert_in_range(sessions(), ALL, ALL + GROWN);
	assert_in_range(unheard(), FLOOD - ALL - GROWN, FLOOD - ALL);
}

static void
DOS_HANDSHAKE_who_came_before_gets_in(void **state)
{
	int port = front_port(rig.front, T_DTLS);
	struct tls_client *c = tls_client_new(0, port);

	(void)state;
	assert_true(shakes(c));
	flood(FLOOD, 256);
	assert_in_range(unheard(), FLOOD - ALL - GROWN, FLOOD - ALL);
	assert_true(tls_client_alive(c));
	tls_client_drop(c);
	c = tls_client_new(0, port); /* from another port */
	assert_true(shakes(c));
	tls_client_drop(c);
}

static void
handshakes_that_succeed_are_not_counted(void **state)
{
	int port = front_port(rig.front, T_DTLS);

	(void)state;
	for (unsigned i = 0; i < 3 * BURST; i++) {
		struct tls_client *c = tls_client_new(0, port);

		assert_true(shakes(c));
		tls_client_drop(c);
	}
	assert_int_equal(unheard(), 0);
}

static void
at_rate_0_all_are_heard(void **state)
{
	(void)state;
	rig_reach->handshake_rate = 0;
	flood(3 * ALL, 256);
	assert_int_equal(sessions(), 3 * ALL);
	assert_int_equal(unheard(), 0);
}

/* RFC 6347 4.2.1, on both planes: what is sent for a hello without a cookie
 * is a HelloVerifyRequest, and no longer than the hello. */
static void
DOS_HANDSHAKE_no_flight_before_the_cookie(void **state)
{
	static const uint8_t hello[] = {
		22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 56, /* record */
		1, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 44, /* handshake */
		0xfe, 0xfd, [27 + 32] = 0, 0, 0, 4, 0xc0, 0xa8, 0, 0xff, 1, 0,
	};
	static const enum transport planes[] = {T_DTLS, T_ADMIN};
	uint8_t b[2048];
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sockaddr_in to = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(
			    INADDR_LOOPBACK), .sin_port = htons(front_port(
			    rig.front, planes[i])),
		};

		assert_int_equal(sendto(fd, hello, sizeof(hello), 0,
		    (struct sockaddr *)&to, sizeof(to)), sizeof(hello));
		for (int k = 0; k < 100 && (n = recv(fd, b, sizeof(b), 0)) < 0;
		    k++)
			rig_run(2);
		assert_in_range(n, 26, sizeof(hello));
		assert_int_equal(b[0], 22);
		assert_int_equal(b[13], 3); /* hello_verify_request */
		assert_true(b[27] > 0); /* with a cookie */
		rig_run(10);
		assert_true(recv(fd, b, sizeof(b), 0) < 0); /* nothing more */
	}
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(DOS_HANDSHAKE_a_network_at_its_rate_and_one_past),
		T(DOS_HANDSHAKE_forged_networks_have_one_rate_together),
		T(DOS_HANDSHAKE_a_hello_of_another_epoch_is_one_all_the_same),
		T(DOS_HANDSHAKE_who_came_before_gets_in),
		T(handshakes_that_succeed_are_not_counted),
		T(at_rate_0_all_are_heard),
		T(DOS_HANDSHAKE_no_flight_before_the_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
