/*
 * store: what must survive a restart, as domain verbs behind a vtable.
 *
 * Two twins under one contract suite (tests/db/test_store.c): store_sqlite
 * (WAL, STRICT tables, numbered migrations) and store_mem. Records are plain
 * structs that the caller owns; nothing returned points into the store.
 *
 * Transactions: every write happens between store_begin and store_commit.
 * store_begin nests (an inner pair is a savepoint, so one failing request
 * does not undo its neighbours in the same turn of the loop). Reads work
 * inside and outside and see own writes. After a failed commit everything
 * since the outermost begin is undone. ERR_NOSPACE, ERR_READONLY, ERR_IO,
 * ERR_CORRUPT say what the disk said; store_why() has the text.
 *
 * A write outside of a pair is ERR_STATE. A verb that is refused has changed
 * nothing (of lists only the count is untouched). When the disk failed under
 * a verb, the pair is doomed: begin and writes repeat the error, and so does
 * commit, until the pair is rolled back. That is the outermost one where
 * SQLite gives it up, always so when a read or a write meets damage
 * (ERR_CORRUPT).
 *
 * Single-threaded. Times are Unix milliseconds. Arguments over their cap are
 * ERR_SIZE, a page limit outside of 1 .. LIMIT_PAGE is ERR_RANGE, any other
 * nonsense in a record (an empty name, a state that is none) ERR_INVALID.
 */
#ifndef SUITD_DB_STORE_H
#define SUITD_DB_STORE_H

#include "db/store_audit.h"
#include "db/store_boot.h"
#include "db/store_campaign.h"
#include "db/store_credential.h"
#include "db/store_revoked.h"
#include "db/store_rights.h"
#include "lib/err.h"
#include "lib/lag.h"
#include "lib/limits.h"
#include "lib/rd.h"
#include "lib/slice.h"
#include "lib/track.h"

#define STORE_META_MAX 4096
#define STORE_PLAN_PART (64 * 1024)

struct store;

struct store_stats {
	uint64_t statements; /* SQL statements run so far, those of stats
	                        itself apart; 0 in memory */
	uint64_t scans; /* rows that no index led to; stays 0 but for
	                   payload_foreach, author_put, gauges,
	                   attest_lists, principal_put and request_put */
	uint64_t commits; /* outermost */
	uint64_t devices, releases, campaigns, jobs, jobs_live, events;
	uint64_t ahead; /* devices that are */
};

/* The ways to reach a device. Stored numbers. */
enum driver {
	DRIVER_NONE = 0,
	DRIVER_TRIGGER = 1,
	DRIVER_MANIFEST = 2,
	DRIVER_OBSERVE = 3,
};

struct store_device {
	uint64_t id; /* 0: new */
	char ep[LIMIT_EP + 1];
	bool have_class;
	uint8_t class_id[16];
	bool class_set; /* by an operator; only with a class */
	bool have_class_said; /* it says another, which is not taken: only with
	                         class_set */
	uint8_t class_said[16];
	uint8_t vendor[16];
	enum driver driver;
	bool driver_set; /* by an operator: registration does not change it */
	bool nul_trigger; /* append a NUL to the trigger (RIOT) */
	char uri[LIMIT_URI + 1]; /* operator's or registration's base */
	bool uri_set; /* by an operator */
	char addr[LIMIT_ADDRESS]; /* host part last seen; a hint only */
	bool have_psk; /* it was given a credential, of any kind: then only
	                  a credential may speak for it, also when none is
	                  left */
	bool have_seq;
	uint64_t seq; /* running */
	enum grade seq_grade;
	char version[LIMIT_VERSION + 1];
	bool registered;
	uint64_t reg; /* registration number, /rd/{reg}; 0 none */
	int64_t reg_expires;
	uint32_t reg_lt; /* seconds, for an update without lt= */
	bool reg_base; /* uri came from base=, not from an address */
	int64_t created, seen; /* seen is written lazily: device_seen */
	uint32_t gap; /* typical seconds from one sign of life to the next, a
	                 moving mean; 0: not known */
	bool revoked; /* by an operator: neither served nor updated */
	bool ahead; /* runs a newer sequence than any release known for its
	               class; only with a class and a sequence */
	size_t tag_count;
	struct rd_tag tag[LIMIT_TAGS];
};

/* A sign of life. */
struct store_seen {
	uint64_t device;
	const char *addr; /* NULL or "": stays what it was */
	int64_t at; /* moves forward only */
	uint32_t gap; /* 0: stays what it was */
};

