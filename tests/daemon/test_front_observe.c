/*
 * Observers: who is told, what, and when it ends. All of it twice: in the one
 * context of plain UDP, and in those of their own (front_follow.c).
 */
#include "tests/rig/front_rig.h"

#include <string.h>

#include "daemon/observe_pace.h"
#include "daemon/observe_run.h"
#include "tests/rig/front_steer.h"

#define STEP_MS 10

static uint8_t content[3000];
static uint16_t mid;

static int
start(void **state)
{
	int rc = rig_start(state);

	memset(content, 'x', sizeof(content));
	rig.served = slice_of(content, 10);
	mid = 0;
	return rc;
}

static int
start_steered(void **state)
{
	int rc = start(state);

	return rc != 0 ? rc : steer_front(rig.front, FRONT_FOLLOW);
}

static void
observe(struct msg *a, int client, const char *token, uint32_t value)
{
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, token);
	msg_opt_uint(&q, OPT_OBSERVE, value);
	msg_path(&q, "big");
	msg_send(&q, client);
	assert_true(msg_recv(a, client, RIG_HANGS));
	assert_int_equal(a->code, 205);
}

static void
change(uint8_t to)
{
	content[0] = to;
	front_notify(rig.front, T_UDP, "big");
}

static void
reply(const struct msg *a, int client, unsigned type)
{
	struct msg q;

	msg_begin(&q, type, 0, a->mid, "");
	msg_send(&q, client);
	rig_run(30);
}

static size_t
observers(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.observers;
}

static void
on_done(void *arg, int err)
{
	struct app *app = arg;

	app->done++;
	app->done_err = err;
}

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

static void
observe_ep(struct msg *a, const char *token)
{
	struct msg q;

	msg_begin(&q, CON, 1, ++mid, token);
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "big");
	msg_opt(&q, OPT_URI_QUERY, "ep=node7", 8);
	msg_ask(&q, a);
}

static void
a_device_is_told_by_name_and_says_that_it_was(void **state)
{
	struct msg a;

	(void)state;
	observe_ep(&a, "01");
	assert_true(front_device_observes(rig.front, 0, "node7"));
	assert_false(front_device_observes(rig.front, 7, "node8"));
	assert_int_equal(front_notify_device(rig.front, 0, "node8", on_done,
	    &rig), 0);
	assert_int_equal(front_notify_device(rig.front, 7, "node7", on_done,
	    &rig), 1);
	/* it is told although nothing changed */
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	rig_run(30);
	assert_int_equal(rig.done, 0);
	reply(&a, 0, ACK);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, 0);
}

/* What is the same for everybody asks nobody for his name. */
static void
REQ_SEC_ACCESS_CONTROL_a_name_counts_where_asked_for(void **state)
{
	struct msg q, a;

	(void)state;
	msg_begin(&q, CON, 1, ++mid, "01");
	msg_opt_uint(&q, OPT_OBSERVE, 0);
	msg_path(&q, "all");
	msg_opt(&q, OPT_URI_QUERY, "ep=node7", 8);
	msg_ask(&q, &a);
	assert_int_equal(observers(), 1);
	assert_false(front_device_observes(rig.front, 0, "node7"));
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 0);
}

static void
a_device_that_resets_is_reported_as_refusing(void **state)
{
	struct msg a;

	(void)state;
	observe_ep(&a, "01");
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 1);
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	reply(&a, 0, RST);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, ERR_REJECTED);
	assert_false(front_device_observes(rig.front, 0, "node7"));
}

static void
a_device_with_two_observers_is_reported_once(void **state)
{
	struct msg a, b;

	(void)state;
	observe_ep(&a, "01");
	observe_ep(&a, "02");
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 2);
	/* NSTART is 1: the second is sent when the first was acknowledged */
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_false(msg_recv(&b, 0, 60));
	reply(&a, 0, RST);
	assert_int_equal(rig.done, 0);
	assert_true(msg_recv(&b, 0, RIG_HANGS));
	reply(&b, 0, ACK);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, 0);
	assert_int_equal(observers(), 1);
}

static void
a_lost_notification_is_repeated(void **state)
{
	struct msg a, b;

	(void)state;
	observe(&a, 0, "01", 0);
	change('a');
	assert_true(msg_recv(&a, 0, RIG_HANGS));
	assert_true(msg_recv(&b, 0, RIG_HANGS)); /* ACK_TIMEOUT is 2 to 3 s */
	assert_int_equal(a.mid, b.mid);
	reply(&b, 0, ACK);
	assert_int_equal(observers(), 1);
}

/* --- broadcasts are paced: by a time that only passes here --- */

static int
start_played(void **state)
{
	int rc = start(state);

	rig.played = 1000000;
	return rc;
}

static int
start_steered_played(void **state)
{
	int rc = start_steered(state);

	rig.played = 1000000;
	return rc;
}

/* Until this client has something, or so long. */
static bool
play(int client, int ms)
{
	for (; !rig_wait(client, 0); ms -= STEP_MS) {
		if (ms <= 0)
			return false;
		rig.played += STEP_MS;
	}
	return true;
}

