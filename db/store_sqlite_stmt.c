/*
 * Statements: the cache, binding, reading rows, and SQLite's errors as ours.
 */
#include <assert.h>
#include <errno.h>

#include "db/store_sqlite.h"

static const struct {
	int rc; /* primary code, or an extended one */
	int err;
} codes[] = {
	{SQLITE_FULL, ERR_NOSPACE},
	{SQLITE_READONLY, ERR_READONLY},
	{SQLITE_CORRUPT, ERR_CORRUPT},
	{SQLITE_NOTADB, ERR_CORRUPT},
	{SQLITE_FORMAT, ERR_CORRUPT},
	{SQLITE_SCHEMA, ERR_CORRUPT},
	{SQLITE_ERROR, ERR_CORRUPT}, /* our SQL is right: a table is gone */
	{SQLITE_IOERR_CORRUPTFS, ERR_CORRUPT},
	{SQLITE_IOERR_SHMSIZE, ERR_NOSPACE}, /* it grows, or is mapped: */
	{SQLITE_IOERR_SHMMAP, ERR_NOSPACE}, /* store_sqlite_shm.c */
	{SQLITE_IOERR, ERR_IO},
	{SQLITE_CANTOPEN, ERR_IO},
	{SQLITE_PERM, ERR_READONLY},
	{SQLITE_BUSY, ERR_BUSY},
	{SQLITE_LOCKED, ERR_BUSY},
	{SQLITE_NOMEM, ERR_NOMEM},
	{SQLITE_TOOBIG, ERR_SIZE},
	{SQLITE_CONSTRAINT_FOREIGNKEY, ERR_NOT_FOUND},
	{SQLITE_CONSTRAINT_UNIQUE, ERR_EXISTS},
	{SQLITE_CONSTRAINT_PRIMARYKEY, ERR_EXISTS},
	{SQLITE_CONSTRAINT, ERR_INVALID},
};

int
sq_code(int rc)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].rc == rc)
			return codes[i].err;
	return rc > 0xff ? sq_code(rc & 0xff) : ERR_IO;
}

int
sq_refuse(struct sq *s, int err, const char *what)
{
	return why_set(&s->base.why, err, "%s: %s", what, err_text(err));
}

/* SQLite says "I/O error" of a file that cannot grow, unless it is the
 * database itself or its log; the disk has said why. */
static int
disk_code(struct sq *s, int rc)
{
	int err = sq_code(rc), e;

	if (err != ERR_IO || s->db == NULL)
		return err;
	e = sqlite3_system_errno(s->db);
	if (e == ENOSPC || e == EDQUOT)
		return ERR_NOSPACE;
	return e == EROFS ? ERR_READONLY : err;
}

int
sq_fail(struct sq *s, int rc)
{
	int err = why_set(&s->base.why, disk_code(s, rc), "sqlite %d: %s", rc,
	    sqlite3_errmsg(s->db));

	/* SQLite may have rolled back everything by itself, and it commits
	 * nothing once it has met damage, be it in a read. */
	if (s->depth > 0 && (sqlite3_get_autocommit(s->db) ||
	    err == ERR_CORRUPT)) {
		s->doom = err;
		s->doom_depth = 1;
	}
	return err;
}

/* After an error of the disk nothing of the open pair may be kept. */
static int
write_fail(struct sq *s, int rc)
{
	int err = sq_fail(s, rc);

	if (s->doom == 0 && (rc & 0xff) != SQLITE_CONSTRAINT) {
		s->doom = err;
		s->doom_depth = s->depth;
	}
	return err;
}

int
sq_writable(struct sq *s)
{
	if (s->depth == 0)
		return sq_refuse(s, ERR_STATE, "write outside of begin");
	return s->doom;
}

