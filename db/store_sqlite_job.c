/*
 * Jobs. Those that are saved wait for the commit or for the next statement
 * of any other kind, so that many reports in a turn are one loop of updates,
 * with no savepoint each. A pair that is undone takes back its own; what was
 * written within it waits again.
 *
 * What is due comes from partial indexes: job_deadline for those in an
 * attempt; job_queued for those that wait, by campaign and wave and whether
 * they have failed before. A queue is looked at in each of these parts on
 * its own, so that neither a campaign that is held back nor a wave that is
 * closed costs anything, however many of its jobs are overdue.
 */
#include "db/store_sqlite.h"

#define COLS \
	"id, campaign, device, release, target_seq, state, grade, attempt," \
	" fails_0, fails_1, fails_2, fails_3, fails_4, fails_5, last_fail," \
	" reason, created, updated, due, started, done, total, version, wave"
_Static_assert(FAIL_CLASSES == 6, "a column fails_N for each class");

static const char JOB_INSERT[] =
    "INSERT INTO job (" COLS ") VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
    " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, 1,"
    " ?22)";
static const char JOB_GET[] = "SELECT " COLS " FROM job WHERE id = ?1";
static const char JOB_LIVE[] =
    "SELECT " COLS " FROM job WHERE device = ?1 AND state < 5";
static const char JOB_LAST[] =
    "SELECT " COLS " FROM job WHERE device = ?1 ORDER BY id DESC LIMIT 1";
static const char JOB_SAVE[] =
    "UPDATE job SET state = ?2, grade = ?3, attempt = ?4, fails_0 = ?5,"
    " fails_1 = ?6, fails_2 = ?7, fails_3 = ?8, fails_4 = ?9,"
    " fails_5 = ?10, last_fail = ?11, reason = ?12, updated = ?13,"
    " due = ?14, started = ?15, done = ?16, total = ?17,"
    " version = ?18 WHERE id = ?1";
static const char JOB_LIST[] =
    "SELECT " COLS " FROM job WHERE campaign IS ?1 AND id > ?2 ORDER BY id"
    " LIMIT ?3";

/* as the indexes say it */
#define IN_ATTEMPT "state < 5 AND (state > 0 OR started <> 0)"
#define IN_QUEUE \
	"state = 0 AND started = 0 AND campaign IS ?1 AND wave = ?2" \
	" AND (last_fail <> 0) = "
static const char DUE_DEADLINE[] =
    "SELECT " COLS " FROM job WHERE " IN_ATTEMPT " AND due > 0"
    " AND due <= ?1 ORDER BY due, id LIMIT ?2";
static const char DUE_QUEUED[] =
    "SELECT " COLS " FROM job WHERE " IN_QUEUE
    "?3 AND due > 0 AND due <= ?4 ORDER BY due, id LIMIT ?5";
static const char LEASE[] = "UPDATE job SET due = ?2 WHERE id = ?1";
static const char NEXT_DEADLINE[] =
    "SELECT due FROM job WHERE " IN_ATTEMPT " AND due > 0"
    " ORDER BY due LIMIT 1";
/* Asked for each campaign and wave after each turn: both parts at once. */
#define NEXT_OF(part) \
	"ifnull((SELECT due FROM job WHERE " IN_QUEUE part \
	" AND due > 0 ORDER BY due LIMIT 1), 9223372036854775807)"
static const char NEXT_QUEUED[] =
    "SELECT min(" NEXT_OF("0") ", " NEXT_OF("1") ")";
static const char ACTIVE[] =
    "SELECT " COLS " FROM job WHERE " IN_ATTEMPT
    " AND due >= 0 ORDER BY due, id";

