#include "tests/bench/gen.h"

unsigned
code_number(uint8_t code)
{
	return (code >> 5) * 100u + (code & 31u);
}

/*
 * The first ETag is the image's; every later one must be the same. Some
 * servers count their answers instead, and each session has another.
 */
static int
check_etag(struct gen *g, const struct wire_answer *a, struct why *why)
{
	if (g->a->any_etag)
		return 0;
	if (g->etag.p == NULL) {
		if (a->etag.n > 0)
			memcpy(g->etag_bytes, a->etag.p, a->etag.n);
		g->etag = slice_of(g->etag_bytes, a->etag.n);
	}
	return slice_eq(a->etag, g->etag) ? 0 :
	    why_set(why, ERR_CONFLICT, "the ETag changed");
}

static int
check_bytes(struct slice want, struct slice have, struct why *why)
{
	if (slice_eq(want, have))
		return 0;
	if (want.n != have.n)
		return why_set(why, ERR_DIGEST, "%zu bytes instead of %zu",
		    have.n, want.n);
	for (size_t i = 0; i < want.n; i++)
		if (want.p[i] != have.p[i])
			return why_set(why, ERR_DIGEST, "byte %zu is %02x "
			    "instead of %02x", i, have.p[i], want.p[i]);
	return 0;
}

static int
check_block(struct gen *g, uint32_t num, const struct wire_answer *a,
    struct why *why)
{
	const uint8_t szx = (uint8_t)g->a->szx;
	const size_t size = block_size(szx), off = (size_t)num * size;
	int rc;

	if (!a->have_block)
		return why_set(why, ERR_MISSING, "no Block2");
	if (a->block.num != num || a->block.szx != szx ||
	    a->block.more != (off + size < g->image.n))
		return why_set(why, ERR_RANGE, "Block2 %u/%d/%zu", a->block.num,
		    a->block.more, block_size(a->block.szx));
	if (a->have_size2 ? a->size2 != g->image.n :
	    g->a->size2 && num == 0)
		return why_set(why, ERR_SIZE, "Size2 is missing or wrong");
	rc = check_etag(g, a, why);
	if (rc != 0)
		return rc;
	return check_bytes(slice_sub(g->image, off, size), a->payload, why);
}

/* 2.03 says only that what the device has is valid (RFC 7252 5.9.1.3). */
static int
check_valid(const struct gen_args *args, const struct wire_answer *a,
    struct why *why)
{
	struct slice mine = slice_of(args->etag.b, args->etag.n);

	if (args->etag.n > 0 && !slice_eq(a->etag, mine))
		return why_set(why, ERR_CONFLICT, "2.03 with another ETag");
	return a->payload.n == 0 ? 0 :
	    why_set(why, ERR_TRAILING, "2.03 with a payload");
}

/* A diagnostic is for a person (RFC 7252 5.5.2); what is none is left out. */
static void
printable(const struct wire_answer *a, char *dst, size_t cap)
{
	size_t n = a->code >= 0x80 ? a->payload.n : 0;

	if (n >= cap)
		n = cap - 1;
	for (size_t i = 0; i < n; i++)
		dst[i] = a->payload.p[i] >= ' ' && a->payload.p[i] < 0x7f ?
		    (char)a->payload.p[i] : '?';
	dst[n] = '\0';
}

static int
check_code(const struct gen *g, const struct wire_answer *a, struct why *why)
{
	unsigned have = code_number(a->code), want = (unsigned)g->a->expect;
	char text[120];

	if (have == want)
		return 0;
	printable(a, text, sizeof(text));
	return why_set(why, ERR_REJECTED, "%u.%02u instead of %u.%02u%s%s",
	    have / 100, have % 100, want / 100, want % 100,
	    text[0] != '\0' ? ": " : "", text);
}

int
check_answer(struct gen *g, uint32_t k, const struct wire_answer *a,
    struct why *why)
{
	int rc = check_code(g, a, why);

	if (rc != 0)
		return rc;
	if (g->a->expect == 203)
		return check_valid(g->a, a, why);
	if (g->a->mode == GEN_OBSERVE && !a->have_observe)
		return why_set(why, ERR_REJECTED, "not registered");
	if (g->a->mode == GEN_GET && g->a->expect == 205 && g->image.n > 0)
		return check_block(g, g->dev[k].item, a, why);
	return 0;
}

/* Numbers are compared as RFC 7641 3.4 says; their age is not. */
int
check_notification(struct gen *g, uint32_t k, const struct wire_answer *a,
    struct why *why)
{
	uint32_t newer = (a->observe - g->dev[k].seen) & 0xffffff;
	int rc = check_code(g, a, why);

	if (rc != 0)
		return rc;
	if (!a->have_observe)
		return why_set(why, ERR_MISSING, "no Observe");
	if (newer >= 1u << 23)
		return why_set(why, ERR_ORDER, "Observe %u after %u",
		    a->observe, g->dev[k].seen);
	if (g->image.n == 0)
		return 0;
	if (a->have_block && a->block.more)
		return check_bytes(slice_sub(g->image, 0,
		    block_size(a->block.szx)), a->payload, why);
	return check_bytes(g->image, a->payload, why);
}
