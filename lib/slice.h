/*
 * slice: bounded bytes. A `struct slice` borrows; nobody frees one. A
 * `struct buf` is a bounded writer over the caller's storage: writing past
 * its end sets `over` and drops the bytes, so that one check at the end of
 * an encoder is enough.
 */
#ifndef SUITD_LIB_SLICE_H
#define SUITD_LIB_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *p;
	size_t n;
};

struct buf {
	uint8_t *p;
	size_t n; /* bytes written */
	size_t cap;
	bool over; /* something did not fit; the content is useless */
};

#define SLICE_NONE ((struct slice){NULL, 0})

static inline struct slice
slice_of(const void *p, size_t n)
{
	return (struct slice){p, n};
}

static inline struct slice
slice_str(const char *s)
{
	return (struct slice){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
slice_eq_str(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

/* Clamps: a part outside of `s` is empty, never an overrun. */
static inline struct slice
slice_sub(struct slice s, size_t off, size_t n)
{
	if (off > s.n)
		off = s.n;
	if (n > s.n - off)
		n = s.n - off;
	/* of nothing, too, which may be nowhere */
	return (struct slice){off > 0 ? s.p + off : s.p, n};
}

static inline struct buf
buf_of(void *p, size_t cap)
{
	return (struct buf){p, 0, cap, false};
}

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}

static inline void
buf_put(struct buf *b, struct slice s)
{
	if (s.n > b->cap - b->n) {
		b->over = true;
		return;
	}
	if (s.n > 0)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

static inline void
buf_put_u8(struct buf *b, uint8_t c)
{
	buf_put(b, (struct slice){&c, 1});
}

static inline void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, slice_str(s));
}

/*
 * Copies `s` into `dst` of `cap` bytes as a C string; false (and dst = "")
 * when it does not fit or holds a NUL.
 */
static inline bool
slice_to_cstr(struct slice s, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (s.n >= cap || (s.n > 0 && memchr(s.p, 0, s.n) != NULL))
		return false;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return true;
}

#endif
