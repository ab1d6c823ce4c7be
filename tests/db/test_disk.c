/*
 * What SQLite's store says and keeps when the disk is full, read-only or
 * damaged, when the file is not its own, and what its statements walk.
 */
#include "tests/db/twins.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db/schema.h"
#include "db/store_sqlite.h"

#define CAMPAIGN 1 /* the one that fill makes */

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

static int
put_device(struct store *s, const char *ep)
{
	struct store_device d;

	memset(&d, 0, sizeof(d));
	strcpy(d.ep, ep);
	memset(d.version, 'v', LIMIT_VERSION);
	return s->ops->device_put(s, &d);
}

static bool
has_device(struct store *s, const char *ep)
{
	struct store_device d;

	return s->ops->device_by_ep(s, ep, &d) == 0;
}

/* n devices with a tag, a job each in a campaign, and events. */
static void
fill(struct store *s, unsigned n)
{
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 10);
	struct store_device d;
	struct store_event e;
	struct job j;

	OK(store_begin(s));
	for (unsigned i = 0; i < n; i++) {
		memset(&d, 0, sizeof(d));
		snprintf(d.ep, sizeof(d.ep), "dev%06u", i);
		snprintf(d.addr, sizeof(d.addr), "10.0.%u", i);
		d.reg = i + 1;
		d.have_class = true;
		d.class_id[0] = 7;
		d.tag_count = 1;
		strcpy(d.tag[0].name, "site");
		snprintf(d.tag[0].value, sizeof(d.tag[0].value), "%u", i % 9);
		OK(s->ops->device_put(s, &d));
		j = make_job(camp, d.id, rel, 1000 + i);
		OK(s->ops->job_put(s, &j));
		memset(&e, 0, sizeof(e));
		e.device = d.id;
		e.job = j.id;
		e.campaign = camp;
		strcpy(e.kind, "job");
		OK(s->ops->event_put(s, &e));
	}
	OK(store_commit(s));
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

static void
an_inner_pair_that_runs_out_of_space_ends_in_order(void **state)
{
	struct store *s = store_of(state);
	sqlite3 *db = sq_of(s)->db;
	static uint8_t big[STORE_META_MAX];
	char name[16];
	int err = 0;

	OK(store_begin(s));
	OK(put_device(s, "outer"));
	OK(sqlite3_exec(db, "PRAGMA max_page_count = 60", NULL, NULL, NULL));
	OK(store_begin(s));
	for (int i = 0; i < 200 && err == 0; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		err = s->ops->meta_put(s, name, slice_of(big, sizeof(big)));
	}
	FAILS(err, ERR_NOSPACE);
	if (sqlite3_get_autocommit(db)) {
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
	sqlite3 *db = sq_of(s)->db;
	static uint8_t big[STORE_META_MAX];
	char name[16];
	int err = 0;

	OK(store_begin(s));
	OK(put_device(s, "outer"));
	OK(sqlite3_exec(db, "PRAGMA max_page_count = 60", NULL, NULL, NULL));
	OK(store_begin(s));
	for (int i = 0; i < 200 && err == 0; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		err = s->ops->meta_put(s, name, slice_of(big, sizeof(big)));
	}
	FAILS(err, ERR_NOSPACE);
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

/* --- damaged --- */

static int
root_row(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	*(long *)arg = strtol(value[0], NULL, 10);
	return 0;
}

/* Overwrites the root page of a table or index. */
static void
damage(const char *path, const char *table)
{
	uint8_t page[4096];
	char text[100];
	long root = 0;
	sqlite3 *db;
	int fd;

	snprintf(text, sizeof(text), "SELECT rootpage FROM sqlite_schema"
	    " WHERE name = '%s'", table);
	OK(sqlite3_open(path, &db));
	OK(sqlite3_exec(db, text, root_row, &root, NULL));
	OK(sqlite3_close(db));
	assert_true(root > 1);
	memset(page, 0x5a, sizeof(page));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, page, sizeof(page), (root - 1) * 4096),
	    sizeof(page));
	close(fd);
}

