/*
 * peer: suitd as a CoAP client. Requests to devices with a bounded number in
 * flight, RFC 7252 timers, one at a time per device (NSTART 1), Block1 for
 * long bodies. Hosts are IP literals: a name server's silence would stop the
 * whole daemon.
 */
#ifndef SUITD_DAEMON_PEER_H
#define SUITD_DAEMON_PEER_H

#include "daemon/front.h"

struct peer;
struct reach;

struct peer_request {
	enum method method;
	const char *uri; /* coap://host[:port]/path?query */
	struct slice payload; /* copied */
	uint16_t cf; /* CF_NONE: no option */
	unsigned timeout_s; /* 0: until CoAP's own timers give up */
};

struct peer_answer {
	int err; /* 0: an answer came; ERR_TIMEOUT, ERR_UNREACHABLE (ICMP),
	            ERR_REJECTED (RST), ERR_CANCELLED (we are shutting down) */
	unsigned code; /* ccdd */
	bool have_max_age;
	uint32_t max_age;
	struct slice payload; /* valid during the call */
};

int peer_new(struct loop *loop, const struct conf *conf, struct peer **ret,
    struct why *why) MUST_USE;
/* Who answers has shown its address; `r` outlives it. */
void peer_tells(struct peer *p, struct reach *r);
void peer_free(struct peer *p);
/*
 * 0: cb will run exactly once, later, in a turn of the loop (peer_free says
 * ERR_CANCELLED to those who still wait). An error: cb never runs; ERR_BUSY
 * (LIMIT_PEER_INFLIGHT), ERR_UNSUPPORTED (a name, or not coap://),
 * ERR_MALFORMED, ERR_SIZE (payload over LIMIT_ENVELOPE).
 */
int peer_send(struct peer *p, const struct peer_request *rq,
    void (*cb)(void *arg, const struct peer_answer *a), void *arg) MUST_USE;
size_t peer_inflight(const struct peer *p);

#endif
