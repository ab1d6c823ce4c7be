#include "daemon/flow.h"

/* A place is kept until its rate is 0, so that the last bytes are told. */
static bool
idle(const struct flow_place *p)
{
	return p->devices == 0 && (p->ticks == 0 ||
	    p->then[p->ticks % FLOW_SECONDS] == p->moved);
}

static uint32_t
place_of(struct flow *f, uint64_t campaign)
{
	uint32_t room = 0;

	for (uint32_t i = 1; i < FLOW_PLACES && campaign != 0; i++) {
		if (f->place[i].campaign == campaign)
			return i;
		if (room == 0 && f->place[i].campaign == 0)
			room = i;
	}
	if (room != 0)
		f->place[room] = (struct flow_place){.campaign = campaign};
	return room;
}

void
flow_drop(struct flow *f, struct flow_share *s)
{
	struct flow_place *p = &f->place[s->place];

	if (s->place != 0) {
		p->devices--;
		p->done -= s->done;
		p->total -= s->total;
		p->changed = true;
	}
	*s = (struct flow_share){.place = 0};
}

void
flow_put(struct flow *f, struct flow_share *s, uint64_t campaign,
    struct flow_share far)
{
	if (s->place == 0 || f->place[s->place].campaign != campaign) {
		struct flow_place *p;

		flow_drop(f, s);
		s->place = place_of(f, campaign);
		if (s->place == 0)
			return;
		p = &f->place[s->place];
		p->devices++;
		p->total += far.total;
		p->changed = true;
		s->total = far.total;
	}
	flow_move(f, s, far.done);
}

void
flow_move(struct flow *f, struct flow_share *s, uint32_t done)
{
	struct flow_place *p = &f->place[s->place];

	if (s->place == 0 || s->done == done)
		return;
	if (done > s->done)
		p->moved += done - s->done;
	p->done = p->done - s->done + done;
	p->changed = true;
	s->done = done;
}

static uint64_t
rate_of(const struct flow_place *p, int64_t now)
{
	size_t n = p->ticks < FLOW_SECONDS ? p->ticks : FLOW_SECONDS;
	size_t first = (p->ticks - n) % FLOW_SECONDS;
	int64_t ms = n == 0 ? 0 : now - p->at[first];

	return ms <= 0 ? 0 :
	    (p->moved - p->then[first]) * 1000 / (uint64_t)ms;
}

void
flow_tick(struct flow *f, int64_t now_ms,
    void (*changed)(void *arg, uint64_t campaign), void *arg)
{
	for (size_t i = 1; i < FLOW_PLACES; i++) {
		struct flow_place *p = &f->place[i];
		bool flowing = rate_of(p, now_ms) != 0, news;

		if (p->campaign == 0)
			continue;
		/* a rate that falls to 0 is news, too */
		news = p->changed || flowing || p->flowing;
		p->flowing = flowing;
		p->then[p->ticks % FLOW_SECONDS] = p->moved;
		p->at[p->ticks++ % FLOW_SECONDS] = now_ms;
		p->changed = false;
		if (news)
			changed(arg, p->campaign);
		else if (idle(p))
			p->campaign = 0;
	}
}

void
flow_get(const struct flow *f, uint64_t campaign, int64_t now_ms,
    struct flow_sum *ret)
{
	*ret = (struct flow_sum){.devices = 0};
	for (size_t i = 1; i < FLOW_PLACES; i++)
		if (campaign != 0 && f->place[i].campaign == campaign) {
			const struct flow_place *p = &f->place[i];

			*ret = (struct flow_sum){p->devices, p->done,
			    p->total, rate_of(p, now_ms)};
		}
}
