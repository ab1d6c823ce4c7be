/* First come, first served, by the links that the wheel does not use. */
#include "tests/bench/gen.h"

void
queue_put(struct gen *g, uint32_t k)
{
	g->dev[k].state = DEV_IDLE;
	g->dev[k].link.next = WHEEL_NONE;
	if (g->head == WHEEL_NONE)
		g->head = k;
	else
		g->dev[g->tail].link.next = k;
	g->tail = k;
}

uint32_t
queue_take(struct gen *g)
{
	uint32_t k = g->head;

	if (k != WHEEL_NONE)
		g->head = g->dev[k].link.next;
	return k;
}
