/*
 * What SQLite's store says and keeps when the disk is full or read-only, and
 * when the file is not its own.
 */
#include "tests/db/filled.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db/schema.h"
#include "db/store_sqlite.h"

static void
sql(const char *path, const char *text)
{
	sqlite3 *db;

	OK(sqlite3_open(path, &db));
	OK(sqlite3_exec(db, text, NULL, NULL, NULL));
	OK(sqlite3_close(db));
}

static int
try_open(const char *path, struct why *why)
{
	struct store_sqlite_opts o = OPTS(path, true);
	struct store *s = NULL;
	int err = store_sqlite_open(&o, &s, why);

	assert_true((err == 0) == (s != NULL));
	store_close(s);
	return err;
}

/* --- whose file is it? --- */

static void
the_file_and_its_log_are_for_the_owner_only(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	struct fixture *f = *state;
	char path[80];
	struct stat st;

	add_device(f->s, "a");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		OK(stat(path, &st));
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	store_close(f->s);
	f->s = NULL;
	OK(chmod(f->path, 0644)); /* as from a careless backup */
	reopen(f);
	OK(stat(f->path, &st));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_newer_schema_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	struct why why;
	char back[40];

	add_device(f->s, "a");
	store_close(f->s);
	f->s = NULL;
	sql(f->path, "PRAGMA user_version = 9999");
	FAILS(try_open(f->path, &why), ERR_UNSUPPORTED);
	assert_true(why.text[0] != '\0');
	for (const struct schema_step *step = schema_steps; step->number != 0;
	    step++)
		snprintf(back, sizeof(back), "PRAGMA user_version = %d",
		    step->number);
	sql(f->path, back);
	reopen(f);
	assert_true(has_device(f->s, "a"));
}

static void
a_migration_that_broke_off_is_done_again(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	f->s = NULL;
	unlink(f->path);
	/* ours by its id, but nothing in it yet */
	sql(f->path, "PRAGMA application_id = 0x53554954");
	reopen(f);
	add_device(f->s, "a");
}

static void
somebody_elses_file_is_refused(void **state)
{
	struct fixture *f = *state;
	struct why why;
	char path[80];
	FILE *out;

	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	sql(path, "CREATE TABLE recipes (name)");
	FAILS(try_open(path, &why), ERR_TYPE);
	snprintf(path, sizeof(path), "%s/text", f->dir);
	out = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fprintf(out, "this is no database\n");
	fclose(out);
	FAILS(try_open(path, &why), ERR_CORRUPT);
	snprintf(path, sizeof(path), "%s/no/such/dir.db", f->dir);
	FAILS(try_open(path, &why), ERR_IO);
	snprintf(path, sizeof(path), "%s/empty", f->dir);
	fclose(fopen(path, "w"));
	OK(try_open(path, &why));
}

/* --- full --- */

static void
no_more_pages_is_nospace_until_there_are(void **state)
{
	struct store *s = store_of(state);
	sqlite3 *db = sq_of(s)->db;
	struct store_stats st;
	char ep[16];
	int err = 0, n;

	add_device(s, "before");
	OK(sqlite3_exec(db, "PRAGMA max_page_count = 60", NULL, NULL, NULL));
	OK(store_begin(s));
	for (n = 0; n < 2000 && err == 0; n++) {
		snprintf(ep, sizeof(ep), "d%d", n);
		err = put_device(s, ep);
	}
	FAILS(err, ERR_NOSPACE);
	/* the pair is doomed: writes and its commit repeat the error */
	FAILS(put_device(s, "x"), ERR_NOSPACE);
	FAILS(store_begin(s), ERR_NOSPACE);
	assert_true(has_device(s, "before"));
	FAILS(store_commit(s), ERR_NOSPACE);
	assert_false(has_device(s, "d0"));
	s->ops->stats(s, &st);
	assert_int_equal(st.devices, 1);
	OK(sqlite3_exec(db, "PRAGMA max_page_count = 100000", NULL, NULL,
	    NULL));
	add_device(s, "after");
	assert_true(has_device(s, "before") && has_device(s, "after"));
}

