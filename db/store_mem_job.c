/*
 * Jobs, in memory, with the same indexes as the SQL schema: by device, by
 * campaign, deadlines of attempts, the queue by campaign and wave.
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

	if (c == 0)
		c = mem_cmp(x->wave, y->wave);
	if (c == 0) /* those that failed before come last */
		c = mem_cmp(x->last_fail != FAIL_NONE,
		    y->last_fail != FAIL_NONE);
	return c != 0 ? c : cmp_due(a, b);
}

static bool
has_attempt(const void *row)
{
	const struct job *j = row;

	return rules_attempt(j);
}

static bool
has_queue(const void *row)
{
	const struct job *j = row;

	return rules_live(j->state) && !rules_attempt(j) && j->due > 0;
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
	store_wrote(s, j->device);
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
	now.wave = old->wave;
	now.device = old->device;
	now.release = old->release;
	now.target_seq = old->target_seq;
	now.created = old->created;
	mem_set(m, MEM_JOB, old, &now);
	store_wrote(s, now.device);
	return 0;
}

/* One part of a queue, one wave of it: where it begins, and the end of it. */
static struct job *
queue_at(struct mem *m, const struct job *probe, size_t i)
{
	struct mem_index *x = mem_ix(m, MEM_JOB, QUEUED);
	struct job *j = i < x->n ? x->row[i] : NULL;

	return j != NULL && j->campaign == probe->campaign &&
	    j->wave == probe->wave &&
	    (j->last_fail != FAIL_NONE) == (probe->last_fail != FAIL_NONE) ?
	    j : NULL;
}

static void
queue_due(struct mem *m, const struct store_queue *q, int part,
    struct due_set *set)
{
	struct job probe = {.campaign = q->campaign}, *j;

	probe.last_fail = part == QUEUE_FAILED;
	for (; probe.wave <= q->wave && probe.wave <= STORE_WAVES;
	    probe.wave++) {
		size_t i = mem_lower(m, MEM_JOB, QUEUED, &probe);

		for (; (j = queue_at(m, &probe, i)) != NULL; i++)
			if (j->due > q->now || !due_offer(set, j))
				break;
	}
}

/* The first one that has a deadline: it sorts behind those that have none. */
static size_t
first_deadline(struct mem *m)
{
	struct job probe = {.due = 1};

	return mem_lower(m, MEM_JOB, DEADLINE, &probe);
}

static void
lease(struct mem *m, int64_t due, const struct job *j, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct job leased = j[i];

		leased.due = due;
		mem_set(m, MEM_JOB, job_find(m, leased.id), &leased);
	}
}

static int
jobs_due(struct store *s, int64_t now, int64_t lease_ms, struct job *ret,
    size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_JOB, DEADLINE);
	struct store_queue none = {.now = now};
	struct due_set set = {ret, 0, cap};
	int err = cap == 0 ? ERR_RANGE : 0;

	if (err != 0)
		return mem_refuse(m, err, "jobs due");
	err = mem_writable(m);
	if (err != 0)
		return err;
	for (size_t i = first_deadline(m); i < x->n; i++) {
		struct job *j = x->row[i];

		if (j->due > now || !due_offer(&set, j))
			break;
	}
	for (int part = 0; part < QUEUE_PARTS; part++)
		queue_due(m, &none, part, &set);
	lease(m, now + lease_ms, ret, set.n);
	*ret_n = set.n;
	return 0;
}

static int
jobs_queued(struct store *s, const struct store_queue *q, struct job *ret,
    size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	size_t n = 0;
	int err = cap == 0 ? ERR_RANGE : 0;

	if (err != 0)
		return mem_refuse(m, err, "jobs queued");
	err = mem_writable(m);
	if (err != 0)
		return err;
	for (int part = 0; part < QUEUE_PARTS && n < cap; part++) {
		struct due_set set = {ret + n, 0, cap - n};

		queue_due(m, q, part, &set);
		n += set.n;
	}
	lease(m, q->now + q->lease_ms, ret, n);
	*ret_n = n;
	return 0;
}

static void
earlier(int64_t *best, const struct job *j)
{
	if (j != NULL && (*best == 0 || j->due < *best))
		*best = j->due;
}

static void
queue_next(struct mem *m, uint64_t campaign, uint32_t wave, int64_t *best)
{
	struct job probe = {.campaign = campaign};

	for (; probe.wave <= wave && probe.wave <= STORE_WAVES; probe.wave++)
		for (int part = 0; part < QUEUE_PARTS; part++) {
			probe.last_fail = part == QUEUE_FAILED;
			earlier(best, queue_at(m, &probe,
			    mem_lower(m, MEM_JOB, QUEUED, &probe)));
		}
}

