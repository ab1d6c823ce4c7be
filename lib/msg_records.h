/*
 * msg_records: what the admin API says. Times are Unix milliseconds; an
 * absent number is 0, an absent text "". States, drivers and reasons are
 * words, so that an old client can show a new one.
 */
#ifndef SUITD_LIB_MSG_RECORDS_H
#define SUITD_LIB_MSG_RECORDS_H

#include "lib/audit.h"
#include "lib/msg.h"
#include "lib/oscore.h"
#include "lib/rd.h"

#define MSG_WORD 24 /* a state, a driver, a kind */
#define MSG_EPS 1000 /* endpoint names in one request */
#define MSG_NOTES 8

/* Numbers by the grade of the evidence. */
struct msg_grades {
	uint64_t l0, l1, l2;
};

struct msg_status {
	char version[MSG_WORD];
	int64_t now, started;
	uint64_t devices, releases, campaigns, jobs, jobs_live, events;
	uint64_t campaigns_running, campaigns_paused, jobs_failed;
	uint64_t due; /* deadlines that are over, up to 1000 */
	int64_t oldest_due; /* the earliest of them; 0: none */
	uint64_t backoff; /* jobs that rest after a failure */
	struct msg_grades done; /* jobs that are */
	uint64_t database_bytes, images, image_bytes, image_bytes_limit;
	uint64_t disk_free, disk_size; /* of state_dir's; bytes */
	uint64_t requests, blocks, sessions, observers, notifications, errors;
	uint64_t pushes, downloads; /* downloads: in sight now */
	uint64_t slots, slots_limit; /* of downloads that were admitted */
	uint64_t commits, commits_failed;
	/* turns of the daemon's loop, in microseconds */
	uint64_t lag_p50_us, lag_p99_us, lag_max_us;
	uint64_t lag_recent_us; /* the longest of the last minute */
	uint64_t lag_turns, lag_over; /* over: longer than 100 ms */
	/* threads that serve images; requests that they left to the loop, and
	   those that nobody had room for */
	uint64_t image_workers, image_slow, image_dropped;
	/* downloads that they have noted, and gave up for newer ones */
	uint64_t image_peers, image_evicted;
	uint64_t images_mapped;
	bool degraded; /* the disk does not take what is written, for: */
	char why[161];
	uint64_t twins; /* credentials that two devices use */
	uint64_t ahead; /* devices that run newer than what is known here */
	/* the last good backup; the backup that this store was restored from,
	   and when */
	int64_t backup, restored_from, restored;
	char coap[LIMIT_ADDRESS], coaps[LIMIT_ADDRESS], tcp[LIMIT_ADDRESS];
	char coaps_tcp[LIMIT_ADDRESS];
	char oscore[LIMIT_ADDRESS];
	char features[80]; /* what the library in use can, and cannot */
	char admin[LIMIT_ADDRESS], http[LIMIT_ADDRESS]; /* "": off */
	char state[MSG_WORD]; /* ready, draining */
	int64_t reloaded; /* the configuration was read again; 0: never */
	bool reload_failed; /* then the one of before counts */
	char reload[240]; /* what came of it */
	char clients[160]; /* authorities of client certificates, and lists */
	bool clients_late; /* one of them is overdue */
	int64_t tls_until; /* the end of the certificate of coaps; 0: none */
	uint64_t trust, trust_refused; /* the list's number, 0: none; releases
	                                  that it does not allow */
};

/* a/closed: what is closed, and what is open, "open: ..." */
struct msg_closed {
	uint64_t principals; /* in the store */
	char rights[160], authors[160], strangers[160];
	uint64_t trust; /* as in status */
	/* devices whose boot reports name a list, and that have this one */
	uint64_t trust_told, trust_have;
	char audit[AUDIT_HEAD_TEXT]; /* the log's head; "": no entry */
	bool audit_broken;
};

struct msg_job {
	uint64_t id, campaign, release, target;
	char ep[LIMIT_EP + 1];
	uint32_t wave; /* 0: none */
	char state[MSG_WORD];
	uint32_t grade, attempt, fails; /* fails: of all classes */
	char failure[MSG_WORD]; /* class of the last failure */
	char reason[MSG_WORD];
	char text[96]; /* the reason for a person */
	int64_t created, updated, due;
	uint64_t done, total;
};

