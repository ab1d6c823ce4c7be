/*
 * A few places for all: who is pushed out has to begin anew, as he had to
 * without them.
 */
#include "daemon/again.h"

#include <stdio.h>

#define PLACES 8
#define SIZE 4096

static struct place {
	char peer[LIMIT_ADDRESS], path[32];
	uint16_t cf;
	size_t n;
	uint8_t b[SIZE];
} places[PLACES];

static struct place *
find(const struct req *req)
{
	for (size_t i = 0; i < PLACES; i++)
		if (places[i].n > 0 && strcmp(places[i].peer, req->peer) ==
		    0 && strcmp(places[i].path, req->path) == 0)
			return &places[i];
	return NULL;
}

bool
again_get(const struct req *req, struct resp *resp)
{
	const struct place *p = req->first_block ? NULL : find(req);

	if (p == NULL)
		return false;
	resp->cf = p->cf;
	resp->body = slice_of(p->b, p->n);
	return true;
}

void
again_put(const struct req *req, const struct resp *resp)
{
	static unsigned turn;
	struct place *p;

	if (!req->first_block || resp->out.over || resp->out.n > SIZE ||
	    strlen(req->path) >= sizeof(p->path))
		return;
	p = find(req);
	if (p == NULL)
		p = &places[turn++ % PLACES];
	snprintf(p->peer, sizeof(p->peer), "%s", req->peer);
	snprintf(p->path, sizeof(p->path), "%s", req->path);
	p->cf = resp->cf;
	p->n = resp->out.n;
	memcpy(p->b, resp->out.p, resp->out.n);
}
