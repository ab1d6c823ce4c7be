/*
 * The copy is made with SQLite's backup API, some pages a step, into a file
 * that nobody else opens: no journal, no locks, synced by us every few MiB so
 * that no step has to sync all of it. Then each table is checked in a step of
 * its own: what is damaged here is damaged in the store, and it is better
 * known now than on the day that the backup is needed.
 */
#include "db/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/schema.h"
#include "db/store_sqlite.h"

#define STEP_PAGES 256 /* 1 MiB */
#define SYNC_STEPS 8
#define BUSY_MS 1000

struct store_copy {
	char from[PATH_MAX], to[PATH_MAX];
	uint64_t reserve;
	struct store_copied *progress;
	sqlite3 *src, *dst;
	sqlite3_backup *b;
	sqlite3_stmt *tables; /* those that are still to be checked */
	int fd; /* of the copy */
	unsigned steps;
	bool copied, checked;
	bool look; /* at `from`, and no copy */
	int err;
	struct why why;
};

static void
fail(struct store_copy *c, int err, const char *what, const char *text)
{
	c->err = why_set(&c->why, err, "%s: %s", what, text);
}

/* A backup keeps its errors to itself: the connection may know of none. */
static void
fail_db(struct store_copy *c, sqlite3 *db, int rc, const char *what)
{
	fail(c, sq_code(rc), what, db != NULL &&
	    sqlite3_extended_errcode(db) == rc ? sqlite3_errmsg(db) :
	    sqlite3_errstr(rc));
}

static int
errno_code(int e)
{
	return e == ENOSPC || e == EDQUOT ? ERR_NOSPACE :
	    e == EROFS || e == EACCES ? ERR_READONLY : ERR_IO;
}

/* --- opening: the thread's too, it reads and locks --- */

