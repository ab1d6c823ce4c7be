/*
 * libevent underneath, one turn at a time: the events of a turn run, then
 * the hook (commit, then the held answers), then the loop sleeps again. The
 * clocks are read once, on the first event of a turn: what happens together
 * has the same time. A timer's callback can only be called through here, so
 * a fake loop of the same interface can play days in seconds.
 */
#include "daemon/loop.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define LOOP_HANDLES 32

struct loop_handle {
	struct loop *loop;
	struct event *ev;
	void (*cb)(void *arg);
	void (*signal_cb)(void *arg, int signo);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct event *timer;
	void (*timer_cb)(void *arg);
	void *timer_arg;
	void (*hook)(void *arg);
	void *hook_arg;
	struct loop_handle handle[LOOP_HANDLES];
	size_t handles;
	int64_t now, mono, timer_at;
	int64_t woke; /* monotonic microseconds */
	struct lag lag;
	uint64_t seed;
	bool fresh; /* the clocks were read in this turn */
	bool stop;
};

static int64_t
clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
loop_clock(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static void
read_clocks(struct loop *l)
{
	if (l->fresh)
		return;
	l->now = clock_us(CLOCK_REALTIME) / 1000;
	l->woke = loop_clock();
	l->mono = l->woke / 1000;
	l->fresh = true;
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_handle *h = arg;

	read_clocks(h->loop);
	if (what & EV_SIGNAL)
		h->signal_cb(h->arg, (int)fd);
	else
		h->cb(h->arg);
}

/* At most a day ahead, since the wall clock may be set meanwhile. */
static void
arm(struct loop *l)
{
	int64_t ms = l->timer_at - clock_us(CLOCK_REALTIME) / 1000;
	struct timeval tv = {0, 0};

	if (ms > 86400000)
		ms = 86400000;
	if (ms > 0)
		tv = (struct timeval){ms / 1000, ms % 1000 * 1000};
	evtimer_add(l->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	read_clocks(l);
	if (l->now < l->timer_at) {
		arm(l);
		return;
	}
	if (l->timer_cb != NULL)
		l->timer_cb(l->timer_arg);
}

int64_t
loop_tick(void)
{
	return clock_us(CLOCK_MONOTONIC_COARSE);
}

int64_t
loop_coarse(void)
{
	return clock_us(CLOCK_REALTIME_COARSE) / 1000;
}

int
loop_new(uint64_t seed, struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return ERR_NOMEM;
	l->seed = seed;
	while (l->seed == 0)
		if (getrandom(&l->seed, sizeof(l->seed), 0) < 0)
			goto fail;
	l->base = event_base_new();
	if (l->base == NULL)
		goto fail;
	l->timer = evtimer_new(l->base, on_timer, l);
	if (l->timer == NULL)
		goto fail;
	read_clocks(l);
	l->fresh = false;
	*ret = l;
	return 0;
fail:
	loop_free(l);
	return ERR_IO;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->handles; i++)
		event_free(l->handle[i].ev);
	if (l->timer != NULL)
		event_free(l->timer);
	if (l->base != NULL)
		event_base_free(l->base);
	free(l);
}

/* Without an event there was no turn. */
static void
end_turn(struct loop *l)
{
	if (l->fresh)
		lag_add(&l->lag, (uint64_t)(loop_clock() - l->woke), l->mono);
	l->fresh = false;
}

int
loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop) {
		if (l->hook != NULL)
			l->hook(l->hook_arg);
		if (l->stop)
			break;
		end_turn(l);
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			return ERR_IO;
	}
	/* what the last events wrote is committed and answered, too */
	if (l->hook != NULL)
		l->hook(l->hook_arg);
	end_turn(l);
	return 0;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

void
loop_wake(struct loop *l)
{
	read_clocks(l);
}

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}

int64_t
loop_mono(const struct loop *l)
{
	return l->mono;
}

const struct lag *
loop_lag(const struct loop *l)
{
	return &l->lag;
}

int64_t
loop_spent(const struct loop *l)
{
	return (loop_clock() - l->woke) / 1000;
}

/* splitmix64: jitter and sampling only, never a secret. */
uint64_t
loop_rand(struct loop *l)
{
	uint64_t z = l->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void
loop_timer(struct loop *l, void (*cb)(void *arg), void *arg)
{
	l->timer_cb = cb;
	l->timer_arg = arg;
}

void
loop_timer_at(struct loop *l, int64_t at)
{
	l->timer_at = at;
	if (at == 0)
		evtimer_del(l->timer);
	else
		arm(l);
}

void
loop_before_sleep(struct loop *l, void (*cb)(void *arg), void *arg)
{
	l->hook = cb;
	l->hook_arg = arg;
}

static int
add_handle(struct loop *l, struct loop_handle h, int fd,
    const struct timeval *every)
{
	short what = h.signal_cb != NULL ? EV_SIGNAL : fd >= 0 ? EV_READ : 0;
	struct loop_handle *slot = &l->handle[l->handles];

	if (l->handles == LOOP_HANDLES)
		return ERR_LIMIT;
	*slot = h;
	slot->loop = l;
	slot->ev = event_new(l->base, fd, (short)(what | EV_PERSIST),
	    on_event, slot);
	if (slot->ev == NULL)
		return ERR_NOMEM;
	if (event_add(slot->ev, every) != 0) {
		event_free(slot->ev);
		return ERR_IO;
	}
	l->handles++;
	return 0;
}

int
loop_read(struct loop *l, int fd, void (*cb)(void *arg), void *arg)
{
	struct loop_handle h = {.cb = cb, .arg = arg};

	return fd < 0 ? ERR_INVALID : add_handle(l, h, fd, NULL);
}

int
loop_signal(struct loop *l, int signo, void (*cb)(void *arg, int signo),
    void *arg)
{
	struct loop_handle h = {.signal_cb = cb, .arg = arg};

	return add_handle(l, h, signo, NULL);
}

int
loop_every(struct loop *l, int64_t ms, void (*cb)(void *arg), void *arg)
{
	struct loop_handle h = {.cb = cb, .arg = arg};
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	return ms <= 0 ? ERR_INVALID : add_handle(l, h, -1, &tv);
}
