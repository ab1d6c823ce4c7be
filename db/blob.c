/*
 * Images by SHA-256.
 *
 * An upload is written and hashed in DIR/tmp, synced, made read-only, renamed
 * to its digest and the directory synced: a crash leaves a whole image or a
 * temporary file, which the next start removes. Which images there are is
 * read from the directory once and kept in a hash table, so that blob_have
 * never touches the disk.
 *
 * A mapped file that loses its tail raises SIGBUS at the reader. What guards
 * against it: the directories are 0700 and the files 0444 in our name, we
 * only ever rename and unlink them (a mapping outlives both), the size is
 * compared when a file is mapped, and inode, size and ctime whenever it is
 * mapped again. Not covered: root truncating a file in place while it is
 * mapped, and a disk that fails to read a page later on. Both end the
 * process; the unit restarts it, and the first open then finds the damage.
 *
 * A request holds its image for the time of one answer, and making a mapping
 * costs as much as the answer. So the last few stay mapped, and others may
 * hold one for long (the image plane). Before one is handed out again its
 * file is looked at as if it were mapped anew; when it is another one by
 * now, the old mapping lives on with its holders alone.
 */
#include "db/blob_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/digest.h"
#include "lib/text.h"

int
blob_code(int e)
{
	switch (e) {
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPACE;
	case EROFS:
	case EACCES:
	case EPERM:
		return ERR_READONLY;
	case ENOMEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

static int
fail(struct why *why, const char *path)
{
	int e = errno;

	return why_set(why, blob_code(e), "%s: %s", path, strerror(e));
}

struct image **
blob_slot(struct blob_store *bs, const uint8_t digest[32])
{
	struct image **at = &bs->bucket[(digest[0] | digest[1] << 8) % BUCKETS];

	while (*at != NULL && memcmp((*at)->digest, digest, 32) != 0)
		at = &(*at)->next;
	return at;
}

void
blob_path(const struct blob_store *bs, const uint8_t digest[32],
    char path[PATH_MAX])
{
	char hex[NAME_LEN + 1];

	text_hex(slice_of(digest, 32), hex, sizeof(hex));
	snprintf(path, PATH_MAX, "%s/images/%.2s/%s", bs->dir, hex, hex);
}

int
blob_add(struct blob_store *bs, const uint8_t digest[32], uint64_t size)
{
	struct image **at = blob_slot(bs, digest);

	if (*at == NULL && (*at = calloc(1, sizeof(**at))) == NULL)
		return ERR_NOMEM;
	memcpy((*at)->digest, digest, 32);
	bs->total += size - (*at)->size;
	(*at)->size = size;
	(*at)->verdict = UNSEEN;
	return 0;
}

static void
warm(struct blob_store *bs, struct blob *b)
{
	struct blob **at = &bs->warm[bs->warm_next++ % BLOB_WARM];

	blob_unref(*at);
	*at = blob_ref(b);
}

/* Lets go of one, or of all with NULL; others may hold on to them. */
static void
cool(struct blob_store *bs, const struct blob *b)
{
	for (size_t i = 0; i < BLOB_WARM; i++)
		if (b == NULL || bs->warm[i] == b) {
			blob_unref(bs->warm[i]);
			bs->warm[i] = NULL;
		}
}

/* From now on it is its holders' alone. */
static void
part(struct blob_store *bs, struct image *im)
{
	if (im->mapped != NULL)
		cool(bs, im->mapped);
	if (im->mapped != NULL)
		im->mapped->image = NULL;
	im->mapped = NULL;
}

void
blob_drop(struct blob_store *bs, struct image **at)
{
	struct image *im = *at;

	part(bs, im);
	bs->total -= im->size;
	*at = im->next;
	free(im);
}

int
blob_mkdir(const char *path, struct why *why)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return fail(why, path);
}

static void
empty_tmp(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

/* One of the 256 directories; what is not named like an image is not ours. */
static int
scan_dir(struct blob_store *bs, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	uint8_t digest[32];
	int err = 0;

	/* a directory is made with the first image in it; a file of its name
	 * is not ours */
	if (d == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
		    blob_code(errno);
	while (err == 0 && (e = readdir(d)) != NULL) {
		struct buf b = buf_of(digest, sizeof(digest));

		if (strlen(e->d_name) != NAME_LEN ||
		    text_unhex(slice_str(e->d_name), &b) != 0 ||
		    b.n != sizeof(digest) ||
		    fstatat(dirfd(d), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		err = blob_add(bs, digest, (uint64_t)st.st_size);
	}
	closedir(d);
	return err;
}

static int
scan(struct blob_store *bs, struct why *why)
{
	char path[PATH_MAX];
	int err = 0;

	for (unsigned i = 0; i < 256 && err == 0; i++) {
		snprintf(path, sizeof(path), "%s/images/%02x", bs->dir, i);
		err = scan_dir(bs, path);
	}
	return err == 0 ? 0 : why_set(why, err, "%s: %s", path,
	    err_text(err));
}

int
blob_open(const struct blob_opts *o, struct blob_store **ret, struct why *why)
{
	struct blob_store *bs = calloc(1, sizeof(*bs));
	char path[PATH_MAX];
	int err;

	if (bs == NULL)
		return why_set(why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	bs->max_image = o->max_image < LIMIT_IMAGE ? o->max_image :
	    LIMIT_IMAGE;
	bs->max_total = o->max_total;
	err = slice_to_cstr(slice_str(o->dir), bs->dir, sizeof(bs->dir)) ? 0 :
	    why_set(why, ERR_SIZE, "the state directory's name is too long");
	if (err == 0)
		err = blob_mkdir(bs->dir, why);
	snprintf(path, sizeof(path), "%s/images", bs->dir);
	if (err == 0)
		err = blob_mkdir(path, why);
	snprintf(path, sizeof(path), "%s/tmp", bs->dir);
	if (err == 0)
		err = blob_mkdir(path, why);
	if (err == 0) {
		empty_tmp(path);
		err = scan(bs, why);
	}
	if (err != 0) {
		blob_close(bs);
		return err;
	}
	*ret = bs;
	return 0;
}

void
blob_close(struct blob_store *bs)
{
	if (bs == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (bs->bucket[i] != NULL)
			blob_drop(bs, &bs->bucket[i]);
	free(bs);
}

uint64_t
blob_total(const struct blob_store *bs)
{
	return bs->total;
}

bool
blob_have(struct blob_store *bs, const uint8_t digest[32], uint64_t *ret_size)
{
	const struct image *im = *blob_slot(bs, digest);

	/* what is known to be damaged is uploaded again, which heals it */
	if (im == NULL || im->verdict == DAMAGED)
		return false;
	if (ret_size != NULL)
		*ret_size = im->size;
	return true;
}

bool
blob_stamp_eq(const struct stamp *a, const struct stamp *b)
{
	return a->ino == b->ino && a->size == b->size &&
	    a->ctime.tv_sec == b->ctime.tv_sec &&
	    a->ctime.tv_nsec == b->ctime.tv_nsec;
}

struct stamp
blob_stamp(const struct stat *st)
{
	return (struct stamp){st->st_ino, st->st_size, st->st_ctim};
}

bool
blob_intact(const struct blob_store *bs, const struct image *im)
{
	char path[PATH_MAX];
	struct stat st;
	struct stamp now;

	blob_path(bs, im->digest, path);
	if (im->verdict != GOOD || lstat(path, &st) != 0)
		return false;
	now = blob_stamp(&st);
	return blob_stamp_eq(&now, &im->stamp);
}

static int
check(const struct image *im, struct slice bytes)
{
	struct digest d;
	int err = digest_compute(DIGEST_SHA256, bytes, &d);

	if (err == 0 && memcmp(d.b, im->digest, 32) != 0)
		err = ERR_CORRUPT;
	return err;
}

int
blob_look(struct image *im, int fd)
{
	struct stat st;
	struct stamp now;

	if (fstat(fd, &st) != 0)
		return blob_code(errno);
	now = blob_stamp(&st);
	if (im->verdict != UNSEEN && !blob_stamp_eq(&now, &im->stamp))
		im->verdict = UNSEEN;
	im->stamp = now;
	if ((uint64_t)now.size != im->size || now.size == 0)
		im->verdict = DAMAGED;
	return im->verdict == DAMAGED ? ERR_CORRUPT : 0;
}

/* Maps `fd` and vouches for its bytes. */
static int
map(struct image *im, int fd, struct blob **ret)
{
	size_t n = (size_t)im->size;
	struct blob *b;
	void *p;
	int err = blob_look(im, fd);

	if (err == 0 && im->verdict == UNSEEN && n > BLOB_HASH_NOW)
		err = ERR_BUSY;
	if (err != 0)
		return err;
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return blob_code(errno);
	b = calloc(1, sizeof(*b));
	err = b == NULL ? ERR_NOMEM : 0;
	if (err == 0 && im->verdict == UNSEEN) {
		err = check(im, slice_of(p, n));
		im->verdict = err == 0 ? GOOD :
		    err == ERR_CORRUPT ? DAMAGED : UNSEEN;
	}
	if (err != 0) {
		munmap(p, n);
		free(b);
		return err;
	}
	*b = (struct blob){.image = im, .refs = 1, .bytes = slice_of(p, n)};
	memcpy(b->digest, im->digest, 32);
	im->mapped = *ret = b;
	return 0;
}

int
blob_file(struct blob_store *bs, struct image **at, int *ret_fd)
{
	char path[PATH_MAX];
	int fd;

	blob_path(bs, (*at)->digest, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno != ENOENT)
		return ERR_IO;
	if (fd < 0) {
		blob_drop(bs, at);
		return ERR_NOT_FOUND;
	}
	*ret_fd = fd;
	return 0;
}

int
blob_get(struct blob_store *bs, const uint8_t digest[32], struct blob **ret)
{
	struct image **at = blob_slot(bs, digest);
	int fd, err;

	if (*at == NULL)
		return ERR_NOT_FOUND;
	if ((*at)->mapped != NULL && !blob_intact(bs, *at))
		part(bs, *at);
	if ((*at)->mapped != NULL) {
		*ret = blob_ref((*at)->mapped);
		return 0;
	}
	err = blob_file(bs, at, &fd);
	if (err != 0)
		return err;
	err = map(*at, fd, ret);
	close(fd);
	if (err == 0)
		warm(bs, *ret);
	return err;
}

bool
blob_current(const struct blob_store *bs, const struct blob *b)
{
	return b->image != NULL && blob_intact(bs, b->image);
}

struct slice
blob_bytes(const struct blob *b)
{
	return b->bytes;
}

const uint8_t *
blob_digest(const struct blob *b)
{
	return b->digest;
}

struct blob *
blob_ref(struct blob *b)
{
	b->refs++;
	return b;
}

void
blob_unref(struct blob *b)
{
	if (b == NULL || --b->refs > 0)
		return;
	if (b->image != NULL)
		b->image->mapped = NULL;
	munmap((void *)b->bytes.p, b->bytes.n);
	free(b);
}

int
blob_gc(struct blob_store *bs, bool (*keep)(void *arg,
    const uint8_t digest[32]), void *arg, size_t *ret_dropped)
{
	char path[PATH_MAX];
	size_t dropped = 0;
	int err = 0;

	cool(bs, NULL); /* only what others hold on to counts as mapped */
	for (size_t i = 0; i < BUCKETS; i++) {
		struct image **at = &bs->bucket[i];

		while (*at != NULL) {
			blob_path(bs, (*at)->digest, path);
			if ((*at)->mapped != NULL ||
			    keep(arg, (*at)->digest)) {
				at = &(*at)->next;
			} else if (unlink(path) != 0 && errno != ENOENT) {
				err = blob_code(errno);
				at = &(*at)->next;
			} else {
				blob_drop(bs, at);
				dropped++;
			}
		}
	}
	if (err == 0)
		*ret_dropped = dropped;
	return err;
}

int
blob_foreach(struct blob_store *bs,
    int (*cb)(void *arg, const uint8_t digest[32], uint64_t size), void *arg)
{
	int err = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct image *im = bs->bucket[i]; im != NULL && err == 0;
		    im = im->next)
			err = cb(arg, im->digest, im->size);
	return err;
}
