/*
 * track_life: the life of a job, with the clock of whoever leads it, for the
 * tests of lib/track.h.
 */
#ifndef SUITD_TESTS_LIB_TRACK_LIFE_H
#define SUITD_TESTS_LIB_TRACK_LIFE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/track.h"

#define SEQ 7
#define START 1000000000000LL
#define SECOND 1000LL

static struct track_policy policy;

struct life {
	struct job j;
	int64_t now;
	uint64_t seed;
	unsigned todo; /* of the last step */
};

static inline struct life
born(void)
{
	struct life l = {.now = START, .seed = 5};

	track_init(&l.j, 1, 2, SEQ, l.now);
	return l;
}

static inline void
send(struct life *l, const struct track_event *ev)
{
	l->todo = track_step(&l->j, ev, &policy, l->now,
	    backoff_rand(&l->seed), &l->j);
	l->now += SECOND;
}

static inline void
on(struct life *l, enum track_event_type t)
{
	send(l, &(struct track_event){.type = t});
}

static inline void
runs(struct life *l, uint64_t seq)
{
	send(l, &(struct track_event){.type = TRACK_SEEN_RUNNING,
	    .sequence = seq});
}

static inline void
says(struct life *l, enum report_phase p)
{
	send(l, &(struct track_event){.type = TRACK_REPORT, .phase = p,
	    .grade = GRADE_L1, .attempt = l->j.attempt});
}

static inline void
says_failed(struct life *l, enum fail_class c, enum track_reason r)
{
	send(l, &(struct track_event){.type = TRACK_REPORT,
	    .phase = PHASE_FAILED, .fail = c, .reason = r});
}

static inline void
blocks(struct life *l, uint64_t done)
{
	send(l, &(struct track_event){.type = TRACK_BLOCKS, .done = done,
	    .total = 65536});
}

static inline void
push_fails(struct life *l, enum fail_class c, enum track_reason r)
{
	send(l, &(struct track_event){.type = TRACK_PUSH_FAIL, .fail = c,
	    .reason = r});
}

/* The clock reaches the job's due time. */
static inline void
wait(struct life *l, enum track_event_type t)
{
	assert_true(l->j.due != 0);
	if (l->now < l->j.due)
		l->now = l->j.due;
	on(l, t);
}

/* Queued to notified. */
static inline void
pushed(struct life *l)
{
	wait(l, TRACK_ADMITTED);
	assert_true(l->todo & TRACK_DO_PUSH);
	on(l, TRACK_PUSH_OK);
	assert_int_equal(l->j.state, JOB_NOTIFIED);
}

static inline void
to_state(struct life *l, enum job_state s)
{
	*l = born();
	if (s >= JOB_NOTIFIED)
		pushed(l);
	if (s >= JOB_FETCHING)
		on(l, TRACK_MANIFEST_GET);
	if (s >= JOB_FETCHED)
		on(l, TRACK_IMAGE_END);
	if (s >= JOB_INSTALLING)
		on(l, TRACK_REBOOT);
	assert_int_equal(l->j.state, s);
}

#define STATE(l, s) assert_int_equal((l)->j.state, JOB_##s)
#define REASON(l, r) assert_int_equal((l)->j.reason, REASON_##r)

static inline int
defaults(void **state)
{
	(void)state;
	track_policy_default(&policy);
	return 0;
}

#define T(f) cmocka_unit_test(f)

#endif
