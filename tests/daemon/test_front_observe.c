/*
 * Observers: who is told, what, and when it ends. All of it twice: in the one
 * context of plain UDP, and in those of their own (front_follow.c).
 */
#include "tests/daemon/front_observe.h"

static void
an_observer_is_told_of_a_change(void **state)
{
	struct slice v;
	struct msg a;
	uint32_t seq;

	(void)state;
	observe(&a, 0, "0102", 0);
	seq = msg_get_uint(&a, OPT_OBSERVE);
	assert_int_equal(observers(), 1);
	change('a');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.type, CON);
	assert_int_equal(a.code, 205);
	assert_memory_equal(a.token.p, "\1\2", 2);
	assert_int_equal(a.body.p[0], 'a');
	assert_true(msg_get(&a, OPT_ETAG, &v));
	assert_true(msg_get_uint(&a, OPT_OBSERVE) > seq);
	reply(&a, 0, ACK);
	/* acknowledged, so the next state goes out at once */
	change('b');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.body.p[0], 'b');
	reply(&a, 0, ACK);
}

static void
nothing_is_sent_when_nothing_changed(void **state)
{
	struct msg a;

	(void)state;
	observe(&a, 0, "01", 0);
	change('x');
	assert_false(msg_recv(&a, 0, 100));
	front_notify(rig.front, T_UDP, "other");
	front_notify(rig.front, T_ADMIN, "big");
	content[0] = 'y';
	assert_false(msg_recv(&a, 0, 100));
}

static void
a_failed_commit_tells_nobody(void **state)
{
	struct msg a;

	(void)state;
	observe(&a, 0, "01", 0);
	rig.commit_err = ERR_IO;
	change('a');
	assert_false(msg_recv(&a, 0, 60));
	rig.commit_err = 0;
	assert_false(msg_recv(&a, 0, 60));
	change('b');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	reply(&a, 0, ACK);
}

static void
large_states_come_as_their_first_block(void **state)
{
	struct msg q, a;

	(void)state;
	rig.served = slice_of(content, sizeof(content));
	msg_begin(&q, CON, 1, 1, "01");
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "big");
	msg_block(&q, OPT_BLOCK2, 0, false, 2);
	msg_ask(&q, &a);
	change('a');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(msg_get_uint(&a, OPT_BLOCK2), 8 | 2);
	assert_int_equal(a.body.n, 64);
	reply(&a, 0, ACK);
}

static void
rst_ends_it(void **state)
{
	struct msg a;

	(void)state;
	observe(&a, 0, "01", 0);
	change('a');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	reply(&a, 0, RST);
	assert_int_equal(observers(), 0);
	change('b');
	assert_false(msg_recv(&a, 0, 60));
}

static void
observe_1_ends_it_and_the_token_decides(void **state)
{
	struct slice v;
	struct msg a;

	(void)state;
	observe(&a, 0, "01", 0);
	observe(&a, 0, "02", 0);
	observe(&a, 0, "02", 0); /* replaces */
	assert_int_equal(observers(), 2);
	observe(&a, 0, "01", 1);
	assert_false(msg_get(&a, OPT_OBSERVE, &v));
	assert_int_equal(observers(), 1);
	observe(&a, 1, "02", 1); /* another peer's token is nothing */
	assert_int_equal(observers(), 1);
}

static void
an_error_ends_it_without_observe(void **state)
{
	struct slice v;
	struct msg a;

	(void)state;
	observe(&a, 0, "01", 0);
	rig.get_err = ERR_NOT_FOUND;
	front_notify(rig.front, T_TCP, "big");
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.code, 404);
	assert_false(msg_get(&a, OPT_OBSERVE, &v));
	reply(&a, 0, ACK);
	assert_int_equal(observers(), 0);
}

/* A device that may not start yet keeps its observation, and is told when it
 * may. */
static void
not_now_is_not_told(void **state)
{
	struct msg a;

	(void)state;
	observe(&a, 0, "01", 0);
	rig.get_err = ERR_LIMIT;
	change(9);
	rig_run(100);
	assert_false(msg_recv(&a, 0, 100));
	assert_int_equal(observers(), 1);
	rig.get_err = 0;
	change(10);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_int_equal(a.code, 205);
	reply(&a, 0, ACK);
	assert_int_equal(observers(), 1);
}

static void
paths_that_cannot_be_observed_are_answered_plainly(void **state)
{
	struct slice v;
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 1, 1, "01");
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "hello");
	msg_ask(&q, &a);
	assert_int_equal(a.code, 205);
	assert_false(msg_get(&a, OPT_OBSERVE, &v));
	assert_int_equal(observers(), 0);
}

static void
a_peer_has_a_bounded_number(void **state)
{
	struct front_stats st;
	struct slice v;
	struct msg a;
	char token[8];

	(void)state;
	for (int i = 0; i <= LIMIT_OBSERVERS_PEER; i++) {
		snprintf(token, sizeof(token), "%02x", i);
		observe(&a, 0, token, 0);
		assert_int_equal(msg_get(&a, OPT_OBSERVE, &v),
		    i < LIMIT_OBSERVERS_PEER);
	}
	assert_int_equal(observers(), LIMIT_OBSERVERS_PEER);
	front_stats(rig.front, &st);
	assert_int_equal(st.limit[FRONT_LIMIT_OBSERVERS_PEER], 1);
}

/* What a client makes of two numbers within 128 s (RFC 7641 3.4). */
static bool
is_newer(uint32_t v1, uint32_t v2)
{
	return (v1 < v2 && v2 - v1 < 1u << 23) ||
	    (v1 > v2 && v1 - v2 > 1u << 23);
}

/* At any hour of the 37 after which the numbers begin anew; `pause` before the
 * last notification that is followed by a restart. */
static void
grow(int64_t t, int64_t pause)
{
	struct observe_seq s = {0, 0}, anew = {0, 0};
	int64_t mono = 1000;
	uint32_t first = observe_seq_next(&s, t, mono), last;

	t += pause;
	mono += pause;
	last = observe_seq_next(&s, t, mono);
	assert_true(pause > 128000 || is_newer(first, last));
	/* in the same moment; and by a clock that was set back under way */
	first = last;
	last = observe_seq_next(&s, t, mono);
	assert_true(is_newer(first, last));
	first = last;
	last = observe_seq_next(&s, t - 60000, mono + 5000);
	assert_true(is_newer(first, last));
	/* killed, and started */
	assert_true(is_newer(last, observe_seq_next(&anew, t + 12000, 500)));
}

static void
numbers_grow_over_a_restart(void **state)
{
	const int64_t start = INT64_C(1700000000000), minute = 60000;

	(void)state;
	for (int64_t m = 0; m < 80 * 60; m++) {
		grow(start + m * minute, 10000);
		grow(start + m * minute, 127000);
		grow(start + m * minute, 20 * 60 * minute);
		grow(start + m * minute, 30 * 60 * minute);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, rig_stop), \
	cmocka_unit_test_setup_teardown(fn, start_steered, rig_stop)
		cmocka_unit_test(numbers_grow_over_a_restart),
		T(an_observer_is_told_of_a_change),
		T(nothing_is_sent_when_nothing_changed),
		T(a_failed_commit_tells_nobody),
		T(large_states_come_as_their_first_block),
		T(rst_ends_it),
		T(observe_1_ends_it_and_the_token_decides),
		T(an_error_ends_it_without_observe),
		T(not_now_is_not_told),
		T(paths_that_cannot_be_observed_are_answered_plainly),
		T(a_peer_has_a_bounded_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
