/*
 * backup: backup.json, which makes a folder a backup. suitctl writes it last
 * and by rename; it says what must be there, and suitd --restore believes
 * nothing else. docs/PROTOCOL.md has the format ("Backups").
 *
 * The one reader in lib/ that allocates: jansson's tree, freed on return.
 */
#ifndef SUITD_LIB_BACKUP_H
#define SUITD_LIB_BACKUP_H

#include "lib/audit.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

#define BACKUP_FORMAT 1 /* a higher one is refused */
#define BACKUP_FILE "backup.json"
#define BACKUP_DB "suitd.db"
#define BACKUP_KEYS "admin.psk"
#define BACKUP_IMAGES "images" /* a folder: files named by their digests */

struct backup_file {
	uint8_t digest[32]; /* SHA-256 */
	uint64_t size;
};

struct backup {
	char version[LIMIT_VERSION + 1]; /* of the suitd that was backed up */
	int schema; /* of its database, 1 and on */
	int64_t created; /* Unix ms: the moment it shows */
	struct backup_file db;
	bool have_keys; /* admin.psk is there, too */
	struct backup_file keys;
	struct audit_head audit; /* that its audit log reaches; n 0: not told */
	uint64_t images, image_bytes;
	uint64_t missing; /* images that the server had lost already */
};

/*
 * The whole text; `image` is called for each one, by rising digest, and its
 * non-zero ends it and is returned. ERR_MALFORMED, ERR_TYPE, ERR_MISSING,
 * ERR_ORDER (of the images, a digest twice included), ERR_RANGE,
 * ERR_UNSUPPORTED (a newer format), ERR_SIZE (LIMIT_BACKUP_FILE),
 * ERR_LIMIT (LIMIT_BACKUP_IMAGES). The sums are of the images that were told.
 */
int backup_read(struct slice text, struct backup *ret,
    int (*image)(void *arg, const struct backup_file *f), void *arg,
    struct why *why) MUST_USE;

/* In this order: begin, images by rising digest, end. BACKUP_PIECE bytes of
 * room for each. `first`: of the images. */
#define BACKUP_PIECE 1024
void backup_put_begin(const struct backup *b, struct buf *out);
void backup_put_image(const struct backup_file *f, bool first,
    struct buf *out);
void backup_put_end(struct buf *out);

/* "images/HEX" */
#define BACKUP_IMAGE_PATH 72
void backup_image_path(const uint8_t digest[32],
    char ret[BACKUP_IMAGE_PATH]);

#endif
