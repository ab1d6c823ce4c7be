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

#define RESTORE "restore a backup: suitd --restore DIR"
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

/* Each row of `bad` is a text that names what is wrong. */
struct rule {
	const char *name;
	int schema; /* from this one on */
	const char *what, *bad, *fix, *todo;
};

#define TALLY(name, want) \
	"SELECT '" name " is ' || coalesce((SELECT n FROM tally" \
	" WHERE name = '" name "'), 'missing') || ', not ' || want.n" \
	" FROM (" want ") AS want WHERE want.n IS NOT (SELECT n FROM tally" \
	" WHERE name = '" name "')"
#define TALLY_FIX(name, want) \
	"INSERT INTO tally SELECT '" name "', n FROM (" want ") WHERE true" \
	" ON CONFLICT DO UPDATE SET n = excluded.n"
#define DEVICES "SELECT count(*) AS n FROM device"
#define CAMPAIGNS "SELECT count(*) AS n FROM campaign"
#define AHEAD "SELECT count(*) AS n FROM device WHERE ahead = 1"
#define JOBS "SELECT count(*) AS n FROM job"
#define LIVE "SELECT count(*) AS n FROM job WHERE state < 5"
/* Numbers of campaigns that are gone count, too: never less than it was. */
#define LAST_CAMPAIGN "SELECT max(coalesce((SELECT max(id) FROM campaign), 0)," \
	" coalesce((SELECT n FROM tally WHERE name = 'campaign_id'), 0)) AS n"
#define JOB_KINDS \
	"SELECT coalesce(campaign, 0) AS campaign, wave, state," \
	" state = 0 AND started <> 0 AS begun, state = 0 AND due = 0 AS" \
	" waiting, last_fail AS fail, reason, CASE WHEN state >= 5 OR" \
	" (state = 0 AND started = 0 AND last_fail <> 0) THEN grade ELSE 0" \
	" END AS grade, count(*) AS n, sum(attempt) AS attempts FROM job" \
	" GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
#define LISTS "SELECT list_seq, count(*) AS n FROM attest WHERE list_seq IS" \
	" NOT NULL GROUP BY 1"
#define FORGET_DEVICE "; suitctl device remove EP takes the job with its device"
#define EVENT_LOST_MAX "10000"
#define EVENTS_LOST "(SELECT max(id) - min(id) + 1 - count(*) FROM event)"
#define EVENT_GAPS \
	"(SELECT id, at, lead(id) OVER (ORDER BY id) AS next FROM event)" \
	" WHERE next > id + 1"

#define CREDENTIAL_SCHEMA 5

/* Until then, a device with a key had one in psk. */
static const struct rule psk_rules[] = {
	{"device-credential", 1, "devices whose credential is gone",
	    "SELECT ep FROM device AS d WHERE have_psk <> 0 AND NOT EXISTS"
	    " (SELECT 1 FROM psk WHERE device = d.id)",
	    NULL, "give each a new one: suitctl device add EP --psk-new; "
	    "until then it is refused"},
	{"credential-unused", 1, "credentials that their device does not ask "
	    "for",
	    "SELECT d.ep FROM psk AS p JOIN device AS d ON d.id = p.device"
	    " WHERE d.have_psk = 0",
	    NULL, "anybody may speak for these devices: set it anew with "
	    "suitctl device add EP --psk-new"},
};

