/*
 * What a store's file is, without becoming its user. SQLite makes files of its
 * own to read one in WAL mode; not when it is told that nobody writes, which
 * is so where there is no log. Beside a daemon that runs they are there.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/store_copy.h"
#include "db/store_sqlite.h"

static int
read_int(sqlite3 *db, const char *sql, int *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return rc;
}

bool
sq_uri(const char *path, const char *query, struct buf *out)
{
	char escaped[8];

	/* with no host: "//x" would be one */
	buf_puts(out, path[0] == '/' ? "file://" : "file:");
	for (; *path != '\0'; path++) {
		snprintf(escaped, sizeof(escaped), strchr("%?#", *path) != NULL ?
		    "%%%02x" : "%c", (unsigned char)*path);
		buf_puts(out, escaped);
	}
	buf_puts(out, query);
	buf_put_u8(out, '\0');
	return !out->over;
}

/* Where there is no log nobody writes. */
static bool
uri_of(const char *path, struct buf *out)
{
	char wal[1024];

	return (size_t)snprintf(wal, sizeof(wal), "%s-wal", path) <
	    sizeof(wal) && sq_uri(path, access(wal, F_OK) == 0 ? "" :
	    "?immutable=1", out);
}

static int
judge(const struct store_probe *p, int id, int tables, struct why *why)
{
	/* an empty one becomes ours */
	if (id != STORE_APPLICATION_ID && (id != 0 || tables != 0))
		return why_set(why, ERR_TYPE, "not a store of suitd");
	if (p->schema > p->known)
		return why_set(why, ERR_UNSUPPORTED,
		    "schema %d is newer than this suitd's %d: use a newer "
		    "suitd, or the backup from before it ran", p->schema,
		    p->known);
	return 0;
}

int
store_sqlite_probe(const char *path, struct store_probe *ret,
    struct why *why)
{
	struct store_probe p = {0};
	sqlite3 *db = NULL;
	int id = 0, tables = 0, rc;
	char uri[3 * 1024];
	struct buf out = buf_of(uri, sizeof(uri));

	p.known = store_schema();
	if (!uri_of(path, &out))
		return why_set(why, ERR_SIZE, "the path is too long");
	rc = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
	    NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, 1000);
		rc = read_int(db, "PRAGMA application_id", &id);
	}
	if (rc == SQLITE_ROW)
		rc = read_int(db, "PRAGMA user_version", &p.schema);
	if (rc == SQLITE_ROW)
		rc = read_int(db, "SELECT count(*) FROM sqlite_schema",
		    &tables);
	if (rc == SQLITE_ROW)
		rc = judge(&p, id, tables, why);
	else
		rc = why_set(why, rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT ?
		    ERR_CORRUPT : ERR_IO, "%s", db != NULL ?
		    sqlite3_errmsg(db) : "out of memory");
	sqlite3_close(db);
	if (rc == 0)
		*ret = p;
	return rc;
}
