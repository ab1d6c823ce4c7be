/*
 * exch: requests and responses of one device over datagrams (RFC 7252 4 and
 * 5), with Observe (RFC 7641) and Echo (RFC 9175). One request of its own at
 * a time (NSTART 1); requests from outside are handed up and answered at
 * once. No socket and no clock: datagrams go out by a hook and come in by
 * exch_input, times are milliseconds.
 */
#ifndef SUITD_DEVICE_EXCH_H
#define SUITD_DEVICE_EXCH_H

#include <sys/socket.h>

#include "device/coap.h"
#include "device/suitdev.h"

struct exch_peer {
	struct sockaddr_storage ss;
	socklen_t len;
};
bool exch_peer_eq(const struct exch_peer *a, const struct exch_peer *b);

/* A request from outside, and what to answer. */
struct exch_in {
	unsigned method;
	char path[LIMIT_PATH + 1];
	bool have_block; /* Block1 */
	struct block block;
	struct slice payload;
};
struct exch_out {
	unsigned code; /* a Block1 is echoed with it */
	int content_format; /* -1: none */
	struct slice payload;
};

struct exch_hooks {
	void (*send)(void *arg, const struct exch_peer *to, struct slice d);
	void (*answer)(void *arg, const struct suitdev_response *r);
	void (*lost)(void *arg, int err);
	void (*notified)(void *arg, const struct suitdev_response *r);
	void (*serve)(void *arg, const struct exch_in *in,
	    struct exch_out *out);
};

struct exch_count {
	uint64_t sent, received, retransmitted, duplicates, resets;
};

#define EXCH_ANSWER 256 /* bytes of an answer that is kept */

struct exch {
	const struct exch_hooks *hooks;
	void *arg;
	int64_t ack_timeout; /* RFC 7252 ACK_TIMEOUT, ms; 2000 */
	size_t token_len; /* of requests: 0 (RIOT) to 8 */
	uint64_t rnd;
	uint16_t mid;

	bool out; /* a request of ours has no outcome yet */
	bool acked; /* ... but an empty acknowledgement */
	struct exch_peer to;
	uint16_t out_mid;
	uint8_t token[8];
	size_t out_len, echo_at; /* where an Echo option would go */
	unsigned echo_last; /* the option number before it */
	uint8_t out_dgram[COAP_DATAGRAM];
	unsigned tries;
	int64_t due, wait;

	bool observing;
	struct exch_peer obs_peer;
	uint8_t obs_token[8];

	bool answered; /* the last request from outside, for repeats */
	struct exch_peer from;
	uint16_t from_mid;
	size_t answer_len;
	uint8_t answer[EXCH_ANSWER];
	struct exch_count count;
};

void exch_init(struct exch *e, const struct exch_hooks *hooks, void *arg,
    uint64_t seed);
/* Encodes and sends; `path` and `query` come from rq->uri by the caller. */
struct exch_target {
	struct exch_peer peer;
	char path[LIMIT_PATH + 1]; /* canonical, lib/uri.h */
	struct slice query; /* as written: a=b&c=d */
};
int exch_request(struct exch *e, int64_t now, const struct exch_target *to,
    const struct suitdev_request *rq) MUST_USE;
void exch_forget(struct exch *e);
void exch_input(struct exch *e, int64_t now, const struct exch_peer *from,
    struct slice dgram);
/* Repeats what is due; the next time, or SUITDEV_NEVER. */
int64_t exch_tick(struct exch *e, int64_t now);

#endif
