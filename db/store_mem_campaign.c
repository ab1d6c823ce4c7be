/*
 * Campaigns, their tallies and plans, in memory.
 */
#include "db/store_mem.h"

#include <stdlib.h>

static int
cmp_campaign(const void *a, const void *b)
{
	const struct store_campaign *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_plan(const void *a, const void *b)
{
	const struct mem_plan_key *x = a, *y = b;
	int c = mem_cmp(x->campaign, y->campaign);

	return c != 0 ? c : mem_cmp(x->part, y->part);
}

static int
cmp_tally(const struct mem_tally *x, const struct mem_tally *y)
{
	const struct store_tally *a = &x->t, *b = &y->t;
	const uint64_t by[][2] = {
		{x->campaign, y->campaign}, {a->wave, b->wave},
		{a->state, b->state}, {a->begun, b->begun},
		{a->waiting, b->waiting}, {a->fail, b->fail},
		{a->reason, b->reason}, {a->grade, b->grade},
	};
	int c = 0;

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]) && c == 0; i++)
		c = mem_cmp(by[i][0], by[i][1]);
	return c;
}

/* Position of the first one that is not before `probe`. */
static size_t
tally_lower(const struct mem *m, const struct mem_tally *probe)
{
	size_t lo = 0, hi = m->tally_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp_tally(&m->tally[mid], probe) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
tally_add(struct mem *m, const struct mem_tally *row)
{
	size_t i = tally_lower(m, row);

	if (i < m->tally_n && cmp_tally(&m->tally[i], row) == 0) {
		m->tally[i].t.n++;
		m->tally[i].attempts += row->attempts;
		return;
	}
	if (m->tally_n == m->tally_cap) {
		m->tally_cap = m->tally_cap ? m->tally_cap * 2 : 16;
		m->tally = mem_alloc(m->tally, m->tally_cap,
		    sizeof(*m->tally));
	}
	memmove(m->tally + i + 1, m->tally + i,
	    (m->tally_n++ - i) * sizeof(*m->tally));
	m->tally[i] = *row;
}

static void
tally_take(struct mem *m, const struct mem_tally *row)
{
	size_t i = tally_lower(m, row);

	m->tally[i].attempts -= row->attempts;
	if (--m->tally[i].t.n == 0)
		memmove(m->tally + i, m->tally + i + 1,
		    (--m->tally_n - i) * sizeof(*m->tally));
}

void
mem_tally_changed(struct mem *m, const void *old, const void *now)
{
	const struct job *a = old, *b = now;

	if (a != NULL)
		tally_take(m, &(struct mem_tally){a->campaign, a->attempt,
		    tally_of(a)});
	if (b != NULL)
		tally_add(m, &(struct mem_tally){b->campaign, b->attempt,
		    tally_of(b)});
}

static struct store_campaign *
campaign_find(struct mem *m, uint64_t id)
{
	struct store_campaign probe = {.id = id};

	return mem_find(m, MEM_CAMPAIGN, 0, &probe);
}

static int
campaign_put(struct store *s, struct store_campaign *c)
{
	struct mem *m = mem_of(s);
	struct store_release probe = {.id = c->release};
	int err = rules_campaign(c);

	if (err != 0)
		return mem_refuse(m, err, "campaign");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (mem_find(m, MEM_RELEASE, 0, &probe) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "release");
	c->id = mem_next(m, MEM_CAMPAIGN);
	c->version = 1;
	mem_set(m, MEM_CAMPAIGN, NULL, c);
	return 0;
}

static int
campaign_get(struct store *s, uint64_t id, struct store_campaign *ret)
{
	struct store_campaign *c = campaign_find(mem_of(s), id);

	if (c == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND, "campaign");
	*ret = *c;
	return 0;
}

static int
campaign_save(struct store *s, struct store_campaign *c)
{
	struct mem *m = mem_of(s);
	struct store_campaign *old, now = *c;
	int err = rules_campaign(c);

	if (err != 0)
		return mem_refuse(m, err, "campaign");
	err = mem_writable(m);
	if (err != 0)
		return err;
	old = campaign_find(m, c->id);
	if (old == NULL || old->version != c->version)
		return mem_refuse(m, old ? ERR_CONFLICT : ERR_NOT_FOUND,
		    "campaign");
	now.version = ++c->version;
	now.release = old->release;
	now.created = old->created;
	mem_set(m, MEM_CAMPAIGN, old, &now);
	return 0;
}

static int
campaign_list(struct store *s, uint64_t before, size_t limit,
    struct store_campaign *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct store_campaign probe = {.id = before ? before : UINT64_MAX};
	size_t i = mem_lower(m, MEM_CAMPAIGN, 0, &probe), n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (; i > 0 && n < limit; i--)
		ret[n++] = *(struct store_campaign *)
		    mem_ix(m, MEM_CAMPAIGN, 0)->row[i - 1];
	*ret_n = n;
	return 0;
}

static int
campaign_live(struct store *s, uint64_t after, size_t limit,
    struct store_campaign *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_CAMPAIGN, 0);
	struct store_campaign *c;
	size_t n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (size_t i = 0; i < x->n && n < limit; i++) {
		c = x->row[i];
		if (c->id > after && (c->state < CAMPAIGN_FINISHED ||
		    c->work != WORK_NONE))
			ret[n++] = *c;
	}
	*ret_n = n;
	return 0;
}

