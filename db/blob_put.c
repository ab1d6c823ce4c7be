/*
 * Uploads: hashed on their way to a temporary file, then given their name.
 */
#include "db/blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/digest.h"

struct blob_put {
	struct blob_store *bs;
	struct digest_ctx *hash;
	uint64_t size;
	int fd;
	int err; /* of a write; it stays */
	char path[PATH_MAX];
};

int
blob_put_begin(struct blob_store *bs, struct blob_put **ret)
{
	struct blob_put *p = calloc(1, sizeof(*p));
	int err;

	if (p == NULL)
		return ERR_NOMEM;
	p->bs = bs;
	p->hash = digest_new(DIGEST_SHA256);
	snprintf(p->path, sizeof(p->path), "%s/tmp/XXXXXX", bs->dir);
	p->fd = mkostemp(p->path, O_CLOEXEC);
	if (p->fd < 0 || p->hash == NULL) {
		err = p->fd < 0 ? blob_code(errno) : ERR_CRYPTO;
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
		p->err = write_all(p->fd, in);
	p->size += in.n;
	bs->pending += in.n;
	return p->err;
}

/* Everything of an upload but its renamed file. */
static void
put_free(struct blob_put *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->bs->pending -= p->size;
	digest_free(p->hash);
	free(p);
}

void
blob_put_abort(struct blob_put *p)
{
	if (p == NULL)
		return;
	if (p->fd >= 0)
		unlink(p->path);
	put_free(p);
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

/* Makes the file durable under its name. */
static int
put_place(struct blob_put *p, const uint8_t digest[32])
{
	char path[PATH_MAX], *slash;
	int err;

	if (fchmod(p->fd, 0444) != 0 || fsync(p->fd) != 0)
		return blob_code(errno);
	blob_path(p->bs, digest, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	err = blob_mkdir(path, NULL);
	*slash = '/';
	if (err == 0 && rename(p->path, path) != 0)
		err = blob_code(errno);
	if (err != 0)
		return err;
	*slash = '\0';
	err = sync_dir(path);
	if (err == 0) {
		*strrchr(path, '/') = '\0'; /* its own entry, if just made */
		err = sync_dir(path);
	}
	return err;
}

static int
put_new(struct blob_put *p, const uint8_t digest[32])
{
	struct blob_store *bs = p->bs;
	struct image **at = blob_slot(bs, digest);
	struct stat st;
	int err;

	if (*at != NULL && blob_intact(bs, *at)) {
		unlink(p->path);
		return 0;
	}
	err = put_place(p, digest);
	if (err != 0) {
		unlink(p->path);
		return err;
	}
	if (*at != NULL) /* unseen, damaged or gone: now what we hashed */
		blob_drop(bs, at);
	err = blob_add(bs, digest, p->size);
	if (err != 0)
		return err;
	if (fstat(p->fd, &st) == 0) {
		at = blob_slot(bs, digest);
		(*at)->stamp = blob_stamp(&st);
		(*at)->verdict = GOOD;
	}
	return 0;
}

int
blob_put_commit(struct blob_put *p, const uint8_t *expect,
    uint8_t ret_digest[32], struct why *why)
{
	struct digest d;
	int err = p->err;

	if (err == 0 && p->size == 0)
		err = ERR_INVALID;
	if (err == 0)
		err = digest_final(p->hash, &d);
	if (err == 0 && expect != NULL && memcmp(expect, d.b, 32) != 0)
		err = ERR_DIGEST;
	if (err != 0) {
		blob_put_abort(p);
		return why_set(why, err, "image: %s", err_text(err));
	}
	err = put_new(p, d.b);
	put_free(p);
	if (err != 0)
		return why_set(why, err, "image: %s", err_text(err));
	memcpy(ret_digest, d.b, 32);
	return 0;
}
