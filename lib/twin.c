#include "lib/twin.h"

#include <string.h>

uint32_t
twin_hash(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 16777619u;
	return h;
}

bool
twin_is(const struct twin *t, int64_t now)
{
	return t->found && now - t->last < TWIN_QUIET_MS;
}

static bool
sign(struct twin *t, unsigned points, int64_t now)
{
	bool was = twin_is(t, now);

	/* a clock that was set back begins anew */
	if (t->points == 0 || now - t->since > TWIN_WINDOW_MS ||
	    now < t->since) {
		t->points = 0;
		t->since = now;
	}
	t->last = now;
	t->points = (uint8_t)(t->points + points > TWIN_POINTS ? TWIN_POINTS :
	    t->points + points);
	t->found = was || t->points >= TWIN_POINTS;
	return t->found && !was;
}

/* To the front, from `i`; the last one falls out where there is no room. */
static void
to_front(struct twin *t, size_t i, struct twin_place p)
{
	if (i == t->places && t->places < TWIN_PLACES)
		t->places++;
	else if (i == t->places)
		i--;
	memmove(t->place + 1, t->place, i * sizeof(p));
	t->place[0] = p;
}

bool
twin_from(struct twin *t, struct twin_place p, int64_t now)
{
	const struct twin_place *top = t->place;
	bool moved = t->places > 0 && top->host != p.host, host = false;
	size_t i = 0;

	for (; i < t->places; i++) {
		if (t->place[i].host != p.host)
			continue;
		host = true;
		if (t->place[i].port == p.port)
			break;
	}
	if (i == 0 && t->places > 0)
		return false; /* where it was */
	host = host && moved;
	moved = moved && i < t->places;
	to_front(t, i, p);
	return (moved || host) && sign(t, moved ? TWIN_BACK : 1, now);
}

bool
twin_runs(struct twin *t, uint64_t seq, int64_t now)
{
	bool back = t->two && seq == t->before;

	if (t->told && seq == t->seq)
		return false;
	t->two = t->told;
	t->before = t->seq;
	t->seq = seq;
	t->told = true;
	return back && sign(t, TWIN_RUNS, now);
}
