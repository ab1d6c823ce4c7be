/*
 * track: the status tracker. One job is one device brought to one release;
 * its life is the table in track.c, and track_step is a pure function of
 * (job, event, now, luck). RFC 9019 section 2.3's status tracker server.
 *
 *   queued -> notified -> fetching -> fetched -> installing -> done
 *      ^________|____________|__________|___________|
 *   final: done failed cancelled superseded
 *
 * - notified: the trigger was accepted. Acceptance is not progress.
 * - done: the new version was proven seen, never assumed.
 * - every non-final state but a waiting one has a deadline; silence past it
 *   is a failed attempt.
 * - progress is monotonic within an attempt; an event of an older attempt
 *   or one that would go backwards changes nothing but the event log.
 */
#ifndef SUITD_LIB_TRACK_H
#define SUITD_LIB_TRACK_H

#include "lib/backoff.h"
#include "lib/err.h"
#include "lib/slice.h"

/* Stored numbers; they never change. */
enum job_state {
	JOB_QUEUED = 0,
	JOB_NOTIFIED = 1,
	JOB_FETCHING = 2,
	JOB_FETCHED = 3,
	JOB_INSTALLING = 4,
	JOB_DONE = 5,
	JOB_FAILED = 6,
	JOB_CANCELLED = 7,
	JOB_SUPERSEDED = 8,
	JOB_STATES = 9,
};
const char *job_state_name(enum job_state s);
bool job_state_final(enum job_state s);

/* How far a status can be trusted. */
enum grade { GRADE_L0 = 0, GRADE_L1 = 1, GRADE_L2 = 2 };

enum track_event_type {
	TRACK_DUE, /* the clock: deadline or next attempt reached */
	TRACK_ADMITTED, /* engine starts an attempt (counted first) */
	TRACK_PUSH_OK, /* trigger delivered: 2.xx or notification acked */
	TRACK_PUSH_FAIL, /* fail, reason; fatal when permanent */
	TRACK_MANIFEST_GET, /* the device asked for its manifest */
	TRACK_BLOCKS, /* progress of an image: done, total */
	TRACK_IMAGE_END, /* last block of the last image served */
	TRACK_REPORT, /* device says: phase, fail, reason */
	TRACK_SEEN_RUNNING, /* device runs `sequence` (any evidence) */
	TRACK_REBOOT, /* new registration without goodbye */
	TRACK_ALIVE, /* contact that says nothing of the update */
	TRACK_CANCEL, /* operator */
	TRACK_SUPERSEDE, /* a newer release took over */
	TRACK_RETRY, /* operator: give up is reversed */
	TRACK_EVENTS,
};
const char *track_event_name(enum track_event_type t);

/* What a report can say, in the order of an update's life. */
enum report_phase {
	PHASE_IDLE,
	PHASE_DOWNLOADING,
	PHASE_DOWNLOADED,
	PHASE_INSTALLING,
	PHASE_SUCCEEDED,
	PHASE_FAILED,
	PHASE_DECLINED, /* the user or the device will not, now */
};

/* Why; the X-macro gives number (stored), name and text. */
#define TRACK_REASON_LIST(R) \
	R(NONE, 0, "none") \
	R(NO_ANSWER, 1, "no answer to the trigger") \
	R(SILENCE_MANIFEST, 2, "the device did not fetch the manifest") \
	R(SILENCE_BLOCKS, 3, "the download stopped") \
	R(SILENCE_INSTALL, 4, "the device was not seen with the new version") \
	R(PUSH_NOT_FOUND, 5, "the device has no such resource (4.04)") \
	R(PUSH_METHOD, 6, "the device does not take this method (4.05)") \
	R(PUSH_TOO_LARGE, 7, "too large for the device (4.13)") \
	R(PUSH_REFUSED, 8, "the device refused the trigger") \
	R(PUSH_OVERLOAD, 9, "the device is busy") \
	R(PUSH_RESET, 10, "the device reset the exchange") \
	R(NO_ADDRESS, 11, "no address is known") \
	R(PARSE, 12, "the device could not read the manifest") \
	R(SIGNATURE, 13, "the device did not accept the signature") \
	R(UNSUPPORTED, 14, "the device does not support the manifest") \
	R(CONDITION, 15, "a condition of the manifest failed") \
	R(DOWNLOAD, 16, "the device could not download") \
	R(DIGEST, 17, "the image digest did not match on the device") \
	R(STORAGE, 18, "the device could not write") \
	R(BOOT, 19, "the new image did not boot") \
	R(ROLLBACK, 20, "the device rolled back") \
	R(SEQUENCE, 21, "the device runs a newer sequence") \
	R(CLASS, 22, "the release is for another class") \
	R(DECLINED, 23, "the device declined") \
	R(REBOOTED, 24, "the device restarted during the update") \
	R(OPERATOR, 25, "by an operator") \
	R(NEWER_RELEASE, 26, "a newer release took over") \
	R(WITHDRAWN, 27, "the release was withdrawn") \
	R(BUDGET, 28, "the budget of attempts is spent") \
	R(OTHER, 29, "other")

