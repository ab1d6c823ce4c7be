/*
 * One table says who fills which family, so that none is forgotten. A scrape
 * is on the loop, and must not keep it: nothing here walks devices or jobs.
 */
#include "daemon/metrics_impl.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "daemon/backup.h"
#include "daemon/coap_can.h"
#include "daemon/life.h"
#include "daemon/log.h"
#include "daemon/survey.h"

/* --- the process --- */

static void
build(struct metrics *m)
{
	metric_count(&m->out, SUITD_VERSION, coap_can_version(), 1);
}

static void
process_memory(struct metrics *m)
{
	unsigned long long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return;
	if (fscanf(f, "%llu %llu", &size, &resident) == 2)
		metrics_one(m, resident * (uint64_t)sysconf(_SC_PAGESIZE));
	fclose(f);
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void
process_cpu(struct metrics *m)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) == 0)
		metric_real(&m->out, NULL, NULL, seconds(u.ru_utime) +
		    seconds(u.ru_stime));
}

static void
process_fds(struct metrics *m)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (d == NULL)
		return;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	metrics_one(m, n - 3); /* ".", "..", and the one it is read by */
}

static void
process_fds_max(struct metrics *m)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0)
		metrics_one(m, r.rlim_cur);
}

static void
process_start(struct metrics *m)
{
	metric_real(&m->out, NULL, NULL, (double)m->app->started / 1000);
}

/* --- store, loop, disks --- */

static void
store_ops(struct metrics *m)
{
	metric_lag(&m->out, "commit", &m->app->store->commits);
	metric_lag(&m->out, "sync", &m->sync.sync);
	metric_lag(&m->out, "checkpoint", &m->sync.checkpoint);
}

static void
store_writable(struct metrics *m)
{
	metrics_one(m, m->health.writable);
}

static void
write_refusals(struct metrics *m)
{
	for (int i = 0; i < HEALTH_REASONS; i++)
		metrics_of(m, health_reason_name((enum health_reason)i),
		    m->health.refused[i]);
}

static void
loop_turn(struct metrics *m)
{
	metric_lag(&m->out, NULL, loop_lag(m->app->loop));
}

static void
loop_turn_max(struct metrics *m)
{
	struct loop *l = m->app->loop;

	metric_real(&m->out, NULL, NULL,
	    (double)lag_recent(loop_lag(l), loop_mono(l)) / 1e6);
}

static void
database(struct metrics *m)
{
	metrics_one(m, m->sizes.database);
}

static void
images(struct metrics *m)
{
	metrics_one(m, m->sizes.images);
}

static void
image_bytes(struct metrics *m)
{
	metrics_one(m, m->sizes.image_bytes);
}

static void
image_bytes_limit(struct metrics *m)
{
	metrics_one(m, m->sizes.image_limit);
}

static void
disk_free_bytes(struct metrics *m)
{
	if (m->sizes.disk_size > 0)
		metrics_one(m, m->sizes.disk_free);
}

static void
disk_size_bytes(struct metrics *m)
{
	if (m->sizes.disk_size > 0)
		metrics_one(m, m->sizes.disk_size);
}

/* --- operation --- */

static void
log_messages(struct metrics *m)
{
	for (int i = 0; i < LOG_LEVELS; i++)
		metrics_of(m, log_level_name((enum log_level)i),
		    log_count((enum log_level)i));
}

static void
key_expiry(struct metrics *m)
{
	int64_t at = front_cert_expiry(m->app->front);

	if (at != 0)
		metric_real(&m->out, "tls", NULL, (double)at / 1000);
}

static void
reloads(struct metrics *m)
{
	struct life_stats st = {.reloads = 0};

	if (m->app->life != NULL)
		life_stats(m->app->life, &st);
	metrics_of(m, "ok", st.reloads);
	metrics_of(m, "failed", st.reloads_failed);
}

static void
audit_entries(struct metrics *m)
{
	struct audit_stats st;

	audit_stats(m->app, &st);
	metrics_one(m, st.head.n);
}

static void
audit_head(struct metrics *m)
{
	struct audit_stats st;
	char text[AUDIT_HEAD_TEXT];

	audit_stats(m->app, &st);
	metric_count(&m->out, audit_head_text(&st.anchor, text), NULL, 1);
}

static void
audit_broken(struct metrics *m)
{
	struct audit_stats st;

	audit_stats(m->app, &st);
	metrics_one(m, st.broken);
}

static void
audit_refused(struct metrics *m)
{
	struct audit_stats st;

	audit_stats(m->app, &st);
	metrics_one(m, st.refused);
}

static void
backup(struct metrics *m)
{
	metric_real(&m->out, NULL, NULL,
	    (double)backup_last(m->app) / 1000);
}

