/*
 * observe: who is to be told when a path changes (RFC 7641). Not libcoap's
 * registry, which has resources only, knows nothing of queries, and tells
 * everybody. Bounded by LIMIT_OBSERVERS, LIMIT_OBSERVERS_PEER and
 * LIMIT_OBSERVING_PLAIN.
 */
#ifndef SUITD_DAEMON_OBSERVE_H
#define SUITD_DAEMON_OBSERVE_H

#include "daemon/front_int.h"

struct observers;

struct observers *observe_new(struct front *f); /* NULL: no memory */
void observe_free(struct observers *o);

/* A GET with Observe 0 was answered in x->answer: enters it, or leaves it
 * out when the answer is an error or the table is full. */
void observe_register(struct observers *o, struct exchange *x);
/* GET with Observe 1, or a new registration with the same token. */
void observe_cancel(struct observers *o, struct exchange *x);

/* What libcoap tells us. */
void observe_closed(struct observers *o, coap_session_t *session);
void observe_nack(struct observers *o, coap_session_t *session,
    const coap_pdu_t *sent, coap_nack_reason_t reason);
/* After req_read. */
void observe_heard(struct observers *o, const struct exchange *x);
/* After libcoap's turn: nothing outstanding there means all is acked. */
void observe_settle(struct observers *o, struct plane *pl);

void observe_flush(struct observers *o, int commit_err);
void observe_tick(struct observers *o);
size_t observe_count(const struct observers *o);

#endif
