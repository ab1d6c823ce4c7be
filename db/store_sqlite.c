/*
 * The SQLite store: opening, migrations, transactions.
 *
 * WAL with synchronous=FULL: one fsync of the log per outermost commit, and
 * readers never wait; or that fsync is asked of a thread (store_sync.h).
 * Opening reads the header and the schema and no table
 * (a start must not get slower with the fleet); a damaged page is reported
 * by the verb that meets it, and the rest is served.
 *
 * The outermost begin takes the write lock (BEGIN IMMEDIATE); inner ones are
 * savepoints. An error of the disk inside a pair dooms the pair: its writes
 * may be half there, so that it can only be rolled back.
 */
#include "db/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/schema.h"
#include "db/store_copy.h"
#include "db/store_sync.h"

static void
sq_close(struct store *store)
{
	struct sq *s = sq_of(store);

	sq_stmts_free(s);
	syncer_free(s->base.syncer);
	sqlite3_close(s->db);
	sq_memo_free(s);
	free(s);
}

/* Whoever commits without a pause would never let the thread in, which polls
 * for the lock. */
static bool
let_in(struct sq *s, unsigned claim)
{
	for (int ms = 0; ms < SYNC_WAIT_MS; ms++) {
		if (syncer_claim(s->base.syncer) != claim)
			return true;
		usleep(1000);
	}
	return false;
}

/* The write lock may be the checkpointing thread's: that is waited for once,
 * not by every request of a turn. */
static int
begin_outer(struct sq *s)
{
	static const char BEGIN[] = "BEGIN IMMEDIATE";
	unsigned claim = s->base.syncer != NULL ? syncer_claim(s->base.syncer) : 0;
	int err;

	if (claim % 2 == 1 && (claim == s->waited || !let_in(s, claim))) {
		s->waited = claim;
		return sq_refuse(s, ERR_BUSY, "a checkpoint is being ended");
	}
	err = sq_run(s, BEGIN);
	if (err == ERR_BUSY && s->base.syncer != NULL)
		s->waited = syncer_claim(s->base.syncer);
	return err;
}

/* An inner pair gets its savepoint with its first write: many write nothing. */
static int
sq_begin(struct store *store)
{
	struct sq *s = sq_of(store);
	int err;

	if (s->doom != 0)
		return s->doom;
	if (s->depth == SQ_DEPTH)
		return sq_refuse(s, ERR_STATE, "pairs within pairs");
	err = s->depth == 0 ? begin_outer(s) : 0;
	if (err != 0)
		return err;
	sq_jobs_begin(s);
	sq_tally_begin(s);
	sq_events_begin(s);
	if (s->depth++ == 0)
		sq_memo_begin(s);
	return 0;
}

/* Texts of their own, for the cache of statements. */
#define LEVELS(word) { \
	NULL, word "s1", word "s2", word "s3", word "s4", word "s5", \
	word "s6", word "s7", word "s8", word "s9", word "s10", word "s11"}
static const char *const SAVE[SQ_DEPTH] = LEVELS("SAVEPOINT ");
static const char *const RELEASE[SQ_DEPTH] = LEVELS("RELEASE ");
static const char *const UNDO[SQ_DEPTH] = LEVELS("ROLLBACK TO ");

int
sq_savepoints(struct sq *s)
{
	int err = 0;

	for (; s->saved < s->depth - 1 && err == 0; s->saved += err == 0)
		err = sq_run(s, SAVE[s->saved + 1]);
	return err;
}

/* The end of the outermost pair, whatever is left of it in SQLite. */
static void
undo_all(struct sq *s)
{
	int rc;

	if (!sqlite3_get_autocommit(s->db)) {
		rc = sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		(void)rc; /* it fails only when SQLite did it already */
		s->statements++;
	}
	s->depth = 0;
	s->saved = 0;
	s->doom = 0;
	sq_jobs_undone(s);
	sq_tally_undone(s);
	sq_events_undone(s);
}

static int
commit_inner(struct sq *s)
{
	int err = s->doom;

	s->depth--;
	if (err != 0) {
		if (s->doom_depth > s->depth)
			s->doom_depth = s->depth;
		return err;
	}
	if (s->saved < s->depth)
		return 0;
	s->saved = s->depth - 1;
	err = sq_run(s, RELEASE[s->depth]);
	if (err != 0) {
		s->doom = err;
		s->doom_depth = 1;
	}
	return err;
}

