/*
 * runs: campaigns as the daemon works with them: the store's row, its policy
 * line, window and selection read, and what is kept of it in memory only
 * (the pace of its starts, how fast it goes). A bounded table; whatever
 * falls out of it or is lost in a crash is read or measured anew.
 */
#ifndef SUITD_DAEMON_RUNS_H
#define SUITD_DAEMON_RUNS_H

#include "daemon/suitd.h"
#include "lib/pace.h"
#include "lib/plan.h"
#include "lib/policy.h"
#include "lib/select.h"
#include "lib/window.h"

#define RUNS_RATE 60 /* minutes that the rate is measured over */

struct runs;

struct run {
	struct store_campaign c; /* as read last */
	struct policy policy;
	struct window window;
	struct select select; /* SOURCE_SELECT only */
	bool blind; /* its selection cannot be read any more: a class alias has
	               gone from the configuration. Nobody matches it. */
	bool corrupt; /* nor can its rules */
	struct pace pace; /* of its starts */
	int64_t retry_at; /* its work failed: not before */
	int64_t hold_until; /* what held the first of its queue ends: the pump
	                       does not look before; 0: nothing did */
	struct pace book; /* who asked and was told to come back */
	struct {
		int64_t minute; /* 0: nothing here */
		uint64_t done;
	} rate[RUNS_RATE];
};

int runs_new(struct runs **ret) MUST_USE;
void runs_free(struct runs *r); /* NULL is fine */

/*
 * The campaign as the store has it now; borrowed until the next call of
 * runs_*. ERR_NOT_FOUND, or what the store says. A line that an older suitd
 * wrote and this one cannot read is ERR_CORRUPT, which names it in the log.
 */
int runs_get(struct app *app, uint64_t campaign, struct run **ret) MUST_USE;
/* The same for a row at hand. */
int runs_of(struct app *app, const struct store_campaign *c,
    struct run **ret) MUST_USE;
/* What is in memory of it, without asking the store; NULL: nothing. */
const struct run *runs_peek(const struct app *app, uint64_t campaign);
/* Calls fn for every campaign that is not over or has work left, with a
 * struct run that is borrowed for the call; those that cannot be read are
 * passed over. fn's error ends it. */
int runs_each(struct app *app, int (*fn)(void *arg, struct run *r),
    void *arg) MUST_USE;
/* Does it take devices that come later? Paused or not, from the moment at
 * which its plan is final. */
bool runs_takes(const struct run *r);
/* Does any campaign? Cheap: as runs_each saw it last. */
bool runs_continuous(const struct app *app);

/* The configuration is another one: selections are read anew, since they may
 * name its aliases, and what held a queue may hold it no longer. */
void runs_reread(struct runs *r);

/* Notes how many devices are done, and tells what that is an hour over the
 * last RUNS_RATE minutes at the most: 0 until a minute was seen. *ret_ms:
 * measured over that time. */
void runs_note_done(struct run *r, int64_t now, uint64_t done);
uint64_t runs_per_hour(const struct run *r, int64_t now, uint64_t done,
    int64_t *ret_ms);

#endif
