/*
 * A loss of power at any moment: what was acknowledged is there, and nothing
 * is half there.
 *
 * What the store asks of the disk is recorded while it works: writes, cuts
 * and syncs of the database and of its log, and the acknowledgements between
 * them. Then files are made as the disk may have them when the power goes at
 * some point of that record: all that was synced until then, and of what was
 * not any sectors or none. From these the store is opened.
 *
 * Assumed of the disk: what fdatasync has returned for stays, and a sector
 * is old or new. That the test sees a loss is shown with a store that does
 * not sync.
 */
#include "tests/db/twins.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/store_check.h"
#include "db/store_sync.h"
#include "tests/db/disk.h"

#define SECTOR 512
#define TRANSACTIONS 150
#define BEHIND 128 /* pages: twice the mark where there is so little room */
#define POINTS 240 /* at which the power goes, for each way to work */
#define OPS 20000
#define FILE_MAX ((size_t)8 << 20)

enum { DB, LOG, FILES };

struct op {
	enum { OP_PUT, OP_CUT, OP_SYNC, OP_ACK } what;
	int file;
	off_t at; /* OP_CUT: the size, OP_ACK: the number */
	size_t n;
	uint8_t *bytes;
};

static struct op ops[OPS];
static size_t ops_n;
static ino_t inode[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Little room is left: checkpoints every few transactions. */
int
fstatvfs(int fd, struct statvfs *st)
{
	(void)fd;
	memset(st, 0, sizeof(*st));
	st->f_bavail = 1;
	st->f_frsize = 4096;
	return 0;
}

static void
record(struct op op)
{
	pthread_mutex_lock(&lock);
	assert_true(ops_n < OPS);
	ops[ops_n++] = op;
	pthread_mutex_unlock(&lock);
}

/* What the real disk is told is of no interest here, and takes its time. */
static int
no_sync(const struct disk_call *c)
{
	return c->op == DISK_SYNC ? DISK_DONE : 0;
}

static int
hook(const struct disk_call *c)
{
	struct op op = {.at = c->at, .n = c->n, .file = -1};
	struct stat st;

	if (c->op == DISK_REMOVE || fstat(c->fd, &st) != 0)
		return no_sync(c);
	for (int i = 0; i < FILES; i++)
		if (st.st_ino == inode[i])
			op.file = i;
	if (op.file < 0) /* the -shm: memory that all share, no more */
		return no_sync(c);
	op.what = c->op == DISK_PUT ? OP_PUT : c->op == DISK_CUT ? OP_CUT :
	    OP_SYNC;
	if (c->op == DISK_PUT) {
		op.bytes = malloc(c->n);
		memcpy(op.bytes, c->bytes, c->n);
	}
	record(op);
	return no_sync(c);
}

/* --- the work --- */

static int64_t ticks;

static int64_t
quick(void)
{
	return 0;
}

/* Each sync seems to have taken long. */
static int64_t
slow(void)
{
	return ticks += 30000;
}

static void
transaction(struct store *s, uint64_t n)
{
	struct store_event e = {.kind = "job", .at = (int64_t)n};
	struct store_device d;

	memset(&d, 0, sizeof(d));
	snprintf(d.ep, sizeof(d.ep), "d%06u", (unsigned)n);
	OK(store_begin(s));
	OK(s->ops->device_put(s, &d));
	OK(s->ops->event_put(s, &e));
	OK(s->ops->meta_put(s, "last", slice_of(&n, sizeof(n))));
	OK(store_commit(s));
	if (s->unsynced) {
		OK(syncer_ask(s->syncer));
		OK(syncer_wait(s->syncer));
	}
	record((struct op){.what = OP_ACK, .at = (off_t)n});
}

/* A thread that gets no turn, on a busy machine, would checkpoint nothing. */
static void
let_it_catch_up(struct store *s, uint64_t *checkpoints)
{
	struct syncer_stats st = {0};

	for (int ms = 0; s->syncer != NULL && ms < 60000; ms++) {
		syncer_stats(s->syncer, &st);
		if (st.log_pages < BEHIND || st.checkpoints > *checkpoints)
			break;
		usleep(1000);
	}
	*checkpoints = st.checkpoints;
}

struct image {
	uint8_t *bytes; /* FILE_MAX */
	size_t n;
};

static void
read_file(const char *path, struct image *im)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	im->n = (size_t)read(fd, im->bytes, FILE_MAX);
	close(fd);
	assert_true(im->n < FILE_MAX);
}

