/*
 * gates: fleets that are triggered, and tell what became of it, for the tests
 * of gates.
 */
#ifndef SUITD_TESTS_DAEMON_GATES_H
#define SUITD_TESTS_DAEMON_GATES_H

#include "tests/daemon/camp.h"

#define SOAK 3600000

static struct world w;

static inline uint64_t
open_with(void **state, unsigned n)
{
	CAMP_OPEN(&w, state);
	w.loop.now = 1000000000000;
	fleet_of(&w, "d", n, DRIVER_TRIGGER);
	attest_all(&w, n);
	return released(&w, 5, "coap://fw.example/a.bin", 100);
}

/* Devices of the wave with their jobs in these states. */
static inline size_t
jobs_in(uint64_t id, uint32_t wave, struct job *ret, size_t cap)
{
	struct job page[LIMIT_PAGE];
	uint64_t after = 0;
	size_t n = LIMIT_PAGE, k = 0;

	while (n == LIMIT_PAGE) {
		n = 0;
		assert_int_equal(CS(&w, job_list, id, after, LIMIT_PAGE, page,
		    &n), 0);
		for (size_t i = 0; i < n; i++) {
			after = page[i].id;
			if (page[i].wave == wave && k < cap)
				ret[k++] = page[i];
		}
	}
	return k;
}

static inline void
tick(void)
{
	engine_due(w.app.engine);
	turn(&w);
}

/* All that may start starts, and answers. */
static inline void
start_them(void)
{
	for (int i = 0; i < 12; i++) {
		w.loop.now += 10; /* pushes are a little apart */
		tick();
		answer_all(&w, true);
	}
}

static inline void
prove(const struct job *j, size_t n)
{
	for (size_t i = 0; i < n; i++)
		runs_seq(&w, j[i].device, 5);
}

#endif
