/*
 * observe_run: one observer's request, kept so that it can be run again, and
 * its notification sent.
 */
#ifndef SUITD_DAEMON_OBSERVE_RUN_H
#define SUITD_DAEMON_OBSERVE_RUN_H

#include "daemon/front_int.h"

struct observe_target {
	struct plane *plane;
	coap_session_t *session;
	uint8_t token[8];
	size_t token_n;
	char *path; /* canonical; the query's bytes follow in one piece */
	struct slice query[LIMIT_QUERY];
	size_t query_n;
	/* of a route with ROUTE_OWN: */
	struct slice ep; /* of ?ep=, in query */
	uint64_t device; /* of the credential, 0: none */
	bool have_accept, have_b2;
	uint16_t accept;
	uint8_t szx;
};

int observe_target_init(struct observe_target *t, const struct exchange *x)
    MUST_USE;
void observe_target_fini(struct observe_target *t);
/* The handler's answer of now, in x->answer. */
void observe_run(struct front *f, const struct observe_target *t,
    struct exchange *x);
/*
 * The number of the next notification (RFC 7641 3.4); `now` is Unix ms. It
 * grows over restarts, too, since it is a time in units of 8 ms.
 */
uint32_t observe_seq(int64_t now, uint32_t last);
/* Sends x->answer as a notification, and drops its image. */
int observe_send(const struct observe_target *t, struct exchange *x) MUST_USE;

#endif
