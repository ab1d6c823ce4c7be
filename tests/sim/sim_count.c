/*
 * What is counted while time passes. An admission request is a GET of m,
 * first block, by a device that shall have the release and does not run it
 * yet, once a campaign has begun: each datagram that arrives, repeats
 * included.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

static struct sim_minute *
minute(struct sim *s)
{
	struct sim_count *c = &s->count;
	size_t k;

	if (!s->began)
		return NULL;
	k = (size_t)((s->now - s->start) / 60000);
	if (k >= c->minute_n) {
		c->minute = sim_alloc(c->minute, k + 64, sizeof(*c->minute));
		memset(c->minute + c->minute_n, 0,
		    (k + 64 - c->minute_n) * sizeof(*c->minute));
		c->minute_n = k + 64;
	}
	return &c->minute[k];
}

static bool
wanted(const struct sim_dev *d)
{
	return d->s->target_seq != 0 &&
	    d->core.nv.sequence < d->s->target_seq;
}

void
sim_count_arrival(struct sim *s, const struct sim_req *rq)
{
	struct sim_count *c = &s->count;
	struct sim_minute *m = minute(s);

	c->arrivals++;
	if (!rq->admission || !wanted(rq->d))
		return;
	c->requests++;
	rq->d->asks++;
	if (m != NULL)
		m->requests++;
	if (s->now / 1000 != c->second) {
		c->second = s->now / 1000;
		c->in_second = 0;
	}
	if (++c->in_second > c->peak) {
		c->peak = c->in_second;
		c->peak_at = s->now;
	}
	if (m != NULL && c->in_second > m->busiest)
		m->busiest = c->in_second;
}

/* An exchange begins. */
void
sim_count_try(struct sim_dev *d)
{
	struct sim *s = d->s;
	struct sim_count *c = &s->count;
	int64_t since = d->tried > s->campaign_at ? d->tried :
	    s->campaign_at;

	if (d->ask->admission && s->now < d->not_before) {
		sim_trace(s, d, "asks %lld ms too early",
		    (long long)(d->not_before - s->now));
		if (c->inside_max_age++ == 0)
			c->early_at = s->now;
	}
	if (wanted(d) && s->now - since > c->longest_wait)
		c->longest_wait = s->now - since;
	d->tried = s->now;
}

/* What a device was told about when to ask again, as it may clamp it. */
void
sim_count_told(struct sim_dev *d, const struct sim_ans *a)
{
	const int64_t cap = d->g->auth ? SUITDEV_DAY_MS : SUITDEV_HOUR_MS;
	int64_t ms = a->r.have_max_age ? (int64_t)a->r.max_age * 1000 : 60000;

	if (a->r.code != 429 && a->r.code != 503)
		return;
	d->s->count.steered++;
	d->not_before = d->s->now + (ms > cap ? cap : ms);
}

static bool
loading(const struct sim_dev *d)
{
	return d->on && d->core.loaded && d->core.nv.open &&
	    d->core.nv.step == SUITDEV_FETCHING &&
	    d->core.nv.target_seq == d->s->target_seq;
}

static void
count_done(struct sim_dev *d)
{
	struct sim_count *c = &d->s->count;
	struct sim_minute *m = minute(d->s);

	d->done = true;
	c->done++;
	c->done_at = d->s->now;
	if (m != NULL)
		m->done++;
	sim_trace(d->s, d, "runs %llu",
	    (unsigned long long)d->core.nv.sequence);
}

void
sim_count_state(struct sim_dev *d)
{
	struct sim *s = d->s;
	struct sim_count *c = &s->count;
	bool load = loading(d);

	if (s->target_seq == 0)
		return;
	if (!d->done && d->core.nv.sequence >= s->target_seq)
		count_done(d);
	if (load == d->loading)
		return;
	d->loading = load;
	c->loading += load ? 1 : (uint64_t)-1;
	if (c->loading > c->loading_peak) {
		c->loading_peak = c->loading;
		c->loading_peak_at = s->now;
	}
	if (c->kills > 0 && c->loading > c->loading_after_kill)
		c->loading_after_kill = c->loading;
}

void
sim_count_second(struct sim *s)
{
	struct sim_minute *m = minute(s);
	struct ops_view v;

	if (s->campaign == 0)
		return;
	ops_view(s, &v);
	if (v.active > s->count.active_peak)
		s->count.active_peak = v.active;
	if (m != NULL) {
		m->active = (uint32_t)v.active;
		m->loading = (uint32_t)s->count.loading;
	}
}

/* Those that run it are no part of it; those that are gone are, but the
 * ideal counts without them. */
void
sim_count_campaign(struct sim *s)
{
	s->campaign_at = s->now;
	s->todo = 0;
	s->count.done = s->count.loading = 0;
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct sim_dev *d = &s->dev[i];

		d->loading = false;
		d->done = d->core.nv.sequence >= s->target_seq;
		s->count.done += d->done;
		s->todo += !d->done && d->fate == FATE_ALIVE;
	}
}
