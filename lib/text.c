/*
 * One table-free function per form. Writers cut at the caller's capacity and
 * always terminate; readers put nothing into the caller's buffer on failure.
 */
#include "lib/text.h"

#include <stdio.h>

#include "lib/digest.h"

/* RFC 9562 6.6: the namespace of domain names. */
const uint8_t text_uuid_dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11,
    0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

static const char hex_digits[] = "0123456789abcdef";
static const char b64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *
text_hex(struct slice in, char *dst, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n && n + 2 < cap; i++) {
		dst[n++] = hex_digits[in.p[i] >> 4];
		dst[n++] = hex_digits[in.p[i] & 15];
	}
	if (cap > 0)
		dst[n] = '\0';
	return dst;
}

/* What a failed reader leaves behind: nothing. */
static int
finish(struct buf *out, struct buf done, int rc)
{
	if (rc == 0 && done.over)
		rc = ERR_SPACE;
	if (rc == 0)
		*out = done;
	return rc;
}

int
text_unhex(struct slice in, struct buf *out)
{
	struct buf b = *out;
	int high = -1, v;

	b.over = false;
	for (size_t i = 0; i < in.n; i++) {
		if (memchr(" \t\r\n\v\f", in.p[i], 6) != NULL)
			continue;
		if ((v = hex_value(in.p[i])) < 0)
			return ERR_MALFORMED;
		if (high >= 0)
			buf_put_u8(&b, (uint8_t)(high << 4 | v));
		high = high >= 0 ? -1 : v;
	}
	return finish(out, b, high >= 0 ? ERR_MALFORMED : 0);
}

char *
text_b64u(struct slice in, char *dst, size_t cap)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0, i = 0;

	while (n + 1 < cap && (i < in.n || have > 0)) {
		if (have < 6 && i < in.n) {
			bits = bits << 8 | in.p[i++];
			have += 8;
		} else if (have < 6) {
			bits <<= 6 - have;
			have = 6;
		}
		have -= 6;
		dst[n++] = b64_digits[bits >> have & 63];
	}
	if (cap > 0)
		dst[n] = '\0';
	return dst;
}

/*
 * Bits left over must be zero, so that a name has one spelling (RFC 4648
 * 3.5): images are cached by it.
 */
int
text_unb64u(struct slice in, struct buf *out)
{
	struct buf b = *out;
	uint32_t bits = 0;
	unsigned have = 0;
	const char *at;

	b.over = false;
	if (in.n % 4 == 1)
		return ERR_MALFORMED;
	for (size_t i = 0; i < in.n; i++) {
		at = memchr(b64_digits, in.p[i], 64);
		if (at == NULL)
			return ERR_MALFORMED;
		bits = (bits << 6 | (uint32_t)(at - b64_digits)) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_put_u8(&b, (uint8_t)(bits >> have));
		}
	}
	bits &= (1u << have) - 1;
	return finish(out, b, bits != 0 ? ERR_MALFORMED : 0);
}

int
text_uuid_parse(struct slice in, uint8_t ret[16])
{
	uint8_t id[16];
	bool dashes = in.n == 36;
	size_t n = 0;
	int v;

	if (in.n != 36 && in.n != 32)
		return ERR_MALFORMED;
	for (size_t i = 0; i < in.n; i++) {
		if (dashes && (i == 8 || i == 13 || i == 18 || i == 23)) {
			if (in.p[i] != '-')
				return ERR_MALFORMED;
			continue;
		}
		if ((v = hex_value(in.p[i])) < 0)
			return ERR_MALFORMED;
		id[n / 2] = (uint8_t)(n % 2 ? id[n / 2] | v : v << 4);
		n++;
	}
	memcpy(ret, id, sizeof(id));
	return 0;
}

char *
text_uuid(const uint8_t uuid[16], char dst[37])
{
	size_t n = 0;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			dst[n++] = '-';
		dst[n++] = hex_digits[uuid[i] >> 4];
		dst[n++] = hex_digits[uuid[i] & 15];
	}
	dst[n] = '\0';
	return dst;
}

int
text_uuid5(const uint8_t ns[16], struct slice name, uint8_t ret[16])
{
	uint8_t h[DIGEST_SHA1_SIZE];
	int rc;

	if ((rc = digest_sha1(slice_of(ns, 16), name, h)) != 0)
		return rc;
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x50);
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80);
	memcpy(ret, h, 16);
	return 0;
}

/*
 * Length of the UTF-8 sequence at the start of s and its code point; 0 when
 * it is none. The ranges of the second byte keep out overlong forms,
 * surrogates and what lies above U+10FFFF (RFC 3629 4).
 */
static size_t
utf8_next(struct slice s, uint32_t *ret_cp)
{
	static const struct {
		uint8_t first, last, low, high, len;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	size_t f = 0, len;
	uint32_t cp;

	while (f < 9 && (s.p[0] < forms[f].first || s.p[0] > forms[f].last))
		f++;
	if (f == 9 || forms[f].len > s.n)
		return 0;
	len = forms[f].len;
	cp = s.p[0] & mask[len];
	if (len > 1 && (s.p[1] < forms[f].low || s.p[1] > forms[f].high))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s.p[i] & 0x3f);
	}
	*ret_cp = cp;
	return len;
}

