/* What a file is told to be before anybody opens it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "db/store.h"

static char dir[32], path[64];

static int
setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/suitd probe?#%XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/suitd.db", dir);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[80];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	return rmdir(dir);
}

static void
run(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int
probe(struct store_probe *p)
{
	struct why why = {0};
	int rc = store_sqlite_probe(path, p, &why);

	assert_int_equal(why.err, rc);
	return rc;
}

static void
schemas_at_the_newest_and_one_past(void **state)
{
	struct store_sqlite_opts o = {.path = path};
	struct store_probe p = {0};
	struct store *s;
	char sql[80];

	(void)state;
	assert_int_equal(store_sqlite_open(&o, &s, NULL), 0);
	assert_int_equal(probe(&p), 0); /* while it is in use, too */
	assert_int_equal(p.schema, p.known);
	s->ops->close(s);
	assert_int_equal(probe(&p), 0);
	snprintf(sql, sizeof(sql), "%s-shm", path);
	assert_int_equal(access(sql, F_OK), -1);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", p.known + 1);
	run(sql);
	assert_int_equal(probe(&p), ERR_UNSUPPORTED);
	assert_int_equal(store_sqlite_open(&o, &s, NULL), ERR_UNSUPPORTED);
	run("PRAGMA user_version = 1");
	assert_int_equal(probe(&p), 0);
	assert_int_equal(p.schema, 1);
}

static void
what_is_no_store_is_told(void **state)
{
	struct store_probe p;
	FILE *f;

	(void)state;
	assert_int_equal(probe(&p), ERR_IO); /* nothing is there, */
	assert_int_equal(access(path, F_OK), -1); /* nor is made */
	run("CREATE TABLE t (x)");
	assert_int_equal(probe(&p), ERR_TYPE);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		fputs("nonsense", f);
	fclose(f);
	assert_int_equal(probe(&p), ERR_CORRUPT);
	f = fopen(path, "w"); /* one that is empty becomes a store */
	assert_non_null(f);
	fclose(f);
	assert_int_equal(probe(&p), 0);
	assert_int_equal(p.schema, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(schemas_at_the_newest_and_one_past),
		T(what_is_no_store_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