static void
open_src(struct store_copy *c)
{
	int rc = sqlite3_open_v2(c->from, &c->src, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(c->src, BUSY_MS);
	if (rc == SQLITE_OK) /* this is the moment */
		rc = sqlite3_exec(c->src, "PRAGMA wal_autocheckpoint = 0;"
		    "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL,
		    NULL);
	if (rc != SQLITE_OK)
		fail_db(c, c->src, rc, "the store cannot be read");
}

static void
open_dst(struct store_copy *c)
{
	int rc;

	c->fd = open(c->to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->fd < 0) {
		fail(c, errno_code(errno), c->to, strerror(errno));
		return;
	}
	rc = sqlite3_open_v2(c->to, &c->dst, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, "unix-none");
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->dst, "PRAGMA journal_mode = OFF;"
		    "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		c->b = sqlite3_backup_init(c->dst, "main", c->src, "main");
	if (rc != SQLITE_OK || c->b == NULL)
		fail_db(c, c->dst, rc != SQLITE_OK ? rc :
		    sqlite3_extended_errcode(c->dst), c->to);
}

/* --- steps --- */

static void
check_space(struct store_copy *c)
{
	struct statvfs fs;

	if (fstatvfs(c->fd, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < c->reserve)
		fail(c, ERR_NOSPACE, "the disk fills up", "the copy was given "
		    "up so that something is left");
}

static void
sync_copy(struct store_copy *c)
{
	if (fdatasync(c->fd) != 0)
		fail(c, errno_code(errno), c->to, strerror(errno));
}

static void
tell(struct store_copy *c)
{
	uint64_t total = (uint64_t)sqlite3_backup_pagecount(c->b);
	uint64_t left = (uint64_t)sqlite3_backup_remaining(c->b);

	atomic_store(&c->progress->total, total * 4096);
	atomic_store(&c->progress->done, (total - left) * 4096);
}

/*
 * A file by itself: its header says "rollback journal" (format section 1.3.3),
 * so that whoever reads it needs no log and no shared memory beside it. suitd
 * says WAL again when it opens a store.
 */
static void
stand_alone(struct store_copy *c)
{
	static const uint8_t rollback[2] = {1, 1};

	sqlite3_close(c->dst);
	c->dst = NULL;
	if (pwrite(c->fd, rollback, sizeof(rollback), 18) != sizeof(rollback))
		fail(c, errno_code(errno), c->to, strerror(errno));
}

/* Before anybody can read it; also from where deleted rows have been. */
static int
drop_keys(struct store_copy *c)
{
	int rc = sqlite3_open_v2(c->to, &c->dst, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, "unix-none");

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->dst, "PRAGMA journal_mode = OFF;"
		    "PRAGMA synchronous = OFF; PRAGMA secure_delete = ON;"
		    "DELETE FROM principal_key", NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_close(c->dst);
		c->dst = NULL;
	}
	return rc;
}

/* What is checked from now on, table by table. */
static int
open_proof(struct store_copy *c, const char *path, const char *vfs)
{
	int rc = sqlite3_open_v2(path, &c->dst, SQLITE_OPEN_READONLY |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(c->dst, "SELECT name FROM "
		    "sqlite_schema WHERE type = 'table'", -1, &c->tables,
		    NULL);
	return rc;
}

/* The last one: all is copied, and the store is let go of. */
static void
copied(struct store_copy *c)
{
	int rc = sqlite3_backup_finish(c->b);

	c->b = NULL;
	sqlite3_close(c->src);
	c->src = NULL;
	c->copied = true;
	if (rc == SQLITE_OK)
		stand_alone(c);
	if (rc == SQLITE_OK && c->err == 0)
		rc = drop_keys(c);
	if (rc == SQLITE_OK && c->err == 0)
		rc = open_proof(c, c->to, "unix-none");
	if (rc != SQLITE_OK)
		fail_db(c, c->dst, rc, "the copy");
	else if (c->err == 0)
		sync_copy(c);
}

static void
copy_some(struct store_copy *c)
{
	int rc;

	check_space(c);
	if (c->err != 0)
		return;
	rc = sqlite3_backup_step(c->b, STEP_PAGES);
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		tell(c);
	if (rc == SQLITE_DONE)
		copied(c);
	else if (rc != SQLITE_OK)
		fail_db(c, c->dst, rc, "the copy");
	else if (++c->steps % SYNC_STEPS == 0)
		sync_copy(c);
}

/* The one line that says ok, or the first complaint. */
static int
run_check(sqlite3 *db, const char *sql, struct why *why)
{
	sqlite3_stmt *st;
	const char *text;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL), err = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	text = rc == SQLITE_ROW ?
	    (const char *)sqlite3_column_text(st, 0) : NULL;
	if (rc != SQLITE_ROW)
		err = why_set(why, sq_code(rc), "%s", sqlite3_errmsg(db));
	else if (text == NULL || strcmp(text, "ok") != 0)
		err = why_set(why, ERR_CORRUPT, "%.200s", text ? text : "?");
	sqlite3_finalize(st);
	return err;
}

/* One table; true: that was the last one. */
static bool
check_some(struct store_copy *c)
{
	struct why why = {0};
	char *sql;
	int err = sqlite3_step(c->tables);

	if (err != SQLITE_ROW && err != SQLITE_DONE)
		fail_db(c, c->dst, err, "the copy");
	c->checked = err == SQLITE_DONE;
	if (err != SQLITE_ROW)
		return true;
	sql = sqlite3_mprintf("PRAGMA quick_check(%Q)",
	    (const char *)sqlite3_column_text(c->tables, 0));
	err = sql == NULL ? ERR_NOMEM : run_check(c->dst, sql, &why);
	sqlite3_free(sql);
	if (err != 0)
		fail(c, err, "the store is damaged", why.text);
	return err != 0;
}

bool
store_copy_step(struct store_copy *c)
{
	int rc;

	if (c->look && c->tables == NULL) {
		rc = open_proof(c, c->from, NULL);
		if (rc != SQLITE_OK)
			fail_db(c, c->dst, rc, "the store cannot be read");
	} else if (c->src == NULL && !c->copied) {
		open_src(c);
		if (c->err == 0)
			open_dst(c);
	} else if (!c->copied) {
		copy_some(c);
	} else {
		return check_some(c);
	}
	return c->err != 0;
}

/* --- life --- */

int
store_copy_begin(const struct store_copy_opts *o, struct store_copy **ret)
{
	struct store_copy *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NOMEM;
	c->fd = -1;
	if (!slice_to_cstr(slice_str(o->from), c->from, sizeof(c->from)) ||
	    !slice_to_cstr(slice_str(o->to), c->to, sizeof(c->to))) {
		free(c);
		return ERR_SIZE;
	}
	c->reserve = o->reserve;
	c->progress = o->progress;
	*ret = c;
	return 0;
}

int
store_copy_look(const char *path, struct store_copy **ret)
{
	int err = store_copy_begin(&(struct store_copy_opts){path, "", 0,
	    NULL}, ret);

	if (err == 0)
		(*ret)->look = (*ret)->copied = true;
	return err;
}

int
store_copy_end(struct store_copy *c, struct why *why)
{
	int err = c->err;

	if (err == 0 && !c->checked)
		err = why_set(&c->why, ERR_CANCELLED, "not copied, or not "
		    "checked, to its end");
	sqlite3_finalize(c->tables);
	if (c->b != NULL)
		sqlite3_backup_finish(c->b);
	sqlite3_close(c->dst);
	sqlite3_close(c->src);
	if (c->fd >= 0)
		close(c->fd);
	if (err != 0 && c->fd >= 0)
		(void)unlink(c->to);
	if (err != 0)
		why_set(why, err, "%s", c->why.text);
	free(c);
	return err;
}

/* --- the proof --- */

int
store_schema(void)
{
	const struct schema_step *step = schema_steps;
	int last = 0;

	for (; step->number != 0; step++)
		last = step->number;
	return last;
}

static int
number(sqlite3 *db, const char *sql, int *ret, struct why *why)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	else
		why_set(why, rc == SQLITE_NOTADB ? ERR_TYPE : sq_code(rc),
		    "%s", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_NOTADB ? ERR_TYPE :
	    sq_code(rc);
}

static int
check(sqlite3 *db, int *ret_schema, struct why *why)
{
	int id = 0, schema = 0, broken = 0;
	int err = number(db, "PRAGMA application_id", &id, why);

	if (err == 0)
		err = number(db, "PRAGMA user_version", &schema, why);
	if (err != 0)
		return err;
	if (id != STORE_APPLICATION_ID || schema < 1)
		return why_set(why, ERR_TYPE, "not a store of suitd");
	if (schema > store_schema())
		return why_set(why, ERR_UNSUPPORTED, "its schema %d is newer "
		    "than this suitd's %d: use a newer suitd", schema,
		    store_schema());
	err = run_check(db, "PRAGMA integrity_check(1)", why);
	if (err == 0)
		err = number(db, "SELECT count(*) FROM "
		    "pragma_foreign_key_check", &broken, why);
	if (err == 0 && broken > 0)
		err = why_set(why, ERR_CORRUPT, "%d rows refer to nothing",
		    broken);
	if (err == 0)
		*ret_schema = schema;
	return err;
}

/* Whoever made it decides what is in it: no views, triggers, defaults of
 * theirs call more than plain functions. */
static int
open_copy(const char *path, sqlite3 **ret, struct why *why)
{
	char uri[PATH_MAX];
	struct buf out = buf_of(uri, sizeof(uri));
	int rc;

	*ret = NULL;
	if (!sq_uri(path, "?immutable=1", &out))
		return why_set(why, ERR_SIZE, "its path is too long");
	rc = sqlite3_open_v2(uri, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
		    NULL);
	return rc == SQLITE_OK ? 0 : why_set(why, sq_code(rc), "%s",
	    *ret != NULL ? sqlite3_errmsg(*ret) : sqlite3_errstr(rc));
}

int
store_copy_check(const char *path, int *ret_schema, struct why *why)
{
	sqlite3 *db;
	int err = open_copy(path, &db, why);

	if (err == 0)
		err = check(db, ret_schema, why);
	sqlite3_close(db);
	return err;
}

int
store_copy_audit(const char *path, const struct audit_head *kept,
    int *ret_fault, struct why *why)
{
	static struct sq s;
	int err = open_copy(path, &s.db, why);

	if (err == 0)
		err = sq_audit_check(&s, kept, ret_fault, why);
	sqlite3_close(s.db);
	s.db = NULL;
	return err;
}
