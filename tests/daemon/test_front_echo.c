/*
 * Peers of plain UDP that have not shown their address (RFC 9175): loopback
 * is not believed here.
 */
#include "tests/rig/front_rig.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/reach.h"

#define BODY 5000
#define QUIET_MS 1

static uint8_t body[BODY];
static struct conf conf;
static uint16_t mid;

static int
start(void **state, enum conf_echo mode)
{
	conf_default(&conf);
	conf.echo = mode;
	conf.trusted_networks[0] = '\0';
	conf.stranger_rate = 0;
	if (reach_new(&conf, &rig_reach) != 0 || rig_start(state) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7);
	rig.served = slice_of(body, sizeof(body));
	return 0;
}

static int
amplifying(void **state)
{
	return start(state, CONF_ECHO_AMPLIFYING);
}

static int
always(void **state)
{
	return start(state, CONF_ECHO_ALWAYS);
}

static int
off(void **state)
{
	return start(state, CONF_ECHO_OFF);
}

static int
teardown(void **state)
{
	int rc = rig_stop(state);

	reach_free(rig_reach);
	rig_reach = NULL;
	return rc;
}

static void
get(struct msg *q, const char *path, struct slice echo)
{
	msg_begin(q, CON, 1, ++mid, "");
	msg_path(q, path);
	msg_block(q, OPT_BLOCK2, 0, false, 6);
	if (echo.p != NULL)
		msg_opt(q, OPT_ECHO, echo.p, echo.n);
}

static void
ask(const char *path, struct slice echo, struct msg *a)
{
	struct msg q;

	get(&q, path, echo);
	msg_ask(&q, a);
	if (echo.p == NULL && rig_reach->mode != CONF_ECHO_OFF)
		assert_true(a->n <= 3 * q.n);
}

/* --- the sweep --- */

enum { S_PLAIN, S_NUM, S_OBSERVE, S_ACCEPT, S_SIZE2, S_BLOCK1, S_CRITICAL,
    S_PROXY, S_HOPS, S_HOPS_0, S_ETAG, S_QUERY, S_BODY, S_KINDS };

static void
with(struct msg *q, int kind, const char *path, int szx)
{
	if (kind == S_ETAG)
		msg_opt(q, OPT_ETAG, "x", 1);
	if (kind == S_OBSERVE)
		msg_opt(q, OPT_OBSERVE, NULL, 0);
	if (kind == S_CRITICAL)
		msg_opt(q, 9, NULL, 0);
	msg_path(q, path);
	if (kind == S_QUERY)
		msg_opt(q, OPT_URI_QUERY, "d", 1);
	if (kind == S_HOPS || kind == S_HOPS_0)
		msg_opt(q, 16, kind == S_HOPS ? "\1" : "\0", 1);
	if (kind == S_ACCEPT)
		msg_opt(q, OPT_ACCEPT, "\1\1", 2);
	if (szx < 8)
		msg_block(q, OPT_BLOCK2, kind == S_NUM ? 3 : 0, false,
		    (unsigned)szx);
	if (kind == S_BLOCK1)
		msg_block(q, OPT_BLOCK1, 0, true, 0);
	if (kind == S_SIZE2)
		msg_opt(q, OPT_SIZE2, NULL, 0);
	if (kind == S_PROXY)
		msg_opt(q, 39, "x", 1);
	if (kind == S_BODY || kind == S_BLOCK1)
		msg_body(q, "0123456789abcdef", kind == S_BODY ? 1 : 16);
}

/* Nothing that comes back for one datagram is longer than three times it,
 * all that comes back together. */
static size_t
sweep_one(const struct msg *q, const char *path, int kind)
{
	size_t n = 0;
	struct msg a;

	msg_send(q, 0);
	while (msg_recv(&a, 0, n == 0 ? 20 : QUIET_MS))
		n += a.n;
	if (n > 3 * q->n)
		fail_msg("%s: code %u, kind %d: %zu bytes for %zu", path,
		    q->b[1], kind, n, q->n);
	return n;
}

static void
DOS_AMPLIFICATION_no_answer_of_any_code_is_over_three_times(void **state)
{
	static const char *const paths[] = {"", "hello", "big", "img", "m/x",
	    "r", "rd", "file", "none", ".well-known/core", "query", "refused",
	    "dist/fw.bin", "wait"};
	static const char *const tokens[] = {"", "0102030405060708"};
	size_t answers = 0, requests = 0;
	struct msg q;

	(void)state;
	for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
		for (unsigned k = 0; k < S_KINDS * 4; k++) {
			int kind = (int)k / 4, szx = (int[]){8, 0, 3, 6}[k % 4];

			msg_begin(&q, k & 8 ? NON : CON, 1, ++mid,
			    tokens[(p + k) % 2]);
			with(&q, kind, paths[p], szx);
			requests++;
			answers += sweep_one(&q, paths[p], kind) > 0;
		}
	}
	for (unsigned code = 0; code < 256; code++) {
		const char *path = paths[code % 6];

		msg_begin(&q, CON, code >> 5, ++mid, "");
		q.b[1] = (uint8_t)code;
		with(&q, S_PLAIN, path, 8);
		requests++;
		answers += sweep_one(&q, path, -1) > 0;
	}
	assert_true(answers > requests / 2);
	assert_true(atomic_load(&rig_reach->cut) > 0); /* libcoap's words */
}

