#include "daemon/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "daemon/disk.h"
#include "daemon/log.h"
#include "db/store_copy.h"
#include "db/store_sync.h"
#include "lib/digest.h"
#include "lib/text.h"

#define META "backup" /* moment of the last good one, 8 bytes */
#define TICK_MS 10000
#define ACTIVE_MS 5000 /* who asked within this time is at it */
#define OTHER_MS 60000 /* if that was another operator */
#define STEP (1024 * 1024) /* bytes hashed at a time */
#define PIECE (64 * 1024)

struct backups {
	struct app *app;
	char dir[512], file[544];
	int64_t last; /* of META */
	uint64_t lost; /* see backup_view */
	enum backup_state state;
	char id[17], by[LIMIT_PSK_IDENTITY + 1];
	int64_t created, asked; /* asked: monotonic */
	struct audit_head audit; /* durable before it began */
	struct why why;
	struct slice map;
	uint8_t (*mark)[8]; /* of each part */
	size_t parts;
	uint8_t digest[32];

	/* the chore's, while it is copied */
	struct chore chore;
	struct store_copy *copy; /* NULL: it is being hashed */
	struct store_copied progress;
	struct digest_ctx *whole, *part;
	int fd, err;
	uint64_t off;
	_Atomic bool unwanted;
};

/* --- the thread --- */