/* A pair with "outer" in it, and one inside of it that runs out of space. */
static void
fill_an_inner_pair(struct store *s)
{
	static uint8_t big[STORE_META_MAX];
	char name[16];
	int err = 0;

	OK(store_begin(s));
	OK(put_device(s, "outer"));
	OK(sqlite3_exec(sq_of(s)->db, "PRAGMA max_page_count = 60", NULL,
	    NULL, NULL));
	OK(store_begin(s));
	for (int i = 0; i < 200 && err == 0; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		err = s->ops->meta_put(s, name, slice_of(big, sizeof(big)));
	}
	FAILS(err, ERR_NOSPACE);
}

static void
an_inner_pair_that_runs_out_of_space_ends_in_order(void **state)
{
	struct store *s = store_of(state);

	fill_an_inner_pair(s);
	if (sqlite3_get_autocommit(sq_of(s)->db)) {
		/* SQLite gave the whole transaction up: its choice */
		store_rollback(s);
		FAILS(store_commit(s), ERR_NOSPACE);
		assert_false(has_device(s, "outer"));
		return;
	}
	store_rollback(s);
	OK(store_commit(s));
	assert_true(has_device(s, "outer"));
}

static void
a_doomed_inner_commit_dooms_the_outer(void **state)
{
	struct store *s = store_of(state);

	fill_an_inner_pair(s);
	FAILS(store_commit(s), ERR_NOSPACE);
	FAILS(put_device(s, "more"), ERR_NOSPACE);
	FAILS(store_commit(s), ERR_NOSPACE);
	assert_false(has_device(s, "outer"));
	add_device(s, "after");
}

static void
a_file_that_may_not_grow_is_an_error_and_passes(void **state)
{
	struct store *s = store_of(state);
	struct rlimit old, small;
	char ep[16];
	int err = 0;

	add_device(s, "before");
	signal(SIGXFSZ, SIG_IGN);
	OK(getrlimit(RLIMIT_FSIZE, &old));
	small = old;
	small.rlim_cur = 512 * 1024; /* the migrations are in the log, too */
	OK(setrlimit(RLIMIT_FSIZE, &small));
	for (int n = 0; n < 3000 && err == 0; n++) {
		snprintf(ep, sizeof(ep), "d%d", n);
		OK(store_begin(s));
		err = put_device(s, ep);
		if (err == 0)
			err = store_commit(s);
		else
			store_rollback(s);
	}
	OK(setrlimit(RLIMIT_FSIZE, &old));
	assert_true(err == ERR_IO || err == ERR_NOSPACE);
	assert_false(has_device(s, ep)); /* the one that failed */
	assert_true(has_device(s, "before") && has_device(s, "d0"));
	add_device(s, "after");
	reopen(*state);
	s = store_of(state);
	assert_true(has_device(s, "after") && has_device(s, "d0"));
	assert_false(has_device(s, ep));
}

/* In a child of its own, with mounts that nobody else sees. A wrong answer
 * is its line number. */
#define NEED(x) \
	do { \
		if (!(x)) \
			return __LINE__; \
	} while (0)
#define CANNOT 77

static int
mount_tmpfs(const char *dir)
{
	if (unshare(CLONE_NEWNS) != 0)
		return CANNOT;
	/* in a chroot there is no mount point to make private: others may
	 * see ours, until the child unmounts it */
	(void)mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=700") != 0)
		return CANNOT;
	return 0;
}

static int
fill_until_error(struct store *s, unsigned *ret_n)
{
	char ep[16];
	int err = 0;

	for (unsigned n = 0; err == 0; n++) {
		snprintf(ep, sizeof(ep), "d%u", n);
		err = store_begin(s);
		if (err == 0)
			err = put_device(s, ep);
		if (err == 0)
			err = store_commit(s);
		*ret_n = n;
	}
	store_rollback(s);
	return err;
}

