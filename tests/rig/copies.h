/*
 * copies: is a key still somewhere in this process? Looks through all memory
 * that it may write to, but for the stack, where the loader and sanitizers
 * save registers. A key is given with each byte changed by COPIES_MASK,
 * so that nobody who asks has one.
 */
#ifndef SUITD_TESTS_RIG_COPIES_H
#define SUITD_TESTS_RIG_COPIES_H

#include <stddef.h>
#include <stdint.h>

#define COPIES_MASK 0x5a
#define COPIES_KEY 32

/* A new one, masked. */
void copies_make(uint8_t ret[COPIES_KEY]);
void copies_put(const uint8_t masked[COPIES_KEY], uint8_t *dst);
/* How many there are. */
size_t copies_count(const uint8_t masked[COPIES_KEY]);

#endif
