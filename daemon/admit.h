/*
 * admit: who may start now. Above the single job's retry control stand the
 * budgets of its campaign (state, start time, window, waves, concurrency,
 * rate), of the server and of the device's network group (downloads at a
 * time, bytes a second, retries a minute). One order of questions serves the
 * pump that starts attempts, the poll path that answers 4.29, and explain:
 * so what explain says is what holds.
 *
 * A slot is a download: a job whose trigger is under way, that was notified
 * or that fetches. Slots are counted from the jobs in the store, so that a
 * crash cannot admit anybody twice; rates and bookings are in memory, and
 * begin anew without a burst after one.
 */
#ifndef SUITD_DAEMON_ADMIT_H
#define SUITD_DAEMON_ADMIT_H

#include "daemon/runs.h"

/* H(id, name): the name is what explain and the API say. */
#define HOLD_LIST(H) \
	H(NONE, "none") \
	H(DRAFT, "draft") \
	H(APPROVAL, "approval") \
	H(PAUSED, "paused") \
	H(OVER, "over") \
	H(START, "start-time") \
	H(WINDOW, "window") \
	H(WAVE, "wave") \
	H(RELEASE, "release") \
	H(REVOKED, "revoked") \
	H(CONTACT, "contact") \
	H(BACKOFF, "back-off") \
	H(CONCURRENCY, "concurrency") \
	H(SERVER, "server-slots") \
	H(GROUP, "group-slots") \
	H(RATE, "rate") \
	H(BYTES, "bytes") \
	H(BUDGET, "retry-budget") \
	H(PUSHES, "push-pace")

enum hold {
#define H(id, name) HOLD_##id,
	HOLD_LIST(H)
#undef H
	HOLDS
};
const char *hold_name(enum hold h);

struct admission {
	enum hold hold;
	int64_t until; /* when it may be different, Unix ms; 0: not known */
	int64_t every; /* ms from one start to the next; 0: as slots allow */
	char text[200]; /* one sentence for a person */
	char advice[120];
};

struct admit;

int admit_new(struct admit **ret) MUST_USE;
void admit_free(struct admit *a); /* NULL is fine */

/* What holds every new start of a campaign; changes nothing. `room`: how
 * many the pump may start at the most (HOLD_NONE only); 0: its queue is
 * empty. */
int admit_campaign(struct app *app, const struct run *r,
    struct admission *ret, uint64_t *ret_room) MUST_USE;
/* What holds this queued job besides: its wave, its device, its back-off.
 * Changes nothing. `r` NULL: a job of no campaign. */
void admit_job(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret);
/* What holds a push to it: its campaign, its group, rates and budgets. */
void admit_pace(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret);
/* The push goes out: what it costs is taken. */
void admit_take(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d);
/*
 * Is it told a spread (w=) with its trigger? Then the push takes no slot and
 * pays no bytes: the device asks for both when it comes. Only a trigger can
 * say it, and RIOT (nul_trigger) does not know the word: such devices keep
 * their slot from the push on, in the same campaign.
 */
bool admit_announces(const struct run *r, const struct store_device *d);

/* --- slots --- */

/* A job has moved (and was saved): its slot is taken or given back. */
void admit_moved(struct app *app, const struct job *was,
    const struct job *now);
/* Grows with each slot that moves. */
uint64_t admit_moves(const struct admit *a);
/* What was done since then is undone: if any slot has moved in it, they are
 * counted anew before they are asked for. */
void admit_undone(struct admit *a, uint64_t moves);
uint32_t admit_slots(struct app *app); /* taken */
/* What makes a network group is another thing now: slots are counted anew. */
void admit_regroup(struct admit *a);

/* --- the poll path --- */

/* May its attempt go on without being asked anything? One that was only
 * announced has not begun before the device asks. */
bool admit_begun(const struct run *r, const struct job *j,
    const struct store_device *d);
/* Was it the image or the device that failed (I, X)? Then asking does not
 * end the wait. */
bool admit_must_rest(const struct job *j);
/*
 * The device asks for the job's release: everything above, in that order,
 * from its side. After a failure of the link its asking ends the wait; after
 * one of the image or of the device (I, X) it has to rest. `d` has the
 * address that it asks from.
 */
int admit_poll(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret) MUST_USE;
/* It gets it: what was not taken by a push is taken now. */
void admit_poll_take(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d);

/* Who asks, and what holds it. */
struct admit_turn {
	struct run *run; /* NULL: of no campaign */
	const struct store_device *dev;
	enum grade grade;
	const struct admission *held;
};
/*
 * When shall it come back? At its booking when it has one that is not over,
 * else at a new place in the queue of what holds it (the campaign's, its
 * group's or the server's), not before held->until. Seconds, at most 6 h for
 * a device that is authenticated, 1 h for others: so far they believe a
 * Max-Age. A place that is farther away is none: it asks again before.
 */
uint32_t admit_book(struct app *app, const struct admit_turn *t);
/* Until when it was told to stay away, Unix ms; 0: it was not. */
int64_t admit_booked(struct app *app, uint64_t device);

#endif