static int
on_a_full_tmpfs(const char *path)
{
	struct store_sqlite_opts o = OPTS(path, true);
	char ballast[100];
	struct store *s;
	struct why why;
	char ep[16];
	unsigned n;
	int fd;

	snprintf(ballast, sizeof(ballast), "%s.ballast", path);
	fd = open(ballast, O_CREAT | O_WRONLY, 0600);
	NEED(posix_fallocate(fd, 0, 300 * 1024) == 0);
	NEED(store_sqlite_open(&o, &s, &why) == 0);
	NEED(fill_until_error(s, &n) == ERR_NOSPACE);
	snprintf(ep, sizeof(ep), "d%u", n);
	NEED(n > 10 && has_device(s, "d0") && !has_device(s, ep));
	NEED(ftruncate(fd, 0) == 0);
	NEED(store_begin(s) == 0 && put_device(s, "after") == 0);
	NEED(store_commit(s) == 0);
	store_close(s);
	NEED(store_sqlite_open(&o, &s, &why) == 0);
	NEED(has_device(s, "after") && has_device(s, "d0"));
	NEED(!has_device(s, ep));
	return 0;
}

static int
on_a_tmpfs_gone_read_only(const char *path)
{
	struct store_sqlite_opts o = OPTS(path, true);
	char dir[64];
	struct store *s;
	struct why why;
	int err;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	NEED(store_sqlite_open(&o, &s, &why) == 0);
	NEED(store_begin(s) == 0 && put_device(s, "before") == 0);
	NEED(store_commit(s) == 0);
	store_close(s);
	NEED(mount("tmpfs", dir, "tmpfs", MS_REMOUNT | MS_RDONLY,
	    "size=1m") == 0);
	err = store_sqlite_open(&o, &s, &why);
	NEED(err == ERR_READONLY && why.text[0] != '\0');
	return 0;
}

static void
in_a_child(void **state, int (*fn)(const char *path))
{
	struct fixture *f = *state;
	int status, err;
	pid_t pid;

	store_close(f->s);
	f->s = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		err = mount_tmpfs(f->dir);
		if (err == 0) {
			if ((err = fn(f->path)) != 0) {
				fprintf(stderr, "%s:%d: not as expected\n",
				    __FILE__, err);
				err = 1;
			}
			(void)umount2(f->dir, MNT_DETACH);
		}
		_exit(err);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT) {
		print_message("SKIPPED: may not mount a tmpfs here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
a_full_file_system_is_nospace_until_there_is_room(void **state)
{
	in_a_child(state, on_a_full_tmpfs);
}

static void
a_read_only_file_system_is_refused_at_start(void **state)
{
	in_a_child(state, on_a_tmpfs_gone_read_only);
}

/* root may write anywhere: the child becomes nobody. */
static void
a_read_only_directory_is_refused_at_start(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, true);
	struct store *s;
	struct why why;
	int status;
	pid_t pid;

	store_close(f->s);
	f->s = NULL;
	unlink(f->path);
	OK(chmod(f->dir, 0555));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (getuid() == 0 && setuid(65534) != 0)
			_exit(2);
		_exit(store_sqlite_open(&o, &s, &why) != ERR_READONLY);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	OK(chmod(f->dir, 0755));
	assert_int_equal(status, 0);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, open_sqlite, shut)
	const struct CMUnitTest tests[] = {
		T(the_file_and_its_log_are_for_the_owner_only),
		T(a_newer_schema_is_refused_and_left_alone),
		T(a_migration_that_broke_off_is_done_again),
		T(somebody_elses_file_is_refused),
		T(no_more_pages_is_nospace_until_there_are),
		T(an_inner_pair_that_runs_out_of_space_ends_in_order),
		T(a_doomed_inner_commit_dooms_the_outer),
		T(a_file_that_may_not_grow_is_an_error_and_passes),
		T(a_full_file_system_is_nospace_until_there_is_room),
		T(a_read_only_file_system_is_refused_at_start),
		T(a_read_only_directory_is_refused_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
