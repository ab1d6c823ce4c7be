/*
 * metrics_impl: what the files of metrics.h share. Nobody else includes it.
 *
 *   metrics.c       the table of who fills which family; the process, disks
 *   metrics_coap.c  what came by CoAP and went out
 *   metrics_work.c  devices, jobs, campaigns, groups
 *   metrics_trust.c the trust list
 */
#ifndef SUITD_DAEMON_METRICS_IMPL_H
#define SUITD_DAEMON_METRICS_IMPL_H

#include "daemon/blocks.h"
#include "daemon/metrics.h"
#include "daemon/sizes.h"
#include "db/store_sync.h"
#include "lib/census.h"

#define METRICS_CAMPAIGNS LIMIT_METRIC_CAMPAIGNS

/* What more than one family is made of, read once. */
struct metrics {
	struct app *app;
	int64_t now; /* Unix ms */
	struct metric_out out;
	struct front_stats front;
	struct blocks_stats blocks;
	struct store_stats store;
	struct syncer_stats sync;
	struct health_report health;
	struct sizes sizes;
	struct store_gauges gauges;
	bool have_gauges; /* else the store does not answer */
	const struct census *census; /* NULL: there is none yet */
	struct {
		char id[24];
		struct store_counts counts;
		int64_t progress; /* Unix ms */
	} campaign[METRICS_CAMPAIGNS]; /* running and paused */
	size_t campaigns;
};

typedef void (*metrics_fn)(struct metrics *m);

/* One function a family: its samples, to m->out. */
void metrics_requests(struct metrics *m);
void metrics_blocks(struct metrics *m);
void metrics_block_bytes(struct metrics *m);
void metrics_dropped(struct metrics *m);
void metrics_sessions(struct metrics *m);
void metrics_handshakes(struct metrics *m);
void metrics_client_certs(struct metrics *m);

void metrics_limits(struct metrics *m);
void metrics_refusals(struct metrics *m);
void metrics_strangers(struct metrics *m);

void metrics_oscore(struct metrics *m);
void metrics_observers(struct metrics *m);
void metrics_notifications(struct metrics *m);

/* Running and paused campaigns into m->campaign. */
void metrics_read_campaigns(struct metrics *m);
void metrics_devices(struct metrics *m);
void metrics_devices_registered(struct metrics *m);
void metrics_devices_ahead(struct metrics *m);
void metrics_twins(struct metrics *m);
void metrics_twins_found(struct metrics *m);
void metrics_class_claims(struct metrics *m);
void metrics_jobs(struct metrics *m);
void metrics_jobs_by_class(struct metrics *m);
void metrics_attempt_failures(struct metrics *m);
void metrics_pushes(struct metrics *m);
void metrics_retries(struct metrics *m);
void metrics_boot_reports(struct metrics *m);
void metrics_jobs_done(struct metrics *m);
void metrics_backoff_jobs(struct metrics *m);
void metrics_due_jobs(struct metrics *m);
void metrics_oldest_due(struct metrics *m);
void metrics_admissions(struct metrics *m);
void metrics_downloads(struct metrics *m);
void metrics_downloads_limit(struct metrics *m);
void metrics_campaigns(struct metrics *m);
void metrics_campaign_devices(struct metrics *m);
void metrics_campaign_progress(struct metrics *m);
void metrics_group_silence(struct metrics *m);
void metrics_groups(struct metrics *m);
void metrics_groups_silent(struct metrics *m);

void metrics_trust_list(struct metrics *m);
void metrics_trust_since(struct metrics *m);
void metrics_trust_lists(struct metrics *m);
void metrics_trust_releases(struct metrics *m);
void metrics_trust_devices(struct metrics *m);
void metrics_trust_fresh(struct metrics *m);

static inline void
metrics_one(struct metrics *m, uint64_t v)
{
	metric_count(&m->out, NULL, NULL, v);
}

static inline void
metrics_of(struct metrics *m, const char *label, uint64_t v)
{
	metric_count(&m->out, label, NULL, v);
}

#endif
