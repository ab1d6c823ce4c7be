#include "lib/slow.h"

#include <string.h>

static void
prefix_of(const uint8_t host[16], uint8_t ret[8])
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};

	memset(ret, 0, 8);
	if (memcmp(host, v4, sizeof(v4)) == 0) {
		ret[0] = 4; /* no IPv6 prefix that is routed begins so */
		memcpy(ret + 1, host + 12, 3);
	} else {
		memcpy(ret, host, 7);
	}
}

static struct slow_entry *
find(struct slow *s, const uint8_t prefix[8])
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].open > 0 &&
		    memcmp(s->at[i].prefix, prefix, 8) == 0)
			return &s->at[i];
	return NULL;
}

/* A free one, or that of who has failed least, the longest ago. */
static struct slow_entry *
take(struct slow *s)
{
	struct slow_entry *best = s->at;

	for (size_t i = 0; i < s->n && best->open > 0; i++) {
		struct slow_entry *e = &s->at[i];

		if (e->open < best->open ||
		    (e->open == best->open && e->at < best->at))
			best = e;
	}
	if (s->n == 0 || (best->open > 0 && s->n < LIMIT_SLOW))
		return &s->at[s->n++];
	return best;
}

static void
forgive(struct slow_entry *e, int64_t now)
{
	int64_t n = (now - e->at) / SLOW_FORGIVE_MS;

	if (n <= 0)
		return;
	e->at += n * SLOW_FORGIVE_MS;
	e->open = n < (int64_t)e->open ? e->open - (uint32_t)n : 0;
}

static int64_t
wait_after(uint32_t open)
{
	uint32_t over = open - SLOW_FREE;

	return over > 6 || SLOW_FIRST_MS << over > SLOW_MOST_MS ?
	    SLOW_MOST_MS : SLOW_FIRST_MS << over;
}

bool
slow_knock(struct slow *s, const uint8_t host[16], int64_t now,
    bool *ret_first)
{
	struct slow_entry *e;
	uint8_t prefix[8];

	*ret_first = false;
	prefix_of(host, prefix);
	e = find(s, prefix);
	if (e != NULL)
		forgive(e, now);
	if (e == NULL || e->open == 0) {
		if (e == NULL)
			e = take(s);
		*e = (struct slow_entry){.at = now};
		memcpy(e->prefix, prefix, 8);
	}
	if (now < e->until) {
		*ret_first = !e->told;
		e->told = true;
		return false;
	}
	if (e->open < SLOW_OPEN_MOST)
		e->open++;
	if (e->open < SLOW_FREE)
		e->told = false;
	else
		e->until = now + wait_after(e->open);
	return true;
}

void
slow_proved(struct slow *s, const uint8_t host[16])
{
	struct slow_entry *e;
	uint8_t prefix[8];

	prefix_of(host, prefix);
	e = find(s, prefix);
	if (e == NULL)
		return;
	e->open--;
	if (e->open < SLOW_FREE)
		e->until = 0;
}
