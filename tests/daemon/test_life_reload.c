/* SIGHUP: what a file that was changed changes, and what a wrong one does. */
#include "tests/daemon/life_signal.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_reload_applies_what_is_live),
		T(a_wrong_file_changes_nothing),
		T(a_wrong_certificate_changes_nothing),
		T(what_is_read_elsewhere_counts_when_it_is_there),
		T(what_is_read_when_it_stops_is_given_up),
		T(no_reload_while_it_stops),
		T(what_held_a_campaign_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
