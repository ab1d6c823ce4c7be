/*
 * The write-ahead log between its two bounds: checkpointed beside the loop
 * from SYNC_SOFT on, and with the write lock at SYNC_HARD, where whoever else
 * reads the database may keep it from starting anew.
 */
#include "tests/db/twins.h"

#include <sqlite3.h>
#include <string.h>
#include <time.h>

#include "db/store_sync.h"

#define ROWS 8 /* of a commit, some page and a half each */
#define PAGES 32 /* more than it takes */
#define ATTEMPTS 8 /* to meet a checkpoint that is being ended */
#define HANGS_MS 60000

static struct store *s;
static sqlite3 *other;

static int64_t
no_clock(void)
{
	return 0;
}

static int
open_store(void **state)
{
	struct fixture *f;
	struct store_sqlite_opts o = {.clock = no_clock, .full_sync = true};
	struct why why = {0};

	if (open_sqlite(state) != 0)
		return -1;
	f = *state;
	store_close(f->s);
	o.path = f->path;
	if (store_sqlite_open(&o, &f->s, &why) != 0)
		fail_msg("%s", why.text);
	s = f->s;
	assert_true(s->unsynced);
	OK(sqlite3_open(f->path, &other));
	return 0;
}

static int
shut_store(void **state)
{
	OK(sqlite3_close(other));
	return shut(state);
}

static void
sql(const char *text)
{
	OK(sqlite3_exec(other, text, NULL, NULL, NULL));
}

static struct syncer_stats
stats(void)
{
	struct syncer_stats st;

	syncer_stats(s->syncer, &st);
	return st;
}

static int
put(void)
{
	static uint8_t value[STORE_META_MAX];
	static int n;
	char name[] = "a";
	int rc = store_begin(s);

	if (rc != 0)
		return rc;
	memset(value, ++n, sizeof(value)); /* pages that stay are not written */
	for (; name[0] < 'a' + ROWS; name[0]++)
		OK(s->ops->meta_put(s, name, slice_of(value,
		    sizeof(value))));
	OK(store_commit(s));
	return 0;
}

/* What the thread does in its own time. */
#define BECOMES(cond) do { \
	for (int ms_ = 0; ms_ < HANGS_MS && !(cond); ms_++) \
		usleep(1000); \
	assert_true(cond); \
} while (0)

static void
write_until(uint64_t pages)
{
	while (stats().log_pages < pages)
		OK(put());
}

/* For metrics: each commit, sync and checkpoint is in its histogram. */
static void
how_long_things_take_is_kept(void **state)
{
	uint64_t commits = s->commits.n;

	(void)state;
	OK(put());
	assert_int_equal(s->commits.n, commits + 1);
	OK(syncer_ask(s->syncer));
	OK(syncer_wait(s->syncer));
	assert_int_equal(stats().sync.n, stats().syncs);
	assert_true(stats().sync.n > 0);
	assert_int_equal(stats().checkpoint.n, stats().checkpoints);
}

static void
a_checkpoint_begins_at_the_soft_bound(void **state)
{
	uint64_t most = 0, n = 0;

	(void)state;
	write_until(SYNC_SOFT - PAGES);
	assert_in_range(stats().log_pages, SYNC_SOFT - PAGES, SYNC_SOFT - 1);
	OK(syncer_ask(s->syncer)); /* it has woken up and looked around */
	OK(syncer_wait(s->syncer));
	assert_int_equal(stats().checkpoints, 0);
	/* and the log starts anew: it never gets longer than that */
	for (int i = 0; i < 3 * SYNC_SOFT / ROWS; i++) {
		OK(put());
		if (stats().log_pages > most)
			most = stats().log_pages;
		if (stats().log_pages >= SYNC_SOFT) {
			n++;
			BECOMES(stats().checkpoints == n);
		}
	}
	assert_in_range(most, SYNC_SOFT, SYNC_SOFT + PAGES);
	assert_true(n > 1);
	assert_int_equal(stats().failed, 0);
}

/* Commits until one is refused since the thread has the write lock. */
static bool
meet_the_lock(void)
{
	int rc;

	for (uint64_t n = 0; n < ATTEMPTS * SYNC_HARD / ROWS; n++) {
		rc = put();
		if (rc == ERR_BUSY)
			return true;
		OK(rc);
	}
	return false;
}

/* So many pages more; false: a checkpoint has the write lock. */
static bool
writes_on(void)
{
	uint64_t to = stats().log_pages + SYNC_SOFT;
	int rc;

	while (stats().log_pages < to) {
		rc = put();
		if (rc == ERR_BUSY)
			return false;
		OK(rc);
	}
	return true;
}

static void
look_again(void)
{
	syncer_tick(s->syncer);
	OK(syncer_ask(s->syncer));
	OK(syncer_wait(s->syncer));
}

static void
a_reader_that_pins_the_log_is_not_waited_for(void **state)
{
	time_t end = time(NULL) + HANGS_MS / 1000;
	uint64_t n;

	(void)state;
	OK(put());
	sql("BEGIN; SELECT count(*) FROM meta");
	write_until(SYNC_HARD - PAGES); /* beside the loop: nothing fails */
	BECOMES(stats().checkpoints > 0);
	assert_int_equal(stats().failed, 0);
	assert_false(stats().stuck);
	/* with the lock: it is given up, and said */
	assert_true(meet_the_lock());
	BECOMES(stats().stuck);
	assert_true(stats().failed > 0);
	assert_int_equal(stats().why.err, ERR_BUSY);
	/* writing goes on, and it is not tried again and again: only as long
	 * as it is us, stopped in a commit, who are in the way */
	while (!writes_on())
		assert_true(time(NULL) < end);
	n = stats().failed;
	for (int i = 0; i < 10; i++)
		look_again();
	assert_int_equal(stats().failed, n);
	assert_true(stats().stuck);
	/* the reader goes: the log starts anew */
	sql("COMMIT");
	syncer_tick(s->syncer);
	BECOMES(!stats().stuck);
	OK(put());
	assert_in_range(stats().log_pages, 1, PAGES);
}

static void
who_writes_without_a_pause_lets_it_in(void **state)
{
	time_t end = time(NULL) + HANGS_MS / 1000;
	uint64_t was = 0, now, anew = 0;
	int rc;

	(void)state;
	for (int i = 0; i < 5 * SYNC_HARD / ROWS || anew == 0; i++) {
		do
			rc = put();
		while (rc == ERR_BUSY);
		OK(rc);
		now = stats().log_pages;
		anew += now < was;
		was = now;
		assert_true(time(NULL) < end || anew > 0);
	}
	BECOMES(stats().checkpoints > 0);
	/* one may have failed: while we were stopped in a commit */
	BECOMES(!stats().stuck);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_store, shut_store)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(how_long_things_take_is_kept),
		T(a_checkpoint_begins_at_the_soft_bound),
		T(who_writes_without_a_pause_lets_it_in),
		T(a_reader_that_pins_the_log_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
