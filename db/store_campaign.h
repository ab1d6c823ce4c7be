/*
 * store_campaign: a campaign as the store keeps it, and its jobs by kind. The
 * verbs are in store.h.
 */
#ifndef SUITD_DB_STORE_CAMPAIGN_H
#define SUITD_DB_STORE_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/limits.h"
#include "lib/track.h"

enum campaign_state {
	CAMPAIGN_DRAFT = 0,
	CAMPAIGN_RUNNING = 1,
	CAMPAIGN_PAUSED = 2,
	CAMPAIGN_FINISHED = 3,
	CAMPAIGN_ABORTED = 4,
};

/* What is still to be done in slices, a restart included. Stored numbers. */
enum campaign_work {
	WORK_NONE = 0,
	WORK_PLAN = 1, /* devices are looked at, from the first after a restart */
	WORK_START = 2, /* jobs are made, work_at: entries of the plan done */
	WORK_CANCEL = 3, /* jobs are cancelled, work_at: the last one */
};

/* Whose devices. Stored numbers. */
enum campaign_source {
	SOURCE_SELECT = 0, /* the expression `select` */
	SOURCE_LIST = 1, /* the list that was given; it is in the plan */
	SOURCE_CAMPAIGN = 2, /* those that campaign `of` has attempted */
};

#define STORE_VERDICTS 16 /* room for plan.h's */
#define STORE_WAVES 8
#define STORE_CAUSE 200

struct store_wave {
	uint64_t size; /* devices of the plan in this wave */
	uint64_t place; /* the last place (plan.h) that belongs to it */
};

struct store_campaign {
	uint64_t id;
	uint64_t release;
	char name[LIMIT_KEY_NAME + 1];
	enum campaign_state state;
	enum campaign_work work;
	uint64_t work_at;
	enum campaign_source source;
	uint64_t of;
	char select[LIMIT_SELECT + 1];
	char policy[LIMIT_POLICY + 1]; /* policy.h's line */
	uint32_t concurrency; /* of the policy; jobs in an attempt at the same
	                         time, >= 1 */
	bool planned; /* plan, verdict and waves are there */
	bool start; /* to be started when it is planned and approved */
	bool hard; /* aborted, and running installs were cancelled too */
	uint8_t plan[32]; /* the plan's digest */
	uint64_t verdict[STORE_VERDICTS]; /* devices by plan verdict */
	uint32_t wave; /* open are 1 .. wave; 0: none yet */
	uint32_t wave_count;
	struct store_wave waves[STORE_WAVES];
	int64_t wave_opened; /* the last one */
	int64_t wave_met; /* since then its gate's criteria hold; 0: not yet */
	char by[LIMIT_PSK_IDENTITY + 1]; /* who planned it */
	char approved[LIMIT_PSK_IDENTITY + 1]; /* by whom; "" nobody */
	char cause[STORE_CAUSE]; /* why it is paused or aborted, or was not
	                            started; "" an operator's wish */
	uint64_t follower; /* campaign that rolls this one back; 0 none */
	int64_t created, updated, started, ended;
	uint32_t version; /* compare-and-set */
};

/* How many jobs of a campaign are alike. */
struct store_tally {
	uint32_t wave;
	enum job_state state;
	bool begun; /* queued with an attempt begun (job.started): the trigger
	               is under way */
	bool waiting; /* queued with no due time: waits for contact */
	enum fail_class fail; /* last_fail */
	enum track_reason reason;
	enum grade grade; /* of the evidence for the outcome of final jobs and
	                     of those that wait after a failure; else L0 */
	uint64_t n;
};
#define STORE_TALLY 2048 /* more kinds in one campaign are ERR_SPACE */

/* The sum of a tally. */
struct store_counts {
	uint64_t by_state[JOB_STATES];
	uint64_t active; /* notified .. installing */
	uint64_t starting; /* begun */
	uint64_t waiting;
	uint64_t by_class[FAIL_CLASSES]; /* of failed jobs */
	uint64_t done[GRADES], failed[GRADES]; /* jobs in these states, by the
	                                          grade of the evidence */
	uint64_t attempts; /* of all jobs together */
};

/* What a monitoring system asks for. */
struct store_gauges {
	uint64_t campaigns[CAMPAIGN_ABORTED + 1]; /* by state */
	uint64_t jobs[JOB_STATES];
	uint64_t done[GRADES]; /* jobs that are, by their evidence */
	uint64_t backoff; /* queued after a failure, until their time comes */
	uint64_t due; /* that jobs_due would give; STORE_DUE: or more */
};
#define STORE_DUE 1000

/* Jobs of a campaign that a person wants to see first. */
enum store_notable {
	NOTABLE_SLOW, /* in an attempt (state 1 .. 4), begun longest ago */
	NOTABLE_STUCK, /* queued after a failure, unmoved for longest */
	NOTABLE_FAILED, /* failed, the latest first */
};

#endif
