#include "cli/backup_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"

#define SNAPSHOT ".snapshot" /* which one suitd.db.part is of */
#define PIECE (64 * 1024)

static int
fail(const char *path)
{
	cli_usage("%s: %s", path, strerror(errno));
	return CLI_REFUSED;
}

void
backup_dir_file(const struct backup_dir *d, const char *name,
    char ret[BACKUP_DIR_PATH])
{
	snprintf(ret, BACKUP_DIR_PATH, "%s/%s", d->path, name);
}

/* --- the folder --- */

/* Empty, or with one of the files that only a backup has. */
static bool
is_ours(const char *path)
{
	static const char *const sign[] = {BACKUP_FILE, SNAPSHOT};
	struct backup_dir d = {.path = path};
	char file[BACKUP_DIR_PATH];
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	for (size_t i = 0; i < sizeof(sign) / sizeof(sign[0]); i++) {
		backup_dir_file(&d, sign[i], file);
		if (access(file, F_OK) == 0)
			return true;
	}
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while ((e = readdir(dir)) != NULL)
		n += strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "lost+found") != 0;
	closedir(dir);
	return n == 0;
}

static void
read_snapshot(struct backup_dir *d)
{
	char path[BACKUP_DIR_PATH];
	struct slice s;

	backup_dir_file(d, SNAPSHOT, path);
	d->snapshot[0] = '\0';
	if (cli_read(path, sizeof(d->snapshot), &s) != 0)
		return;
	(void)slice_to_cstr(s, d->snapshot, sizeof(d->snapshot));
	free((void *)s.p);
}

static int
make_dir(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? CLI_OK : fail(path);
}

int
backup_dir_open(struct backup_dir *d, const char *path)
{
	int rc;

	*d = (struct backup_dir){.path = path, .fd = -1};
	if (strlen(path) > BACKUP_DIR_PATH - BACKUP_IMAGE_PATH - 16)
		return cli_usage("%s: the name is too long", path);
	rc = make_dir(path);
	if (rc != CLI_OK)
		return rc;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return fail(path);
	if (flock(d->fd, LOCK_EX | LOCK_NB) != 0) {
		cli_usage("%s: another suitctl is at it", path);
		return CLI_REFUSED;
	}
	if (!is_ours(path)) {
		cli_usage("%s: there is something in it, and no backup; name "
		    "an empty or a new folder", path);
		return CLI_REFUSED;
	}
	read_snapshot(d);
	return CLI_OK;
}

