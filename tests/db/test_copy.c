/*
 * A copy of a store that goes on being written is whole, of one moment, and
 * in order; and what is none is refused.
 */
#include "tests/db/twins.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "db/store_copy.h"
#include "db/store_sync.h"

#define DEVICES 3000 /* 1 MiB and more: several steps */

struct copied {
	struct fixture *f;
	char to[96];
	struct store_copied progress;
	struct store_copy *copy;
};

static void
begin(struct copied *k, void **state, uint64_t reserve)
{
	struct store_copy_opts o = {.reserve = reserve};

	memset(k, 0, sizeof(*k));
	k->f = *state;
	snprintf(k->to, sizeof(k->to), "%s/copy.db", k->f->dir);
	o.from = k->f->path;
	o.to = k->to;
	o.progress = &k->progress;
	OK(store_copy_begin(&o, &k->copy));
}

static void
fill(struct store *s, int from, int n)
{
	struct store_device d;

	OK(store_begin(s));
	for (int i = from; i < from + n; i++) {
		d = full_device();
		snprintf(d.ep, sizeof(d.ep), "dev-%d", i);
		d.reg = (uint64_t)i + 1;
		OK(s->ops->device_put(s, &d));
	}
	OK(store_commit(s));
}

static int64_t
no_time(void)
{
	return 0;
}

/* As the daemon opens it, with its thread. */
static uint64_t
devices_in(const char *path)
{
	struct store_sqlite_opts o = OPTS(path, false);
	struct store_stats st;
	struct store *s = NULL;
	struct why why;

	o.clock = no_time;
	OK(store_sqlite_open(&o, &s, &why));
	s->ops->stats(s, &st);
	store_close(s);
	return st.devices;
}

static void
sql(const char *path, const char *text)
{
	sqlite3 *db;

	OK(sqlite3_open(path, &db));
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	OK(sqlite3_close(db));
}

static void
a_copy_is_of_one_moment_while_others_write(void **state)
{
	struct store *s = store_of(state);
	struct copied k;
	struct stat st;
	struct why why;
	int steps = 0, schema = 0;

	fill(s, 0, DEVICES);
	begin(&k, state, 0);
	while (!store_copy_step(k.copy)) {
		fill(s, DEVICES + steps++, 1);
		assert_true(steps < 1000); /* it does not begin anew */
	}
	if (store_copy_end(k.copy, &why) != 0)
		fail_msg("%s", why.text);
	assert_true(steps > 4);
	assert_true(k.progress.total > 0 && k.progress.done ==
	    k.progress.total);
	OK(store_copy_check(k.to, &schema, &why));
	assert_int_equal(schema, store_schema());
	OK(stat(k.to, &st));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(devices_in(k.to) == DEVICES);
}

static void
a_commit_does_not_wait_for_a_copy_nor_is_it_lost(void **state)
{
	struct store *s = store_of(state);
	struct store_stats st;
	struct copied k;
	struct why why;

	fill(s, 0, DEVICES);
	begin(&k, state, 0);
	assert_false(store_copy_step(k.copy));
	assert_false(store_copy_step(k.copy));
	fill(s, DEVICES, 10); /* had it to wait, it would fail */
	while (!store_copy_step(k.copy))
		continue;
	if (store_copy_end(k.copy, &why) != 0)
		fail_msg("%s", why.text);
	s->ops->stats(s, &st);
	assert_true(st.devices == DEVICES + 10);
}

static void
a_copy_that_is_given_up_leaves_nothing(void **state)
{
	struct copied k;
	struct why why;

	fill(store_of(state), 0, DEVICES);
	begin(&k, state, 0);
	assert_false(store_copy_step(k.copy));
	assert_false(store_copy_step(k.copy));
	FAILS(store_copy_end(k.copy, &why), ERR_CANCELLED);
	assert_int_not_equal(access(k.to, F_OK), 0);
	begin(&k, state, 0); /* all of it is there, and was not looked at */
	do
		assert_false(store_copy_step(k.copy));
	while (k.progress.total == 0 || k.progress.done < k.progress.total);
	FAILS(store_copy_end(k.copy, &why), ERR_CANCELLED);
	assert_int_not_equal(access(k.to, F_OK), 0);
	begin(&k, state, UINT64_MAX);
	while (!store_copy_step(k.copy))
		continue;
	FAILS(store_copy_end(k.copy, &why), ERR_NOSPACE);
	assert_int_not_equal(access(k.to, F_OK), 0);
}