/* A device as a plan looks at it, with its last job and its live one. */
struct store_scan {
	struct store_device d; /* uri, reg_lt, reg_base and driver_set are
	                          empty; tags only if they were asked for */
	bool have_last, have_live;
	struct job last, live; /* id, campaign, release, target_seq, state,
	                          reason, attempt only */
};
struct store_scan_filter {
	uint64_t after; /* device ids above this one */
	size_t limit; /* rows looked at, 1 .. STORE_SCAN_MAX */
	bool tags;
};
#define STORE_SCAN_MAX 10000
#define STORE_SETTLE_MAX 500

struct store_author {
	char name[LIMIT_KEY_NAME + 1];
	uint8_t kid[8];
	size_t key_len;
	uint8_t key[512]; /* public COSE_Key */
	size_t class_count; /* 0: every class */
	uint8_t class_id[LIMIT_COMPONENTS][16];
	int64_t created;
};

/* Stored numbers. Staged: served, and given to the devices of a campaign, but
 * not what a class has as its current release. */
enum release_state {
	RELEASE_LIVE = 0,
	RELEASE_WITHDRAWN = 1,
	RELEASE_STAGED = 2,
};

struct store_release {
	uint64_t id;
	uint8_t digest[32]; /* SHA-256 of the bstr-wrapped manifest: identity
	                       (of any other digest algorithm: its first 32) */
	uint64_t seq;
	int dialect; /* enum manifest_dialect */
	enum release_state state;
	char author[LIMIT_KEY_NAME + 1];
	size_t class_count;
	uint8_t class_id[LIMIT_COMPONENTS][16];
	uint8_t vendor[16];
	uint64_t image_bytes; /* largest sum that one device may download */
	char warning[160];
	char label[LIMIT_VERSION + 1]; /* version from the text, or "" */
	int64_t created;
	size_t envelope_len;
	/* release_put only: releases with a sequence above this are passed
	 * over in the order of a class, since it was burnt (trust.h, ceiling);
	 * 0: none is */
	uint64_t ceiling;
};

/* A payload of a release and the paths that serve it. */
struct store_payload {
	uint64_t release;
	uint8_t digest[32]; /* SHA-256 of the bytes */
	uint64_t size;
	char path[LIMIT_PATH + 1]; /* canonical alias on this host; "" none */
	char uri[LIMIT_URI + 1]; /* as signed */
	bool external; /* on another host: not served here */
};

struct store_event {
	uint64_t id; /* strictly increasing */
	int64_t at;
	uint64_t device, job, campaign, release; /* 0: none */
	char ep[LIMIT_EP + 1];
	char kind[24]; /* "job", "device", "release", "campaign", "admin" */
	char what[48]; /* "fetching", "registered", "published" */
	enum grade grade;
	char detail[200];
};

/* A trust list as it was signed (lib/trust.h), beside its bytes. */
struct store_trust {
	uint64_t seq; /* 1 .. INT64_MAX */
	int64_t at; /* when it came */
	char by[LIMIT_PSK_IDENTITY + 1]; /* from whom; "" suitd's file */
	size_t len; /* out: bytes of the list */
};
#define STORE_TRUST_MAX (16 * 1024)

/* Filters and paging: `after` is the last key of the page before. */
struct store_device_filter {
	char after[LIMIT_EP + 1];
	size_t limit; /* 1 .. LIMIT_PAGE */
	bool have_class;
	uint8_t class_id[16];
	char tag_name[LIMIT_TAG_NAME + 1]; /* "" any */
	char tag_value[LIMIT_TAG_VALUE + 1];
	char prefix[LIMIT_EP + 1];
};

struct store_event_filter {
	uint64_t after;
	bool newest_first; /* then `after` is a "before", 0: from the newest */
	size_t limit;
	uint64_t device, job, campaign, release; /* 0: any */
};

/* Which of a campaign's queue. */
struct store_queue {
	uint64_t campaign;
	uint32_t wave;
	int64_t now, lease_ms;
};

struct store_ops {
	const char *name;
	void (*close)(struct store *s);
	int (*begin)(struct store *s);
	int (*commit)(struct store *s);
	void (*rollback)(struct store *s); /* innermost open pair */
	void (*stats)(struct store *s, struct store_stats *ret);

