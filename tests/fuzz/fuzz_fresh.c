/* Nonces and answers to them: what is accepted is within its caps, and a
 * question is written back the same. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/fresh.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trust none;
	const struct slice in = slice_of(data, size);
	uint8_t bytes[512];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct fresh_ask ask;
	struct fresh f;
	struct why why;
	uint64_t seq;

	if (fresh_ask_parse(in, &ask, &why) == 0) {
		must(ask.nonce.n >= LIMIT_NONCE_LEAST &&
		    ask.nonce.n <= LIMIT_NONCE &&
		    ask.class_count <= LIMIT_FRESH_CLASSES);
		fresh_ask_put(&ask, &b);
		must(!b.over && slice_eq(buf_slice(&b), in));
	}
	if (fresh_parse(in, &f, &why) == 0) {
		must(f.class_count <= LIMIT_FRESH_CLASSES);
		if (f.class_count > 0)
			must(fresh_seq(&f, f.class_id[0], &seq) &&
			    seq == f.seq[0]);
	}
	must(fresh_verify(in, &none, &f, &why) != 0); /* nobody's key */
	return 0;
}
