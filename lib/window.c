/*
 * window: whether it is open depends on nothing but what the clock on the
 * wall shows, so the state needs no history and cannot disagree with an
 * operator's watch. The next change is found by arithmetic in the week of the
 * wall clock, one span of constant offset after the other: no instant is
 * tried that is not a candidate. Rejected: turning each start and end into an
 * instant, which needs a rule of its own for times that come twice or never.
 */
#include "lib/window.h"

#include "lib/zone.h"

#define DAY 1440u /* in minutes */
#define WEEK (7 * DAY)

/* Spans looked through for a change. A week has one in each without a change
 * of the clock, so this is never reached with data of this world. */
#define SPANS 16

/*
 * How many minutes the range stays open from a minute of the week on; 0: it
 * is closed then. The later of the two ends when it meets itself.
 */
static unsigned
range_left(const struct window_range *r, unsigned week_minute)
{
	unsigned day = week_minute / DAY, m = week_minute % DAY;
	unsigned before = (day + 6) % 7, left = 0;
	unsigned length = r->end > r->start ? (unsigned)r->end - r->start :
	    DAY + r->end - r->start;

	if (r->days >> before & 1 && m + DAY < r->start + length)
		left = r->start + length - m - DAY;
	if (r->days >> day & 1 && m >= r->start && m < r->start + length)
		left = r->start + length - m;
	return left;
}

/* The same for all ranges and those that follow without a gap; WEEK or more:
 * it never closes. */
static unsigned
open_left(const struct window *w, unsigned week_minute)
{
	unsigned sum = 0, most;

	do {
		most = 0;
		for (unsigned i = 0; i < w->n; i++) {
			unsigned left = range_left(&w->range[i],
			    (week_minute + sum) % WEEK);

			most = left > most ? left : most;
		}
		sum += most;
	} while (most > 0 && sum < WEEK);
	return sum;
}

/* Minutes until the next start after a minute of the week. */
static unsigned
closed_left(const struct window *w, unsigned week_minute)
{
	unsigned day = week_minute / DAY, m = week_minute % DAY, least = WEEK;

	for (unsigned i = 0; i < w->n; i++) {
		const struct window_range *r = &w->range[i];

		for (unsigned k = 0; k <= 7; k++) {
			unsigned at = k * DAY + r->start;

			if (r->days >> (day + k) % 7 & 1 && at > m &&
			    at - m < least)
				least = at - m;
		}
	}
	return least;
}

/* At t_s: open or not, and the seconds that this lasts on a wall clock that
 * nobody sets; 0: for ever. */
static bool
state_at(const struct window *w, int64_t t_s, int32_t offset_s,
    int64_t *ret_lasts_s)
{
	struct zone_time z = zone_time_of(t_s, offset_s);
	unsigned wm = z.weekday * DAY + z.minute;
	unsigned left = open_left(w, wm);
	bool open = left > 0;

	if (!open)
		left = closed_left(w, wm);
	*ret_lasts_s = open && left >= WEEK ? 0 :
	    (int64_t)left * 60 - z.second;
	return open;
}

static int64_t
to_ms(int64_t s)
{
	return s > INT64_MAX / 1000 ? 0 : s * 1000;
}

bool
window_is_open(const struct window *w, int64_t now, int64_t *ret_until)
{
	int64_t t = now / 1000 - (now % 1000 < 0), lasts;
	struct zone_span sp;
	bool open, still;

	*ret_until = 0;
	if (w->n == 0)
		return true;
	if (zone_span(w->zone, t, &sp) != 0) {
		if (now < INT64_MAX - WINDOW_LOST_MS)
			*ret_until = now + WINDOW_LOST_MS;
		return false;
	}
	open = still = state_at(w, t, sp.offset_s, &lasts);
	for (int i = 0; i < SPANS && still == open; i++) {
		if (lasts == 0)
			return open;
		if (lasts < sp.to_s - t) {
			t += lasts;
			break;
		}
		t = sp.to_s;
		if (zone_span(w->zone, t, &sp) != 0)
			break;
		still = state_at(w, t, sp.offset_s, &lasts);
	}
	*ret_until = to_ms(t);
	return open;
}
