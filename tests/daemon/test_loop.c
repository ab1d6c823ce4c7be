#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/loop.h"

struct trace {
	struct loop *loop;
	char log[64];
	int fd;
	int64_t seen[2];
	int n;
};

static void
note(struct trace *t, const char *what)
{
	strcat(t->log, what);
}

static void
on_read(void *arg)
{
	struct trace *t = arg;
	char c;

	assert_int_equal(read(t->fd, &c, 1), 1);
	note(t, "r");
}

static void
on_hook(void *arg)
{
	struct trace *t = arg;

	note(t, "h");
	if (strcmp(t->log, "hrh") == 0)
		loop_stop(t->loop);
}

static void
the_hook_runs_before_each_sleep(void **state)
{
	struct trace t = {0};
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(loop_new(1, &t.loop), 0);
	t.fd = fd[0];
	assert_int_equal(loop_read(t.loop, fd[0], on_read, &t), 0);
	loop_before_sleep(t.loop, on_hook, &t);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(loop_run(t.loop), 0);
	/* once more at the end: nothing stays uncommitted */
	assert_string_equal(t.log, "hrhh");
	loop_free(t.loop);
	close(fd[0]);
	close(fd[1]);
}

static void
on_slow_read(void *arg)
{
	struct trace *t = arg;

	on_read(arg);
	usleep(20000);
	loop_stop(t->loop);
}

/* Waiting for events is no turn; what an event and the hook do is one. */
static void
a_turn_is_measured_from_its_first_event(void **state)
{
	struct trace t = {0};
	const struct lag *lag;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(loop_new(1, &t.loop), 0);
	lag = loop_lag(t.loop);
	t.fd = fd[0];
	assert_int_equal(loop_read(t.loop, fd[0], on_slow_read, &t), 0);
	assert_int_equal(lag->n, 0);
	assert_int_equal(write(fd[1], "xx", 2), 2);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(lag->n, 1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(lag->n, 2);
	assert_true(lag->max_us >= 20000);
	assert_true(lag_recent(lag, loop_mono(t.loop)) >= 20000);
	loop_free(t.loop);
	close(fd[0]);
	close(fd[1]);
}

static void
on_timer(void *arg)
{
	struct trace *t = arg;

	t->seen[t->n++] = loop_now(t->loop);
	if (t->n == 2) {
		loop_stop(t->loop);
		return;
	}
	loop_timer_at(t->loop, loop_now(t->loop) + 20);
}

static void
the_timer_fires_once_at_its_time(void **state)
{
	struct trace t = {0};
	int64_t start;

	(void)state;
	assert_int_equal(loop_new(1, &t.loop), 0);
	start = loop_now(t.loop);
	assert_true(start > 1600000000000);
	loop_timer(t.loop, on_timer, &t);
	loop_timer_at(t.loop, start - 1000); /* in the past: now */
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.n, 2);
	assert_true(t.seen[1] - t.seen[0] >= 19);
	loop_free(t.loop);
}

static void
on_tick(void *arg)
{
	struct trace *t = arg;

	if (++t->n == 3)
		loop_stop(t->loop);
}

static void
a_disarmed_timer_is_silent_and_ticks_repeat(void **state)
{
	struct trace t = {0}, silent = {0};

	(void)state;
	assert_int_equal(loop_new(1, &t.loop), 0);
	silent.loop = t.loop;
	loop_timer(t.loop, on_timer, &silent);
	loop_timer_at(t.loop, loop_now(t.loop) + 5);
	loop_timer_at(t.loop, 0);
	assert_int_equal(loop_every(t.loop, 10, on_tick, &t), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(silent.n, 0);
	loop_free(t.loop);
}

static void
on_signal(void *arg, int signo)
{
	struct trace *t = arg;

	t->n = signo;
	loop_stop(t->loop);
}

static void
raise_usr1(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
}

static void
signals_arrive_as_events(void **state)
{
	struct trace t = {0};

	(void)state;
	assert_int_equal(loop_new(1, &t.loop), 0);
	assert_int_equal(loop_signal(t.loop, SIGUSR1, on_signal, &t), 0);
	assert_int_equal(loop_every(t.loop, 5, raise_usr1, NULL), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.n, SIGUSR1);
	loop_free(t.loop);
}

static void
luck_is_repeatable_from_a_seed(void **state)
{
	struct loop *a, *b, *c;

	(void)state;
	assert_int_equal(loop_new(7, &a), 0);
	assert_int_equal(loop_new(7, &b), 0);
	assert_int_equal(loop_new(0, &c), 0);
	assert_int_equal(loop_rand(a), loop_rand(b));
	assert_int_not_equal(loop_rand(a), loop_rand(a));
	assert_int_not_equal(loop_rand(c), loop_rand(b));
	loop_free(a);
	loop_free(b);
	loop_free(c);
}

static void
handles_are_bounded(void **state)
{
	struct loop *l;

	(void)state;
	assert_int_equal(loop_new(1, &l), 0);
	for (int i = 0; i < 32; i++)
		assert_int_equal(loop_every(l, 1000, on_tick, NULL), 0);
	assert_int_equal(loop_every(l, 1000, on_tick, NULL), ERR_LIMIT);
	assert_int_equal(loop_read(l, -1, on_tick, NULL), ERR_INVALID);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hook_runs_before_each_sleep),
		cmocka_unit_test(a_turn_is_measured_from_its_first_event),
		cmocka_unit_test(the_timer_fires_once_at_its_time),
		cmocka_unit_test(a_disarmed_timer_is_silent_and_ticks_repeat),
		cmocka_unit_test(signals_arrive_as_events),
		cmocka_unit_test(luck_is_repeatable_from_a_seed),
		cmocka_unit_test(handles_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