static int
stmt_of(struct sq *s, const char *sql, sqlite3_stmt **ret)
{
	size_t i = ((uintptr_t)sql >> 4) % SQ_CACHE;
	char line[200];
	int rc;

	while (s->cache[i].sql != NULL && s->cache[i].sql != sql)
		i = (i + 1) % SQ_CACHE;
	if (s->cache[i].sql == NULL) {
		assert(s->cache_n < SQ_CACHE - 1); /* or the search ends not */
		rc = sqlite3_prepare_v3(s->db, sql, -1,
		    SQLITE_PREPARE_PERSISTENT, &s->cache[i].st, NULL);
		if (rc != SQLITE_OK)
			return sq_fail(s, rc);
		assert(!s->check_plans ||
		    !sq_plan_scans(s->db, sql, line, sizeof(line)));
		s->cache[i].sql = sql;
		s->cache_n++;
	}
	*ret = s->cache[i].st;
	return 0;
}

void
sq_stmts_free(struct sq *s)
{
	for (size_t i = 0; i < SQ_CACHE; i++)
		sqlite3_finalize(s->cache[i].st);
}

uint64_t
sq_scans(const struct sq *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < SQ_CACHE; i++)
		if (s->cache[i].st != NULL)
			n += (uint64_t)sqlite3_stmt_status(s->cache[i].st,
			    SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
	return n;
}

static int
bind(sqlite3_stmt *st, const struct query *q)
{
	/* variants of one query may leave the last values unused */
	size_t used = (size_t)sqlite3_bind_parameter_count(st);
	int rc = SQLITE_OK;

	for (size_t i = 0; i < q->n && i < used && rc == SQLITE_OK; i++) {
		const struct val *v = &q->v[i];
		int at = (int)i + 1;

		switch (v->type) {
		case VAL_NULL:
			rc = sqlite3_bind_null(st, at);
			break;
		case VAL_INT:
			rc = sqlite3_bind_int64(st, at, v->i);
			break;
		case VAL_TEXT:
			rc = sqlite3_bind_text(st, at, v->p, -1,
			    SQLITE_STATIC);
			break;
		case VAL_BLOB:
			rc = sqlite3_bind_blob(st, at, v->n ? v->p : "",
			    (int)v->n, SQLITE_STATIC);
			break;
		}
	}
	return rc;
}

static int
start(struct sq *s, const struct query *q, sqlite3_stmt **ret)
{
	int err, rc;

	err = stmt_of(s, q->sql, ret);
	if (err != 0)
		return err;
	assert(!sqlite3_stmt_busy(*ret));
	rc = bind(*ret, q);
	if (rc != SQLITE_OK)
		return sq_fail(s, rc);
	s->statements++;
	return 0;
}