static size_t
told(void)
{
	struct front_stats st;

	front_stats(rig.front, &st);
	return st.notifications;
}

static void
observe_n(int client, int n)
{
	char token[8];
	struct msg a;

	for (int i = 0; i < n; i++) {
		snprintf(token, sizeof(token), "%02x", i);
		observe(&a, client, token, 0);
	}
}

static void
change_now(uint8_t to, size_t told_at_once)
{
	size_t before = told();

	change(to);
	front_flush(rig.front, FRONT_ALL, 0);
	assert_int_equal(told() - before, told_at_once);
}

/* The next notification to this client: whose it is. */
static int
hear(int client, uint8_t content_is)
{
	struct msg a;

	assert_true(play(client, 3000));
	assert_true(msg_recv(&a, client, 0));
	assert_int_equal(a.code, 205);
	assert_int_equal(a.body.p[0], content_is);
	assert_int_equal(a.token.n, 1);
	reply(&a, client, ACK);
	return a.token.p[0];
}

static void
silence(void)
{
	assert_false(play(0, 500));
	assert_false(play(1, 0));
}

static void
a_broadcast_is_spread_in_the_order_of_registration(void **state)
{
	(void)state;
	rig.conf.notify_rate = 40;
	observe_n(0, LIMIT_OBSERVERS_PEER);
	change_now('a', 4);
	for (int i = 0; i < LIMIT_OBSERVERS_PEER; i++)
		assert_int_equal(hear(0, 'a'), i);
	silence();
	assert_int_equal(told(), LIMIT_OBSERVERS_PEER);
}

static void
a_small_fleet_sees_no_delay_and_one_more_does(void **state)
{
	(void)state;
	rig.conf.notify_rate = 30;
	observe_n(0, 3);
	change_now('a', 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hear(0, 'a'), i);
	rig.played += 300; /* the burst is there again */
	rig_run(0);
	observe_n(1, 1);
	change_now('b', 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hear(0, 'b'), i);
	assert_int_equal(hear(1, 'b'), 0);
	silence();
	assert_int_equal(told(), 7);
}

static void
no_rate_is_no_limit(void **state)
{
	(void)state;
	rig.conf.notify_rate = 0;
	observe_n(0, LIMIT_OBSERVERS_PEER);
	observe_n(1, LIMIT_OBSERVERS_PEER);
	change_now('a', 2 * LIMIT_OBSERVERS_PEER);
}

/* Neither who waited already, nor who would have been told at once. */
static void
a_quiet_front_tells_nobody(void **state)
{
	(void)state;
	rig.conf.notify_rate = 20;
	observe_n(0, 8);
	change_now('a', 2);
	assert_int_equal(hear(0, 'a'), 0);
	assert_int_equal(hear(0, 'a'), 1);
	front_quiet(rig.front);
	silence();
	change_now('b', 0);
	rig.conf.notify_rate = 0;
	change_now('c', 0);
	silence();
	assert_int_equal(told(), 2);
}

static void
who_waits_is_told_once_and_of_the_newest(void **state)
{
	(void)state;
	rig.conf.notify_rate = 20;
	observe_n(0, 2);
	observe_n(1, 8);
	change_now('a', 2);
	change_now('b', 0);
	change_now('c', 0);
	assert_int_equal(hear(0, 'a'), 0);
	assert_int_equal(hear(0, 'a'), 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(hear(1, 'c'), i);
	assert_int_equal(hear(0, 'c'), 0);
	assert_int_equal(hear(0, 'c'), 1);
	silence();
	assert_int_equal(told(), 12);
}

static void
who_leaves_while_waiting_is_not_told(void **state)
{
	struct msg a;

	(void)state;
	rig.conf.notify_rate = 10;
	observe_n(0, 1);
	observe_n(1, 4);
	change_now('a', 1);
	observe(&a, 1, "00", 1);
	observe(&a, 1, "02", 1);
	assert_int_equal(hear(0, 'a'), 0);
	assert_int_equal(hear(1, 'a'), 1);
	assert_int_equal(hear(1, 'a'), 3);
	silence();
	assert_int_equal(told(), 3);
	observe_n(1, 4);
	change_now('b', 1); /* and front_free, with some that wait */
}

static void
who_has_the_newest_costs_nothing(void **state)
{
	(void)state;
	rig.conf.notify_rate = 20;
	content[0] = 'a';
	observe_n(0, 6);
	content[0] = 'x';
	observe_n(1, 2);
	change_now('a', 2);
	assert_int_equal(hear(1, 'a'), 0);
	assert_int_equal(hear(1, 'a'), 1);
	silence();
}

static void
a_push_to_one_device_does_not_wait(void **state)
{
	struct msg a;

	(void)state;
	rig.conf.notify_rate = 1;
	observe_n(1, 3);
	observe_ep(&a, "07");
	change_now('a', 1);
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 1);
	front_flush(rig.front, FRONT_ALL, 0);
	assert_int_equal(told(), 2);
	assert_int_equal(hear(0, 'a'), 7);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hear(1, 'a'), i);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, 0);
	silence(); /* it was not told a second time */
	assert_int_equal(told(), 4);
}

