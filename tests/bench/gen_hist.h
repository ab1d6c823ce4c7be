/*
 * gen_hist: microseconds in, quantiles out, in constant memory. Below 64 us
 * a bucket is a microsecond wide, above it 1/64 of its power of two: what is
 * said of a value is wrong by at most 1.6 %. The maximum is exact.
 */
#ifndef SUITD_BENCH_GEN_HIST_H
#define SUITD_BENCH_GEN_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 6
#define HIST_BUCKETS ((32 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

/* Zero bytes are an empty one. */
struct hist {
	uint64_t n;
	uint32_t max;
	uint64_t count[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint32_t us);
/* The smallest bucket's top below which `q` (0..1) of all are; 0 if empty. */
uint32_t hist_quantile(const struct hist *h, double q);

#endif
