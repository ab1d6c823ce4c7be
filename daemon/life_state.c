#include "daemon/life_impl.h"

#define RESTART_S 5 /* from the end of one suitd to the next */
#define SPREAD_S 60
#define BACK_RATE 50 /* devices a second that are told to come back */

enum life_state
life_state(const struct life *l)
{
	return l == NULL ? LIFE_READY : l->state;
}

const char *
life_text(enum life_state s)
{
	static const char *const text[] = {
		[LIFE_STARTING] = "starting", [LIFE_READY] = "ready",
		[LIFE_DRAINING] = "draining", [LIFE_STOPPED] = "stopped",
	};

	return text[s];
}

/* Not after poll_max_age: an update that was on its way waits for them. */
uint32_t
life_come_back(struct life *l)
{
	struct loop *loop = l->app->loop;
	int64_t left = l->drain_until - loop_mono(loop);
	uint64_t spread = SPREAD_S + l->sent_away++ / BACK_RATE;

	return (uint32_t)(left > 0 ? (left + 999) / 1000 : 0) + RESTART_S +
	    (uint32_t)(loop_rand(loop) % spread);
}

void
life_stats(const struct life *l, struct life_stats *ret)
{
	*ret = (struct life_stats){.reload_ok = true};
	if (l != NULL)
		*ret = l->stats;
}
