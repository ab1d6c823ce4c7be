/*
 * pace: one number for each thing that is paced. Rejected: a token bucket,
 * which keeps two numbers that a crash can tear apart and cannot say when the
 * next token is whose; and a queue of the waiting, which grows with the fleet
 * and is lost with the process. A booking is a promise that only the state's
 * sum remembers: a device that never returns leaves a gap, which the
 * twentieth of pace_interval pays for.
 */
#include "lib/pace.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)

static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static int64_t
sub(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return b < 0 ? INT64_MAX : INT64_MIN;
	return d;
}

static int64_t
at_least(int64_t v, int64_t low)
{
	return v < low ? low : v;
}

/*
 * How far the state is ahead of now; 0 when it is free, in the past or so
 * far ahead, for a state that gets to `reach` at most, that the clock must
 * have been set back.
 */
static int64_t
ahead(const struct pace *p, int64_t reach, int64_t now)
{
	int64_t d = p->next == 0 ? 0 : at_least(sub(p->next, now), 0);

	return d / PACE_FAR > reach ? 0 : d;
}

bool
pace_would(const struct pace *p, int64_t t, int64_t burst, int64_t now,
    int64_t *ret_wait)
{
	t = at_least(t, 0);
	burst = at_least(burst, 0);
	*ret_wait = 0;
	if (t > 0)
		*ret_wait = at_least(ahead(p, add(burst, t), now) - burst, 0);
	return *ret_wait == 0;
}

bool
pace_admit(struct pace *p, int64_t t, int64_t burst, int64_t now,
    int64_t *ret_wait)
{
	if (!pace_would(p, t, burst, now, ret_wait))
		return false;
	if (t > 0)
		p->next = add(now, add(t,
		    ahead(p, add(at_least(burst, 0), t), now)));
	return true;
}

int64_t
pace_book(struct pace *p, int64_t t, int64_t horizon, int64_t now,
    uint64_t rnd)
{
	int64_t wait, half;

	if (t <= 0)
		return 0;
	horizon = at_least(horizon, 0);
	wait = add(ahead(p, horizon, now), t);
	if (wait > horizon) {
		half = horizon / 2;
		return half + (int64_t)(rnd % ((uint64_t)(horizon - half) + 1));
	}
	p->next = add(now, wait);
	return wait;
}

uint32_t
pace_max_age(int64_t wait_ms, uint32_t cap_s)
{
	int64_t s = wait_ms / SECOND + (wait_ms % SECOND > 0);

	if (s > cap_s)
		s = cap_s;
	return (uint32_t)at_least(s, 1);
}

static int64_t
clamp_mean(int64_t ms)
{
	return ms > DAY ? DAY : at_least(ms, SECOND);
}

int64_t
pace_mean(int64_t mean_ms, int64_t sample_ms)
{
	int64_t s = clamp_mean(sample_ms), m;

	if (mean_ms <= 0)
		return s;
	m = clamp_mean(mean_ms);
	return m + (s - m) / 8;
}

int64_t
pace_interval(int64_t mean_ms, uint32_t slots)
{
	int64_t m = clamp_mean(mean_ms);

	return at_least(m * 95 / 100 / at_least(slots, 1), 1);
}

/*
 * Rates are counted in thousandths of a start a minute. One start a ms is
 * the most that an interval can say, so growth ends there: at the least
 * factor above 1 that is after some ten thousand steps, the worst case of
 * the loop.
 */
int64_t
pace_ramp(const struct pace_ramp *r, uint64_t successes)
{
	uint64_t most = MINUTE, rate, factor = r->factor_permille, steps = 0;

	if (r->per_minute == 0)
		return 0;
	if (r->max_per_minute > 0 && r->max_per_minute < most)
		most = r->max_per_minute;
	if (factor > 5000)
		factor = 5000;
	if (r->step > 0 && factor > 1000)
		steps = successes / r->step;
	most *= 1000;
	rate = r->per_minute * 1000ULL;
	for (; steps > 0 && rate < most; steps--)
		rate = rate * factor / 1000;
	if (rate > most)
		rate = most;
	return (int64_t)((MINUTE * 1000 + rate - 1) / rate);
}
