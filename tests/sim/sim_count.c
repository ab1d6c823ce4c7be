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
	c->all.requests++;
	rq->d->g->tally.requests++;
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
		m->busiest = (uint32_t)c->in_second;
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

/* From the manifest to the last block: what it does with the image later
 * needs no network. */
static bool
loading(const struct sim_dev *d)
{
	uint64_t have, all;

	suitdev_progress(&d->core, &have, &all);
	return have < all && d->on && d->core.loaded && d->core.nv.open &&
	    d->core.nv.step == SUITDEV_FETCHING &&
	    d->core.nv.target_seq == d->s->target_seq;
}

static void
count_done(struct sim_dev *d)
{
	struct sim_count *c = &d->s->count;
	struct sim_minute *m = minute(d->s);

	d->done = true;
	c->all.done++;
	d->g->tally.done++;
	c->done_at = d->s->now;
	if (m != NULL)
		m->done++;
	sim_trace(d->s, d, "runs %llu",
	    (unsigned long long)d->core.nv.sequence);
}

/* true: more than ever */
static bool
load_changed(struct sim_tally *t, bool load)
{
	t->loading += load ? 1 : (uint64_t)-1;
	if (t->loading <= t->loading_peak)
		return false;
	t->loading_peak = t->loading;
	return true;
}

static void
count_bytes(struct sim_tally *t, uint64_t minute, size_t n)
{
	if (t->minute != minute) {
		t->minute = minute;
		t->bytes = 0;
	}
	t->bytes += n;
	if (t->bytes > t->bytes_peak)
		t->bytes_peak = t->bytes;
}

void
sim_count_bytes(struct sim_dev *d, size_t n)
{
	const uint64_t minute = (uint64_t)(d->s->now / 60000);

	count_bytes(&d->s->count.all, minute, n);
	count_bytes(&d->g->tally, minute, n);
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
	(void)load_changed(&d->g->tally, load);
	if (load_changed(&c->all, load))
		c->loading_peak_at = s->now;
	if (c->kills > 0 && c->all.loading > c->loading_after_kill)
		c->loading_after_kill = c->all.loading;
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
	if (v.slots > s->count.slots_peak)
		s->count.slots_peak = v.slots;
	if (m != NULL) {
		m->active = (uint32_t)v.active;
		m->loading = (uint32_t)s->count.all.loading;
	}
}

/* Those that run it are no part of it; those that are gone are, but the
 * ideal counts without them. */
void
sim_count_campaign(struct sim *s)
{
	s->campaign_at = s->now;
	s->todo = 0;
	s->count.all = (struct sim_tally){.n = s->dev_n};
	for (size_t i = 0; i < s->group_n; i++)
		s->group[i].tally = (struct sim_tally){.n = s->group[i].n};
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct sim_dev *d = &s->dev[i];

		d->loading = false;
		d->done = d->core.nv.sequence >= s->target_seq;
		s->count.all.done += d->done;
		d->g->tally.done += d->done;
		s->todo += !d->done && d->fate == FATE_ALIVE;
	}
}