	/* device: put makes one (id 0; id out) or replaces one. ERR_EXISTS:
	 * another has this ep or registration number; ERR_DUPLICATE: a tag
	 * name twice. */
	int (*device_put)(struct store *s, struct store_device *d);
	int (*device_seen)(struct store *s, const struct store_seen *seen);
	int (*device_get)(struct store *s, uint64_t id,
	    struct store_device *ret);
	int (*device_by_ep)(struct store *s, const char *ep,
	    struct store_device *ret);
	/* ERR_NOT_FOUND; ERR_CONFLICT when several share the address */
	int (*device_by_addr)(struct store *s, const char *addr,
	    struct store_device *ret);
	int (*device_by_reg)(struct store *s, uint64_t reg,
	    struct store_device *ret);
	/* jobs and credentials go with it; its events stay */
	int (*device_remove)(struct store *s, uint64_t id);
	int (*device_list)(struct store *s, const struct store_device_filter *f,
	    struct store_device *ret, size_t *ret_n);
	/* devices in the order of their ids, for a plan: cb must not write, its
	 * non-zero ends it and is returned; *ret_after, then, too, is the id
	 * of the last device that cb took (said 0 to), or 0 when there are
	 * none left */
	int (*device_scan)(struct store *s, const struct store_scan_filter *f,
	    int (*cb)(void *arg, const struct store_scan *scan), void *arg,
	    uint64_t *ret_after);
	/* Devices that are ahead, by class. class: the first one above `after`
	 * (NULL: of all) that has some. max: their highest sequence, which is
	 * how far. settle: those of at most `seq` are so no longer, the first
	 * `limit` (1 .. STORE_SETTLE_MAX) by sequence; *ret_n below it: there
	 * are no more.
	 * ERR_NOT_FOUND: none. */
	int (*ahead_class)(struct store *s, const uint8_t *after,
	    uint8_t ret_class[16]);
	int (*ahead_max)(struct store *s, const uint8_t class_id[16],
	    uint64_t *ret_seq);
	int (*ahead_settle)(struct store *s, const uint8_t class_id[16],
	    uint64_t seq, size_t limit, size_t *ret_n);
	/* credential: put makes one (id 0; id out) or replaces label, secret,
	 * times and counter of one. ERR_EXISTS: another has this identity
	 * among those of the kind; ERR_LIMIT: the device has
	 * LIMIT_CREDENTIALS of the kind; ERR_NOT_FOUND: no such device, or
	 * no such one with this device, kind and identity. get has the secret,
	 * list and ended leave it out (0 bytes). Whether one that has ended
	 * still counts is for the caller, who has the clock. */
	int (*credential_put)(struct store *s, struct store_credential *c);
	int (*credential_get)(struct store *s, enum credential_kind kind,
	    const char *identity, struct store_credential *ret);
	/* of a device, by id; ERR_SPACE: cap is below what there is, at most
	 * STORE_CREDENTIALS */
	int (*credential_list)(struct store *s, uint64_t device,
	    struct store_credential *ret, size_t cap, size_t *ret_n);
	/* those whose end is `now` or was before, the oldest end first; limit
	 * 1 .. LIMIT_PAGE */
	int (*credential_ended)(struct store *s, int64_t now, size_t limit,
	    struct store_credential *ret, size_t *ret_n);
	/* of all the other devices that have the key (CREDENTIAL_PSK) of this
	 * one, under whatever identity, the one with the lowest id; without
	 * the secret. Neither id nor identity of `c` counts. ERR_NOT_FOUND:
	 * nobody else has it, or it is of another kind. */
	int (*credential_same)(struct store *s,
	    const struct store_credential *c, struct store_credential *ret);
	/* it was shown to us; `used` moves forward only. Nobody is told. */
	int (*credential_used)(struct store *s, uint64_t id, int64_t at);
	/* moves forward only, an unsigned number. Nobody is told. */
	int (*credential_count)(struct store *s, uint64_t id,
	    uint64_t counter);
	int (*credential_remove)(struct store *s, uint64_t id);

	/* revoked certificates: put replaces by name, at most LIMIT_REVOKED
	 * (ERR_LIMIT). list: those with names above `after` ("": all), by
	 * name, at most LIMIT_PAGE */
	int (*revoked_put)(struct store *s, const struct store_revoked *r);
	int (*revoked_get)(struct store *s, const char *name,
	    struct store_revoked *ret);
	int (*revoked_remove)(struct store *s, const char *name);
	int (*revoked_list)(struct store *s, const char *after, size_t limit,
	    struct store_revoked *ret, size_t *ret_n);

