/*
 * Jobs, in memory, with the same indexes as the SQL schema: by device, by
 * campaign, deadlines of attempts, the queue by campaign.
 */
#include "db/store_mem.h"

enum { BY_ID, BY_DEVICE, BY_CAMPAIGN, DEADLINE, QUEUED };

static int
cmp_id(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_device(const void *a, const void *b)
{
	const struct job *x = a, *y = b;
	int c = mem_cmp(x->device, y->device);

	return c != 0 ? c : cmp_id(a, b);
}

static int
cmp_campaign(const void *a, const void *b)
{
	const struct job *x = a, *y = b;
	int c = mem_cmp(x->campaign, y->campaign);

	return c != 0 ? c : cmp_id(a, b);
}

static int
cmp_due(const void *a, const void *b)
{
	const struct job *x = a, *y = b;
	int c = mem_cmp((uint64_t)x->due, (uint64_t)y->due);

	return c != 0 ? c : cmp_id(a, b);
}

static int
cmp_queued(const void *a, const void *b)
{
	const struct job *x = a, *y = b;
	int c = mem_cmp(x->campaign, y->campaign);

	return c != 0 ? c : cmp_due(a, b);
}

static bool
has_deadline(const void *row)
{
	const struct job *j = row;

	return rules_attempt(j) && j->due > 0;
}

static bool
has_queue(const void *row)
{
	const struct job *j = row;

	return rules_live(j->state) && !rules_attempt(j) && j->due > 0;
}

static void
count(struct mem *m, const struct job *j, uint64_t by)
{
	struct store_counts *k;
	size_t n = m->counts_n;

	if (j->campaign >= n) {
		m->counts_n = (size_t)j->campaign + 16;
		m->counts = mem_alloc(m->counts, m->counts_n,
		    sizeof(*m->counts));
		memset(m->counts + n, 0, (m->counts_n - n) * sizeof(*k));
	}
	k = &m->counts[j->campaign];
	k->by_state[j->state] += by;
	if (rules_active(j->state))
		k->active += by;
	if (j->state == JOB_FAILED)
		k->by_class[j->last_fail] += by;
	if (j->state == JOB_QUEUED && rules_attempt(j))
		k->starting += by;
}

static void
job_changed(struct mem *m, const void *old, const void *now)
{
	if (old != NULL)
		count(m, old, (uint64_t)-1);
	if (now != NULL)
		count(m, now, 1);
}

static struct job *
job_find(struct mem *m, uint64_t id)
{
	struct job probe = {.id = id};

	return mem_find(m, MEM_JOB, BY_ID, &probe);
}

static struct job *
device_job(struct mem *m, uint64_t device, bool live)
{
	struct mem_index *x = mem_ix(m, MEM_JOB, BY_DEVICE);
	struct job probe = {.device = device, .id = UINT64_MAX}, *j;
	size_t i = mem_lower(m, MEM_JOB, BY_DEVICE, &probe);

	for (; i > 0; i--) {
		j = x->row[i - 1];
		if (j->device != device)
			break;
		if (!live || rules_live(j->state))
			return j;
	}
	return NULL;
}

static bool
job_parts_there(struct mem *m, const struct job *j)
{
	struct store_device d = {.id = j->device};
	struct store_release r = {.id = j->release};
	struct store_campaign c = {.id = j->campaign};

	return mem_find(m, MEM_DEVICE, 0, &d) != NULL &&
	    mem_find(m, MEM_RELEASE, 0, &r) != NULL &&
	    (c.id == 0 || mem_find(m, MEM_CAMPAIGN, 0, &c) != NULL);
}

static int
job_put(struct store *s, struct job *j)
{
	struct mem *m = mem_of(s);
	int err = rules_job(j);

	if (err != 0)
		return mem_refuse(m, err, "job");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (rules_live(j->state) && device_job(m, j->device, true) != NULL)
		return mem_refuse(m, ERR_EXISTS, "job");
	if (!job_parts_there(m, j))
		return mem_refuse(m, ERR_NOT_FOUND, "job");
	j->id = mem_next(m, MEM_JOB);
	j->version = 1;
	mem_set(m, MEM_JOB, NULL, j);
	return 0;
}

static int
give(struct mem *m, const struct job *j, struct job *ret)
{
	if (j == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "job");
	*ret = *j;
	return 0;
}

static int
job_get(struct store *s, uint64_t id, struct job *ret)
{
	return give(mem_of(s), job_find(mem_of(s), id), ret);
}

static int
job_live(struct store *s, uint64_t device, struct job *ret)
{
	return give(mem_of(s), device_job(mem_of(s), device, true), ret);
}

static int
job_last(struct store *s, uint64_t device, struct job *ret)
{
	return give(mem_of(s), device_job(mem_of(s), device, false), ret);
}

static int
job_save(struct store *s, struct job *j)
{
	struct mem *m = mem_of(s);
	struct job *old, *live, now = *j;
	int err = rules_job(j);

	if (err != 0)
		return mem_refuse(m, err, "job");
	err = mem_writable(m);
	if (err != 0)
		return err;
	old = job_find(m, j->id);
	if (old == NULL || old->version != j->version)
		return mem_refuse(m, old ? ERR_CONFLICT : ERR_NOT_FOUND,
		    "job");
	live = device_job(m, old->device, true);
	if (rules_live(j->state) && live != NULL && live != old)
		return mem_refuse(m, ERR_EXISTS, "job");
	now.version = ++j->version;
	now.campaign = old->campaign;
	now.device = old->device;
	now.release = old->release;
	now.target_seq = old->target_seq;
	now.created = old->created;
	mem_set(m, MEM_JOB, old, &now);
	return 0;
}

/* How many more of its queued jobs may start. */
static size_t
campaign_room(struct mem *m, const struct store_campaign *c)
{
	uint64_t busy = c->id < m->counts_n ? m->counts[c->id].active +
	    m->counts[c->id].starting : 0;

	return c->state == CAMPAIGN_RUNNING && c->concurrency > busy ?
	    (size_t)(c->concurrency - busy) : 0;
}

static void
queue_due(struct mem *m, uint64_t campaign, size_t room, int64_t now,
    struct due_set *set)
{
	struct mem_index *x = mem_ix(m, MEM_JOB, QUEUED);
	struct job probe = {.campaign = campaign}, *j;
	size_t i = mem_lower(m, MEM_JOB, QUEUED, &probe);

	for (; i < x->n && room > 0; i++, room--) {
		j = x->row[i];
		if (j->campaign != campaign || j->due > now ||
		    !due_offer(set, j))
			break;
	}
}

static int
jobs_due(struct store *s, int64_t now, int64_t lease_ms, struct job *ret,
    size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_JOB, DEADLINE);
	struct mem_index *cx = mem_ix(m, MEM_CAMPAIGN, 0);
	struct due_set set = {ret, 0, cap};
	int err = cap == 0 ? ERR_RANGE : 0;

	if (err != 0)
		return mem_refuse(m, err, "jobs due");
	err = mem_writable(m);
	if (err != 0)
		return err;
	for (size_t i = 0; i < x->n; i++) {
		struct job *j = x->row[i];

		if (j->due > now || !due_offer(&set, j))
			break;
	}
	queue_due(m, 0, cap, now, &set);
	for (size_t i = 0; i < cx->n; i++) {
		struct store_campaign *c = cx->row[i];

		queue_due(m, c->id, campaign_room(m, c), now, &set);
	}
	for (size_t i = 0; i < set.n; i++) {
		struct job leased = ret[i];

		leased.due = now + lease_ms;
		mem_set(m, MEM_JOB, job_find(m, leased.id), &leased);
	}
	*ret_n = set.n;
	return 0;
}

