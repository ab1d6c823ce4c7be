/* admit_world: a world for the tests of admission, on both stores. */
#ifndef SUITD_TESTS_DAEMON_ADMIT_WORLD_H
#define SUITD_TESTS_DAEMON_ADMIT_WORLD_H

#include "tests/daemon/fleet.h"

static struct world w;
static struct resp resp;

static inline int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static inline int
setup_sqlite(void **state)
{
	(void)state;
	world_open(&w, fake_sqlite);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static inline void
fleet(struct store_device *d, size_t n, bool apart)
{
	char ep[16], addr[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(ep, sizeof(ep), "dev%u", i);
		snprintf(addr, sizeof(addr), "10.0.%u.%u", apart ? i : 0, i);
		d[i] = fleet_add(&w, ep, DRIVER_NONE, addr);
	}
}

#endif