static const char *const NOTABLE[] = {
	[NOTABLE_SLOW] = "SELECT " COLS " FROM job INDEXED BY job_slow"
	    " WHERE campaign IS ?1 AND state > 0 AND state < 5"
	    " ORDER BY started, id LIMIT ?2",
	[NOTABLE_STUCK] = "SELECT " COLS " FROM job INDEXED BY job_stuck"
	    " WHERE campaign IS ?1 AND state = 0 AND last_fail <> 0"
	    " ORDER BY updated, id LIMIT ?2",
	[NOTABLE_FAILED] = "SELECT " COLS " FROM job INDEXED BY job_failed"
	    " WHERE campaign IS ?1 AND state = 6"
	    " ORDER BY updated DESC, id DESC LIMIT ?2",
};

int
sq_job_put(struct store *store, struct job *j)
{
	struct sq *s = sq_of(store);
	int err = rules_job(j);

	if (err != 0)
		return sq_refuse(s, err, "job");
	err = sq_write(s, Q(JOB_INSERT, V_ID(j->campaign), V_INT(j->device),
	    V_INT(j->release), V_INT(j->target_seq), V_INT(j->state),
	    V_INT(j->grade), V_INT(j->attempt), V_INT(j->fails[0]),
	    V_INT(j->fails[1]), V_INT(j->fails[2]), V_INT(j->fails[3]),
	    V_INT(j->fails[4]), V_INT(j->fails[5]), V_INT(j->last_fail),
	    V_INT(j->reason), V_INT(j->created), V_INT(j->updated),
	    V_INT(j->due), V_INT(j->started), V_INT(j->done),
	    V_INT(j->total), V_INT(j->wave)));
	if (err != 0)
		return err;
	j->id = sq_rowid(s);
	j->version = 1;
	store_wrote(store, j->device);
	return 0;
}

static void
job_row(struct row *r, void *out)
{
	struct job *j = out;

	j->id = (uint64_t)row_int(r);
	j->campaign = (uint64_t)row_int(r);
	j->device = (uint64_t)row_int(r);
	j->release = (uint64_t)row_int(r);
	j->target_seq = (uint64_t)row_int(r);
	j->state = row_enum(r, JOB_STATES);
	j->grade = row_enum(r, GRADE_L2 + 1);
	j->attempt = (uint32_t)row_int(r);
	for (int i = 0; i < FAIL_CLASSES; i++)
		j->fails[i] = (uint32_t)row_int(r);
	j->last_fail = row_enum(r, FAIL_CLASSES);
	j->reason = row_enum(r, REASONS);
	j->created = row_int(r);
	j->updated = row_int(r);
	j->due = row_int(r);
	j->started = row_int(r);
	j->done = (uint64_t)row_int(r);
	j->total = (uint64_t)row_int(r);
	j->version = (uint32_t)row_int(r);
	j->wave = (uint32_t)row_int(r);
}

static int
job_one(struct store *s, const struct query *q, struct job *ret)
{
	return sq_one(sq_of(s), q, job_row, ret, sizeof(*ret));
}

int
sq_job_get(struct store *s, uint64_t id, struct job *ret)
{
	return job_one(s, Q(JOB_GET, V_INT(id)), ret);
}

int
sq_job_live(struct store *s, uint64_t device, struct job *ret)
{
	int err;

	if (sq_memo_live(sq_of(s), device, ret))
		return 0;
	err = job_one(s, Q(JOB_LIVE, V_INT(device)), ret);
	if (err == 0)
		sq_memo_job(sq_of(s), ret);
	return err;
}

int
sq_job_last(struct store *s, uint64_t device, struct job *ret)
{
	return job_one(s, Q(JOB_LAST, V_INT(device)), ret);
}

/* The job as it is, for whoever is about to write it. */
static int
save_check(struct sq *s, const struct job *j, struct job *ret_was)
{
	int err = rules_job(j);

	if (err != 0)
		return sq_refuse(s, err, "job");
	err = sq_writable(s);
	if (err == 0 && !sq_memo_job_get(s, j->id, ret_was))
		err = sq_job_get(&s->base, j->id, ret_was);
	if (err == 0 && ret_was->version != j->version)
		err = sq_refuse(s, ERR_CONFLICT, "job");
	return err;
}

