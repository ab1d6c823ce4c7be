#include "db/blob_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/blob_file.h"
#include "lib/digest.h"
#include "lib/text.h"

#define PIECE (1024 * 1024)

struct walk {
	int (*cb)(void *arg, const struct blob_found *f);
	void *arg;
	enum blob_kind files; /* what files of this folder are */
};

/* Is it an image, and where suitd looks for it? */
static bool
is_image(const char *path, uint8_t digest[32])
{
	struct buf b = buf_of(digest, 32);
	const char *name = strrchr(path, '/') + 1;

	return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") ==
	    NAME_LEN && text_unhex(slice_str(name), &b) == 0 &&
	    memcmp(name - 3, name, 2) == 0;
}

static int
one_file(const struct walk *w, const char *path)
{
	struct blob_found f = {.kind = w->files, .path = path};
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : blob_code(errno);
	if (w->files == BLOB_IMAGE &&
	    (!S_ISREG(st.st_mode) || !is_image(path, f.digest)))
		f.kind = BLOB_STRANGE;
	f.size = (uint64_t)st.st_size;
	f.mode = st.st_mode & 07777;
	f.owner = st.st_uid;
	return w->cb(w->arg, &f);
}

static bool
is_bucket(const char *path, const char *name)
{
	struct stat st;

	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2 &&
	    lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int folder(const struct walk *w, const char *path);

/* In images/ there are folders, in those files. */
static int
entry(const struct walk *w, const char *dir, const char *name)
{
	struct walk inner = *w;
	char path[PATH_MAX];

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    sizeof(path))
		return ERR_SIZE;
	if (w->files != BLOB_FOLDER)
		return one_file(w, path);
	if (is_bucket(path, name)) {
		inner.files = BLOB_IMAGE;
		return folder(&inner, path);
	}
	inner.files = BLOB_STRANGE;
	return one_file(&inner, path);
}

static int
folder(const struct walk *w, const char *path)
{
	struct blob_found f = {.kind = BLOB_FOLDER, .path = path};
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(path);
	int err;

	if (d == NULL)
		return errno == ENOENT ? 0 : blob_code(errno);
	err = fstat(dirfd(d), &st) == 0 ? 0 : blob_code(errno);
	if (err == 0) {
		f.mode = st.st_mode & 07777;
		f.owner = st.st_uid;
		err = w->cb(w->arg, &f);
	}
	while (err == 0 && (e = readdir(d)) != NULL)
		err = entry(w, path, e->d_name);
	closedir(d);
	return err;
}

int
blob_walk(const char *dir, int (*cb)(void *arg, const struct blob_found *f),
    void *arg)
{
	struct walk w = {cb, arg, BLOB_LEFTOVER};
	char path[PATH_MAX - 128];
	int err;

	if ((size_t)snprintf(path, sizeof(path), "%s/images", dir) >=
	    sizeof(path))
		return ERR_SIZE;
	w.files = BLOB_FOLDER;
	err = folder(&w, path);
	w.files = BLOB_LEFTOVER;
	snprintf(path, sizeof(path), "%s/tmp", dir);
	if (err == 0)
		err = folder(&w, path);
	snprintf(path, sizeof(path), "%s/backup", dir);
	return err != 0 ? err : folder(&w, path);
}

static int
hash_fd(int fd, const struct blob_hash *h, struct digest *ret)
{
	struct digest_ctx *ctx = digest_new(DIGEST_SHA256);
	uint8_t *buf = malloc(PIECE);
	int err = ctx == NULL ? ERR_CRYPTO : buf == NULL ? ERR_NOMEM : 0;
	ssize_t n = 1;

	while (err == 0 && n > 0) {
		n = read(fd, buf, PIECE);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			err = ERR_IO;
		else if (n > 0)
			err = digest_update(ctx, slice_of(buf, (size_t)n));
		if (err == 0 && h != NULL && h->some != NULL)
			h->some(h->arg, (uint64_t)n);
	}
	if (err == 0)
		err = digest_final(ctx, ret);
	free(buf);
	digest_free(ctx);
	return err;
}

int
blob_hash_file(const char *path, const struct blob_hash *h,
    uint8_t ret_digest[32])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err;
	struct digest d;

	if (fd < 0)
		return blob_code(errno);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	err = hash_fd(fd, h, &d);
	close(fd);
	if (err == 0)
		memcpy(ret_digest, d.b, 32);
	return err;
}

int
blob_set_aside(const char *dir, const char *path)
{
	char to[PATH_MAX];
	int fd, err;

	if ((size_t)snprintf(to, sizeof(to), "%s/damaged", dir) >=
	    sizeof(to) - NAME_LEN - 2)
		return ERR_SIZE;
	err = blob_mkdir(to, NULL);
	fd = err == 0 ? open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (err == 0 && fd < 0)
		err = blob_code(errno);
	if (err == 0 && (renameat(AT_FDCWD, path, fd, strrchr(path, '/') + 1)
	    != 0 || fsync(fd) != 0))
		err = blob_code(errno);
	if (fd >= 0)
		close(fd);
	return err;
}
