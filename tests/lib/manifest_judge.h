/*
 * manifest_judge: a manifest judged, and what was found in it, for the tests
 * of lib/manifest.h.
 */
#ifndef SUITD_TESTS_LIB_MANIFEST_JUDGE_H
#define SUITD_TESTS_LIB_MANIFEST_JUDGE_H

#include "tests/lib/manifest_make.h"

static struct made made;
static struct manifest m;
static struct manifest_proof proof;
static struct manifest_plan plan;

/* Well-signed, and still refused (or 0: accepted). */
static inline int
judge(const char *manifest)
{
	make_envelope(&made, manifest, 0, NULL);
	return make_judge(made_slice(&made), &m, &proof, &plan);
}

static inline int
judge_members(const char *manifest, size_t count, const char *members)
{
	make_envelope(&made, manifest, count, members);
	return make_judge(made_slice(&made), &m, &proof, &plan);
}

static inline int
judge_raw(const char *envelope)
{
	make_raw(&made, envelope);
	return make_judge(made_slice(&made), &m, &proof, &plan);
}

/* How many of the bits of what was judged may be another. */
static inline size_t
judge_flips(void)
{
	size_t accepted = 0;

	for (size_t i = 0; i < made.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			made.bytes[i] ^= (uint8_t)(1 << bit);
			accepted += manifest_parse(made_slice(&made), &m,
			    NULL) == 0 && manifest_verify(&m,
			    &make_keys()->ring, &proof, NULL) == 0;
			made.bytes[i] ^= (uint8_t)(1 << bit);
		}
	return accepted;
}

#endif
