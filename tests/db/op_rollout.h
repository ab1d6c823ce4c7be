/*
 * op_rollout: calls of the twins' test about releases, campaigns and their
 * plans.
 */
#ifndef SUITD_TESTS_DB_OP_ROLLOUT_H
#define SUITD_TESTS_DB_OP_ROLLOUT_H

#include "tests/db/say.h"

static void
op_release_put(struct call *c)
{
	struct store_release r;
	struct store_payload p[3];
	struct store_stats st;
	size_t np = draw(c, 4);

	memset(&r, 0, sizeof(r));
	memset(p, 0, sizeof(p));
	c->s->ops->stats(c->s, &st);
	r.digest[0] = (uint8_t)draw(c, 100);
	r.seq = st.releases + draw(c, 4);
	r.class_count = draw(c, 3);
	for (size_t i = 0; i < r.class_count; i++)
		r.class_id[i][0] = (uint8_t)draw(c, 4);
	for (size_t i = 0; i < np; i++) {
		p[i].digest[0] = (uint8_t)draw(c, 30);
		p[i].size = draw(c, 1000);
		p[i].external = draw(c, 5) == 0;
		if (draw(c, 2))
			snprintf(p[i].path, sizeof(p[i].path), "p%llu",
			    U(draw(c, 30)));
	}
	say(c, "release_put %d", c->s->ops->release_put(c->s, &r,
	    slice_str("an envelope"), p, np));
	say_release(c, &r);
}

static void
op_release(struct call *c)
{
	struct store_release r, page[4];
	struct store_payload p[4];
	uint8_t key[32] = {0}, raw[16];
	struct buf out = buf_of(raw, sizeof(raw));
	uint64_t id = draw(c, 40);
	bool needed = false;
	size_t n = 0;

	memset(&r, 0, sizeof(r));
	switch (draw(c, 8)) {
	case 0:
		say(c, "release_get %d", c->s->ops->release_get(c->s, id,
		    &r));
		break;
	case 1:
		key[0] = (uint8_t)draw(c, 4);
		say(c, "current %d", c->s->ops->release_current(c->s, key,
		    &r));
		break;
	case 2:
		key[0] = (uint8_t)draw(c, 100);
		say(c, "by_digest %d", c->s->ops->release_by_digest(c->s, key,
		    &r));
		break;
	case 3:
		say(c, "set_state %d", c->s->ops->release_set_state(c->s, id,
		    (enum release_state)draw(c, 4)));
		break;
	case 4:
		say(c, "list %d\n", c->s->ops->release_list(c->s, id, 4, page,
		    &n));
		for (size_t i = 0; i < n; i++)
			say_release(c, &page[i]);
		break;
	case 5:
		say(c, "payloads %d\n", c->s->ops->release_payloads(c->s, id,
		    p, 4, &n));
		for (size_t i = 0; i < n; i++)
			say_payload(c, &p[i], 0);
		break;
	case 6:
		say(c, "envelope %d %zu", c->s->ops->release_envelope(c->s,
		    id, &out), out.n);
		break;
	default:
		key[0] = (uint8_t)draw(c, 30);
		say(c, "needed %d", c->s->ops->image_needed(c->s, key,
		    &needed));
		say(c, " %d", needed);
	}
	say_release(c, &r);
}

static void
draw_campaign(struct call *c, struct store_campaign *k)
{
	k->state = (enum campaign_state)draw(c, CAMPAIGN_ABORTED + 1);
	k->concurrency = (uint32_t)draw(c, 8);
	k->work = (enum campaign_work)draw(c, WORK_CANCEL + 1);
	k->work_at = draw(c, UINT64_MAX);
	k->source = (enum campaign_source)draw(c, SOURCE_CAMPAIGN + 1);
	k->of = draw(c, 5);
	snprintf(k->select, sizeof(k->select), "s%llu", U(draw(c, 99)));
	snprintf(k->policy, sizeof(k->policy), "p%llu", U(draw(c, 99)));
	k->planned = draw(c, 2);
	k->start = draw(c, 2);
	k->hard = draw(c, 2);
	k->plan[draw(c, 32)] = (uint8_t)draw(c, 256);
	k->verdict[draw(c, STORE_VERDICTS)] = draw(c, UINT64_MAX);
	k->wave_count = (uint32_t)draw(c, STORE_WAVES + 2);
	k->wave = (uint32_t)draw(c, STORE_WAVES + 1);
	k->waves[draw(c, STORE_WAVES)].size = draw(c, UINT64_MAX);
	k->waves[draw(c, STORE_WAVES)].place = draw(c, UINT64_MAX);
	k->wave_opened = (int64_t)draw(c, 1000);
	k->wave_met = (int64_t)draw(c, 1000);
	snprintf(k->by, sizeof(k->by), "b%llu", U(draw(c, 9)));
	snprintf(k->approved, sizeof(k->approved), "a%llu", U(draw(c, 9)));
	snprintf(k->cause, sizeof(k->cause), "c%llu", U(draw(c, 9)));
	k->follower = draw(c, 9);
	k->updated = (int64_t)draw(c, 1000);
	k->started = (int64_t)draw(c, 1000);
	k->ended = (int64_t)draw(c, 1000);
}