void
backup_dir_close(struct backup_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static int
put(const struct backup_dir *d, const char *name, struct slice s)
{
	char path[BACKUP_DIR_PATH];
	int rc;

	backup_dir_file(d, name, path);
	rc = cli_write(path, s, 0600);
	if (rc == 0)
		return CLI_OK;
	cli_usage("%s: %s", path, err_text(rc));
	return CLI_REFUSED;
}

int
backup_dir_begin(struct backup_dir *d, const char *snapshot)
{
	char path[BACKUP_DIR_PATH];

	int rc;

	backup_dir_file(d, BACKUP_DB ".part", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(path);
	snprintf(d->snapshot, sizeof(d->snapshot), "%s", snapshot);
	rc = put(d, SNAPSHOT, slice_str(snapshot));
	/* after the sign that the folder is ours */
	backup_dir_file(d, BACKUP_IMAGES, path);
	return rc == CLI_OK ? make_dir(path) : rc;
}

int
backup_dir_stage(const struct backup_dir *d, const char *name, struct slice s)
{
	char part[BACKUP_IMAGE_PATH];

	snprintf(part, sizeof(part), "%s.part", name);
	return put(d, part, s);
}

int
backup_dir_drop(const struct backup_dir *d, const char *name)
{
	char path[BACKUP_DIR_PATH];

	backup_dir_file(d, name, path);
	return unlink(path) == 0 || errno == ENOENT ? CLI_OK : fail(path);
}

static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? CLI_OK : fail(path);

	if (fd >= 0)
		close(fd);
	return rc;
}

int
backup_dir_void(const struct backup_dir *d)
{
	int rc = backup_dir_drop(d, BACKUP_FILE);

	return rc == CLI_OK ? sync_dir(d->path) : rc;
}

/* The names of the images, too, are on the disk before it says that they are
 * there. */
int
backup_dir_end(const struct backup_dir *d)
{
	char images[BACKUP_DIR_PATH];
	int rc;

	backup_dir_file(d, BACKUP_IMAGES, images);
	rc = sync_dir(images);
	if (rc == CLI_OK)
		rc = sync_dir(d->path);
	if (rc == CLI_OK)
		rc = backup_out_place(d, BACKUP_FILE);
	return rc == CLI_OK ? sync_dir(d->path) : rc;
}

int
backup_dir_over(const struct backup_dir *d)
{
	return backup_dir_drop(d, SNAPSHOT);
}

/* --- images of earlier ones --- */

static int
by_digest(const void *a, const void *b)
{
	return memcmp(((const struct backup_file *)a)->digest,
	    ((const struct backup_file *)b)->digest, 32);
}

/* "HEX" or "HEX.part", as suitctl writes it. */
static bool
is_image(const char *name, struct backup_file *ret, bool *ret_part)
{
	struct buf b = buf_of(ret->digest, sizeof(ret->digest));

	*ret_part = strcmp(name + strspn(name, "0123456789abcdef"),
	    ".part") == 0;
	return strspn(name, "0123456789abcdef") == 64 &&
	    (name[64] == '\0' || *ret_part) &&
	    text_unhex(slice_of(name, 64), &b) == 0;
}

static int
prune_one(int images, const char *name, struct backup_pruned *ret)
{
	struct stat st;

	if (fstatat(images, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    unlinkat(images, name, 0) != 0)
		return fail(name);
	ret->images++;
	ret->bytes += (uint64_t)st.st_size;
	return CLI_OK;
}

int
backup_dir_prune(const struct backup_dir *d, const struct backup_file *keep,
    size_t n, struct backup_pruned *ret)
{
	char path[BACKUP_DIR_PATH];
	struct backup_file f;
	struct dirent *e;
	int rc = CLI_OK;
	bool part;
	DIR *dir;

	backup_dir_file(d, BACKUP_IMAGES, path);
	dir = opendir(path);
	if (dir == NULL)
		return fail(path);
	while (rc == CLI_OK && (e = readdir(dir)) != NULL)
		if (is_image(e->d_name, &f, &part) && (part || n == 0 ||
		    bsearch(&f, keep, n, sizeof(f), by_digest) == NULL))
			rc = prune_one(dirfd(dir), e->d_name, ret);
	closedir(dir);
	return rc;
}

/* --- bytes --- */

/* Up to `max` bytes of a file; false: it cannot be read to there. */
static bool
hash_file(int fd, struct digest_ctx *h, uint64_t max)
{
	static uint8_t buf[PIECE];
	ssize_t n;

	for (uint64_t at = 0; at < max; at += (uint64_t)n) {
		n = pread(fd, buf, max - at < PIECE ? (size_t)(max - at) :
		    PIECE, (off_t)at);
		if (n <= 0 || digest_update(h, slice_of(buf, (size_t)n)) != 0)
			return false;
	}
	return true;
}

static bool
is_this(struct digest_ctx *h, const struct backup_file *f)
{
	struct digest d;

	return digest_final(h, &d) == 0 && memcmp(d.b, f->digest, 32) == 0;
}

bool
backup_dir_have(const struct backup_dir *d, const char *name,
    const struct backup_file *f)
{
	char path[BACKUP_DIR_PATH];
	struct digest_ctx *h;
	struct stat st;
	bool same;
	int fd;

	backup_dir_file(d, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	h = digest_new(DIGEST_SHA256);
	same = h != NULL && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == f->size && hash_file(fd, h, f->size) &&
	    is_this(h, f);
	digest_free(h);
	close(fd);
	return same;
}

/* --- a file in the making --- */

static void
part_path(const struct backup_dir *d, const char *name,
    char ret[BACKUP_DIR_PATH])
{
	char part[BACKUP_IMAGE_PATH + 8];

	snprintf(part, sizeof(part), "%s.part", name);
	backup_dir_file(d, part, ret);
}

int
backup_out_open(struct backup_out *o, const struct backup_dir *d,
    const char *name, uint64_t keep)
{
	char path[BACKUP_DIR_PATH];
	struct stat st;

	*o = (struct backup_out){.dir = d};
	snprintf(o->name, sizeof(o->name), "%s", name);
	part_path(d, name, path);
	o->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	o->hash = digest_new(DIGEST_SHA256);
	if (o->fd < 0 || o->hash == NULL || fstat(o->fd, &st) != 0) {
		backup_out_abort(o);
		return fail(path);
	}
	if (keep > 0)
		o->size = (uint64_t)st.st_size / keep * keep;
	if (!hash_file(o->fd, o->hash, o->size) ||
	    ftruncate(o->fd, (off_t)o->size) != 0 ||
	    lseek(o->fd, (off_t)o->size, SEEK_SET) < 0) {
		backup_out_abort(o);
		return fail(path);
	}
	return CLI_OK;
}

int
backup_out_write(struct backup_out *o, struct slice piece)
{
	char path[BACKUP_DIR_PATH];
	ssize_t n;

	if (digest_update(o->hash, piece) != 0)
		return CLI_REFUSED;
	o->size += piece.n;
	while (piece.n > 0) {
		n = write(o->fd, piece.p, piece.n);
		if (n < 0) {
			part_path(o->dir, o->name, path);
			return fail(path);
		}
		piece = slice_sub(piece, (size_t)n, piece.n);
	}
	return CLI_OK;
}

void
backup_out_abort(struct backup_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	digest_free(o->hash);
	*o = (struct backup_out){.fd = -1};
}

int
backup_out_place(const struct backup_dir *d, const char *name)
{
	char part[BACKUP_DIR_PATH], path[BACKUP_DIR_PATH];

	part_path(d, name, part);
	backup_dir_file(d, name, path);
	return rename(part, path) == 0 ? CLI_OK : fail(path);
}

int
backup_out_end(struct backup_out *o, const struct backup_file *want,
    bool place)
{
	const struct backup_dir *d = o->dir;
	char path[BACKUP_DIR_PATH], name[BACKUP_IMAGE_PATH];
	bool right = o->size == want->size && is_this(o->hash, want);
	int rc = CLI_OK;

	strcpy(name, o->name);
	part_path(d, name, path);
	if (right && fsync(o->fd) != 0)
		rc = fail(path);
	backup_out_abort(o);
	if (!right) {
		unlink(path);
		cli_usage("%s: what came is not what was announced; run it "
		    "again", name);
		return CLI_REFUSED;
	}
	return rc == CLI_OK && place ? backup_out_place(d, name) : rc;
}

/* --- the proof --- */

struct proof {
	const struct backup_dir *d;
	unsigned bad;
};

static void
prove(struct proof *p, const char *name, const struct backup_file *f)
{
	if (backup_dir_have(p->d, name, f))
		return;
	p->bad++;
	cli_usage("%s/%s: missing or not what %s says", p->d->path, name,
	    BACKUP_FILE);
}

static int
prove_image(void *arg, const struct backup_file *f)
{
	char name[BACKUP_IMAGE_PATH];

	backup_image_path(f->digest, name);
	prove(arg, name, f);
	return 0;
}

int
backup_dir_verify(const char *path, struct backup *ret)
{
	struct backup_dir d = {.path = path, .fd = -1};
	struct proof p = {.d = &d};
	char file[BACKUP_DIR_PATH];
	struct why why = {0};
	struct slice text;
	int rc;

	backup_dir_file(&d, BACKUP_FILE, file);
	rc = cli_read(file, LIMIT_BACKUP_FILE, &text);
	if (rc != 0) {
		cli_usage("%s: %s%s", file, err_text(rc), rc ==
		    ERR_NOT_FOUND ? ": no backup, or one that was not ended" :
		    "");
		return CLI_REFUSED;
	}
	rc = backup_read(text, ret, prove_image, &p, &why);
	free((void *)text.p);
	if (rc != 0) {
		cli_usage("%s: %s", path, why.text);
		return CLI_REFUSED;
	}
	prove(&p, BACKUP_DB, &ret->db);
	if (ret->have_keys)
		prove(&p, BACKUP_KEYS, &ret->keys);
	return p.bad == 0 ? CLI_OK : CLI_REFUSED;
}
