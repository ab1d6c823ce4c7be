/*
 * Block1 (RFC 7959 2.5): peers that send the blocks of their bodies in any
 * order, again, in any size, and over each other. Each byte of a block is
 * what stands at its offset in that peer's body, so whatever is ever taken
 * for a whole body must be those bytes from the first one on: out of order,
 * twice, or another's, and it is not. The places are counted, and given back.
 */
#include <stdlib.h>

#include "daemon/block1.h"
#include "tests/fuzz/fuzz.h"

#define PEERS 80 /* more than there are places */
#define CAP 5000

static struct front front;
static uint8_t body[CAP + 4096];

/* What one step of an input says. */
struct step {
	uint8_t op, peer, rtag, mid;
	struct slice option; /* Block1's value */
	size_t n; /* bytes of the block */
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static uint8_t
at(const struct step *s, size_t off)
{
	return (uint8_t)((off + 1) * 2654435761u >> 7 ^ s->peer * 31u ^
	    s->rtag * 101u);
}

/* An option that is read is written as short as it can be, and says the same
 * again; and the block that it asks for is within the body. */
static void
check_option(struct slice option, const struct block *b, size_t total)
{
	struct block_slice part;
	struct block again;
	uint8_t bytes[3];
	size_t n = block_put(*b, bytes);

	require(n <= option.n && b->szx <= 6);
	require(block_parse(slice_of(bytes, n), &again) == 0);
	require(again.num == b->num && again.more == b->more &&
	    again.szx == b->szx);
	for (uint8_t most = 0; most <= 6; most++) {
		if (block_slice(total, b, most, &part) != 0)
			continue;
		require(part.block.szx <= most && part.block.szx <= b->szx);
		require(part.off == (size_t)b->num << (b->szx + 4));
		require(part.off + part.len <= total);
		require(part.block.more == (part.off + part.len < total));
	}
}

/* As req_read leaves it. */
static void
exchange(struct exchange *x, const struct step *s, const struct block *b)
{
	static const struct route route;

	memset(x, 0, sizeof(*x));
	x->f = &front;
	x->reliable = s->op & 2;
	x->mid = s->mid;
	x->peer.b[0] = s->peer;
	x->match.route = &route;
	x->req.method = s->op & 4 ? M_PUT : M_POST;
	x->req.who.role = s->op & 8 ? ROLE_NOBODY : ROLE_DEVICE;
	strcpy(x->req.path, s->op & 16 ? "r" : "rd");
	x->rtag = slice_of(&s->rtag, s->rtag > 0);
	x->have_b1 = true;
	x->b1 = *b;
	x->b1_off = (size_t)b->num << (b->szx + 4);
	x->req.body = slice_of(body, s->n);
	for (size_t i = 0; i < s->n; i++)
		body[i] = at(s, x->b1_off + i);
}

static void
is_whole(const struct step *s, const struct exchange *x)
{
	require(x->req.body.n <= CAP);
	for (size_t i = 0; i < x->req.body.n; i++)
		require(x->req.body.p[i] == at(s, i));
}

static void
take(struct block1 *b1, const struct step *s, int64_t now)
{
	static struct exchange x;
	size_t before = block1_count(b1);
	struct block b;
	int rc;

	if (block_parse(s->option, &b) != 0)
		return;
	check_option(s->option, &b, s->n);
	exchange(&x, s, &b);
	rc = block1_take(b1, &x, CAP, now);
	require(block1_count(b1) <= LIMIT_ASSEMBLIES &&
	    block1_count(b1) <= before + 1);
	switch (rc) {
	case 0:
		require(!b.more);
		is_whole(s, &x);
		block1_drop(x.assembly);
		break;
	case BLOCK1_MORE:
	case ERR_INCOMPLETE:
	case ERR_MALFORMED:
	case ERR_SIZE:
		break;
	case ERR_BUSY:
		require(before >= LIMIT_ASSEMBLIES * 3 / 4);
		break;
	default:
		abort();
	}
}

/* op, peer, Request-Tag, Message-ID, size's two bytes, option; 0: no more. */
static size_t
step_read(struct slice in, struct step *s)
{
	if (in.n < 9)
		return 0;
	*s = (struct step){in.p[0], in.p[1] % PEERS, in.p[2] & 3, in.p[3],
	    slice_of(in.p + 6, in.p[0] >> 6), (size_t)in.p[4] << 8 | in.p[5]};
	s->n %= 2049;
	return 9;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct block1 *b1 = block1_new(NULL);
	struct slice in = slice_of(p, n);
	int64_t now = 1;
	struct step s;
	size_t used;

	require(b1 != NULL);
	while ((used = step_read(in, &s)) > 0) {
		in = slice_sub(in, used, in.n);
		if (s.op & 1) { /* time goes on */
			now += s.n * 32;
			block1_tick(b1, &front, now);
		} else {
			take(b1, &s, now);
		}
	}
	block1_tick(b1, &front, now + (LIMIT_ASSEMBLY_IDLE + 1) * 1000);
	require(block1_count(b1) == 0);
	block1_free(b1);
	return 0;
}
