/*
 * The database says which images there should be, the folders which there
 * are; each is hashed. Findings are kept until the end and printed with the
 * worst first: on a terminal the progress would run through them.
 *
 * Nothing here asks the daemon's own modules: what opens a state directory
 * for service also tidies it, and a check must not.
 */
#include "daemon/fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/blob_walk.h"
#include "db/store_check.h"
#include "lib/text.h"

#define PATH_CAP 1024
#define FINDINGS 1000 /* that are printed; others are counted */
#define PUBLISH "publish it again: suitctl publish ENVELOPE --payload FILE; " \
	"or restore a backup: suitd --restore DIR"

struct fsck {
	const char *dir;
	bool repair, terminal;
	struct audit_head audit_head;
	uint32_t owner; /* whose the directory is */
	struct finding *found;
	size_t found_n, found_cap;
	size_t by_state[FOUND_STATES];
	struct store_checked db;
	struct {
		struct store_image im;
		bool there; /* a file of the right content */
	} *image; /* sorted by digest */
	size_t image_n, image_cap;
	unsigned long long files, bytes, hashed;
};

/* --- what was found --- */

static void *
grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 16;
	p = realloc(p, *cap * size);
	if (p == NULL)
		abort();
	return p;
}

static void
on_found(void *arg, const struct finding *f)
{
	struct fsck *k = arg;

	k->by_state[f->state]++;
	if (k->found_n == FINDINGS)
		return;
	k->found = grow(k->found, k->found_n, &k->found_cap,
	    sizeof(*k->found));
	k->found[k->found_n++] = *f;
}

static const struct {
	const char *name, *todo;
} texts[] = {
	{"image-missing", PUBLISH},
	{"image-unreadable", "the disk fails; copy the state directory to "
	    "another one, then " PUBLISH},
	{"image-size", "restore a backup: suitd --restore DIR"},
	{"image-unused", "nothing has to be done; suitctl image clean drops "
	    "it"},
	{"owner", "chown it to the user that owns the state directory"},
	{"mode", "chmod it, as --repair would"},
	{"strange-file", "suitd did not make it and leaves it alone"},
};

/* A finding; what to do is in the table. */
static void PRINTF(4, 5)
find(struct fsck *k, const char *name, enum finding_state state,
    const char *fmt, ...)
{
	struct finding f = {.name = name, .state = state};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.what, sizeof(f.what), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (state != FOUND_REPAIRED && strcmp(texts[i].name, name) == 0)
			f.todo = texts[i].todo;
	on_found(k, &f);
}

static void
on_progress(void *arg, const char *what, unsigned long long done,
    unsigned long long all)
{
	struct fsck *k = arg;

	if (!k->terminal)
		return;
	if (all > 0)
		fprintf(stderr, "\r%-40s %llu of %llu MiB ", what, done >> 20,
		    all >> 20);
	else
		fprintf(stderr, "\r%-40s ", what);
	fflush(stderr);
}

/* --- who may read what --- */

static void
check_mode(struct fsck *k, const char *path, unsigned mode, unsigned want)
{
	bool done;

	if ((mode & ~want) == 0)
		return;
	done = k->repair && chmod(path, want) == 0;
	find(k, "mode", done ? FOUND_REPAIRED : k->repair ? FOUND_UNSAFE :
	    FOUND_SAFE, "%s has mode %04o, not %04o", path, mode, want);
}

static void
check_owner(struct fsck *k, const char *path, uint32_t owner)
{
	if (owner != k->owner)
		find(k, "owner", FOUND_UNSAFE, "%s is of user %u, the state "
		    "directory of %u", path, owner, k->owner);
}

static void
check_files(struct fsck *k)
{
	static const char *const files[] = {
		"suitd.db", "suitd.db-wal", "suitd.db-shm", "admin.psk",
		"lock",
	};
	char path[PATH_CAP];
	struct stat st;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", k->dir, files[i]);
		if (lstat(path, &st) != 0)
			continue;
		check_mode(k, path, st.st_mode & 07777, 0600);
		check_owner(k, path, st.st_uid);
	}
}

/* --- images --- */

static int
on_image(void *arg, const struct store_image *im)
{
	struct fsck *k = arg;

	k->image = grow(k->image, k->image_n, &k->image_cap,
	    sizeof(*k->image));
	k->image[k->image_n].there = false;
	k->image[k->image_n++].im = *im;
	return 0;
}