bool
text_utf8_ok(struct slice s)
{
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < s.n; i += n) {
		n = utf8_next(slice_sub(s, i, 4), &cp);
		if (n == 0)
			return false;
	}
	return true;
}

/* Code points that act on a terminal instead of being shown. */
static bool
unsafe(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} r[] = {
		{0x00, 0x1f}, /* C0 */
		{0x7f, 0x9f}, /* DEL, C1 */
		{0xad, 0xad}, /* soft hyphen */
		{0x061c, 0x061c}, /* Arabic letter mark */
		{0x180e, 0x180e}, /* Mongolian vowel separator */
		{0x200b, 0x200f}, /* zero width, marks of direction */
		{0x2028, 0x202e}, /* line separators, bidi overrides */
		{0x2060, 0x206f}, /* invisible operators, bidi isolates */
		{0xfeff, 0xfeff}, /* byte order mark */
		{0xfff9, 0xfffb}, /* interlinear annotation */
		{0xe0000, 0xe0fff}, /* tags */
	};

	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		if (cp >= r[i].first && cp <= r[i].last)
			return true;
	}
	return false;
}

char *
text_escape(struct slice in, char *dst, size_t cap)
{
	char piece[16];
	size_t n = 0, cut = 0, len, m;
	uint32_t cp;

	if (cap == 0)
		return dst;
	for (size_t i = 0; i < in.n; i += len) {
		len = utf8_next(slice_sub(in, i, 4), &cp);
		if (len == 0 || (len == 1 && unsafe(cp)))
			snprintf(piece, sizeof(piece), "\\x%02x", in.p[i]);
		else if (unsafe(cp))
			snprintf(piece, sizeof(piece), "\\u{%04x}", cp);
		else
			snprintf(piece, sizeof(piece), "%.*s", (int)len,
			    (const char *)in.p + i);
		len = len == 0 ? 1 : len;
		m = strlen(piece);
		if (n + m >= cap) {
			m = cap - 1 - cut < 3 ? cap - 1 - cut : 3;
			memcpy(dst + cut, "...", m);
			n = cut + m;
			break;
		}
		memcpy(dst + n, piece, m);
		n += m;
		if (n + 3 < cap)
			cut = n;
	}
	dst[n] = '\0';
	return dst;
}

int
text_u64(struct slice in, uint64_t *ret)
{
	uint64_t u = 0;
	bool big = false;

	if (in.n == 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t digit = (uint8_t)(in.p[i] - '0');

		if (digit > 9)
			return ERR_MALFORMED;
		big = big || u > (UINT64_MAX - digit) / 10;
		u = u * 10 + digit;
	}
	if (big)
		return ERR_RANGE;
	*ret = u;
	return 0;
}

struct unit {
	char name;
	uint64_t factor;
};

/* Decimal with at most one unit letter; the result is at most `max`. */
static int
with_unit(struct slice in, const struct unit *units, uint64_t max,
    uint64_t *ret)
{
	uint64_t u, factor = 1;
	int rc;

	for (; in.n > 0 && units->name != '\0'; units++) {
		if (in.p[in.n - 1] == (uint8_t)units->name) {
			factor = units->factor;
			in.n--;
			break;
		}
	}
	if ((rc = text_u64(in, &u)) != 0)
		return rc;
	if (u > max / factor)
		return ERR_RANGE;
	*ret = u * factor;
	return 0;
}

int
text_duration(struct slice in, int64_t *ret)
{
	static const struct unit units[] = {
		{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0, 0}};
	uint64_t u;
	int rc;

	if ((rc = with_unit(in, units, INT64_MAX, &u)) != 0)
		return rc;
	*ret = (int64_t)u;
	return 0;
}

int
text_bytes(struct slice in, uint64_t *ret)
{
	static const struct unit units[] = {
		{'k', 1 << 10}, {'K', 1 << 10}, {'m', 1 << 20}, {'M', 1 << 20},
		{'g', 1 << 30}, {'G', 1 << 30}, {0, 0}};

	return with_unit(in, units, UINT64_MAX, ret);
}

bool
text_name_ok(struct slice in, size_t max)
{
	static const char others[] = {'.', '_', ':', '@', '-'};

	if (in.n == 0 || in.n > max)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i], lower = c | 0x20;

		if (!(lower >= 'a' && lower <= 'z') &&
		    !(c >= '0' && c <= '9') &&
		    memchr(others, c, sizeof(others)) == NULL)
			return false;
	}
	return true;
}

/*
 * The last * alone is ever tried again: what an earlier one has matched, it
 * has matched as early as possible. So at most |pattern| x |text| steps. A ?
 * is one character, however many bytes it has.
 */
bool
text_glob(const char *p, const char *s)
{
	const char *star = NULL, *back = NULL;

	for (;;) {
		if (*p == '*') {
			star = ++p;
			back = s;
			if (*p == '\0')
				return true;
		} else if (*s == '\0') {
			return *p == '\0';
		} else if (*p == '?') {
			p++;
			do
				s++;
			while ((*s & 0xc0) == 0x80);
		} else if (*p == *s) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star;
			s = ++back;
		} else {
			return false;
		}
	}
}
