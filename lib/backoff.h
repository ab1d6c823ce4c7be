/*
 * backoff: when may a failed thing be tried again. Pure: time and luck are
 * arguments. Times are milliseconds.
 */
#ifndef SUITD_LIB_BACKOFF_H
#define SUITD_LIB_BACKOFF_H

#include "lib/slice.h"

/* Failure classes; the numbers are stored and never change. */
enum fail_class {
	FAIL_NONE = 0,
	FAIL_TRANSPORT = 1, /* T: time-outs, resets, 5.00 5.02 5.04 */
	FAIL_OVERLOAD = 2, /* O: 4.29 and 5.03; not a failure */
	FAIL_INTEGRITY = 3, /* I: block or image digest */
	FAIL_POLICY = 4, /* P: signature, rights, class, sequence */
	FAIL_EXECUTION = 5, /* X: flash, boot, roll-back */
	FAIL_CLASSES = 6,
};
const char *fail_class_name(enum fail_class c); /* "transport" ... */

struct backoff_rule {
	int64_t base_ms; /* the floor: never sooner */
	int64_t cap_ms;
	unsigned factor_log2; /* window = base << (n * factor_log2), capped */
	unsigned attempts; /* failures of this class until give-up; 0: never
	                      tried again without an operator */
};
struct backoff_policy {
	struct backoff_rule rule[FAIL_CLASSES];
	unsigned attempts_total; /* budget of a job over all classes */
};

/*
 * Delay before try n + 1 after n failures (n >= 1) of a class:
 * base + U(0, w - base) with w = min(cap, base << (n * factor_log2)), so that
 * the first retry is spread too.
 * `rnd` is uniform over 64 bits. Property: base <= delay <= max(cap, base).
 */
int64_t backoff_delay(const struct backoff_rule *rule, unsigned fails,
    uint64_t rnd);
/* What a peer's Max-Age asks for: clamped to [1 s, cap] plus jitter of at
 * most min(30 s, a tenth). `have` false counts as 60 s (RFC 8516). */
int64_t backoff_steered(bool have, uint64_t max_age_s, int64_t cap_ms,
    uint64_t rnd);
/* The default policy of delivery to a device kind; riot raises T to 90 s. */
void backoff_default(struct backoff_policy *ret_policy);

/* A 64-bit generator (splitmix64) so that a seed replays a run. */
uint64_t backoff_rand(uint64_t *state);

#endif
