/* What a signal does, and what systemd hears, under a played clock. The
 * socket that systemd would listen on is real. */
#include "tests/daemon/fake.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/life.h"

static struct world w;
static struct life *life;
static int notify; /* systemd's end */
static bool stopped; /* loop_stop was called */
static void (*on_signal[NSIG])(void *arg, int signo);
static void *signal_arg;
static uint64_t blocks; /* that the front has served */
static struct conf file; /* what the file says */
static int file_err;

/* --- the loop's part that fake.h does not play --- */

int
loop_signal(struct loop *l, int signo, void (*cb)(void *arg, int signo),
    void *arg)
{
	(void)l;
	on_signal[signo] = cb;
	signal_arg = arg;
	return 0;
}

void
loop_stop(struct loop *l)
{
	(void)l;
	stopped = true;
}

int64_t
loop_clock(void)
{
	return w.loop.now * 1000;
}

static int
configure(void *arg, struct conf *ret, void (*tell)(void *arg,
    const char *text), void *tell_arg)
{
	(void)arg;
	if (file_err == 0) {
		*ret = file;
	} else {
		tell(tell_arg, "x.conf:3: it is wrong");
		tell(tell_arg, "x.conf:7: this as well");
	}
	return file_err;
}

/* The next datagram, "" when there is none. */
static const char *
heard(void)
{
	static char text[1024];
	ssize_t n = recv(notify, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
said(const char *what)
{
	const char *text = heard();

	if (strstr(text, what) == NULL)
		fail_msg("not %s but \"%s\"", what, text);
}

static void
listen_as_systemd(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", w.dir);
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(notify, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
}

static void
begin(void)
{
	const struct life_opts o = {&w.app, configure, NULL};

	assert_int_equal(life_new(&o, &life), 0);
	w.app.life = life;
	assert_int_equal(life_state(life), LIFE_STARTING);
	signal_arg = life;
}

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	listen_as_systemd();
	strcpy(w.app.conf.log_level, "error");
	file = w.app.conf;
	file_err = 0;
	blocks = 0;
	stopped = false;
	fake_blocks = &blocks;
	begin();
	life_ready(life);
	assert_int_equal(life_state(life), LIFE_READY);
	said("READY=1\nSTATUS=serving 0 devices, 0 campaigns running, 0 "
	    "downloads; store ok");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	life_free(life);
	w.app.life = NULL;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	close(notify);
	world_close(&w);
	return 0;
}

static void
signal_comes(int signo)
{
	on_signal[signo](signal_arg, signo);
}

/* The tick each half second, for `ms`. */
static void
ticks(int64_t ms)
{
	for (; ms > 0 && !stopped; ms -= 500) {
		w.loop.now += 500;
		w.loop.tick(life);
	}
}

/* --- the drain --- */

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
drain_slowly(void)
{
	blocks++;
	ticks(500);
	signal_comes(SIGTERM);
	assert_int_equal(life_state(life), LIFE_DRAINING);
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

/* --- the reload --- */

static void
a_reload_applies_what_is_live(void **state)
{
	struct life_stats st;

	(void)state;
	life_stats(life, &st);
	assert_int_equal(st.reloaded, 0);
	assert_true(st.reload_ok);
	file.poll_max_age = 77;
	strcpy(file.listen_coap, "[::]:1");
	signal_comes(SIGHUP);
	assert_int_equal(w.app.conf.poll_max_age, 77);
	assert_string_equal(w.app.conf.listen_coap, "[::]:5683");
	life_stats(life, &st);
	assert_int_equal(st.reloaded, w.loop.now);
	assert_true(st.reload_ok);
	assert_int_equal(st.reloads, 1);
	assert_int_equal(w.front.certs, 1);
	assert_non_null(strstr(st.reload, "1 key "));
	assert_non_null(strstr(st.reload, "listen_coap"));
	said("RELOADING=1\nMONOTONIC_USEC=1000000000");
	said("READY=1\nSTATUS=serving");
	assert_int_equal(life_state(life), LIFE_READY);
}

static void
a_wrong_file_changes_nothing(void **state)
{
	static struct conf before;
	struct life_stats st;

	(void)state;
	before = w.app.conf;
	file.poll_max_age = 77;
	file_err = ERR_RANGE;
	signal_comes(SIGHUP);
	assert_memory_equal(&before, &w.app.conf, sizeof(before));
	life_stats(life, &st);
	assert_false(st.reload_ok);
	assert_int_equal(st.reloads, 0);
	assert_int_equal(st.reloads_failed, 1);
	said("RELOADING=1");
	said("not reloaded: x.conf:3: it is wrong");
	file_err = 0;
	signal_comes(SIGHUP);
	life_stats(life, &st);
	assert_true(st.reload_ok);
	assert_int_equal(w.app.conf.poll_max_age, 77);
}

/* Also when it is the front that finds it out. */
static void
a_wrong_certificate_changes_nothing(void **state)
{
	struct life_stats st;

	(void)state;
	file.poll_max_age = 77;
	strcpy(file.tls_cert, "/no.crt");
	w.front.cert_err = ERR_NOT_FOUND;
	signal_comes(SIGHUP);
	assert_int_equal(w.app.conf.poll_max_age, 900);
	assert_string_equal(w.app.conf.tls_cert, "");
	assert_int_equal(w.front.certs, 0);
	life_stats(life, &st);
	assert_false(st.reload_ok);
	assert_int_equal(st.reloads, 0);
	assert_int_equal(st.reloads_failed, 1);
	assert_non_null(strstr(st.reload, "/no.crt"));
	w.front.cert_err = 0;
	signal_comes(SIGHUP);
	assert_int_equal(w.app.conf.poll_max_age, 77);
}

/* While lists of revoked certificates are read everything holds that held
 * before, and whoever comes meanwhile comes after them. */
static void
what_is_read_elsewhere_counts_when_it_is_there(void **state)
{
	struct life_stats st;

	(void)state;
	fake_reads_later = true;
	file.poll_max_age = 77;
	signal_comes(SIGHUP);
	said("RELOADING=1");
	assert_int_equal(w.app.conf.poll_max_age, 900);
	file.poll_max_age = 78;
	signal_comes(SIGHUP);
	life_stats(life, &st);
	assert_int_equal(st.reloads, 0);
	fake_has_read(0); /* of the first */
	assert_int_equal(w.app.conf.poll_max_age, 77);
	fake_has_read(0); /* of the second */
	assert_int_equal(w.app.conf.poll_max_age, 78);
	life_stats(life, &st);
	assert_int_equal(st.reloads, 2);
	file.poll_max_age = 79;
	signal_comes(SIGHUP);
	fake_has_read(ERR_SIGNATURE);
	assert_int_equal(w.app.conf.poll_max_age, 78);
	life_stats(life, &st);
	assert_int_equal(st.reloads_failed, 1);
	assert_string_equal(st.reload, "client_crl");
	fake_reads_later = false;
}

static void
what_is_read_when_it_stops_is_given_up(void **state)
{
	(void)state;
	fake_reads_later = true;
	file.poll_max_age = 77;
	signal_comes(SIGHUP);
	drain_slowly();
	fake_has_read(0);
	assert_int_equal(w.app.conf.poll_max_age, 900);
	assert_int_equal(life_state(life), LIFE_DRAINING);
	fake_reads_later = false;
}

static void
no_reload_while_it_stops(void **state)
{
	(void)state;
	drain_slowly();
	file.poll_max_age = 77;
	signal_comes(SIGHUP);
	assert_int_equal(w.app.conf.poll_max_age, 900);
	assert_int_equal(life_state(life), LIFE_DRAINING);
}

/* A campaign that one byte a second held is looked at again at once. */
static void
what_held_a_campaign_is_asked_again(void **state)
{
	struct store_device d[10];
	char ep[16];
	uint64_t r;
	size_t started = 0;

	(void)state;
	r = released(&w, 2, "coap://fw.example/fw/a", 100000);
	for (int i = 0; i < 10; i++) {
		snprintf(ep, sizeof(ep), "n%d", i);
		d[i] = device(&w, ep, DRIVER_TRIGGER);
	}
	w.app.conf.bytes_per_second = file.bytes_per_second = 1;
	campaign_for(&w, r, "");
	pass(&w, 2000);
	assert_in_range(w.peer.n, 1, 5);
	file.bytes_per_second = 0;
	signal_comes(SIGHUP);
	turn(&w);
	pass(&w, 2000);
	for (size_t i = 0; i < 10; i++)
		started += last_job(&w, &d[i]).attempt == 1;
	assert_int_equal(started, 10);
}

/* --- what systemd hears --- */

static void
status_moves_once_in_ten_seconds_and_only_then(void **state)
{
	(void)state;
	device(&w, "n1", DRIVER_NONE);
	ticks(9500);
	assert_string_equal(heard(), "");
	ticks(500);
	said("STATUS=serving 1 device, 0 campaigns");
	ticks(60000);
	assert_string_equal(heard(), "");
	for (int i = 2; i <= 1200; i++) {
		char ep[16];

		snprintf(ep, sizeof(ep), "n%d", i);
		device(&w, ep, DRIVER_NONE);
	}
	ticks(500);
	said("STATUS=serving 1 200 devices, ");
}

static void
nobody_asked_for_a_watchdog(void **state)
{
	(void)state;
	ticks(60000);
	assert_string_equal(heard(), "");
}

static unsigned
fed(int64_t ms)
{
	unsigned n = 0;

	ticks(ms);
	while (strcmp(heard(), "WATCHDOG=1") == 0)
		n++;
	return n;
}

static void
the_watchdog_is_fed_twice_a_period(void **state)
{
	(void)state;
	life_free(life);
	setenv("WATCHDOG_USEC", "30000000", 1);
	begin();
	life_ready(life);
	said("READY=1");
	ticks(500);
	said("WATCHDOG=1");
	assert_in_range(fed(60000), 4, 5);
	blocks++;
	ticks(500);
	signal_comes(SIGTERM);
	said("STOPPING=1");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		T(a_reload_applies_what_is_live),
		T(a_wrong_file_changes_nothing),
		T(a_wrong_certificate_changes_nothing),
		T(what_is_read_elsewhere_counts_when_it_is_there),
		T(what_is_read_when_it_stops_is_given_up),
		T(no_reload_while_it_stops),
		T(what_held_a_campaign_is_asked_again),
		T(status_moves_once_in_ten_seconds_and_only_then),
		T(nobody_asked_for_a_watchdog),
		T(the_watchdog_is_fed_twice_a_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
