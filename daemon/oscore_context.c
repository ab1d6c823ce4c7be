/*
 * A number is the place in a table and a generation, so that a session of
 * libcoap that outlives its context is nobody's.
 */
#include "daemon/oscore_impl.h"

#include <stdlib.h>

uint32_t
oscore_hash(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct bucket *
bucket_of(struct oscore *o, const char *identity)
{
	return &o->bucket[oscore_hash(identity, strlen(identity)) %
	    OSCORE_BUCKETS];
}

void
oscore_asked_free(struct context *c, struct asked *a)
{
	TAILQ_REMOVE(&c->asked, a, next);
	c->asked_n -= !a->observes;
	c->observed_n -= a->observes;
	free(a->sent);
	free(a);
}

static void
context_free(struct oscore *o, struct context *c)
{
	struct asked *a;

	while ((a = TAILQ_FIRST(&c->asked)) != NULL)
		oscore_asked_free(c, a);
	TAILQ_REMOVE(&o->used, c, next);
	LIST_REMOVE(c, bucket);
	o->place[c->number & 0xffff] = NULL;
	o->stats.live--;
	if (o->h.gone != NULL)
		o->h.gone(o->h.arg, c->number);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

/* The place that was left the longest time ago, with its generation. */
static uint32_t
take_number(struct oscore *o)
{
	uint8_t *g;

	if (o->stats.live == LIMIT_OSCORE_LIVE)
		context_free(o, TAILQ_LAST(&o->used, contexts));
	do
		o->last = (o->last + 1) % LIMIT_OSCORE_LIVE;
	while (o->place[o->last] != NULL);
	g = &o->generation[o->last];
	*g = *g % 254 + 1;
	return (uint32_t)*g << 16 | o->last;
}

/* Also one that was never used, as far as the disk had come. */
static void
start(struct context *c, const struct oscore_given *g,
    const struct oscore_life *life)
{
	uint64_t from = g->counter > life->base ? g->counter : life->base;

	c->credential = g->credential;
	c->reserved = g->counter;
	c->seq = from + (1 + life->number % OSCORE_LIVES) * OSCORE_AHEAD;
	c->window.above = c->seq;
}

uint64_t
oscore_base(uint64_t luck)
{
	return (1 + luck % 16384) << 25;
}

static int
load(struct oscore *o, const char *identity, struct context **ret)
{
	struct oscore_given g;
	struct context *c;
	uint64_t r = o->h.luck(o->h.arg);
	int rc = o->h.find(o->h.arg, identity, &g);

	if (rc != 0)
		return rc;
	c = calloc(1, sizeof(*c));
	rc = c == NULL ? ERR_NOMEM : oscore_derive(&g.secret, &c->keys);
	if (rc == 0) {
		strcpy(c->identity, identity);
		memcpy(c->echo, &r, OSCORE_ECHO);
		TAILQ_INIT(&c->asked);
		start(c, &g, &o->h.life);
		c->number = take_number(o);
		o->place[c->number & 0xffff] = c;
		TAILQ_INSERT_HEAD(&o->used, c, next);
		LIST_INSERT_HEAD(bucket_of(o, identity), c, bucket);
		o->stats.live++;
		*ret = c;
	} else {
		free(c);
	}
	explicit_bzero(&g, sizeof(g));
	return rc;
}

static struct context *
find_live(struct oscore *o, const char *identity)
{
	struct context *c;

	LIST_FOREACH(c, bucket_of(o, identity), bucket)
		if (strcmp(c->identity, identity) == 0)
			return c;
	return NULL;
}

int
oscore_find(struct oscore *o, const struct oscore_outer *m,
    struct context **ret)
{
	char identity[OSCORE_IDENTITY + 1];

	oscore_identity(m->kid, m->have_context, m->context, identity);
	*ret = find_live(o, identity);
	if (*ret == NULL)
		return load(o, identity, ret);
	TAILQ_REMOVE(&o->used, *ret, next);
	TAILQ_INSERT_HEAD(&o->used, *ret, next);
	return 0;
}

struct context *
oscore_by_number(const struct oscore *o, uint32_t number)
{
	struct context *c = o->place[number & 0xffff];

	return c != NULL && c->number == number ? c : NULL;
}

int
oscore_reserve(struct oscore *o, struct context *c, uint64_t seq)
{
	uint64_t upto = seq + OSCORE_STEP;
	int rc;

	if (seq < c->reserved)
		return 0;
	if (upto > OSCORE_SEQ_END)
		return ERR_RANGE; /* the credential is used up */
	rc = o->h.reserve(o->h.arg, c->credential, upto);
	if (rc == 0)
		c->reserved = upto;
	return rc;
}

int
oscore_new(const struct oscore_hooks *h, struct oscore **ret)
{
	struct oscore *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return ERR_NOMEM;
	o->h = *h;
	TAILQ_INIT(&o->used);
	for (size_t i = 0; i < OSCORE_BUCKETS; i++)
		LIST_INIT(&o->bucket[i]);
	o->mid = (uint16_t)h->luck(h->arg);
	*ret = o;
	return 0;
}

void
oscore_free(struct oscore *o)
{
	struct context *c;

	if (o == NULL)
		return;
	o->h.gone = NULL;
	while ((c = TAILQ_FIRST(&o->used)) != NULL)
		context_free(o, c);
	free(o);
}

bool
oscore_who(const struct oscore *o, uint32_t number, struct oscore_who *ret)
{
	const struct context *c = oscore_by_number(o, number);

	if (c == NULL)
		return false;
	*ret = (struct oscore_who){c->identity, &c->place};
	return true;
}

void
oscore_forget(struct oscore *o, const char *identity)
{
	struct context *c = find_live(o, identity);

	if (c != NULL)
		context_free(o, c);
}
