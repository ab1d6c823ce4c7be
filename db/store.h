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

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/rd.h"
#include "lib/slice.h"
#include "lib/track.h"

#define STORE_META_MAX 4096

struct store;

struct store_stats {
	uint64_t statements; /* SQL statements run so far, those of stats
	                        itself apart; 0 in memory */
	uint64_t scans; /* rows that no index led to; stays 0 but for
	                   payload_foreach and author_put */
	uint64_t commits; /* outermost */
	uint64_t devices, releases, campaigns, jobs, jobs_live, events;
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
	uint8_t vendor[16];
	enum driver driver;
	bool driver_set; /* by an operator: registration does not change it */
	bool nul_trigger; /* append a NUL to the trigger (RIOT) */
	char uri[LIMIT_URI + 1]; /* operator's or registration's base */
	bool uri_set; /* by an operator */
	char addr[LIMIT_ADDRESS]; /* host part last seen; a hint only */
	bool have_psk; /* then only DTLS with it may speak for the device */
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
	size_t tag_count;
	struct rd_tag tag[LIMIT_TAGS];
};

struct store_author {
	char name[LIMIT_KEY_NAME + 1];
	uint8_t kid[8];
	size_t key_len;
	uint8_t key[512]; /* public COSE_Key */
	size_t class_count; /* 0: every class */
	uint8_t class_id[LIMIT_COMPONENTS][16];
	int64_t created;
};

enum release_state { RELEASE_LIVE = 0, RELEASE_WITHDRAWN = 1 };

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

enum campaign_state {
	CAMPAIGN_DRAFT = 0,
	CAMPAIGN_RUNNING = 1,
	CAMPAIGN_PAUSED = 2,
	CAMPAIGN_FINISHED = 3,
	CAMPAIGN_ABORTED = 4,
};

struct store_campaign {
	uint64_t id;
	uint64_t release;
	char name[LIMIT_KEY_NAME + 1];
	enum campaign_state state;
	uint32_t concurrency; /* jobs in an attempt at the same time, >= 1 */
	char select[512]; /* how it was chosen, for a person */
	int64_t created, updated;
	uint32_t version; /* compare-and-set */
};

struct store_counts {
	uint64_t by_state[JOB_STATES];
	uint64_t active; /* notified .. installing */
	uint64_t starting; /* queued with an attempt begun (job.started): the
	                      trigger is under way */
	uint64_t by_class[FAIL_CLASSES]; /* of failed jobs */
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
	/* cheap: seen moves forward only; addr NULL or "" stays what it was */
	int (*device_seen)(struct store *s, uint64_t id, const char *addr,
	    int64_t at);
	int (*device_get)(struct store *s, uint64_t id,
	    struct store_device *ret);
	int (*device_by_ep)(struct store *s, const char *ep,
	    struct store_device *ret);
	/* ERR_NOT_FOUND; ERR_CONFLICT when several share the address */
	int (*device_by_addr)(struct store *s, const char *addr,
	    struct store_device *ret);
	int (*device_by_reg)(struct store *s, uint64_t reg,
	    struct store_device *ret);
	/* jobs and credential go with it; its events stay */
	int (*device_remove)(struct store *s, uint64_t id);
	int (*device_list)(struct store *s, const struct store_device_filter *f,
	    struct store_device *ret, size_t *ret_n);
	/* credential: DTLS PSK identity -> key, device (0: of no device).
	 * put replaces the key; ERR_EXISTS when it is another device's. A
	 * key that does not fit ret_key is ERR_SPACE. */
	int (*psk_put)(struct store *s, const char *identity, uint64_t device,
	    struct slice key);
	int (*psk_get)(struct store *s, const char *identity,
	    uint64_t *ret_device, struct buf *ret_key);
	int (*psk_remove)(struct store *s, const char *identity);

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
	/* may gc drop this image? no while any live release, or any release
	 * that a live job refers to, has it as a payload */
	int (*image_needed)(struct store *s, const uint8_t digest[32],
	    bool *ret);

	/* campaign: the release must be there (ERR_NOT_FOUND); save is
	 * compare-and-set on version as job_save; release and created stay */
	int (*campaign_put)(struct store *s, struct store_campaign *c);
	int (*campaign_get)(struct store *s, uint64_t id,
	    struct store_campaign *ret);
	int (*campaign_save)(struct store *s, struct store_campaign *c);
	int (*campaign_list)(struct store *s, uint64_t before, size_t limit,
	    struct store_campaign *ret, size_t *ret_n);
	/* id 0: jobs of no campaign */
	int (*campaign_counts)(struct store *s, uint64_t id,
	    struct store_counts *ret);

	/* job: at most one live job per device (ERR_EXISTS); device, release
	 * and campaign must be there (ERR_NOT_FOUND) */
	int (*job_put)(struct store *s, struct job *j); /* id, version out */
	int (*job_get)(struct store *s, uint64_t id, struct job *ret);
	int (*job_live)(struct store *s, uint64_t device, struct job *ret);
	int (*job_last)(struct store *s, uint64_t device, struct job *ret);
	/* compare-and-set on version: ERR_CONFLICT; bumps j->version. What
	 * the job is (campaign, device, release, target_seq, created) stays. */
	int (*job_save)(struct store *s, struct job *j);
	/* due at `now` or before, oldest first, and leased: their due in the
	 * store moves to now + lease_ms so that nobody else takes them; `ret`
	 * has the due that was reached. Jobs in an attempt (active or
	 * starting) always; waiting ones of no campaign or of a running one,
	 * so many as its concurrency leaves room for. (The caller starts or
	 * puts off what it took before it asks again: a lease does not count
	 * as an attempt.) */
	int (*jobs_due)(struct store *s, int64_t now, int64_t lease_ms,
	    struct job *ret, size_t cap, size_t *ret_n);
	/* when jobs_due will have one, 0 for never: waiting jobs that a cap
	 * or a campaign's state holds back are left out */
	int (*next_due)(struct store *s, int64_t *ret);
	int (*job_list)(struct store *s, uint64_t campaign, uint64_t after,
	    size_t limit, struct job *ret, size_t *ret_n);

	/* event log, append-only; id out */
	int (*event_put)(struct store *s, struct store_event *e);
	/* drops the oldest beyond the newest `keep`, at most `limit` */
	int (*event_prune)(struct store *s, uint64_t keep, uint64_t limit,
	    uint64_t *ret_n);
	int (*event_list)(struct store *s, const struct store_event_filter *f,
	    struct store_event *ret, size_t *ret_n);

	/* small settings by name, e.g. the admin PSK's identity; 1 ..
	 * LIMIT_KEY_NAME, value up to STORE_META_MAX */
	int (*meta_get)(struct store *s, const char *name, struct buf *out);
	int (*meta_put)(struct store *s, const char *name, struct slice v);
};

struct store {
	const struct store_ops *ops;
	struct why why; /* of the last error */
};

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
};
/* ERR_UNSUPPORTED: a newer suitd wrote it; ERR_TYPE: not a store of suitd. */
int store_sqlite_open(const struct store_sqlite_opts *o,
    struct store **ret_store, struct why *why) MUST_USE;
int store_mem_open(struct store **ret_store) MUST_USE;

/* The text of the last error of this store, for a log line. */
const char *store_why(const struct store *s);

#endif
