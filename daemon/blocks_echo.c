/*
 * What a worker, or the slow lane, may answer to who has not shown its
 * address: as front_echo.c, with the codec of lib/get.h. Nothing here waits,
 * allocates or locks.
 */
#include "daemon/blocks_impl.h"

bool
guest_is_believed(const struct reach *r, struct guest *q)
{
	q->known = true;
	q->stranger = false;
	if (r == NULL || (r->mode == CONF_ECHO_OFF && r->stranger_rate == 0))
		return true;
	reach_peer((const struct sockaddr *)q->from, &q->peer);
	return net_list_has(&r->trusted, q->peer.host);
}

void
guest_enter(struct reach *r, struct guest *q, const struct get *g)
{
	q->known = reach_proven(r, &q->peer, q->now) || (g->echo.p != NULL &&
	    reach_show(r, &q->peer, g->echo, q->now));
	q->stranger = !q->known && r->mode != CONF_ECHO_OFF;
}

bool
guest_must_show(const struct reach *r, const struct guest *q)
{
	return q->stranger && r->mode == CONF_ECHO_ALWAYS;
}

bool
guest_fits(struct reach *r, const struct guest *q, struct get *g,
    size_t total)
{
	size_t budget = echo_budget(q->n), head = get_head(g);

	if (!q->stranger || head + total <= budget)
		return true;
	reach_count(&r->shrunk);
	return echo_szx(budget, head, &g->most);
}

void
guest_challenge(struct reach *r, const struct guest *q, const struct get *g,
    struct get_answer *a)
{
	uint8_t v[ECHO_VALUE];

	reach_echo(r, &q->peer, q->now, v);
	get_challenge(g, slice_of(v, sizeof(v)), a);
	reach_count(&r->challenged);
}

void
guest_bound(const struct guest *q, const struct get *g, struct get_answer *a)
{
	if (q->stranger && a->head_n + a->body.n > echo_budget(q->n))
		get_bare(g, a);
}
