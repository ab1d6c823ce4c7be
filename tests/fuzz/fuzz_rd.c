/* Registrations: options separated by '&', then a new line and the links.
 * What is accepted is terminated, within its caps and read the same twice. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/rd.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static size_t
find(struct slice s, int c)
{
	const uint8_t *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct rd a, b;
	struct slice q[LIMIT_QUERY + 2] = {{NULL, 0}}, in = slice_of(p, n);
	size_t count = 0, line = find(in, '\n');
	struct slice query = slice_sub(in, 0, line);
	struct slice payload = slice_sub(in, line + 1, n);
	int rc;

	while (query.n > 0 && count < LIMIT_QUERY + 2) {
		size_t len = find(query, '&');

		q[count++] = slice_sub(query, 0, len);
		query = slice_sub(query, len + 1, query.n);
	}
	rc = rd_parse(q, count, payload, &a, NULL);
	require(rc == rd_parse(q, count, payload, &b, NULL));
	if (rc != 0)
		return 0;
	require(memcmp(&a, &b, sizeof(a)) == 0);
	require(count <= LIMIT_QUERY && a.tag_count <= LIMIT_TAGS);
	require(a.lt > 0);
	require(memchr(a.ep, 0, sizeof(a.ep)) != NULL);
	require(memchr(a.base, 0, sizeof(a.base)) != NULL);
	require(memchr(a.version, 0, sizeof(a.version)) != NULL);
	require(memchr(a.class_alias, 0, sizeof(a.class_alias)) != NULL);
	for (size_t i = 0; i < a.tag_count; i++) {
		require(a.tag[i].name[0] != '\0');
		require(memchr(a.tag[i].name, 0, LIMIT_TAG_NAME + 1) != NULL);
		require(memchr(a.tag[i].value, 0, LIMIT_TAG_VALUE + 1) !=
		    NULL);
	}
	return 0;
}
