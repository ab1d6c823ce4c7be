/*
 * campaign: bring a selection of devices to a release.
 *
 * running -> jobs of the campaign are admitted up to its concurrency.
 * paused  -> nothing new is started, and GET /m answers its devices 4.04
 *            "nothing for you now"; a download that runs may end.
 * aborted -> its live jobs are cancelled. finished -> all jobs are final.
 */
#ifndef SUITD_DAEMON_CAMPAIGN_H
#define SUITD_DAEMON_CAMPAIGN_H

#include "daemon/suitd.h"

enum campaign_select {
	SELECT_CLASS, /* every device of the release's classes, or of one */
	SELECT_TAG,
	SELECT_LIST,
};

struct campaign_spec {
	uint64_t release;
	char name[LIMIT_KEY_NAME + 1]; /* "" : made from its number */
	uint32_t concurrency; /* 0: the configured default */
	enum campaign_select select;
	bool have_class; /* SELECT_CLASS: only this one */
	uint8_t class_id[16];
	char tag_name[LIMIT_TAG_NAME + 1];
	char tag_value[LIMIT_TAG_VALUE + 1]; /* "": any value */
	const struct slice *ep; /* SELECT_LIST, borrowed */
	size_t ep_count;
	bool dry_run; /* count, change nothing */
};

struct campaign_result {
	struct store_campaign campaign; /* id 0 after a dry run */
	uint64_t selected; /* looked at */
	uint64_t jobs; /* made */
	uint64_t superseded; /* of these: took the place of an older job */
	uint64_t there; /* run it already */
	uint64_t newer; /* run something newer */
	uint64_t busy; /* have a live job for this or a newer release */
	uint64_t other_class;
	uint64_t unknown; /* of a list: no such device */
};

const char *campaign_state_name(enum campaign_state st);

/* Each in a pair of its own; *why says what to do next. */
int campaign_start(struct app *app, const struct campaign_spec *spec,
    struct campaign_result *ret, struct why *why) MUST_USE;
int campaign_pause(struct app *app, uint64_t id, struct why *why) MUST_USE;
int campaign_resume(struct app *app, uint64_t id, struct why *why) MUST_USE;
int campaign_abort(struct app *app, uint64_t id, struct why *why) MUST_USE;
/* A failed or cancelled job again, or a queued one now, by an operator. */
int campaign_retry(struct app *app, uint64_t job, struct why *why) MUST_USE;
/* Inside of a pair: campaigns of a withdrawn release are aborted. Jobs that
 * belong to none are cancelled when they come due. */
int campaign_withdrawn(struct app *app, uint64_t release) MUST_USE;
/* Inside of a pair: finished when every job is final. */
int campaign_check(struct app *app, uint64_t id) MUST_USE;

#endif
