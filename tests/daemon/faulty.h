/*
 * faulty: a world for the tests of the engine, whose store may run out of
 * disk at the outermost commit, and whose jobs somebody else may save first.
 */
#ifndef SUITD_TESTS_DAEMON_FAULTY_H
#define SUITD_TESTS_DAEMON_FAULTY_H

#include "tests/daemon/fake.h"

static const struct store_ops *real;
static int depth, conflicts;
static bool full;

static inline int
f_begin(struct store *s)
{
	int rc = real->begin(s);

	depth += rc == 0;
	return rc;
}

static inline int
f_commit(struct store *s)
{
	depth--;
	if (full && depth == 0) {
		real->rollback(s);
		return ERR_NOSPACE;
	}
	return real->commit(s);
}

static inline void
f_rollback(struct store *s)
{
	depth--;
	real->rollback(s);
}

/* Somebody else saves the job first, `conflicts` times. */
static inline int
f_job_save(struct store *s, struct job *j)
{
	struct job other;

	if (conflicts > 0 && conflicts--) {
		assert_int_equal(real->job_get(s, j->id, &other), 0);
		assert_int_equal(real->job_save(s, &other), 0);
	}
	return real->job_save(s, j);
}

static inline void
faulty(struct world *w)
{
	static struct store_ops ops;

	real = w->app.store->ops;
	ops = *real;
	ops.begin = f_begin;
	ops.commit = f_commit;
	ops.rollback = f_rollback;
	ops.job_save = f_job_save;
	depth = conflicts = 0;
	full = false;
	w->app.store->ops = &ops;
}

static inline void
sound(struct world *w)
{
	w->app.store->ops = real;
}

static inline void
setup(struct world *w)
{
	world_open(w, store_mem_open);
}

static inline uint64_t
campaign(struct world *w, uint64_t release, uint32_t concurrency)
{
	char rules[40];

	snprintf(rules, sizeof(rules), "concurrency=%u", concurrency);
	return campaign_for(w, release, rules).id;
}

#endif