static void
a_damaged_table_is_told_by_its_verbs_and_the_rest_works(void **state)
{
	struct fixture *f = *state;
	struct store_event_filter ef = {.limit = 1};
	struct store_event e = {.kind = "job"};
	struct job j;
	size_t n;

	fill(f->s, 500);
	store_close(f->s);
	f->s = NULL;
	damage(f->path, "event");
	reopen(f);
	FAILS(f->s->ops->event_list(f->s, &ef, &e, &n), ERR_CORRUPT);
	assert_true(has_device(f->s, "dev000007"));
	OK(f->s->ops->job_get(f->s, 7, &j));
	OK(store_begin(f->s));
	OK(put_device(f->s, "kept"));
	OK(store_commit(f->s));
	/* a pair that meets the damage is lost as a whole, the next is not */
	for (int reads = 0; reads < 2; reads++) {
		OK(store_begin(f->s));
		OK(put_device(f->s, "lost"));
		OK(store_begin(f->s));
		FAILS(reads ? f->s->ops->event_list(f->s, &ef, &e, &n) :
		    f->s->ops->event_put(f->s, &e), ERR_CORRUPT);
		store_rollback(f->s);
		FAILS(put_device(f->s, "too"), ERR_CORRUPT);
		FAILS(store_begin(f->s), ERR_CORRUPT);
		FAILS(store_commit(f->s), ERR_CORRUPT);
		assert_false(has_device(f->s, "lost"));
	}
	add_device(f->s, "next");
	assert_true(has_device(f->s, "kept"));
}

static void
a_damaged_device_table_leaves_releases_and_images(void **state)
{
	struct fixture *f = *state;
	struct store_device d;
	struct store_release r;
	uint8_t raw[16];
	struct buf out = buf_of(raw, sizeof(raw));

	fill(f->s, 500);
	store_close(f->s);
	f->s = NULL;
	damage(f->path, "device");
	reopen(f);
	FAILS(f->s->ops->device_get(f->s, 3, &d), ERR_CORRUPT);
	OK(f->s->ops->release_get(f->s, 1, &r));
	OK(f->s->ops->release_envelope(f->s, 1, &out));
}

static int
no_cb(void *arg, const struct store_payload *p, enum release_state st)
{
	(void)arg;
	(void)p;
	(void)st;
	return 0;
}

static int
no_scan(void *arg, const struct store_scan *row)
{
	(void)arg;
	(void)row;
	return 0;
}

static int
no_job(void *arg, const struct job *j)
{
	(void)arg;
	(void)j;
	return 0;
}

/* Every verb once; what they say does not matter, that they return does. */
static void
try_everything(struct store *s)
{
	struct store_device_filter df = {.limit = 50};
	struct store_event_filter ef = {.limit = 50, .device = 3};
	static struct store_device d[50];
	static struct store_event e[50];
	struct store_release r[5];
	struct store_scan_filter sf = {.limit = 100, .tags = true};
	struct store_queue q = {CAMPAIGN, STORE_WAVES, 2000, 1000};
	struct buf plan = buf_of((uint8_t[8]){0}, 8);
	struct store_campaign c;
	struct store_tally t[5];
	struct store_counts k;
	struct store_stats st;
	struct job j[50];
	int64_t at;
	bool needed;
	size_t n;
	int err = 0;

	err |= s->ops->device_list(s, &df, d, &n);
	strcpy(df.tag_name, "site");
	err |= s->ops->device_list(s, &df, d, &n);
	for (uint64_t id = 1; id < 500; id += 37) {
		err |= s->ops->device_get(s, id, d);
		err |= s->ops->job_last(s, id, j);
	}
	err |= s->ops->device_by_addr(s, "10.0.17", d);
	err |= s->ops->event_list(s, &ef, e, &n);
	err |= s->ops->release_list(s, 0, 5, r, &n);
	err |= s->ops->payload_foreach(s, no_cb, NULL);
	err |= s->ops->image_needed(s, (uint8_t[32]){1}, &needed);
	err |= s->ops->campaign_get(s, CAMPAIGN, &c);
	err |= s->ops->campaign_counts(s, CAMPAIGN, &k);
	err |= s->ops->campaign_tally(s, CAMPAIGN, t, 5, &n);
	err |= s->ops->campaign_live(s, 0, 1, &c, &n);
	err |= s->ops->plan_get(s, CAMPAIGN, 0, &plan);
	err |= s->ops->next_due(s, &at);
	err |= s->ops->next_queued(s, CAMPAIGN, STORE_WAVES, &at);
	err |= s->ops->job_list(s, CAMPAIGN, 0, 50, j, &n);
	err |= s->ops->device_scan(s, &sf, no_scan, NULL, &sf.after);
	err |= s->ops->job_active(s, no_job, NULL);
	for (int i = 0; i <= NOTABLE_FAILED; i++)
		err |= s->ops->job_notable(s, CAMPAIGN,
		    (enum store_notable)i, j, 50, &n);
	s->ops->stats(s, &st);
	err |= store_begin(s);
	err |= put_device(s, "new");
	err |= s->ops->device_remove(s, 9);
	err |= s->ops->jobs_due(s, 2000, 1000, j, 50, &n);
	err |= s->ops->jobs_queued(s, &q, j, 50, &n);
	err |= s->ops->plan_put(s, CAMPAIGN, 0, slice_str("plan"));
	err |= s->ops->campaign_remove(s, CAMPAIGN + 1);
	err |= s->ops->event_prune(s, 10, 1000, &ef.after);
	err |= store_commit(s);
	assert_true(err <= 0);
}

