/*
 * text: hex, base64url, UUIDs, and text from strangers made fit to show.
 */
#ifndef SUITD_LIB_TEXT_H
#define SUITD_LIB_TEXT_H

#include "lib/err.h"
#include "lib/slice.h"

/* Lower-case hex of `in` into dst (2 n + 1 bytes needed); dst. */
char *text_hex(struct slice in, char *dst, size_t cap);
/* Hex to bytes, white space skipped; ERR_MALFORMED, ERR_SPACE. */
int text_unhex(struct slice in, struct buf *out) MUST_USE;
/* base64url without padding (RFC 4648 5). */
char *text_b64u(struct slice in, char *dst, size_t cap);
int text_unb64u(struct slice in, struct buf *out) MUST_USE;

/* 16 bytes from "8-4-4-4-12" or 32 hex digits. */
int text_uuid_parse(struct slice in, uint8_t ret[16]) MUST_USE;
/* "8-4-4-4-12", 37 bytes with the NUL. */
char *text_uuid(const uint8_t uuid[16], char dst[37]);
/* Name-based UUID, version 5 (RFC 9562 5.5). */
int text_uuid5(const uint8_t ns[16], struct slice name, uint8_t ret[16])
    MUST_USE;
extern const uint8_t text_uuid_dns[16];

/* Well-formed UTF-8 without surrogates (RFC 3629). */
bool text_utf8_ok(struct slice s);
/*
 * Copies text of unknown origin so that it can be shown on a terminal or in
 * a log: control characters, bidi overrides and bytes that are not UTF-8
 * become \xNN or \u{NNNN}. Cut with "..." when it does not fit. Returns dst.
 */
char *text_escape(struct slice in, char *dst, size_t cap);

/* Unsigned decimal, the whole slice; ERR_MALFORMED, ERR_RANGE. */
int text_u64(struct slice in, uint64_t *ret) MUST_USE;
/* "90", "90s", "15m", "1h", "7d" to seconds. */
int text_duration(struct slice in, int64_t *ret) MUST_USE;
/* "65536", "64k", "64M", "1G" (powers of 1024) to bytes. */
int text_bytes(struct slice in, uint64_t *ret) MUST_USE;
/* Endpoint names, tags, aliases, key names: [A-Za-z0-9._:@-], 1..max. */
bool text_name_ok(struct slice in, size_t max);
/* Does pattern p fit the whole of s? * is any run of characters, ? one. */
bool text_glob(const char *p, const char *s);

#endif
