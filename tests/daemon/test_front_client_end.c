/*
 * What changes under a session with a certificate: it goes on, or ends before
 * its client is answered again. Lists that nobody tells of are found.
 */
#include "daemon/disk.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "lib/few.h"
#include "tests/daemon/front_client.h"

static void
write_list(const struct made *by, const long serial[2])
{
	X509_CRL *crl = crl_make(by, serial, 86400);

	put_crl(crl, true, &text);
	X509_CRL_free(crl);
	write_file("list.crl", 0644);
}

/* --- what changes --- */

/* Whether a session with a certificate is there half a second after `what`
 * was done; it was idle meanwhile, or else asked. */
static bool
survives(enum transport t, void (*what)(void))
{
	char command[400];

	act = what;
	acted = 0;
	rig.certs_shown = 0;
	sessions_after = 99;
	snprintf(command, sizeof(command), "timeout 60 openssl "
	    "s_client %s -connect 127.0.0.1:%u -cert %s/dev7.pem -key "
	    "%s/dev7.pem", t == T_DTLS ? "-dtls1_2 -nbio" : "-tls1_2",
	    front_port(rig.front, t), dir, dir);
	beside_talk(command);
	for (int i = 0; i < 1000 && acted < 15; i++) /* it was hung up on */
		rig_run(30);
	assert_in_range(sessions_after, 0, 1);
	return sessions_after == 1;
}

static void
nothing(void)
{
}

