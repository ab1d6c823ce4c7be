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
#define GRADES 3

enum track_event_type {
	TRACK_DUE, /* the clock: deadline or next attempt reached */
	TRACK_ADMITTED, /* engine starts an attempt of a queued job that is
	                   due; push only if the todo says so */
	TRACK_PUSH_OK, /* trigger delivered: 2.xx or notification acked */
	TRACK_PUSH_FAIL, /* fail, reason; fatal when permanent */
	TRACK_MANIFEST_GET, /* the device asked for its manifest */
	TRACK_BLOCKS, /* progress of an image: done, total */
	TRACK_IMAGE_END, /* last block of the last image served */
	TRACK_REPORT, /* device says: phase, fail, reason */
	TRACK_SEEN_RUNNING, /* device runs `sequence` (any evidence) */
	TRACK_REBOOT, /* new registration without goodbye */
	TRACK_ALIVE, /* contact that says nothing of the update */
	TRACK_STEERED, /* it asked, and was told to come back in max_age */
	TRACK_CANCEL, /* operator */
	TRACK_SUPERSEDE, /* a newer release took over */
	TRACK_RETRY, /* operator: give up is reversed */
	TRACK_RESTART, /* we died: what we had in flight is not known */
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

/* Why; the X-macro gives number (stored), name and text, each once. */
#define TRACK_REASON_LIST(R) \
	R(NONE, 0, "none", \
	    "none") \
	R(NO_ANSWER, 1, "no-answer", \
	    "no answer to the trigger") \
	R(SILENCE_MANIFEST, 2, "silence-manifest", \
	    "the device did not fetch the manifest") \
	R(SILENCE_BLOCKS, 3, "silence-blocks", \
	    "the download stopped") \
	R(SILENCE_INSTALL, 4, "silence-install", \
	    "the device was not seen with the new version") \
	R(PUSH_NOT_FOUND, 5, "push-not-found", \
	    "the device has no such resource (4.04)") \
	R(PUSH_METHOD, 6, "push-method", \
	    "the device does not take this method (4.05)") \
	R(PUSH_TOO_LARGE, 7, "push-too-large", \
	    "too large for the device (4.13)") \
	R(PUSH_REFUSED, 8, "push-refused", \
	    "the device refused the trigger") \
	R(PUSH_OVERLOAD, 9, "push-overload", \
	    "the device is busy") \
	R(PUSH_RESET, 10, "push-reset", \
	    "the device reset the exchange") \
	R(NO_ADDRESS, 11, "no-address", \
	    "no address is known") \
	R(PARSE, 12, "parse", \
	    "the device could not read the manifest") \
	R(SIGNATURE, 13, "signature", \
	    "the device did not accept the signature") \
	R(UNSUPPORTED, 14, "unsupported", \
	    "the device does not support the manifest") \
	R(CONDITION, 15, "condition", \
	    "a condition of the manifest failed") \
	R(DOWNLOAD, 16, "download", \
	    "the device could not download") \
	R(DIGEST, 17, "digest", \
	    "the image digest did not match on the device") \
	R(STORAGE, 18, "storage", \
	    "the device could not write") \
	R(BOOT, 19, "boot", \
	    "the new image did not boot") \
	R(ROLLBACK, 20, "rollback", \
	    "the device rolled back") \
	R(SEQUENCE, 21, "sequence", \
	    "the device runs a newer sequence") \
	R(CLASS, 22, "class", \
	    "the release is for another class") \
	R(DECLINED, 23, "declined", \
	    "the device declined") \
	R(REBOOTED, 24, "rebooted", \
	    "the device restarted during the update") \
	R(OPERATOR, 25, "operator", \
	    "by an operator") \
	R(NEWER_RELEASE, 26, "newer-release", \
	    "a newer release took over") \
	R(WITHDRAWN, 27, "withdrawn", \
	    "the release was withdrawn") \
	R(BUDGET, 28, "budget", \
	    "the budget of attempts is spent") \
	R(OTHER, 29, "other", \
	    "other") \
	R(RECOVERY, 30, "recovery", \
	    "the device is in recovery mode") \
	R(EXPIRED, 31, "expired", \
	    "the campaign's time was over") \
	R(CAMPAIGN, 32, "campaign", \
	    "a campaign took over") \
	R(GATE, 33, "gate", \
	    "a gate stopped the campaign") \
	R(TRUST, 34, "trust-list", \
	    "the trust list does not allow the release")

enum track_reason {
#define R(id, n, name, text) REASON_##id = n,
	TRACK_REASON_LIST(R)
#undef R
	REASONS
};
const char *track_reason_name(enum track_reason r); /* "no-answer" */
const char *track_reason_text(enum track_reason r);

struct track_event {
	enum track_event_type type;
	enum grade grade; /* of the evidence */
	bool nonce; /* it was signed after a question of ours (nonce.h) */
	enum report_phase phase; /* REPORT */
	enum fail_class fail; /* PUSH_FAIL, REPORT with PHASE_FAILED */
	enum track_reason reason;
	bool permanent; /* PUSH_FAIL: never to be retried as if it were loss */
	uint32_t attempt; /* REPORT: the job's attempt it speaks of, by our
	                     count; 0 unknown */
	uint64_t target; /* REPORT: the sequence it speaks of; 0 unknown */
	uint64_t sequence; /* SEEN_RUNNING */
	uint64_t before; /* SEEN_RUNNING: what it was known to run until now;
	                    0: not known */
	uint64_t done, total; /* BLOCKS */
	bool have_max_age;
	uint32_t max_age; /* seconds: PUSH_FAIL with FAIL_OVERLOAD, STEERED;
	                     PUSH_OK: the spread that was announced */
};

/* What survives a restart. Times: Unix milliseconds; 0 is never. */
struct job {
	uint64_t id;
	uint64_t campaign; /* 0: none (device came by itself) */
	uint32_t wave; /* of its campaign, 1 and on; 0: none */
	uint64_t device;
	uint64_t release;
	uint64_t target_seq;
	enum job_state state;
	enum grade grade; /* of the evidence for `state` */
	uint32_t attempt; /* counted before an attempt starts */
	uint32_t fails[FAIL_CLASSES];
	enum fail_class last_fail;
	enum track_reason reason;
	int64_t created;
	int64_t updated; /* last move or progress; set by track_step alone,
	                    which times the install phase from it */
	int64_t due; /* deadline, or next attempt while queued; 0: waits for
	                contact or is final */
	int64_t started; /* of this attempt; 0: none is under way. A queued
	                    job with one has a trigger in flight */
	uint64_t done, total; /* bytes of images seen going out */
	uint32_t version; /* compare-and-set */
};

struct track_policy {
	struct backoff_policy backoff;
	int64_t notify_ms; /* notified -> manifest GET */
	int64_t fetch_idle_ms; /* between signs of a download */
	int64_t fetch_per_kib_ms; /* added per KiB that is still missing */
	int64_t install_ms; /* fetched -> proven */
	unsigned give_up_push; /* transport failures from which on an
	                          unanswered push means "waiting for
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
 * what else. Never fails: an event that does not fit in the state changes
 * nothing, and is logged unless it is contact that devices repeat for hours
 * (manifest GET, blocks, image end, alive, seen-running).
 *
 * The caller sends TRACK_DUE and TRACK_ADMITTED only for a job whose due
 * time has come (a lease may have moved `due` since). A queued job that is
 * due takes TRACK_ADMITTED; one whose trigger was never answered, because
 * we died in between, turns either event into a failed attempt.
 *
 * Budgets: a class that has spent its own ends the job FAILED with the last
 * reason; only when the total is spent, the reason is BUDGET. Overload, a
 * refusal for now (DECLINED) and a missing address count as no failure.
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