static const metrics_fn fill[METRICS] = {
	[METRIC_ID_BUILD] = build,
	[METRIC_ID_PROCESS_MEMORY] = process_memory,
	[METRIC_ID_PROCESS_CPU] = process_cpu,
	[METRIC_ID_PROCESS_FDS] = process_fds,
	[METRIC_ID_PROCESS_FDS_MAX] = process_fds_max,
	[METRIC_ID_PROCESS_START] = process_start,
	[METRIC_ID_REQUESTS] = metrics_requests,
	[METRIC_ID_BLOCKS] = metrics_blocks,
	[METRIC_ID_BLOCK_BYTES] = metrics_block_bytes,
	[METRIC_ID_DROPPED] = metrics_dropped,
	[METRIC_ID_SESSIONS] = metrics_sessions,
	[METRIC_ID_HANDSHAKES] = metrics_handshakes,
	[METRIC_ID_CLIENT_CERTS] = metrics_client_certs,
	[METRIC_ID_LIMITS] = metrics_limits,
	[METRIC_ID_REFUSALS] = metrics_refusals,
	[METRIC_ID_STRANGERS] = metrics_strangers,
	[METRIC_ID_OSCORE] = metrics_oscore,
	[METRIC_ID_OBSERVERS] = metrics_observers,
	[METRIC_ID_NOTIFICATIONS] = metrics_notifications,
	[METRIC_ID_DEVICES] = metrics_devices,
	[METRIC_ID_DEVICES_REGISTERED] = metrics_devices_registered,
	[METRIC_ID_DEVICES_AHEAD] = metrics_devices_ahead,
	[METRIC_ID_TWINS] = metrics_twins,
	[METRIC_ID_TWINS_FOUND] = metrics_twins_found,
	[METRIC_ID_CLASS_CLAIMS] = metrics_class_claims,
	[METRIC_ID_JOBS] = metrics_jobs,
	[METRIC_ID_JOBS_BY_CLASS] = metrics_jobs_by_class,
	[METRIC_ID_ATTEMPT_FAILURES] = metrics_attempt_failures,
	[METRIC_ID_PUSHES] = metrics_pushes,
	[METRIC_ID_RETRIES] = metrics_retries,
	[METRIC_ID_BOOT_REPORTS] = metrics_boot_reports,
	[METRIC_ID_JOBS_DONE] = metrics_jobs_done,
	[METRIC_ID_BACKOFF_JOBS] = metrics_backoff_jobs,
	[METRIC_ID_DUE_JOBS] = metrics_due_jobs,
	[METRIC_ID_OLDEST_DUE] = metrics_oldest_due,
	[METRIC_ID_ADMISSIONS] = metrics_admissions,
	[METRIC_ID_DOWNLOADS] = metrics_downloads,
	[METRIC_ID_DOWNLOADS_LIMIT] = metrics_downloads_limit,
	[METRIC_ID_CAMPAIGNS] = metrics_campaigns,
	[METRIC_ID_CAMPAIGN_DEVICES] = metrics_campaign_devices,
	[METRIC_ID_CAMPAIGN_PROGRESS] = metrics_campaign_progress,
	[METRIC_ID_GROUP_SILENCE] = metrics_group_silence,
	[METRIC_ID_GROUPS] = metrics_groups,
	[METRIC_ID_GROUPS_SILENT] = metrics_groups_silent,
	[METRIC_ID_STORE] = store_ops,
	[METRIC_ID_STORE_WRITABLE] = store_writable,
	[METRIC_ID_WRITE_REFUSALS] = write_refusals,
	[METRIC_ID_LOOP_TURN] = loop_turn,
	[METRIC_ID_LOOP_TURN_MAX] = loop_turn_max,
	[METRIC_ID_DATABASE] = database,
	[METRIC_ID_IMAGES] = images,
	[METRIC_ID_IMAGE_BYTES] = image_bytes,
	[METRIC_ID_IMAGE_BYTES_LIMIT] = image_bytes_limit,
	[METRIC_ID_DISK_FREE] = disk_free_bytes,
	[METRIC_ID_DISK_SIZE] = disk_size_bytes,
	[METRIC_ID_KEY_EXPIRY] = key_expiry,
	[METRIC_ID_LOG] = log_messages,
	[METRIC_ID_RELOADS] = reloads,
	[METRIC_ID_AUDIT] = audit_entries,
	[METRIC_ID_AUDIT_HEAD] = audit_head,
	[METRIC_ID_AUDIT_BROKEN] = audit_broken,
	[METRIC_ID_AUDIT_REFUSED] = audit_refused,
	[METRIC_ID_TRUST_LIST] = metrics_trust_list,
	[METRIC_ID_TRUST_SINCE] = metrics_trust_since,
	[METRIC_ID_TRUST_LISTS] = metrics_trust_lists,
	[METRIC_ID_TRUST_RELEASES] = metrics_trust_releases,
	[METRIC_ID_TRUST_DEVICES] = metrics_trust_devices,
	[METRIC_ID_TRUST_FRESH] = metrics_trust_fresh,
	[METRIC_ID_BACKUP] = backup,
};

static void
read_all(struct metrics *m)
{
	struct app *app = m->app;
	struct store *s = app->store;

	m->now = loop_now(app->loop);
	front_stats(app->front, &m->front);
	blocks_stats(app->blocks, &m->blocks);
	s->ops->stats(s, &m->store);
	memset(&m->sync, 0, sizeof(m->sync));
	if (s->syncer != NULL)
		syncer_stats(s->syncer, &m->sync);
	health_read(&app->health, &m->health);
	sizes_read(app, &m->sizes);
	m->have_gauges = s->ops->gauges(s, m->now, &m->gauges) == 0;
	m->census = app->survey != NULL ? survey_ask(app->survey) : NULL;
	metrics_read_campaigns(m);
}

int
metrics_write(struct app *app, enum metric_format f, struct buf *out)
{
	static struct metrics m; /* it is large */
	int rc;

	m.app = app;
	read_all(&m);
	metric_begin(&m.out, f, out->p + out->n, out->cap - out->n);
	for (int i = 0; i < METRICS; i++) {
		metric_family(&m.out, (enum metric)i);
		fill[i](&m);
	}
	rc = metric_end(&m.out);
	if (rc == 0)
		out->n += m.out.out.n;
	return rc;
}