static void
no_damage_makes_it_crash(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, false);
	char copy[80], cmd[300];
	unsigned rnd = 11;
	struct store *s;
	struct why why;
	struct stat st;

	fill(f->s, 500);
	store_close(f->s);
	f->s = NULL;
	snprintf(copy, sizeof(copy), "%s.good", f->path);
	snprintf(cmd, sizeof(cmd), "cp %s %s", f->path, copy);
	OK(system(cmd));
	OK(stat(f->path, &st));
	for (int round = 0; round < 60; round++) {
		int fd;

		snprintf(cmd, sizeof(cmd), "cp %s %s; rm -f %s-*", copy,
		    f->path, f->path);
		OK(system(cmd));
		fd = open(f->path, O_WRONLY);
		for (int i = 0; i < 20; i++) {
			uint8_t junk[8];
			off_t at = 100 + rand_r(&rnd) % (st.st_size - 200);

			for (size_t k = 0; k < sizeof(junk); k++)
				junk[k] = (uint8_t)rand_r(&rnd);
			assert_int_equal(pwrite(fd, junk, 8, at), 8);
		}
		close(fd);
		if (round % 10 == 0)
			OK(truncate(f->path, st.st_size / 2));
		if (store_sqlite_open(&o, &s, &why) != 0)
			continue;
		try_everything(s);
		store_close(s);
	}
}

/* --- fast --- */