/* What waits is written while there is room for more. */
static int
commit_pair(struct sq *s)
{
	int err = commit_inner(s);

	if (err == 0 && s->depth == 1 && s->jobs.n > SQ_JOBS / 2)
		err = sq_jobs_write(s);
	if (err == 0 && s->depth == 1 && s->tally.n > SQ_CHANGES / 2)
		err = sq_tally_write(s);
	if (err == 0 && s->depth == 1 && s->events.n > SQ_EVENTS / 2)
		err = sq_events_write(s);
	return err;
}

static int
commit_all(struct sq *s)
{
	static const char COMMIT[] = "COMMIT";
	int err = s->doom;

	if (err == 0)
		err = sq_jobs_write(s);
	if (err == 0)
		err = sq_tally_write(s);
	if (err == 0)
		err = sq_events_write(s);
	if (err == 0)
		err = sq_run(s, COMMIT);
	if (err != 0) {
		sq_memo_undone(s);
		undo_all(s);
		return err;
	}
	sq_memo_kept(s);
	s->depth = 0;
	s->commits++;
	return 0;
}

static int
sq_commit(struct store *store)
{
	struct sq *s = sq_of(store);
	int64_t from;
	int err;

	if (s->depth == 0)
		return sq_refuse(s, ERR_STATE, "commit without begin");
	if (s->depth > 1)
		return commit_pair(s);
	if (s->clock == NULL)
		return commit_all(s);
	from = s->clock();
	err = commit_all(s);
	lag_add(&store->commits, (uint64_t)(s->clock() - from), from / 1000);
	return err;
}

static void
sq_rollback(struct store *store)
{
	struct sq *s = sq_of(store);

	sq_memo_undone(s);
	if (s->depth <= 1) {
		undo_all(s);
		return;
	}
	s->depth--;
	sq_jobs_undone(s);
	sq_tally_undone(s);
	sq_events_undone(s);
	if (s->doom != 0 && s->doom_depth <= s->depth)
		return;
	s->doom = 0;
	if (s->saved >= s->depth) {
		s->saved = s->depth - 1;
		s->doom = sq_run(s, UNDO[s->depth]);
		if (s->doom == 0)
			s->doom = sq_run(s, RELEASE[s->depth]);
	}
	s->doom_depth = 1;
}

static const char STATS[] =
    "SELECT (SELECT n FROM tally WHERE name = 'device'),"
    " (SELECT max(id) FROM release),"
    " (SELECT n FROM tally WHERE name = 'campaign'),"
    " (SELECT n FROM tally WHERE name = 'job'),"
    " (SELECT n FROM tally WHERE name = 'job_live'),"
    " (SELECT max(id) FROM event) + 1 - (SELECT min(id) FROM event),"
    " (SELECT n FROM tally WHERE name = 'ahead')";

static void
stats_row(struct row *r, void *out)
{
	struct store_stats *st = out;

	/* releases are never deleted, so their ids count */
	st->devices = (uint64_t)row_int(r);
	st->releases = (uint64_t)row_int(r);
	st->campaigns = (uint64_t)row_int(r);
	st->jobs = (uint64_t)row_int(r);
	st->jobs_live = (uint64_t)row_int(r);
	st->events = (uint64_t)row_int(r);
	st->ahead = (uint64_t)row_int(r);
}

static void
sq_stats(struct store *store, struct store_stats *ret)
{
	struct sq *s = sq_of(store);
	uint64_t statements = s->statements, scans = sq_scans(s);

	/* when the counts cannot be read they are 0; the rest is known */
	if (sq_tally_write(s) != 0 || sq_events_write(s) != 0 ||
	    sq_one(s, Q0(STATS), stats_row, ret, sizeof(*ret)) != 0)
		memset(ret, 0, sizeof(*ret));
	s->statements = statements;
	ret->statements = statements;
	ret->scans = scans;
	ret->commits = s->commits;
}

