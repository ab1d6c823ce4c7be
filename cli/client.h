/*
 * client: suitctl as a CoAP client of suitd's admin endpoint (DTLS-PSK).
 * Block1 and Block2 are done here, by hand: a request at a time, each block
 * a request of its own, so that an upload can show how far it is.
 */
#ifndef SUITD_CLI_CLIENT_H
#define SUITD_CLI_CLIENT_H

#include "cli/cli.h"
#include "lib/limits.h"
#include "lib/msg_records.h"

#define CLIENT_QUERY 8

struct client;

enum client_method { CLIENT_GET = 1, CLIENT_POST, CLIENT_PUT, CLIENT_DELETE };

struct client_req {
	enum client_method method;
	char path[LIMIT_PATH + 1]; /* canonical; see client_path */
	char query[CLIENT_QUERY][LIMIT_URI + 1];
	size_t query_n;
	char after[MSG_CURSOR]; /* where a list goes on; "" from its start */
	bool one_page; /* of a list */
	bool tears; /* client_list's: another page is tried when one tears */
	struct slice body;
	bool body_cbor; /* Content-Format 60, else none */
	bool observe;
	/* NULL, or where the body of a 2.05 goes to, piece by piece, instead of
	   into the answer; other than CLI_OK ends it and is returned */
	int (*sink)(void *arg, struct slice piece);
	/* NULL, or told about the bytes of the body that have arrived */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

struct client_answer {
	unsigned code; /* ccdd */
	struct slice body; /* until the next call */
	bool cbor; /* Content-Format 60 */
};

/*
 * Finds the key and prepares a session. Errors are printed; CLI_OK or the
 * exit code (CLI_UNREACHABLE when there is no key or nobody there).
 */
int client_open(const struct cli *c, struct client **ret) MUST_USE;
void client_close(struct client *c); /* NULL is fine */
/* No request waits for its answer after `ms` of CLOCK_MONOTONIC. */
void client_end(struct client *c, int64_t ms);
const char *client_uri(const struct client *c);
/* The file that the operator's key was found in. */
const char *client_key_file(const struct client *c);

/* "a", segments..., NULL: raw segments to a canonical path. */
void client_path(struct client_req *rq, const char *first, ...)
    __attribute__((sentinel));
void client_query(struct client_req *rq, const char *fmt, ...) PRINTF(2, 3);

/*
 * One request to its answer. Errors, those of the daemon too, are printed;
 * CLI_OK, CLI_REFUSED or CLI_UNREACHABLE.
 */
int client_call(struct client *c, const struct client_req *rq,
    struct client_answer *ret) MUST_USE;
/* As client_call, with 4.04 as an answer and not as an error. */
int client_try(struct client *c, const struct client_req *rq,
    struct client_answer *ret) MUST_USE;
/* And decodes the answer's record. */
int client_get(struct client *c, const struct client_req *rq,
    const struct msg_record *rec, void *ret) MUST_USE;
/* Both with a session of its own, opened and closed: for a sentence that is
 * one request. `client_tell` is content with any good answer. */
int client_ask(const struct cli *c, const struct client_req *rq,
    const struct msg_record *rec, void *ret) MUST_USE;
int client_tell(const struct cli *c, const struct client_req *rq) MUST_USE;
/*
 * Observes rq->path; fn gets each answer until it returns something else
 * than CLI_OK, which is returned; negative ends it with CLI_OK. Asks again
 * by itself when nothing came for a while.
 */
int client_observe(struct client *c, struct client_req *rq,
    int (*fn)(void *arg, const struct client_answer *a), void *arg) MUST_USE;

/*
 * Every item of a list from rq->after on, page after page, or one page of
 * it; rq->after is then where the next one begins, "" for none.
 */
int client_list(struct client *c, struct client_req *rq,
    const struct msg_record *rec, int (*fn)(void *arg, const void *item),
    void *arg) MUST_USE;

#endif
