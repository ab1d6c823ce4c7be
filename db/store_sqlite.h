/*
 * store_sqlite: private parts of the SQLite store. A verb is SQL beside the
 * function that runs it: the text's address is the key of the cache of
 * prepared statements, so each is compiled once.
 */
#ifndef SUITD_DB_STORE_SQLITE_H
#define SUITD_DB_STORE_SQLITE_H

#include <sqlite3.h>

#include "db/store.h"
#include "db/store_rules.h"

#define STORE_APPLICATION_ID 0x53554954 /* "SUIT", for file(1) */

#define SQ_DEPTH 12 /* pairs within pairs */
#define SQ_CACHE 256 /* slots; the store has about 120 statements */

struct sq_memo;

#define SQ_JOBS 64 /* saved, that wait for the commit */

struct sq_jobs {
	struct job log[SQ_JOBS];
	size_t n, written;
	bool busy; /* they are being written */
	struct {
		size_t n, written;
	} mark[SQ_DEPTH]; /* when the pair was begun */
};

#define SQ_EVENTS 64 /* that wait for the commit */

struct sq_events {
	struct store_event log[SQ_EVENTS];
	uint64_t last; /* id in this transaction; 0: not known yet */
	size_t n, written;
	struct {
		uint64_t last;
		size_t n, written;
	} mark[SQ_DEPTH]; /* when the pair was begun */
};

#define SQ_CHANGES 512 /* of jobs, two each, that wait for the commit */

/* Jobs of a campaign that have come to a kind, or left it. */
struct sq_change {
	uint64_t campaign;
	struct store_tally kind; /* its n is none of it */
	int64_t n, attempts;
};

struct sq_tally {
	struct sq_change log[SQ_CHANGES];
	size_t n, written;
	struct {
		size_t n, written;
	} mark[SQ_DEPTH]; /* when the pair was begun */
};

struct sq {
	struct store base;
	sqlite3 *db;
	int depth; /* open begins */
	int saved; /* inner ones that have a savepoint */
	int doom; /* error that the open pair ends with; 0: none */
	int doom_depth; /* the pair whose rollback lifts it */
	uint64_t statements, commits;
	int64_t (*clock)(void); /* NULL: none */
	unsigned waited; /* its claim that a begin has waited for in vain */
	bool check_plans;
	struct {
		const char *sql;
		sqlite3_stmt *st;
	} cache[SQ_CACHE];
	size_t cache_n;
	struct sq_memo *memo;
	struct sq_jobs jobs;
	struct sq_tally tally;
	struct sq_events events;
};

static inline struct sq *
sq_of(struct store *s)
{
	return (struct sq *)s; /* base is the first member */
}

/* A value to bind, ?1 ?2 ... in order. */
struct val {
	enum { VAL_NULL, VAL_INT, VAL_TEXT, VAL_BLOB } type;
	int64_t i;
	const void *p;
	size_t n;
};
#define V_INT(x) {.type = VAL_INT, .i = (int64_t)(x)}
/* 0 is NULL: a reference to nothing */
#define V_ID(x) {.type = (x) ? VAL_INT : VAL_NULL, .i = (int64_t)(x)}
/* a key that others come after: stored ids are below 2^63 */
#define V_AFTER(x) V_INT((x) < INT64_MAX ? (x) : INT64_MAX)
#define V_TEXT(x) {.type = VAL_TEXT, .p = (x)}
/* "" is NULL */
#define V_NAME(x) {.type = (x)[0] ? VAL_TEXT : VAL_NULL, .p = (x)}
#define V_BLOB(x, len) {.type = VAL_BLOB, .p = (x), .n = (len)}
/* bytes, or NULL when `have` is false */
#define V_OPT(have, x, len) \
	{.type = (have) ? VAL_BLOB : VAL_NULL, .p = (x), .n = (len)}
#define V_OPTINT(have, x) \
	{.type = (have) ? VAL_INT : VAL_NULL, .i = (int64_t)(x)}

