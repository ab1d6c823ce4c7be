/*
 * engine_impl: what engine*.c and contact.c share. Nobody else includes it.
 */
#ifndef SUITD_DAEMON_ENGINE_IMPL_H
#define SUITD_DAEMON_ENGINE_IMPL_H

#include "daemon/engine.h"
#include "daemon/flow.h"
#include "daemon/progress.h"
#include "daemon/seen.h"
#include "daemon/suitd.h"

#define ENGINE_DEPTH 8 /* pairs within pairs */
#define ENGINE_IDLE 4096 /* devices known to have no live job */
#define ENGINE_AFTER 8
#define ENGINE_LEASE_MS 30000
#define ENGINE_BATCH 64 /* due jobs in one turn */
#define ENGINE_FOLD_MS 1000
#define ENGINE_PRUNE_MAX 5000 /* events dropped in one turn */
#define ENGINE_FOLD_MAX 512 /* slots folded in one turn */
#define ENGINE_FOLD_SPEND_MS 10 /* and how long that may take */
#define ENGINE_TABLES 16 /* workers of the image plane */
#define ENGINE_WATCH_MS 100
#define FETCHING_MS 60000 /* a block this young: the download is alive */

struct engine_push {
	struct job job;
	bool probe;
};

struct engine_topic {
	enum transport plane;
	char path[LIMIT_PATH + 1];
};

/* What nobody may see before it is durable. */
struct engine_news {
	struct engine_push *push;
	size_t push_n, push_cap;
	struct engine_topic *topic;
	size_t topic_n, topic_cap;
	void (*after[ENGINE_AFTER])(struct app *app);
	size_t after_n;
	char **line; /* of the log, ours */
	size_t line_n, line_cap;
};

/* engine_await.c: got a manifest. */
struct engine_awaited {
	uint64_t device; /* 0: known by its address at most */
	char ep[LIMIT_EP + 1];
	char addr[LIMIT_ADDRESS];
	uint64_t release; /* 0: free */
	int64_t at; /* Unix ms */
};

struct engine_watch; /* engine_seen.c: the workers' tables */

struct engine {
	struct app *app;
	bool begun; /* what was in flight before is due again */
	bool open; /* the turn's transaction */
	size_t depth;
	struct {
		size_t push_n, line_n;
		uint64_t moves; /* of slots, admit.h */
	} mark[ENGINE_DEPTH]; /* when the pair was begun */
	uint64_t moves; /* when the turn was */
	bool wake; /* due times may have changed */
	bool stalled; /* admission waits for a push to end */
	size_t running; /* campaigns, when it was looked last */
	uint64_t served; /* the one that started something last */

	struct engine_news news; /* of the turn, and of those that wait for
	                            the sync to come */
	struct {
		size_t push_n, topic_n, after_n, line_n;
		uint64_t held; /* answers */
	} kept; /* of all this is committed */
	struct engine_news told; /* of those that the sync is about, and of
	                            those whose sync failed */
	struct {
		bool asked, owed; /* committed and not asked about */
		bool failed; /* told is told when one succeeds */
		uint64_t held; /* answers that it is about */
	} sync;
	uint64_t *check; /* campaigns */
	size_t check_n, check_cap;

	uint64_t idle[ENGINE_IDLE]; /* device ids, direct-mapped */
	uint64_t pruned; /* stats.events when the log was looked at */
	size_t fold_at; /* where the next fold goes on */
	struct progress progress;
	struct engine_watch *watch; /* NULL: there is no image plane */
	struct flow flow;
	struct engine_awaited awaited[LIMIT_AWAITED]; /* a ring */
	size_t awaited_n; /* so far */
	struct engine_stats stats;
};

/* One step of a job, saved, logged, and its consequences queued. */
int engine_step(struct engine *e, struct job *job,
    const struct track_event *ev) MUST_USE;
/* engine_sync.c: the turns that are committed and wait for the disk. */
void engine_sync_start(struct engine *e); /* if there is any, and none asked */
void engine_sync_settle(struct engine *e); /* if the disk has answered */
/* Adds to a list, once. */
void engine_news_topic(struct engine_news *n, enum transport plane,
    const char *path);
void engine_news_after(struct engine_news *n, void (*fn)(struct app *app));
void engine_news_push(struct engine_news *n, const struct engine_push *p);
void engine_news_line(struct engine_news *n, char *line); /* takes it */
/* Those from `n` on were never said. */
void engine_news_unsay(struct engine_news *news, size_t n);
void engine_news_free(struct engine_news *n);

/* Sent after the commit, unless the pair is undone. */
void engine_push(struct engine *e, const struct job *job, bool probe);
/* An attempt is over: what was seen of its download is none of the next. */
void engine_fold_drop(struct engine *e, const struct job *j);

/* What was seen of a peer, by a text of progress.h. */
struct engine_mark {
	const char *peer;
	const uint8_t *digest;
	bool manifest; /* digest is a release's */
	uint64_t campaign; /* out: that it is fetched for; 0: for none */
};
/* Becomes an event, in a pair of its own. */
int engine_fold_mark(struct engine *e, struct engine_mark *m) MUST_USE;
/* A download that libcoap's plane serves just now. */
bool engine_in_sight(const struct progress_slot *s, int64_t now);
/* The farthest of what is known of a peer and an image in all tables, and
 * ms since the last block; false: nothing. */
bool engine_span(const struct engine *e, const char *peer,
    const uint8_t digest[32], struct span *ret, int64_t *ret_age);

/* --- of the workers' tables --- */

/* What was seen of a job's device, now, before it is judged by the clock. */
int engine_seen_job(struct engine *e, const struct job *j) MUST_USE;
bool engine_seen_span(const struct engine *e, const char *peer,
    const uint8_t digest[32], struct span *ret, int64_t *ret_age);
void engine_seen_drop(struct engine *e, const char *peer,
    const uint8_t digest[32]);
/* The end of a turn: what was folded in it was kept, or was not. */
void engine_seen_kept(struct engine *e, bool kept);
uint64_t engine_seen_live(const struct engine *e);
void engine_seen_free(struct engine *e);

/* Triggers that were in flight when the daemon died are due again. */
int engine_restarted(struct engine *e) MUST_USE;
/* Starts what may start, campaign by campaign, at most `room` jobs. */
void engine_pump(struct engine *e, size_t room);
/* When the pump or a gate has something to do next; 0: when woken. */
int engine_pump_next(struct engine *e, int64_t *ret) MUST_USE;
/* The job is looked at again at `due`; 0: when the device speaks. */
int engine_wait_until(struct engine *e, struct job *j, int64_t due) MUST_USE;
/* A live job of a device through the idle cache; ERR_NOT_FOUND. */
int engine_live(struct engine *e, uint64_t device, struct job *ret) MUST_USE;

#endif
