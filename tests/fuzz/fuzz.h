/*
 * fuzz: the entry point of libFuzzer. Linked with replay.c instead of an
 * engine, a target is an ordinary test over its corpus.
 */
#ifndef SUITD_TESTS_FUZZ_H
#define SUITD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
