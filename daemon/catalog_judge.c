/*
 * Releases that the trust list does not allow are kept apart: why is asked
 * for, and a later list may allow them again.
 *
 * A new list is a verdict on all releases by tables, at once. Where a key has
 * to be tried on a release, that is work in slices: first for those whose
 * verdict waits for it, so as to have them back; then for the others, so that
 * the next list finds everything in its tables. The newest come first, since
 * they are what devices are waiting for.
 *
 * A slice is so many checks of signatures, not so many milliseconds: what a
 * turn does must not depend on who else is computing. One release more than
 * that may come to LIMIT_TRUST_KEYS * LIMIT_AUTH_BLOCKS.
 */
#include "daemon/catalog_impl.h"

#define SLICE 256 /* checks, of some 0.1 ms each */

void
catalog_obey(struct catalog *c, const struct trust *list)
{
	struct vec *const both[] = {&c->t.release, &c->t.refused};
	uint32_t forget = judge_obey(&c->judge, list);

	for (size_t k = 0; k < 2; k++) {
		struct release **r = both[k]->p;

		for (size_t i = 0; i < both[k]->n; i++) {
			judge_forget(&r[i]->verdict, forget);
			judge_look(&c->judge, &r[i]->verdict);
		}
	}
	c->asking = list != NULL;
}

static bool
waits(const struct release *r)
{
	return r->verdict.why.err == ERR_BUSY;
}

struct effort {
	struct judge *judge;
	bool waiting; /* those alone that wait for it */
	unsigned left;
	bool full; /* there is more to do than that */
	bool back; /* one that waited is allowed */
};

static void
ask(struct effort *w, const struct vec *v)
{
	struct release **r = v->p;

	for (size_t i = v->n; i-- > 0 && !w->full;) {
		const bool waited = waits(r[i]);
		unsigned cost;

		if ((w->waiting && !waited) || (cost = judge_cost(w->judge,
		    &r[i]->verdict)) == 0)
			continue;
		/* what fails for want of memory is asked in the next one */
		w->full = w->left == 0 || judge_ask(w->judge,
		    &r[i]->verdict, r[i]->pub.envelope) != 0;
		if (w->full)
			return;
		w->left -= cost < w->left ? cost : w->left;
		w->back |= waited && r[i]->verdict.why.err == 0;
	}
}

bool
catalog_ask(struct catalog *c)
{
	struct effort w = {.judge = &c->judge, .left = SLICE};

	if (!c->asking)
		return false;
	for (int pass = 0; pass < 2; pass++) {
		w.waiting = pass == 0;
		ask(&w, &c->t.refused);
		ask(&w, &c->t.release);
	}
	c->asking = w.full;
	return w.back;
}

size_t
catalog_waiting(const struct catalog *c)
{
	const struct vec *const both[] = {&c->t.release, &c->t.refused};
	size_t n = 0;

	for (size_t k = 0; c->asking && k < 2; k++) {
		struct release **r = both[k]->p;

		for (size_t i = 0; i < both[k]->n; i++)
			n += waits(r[i]);
	}
	return n;
}

const struct why *
catalog_refused(const struct catalog *c, uint64_t id)
{
	struct release *r = catalog_find(&c->t.refused, id);

	if (r != NULL)
		return &r->verdict.why;
	r = catalog_find(&c->t.release, id); /* the load is to come */
	return r == NULL || r->verdict.why.err == 0 ? NULL : &r->verdict.why;
}

size_t
catalog_refusals(const struct catalog *c)
{
	return c->t.refused.n;
}