static void
revoke_other(void)
{
	write_list(&devices, (long[2]){8, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
}

static void
revoke_7(void)
{
	write_list(&devices, (long[2]){7, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
}

static void
other_authority(void)
{
	put_cert(&other, &text);
	write_file("ca.pem", 0644);
	reload();
}

static void
other_rule(void)
{
	strcpy(rig.conf.cert_endpoint, "cn:de(*)");
	reload();
}

static void
no_authority(void)
{
	rig.conf.client_ca[0] = rig.conf.client_crl[0] = '\0';
	reload();
}

static void
hook_refuses(void)
{
	rig.cert_err = ERR_POLICY;
	front_recheck(rig.front);
}

static void
forget_it(void)
{
	front_forget(rig.front, rig.cert.identity);
}

static bool
is_serial(void *arg, const struct cert_peer *p)
{
	return strcmp(p->id.serial, arg) == 0;
}

static void
forget_serial_7(void)
{
	front_forget_certs(rig.front, is_serial, "07");
}

static void
forget_serial_8(void)
{
	front_forget_certs(rig.front, is_serial, "08");
}

static void
a_reload_keeps_sessions_that_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(survives(both[i], nothing));
		assert_true(survives(both[i], reload));
		assert_true(survives(both[i], revoke_other));
		assert_true(survives(both[i], forget_serial_8));
	}
}

static void
who_is_revoked_loses_his_session(void **state)
{
	(void)state;
	assert_false(survives(T_DTLS, revoke_7));
	ask(T_DTLS, "dev7");
	assert_int_equal(requests(), 0);
	rig.conf.client_crl[0] = '\0';
	reload();
	assert_false(survives(T_TLS, revoke_7));
	ask(T_TLS, "dev7");
	assert_int_equal(requests(), 0);
}

static void
a_session_ends_when_its_certificate_is_good_no_longer(void **state)
{
	static void (*const what[])(void) = {forget_it, forget_serial_7,
	    hook_refuses, other_rule, other_authority, no_authority};

	for (size_t i = 0; i < 6; i++) {
		if (survives(both[i % 2], what[i]))
			fail_msg("%zu", i);
		if (i < 5 && (stop(state) != 0 || start_timed(state) != 0))
			fail();
	}
}

/* A request, and when it has come another one. */
static void
ask_twice(void *arg)
{
	static const char get[2][9] = {"\100\001\022\064\264mine",
	    "\100\001\022\065\264mine"};
	int *ticks = arg;

	if (*ticks == 0)
		beside_write(get[0], sizeof(get[0]));
	if (*ticks == 1)
		beside_write(get[1], sizeof(get[1]));
	if (*ticks == 15)
		beside_hang_up();
	if (*ticks == 0 || rig.certs_asked > 0)
		++*ticks;
}

/* Not within seconds, but before he is answered again. */
static void
nobody_is_served_by_what_he_has_lost(void **state)
{
	char command[400];
	int ticks = 0;

	(void)state;
	rig.cert_last = true;
	assert_int_equal(loop_every(rig.loop, 20, ask_twice, &ticks), 0);
	snprintf(command, sizeof(command), "timeout 60 openssl s_client "
	    "-dtls1_2 -nbio -connect 127.0.0.1:%u -cert %s/dev7.pem -key "
	    "%s/dev7.pem", front_port(rig.front, T_DTLS), dir, dir);
	beside_talk(command);
	assert_int_equal(rig.certs_shown, 1);
	assert_int_equal(rig.certs_asked, 1);
}

/* The list is replaced, and nobody tells suitd. */
static void
a_new_list_is_found(void **state)
{
	uint64_t served;

	(void)state;
	write_list(&devices, (long[2]){8, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
	ask(T_DTLS, "dev7");
	beside_says("1 dev7 ");
	write_list(&devices, (long[2]){7, 0});
	for (int i = 0; i < 60 && strstr(beside_output, "1 dev7 ") != NULL;
	    i++) {
		rig_run(1000);
		ask(T_DTLS, "dev7");
	}
	assert_null(strstr(beside_output, "1 dev7 "));
	served = requests();
	/* a broken one leaves that of before */
	buf_puts(&text, "hello");
	write_file("list.crl", 0644);
	rig_run(11000);
	ask(T_DTLS, "dev7");
	assert_null(strstr(beside_output, "1 dev7 "));
	assert_int_equal(requests(), served);
}

/* --- read by the disk's thread --- */

struct hold {
	struct chore chore;
	int fd[2];
	bool over;
};

static bool
held_step(struct chore *c)
{
	char b;

	return read(((struct hold *)c)->fd[0], &b, 1) == 1;
}

static void
held_done(struct chore *c)
{
	((struct hold *)c)->over = true;
}

static int told_err;
static unsigned told;

static void
on_told(void *arg, int err, const struct why *why)
{
	(void)arg;
	told_err = err;
	told++;
	if (err != 0)
		assert_int_equal(why->err, err);
}

static void
wait_told(unsigned n)
{
	for (int i = 0; i < 3000 && told < n; i++)
		rig_run(10);
	assert_int_equal(told, n);
}

/* The thread has not even begun, so that nobody's speed decides. */
static void
the_list_of_before_holds_until_the_new_one_is_read(void **state)
{
	struct hold h = {.chore = {.step = held_step, .done = held_done}};

	(void)state;
	told = 0;
	write_list(&devices, (long[2]){8, 0});
	name_file(rig.conf.client_crl, "list.crl");
	reload();
	assert_int_equal(pipe(h.fd), 0);
	disk_add(rig.disk, &h.chore, DISK_WRITE);
	write_list(&devices, (long[2]){7, 0});
	front_cert_read(rig.front, &rig.conf, on_told, NULL);
	ask(T_DTLS, "dev7");
	beside_says("1 dev7 ");
	assert_int_equal(told, 0);
	assert_int_equal(write(h.fd[1], "", 1), 1);
	wait_told(1);
	assert_true(h.over);
	assert_int_equal(told_err, 0);
	ask(T_DTLS, "dev7");
	assert_null(strstr(beside_output, "1 dev7 "));
	/* a broken one revokes as that of before */
	buf_puts(&text, "hello");
	write_file("list.crl", 0644);
	front_cert_read(rig.front, &rig.conf, on_told, NULL);
	wait_told(2);
	assert_int_equal(told_err, ERR_MALFORMED);
	ask(T_DTLS, "dev7");
	assert_null(strstr(beside_output, "1 dev7 "));
	assert_int_equal(requests(), 1);
	/* what is being read at the end is nobody's */
	front_cert_read(rig.front, &rig.conf, on_told, NULL);
	close(h.fd[0]);
	close(h.fd[1]);
}

static int
start_threaded(void **state)
{
	int rc;

	rig_threaded = true;
	rc = start(state);
	rig_threaded = false;
	return rc;
}

/* The serial number of one that was revoked is no secret, and is looked at
 * before the signature is: whoever knows it would write a line each time. */
static void
refusals_do_not_fill_the_log(void **state)
{
	uint64_t lines, spans;
	struct front_stats st;
	int64_t began;

	(void)state;
	revoke_7();
	lines = log_count(LOGL_WARN);
	began = loop_mono(rig.loop);
	for (int i = 0; i < 16; i++)
		ask(T_DTLS, "evil");
	lines = log_count(LOGL_WARN) - lines;
	spans = (uint64_t)(loop_mono(rig.loop) - began) / FEW_MS + 1;
	front_stats(rig.front, &st);
	assert_int_equal(st.certs_refused, 16);
	assert_in_range(lines, FEW_LINES, FEW_LINES + spans);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define C(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
#define T(fn) cmocka_unit_test_setup_teardown(fn, start_timed, stop)
		cmocka_unit_test_setup_teardown(
		    the_list_of_before_holds_until_the_new_one_is_read,
		    start_threaded, stop),
		T(a_reload_keeps_sessions_that_are_good),
		T(who_is_revoked_loses_his_session),
		T(a_session_ends_when_its_certificate_is_good_no_longer),
		C(nobody_is_served_by_what_he_has_lost),
		C(a_new_list_is_found),
		C(refusals_do_not_fill_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