static int
save_row(struct sq *s, const struct job *j)
{
	return sq_write(s, Q(JOB_SAVE, V_INT(j->id), V_INT(j->state),
	    V_INT(j->grade), V_INT(j->attempt), V_INT(j->fails[0]),
	    V_INT(j->fails[1]), V_INT(j->fails[2]), V_INT(j->fails[3]),
	    V_INT(j->fails[4]), V_INT(j->fails[5]), V_INT(j->last_fail),
	    V_INT(j->reason), V_INT(j->updated), V_INT(j->due),
	    V_INT(j->started), V_INT(j->done), V_INT(j->total),
	    V_INT(j->version)));
}

/* One that lives on, or ends, can wait: nothing refuses it. */
static int
save_later(struct sq *s, const struct job *was, const struct job *now)
{
	if (s->jobs.n == SQ_JOBS || !rules_live(was->state))
		return save_row(s, now);
	s->jobs.log[s->jobs.n++] = *now;
	return 0;
}

int
sq_jobs_write(struct sq *s)
{
	struct sq_jobs *w = &s->jobs;
	int err = 0;

	if (w->busy)
		return 0;
	w->busy = true;
	while (err == 0 && w->written < w->n) {
		err = save_row(s, &w->log[w->written]);
		w->written += err == 0;
	}
	w->busy = false;
	if (err == 0 && s->depth == 1)
		w->n = w->written = 0;
	return err;
}

void
sq_jobs_begin(struct sq *s)
{
	s->jobs.mark[s->depth].n = s->jobs.n;
	s->jobs.mark[s->depth].written = s->jobs.written;
}

void
sq_jobs_undone(struct sq *s)
{
	s->jobs.n = s->jobs.mark[s->depth].n;
	s->jobs.written = s->jobs.mark[s->depth].written;
}

int
sq_job_save(struct store *store, struct job *j)
{
	struct sq *s = sq_of(store);
	struct job was, now;
	int err = save_check(s, j, &was);

	if (err != 0)
		return err;
	now = *j; /* what the job is stays, whatever the caller has there */
	now.campaign = was.campaign;
	now.wave = was.wave;
	now.device = was.device;
	now.release = was.release;
	now.target_seq = was.target_seq;
	now.created = was.created;
	now.version++;
	err = save_later(s, &was, &now);
	if (err != 0)
		return err;
	sq_memo_saved(s, &now);
	err = sq_tally_moved(s, &was, &now);
	if (err != 0)
		return err;
	j->version++;
	store_wrote(store, was.device);
	return 0;
}

/* Rows come oldest first: those after one that did not get in will not. */
static int
due_row(void *arg, struct row *r)
{
	struct job j = {0};

	job_row(r, &j);
	if (!r->bad)
		due_offer(arg, &j);
	return 0;
}

/* One part of a queue, jobs of waves 0 .. wave, into set. */
static int
queue_due(struct sq *s, const struct store_queue *q, int part,
    struct due_set *set)
{
	int err = 0;

	for (uint32_t w = 0; w <= q->wave && w <= STORE_WAVES && err == 0; w++)
		err = sq_each(s, Q(DUE_QUEUED, V_ID(q->campaign), V_INT(w),
		    V_INT(part == QUEUE_FAILED), V_INT(q->now),
		    V_INT(set->cap)), due_row, set);
	return err;
}

static int
lease(struct sq *s, int64_t due, const struct job *j, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++) {
		err = sq_write(s, Q(LEASE, V_INT(j[i].id), V_INT(due)));
		if (err == 0)
			sq_memo_leased(s, &j[i], due);
	}
	return err;
}

int
sq_jobs_due(struct store *store, int64_t now, int64_t lease_ms,
    struct job *ret, size_t cap, size_t *ret_n)
{
	struct sq *s = sq_of(store);
	struct store_queue none = {.now = now};
	struct due_set set = {ret, 0, cap};
	int err = cap == 0 ? ERR_RANGE : 0;

