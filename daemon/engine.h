/*
 * engine: jobs in motion. Every change of a job takes one path, the engine rule:
 *
 *   event -> engine_begin -> track_step -> save by compare-and-set + event
 *   row -> engine_end -> (end of the loop's turn) commit -> durable -> only
 *   then held answers leave, observers are notified, devices are pushed
 *
 * One store transaction per turn of the loop: engine_begin opens it when it
 * is not open and starts a savepoint in it, engine_end keeps or undoes that
 * savepoint, engine_turn commits. When the commit fails everything of the
 * turn is undone, held answers become that error, nothing is pushed, and
 * serving goes on; due jobs are still due.
 *
 * Where a commit is not durable when it returns (store->unsynced), the loop
 * goes on meanwhile: one sync is asked for at a time, for all turns that were
 * committed until then. When it fails, the answers of these turns become that
 * error, though what they did is there for now; observers and pushes wait
 * for the next sync that succeeds, which covers them.
 */
#ifndef SUITD_DAEMON_ENGINE_H
#define SUITD_DAEMON_ENGINE_H

#include "daemon/front.h"
#include "db/store.h"
#include "lib/err.h"
#include "lib/track.h"

struct engine;
struct seen;
struct flow_sum;

/* Hooks itself into app->loop: timer, fold tick, end of turn. */
int engine_new(struct app *app, struct engine **ret) MUST_USE;
void engine_free(struct engine *e); /* NULL is fine */

/*
 * A group of writes that stands or falls alone:
 *   rc = engine_begin(e); if (rc) return rc;
 *   ... store verbs, engine_* ...
 *   return engine_end(e, rc);
 * engine_end with an error undoes the group and returns that error, else
 * what the store says. Pairs nest. What was queued with the functions below
 * inside of an undone group is dropped with it.
 */
int engine_begin(struct engine *e) MUST_USE;
int engine_end(struct engine *e, int err) MUST_USE;

/* --- inside of a pair --- */

/* An event of a device's live job, else of its last one; no job: 0. */
int engine_event(struct engine *e, uint64_t device,
    const struct track_event *ev) MUST_USE;
/* An event of one job (cancel, retry, supersede). *ret may be NULL. */
int engine_job_event(struct engine *e, uint64_t job,
    const struct track_event *ev, struct job *ret) MUST_USE;
/*
 * The device runs `sequence`: its record, its live job. The version text is
 * kept when it is empty.
 */
int engine_running(struct engine *e, struct store_device *d,
    uint64_t sequence, enum grade grade) MUST_USE;
/* Who ordered a job. */
struct engine_order {
	uint64_t campaign;
	uint32_t wave;
	bool quiet; /* no event row: one of very many */
};
/* Makes a job of a device for a release; a live one is ERR_EXISTS. `order`
 * NULL: nobody, the device came by itself. */
int engine_job_new(struct engine *e, const struct store_device *d,
    const struct store_release *r, const struct engine_order *order) MUST_USE;
/*
 * Appends a row to the event log; sets its time. Observers of a/events and
 * a/status hear of it. Empty fields stay empty.
 */
int engine_log(struct engine *e, struct store_event *ev) MUST_USE;

/* --- queued until the turn is committed; dropped when it fails --- */

/* Observers of a topic: T_ADMIN, or any other for the device's plane. */
void engine_notify(struct engine *e, enum transport plane, const char *path);
/* A line of the log, at info. More than ENGINE_LINES that wait are said at
 * once: early is better than never. */
#define ENGINE_LINES 4096
void engine_say(struct engine *e, const char *fmt, ...) PRINTF(2, 3);
/* fn(app) once after the commit, e.g. to reload the catalog. */
void engine_after(struct engine *e, void (*fn)(struct app *app));
/* Due times have changed: the timer is set anew at the end of the turn. */
void engine_wake(struct engine *e);
/* This campaign has moved: its gate, and whether it is finished, are looked
 * at once, at the end of the turn. */
void engine_campaign_check(struct engine *e, uint64_t campaign);

/* --- driven by the loop; called directly by tests --- */

void engine_turn(struct engine *e); /* the hook before sleep */
/* Waits for the disk, and answers: before the end. */
void engine_drain(struct engine *e);
void engine_due(struct engine *e); /* the timer: due jobs, admission */
void engine_fold(struct engine *e, bool all); /* progress -> events */
void engine_watch(struct engine *e); /* the same for the image plane */
void engine_show(struct engine *e); /* once a second: who watches hears */
void engine_prune(struct engine *e); /* old events go */
/* The front's hook: memory only, never the store. */
void engine_blocks(struct app *app, const struct req *req,
    const struct blob *image, uint64_t end, uint64_t total);
/* A manifest left for a peer that is known by its address at most: memory
 * only, too. */
void engine_manifest_sent(struct engine *e, const struct req *req,
    const uint8_t digest[32]);

/*
 * A manifest left for this device; NULL: for whom nothing but the address is
 * known of. So its image is awaited. In memory, and of the newest
 * LIMIT_AWAITED.
 */
void engine_await(struct engine *e, const struct store_device *d,
    const char *addr, uint64_t release);
/*
 * Is there anybody who was triggered, or got a manifest, less than
 * ENGINE_AWAIT_MS ago, was not told to come later, and has asked for no block
 * yet? He is about to. Walks the attempts under way: for a stop that sees no
 * block, not for each turn.
 */
#define ENGINE_AWAIT_MS 30000
bool engine_awaits(const struct engine *e);

/*
 * A worker's table: the engine is its reader from now on, until the loop has
 * ended; it stays the caller's. ERR_LIMIT, ERR_NOMEM.
 */
int engine_seen_add(struct engine *e, struct seen *s) MUST_USE;
/* What goes out for a campaign just now, from memory. */
void engine_flow(const struct engine *e, uint64_t campaign,
    struct flow_sum *ret);

/* Can we reach out to it? Else only its own contact moves its job. */
bool engine_pushable(const struct engine *e, const struct store_device *d);
/* Is this device taking an image of this release just now? */
bool engine_fetching(const struct engine *e, const struct store_device *d,
    uint64_t release);
/* A job whose image goes out just now: its `done` is what was seen of it up
 * to this moment, which the store learns later. */
void engine_refresh(const struct engine *e, const struct store_device *d,
    struct job *j);

struct engine_stats {
	uint64_t turns, commits_failed, events, conflicts, pushes, folds;
	uint64_t syncs_failed;
	uint64_t progress_slots; /* downloads in sight */
	uint64_t running; /* campaigns, when they were looked at last */
};
/* The configuration is another one: due times are looked at anew, and the
 * length of the event log. */
void engine_reloaded(struct engine *e);
void engine_stats(const struct engine *e, struct engine_stats *ret);

#endif
