/*
 * Exchanges against a peer that the test plays: what goes out is kept, what
 * comes in is made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "device/exch.h"

#define TIMEOUT 2000

static struct exch e;
static struct exch_peer server, other;
static struct {
	unsigned sent, answers, lost, notes, served;
	uint8_t dgram[COAP_DATAGRAM];
	size_t n;
	struct coap_msg msg; /* of what went out last */
	struct exch_peer to;
	struct suitdev_response r;
	struct exch_in in;
	uint8_t body[64];
	int err;
} got;

static void
on_send(void *arg, const struct exch_peer *to, struct slice d)
{
	(void)arg;
	got.sent++;
	got.to = *to;
	got.n = d.n;
	memcpy(got.dgram, d.p, d.n);
	assert_int_equal(coap_parse(slice_of(got.dgram, d.n), &got.msg), 0);
}

static void
on_answer(void *arg, const struct suitdev_response *r)
{
	(void)arg;
	got.answers++;
	got.r = *r;
}

static void
on_lost(void *arg, int err)
{
	(void)arg;
	got.lost++;
	got.err = err;
}

static void
on_note(void *arg, const struct suitdev_response *r)
{
	(void)arg;
	got.notes++;
	got.r = *r;
}

static void
on_serve(void *arg, const struct exch_in *in, struct exch_out *out)
{
	(void)arg;
	got.served++;
	got.in = *in;
	out->code = in->have_block && in->block.more ? 231 : 204;
}

static const struct exch_hooks hooks = {on_send, on_answer, on_lost, on_note,
    on_serve};

static struct exch_peer
peer(uint32_t addr, uint16_t port)
{
	struct exch_peer p = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *a = (void *)&p.ss;

	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(addr);
	a->sin_port = htons(port);
	return p;
}

static int
setup(void **state)
{
	(void)state;
	memset(&got, 0, sizeof got);
	server = peer(0x7f000001, 5683);
	other = peer(0x7f000002, 5683);
	exch_init(&e, &hooks, NULL, 7);
	return 0;
}

static void
ask(const struct suitdev_request *rq)
{
	struct exch_target to = {.peer = server, .path = "m/lamp",
	    .query = slice_str("a=b&c")};

	assert_int_equal(exch_request(&e, 0, &to, rq), 0);
}

static void
get(void)
{
	ask(&(struct suitdev_request){.method = 1, .content_format = -1,
	    .have_block = true, .num = 3, .szx = 2});
}

/* A response to what went out last. */
struct reply {
	enum coap_type type;
	unsigned code;
	int mid; /* added to the request's */
	bool wrong_token;
	const struct exch_peer *from;
};

static void
reply(struct reply how, void (*options)(struct coap_out *o))
{
	struct coap_msg head = got.msg;
	uint8_t bytes[256];
	struct coap_out o = {.b = buf_of(bytes, sizeof bytes)};

	head.type = how.type;
	head.code = how.code;
	head.mid = (uint16_t)(head.mid + how.mid);
	if (how.wrong_token)
		head.token[0] ^= 1;
	if (how.code == 0)
		head.token_len = 0;
	coap_begin(&o, &head);
	if (options != NULL)
		options(&o);
	if (how.code != 0)
		coap_put_payload(&o, slice_str("hello"));
	exch_input(&e, 10, how.from ? how.from : &server, buf_slice(&o.b));
}

static struct slice
option(unsigned number, unsigned nth)
{
	struct coap_iter it = coap_options(&got.msg);
	struct coap_opt o;

	while (coap_next(&it, &o))
		if (o.number == number && nth-- == 0)
			return o.value;
	return SLICE_NONE;
}

static void
a_request_has_the_options_in_order(void **state)
{
	(void)state;
	ask(&(struct suitdev_request){.method = 2, .content_format = 60,
	    .etag_len = 2, .etag = {1, 2}, .observe = true,
	    .payload = slice_str("x")});
	assert_int_equal(got.msg.type, COAP_CON);
	assert_int_equal(got.msg.code, 2);
	assert_int_equal(got.msg.token_len, 4);
	assert_int_equal(option(COAP_ETAG, 0).n, 2);
	assert_true(slice_eq_str(option(COAP_URI_PATH, 0), "m"));
	assert_true(slice_eq_str(option(COAP_URI_PATH, 1), "lamp"));
	assert_true(slice_eq_str(option(COAP_URI_QUERY, 0), "a=b"));
	assert_true(slice_eq_str(option(COAP_URI_QUERY, 1), "c"));
	assert_true(slice_eq_str(got.msg.payload, "x"));
	assert_null(option(COAP_BLOCK2, 0).p);
	get();
	assert_int_equal(option(COAP_BLOCK2, 0).n, 1);
	assert_int_equal(option(COAP_BLOCK2, 0).p[0], 3 << 4 | 2);
}

