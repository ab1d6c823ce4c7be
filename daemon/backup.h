/*
 * backup: a snapshot of the database that an operator fetches, one at a time.
 * It is made on the disk's thread (db/store_copy.h), lies in the state
 * directory, backup/snapshot.db, and is served in parts; beside it images are
 * fetched by their digests, and none is dropped until it is over. That is
 * when it is said to be done, is called off, has not been asked for during
 * LIMIT_BACKUP_IDLE, or the daemon starts.
 *
 * Operators' keys are not served: with them one operator could approve in
 * the name of another. Who makes the backup where they lie takes them along.
 */
#ifndef SUITD_DAEMON_BACKUP_H
#define SUITD_DAEMON_BACKUP_H

#include "daemon/suitd.h"

struct backups;

enum backup_state {
	BACKUP_NONE,
	BACKUP_COPYING, /* and then checked, synced and hashed */
	BACKUP_READY,
	BACKUP_FAILED, /* until the next one; why says of what */
};

struct backup_view {
	enum backup_state state;
	char id[17];
	char by[LIMIT_PSK_IDENTITY + 1];
	int64_t created; /* Unix ms: the moment it shows */
	int64_t expires; /* unless it is asked for */
	uint64_t done, total; /* bytes of about, while it is copied */
	uint64_t size; /* when it is ready */
	uint64_t lost; /* payloads of releases that are not withdrawn, whose
	                  images were not there when it began */
	uint8_t digest[32];
	struct audit_head audit; /* that the snapshot's log reaches; n 0: none */
	struct why why;
};

/* Removes what an earlier daemon left. app->store and disk are there. */
int backups_new(struct app *app, struct backups **ret, struct why *why)
    MUST_USE;
/* After the disk, whose chore it is. NULL is fine. */
void backups_free(struct backups *b);
/* Now and then: one that nobody asks for any more is given up. */
void backups_tick(struct backups *b);

/*
 * Begins one in the name of an operator, and puts the one before away, unless
 * somebody may be at it (ERR_STATE): it is being copied, was asked for within
 * seconds, or by another operator within a minute. The disk must have room
 * for it and some more (ERR_NOSPACE). `id`: what it shall be called, "": a
 * random number.
 */
int backup_start(struct app *app, const char *by, const char *id,
    struct why *why) MUST_USE;
/* Counts as asking for it. `id` NULL: whichever there is. ERR_NOT_FOUND:
 * there is none, or another. */
int backup_get(struct app *app, const char *id, struct backup_view *ret)
    MUST_USE;
/* Part n: LIMIT_BACKUP_PART bytes of it, but for the last; valid for the
 * call. ERR_NOT_FOUND past the end. ret_mark: first bytes of its SHA-256. */
int backup_part(struct app *app, uint64_t n, struct slice *ret,
    uint8_t ret_mark[8]) MUST_USE;
/* An image was asked for: so the snapshot is still wanted. */
void backup_touch(struct app *app);
/* It is over, or wanted no longer. */
void backup_drop(struct app *app);
/* Inside of an engine's pair: it was fetched to the end; once that is on the
 * disk, backup_over. */
int backup_taken(struct app *app) MUST_USE;
/* It counts as the last one, and goes. */
void backup_over(struct app *app);

/* Are images wanted by one? */
bool backup_holds(const struct app *app);
/* The moment of the last one that was fetched to the end, Unix ms; 0: none
 * ever. */
int64_t backup_last(const struct app *app);

#endif
