/* gen_rand: splitmix64. Small, seeded, and good enough to lose datagrams. */
#ifndef SUITD_BENCH_GEN_RAND_H
#define SUITD_BENCH_GEN_RAND_H

#include <stdint.h>

static inline uint64_t
rand_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* 0 <= and < 1 */
static inline double
rand_share(uint64_t *state)
{
	return (double)(rand_next(state) >> 11) / 9007199254740992.0;
}

#endif