/* a/devices/{ep}/attest: the key of its bootloader (bootreport.h). */
struct msg_attest {
	uint8_t kid[8];
	int64_t created;
	bool reported; /* then the epoch is there */
	uint8_t epoch[8];
	uint64_t boot_ctr, report_seq;
	char result[MSG_WORD]; /* of the last report; "" none yet */
	uint64_t sequence;
	bool have_list;
	uint64_t list_seq; /* of its trust list */
	int64_t at, fresh_at; /* fresh: with a nonce of ours */
	bool pending; /* counters began anew, and nobody has allowed it */
	uint8_t pending_epoch[8];
	uint32_t gone; /* epochs that are over */
	uint64_t refused; /* replays, one a minute at most */
	int64_t refused_at;
};
/* PUT: the one or the other. */
struct msg_attest_put {
	size_t key_len;
	uint8_t key[4096]; /* PEM, DER or COSE_Key, public */
	bool have_epoch;
	uint8_t epoch[8]; /* the one that is pending is allowed */
};

struct msg_device {
	uint64_t id;
	char ep[LIMIT_EP + 1];
	bool have_class, have_vendor;
	uint8_t class_id[16], vendor[16];
	bool class_set; /* by an operator */
	bool have_class_said; /* and it says another one itself */
	uint8_t class_said[16];
	char driver[MSG_WORD];
	bool nul_trigger, psk, registered, revoked, ahead;
	bool oscore; /* it has a context */
	bool twin; /* two devices use its credential */
	char wrong_key[320]; /* whose handshakes fail; of one device alone */
	char identity[LIMIT_PSK_IDENTITY + 1]; /* of its first key */
	uint32_t gap; /* typical seconds between signs of life; 0 not known */
	char uri[LIMIT_URI + 1];
	char addr[LIMIT_ADDRESS];
	bool have_seq;
	uint64_t seq;
	uint32_t grade;
	char version[LIMIT_VERSION + 1];
	int64_t expires, created, seen;
	size_t tag_count;
	struct rd_tag tag[LIMIT_TAGS];
	bool have_job; /* the live one, else the last */
	struct msg_job job;
	bool have_attest; /* of one device that is asked for */
	struct msg_attest attest;
};

/* PUT a/devices/{ep}: what is absent stays as it is. */
struct msg_device_put {
	char class_name[40]; /* UUID or alias */
	char driver[MSG_WORD];
	char uri[LIMIT_URI + 1];
	char unset[MSG_WORD]; /* class, driver or address: what the device says
	                         counts again */
	bool have_nul_trigger, nul_trigger;
	size_t tag_count;
	struct rd_tag tag[LIMIT_TAGS];
};
/* PUT a/devices/{ep}/tags: an empty value removes the tag. */
struct msg_tags {
	size_t tag_count;
	struct rd_tag tag[LIMIT_TAGS];
};
struct msg_psk {
	char identity[LIMIT_PSK_IDENTITY + 1];
	size_t key_len;
	uint8_t key[LIMIT_PSK_KEY];
};
/* Of a key that an operator brought: never the key. */
#define MSG_SHARES_HIDDEN "another device" /* outside of one's scope */
struct msg_psk_set {
	char identity[LIMIT_PSK_IDENTITY + 1];
	char shares[LIMIT_EP + 1]; /* who has this key, too; "" nobody */
};
/* POST a/devices/{ep}/oscore; the ids are named as the device knows them. */
struct msg_oscore {
	char identity[LIMIT_PSK_IDENTITY + 1]; /* ours for it */
	size_t secret_len, salt_len, sender_len, recipient_len, context_len;
	uint8_t secret[LIMIT_OSCORE_MASTER]; /* Master Secret */
	uint8_t salt[LIMIT_OSCORE_SALT]; /* Master Salt */
	uint8_t sender[OSCORE_ID], recipient[OSCORE_ID];
	uint8_t context[LIMIT_OSCORE_CONTEXT]; /* ID Context; none: empty */
};
/* A row of POST a/devices: what is absent stays as it is; tags are all of
 * them. */
