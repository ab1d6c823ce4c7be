/*
 * client_impl: one datagram out and its answer in (client_io.c), for what
 * is made of them (client.c) and for nobody else.
 */
#ifndef SUITD_CLI_CLIENT_IMPL_H
#define SUITD_CLI_CLIENT_IMPL_H

#include "cli/client.h"
#include "cli/client_key.h"
#include "lib/block.h"

struct coap_context_t;
struct coap_session_t;

#define CLIENT_BODY_MAX (1024 * 1024)
#define CLIENT_SZX 6

/* Beside CLI_*, and within client.c only: blocks of different answers. */
#define CLIENT_TORN 100

/* RFC 7252, 7641, 7959 */
#define CF_NONE 0xffff
#define CF_CBOR 60
#define CF_PROBLEM 257

struct client {
	struct coap_context_t *ctx;
	struct coap_session_t *session;
	char uri[LIMIT_URI + 1];
	struct client_key key;
	bool connected; /* something was answered */
	int64_t end; /* of all waiting, CLOCK_MONOTONIC in ms; 0 none */

	/* of the exchange under way */
	uint8_t token[8];
	size_t token_len;
	bool done; /* an answer came */
	const char *failed; /* the transport gave up, for this reason */
	unsigned code;
	uint16_t cf;
	char location[LIMIT_PATH + 1]; /* canonical; "" none */
	bool have_b1, have_b2;
	struct block b1, b2;
	uint8_t etag[8]; /* RFC 7252 5.10.6.2; we send 8 bytes */
	size_t etag_len;
	uint8_t *body; /* CLIENT_BODY_MAX */
	size_t body_n, part_n; /* part_n: bytes of the last block */
	uint8_t watch[8]; /* token of the observation */
	size_t watch_len;
	bool watch_news;
	uint64_t next_token;
};

/* What goes into a request beside its path and query. */
struct client_part {
	const struct block *b1, *b2; /* NULL: no option */
	struct slice payload;
	bool observe;
};

/* The answer is in *c; CLI_OK, or CLI_UNREACHABLE after saying so. */
int client_exchange(struct client *c, const struct client_req *rq,
    const struct client_part *p) MUST_USE;
/* Lets news of the observation in, until there are some or `ms` are over. */
void client_wait(struct client *c, int64_t ms);

#endif
