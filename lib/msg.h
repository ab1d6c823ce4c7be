/*
 * msg: the admin API's messages, one codec for suitd and suitctl.
 *
 * A record is a plain struct and a const table of its fields. From the table
 * come the CBOR map with text keys, the same as JSON, and the decoder.
 * Decoding is strict: definite lengths, no duplicate keys, every cap checked,
 * nothing allocated; an unknown field is refused in a request (a typo must
 * not be ignored) and skipped in an answer (the daemon may be newer).
 * In JSON, bytes are hex and a UUID is written with dashes.
 */
#ifndef SUITD_LIB_MSG_H
#define SUITD_LIB_MSG_H

#include "lib/cbor.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

enum msg_type {
	MSG_U64,
	MSG_U32,
	MSG_I64,
	MSG_BOOL,
	MSG_TEXT, /* char[cap] */
	MSG_FIXED, /* uint8_t[cap], all of it */
	MSG_BYTES, /* uint8_t[cap], size_t at n_off */
	MSG_UUID, /* uint8_t[16] */
	MSG_UUIDS, /* uint8_t[cap][16], size_t at n_off */
	MSG_TEXTS, /* char[cap][elem], size_t at n_off */
	MSG_TAGS, /* struct rd_tag[cap], size_t at n_off; a map */
	MSG_RECORD, /* a struct of `rec` */
	MSG_RECORDS, /* array of cap structs of `rec`, size_t at n_off */
};

#define MSG_OPT 1u /* left out when zero or empty */
#define MSG_IF 2u /* there when the bool at n_off is set; decoding sets it */
#define MSG_REQ 4u /* decoding refuses a map without it */

#define MSG_CURSOR 248 /* an endpoint name, a number, a digest in hex, or
                          LIMIT_REVOKED_NAME */

struct msg_record;

struct msg_field {
	const char *name; /* NULL ends the table */
	enum msg_type type;
	unsigned flags;
	size_t off, cap, n_off, elem;
	const struct msg_record *rec;
};

#define MSG_FIELDS 128
struct msg_record {
	const char *name; /* for errors */
	size_t size;
	bool closed; /* a request: unknown fields are refused */
	const struct msg_field *field; /* at most MSG_FIELDS */
};

/* Text that is not UTF-8 is escaped. Check out->over. */
void msg_put_cbor(const struct msg_record *r, const void *rec,
    struct buf *out);
void msg_put_json(const struct msg_record *r, const void *rec,
    struct buf *out);
/*
 * Exactly one record that fills `in`. *ret (r->size bytes) is all zero but
 * for what was sent; it is not to be used after an error.
 */
int msg_get(const struct msg_record *r, struct slice in, void *ret,
    struct why *why) MUST_USE;

/*
 * A page of a list: {"items": [...], "next": "cursor"}; "next" is absent on
 * the last page. begin; add until it says false (no room: the item starts
 * the next page); end.
 */
struct msg_page_out {
	struct buf *out;
	const struct msg_record *rec;
	bool json;
	size_t start, n;
};
void msg_page_begin(struct msg_page_out *p, const struct msg_record *rec,
    bool json, struct buf *out);
bool msg_page_add(struct msg_page_out *p, const void *rec) MUST_USE;
void msg_page_end(struct msg_page_out *p, const char *next); /* NULL: none */

/* Reading a page (CBOR): open, then item until *left is 0. */
struct msg_page {
	const struct msg_record *rec;
	struct cbr c;
	uint64_t left;
	char next[MSG_CURSOR]; /* "": the last page */
};
int msg_page_open(const struct msg_record *rec, struct slice in,
    struct msg_page *ret) MUST_USE;
int msg_page_item(struct msg_page *p, void *ret, struct why *why) MUST_USE;

/* Problem details (RFC 9290): {-1: title, -2: detail}. */
struct msg_problem {
	char title[64];
	char detail[LIMIT_DIAGNOSTIC + 1];
};
void msg_put_problem(const struct msg_problem *p, bool json, struct buf *out);
/* Other entries are skipped, as RFC 9290 section 2 wants. */
int msg_get_problem(struct slice in, struct msg_problem *ret) MUST_USE;

#endif