struct msg_import_row {
	char ep[LIMIT_EP + 1];
	char class_name[40];
	char class_by[MSG_WORD]; /* operator: it is set, also for "" and a class;
	                            device: it is not */
	size_t tag_count;
	struct rd_tag tag[LIMIT_TAGS];
	char identity[LIMIT_PSK_IDENTITY + 1];
	size_t key_len;
	uint8_t key[LIMIT_PSK_KEY];
	bool if_none; /* only for a device that has no key */
};
/* All of its rows or none. */
struct msg_import {
	bool dry; /* only looks */
	size_t row_count;
	struct msg_import_row row[LIMIT_IMPORT_ROWS];
};
struct msg_import_error {
	uint32_t row; /* from 0 */
	char text[LIMIT_IMPORT_TEXT + 1];
};
struct msg_imported {
	bool done; /* false: dry, or there are errors; nothing has changed */
	uint32_t added, changed, same;
	size_t error_count;
	struct msg_import_error error[LIMIT_IMPORT_ERRORS];
	size_t kept_len;
	uint8_t kept[LIMIT_IMPORT_ROWS]; /* a row each: 1: its key was not
	                                    taken, the device has one */
	uint32_t shared; /* keys that another device has, too: */
	size_t shares_len; /* 0, or the rows */
	uint8_t shares[LIMIT_IMPORT_ROWS]; /* 1: this one's */
};
/* Never with its secret. */
struct msg_credential {
	uint64_t id;
	char kind[MSG_WORD];
	char identity[LIMIT_PSK_IDENTITY + 1];
	char label[LIMIT_CREDENTIAL_LABEL + 1];
	int64_t created, used, ends; /* 0: not known, never, never */
	int64_t revoked; /* by an operator: it lets in nobody; 0: not */
};

/* Of a certificate that an operator enters. */
struct msg_cert {
	uint8_t fingerprint[32];
	char label[LIMIT_CREDENTIAL_LABEL + 1];
};

/* A certificate that an operator revoked; see db/store_revoked.h. */
struct msg_revoked {
	char name[LIMIT_REVOKED_NAME + 1];
	int64_t at;
	char reason[LIMIT_REVOKED_REASON + 1];
	bool undo; /* in a request */
};

struct msg_payload {
	uint8_t digest[32];
	uint64_t size;
	char path[LIMIT_PATH + 1]; /* where this server has it */
	char uri[LIMIT_URI + 1]; /* as signed */
	bool external;
};

struct msg_release {
	uint64_t id;
	uint8_t digest[32];
	uint64_t seq;
	char dialect[MSG_WORD];
	char state[MSG_WORD];
	char author[LIMIT_KEY_NAME + 1];
	size_t class_count;
	uint8_t class_id[LIMIT_COMPONENTS][16];
	uint8_t vendor[16];
	uint64_t image_bytes, envelope_len;
	char warning[160];
	char label[LIMIT_VERSION + 1];
	int64_t created;
	size_t payload_count; /* in a single release only */
	struct msg_payload payload[LIMIT_DOWNLOADS];
	size_t note_count; /* after a publish */
	char note[MSG_NOTES][160];
	bool exists; /* it was published before */
	char refused[240]; /* why the trust list does not allow it; "": it
	                      does, or there is none */
};

struct msg_author {
	char name[LIMIT_KEY_NAME + 1];
	uint8_t kid[8];
	char kind[MSG_WORD];
	size_t class_count;
	uint8_t class_id[LIMIT_COMPONENTS][16];
	int64_t created;
};
/* PUT a/keys/{name} */
struct msg_author_put {
	size_t key_len;
	uint8_t key[4096]; /* PEM, DER or COSE_Key, public */
	size_t class_count;
	char class_name[LIMIT_COMPONENTS][40];
};

struct msg_image {
	uint8_t digest[32];
	uint64_t size;
	bool needed; /* by a live release or job */
};

