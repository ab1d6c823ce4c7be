/*
 * The tally of jobs: how many of each campaign are of a kind. Jobs that are
 * put and removed are counted by triggers; those that change, which is what
 * a fleet does all day, here: sixty reports in one transaction move jobs
 * between the same few kinds, so the rows are written once, before the
 * commit or before somebody reads them.
 *
 * Changes wait in a log. A pair that is undone takes back its own, and what
 * was written within it waits again. When the log is full, changes are
 * written at once, in the pair that they belong to, after those that wait.
 */
#include "db/store_sqlite.h"

static const char ADD[] =
    "INSERT INTO job_tally VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    " ON CONFLICT DO UPDATE SET n = n + excluded.n,"
    " attempts = attempts + excluded.attempts";
static const char ADD_LIVE[] =
    "UPDATE tally SET n = n + ?1 WHERE name = 'job_live'";

static bool
same_kind(const struct sq_change *a, const struct sq_change *b)
{
	return a->campaign == b->campaign && a->kind.wave == b->kind.wave &&
	    a->kind.state == b->kind.state && a->kind.begun == b->kind.begun &&
	    a->kind.waiting == b->kind.waiting &&
	    a->kind.fail == b->kind.fail &&
	    a->kind.reason == b->kind.reason && a->kind.grade == b->kind.grade;
}

/* A kind that has none left has no row: a trigger sees to that. */
static int
add(struct sq *s, const struct sq_change *c)
{
	if (c->n == 0 && c->attempts == 0)
		return 0;
	return sq_write(s, Q(ADD, V_INT(c->campaign), V_INT(c->kind.wave),
	    V_INT(c->kind.state), V_INT(c->kind.begun),
	    V_INT(c->kind.waiting), V_INT(c->kind.fail),
	    V_INT(c->kind.reason), V_INT(c->kind.grade), V_INT(c->n),
	    V_INT(c->attempts)));
}

static int
write_changes(struct sq *s, const struct sq_change *log, size_t log_n)
{
	struct sq_change sum[SQ_CHANGES];
	size_t n = 0;
	int64_t live = 0;
	int err = 0;

	for (size_t i = 0, k; i < log_n; i++) {
		if (rules_live(log[i].kind.state))
			live += log[i].n;
		for (k = 0; k < n && !same_kind(&sum[k], &log[i]); k++)
			;
		if (k == n) {
			sum[n++] = log[i];
			continue;
		}
		sum[k].n += log[i].n;
		sum[k].attempts += log[i].attempts;
	}
	for (size_t k = 0; k < n && err == 0; k++)
		err = add(s, &sum[k]);
	if (err == 0 && live != 0)
		err = sq_write(s, Q(ADD_LIVE, V_INT(live)));
	return err;
}

int
sq_tally_moved(struct sq *s, const struct job *was, const struct job *now)
{
	struct sq_tally *t = &s->tally;
	struct sq_change c[2] = {
		{was->campaign, tally_of(was), -1, -(int64_t)was->attempt},
		{now->campaign, tally_of(now), 1, (int64_t)now->attempt},
	};
	int err;

	if (same_kind(&c[0], &c[1]) && was->attempt == now->attempt)
		return 0;
	if (t->n + 2 > SQ_CHANGES) {
		err = sq_tally_write(s); /* a row whose n is 0 meanwhile goes */
		return err == 0 ? write_changes(s, c, 2) : err;
	}
	t->log[t->n++] = c[0];
	t->log[t->n++] = c[1];
	return 0;
}

int
sq_tally_write(struct sq *s)
{
	struct sq_tally *t = &s->tally;
	int err = s->doom;

	if (err == 0)
		err = write_changes(s, t->log + t->written,
		    t->n - t->written);
	if (err == 0)
		t->written = t->n;
	if (err == 0 && s->depth == 1)
		t->n = t->written = 0;
	return err;
}

void
sq_tally_begin(struct sq *s)
{
	struct sq_tally *t = &s->tally;

	t->mark[s->depth].n = t->n;
	t->mark[s->depth].written = t->written;
}

void
sq_tally_undone(struct sq *s)
{
	struct sq_tally *t = &s->tally;

	t->n = t->mark[s->depth].n;
	t->written = t->mark[s->depth].written;
}
