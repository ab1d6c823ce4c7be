/* Windows: what is accepted prints, parses back to the same, and its next
 * change is a change. */
#include <stdlib.h>

#include "lib/window.h"
#include "tests/fuzz/fuzz.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
same(const struct window *a, const struct window *b)
{
	require(a->n == b->n && strcmp(a->zone, b->zone) == 0);
	for (unsigned i = 0; i < a->n; i++)
		require(a->range[i].days == b->range[i].days &&
		    a->range[i].start == b->range[i].start &&
		    a->range[i].end == b->range[i].end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[LIMIT_WINDOW + 2], again[LIMIT_WINDOW + 1];
	struct buf b = buf_of(again, LIMIT_WINDOW);
	int64_t until, next, now = 1711846000000; /* before a change in March */
	unsigned column = 0;
	struct window w, v;
	bool open;

	if (!slice_to_cstr(slice_of(p, n), text, sizeof(text)))
		return 0;
	if (window_parse(text, &w, &column, NULL) != 0) {
		require(column >= 1 && column <= n + 1);
		return 0;
	}
	require(w.n <= LIMIT_WINDOW_RANGES);
	window_print(&w, &b);
	require(!b.over);
	again[b.n] = '\0';
	require(window_parse(again, &v, NULL, NULL) == 0);
	same(&w, &v);
	open = window_is_open(&w, now, &until);
	require(until == 0 || until > now);
	if (until != 0)
		require(window_is_open(&w, until - 1, &next) == open &&
		    window_is_open(&w, until, &next) != open);
	return 0;
}
