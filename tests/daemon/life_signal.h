/*
 * life_signal: a daemon that hears signals, under a played clock. The socket
 * that systemd would listen on is real.
 */
#ifndef SUITD_TESTS_DAEMON_LIFE_SIGNAL_H
#define SUITD_TESTS_DAEMON_LIFE_SIGNAL_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/life.h"
#include "tests/daemon/fake.h"

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

static inline int
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
static inline const char *
heard(void)
{
	static char text[1024];
	ssize_t n = recv(notify, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static inline void
said(const char *what)
{
	const char *text = heard();

	if (strstr(text, what) == NULL)
		fail_msg("not %s but \"%s\"", what, text);
}

static inline void
listen_as_systemd(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", w.dir);
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(notify, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
}

static inline void
begin(void)
{
	const struct life_opts o = {&w.app, configure, NULL};

	assert_int_equal(life_new(&o, &life), 0);
	w.app.life = life;
	assert_int_equal(life_state(life), LIFE_STARTING);
	signal_arg = life;
}

static inline int
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

static inline int
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

static inline void
signal_comes(int signo)
{
	on_signal[signo](signal_arg, signo);
}

/* The tick each half second, for `ms`. */
static inline void
ticks(int64_t ms)
{
	for (; ms > 0 && !stopped; ms -= 500) {
		w.loop.now += 500;
		w.loop.tick(life);
	}
}

/* --- the drain --- */

static inline void
drain_slowly(void)
{
	blocks++;
	ticks(500);
	signal_comes(SIGTERM);
	assert_int_equal(life_state(life), LIFE_DRAINING);
}

/* --- what systemd hears --- */

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
