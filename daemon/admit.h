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
	H(BUDGET, "retry-budget")

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
	char text[200]; /* one sentence for a person */
	char advice[120];
};

struct admit;

int admit_new(struct admit **ret) MUST_USE;
void admit_free(struct admit *a); /* NULL is fine */

/* What holds every new start of a campaign; changes nothing. `room`: how
 * many may start (HOLD_NONE only). */
int admit_campaign(struct app *app, struct run *r, struct admission *ret,
    uint64_t *ret_room) MUST_USE;
/* What holds this queued job besides: its wave, its device, its back-off
 * (only when `pace`: its group, rates and budgets). Changes nothing.
 * `r` NULL: a job of no campaign. */
void admit_job(struct app *app, const struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret);
void admit_pace(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d, struct admission *ret);
/* The attempt begins: what it costs is taken. */
void admit_take(struct app *app, struct run *r, const struct job *j,
    const struct store_device *d);

/* --- slots --- */

/* A job has moved (and was saved): its slot is taken or given back. */
void admit_moved(struct app *app, const struct job *was,
    const struct job *now);
/* What was counted may be wrong (a pair was undone): it is counted anew
 * before it is asked for next. */
void admit_doubt(struct admit *a);
uint32_t admit_slots(struct app *app); /* taken */

/* --- the poll path --- */

/*
 * A device has asked for what it may not start now: when shall it come
 * back? Its booking when it has one, else a new one after `from` (Unix ms,
 * at least now). Seconds, at most 6 h for a device that is authenticated, 1 h
 * for others: so far they believe a Max-Age.
 */
uint32_t admit_book(struct app *app, const struct store_device *d,
    enum grade grade, int64_t from);
/* It has come before its time; until then the same is said again. */
bool admit_early(struct app *app, uint64_t device, uint32_t *ret_max_age);
/* Mean length of a download, ms, as measured. */
int64_t admit_mean(const struct admit *a);

#endif
