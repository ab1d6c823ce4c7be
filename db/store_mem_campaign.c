/*
 * Campaigns, in memory. The counts follow the job table (store_mem_job.c).
 */
#include "db/store_mem.h"

static int
cmp_campaign(const void *a, const void *b)
{
	const struct store_campaign *x = a, *y = b;

	return mem_cmp(x->id, y->id);
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
campaign_counts(struct store *s, uint64_t id, struct store_counts *ret)
{
	struct mem *m = mem_of(s);
	static const struct store_counts none;

	if (id != 0 && campaign_find(m, id) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "campaign");
	*ret = id < m->counts_n ? m->counts[id] : none;
	return 0;
}

void
mem_campaign_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_CAMPAIGN] = (struct mem_table){
		.size = sizeof(struct store_campaign),
		.ix = {{.cmp = cmp_campaign}},
	};
	ops->campaign_put = campaign_put;
	ops->campaign_get = campaign_get;
	ops->campaign_save = campaign_save;
	ops->campaign_list = campaign_list;
	ops->campaign_counts = campaign_counts;
}
