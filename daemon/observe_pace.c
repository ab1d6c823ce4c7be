#include "daemon/observe_pace.h"

#define ONE 1000 /* credit of one notification */
#define LATE_MS 250 /* the loop's tick comes every 200 ms */
#define ANY 1000000 /* what no limit lets through before it is asked anew */

/*
 * While somebody waits, what is earned between two ticks must not be lost,
 * but a turn that took long must not become a flood either.
 */
static int64_t
cap(const struct observe_pace *p, uint32_t rate)
{
	if (p->busy)
		return ONE + (int64_t)rate * LATE_MS;
	return rate < 20 ? ONE : (int64_t)(rate / 10) * ONE;
}

void
observe_pace_earn(struct observe_pace *p, uint32_t rate, int64_t now)
{
	int64_t ms = now - p->at, most = cap(p, rate);

	if (rate == 0) { /* a reload took the limit away */
		p->at = now;
		p->credit = (int64_t)ANY * ONE;
		return;
	}
	if (ms < 0)
		return;
	if (ms > 1000)
		ms = 1000; /* fills any cap of 1 per second or more */
	p->at = now;
	p->credit += ms * rate;
	if (p->credit > most)
		p->credit = most;
}

bool
observe_pace_may(const struct observe_pace *p)
{
	return p->credit >= ONE;
}

void
observe_pace_spend(struct observe_pace *p)
{
	p->credit -= ONE;
}