struct msg_counts {
	uint64_t queued, notified, fetching, fetched, installing, done, failed,
	    cancelled, superseded;
	uint64_t active;
	uint64_t transport, overload, integrity, policy, execution;
	/* done and failed ones by the grade of the evidence */
	uint64_t done_l0, done_l1, done_l2, failed_l0, failed_l1, failed_l2;
};

/* One wave; its numbers are of devices. */
struct msg_wave {
	uint32_t wave; /* 1 and on */
	uint64_t size;
	char state[MSG_WORD]; /* closed, open, passed */
	uint64_t fresh; /* not attempted yet */
	uint64_t asleep; /* waits for contact */
	uint64_t active; /* in an attempt */
	uint64_t retrying; /* between attempts */
	uint64_t done, broke, unreachable, other;
	uint64_t weak; /* told below the grade that counts: no outcome */
	char grade[4]; /* of the weakest evidence of its outcomes; "" none */
};

/* A count of devices with its reason: plan verdicts, failures. */
struct msg_reason {
	char name[MSG_WORD];
	char text[96];
	char failure[MSG_WORD]; /* class of failure; "" in a plan */
	uint64_t n;
	bool over; /* final: the job has failed; else it is tried again */
};

#define MSG_WAVES 8
#define MSG_REASONS 32

struct msg_campaign {
	uint64_t id, release, target; /* target: its sequence number */
	char name[LIMIT_KEY_NAME + 1];
	char state[MSG_WORD]; /* draft running paused finished aborted */
	char work[MSG_WORD]; /* plan start cancel: goes on; "" none */
	uint64_t work_done, work_total; /* of about */
	char cause[200]; /* why it is paused, aborted or not started */
	char hold[200]; /* what holds new starts now; "" nothing */
	int64_t hold_until; /* 0: not known */
	char select[LIMIT_SELECT + 1];
	char policy[LIMIT_POLICY + 1];
	uint32_t concurrency;
	bool planned;
	uint8_t plan[32];
	size_t verdict_count; /* of the plan; "update" is the first */
	struct msg_reason verdict[MSG_REASONS];
	uint32_t wave; /* open: 1 .. wave */
	size_t wave_count;
	struct msg_wave waves[MSG_WAVES];
	char gate[200]; /* what the gate of the open wave says */
	int64_t gate_until; /* end of the soak; 0: none */
	char gate_grade[4]; /* the weakest evidence that it rests on */
	char by[LIMIT_PSK_IDENTITY + 1], approved[LIMIT_PSK_IDENTITY + 1];
	bool needs_approval;
	uint64_t follower; /* the campaign that rolls this one back */
	bool offered; /* its release also goes to whoever asks by itself */
	int64_t created, updated, started, ended;
	struct msg_counts counts;
	uint64_t attempts; /* of all devices */
	size_t failure_count;
	struct msg_reason failure[MSG_REASONS];
	uint64_t downloads; /* devices that download just now */
	uint64_t bytes_done, bytes_total; /* of their images */
	uint64_t bytes_rate; /* bytes a second, over the last seconds */
	uint64_t per_hour; /* devices done, lately */
	int64_t eta; /* 0: not known */
	char eta_basis[96];
};
/* POST a/campaigns: makes a draft and plans it. */
struct msg_campaign_start {
	char release[65]; /* number, or first hex digits of the digest */
	char name[LIMIT_KEY_NAME + 1];
	char select[LIMIT_SELECT + 1]; /* "": every device of its classes */
	size_t ep_count; /* or these */
	char ep[MSG_EPS][LIMIT_EP + 1];
	uint64_t of; /* or those that this campaign has attempted */
	char policy[LIMIT_POLICY + 1]; /* on top of the configured one */
	bool start; /* when it is planned, without another word */
};
/* POST a/campaigns/{id}/{action}; of each action only what it needs. */
struct msg_campaign_action {
	uint8_t plan[32]; /* start, approve: exactly this plan */
	bool have_plan;
	bool hard; /* abort: running installs too, and the release */
	char release[65]; /* rollback: to this one */
	bool expect_wave; /* next: only if `wave` is the open one */
	uint32_t wave;
};
/* a/campaigns/{id}/plan and /diff */
struct msg_plan {
	char ep[LIMIT_EP + 1];
	char verdict[MSG_WORD];
	char text[96];
	uint32_t wave; /* of those that will be updated */
	char before[MSG_WORD]; /* diff: the verdict of the plan that was asked
	                          for; "" it was not in it */
	uint32_t wave_before;
};

