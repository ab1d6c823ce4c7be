/*
 * COSE messages and keys from any bytes. The ring holds one key of RFC 8032
 * and one HMAC key, so that proving is reached; an accepted key is written
 * out and read back.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/cose.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
messages(struct slice in)
{
	static struct cose_key *ed, *mac;
	static const char spki[] = "302a300506032b6570032100d75a980182b10ab7"
				   "d54bfed3c964073a0ee172f3daa62325af021a68"
				   "f707511a";
	struct cose_keyring ring = {.n = 2};
	struct cose_msg m;
	struct why why;
	size_t i = 9;

	if (ed == NULL)
		must(cose_key_parse(slice_str(spki), &ed, NULL) == 0 &&
		    cose_key_hmac(slice_str("0123456789abcdef"), &mac) == 0);
	ring.key[0] = ed;
	ring.key[1] = mac;
	if (cose_parse(in, &m, &why) != 0)
		return;
	if (cose_verify(&m, m.payload.p ? SLICE_NONE : slice_str("p"), &ring,
		&i, &why) == 0)
		must(i < ring.n);
}

static void
keys(struct slice in)
{
	struct cose_key *key, *twin;
	uint8_t mem[512];
	struct buf b = buf_of(mem, sizeof(mem));
	struct why why;

	if (cose_key_parse(in, &key, &why) != 0)
		return;
	if (cose_key_kind(key) != COSE_KEY_HMAC) {
		must(cose_key_put_cose(key, &b) == 0);
		must(cose_key_parse(buf_slice(&b), &twin, &why) == 0);
		must(slice_eq(cose_key_kid(key), cose_key_kid(twin)));
		cose_key_free(twin);
	}
	cose_key_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	messages(slice_of(data, size));
	keys(slice_of(data, size));
	return 0;
}
