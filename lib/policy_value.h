/*
 * policy_value: the values of a policy from text and back, for policy_key.c.
 */
#ifndef SUITD_LIB_POLICY_VALUE_H
#define SUITD_LIB_POLICY_VALUE_H

#include "lib/policy.h"

/* "5", "0.25", "1.5" times 100; ERR_MALFORMED, ERR_RANGE. */
int policy_hundredths(struct slice in, uint64_t *ret) MUST_USE;
int policy_seconds(struct slice in, uint64_t *ret) MUST_USE;
/* Unix seconds, or YYYY-MM-DDTHH:MM[:SS]Z from 1970 on (RFC 3339, UTC). */
int policy_time(struct slice in, uint64_t *ret) MUST_USE;
/* A number of any numeric type as it is written. */
void policy_number_put(enum policy_type type, uint64_t u, struct buf *out);

/* ERR_MALFORMED, ERR_RANGE, ERR_SIZE (too many), ERR_ORDER. */
int policy_waves_parse(struct slice in, struct policy_wave ret[POLICY_WAVES],
    uint32_t *ret_n) MUST_USE;
void policy_waves_put(const struct policy_wave *w, uint32_t n,
    struct buf *out);

/* The index of a word in "a|b|c", or -1; and back. */
int policy_word(const char *words, struct slice in);
void policy_word_put(const char *words, int i, struct buf *out);

#endif