static void
finish(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

int
sq_run(struct sq *s, const char *sql)
{
	struct query q = {sql, NULL, 0};
	sqlite3_stmt *st;
	int err = start(s, &q, &st), rc;

	if (err != 0)
		return err;
	rc = sqlite3_step(st);
	err = rc == SQLITE_DONE ? 0 : sq_fail(s, rc);
	sqlite3_reset(st);
	return err;
}

int
sq_write(struct sq *s, const struct query *q)
{
	sqlite3_stmt *st;
	int err, rc;

	err = sq_writable(s);
	if (err == 0)
		err = sq_jobs_write(s);
	if (err == 0)
		err = sq_savepoints(s);
	if (err == 0)
		err = start(s, q, &st);
	if (err != 0)
		return err;
	rc = sqlite3_step(st);
	err = rc == SQLITE_DONE ? 0 : write_fail(s, rc);
	finish(st);
	return err;
}

int
sq_each(struct sq *s, const struct query *q,
    int (*fn)(void *arg, struct row *r), void *arg)
{
	sqlite3_stmt *st;
	int err = s->doom == 0 ? sq_jobs_write(s) : 0, rc;

	if (err == 0)
		err = start(s, q, &st);
	if (err != 0)
		return err;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct row r = {st, 0, false};

		err = fn(arg, &r);
		if (r.bad)
			err = sq_refuse(s, ERR_CORRUPT, "a stored value");
		if (err != 0)
			break;
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = sq_fail(s, rc);
	finish(st);
	return err;
}

struct one {
	row_fn fn;
	void *out;
	bool found;
};

static int
one_row(void *arg, struct row *r)
{
	struct one *o = arg;

	o->fn(r, o->out);
	o->found = true;
	return 0;
}

int
sq_one(struct sq *s, const struct query *q, row_fn fn, void *out, size_t size)
{
	union {
		max_align_t align;
		uint8_t b[4096];
	} tmp;
	struct one o = {fn, &tmp, false};
	int err;

	assert(size <= sizeof(tmp));
	memset(&tmp, 0, size);
	err = sq_each(s, q, one_row, &o);
	if (err == 0 && !o.found)
		err = sq_refuse(s, ERR_NOT_FOUND, "record");
	if (err == 0)
		memcpy(out, &tmp, size);
	return err;
}

static int
list_row(void *arg, struct row *r)
{
	struct sq_list *l = arg;
	uint8_t *out = (uint8_t *)l->ret + l->n * l->size;

	if (l->n == l->cap)
		return 0;
	memset(out, 0, l->size);
	l->fn(r, out);
	l->n++;
	return 0;
}

int
sq_list(struct sq *s, const struct query *q, struct sq_list *l)
{
	l->n = 0;
	return sq_each(s, q, list_row, l);
}

struct blob {
	struct buf *out;
	bool found;
};

static int
blob_row(void *arg, struct row *r)
{
	struct blob *b = arg;
	struct buf old = *b->out;

	b->found = true;
	row_buf(r, b->out);
	if (!b->out->over)
		return 0;
	*b->out = old;
	return ERR_SPACE;
}

int
sq_blob(struct sq *s, const struct query *q, struct buf *out,
    const char *what)
{
	struct blob b = {out, false};
	int err = sq_each(s, q, blob_row, &b);

	if (err == 0 && !b.found)
		err = ERR_NOT_FOUND;
	return err == ERR_SPACE || err == ERR_NOT_FOUND ?
	    sq_refuse(s, err, what) : err;
}

static void
int_row(struct row *r, void *out)
{
	*(int64_t *)out = row_int(r);
}

int
sq_int(struct sq *s, const struct query *q, int64_t *ret)
{
	return sq_one(s, q, int_row, ret, sizeof(*ret));
}

bool
sq_changed(struct sq *s)
{
	return sqlite3_changes(s->db) > 0;
}

uint64_t
sq_rowid(struct sq *s)
{
	return (uint64_t)sqlite3_last_insert_rowid(s->db);
}

int
sq_exec(struct sq *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	s->statements++;
	return rc == SQLITE_OK ? 0 : sq_fail(s, rc);
}

int64_t
row_int(struct row *r)
{
	return sqlite3_column_int64(r->st, r->col++);
}

unsigned
row_enum(struct row *r, unsigned end)
{
	int64_t v = row_int(r);

	if (v >= 0 && v < end)
		return (unsigned)v;
	r->bad = true;
	return 0;
}

bool
row_null(struct row *r)
{
	return sqlite3_column_type(r->st, r->col) == SQLITE_NULL;
}

void
row_text(struct row *r, char *dst, size_t cap)
{
	const void *p = sqlite3_column_text(r->st, r->col);
	int n = sqlite3_column_bytes(r->st, r->col++);

	if (p != NULL && !slice_to_cstr(slice_of(p, (size_t)n), dst, cap))
		r->bad = true;
}

size_t
row_blob(struct row *r, void *dst, size_t cap)
{
	const void *p = sqlite3_column_blob(r->st, r->col);
	size_t n = (size_t)sqlite3_column_bytes(r->st, r->col++);

	if (n > cap) {
		r->bad = true;
		return 0;
	}
	if (n > 0 && p != NULL)
		memcpy(dst, p, n);
	return n;
}

void
row_fixed(struct row *r, void *dst, size_t n)
{
	bool null = row_null(r);

	if (row_blob(r, dst, n) != n && !null)
		r->bad = true;
}

void
row_buf(struct row *r, struct buf *out)
{
	const void *p = sqlite3_column_blob(r->st, r->col);
	size_t n = (size_t)sqlite3_column_bytes(r->st, r->col++);

	if (n == 0 || p != NULL)
		buf_put(out, slice_of(p, n));
	else
		r->bad = true;
}
