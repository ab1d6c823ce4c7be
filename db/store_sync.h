/*
 * store_sync: what a disk takes its time for, on a thread of its own: that a
 * commit is on the disk, and checkpoints of the write-ahead log. A store that
 * was opened with it (store.h, `clock`) has store->syncer; its commits
 * are whole and seen by every verb when they return, but outlive a loss of
 * power only when a syncer_ask that came after them has been answered with 0.
 * Whoever kills the process, with -9 or not, loses no commit either way.
 *
 * One question at a time: it covers every commit before it, so that whoever
 * commits while one is asked asks again for all of those together.
 *
 * When a sync fails, nothing later in the same log can be vouched for: what
 * the kernel dropped is a hole, behind which recovery reads nothing. So from
 * then on only a whole checkpoint, which writes and syncs the database itself
 * and starts the log anew, makes an answer of 0 again; until one succeeds the
 * answer is the error of the sync.
 *
 * The log: a checkpoint begins when it has grown by SYNC_SOFT pages, reads
 * and writes beside the loop, and never waits for it. The log starts anew by
 * itself when the loop's next commit finds everything checkpointed. Under
 * load that moment may never come: at SYNC_HARD pages the thread takes the
 * write lock, for the time of copying what is left. A commit that meets this
 * waits at most SYNC_WAIT_MS, then begin is ERR_BUSY until it is over. What
 * starts a log anew has to sync its first page before any other; on a disk
 * that is slow at this the thread does it, too.
 *
 * The log can outgrow SYNC_HARD only while checkpoints fail: syncer_stats
 * says so, and why.
 *
 * The functions are the loop's, but for none; the thread is inside.
 */
#ifndef SUITD_DB_STORE_SYNC_H
#define SUITD_DB_STORE_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/lag.h"

#define SYNC_SOFT 4096 /* pages of 4 KiB: 16 MiB */
#define SYNC_HARD 16384
#define SYNC_WAIT_MS 80

struct syncer;

/* Everything committed so far shall be durable. Asked again before the sync
 * has begun, it is the same question for more commits; ERR_BUSY: it has. */
int syncer_ask(struct syncer *s) MUST_USE;
/* The answer, once: true, and 0 or the error of the disk. */
bool syncer_answer(struct syncer *s, int *ret_err);
/* The same, however long it takes; only after syncer_ask. */
int syncer_wait(struct syncer *s) MUST_USE;
/* Readable while there is an answer. */
int syncer_fd(const struct syncer *s);

/* Now and then: a checkpoint that failed is tried again; after one that a
 * reader was in the way of, whether it has gone. */
void syncer_tick(struct syncer *s);

/* Somebody reads the database for long (store_copy.h): the log grows meanwhile
 * and nobody is stopped for its sake. As often off as on. */
void syncer_hold(struct syncer *s, bool on);

struct syncer_stats {
	uint64_t syncs, checkpoints, failed; /* failed: of both */
	uint64_t log_pages; /* after the last commit */
	uint64_t longest_us; /* of the syncs */
	struct lag sync, checkpoint; /* how long all of them took */
	bool stuck; /* the last checkpoint failed, for: */
	struct why why; /* of the last failure, also of a sync */
};
void syncer_stats(struct syncer *s, struct syncer_stats *ret);

#endif