static void
put_everything(struct coap_out *o)
{
	coap_put(o, COAP_ETAG, slice_str("etag5678"));
	coap_put(o, COAP_LOCATION_PATH, slice_str("rd"));
	coap_put(o, COAP_LOCATION_PATH, slice_str("9"));
	coap_put_uint(o, COAP_MAX_AGE, UINT32_MAX);
	coap_put_uint(o, COAP_BLOCK2, 3 << 4 | 8 | 2);
	coap_put_uint(o, 2048, 7); /* elective: ignored */
}

static void
a_piggy_backed_answer_is_read_whole(void **state)
{
	(void)state;
	get();
	reply((struct reply){.type = COAP_ACK, .code = 205}, put_everything);
	assert_int_equal(got.answers, 1);
	assert_int_equal(got.r.code, 205);
	assert_int_equal(got.r.etag_len, 8);
	assert_true(got.r.have_max_age);
	assert_int_equal(got.r.max_age, UINT32_MAX);
	assert_true(got.r.have_block && got.r.more);
	assert_int_equal(got.r.num, 3);
	assert_int_equal(got.r.szx, 2);
	assert_int_equal(exch_tick(&e, 1000000), SUITDEV_NEVER);
}

static void
put_critical(struct coap_out *o)
{
	coap_put_uint(o, 2049, 1);
}

static void
with_trust(struct coap_out *o)
{
	coap_put(o, COAP_TRUST, slice_of("\x01\x02", 2));
}

static void
with_too_much_trust(struct coap_out *o)
{
	coap_put(o, COAP_TRUST, slice_of("123456789", 9));
}

static void
the_server_s_trust_list_is_read_from_an_answer(void **state)
{
	(void)state;
	get();
	reply((struct reply){COAP_ACK, 203, 0, false, &server}, with_trust);
	assert_int_equal(got.answers, 1);
	assert_true(got.r.trust == 0x0102);
	get();
	reply((struct reply){COAP_ACK, 203, 0, false, &server},
	    with_too_much_trust);
	assert_int_equal(got.answers, 2); /* elective: as if it was not there */
	assert_true(got.r.trust == 0);
}

static void
an_unknown_critical_option_is_no_answer(void **state)
{
	(void)state;
	get();
	reply((struct reply){.type = COAP_ACK, .code = 205}, put_critical);
	assert_int_equal(got.answers, 0);
	assert_int_equal(got.err, ERR_BAD_OPTION);
}

static void
what_does_not_match_is_ignored(void **state)
{
	(void)state;
	get();
	reply((struct reply){.type = COAP_ACK, .code = 205, .mid = 1}, NULL);
	reply((struct reply){.type = COAP_ACK, .code = 205,
	    .wrong_token = true}, NULL);
	reply((struct reply){.type = COAP_ACK, .code = 205, .from = &other},
	    NULL);
	reply((struct reply){.type = COAP_RST, .code = 0, .mid = 1}, NULL);
	reply((struct reply){.type = COAP_RST, .code = 0, .from = &other},
	    NULL);
	exch_input(&e, 10, &server, slice_str("\xff nonsense"));
	assert_int_equal(got.answers + got.lost, 0);
	assert_int_equal(got.sent, 1);
	reply((struct reply){.type = COAP_ACK, .code = 205}, NULL);
	assert_int_equal(got.answers, 1);
}

static void
a_separate_answer_is_acknowledged(void **state)
{
	uint16_t mid;

	(void)state;
	get();
	mid = got.msg.mid;
	reply((struct reply){.type = COAP_ACK, .code = 0}, NULL);
	assert_int_equal(got.answers, 0);
	/* acknowledged: no repetition, a long patience */
	assert_true(exch_tick(&e, 5 * TIMEOUT) > 5 * TIMEOUT);
	assert_int_equal(got.sent, 1);
	reply((struct reply){.type = COAP_CON, .code = 205, .mid = 77}, NULL);
	assert_int_equal(got.answers, 1);
	assert_int_equal(got.sent, 2);
	assert_int_equal(got.msg.type, COAP_ACK);
	assert_int_equal(got.msg.code, 0);
	assert_int_equal(got.msg.mid, (uint16_t)(mid + 77));
}

