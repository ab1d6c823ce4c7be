/*
 * Uploads: hashed on their way to a temporary file, then given their name.
 * What was written is sent to the disk as it comes, so that the last sync has
 * little left to wait for.
 */
#include "db/blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/digest.h"

#define WRITEBACK (1024 * 1024) /* bytes */

struct blob_put {
	struct blob_store *bs;
	struct digest_ctx *hash;
	uint64_t size, sent; /* sent: the disk was told to write these */
	int fd;
	int err; /* the first one; it stays */
	int disk; /* the disk's part in it */
	bool there; /* the store has it already: nothing is to be placed */
	bool named; /* the file has a name, as yet `path` */
	uint8_t digest[32];
	char path[PATH_MAX], name[PATH_MAX]; /* name: as an image */
};

/* Without a name, so that an upload that breaks off leaves nothing, however
 * that comes. Not every file system can, and the name is given through /proc. */
static void
open_file(struct blob_put *p)
{
	snprintf(p->path, sizeof(p->path), "%s/tmp", p->bs->dir);
	if (access("/proc/self/fd", X_OK) == 0) {
		p->fd = open(p->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (p->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
			return;
	}
	snprintf(p->path, sizeof(p->path), "%s/tmp/XXXXXX", p->bs->dir);
	p->fd = mkostemp(p->path, O_CLOEXEC);
	p->named = p->fd >= 0;
}

int
blob_put_begin(struct blob_store *bs, struct blob_put **ret)
{
	struct blob_put *p = calloc(1, sizeof(*p));
	int err;

	if (p == NULL)
		return ERR_NOMEM;
	p->bs = bs;
	p->hash = digest_new(DIGEST_SHA256);
	open_file(p);
	if (p->fd < 0 || p->hash == NULL) {
		err = p->fd < 0 ? blob_code(errno) : ERR_CRYPTO;
		p->disk = p->fd < 0 ? err : 0;
		blob_put_abort(p);
		return err;
	}
	*ret = p;
	return 0;
}

static int
write_all(int fd, struct slice in)
{
	while (in.n > 0) {
		ssize_t n = write(fd, in.p, in.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? blob_code(errno) : ERR_IO;
		in = slice_sub(in, (size_t)n, in.n);
	}
	return 0;
}

/* A hint: what goes wrong with these bytes is told by the sync. */
static void
start_writeback(struct blob_put *p)
{
	if (p->size - p->sent < WRITEBACK)
		return;
	(void)sync_file_range(p->fd, (off_t)p->sent,
	    (off_t)(p->size - p->sent), SYNC_FILE_RANGE_WRITE);
	p->sent = p->size;
}

int
blob_put_write(struct blob_put *p, struct slice in)
{
	struct blob_store *bs = p->bs;

	if (p->err != 0)
		return p->err;
	if (in.n > bs->max_image - p->size)
		return p->err = ERR_SIZE;
	if (in.n > bs->max_total || bs->total + bs->pending >
	    bs->max_total - in.n)
		return p->err = ERR_NOSPACE;
	p->err = digest_update(p->hash, in);
	if (p->err == 0)
		p->err = p->disk = write_all(p->fd, in);
	p->size += in.n;
	bs->pending += in.n;
	if (p->err == 0)
		start_writeback(p);
	return p->err;
}

uint64_t
blob_put_size(const struct blob_put *p)
{
	return p->size;
}

void
blob_put_abort(struct blob_put *p)
{
	if (p == NULL)
		return;
	if (p->named)
		unlink(p->path);
	if (p->fd >= 0)
		close(p->fd);
	p->bs->pending -= p->size;
	if (p->disk != 0)
		p->bs->trouble = p->disk;
	digest_free(p->hash);
	free(p);
}

static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return blob_code(errno);
	err = fsync(fd) == 0 ? 0 : blob_code(errno);
	close(fd);
	return err;
}

/* A link cannot replace a file, a rename can: of a damaged image. */
static int
put_name(struct blob_put *p)
{
	char fd[32];

	if (p->named)
		return 0;
	snprintf(p->path, sizeof(p->path), "%s/tmp/%s", p->bs->dir,
	    strrchr(p->name, '/') + 1);
	snprintf(fd, sizeof(fd), "/proc/self/fd/%d", p->fd);
	if (linkat(AT_FDCWD, fd, AT_FDCWD, p->path, AT_SYMLINK_FOLLOW) != 0)
		return blob_code(errno);
	p->named = true;
	return 0;
}

/* Makes the file durable under its name. */
static int
put_place(struct blob_put *p)
{
	char *slash = strrchr(p->name, '/');
	char dir[PATH_MAX];
	int err;

	if (fchmod(p->fd, 0444) != 0 || fsync(p->fd) != 0)
		return blob_code(errno);
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - p->name), p->name);
	err = blob_mkdir(dir, NULL);
	if (err == 0)
		err = put_name(p);
	if (err == 0 && rename(p->path, p->name) != 0)
		err = blob_code(errno);
	if (err != 0)
		return err;
	p->named = false; /* it is the image's now */
	err = sync_dir(dir);
	if (err == 0) {
		*strrchr(dir, '/') = '\0'; /* its own entry, if just made */
		err = sync_dir(dir);
	}
	return err;
}

