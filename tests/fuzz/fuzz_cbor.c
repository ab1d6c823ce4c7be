/*
 * The cursor over any bytes, strict and lenient. Beyond not crashing: what
 * cbr_check accepts can be read item by item to its very end, and every
 * error leaves the cursor where it was.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/cbor.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
heads(struct slice in, bool lenient, bool well_formed)
{
	struct cbr c = cbr_of(in);
	struct cbr_item it;
	size_t from;
	int rc = 0;

	c.lenient = lenient;
	while (rc == 0) {
		from = c.pos;
		rc = cbr_next(&c, &it);
		must(rc == 0 ? c.pos > from && c.pos <= in.n : c.pos == from);
		must(rc != 0 || it.raw.p == in.p + from);
	}
	must(!well_formed || cbr_end(&c));
}

static void
getters(struct slice in, bool lenient)
{
	struct cbr c = cbr_of(in);
	struct cbr_iter iter;
	struct slice s;
	uint64_t u;
	int64_t i;
	bool b;
	size_t from;

	c.lenient = lenient;
	do {
		from = c.pos;
		if (cbr_enter(&c, CBR_MAP, &iter) == 0 ||
		    cbr_enter(&c, CBR_ARRAY, &iter) == 0)
			must(!cbr_more(&c, &iter) || iter.err == 0);
		else if (cbr_get_int(&c, &i) != 0 &&
		    cbr_get_bstr(&c, &s) != 0 && cbr_get_tstr(&c, &s) != 0 &&
		    cbr_get_bool(&c, &b) != 0 && cbr_get_tag(&c, &u) != 0 &&
		    cbr_get_null(&c) != 0 && cbr_skip(&c, &s) != 0)
			must(c.pos == from);
	} while (c.pos > from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	for (int lenient = 0; lenient < 2; lenient++) {
		struct cbr c = cbr_of(in);
		bool whole;

		c.lenient = lenient;
		whole = cbr_skip(&c, NULL) == 0 && cbr_end(&c);
		must(lenient || whole == (cbr_check(in) == 0));
		heads(in, lenient, whole);
		getters(in, lenient);
	}
	return 0;
}