/* The first that has this digest, or k->image_n. */
static size_t
first(const struct fsck *k, const uint8_t digest[32])
{
	size_t lo = 0, hi = k->image_n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (memcmp(k->image[mid].im.digest, digest, 32) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
names(const struct fsck *k, size_t i, const uint8_t digest[32])
{
	return i < k->image_n &&
	    memcmp(k->image[i].im.digest, digest, 32) == 0;
}

static void
hashed(void *arg, uint64_t bytes)
{
	struct fsck *k = arg;

	k->hashed += bytes;
	on_progress(k, "images", k->hashed, k->bytes);
}

static void
image_good(struct fsck *k, const struct blob_found *f)
{
	bool needed = false;

	for (size_t i = first(k, f->digest); names(k, i, f->digest); i++) {
		const struct store_image *im = &k->image[i].im;

		k->image[i].there = true;
		needed |= im->needed;
		if (im->size != f->size)
			find(k, "image-size", FOUND_UNSAFE, "release %llu "
			    "(sequence %llu) has %s with %llu bytes, it has "
			    "%llu", (unsigned long long)im->release,
			    (unsigned long long)im->seq, f->path,
			    (unsigned long long)im->size,
			    (unsigned long long)f->size);
	}
	if (k->db.whole && !needed)
		find(k, "image-unused", FOUND_NOTE, "%s, %llu bytes: no "
		    "release needs it", f->path, (unsigned long long)f->size);
}

static void
image_damaged(struct fsck *k, const char *path)
{
	int err = k->repair ? blob_set_aside(k->dir, path) : 0;

	if (err != 0)
		find(k, "image-damaged", FOUND_UNSAFE, "%s is damaged, and "
		    "cannot be moved away: %s", path, err_text(err));
	else
		find(k, "image-damaged", k->repair ? FOUND_REPAIRED :
		    FOUND_SAFE, "%s is damaged%s", path, k->repair ?
		    ", and is now in damaged/" : "; --repair moves it to "
		    "damaged/");
}

static void
check_image(struct fsck *k, const struct blob_found *f)
{
	const struct blob_hash h = {hashed, k};
	uint8_t digest[32];
	int err = blob_hash_file(f->path, &h, digest);

	if (err == ERR_IO)
		find(k, "image-unreadable", FOUND_UNSAFE, "%s: %s", f->path,
		    err_text(err));
	else if (err != 0)
		find(k, "image-unreadable", FOUND_UNSAFE, "%s: not read (%s)",
		    f->path, err_text(err));
	else if (memcmp(digest, f->digest, 32) != 0)
		image_damaged(k, f->path);
	else
		image_good(k, f);
}

static int
on_file(void *arg, const struct blob_found *f)
{
	struct fsck *k = arg;

	check_owner(k, f->path, f->owner);
	switch (f->kind) {
	case BLOB_FOLDER:
		check_mode(k, f->path, f->mode, 0700);
		break;
	case BLOB_IMAGE:
		check_mode(k, f->path, f->mode, 0444);
		check_image(k, f);
		break;
	case BLOB_LEFTOVER:
		find(k, "leftover", !k->repair ? FOUND_SAFE :
		    unlink(f->path) == 0 ? FOUND_REPAIRED : FOUND_UNSAFE,
		    "%s, %llu bytes, of an upload or a backup that broke "
		    "off%s", f->path, (unsigned long long)f->size,
		    k->repair ? "" :
		    "; the next start removes it, too");
		break;
	case BLOB_STRANGE:
		find(k, "strange-file", FOUND_NOTE, "%s", f->path);
		break;
	}
	return 0;
}

static int
on_size(void *arg, const struct blob_found *f)
{
	struct fsck *k = arg;

	if (f->kind == BLOB_IMAGE) {
		k->files++;
		k->bytes += f->size;
	}
	return 0;
}

static void
check_missing(struct fsck *k)
{
	char hex[65];

	for (size_t i = 0; i < k->image_n; i++) {
		const struct store_image *im = &k->image[i].im;

		if (k->image[i].there || !im->needed)
			continue;
		text_hex(slice_of(im->digest, 32), hex, sizeof(hex));
		find(k, "image-missing", FOUND_UNSAFE, "release %llu "
		    "(sequence %llu) has no good image %s%s%s",
		    (unsigned long long)im->release,
		    (unsigned long long)im->seq, hex,
		    im->path[0] != '\0' ? ", path /" : "", im->path);
	}
}

static int
check_images(struct fsck *k, struct why *why)
{
	int rc = blob_walk(k->dir, on_size, k);

	if (rc == 0)
		rc = blob_walk(k->dir, on_file, k);
	if (rc != 0)
		return why_set(why, rc, "%s: images: %s", k->dir,
		    err_text(rc));
	check_missing(k);
	return 0;
}

/* --- the whole --- */

/* The daemon's lock, so that neither meets the other. It is made if need be,
 * for the directory's owner. */
static int
lock(const struct fsck *k, int *ret_fd, struct why *why)
{
	char path[PATH_CAP];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", k->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0 && geteuid() == 0 &&
		    fchown(fd, k->owner, (gid_t)-1) != 0)
			return why_set(why, ERR_IO, "%s: %s", path,
			    strerror(errno));
	}
	if (fd < 0)
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return why_set(why, ERR_BUSY, "a suitd uses %s: stop it first",
		    k->dir);
	}
	*ret_fd = fd;
	return 0;
}