	/* attest: put makes or replaces a device's. ERR_NOT_FOUND: no such
	 * device; ERR_EXISTS: the kid is another device's. It goes with its
	 * device. */
	int (*attest_put)(struct store *s, const struct store_attest *a);
	int (*attest_get)(struct store *s, uint64_t device,
	    struct store_attest *ret);
	int (*attest_by_kid)(struct store *s, const uint8_t kid[8],
	    struct store_attest *ret);
	int (*attest_remove)(struct store *s, uint64_t device);
	/* which trust lists they say they have; no walk over devices */
	int (*attest_lists)(struct store *s, uint64_t least,
	    struct store_lists *ret);

	/* author: put replaces by name; at most LIMIT_KEYRING (ERR_LIMIT) */
	int (*author_put)(struct store *s, const struct store_author *a);
	int (*author_get)(struct store *s, const char *name,
	    struct store_author *ret);
	int (*author_remove)(struct store *s, const char *name);
	int (*author_list)(struct store *s, struct store_author *ret,
	    size_t cap, size_t *ret_n);

	/* release: put checks that seq is above every release's of each of
	 * its classes, withdrawn ones included (ERR_SEQUENCE), and that the
	 * digest is new (ERR_EXISTS). payloads are stored with it; a path
	 * that serves other bytes already is ERR_CONFLICT. */
	int (*release_put)(struct store *s, struct store_release *r,
	    struct slice envelope, const struct store_payload *p, size_t np);
	int (*release_get)(struct store *s, uint64_t id,
	    struct store_release *ret);
	int (*release_by_digest)(struct store *s, const uint8_t digest[32],
	    struct store_release *ret);
	/* the live release of the highest sequence; ERR_NOT_FOUND */
	int (*release_current)(struct store *s, const uint8_t class_id[16],
	    struct store_release *ret);
	/* the highest sequence of all of a class, withdrawn ones included;
	 * ERR_NOT_FOUND */
	int (*release_highest)(struct store *s, const uint8_t class_id[16],
	    uint64_t *ret_seq);
	int (*release_envelope)(struct store *s, uint64_t id, struct buf *out);
	int (*release_payloads)(struct store *s, uint64_t id,
	    struct store_payload *ret, size_t cap, size_t *ret_n);
	int (*release_set_state)(struct store *s, uint64_t id,
	    enum release_state st);
	/* newest first; `before` 0 or the last id of the page before */
	int (*release_list)(struct store *s, uint64_t before, size_t limit,
	    struct store_release *ret, size_t *ret_n);
	/* every payload that is not external, path or not, for the daemon's
	 * table at start; cb must not write. Its non-zero ends it. */
	int (*payload_foreach)(struct store *s,
	    int (*cb)(void *arg, const struct store_payload *p,
	        enum release_state st), void *arg);
	/* may gc drop this image? no while any release that is not withdrawn,
	 * or any that a live job refers to, has it as a payload */
	int (*image_needed)(struct store *s, const uint8_t digest[32],
	    bool *ret);

	/* campaign: the release must be there (ERR_NOT_FOUND); save is
	 * compare-and-set on version as job_save; release and created stay.
	 * More waves open than there are is ERR_INVALID. */
	int (*campaign_put)(struct store *s, struct store_campaign *c);
	int (*campaign_get)(struct store *s, uint64_t id,
	    struct store_campaign *ret);
	int (*campaign_save)(struct store *s, struct store_campaign *c);
	/* a campaign that has no jobs, and its plan; ERR_STATE when it has.
	 * Its number is not given again. */
	int (*campaign_remove)(struct store *s, uint64_t id);
	int (*campaign_list)(struct store *s, uint64_t before, size_t limit,
	    struct store_campaign *ret, size_t *ret_n);
	/* those that are not over (draft, running, paused) or have work left,
	 * by id above `after` */
	int (*campaign_live)(struct store *s, uint64_t after, size_t limit,
	    struct store_campaign *ret, size_t *ret_n);
	/* id 0: jobs of no campaign */
	int (*campaign_counts)(struct store *s, uint64_t id,
	    struct store_counts *ret);
	/* by wave, state ... ; none has n 0 */
	int (*campaign_tally)(struct store *s, uint64_t id,
	    struct store_tally *ret, size_t cap, size_t *ret_n);
	/* the plan in parts of up to STORE_PLAN_PART bytes, 0, 1, ...; put
	 * replaces; get is ERR_NOT_FOUND past the last one */
	int (*plan_put)(struct store *s, uint64_t campaign, uint64_t part,
	    struct slice bytes);
	int (*plan_get)(struct store *s, uint64_t campaign, uint64_t part,
	    struct buf *out);
	int (*plan_drop)(struct store *s, uint64_t campaign);

