/*
 * The thread that waits for the disk. It has a connection of its own for
 * checkpoints, and a descriptor of its own for the log: fdatasync concerns
 * the file, whoever wrote it. (Closing that descriptor drops no lock: SQLite
 * locks the database and the -shm, never the -wal.)
 *
 * The loop's connection is at synchronous=NORMAL: its commits do not sync.
 * What NORMAL does sync, and has to, is the first page of a log that starts
 * anew, before the frames behind it: else a crash could leave an old header
 * with old frames that a half-written new log follows, and they would be
 * replayed over a newer database. That one sync happens on the loop unless
 * syncs have been seen to be slow; then the thread makes the first commit of
 * the new log, which costs the loop's connection its page cache.
 *
 * Rejected: synchronous=OFF and truncating the log instead. It relies on file
 * systems not giving freed blocks away before the truncation is durable.
 */
#include "db/store_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/store_sqlite.h"

#define SLOW_US 20000
#define GATHER_US 20000 /* at most */
#define LOCK_MS 200 /* for the loop's turn to end */
#define LEAST 64 /* pages at which a checkpoint may begin */
#define HARD(soft) ((soft) * (SYNC_HARD / SYNC_SOFT))

enum question { NONE, ASKED, BEGUN, ANSWERED };

struct syncer {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* of what follows, never held over I/O */
	pthread_cond_t wake, answered;
	enum question question;
	int err;
	bool stop, tick;
	unsigned held; /* readers that will take long */
	bool shrink, again; /* asked for; tried, and somebody wrote or read */
	uint64_t soft, rest; /* a checkpoint begins at so many pages above the
	                        rest that the last one has left */
	uint64_t pages; /* of the log; 0: not since the last checkpoint */
	struct syncer_stats stats;

	/* the thread's */
	int64_t (*clock)(void);
	sqlite3 *db;
	int log, event;
	bool broken; /* a sync failed: see store_sync.h */
	bool retry; /* a checkpoint failed */
	uint64_t slow_us; /* the slower syncs took so long lately */
	uint64_t mean_us;

	atomic_uint claim; /* odd: the thread has, or wants, the write lock */
};

static uint64_t
soft_mark(const struct syncer *s)
{
	uint64_t pages = SYNC_SOFT;
	struct statvfs st;

	if (fstatvfs(s->log, &st) == 0)
		pages = (uint64_t)st.f_bavail * st.f_frsize / 4096 / 8;
	return pages > SYNC_SOFT ? SYNC_SOFT : pages < LEAST ? LEAST : pages;
}

/* --- the thread --- */

static void
failed(struct syncer *s, int err, const char *what, const char *text)
{
	pthread_mutex_lock(&s->lock);
	s->stats.failed++;
	why_set(&s->stats.why, err, "%s: %s", what, text);
	pthread_mutex_unlock(&s->lock);
}

/* A commit that changes nothing: it writes and syncs the header of the log
 * that starts anew. Should it fail, the loop's next commit does it. */
static void
first_page(struct syncer *s)
{
	char sql[40];
	sqlite3_stmt *st;
	int version = -1, rc;

	rc = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);
	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0)
		return;
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	(void)rc;
}

/* With the write lock, which the loop may miss meanwhile. */
static int
whole(struct syncer *s, bool slow, int *log, int *done)
{
	int rc;

	atomic_fetch_add(&s->claim, 1);
	rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_RESTART,
	    log, done);
	if (rc == SQLITE_OK && slow)
		first_page(s);
	atomic_fetch_add(&s->claim, 1);
	return rc;
}

/* Beside the loop. */
static int
part(struct syncer *s, bool slow, int *log, int *done)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, log, done);

	if (rc == SQLITE_BUSY) /* somebody else is at it: next time */
		return SQLITE_OK;
	if (rc == SQLITE_OK && slow && *log == *done) {
		atomic_fetch_add(&s->claim, 1);
		first_page(s);
		atomic_fetch_add(&s->claim, 1);
	}
	return rc;
}

