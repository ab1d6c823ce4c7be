#include "lib/census.h"

#include <stdio.h>
#include <string.h>

void
census_begin(struct census *c)
{
	c->devices = c->registered = c->crowded = 0;
	c->classes = c->groups = 0;
	memset(c->other, 0, sizeof(c->other));
	memset(c->index, 0, 2 * c->group_cap * sizeof(*c->index));
}

int64_t
census_patience(uint32_t gap)
{
	return (gap == 0 ? CENSUS_UNKNOWN_S : 3 * (int64_t)gap) +
	    CENSUS_GRACE_S;
}

/* The sums of its class, or those of all that have no room. */
static uint64_t *
class_of(struct census *c, const struct census_device *d)
{
	struct census_class *k = c->cls;

	for (; k < c->cls + c->classes; k++)
		if (k->have_class == d->have_class && (!k->have_class ||
		    memcmp(k->id, d->class_id, sizeof(k->id)) == 0))
			return k->by_state;
	if (c->classes == LIMIT_METRIC_CLASSES)
		return c->other;
	c->classes++;
	memset(k, 0, sizeof(*k));
	k->have_class = d->have_class;
	if (d->have_class)
		memcpy(k->id, d->class_id, sizeof(k->id));
	return k->by_state;
}

static uint32_t
hash(const char *s)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32);
}

/* NULL: there is no room for another one. The index is twice as large as
 * the groups are many, so that a search ends. */
static struct census_group *
group_of(struct census *c, const char *name)
{
	size_t n = 2 * c->group_cap, at = hash(name) % n;
	struct census_group *g;

	for (; c->index[at] != 0; at = (at + 1) % n) {
		g = &c->group[c->index[at] - 1];
		if (strcmp(g->name, name) == 0)
			return g;
	}
	if (c->groups == c->group_cap)
		return NULL;
	g = &c->group[c->groups++];
	memset(g, 0, sizeof(*g));
	snprintf(g->name, sizeof(g->name), "%s", name);
	c->index[at] = (uint32_t)c->groups;
	return g;
}

static void
add_group(struct census *c, const struct census_device *d, int64_t now)
{
	struct census_group *g = group_of(c, d->group);

	if (g == NULL) {
		c->crowded++;
		return;
	}
	if (d->seen == 0)
		return;
	g->heard++;
	g->silent += now - d->seen > census_patience(d->gap) * 1000;
	if (d->seen > g->seen)
		g->seen = d->seen;
}

void
census_add(struct census *c, const struct census_device *d, int64_t now)
{
	c->devices++;
	c->registered += d->registered;
	if (d->have_job)
		class_of(c, d)[d->state]++;
	if (d->group != NULL)
		add_group(c, d, now);
}

/* A list of few is kept in order while all are looked at. */
size_t
census_silent(const struct census *c, const struct census_group **ret,
    size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < c->groups; i++) {
		const struct census_group *g = &c->group[i];
		size_t at;

		if (g->seen == 0 || cap == 0 ||
		    (n == cap && g->seen >= ret[n - 1]->seen))
			continue;
		for (at = n < cap ? n++ : n - 1; at > 0 &&
		    ret[at - 1]->seen > g->seen; at--)
			ret[at] = ret[at - 1];
		ret[at] = g;
	}
	return n;
}

uint64_t
census_lost(const struct census *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->groups; i++)
		n += c->group[i].heard >= 2 &&
		    c->group[i].silent == c->group[i].heard;
	return n;
}
