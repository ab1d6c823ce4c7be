/*
 * store_rules: what both twins check before they write, so that they refuse
 * alike. Private to db/.
 */
#ifndef SUITD_DB_STORE_RULES_H
#define SUITD_DB_STORE_RULES_H

#include "db/store.h"

/* Numbers that the schema and the partial indexes also know. */
static inline bool
rules_live(enum job_state st)
{
	return st < JOB_DONE;
}

static inline bool
rules_active(enum job_state st)
{
	return st > JOB_QUEUED && st < JOB_DONE;
}

/* An attempt is under way: it has a deadline and counts for the cap. */
static inline bool
rules_attempt(const struct job *j)
{
	return rules_live(j->state) &&
	    (j->state != JOB_QUEUED || j->started != 0);
}

int rules_text(const char *s, size_t min, size_t max) MUST_USE;
int rules_page(size_t limit) MUST_USE;
int rules_device(const struct store_device *d) MUST_USE;
int rules_revoked(const struct store_revoked *r) MUST_USE;
int rules_credential(const struct store_credential *c) MUST_USE;
int rules_author(const struct store_author *a) MUST_USE;
int rules_release(const struct store_release *r, struct slice envelope,
    const struct store_payload *p, size_t np) MUST_USE;
int rules_campaign(const struct store_campaign *c) MUST_USE;
int rules_job(const struct job *j) MUST_USE;
int rules_event(const struct store_event *e) MUST_USE;
int rules_meta(const char *name, struct slice v) MUST_USE;

int rules_scan(const struct store_scan_filter *f) MUST_USE;

/* The kind of a job, with n 1. */
struct store_tally tally_of(const struct job *j);
/* Adds jobs of one kind to the sum (their attempts apart). */
void tally_sum(struct store_counts *k, const struct store_tally *t);

/* Jobs that failed come after those that never did: queues have two parts. */
enum { QUEUE_FRESH, QUEUE_FAILED, QUEUE_PARTS };

/* The `cap` oldest due jobs of several sources, ordered by (due, id). */
struct due_set {
	struct job *job;
	size_t n, cap;
};
/* False: it did not get in, and nothing due later will. */
bool due_offer(struct due_set *set, const struct job *j);

#endif
