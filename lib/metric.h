/*
 * metric: what a monitoring system can read of suitd, as text. One table has
 * every metric with its type, unit, labels and help; a writer makes of it
 * either OpenMetrics 1.0 or the Prometheus text format 0.0.4. The document
 * docs/METRICS.md is checked against the table.
 *
 * Families are written whole and once, in any order; a label set of a family
 * beyond its cap is dropped and counted, so that nothing that a peer says can
 * make a scrape grow.
 */
#ifndef SUITD_LIB_METRIC_H
#define SUITD_LIB_METRIC_H

#include "lib/err.h"
#include "lib/lag.h"
#include "lib/limits.h"
#include "lib/slice.h"

enum metric_type {
	METRIC_COUNTER, /* only grows; 0 after a start */
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_INFO, /* always 1, says something by its labels */
};

#define METRIC_LABELS 2 /* of one family, at most */

/*
 * M(id, name, type, unit, first label, second label, cap, help). The name is
 * OpenMetrics' name of the family: samples of a counter add _total, those of
 * an info _info. A unit is the end of the name. The cap is of label sets.
 */
#define METRIC_LIST(M) \
	M(BUILD, "suitd_build", INFO, "", "version", "libcoap", 1, \
	    "Versions of suitd and of the libcoap that it runs with.") \
	M(PROCESS_MEMORY, "process_resident_memory_bytes", GAUGE, "bytes", \
	    NULL, NULL, 1, "Memory in use; mapped images count.") \
	M(PROCESS_CPU, "process_cpu_seconds", COUNTER, "seconds", NULL, \
	    NULL, 1, "Processor time of all threads, user and system.") \
	M(PROCESS_FDS, "process_open_fds", GAUGE, "", NULL, NULL, 1, \
	    "Open file descriptors.") \
	M(PROCESS_FDS_MAX, "process_max_fds", GAUGE, "", NULL, NULL, 1, \
	    "File descriptors that may be open.") \
	M(PROCESS_START, "process_start_time_seconds", GAUGE, "seconds", \
	    NULL, NULL, 1, "When suitd was started, Unix time.") \
	M(REQUESTS, "suitd_requests", COUNTER, "", "path", "code", \
	    LIMIT_METRIC_REQUESTS, "CoAP requests that were answered, by " \
	    "route and response code; image is what serves blocks, other " \
	    "what no route serves.") \
	M(BLOCKS, "suitd_blocks", COUNTER, "", "plane", NULL, 2, \
	    "Blocks of images that went out: from the threads for plain " \
	    "UDP (worker), from the loop for everything else.") \
	M(BLOCK_BYTES, "suitd_block_bytes", COUNTER, "bytes", "plane", NULL, \
	    2, "Bytes of images in these blocks.") \
	M(DROPPED, "suitd_dropped", COUNTER, "", "reason", NULL, 8, \
	    "Requests that were left without an answer, to be asked again.") \
	M(SESSIONS, "suitd_sessions", GAUGE, "", "transport", NULL, 8, \
	    "CoAP sessions that are open.") \
	M(HANDSHAKES, "suitd_handshakes", COUNTER, "", "result", NULL, 4, \
	    "DTLS handshakes that ended.") \
	M(CLIENT_CERTS, "suitd_client_certificates", COUNTER, "", "result", \
	    NULL, 4, "Certificates that clients showed.") \
	M(LIMITS, "suitd_limits", COUNTER, "", "limit", NULL, 32, \
	    "Times that a cap was reached, by which one (docs/LIMITS.md).") \
	M(REFUSALS, "suitd_refusals", COUNTER, "", "error", NULL, 64, \
	    "Requests that were answered with an error, by its name; those " \
	    "that workers answered are in suitd_requests.") \
	M(STRANGERS, "suitd_strangers", COUNTER, "", "result", NULL, 8, \
	    "What became of peers of plain UDP that had not shown their " \
	    "address (RFC 9175).") \
	M(OSCORE, "suitd_oscore", COUNTER, "", "result", NULL, 4, \
	    "OSCORE messages that were not served.") \
	M(OBSERVERS, "suitd_observers", GAUGE, "", NULL, NULL, 1, \
	    "Observations that are registered (RFC 7641).") \
	M(NOTIFICATIONS, "suitd_notifications", COUNTER, "", "result", NULL, \
	    8, "Notifications to observers: sent, and of these refused " \
	    "(RST) or not acknowledged in time.") \
	M(DEVICES, "suitd_devices", GAUGE, "", NULL, NULL, 1, \
	    "Devices that are known.") \
	M(DEVICES_REGISTERED, "suitd_devices_registered", GAUGE, "", NULL, \
	    NULL, 1, "Devices with a registration that is not over.") \
	M(DEVICES_AHEAD, "suitd_devices_ahead", GAUGE, "", NULL, NULL, 1, \
	    "Devices that run a sequence number above any release of their " \
	    "class that is known here: after a restore of an old backup.") \
	M(TWINS, "suitd_twins", GAUGE, "", NULL, NULL, 1, \
	    "Credentials that two devices use, as far as was seen.") \
	M(TWINS_FOUND, "suitd_twins_found", COUNTER, "", NULL, NULL, 1, \
	    "Times that a credential was found to be used by two devices.") \
	M(CLASS_CLAIMS, "suitd_class_claims", COUNTER, "", "result", NULL, \
	    4, "Classes that were named for a device and are not its own: " \
	    "changed, kept since an operator has set it, or a manifest of " \
	    "another one was fetched, which moves no job.") \
	M(JOBS, "suitd_jobs", GAUGE, "", "state", NULL, 16, \
	    "Jobs by state.") \
	M(JOBS_BY_CLASS, "suitd_jobs_by_class", GAUGE, "", "class", "state", \
	    16 * (LIMIT_METRIC_CLASSES + 1), "Devices by class and by the " \
	    "state of their last job; classes beyond the cap are other.") \
	M(ATTEMPT_FAILURES, "suitd_attempt_failures", COUNTER, "", \
	    "failure", NULL, 8, "Attempts that failed, by failure class.") \
	M(PUSHES, "suitd_pushes", COUNTER, "", "driver", "result", 64, \
	    "Devices that were reached out to, by driver and by what came " \
	    "of it.") \
	M(RETRIES, "suitd_retries", COUNTER, "", "failure", NULL, 8, \
	    "Second and later attempts, by the class of the failure " \
	    "before.") \
	M(BOOT_REPORTS, "suitd_boot_reports", COUNTER, "", "result", NULL, 8, \
	    "Signed boot reports, by their result, or by why they were not " \
	    "taken.") \
	M(JOBS_DONE, "suitd_jobs_done", GAUGE, "", "grade", NULL, 3, \
	    "Jobs that are done, by how far the evidence for it can be " \
	    "trusted.") \
	M(BACKOFF_JOBS, "suitd_backoff_jobs", GAUGE, "", NULL, NULL, 1, \
	    "Queued jobs that have failed and wait for their next attempt.") \
	M(DUE_JOBS, "suitd_due_jobs", GAUGE, "", NULL, NULL, 1, \
	    "Jobs whose deadline is over and was not looked at yet, counted " \
	    "up to a cap of 1000.") \
	M(OLDEST_DUE, "suitd_oldest_due_seconds", GAUGE, "seconds", NULL, \
	    NULL, 1, "For how long the oldest of them has been due; 0: " \
	    "nothing is.") \
	M(ADMISSIONS, "suitd_admissions", COUNTER, "", "result", NULL, 32, \
	    "Devices that wanted to start an update, by what held them; " \
	    "admitted: nothing did.") \
	M(DOWNLOADS, "suitd_downloads", GAUGE, "", NULL, NULL, 1, \
	    "Download slots that are taken.") \
	M(DOWNLOADS_LIMIT, "suitd_downloads_limit", GAUGE, "", NULL, NULL, \
	    1, "Download slots that there are (key downloads).") \
	M(CAMPAIGNS, "suitd_campaigns", GAUGE, "", "state", NULL, 8, \
	    "Campaigns by state.") \
	M(CAMPAIGN_DEVICES, "suitd_campaign_devices", GAUGE, "", "campaign", \
	    "state", 16 * LIMIT_METRIC_CAMPAIGNS, "Devices of running and " \
	    "paused campaigns by the state of their job.") \
	M(CAMPAIGN_PROGRESS, "suitd_campaign_progress_timestamp_seconds", \
	    GAUGE, "seconds", "campaign", NULL, LIMIT_METRIC_CAMPAIGNS, \
	    "When a device of a running or paused campaign last got ahead, " \
	    "Unix time; before the first one when suitd was started.") \
	M(GROUP_SILENCE, "suitd_group_silence_seconds", GAUGE, "seconds", \
	    "group", NULL, LIMIT_METRIC_GROUPS, "For how long no device of " \
	    "a network group or site was heard; the most silent ones.") \
	M(GROUPS, "suitd_groups", GAUGE, "", NULL, NULL, 1, \
	    "Network groups or sites that have devices.") \
	M(GROUPS_SILENT, "suitd_groups_silent", GAUGE, "", NULL, NULL, 1, \
	    "Of these, with two devices or more, all of which are silent " \
	    "for longer than they should be.") \
	M(STORE, "suitd_store_seconds", HISTOGRAM, "seconds", "op", NULL, 3, \
	    "How long the database's commits took, and on a thread of their " \
	    "own syncs and checkpoints.") \
	M(STORE_WRITABLE, "suitd_store_writable", GAUGE, "", NULL, NULL, 1, \
	    "1: what was written last is on the disk; 0: it failed, and " \
	    "writes are refused.") \
	M(WRITE_REFUSALS, "suitd_write_refusals", COUNTER, "", "reason", \
	    NULL, 8, "Requests whose write the disk refused.") \
	M(LOOP_TURN, "suitd_loop_turn_seconds", HISTOGRAM, "seconds", NULL, \
	    NULL, 1, "How long each turn kept the loop: whoever came " \
	    "meanwhile waited so long.") \
	M(LOOP_TURN_MAX, "suitd_loop_turn_recent_max_seconds", GAUGE, \
	    "seconds", NULL, NULL, 1, "The longest turn of the last minute.") \
	M(DATABASE, "suitd_database_bytes", GAUGE, "bytes", NULL, NULL, 1, \
	    "Size of the database with its log.") \
	M(IMAGES, "suitd_images", GAUGE, "", NULL, NULL, 1, \
	    "Images that are stored.") \
	M(IMAGE_BYTES, "suitd_image_bytes", GAUGE, "bytes", NULL, NULL, 1, \
	    "Size of all images.") \
	M(IMAGE_BYTES_LIMIT, "suitd_image_bytes_limit", GAUGE, "", NULL, \
	    NULL, 1, "What it may be (key images_total), bytes.") \
	M(DISK_FREE, "suitd_disk_free_bytes", GAUGE, "bytes", NULL, NULL, 1, \
	    "Free for suitd on the file system of the state directory.") \
	M(DISK_SIZE, "suitd_disk_size_bytes", GAUGE, "bytes", NULL, NULL, 1, \
	    "Size of that file system.") \
	M(KEY_EXPIRY, "suitd_key_expiry_timestamp_seconds", GAUGE, \
	    "seconds", "key", NULL, 4, "When a certificate of suitd's own " \
	    "ends, Unix time.") \
	M(LOG, "suitd_log_messages", COUNTER, "", "level", NULL, 4, \
	    "Lines of log by level, also those that log_level leaves out.") \
	M(RELOADS, "suitd_reloads", COUNTER, "", "result", NULL, 2, \
	    "Times that the configuration was read anew.") \
	M(AUDIT, "suitd_audit_entries", GAUGE, "", NULL, NULL, 1, \
	    "Number of the last entry of the audit log; it never falls.") \
	M(AUDIT_HEAD, "suitd_audit", INFO, "", "head", NULL, 1, \
	    "Number and hash of an entry of the audit log, a new one every " \
	    "100 entries: kept, it shows that the log was cut or made anew.") \
	M(AUDIT_BROKEN, "suitd_audit_broken", GAUGE, "", NULL, NULL, 1, \
	    "1: an entry of the audit log was changed or is gone.") \
	M(AUDIT_REFUSED, "suitd_audit_refused", COUNTER, "", NULL, NULL, 1, \
	    "Refusals that the audit log has, those that are only counted " \
	    "in it included.") \
	M(TRUST_LIST, "suitd_trust_list", GAUGE, "", NULL, NULL, 1, \
	    "Number of the trust list in force; 0: there is none.") \
	M(TRUST_SINCE, "suitd_trust_list_timestamp_seconds", GAUGE, \
	    "seconds", NULL, NULL, 1, "When it came, Unix time; 0: there is " \
	    "none.") \
	M(TRUST_LISTS, "suitd_trust_lists", COUNTER, "", "result", NULL, 2, \
	    "Trust lists that somebody brought.") \
	M(TRUST_RELEASES, "suitd_trust_refused_releases", GAUGE, "", NULL, \
	    NULL, 1, "Releases that are not served since the trust list does " \
	    "not allow them.") \
	M(TRUST_DEVICES, "suitd_trust_devices", GAUGE, "", "list", NULL, 2, \
	    "Devices whose boot reports name a trust list, by which one.") \
	M(TRUST_FRESH, "suitd_trust_fresh_answers", COUNTER, "", "result", \
	    NULL, 2, "Answers to devices that ask with a nonce what is " \
	    "current.") \
	M(BACKUP, "suitd_backup_timestamp_seconds", GAUGE, "seconds", NULL, \
	    NULL, 1, "When the last good backup was made, Unix time; 0: " \
	    "none is known.")