struct query {
	const char *sql; /* a static array: its address is its name */
	const struct val *v;
	size_t n;
};
#define Q(text, ...) \
	(&(struct query){text, (const struct val[]){__VA_ARGS__}, \
	    sizeof((const struct val[]){__VA_ARGS__}) / sizeof(struct val)})
#define Q0(text) (&(struct query){text, NULL, 0})

/* A result row, read column by column. What does not fit sets `bad`. */
struct row {
	sqlite3_stmt *st;
	int col;
	bool bad;
};
int64_t row_int(struct row *r);
bool row_null(struct row *r); /* looks at the next column, stays there */
void row_text(struct row *r, char *dst, size_t cap); /* NULL: "" */
size_t row_blob(struct row *r, void *dst, size_t cap); /* its length */
void row_fixed(struct row *r, void *dst, size_t n); /* NULL: zeros */
void row_buf(struct row *r, struct buf *out);
/* An unsigned number that must be below `end`. */
unsigned row_enum(struct row *r, unsigned end);

typedef void (*row_fn)(struct row *r, void *out);

/* A write: ERR_STATE outside of a pair; an error of the disk dooms it. */
int sq_write(struct sq *s, const struct query *q) MUST_USE;
/* The first row into out of `size` bytes; ERR_NOT_FOUND. */
int sq_one(struct sq *s, const struct query *q, row_fn fn, void *out,
    size_t size) MUST_USE;
/* Calls fn for each row until it says non-zero, which is returned. */
int sq_each(struct sq *s, const struct query *q,
    int (*fn)(void *arg, struct row *r), void *arg) MUST_USE;
struct sq_list {
	row_fn fn;
	void *ret;
	size_t size, cap; /* of an element; elements */
	size_t n;
};
int sq_list(struct sq *s, const struct query *q, struct sq_list *l) MUST_USE;
/* The one value of the first row is added to out; ERR_NOT_FOUND, ERR_SPACE. */
int sq_blob(struct sq *s, const struct query *q, struct buf *out,
    const char *what) MUST_USE;
int sq_int(struct sq *s, const struct query *q, int64_t *ret) MUST_USE;
bool sq_changed(struct sq *s); /* did the last write touch a row? */
uint64_t sq_rowid(struct sq *s);
/* ERR_STATE outside of a pair, or what doomed it. */
int sq_writable(struct sq *s) MUST_USE;
/* Sets why and returns the code of SQLite's last error. */
int sq_fail(struct sq *s, int rc) MUST_USE;
int sq_code(int rc);
int sq_refuse(struct sq *s, int err, const char *what) MUST_USE;
int sq_exec(struct sq *s, const char *sql) MUST_USE; /* not cached */
/* The same for a text that stays, and is cached. */
int sq_run(struct sq *s, const char *sql) MUST_USE;
/* Before a write: the savepoints of the pairs that are open. */
int sq_savepoints(struct sq *s) MUST_USE;
void sq_stmts_free(struct sq *s);
uint64_t sq_scans(const struct sq *s); /* see store_stats */
/* Does it walk a table? Then ret_line is the line of its plan that says so.
 * A text that begins with the comment "scans" may. */
bool sq_plan_scans(sqlite3 *db, const char *sql, char *ret_line, size_t cap);

/* store_sqlite_shm.c: before anything is opened that may have a log: from then
 * on a disk without room is SQLITE_IOERR_SHMMAP, and not SIGBUS. Of the whole
 * process; as often as one likes. */
void sq_shm_whole(void);

/* store_sqlite_probe.c: the URI of a file of any name, with its NUL; false: it
 * does not fit. */
bool sq_uri(const char *path, const char *query, struct buf *out) MUST_USE;

/* store_sqlite.c: ours, or empty (schema 0); ERR_TYPE, ERR_UNSUPPORTED when a
 * newer suitd wrote it. Nothing is written. */
int sq_identify(struct sq *s, int *ret_schema) MUST_USE;