static int
checkpoint(struct syncer *s, bool all)
{
	bool slow = s->slow_us > SLOW_US;
	int log = 0, done = 0, rc;
	uint64_t rest;
	int64_t from = s->clock();

	rc = all ? whole(s, slow, &log, &done) : part(s, slow, &log, &done);
	rest = log > done ? (uint64_t)log : 0;
	/* somebody else reads the database: not again and again meanwhile */
	if (rc == SQLITE_BUSY && log > 0)
		rest = (uint64_t)log + SYNC_HARD - SYNC_SOFT;
	s->retry = rc != SQLITE_OK && rc != SQLITE_BUSY;
	if (rc != SQLITE_OK)
		failed(s, sq_code(rc), "checkpoint", sqlite3_errmsg(s->db));
	pthread_mutex_lock(&s->lock);
	s->rest = rest;
	s->soft = soft_mark(s);
	lag_add(&s->stats.checkpoint, (uint64_t)(s->clock() - from),
	    from / 1000);
	s->stats.checkpoints += rc == SQLITE_OK;
	s->stats.stuck = rc != SQLITE_OK;
	if (rc == SQLITE_OK && all)
		s->stats.log_pages = 0;
	pthread_mutex_unlock(&s->lock);
	return rc == SQLITE_OK ? 0 : sq_code(rc);
}

/* Has whoever reads the database gone? This waits for nobody. */
static void
look_again(struct syncer *s)
{
	int log = -1, done = -1;

	if (part(s, s->slow_us > SLOW_US, &log, &done) != SQLITE_OK ||
	    log < 0 || log > done)
		return;
	pthread_mutex_lock(&s->lock);
	s->rest = 0;
	s->pages = 0;
	s->stats.checkpoints++;
	s->stats.stuck = false;
	pthread_mutex_unlock(&s->lock);
}

static int
sync_log(struct syncer *s)
{
	int64_t from = s->clock();
	uint64_t took;
	int err = fdatasync(s->log) == 0 ? 0 : errno;

	took = (uint64_t)(s->clock() - from);
	s->slow_us -= s->slow_us / 8;
	if (took > s->slow_us)
		s->slow_us = took;
	s->mean_us = s->mean_us - s->mean_us / 8 + took / 8;
	pthread_mutex_lock(&s->lock);
	lag_add(&s->stats.sync, took, from / 1000);
	s->stats.syncs++;
	if (took > s->stats.longest_us)
		s->stats.longest_us = took;
	pthread_mutex_unlock(&s->lock);
	if (err == 0)
		return 0;
	failed(s, ERR_IO, "sync", strerror(err));
	return err == ENOSPC || err == EDQUOT ? ERR_NOSPACE : ERR_IO;
}

/* Whoever was answered by the last sync speaks again soon: a little patience
 * makes one group of two, which counts when the disk is the slowest. */
static void
gather(struct syncer *s)
{
	uint64_t us = s->mean_us / 4;

	usleep((useconds_t)(us < GATHER_US ? us : GATHER_US));
	pthread_mutex_lock(&s->lock);
	s->question = BEGUN;
	pthread_mutex_unlock(&s->lock);
}

static int
make_durable(struct syncer *s)
{
	int err;

	gather(s);
	err = s->broken ? ERR_IO : sync_log(s);
	if (err == 0)
		return 0;
	s->broken = true;
	if (checkpoint(s, true) != 0)
		return err;
	s->broken = false;
	return 0;
}

