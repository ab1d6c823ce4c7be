/* suitd as a client, against a device played by hand. */
#include "tests/rig/front_rig.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/peer.h"

/* Client 0 of the rig is not used: the device is a bound socket. */
static struct peer *peer;
static int device;
static char uri[64];
static struct sockaddr_in from;

struct result {
	int calls, err;
	unsigned code;
	uint32_t max_age;
	char body[64];
};

static int
start(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t n = sizeof(sin);

	if (rig_start(state) != 0)
		return -1;
	device = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(device, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    getsockname(device, (struct sockaddr *)&sin, &n) != 0)
		return -1;
	snprintf(uri, sizeof(uri), "coap://127.0.0.1:%u/suit/trigger?a=%%26",
	    ntohs(sin.sin_port));
	return peer_new(rig.loop, &rig.conf, &peer, NULL);
}

static int
stop(void **state)
{
	peer_free(peer);
	close(device);
	return rig_stop(state);
}

static void
on_answer(void *arg, const struct peer_answer *a)
{
	struct result *r = arg;

	r->calls++;
	r->err = a->err;
	r->code = a->code;
	r->max_age = a->max_age;
	(void)slice_to_cstr(a->payload, r->body, sizeof(r->body));
}

static int
post(struct result *r, const void *p, size_t n)
{
	struct peer_request rq = {.method = M_POST, .uri = uri,
	    .payload = slice_of(p, n), .cf = CF_NONE};

	memset(r, 0, sizeof(*r));
	return peer_send(peer, &rq, on_answer, r);
}

/* What the device gets within a moment; false: nothing. */
static bool
device_gets(struct msg *m)
{
	socklen_t n = sizeof(from);
	ssize_t len;

	for (int i = 0; i < 20; i++) {
		rig_run(5);
		len = recvfrom(device, m->b, sizeof(m->b), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &n);
		if (len >= 4) {
			m->n = (size_t)len;
			m->type = (m->b[0] >> 4) & 3;
			m->code = (m->b[1] >> 5) * 100 + (m->b[1] & 31);
			m->mid = (uint16_t)(m->b[2] << 8 | m->b[3]);
			return true;
		}
	}
	return false;
}

static void
device_sends(const struct msg *m)
{
	assert_int_equal(sendto(device, m->b, m->n, 0,
	    (struct sockaddr *)&from, sizeof(from)), m->n);
	rig_run(30);
}

/* An answer with the request's token. */
static void
answer(struct msg *a, const struct msg *q, unsigned type, unsigned code)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->b, q->b, 4 + (q->b[0] & 15));
	a->n = 4 + (q->b[0] & 15);
	a->b[0] = (uint8_t)(0x40 | type << 4 | (q->b[0] & 15));
	a->b[1] = (uint8_t)((code / 100) << 5 | code % 100);
}

static void
a_post_arrives_and_its_answer_comes_back_once(void **state)
{
	struct slice v;
	struct result r;
	struct msg q, a;

	(void)state;
	assert_int_equal(post(&r, "coap://x\0", 9), 0);
	assert_int_equal(peer_inflight(peer), 1);
	assert_true(device_gets(&q));
	assert_int_equal(q.type, CON);
	assert_int_equal(q.code, 2);
	assert_true(msg_get(&q, OPT_URI_PATH, &v));
	assert_true(slice_eq_str(v, "suit"));
	assert_true(msg_get(&q, OPT_URI_QUERY, &v));
	assert_true(slice_eq_str(v, "a=&"));
	assert_false(msg_get(&q, OPT_BLOCK1, &v));
	assert_memory_equal(q.b + q.n - 9, "coap://x\0", 9);
	answer(&a, &q, ACK, 201);
	msg_opt_uint(&a, OPT_MAX_AGE, 70);
	msg_body(&a, "ok", 2);
	device_sends(&a);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.code, 201);
	assert_int_equal(r.max_age, 70);
	assert_string_equal(r.body, "ok");
	assert_int_equal(peer_inflight(peer), 0);
	device_sends(&a);
	assert_int_equal(r.calls, 1);
}

static void
a_separate_answer_is_taken_and_acknowledged(void **state)
{
	struct result r;
	struct msg q, a;

	(void)state;
	assert_int_equal(post(&r, "x", 1), 0);
	assert_true(device_gets(&q));
	msg_begin(&a, ACK, 0, q.mid, "");
	device_sends(&a);
	assert_int_equal(r.calls, 0);
	answer(&a, &q, CON, 204);
	a.b[3]++;
	device_sends(&a);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.code, 204);
	assert_true(device_gets(&q));
	assert_int_equal(q.type, ACK);
}

static void
another_token_is_not_the_answer(void **state)
{
	struct result r;
	struct msg q, a;

	(void)state;
	assert_int_equal(post(&r, "x", 1), 0);
	assert_true(device_gets(&q));
	answer(&a, &q, NON, 204);
	a.b[4] ^= 0xff;
	a.b[3]++;
	device_sends(&a);
	assert_int_equal(r.calls, 0);
}

