#include "daemon/progress.h"

#include <stdio.h>

#include "lib/text.h"
#include "lib/uri.h"

#define FOLD_MS 10000

bool
progress_peer(const struct req *req, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (req->who.device != 0) {
		snprintf(dst, cap, "d:%llu",
		    (unsigned long long)req->who.device);
		return true;
	}
	for (size_t i = 0; i < req->query_n; i++) {
		struct slice ep = uri_query_value(req->query[i], "ep");

		if (ep.p != NULL && text_name_ok(ep, LIMIT_EP)) {
			snprintf(dst, cap, "e:%.*s", (int)ep.n,
			    (const char *)ep.p);
			return true;
		}
	}
	if (req->addr[0] == '\0')
		return false;
	snprintf(dst, cap, "a:%s", req->addr);
	return true;
}

void
progress_names(const struct store_device *d, char ret[3][LIMIT_ADDRESS + 2])
{
	size_t n = sizeof(ret[0]);

	snprintf(ret[0], n, "d:%llu", (unsigned long long)d->id);
	snprintf(ret[1], n, "e:%s", d->ep);
	snprintf(ret[2], n, "a:%s", d->addr);
}

static size_t
hash(const char *peer, const uint8_t digest[32])
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *peer != '\0'; peer++)
		h = (h ^ (uint8_t)*peer) * 1099511628211u;
	for (size_t i = 0; i < 8; i++)
		h = (h ^ digest[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static void
forget(struct progress *p, struct progress_slot *s)
{
	if (s->dirty)
		p->dirty--;
	if (p->flow != NULL)
		flow_drop(p->flow, &s->share);
	memset(s, 0, sizeof(*s));
}

/* The slot of a key; a new one takes a free place, else the stalest of the
 * few that its hash may use. */
static struct progress_slot *
slot(struct progress *p, const char *peer, const uint8_t digest[32])
{
	struct progress_slot *old = NULL;
	size_t h = hash(peer, digest);

	for (size_t i = 0; i < PROGRESS_PROBE; i++) {
		struct progress_slot *s =
		    &p->slot[(h + i) % PROGRESS_SLOTS];

		if (strcmp(s->peer, peer) == 0 &&
		    memcmp(s->digest, digest, 32) == 0)
			return s;
		if (old == NULL || (old->peer[0] != '\0' &&
		    (s->peer[0] == '\0' || s->at < old->at)))
			old = s;
	}
	if (old->peer[0] != '\0')
		p->evicted++;
	forget(p, old);
	snprintf(old->peer, sizeof(old->peer), "%s", peer);
	memcpy(old->digest, digest, 32);
	return old;
}

static void
touch(struct progress *p, struct progress_slot *s, int64_t now)
{
	s->at = now;
	if (!s->dirty)
		p->dirty++;
	s->dirty = true;
}

void
progress_block(struct progress *p, const struct progress_mark *m, int64_t now)
{
	struct progress_slot *s = slot(p, m->peer, m->digest);
	enum span_news news = span_block(&s->span, (uint32_t)m->end,
	    (uint32_t)m->total);

	if (news == SPAN_REPEATED) {
		s->at = now;
		return;
	}
	if (news == SPAN_STARTED)
		s->folded = 0;
	touch(p, s, now);
}

void
progress_manifest(struct progress *p, const char *peer,
    const uint8_t digest[32], int64_t now)
{
	struct progress_slot *s = slot(p, peer, digest);

	s->manifest = true;
	touch(p, s, now);
}

bool
progress_complete(const struct progress_slot *s)
{
	return !s->manifest && span_whole(&s->span);
}

bool
progress_due(const struct progress_slot *s, int64_t now)
{
	if (!s->dirty)
		return false;
	if (s->manifest || s->folded_at == 0 || progress_complete(s))
		return true;
	return span_step(&s->span, s->folded) ||
	    now - s->folded_at >= FOLD_MS;
}

const struct progress_slot *
progress_find(const struct progress *p, const char *peer,
    const uint8_t digest[32])
{
	size_t h = hash(peer, digest);

	for (size_t i = 0; i < PROGRESS_PROBE; i++) {
		const struct progress_slot *s =
		    &p->slot[(h + i) % PROGRESS_SLOTS];

		if (strcmp(s->peer, peer) == 0 &&
		    memcmp(s->digest, digest, 32) == 0)
			return s;
	}
	return NULL;
}

void
progress_folded(struct progress *p, struct progress_slot *s, int64_t now)
{
	if (s->dirty)
		p->dirty--;
	s->dirty = false;
	s->folded = s->span.hi;
	s->folded_at = now;
	s->span.ended = progress_complete(s);
}

void
progress_drop(struct progress *p, const char *peer, const uint8_t digest[32])
{
	size_t h = hash(peer, digest);

	for (size_t i = 0; i < PROGRESS_PROBE; i++) {
		struct progress_slot *s = &p->slot[(h + i) % PROGRESS_SLOTS];

		if (strcmp(s->peer, peer) != 0 ||
		    memcmp(s->digest, digest, 32) != 0)
			continue;
		forget(p, s);
	}
}

void
progress_unfold(struct progress *p, int64_t since)
{
	for (size_t i = 0; i < PROGRESS_SLOTS; i++) {
		struct progress_slot *s = &p->slot[i];

		if (s->dirty || s->peer[0] == '\0' || s->folded_at < since)
			continue;
		s->dirty = true;
		s->folded_at = 0;
		p->dirty++;
	}
}
