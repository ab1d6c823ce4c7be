/* SIGTERM: who is still served, who is sent away, and for how long. */
#include "tests/daemon/life_signal.h"

static void
who_serves_nobody_stops_at_once(void **state)
{
	(void)state;
	signal_comes(SIGTERM);
	assert_true(stopped);
	assert_int_equal(life_state(life), LIFE_STOPPED);
	said("STOPPING=1\nEXTEND_TIMEOUT_USEC=70000000\nSTATUS=stopping: ");
}

static void
blocks_that_leave_keep_it_up(void **state)
{
	(void)state;
	blocks = 5;
	ticks(500);
	signal_comes(SIGINT);
	assert_false(stopped);
	assert_int_equal(life_state(life), LIFE_DRAINING);
	assert_true(w.front.quiet);
	for (int i = 0; i < 4; i++) {
		blocks++;
		ticks(1500);
		assert_false(stopped);
	}
	ticks(1500); /* 1000 since the tick that saw it */
	assert_true(stopped);
	assert_int_equal(life_state(life), LIFE_STOPPED);
}

static void
not_for_longer_than_its_grace(void **state)
{
	int64_t from = w.loop.now;

	(void)state;
	blocks = 1;
	ticks(500);
	signal_comes(SIGTERM);
	while (!stopped) {
		blocks++;
		ticks(500);
	}
	assert_int_equal(w.loop.now - from, 500 + 10000);
}

static void
without_a_grace_there_is_no_drain(void **state)
{
	(void)state;
	w.app.conf.drain_grace = 0;
	blocks = 1;
	ticks(500);
	signal_comes(SIGTERM);
	assert_true(stopped);
}

static void
a_second_signal_ends_it(void **state)
{
	(void)state;
	blocks = 1;
	ticks(500);
	signal_comes(SIGTERM);
	assert_false(stopped);
	signal_comes(SIGINT);
	assert_true(stopped);
}

static int
poll_own(struct resp *resp, const char *ep, uint32_t *ret_max_age)
{
	char query[80];
	struct req req = {.first_block = true, .query_n = 1,
	    .addr = "192.0.2.1"};
	int rc;

	snprintf(query, sizeof(query), "ep=%s", ep);
	req.query[0] = slice_str(query);
	rc = ask(&w, res_manifest_own, &req, resp);
	turn(&w);
	*ret_max_age = resp->max_age;
	return rc;
}

/* Until when is test_await.c's. */
static void
who_has_its_manifest_is_waited_for(void **state)
{
	struct resp resp;
	uint32_t age;
	int64_t from;

	(void)state;
	released(&w, 2, "coap://fw.example/fw/a", 100);
	device(&w, "n1", DRIVER_NONE);
	assert_int_equal(poll_own(&resp, "n1", &age), 0);
	from = w.loop.now;
	signal_comes(SIGTERM);
	assert_int_equal(life_state(life), LIFE_DRAINING);
	ticks(60000);
	assert_int_equal(w.loop.now - from, 10000); /* it never came */
}

/* A trigger is out: until its device was sent away it may come. */
static void
who_was_sent_away_is_waited_for_no_longer(void **state)
{
	struct resp resp;
	uint32_t age;
	uint64_t r;

	(void)state;
	r = released(&w, 2, "coap://fw.example/fw/a", 100);
	device(&w, "n1", DRIVER_TRIGGER);
	campaign_for(&w, r, "");
	pass(&w, 1000);
	answer(&w, "suit/trigger", 204, "");
	signal_comes(SIGTERM);
	ticks(4000);
	assert_false(stopped);
	assert_int_equal(poll_own(&resp, "n1", &age), ERR_BUSY);
	ticks(500);
	assert_true(stopped);
}

static void
polls_are_sent_away_with_a_time(void **state)
{
	uint32_t age, least = UINT32_MAX, most = 0;
	char ep[16];
	struct resp resp;

	(void)state;
	released(&w, 2, "coap://fw.example/fw/a", 100);
	for (int i = 0; i < 100; i++) {
		snprintf(ep, sizeof(ep), "n%d", i);
		device(&w, ep, DRIVER_NONE);
	}
	assert_int_equal(poll_own(&resp, "n0", &age), 0);
	drain_slowly();
	for (int i = 1; i < 100; i++) {
		snprintf(ep, sizeof(ep), "n%d", i);
		assert_int_equal(poll_own(&resp, ep, &age), ERR_BUSY);
		assert_true(resp.have_max_age);
		least = age < least ? age : least;
		most = age > most ? age : most;
	}
	/* the grace, a restart, and then one after the other */
	assert_in_range(least, 15, 30);
	assert_in_range(most, 50, 80);
}

static void
later_blocks_of_a_manifest_are_served(void **state)
{
	struct resp resp;
	struct req req = {.query_n = 1, .addr = "192.0.2.1",
	    .query[0] = slice_str("ep=n1")};
	uint32_t age;

	(void)state;
	released(&w, 2, "coap://fw.example/fw/a", 100);
	device(&w, "n1", DRIVER_NONE);
	assert_int_equal(poll_own(&resp, "n1", &age), 0);
	drain_slowly();
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	assert_true(resp.body.n > 0);
}

static void
a_device_that_was_triggered_keeps_its_attempt(void **state)
{
	struct store_device d;
	struct resp resp;
	struct job j;
	uint32_t age;
	uint64_t r;

	(void)state;
	r = released(&w, 2, "coap://fw.example/fw/a", 100);
	d = device(&w, "n1", DRIVER_TRIGGER);
	w.app.conf.track.notify_ms = 5000; /* less than it will be away */
	campaign_for(&w, r, "");
	pass(&w, 1000);
	answer(&w, "suit/trigger", 204, "");
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
	drain_slowly();
	assert_int_equal(poll_own(&resp, "n1", &age), ERR_BUSY);
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_NOTIFIED);
	assert_true(j.due >= w.loop.now + (int64_t)age * 1000);
}

static void
nobody_is_started_in_a_drain(void **state)
{
	struct store_device d;
	uint64_t r;

	(void)state;
	r = released(&w, 2, "coap://fw.example/fw/a", 100);
	d = device(&w, "n1", DRIVER_TRIGGER);
	drain_slowly();
	campaign_for(&w, r, "");
	pass(&w, 5000);
	assert_int_equal(w.peer.n, 0);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(last_job(&w, &d).attempt, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(who_serves_nobody_stops_at_once),
		T(blocks_that_leave_keep_it_up),
		T(not_for_longer_than_its_grace),
		T(without_a_grace_there_is_no_drain),
		T(a_second_signal_ends_it),
		T(who_has_its_manifest_is_waited_for),
		T(who_was_sent_away_is_waited_for_no_longer),
		T(polls_are_sent_away_with_a_time),
		T(later_blocks_of_a_manifest_are_served),
		T(a_device_that_was_triggered_keeps_its_attempt),
		T(nobody_is_started_in_a_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