static void
nothing_that_is_there_is_written_over(void **state)
{
	struct copied k;
	struct why why;
	struct stat st;

	begin(&k, state, 0);
	close(open(k.to, O_CREAT | O_WRONLY, 0600));
	while (!store_copy_step(k.copy))
		continue;
	FAILS(store_copy_end(k.copy, &why), ERR_IO);
	OK(stat(k.to, &st));
	assert_int_equal(st.st_size, 0);
}

static void
what_is_no_store_is_told_apart(void **state)
{
	struct fixture *f = *state;
	char path[96];
	struct why why;
	int schema = -1, fd;

	store_close(f->s);
	f->s = NULL;
	OK(store_copy_check(f->path, &schema, &why));
	sql(f->path, "PRAGMA user_version = 9999");
	FAILS(store_copy_check(f->path, &schema, &why), ERR_UNSUPPORTED);
	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	sql(path, "CREATE TABLE x (y)");
	FAILS(store_copy_check(path, &schema, &why), ERR_TYPE);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "not a database at all, but long enough "
	    "to be looked at as one, if it must be ...............", 88), 88);
	close(fd);
	FAILS(store_copy_check(path, &schema, &why), ERR_TYPE);
	snprintf(path, sizeof(path), "%s/none.db", f->dir);
	assert_int_not_equal(store_copy_check(path, &schema, &why), 0);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* A page in the middle of the file, in the checkpointed database. */
static void
damage(const char *path)
{
	struct stat st;
	char junk[4096];
	int fd = open(path, O_RDWR);

	memset(junk, 0x5a, sizeof(junk));
	OK(fstat(fd, &st));
	for (off_t at = 8 * 4096; at < st.st_size; at += 16 * 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), 4096);
	close(fd);
}

static void
damage_is_found_by_the_copy_and_by_the_check(void **state)
{
	struct fixture *f = *state;
	struct copied k;
	struct why why;
	int schema;

	fill(f->s, 0, DEVICES);
	store_close(f->s);
	f->s = NULL;
	damage(f->path);
	FAILS(store_copy_check(f->path, &schema, &why), ERR_CORRUPT);
	begin(&k, state, 0);
	while (!store_copy_step(k.copy))
		continue;
	FAILS(store_copy_end(k.copy, &why), ERR_CORRUPT);
	assert_int_not_equal(access(k.to, F_OK), 0);
}

static void
a_row_that_refers_to_nothing_is_found(void **state)
{
	struct fixture *f = *state;
	struct why why;
	int schema;

	store_close(f->s);
	f->s = NULL;
	sql(f->path, "PRAGMA foreign_keys = OFF; INSERT INTO "
	    "credential VALUES (1, 77, 1, 'x', x'00', '', 0, 0, NULL, 0); PRAGMA wal_checkpoint(TRUNCATE)");
	FAILS(store_copy_check(f->path, &schema, &why), ERR_CORRUPT);
}

/* More than the log's hard bound is written while the reader is there: the
 * thread would take the write lock for it, in vain, and commits would fail. */
static void
nobody_is_stopped_for_the_sake_of_a_log_that_is_read(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, false);
	static uint8_t big[STORE_META_MAX];
	struct syncer_stats st = {0};
	struct copied k;
	struct why why;
	char name[32];

	store_close(f->s);
	f->s = NULL;
	o.clock = no_time;
	OK(store_sqlite_open(&o, &f->s, &why));
	assert_non_null(f->s->syncer);
	syncer_hold(f->s->syncer, true);
	begin(&k, state, 0);
	assert_false(store_copy_step(k.copy));
	for (int i = 0; st.log_pages < SYNC_HARD + SYNC_SOFT; i++) {
		memset(big, i, sizeof(big)); /* else nothing is written */
		OK(store_begin(f->s));
		for (int n = 0; n < 200; n++) {
			snprintf(name, sizeof(name), "m%d-%d", i % 20, n);
			OK(f->s->ops->meta_put(f->s, name, slice_of(big,
			    sizeof(big))));
		}
		OK(store_commit(f->s));
		syncer_stats(f->s->syncer, &st);
		assert_true(i < 1000);
	}
	FAILS(store_copy_end(k.copy, &why), ERR_CANCELLED);
	syncer_hold(f->s->syncer, false);
}

#define T(t) {#t, t, open_sqlite, shut, NULL}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_copy_is_of_one_moment_while_others_write),
		T(a_commit_does_not_wait_for_a_copy_nor_is_it_lost),
		T(a_copy_that_is_given_up_leaves_nothing),
		T(nothing_that_is_there_is_written_over),
		T(what_is_no_store_is_told_apart),
		T(damage_is_found_by_the_copy_and_by_the_check),
		T(a_row_that_refers_to_nothing_is_found),
		T(nobody_is_stopped_for_the_sake_of_a_log_that_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