static const struct store_ops sq_ops = {
	.name = "sqlite",
	.close = sq_close,
	.begin = sq_begin,
	.commit = sq_commit,
	.rollback = sq_rollback,
	.stats = sq_stats,
	.device_put = sq_device_put,
	.device_seen = sq_device_seen,
	.device_get = sq_device_get,
	.device_by_ep = sq_device_by_ep,
	.device_by_addr = sq_device_by_addr,
	.device_by_reg = sq_device_by_reg,
	.device_remove = sq_device_remove,
	.device_list = sq_device_list,
	.device_scan = sq_device_scan,
	.ahead_class = sq_ahead_class,
	.ahead_max = sq_ahead_max,
	.ahead_settle = sq_ahead_settle,
	.revoked_put = sq_revoked_put,
	.revoked_get = sq_revoked_get,
	.revoked_remove = sq_revoked_remove,
	.revoked_list = sq_revoked_list,
	.credential_put = sq_credential_put,
	.credential_get = sq_credential_get,
	.credential_list = sq_credential_list,
	.credential_ended = sq_credential_ended,
	.credential_same = sq_credential_same,
	.credential_used = sq_credential_used,
	.credential_count = sq_credential_count,
	.credential_remove = sq_credential_remove,
	.principal_put = sq_principal_put,
	.principal_get = sq_principal_get,
	.principal_remove = sq_principal_remove,
	.principal_list = sq_principal_list,
	.principal_key_put = sq_principal_key_put,
	.principal_key_get = sq_principal_key_get,
	.principal_key_remove = sq_principal_key_remove,
	.principal_key_list = sq_principal_key_list,
	.request_put = sq_request_put,
	.request_get = sq_request_get,
	.request_remove = sq_request_remove,
	.request_list = sq_request_list,
	.attest_put = sq_attest_put,
	.attest_get = sq_attest_get,
	.attest_by_kid = sq_attest_by_kid,
	.attest_remove = sq_attest_remove,
	.attest_lists = sq_attest_lists,
	.author_put = sq_author_put,
	.author_get = sq_author_get,
	.author_remove = sq_author_remove,
	.author_list = sq_author_list,
	.release_put = sq_release_put,
	.release_get = sq_release_get,
	.release_by_digest = sq_release_by_digest,
	.release_current = sq_release_current,
	.release_highest = sq_release_highest,
	.release_envelope = sq_release_envelope,
	.release_payloads = sq_release_payloads,
	.release_set_state = sq_release_set_state,
	.release_list = sq_release_list,
	.payload_foreach = sq_payload_foreach,
	.image_needed = sq_image_needed,
	.campaign_put = sq_campaign_put,
	.campaign_get = sq_campaign_get,
	.campaign_save = sq_campaign_save,
	.campaign_remove = sq_campaign_remove,
	.campaign_list = sq_campaign_list,
	.campaign_live = sq_campaign_live,
	.campaign_counts = sq_campaign_counts,
	.campaign_tally = sq_campaign_tally,
	.plan_put = sq_plan_put,
	.plan_get = sq_plan_get,
	.plan_drop = sq_plan_drop,
	.job_put = sq_job_put,
	.job_get = sq_job_get,
	.job_live = sq_job_live,
	.job_last = sq_job_last,
	.job_save = sq_job_save,
	.jobs_due = sq_jobs_due,
	.next_due = sq_next_due,
	.jobs_queued = sq_jobs_queued,
	.next_queued = sq_next_queued,
	.job_list = sq_job_list,
	.job_notable = sq_job_notable,
	.job_active = sq_job_active,
	.gauges = sq_gauges,
	.event_put = sq_event_put,
	.event_prune = sq_event_prune,
	.event_list = sq_event_list,
	.audit_append = sq_audit_append,
	.audit_list = sq_audit_list,
	.audit_head = sq_audit_head,
	.audit_prune = sq_audit_prune,
	.meta_get = sq_meta_get,
	.meta_put = sq_meta_put,
	.trust_put = sq_trust_put,
	.trust_get = sq_trust_get,
};

static int
pragma_int(struct sq *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return sq_fail(s, rc);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : sq_fail(s, rc);
}

int
sq_identify(struct sq *s, int *ret_schema)
{
	int64_t id = 0, tables = 0, version = 0;
	int err;

	err = pragma_int(s, "PRAGMA application_id", &id);
	if (err == 0)
		err = pragma_int(s, "SELECT count(*) FROM sqlite_schema",
		    &tables);
	if (err == 0 && id != STORE_APPLICATION_ID && (id != 0 || tables != 0))
		err = why_set(&s->base.why, ERR_TYPE,
		    "the file is a database, but not a store of suitd");
	if (err == 0)
		err = pragma_int(s, "PRAGMA user_version", &version);
	if (err == 0 && version > store_schema())
		err = why_set(&s->base.why, ERR_UNSUPPORTED,
		    "schema %d is newer than this suitd's %d: use a newer "
		    "suitd, or the backup from before it ran", (int)version,
		    store_schema());
	if (err == 0)
		*ret_schema = (int)version;
	return err;
}

