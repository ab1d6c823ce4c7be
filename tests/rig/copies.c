#include "tests/rig/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HUGE_MAP (UINT64_C(1) << 30) /* a sanitizer's own */

void
copies_make(uint8_t ret[COPIES_KEY])
{
	if (getrandom(ret, COPIES_KEY, 0) != COPIES_KEY)
		abort();
}

void
copies_put(const uint8_t masked[COPIES_KEY], uint8_t *dst)
{
	for (size_t i = 0; i < COPIES_KEY; i++)
		dst[i] = masked[i] ^ COPIES_MASK;
}

/* What a sanitizer has poisoned is looked at, too. */
__attribute__((no_sanitize_address)) static size_t
count_in(const uint8_t *from, const uint8_t *to, const uint8_t *masked)
{
	size_t n = 0, k;

	for (const uint8_t *p = from; p + COPIES_KEY <= to; p++) {
		for (k = 0; k < COPIES_KEY; k++)
			if ((p[k] ^ COPIES_MASK) != masked[k])
				break;
		n += k == COPIES_KEY;
	}
	return n;
}

size_t
copies_count(const uint8_t masked[COPIES_KEY])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long long from, to;
	char line[512], may[5];
	size_t n = 0;

	if (maps == NULL)
		abort();
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%llx-%llx %4s", &from, &to, may) == 3 &&
		    may[0] == 'r' && may[1] == 'w' && to - from < HUGE_MAP &&
		    strstr(line, "[stack]") == NULL)
			n += count_in((const uint8_t *)(uintptr_t)from,
			    (const uint8_t *)(uintptr_t)to, masked);
	fclose(maps);
	return n;
}
