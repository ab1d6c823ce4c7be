/*
 * track_move: the moves of a job, for the handlers in track.c and for nobody
 * else.
 */
#ifndef SUITD_LIB_TRACK_MOVE_H
#define SUITD_LIB_TRACK_MOVE_H

#include "lib/track.h"

/* First probe of what a device runs: a sixteenth of install_ms, doubling. */
#define PROBE_FIRST_SHARE 16

struct step {
	struct job *j;
	const struct track_event *ev;
	const struct track_policy *policy;
	int64_t now;
	uint64_t rnd;
	unsigned todo;
};

/* To a state that the table allows; final ones have no due time. */
void move_to(struct step *s, enum job_state to);
void move_end(struct step *s, enum job_state to, enum track_reason why);
/* The attempt is over; the job waits in the queue until `due`. */
void move_requeue(struct step *s, enum track_reason why, int64_t due);
/* Counts an attempt, unless one is under way already. */
void move_begin(struct step *s);
void move_fetching(struct step *s);
/* JOB_FETCHED or JOB_INSTALLING. */
void move_install(struct step *s, enum job_state to);

/* Folds the event's high-water mark; false when it is no progress. */
bool move_fold(struct step *s);
int64_t move_fetch_due(const struct step *s);

/* A failed attempt: queued again, or the end when a budget is spent. */
void move_fail(struct step *s, enum fail_class class, enum track_reason why);
/* Failed for good: another try would give the same answer. */
void move_refuse(struct step *s, enum track_reason why);
/* The device asked to be left alone, now. */
void move_declined(struct step *s);

#endif