enum metric {
#define M(id, name, type, unit, l1, l2, cap, help) METRIC_ID_##id,
	METRIC_LIST(M)
#undef M
	METRICS
};

struct metric_info {
	const char *name, *unit, *help;
	enum metric_type type;
	const char *label[METRIC_LABELS]; /* NULL: it has none */
	unsigned cap; /* label sets */
};
extern const struct metric_info metric_table[METRICS];

enum metric_format { METRIC_PROMETHEUS, METRIC_OPENMETRICS };

/*
 * What an Accept header asks for; `accept` is its value, or empty. OpenMetrics
 * only for those who name it and do not prefer plain text.
 */
enum metric_format metric_accept(struct slice accept);
const char *metric_content_type(enum metric_format f);

struct metric_out {
	struct buf out;
	enum metric_format format;
	enum metric at; /* the family that is open; METRICS: none yet */
	unsigned n; /* label sets in it */
	uint64_t dropped; /* over a cap, of all families */
	bool seen[METRICS];
	int err; /* ERR_ORDER: a family twice, a sample that fits none */
};

/* Writes into `cap` bytes at `p`, which stay the caller's. */
void metric_begin(struct metric_out *m, enum metric_format f, void *p,
    size_t cap);
/* Samples that follow are of this one. A family may have none. */
void metric_family(struct metric_out *m, enum metric id);
/*
 * One sample. As many label values as the family has labels, NULL for the
 * rest; they may be anything: what is not UTF-8, and what is longer than
 * LIMIT_METRIC_LABEL, is written as text_escape does.
 */
void metric_count(struct metric_out *m, const char *l1, const char *l2,
    uint64_t v);
void metric_real(struct metric_out *m, const char *l1, const char *l2,
    double v);
/* A histogram of seconds. */
void metric_lag(struct metric_out *m, const char *l1, const struct lag *l);
/* 0, ERR_SPACE, or ERR_ORDER; the text is m->out. */
int metric_end(struct metric_out *m) MUST_USE;

#endif
