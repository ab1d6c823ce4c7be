#include "lib/block.h"

#define BLOCK_NUM_MAX 0xfffffu

int
block_parse(struct slice opt, struct block *ret)
{
	uint32_t v = 0;

	if (opt.n > 3)
		return ERR_BAD_OPTION;
	for (size_t i = 0; i < opt.n; i++)
		v = v << 8 | opt.p[i];
	if ((v & 7) == 7) /* RFC 7959 2.2: reserved, and 4.00 */
		return ERR_MALFORMED;
	*ret = (struct block){v >> 4, (v & 8) != 0, (uint8_t)(v & 7)};
	return 0;
}

size_t
block_put(struct block b, uint8_t dst[3])
{
	uint32_t v = b.num << 4 | (b.more ? 8u : 0u) | b.szx;
	size_t n = v > 0xffff ? 3 : v > 0xff ? 2 : v > 0 ? 1 : 0;

	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	return n;
}

int
block_slice(size_t total, const struct block *req, uint8_t szx_max,
    struct block_slice *ret)
{
	struct block b = {0, false, szx_max};
	uint64_t off, num;
	size_t size;

	if (req != NULL) {
		b.szx = req->szx < szx_max ? req->szx : szx_max;
		off = (uint64_t)req->num << (req->szx + 4);
	} else {
		off = 0;
	}
	/* an empty body has one block, and it is empty */
	if (off > 0 && off >= total)
		return ERR_RANGE;
	/* the smaller size keeps the offset, so the number grows */
	num = off >> (b.szx + 4);
	if (num > BLOCK_NUM_MAX)
		return ERR_RANGE;
	b.num = (uint32_t)num;
	size = block_size(b.szx);
	b.more = total - (size_t)off > size;
	ret->block = b;
	ret->off = (size_t)off;
	ret->len = b.more ? size : total - (size_t)off;
	ret->use_option = req != NULL || b.more;
	return 0;
}