static int
next_due(struct store *s, int64_t *ret)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_JOB, DEADLINE);
	size_t i = first_deadline(m);
	int64_t best = 0;

	earlier(&best, i < x->n ? x->row[i] : NULL);
	queue_next(m, 0, 0, &best);
	*ret = best;
	return 0;
}

static int
next_queued(struct store *s, uint64_t campaign, uint32_t wave, int64_t *ret)
{
	int64_t best = 0;

	queue_next(mem_of(s), campaign, wave, &best);
	*ret = best;
	return 0;
}

static void
gauge_jobs(const struct mem *m, struct store_gauges *g)
{
	for (size_t i = 0; i < m->tally_n; i++) {
		const struct store_tally *t = &m->tally[i].t;

		g->jobs[t->state] += t->n;
		if (t->state == JOB_DONE)
			g->done[t->grade] += t->n;
		if (t->state == JOB_QUEUED && !t->begun && !t->waiting &&
		    t->fail != FAIL_NONE)
			g->backoff += t->n;
	}
}

static uint64_t
gauge_due(struct mem *m, int64_t now)
{
	struct mem_index *x = mem_ix(m, MEM_JOB, DEADLINE);
	struct job probe = {.campaign = 0}, *j;
	uint64_t n = 0;

	for (size_t i = first_deadline(m); i < x->n && n < STORE_DUE; i++) {
		j = x->row[i];
		n += j->due <= now;
	}
	for (int part = 0; part < QUEUE_PARTS; part++) {
		size_t i;

		probe.last_fail = part == QUEUE_FAILED;
		i = mem_lower(m, MEM_JOB, QUEUED, &probe);
		for (; (j = queue_at(m, &probe, i)) != NULL &&
		    n < STORE_DUE; i++)
			n += j->due <= now;
	}
	return n;
}

static int
gauges(struct store *s, int64_t now, struct store_gauges *ret)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_CAMPAIGN, 0);

	memset(ret, 0, sizeof(*ret));
	gauge_jobs(m, ret);
	for (size_t i = 0; i < x->n; i++) {
		const struct store_campaign *c = x->row[i];

		ret->campaigns[c->state]++;
	}
	ret->due = gauge_due(m, now);
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

static bool
notable(const struct job *j, enum store_notable which)
{
	if (which == NOTABLE_SLOW)
		return rules_active(j->state);
	if (which == NOTABLE_STUCK)
		return j->state == JOB_QUEUED && j->last_fail != FAIL_NONE;
	return j->state == JOB_FAILED;
}

static bool
more_notable(const struct job *a, const struct job *b,
    enum store_notable which)
{
	int c = which == NOTABLE_SLOW ?
	    (a->started > b->started) - (a->started < b->started) :
	    (a->updated > b->updated) - (a->updated < b->updated);

	if (c == 0)
		c = cmp_id(a, b);
	return which == NOTABLE_FAILED ? c > 0 : c < 0;
}

static int
job_notable(struct store *s, uint64_t campaign, enum store_notable which,
    struct job *ret, size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_JOB, BY_CAMPAIGN);
	struct job probe = {.campaign = campaign}, *j;
	size_t i = mem_lower(m, MEM_JOB, BY_CAMPAIGN, &probe), n = 0, k;
	int err = rules_page(cap);

	if (err == 0 && (unsigned)which > NOTABLE_FAILED)
		err = ERR_INVALID;
	if (err != 0)
		return mem_refuse(m, err, "notable jobs");
	for (; i < x->n && (j = x->row[i])->campaign == campaign; i++) {
		if (!notable(j, which) || (n == cap &&
		    !more_notable(j, &ret[n - 1], which)))
			continue;
		k = n == cap ? n - 1 : n++;
		for (; k > 0 && more_notable(j, &ret[k - 1], which); k--)
			ret[k] = ret[k - 1];
		ret[k] = *j;
	}
	*ret_n = n;
	return 0;
}

static int
job_active(struct store *s, int (*cb)(void *arg, const struct job *j),
    void *arg)
{
	struct mem_index *x = mem_ix(mem_of(s), MEM_JOB, DEADLINE);
	int err = 0;

	for (size_t i = 0; i < x->n && err == 0; i++)
		err = cb(arg, x->row[i]);
	return err;
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
			[DEADLINE] = {.cmp = cmp_due, .has = has_attempt},
			[QUEUED] = {.cmp = cmp_queued, .has = has_queue},
		},
		.changed = mem_tally_changed,
	};
	ops->job_put = job_put;
	ops->job_get = job_get;
	ops->job_live = job_live;
	ops->job_last = job_last;
	ops->job_save = job_save;
	ops->jobs_due = jobs_due;
	ops->next_due = next_due;
	ops->jobs_queued = jobs_queued;
	ops->next_queued = next_queued;
	ops->gauges = gauges;
	ops->job_list = job_list;
	ops->job_notable = job_notable;
	ops->job_active = job_active;
}
