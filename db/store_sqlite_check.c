/*
 * The check of a database: what SQLite knows of its pages and references
 * first, then a table of statements, each of which brings the rows that
 * cannot be. A repair is a statement, too, in a transaction with the look
 * that proves it.
 *
 * When pages are damaged, the rest of the checks would only repeat it: what
 * can still be read of each table is counted instead.
 *
 * Rejected: salvage of a damaged database into a new one. What is missing
 * then is missing silently, and a device whose job is gone is not the same
 * as a device that never had one; a backup knows.
 */
#include "db/store_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/schema.h"
#include "db/store_sqlite.h"
#include "db/store_sqlite_rules.h"

#define EXAMPLES 3 /* rows that a finding names */
#define PROGRESS_STEPS 4000000 /* of SQLite's machine: some times a second */

struct check {
	const struct store_check_opts *o;
	struct sq sq; /* for its connection and its why */
	int schema;
	bool whole;
	const char *stage;
};

static void
tell(const struct check *c, const struct finding *f)
{
	c->o->finder.found(c->o->finder.arg, f);
}

static int
on_progress(void *arg)
{
	struct check *c = arg;

	c->o->finder.progress(c->o->finder.arg, c->stage, 0, 0);
	return 0;
}

/* Rows of a statement that is run once; fn's non-zero ends it. */
static int
each(struct check *c, const char *sql, int (*fn)(void *arg, struct row *r),
    void *arg)
{
	struct row r = {NULL, 0, false};
	int rc, err = 0;

	rc = sqlite3_prepare_v2(c->sq.db, sql, -1, &r.st, NULL);
	if (rc != SQLITE_OK)
		return sq_fail(&c->sq, rc);
	while (err == 0 && (rc = sqlite3_step(r.st)) == SQLITE_ROW) {
		r.col = 0;
		err = fn(arg, &r);
	}
	if (err == 0 && rc != SQLITE_DONE)
		err = sq_fail(&c->sq, rc);
	sqlite3_finalize(r.st);
	return err;
}

static int
int_row(void *arg, struct row *r)
{
	*(int64_t *)arg = row_int(r);
	return 0;
}

static uint64_t
count(struct check *c, const char *sql)
{
	int64_t n = 0;

	return each(c, sql, int_row, &n) == 0 ? (uint64_t)n : 0;
}

/* --- pages --- */

struct sample {
	uint64_t n;
	char text[240]; /* of the first ones */
};

static int
sample_row(void *arg, struct row *r)
{
	struct sample *s = arg;
	size_t at = strlen(s->text);
	const char *t = (const char *)sqlite3_column_text(r->st, 0);

	if (s->n++ < EXAMPLES && t != NULL)
		snprintf(s->text + at, sizeof(s->text) - at, "%s%s",
		    at > 0 ? ", " : "", t);
	return 0;
}

static int
not_ok_row(void *arg, struct row *r)
{
	const char *t = (const char *)sqlite3_column_text(r->st, 0);

	return t != NULL && strcmp(t, "ok") == 0 ? 0 : sample_row(arg, r);
}

struct readable {
	uint64_t rows;
};

/* Every column, so that every page of the row is read. */
static int
read_row(void *arg, struct row *r)
{
	struct readable *w = arg;

	for (int i = 0; i < sqlite3_column_count(r->st); i++)
		(void)sqlite3_column_blob(r->st, i);
	w->rows++;
	return 0;
}

/* The tables that hold what nothing else can tell, in schemas from .. to (0:
 * the newest). */
static const struct {
	const char *name;
	int from, to;
} tables[] = {
	{"device", 1, 0}, {"psk", 1, 4}, {"credential", 5, 0},
	{"cert_revoked", 5, 0},
	{"author", 1, 0}, {"release", 1, 0}, {"payload", 1, 0},
	{"campaign", 1, 0}, {"job", 1, 0}, {"event", 1, 0}, {"meta", 1, 0},
	{"audit", 5, 0},
	{"principal", 5, 0}, {"request", 5, 0},
	{"trust", 5, 0},
};

static bool
of_schema(const struct check *c, int from, int to)
{
	return c->schema >= from && (to == 0 || c->schema <= to);
}

static void
tell_readable(struct check *c)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct finding f = {.name = "readable", .state = FOUND_NOTE};
		struct readable w = {0};
		char sql[64];
		int err;

		if (!of_schema(c, tables[i].from, tables[i].to))
			continue;
		snprintf(sql, sizeof(sql), "SELECT * FROM %s NOT INDEXED",
		    tables[i].name);
		err = each(c, sql, read_row, &w);
		snprintf(f.what, sizeof(f.what), "table %s: %s%llu rows can "
		    "be read", tables[i].name, err == 0 ? "all " :
		    "damaged; the first ", (unsigned long long)w.rows);
		tell(c, &f);
	}
}