static void
rst_and_icmp_are_told_apart(void **state)
{
	struct result r;
	struct msg q, a;

	(void)state;
	assert_int_equal(post(&r, "x", 1), 0);
	assert_true(device_gets(&q));
	msg_begin(&a, RST, 0, q.mid, "");
	device_sends(&a);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.err, ERR_REJECTED);
	close(device);
	device = -1;
	assert_int_equal(post(&r, "x", 1), 0);
	rig_run(30);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.err, ERR_UNREACHABLE);
	assert_int_equal(peer_inflight(peer), 0);
}

static void
a_deadline_ends_it(void **state)
{
	struct peer_request rq = {.method = M_GET, .uri = uri, .cf = CF_NONE,
	    .timeout_s = 1};
	struct result r = {0};

	(void)state;
	assert_int_equal(peer_send(peer, &rq, on_answer, &r), 0);
	for (int i = 0; i < 80 && r.calls == 0; i++)
		rig_run(20);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.err, ERR_TIMEOUT);
}

static void
one_at_a_time_to_one_host(void **state)
{
	struct result r[3];
	struct msg q, a;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(post(&r[i], "x", 1), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(device_gets(&q));
		assert_false(device_gets(&a));
		answer(&a, &q, ACK, 204);
		device_sends(&a);
		assert_int_equal(r[i].calls, 1);
	}
	assert_int_equal(peer_inflight(peer), 0);
}

static void
the_number_in_flight_is_bounded(void **state)
{
	struct result r[LIMIT_PEER_INFLIGHT + 1];
	int told = 0;

	(void)state;
	for (int i = 0; i < LIMIT_PEER_INFLIGHT; i++)
		assert_int_equal(post(&r[i], "x", 1), 0);
	assert_int_equal(post(&r[LIMIT_PEER_INFLIGHT], "x", 1), ERR_BUSY);
	peer_free(peer);
	peer = NULL;
	for (int i = 0; i < LIMIT_PEER_INFLIGHT; i++)
		told += r[i].calls == 1 && r[i].err == ERR_CANCELLED;
	assert_int_equal(told, LIMIT_PEER_INFLIGHT);
}

/* The device takes the first block and wants 256 from then on. */
static void
long_bodies_go_in_blocks_of_the_device_s_size(void **state)
{
	static uint8_t body[2000], got[2000];
	struct slice v;
	struct result r;
	struct msg q, a;
	size_t off = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 3);
	assert_int_equal(post(&r, body, sizeof(body)), 0);
	while (off < sizeof(body)) {
		uint32_t b1;
		size_t size, n;

		assert_true(device_gets(&q));
		b1 = msg_get_uint(&q, OPT_BLOCK1);
		size = (size_t)16 << (b1 & 7);
		assert_int_equal((b1 >> 4) * size, off);
		assert_int_equal(b1 & 7, off == 0 ? 6 : 4);
		assert_int_equal(msg_get(&q, OPT_SIZE1, &v), off == 0);
		n = sizeof(body) - off < size ? sizeof(body) - off : size;
		memcpy(got + off, q.b + q.n - n, n);
		off += n;
		assert_int_equal((b1 & 8) != 0, off < sizeof(body));
		answer(&a, &q, ACK, off < sizeof(body) ? 231 : 204);
		msg_opt_uint(&a, OPT_BLOCK1, (b1 & ~7u) | 4);
		device_sends(&a);
	}
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.code, 204);
	assert_memory_equal(got, body, sizeof(body));
}

static void
too_large_with_a_size_begins_again_smaller(void **state)
{
	static uint8_t body[1500];
	struct result r;
	struct msg q, a;

	(void)state;
	assert_int_equal(post(&r, body, sizeof(body)), 0);
	assert_true(device_gets(&q));
	answer(&a, &q, ACK, 413);
	msg_opt_uint(&a, OPT_BLOCK1, 2);
	device_sends(&a);
	assert_true(device_gets(&q));
	assert_int_equal(msg_get_uint(&q, OPT_BLOCK1), 8 | 2);
	answer(&a, &q, ACK, 413);
	device_sends(&a);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.code, 413);
}

static void
names_and_other_schemes_are_refused(void **state)
{
	static const struct {
		const char *uri;
		int err;
	} cases[] = {
		{"coap://device.example/x", ERR_UNSUPPORTED},
		{"coaps://127.0.0.1/x", ERR_UNSUPPORTED},
		{"coap+tcp://127.0.0.1/x", ERR_UNSUPPORTED},
		{"/x", ERR_UNSUPPORTED},
		{"coap://127.0.0.1:99999/x", ERR_RANGE},
		{"coap://127.0.0.1/%", ERR_MALFORMED},
	};
	struct result r = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer_request rq = {.method = M_GET, .cf = CF_NONE,
		    .uri = cases[i].uri};

		assert_int_equal(peer_send(peer, &rq, on_answer, &r),
		    cases[i].err);
	}
	rig_run(20);
	assert_int_equal(r.calls, 0);
	assert_int_equal(peer_inflight(peer), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
		T(a_post_arrives_and_its_answer_comes_back_once),
		T(a_separate_answer_is_taken_and_acknowledged),
		T(another_token_is_not_the_answer),
		T(rst_and_icmp_are_told_apart),
		T(a_deadline_ends_it),
		T(one_at_a_time_to_one_host),
		T(the_number_in_flight_is_bounded),
		T(long_bodies_go_in_blocks_of_the_device_s_size),
		T(too_large_with_a_size_begins_again_smaller),
		T(names_and_other_schemes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