static void
every_statement_on_the_way_has_its_index(void **state)
{
	struct store *s = store_of(state);
	struct store_event_filter ef = {.limit = 5};
	struct store_device_filter df = {.limit = 5};
	static struct store_device d[5];
	static struct store_event e[5];
	struct store_release r[5];
	struct store_scan_filter sf = {.after = 100, .limit = 5};
	struct store_queue q = {CAMPAIGN, STORE_WAVES, 2000, 1000};
	struct store_campaign c[5];
	struct store_tally t[5];
	struct store_counts k;
	struct store_stats st;
	struct job j[5];
	uint64_t pruned;
	int64_t at;
	bool needed;
	size_t n;

	fill(s, 300);
	for (int i = 0; i < 8; i++) {
		memset(&df, 0, sizeof(df));
		df.limit = 5;
		strcpy(df.after, "dev000100");
		df.have_class = i & 1;
		df.class_id[0] = 7;
		strcpy(df.tag_name, i & 2 ? "site" : "");
		strcpy(df.tag_value, i & 4 && i & 2 ? "3" : "");
		OK(s->ops->device_list(s, &df, d, &n));
		assert_int_equal(n, 5);
	}
	for (int i = 0; i < 10; i++) {
		memset(&ef, 0, sizeof(ef));
		ef.limit = 5;
		ef.newest_first = i % 2;
		ef.device = i / 2 == 1 ? 30 : 0;
		ef.job = i / 2 == 2 ? 30 : 0;
		ef.campaign = i / 2 == 3;
		ef.release = i / 2 == 4;
		OK(s->ops->event_list(s, &ef, e, &n));
	}
	OK(s->ops->device_by_ep(s, "dev000100", d));
	OK(s->ops->device_by_addr(s, "10.0.100", d));
	OK(s->ops->device_by_reg(s, 100, d));
	OK(s->ops->release_list(s, 0, 5, r, &n));
	OK(s->ops->release_current(s, (uint8_t[16]){7}, r));
	OK(s->ops->release_by_digest(s, (uint8_t[32]){1}, r));
	OK(s->ops->image_needed(s, (uint8_t[32]){1}, &needed));
	OK(ALONE(s, s->ops->release_set_state(s, 1, RELEASE_WITHDRAWN)));
	OK(s->ops->image_needed(s, (uint8_t[32]){1}, &needed));
	OK(s->ops->campaign_list(s, 0, 5, c, &n));
	OK(s->ops->campaign_live(s, 0, 5, c, &n));
	OK(s->ops->campaign_counts(s, CAMPAIGN, &k));
	OK(s->ops->campaign_tally(s, CAMPAIGN, t, 5, &n));
	OK(s->ops->device_scan(s, &sf, no_scan, NULL, &sf.after));
	for (int i = 0; i <= NOTABLE_FAILED; i++)
		OK(s->ops->job_notable(s, CAMPAIGN, (enum store_notable)i, j,
		    5, &n));
	OK(s->ops->job_list(s, CAMPAIGN, 100, 5, j, &n));
	OK(s->ops->job_live(s, 100, j));
	OK(s->ops->job_last(s, 100, j));
	OK(s->ops->next_due(s, &at));
	OK(s->ops->next_queued(s, CAMPAIGN, STORE_WAVES, &at));
	OK(ALONE(s, s->ops->jobs_queued(s, &q, j, 5, &n)));
	assert_int_equal(n, 5);
	j[0].state = JOB_NOTIFIED;
	OK(save_job(s, &j[0]));
	OK(s->ops->next_due(s, &at));
	OK(s->ops->job_active(s, no_job, NULL));
	OK(ALONE(s, s->ops->jobs_due(s, 2000, 1000, j, 5, &n)));
	assert_int_equal(n, 1);
	OK(ALONE(s, s->ops->plan_put(s, CAMPAIGN, 0, slice_str("plan"))));
	OK(ALONE(s, s->ops->plan_drop(s, CAMPAIGN)));
	OK(s->ops->campaign_get(s, CAMPAIGN, c));
	c[0].state = CAMPAIGN_PAUSED;
	OK(ALONE(s, s->ops->campaign_save(s, c)));
	FAILS(ALONE(s, s->ops->campaign_remove(s, CAMPAIGN)), ERR_STATE);
	q.campaign = add_campaign(s, 1, 1);
	OK(ALONE(s, s->ops->campaign_remove(s, q.campaign)));
	OK(ALONE(s, seen(s, 3, "10.9.9", 99)));
	OK(ALONE(s, s->ops->device_remove(s, 3)));
	OK(ALONE(s, s->ops->event_prune(s, 100, 50, &pruned)));
	assert_int_equal(put_release(s, 9, 9, &pruned), 0);
	s->ops->stats(s, &st);
	s->ops->stats(s, &st);
	assert_int_equal(st.scans, 0);
}

static int
step(void *arg)
{
	(*(unsigned *)arg)++;
	return 0;
}

/* Steps of SQLite's machine that a look at the queue of `wave` takes. */
static unsigned
steps_of_queue(struct store *s, uint32_t wave, size_t want)
{
	struct store_queue q = {CAMPAIGN, wave, 9999, 10};
	unsigned steps = 0;
	struct job j[5];
	int64_t at;
	size_t n = 9;

	OK(store_begin(s)); /* to have them compiled: that takes steps, too */
	OK(s->ops->next_queued(s, CAMPAIGN, wave, &at));
	OK(s->ops->jobs_queued(s, &q, j, 5, &n));
	assert_int_equal(n, want);
	store_rollback(s);
	sqlite3_progress_handler(sq_of(s)->db, 1, step, &steps);
	OK(store_begin(s));
	OK(s->ops->next_queued(s, CAMPAIGN, wave, &at));
	OK(s->ops->jobs_queued(s, &q, j, 5, &n));
	store_rollback(s);
	sqlite3_progress_handler(sq_of(s)->db, 0, NULL, NULL);
	return steps;
}

static void
add_overdue(struct store *s, unsigned from, unsigned n, uint32_t wave)
{
	struct job j;
	char ep[16];

	OK(store_begin(s));
	for (unsigned i = from; i < from + n; i++) {
		snprintf(ep, sizeof(ep), "q%u", i);
		j = make_job(CAMPAIGN, add_device(s, ep), 1, 1 + i);
		j.wave = wave;
		j.last_fail = i % 2 ? FAIL_TRANSPORT : FAIL_NONE;
		OK(s->ops->job_put(s, &j));
	}
	OK(store_commit(s));
}