static int
check_dir(struct fsck *k, struct why *why)
{
	struct stat st;

	if (stat(k->dir, &st) != 0)
		return why_set(why, ERR_NOT_FOUND, "%s: %s", k->dir,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return why_set(why, ERR_NOT_FOUND, "%s: not a directory",
		    k->dir);
	k->owner = st.st_uid;
	return 0;
}

static int
check_db(struct fsck *k, struct why *why)
{
	char path[PATH_CAP];
	const struct store_check_opts o = {
		.path = path,
		.repair = k->repair,
		.audit_head = k->audit_head,
		.finder = {on_found, on_progress, k},
		.image = on_image,
	};

	snprintf(path, sizeof(path), "%s/suitd.db", k->dir);
	return store_check(&o, &k->db, why);
}

static int
check_all(struct fsck *k, struct why *why)
{
	struct stat st;
	int fd = -1, rc = check_dir(k, why);

	if (rc == 0)
		rc = lock(k, &fd, why);
	if (rc == 0 && stat(k->dir, &st) == 0)
		check_mode(k, k->dir, st.st_mode & 07777, 0700);
	if (rc == 0)
		rc = check_db(k, why);
	if (rc == 0)
		check_files(k);
	if (rc == 0)
		rc = check_images(k, why);
	if (k->terminal)
		fprintf(stderr, "\r%-70s\r", "");
	if (fd >= 0)
		close(fd);
	return rc;
}

static const char *const words[FOUND_STATES] = {
	[FOUND_NOTE] = "note",
	[FOUND_REPAIRED] = "repaired",
	[FOUND_SAFE] = "safe",
	[FOUND_UNSAFE] = "not safe",
};

static void
print(const struct fsck *k)
{
	char line[4 * sizeof(k->found->what)];

	printf("%s: schema %d, %llu devices, %llu releases, %llu jobs, "
	    "%llu events, %llu images of %llu bytes\n", k->dir, k->db.schema,
	    (unsigned long long)k->db.devices,
	    (unsigned long long)k->db.releases,
	    (unsigned long long)k->db.jobs, (unsigned long long)k->db.events,
	    k->files, k->bytes);
	for (int s = FOUND_STATES - 1; s >= 0; s--)
		for (size_t i = 0; i < k->found_n; i++) {
			const struct finding *f = &k->found[i];

			if ((int)f->state != s)
				continue;
			printf("%-9s %-18s %s\n", words[s], f->name,
			    text_escape(slice_str(f->what), line,
			    sizeof(line)));
			if (f->todo != NULL)
				printf("%28s  %s\n", "->", f->todo);
		}
	printf("%zu not safe to repair, %zu safe to repair%s, %zu repaired, "
	    "%zu notes\n", k->by_state[FOUND_UNSAFE], k->by_state[FOUND_SAFE],
	    k->by_state[FOUND_SAFE] > 0 ? " (suitd --fsck --repair)" : "",
	    k->by_state[FOUND_REPAIRED], k->by_state[FOUND_NOTE]);
}

enum fsck_result
fsck_run(const struct fsck_opts *o)
{
	struct fsck k = {.dir = o->state_dir, .repair = o->repair,
	    .audit_head = o->audit_head, .terminal = isatty(STDERR_FILENO)};
	struct why why = {0};
	int rc = check_all(&k, &why);

	if (rc != 0)
		fprintf(stderr, "suitd: fsck: %s\n", why.text);
	else
		print(&k);
	free(k.found);
	free(k.image);
	if (rc != 0)
		return FSCK_FAILED;
	if (k.by_state[FOUND_UNSAFE] > 0)
		return FSCK_UNSAFE;
	return k.by_state[FOUND_SAFE] + k.by_state[FOUND_REPAIRED] > 0 ?
	    FSCK_REPAIRED : FSCK_CLEAN;
}