static const char *
name_of(const char *path, int file, char dst[80])
{
	snprintf(dst, 80, "%s%s", path, file == LOG ? "-wal" : "");
	return dst;
}

/* Runs the transactions; `base` is what both files were before. */
static void
work(struct fixture *f, const struct store_sqlite_opts *o,
    struct image base[FILES])
{
	uint64_t checkpoints = 0;
	char name[80];
	struct stat st;
	struct why why;

	reopen(f);
	store_close(f->s);
	if (store_sqlite_open(o, &f->s, &why) != 0)
		fail_msg("%s", why.text);
	for (int i = 0; i < FILES; i++) {
		read_file(name_of(f->path, i, name), &base[i]);
		OK(stat(name, &st));
		inode[i] = st.st_ino;
	}
	disk_hook = hook;
	for (uint64_t n = 1; n <= TRANSACTIONS; n++) {
		transaction(f->s, n);
		let_it_catch_up(f->s, &checkpoints);
	}
	disk_hook = no_sync;
	store_close(f->s);
	f->s = NULL;
}

/* --- the files after it --- */

static void
put(struct image *im, const struct op *op, size_t from, size_t n)
{
	size_t at = (size_t)op->at + from;

	assert_true(at + n <= FILE_MAX);
	if (at > im->n)
		memset(im->bytes + im->n, 0, at - im->n);
	memcpy(im->bytes + at, op->bytes + from, n);
	if (at + n > im->n)
		im->n = at + n;
}

static void
cut(struct image *im, size_t n)
{
	if (n > im->n)
		memset(im->bytes + im->n, 0, n - im->n);
	im->n = n;
}

static void
apply(struct image *im, const struct op *op)
{
	if (op->what == OP_PUT)
		put(im, op, 0, op->n);
	else if (op->what == OP_CUT)
		cut(im, (size_t)op->at);
}

enum luck { NOTHING, ALL, SECTORS, WRITES, LATEST, LUCKS };

struct fate {
	enum luck luck;
	unsigned seed;
	size_t dropped; /* LATEST: the first ones that were not synced */
};

/* An operation that was not synced. */
static void
apply_some(struct image *im, const struct op *op, struct fate *f)
{
	bool coin = rand_r(&f->seed) % 2;

	if (f->luck == ALL || (f->luck == WRITES && coin) ||
	    (f->luck == LATEST && f->dropped == 0) ||
	    (f->luck == SECTORS && op->what == OP_CUT && coin))
		apply(im, op);
	else if (f->luck == SECTORS && op->what == OP_PUT)
		for (size_t i = 0; i < op->n; i += SECTOR)
			if (rand_r(&f->seed) % 2)
				put(im, op, i, op->n - i < SECTOR ?
				    op->n - i : SECTOR);
	f->dropped -= f->dropped > 0;
}

/* What the disk has of a file when the power goes before ops[end]. */
static void
remains(struct image *im, int file, size_t end, enum luck luck)
{
	struct fate f = {luck, (unsigned)end, 0};
	size_t synced = 0, open = 0;

	for (size_t i = 0; i < end; i++) {
		if (ops[i].what == OP_ACK || ops[i].file != file)
			continue;
		open++;
		if (ops[i].what != OP_SYNC)
			continue;
		synced = i;
		open = 0;
	}
	if (open > 0)
		f.dropped = (size_t)rand_r(&f.seed) % (open + 1);
	for (size_t i = 0; i < end; i++) {
		if (ops[i].what == OP_ACK || ops[i].file != file)
			continue;
		if (i < synced)
			apply(im, &ops[i]);
		else
			apply_some(im, &ops[i], &f);
	}
}

static void
write_file(const char *path, const struct image *im)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, im->bytes, im->n), im->n);
	close(fd);
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
	(void)arg;
	(void)im;
	return 0;
}

