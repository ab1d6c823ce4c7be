#include "daemon/metrics_impl.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/admit.h"
#include "daemon/push.h"
#include "daemon/twin.h"
#include "lib/text.h"

static int
read_one(void *arg, struct run *r)
{
	struct metrics *m = arg;
	struct store *s = m->app->store;
	size_t i = m->campaigns;

	if ((r->c.state != CAMPAIGN_RUNNING && r->c.state != CAMPAIGN_PAUSED) ||
	    i == METRICS_CAMPAIGNS || s->ops->campaign_counts(s, r->c.id,
	    &m->campaign[i].counts) != 0)
		return 0;
	snprintf(m->campaign[i].id, sizeof(m->campaign[i].id), "%" PRIu64,
	    r->c.id);
	m->campaign[i].progress = r->progress;
	if (r->progress == 0)
		m->campaign[i].progress = r->c.started > m->app->started ?
		    r->c.started : m->app->started;
	m->campaigns++;
	return 0;
}

void
metrics_read_campaigns(struct metrics *m)
{
	int rc;

	m->campaigns = 0;
	rc = runs_each(m->app, read_one, m);
	if (rc != 0)
		m->campaigns = 0;
}

/* --- devices --- */

void
metrics_devices(struct metrics *m)
{
	metrics_one(m, m->store.devices);
}

void
metrics_devices_registered(struct metrics *m)
{
	if (m->census != NULL)
		metrics_one(m, m->census->registered);
}

void
metrics_devices_ahead(struct metrics *m)
{
	metrics_one(m, m->store.ahead);
}

void
metrics_twins(struct metrics *m)
{
	struct twins_stats st;

	twin_stats(m->app, &st);
	metrics_one(m, st.now);
}

void
metrics_twins_found(struct metrics *m)
{
	struct twins_stats st;

	twin_stats(m->app, &st);
	metrics_one(m, st.found);
}

void
metrics_class_claims(struct metrics *m)
{
	static const char *const result[CLASS_COUNTS] = {
		[CLASS_COUNT_CHANGED] = "changed",
		[CLASS_COUNT_KEPT] = "kept",
		[CLASS_COUNT_FETCHED] = "fetched",
	};

	for (int i = 0; i < CLASS_COUNTS; i++)
		metrics_of(m, result[i], m->app->counts.classes[i]);
}

/* --- jobs --- */

void
metrics_jobs(struct metrics *m)
{
	for (int i = 0; m->have_gauges && i < JOB_STATES; i++)
		metrics_of(m, job_state_name((enum job_state)i),
		    m->gauges.jobs[i]);
}

static void
tell_states(struct metrics *m, const char *name,
    const uint64_t by_state[JOB_STATES])
{
	for (int i = 0; i < JOB_STATES; i++)
		metric_count(&m->out, name, job_state_name((enum job_state)i),
		    by_state[i]);
}

/* Values that mean something else than a class. */
#define NO_CLASS "none"
#define OTHER_CLASSES "other"

/* Its alias, or its id; also its id where the alias is a word of ours. */
static const char *
class_name(const struct conf *c, const struct census_class *k, char dst[37])
{
	if (!k->have_class)
		return NO_CLASS;
	for (size_t i = 0; i < c->alias_count; i++)
		if (memcmp(c->alias[i].class_id, k->id, sizeof(k->id)) == 0 &&
		    strcmp(c->alias[i].name, NO_CLASS) != 0 &&
		    strcmp(c->alias[i].name, OTHER_CLASSES) != 0)
			return c->alias[i].name;
	return text_uuid(k->id, dst);
}

void
metrics_jobs_by_class(struct metrics *m)
{
	const struct census *c = m->census;
	char id[37];

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->classes; i++)
		tell_states(m, class_name(&m->app->conf, &c->cls[i], id),
		    c->cls[i].by_state);
	tell_states(m, OTHER_CLASSES, c->other);
}

static void
tell_failures(struct metrics *m, const uint64_t n[FAIL_CLASSES])
{
	for (int i = FAIL_NONE + 1; i < FAIL_CLASSES; i++)
		metrics_of(m, fail_class_name((enum fail_class)i), n[i]);
}

void
metrics_attempt_failures(struct metrics *m)
{
	tell_failures(m, m->app->counts.failures);
}

void
metrics_retries(struct metrics *m)
{
	tell_failures(m, m->app->counts.retries);
	/* sent away by us or by the device, which is no failure */
	metrics_of(m, fail_class_name(FAIL_NONE),
	    m->app->counts.retries[FAIL_NONE]);
}

