#include "daemon/dedup.h"

#include <stdlib.h>

/* A ring by age, with chains by hash over it. */
struct seen {
	struct peer_key peer;
	uint16_t mid;
	bool used, done;
	bool secret; /* `data` has a key; once it was wiped `gone` instead */
	bool gone;
	unsigned code;
	uint16_t opts_n, body_n;
	uint8_t *data; /* options, then body */
	int64_t at;
	int32_t next; /* index in the same chain, -1 ends */
};

struct dedup {
	struct seen ring[LIMIT_DEDUP];
	int32_t head[LIMIT_DEDUP];
	size_t at; /* where the next one goes */
	size_t secrets;
	int64_t wipe; /* when the first of them is to go, or earlier */
};

struct dedup *
dedup_new(void)
{
	struct dedup *d = calloc(1, sizeof(*d));

	for (size_t i = 0; d != NULL && i < LIMIT_DEDUP; i++)
		d->head[i] = -1;
	return d;
}

static void
drop_data(struct dedup *d, struct seen *s)
{
	if (s->secret) {
		explicit_bzero(s->data, (size_t)s->opts_n + s->body_n);
		d->secrets--;
	}
	s->gone = s->secret;
	s->secret = false;
	free(s->data);
	s->data = NULL;
}

void
dedup_free(struct dedup *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < LIMIT_DEDUP; i++)
		drop_data(d, &d->ring[i]);
	free(d);
}

void
dedup_tick(struct dedup *d, int64_t mono)
{
	if (d->secrets == 0 || mono < d->wipe)
		return;
	d->wipe = INT64_MAX;
	for (struct seen *s = d->ring; s < d->ring + LIMIT_DEDUP; s++) {
		if (s->secret && mono - s->at >= DEDUP_SECRET_MS)
			drop_data(d, s);
		else if (s->secret && s->at + DEDUP_SECRET_MS < d->wipe)
			d->wipe = s->at + DEDUP_SECRET_MS;
	}
}

void
dedup_closed(struct dedup *d, uint64_t session)
{
	if (d->secrets == 0 || session == 0)
		return;
	for (struct seen *s = d->ring; s < d->ring + LIMIT_DEDUP; s++)
		if (s->secret && s->peer.session == session)
			drop_data(d, s);
}

/* FNV-1a: a peer who makes collisions slows down itself, within bounds. */
static size_t
slot(const struct peer_key *peer, uint16_t mid)
{
	uint32_t h = 2166136261u ^ mid;

	for (size_t i = 0; i < sizeof(peer->b); i++)
		h = (h ^ peer->b[i]) * 16777619u;
	return (h ^ h >> 16) % LIMIT_DEDUP;
}

static struct seen *
find(const struct dedup *d, const struct peer_key *peer, uint16_t mid)
{
	for (int32_t i = d->head[slot(peer, mid)]; i >= 0;
	    i = d->ring[i].next) {
		const struct seen *s = &d->ring[i];

		if (s->mid == mid &&
		    memcmp(&s->peer, peer, sizeof(*peer)) == 0)
			return (struct seen *)s;
	}
	return NULL;
}

static void
forget(struct dedup *d, struct seen *s)
{
	int32_t *link = &d->head[slot(&s->peer, s->mid)];
	int32_t index = (int32_t)(s - d->ring);

	while (*link != index)
		link = &d->ring[*link].next;
	*link = s->next;
	drop_data(d, s);
	memset(s, 0, sizeof(*s));
}

void
dedup_begin(struct dedup *d, const struct peer_key *peer, uint16_t mid,
    int64_t mono)
{
	struct seen *old = find(d, peer, mid), *s = &d->ring[d->at];
	size_t h = slot(peer, mid);

	if (old != NULL)
		forget(d, old);
	if (s->used)
		forget(d, s);
	*s = (struct seen){.peer = *peer, .mid = mid, .used = true, .at = mono,
	    .next = d->head[h]};
	d->head[h] = (int32_t)d->at;
	d->at = (d->at + 1) % LIMIT_DEDUP;
}

void
dedup_end(struct dedup *d, const struct peer_key *peer, uint16_t mid,
    const struct answer *a)
{
	struct seen *s = find(d, peer, mid);
	size_t n = a->opts_n + a->body.n;

	if (s == NULL || s->done)
		return;
	if (n > 0) {
		s->data = malloc(n);
		if (s->data == NULL)
			return;
		memcpy(s->data, a->opts, a->opts_n);
		if (a->body.n > 0)
			memcpy(s->data + a->opts_n, a->body.p, a->body.n);
	}
	s->code = a->code;
	s->opts_n = (uint16_t)a->opts_n;
	s->body_n = (uint16_t)a->body.n;
	s->done = true;
	s->secret = a->secret && s->data != NULL;
	if (!s->secret)
		return;
	if (d->secrets++ == 0 || s->at + DEDUP_SECRET_MS < d->wipe)
		d->wipe = s->at + DEDUP_SECRET_MS;
}

int
dedup_find(const struct dedup *d, const struct peer_key *peer, uint16_t mid,
    int64_t mono, struct answer *ret_answer)
{
	const struct seen *s = find(d, peer, mid);

	if (s == NULL || mono - s->at >= DEDUP_LIFETIME_MS)
		return ERR_NOT_FOUND;
	if (!s->done || s->gone)
		return ERR_BUSY;
	ret_answer->code = s->code;
	ret_answer->opts_n = s->opts_n;
	if (s->data != NULL)
		memcpy(ret_answer->opts, s->data, s->opts_n);
	ret_answer->body = s->data == NULL ? SLICE_NONE :
	    slice_of(s->data + s->opts_n, s->body_n);
	return 0;
}