/* --- showing it --- */

static void
DOS_ECHO_blocks_are_small_until_it_is_shown(void **state)
{
	struct slice v;
	struct msg a;

	(void)state;
	ask("big", SLICE_NONE, &a);
	assert_int_equal(a.code, 401); /* 9 bytes: not even a block of 16 */
	assert_true(msg_get(&a, OPT_ECHO, &v));
	assert_int_equal(v.n, ECHO_VALUE);
	assert_int_equal(a.body.n, 0);
	ask("big", v, &a);
	assert_int_equal(a.code, 205);
	assert_int_equal(a.body.n, 1024);
}

static void
DOS_ECHO_what_was_shown_is_good_for_other_requests(void **state)
{
	struct msg a, q;
	struct slice v;

	(void)state;
	ask("big", SLICE_NONE, &a);
	assert_true(msg_get(&a, OPT_ECHO, &v));
	ask("big", v, &a);
	get(&q, "big", SLICE_NONE);
	msg_ask(&q, &a);
	assert_int_equal(a.body.n, 1024);
	/* from another port of the host: RIOT has one for each download */
	msg_send(&q, 1);
	assert_true(msg_recv(&a, 1, RIG_HANGS));
	assert_int_equal(a.body.n, 1024);
}

static void
DOS_ECHO_a_wrong_value_shows_nothing(void **state)
{
	uint8_t bad[8];
	struct slice v;
	struct msg a, b;

	(void)state;
	ask("big", SLICE_NONE, &a);
	assert_true(msg_get(&a, OPT_ECHO, &v));
	memcpy(bad, v.p, sizeof(bad));
	bad[7] ^= 1;
	ask("big", slice_of(bad, 8), &b);
	assert_int_equal(b.body.n < 64, 1);
	assert_true(b.code == 401 || b.code == 205);
	ask("big", slice_of(v.p, 7), &b);
	assert_int_equal(b.body.n < 64, 1);
	assert_int_equal(atomic_load(&rig_reach->stale), 2);
	assert_int_equal(atomic_load(&rig_reach->shown), 0);
}

/* Strangers share what is scarce; who can show its address is told how. */
static void
DOS_ECHO_a_limit_says_how_to_be_no_stranger(void **state)
{
	struct slice v;
	struct msg a;

	(void)state;
	rig.get_err = ERR_STATE;
	ask("big", SLICE_NONE, &a);
	assert_false(msg_get(&a, OPT_ECHO, &v));
	rig.get_err = ERR_LIMIT;
	ask("big", SLICE_NONE, &a);
	assert_int_equal(a.code, 429);
	assert_true(msg_get(&a, OPT_ECHO, &v));
	ask("big", v, &a);
	assert_int_equal(a.code, 429);
	assert_false(msg_get(&a, OPT_ECHO, &v));
}

/* The device of 2019: no Echo, no token, 64-byte blocks. */
static void
DOS_AMPLIFICATION_who_knows_no_echo_is_served_small_blocks(void **state)
{
	uint8_t got[BODY];
	size_t n = 0;
	struct msg q, a;
	uint32_t num;

	(void)state;
	for (num = 0; n < BODY; num++) {
		msg_begin(&q, CON, 1, ++mid, "");
		msg_path(&q, "big");
		msg_opt(&q, OPT_URI_QUERY, "ep=riot-0123456789", 18);
		msg_block(&q, OPT_BLOCK2, num, false, num == 0 ? 2 : 1);
		msg_ask(&q, &a);
		assert_int_equal(a.code, 205);
		assert_true(a.n <= 3 * q.n);
		assert_int_equal(msg_get_uint(&a, OPT_BLOCK2) & 7, 1);
		memcpy(got + n, a.body.p, a.body.n);
		n += a.body.n;
	}
	assert_int_equal(n, BODY);
	assert_memory_equal(got, body, BODY);
}

