/*
 * An image is hashed from its file and not from a mapping: a disk that fails
 * to read is an error here and a signal there. The kernel is told to read
 * ahead what the next step will ask for.
 */
#include "db/blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/digest.h"

#define PIECE (64 * 1024)

struct blob_check {
	struct blob_store *bs;
	struct digest_ctx *hash;
	uint8_t digest[32];
	struct stamp stamp; /* of the file when we began */
	uint64_t size, off;
	int fd;
	int err; /* what was found out so far */
	uint8_t buf[PIECE];
};

void
blob_check_abort(struct blob_check *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	digest_free(c->hash);
	free(c);
}

int
blob_check_begin(struct blob_store *bs, const uint8_t digest[32],
    struct blob_check **ret)
{
	struct image **at = blob_slot(bs, digest);
	struct blob_check *c;
	int err;

	if (*at == NULL)
		return ERR_NOT_FOUND;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_NOMEM;
	c->fd = -1;
	err = blob_file(bs, at, &c->fd);
	if (err == 0)
		err = blob_look(*at, c->fd);
	if (err == 0 && (*at)->verdict == GOOD)
		err = ERR_EXISTS;
	if (err == 0 && (c->hash = digest_new(DIGEST_SHA256)) == NULL)
		err = ERR_CRYPTO;
	if (err != 0) {
		blob_check_abort(c);
		return err;
	}
	c->bs = bs;
	c->size = (*at)->size;
	c->stamp = (*at)->stamp;
	memcpy(c->digest, digest, 32);
	(void)posix_fadvise(c->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret = c;
	return 0;
}

static int
verdict(struct blob_check *c)
{
	struct digest d;
	int err = digest_final(c->hash, &d);

	if (err == 0 && memcmp(d.b, c->digest, 32) != 0)
		err = ERR_CORRUPT;
	return err;
}

/* A file that ends too early was touched, which `end` sees. */
static ssize_t
read_piece(struct blob_check *c, size_t bytes)
{
	ssize_t n;

	do
		n = pread(c->fd, c->buf, bytes < PIECE ? bytes : PIECE,
		    (off_t)c->off);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		c->err = digest_update(c->hash, slice_of(c->buf, (size_t)n));
	else
		c->err = n < 0 ? ERR_IO : ERR_CORRUPT;
	return n;
}

bool
blob_check_step(struct blob_check *c, size_t bytes)
{
	while (c->err == 0 && c->off < c->size && bytes > 0) {
		ssize_t n = read_piece(c, bytes);

		if (n <= 0)
			return true;
		c->off += (uint64_t)n;
		bytes -= (size_t)n;
	}
	if (c->err == 0 && c->off < c->size)
		return false;
	if (c->err == 0)
		c->err = verdict(c);
	return true;
}

int
blob_check_end(struct blob_check *c)
{
	struct image *im = *blob_slot(c->bs, c->digest);
	struct stamp now;
	struct stat st;
	int err = c->err;

	if (fstat(c->fd, &st) != 0)
		err = ERR_IO;
	now = blob_stamp(&st);
	if (im == NULL)
		err = ERR_NOT_FOUND;
	else if (im->verdict == GOOD && !blob_stamp_eq(&im->stamp, &c->stamp))
		err = 0; /* uploaded again meanwhile */
	else if (err != ERR_IO && (!blob_stamp_eq(&now, &c->stamp) ||
	    !blob_stamp_eq(&im->stamp, &c->stamp)))
		err = ERR_BUSY;
	else if (err == 0 || err == ERR_CORRUPT)
		im->verdict = err == 0 ? GOOD : DAMAGED;
	blob_check_abort(c);
	return err;
}