/* False: there is no use in looking at rows. */
static bool
pages_sound(struct check *c)
{
	struct finding f = {.name = "database-damaged",
	    .state = FOUND_UNSAFE, .todo = RESTORE "; until then suitd "
	    "serves what can be read"};
	struct sample s = {.n = 0};
	int err;

	c->stage = "database: pages";
	err = each(c, "PRAGMA integrity_check", not_ok_row, &s);
	if (err == 0 && s.n == 0)
		return true;
	snprintf(f.what, sizeof(f.what), "the database is damaged: %s",
	    s.n > 0 ? s.text : c->sq.base.why.text);
	for (char *p = f.what; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	tell(c, &f);
	c->stage = "database: what can be read";
	tell_readable(c);
	return false;
}

/* --- rows --- */

static int
mend(struct check *c, const struct rule *r, struct sample *left)
{
	int err = sq_exec(&c->sq, "BEGIN IMMEDIATE");

	if (err != 0)
		return err;
	memset(left, 0, sizeof(*left));
	err = sq_exec(&c->sq, r->fix);
	if (err == 0)
		err = each(c, r->bad, sample_row, left);
	if (err == 0)
		err = sq_exec(&c->sq, "COMMIT");
	if (err != 0)
		(void)!sq_exec(&c->sq, "ROLLBACK");
	return err;
}

static int
check_rule(struct check *c, const struct rule *r)
{
	struct finding f = {.name = r->name, .todo = r->todo};
	struct sample s = {.n = 0}, left = {.n = 0};
	int err;

	err = each(c, r->bad, sample_row, &s);
	if (err != 0 || s.n == 0)
		return err;
	snprintf(f.what, sizeof(f.what), "%s: %s%s", r->what, s.text,
	    s.n > EXAMPLES ? ", ..." : "");
	f.state = r->fix != NULL ? FOUND_SAFE : FOUND_UNSAFE;
	if (r->fix != NULL && c->o->repair) {
		err = mend(c, r, &left);
		f.state = left.n == 0 ? FOUND_REPAIRED : FOUND_UNSAFE;
	}
	if (f.state < FOUND_UNSAFE)
		f.todo = NULL;
	if (err == 0)
		tell(c, &f);
	return err;
}

/* table, rowid or NULL, table that it refers to */
static int
reference_row(void *arg, struct row *r)
{
	struct finding f = {.name = "reference", .state = FOUND_UNSAFE,
	    .todo = RESTORE};
	struct check *c = arg;
	char table[64] = "", parent[64] = "";
	int64_t id;

	row_text(r, table, sizeof(table));
	id = row_int(r);
	row_text(r, parent, sizeof(parent));
	snprintf(f.what, sizeof(f.what), "table %s: row %lld refers to a %s "
	    "that is not there", table, (long long)id, parent);
	tell(c, &f);
	return 0;
}

static uint64_t
number(const uint8_t b[8])
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

/* id, wave, jobs of it, the campaign's waves */
static int
wave_row(void *arg, struct row *r)
{
	struct finding f = {.name = "campaign-waves", .state = FOUND_UNSAFE,
	    .todo = RESTORE};
	struct check *c = arg;
	long long id = row_int(r), wave = row_int(r), jobs = row_int(r);
	uint8_t waves[STORE_WAVES * 16] = {0};

	row_fixed(r, waves, sizeof(waves));
	if (!r->bad && (uint64_t)jobs <= number(waves + (wave - 1) * 16))
		return 0;
	snprintf(f.what, sizeof(f.what), "campaign %lld: wave %lld has %lld "
	    "jobs, its plan %llu", id, wave, jobs,
	    (unsigned long long)number(waves + (wave - 1) * 16));
	tell(c, &f);
	return 0;
}

static int
check_rules(struct check *c, const struct rule *r)
{
	int err = 0;

	for (; r->name != NULL && err == 0; r++)
		if (c->schema >= r->schema)
			err = check_rule(c, r);
	return err;
}

/* They are of no state but one, and not for a repair. */
static int
check_notes(struct check *c)
{
	struct finding f = {.state = FOUND_NOTE};
	struct sample s;
	int err = 0;

	for (const struct rule *r = rules_of_notes; err == 0 &&
	    r->name != NULL; r++) {
		s = (struct sample){.n = 0};
		if (c->schema >= r->schema)
			err = each(c, r->bad, sample_row, &s);
		if (err != 0 || s.n == 0)
			continue;
		f.name = r->name;
		f.todo = r->todo;
		snprintf(f.what, sizeof(f.what), "%s: %s%s", r->what, s.text,
		    s.n > EXAMPLES ? ", ..." : "");
		tell(c, &f);
	}
	return err;
}

static int
check_rows(struct check *c)
{
	int err = 0;

	c->stage = "database: references";
	err = each(c, "PRAGMA foreign_key_check", reference_row, c);
	c->stage = "database: rows";
	if (err == 0 && c->schema < CREDENTIAL_SCHEMA)
		err = check_rules(c, rules_of_psk);
	if (err == 0)
		err = check_rules(c, rules_of_rows);
	if (err == 0 && c->schema >= 2)
		err = each(c, "SELECT c.id, j.wave, count(*), c.waves"
		    " FROM job AS j JOIN campaign AS c ON c.id = j.campaign"
		    " WHERE j.wave BETWEEN 1 AND min(c.wave_count, 8)"
		    " GROUP BY c.id, j.wave", wave_row, c);
	return err != 0 ? err : check_notes(c);
}

static int
check_audit(struct check *c)
{
	struct finding f = {.name = "audit-chain", .state = FOUND_UNSAFE,
	    .todo = "find out who can write to this machine's disk; a backup "
	    "or an export has the entries of before"};
	struct why why;
	int fault, err;

	c->stage = "database: audit log";
	err = sq_audit_check(&c->sq, &c->o->audit_head, &fault, &why);
	if (err != 0 || fault == 0)
		return err;
	snprintf(f.what, sizeof(f.what), "the audit log is not whole: %s",
	    why.text);
	tell(c, &f);
	return 0;
}

/* --- images --- */

static int
image_row(void *arg, struct row *r)
{
	struct check *c = arg;
	struct store_image im = {.size = 0};

	row_fixed(r, im.digest, sizeof(im.digest));
	im.size = (uint64_t)row_int(r);
	im.release = (uint64_t)row_int(r);
	im.seq = (uint64_t)row_int(r);
	im.needed = row_int(r) != 0;
	row_text(r, im.path, sizeof(im.path));
	if (r->bad)
		return sq_refuse(&c->sq, ERR_CORRUPT, "table payload");
	return c->o->image(c->o->finder.arg, &im);
}

static int
list_images(struct check *c)
{
	return each(c, "SELECT p.digest, p.size, p.release, r.seq,"
	    " r.state <> 1 OR EXISTS (SELECT 1 FROM job WHERE release = r.id"
	    " AND state < 5), coalesce(p.path, '') FROM payload AS p"
	    " JOIN release AS r ON r.id = p.release WHERE NOT p.external"
	    " ORDER BY p.digest, p.release", image_row, c);
}

/* --- the file --- */

static int
open_db(struct check *c)
{
	int rc;

	sq_shm_whole();
	rc = sqlite3_open_v2(c->o->path, &c->sq.db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return sq_fail(&c->sq, rc);
	sqlite3_busy_timeout(c->sq.db, 1000);
	sqlite3_db_config(c->sq.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(c->sq.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_progress_handler(c->sq.db, PROGRESS_STEPS, on_progress, c);
	return sq_exec(&c->sq, c->o->repair ? "PRAGMA synchronous = FULL;"
	    "PRAGMA cell_size_check = ON" : "PRAGMA query_only = ON;"
	    "PRAGMA cell_size_check = ON");
}

/* One that is so damaged that it does not even say whose it is has no other
 * finding. */
static int
damaged(struct check *c)
{
	struct finding f = {.name = "database-damaged",
	    .state = FOUND_UNSAFE, .todo = RESTORE "; suitd does not start "
	    "with it"};

	snprintf(f.what, sizeof(f.what), "the database cannot be read: %s",
	    c->sq.base.why.text);
	tell(c, &f);
	return 0;
}

static int
check_all(struct check *c)
{
	int err = sq_identify(&c->sq, &c->schema);

	if (err == ERR_CORRUPT)
		return damaged(c);
	if (err != 0 || !pages_sound(c))
		return err;
	err = check_rows(c);
	if (err == 0 && c->schema >= 5)
		err = check_audit(c);
	if (err == 0 && c->schema > 0)
		err = list_images(c);
	c->whole = err == 0;
	return err == ERR_CORRUPT ? damaged(c) : err;
}

int
store_check(const struct store_check_opts *o, struct store_checked *ret,
    struct why *why)
{
	struct check *c;
	int err;

	if (access(o->path, F_OK) != 0 && errno == ENOENT)
		return why_set(why, ERR_NOT_FOUND, "%s: %s", o->path,
		    strerror(errno));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return why_set(why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	c->o = o;
	c->stage = "database";
	err = open_db(c);
	err = err == ERR_CORRUPT ? damaged(c) : err != 0 ? err : check_all(c);
	if (err != 0)
		why_set(why, err, "%s: %s", o->path, c->sq.base.why.text);
	*ret = (struct store_checked){.schema = c->schema, .whole = c->whole};
	if (err == 0 && c->whole) {
		ret->devices = count(c, "SELECT count(*) FROM device");
		ret->releases = count(c, "SELECT count(*) FROM release");
		ret->jobs = count(c, "SELECT count(*) FROM job");
		ret->events = count(c, "SELECT count(*) FROM event");
	}
	sqlite3_close(c->sq.db);
	free(c);
	return err;
}
