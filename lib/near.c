#include "lib/near.h"

#include <string.h>

static unsigned
min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment over three rows. */
unsigned
near_distance(const char *a, const char *b)
{
	unsigned row[3][NEAR_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NEAR_MAX || nb > NEAR_MAX)
		return NEAR_MAX + 1;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *cur = row[i % 3], *up = row[(i - 1) % 3];
		const unsigned *up2 = row[(i + 1) % 3];

		cur[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			cur[j] = min2(up[j], cur[j - 1]) + 1;
			cur[j] = min2(cur[j],
			    up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cur[j] = min2(cur[j], up2[j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

int
near_match(const char *a, const char *b)
{
	size_t n = strlen(b);

	return near_distance(a, b) <= (n < 4 ? 1 : n < 8 ? 2 : 3);
}
