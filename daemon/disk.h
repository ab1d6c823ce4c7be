/*
 * disk: a thread for what takes a disk its time, or the processor: the loop
 * gives it chores, goes on, and hears when one is over. One at a time, those
 * of the first rank before all others, and a step at a time, so that a long
 * one of a low rank keeps nobody waiting.
 *
 * Where there may be no threads a chore is over when disk_add returns, and
 * `done` comes as ever.
 *
 * The functions are the loop's. What a chore's step touches is the thread's
 * alone until `done`.
 */
#ifndef SUITD_DAEMON_DISK_H
#define SUITD_DAEMON_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/err.h"

struct disk;
struct loop;

enum disk_rank {
	DISK_WRITE, /* somebody waits, and so may the end of the process */
	DISK_WANTED, /* somebody waits */
	DISK_IDLE,
	DISK_RANKS
};

struct chore {
	/* by the thread: some of it; true when it is over */
	bool (*step)(struct chore *c);
	/* by the loop: the chore is the caller's again */
	void (*done)(struct chore *c);
	bool dropped; /* it was not finished, and will not be */
	enum disk_rank rank; /* by disk_add and disk_hurry */
	TAILQ_ENTRY(chore) next;
};

int disk_new(struct loop *loop, struct disk **ret) MUST_USE;
/* Finishes those of rank DISK_WRITE, however long it takes, and drops the
 * others; `done` is called for all. NULL is fine. */
void disk_free(struct disk *d);
void disk_add(struct disk *d, struct chore *c, enum disk_rank rank);
/* If it is not over and this rank is a better one. */
void disk_hurry(struct disk *d, struct chore *c, enum disk_rank rank);

/* A new one each time, never 0: for front_resume. */
uint64_t disk_ticket(struct disk *d);

#endif
