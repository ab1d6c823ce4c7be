/*
 * op_job: calls of the twins' test about jobs, and when which is due.
 */
#ifndef SUITD_TESTS_DB_OP_JOB_H
#define SUITD_TESTS_DB_OP_JOB_H

#include "tests/db/say.h"

static void
draw_job(struct call *c, struct job *j)
{
	j->state = (enum job_state)draw(c, JOB_STATES);
	if (draw(c, 2))
		j->state = (enum job_state)draw(c, JOB_DONE);
	j->grade = (enum grade)draw(c, 3);
	j->attempt++;
	j->last_fail = (enum fail_class)draw(c, FAIL_CLASSES);
	j->fails[j->last_fail]++;
	j->reason = (enum track_reason)draw(c, REASONS);
	j->due = draw(c, 4) ? (int64_t)draw(c, 1000) : 0;
	j->started = draw(c, 2) ? (int64_t)draw(c, 1000) : 0;
	j->updated = (int64_t)draw(c, 1000);
	j->done += draw(c, 100);
}

static void
op_job_put(struct call *c)
{
	struct job j = make_job(draw(c, 8), draw(c, 60), draw(c, 20), 0);

	if (draw(c, 4))
		j.wave = (uint32_t)draw(c, j.campaign ? STORE_WAVES + 2 : 2);
	draw_job(c, &j);
	if (draw(c, 2))
		j.state = JOB_QUEUED;
	say(c, "job_put %d", c->s->ops->job_put(c->s, &j));
	say_job(c, &j);
}

static void
op_job_save(struct call *c)
{
	struct job j;

	if (c->s->ops->job_get(c->s, draw(c, 200), &j) != 0)
		return;
	draw_job(c, &j);
	j.version -= draw(c, 10) == 0;
	if (j.campaign != 0)
		j.wave = (uint32_t)draw(c, STORE_WAVES); /* stays */
	say(c, "job_save %d", c->s->ops->job_save(c->s, &j));
	say_job(c, &j);
}

static void
op_job_find(struct call *c)
{
	struct job j, page[5];
	size_t n = 0;
	int err = 0;

	switch (draw(c, 4)) {
	case 0:
		err = c->s->ops->job_get(c->s, draw(c, 200), &j);
		break;
	case 1:
		err = c->s->ops->job_live(c->s, draw(c, 60), &j);
		break;
	case 2:
		err = c->s->ops->job_last(c->s, draw(c, 60), &j);
		break;
	default:
		say(c, "job_list %d\n", c->s->ops->job_list(c->s,
		    draw(c, 20), draw(c, 200), 5, page, &n));
		for (size_t i = 0; i < n; i++)
			say_job(c, &page[i]);
		return;
	}
	say(c, "job %d", err);
	if (err == 0)
		say_job(c, &j);
}

static void
op_due(struct call *c)
{
	struct job page[8];
	int64_t at = -1;
	size_t n = 0;

	say(c, "next_due %d", c->s->ops->next_due(c->s, &at));
	say(c, " %lld\n", (long long)at);
	say(c, "jobs_due %d\n", c->s->ops->jobs_due(c->s,
	    (int64_t)draw(c, 1000), (int64_t)draw(c, 300), page,
	    1 + draw(c, 8), &n));
	for (size_t i = 0; i < n; i++)
		say_job(c, &page[i]);
}

static void
op_queue(struct call *c)
{
	struct store_queue q = {.campaign = draw(c, 8),
	    .wave = (uint32_t)draw(c, STORE_WAVES + 3),
	    .now = (int64_t)draw(c, 1000), .lease_ms = (int64_t)draw(c, 300)};
	struct job page[8];
	int64_t at = -1;
	size_t n = 0;

	say(c, "next_queued %d", c->s->ops->next_queued(c->s, q.campaign,
	    q.wave, &at));
	say(c, " %lld\n", (long long)at);
	say(c, "jobs_queued %d\n", c->s->ops->jobs_queued(c->s, &q, page,
	    draw(c, 8), &n));
	for (size_t i = 0; i < n; i++)
		say_job(c, &page[i]);
}

static void
op_notable(struct call *c)
{
	struct look l = {c, draw(c, 20)};
	struct job page[6];
	size_t n = 0;

	say(c, "notable %d\n", c->s->ops->job_notable(c->s, draw(c, 8),
	    (enum store_notable)draw(c, 4), page, draw(c, 7), &n));
	for (size_t i = 0; i < n; i++)
		say_job(c, &page[i]);
	if (draw(c, 4) == 0)
		say(c, "active %d\n", c->s->ops->job_active(c->s,
		    say_active, &l));
}

#endif
