/*
 * blob_file: private parts of the image store.
 */
#ifndef SUITD_DB_BLOB_FILE_H
#define SUITD_DB_BLOB_FILE_H

#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "db/blob.h"

#define BUCKETS 1024
#define NAME_LEN 64 /* hex digits of a digest */
#define BLOB_WARM 16 /* mappings that outlive their last user */

/* What was true of the file when its bytes were last hashed. */
struct stamp {
	ino_t ino;
	off_t size;
	struct timespec ctime;
};

struct blob {
	struct image *image; /* NULL: replaced or dropped meanwhile */
	unsigned refs;
	uint8_t digest[32];
	struct slice bytes;
};

enum verdict { UNSEEN, GOOD, DAMAGED };

struct image {
	struct image *next;
	uint8_t digest[32];
	uint64_t size;
	enum verdict verdict; /* of the bytes that `stamp` describes */
	struct stamp stamp;
	struct blob *mapped;
};

struct blob_store {
	char dir[PATH_MAX - NAME_LEN - 32];
	uint64_t max_image, max_total, total, pending;
	struct image *bucket[BUCKETS];
	struct blob *warm[BLOB_WARM]; /* a reference each; NULL: free */
	unsigned warm_next; /* the one to be replaced */
	int trouble; /* what the disk said to the last upload; 0: nothing */
};

int blob_code(int e); /* an errno as an error of ours */
int blob_mkdir(const char *path, struct why *why) MUST_USE;
/* Where the image hangs in its chain, or would. */
struct image **blob_slot(struct blob_store *bs, const uint8_t digest[32]);
void blob_path(const struct blob_store *bs, const uint8_t digest[32],
    char path[PATH_MAX]);
int blob_add(struct blob_store *bs, const uint8_t digest[32], uint64_t size)
    MUST_USE;
/* Forgets it; a mapping lives on by itself. */
void blob_drop(struct blob_store *bs, struct image **at);
struct stamp blob_stamp(const struct stat *st);
bool blob_stamp_eq(const struct stamp *a, const struct stamp *b);
/* Opens its file; one that is gone is forgotten: ERR_NOT_FOUND. */
int blob_file(struct blob_store *bs, struct image **at, int *ret_fd) MUST_USE;
/* What the file is like now: a verdict on another one is void, and one of
 * the wrong size is damaged. */
int blob_look(struct image *im, int fd) MUST_USE;
/* Is the file still the one whose bytes were found good? */
bool blob_intact(const struct blob_store *bs, const struct image *im);

#endif
