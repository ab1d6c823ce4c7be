/*
 * A change that concerns many is told at a pace: in which order, of which
 * state, and who does not wait. Time is played.
 */
#include "daemon/observe_pace.h"
#include "tests/daemon/front_observe.h"

#define STEP_MS 10

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define P(fn) cmocka_unit_test_setup_teardown(fn, start_played, rig_stop), \
	cmocka_unit_test_setup_teardown(fn, start_steered_played, rig_stop)
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
