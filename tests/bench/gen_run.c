/*
 * The loop: timers, turns, what has come. When answers come by few at a
 * time it sleeps a little (--pause) instead of being woken for each: in a
 * deep window nobody waits for that, and neither side pays for the waking.
 */
#include "tests/bench/gen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FEW 48 /* answers at once */
#define DRAIN_US 200000 /* for what is in sight at the end */
#define SECOND 1000000u

static double
seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t
gen_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
}

static int
map_image(struct gen *g, struct why *why)
{
	struct stat st;
	int fd = open(g->a->file, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		return why_set(why, ERR_IO, "%s: not a file with bytes",
		    g->a->file);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return why_set(why, ERR_IO, "%s: mmap", g->a->file);
	g->image = slice_of(p, (size_t)st.st_size);
	if (g->a->mode == GEN_GET)
		g->blocks = (uint32_t)((g->image.n - 1) /
		    block_size((uint8_t)g->a->szx) + 1);
	return 0;
}

static int
prepare(struct gen *g, struct why *why)
{
	int rc = 0;

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	if (g->a->file != NULL)
		rc = map_image(g, why);
	if (rc == 0 && wire_init(&g->wire, g->a) != 0)
		rc = why_set(why, ERR_SIZE, "path and query are too long");
	if (rc == 0)
		rc = net_open(g->a, &g->net, why);
	if (rc == 0 && g->a->dtls)
		rc = tls_new(g->a, g->net, &g->tls, why);
	if (rc == 0 && dev_init(g) != 0)
		rc = why_set(why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	return rc;
}

static void
finish(struct gen *g)
{
	tls_free(g->tls);
	net_close(g->net);
	free(g->dev);
	if (g->image.n > 0)
		munmap((void *)(uintptr_t)g->image.p, g->image.n);
}

/* --- the loop --- */

static void
sleep_us(uint64_t us)
{
	struct timespec t = {0, (long)us * 1000};

	nanosleep(&t, NULL);
}

static void
turn(struct gen *g)
{
	bool more;
	unsigned n;

	g->now = gen_clock() - g->origin;
	wheel_advance(&g->wheel, (uint32_t)(g->now / 1000), dev_due, g);
	dev_turns(g);
	net_flush(g->net);
	more = g->head != WHEEL_NONE && g->in_sight < g->a->window;
	n = net_receive(g->net, dev_datagram, g);
	net_flush(g->net);
	if (n == 0 && !more)
		net_wait(g->net, 1);
	else if (n > 0 && n < FEW && !more && g->a->pause > 0)
		sleep_us(g->a->pause);
}

/* Runs until `end` says so; a line of progress each second. */
static void
loop(struct gen *g, bool (*end)(const struct gen *g))
{
	uint64_t next = g->now + SECOND;

	while (!end(g)) {
		turn(g);
		if (g->now < next)
			continue;
		next += SECOND;
		if (g->a->progress)
			show_progress(g);
	}
}

static bool
all_shaken(const struct gen *g)
{
	return g->shaken == g->a->peers;
}

static bool
is_over(const struct gen *g)
{
	if (g->over == g->a->peers)
		return true;
	if (g->a->seconds > 0 &&
	    (double)(g->now - g->start) / SECOND >= g->a->seconds)
		return true;
	if (g->a->mode == GEN_OBSERVE)
		return g->t.notifications >= g->a->count;
	return g->issued >= g->a->count && g->in_sight == 0;
}

static bool
is_drained(const struct gen *g)
{
	return g->in_sight == 0 || g->now - g->start > DRAIN_US;
}

/* --- phases --- */

static void
shake_all(struct gen *g)
{
	double t0 = seconds_of(CLOCK_MONOTONIC);

	loop(g, all_shaken);
	g->shaking = false;
	g->handshake_seconds = seconds_of(CLOCK_MONOTONIC) - t0;
	if (!g->a->handshakes)
		memset(&g->t.latency, 0, sizeof(g->t.latency));
}

static void
wait_at_gate(void)
{
	char line[64];

	puts("ready");
	fflush(stdout);
	(void)!fgets(line, sizeof(line), stdin);
}

int
gen_run(struct gen *g, struct why *why)
{
	struct span s = {0};
	int rc = prepare(g, why);

	if (rc != 0) {
		finish(g);
		return rc;
	}
	g->origin = gen_clock();
	g->cpu_start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	if (g->shaking)
		shake_all(g);
	if (!g->a->handshakes) {
		if (g->a->gate)
			wait_at_gate();
		g->now = g->start = gen_clock() - g->origin;
		wheel_advance(&g->wheel, (uint32_t)(g->now / 1000), dev_due,
		    g);
		if (g->a->think > 0)
			dev_scatter(g);
		g->cpu_start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
		loop(g, is_over);
	}
	g->stopping = true;
	s.seconds = (double)(gen_clock() - g->origin - g->start) / SECOND;
	s.cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - g->cpu_start;
	g->start = g->now;
	loop(g, is_drained);
	show_json(g, &s);
	finish(g);
	return 0;
}