static void
DOS_AMPLIFICATION_no_stranger_observes(void **state)
{
	struct front_stats st;
	struct slice v, none;
	struct msg q, a;

	(void)state;
	for (int shown = 0; shown < 2; shown++) {
		msg_begin(&q, CON, 1, ++mid, "0102030405060708");
		msg_opt_uint(&q, OPT_OBSERVE, 0);
		msg_path(&q, "big");
		msg_opt(&q, OPT_URI_QUERY, "ep=0123456789", 13);
		if (shown)
			msg_opt(&q, OPT_ECHO, v.p, v.n);
		msg_ask(&q, &a);
		assert_int_equal(a.code, 205);
		front_stats(rig.front, &st);
		assert_int_equal(st.observers, shown);
		assert_int_equal(msg_get(&a, OPT_OBSERVE, &none), shown);
		if (!shown)
			assert_true(msg_get(&a, OPT_ECHO, &v));
	}
}

static void
a_connection_shows_it(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(front_port(rig.front, T_TCP)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct msg q, a;

	(void)state;
	assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), 0);
	rig_run(20);
	get(&q, "big", SLICE_NONE);
	msg_ask(&q, &a);
	assert_int_equal(a.body.n, 1024);
	close(s);
}

static void
what_changes_something_runs_once_and_answers_briefly(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 2, ++mid, "");
	msg_path(&q, "r");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 204);
	assert_true(a.n <= 3 * q.n);
	assert_int_equal(rig.calls, 1);
}

static void
DOS_AMPLIFICATION_a_failed_commit_answers_briefly(void **state)
{
	struct msg q, a;

	(void)state;
	rig.commit_err = ERR_NOSPACE;
	msg_begin(&q, CON, 2, ++mid, "");
	msg_path(&q, "r");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 503);
	assert_true(a.n <= 3 * q.n);
}

static void
DOS_ECHO_always_asks_first(void **state)
{
	struct msg q, a;
	struct slice v;

	(void)state;
	msg_begin(&q, CON, 2, ++mid, "");
	msg_path(&q, "r");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 401);
	assert_int_equal(rig.calls, 0);
	assert_true(msg_get(&a, OPT_ECHO, &v));
	msg_begin(&q, CON, 2, ++mid, "");
	msg_path(&q, "r");
	msg_opt(&q, OPT_ECHO, v.p, v.n);
	msg_ask(&q, &a);
	assert_int_equal(a.code, 204);
	assert_int_equal(rig.calls, 1);
	ask("hello", SLICE_NONE, &a); /* it is known now */
	assert_int_equal(a.code, 205);
}

static void
off_asks_nobody(void **state)
{
	struct msg a;

	(void)state;
	ask("big", SLICE_NONE, &a);
	assert_int_equal(a.code, 205);
	assert_int_equal(a.body.n, 1024);
}

static void
DOS_LIMITS_strangers_of_a_network_over_their_rate_are_not_heard(void **state)
{
	struct front_stats st;
	struct msg q, a;

	(void)state;
	rig_reach->stranger_rate = 5;
	for (int i = 0; i < 20; i++) {
		get(&q, "hello", SLICE_NONE);
		msg_send(&q, i % 2);
	}
	rig_run(50);
	front_stats(rig.front, &st);
	assert_in_range(st.requests, 5, 7); /* it grows meanwhile */
	assert_in_range(atomic_load(&rig_reach->unheard), 13, 15);
	rig_reach->stranger_rate = 0;
	while (msg_recv(&a, 0, QUIET_MS) || msg_recv(&a, 1, QUIET_MS))
		continue;
	ask("hello", SLICE_NONE, &a);
	assert_true(a.code == 205 || a.code == 401);
}

#define T(t, how) cmocka_unit_test_setup_teardown(t, how, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(DOS_AMPLIFICATION_no_answer_of_any_code_is_over_three_times,
		    amplifying),
		T(DOS_ECHO_blocks_are_small_until_it_is_shown, amplifying),
		T(DOS_ECHO_what_was_shown_is_good_for_other_requests,
		    amplifying),
		T(DOS_ECHO_a_wrong_value_shows_nothing, amplifying),
		T(DOS_ECHO_a_limit_says_how_to_be_no_stranger, amplifying),
		T(DOS_AMPLIFICATION_who_knows_no_echo_is_served_small_blocks,
		    amplifying),
		T(DOS_AMPLIFICATION_no_stranger_observes, amplifying),
		T(a_connection_shows_it, amplifying),
		T(what_changes_something_runs_once_and_answers_briefly,
		    amplifying),
		T(DOS_AMPLIFICATION_a_failed_commit_answers_briefly,
		    amplifying),
		T(DOS_ECHO_always_asks_first, always),
		T(off_asks_nobody, off),
		T(DOS_LIMITS_strangers_of_a_network_over_their_rate_are_not_heard,
		    amplifying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
