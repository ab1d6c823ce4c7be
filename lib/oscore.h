/*
 * oscore: Object Security for CoAP (RFC 8613), what a server needs of it:
 * requests are opened, answers and notifications are sealed. AES-CCM-16-64-128
 * and HKDF with SHA-256, which everybody must have; neither groups nor the
 * key update of appendix B.2.
 *
 * Nothing is kept here. A security context's keys, its window and the
 * request that is answered are the caller's; nobody but he knows which
 * sender sequence numbers have been used. A nonce must never be used twice:
 * whoever seals with the nonce of a request does so once for that request,
 * and with each number of his own once.
 */
#ifndef SUITD_LIB_OSCORE_H
#define SUITD_LIB_OSCORE_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

#define OSCORE_ID 7 /* bytes of a sender or recipient id: nonce less 6 */
#define OSCORE_KEY 16
#define OSCORE_NONCE 13
#define OSCORE_TAG 8
#define OSCORE_PIV 5 /* bytes of a partial IV */
#define OSCORE_SEQ_END ((uint64_t)1 << 40) /* no sequence number any more */
#define OSCORE_GROWS 32 /* a sealed message is at most that much longer */
/* hex of an id and of a context, and what is between them */
#define OSCORE_IDENTITY (2 * OSCORE_ID + 1 + 2 * LIMIT_OSCORE_CONTEXT)

/* A few bytes by value. */
struct oscore_id {
	uint8_t n;
	uint8_t b[OSCORE_ID];
};

/* What both sides were given; "sender" is this side, "recipient" the peer:
 * his sender id is our recipient id. */
struct oscore_secret {
	size_t master_n, salt_n, context_n;
	uint8_t master[LIMIT_OSCORE_MASTER]; /* LIMIT_OSCORE_MASTER_LEAST or
	                                        more bytes */
	uint8_t salt[LIMIT_OSCORE_SALT];
	uint8_t context[LIMIT_OSCORE_CONTEXT]; /* ID Context */
	bool have_context;
	struct oscore_id sender, recipient;
};
/* ERR_KEY: a master secret that is too short, equal ids. */
int oscore_secret_check(const struct oscore_secret *s, struct why *why)
    MUST_USE;
/* As the store keeps it: an array in CBOR, below LIMIT_SECRET bytes. */
void oscore_secret_put(const struct oscore_secret *s, struct buf *out);
int oscore_secret_get(struct slice in, struct oscore_secret *ret) MUST_USE;
/* What a request names: the hex of the recipient's id, and @ and that of the
 * context where there is one. */
void oscore_identity(struct slice id, bool have_context, struct slice context,
    char ret[OSCORE_IDENTITY + 1]);

/* A context's keys (RFC 8613 3.2). */
struct oscore_keys {
	struct oscore_id sender, recipient;
	uint8_t sender_key[OSCORE_KEY], recipient_key[OSCORE_KEY];
	uint8_t iv[OSCORE_NONCE];
};
int oscore_derive(const struct oscore_secret *s, struct oscore_keys *ret)
    MUST_USE;

/*
 * Which numbers of the peer were seen (RFC 8613 7.4), the newest 64 of them.
 * After a start that is not known (all zero but `above`): numbers from
 * `above` on were not used before; another one may have been, and needs a
 * proof (appendix B.1.2).
 */
struct oscore_window {
	bool known;
	uint64_t above;
	uint64_t next; /* the highest that was seen, and 1 */
	uint64_t seen; /* bit i: next - 1 - i was */
};
/* 0: it is new. ERR_SEQUENCE: it was seen, or is too old to tell.
 * ERR_UNAUTHORIZED: nobody knows. */
int oscore_window_check(const struct oscore_window *w, uint64_t seq)
    MUST_USE;
/* After the request was proven: it is seen now, and with it, when that was
 * not known, all before it. */
void oscore_window_take(struct oscore_window *w, uint64_t seq);

/* A message with the OSCORE option, as it came; borrows. */
struct oscore_outer {
	uint8_t type, code; /* of its header */
	uint16_t mid;
	struct slice token;
	bool have_context;
	struct slice kid, context, piv; /* of a request */
	uint64_t seq; /* piv's */
	struct slice sealed;
};
/*
 * Reads a request. ERR_NOT_FOUND: it is none, or has no OSCORE option;
 * ERR_MALFORMED: it is no CoAP message; ERR_BAD_OPTION: the option's value
 * (RFC 8613 6.1, 8.2), or a critical option that is not protected and is not
 * for proxies. The header is filled in for the latter.
 */
int oscore_read(struct slice in, struct oscore_outer *ret) MUST_USE;
/* The first four bytes and the token of any message over UDP. */
int oscore_head(struct slice in, struct oscore_outer *ret) MUST_USE;

/* What is in a request, for who looks before it is handled. */
struct oscore_inner {
	uint8_t code;
	bool observe; /* Observe, 0 */
	bool have_echo;
	struct slice echo; /* in what was written */
};
/*
 * Opens a request: *out gets a CoAP message with its type, message ID and
 * token, and the code, options and payload that were protected; of the
 * options outside nothing is taken. ERR_DIGEST: it is not by who has the key;
 * ERR_MALFORMED: it is, but no request.
 */
int oscore_open(const struct oscore_keys *k, const struct oscore_outer *req,
    struct buf *out, struct oscore_inner *ret) MUST_USE;

/* The request that an answer is for. */
struct oscore_asked {
	uint8_t piv[OSCORE_PIV];
	uint8_t piv_n;
};
/*
 * Seals `in`, a response as CoAP has it over UDP. With own true the nonce is
 * made of `seq`, a number of ours that was not used; else it is that of the
 * request. A notification has to be with own true. ERR_SPACE; ERR_MALFORMED.
 */
struct oscore_with {
	bool own;
	uint64_t seq;
};
int oscore_seal(const struct oscore_keys *k, const struct oscore_asked *asked,
    struct oscore_with with, struct slice in, struct buf *out) MUST_USE;

#endif
