/*
 * get: the image plane's codec. Reads a datagram that may be a CoAP GET of a
 * block (RFC 7252, 7959, 7967) and writes its answer, both byte for byte as
 * the front does through libcoap, only without a PDU, an allocation or a
 * copy of the block. Everything borrows from the datagram, which must live
 * and stay as it is until the answer is sent.
 *
 *   verdict = get_read(datagram, &g);
 *   if (verdict != GET_OK)            get_reject(&g, verdict, self, &a);
 *   else if (no such image: err, why) get_refuse(&g, err, &why, &a);
 *   else                              get_write(&g, &image, szx, &a);
 *   if (!a.silent)                    send a.head, then a.body
 */
#ifndef SUITD_LIB_GET_H
#define SUITD_LIB_GET_H

#include "lib/block.h"
#include "lib/content.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

enum get_verdict {
	GET_OK,
	GET_SILENT, /* no CON or NON GET of CoAP version 1: drop it */
	GET_RESET, /* a message format error: RST (RFC 7252 4.2, 4.3) */
	GET_CRITICAL, /* an unknown critical option: 4.02, or RST to a NON */
	GET_PROXY, /* 5.05: we are no proxy */
	GET_HOPS_BAD, /* 4.00: Hop-Limit 0 (RFC 8768 3) */
	GET_HOPS_OUT, /* 5.08: Hop-Limit 1 */
	GET_ERROR, /* `err`, with `rule` as its reason */
};

/* Valid as far as get_read came: all of it after GET_OK; after any other
 * verdict only what get_reject reads. */
struct get {
	bool con;
	uint16_t mid;
	uint16_t answer_mid; /* of the answer to a NON: get_read sets it to
	                        `mid`, as libcoap does; the caller may not
	                        want that */
	struct slice token; /* 0..8 bytes */
	struct slice options; /* from the first one to the payload marker */
	size_t segments;
	struct slice segment[LIMIT_PATH_SEGMENTS]; /* Uri-Path, raw */
	struct slice ep; /* the first ?ep= that is a name; p NULL: none */
	size_t queries;
	size_t etags;
	struct slice etag[CONTENT_ETAGS];
	bool have_accept, have_b1, have_b2, size2;
	uint16_t accept;
	struct block b1, b2;
	struct slice echo; /* the first Echo option; p NULL: none */
	uint8_t most; /* szx of the answer at most: CONTENT_ANY, unless the
	                 caller wants less */
	uint32_t no_response;
	int err; /* of GET_ERROR, else 0 */
	const char *rule; /* its reason, never NULL then */
};

/*
 * One pass, strict: every option's number and length is checked, also those
 * that are ignored. Nothing outside of `datagram` is read. Over
 * LIMIT_DATAGRAM is GET_RESET: receive into one byte more than that, at least.
 */
enum get_verdict get_read(struct slice datagram, struct get *ret);

/*
 * The {d} of a path i/{d}; p NULL when the path is another one, which a
 * manifest may have given to an image all the same (see get_path).
 */
struct slice get_id(const struct get *g);
/* The canonical path (lib/uri.h), which fits: get_read has refused others. */
void get_path(const struct get *g, char dst[LIMIT_PATH + 1]);

/* 4 header, 8 token, ETag 9, Content-Format 3, Max-Age 3, Block2 4, Block1 4,
 * Size2 5, marker 1: with room to spare. */
#define GET_HEAD 64
/* A diagnostic, or the strange options of a request. */
#define GET_SMALL (LIMIT_DATAGRAM + 64)

/* An answer: `head`, then `body`. Not to be copied: `body` may be `small`. */
struct get_answer {
	unsigned code; /* ccdd; 0: an empty message (RST, or an ACK alone) */
	bool silent; /* nothing is to be sent */
	bool block; /* a part of the image was asked for and found */
	size_t off, len; /* that part */
	size_t head_n;
	uint8_t head[GET_HEAD];
	struct slice body; /* borrowed from the image, or `small` */
	uint8_t small[GET_SMALL];
};

struct get_image {
	const uint8_t *digest; /* SHA-256; its first 8 bytes are the ETag */
	struct slice bytes;
};

/* Any verdict but GET_OK. `self` is the address that was asked, as text, and
 * only GET_HOPS_OUT needs it. */
void get_reject(const struct get *g, enum get_verdict v, const char *self,
    struct get_answer *ret);
/*
 * The block that was asked for: 2.05, or 2.03 when the request has the ETag.
 * `szx` is for requests without Block2. Returns 0, or the ERR_* that was
 * written as an error answer (ERR_ACCEPT, ERR_RANGE).
 */
int get_write(const struct get *g, const struct get_image *im, uint8_t szx,
    struct get_answer *ret);
/*
 * The most that an answer with a block of 2^(szx+4) bytes takes beside these:
 * for echo_szx, whose answer goes to g->most.
 */
size_t get_head(const struct get *g);
/* 4.01 with this Echo value (RFC 9175 2.4). */
void get_challenge(const struct get *g, struct slice echo,
    struct get_answer *ret);
/* The same answer with its code alone. */
void get_bare(const struct get *g, struct get_answer *a);
/* An error answer: err's code, `why` (NULL or empty: err's text). */
void get_refuse(const struct get *g, int err, const struct why *why,
    struct get_answer *ret);

#endif
