/*
 * What a monitoring system asks for now and then. Jobs and campaigns by
 * state walk tables that have a few rows for each campaign there ever was;
 * what is due is led by the indexes of the clock, up to a cap.
 */
#include "db/store_sqlite.h"

static const char JOBS[] =
    "/* scans */ SELECT state, begun, waiting, fail, grade, sum(n)"
    " FROM job_tally GROUP BY state, begun, waiting, fail, grade";
static const char CAMPAIGNS[] =
    "/* scans */ SELECT state, count(*) FROM campaign GROUP BY state";
/* as the indexes of store_sqlite_job.c say it */
#define DUE_OF(which) \
	"(SELECT count(*) FROM (SELECT 1 FROM job WHERE " which \
	" AND due > 0 AND due <= ?1 LIMIT ?2))"
#define NOBODYS(failed) \
	"state = 0 AND started = 0 AND campaign IS NULL AND wave = 0" \
	" AND (last_fail <> 0) = " failed
static const char DUE[] =
    "SELECT " DUE_OF("state < 5 AND (state > 0 OR started <> 0)") " + "
    DUE_OF(NOBODYS("0")) " + " DUE_OF(NOBODYS("1"));

static int
add_jobs(void *arg, struct row *r)
{
	struct store_gauges *g = arg;
	unsigned state = row_enum(r, JOB_STATES);
	bool begun = row_int(r) != 0, waiting = row_int(r) != 0;
	unsigned fail = row_enum(r, FAIL_CLASSES);
	unsigned grade = row_enum(r, GRADES);
	uint64_t n = (uint64_t)row_int(r);

	g->jobs[state] += n;
	if (state == JOB_DONE)
		g->done[grade] += n;
	if (state == JOB_QUEUED && !begun && !waiting && fail != FAIL_NONE)
		g->backoff += n;
	return 0;
}

static int
add_campaigns(void *arg, struct row *r)
{
	struct store_gauges *g = arg;
	unsigned state = row_enum(r, CAMPAIGN_ABORTED + 1);

	g->campaigns[state] += (uint64_t)row_int(r);
	return 0;
}

int
sq_gauges(struct store *store, int64_t now, struct store_gauges *ret)
{
	struct sq *s = sq_of(store);
	struct store_gauges g = {.backoff = 0};
	int64_t due = 0;
	int err = sq_tally_write(s);

	if (err == 0)
		err = sq_each(s, Q0(JOBS), add_jobs, &g);
	if (err == 0)
		err = sq_each(s, Q0(CAMPAIGNS), add_campaigns, &g);
	if (err == 0)
		err = sq_int(s, Q(DUE, V_INT(now), V_INT(STORE_DUE)), &due);
	if (err != 0)
		return err;
	g.due = due < STORE_DUE ? (uint64_t)due : STORE_DUE;
	*ret = g;
	return 0;
}
