/*
 * campaign_impl: what campaign*.c share. Nobody else includes it.
 */
#ifndef SUITD_DAEMON_CAMPAIGN_IMPL_H
#define SUITD_DAEMON_CAMPAIGN_IMPL_H

#include "daemon/audit.h"
#include "daemon/campaign.h"

/* The cause of an abort by an operator begins so; else it was the gate. */
#define CAMPAIGN_BY_HAND "by an operator"
#include "daemon/engine.h"

/* A device of a plan in the making. */
struct planned {
	uint64_t device, place;
	uint32_t ep; /* offset of its name; UINT32_MAX: none */
	uint8_t verdict, wave;
};

enum planner_phase {
	PLANNER_IDLE,
	PLANNER_SCAN,
	PLANNER_CHECK, /* of a start: is it the plan that was? */
	PLANNER_WRITE,
};

/* Are jobs of no campaign to be cancelled? */
enum own { OWN_UNKNOWN, OWN_NONE, OWN_WORK };

struct campaigns {
	enum own own;
	int64_t own_at; /* not before: it has failed */
	/* the one plan that is being made */
	struct {
		enum planner_phase phase;
		uint64_t campaign;
		struct planned *dev;
		size_t n, cap;
		char *names; /* NUL-terminated, one after the other */
		size_t names_n, names_cap;
		uint64_t after; /* cursor of the scan */
		size_t written;
		uint64_t parts;
		struct plan_digest digest;
		struct plan_waves waves;
		struct plan_entry *was; /* the plan before, by device */
		size_t was_n, was_at;
		uint64_t seen; /* devices looked at */
	} plan;
	bool nested; /* a slice was done inside of a request's pair */
	/* of the last start that was refused */
	struct plan_change change[PLAN_CHANGES];
	size_t change_n;
	uint64_t changes; /* all of them */
	uint64_t change_of; /* campaign */
};

/* One slice of a plan. */
struct judge {
	struct app *app;
	const struct run *run;
	struct campaigns *k;
	struct store_release rel;
	struct plan_target target;
};

/* campaign.c */
int campaign_log(struct app *app, const struct store_campaign *c,
    const char *what, const char *detail) MUST_USE;
/* What suitd itself does with it, into the audit log: what an operator orders
 * is there already, by the request. */
int campaign_audit(struct app *app, const struct store_campaign *c,
    enum audit_kind kind, const char *detail) MUST_USE;
/* Moves it, or ERR_STATE. */
int campaign_move(struct app *app, struct store_campaign *c,
    enum campaign_state to, struct why *why) MUST_USE;
/* Its rules are these from now on. */
int campaign_rules(struct app *app, uint64_t id, const struct policy *p)
    MUST_USE;
int campaign_save(struct app *app, struct store_campaign *c) MUST_USE;
int campaign_find(struct app *app, uint64_t id, struct store_campaign *ret,
    struct why *why) MUST_USE;
/* A draft and its planning to come; inside of a pair. */
int campaign_draft(struct app *app, const struct campaign_spec *spec,
    struct store_campaign *ret, struct why *why) MUST_USE;
/* Aborts, inside of a pair. */
int campaign_stop(struct app *app, struct store_campaign *c, bool hard,
    const char *cause) MUST_USE;
/* Cancels, in slices, what the soft abort of *c has left. */
int campaign_cancel_rest(struct app *app, struct store_campaign *c)
    MUST_USE;
/* Ends *c, and brings those that it has attempted back. */
struct campaign_back {
	uint64_t release;
	const char *by;
	bool approval; /* the way back waits for a second person */
};
int campaign_undo(struct app *app, struct store_campaign *c,
    const struct campaign_back *back, struct why *why) MUST_USE;

/* campaign_draft.c: a job for a device, if it may have one still; what is in
 * its way and may go is superseded. */
struct giver {
	struct app *app;
	const struct run *run;
	struct store_release rel;
	enum plan_verdict verdict; /* out: UPDATE, it has a job; or why not */
};
int campaign_give(struct giver *g, const struct store_device *d,
    const struct engine_order *order) MUST_USE;

/* campaign_work.c: jobs of no campaign for releases that are withdrawn are
 * cancelled */
int campaign_cancel_own(struct app *app) MUST_USE;
/* When it is to be ended because its time is over; 0: never, or was. */
int64_t campaign_expires(const struct run *r);

/* campaign_plan.c: a slice of WORK_PLAN, inside of a pair */
int planner_slice(struct app *app, struct run *r) MUST_USE;
/* Room for `need` elements; out of memory ends the daemon. */
void *planner_room(void *p, size_t need, size_t *cap, size_t size);

/* campaign_scan.c: what the verdicts are made against; devices judged, until
 * *ret_last */
void judge_target(struct judge *j);
int planner_scan(struct judge *j, bool *ret_last) MUST_USE;
enum plan_verdict campaign_verdict(struct app *app, const struct run *r,
    const struct store_release *rel, const struct store_scan *scan);
/* Does the selection mean this device, and is its verdict "update"? */
bool campaign_wants(struct app *app, const struct run *r,
    const struct store_release *rel, const struct store_scan *scan);

/* campaign_gate.c: inside of a pair */
int campaign_open_wave(struct app *app, struct store_campaign *c,
    const char *why) MUST_USE;

#endif