static void
op_campaign_put(struct call *c)
{
	struct store_campaign k;

	memset(&k, 0, sizeof(k));
	k.release = draw(c, 20);
	draw_campaign(c, &k);
	say(c, "campaign_put %d", c->s->ops->campaign_put(c->s, &k));
	say_campaign(c, &k);
}

static void
op_campaign_save(struct call *c)
{
	struct store_campaign k;

	if (draw(c, 8) == 0)
		say(c, "campaign_remove %d\n",
		    c->s->ops->campaign_remove(c->s, draw(c, 20)));
	if (c->s->ops->campaign_get(c->s, draw(c, 20), &k) != 0)
		return;
	draw_campaign(c, &k);
	k.version -= draw(c, 10) == 0;
	say(c, "campaign_save %d", c->s->ops->campaign_save(c->s, &k));
	say_campaign(c, &k);
}

static void
op_campaign_list(struct call *c)
{
	struct store_campaign page[4];
	uint64_t at = draw(c, 20);
	size_t n = 0;

	if (draw(c, 2))
		say(c, "campaign_list %d\n", c->s->ops->campaign_list(c->s,
		    at, 4, page, &n));
	else
		say(c, "campaign_live %d\n", c->s->ops->campaign_live(c->s,
		    at, 4, page, &n));
	for (size_t i = 0; i < n; i++)
		say_campaign(c, &page[i]);
}

static void
op_gauges(struct call *c)
{
	struct store_gauges g = {.backoff = 0};

	say(c, "gauges %d", c->s->ops->gauges(c->s, (int64_t)draw(c, 2000),
	    &g));
	for (int i = 0; i < JOB_STATES; i++)
		say(c, " %llu", U(g.jobs[i]));
	for (int i = 0; i <= CAMPAIGN_ABORTED; i++)
		say(c, " %llu", U(g.campaigns[i]));
	say(c, " %llu %llu\n", U(g.backoff), U(g.due));
}

static void
op_tally(struct call *c)
{
	static struct store_tally t[STORE_TALLY];
	uint64_t id = draw(c, 8);
	size_t cap = draw(c, 4) ? STORE_TALLY : draw(c, 4), len = 0;
	struct store_counts n, sum;
	int err;

	memset(&n, 0, sizeof(n));
	memset(&sum, 0, sizeof(sum));
	say(c, "counts %d", c->s->ops->campaign_counts(c->s, id, &n));
	for (int i = 0; i < JOB_STATES; i++)
		say(c, " %llu", U(n.by_state[i]));
	for (int i = 0; i < FAIL_CLASSES; i++)
		say(c, " %llu", U(n.by_class[i]));
	say(c, " %llu %llu %llu %llu\n", U(n.active), U(n.starting),
	    U(n.waiting), U(n.attempts));
	err = c->s->ops->campaign_tally(c->s, id, t, cap, &len);
	say(c, "tally %d", err);
	for (size_t i = 0; i < len; i++) {
		say(c, " %u.%d.%d.%d.%d.%d:%llu", (unsigned)t[i].wave,
		    t[i].state, t[i].begun, t[i].waiting, t[i].fail,
		    t[i].reason, U(t[i].n));
		sum.by_state[t[i].state] += t[i].n;
		assert_true(t[i].n > 0);
	}
	if (err == 0)
		assert_memory_equal(sum.by_state, n.by_state,
		    sizeof(n.by_state));
}

static void
op_plan(struct call *c)
{
	static uint8_t raw[STORE_PLAN_PART];
	struct buf out = buf_of(raw, draw(c, 4) ? sizeof(raw) : 100);
	uint64_t id = draw(c, 8), part = draw(c, 3);
	size_t n = draw(c, 2) ? draw(c, 200) : STORE_PLAN_PART;

	switch (draw(c, 6)) {
	case 0:
		say(c, "plan_drop %d\n", c->s->ops->plan_drop(c->s, id));
		break;
	case 1:
	case 2:
		memset(raw, (int)draw(c, 256), sizeof(raw));
		say(c, "plan_put %d\n", c->s->ops->plan_put(c->s, id, part,
		    slice_of(raw, n)));
		break;
	default:
		say(c, "plan_get %d", c->s->ops->plan_get(c->s, id, part,
		    &out));
		say(c, " %zu %d", out.n, out.over);
		say_hex(c, raw, out.n < 60 ? out.n : 60);
	}
}

#endif
