/*
 * The operator. Everything that knows how a campaign is started, steered
 * and looked at is here.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/campaign.h"
#include "daemon/engine.h"

/* "slots=20", "tag=site:north": the policy, as text. */
static int
word(struct sim *s, struct campaign_spec *spec, char *w)
{
	char *value = strchr(w, '='), *colon;

	if (value != NULL)
		*value++ = '\0';
	if (value != NULL && strcmp(w, "slots") == 0) {
		spec->concurrency = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	}
	if (value == NULL || strcmp(w, "tag") != 0)
		return why_set(&s->why, ERR_INVALID, "no such policy word: "
		    "%s", w);
	colon = strchr(value, ':');
	if (colon != NULL)
		*colon++ = '\0';
	spec->select = SELECT_TAG;
	snprintf(spec->tag_name, sizeof(spec->tag_name), "%s", value);
	snprintf(spec->tag_value, sizeof(spec->tag_value), "%s",
	    colon != NULL ? colon : "");
	return 0;
}

int
ops_start(struct sim *s, uint64_t release, char *words)
{
	struct campaign_spec spec = {
		.release = release, .select = SELECT_CLASS,
	};
	struct campaign_result r;
	char *w;
	int rc = 0;

	while (rc == 0 && (w = sim_word(&words)) != NULL)
		rc = word(s, &spec, w);
	if (rc == 0)
		rc = campaign_start(&s->app, &spec, &r, &s->why);
	if (rc != 0)
		return rc;
	s->campaign = r.campaign.id;
	s->slots = r.campaign.concurrency;
	sim_trace(s, NULL, "campaign %llu: %llu jobs",
	    (unsigned long long)s->campaign, (unsigned long long)r.jobs);
	return 0;
}

static const struct {
	const char *verb;
	int (*fn)(struct app *app, uint64_t id, struct why *why);
} verbs[] = {
	{"PAUSE", campaign_pause},
	{"RESUME", campaign_resume},
	{"ABORT", campaign_abort},
};

int
ops_do(struct sim *s, const char *verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].verb, verb) == 0)
			return verbs[i].fn(&s->app, s->campaign, &s->why);
	return why_set(&s->why, ERR_INVALID, "no such verb");
}

void
ops_view(struct sim *s, struct ops_view *ret)
{
	struct store *st = s->app.store;
	struct store_campaign c = {0};
	struct store_counts n = {0};

	memset(ret, 0, sizeof(*ret));
	ret->state = -1;
	if (st == NULL || s->campaign == 0 ||
	    st->ops->campaign_get(st, s->campaign, &c) != 0 ||
	    st->ops->campaign_counts(st, s->campaign, &n) != 0)
		return;
	ret->state = c.state;
	ret->active = (int64_t)(n.active + n.starting);
	ret->done = (int64_t)n.by_state[JOB_DONE];
	ret->failed = (int64_t)n.by_state[JOB_FAILED];
	for (size_t i = 0; i < JOB_STATES; i++)
		if (!job_state_final((enum job_state)i))
			ret->live += (int64_t)n.by_state[i];
}

int
ops_state(const char *name)
{
	for (int i = CAMPAIGN_DRAFT; i <= CAMPAIGN_ABORTED; i++)
		if (strcmp(campaign_state_name((enum campaign_state)i),
		    name) == 0)
			return i;
	return -1;
}

bool
ops_ended(struct sim *s)
{
	struct ops_view v;

	ops_view(s, &v);
	return v.state == CAMPAIGN_FINISHED || v.state == CAMPAIGN_ABORTED;
}