void
metrics_boot_reports(struct metrics *m)
{
	static const char *const not_taken[BOOT_COUNTS - BOOT_RESULTS] = {
		[BOOT_COUNT_REPLAY - BOOT_RESULTS] = "replay",
		[BOOT_COUNT_EPOCH - BOOT_RESULTS] = "epoch",
		[BOOT_COUNT_UNPROVEN - BOOT_RESULTS] = "unproven",
		[BOOT_COUNT_LIMITED - BOOT_RESULTS] = "limited",
	};

	for (int i = 0; i < BOOT_COUNTS; i++)
		metrics_of(m, i < BOOT_RESULTS ?
		    boot_result_name((enum boot_result)i) :
		    not_taken[i - BOOT_RESULTS], m->app->counts.boot[i]);
}

void
metrics_jobs_done(struct metrics *m)
{
	static const char *const grade[GRADES] = {"L0", "L1", "L2"};

	for (int i = 0; m->have_gauges && i < GRADES; i++)
		metrics_of(m, grade[i], m->gauges.done[i]);
}

void
metrics_pushes(struct metrics *m)
{
	for (int d = 0; d < COUNT_DRIVERS; d++) {
		const uint64_t *n = m->app->counts.pushes[d];

		metric_count(&m->out, push_name((enum driver)d), "delivered",
		    n[REASON_NONE]);
		for (int r = REASON_NONE + 1; r < REASONS; r++)
			if (n[r] > 0)
				metric_count(&m->out,
				    push_name((enum driver)d),
				    track_reason_name((enum track_reason)r),
				    n[r]);
	}
}

void
metrics_backoff_jobs(struct metrics *m)
{
	if (m->have_gauges)
		metrics_one(m, m->gauges.backoff);
}

void
metrics_due_jobs(struct metrics *m)
{
	if (m->have_gauges)
		metrics_one(m, m->gauges.due);
}

void
metrics_oldest_due(struct metrics *m)
{
	struct store *s = m->app->store;
	int64_t due = 0;

	if (s->ops->next_due(s, &due) == 0)
		metric_real(&m->out, NULL, NULL, due == 0 || due > m->now ?
		    0 : (double)(m->now - due) / 1000);
}

/* --- admission --- */

void
metrics_admissions(struct metrics *m)
{
	const uint64_t *n = m->app->counts.admissions;

	metrics_of(m, "admitted", n[HOLD_NONE]);
	for (int h = HOLD_NONE + 1; h < HOLDS; h++)
		metrics_of(m, hold_name((enum hold)h), n[h]);
}

void
metrics_downloads(struct metrics *m)
{
	metrics_one(m, admit_slots(m->app));
}

void
metrics_downloads_limit(struct metrics *m)
{
	metrics_one(m, m->app->conf.downloads);
}

/* --- campaigns --- */

void
metrics_campaigns(struct metrics *m)
{
	static const char *const names[] = {
		[CAMPAIGN_DRAFT] = "draft", [CAMPAIGN_RUNNING] = "running",
		[CAMPAIGN_PAUSED] = "paused",
		[CAMPAIGN_FINISHED] = "finished",
		[CAMPAIGN_ABORTED] = "aborted",
	};

	for (int i = 0; m->have_gauges && i <= CAMPAIGN_ABORTED; i++)
		metrics_of(m, names[i], m->gauges.campaigns[i]);
}

void
metrics_campaign_devices(struct metrics *m)
{
	for (size_t i = 0; i < m->campaigns; i++)
		tell_states(m, m->campaign[i].id,
		    m->campaign[i].counts.by_state);
}

void
metrics_campaign_progress(struct metrics *m)
{
	for (size_t i = 0; i < m->campaigns; i++)
		metric_real(&m->out, m->campaign[i].id, NULL,
		    (double)m->campaign[i].progress / 1000);
}

/* --- groups --- */

void
metrics_group_silence(struct metrics *m)
{
	const struct census_group *g[LIMIT_METRIC_GROUPS];
	size_t n;

	if (m->census == NULL)
		return;
	n = census_silent(m->census, g, LIMIT_METRIC_GROUPS);
	for (size_t i = 0; i < n; i++)
		metric_real(&m->out, g[i]->name, NULL, g[i]->seen < m->now ?
		    (double)(m->now - g[i]->seen) / 1000 : 0);
}

void
metrics_groups(struct metrics *m)
{
	if (m->census != NULL)
		metrics_one(m, m->census->groups);
}

void
metrics_groups_silent(struct metrics *m)
{
	if (m->census != NULL)
		metrics_one(m, census_lost(m->census));
}
