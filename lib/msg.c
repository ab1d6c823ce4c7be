/*
 * msg: one walk over a record's fields for each direction. What is CBOR and
 * what is JSON differs in `struct sink` only.
 */
#include "lib/msg.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/rd.h"
#include "lib/text.h"

#define PAGE_ROOM 256 /* for the end of a page */

struct sink {
	struct buf *out;
	bool json;
};

static void put_printf(struct buf *out, const char *fmt, ...) PRINTF(2, 3);

static void
put_printf(struct buf *out, const char *fmt, ...)
{
	char t[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t, sizeof(t), fmt, ap);
	va_end(ap);
	buf_puts(out, t);
}

/* C1 controls and what reorders or hides text on a terminal. */
static bool
is_sly(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/* RFC 8259 section 7; the slice is UTF-8. */
static void
json_string(struct buf *out, struct slice s)
{
	unsigned c;
	size_t n;

	buf_puts(out, "\"");
	for (size_t i = 0; i < s.n; i += n) {
		c = s.p[i];
		n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (n == 2)
			c = (c & 0x1f) << 6 | (s.p[i + 1] & 0x3f);
		else if (n == 3)
			c = (c & 0x0f) << 12 | (s.p[i + 1] & 0x3fu) << 6 |
			    (s.p[i + 2] & 0x3f);
		if (c == '"' || c == '\\')
			put_printf(out, "\\%c", c);
		else if (n < 4 && is_sly(c))
			put_printf(out, "\\u%04x", c);
		else
			buf_put(out, slice_sub(s, i, n));
	}
	buf_puts(out, "\"");
}

static void
put_text(struct sink *k, const char *text)
{
	char safe[1024];
	struct slice s = slice_str(text);

	if (!text_utf8_ok(s))
		s = slice_str(text_escape(s, safe, sizeof(safe)));
	if (k->json)
		json_string(k->out, s);
	else
		cbr_put_tstr(k->out, s);
}

static void
put_bytes(struct sink *k, const uint8_t *p, size_t n)
{
	if (!k->json) {
		cbr_put_bstr(k->out, slice_of(p, n));
		return;
	}
	buf_puts(k->out, "\"");
	for (size_t i = 0; i < n; i++)
		put_printf(k->out, "%02x", p[i]);
	buf_puts(k->out, "\"");
}

static void
put_uuid(struct sink *k, const uint8_t *p)
{
	char t[37];

	if (k->json)
		put_text(k, text_uuid(p, t));
	else
		put_bytes(k, p, 16);
}

static void
put_u64(struct sink *k, uint64_t u)
{
	if (k->json)
		put_printf(k->out, "%" PRIu64, u);
	else
		cbr_put_uint(k->out, u);
}

static void put_record(struct sink *k, const struct msg_record *r,
    const void *rec);

static size_t
count_of(const struct msg_field *f, const void *rec)
{
	size_t n = *(const size_t *)((const char *)rec + f->n_off);

	return n > f->cap ? f->cap : n;
}

static void
put_element(struct sink *k, const struct msg_field *f, const char *at,
    size_t i)
{
	const struct rd_tag *tag = (const struct rd_tag *)at + i;

	switch (f->type) {
	case MSG_UUIDS:
		put_uuid(k, (const uint8_t *)at + i * 16);
		break;
	case MSG_TEXTS:
		put_text(k, at + i * f->elem);
		break;
	case MSG_TAGS:
		put_text(k, tag->name);
		buf_puts(k->out, k->json ? ":" : "");
		put_text(k, tag->value);
		break;
	default:
		put_record(k, f->rec, at + i * f->rec->size);
		break;
	}
}

static void
put_array(struct sink *k, const struct msg_field *f, const char *at, size_t n)
{
	bool map = f->type == MSG_TAGS;

	if (k->json)
		buf_puts(k->out, map ? "{" : "[");
	else if (map)
		cbr_put_map(k->out, n);
	else
		cbr_put_array(k->out, n);
	for (size_t i = 0; i < n; i++) {
		if (k->json && i > 0)
			buf_puts(k->out, ",");
		put_element(k, f, at, i);
	}
	if (k->json)
		buf_puts(k->out, map ? "}" : "]");
}

static void
put_value(struct sink *k, const struct msg_field *f, const void *rec)
{
	const char *at = (const char *)rec + f->off;

	switch (f->type) {
	case MSG_U64:
		put_u64(k, *(const uint64_t *)at);
		break;
	case MSG_U32:
		put_u64(k, *(const uint32_t *)at);
		break;
	case MSG_I64:
		if (k->json)
			put_printf(k->out, "%" PRId64, *(const int64_t *)at);
		else
			cbr_put_int(k->out, *(const int64_t *)at);
		break;
	case MSG_BOOL:
		if (k->json)
			buf_puts(k->out, *(const bool *)at ? "true" : "false");
		else
			cbr_put_bool(k->out, *(const bool *)at);
		break;
	case MSG_TEXT:
		put_text(k, at);
		break;
	case MSG_FIXED:
		put_bytes(k, (const uint8_t *)at, f->cap);
		break;
	case MSG_BYTES:
		put_bytes(k, (const uint8_t *)at, count_of(f, rec));
		break;
	case MSG_UUID:
		put_uuid(k, (const uint8_t *)at);
		break;
	case MSG_RECORD:
		put_record(k, f->rec, at);
		break;
	case MSG_UUIDS:
	case MSG_TEXTS:
	case MSG_TAGS:
	case MSG_RECORDS:
		put_array(k, f, at, count_of(f, rec));
		break;
	}
}

static bool
is_empty(const struct msg_field *f, const void *rec)
{
	static const uint8_t zero[16];
	const char *at = (const char *)rec + f->off;

	switch (f->type) {
	case MSG_U64:
	case MSG_I64:
		return *(const uint64_t *)at == 0;
	case MSG_U32:
		return *(const uint32_t *)at == 0;
	case MSG_BOOL:
		return !*(const bool *)at;
	case MSG_TEXT:
		return *at == '\0';
	case MSG_UUID:
		return memcmp(at, zero, 16) == 0;
	case MSG_FIXED:
	case MSG_RECORD:
		return false;
	default:
		return count_of(f, rec) == 0;
	}
}

static bool
is_there(const struct msg_field *f, const void *rec)
{
	if (f->flags & MSG_IF)
		return *(const bool *)((const char *)rec + f->n_off);
	return !(f->flags & MSG_OPT) || !is_empty(f, rec);
}

static void
put_record(struct sink *k, const struct msg_record *r, const void *rec)
{
	size_t n = 0;

	for (const struct msg_field *f = r->field; f->name != NULL; f++)
		n += is_there(f, rec);
	if (k->json)
		buf_puts(k->out, "{");
	else
		cbr_put_map(k->out, n);
	n = 0;
	for (const struct msg_field *f = r->field; f->name != NULL; f++) {
		if (!is_there(f, rec))
			continue;
		if (k->json && n++ > 0)
			buf_puts(k->out, ",");
		put_text(k, f->name);
		if (k->json)
			buf_puts(k->out, ":");
		put_value(k, f, rec);
	}
	if (k->json)
		buf_puts(k->out, "}");
}

void
msg_put_cbor(const struct msg_record *r, const void *rec, struct buf *out)
{
	put_record(&(struct sink){out, false}, r, rec);
}

void
msg_put_json(const struct msg_record *r, const void *rec, struct buf *out)
{
	put_record(&(struct sink){out, true}, r, rec);
}

void
msg_page_begin(struct msg_page_out *p, const struct msg_record *rec, bool json,
    struct buf *out)
{
	*p = (struct msg_page_out){out, rec, json, 0, 0};
	if (json)
		buf_puts(out, "{\"items\":[");
	p->start = out->n;
}

bool
msg_page_add(struct msg_page_out *p, const void *rec)
{
	struct sink k = {p->out, p->json};
	size_t before = p->out->n;

	if (p->n == LIMIT_PAGE)
		return false;
	if (p->json && p->n > 0)
		buf_puts(p->out, ",");
	put_record(&k, p->rec, rec);
	if (p->out->over || p->out->n + PAGE_ROOM > p->out->cap) {
		p->out->n = before;
		p->out->over = false;
		return false;
	}
	p->n++;
	return true;
}

void
msg_page_end(struct msg_page_out *p, const char *next)
{
	struct sink k = {p->out, p->json};
	uint8_t head[32];
	struct buf h = buf_of(head, sizeof(head));

	if (p->json) {
		buf_puts(p->out, "]");
		if (next != NULL) {
			buf_puts(p->out, ",\"next\":");
			put_text(&k, next);
		}
		buf_puts(p->out, "}");
		return;
	}
	/* the count is known only now: the items make room for the head */
	cbr_put_map(&h, next != NULL ? 2 : 1);
	cbr_put_str(&h, "items");
	cbr_put_array(&h, p->n);
	if (p->out->cap - p->out->n < h.n) {
		p->out->over = true;
		return;
	}
	memmove(p->out->p + p->start + h.n, p->out->p + p->start,
	    p->out->n - p->start);
	memcpy(p->out->p + p->start, head, h.n);
	p->out->n += h.n;
	if (next != NULL) {
		cbr_put_str(p->out, "next");
		put_text(&k, next);
	}
}

void
msg_put_problem(const struct msg_problem *p, bool json, struct buf *out)
{
	struct sink k = {out, json};

	if (json) {
		buf_puts(out, "{\"title\":");
		put_text(&k, p->title);
		buf_puts(out, ",\"detail\":");
		put_text(&k, p->detail);
		buf_puts(out, "}");
		return;
	}
	cbr_put_map(out, 2);
	cbr_put_int(out, -1);
	put_text(&k, p->title);
	cbr_put_int(out, -2);
	put_text(&k, p->detail);
}
