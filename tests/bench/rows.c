/*
 * rows: the rows of status reports written by bare SQLite, as fast as it
 * can: prepared statements in groups of 100 to a commit, WAL,
 * synchronous=FULL, on a database made by fill with "jobs". Per report one
 * row of job is changed and one of event added, per four reports one of
 * device is changed: what suitd writes for a device that tells of its
 * download, its end, its installation and its success. How many jobs are in
 * which state is written once a group, as suitd does.
 *
 *	rows DB N		prints reports a second
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GROUP 100
#define PHASES 4
#define STATEMENTS 6

static const char *const setup = "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;PRAGMA foreign_keys = ON;"
    "PRAGMA cache_size = -8192";
static const char *const text[STATEMENTS] = {
	"UPDATE job SET state = ?2, grade = 0, attempt = 1, fails_0 = 0,"
	" fails_1 = 0, fails_2 = 0, fails_3 = 0, fails_4 = 0, fails_5 = 0,"
	" last_fail = 0, reason = 0, updated = ?3, due = ?4, started = ?3,"
	" done = 0, total = 16384, version = version + 1"
	" WHERE id = ?1",
	"INSERT INTO event VALUES (NULL, ?3, ?1, ?1, NULL, 1,"
	" 'bench-000000', 'job', 'fetching', 0, 'attempt 1')",
	"UPDATE device SET seq = 2, seq_grade = 0, seen = ?3 WHERE id = ?1",
	"UPDATE job_tally SET n = n - ?1, attempts = attempts - (?2 > 0) * ?1"
	" WHERE campaign = 0 AND state = ?2",
	"INSERT INTO job_tally VALUES (0, 0, ?2, 0, 0, 0, 0, 0, ?1, ?1)"
	" ON CONFLICT DO UPDATE SET n = n + ?1, attempts = attempts + ?1",
	"UPDATE tally SET n = n - (?2 = 5) * ?1 WHERE name = 'job_live'",
};
static const int states[PHASES] = {2, 3, 4, 5};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	int moved[PHASES]; /* in this group */
};

static int
step(struct rows *r, int which, int id, int phase)
{
	sqlite3_stmt *st = r->st[which];
	sqlite3_int64 now = 1700000000000 + id;

	sqlite3_bind_int(st, 1, id);
	if (which == 0)
		sqlite3_bind_int(st, 2, states[phase]);
	sqlite3_bind_int64(st, 3, now);
	if (which == 0)
		sqlite3_bind_int64(st, 4, states[phase] == 5 ? 0 :
		    now + 600000);
	if (sqlite3_step(st) != SQLITE_DONE || sqlite3_changes(r->db) != 1)
		return 1;
	return sqlite3_reset(st);
}

static int
report(struct rows *r, int k, int devices)
{
	int id = k % devices + 1, phase = k / devices;
	int rc = step(r, 0, id, phase);

	if (rc == 0)
		rc = step(r, 1, id, phase);
	if (rc == 0 && phase == PHASES - 1)
		rc = step(r, 2, id, phase);
	r->moved[phase]++;
	return rc;
}

static int
count(struct rows *r, int which, int n, int state)
{
	sqlite3_stmt *st = r->st[which];

	sqlite3_bind_int(st, 1, n);
	sqlite3_bind_int(st, 2, state);
	if (sqlite3_step(st) != SQLITE_DONE || sqlite3_changes(r->db) != 1)
		return 1;
	return sqlite3_reset(st);
}

static int
commit(struct rows *r)
{
	int rc = 0;

	for (int p = 0; p < PHASES && rc == 0; p++) {
		if (r->moved[p] > 0)
			rc = count(r, 3, r->moved[p], p ? states[p - 1] : 0) ||
			    count(r, 4, r->moved[p], states[p]) ||
			    count(r, 5, r->moved[p], states[p]);
		r->moved[p] = 0;
	}
	return rc != 0 ? rc : sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
}

int
main(int argc, char **argv)
{
	struct rows r = {.moved = {0}};
	struct timespec a, b;
	int n = argc == 3 ? atoi(argv[2]) : 0, rc;

	if (n <= 0) {
		fputs("usage: rows DB N\n", stderr);
		return 2;
	}
	rc = sqlite3_open(argv[1], &r.db) ||
	    sqlite3_exec(r.db, setup, NULL, NULL, NULL);
	for (int i = 0; i < STATEMENTS && rc == 0; i++)
		rc = sqlite3_prepare_v2(r.db, text[i], -1, &r.st[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int k = 0; k < n && rc == 0; k++) {
		if (k % GROUP == 0)
			rc = sqlite3_exec(r.db, "BEGIN IMMEDIATE", NULL, NULL,
			    NULL);
		if (rc == 0)
			rc = report(&r, k, n / PHASES);
		if (rc == 0 && (k % GROUP == GROUP - 1 || k == n - 1))
			rc = commit(&r);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (rc != 0) {
		fprintf(stderr, "rows: %s\n", sqlite3_errmsg(r.db));
		return 1;
	}
	printf("%.0f\n", n / ((double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9));
	return 0;
}