static void
earliest(int64_t *best, const struct job *j)
{
	if (*best == 0 || j->due < *best)
		*best = j->due;
}

static void
earliest_queued(struct mem *m, uint64_t campaign, int64_t *best)
{
	struct mem_index *x = mem_ix(m, MEM_JOB, QUEUED);
	struct job probe = {.campaign = campaign}, *j;
	size_t i = mem_lower(m, MEM_JOB, QUEUED, &probe);

	if (i < x->n && (j = x->row[i])->campaign == campaign)
		earliest(best, j);
}

static int
next_due(struct store *s, int64_t *ret)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_JOB, DEADLINE);
	struct mem_index *cx = mem_ix(m, MEM_CAMPAIGN, 0);
	int64_t best = 0;

	if (x->n > 0)
		earliest(&best, x->row[0]);
	earliest_queued(m, 0, &best);
	for (size_t i = 0; i < cx->n; i++) {
		struct store_campaign *c = cx->row[i];

		if (campaign_room(m, c) > 0)
			earliest_queued(m, c->id, &best);
	}
	*ret = best;
	return 0;
}

static int
job_list(struct store *s, uint64_t campaign, uint64_t after, size_t limit,
    struct job *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_JOB, BY_CAMPAIGN);
	struct job probe = {.campaign = campaign, .id = after + 1}, *j;
	size_t i = mem_lower(m, MEM_JOB, BY_CAMPAIGN, &probe), n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (; i < x->n && n < limit; i++) {
		j = x->row[i];
		if (j->campaign != campaign)
			break;
		ret[n++] = *j;
	}
	*ret_n = n;
	return 0;
}

void
mem_job_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_JOB] = (struct mem_table){
		.size = sizeof(struct job),
		.ix = {
			[BY_ID] = {.cmp = cmp_id},
			[BY_DEVICE] = {.cmp = cmp_device},
			[BY_CAMPAIGN] = {.cmp = cmp_campaign},
			[DEADLINE] = {.cmp = cmp_due, .has = has_deadline},
			[QUEUED] = {.cmp = cmp_queued, .has = has_queue},
		},
		.changed = job_changed,
	};
	ops->job_put = job_put;
	ops->job_get = job_get;
	ops->job_live = job_live;
	ops->job_last = job_last;
	ops->job_save = job_save;
	ops->jobs_due = jobs_due;
	ops->next_due = next_due;
	ops->job_list = job_list;
}
