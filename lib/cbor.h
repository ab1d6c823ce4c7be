/*
 * cbor: a zero-copy cursor and a bounded writer (RFC 8949), on libcbor's
 * streaming decoder and encoder. The raw span of every item can be had,
 * because SUIT hashes items as they were sent.
 *
 * A cursor never allocates and never reads outside of its slice. Slices it
 * returns borrow from the input. On any error the cursor is left where it
 * was. The prefix is cbr_, since libcbor owns cbor_.
 *
 * Two modes. Strict (SUIT, COSE, admin messages): indefinite lengths are
 * ERR_INDEFINITE, lengths and integers in more bytes than needed are
 * ERR_MALFORMED (RFC 8949 4.2.1). Lenient (status from the field): both are
 * accepted; an indefinite string is still refused.
 */
#ifndef SUITD_LIB_CBOR_H
#define SUITD_LIB_CBOR_H

#include "lib/err.h"
#include "lib/slice.h"

enum cbr_type {
	CBR_UINT,
	CBR_NINT, /* value is -1 - u */
	CBR_BSTR,
	CBR_TSTR,
	CBR_ARRAY,
	CBR_MAP,
	CBR_TAG,
	CBR_BOOL,
	CBR_NULL,
	CBR_UNDEFINED,
	CBR_SIMPLE, /* any other simple value */
	CBR_FLOAT,
	CBR_BREAK, /* the end of an indefinite container, lenient mode only */
};

struct cbr {
	struct slice in;
	size_t pos;
	bool lenient;
};

/* One head, with the bytes of a string. */
struct cbr_item {
	enum cbr_type type;
	uint64_t u; /* integer argument, element count, tag, bool, simple */
	bool indefinite; /* an array or map of unknown count; u is 0 */
	double f;
	struct slice str; /* content of a bstr or tstr */
	struct slice raw; /* this head (and content) as transmitted */
};

static inline struct cbr
cbr_of(struct slice in)
{
	return (struct cbr){in, 0, false};
}

static inline bool
cbr_end(const struct cbr *c)
{
	return c->pos == c->in.n;
}

/* The next head, without moving. ERR_TRUNCATED at the end. */
int cbr_peek(const struct cbr *c, struct cbr_item *ret_item) MUST_USE;
/* The next head; enters an array, a map or a tag. tstr is checked as UTF-8. */
int cbr_next(struct cbr *c, struct cbr_item *ret_item) MUST_USE;
/*
 * Skips one whole item, whatever it holds, to LIMIT_CBOR_DEPTH, and checks
 * it completely: well-formed, UTF-8, and no duplicate keys in any map of up
 * to LIMIT_CBOR_MAP pairs (larger is ERR_SIZE). ret_raw may be NULL.
 */
int cbr_skip(struct cbr *c, struct slice *ret_raw) MUST_USE;

/* Typed getters: ERR_TYPE when the next item is something else. */
int cbr_get_uint(struct cbr *c, uint64_t *ret) MUST_USE;
int cbr_get_int(struct cbr *c, int64_t *ret) MUST_USE; /* ERR_RANGE */
int cbr_get_bool(struct cbr *c, bool *ret) MUST_USE;
int cbr_get_null(struct cbr *c) MUST_USE;
int cbr_get_bstr(struct cbr *c, struct slice *ret) MUST_USE;
int cbr_get_tstr(struct cbr *c, struct slice *ret) MUST_USE;
int cbr_get_tag(struct cbr *c, uint64_t *ret) MUST_USE;
/*
 * Enters a container of definite length; the caller reads *ret_count items
 * (pairs). A count that cannot fit into what is left is ERR_TRUNCATED, so
 * that a claimed length never drives work.
 */
int cbr_get_array(struct cbr *c, uint64_t *ret_count) MUST_USE;
int cbr_get_map(struct cbr *c, uint64_t *ret_count) MUST_USE;

/*
 * Iterates a container of either kind, for lenient readers:
 *   cbr_enter(c, CBR_MAP, &it); while (cbr_more(c, &it)) { key; value }
 *   rc = it.err
 */
struct cbr_iter {
	uint64_t left;
	bool indefinite;
	int err;
};
int cbr_enter(struct cbr *c, enum cbr_type type, struct cbr_iter *ret_it)
    MUST_USE;
bool cbr_more(struct cbr *c, struct cbr_iter *it);

/* Exactly one well-formed item that fills `in`; else ERR_TRAILING etc. */
int cbr_check(struct slice in) MUST_USE;

/* Writer: definite lengths, shortest form (RFC 8949 4.2.1). */
void cbr_put_uint(struct buf *b, uint64_t u);
void cbr_put_int(struct buf *b, int64_t i);
void cbr_put_bstr(struct buf *b, struct slice s);
void cbr_put_tstr(struct buf *b, struct slice s);
void cbr_put_str(struct buf *b, const char *s);
void cbr_put_array(struct buf *b, size_t n);
void cbr_put_map(struct buf *b, size_t pairs);
void cbr_put_tag(struct buf *b, uint64_t tag);
void cbr_put_bool(struct buf *b, bool v);
void cbr_put_null(struct buf *b);
void cbr_put_double(struct buf *b, double d);
/* The head of a bstr of n bytes, whose content the caller appends. */
void cbr_put_bstr_head(struct buf *b, size_t n);

#endif