static const struct rule rules[] = {
	{"tally-devices", 1, "the count of devices",
	    TALLY("device", DEVICES), TALLY_FIX("device", DEVICES), NULL},
	{"tally-campaigns", 2, "the count of campaigns",
	    TALLY("campaign", CAMPAIGNS), TALLY_FIX("campaign", CAMPAIGNS),
	    NULL},
	{"tally-campaign-id", 2, "the last campaign's number",
	    TALLY("campaign_id", LAST_CAMPAIGN),
	    TALLY_FIX("campaign_id", LAST_CAMPAIGN), NULL},
	{"tally-ahead", 4, "the count of devices that are ahead",
	    TALLY("ahead", AHEAD), TALLY_FIX("ahead", AHEAD), NULL},
	{"tally-jobs", 2, "the count of jobs",
	    TALLY("job", JOBS), TALLY_FIX("job", JOBS), NULL},
	{"tally-live-jobs", 2, "the count of live jobs",
	    TALLY("job_live", LIVE), TALLY_FIX("job_live", LIVE), NULL},
	{"campaign-sums", 5, "the sums of jobs by kind",
	    "SELECT 'campaign ' || campaign || ' state ' || state FROM ("
	    JOB_KINDS " EXCEPT SELECT * FROM job_tally) UNION "
	    "SELECT 'campaign ' || campaign || ' state ' || state FROM ("
	    "SELECT * FROM job_tally EXCEPT SELECT * FROM (" JOB_KINDS "))",
	    "DELETE FROM job_tally; INSERT INTO job_tally " JOB_KINDS, NULL},
	{"tag-index", 1, "tags that no device has",
	    "SELECT name || ' of ' || ep FROM device_tag AS t WHERE NOT EXISTS"
	    " (SELECT 1 FROM device AS d WHERE d.id = t.device"
	    " AND d.ep = t.ep)",
	    "DELETE FROM device_tag AS t WHERE NOT EXISTS (SELECT 1"
	    " FROM device AS d WHERE d.id = t.device AND d.ep = t.ep)", NULL},
	{"credential-unused", CREDENTIAL_SCHEMA, "credentials that their "
	    "device does not ask for",
	    "SELECT d.ep FROM credential AS c JOIN device AS d"
	    " ON d.id = c.device WHERE d.have_psk = 0",
	    NULL, "anybody may speak for these devices: set it anew with "
	    "suitctl device add EP --psk-new"},
	{"credential-state", CREDENTIAL_SCHEMA, "impossible credentials",
	    "SELECT identity FROM credential WHERE kind NOT BETWEEN 1 AND 3"
	    " OR identity = '' OR (kind = 2) <> (secret IS NULL)"
	    " OR length(secret) = 0 OR (kind = 1 AND length(secret) > 64)"
	    " OR length(secret) > 256 OR ends = 0",
	    NULL, RESTORE ", or give the device a new one: suitctl device "
	    "add EP --psk-new"},
	{"cert-revoked", CREDENTIAL_SCHEMA, "impossible revocations of "
	    "certificates",
	    "SELECT name FROM cert_revoked WHERE name = '' OR"
	    " length(name) > 241 OR length(reason) > 128",
	    NULL, RESTORE ", or revoke the certificate anew: suitctl device "
	    "revoke-cert"},
	{"attest-key", 5, "keys of bootloaders that cannot be read",
	    "SELECT 'device ' || device FROM attest WHERE length(kid) <> 8"
	    " OR length(key) NOT BETWEEN 1 AND 512 OR length(epoch) <> 8"
	    " OR length(pending) <> 8 OR length(gone) % 8 <> 0"
	    " OR length(gone) > 8 * 16 OR result NOT BETWEEN 0 AND 3",
	    NULL, "set each anew: suitctl device attest EP KEY; until then "
	    "its reports are refused"},
	{"tally-lists", 5, "the counts of devices by their trust list",
	    "SELECT 'list ' || list_seq FROM (" LISTS " EXCEPT SELECT * FROM"
	    " list_tally) UNION SELECT 'list ' || list_seq FROM (SELECT * FROM"
	    " list_tally EXCEPT " LISTS ")",
	    "DELETE FROM list_tally; INSERT INTO list_tally " LISTS, NULL},
	{"release-classes", 1, "releases whose classes are not as signed",
	    "SELECT 'release ' || id FROM release AS r WHERE"
	    " length(classes) / 16 <> (SELECT count(*) FROM release_class"
	    " WHERE release = r.id)",
	    NULL, RESTORE},
	{"release-state", 1, "releases in impossible states",
	    "SELECT 'release ' || id FROM release WHERE state NOT BETWEEN 0"
	    " AND 2 OR length(digest) <> 32 OR length(envelope) <>"
	    " envelope_len", NULL, RESTORE},
	{"job-state", 1, "jobs in impossible states",
	    "SELECT 'job ' || id FROM job WHERE state NOT BETWEEN 0 AND 8"
	    " OR grade NOT BETWEEN 0 AND 2 OR due < 0 OR last_fail < 0"
	    " OR reason < 0 OR (state >= 5 AND due <> 0)"
	    " OR (attempt = 0 AND started <> 0 AND state < 5)",
	    NULL, RESTORE FORGET_DEVICE},
	{"job-stuck", 1, "jobs in an attempt that no deadline ends",
	    "SELECT 'job ' || id FROM job WHERE due = 0 AND (state BETWEEN 1"
	    " AND 4 OR (state = 0 AND started <> 0))",
	    NULL, RESTORE FORGET_DEVICE},
	{"job-campaign", 2, "jobs that do not fit their campaign",
	    "SELECT 'job ' || j.id || ' of campaign ' || c.id FROM job AS j"
	    " JOIN campaign AS c ON c.id = j.campaign WHERE j.release <>"
	    " c.release OR j.wave NOT BETWEEN 0 AND c.wave_count UNION ALL "
	    "SELECT 'job ' || id FROM job WHERE campaign IS NULL AND wave <> 0",
	    NULL, RESTORE FORGET_DEVICE},
	{"campaign-state", 2, "campaigns in impossible states",
	    "SELECT 'campaign ' || id FROM campaign WHERE state NOT BETWEEN 0"
	    " AND 4 OR work NOT BETWEEN 0 AND 3 OR source NOT BETWEEN 0 AND 2"
	    " OR concurrency < 1 OR wave NOT BETWEEN 0 AND wave_count"
	    " OR wave_count NOT BETWEEN 0 AND 8 OR (plan IS NOT NULL AND"
	    " length(plan) <> 32)",
	    NULL, RESTORE ", or abort it: suitctl campaign abort ID"},
	{"campaign-over", 2, "campaigns that are finished, with jobs that are "
	    "not",
	    "SELECT 'campaign ' || id FROM campaign AS c WHERE state = 3"
	    " AND work = 0 AND EXISTS (SELECT 1 FROM job WHERE campaign = c.id"
	    " AND state < 5)", NULL, RESTORE FORGET_DEVICE},
	{"event-gaps", 1, "events that are missing", /* said where */
	    "SELECT (id + 1) || ' to ' || (next - 1) FROM " EVENT_GAPS
	    " AND " EVENTS_LOST " <= " EVENT_LOST_MAX,
	    "WITH RECURSIVE gap (i, last, at) AS (SELECT id + 1, next - 1, at"
	    " FROM " EVENT_GAPS " UNION ALL SELECT i + 1, last, at FROM gap"
	    " WHERE i < last) INSERT INTO event SELECT i, at, NULL, NULL,"
	    " NULL, NULL, '', 'admin', 'lost', 0, 'this event is missing:"
	    " suitd --fsck' FROM gap", NULL},
	{"event-gaps", 1, "more than " EVENT_LOST_MAX " events are missing",
	    "SELECT (id + 1) || ' to ' || (next - 1) FROM " EVENT_GAPS
	    " AND " EVENTS_LOST " > " EVENT_LOST_MAX, NULL, RESTORE},
	{"principal-rights", 5, "principals without rights",
	    "SELECT name FROM principal WHERE length(name) NOT BETWEEN 1 AND"
	    " 64 OR instr(rights, 'role=') <> 1", NULL,
	    "suitctl principal remove NAME, and add it again"},
	{"principal-key", 5, "keys of principals that cannot be used",
	    "SELECT identity FROM principal_key WHERE length(key) NOT BETWEEN"
	    " 16 AND 64 OR instr(identity, principal || ':') <> 1 OR ends < 0",
	    "DELETE FROM principal_key WHERE length(key) NOT BETWEEN 16 AND 64"
	    " OR instr(identity, principal || ':') <> 1 OR ends < 0", NULL},
	{"request-state", 5, "requests for approval that cannot be carried out",
	    "SELECT 'request ' || id FROM request WHERE kind < 1 OR"
	    " length(digest) <> 32 OR by = ''",
	    "DELETE FROM request WHERE kind < 1 OR length(digest) <> 32 OR"
	    " by = ''", NULL},
	{"meta", 1, "settings that are too large",
	    "SELECT name FROM meta WHERE length(name) NOT BETWEEN 1 AND 64"
	    " OR length(value) > 4096", NULL, RESTORE},
	{"trust-list", 5, "trust lists that cannot be",
	    "SELECT 'list ' || seq FROM trust WHERE seq < 1 OR length(list)"
	    " NOT BETWEEN 1 AND 16384", NULL, RESTORE},
};

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
check_rules(struct check *c, const struct rule *list, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		if (c->schema >= list[i].schema)
			err = check_rule(c, &list[i]);
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
		err = check_rules(c, psk_rules, sizeof(psk_rules) /
		    sizeof(psk_rules[0]));
	if (err == 0)
		err = check_rules(c, rules, sizeof(rules) / sizeof(rules[0]));
	if (err == 0 && c->schema >= 2)
		err = each(c, "SELECT c.id, j.wave, count(*), c.waves"
		    " FROM job AS j JOIN campaign AS c ON c.id = j.campaign"
		    " WHERE j.wave BETWEEN 1 AND min(c.wave_count, 8)"
		    " GROUP BY c.id, j.wave", wave_row, c);
	return err;
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
