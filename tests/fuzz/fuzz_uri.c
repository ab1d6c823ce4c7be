/* URIs: whatever is accepted is made of allowed bytes, its parts lie inside
 * of the input, its path is canonical and comes apart again. */
#include <stdlib.h>

#include "lib/uri.h"
#include "tests/fuzz/fuzz.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
inside(struct slice in, struct slice part)
{
	require(part.n == 0 ||
	    (part.p >= in.p && part.p + part.n <= in.p + in.n));
}

/* The segments, put together anew, are the path. */
static void
round_trip(const char *path)
{
	char seg[LIMIT_PATH + 1], again[LIMIT_PATH + 1];
	struct buf b = buf_of(again, sizeof(again));
	int rc = 0;

	for (size_t i = 0; rc == 0; i++) {
		rc = uri_path_segment(slice_str(path), i, seg, sizeof(seg));
		if (rc == 0 && i == 0 && seg[0] == '\0')
			return; /* a first empty segment leaves no trace */
		if (rc == 0)
			uri_path_add(&b, slice_str(seg));
	}
	if (rc == ERR_NOT_FOUND) /* else it had a NUL */
		require(slice_eq_str(buf_slice(&b), path));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = slice_of(p, n);
	char path[LIMIT_PATH + 1];
	struct uri u;

	if (uri_parse(in, &u, NULL) != 0)
		return 0;
	require(n <= LIMIT_URI);
	inside(in, u.host);
	inside(in, u.path);
	inside(in, u.query);
	inside(in, u.fragment);
	require(u.scheme != URI_COAP || (u.host.n > 0 && u.port > 0));
	for (size_t i = 0; i < LIMIT_QUERY; i++) {
		char part[LIMIT_URI + 1];
		struct buf b = buf_of(part, sizeof(part));

		if (uri_query(&u, i, &b) != 0)
			break;
	}
	if (uri_path(&u, path, sizeof(path)) == 0) {
		require(strlen(path) <= LIMIT_PATH);
		round_trip(path);
		uri_path_loose(path);
	}
	return 0;
}
