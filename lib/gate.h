/*
 * gate: how much k of n tells about a rate. Exact binomial statistics
 * (Clopper and Pearson, 1934), because gates decide from ten devices on,
 * where a normal approximation is wrong in the direction that hurts.
 *
 * A confidence is one-sided and in percent, 50 .. 99: with 95, the bound is
 * wrong in at most 5 of 100 cases, whatever the true rate is. That holds for
 * one look; docs/CAMPAIGNS.md says what looking after every outcome costs.
 *
 * n is at most LIMIT_DEVICES in use; the accuracy (a relative error below
 * 1e-7) is tested up to there. A k above n counts as n, but for gate_tail.
 */
#ifndef SUITD_LIB_GATE_H
#define SUITD_LIB_GATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * P(X >= k) of a binomial X of n tries at probability p, which is clamped to
 * 0 .. 1. Exactly 1 for k = 0, exactly 0 for k > n.
 */
double gate_tail(uint64_t k, uint64_t n, double p);

/* The true rate is at least this. Exactly 0 for k = 0, and for n = 0. */
double gate_lower(uint64_t k, uint64_t n, unsigned confidence);

/*
 * gate_lower(k, n, confidence) > limit, and >= limit, by one tail instead of
 * the forty of the bound: what is asked after every outcome.
 */
bool gate_above(uint64_t k, uint64_t n, unsigned confidence, double limit);
bool gate_reaches(uint64_t k, uint64_t n, unsigned confidence, double limit);

#endif
