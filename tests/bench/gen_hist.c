#include "tests/bench/gen_hist.h"

#define SUB (1u << HIST_SUB_BITS)

void
hist_add(struct hist *h, uint32_t us)
{
	unsigned shift = 0;

	if (us >= SUB)
		shift = 31u - (unsigned)__builtin_clz(us) - HIST_SUB_BITS;
	/* `us >> shift` is below SUB only when shift is 0 */
	h->count[(shift << HIST_SUB_BITS) + (us >> shift)]++;
	h->n++;
	if (us > h->max)
		h->max = us;
}

static uint32_t
top(unsigned bucket)
{
	unsigned shift = bucket < 2 * SUB ? 0 :
	    (bucket >> HIST_SUB_BITS) - 1;
	uint64_t low = bucket - ((uint64_t)shift << HIST_SUB_BITS);

	return (uint32_t)(((low + 1) << shift) - 1);
}

uint32_t
hist_quantile(const struct hist *h, double q)
{
	uint64_t seen = 0, want = (uint64_t)(q * (double)h->n);

	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		seen += h->count[b];
		if (seen > want)
			return top(b) < h->max ? top(b) : h->max;
	}
	return h->max;
}
