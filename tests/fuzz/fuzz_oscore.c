/* Datagrams at the port of OSCORE: what is read, opened and sealed lies in
 * its bounds; and the first byte may say that the rest is the inside of a
 * message that somebody sealed who has the key. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/oscore_impl.h"

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
inside(struct slice s, struct slice in)
{
	require(s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n));
}

static const struct oscore_keys keys = {.sender = {1, {'s'}},
	.recipient = {1, {'r'}}, .sender_key = "0123456789abcde",
	.recipient_key = "edcba9876543210", .iv = "abcdefghijkl"};

static void
open_one(struct slice in)
{
	uint8_t out[LIMIT_OSCORE_MESSAGE];
	struct buf b = buf_of(out, sizeof(out));
	struct oscore_inner inner;
	struct oscore_outer o;
	int rc = oscore_read(in, &o);

	if (rc != 0)
		return;
	inside(o.token, in);
	inside(o.kid, in);
	inside(o.context, in);
	inside(o.piv, in);
	inside(o.sealed, in);
	require(o.token.n <= 8 && o.kid.n <= OSCORE_ID && o.piv.n >= 1 &&
	    o.piv.n <= OSCORE_PIV && o.seq < OSCORE_SEQ_END);
	if (oscore_open(&keys, &o, &b, &inner) != 0)
		return;
	inside(inner.echo, buf_slice(&b));
	require(inner.code >= 1 && inner.code <= 31 && b.n <= in.n);
}

/* As a peer who has the key would. */
static void
seal_and_open(struct slice plain)
{
	static const uint8_t piv[] = {1};
	struct oscore_nonce n = {keys.recipient, {piv, 1}};
	struct oscore_text t = {keys.recipient_key, keys.iv, &n,
	    {keys.recipient.b, 1}, {piv, 1}};
	uint8_t in[LIMIT_OSCORE_MESSAGE];
	struct buf b = buf_of(in, sizeof(in));

	if (plain.n + 32 > sizeof(in))
		return;
	buf_put(&b, slice_of("\x40\x02\0\1\x93\x09\1r\xff", 9));
	require(oscore_encrypt(&t, plain, in + b.n) == 0);
	open_one(slice_of(in, b.n + plain.n + OSCORE_TAG));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct oscore_asked asked = {{1}, 1};
	uint8_t out[2 * LIMIT_OSCORE_MESSAGE];
	struct buf b = buf_of(out, sizeof(out));
	struct oscore_secret s;
	struct slice in;

	if (n < 1)
		return 0;
	in = slice_of(p + 1, n - 1);
	switch (p[0] % 4) {
	case 0:
		open_one(in);
		break;
	case 1:
		seal_and_open(in);
		break;
	case 2:
		if (oscore_seal(&keys, &asked, (struct oscore_with){true, 7},
		    in, &b) == 0)
			require(b.n <= in.n + OSCORE_GROWS);
		break;
	case 3:
		if (oscore_secret_get(in, &s) == 0)
			require(s.master_n >= LIMIT_OSCORE_MASTER_LEAST);
		break;
	}
	return 0;
}