static void
TUF_SLOW_a_separate_answer_that_never_comes_is_lost(void **state)
{
	(void)state;
	get();
	reply((struct reply){.type = COAP_ACK, .code = 0}, NULL);
	assert_int_equal(exch_tick(&e, 10 + 10 * TIMEOUT), SUITDEV_NEVER);
	assert_int_equal(got.lost, 1);
}

/* Who acknowledges again and again holds nobody up for longer. */
static void
TUF_SLOW_empty_acknowledgements_prolong_nothing(void **state)
{
	uint8_t ack[] = {0x60, 0, 0, 0};

	(void)state;
	get();
	ack[2] = (uint8_t)(got.msg.mid >> 8);
	ack[3] = (uint8_t)got.msg.mid;
	for (int64_t now = 10; now < 10 * TIMEOUT; now += TIMEOUT)
		exch_input(&e, now, &server, slice_of(ack, sizeof ack));
	assert_int_equal(got.lost, 0);
	assert_int_equal(exch_tick(&e, 10 + 10 * TIMEOUT), SUITDEV_NEVER);
	assert_int_equal(got.lost, 1);
	assert_int_equal(got.sent, 1);
}

/* RFC 7252 4.2 and 4.8: four repetitions, each after twice the time. */
static void
silence_is_four_repetitions_then_lost(void **state)
{
	int64_t now = 0, due, first;

	(void)state;
	get();
	first = exch_tick(&e, 0);
	assert_in_range(first, TIMEOUT, TIMEOUT * 3 / 2);
	for (unsigned i = 1; i <= 4; i++) {
		now = exch_tick(&e, now);
		assert_int_equal(exch_tick(&e, now - 1), now);
		due = exch_tick(&e, now);
		assert_int_equal(got.sent, i + 1);
		assert_int_equal(due - now, first << i);
	}
	assert_int_equal(got.lost, 0);
	now = exch_tick(&e, now);
	assert_int_equal(exch_tick(&e, now), SUITDEV_NEVER);
	assert_int_equal(got.lost, 1);
	assert_int_equal(got.err, ERR_TIMEOUT);
	assert_int_equal(e.count.retransmitted, 4);
}

static void
a_reset_ends_it_at_once(void **state)
{
	(void)state;
	get();
	reply((struct reply){.type = COAP_RST, .code = 0}, NULL);
	assert_int_equal(got.err, ERR_REJECTED);
	assert_int_equal(exch_tick(&e, 1000000), SUITDEV_NEVER);
}

static void
riot_sends_no_token(void **state)
{
	(void)state;
	e.token_len = 0;
	get();
	assert_int_equal(got.msg.token_len, 0);
	reply((struct reply){.type = COAP_ACK, .code = 205}, NULL);
	assert_int_equal(got.answers, 1);
}

static void
put_observe(struct coap_out *o)
{
	coap_put_uint(o, COAP_OBSERVE, 5);
}

static void
notifications_come_by_the_observations_token(void **state)
{
	struct coap_msg observe;

	(void)state;
	ask(&(struct suitdev_request){.method = 1, .content_format = -1,
	    .observe = true});
	observe = got.msg;
	reply((struct reply){.type = COAP_ACK, .code = 205}, put_observe);
	assert_true(got.r.observe);
	get(); /* something else is under way meanwhile */
	got.msg = observe;
	reply((struct reply){.type = COAP_CON, .code = 205, .mid = 900},
	    put_observe);
	assert_int_equal(got.notes, 1);
	assert_int_equal(got.answers, 1);
	assert_int_equal(got.msg.type, COAP_ACK);
	/* nobody else's, and none after goodbye: reset */
	got.msg = observe;
	reply((struct reply){.type = COAP_CON, .code = 205, .mid = 901,
	    .from = &other}, put_observe);
	assert_int_equal(got.msg.type, COAP_RST);
	exch_forget(&e);
	got.msg = observe;
	reply((struct reply){.type = COAP_CON, .code = 205, .mid = 902},
	    put_observe);
	assert_int_equal(got.msg.type, COAP_RST);
	assert_int_equal(got.notes, 1);
}

static void
put_echo(struct coap_out *o)
{
	coap_put(o, COAP_ECHO, slice_str("prove-it"));
}

static void
echo_is_given_back_once(void **state)
{
	(void)state;
	ask(&(struct suitdev_request){.method = 2, .content_format = 60,
	    .payload = slice_str("body")});
	reply((struct reply){.type = COAP_ACK, .code = 401}, put_echo);
	assert_int_equal(got.answers, 0);
	assert_int_equal(got.sent, 2);
	assert_true(slice_eq_str(option(COAP_ECHO, 0), "prove-it"));
	assert_true(slice_eq_str(got.msg.payload, "body"));
	reply((struct reply){.type = COAP_ACK, .code = 401}, put_echo);
	assert_int_equal(got.answers, 1);
	assert_int_equal(got.r.code, 401);
}