static int
campaign_counts(struct store *s, uint64_t id, struct store_counts *ret)
{
	struct mem *m = mem_of(s);
	struct mem_tally probe = {.campaign = id};
	size_t i = tally_lower(m, &probe);

	if (id != 0 && campaign_find(m, id) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "campaign");
	memset(ret, 0, sizeof(*ret));
	for (; i < m->tally_n && m->tally[i].campaign == id; i++) {
		tally_sum(ret, &m->tally[i].t);
		ret->attempts += m->tally[i].attempts;
	}
	return 0;
}

static int
campaign_tally(struct store *s, uint64_t id, struct store_tally *ret,
    size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_tally probe = {.campaign = id};
	size_t i = tally_lower(m, &probe), n = 0;

	if (id != 0 && campaign_find(m, id) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "campaign");
	for (; i < m->tally_n && m->tally[i].campaign == id; i++) {
		if (n == cap || n == STORE_TALLY)
			return mem_refuse(m, ERR_SPACE, "tally");
		ret[n++] = m->tally[i].t;
	}
	*ret_n = n;
	return 0;
}

static struct mem_plan *
plan_find(struct mem *m, uint64_t campaign, uint64_t part)
{
	const struct mem_plan_key probe = {campaign, part};

	return mem_find(m, MEM_PLAN, 0, &probe);
}

static int
plan_put(struct store *s, uint64_t campaign, uint64_t part,
    struct slice bytes)
{
	struct mem *m = mem_of(s);
	struct mem_plan *now;
	int err;

	if (bytes.n > STORE_PLAN_PART)
		return mem_refuse(m, ERR_SIZE, "part of a plan");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (campaign_find(m, campaign) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "campaign");
	now = mem_alloc(NULL, 1, sizeof(*now));
	memset(now, 0, sizeof(*now));
	now->key.campaign = campaign;
	now->key.part = part;
	now->n = bytes.n;
	if (bytes.n > 0)
		memcpy(now->b, bytes.p, bytes.n);
	mem_set(m, MEM_PLAN, plan_find(m, campaign, part), now);
	free(now);
	return 0;
}

static int
plan_get(struct store *s, uint64_t campaign, uint64_t part, struct buf *out)
{
	struct mem *m = mem_of(s);
	struct mem_plan *p = plan_find(m, campaign, part);

	if (p == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "part of a plan");
	if (p->n > out->cap - out->n)
		return mem_refuse(m, ERR_SPACE, "part of a plan");
	buf_put(out, slice_of(p->b, p->n));
	return 0;
}

static int
plan_drop(struct store *s, uint64_t campaign)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_PLAN, 0);
	const struct mem_plan_key probe = {campaign, 0};
	size_t i;
	int err = mem_writable(m);

	if (err != 0)
		return err;
	while ((i = mem_lower(m, MEM_PLAN, 0, &probe)) < x->n &&
	    ((struct mem_plan_key *)x->row[i])->campaign == campaign)
		mem_set(m, MEM_PLAN, x->row[i], NULL);
	return 0;
}

static int
campaign_remove(struct store *s, uint64_t id)
{
	struct mem *m = mem_of(s);
	struct store_campaign *c = campaign_find(m, id);
	struct mem_tally probe = {.campaign = id};
	size_t i = tally_lower(m, &probe);
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if (c == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "campaign");
	if (i < m->tally_n && m->tally[i].campaign == id)
		return mem_refuse(m, ERR_STATE, "campaign with jobs");
	mem_set(m, MEM_CAMPAIGN, c, NULL);
	return plan_drop(s, id);
}

void
mem_campaign_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_CAMPAIGN] = (struct mem_table){
		.size = sizeof(struct store_campaign),
		.ix = {{.cmp = cmp_campaign}},
	};
	m->table[MEM_PLAN] = (struct mem_table){
		.size = sizeof(struct mem_plan),
		.ix = {{.cmp = cmp_plan}},
	};
	ops->campaign_put = campaign_put;
	ops->campaign_get = campaign_get;
	ops->campaign_save = campaign_save;
	ops->campaign_list = campaign_list;
	ops->campaign_remove = campaign_remove;
	ops->campaign_live = campaign_live;
	ops->campaign_counts = campaign_counts;
	ops->campaign_tally = campaign_tally;
	ops->plan_put = plan_put;
	ops->plan_get = plan_get;
	ops->plan_drop = plan_drop;
}