/* store_sqlite_memo.c: rows as they are now, while a pair is open, of up to
 * LIMIT_MEMO devices. */
int sq_memo_new(struct sq *s) MUST_USE;
void sq_memo_free(struct sq *s); /* NULL is fine */
void sq_memo_begin(struct sq *s); /* the outermost pair has the lock */
void sq_memo_kept(struct sq *s); /* it is committed */
void sq_memo_undone(struct sq *s); /* of any pair: what it wrote is not so */
/* What was read, or is so by a write that has succeeded. */
void sq_memo_device(struct sq *s, const struct store_device *d);
void sq_memo_job(struct sq *s, const struct job *j); /* a live one */
bool sq_memo_get(struct sq *s, uint64_t id, struct store_device *ret) MUST_USE;
bool sq_memo_named(struct sq *s, const char *ep, struct store_device *ret)
    MUST_USE;
/* A live job, by its number, if it is remembered. */
bool sq_memo_job_get(struct sq *s, uint64_t id, struct job *ret) MUST_USE;
bool sq_memo_live(struct sq *s, uint64_t device, struct job *ret) MUST_USE;
/* A device is being written, or removed, with its jobs. */
void sq_memo_forget(struct sq *s, uint64_t device);
/* The writes of device_seen, job_save, and of a lease. */
void sq_memo_seen(struct sq *s, const struct store_seen *seen);
void sq_memo_saved(struct sq *s, const struct job *j);
void sq_memo_leased(struct sq *s, const struct job *j, int64_t due);

/* store_sqlite_tally.c: a job that was saved. */
int sq_tally_moved(struct sq *s, const struct job *was,
    const struct job *now) MUST_USE;
/* Before the tally is read, and before the outermost commit. */
int sq_tally_write(struct sq *s) MUST_USE;
void sq_tally_begin(struct sq *s); /* of a pair, s->depth is still outside */
void sq_tally_undone(struct sq *s); /* the same, when it has ended */

/* store_sqlite_job.c: the same of rows of jobs; before any statement. */
int sq_jobs_write(struct sq *s) MUST_USE;
void sq_jobs_begin(struct sq *s);
void sq_jobs_undone(struct sq *s);

/* store_sqlite_event.c: the same of events. */
int sq_events_write(struct sq *s) MUST_USE;
void sq_events_begin(struct sq *s);
void sq_events_undone(struct sq *s);

/* store_sqlite_sync.c: the thread of a database in WAL mode, whose commits
 * `db` makes. */
int syncer_new(sqlite3 *db, const struct store_sqlite_opts *o,
    struct syncer **ret) MUST_USE;
void syncer_free(struct syncer *s); /* NULL is fine */
/* Odd: it has the write lock, or wants it; another number each time. */
unsigned syncer_claim(struct syncer *s);

/* store_sqlite_ahead.c: of a device that is there; writes no more of it. */
int sq_ahead_set(struct sq *s, uint64_t device, bool ahead) MUST_USE;

/* The verbs, by group. */
int sq_device_put(struct store *s, struct store_device *d);
int sq_device_seen(struct store *s, const struct store_seen *seen);
int sq_device_get(struct store *s, uint64_t id, struct store_device *ret);
int sq_device_by_ep(struct store *s, const char *ep,
    struct store_device *ret);
int sq_device_by_addr(struct store *s, const char *addr,
    struct store_device *ret);
int sq_device_by_reg(struct store *s, uint64_t reg, struct store_device *ret);
int sq_device_remove(struct store *s, uint64_t id);
int sq_device_list(struct store *s, const struct store_device_filter *f,
    struct store_device *ret, size_t *ret_n);
int sq_device_scan(struct store *s, const struct store_scan_filter *f,
    int (*cb)(void *arg, const struct store_scan *scan), void *arg,
    uint64_t *ret_after);
int sq_ahead_class(struct store *s, const uint8_t *after,
    uint8_t ret_class[16]);
