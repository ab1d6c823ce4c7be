/*
 * Databases of every schema that was ever released, with rows in every table
 * (tests/db/schema/): this suitd opens them, nothing of them is lost, and
 * what it makes of them is what it makes for itself. A step that is killed or
 * has no room leaves the old one.
 */
#include "tests/db/twins.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db/schema.h"
#include "db/store_check.h"
#include "tests/db/disk.h"
#include "tests/db/psk.h"

#define DIR_OLD "tests/db/schema"
#define TEXT_MAX (256 * 1024)

static int
last_schema(void)
{
	int last = 0;

	for (const struct schema_step *s = schema_steps; s->number != 0; s++)
		last = s->number;
	return last;
}

static int
make_dir(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/suitd-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/suitd.db", f->dir);
	return 0;
}

static void
forget(const struct fixture *f)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -f %s*", f->path);
	OK(system(cmd));
}

static void
sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
}

static int
number_row(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	*(long *)arg = value[0] == NULL ? -1 : strtol(value[0], NULL, 10);
	return 0;
}

static long
number(sqlite3 *db, const char *text)
{
	long v = -1;

	if (sqlite3_exec(db, text, number_row, &v, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	return v;
}

/* In WAL mode, as the suitd of then has left it. */
static void
load(const char *path, int schema)
{
	static char text[TEXT_MAX];
	char name[64];
	sqlite3 *db;
	FILE *in;
	size_t n;

	snprintf(name, sizeof(name), DIR_OLD "/%04d.sql", schema);
	in = fopen(name, "r");
	if (in == NULL)
		fail_msg("%s: a schema that is released needs a database with "
		    "rows in every table", name);
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	assert_true(n > 0 && n < sizeof(text) - 1);
	text[n] = '\0';
	OK(sqlite3_open(path, &db));
	sql(db, text);
	sql(db, "PRAGMA journal_mode = WAL");
	assert_int_equal(number(db, "PRAGMA user_version"), schema);
	OK(sqlite3_close(db));
	OK(chmod(path, 0600));
}

/* --- what is there --- */

static int
empty_table(void *arg, int n, char **value, char **name)
{
	char text[100];

	(void)n;
	(void)name;
	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", value[0]);
	if (number(arg, text) < 1)
		fail_msg("table %s has no row", value[0]);
	return 0;
}

static void
every_schema_has_a_database_with_rows_in_every_table(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	for (int v = 1; v <= last_schema(); v++) {
		forget(f);
		load(f->path, v);
		OK(sqlite3_open(f->path, &db));
		OK(sqlite3_exec(db, "SELECT name FROM sqlite_schema WHERE"
		    " type = 'table' AND name NOT LIKE 'sqlite_%'",
		    empty_table, db, NULL));
		OK(sqlite3_close(db));
	}
}

static int
same_text(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	fail_msg("schema %d: %s", *(int *)arg, value[0]);
	return 0;
}

/* The same tables, columns, indexes and triggers as in a new one. */
static void
what_becomes_of_them_is_what_a_new_one_is(void **state)
{
	static const char diff[] =
	    "SELECT sql FROM (SELECT type, name, sql FROM main.sqlite_schema"
	    " WHERE name NOT LIKE 'sqlite_%' EXCEPT"
	    " SELECT type, name, sql FROM new.sqlite_schema) UNION ALL "
	    "SELECT sql FROM (SELECT type, name, sql FROM new.sqlite_schema"
	    " WHERE name NOT LIKE 'sqlite_%' EXCEPT"
	    " SELECT type, name, sql FROM main.sqlite_schema)";
	struct fixture *f = *state;
	struct fixture made = *f;
	char text[120];
	sqlite3 *db;

	snprintf(made.path, sizeof(made.path), "%s/new.db", f->dir);
	reopen(&made);
	store_close(made.s);
	for (int v = 1; v <= last_schema(); v++) {
		forget(f);
		load(f->path, v);
		reopen(f);
		store_close(f->s);
		f->s = NULL;
		OK(sqlite3_open(f->path, &db));
		snprintf(text, sizeof(text), "ATTACH '%s' AS new", made.path);
		sql(db, text);
		OK(sqlite3_exec(db, diff, same_text, &v, NULL));
		assert_int_equal(number(db, "PRAGMA user_version"),
		    last_schema());
		OK(sqlite3_close(db));
	}
}

struct columns {
	char text[1000];
};

static int
add_column(void *arg, int n, char **value, char **name)
{
	struct columns *c = arg;
	size_t at = strlen(c->text);

	(void)n;
	(void)name;
	snprintf(c->text + at, sizeof(c->text) - at, "%s\"%s\"",
	    at > 0 ? ", " : "", value[0]);
	return 0;
}

/* Rows of the old one, by the columns that they had then, that are not in the
 * new one. */
static int
no_row_lost(void *arg, int n, char **value, char **name)
{
	sqlite3 *db = arg;
	struct columns c = {""};
	char text[3000];

	(void)n;
	(void)name;
	snprintf(text, sizeof(text), "SELECT name FROM"
	    " pragma_table_info('%s', 'old')", value[0]);
	OK(sqlite3_exec(db, text, add_column, &c, NULL));
	assert_true(c.text[0] != '\0');
	snprintf(text, sizeof(text), "SELECT count(*) FROM (SELECT %s FROM"
	    " old.%s EXCEPT SELECT %s FROM main.%s)", c.text, value[0],
	    c.text, value[0]);
	if (number(db, text) != 0)
		fail_msg("table %s: a row is lost, or changed", value[0]);
	return 0;
}

/* job_count became job_tally, which store_check counts anew; psk became
 * credential, of which their_verbs_say tells. */
static void
compare(const struct fixture *f, int schema)
{
	char text[120], copy[100];
	sqlite3 *db;

	snprintf(copy, sizeof(copy), "%s.old", f->path);
	load(copy, schema);
	OK(sqlite3_open(f->path, &db));
	snprintf(text, sizeof(text), "ATTACH '%s' AS old", copy);
	sql(db, text);
	OK(sqlite3_exec(db, "SELECT name FROM old.sqlite_schema WHERE"
	    " type = 'table' AND name NOT LIKE 'sqlite_%' AND"
	    " name NOT IN ('job_count', 'psk')", no_row_lost, db, NULL));
	OK(sqlite3_close(db));
}

static void
found(void *arg, const struct finding *f)
{
	(void)arg;
	fail_msg("%s: %s", f->name, f->what);
}

static void
no_progress(void *arg, const char *what, unsigned long long done,
    unsigned long long all)
{
	(void)arg;
	(void)what;
	(void)done;
	(void)all;
}

static int
no_image(void *arg, const struct store_image *im)
{
	(void)im;
	++*(int *)arg;
	return 0;
}

/* store_check has nothing to find. */
static void
sound(const char *path, int schema)
{
	int images = 0;
	const struct store_check_opts o = {
		.path = path, .finder = {found, no_progress, &images},
		.image = no_image,
	};
	struct store_checked c;
	struct why why;

	if (store_check(&o, &c, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(c.schema, schema);
	assert_true(c.whole && c.devices == 10 && c.releases == 2);
	assert_true(c.jobs == 11 && c.events == 10);
	assert_int_equal(images, 2);
}

static void
nothing_of_them_is_lost(void **state)
{
	struct fixture *f = *state;

	for (int v = 1; v <= last_schema(); v++) {
		forget(f);
		load(f->path, v);
		sound(f->path, v);
		reopen(f);
		store_close(f->s);
		f->s = NULL;
		sound(f->path, last_schema());
		compare(f, v);
	}
}

static void
their_verbs_say(struct store *s)
{
	uint8_t raw[64];
	struct buf out = buf_of(raw, sizeof(raw));
	struct store_author author;
	struct store_device d;
	struct store_release r;
	struct store_payload p[4];
	struct store_event e[12];
	struct store_event_filter ef = {.limit = 12};
	struct store_campaign c;
	struct store_counts k;
	uint64_t device = 0;
	struct job j;
	size_t n = 0;

	OK(s->ops->device_by_ep(s, "d3", &d));
	assert_true(d.id == 3 && d.seq == 3 && d.have_psk && d.reg == 3);
	assert_true(d.tag_count == 1);
	assert_string_equal(d.tag[0].name, "site");
	assert_string_equal(d.tag[0].value, "0");
	OK(psk_get(s, "d3", &device, &out));
	assert_true(device == 3 && out.n == 16);
	OK(s->ops->author_get(s, "bob", &author));
	assert_int_equal(author.class_count, 1);
	OK(s->ops->release_current(s, d.class_id, &r));
	assert_true(r.id == 2 && r.seq == 9 && r.state == RELEASE_LIVE);
	out.n = 0;
	OK(s->ops->release_envelope(s, 2, &out));
	assert_int_equal(out.n, 4);
	OK(s->ops->release_payloads(s, 2, p, 4, &n));
	assert_true(n == 2 && p[0].size == 6000 && p[1].external);
	OK(s->ops->event_list(s, &ef, e, &n));
	assert_true(n == 10 && e[9].at == 310);
	OK(s->ops->campaign_get(s, 1, &c));
	assert_string_equal(c.name, "one");
	OK(s->ops->campaign_counts(s, 1, &k));
	assert_int_equal(k.attempts, 8);
	OK(s->ops->job_live(s, 4, &j));
	assert_true(j.state == JOB_FETCHING && j.done == 1000);
	out.n = 0;
	OK(s->ops->meta_get(s, "admin", &out));
	assert_int_equal(out.n, 5);
}

/* It goes on, too: ids are not given again. */
static void
their_verbs_say_what_they_said(void **state)
{
	struct fixture *f = *state;
	struct store_event e = {.kind = "job"};

	for (int v = 1; v <= last_schema(); v++) {
		forget(f);
		load(f->path, v);
		reopen(f);
		their_verbs_say(f->s);
		assert_int_equal(add_device(f->s, "new"), 11);
		OK(ALONE(f->s, f->s->ops->event_put(f->s, &e)));
		assert_int_equal(e.id, 15);
		store_close(f->s);
		f->s = NULL;
	}
}

/* --- steps that do not end --- */

static unsigned calls, at; /* of the disk; the one that is different */
static int refuse; /* an errno; 0: the process dies there */
static enum disk_op first; /* that was different */

static int
hook(const struct disk_call *c)
{
	if (c->op == DISK_REMOVE || ++calls < at)
		return 0;
	if (refuse == 0)
		kill(getpid(), SIGKILL);
	if (calls == at)
		first = c->op;
	return refuse;
}

static int
version_of(const char *path)
{
	sqlite3 *db;
	long v;

	OK(sqlite3_open(path, &db));
	v = number(db, "PRAGMA user_version");
	OK(sqlite3_close(db));
	return (int)v;
}

static int
try_open(const char *path, struct why *why)
{
	struct store_sqlite_opts o = OPTS(path, true);
	struct store *s = NULL;
	int err;

	calls = 0;
	disk_hook = hook;
	err = store_sqlite_open(&o, &s, why);
	disk_hook = NULL;
	store_close(s);
	return err;
}

/* True while the open had not got as far as call `at`. */
static bool
killed(const char *path)
{
	struct why why;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		_exit(try_open(path, &why) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void
a_kill_leaves_the_old_one_or_the_new_one(void **state)
{
	struct fixture *f = *state;
	unsigned old = 0, new = 0;

	refuse = 0;
	for (int v = 1; v < last_schema(); v++)
		for (at = 1;; at++) {
			bool died;
			int now;

			forget(f);
			load(f->path, v);
			died = killed(f->path);
			now = version_of(f->path);
			assert_true(now == v || now == last_schema());
			old += now == v;
			new += now != v;
			sound(f->path, now);
			reopen(f);
			their_verbs_say(f->s);
			store_close(f->s);
			f->s = NULL;
			sound(f->path, last_schema());
			if (!died)
				break;
		}
	assert_true(old > 20 && new > 0);
}

static void
no_room_leaves_the_old_one(void **state)
{
	struct fixture *f = *state;
	unsigned refused = 0;
	struct why why;
	int err = 0;

	refuse = ENOSPC;
	for (int v = 1; v < last_schema(); v++)
		for (at = 1;; at++) {
			forget(f);
			load(f->path, v);
			err = try_open(f->path, &why);
			if (err == 0)
				break;
			refused++;
			/* SQLite does not say why a sync failed */
			assert_true(err == ERR_NOSPACE ||
			    (err == ERR_IO && first == DISK_SYNC));
			assert_int_equal(version_of(f->path), v);
			sound(f->path, v);
			reopen(f); /* there is room again */
			their_verbs_say(f->s);
			store_close(f->s);
			f->s = NULL;
		}
	assert_true(refused > 20);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, make_dir, shut)
	const struct CMUnitTest tests[] = {
		T(every_schema_has_a_database_with_rows_in_every_table),
		T(what_becomes_of_them_is_what_a_new_one_is),
		T(nothing_of_them_is_lost),
		T(their_verbs_say_what_they_said),
		T(a_kill_leaves_the_old_one_or_the_new_one),
		T(no_room_leaves_the_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
