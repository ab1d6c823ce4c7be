/*
 * The operator. Everything that knows how a campaign is started, steered
 * and looked at is here.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

#include "daemon/campaign.h"
#include "daemon/engine.h"

/* A word is a rule of the policy; `where=EXPR` is the selection, without
 * blanks. */
static int
word(struct sim *s, struct campaign_spec *spec, const char *w)
{
	size_t n = strlen(spec->policy);

	if (strncmp(w, "where=", 6) == 0) {
		snprintf(spec->select, sizeof(spec->select), "%s", w + 6);
		return 0;
	}
	if (n + strlen(w) + 2 > sizeof(spec->policy))
		return why_set(&s->why, ERR_SIZE, "too many rules");
	snprintf(spec->policy + n, sizeof(spec->policy) - n, "%s%s",
	    n > 0 ? " " : "", w);
	return 0;
}

/* Planning takes turns of the loop; nothing else happens meanwhile. */
static int
finish_work(struct sim *s, struct store_campaign *c)
{
	struct app *app = &s->app;
	int rc = 0;

	while (rc == 0 && c->work != WORK_NONE) {
		campaign_work(app);
		engine_turn(app->engine);
		rc = app->store->ops->campaign_get(app->store, c->id, c);
	}
	return rc;
}

int
ops_start(struct sim *s, uint64_t release, char *words)
{
	struct campaign_spec spec = {.release = release, .start = true};
	struct store_campaign c;
	char *w;
	int rc = 0;

	while (rc == 0 && (w = sim_word(&words)) != NULL)
		rc = word(s, &spec, w);
	if (rc == 0)
		rc = campaign_plan(&s->app, &spec, &c, &s->why);
	if (rc == 0)
		rc = finish_work(s, &c);
	if (rc == 0 && c.state != CAMPAIGN_RUNNING)
		rc = why_set(&s->why, ERR_STATE, "not started: %.150s",
		    c.cause);
	if (rc != 0)
		return rc;
	s->campaign = c.id;
	s->slots = c.concurrency < s->app.conf.downloads ? c.concurrency :
	    s->app.conf.downloads;
	sim_trace(s, NULL, "campaign %llu: %llu jobs, %u waves",
	    (unsigned long long)s->campaign,
	    (unsigned long long)c.verdict[PLAN_UPDATE],
	    (unsigned)c.wave_count);
	return 0;
}

static int
soft_abort(struct app *app, uint64_t id, struct why *why)
{
	return campaign_abort(app, id, false, why);
}

static int
next_wave(struct app *app, uint64_t id, struct why *why)
{
	return campaign_advance(app, id, 0, why);
}

static const struct {
	const char *verb;
	int (*fn)(struct app *app, uint64_t id, struct why *why);
} verbs[] = {
	{"PAUSE", campaign_pause},
	{"RESUME", campaign_resume},
	{"ABORT", soft_abort},
	{"NEXT", next_wave},
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
	ret->slots = (int64_t)n.by_state[JOB_FETCHING];
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