static int
begin_hash(struct backups *b)
{
	struct stat st;

	b->fd = open(b->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (b->fd < 0 || fstat(b->fd, &st) != 0 || st.st_size == 0)
		return why_set(&b->why, ERR_IO, "%s: %s", b->file,
		    strerror(errno));
	b->parts = ((size_t)st.st_size + LIMIT_BACKUP_PART - 1) /
	    LIMIT_BACKUP_PART;
	b->mark = calloc(b->parts, sizeof(*b->mark));
	b->whole = digest_new(DIGEST_SHA256);
	if (b->mark == NULL || b->whole == NULL)
		return ERR_NOMEM;
	b->map.n = (size_t)st.st_size;
	return 0;
}

static int
end_part(struct backups *b, size_t n)
{
	struct digest d;
	int rc = digest_final(b->part, &d);

	digest_free(b->part);
	b->part = NULL;
	if (rc == 0)
		memcpy(b->mark[n], d.b, sizeof(b->mark[n]));
	return rc;
}

static int
hash_piece(struct backups *b)
{
	uint8_t buf[PIECE];
	ssize_t n = pread(b->fd, buf, sizeof(buf), (off_t)b->off);
	int rc;

	if (n <= 0)
		return why_set(&b->why, ERR_IO, "%s: %s", b->file, n < 0 ?
		    strerror(errno) : "it has become shorter");
	if (b->part == NULL)
		b->part = digest_new(DIGEST_SHA256);
	if (b->part == NULL)
		return ERR_NOMEM;
	rc = digest_update(b->whole, slice_of(buf, (size_t)n));
	if (rc == 0)
		rc = digest_update(b->part, slice_of(buf, (size_t)n));
	b->off += (uint64_t)n;
	if (rc == 0 && (b->off % LIMIT_BACKUP_PART == 0 ||
	    b->off >= b->map.n))
		rc = end_part(b, (size_t)((b->off - 1) / LIMIT_BACKUP_PART));
	return rc;
}

/* Pieces divide parts: none crosses the end of one. */
static bool
hash_some(struct backups *b)
{
	struct digest d;

	for (int i = 0; b->err == 0 && i < STEP / PIECE &&
	    b->off < b->map.n; i++)
		b->err = hash_piece(b);
	if (b->err != 0)
		return true;
	if (b->off < b->map.n)
		return false;
	b->err = digest_final(b->whole, &d);
	if (b->err == 0)
		memcpy(b->digest, d.b, sizeof(b->digest));
	return true;
}

static bool
step(struct chore *c)
{
	struct backups *b = (struct backups *)((char *)c -
	    offsetof(struct backups, chore));

	if (atomic_load(&b->unwanted))
		return true;
	if (b->copy == NULL)
		return hash_some(b);
	if (!store_copy_step(b->copy))
		return false;
	b->err = store_copy_end(b->copy, &b->why);
	b->copy = NULL;
	if (b->err == 0)
		b->err = begin_hash(b);
	return b->err != 0;
}

/* --- the loop: how it ends --- */

static void
forget(struct backups *b)
{
	if (b->map.p != NULL)
		munmap((void *)b->map.p, b->map.n);
	b->map = SLICE_NONE;
	free(b->mark);
	b->mark = NULL;
	b->parts = 0;
	if (unlink(b->file) != 0 && errno != ENOENT)
		log_warn("backup: %s: %s", b->file, strerror(errno));
	b->state = BACKUP_NONE;
}

static int
map(struct backups *b)
{
	void *p = mmap(NULL, b->map.n, PROT_READ, MAP_SHARED, b->fd, 0);

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	b->map.p = p;
	return 0;
}

/* What the thread had is let go of, whatever became of it. */
static int
end_chore(struct backups *b, bool dropped)
{
	int rc = b->err;

	if (dropped || atomic_load(&b->unwanted))
		rc = ERR_CANCELLED;
	if (b->copy != NULL)
		(void)!store_copy_end(b->copy, NULL);
	b->copy = NULL;
	if (rc == 0)
		rc = map(b);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	digest_free(b->whole);
	digest_free(b->part);
	b->whole = b->part = NULL;
	if (b->app->store->syncer != NULL)
		syncer_hold(b->app->store->syncer, false);
	return rc;
}

static void
on_done(struct chore *c)
{
	struct backups *b = (struct backups *)((char *)c -
	    offsetof(struct backups, chore));
	int rc = end_chore(b, c->dropped);

	if (rc == 0) {
		b->state = BACKUP_READY;
		b->asked = loop_mono(b->app->loop);
		log_info("backup: id=%s by=%s bytes=%zu ready", b->id, b->by,
		    b->map.n);
		return;
	}
	forget(b);
	if (rc == ERR_CANCELLED)
		return;
	b->state = BACKUP_FAILED;
	b->err = rc;
	if (b->why.text[0] == '\0')
		why_set(&b->why, rc, "%s", err_text(rc));
	log_error("backup: id=%s by=%s failed: %s", b->id, b->by,
	    b->why.text);
}

/* --- and begins --- */

static uint64_t
file_size(const char *state_dir, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The copy may be as large as the database and all of its log. */
static int
check_space(struct backups *b, uint64_t *ret_reserve, struct why *why)
{
	const char *dir = b->app->conf.state_dir;
	uint64_t need = file_size(dir, "suitd.db") +
	    file_size(dir, "suitd.db-wal"), free_bytes;
	struct statvfs fs;

	/* made when it is needed: a full disk is no reason not to start */
	if ((mkdir(b->dir, 0700) != 0 && errno != EEXIST) ||
	    statvfs(b->dir, &fs) != 0)
		return why_set(why, errno == ENOSPC || errno == EDQUOT ?
		    ERR_NOSPACE : ERR_IO, "%s: %s", b->dir,
		    strerror(errno));
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	*ret_reserve = (uint64_t)fs.f_blocks * fs.f_frsize / 16;
	if (*ret_reserve > LIMIT_BACKUP_LEFT)
		*ret_reserve = LIMIT_BACKUP_LEFT;
	if (free_bytes >= need + *ret_reserve)
		return 0;
	return why_set(why, ERR_NOSPACE, "a snapshot of the database takes up "
	    "to %" PRIu64 " KiB in %s, where %" PRIu64 " KiB are free and %"
	    PRIu64 " have to stay free", need >> 10, b->dir, free_bytes >> 10,
	    *ret_reserve >> 10);
}

static int
launch(struct backups *b, uint64_t reserve)
{
	char from[512];
	const struct store_copy_opts o = {from, b->file, reserve,
	    &b->progress};
	int rc;

	snprintf(from, sizeof(from), "%s/suitd.db", b->app->conf.state_dir);
	rc = store_copy_begin(&o, &b->copy);
	if (rc != 0)
		return rc;
	b->chore = (struct chore){.step = step, .done = on_done};
	b->fd = -1;
	b->err = 0;
	b->off = 0;
	b->why.text[0] = '\0';
	atomic_store(&b->unwanted, false);
	atomic_store(&b->progress.done, 0);
	atomic_store(&b->progress.total, 0);
	b->state = BACKUP_COPYING;
	if (b->app->store->syncer != NULL)
		syncer_hold(b->app->store->syncer, true);
	if (b->app->disk != NULL) {
		disk_add(b->app->disk, &b->chore, DISK_IDLE);
		return 0;
	}
	while (!step(&b->chore))
		continue;
	on_done(&b->chore);
	return 0;
}

/* May `by` have what is there put away for a new one? */
static int
check_turn(const struct backups *b, const char *by, struct why *why)
{
	int64_t idle = loop_mono(b->app->loop) - b->asked;

	if (b->state == BACKUP_NONE || b->state == BACKUP_FAILED)
		return 0;
	if (b->state == BACKUP_COPYING || idle < ACTIVE_MS)
		return why_set(why, ERR_STATE, "a backup is being made by %s; "
		    "one at a time", b->by);
	if (strcmp(b->by, by) != 0 && idle < OTHER_MS)
		return why_set(why, ERR_STATE, "a backup is being made by %s, "
		    "who was here %d s ago; one at a time", b->by,
		    (int)(idle / 1000));
	return 0;
}

static int
count_lost(void *arg, const struct store_payload *p, enum release_state st)
{
	struct backups *b = arg;

	b->lost += st != RELEASE_WITHDRAWN &&
	    !blob_known(b->app->blobs, p->digest);
	return 0;
}

int
backup_start(struct app *app, const char *by, const char *id,
    struct why *why)
{
	struct backups *b = app->backups;
	struct audit_stats audit;
	uint64_t reserve = 0;
	int rc = check_turn(b, by, why);

	if (rc != 0)
		return rc;
	forget(b);
	rc = check_space(b, &reserve, why);
	b->lost = 0;
	if (rc == 0)
		rc = app->store->ops->payload_foreach(app->store, count_lost,
		    b);
	if (rc != 0)
		return why->err != 0 ? rc : why_set(why, rc, "backup: %s",
		    err_text(rc));
	if (id[0] != '\0')
		snprintf(b->id, sizeof(b->id), "%s", id);
	else
		snprintf(b->id, sizeof(b->id), "%016" PRIx64,
		    loop_rand(app->loop));
	snprintf(b->by, sizeof(b->by), "%s", by);
	b->created = loop_now(app->loop);
	audit_stats(app, &audit);
	b->audit = audit.head;
	b->asked = loop_mono(app->loop);
	rc = launch(b, reserve);
	if (rc != 0)
		return why_set(why, rc, "backup: %s", err_text(rc));
	log_info("backup: id=%s by=%s begun", b->id, b->by);
	return 0;
}

/* --- what is there --- */

int
backup_get(struct app *app, const char *id, struct backup_view *ret)
{
	struct backups *b = app->backups;

	if (b->state == BACKUP_NONE ||
	    (id != NULL && strcmp(b->id, id) != 0) ||
	    (b->state == BACKUP_COPYING && atomic_load(&b->unwanted)))
		return ERR_NOT_FOUND;
	b->asked = loop_mono(app->loop);
	*ret = (struct backup_view){.state = b->state, .created = b->created};
	strcpy(ret->id, b->id);
	strcpy(ret->by, b->by);
	ret->expires = loop_now(app->loop) + LIMIT_BACKUP_IDLE * 1000;
	ret->lost = b->lost;
	ret->audit = b->audit;
	ret->done = atomic_load(&b->progress.done);
	ret->total = atomic_load(&b->progress.total);
	if (b->state == BACKUP_READY) {
		ret->size = b->map.n;
		memcpy(ret->digest, b->digest, sizeof(ret->digest));
	}
	if (b->state == BACKUP_FAILED)
		ret->why = b->why;
	return 0;
}

int
backup_part(struct app *app, uint64_t n, struct slice *ret,
    uint8_t ret_mark[8])
{
	struct backups *b = app->backups;

	if (b->state != BACKUP_READY || n >= b->parts)
		return ERR_NOT_FOUND;
	*ret = slice_sub(b->map, n * LIMIT_BACKUP_PART, LIMIT_BACKUP_PART);
	memcpy(ret_mark, b->mark[n], 8);
	return 0;
}

void
backup_touch(struct app *app)
{
	app->backups->asked = loop_mono(app->loop);
}

void
backup_drop(struct app *app)
{
	struct backups *b = app->backups;

	if (b->state == BACKUP_COPYING)
		atomic_store(&b->unwanted, true);
	else
		forget(b);
}

int
backup_taken(struct app *app)
{
	struct backups *b = app->backups;
	uint8_t at[8];

	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)((uint64_t)b->created >> (56 - 8 * i));
	return app->store->ops->meta_put(app->store, META,
	    slice_of(at, sizeof(at)));
}

void
backup_over(struct app *app)
{
	app->backups->last = app->backups->created;
	backup_drop(app);
}

bool
backup_holds(const struct app *app)
{
	const struct backups *b = app->backups;

	return b != NULL && (b->state == BACKUP_COPYING ||
	    b->state == BACKUP_READY);
}

int64_t
backup_last(const struct app *app)
{
	return app->backups != NULL ? app->backups->last : 0;
}

/* --- life --- */

void
backups_tick(struct backups *b)
{
	int64_t idle = loop_mono(b->app->loop) - b->asked;

	if (b->state == BACKUP_NONE || idle < LIMIT_BACKUP_IDLE * 1000)
		return;
	log_warn("backup: id=%s by=%s given up: nobody asked for it during "
	    "%d s", b->id, b->by, LIMIT_BACKUP_IDLE);
	backup_drop(b->app);
}

static void
on_tick(void *arg)
{
	backups_tick(arg);
}

static int
recall(struct backups *b)
{
	struct store *s = b->app->store;
	uint8_t at[8];
	struct buf v = buf_of(at, sizeof(at));
	uint64_t n = 0;
	int rc = s->ops->meta_get(s, META, &v);

	for (size_t i = 0; rc == 0 && i < v.n; i++)
		n = n << 8 | at[i];
	b->last = (int64_t)n;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int
backups_new(struct app *app, struct backups **ret, struct why *why)
{
	struct backups *b = calloc(1, sizeof(*b));
	int rc;

	if (b == NULL)
		return why_set(why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	b->app = app;
	b->fd = -1;
	snprintf(b->dir, sizeof(b->dir), "%s/backup", app->conf.state_dir);
	snprintf(b->file, sizeof(b->file), "%s/snapshot.db", b->dir);
	forget(b);
	rc = recall(b);
	if (rc == 0)
		rc = loop_every(app->loop, TICK_MS, on_tick, b);
	if (rc != 0) {
		free(b);
		return why_set(why, rc, "backups: %s", err_text(rc));
	}
	*ret = b;
	return 0;
}

void
backups_free(struct backups *b)
{
	if (b != NULL)
		forget(b);
	free(b);
}
