/*
 * The check of the audit log: every entry again, from the first that is there
 * to the last. It costs one hash a row and no memory.
 *
 * That the end is missing is seen by the number that SQLite keeps for the
 * table, which whoever deletes rows easily forgets, and by a head that was
 * kept elsewhere, which he cannot reach.
 */
#include "db/store_sqlite.h"

#include <inttypes.h>

static const char ROWS[] = "SELECT n, at, who, kind, subject, detail, prev,"
    " hash FROM audit NOT INDEXED ORDER BY n";
static const char LAST[] =
    "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
static const char BASE[] = "SELECT n, hash FROM audit_base";

static int
step(struct sq *s, struct row *r, const char *sql)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &r->st, NULL);

	r->col = 0;
	r->bad = false;
	return rc != SQLITE_OK ? rc : sqlite3_step(r->st);
}

/* The first row's number, and its hash if there is a second column. */
static int
read_head(struct sq *s, const char *sql, struct audit_head *ret)
{
	struct row r = {NULL, 0, false};
	int rc = step(s, &r, sql);

	memset(ret, 0, sizeof(*ret));
	if (rc == SQLITE_ROW) {
		ret->n = (uint64_t)row_int(&r);
		if (sqlite3_column_count(r.st) > 1)
			row_fixed(&r, ret->hash, AUDIT_HASH);
	}
	sqlite3_finalize(r.st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sq_fail(s, rc);
}

static int
walk(struct sq *s, struct audit_verify *v, int *ret_fault, struct why *why)
{
	struct row r = {NULL, 0, false};
	struct audit_entry e;
	int rc = step(s, &r, ROWS);

	while (rc == SQLITE_ROW && *ret_fault == 0) {
		memset(&e, 0, sizeof(e));
		r.col = 0;
		sq_audit_row(&r, &e);
		*ret_fault = r.bad ? why_set(why, ERR_DIGEST, "entry %" PRIu64
		    " is not one that suitd wrote", e.n) :
		    audit_verify_add(v, &e, why);
		rc = sqlite3_step(r.st);
	}
	sqlite3_finalize(r.st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sq_fail(s, rc);
}

/* What only a database can know, and no export. */
static int
beyond(const struct audit_verify *v, uint64_t last,
    const struct audit_head *base, struct why *why)
{
	if (v->head.n < last)
		return why_set(why, ERR_TRUNCATED, "the log ends at entry %"
		    PRIu64 ", and entry %" PRIu64 " was written", v->head.n,
		    last);
	if (v->base.n != base->n ||
	    memcmp(v->base.hash, base->hash, AUDIT_HASH) != 0)
		return why_set(why, ERR_MISSING, "the log begins after entry %"
		    PRIu64 ", and was pruned to %" PRIu64, v->base.n, base->n);
	return 0;
}

int
sq_audit_check(struct sq *s, const struct audit_head *kept, int *ret_fault,
    struct why *why)
{
	struct audit_head last, base;
	struct audit_verify v;
	int err;

	*ret_fault = 0;
	audit_verify_begin(&v, kept);
	err = read_head(s, LAST, &last);
	if (err == 0)
		err = read_head(s, BASE, &base);
	if (err == 0)
		err = walk(s, &v, ret_fault, why);
	if (err == 0 && *ret_fault == 0)
		*ret_fault = audit_verify_end(&v, why);
	if (err == 0 && *ret_fault == 0)
		*ret_fault = beyond(&v, last.n, &base, why);
	return err;
}