/* Everything up to the last one is whole; which that is. */
static uint64_t
whole(struct fixture *f)
{
	const struct store_check_opts o = {
		.path = f->path, .finder = {found, no_progress, NULL},
		.image = no_image,
	};
	struct store_checked c;
	struct why why;
	uint64_t last = 0;
	struct buf out = buf_of(&last, sizeof(last));
	struct store_device d;

	reopen(f);
	if (f->s->ops->meta_get(f->s, "last", &out) != 0)
		last = 0;
	snprintf(d.ep, sizeof(d.ep), "d%06u", (unsigned)last);
	assert_int_equal(f->s->ops->device_by_ep(f->s, d.ep, &d),
	    last > 0 ? 0 : ERR_NOT_FOUND);
	store_close(f->s);
	f->s = NULL;
	if (store_check(&o, &c, &why) != 0)
		fail_msg("%s", why.text);
	assert_true(c.devices == last && c.events == last);
	return last;
}

/* How many acknowledged transactions are lost. */
static uint64_t
lose_power(struct fixture *f, const struct image base[FILES], size_t end,
    enum luck luck)
{
	uint64_t acked = 0, last;
	struct image im = {malloc(FILE_MAX), 0};
	char name[80];

	for (int i = 0; i < FILES; i++) {
		memcpy(im.bytes, base[i].bytes, base[i].n);
		im.n = base[i].n;
		remains(&im, i, end, luck);
		write_file(name_of(f->path, i, name), &im);
	}
	free(im.bytes);
	snprintf(name, sizeof(name), "%s-shm", f->path);
	(void)remove(name);
	for (size_t i = 0; i < end; i++)
		if (ops[i].what == OP_ACK)
			acked = (uint64_t)ops[i].at;
	last = whole(f);
	assert_true(last <= acked + 1);
	return last < acked ? acked - last : 0;
}

/* What is lost at all points together. */
static uint64_t
lost(struct fixture *f, const struct store_sqlite_opts *o)
{
	struct image base[FILES] = {{malloc(FILE_MAX), 0},
	    {malloc(FILE_MAX), 0}};
	struct fixture after = *f;
	unsigned rnd = 5, checkpoints = 0;
	uint64_t sum = 0;

	ops_n = 0;
	work(f, o, base);
	for (size_t i = 0; i < ops_n; i++)
		checkpoints += ops[i].what == OP_PUT && ops[i].file == DB &&
		    (i == 0 || ops[i - 1].file != DB);
	assert_true(checkpoints > 0); /* or it would prove little */
	snprintf(after.path, sizeof(after.path), "%s/after.db", f->dir);
	for (unsigned i = 0; i < POINTS; i++)
		sum += lose_power(&after, base, 1 + (size_t)rand_r(&rnd) %
		    ops_n, (enum luck)(i % LUCKS));
	for (size_t i = 0; i < ops_n; i++)
		free(ops[i].bytes);
	free(base[DB].bytes);
	free(base[LOG].bytes);
	memset(ops, 0, sizeof(ops));
	return sum;
}

static int
make_dir(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	disk_hook = no_sync;
	snprintf(f->dir, sizeof(f->dir), "/tmp/suitd-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/suitd.db", f->dir);
	return 0;
}

static void
commits_that_sync_are_there(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, true);

	assert_int_equal(lost(f, &o), 0);
}

static void
and_those_that_a_thread_syncs(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, true);

	o.clock = quick;
	assert_int_equal(lost(f, &o), 0);
}

static void
and_on_a_slow_disk(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, true);

	o.clock = slow;
	assert_int_equal(lost(f, &o), 0);
}

/* Never half there, even so. */
static void
a_store_that_does_not_sync_loses_and_is_whole(void **state)
{
	struct fixture *f = *state;
	struct store_sqlite_opts o = OPTS(f->path, false);

	o.clock = quick;
	assert_true(lost(f, &o) > 0);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, make_dir, shut)
	const struct CMUnitTest tests[] = {
		T(commits_that_sync_are_there),
		T(and_those_that_a_thread_syncs),
		T(and_on_a_slow_disk),
		T(a_store_that_does_not_sync_loses_and_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