struct msg_event {
	uint64_t id;
	int64_t at;
	uint64_t device, job, campaign, release;
	char ep[LIMIT_EP + 1];
	char kind[24];
	char what[48];
	uint32_t grade;
	char detail[200];
};

/* a/backup */
struct msg_backup {
	char id[MSG_WORD];
	char state[MSG_WORD]; /* copying, ready, failed */
	char by[LIMIT_PSK_IDENTITY + 1];
	int64_t created, expires;
	uint64_t done, total; /* bytes of about, while it is copied */
	uint64_t size, part; /* of the database; of a part of it */
	bool ready;
	uint8_t digest[32]; /* SHA-256 of the database */
	uint32_t schema;
	char version[MSG_WORD];
	char why[240]; /* it failed */
	uint64_t lost; /* images that releases need and the daemon has not */
	char audit[AUDIT_HEAD_TEXT]; /* head that its audit log reaches */
};

/* a/audit/head */
struct msg_audit_head {
	uint64_t n;
	uint8_t hash[AUDIT_HASH];
};

/* GET a/trust */
struct msg_trust {
	uint64_t seq;
	int64_t since; /* in force */
	uint32_t need, roots, keys, denied;
	uint64_t refused; /* releases that it does not allow */
	uint8_t hash[32]; /* what the next list has to name */
};

struct msg_explain {
	char ep[LIMIT_EP + 1];
	char runs[96]; /* what it runs, and how we know */
	char offered[96]; /* what it should run */
	char hold[MSG_WORD]; /* the one cause by name, see PROTOCOL.md */
	char cause[161], next[161], advice[161];
	char note[320]; /* beside that, what is wrong with its credential, or
	                   with its class */
	int64_t until; /* when `next` happens; 0: not known */
	bool have_job;
	struct msg_job job;
};

extern const struct msg_record msg_oscore, msg_psk_set;
extern const struct msg_record msg_cert, msg_revoked;
extern const struct msg_record msg_credential, msg_import_row, msg_import,
    msg_import_error, msg_imported;

/* a/principals */
struct msg_principal_key {
	char identity[LIMIT_PSK_IDENTITY + 1];
	int64_t created, ends; /* ends 0: never */
};
struct msg_principal {
	char name[LIMIT_PSK_IDENTITY + 1];
	char rights[LIMIT_RIGHTS + 1]; /* lib/rights.h's line */
	char by[LIMIT_PSK_IDENTITY + 1];
	int64_t created;
	bool file; /* of admin.psk: root's word, not to be changed here */
	size_t key_count;
	struct msg_principal_key key[LIMIT_PRINCIPAL_KEYS];
};
/* PUT a/principals/{name} */
struct msg_principal_put {
	char rights[LIMIT_RIGHTS + 1];
};
/* a/requests: changes that wait for a second person */
struct msg_request {
	uint64_t id;
	char kind[MSG_WORD];
	char what[512];
	char by[LIMIT_PSK_IDENTITY + 1], approved[LIMIT_PSK_IDENTITY + 1];
	char facts[LIMIT_REQUEST_FACTS + 1]; /* in words, a line each; in a
	                                        list the first line */
	int64_t created, expires;
	uint8_t digest[32];
};

extern const struct msg_record msg_principal, msg_principal_put, msg_request;
extern const struct msg_record msg_closed;
extern const struct msg_record msg_status, msg_job, msg_device,
    msg_device_put, msg_attest, msg_attest_put, msg_tags, msg_psk, msg_payload, msg_release, msg_author,
    msg_author_put, msg_image, msg_campaign, msg_campaign_start,
    msg_campaign_action, msg_plan, msg_event, msg_backup, msg_explain,
    msg_trust;
/* Of a struct audit_entry: a/audit, and the lines of an export. */
extern const struct msg_record msg_audit, msg_audit_head;

#endif