	/* job: at most one live job per device (ERR_EXISTS); device, release
	 * and campaign must be there (ERR_NOT_FOUND); a wave is one of a
	 * campaign, 0 .. STORE_WAVES (ERR_INVALID) */
	int (*job_put)(struct store *s, struct job *j); /* id, version out */
	int (*job_get)(struct store *s, uint64_t id, struct job *ret);
	int (*job_live)(struct store *s, uint64_t device, struct job *ret);
	int (*job_last)(struct store *s, uint64_t device, struct job *ret);
	/* compare-and-set on version: ERR_CONFLICT; bumps j->version. What
	 * the job is (campaign, wave, device, release, target_seq, created)
	 * stays. */
	int (*job_save)(struct store *s, struct job *j);
	/* Due at `now` or before, oldest first, and leased: their due in the
	 * store moves to now + lease_ms so that nobody else takes them; `ret`
	 * has the due that was reached. Jobs in an attempt (active or
	 * starting) and waiting ones of no campaign. */
	int (*jobs_due)(struct store *s, int64_t now, int64_t lease_ms,
	    struct job *ret, size_t cap, size_t *ret_n);
	/* when jobs_due will have one, 0 for never */
	int (*next_due)(struct store *s, int64_t *ret);
	/* The same for the queue of a campaign, its waves 1 .. q->wave (and
	 * 0), whatever its state: who may start is not the store's to say.
	 * Jobs that were never attempted come before those that failed when
	 * both are due, each oldest first. (The caller starts or puts off
	 * what it took: a lease does not count as an attempt.) */
	int (*jobs_queued)(struct store *s, const struct store_queue *q,
	    struct job *ret, size_t cap, size_t *ret_n);
	int (*next_queued)(struct store *s, uint64_t campaign, uint32_t wave,
	    int64_t *ret);
	int (*job_list)(struct store *s, uint64_t campaign, uint64_t after,
	    size_t limit, struct job *ret, size_t *ret_n);
	int (*job_notable)(struct store *s, uint64_t campaign,
	    enum store_notable which, struct job *ret, size_t cap,
	    size_t *ret_n);
	/* every job in an attempt, the next deadline first; cb must not
	 * write, its non-zero ends it and is returned */
	int (*job_active)(struct store *s,
	    int (*cb)(void *arg, const struct job *j), void *arg);

	int (*gauges)(struct store *s, int64_t now, struct store_gauges *ret);

	/* event log, append-only; id out */
	int (*event_put)(struct store *s, struct store_event *e);
	/* drops the oldest beyond the newest `keep`, at most `limit` */
	int (*event_prune)(struct store *s, uint64_t keep, uint64_t limit,
	    uint64_t *ret_n);
	int (*event_list)(struct store *s, const struct store_event_filter *f,
	    struct store_event *ret, size_t *ret_n);

	/* audit log: append fills in n, prev and hash from the last entry (any
	 * text that is not UTF-8 is ERR_UTF8), list is in the order of n;
	 * prune drops up to `limit` of the oldest, but never the newest
	 * `keep` (1 and on), and tells the head of what is gone, also of
	 * earlier times. Nothing else changes or removes an entry. */
	int (*audit_append)(struct store *s, struct audit_entry *e);
	int (*audit_list)(struct store *s, const struct store_audit_filter *f,
	    struct audit_entry *ret, size_t *ret_n);
	int (*audit_head)(struct store *s, struct audit_head *ret);
	int (*audit_prune)(struct store *s, uint64_t keep, uint64_t limit,
	    struct audit_head *ret_base, uint64_t *ret_n);

	/* principal: put makes one or replaces it by name, its keys stay; at
	 * most LIMIT_PRINCIPALS (ERR_LIMIT). remove takes its keys with it. A
	 * list is by name, above `after`. */
	int (*principal_put)(struct store *s, const struct store_principal *p);
	int (*principal_get)(struct store *s, const char *name,
	    struct store_principal *ret);
	int (*principal_remove)(struct store *s, const char *name);
	int (*principal_list)(struct store *s, const char *after, size_t limit,
	    struct store_principal *ret, size_t *ret_n);
	/* put replaces by identity; ERR_NOT_FOUND: no such principal;
	 * ERR_EXISTS: it is another principal's. A list is by identity. */
	int (*principal_key_put)(struct store *s,
	    const struct store_principal_key *k);
	int (*principal_key_get)(struct store *s, const char *identity,
	    struct store_principal_key *ret);
	int (*principal_key_remove)(struct store *s, const char *identity);
	int (*principal_key_list)(struct store *s, const char *name,
	    struct store_principal_key *ret, size_t cap, size_t *ret_n);

