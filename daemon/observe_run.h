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
 * What an observer was told last (RFC 7641 3.4); all 0: nothing. A client
 * takes a number that is not above the last one for older, for 128 s after
 * that, also when it observes anew, with the token that it had, what was
 * started anew meanwhile. So numbers are the time, in units of 8 ms; where
 * the clock was set back they go on by ones while the client looks at them,
 * and over a restart it has to be without news for these 128 s.
 */
struct observe_seq {
	uint32_t last;
	int64_t at; /* monotonic ms */
};
/* The next one; `now` in Unix ms, `mono` above 0. */
uint32_t observe_seq_next(struct observe_seq *s, int64_t now, int64_t mono);
/* It goes into x->answer. */
void observe_number(struct exchange *x, struct observe_seq *s);
/* Sends x->answer as a notification, and drops its image. */
int observe_send(const struct observe_target *t, struct exchange *x) MUST_USE;

#endif
