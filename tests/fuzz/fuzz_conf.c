/* The configuration's text: what is accepted prints and reads back; what is
 * not has errors, in the order of lines. */
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct conf a, b;
	static uint8_t out[65536];
	static struct conf_errors e;
	struct buf w = buf_of(out, sizeof(out) - 1);
	char text[4096];

	if (n >= sizeof(text))
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	if (conf_read(text, &a, &e) != 0) {
		if (e.n == 0 || e.n > LIMIT_CONF_ERRORS ||
		    (e.more > 0 && e.n < LIMIT_CONF_ERRORS))
			abort();
		for (size_t i = 1; i < e.n; i++)
			if (e.at[i].line < e.at[i - 1].line)
				abort();
		return 0;
	}
	conf_print(&a, &w);
	out[w.n] = '\0';
	if (w.over || conf_parse((char *)out, &b, NULL) != 0 ||
	    memcmp(&a, &b, sizeof(a)) != 0)
		abort();
	return 0;
}
