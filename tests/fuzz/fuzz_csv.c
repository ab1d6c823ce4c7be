/* Lines of CSV: fields lie inside of the line, and what is accepted, written
 * anew, is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "lib/csv.h"
#include "tests/fuzz/fuzz.h"

#define FIELDS 6
#define LINE 4096

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
again(const struct slice *f, size_t n)
{
	static uint8_t text[2 * LINE + 3 * FIELDS];
	struct buf b = buf_of(text, sizeof(text));
	struct slice g[FIELDS];
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, i > 0 ? "," : "");
		csv_put(&b, f[i]);
	}
	require(!b.over);
	require(csv_split((char *)text, b.n, g, FIELDS, &m) == 0 && m == n);
	for (size_t i = 0; i < n; i++)
		require(slice_eq(f[i], g[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char line[LINE];
	struct slice f[FIELDS];
	size_t nf = 0;

	if (n > sizeof(line))
		return 0;
	memcpy(line, p, n);
	if (csv_split(line, n, f, FIELDS, &nf) != 0)
		return 0;
	require(nf >= 1 && nf <= FIELDS);
	for (size_t i = 0; i < nf; i++)
		require((const char *)f[i].p >= line &&
		    (const char *)f[i].p + f[i].n <= line + n);
	again(f, nf);
	return 0;
}
