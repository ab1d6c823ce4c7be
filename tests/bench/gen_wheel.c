#include "tests/bench/gen_wheel.h"

static struct wheel_link *
link_of(const struct wheel *w, uint32_t k)
{
	return (struct wheel_link *)(void *)(w->links + k * w->stride);
}

void
wheel_init(struct wheel *w, void *links, size_t stride)
{
	w->links = links;
	w->stride = stride;
	w->now = w->set = 0;
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		w->slot[i] = WHEEL_NONE;
}

void
wheel_set(struct wheel *w, uint32_t k, uint32_t due)
{
	struct wheel_link *l = link_of(w, k);
	uint32_t *slot;

	if ((int32_t)(due - w->now) < 1)
		due = w->now + 1;
	slot = &w->slot[due % WHEEL_SLOTS];
	l->due = due;
	l->prev = WHEEL_NONE;
	l->next = *slot;
	if (*slot != WHEEL_NONE)
		link_of(w, *slot)->prev = k;
	*slot = k;
	w->set++;
}

void
wheel_clear(struct wheel *w, uint32_t k)
{
	struct wheel_link *l = link_of(w, k);

	if (l->prev != WHEEL_NONE)
		link_of(w, l->prev)->next = l->next;
	else
		w->slot[l->due % WHEEL_SLOTS] = l->next;
	if (l->next != WHEEL_NONE)
		link_of(w, l->next)->prev = l->prev;
	w->set--;
}

void
wheel_advance(struct wheel *w, uint32_t now,
    void (*due)(void *arg, uint32_t k), void *arg)
{
	while (w->now != now) {
		uint32_t k = w->slot[++w->now % WHEEL_SLOTS], next;

		for (; k != WHEEL_NONE; k = next) {
			next = link_of(w, k)->next;
			if (link_of(w, k)->due != w->now)
				continue;
			wheel_clear(w, k);
			due(arg, k);
		}
	}
}
