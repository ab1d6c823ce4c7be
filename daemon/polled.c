/*
 * Whether an entry still holds is one comparison: it keeps the sum of two
 * counters that only grow, one of its device (shared by those whose ids are
 * alike, which costs a look into the store and nothing else) and one of all
 * devices. A write adds to the one, a new catalog to the other; nobody looks
 * for entries to take them out.
 *
 * When all places are taken, one taken at random goes: a fleet polls in turn,
 * and where it is larger than the table, the least recently asked one is the
 * very one that asks next.
 *
 * What is read in a turn may rest on writes that are undone later. Those few
 * devices are on a list until the turn is settled; where it is full, undoing
 * drops everything.
 */
#include "daemon/polled.h"

#include <stdlib.h>
#include <string.h>

#define CHAIN 16 /* names that collide on purpose cost this much */
#define COUNTERS 131072
#define RECENT 1024
#define TEXT 91 /* so that an entry has 128 bytes */

struct entry {
	uint64_t device;
	uint64_t release;
	uint64_t version;
	int64_t seen;
	uint32_t next; /* in its chain, plus 1; 0: the last */
	bool proven : 1; /* the key has a credential's device */
	bool of_class : 1;
	char text[TEXT]; /* the claimed name and the address, two strings */
};
_Static_assert(sizeof(struct entry) == 128, "two lines of a cache");

struct polled {
	struct store *s;
	size_t cap, n;
	struct entry *entry;
	uint32_t *chain; /* the first one, plus 1; `cap` of them */
	uint64_t luck; /* which one goes */
	uint64_t *writes; /* COUNTERS, by device */
	uint64_t forgets;
	uint64_t recent[RECENT]; /* devices, in this turn */
	size_t recent_n; /* RECENT: there may be more */
};

static uint64_t *
writes_of(const struct polled *p, uint64_t device)
{
	return &p->writes[device % COUNTERS];
}

static uint64_t
version_of(const struct polled *p, uint64_t device)
{
	return *writes_of(p, device) + p->forgets;
}

static void
on_wrote(void *arg, uint64_t device)
{
	struct polled *p = arg;

	if (device == 0)
		polled_forget(p);
	else
		++*writes_of(p, device);
}

int
polled_new(struct store *s, size_t cap, struct polled **ret)
{
	struct polled *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ERR_NOMEM;
	p->s = s;
	p->cap = cap;
	p->entry = calloc(cap, sizeof(*p->entry));
	p->chain = calloc(cap, sizeof(*p->chain));
	p->writes = calloc(COUNTERS, sizeof(*p->writes));
	if (p->entry == NULL || p->chain == NULL || p->writes == NULL) {
		polled_free(p);
		return ERR_NOMEM;
	}
	s->wrote = on_wrote;
	s->wrote_arg = p;
	*ret = p;
	return 0;
}

void
polled_free(struct polled *p)
{
	if (p == NULL)
		return;
	if (p->s->wrote_arg == p)
		p->s->wrote = NULL;
	free(p->entry);
	free(p->chain);
	free(p->writes);
	free(p);
}

static uint32_t *
chain_of(const struct polled *p, uint64_t proven, const char *ep)
{
	uint64_t h = 14695981039346656037u ^ proven; /* FNV-1a */

	for (; *ep != '\0'; ep++)
		h = (h ^ (uint8_t)*ep) * 1099511628211u;
	h *= 1099511628211u;
	return &p->chain[(h ^ h >> 32) % p->cap];
}

static struct entry *
entry_of(const struct polled *p, const struct polled_key *k)
{
	uint32_t at = *chain_of(p, k->device, k->ep);

	while (at != 0) {
		struct entry *e = &p->entry[at - 1];

		if (e->proven == (k->device != 0) &&
		    e->of_class == k->of_class &&
		    (!e->proven || e->device == k->device) &&
		    strcmp(e->text, k->ep) == 0)
			return e;
		at = e->next;
	}
	return NULL;
}

bool
polled_find(struct polled *p, const struct polled_key *k,
    struct polled_note *ret)
{
	struct entry *e = p != NULL ? entry_of(p, k) : NULL;

	if (e == NULL || e->version != version_of(p, e->device) ||
	    strcmp(e->text + strlen(e->text) + 1, k->addr) != 0)
		return false;
	*ret = (struct polled_note){e->device, e->release, e->seen};
	return true;
}

static void
unlink_entry(struct polled *p, struct entry *e)
{
	uint32_t *link = chain_of(p, e->proven ? e->device : 0, e->text);

	while (&p->entry[*link - 1] != e)
		link = &p->entry[*link - 1].next;
	*link = e->next;
}

/* Out of its chain: one that is free, one of a chain that is full, any. */
static struct entry *
take_place(struct polled *p, const uint32_t *chain)
{
	struct entry *e = NULL;
	uint32_t at = *chain;
	unsigned n = 0;

	for (; at != 0; at = e->next, n++)
		e = &p->entry[at - 1];
	if (n < CHAIN && p->n < p->cap)
		return &p->entry[p->n++];
	if (n < CHAIN) {
		p->luck = p->luck * 6364136223846793005u +
		    1442695040888963407u;
		e = &p->entry[(p->luck >> 33) % p->cap];
	}
	unlink_entry(p, e);
	return e;
}

void
polled_put(struct polled *p, const struct polled_key *k,
    const struct polled_note *n)
{
	size_t len = strlen(k->ep) + 1;
	uint32_t *chain, next;
	struct entry *e;

	if (p == NULL || len + strlen(k->addr) + 1 > TEXT)
		return;
	chain = chain_of(p, k->device, k->ep);
	e = entry_of(p, k);
	if (e == NULL) {
		e = take_place(p, chain);
		next = *chain;
		*chain = (uint32_t)(e - p->entry) + 1;
	} else {
		next = e->next;
	}
	*e = (struct entry){
		.device = n->device, .release = n->release, .seen = n->seen,
		.version = version_of(p, n->device), .next = next,
		.proven = k->device != 0, .of_class = k->of_class,
	};
	memcpy(e->text, k->ep, len);
	strcpy(e->text + len, k->addr);
	if (p->recent_n < RECENT)
		p->recent[p->recent_n++] = n->device;
}

void
polled_forget(struct polled *p)
{
	if (p != NULL)
		p->forgets++;
}

void
polled_settled(struct polled *p)
{
	if (p != NULL)
		p->recent_n = 0;
}

void
polled_undone(struct polled *p)
{
	if (p == NULL)
		return;
	if (p->recent_n == RECENT)
		p->forgets++;
	for (size_t i = 0; i < p->recent_n; i++)
		++*writes_of(p, p->recent[i]);
	p->recent_n = 0;
}

size_t
polled_count(const struct polled *p)
{
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < p->n; i++)
		n += p->entry[i].version == version_of(p, p->entry[i].device);
	return n;
}
