/*
 * The clock: a binary heap of events over virtual milliseconds. All events
 * of one millisecond are one turn of the daemon's loop, as datagrams that
 * arrive together are; the hook before sleep runs after them when one of
 * them touched the daemon.
 */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *
sim_alloc(void *old, size_t n, size_t size)
{
	void *p = realloc(old, n * size);

	if (p == NULL) {
		fputs("sim: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

double
sim_chance(uint64_t *rnd)
{
	return (double)(backoff_rand(rnd) >> 11) / 9007199254740992.0;
}

int64_t
sim_below(uint64_t *rnd, int64_t n)
{
	return n <= 0 ? 0 : (int64_t)(backoff_rand(rnd) % (uint64_t)n);
}

char *
sim_time(int64_t ms, char dst[24])
{
	const char *sign = ms < 0 ? "-" : "";
	long long u = ms < 0 ? -(long long)ms : ms;

	if (u >= 3600000)
		snprintf(dst, 24, "%s%lldh%02lldm%02lld.%03llds", sign,
		    u / 3600000 % 100000, u / 60000 % 60, u / 1000 % 60,
		    u % 1000);
	else if (u >= 60000)
		snprintf(dst, 24, "%s%lldm%02lld.%03llds", sign, u / 60000,
		    u / 1000 % 60, u % 1000);
	else
		snprintf(dst, 24, "%s%lld.%03llds", sign, u / 1000, u % 1000);
	return dst;
}

/* --- trace --- */

void
sim_trace(struct sim *s, const struct sim_dev *d, const char *fmt, ...)
{
	char *line = s->trace[s->trace_n++ % SIM_TRACE], t[24];
	int n = snprintf(line, SIM_TRACE_LINE, "%15s  %-12s ",
	    sim_time(s->now - SIM_EPOCH, t), d != NULL ? d->ep : "");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, SIM_TRACE_LINE - (size_t)n, fmt, ap);
	va_end(ap);
	if (s->verbose)
		puts(line);
}

void
sim_trace_print(const struct sim *s)
{
	uint64_t i = s->trace_n > SIM_TRACE ? s->trace_n - SIM_TRACE : 0;

	for (; i < s->trace_n; i++)
		printf("    %s\n", s->trace[i % SIM_TRACE]);
}

/* --- the heap --- */

static bool
before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void
sim_at(struct sim *s, int64_t at,
    void (*fn)(struct sim *s, void *arg, int64_t n), void *arg, int64_t n)
{
	struct sim_event e = {at, s->seq++, fn, arg, n};
	size_t i = s->heap_n++;

	if (i == s->heap_cap) {
		s->heap_cap = s->heap_cap ? s->heap_cap * 2 : 4096;
		s->heap = sim_alloc(s->heap, s->heap_cap, sizeof(*s->heap));
	}
	for (; i > 0 && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct sim_event
pop(struct sim *s)
{
	struct sim_event top = s->heap[0], last = s->heap[--s->heap_n];
	size_t i = 0, k;

	for (; (k = 2 * i + 1) < s->heap_n; i = k) {
		if (k + 1 < s->heap_n &&
		    before(&s->heap[k + 1], &s->heap[k]))
			k++;
		if (!before(&s->heap[k], &last))
			break;
		s->heap[i] = s->heap[k];
	}
	s->heap[i] = last;
	return top;
}

void
sim_run(struct sim *s, int64_t until)
{
	while (s->heap_n > 0 && s->heap[0].at <= until) {
		int64_t at = s->heap[0].at;

		if (at > s->now)
			s->now = at;
		while (s->heap_n > 0 && s->heap[0].at <= s->now) {
			struct sim_event e = pop(s);

			e.fn(s, e.arg, e.n);
			s->events++;
		}
		if (s->touched)
			sim_turn(s);
	}
	if (until > s->now)
		s->now = until;
}

void
sim_drain(struct sim *s)
{
	s->over = true;
	while (s->heap_n > 0) {
		struct sim_event e = pop(s);

		e.fn(s, e.arg, e.n);
	}
	free(s->heap);
}

/* --- the daemon's loop --- */

int64_t
loop_now(const struct loop *l)
{
	return l->s->now;
}

int64_t
loop_mono(const struct loop *l)
{
	return l->s->now;
}

int64_t
loop_spent(const struct loop *l)
{
	(void)l;
	return 0;
}

uint64_t
loop_rand(struct loop *l)
{
	return backoff_rand(&l->s->loop_rnd);
}

void
loop_timer(struct loop *l, void (*cb)(void *arg), void *arg)
{
	l->timer = cb;
	l->timer_arg = arg;
}

static void
timer_event(struct sim *s, void *arg, int64_t at)
{
	struct loop *l = arg;

	if (s->over || !s->up || l->timer_at != at)
		return;
	l->timer_at = 0;
	s->touched = true;
	l->timer(l->timer_arg);
}

/* A turn takes time: what is due already comes a millisecond later. */
void
loop_timer_at(struct loop *l, int64_t at)
{
	struct sim *s = l->s;

	if (at != 0 && at <= s->now)
		at = s->now + 1;
	if (l->timer_at == at)
		return;
	l->timer_at = at;
	if (at != 0)
		sim_at(s, at, timer_event, l, at);
}

void
loop_before_sleep(struct loop *l, void (*cb)(void *arg), void *arg)
{
	l->hook = cb;
	l->hook_arg = arg;
}

static void
tick_event(struct sim *s, void *arg, int64_t life)
{
	struct loop *l = arg;

	if (s->over || !s->up || (unsigned)life != s->life)
		return;
	s->touched = true;
	l->tick(l->tick_arg);
	sim_count_second(s);
	sim_at(s, s->now + l->tick_ms, tick_event, l, life);
}

/* The engine has one. */
int
loop_read(struct loop *l, int fd, void (*cb)(void *arg), void *arg)
{
	(void)l;
	(void)fd;
	(void)cb;
	(void)arg;
	return ERR_UNSUPPORTED; /* there are no threads here */
}

int
loop_every(struct loop *l, int64_t ms, void (*cb)(void *arg), void *arg)
{
	l->tick = cb;
	l->tick_arg = arg;
	l->tick_ms = ms;
	sim_at(l->s, l->s->now + ms, tick_event, l, l->s->life);
	return 0;
}