/*
 * Forward only, and all steps in one transaction: whatever happens, the file
 * is as it was, or as this suitd wants it. So there is no copy of it to be
 * made before, for which there may be no room.
 */
static int
migrate(struct sq *s, int from)
{
	const struct schema_step *step;
	struct why undone;
	char sql[100];
	int err;

	if (from == store_schema())
		return 0;
	err = sq_exec(s, "BEGIN IMMEDIATE");
	for (step = schema_steps; step->number != 0 && err == 0; step++)
		if (step->number > from)
			err = sq_exec(s, step->sql);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d;"
	    "PRAGMA user_version = %d; COMMIT", STORE_APPLICATION_ID,
	    store_schema());
	if (err == 0)
		err = sq_exec(s, sql);
	if (err == 0)
		return 0;
	undone = s->base.why;
	undo_all(s);
	return why_set(&s->base.why, err, "the step from schema %d to %d is "
	    "undone, the database is as it was: %.120s", from, store_schema(),
	    undone.text);
}

static int
setup(struct sq *s, const struct store_sqlite_opts *o)
{
	int err, schema = 0;

	/* the loop waits */
	sqlite3_busy_timeout(s->db, o->clock ? SYNC_WAIT_MS : 1000);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	err = sq_identify(s, &schema);
	if (err == 0)
		err = sq_exec(s, "PRAGMA journal_mode = WAL;"
		    "PRAGMA foreign_keys = ON;"
		    "PRAGMA cell_size_check = ON;"
		    "PRAGMA temp_store = MEMORY;"
		    "PRAGMA cache_size = -8192;" /* KiB */
		    "PRAGMA wal_autocheckpoint = 1000;" /* pages: 4 MiB */
		    "PRAGMA journal_size_limit = 16777216;"
		    /* a store that was restored has a log from here on */
		    "SELECT count(*) FROM sqlite_schema");
	if (err == 0)
		err = sq_exec(s, o->full_sync && o->clock == NULL ?
		    "PRAGMA synchronous = FULL" :
		    "PRAGMA synchronous = NORMAL");
	if (err == 0)
		err = migrate(s, schema);
	if (err != 0 || o->clock == NULL)
		return err;
	err = syncer_new(s->db, o, &s->base.syncer);
	if (err == ERR_UNSUPPORTED) /* then a commit waits for the disk */
		return o->full_sync ? sq_exec(s, "PRAGMA synchronous = FULL") :
		    0;
	if (err != 0)
		return sq_refuse(s, err, "the thread that syncs");
	s->base.unsynced = o->full_sync;
	return 0;
}

/* Made here, so that nobody else can read it: it holds keys. SQLite gives
 * its -wal and -shm the same mode. */
static int
make_file(const char *path, struct why *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		err = errno == EACCES || errno == EROFS ? ERR_READONLY :
		    errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE : ERR_IO;
	else if (fchmod(fd, 0600) != 0)
		err = ERR_READONLY;
	if (err != 0)
		why_set(why, err, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int
store_sqlite_open(const struct store_sqlite_opts *o, struct store **ret_store,
    struct why *why)
{
	struct sq *s;
	int err, rc;

	err = make_file(o->path, why);
	if (err != 0)
		return err;
	/* nobody asks what it has allocated; that is a lock at each malloc.
	 * Refused, and no matter, when SQLite runs already. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sq_shm_whole();
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return why_set(why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	s->base.ops = &sq_ops;
	rc = sqlite3_open_v2(o->path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	err = rc == SQLITE_OK ? sq_memo_new(s) : sq_fail(s, rc);
	if (err == 0)
		err = setup(s, o);
	s->check_plans = o->check_plans;
	s->clock = o->clock;
	if (s->check_plans) /* triggers are part of their statement's plan */
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRIGGER_EQP, 1,
		    NULL);
	if (err != 0) {
		why_set(why, err, "%s: %s", o->path, s->base.why.text);
		sq_close(&s->base);
		return err;
	}
	*ret_store = &s->base;
	return 0;
}