static void
come_in(enum coap_type type, uint16_t mid, uint32_t block1)
{
	struct coap_msg head = {.type = type, .code = 2, .mid = mid,
	    .token_len = 2, .token = {8, 9}};
	uint8_t bytes[128];
	struct coap_out o = {.b = buf_of(bytes, sizeof bytes)};

	coap_begin(&o, &head);
	coap_put(&o, COAP_URI_PATH, slice_str("suit"));
	coap_put(&o, COAP_URI_PATH, slice_str("trigger"));
	if (block1 != UINT32_MAX)
		coap_put_uint(&o, COAP_BLOCK1, block1);
	coap_put_payload(&o, slice_str("coap://s/m"));
	exch_input(&e, 10, &server, buf_slice(&o.b));
}

static void
MODE_SERVER_a_request_is_answered_once_and_repeated(void **state)
{
	uint8_t first[64];
	size_t n;

	(void)state;
	come_in(COAP_CON, 5, UINT32_MAX);
	assert_int_equal(got.served, 1);
	assert_string_equal(got.in.path, "suit/trigger");
	assert_int_equal(got.msg.type, COAP_ACK);
	assert_int_equal(got.msg.code, 204);
	assert_int_equal(got.msg.mid, 5);
	assert_int_equal(got.msg.token_len, 2);
	n = got.n;
	assert_true(n <= sizeof first);
	memcpy(first, got.dgram, n);
	come_in(COAP_CON, 5, UINT32_MAX);
	assert_int_equal(got.served, 1);
	assert_int_equal(got.sent, 2);
	assert_int_equal(got.n, n);
	assert_memory_equal(first, got.dgram, n);
	come_in(COAP_CON, 6, UINT32_MAX);
	assert_int_equal(got.served, 2);
	come_in(COAP_NON, 7, UINT32_MAX);
	assert_int_equal(got.msg.type, COAP_NON);
}

static void
block1_is_handed_up_and_echoed(void **state)
{
	(void)state;
	come_in(COAP_CON, 5, 2 << 4 | 8 | 1);
	assert_true(got.in.have_block);
	assert_int_equal(got.in.block.num, 2);
	assert_int_equal(got.msg.code, 231);
	assert_int_equal(option(COAP_BLOCK1, 0).p[0], 2 << 4 | 8 | 1);
}

static void
a_ping_is_reset(void **state)
{
	struct coap_msg head = {.type = COAP_CON, .mid = 66};
	uint8_t bytes[8];
	struct coap_out o = {.b = buf_of(bytes, sizeof bytes)};

	(void)state;
	coap_begin(&o, &head);
	exch_input(&e, 10, &server, buf_slice(&o.b));
	assert_int_equal(got.msg.type, COAP_RST);
	assert_int_equal(got.msg.mid, 66);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_request_has_the_options_in_order, setup),
	    cmocka_unit_test_setup(a_piggy_backed_answer_is_read_whole, setup),
	    cmocka_unit_test_setup(
		the_server_s_trust_list_is_read_from_an_answer, setup),
	    cmocka_unit_test_setup(an_unknown_critical_option_is_no_answer,
		setup),
	    cmocka_unit_test_setup(what_does_not_match_is_ignored, setup),
	    cmocka_unit_test_setup(a_separate_answer_is_acknowledged, setup),
	    cmocka_unit_test_setup(
		TUF_SLOW_a_separate_answer_that_never_comes_is_lost,
		setup),
	    cmocka_unit_test_setup(
		TUF_SLOW_empty_acknowledgements_prolong_nothing, setup),
	    cmocka_unit_test_setup(silence_is_four_repetitions_then_lost,
		setup),
	    cmocka_unit_test_setup(a_reset_ends_it_at_once, setup),
	    cmocka_unit_test_setup(riot_sends_no_token, setup),
	    cmocka_unit_test_setup(
		notifications_come_by_the_observations_token, setup),
	    cmocka_unit_test_setup(echo_is_given_back_once, setup),
	    cmocka_unit_test_setup(
		MODE_SERVER_a_request_is_answered_once_and_repeated,
		setup),
	    cmocka_unit_test_setup(block1_is_handed_up_and_echoed, setup),
	    cmocka_unit_test_setup(a_ping_is_reset, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