int
blob_put_seal(struct blob_put *p, const uint8_t *expect)
{
	struct digest d = {.alg = 0};
	struct image **at;

	if (p->err == 0 && p->size == 0)
		p->err = ERR_INVALID;
	if (p->err == 0)
		p->err = digest_final(p->hash, &d);
	if (p->err == 0 && expect != NULL && memcmp(expect, d.b, 32) != 0)
		p->err = ERR_DIGEST;
	if (p->err != 0)
		return p->err;
	memcpy(p->digest, d.b, 32);
	blob_path(p->bs, p->digest, p->name);
	at = blob_slot(p->bs, p->digest);
	p->there = *at != NULL && blob_intact(p->bs, *at);
	return 0;
}

void
blob_put_place(struct blob_put *p)
{
	if (p->err == 0 && !p->there)
		p->err = p->disk = put_place(p);
}

/* Somebody may have placed the same after us: that is hashed when it is
 * needed. Or dropped it: that goes by the name alone. */
static int
put_new(struct blob_put *p)
{
	struct blob_store *bs = p->bs;
	struct image **at = blob_slot(bs, p->digest);
	struct stat st, named;
	int err;

	if (*at != NULL && blob_intact(bs, *at))
		return 0;
	if (fstat(p->fd, &st) != 0 || lstat(p->name, &named) != 0 ||
	    st.st_size != named.st_size)
		return ERR_CONFLICT;
	if (*at != NULL) /* unseen, damaged or gone */
		blob_drop(bs, at);
	err = blob_add(bs, p->digest, p->size);
	if (err != 0 || st.st_ino != named.st_ino)
		return err;
	at = blob_slot(bs, p->digest);
	(*at)->stamp = blob_stamp(&st);
	(*at)->verdict = GOOD;
	return 0;
}

int
blob_put_finish(struct blob_put *p, uint8_t ret_digest[32], struct why *why)
{
	int err = p->err;

	if (err == 0 && p->there && !blob_have(p->bs, p->digest, NULL))
		err = ERR_CONFLICT;
	if (err == 0 && !p->there)
		err = put_new(p);
	if (err == 0)
		memcpy(ret_digest, p->digest, 32);
	if (err == 0 && !p->there)
		p->bs->trouble = 0;
	blob_put_abort(p);
	return err == 0 ? 0 : why_set(why, err, "image: %s", err_text(err));
}

int
blob_put_commit(struct blob_put *p, const uint8_t *expect,
    uint8_t ret_digest[32], struct why *why)
{
	if (blob_put_seal(p, expect) == 0)
		blob_put_place(p);
	return blob_put_finish(p, ret_digest, why);
}

/* The last upload's error, or that of a page that is written to see. */
static int
try_page(struct blob_store *bs)
{
	static const uint8_t page[4096];
	struct blob_put *p;
	int err = blob_put_begin(bs, &p);

	if (err != 0)
		return err;
	err = write_all(p->fd, slice_of(page, sizeof(page)));
	blob_put_abort(p);
	return err;
}

int
blob_trouble(struct blob_store *bs, uint64_t room)
{
	struct statvfs st;

	if (bs->trouble == 0)
		return 0;
	if (statvfs(bs->dir, &st) == 0 &&
	    (uint64_t)st.f_bavail * st.f_frsize < room)
		return bs->trouble = ERR_NOSPACE;
	return bs->trouble = try_page(bs);
}