static void
answer(struct syncer *s, int err)
{
	uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	s->err = err;
	s->question = ANSWERED;
	while (write(s->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_cond_signal(&s->answered);
	pthread_mutex_unlock(&s->lock);
}

enum task { SYNC, CHECKPOINT, WHOLE, SHRINK, LOOK, STOP };

/* Commits fail meanwhile, or there was room again before. Nobody is waited
 * for: whoever asks shall hear of the disk, and not of us. */
static void
shrink(struct syncer *s)
{
	int rc;

	sqlite3_busy_timeout(s->db, 0);
	atomic_fetch_add(&s->claim, 1);
	rc = sqlite3_wal_checkpoint_v2(s->db, NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	atomic_fetch_add(&s->claim, 1);
	sqlite3_busy_timeout(s->db, LOCK_MS);
	pthread_mutex_lock(&s->lock);
	s->again = (rc & 0xff) == SQLITE_BUSY;
	if (rc == SQLITE_OK) {
		s->broken = false;
		s->rest = s->pages = s->stats.log_pages = 0;
		s->soft = soft_mark(s);
		s->stats.checkpoints++;
		s->stats.stuck = false;
	}
	pthread_mutex_unlock(&s->lock);
}

/* Waits for something to do. What was asked comes first. */
static enum task
next_task(struct syncer *s)
{
	enum task task = STOP;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		bool due = s->retry ? s->tick :
		    s->pages >= s->soft + s->rest;

		if (s->question == ASKED) {
			task = SYNC;
			break;
		}
		if (s->stop)
			break;
		if ((s->shrink || (s->again && s->tick)) && s->held == 0) {
			task = SHRINK;
			s->shrink = s->tick = false;
			break;
		}
		if (due) {
			task = s->stats.log_pages >= HARD(s->soft) &&
			    s->held == 0 ? WHOLE : CHECKPOINT;
			s->pages = 0;
			s->tick = false;
			break;
		}
		if (s->stats.stuck && s->tick) {
			task = LOOK;
			s->tick = false;
			break;
		}
		s->tick = false;
		pthread_cond_wait(&s->wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return task;
}

static void *
run(void *arg)
{
	struct syncer *s = arg;
	enum task task;

	while ((task = next_task(s)) != STOP) {
		if (task == SYNC)
			answer(s, make_durable(s));
		else if (task == LOOK)
			look_again(s);
		else if (task == SHRINK)
			shrink(s);
		else if (checkpoint(s, task == WHOLE) == 0 && task == WHOLE)
			s->broken = false;
	}
	return NULL;
}

/* --- the loop's side --- */

int
syncer_ask(struct syncer *s)
{
	int err = 0;

	pthread_mutex_lock(&s->lock);
	if (s->question == NONE) {
		s->question = ASKED;
		pthread_cond_signal(&s->wake);
	} else if (s->question != ASKED) {
		err = ERR_BUSY;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

bool
syncer_answer(struct syncer *s, int *ret_err)
{
	uint64_t n;
	bool is;

	pthread_mutex_lock(&s->lock);
	is = s->question == ANSWERED;
	if (is) {
		s->question = NONE;
		*ret_err = s->err;
	}
	while (is && read(s->event, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	pthread_mutex_unlock(&s->lock);
	return is;
}

int
syncer_wait(struct syncer *s)
{
	int err = 0;

	pthread_mutex_lock(&s->lock);
	while (s->question == ASKED || s->question == BEGUN)
		pthread_cond_wait(&s->answered, &s->lock);
	pthread_mutex_unlock(&s->lock);
	(void)syncer_answer(s, &err);
	return err;
}

int
syncer_fd(const struct syncer *s)
{
	return s->event;
}

void
syncer_stats(struct syncer *s, struct syncer_stats *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->stats;
	pthread_mutex_unlock(&s->lock);
}

void
syncer_tick(struct syncer *s)
{
	pthread_mutex_lock(&s->lock);
	s->tick = true;
	s->soft = soft_mark(s);
	if (s->stats.stuck || s->again)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void
syncer_hold(struct syncer *s, bool on)
{
	pthread_mutex_lock(&s->lock);
	s->held = on ? s->held + 1 : s->held - 1;
	pthread_mutex_unlock(&s->lock);
}

void
syncer_shrink(struct syncer *s)
{
	pthread_mutex_lock(&s->lock);
	s->shrink = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

unsigned
syncer_claim(struct syncer *s)
{
	return atomic_load(&s->claim);
}

/* After each commit, with the pages of the log. */
static int
on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct syncer *s = arg;

	(void)db;
	(void)name;
	pthread_mutex_lock(&s->lock);
	s->stats.log_pages = s->pages = (uint64_t)pages;
	if (s->pages >= s->soft)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return SQLITE_OK;
}

/* Signals are the loop's. */
static int
start(struct syncer *s)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->running = rc == 0;
	return rc == 0 ? 0 : ERR_UNSUPPORTED;
}

static int
open_files(struct syncer *s, const char *path)
{
	char log[PATH_MAX];
	int rc;

	if ((size_t)snprintf(log, sizeof(log), "%s-wal", path) >= sizeof(log))
		return ERR_SIZE;
	s->log = open(log, O_RDWR | O_CLOEXEC);
	s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->log < 0 || s->event < 0)
		return ERR_IO;
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(s->db, LOCK_MS);
	/* a connection that has read nothing knows of no log */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "PRAGMA wal_autocheckpoint = 0;"
		    "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sq_code(rc);
}

int
syncer_new(sqlite3 *db, const struct store_sqlite_opts *o,
    struct syncer **ret)
{
	struct syncer *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return ERR_NOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	pthread_cond_init(&s->answered, NULL);
	s->log = s->event = -1;
	s->clock = o->clock;
	err = open_files(s, o->path);
	if (err == 0)
		s->soft = soft_mark(s);
	if (err == 0)
		err = start(s);
	if (err != 0) {
		syncer_free(s);
		return err;
	}
	sqlite3_wal_hook(db, on_commit, s); /* and none checkpoints by itself */
	*ret = s;
	return 0;
}

void
syncer_free(struct syncer *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	sqlite3_close(s->db);
	if (s->log >= 0)
		close(s->log);
	if (s->event >= 0)
		close(s->event);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
