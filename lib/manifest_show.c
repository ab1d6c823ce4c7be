/*
 * manifest_show: names for people.
 */
#include "lib/manifest_key.h"
#include "lib/text.h"

static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '/')
			return false;
	return s.n > 0;
}

/*
 * Parts that are plain text as they are, others in hex, '/' between. What
 * does not fit is cut with "...".
 */
char *
manifest_component_name(struct slice component, char *dst, size_t cap)
{
	struct cbr c = cbr_of(component);
	struct buf b;
	struct slice part;
	uint64_t n;

	if (cap == 0)
		return dst;
	b = buf_of(dst, cap - 1);
	if (cbr_get_array(&c, &n) != 0)
		n = 0;
	for (uint64_t i = 0; i < n && !b.over &&
	    cbr_get_bstr(&c, &part) == 0; i++) {
		if (i > 0)
			buf_put_u8(&b, '/');
		if (is_plain(part)) {
			buf_put(&b, part);
			continue;
		}
		for (size_t j = 0; j < part.n; j++) {
			char hex[3];
			buf_puts(&b, text_hex(slice_sub(part, j, 1), hex,
			    sizeof(hex)));
		}
	}
	if (b.over && b.cap >= 3) {
		b.n = b.n < b.cap - 3 ? b.n : b.cap - 3;
		memcpy(b.p + b.n, "...", 3);
		b.n += 3;
	}
	dst[b.n] = '\0';
	return dst;
}
