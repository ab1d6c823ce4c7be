/*
 * backoff: floor, jitter and cap in one formula. The floor is what full
 * jitter lacks (it may retry at once into the trouble that made it fail), the
 * jitter is what a plain exponential lacks (10 000 devices that failed
 * together come back together), and the cap keeps the tail of a roll-out
 * short.
 */
#include "lib/backoff.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const char *const class_names[FAIL_CLASSES] = {
	[FAIL_NONE] = "none",
	[FAIL_TRANSPORT] = "transport",
	[FAIL_OVERLOAD] = "overload",
	[FAIL_INTEGRITY] = "integrity",
	[FAIL_POLICY] = "policy",
	[FAIL_EXECUTION] = "execution",
};

const char *
fail_class_name(enum fail_class c)
{
	return (unsigned)c < FAIL_CLASSES ? class_names[c] : "unknown";
}

/* U(0, span), both ends included. */
static int64_t
uniform(uint64_t rnd, int64_t span)
{
	return span > 0 ? (int64_t)(rnd % ((uint64_t)span + 1)) : 0;
}

int64_t
backoff_delay(const struct backoff_rule *rule, unsigned fails, uint64_t rnd)
{
	int64_t w = rule->base_ms;

	/* one factor at a time, so that no shift can overflow */
	for (unsigned n = 0; n < fails && w < rule->cap_ms; n++) {
		if (rule->factor_log2 == 0)
			break;
		for (unsigned k = 0; k < rule->factor_log2; k++) {
			if (w > rule->cap_ms / 2) {
				w = rule->cap_ms;
				break;
			}
			w *= 2;
		}
	}
	if (w > rule->cap_ms)
		w = rule->cap_ms;
	return rule->base_ms + uniform(rnd, w - rule->base_ms);
}

int64_t
backoff_steered(bool have, uint64_t max_age_s, int64_t cap_ms, uint64_t rnd)
{
	int64_t ms, jitter;

	if (!have)
		max_age_s = 60;
	if (cap_ms < SECOND)
		cap_ms = SECOND;
	if (max_age_s > (uint64_t)cap_ms / 1000)
		ms = cap_ms;
	else
		ms = (int64_t)max_age_s * 1000;
	if (ms < SECOND)
		ms = SECOND;
	jitter = ms / 10 < 30 * SECOND ? ms / 10 : 30 * SECOND;
	return ms + uniform(rnd, jitter);
}

void
backoff_default(struct backoff_policy *ret_policy)
{
	*ret_policy = (struct backoff_policy){
		.rule = {
			/* A dead RIOT transfer takes 84 s to die, and a
			 * trigger before that is taken and ignored. A longer
			 * cap than an hour stretches the tail of a roll-out
			 * from 10 to 16-24 h (measured by simulation). */
			[FAIL_TRANSPORT] = {90 * SECOND, HOUR, 1, 20},
			/* Steered by the peer, never counted. A day is what
			 * an authenticated peer may ask for. */
			[FAIL_OVERLOAD] = {SECOND, 24 * HOUR, 0, 1},
			/* A whole image is paid for each try. */
			[FAIL_INTEGRITY] = {5 * MINUTE, 24 * HOUR, 1, 4},
			/* Another try gives the same answer. */
			[FAIL_POLICY] = {HOUR, 24 * HOUR, 0, 0},
			/* Each try wears flash and risks the device. */
			[FAIL_EXECUTION] = {15 * MINUTE, 24 * HOUR, 2, 3},
		},
		.attempts_total = 24,
	};
}

uint64_t
backoff_rand(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
