/*
 * Plans: does a statement walk a table, or does an index lead it? Asked of
 * SQLite, which prints "SCAN d" for device d and "SEARCH d USING ..." when
 * it looks for something. Names in a plan are the aliases of the statement,
 * so that a list of large tables would miss them: no table is walked, small
 * ones are marked, too. One walk hides: max(x) with no index of x is called
 * a search. store_stats.scans counts it when it runs.
 */
#include "db/store_sqlite.h"

static const char MARK[] = "/* scans */";

/* Neither a constant nor the result of a part of the statement. */
static bool
walks(const char *line)
{
	return strncmp(line, "SCAN ", 5) == 0 && line[5] != '(' &&
	    strstr(line, " CONSTANT ROW") == NULL && /* "SCAN 8 ... ROWS" */
	    strstr(line, "-ROW VALUES CLAUSE") == NULL; /* 3.46 says it so */
}

static bool
plan_walks(sqlite3_stmt *st, char *ret_line, size_t cap)
{
	const char *line;

	while (sqlite3_step(st) == SQLITE_ROW) {
		line = (const char *)sqlite3_column_text(st, 3);
		if (line == NULL || !walks(line))
			continue;
		sqlite3_snprintf((int)cap, ret_line, "%s", line);
		return true;
	}
	return false;
}

bool
sq_plan_scans(sqlite3 *db, const char *sql, char *ret_line, size_t cap)
{
	sqlite3_stmt *st = NULL;
	bool scans = false;
	char *text;

	if (strncmp(sql, MARK, sizeof(MARK) - 1) == 0)
		return false;
	text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	if (text != NULL &&
	    sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK)
		scans = plan_walks(st, ret_line, cap);
	sqlite3_finalize(st);
	sqlite3_free(text);
	return scans;
}