static void
a_failed_commit_undoes_its_own_broadcast_only(void **state)
{
	struct msg a;

	(void)state;
	rig.conf.notify_rate = 20;
	observe_n(1, 2);
	observe_ep(&a, "07");
	change(content[0]);
	content[0] = 'a';
	front_flush(rig.front, FRONT_ALL, ERR_IO);
	silence();
	assert_int_equal(told(), 0);
	change_now('b', 2);
	/* node7 waits; that its push is undone leaves it waiting */
	assert_int_equal(front_notify_device(rig.front, 0, "node7", on_done,
	    &rig), 1);
	front_notify(rig.front, T_UDP, "big");
	front_flush(rig.front, FRONT_ALL, ERR_IO);
	assert_int_equal(told(), 2);
	assert_int_equal(hear(0, 'b'), 7);
	assert_int_equal(rig.done, 1);
	assert_int_equal(rig.done_err, ERR_BUSY);
}

/* Ticks of 200 ms, the loop's only sure ones, until n were told; `most` is
 * the most that any second had. Virtual time, in ms. */
static int64_t
spread(uint32_t rate, int n, int *first, int *most)
{
	static int in[4096]; /* by tick */
	struct observe_pace p = {0};
	int64_t t = 1000000;
	int sum;

	*most = 0;
	for (int i = 0; n > 0; i++, t += 200) {
		assert_true(i < 4096);
		in[i] = 0;
		observe_pace_earn(&p, rate, t);
		while (n > 0 && observe_pace_may(&p)) {
			observe_pace_spend(&p);
			in[i]++;
			n--;
		}
		p.busy = n > 0;
		sum = 0;
		for (int k = i; k >= 0 && k > i - 5; k--)
			sum += in[k];
		*most = sum > *most ? sum : *most;
	}
	*first = in[0];
	return t - 200 - 1000000;
}

static void
the_pace_is_the_rate_whatever_the_rate(void **state)
{
	static const struct {
		uint32_t rate;
		int n, first;
	} r[] = {{1, 20, 1}, {2, 40, 1}, {3, 60, 1}, {10, 300, 1},
	    {19, 300, 1}, {20, 300, 2}, {50, 10000, 5},
	    {100000, 1000000, 10000}};
	int first, most;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		ms = spread(r[i].rate, r[i].n, &first, &most);
		assert_int_equal(first, r[i].first);
		assert_in_range(most, 1, r[i].rate + first);
		assert_in_range(ms, (r[i].n - first) * 1000 / r[i].rate - 200,
		    (r[i].n - first) * 1000.0 / r[i].rate + 400);
	}
}

static void
what_was_not_used_is_not_saved_up(void **state)
{
	struct observe_pace p = {0};
	int n = 0;

	(void)state;
	observe_pace_earn(&p, 50, 1000000);
	observe_pace_earn(&p, 50, 9000000); /* an idle day */
	for (; observe_pace_may(&p); n++)
		observe_pace_spend(&p);
	assert_int_equal(n, 5);
	p.busy = true;
	observe_pace_earn(&p, 50, 9100000); /* a turn that took long */
	for (n = 0; observe_pace_may(&p); n++)
		observe_pace_spend(&p);
	assert_in_range(n, 10, 15);
	observe_pace_earn(&p, 50, 9000000); /* time never goes back */
	assert_false(observe_pace_may(&p));
}

static void
a_limit_may_go_and_come_back(void **state)
{
	struct observe_pace p = {0};
	int n = 0;

	(void)state;
	observe_pace_earn(&p, 50, 1000000);
	observe_pace_earn(&p, 0, 1000000); /* no limit */
	for (; n < 100000 && observe_pace_may(&p); n++)
		observe_pace_spend(&p);
	assert_int_equal(n, 100000);
	observe_pace_earn(&p, 50, 1000000);
	for (n = 0; observe_pace_may(&p); n++)
		observe_pace_spend(&p);
	assert_int_equal(n, 5);
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
#define P(fn) cmocka_unit_test_setup_teardown(fn, start_played, rig_stop), \
	cmocka_unit_test_setup_teardown(fn, start_steered_played, rig_stop)
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
		T(a_device_is_told_by_name_and_says_that_it_was),
		T(REQ_SEC_ACCESS_CONTROL_a_name_counts_where_asked_for),
		T(a_device_that_resets_is_reported_as_refusing),
		T(a_device_with_two_observers_is_reported_once),
		T(a_lost_notification_is_repeated),
		P(a_broadcast_is_spread_in_the_order_of_registration),
		P(a_small_fleet_sees_no_delay_and_one_more_does),
		P(no_rate_is_no_limit),
		P(a_quiet_front_tells_nobody),
		P(who_waits_is_told_once_and_of_the_newest),
		P(who_leaves_while_waiting_is_not_told),
		P(who_has_the_newest_costs_nothing),
		P(a_push_to_one_device_does_not_wait),
		P(a_failed_commit_undoes_its_own_broadcast_only),
		cmocka_unit_test(the_pace_is_the_rate_whatever_the_rate),
		cmocka_unit_test(what_was_not_used_is_not_saved_up),
		cmocka_unit_test(a_limit_may_go_and_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