	if (err != 0)
		return sq_refuse(s, err, "jobs due");
	err = sq_writable(s);
	if (err == 0)
		err = sq_each(s, Q(DUE_DEADLINE, V_INT(now), V_INT(cap)),
		    due_row, &set);
	for (int part = 0; part < QUEUE_PARTS && err == 0; part++)
		err = queue_due(s, &none, part, &set);
	if (err == 0)
		err = lease(s, now + lease_ms, ret, set.n);
	if (err == 0)
		*ret_n = set.n;
	return err;
}

int
sq_jobs_queued(struct store *store, const struct store_queue *q,
    struct job *ret, size_t cap, size_t *ret_n)
{
	struct sq *s = sq_of(store);
	size_t n = 0;
	int err = cap == 0 ? ERR_RANGE : 0;

	if (err != 0)
		return sq_refuse(s, err, "jobs queued");
	err = sq_writable(s);
	for (int part = 0; part < QUEUE_PARTS && n < cap && err == 0; part++) {
		struct due_set set = {ret + n, 0, cap - n};

		err = queue_due(s, q, part, &set);
		n += set.n;
	}
	if (err == 0)
		err = lease(s, q->now + q->lease_ms, ret, n);
	if (err == 0)
		*ret_n = n;
	return err;
}

/* *best is 0 or the earliest so far. */
static int
earlier(struct sq *s, const struct query *q, int64_t *best)
{
	int64_t due = 0;
	int err = sq_int(s, q, &due);

	if (err == 0 && due != INT64_MAX && (*best == 0 || due < *best))
		*best = due;
	return err == ERR_NOT_FOUND ? 0 : err;
}

static int
queue_next(struct sq *s, uint64_t campaign, uint32_t wave, int64_t *best)
{
	int err = 0;

	for (uint32_t w = 0; w <= wave && w <= STORE_WAVES && err == 0; w++)
		err = earlier(s, Q(NEXT_QUEUED, V_ID(campaign), V_INT(w)),
		    best);
	return err;
}

int
sq_next_due(struct store *store, int64_t *ret)
{
	struct sq *s = sq_of(store);
	int64_t best = 0;
	int err = earlier(s, Q0(NEXT_DEADLINE), &best);

	if (err == 0)
		err = queue_next(s, 0, 0, &best);
	if (err == 0)
		*ret = best;
	return err;
}

int
sq_next_queued(struct store *s, uint64_t campaign, uint32_t wave,
    int64_t *ret)
{
	int64_t best = 0;
	int err = queue_next(sq_of(s), campaign, wave, &best);

	if (err == 0)
		*ret = best;
	return err;
}

int
sq_job_list(struct store *s, uint64_t campaign, uint64_t after, size_t limit,
    struct job *ret, size_t *ret_n)
{
	struct sq_list l = {job_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(JOB_LIST, V_ID(campaign), V_INT(after),
	    V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

int
sq_job_notable(struct store *s, uint64_t campaign, enum store_notable which,
    struct job *ret, size_t cap, size_t *ret_n)
{
	struct sq_list l = {job_row, ret, sizeof(*ret), cap, 0};
	int err = rules_page(cap);

	if (err == 0 && (unsigned)which > NOTABLE_FAILED)
		err = ERR_INVALID;
	if (err != 0)
		return sq_refuse(sq_of(s), err, "notable jobs");
	err = sq_list(sq_of(s), Q(NOTABLE[which], V_ID(campaign), V_INT(cap)),
	    &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

struct active {
	int (*cb)(void *arg, const struct job *j);
	void *arg;
};

static int
active_row(void *arg, struct row *r)
{
	struct active *a = arg;
	struct job j = {0};

	job_row(r, &j);
	return r->bad ? 0 : a->cb(a->arg, &j);
}

int
sq_job_active(struct store *s, int (*cb)(void *arg, const struct job *j),
    void *arg)
{
	struct active a = {cb, arg};

	return sq_each(sq_of(s), Q0(ACTIVE), active_row, &a);
}
