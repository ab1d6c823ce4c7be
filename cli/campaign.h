/*
 * campaign: what a person reads about a campaign, in pieces that plan, show,
 * watch and report put together. Pieces with nothing to say print nothing.
 */
#ifndef SUITD_CLI_CAMPAIGN_H
#define SUITD_CLI_CAMPAIGN_H

#include "cli/client.h"
#include "cli/render.h"

#define CAMPAIGN_NOTABLE 5 /* slow or stuck devices shown */
#define CAMPAIGN_DIGEST 16 /* hex digits of a plan that are shown */

/* Of the jobs that a person wants to see first. */
struct notable {
	size_t n;
	struct msg_job job[CAMPAIGN_NOTABLE];
};

/* Finished or aborted, with nothing left to be done. */
bool campaign_over(const struct msg_campaign *m);
/* First digits of the plan's digest; "" when there is no plan. */
char *campaign_digest(const struct msg_campaign *m,
    char dst[CAMPAIGN_DIGEST + 1]);

/* Who and what: name, state, release, devices, rules, people. */
void campaign_facts(FILE *out, const struct msg_campaign *m);
/* How far: jobs, gate, what holds, rate, ETA. */
void campaign_progress(FILE *out, const struct msg_campaign *m, int64_t now);
/* The waves and what became of them; the bar takes what is left of
 * `columns` characters. */
/* How far what the gate says can be trusted; nothing when nobody told. */
void campaign_rests(FILE *out, const struct msg_campaign *m);
/* "33 L1": done, and how far that can be trusted. */
void campaign_done_cell(struct table *t, const struct msg_wave *w);
void campaign_waves(FILE *out, const struct msg_campaign *m,
    unsigned columns);
/* Failures by class and reason, at most `max` rows. */
void campaign_failures(FILE *out, const struct msg_campaign *m, size_t max);
/* How many will be updated in which wave, and who will not and why. */
void campaign_plan(FILE *out, const struct msg_campaign *m);
/* The sentence that comes next: start, approve, watch. */
void campaign_next(FILE *out, const struct msg_campaign *m);
/* What `campaign show` begins with: the above. */
void campaign_show(FILE *out, const struct msg_campaign *m, int64_t now);

void campaign_jobs_begin(struct table *t, FILE *out);
void campaign_job(struct table *t, const struct msg_job *j, int64_t now);
void campaign_notable(FILE *out, const char *title, const struct notable *n,
    int64_t now);

/* --- asking the daemon; CLI_*, errors are printed --- */

int campaign_get(struct client *cl, const char *id,
    struct msg_campaign *ret) MUST_USE;
/* jobs?which= */
int campaign_get_notable(struct client *cl, uint64_t id, const char *which,
    struct notable *ret) MUST_USE;
/* All jobs as a table, or as a JSON array. */
int campaign_list_jobs(struct client *cl, uint64_t id, FILE *out,
    bool json) MUST_USE;
/* Every device that was looked at, likewise. */
int campaign_list_plan(struct client *cl, uint64_t id, FILE *out,
    bool json) MUST_USE;
/*
 * Observes a campaign until nothing goes on in it (work is ""); *m is what
 * it was and what it is then. On a terminal a bar shows how far it is.
 */
int campaign_wait(struct client *cl, const struct cli *c,
    struct msg_campaign *m) MUST_USE;

#endif