static void
waves_that_are_closed_cost_nothing(void **state)
{
	struct store *s = store_of(state);
	unsigned few, open;

	add_campaign(s, add_release(s, 1), 1);
	add_overdue(s, 0, 10, 1);
	add_overdue(s, 10, 10, 2);
	few = steps_of_queue(s, 0, 0);
	open = steps_of_queue(s, 1, 5);
	add_overdue(s, 20, 1000, 2);
	assert_int_equal(steps_of_queue(s, 0, 0), few);
	assert_int_equal(steps_of_queue(s, 1, 5), open);
	/* nor does what waits behind the few that fit */
	assert_true(steps_of_queue(s, 2, 5) < 2 * open);
}

/* check_plans asserts this of every statement that a test runs. */
static void
a_statement_that_walks_a_table_is_found_out(void **state)
{
	static const char *const walk[] = {
		"SELECT * FROM device",
		"SELECT ep FROM device AS x WHERE x.version = '1'",
		"SELECT * FROM campaign c JOIN job j ON j.release = c.id",
		"SELECT due FROM job WHERE state = 5 ORDER BY due LIMIT 1",
		"SELECT EXISTS (SELECT 1 FROM event WHERE kind = 'job')",
		"SELECT * FROM (SELECT ep FROM device_tag WHERE value = '1')",
		"UPDATE job SET due = 1 WHERE release = 1",
		"DELETE FROM event WHERE at < 3",
		" /* scans */ SELECT * FROM device",
	};
	static const char *const led[] = {
		"/* scans */ SELECT * FROM device",
		"SELECT 1",
		"SELECT d.ep FROM device d WHERE d.id > 3 ORDER BY d.id",
		"SELECT * FROM (SELECT max(id) FROM event UNION ALL SELECT 1)",
		"INSERT INTO meta VALUES ('scan', x'00')",
	};
	sqlite3 *db = sq_of(store_of(state))->db;
	char line[200] = "";

	for (size_t i = 0; i < sizeof(walk) / sizeof(walk[0]); i++) {
		assert_true(sq_plan_scans(db, walk[i], line, sizeof(line)));
		assert_memory_equal(line, "SCAN ", 5);
	}
	for (size_t i = 0; i < sizeof(led) / sizeof(led[0]); i++)
		assert_false(sq_plan_scans(db, led[i], line, sizeof(line)));
	/* what a trigger does is seen with the statement that fires it */
	OK(sqlite3_exec(db, "CREATE TRIGGER walker AFTER INSERT ON meta BEGIN"
	    " DELETE FROM event WHERE kind = new.name; END", NULL, NULL,
	    NULL));
	assert_true(sq_plan_scans(db, led[4], line, sizeof(line)));
}

/* The store dies by it, with the statement on its stack. */
static void
a_store_that_checks_plans_dies_of_a_walk(void **state)
{
	static const char WALK[] = "SELECT count(*) FROM device WHERE gap = 1";
	struct sq *s = sq_of(store_of(state));
	int64_t n = 7;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		_exit(sq_int(s, Q0(WALK), &n) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	s->check_plans = false;
	OK(sq_int(s, Q0(WALK), &n));
	assert_int_equal(n, 0);
}

static void
statements_are_counted_and_sleep_runs_none(void **state)
{
	struct store *s = store_of(state);
	struct store_stats a, b;
	struct store_device d;

	s->ops->stats(s, &a);
	s->ops->stats(s, &b);
	assert_int_equal(a.statements, b.statements);
	FAILS(s->ops->device_get(s, 1, &d), ERR_NOT_FOUND);
	s->ops->stats(s, &b);
	assert_int_equal(b.statements, a.statements + 1);
	add_device(s, "a"); /* begin, insert, commit */
	s->ops->stats(s, &b);
	assert_int_equal(b.statements, a.statements + 4);
	assert_int_equal(b.commits, 1);
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
		T(a_damaged_table_is_told_by_its_verbs_and_the_rest_works),
		T(a_damaged_device_table_leaves_releases_and_images),
		T(no_damage_makes_it_crash),
		T(every_statement_on_the_way_has_its_index),
		T(waves_that_are_closed_cost_nothing),
		T(a_statement_that_walks_a_table_is_found_out),
		T(a_store_that_checks_plans_dies_of_a_walk),
		T(statements_are_counted_and_sleep_runs_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
