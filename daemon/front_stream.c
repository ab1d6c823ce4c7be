/*
 * Connections. Each costs a descriptor, so there are some hundred at most, and
 * one host, which needs no key to open them, must not have them all.
 *
 * Rejected: an end of the longest silent one. A device that observes is silent
 * for as long as there is nothing to tell it, and who floods is not.
 */
#include "daemon/front_int.h"

#include <stdlib.h>

static const enum front_limit limits[] = {
	[CROWD_FULL] = FRONT_LIMIT_CONNECTIONS,
	[CROWD_HOST] = FRONT_LIMIT_CONNECTIONS_HOST,
	[CROWD_NETWORK] = FRONT_LIMIT_CONNECTIONS_NETWORK,
};

int
stream_new(struct plane *pl)
{
	if (!sock_streams(pl))
		return 0;
	pl->crowd = calloc(1, sizeof(*pl->crowd));
	return pl->crowd != NULL ? 0 : ERR_NOMEM;
}

void
stream_free(struct plane *pl)
{
	free(pl->crowd);
	pl->crowd = NULL;
}

void
stream_opened(struct plane *pl, coap_session_t *session)
{
	const struct reach *r = pl->f->reach;
	struct crowd_one who = {.id = (uintptr_t)session};
	enum crowd_verdict v;
	struct echo_peer p;

	if (pl->crowd == NULL)
		return;
	reach_peer(&coap_session_get_addr_remote(session)->addr.sa, &p);
	memcpy(who.host, p.host, sizeof(who.host));
	who.trusted = r == NULL || net_list_has(&r->trusted, p.host);
	v = crowd_enter(pl->crowd, &who);
	if (v == CROWD_IN)
		return;
	front_limit(pl->f, limits[v]);
	coap_session_disconnected(session, COAP_NACK_NOT_DELIVERABLE);
}

void
stream_closed(struct plane *pl, const coap_session_t *session)
{
	if (pl->crowd != NULL)
		crowd_leave(pl->crowd, (uintptr_t)session);
}