enum track_reason {
#define R(name, n, text) REASON_##name = n,
	TRACK_REASON_LIST(R)
#undef R
	REASONS
};
const char *track_reason_name(enum track_reason r); /* "no-answer" */
const char *track_reason_text(enum track_reason r);

struct track_event {
	enum track_event_type type;
	enum grade grade; /* of the evidence */
	enum report_phase phase; /* REPORT */
	enum fail_class fail; /* PUSH_FAIL, REPORT with PHASE_FAILED */
	enum track_reason reason;
	bool permanent; /* PUSH_FAIL: never to be retried as if it were loss */
	uint32_t attempt; /* REPORT: the attempt it speaks of; 0 unknown */
	uint64_t sequence; /* SEEN_RUNNING */
	uint64_t done, total; /* BLOCKS */
	bool have_max_age;
	uint32_t max_age; /* PUSH_FAIL with FAIL_OVERLOAD, seconds */
};

/* What survives a restart. Times: Unix milliseconds; 0 is never. */
struct job {
	uint64_t id;
	uint64_t campaign; /* 0: none (device came by itself) */
	uint64_t device;
	uint64_t release;
	uint64_t target_seq;
	enum job_state state;
	enum grade grade; /* of the evidence for `state` */
	uint32_t attempt; /* counted before an attempt starts */
	uint32_t fails[FAIL_CLASSES];
	enum fail_class last_fail;
	enum track_reason reason;
	int64_t created, updated;
	int64_t due; /* deadline, or next attempt while queued; 0: waits for
	                contact or is final */
	int64_t started; /* of this attempt */
	uint64_t done, total; /* bytes of images seen going out */
	uint32_t version; /* compare-and-set */
};

struct track_policy {
	struct backoff_policy backoff;
	int64_t notify_ms; /* notified -> manifest GET */
	int64_t fetch_idle_ms; /* between signs of a download */
	int64_t fetch_per_kib_ms; /* added per KiB that is still missing */
	int64_t install_ms; /* fetched -> proven */
	unsigned give_up_push; /* unanswered pushes until "waiting for
	                          contact" */
};
void track_policy_default(struct track_policy *ret_policy);

/* What the caller does after it has saved the job. */
enum track_todo {
	TRACK_DO_NOTHING = 0,
	TRACK_DO_SAVE = 1 << 0, /* the job changed */
	TRACK_DO_LOG = 1 << 1, /* append an event row even if unchanged */
	TRACK_DO_PUSH = 1 << 2, /* run the device's driver */
	TRACK_DO_PROBE = 1 << 3, /* ask the device what it runs */
};

/*
 * One step. *ret_job is *job advanced (same storage allowed); todo tells
 * what else. Never fails: an event that does not fit in the state is logged
 * and changes nothing.
 */
unsigned track_step(const struct job *job, const struct track_event *ev,
    const struct track_policy *policy, int64_t now, uint64_t rnd,
    struct job *ret_job);

/* A fresh job, due at `now`. */
void track_init(struct job *ret_job, uint64_t device, uint64_t release,
    uint64_t target_seq, int64_t now);

/* The one cause that holds a job now, and what comes next, for a person. */
struct track_explain {
	char cause[160];
	char next[160];
	char advice[160];
};
void track_explain(const struct job *job, int64_t now,
    struct track_explain *ret);

#endif