	/* request: put makes one (id 0; id out; at most LIMIT_REQUESTS,
	 * ERR_LIMIT), or replaces one. A list is by id, above `after`. */
	int (*request_put)(struct store *s, struct store_request *r);
	int (*request_get)(struct store *s, uint64_t id,
	    struct store_request *ret);
	int (*request_remove)(struct store *s, uint64_t id);
	int (*request_list)(struct store *s, uint64_t after, size_t limit,
	    struct store_request *ret, size_t *ret_n);

	/* small settings by name, e.g. the admin PSK's identity; 1 ..
	 * LIMIT_KEY_NAME, value up to STORE_META_MAX */
	int (*meta_get)(struct store *s, const char *name, struct buf *out);
	int (*meta_put)(struct store *s, const char *name, struct slice v);

	/* trust list: kept for ever. put: 1 .. STORE_TRUST_MAX bytes, above
	 * the newest (ERR_SEQUENCE). get: ERR_NOT_FOUND; seq 0 is the newest,
	 * `out` NULL: without its bytes */
	int (*trust_put)(struct store *s, const struct store_trust *t,
	    struct slice list);
	int (*trust_get)(struct store *s, uint64_t seq,
	    struct store_trust *ret, struct buf *out);
};

struct store {
	const struct store_ops *ops;
	struct why why; /* of the last error */
	/* Told, after the write, of which device it was: of its row, its
	 * credential, or a job of its own that was put or saved; 0: it may be
	 * any one's. Leases (jobs_due, jobs_queued) are not told, nor is what
	 * a rollback takes back. NULL: nobody listens. */
	void (*wrote)(void *arg, uint64_t device);
	void *wrote_arg;
	struct syncer *syncer; /* store_sync.h; NULL: it has none */
	struct lag commits; /* how long those that wrote took; only with a
	                       clock (store_sqlite_opts) */
	bool unsynced; /* a commit is not durable when it returns: syncer_ask */
};

/* For the twins, after a verb that wrote. */
static inline void
store_wrote(const struct store *s, uint64_t device)
{
	if (s->wrote != NULL)
		s->wrote(s->wrote_arg, device);
}

static inline int
store_begin(struct store *s)
{
	return s->ops->begin(s);
}

static inline int
store_commit(struct store *s)
{
	return s->ops->commit(s);
}

static inline void
store_rollback(struct store *s)
{
	s->ops->rollback(s);
}

static inline void
store_close(struct store *s) /* NULL is fine; an open pair is undone */
{
	if (s != NULL)
		s->ops->close(s);
}

struct store_sqlite_opts {
	const char *path; /* file; created with mode 0600 */
	bool full_sync; /* synchronous=FULL: a commit survives power loss */
	bool check_plans; /* assert that no statement scans devices, jobs or
	                     events but those that are marked so: tests, and
	                     debug builds of the daemon */
	int64_t (*clock)(void); /* not NULL: a thread syncs and checkpoints, if
	                           there may be threads (store->syncer),
	                           see store_sync.h; this tells it how long
	                           that takes, in microseconds. Without
	                           full_sync it only checkpoints */
};
/* ERR_UNSUPPORTED: a newer suitd wrote it; ERR_TYPE: not a store of suitd. */
int store_sqlite_open(const struct store_sqlite_opts *o,
    struct store **ret_store, struct why *why) MUST_USE;
/* What a file is, before anybody opens it as a store. */
struct store_probe {
	int schema, known; /* the file's, and the newest that is known here */
};
/* ERR_UNSUPPORTED and ERR_TYPE as above, ERR_CORRUPT: no database, ERR_IO,
 * ERR_SIZE: the path. Leaves no file behind when nobody uses the store. */
int store_sqlite_probe(const char *path, struct store_probe *ret,
    struct why *why) MUST_USE;
int store_mem_open(struct store **ret_store) MUST_USE;

/* The text of the last error of this store, for a log line. */
const char *store_why(const struct store *s);

#endif
