/*
 * backup_dir: a folder with a backup in it, or in the making (lib/backup.h;
 * suitctl(1) has the layout). All that is written has mode 0600: it holds
 * the keys of devices.
 */
#ifndef SUITD_CLI_BACKUP_DIR_H
#define SUITD_CLI_BACKUP_DIR_H

#include "cli/cli.h"
#include "lib/backup.h"
#include "lib/digest.h"

#define BACKUP_DIR_PATH 1024

struct backup_dir {
	const char *path;
	int fd; /* locked while it is open */
	char snapshot[24]; /* what was being fetched; "" nothing */
};

/*
 * Makes the folder if need be, and locks it. Refuses one with something else
 * in it. Errors are printed; CLI_*.
 */
int backup_dir_open(struct backup_dir *d, const char *path) MUST_USE;
void backup_dir_close(struct backup_dir *d);
/* This snapshot is fetched from now on, and nothing of another. */
int backup_dir_begin(struct backup_dir *d, const char *snapshot) MUST_USE;
/* name.part with these bytes, on the disk, for backup_out_place. */
int backup_dir_stage(const struct backup_dir *d, const char *name,
    struct slice s) MUST_USE;
/* A file of it that may be there is not. */
int backup_dir_drop(const struct backup_dir *d, const char *name) MUST_USE;
/* It is no backup any more, for the moment. */
int backup_dir_void(const struct backup_dir *d) MUST_USE;
/* backup.json, which was staged, last of all. Then it is a backup. */
int backup_dir_end(const struct backup_dir *d) MUST_USE;
/* And the daemon knows: the next one is of another snapshot. */
int backup_dir_over(const struct backup_dir *d) MUST_USE;
/* Removes images that the n of `keep`, by rising digest, do not name, and those
 * that were never fetched to their end; adds to the counts. What has another
 * name than images have is left alone. */
struct backup_pruned {
	uint64_t images, bytes;
};
int backup_dir_prune(const struct backup_dir *d, const struct backup_file *keep,
    size_t n, struct backup_pruned *ret) MUST_USE;
/* DIR/name, and DIR/name.part while it is written. */
void backup_dir_file(const struct backup_dir *d, const char *name,
    char ret[BACKUP_DIR_PATH]);
/* Are these bytes there? */
bool backup_dir_have(const struct backup_dir *d, const char *name,
    const struct backup_file *f);

/* A file that is written and hashed, as name.part. */
struct backup_out {
	const struct backup_dir *dir;
	char name[BACKUP_IMAGE_PATH];
	int fd;
	uint64_t size;
	struct digest_ctx *hash;
};
/* Keeps what is there already of whole multiples of `keep` bytes (0: none),
 * and has hashed it: o->size. */
int backup_out_open(struct backup_out *o, const struct backup_dir *d,
    const char *name, uint64_t keep) MUST_USE;
int backup_out_write(struct backup_out *o, struct slice piece) MUST_USE;
/* On the disk and what it should be; else it is removed. Under its name when
 * `place`, else still as name.part. Also closes. */
int backup_out_end(struct backup_out *o, const struct backup_file *want,
    bool place) MUST_USE;
void backup_out_abort(struct backup_out *o); /* what came stays */
int backup_out_place(const struct backup_dir *d, const char *name) MUST_USE;

/* Says of each file whether it is what backup.json says. CLI_REFUSED: not. */
int backup_dir_verify(const char *path, struct backup *ret) MUST_USE;

#endif