int sq_ahead_max(struct store *s, const uint8_t class_id[16],
    uint64_t *ret_seq);
int sq_ahead_settle(struct store *s, const uint8_t class_id[16], uint64_t seq,
    size_t limit, size_t *ret_n);
int sq_revoked_put(struct store *s, const struct store_revoked *r);
int sq_revoked_get(struct store *s, const char *name,
    struct store_revoked *ret);
int sq_revoked_remove(struct store *s, const char *name);
int sq_revoked_list(struct store *s, const char *after, size_t limit,
    struct store_revoked *ret, size_t *ret_n);
int sq_credential_put(struct store *s, struct store_credential *c);
int sq_credential_get(struct store *s, enum credential_kind kind,
    const char *identity, struct store_credential *ret);
int sq_credential_list(struct store *s, uint64_t device,
    struct store_credential *ret, size_t cap, size_t *ret_n);
int sq_credential_ended(struct store *s, int64_t now, size_t limit,
    struct store_credential *ret, size_t *ret_n);
int sq_credential_same(struct store *s, const struct store_credential *c,
    struct store_credential *ret);
int sq_credential_used(struct store *s, uint64_t id, int64_t at);
int sq_credential_count(struct store *s, uint64_t id, uint64_t counter);
int sq_credential_remove(struct store *s, uint64_t id);

int sq_attest_put(struct store *s, const struct store_attest *a);
int sq_attest_get(struct store *s, uint64_t device, struct store_attest *ret);
int sq_attest_by_kid(struct store *s, const uint8_t kid[8],
    struct store_attest *ret);
int sq_attest_remove(struct store *s, uint64_t device);
int sq_attest_lists(struct store *s, uint64_t least,
    struct store_lists *ret);

int sq_author_put(struct store *s, const struct store_author *a);
int sq_author_get(struct store *s, const char *name, struct store_author *ret);
int sq_author_remove(struct store *s, const char *name);
int sq_author_list(struct store *s, struct store_author *ret, size_t cap,
    size_t *ret_n);
int sq_release_put(struct store *s, struct store_release *r,
    struct slice envelope, const struct store_payload *p, size_t np);
int sq_release_get(struct store *s, uint64_t id, struct store_release *ret);
int sq_release_by_digest(struct store *s, const uint8_t digest[32],
    struct store_release *ret);
int sq_release_current(struct store *s, const uint8_t class_id[16],
    struct store_release *ret);
int sq_release_highest(struct store *s, const uint8_t class_id[16],
    uint64_t *ret_seq);
int sq_release_envelope(struct store *s, uint64_t id, struct buf *out);
int sq_release_payloads(struct store *s, uint64_t id,
    struct store_payload *ret, size_t cap, size_t *ret_n);
int sq_release_set_state(struct store *s, uint64_t id, enum release_state st);
int sq_release_list(struct store *s, uint64_t before, size_t limit,
    struct store_release *ret, size_t *ret_n);
int sq_payload_foreach(struct store *s,
    int (*cb)(void *arg, const struct store_payload *p,
        enum release_state st), void *arg);
int sq_image_needed(struct store *s, const uint8_t digest[32], bool *ret);

int sq_campaign_put(struct store *s, struct store_campaign *c);
int sq_campaign_get(struct store *s, uint64_t id, struct store_campaign *ret);
int sq_campaign_save(struct store *s, struct store_campaign *c);
int sq_campaign_remove(struct store *s, uint64_t id);
int sq_campaign_list(struct store *s, uint64_t before, size_t limit,
    struct store_campaign *ret, size_t *ret_n);
int sq_campaign_live(struct store *s, uint64_t after, size_t limit,
    struct store_campaign *ret, size_t *ret_n);
int sq_campaign_counts(struct store *s, uint64_t id,
    struct store_counts *ret);
int sq_campaign_tally(struct store *s, uint64_t id, struct store_tally *ret,
    size_t cap, size_t *ret_n);
