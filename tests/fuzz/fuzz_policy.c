/*
 * A campaign's policy: what is accepted prints within the cap and reads back
 * the same; what is refused changes nothing and names a column of the line.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[LIMIT_POLICY + 3];
	uint8_t out[LIMIT_POLICY + 1];
	struct buf w = buf_of(out, LIMIT_POLICY);
	struct policy a, b;
	unsigned column = 0;

	if (n >= sizeof(text))
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	policy_default(&a);
	policy_default(&b);
	if (policy_parse(text, &a, &column, NULL) != 0) {
		if (column == 0 || column > strlen(text) + 1 ||
		    memcmp(&a, &b, sizeof(a)) != 0)
			abort();
		return 0;
	}
	policy_print(&a, &w);
	out[w.n] = '\0';
	if (w.over || policy_parse((char *)out, &b, NULL, NULL) != 0 ||
	    memcmp(&a, &b, sizeof(a)) != 0 ||
	    policy_check(&a, NULL) != policy_check(&b, NULL))
		abort();
	return 0;
}