int sq_plan_put(struct store *s, uint64_t campaign, uint64_t part,
    struct slice bytes);
int sq_plan_get(struct store *s, uint64_t campaign, uint64_t part,
    struct buf *out);
int sq_plan_drop(struct store *s, uint64_t campaign);

int sq_job_put(struct store *s, struct job *j);
int sq_job_get(struct store *s, uint64_t id, struct job *ret);
int sq_job_live(struct store *s, uint64_t device, struct job *ret);
int sq_job_last(struct store *s, uint64_t device, struct job *ret);
int sq_job_save(struct store *s, struct job *j);
int sq_jobs_due(struct store *s, int64_t now, int64_t lease_ms,
    struct job *ret, size_t cap, size_t *ret_n);
int sq_next_due(struct store *s, int64_t *ret);
int sq_jobs_queued(struct store *s, const struct store_queue *q,
    struct job *ret, size_t cap, size_t *ret_n);
int sq_next_queued(struct store *s, uint64_t campaign, uint32_t wave,
    int64_t *ret);
int sq_job_list(struct store *s, uint64_t campaign, uint64_t after,
    size_t limit, struct job *ret, size_t *ret_n);
int sq_job_notable(struct store *s, uint64_t campaign,
    enum store_notable which, struct job *ret, size_t cap, size_t *ret_n);
int sq_job_active(struct store *s,
    int (*cb)(void *arg, const struct job *j), void *arg);

int sq_gauges(struct store *s, int64_t now, struct store_gauges *ret);
int sq_event_put(struct store *s, struct store_event *e);
int sq_event_prune(struct store *s, uint64_t keep, uint64_t limit,
    uint64_t *ret_n);
int sq_event_list(struct store *s, const struct store_event_filter *f,
    struct store_event *ret, size_t *ret_n);
void sq_audit_row(struct row *r, void *out);
/* store_sqlite_check_audit.c: is the whole log a chain, does it reach `kept`
 * (n 0: none)? *ret_fault is 0, or a code of audit.h with *why; returned is
 * what kept it from being checked. */
int sq_audit_check(struct sq *s, const struct audit_head *kept,
    int *ret_fault, struct why *why) MUST_USE;
int sq_audit_append(struct store *s, struct audit_entry *e);
int sq_audit_list(struct store *s, const struct store_audit_filter *f,
    struct audit_entry *ret, size_t *ret_n);
int sq_audit_head(struct store *s, struct audit_head *ret);
int sq_audit_prune(struct store *s, uint64_t keep, uint64_t limit,
    struct audit_head *ret_base, uint64_t *ret_n);

int sq_principal_put(struct store *s, const struct store_principal *p);
int sq_principal_get(struct store *s, const char *name,
    struct store_principal *ret);
int sq_principal_remove(struct store *s, const char *name);
int sq_principal_list(struct store *s, const char *after, size_t limit,
    struct store_principal *ret, size_t *ret_n);
int sq_principal_key_put(struct store *s,
    const struct store_principal_key *k);
int sq_principal_key_get(struct store *s, const char *identity,
    struct store_principal_key *ret);
int sq_principal_key_remove(struct store *s, const char *identity);
int sq_principal_key_list(struct store *s, const char *name,
    struct store_principal_key *ret, size_t cap, size_t *ret_n);
int sq_request_put(struct store *s, struct store_request *r);
int sq_request_get(struct store *s, uint64_t id, struct store_request *ret);
int sq_request_remove(struct store *s, uint64_t id);
int sq_request_list(struct store *s, uint64_t after, size_t limit,
    struct store_request *ret, size_t *ret_n);
int sq_meta_get(struct store *s, const char *name, struct buf *out);
int sq_meta_put(struct store *s, const char *name, struct slice v);

int sq_trust_put(struct store *s, const struct store_trust *t,
    struct slice list);
int sq_trust_get(struct store *s, uint64_t seq, struct store_trust *ret,
    struct buf *out);

#endif
