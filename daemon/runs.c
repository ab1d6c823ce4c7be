/*
 * One slot for each live campaign and some for those that are looked at. A
 * slot keeps its parsed parts as long as the texts are the same: a poll of
 * ten thousand devices must not read the same policy ten thousand times.
 */
#include "daemon/runs.h"

#include <stdlib.h>

#include "daemon/log.h"

#define SLOTS_OVER 8
#define SLOTS (LIMIT_CAMPAIGNS_LIVE + 16 + SLOTS_OVER)
#define PAGE 8
#define MINUTE_MS 60000

struct runs {
	struct {
		struct run run; /* run.c.id 0: free */
		uint64_t used;
	} slot[SLOTS];
	uint64_t clock;
	bool continuous;
};

int
runs_new(struct runs **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret == NULL ? ERR_NOMEM : 0;
}

void
runs_free(struct runs *r)
{
	free(r);
}

const struct run *
runs_peek(const struct app *app, uint64_t campaign)
{
	const struct runs *r = app->runs;

	for (size_t i = 0; campaign != 0 && i < SLOTS; i++)
		if (r->slot[i].run.c.id == campaign)
			return &r->slot[i].run;
	return NULL;
}

/* The campaign's slot, else the one that was not used for longest: of the
 * few at the end for one that is over, so that a list of those does not
 * make us forget the pace of those that run. */
static struct run *
slot_of(struct runs *r, const struct store_campaign *c)
{
	bool over = c->ended != 0 && c->state != CAMPAIGN_RUNNING &&
	    c->state != CAMPAIGN_PAUSED && c->work == WORK_NONE;
	size_t best = over ? SLOTS - SLOTS_OVER : 0;

	for (size_t i = 0; i < SLOTS; i++) {
		if (r->slot[i].run.c.id == c->id) {
			best = i;
			break;
		}
		if ((!over || i >= SLOTS - SLOTS_OVER) &&
		    r->slot[i].used < r->slot[best].used)
			best = i;
	}
	r->slot[best].used = ++r->clock;
	return &r->slot[best].run;
}

static int
read_texts(struct app *app, struct run *r, struct why *why)
{
	unsigned column;
	int rc;

	r->blind = false;
	memset(&r->select, 0, sizeof(r->select));
	policy_default(&r->policy);
	rc = policy_parse(r->c.policy, &r->policy, &column, why);
	if (rc == 0)
		rc = window_parse(r->policy.window, &r->window, &column, why);
	/* what the first schema noted about a list is no expression */
	if (rc == 0 && r->c.source == SOURCE_SELECT &&
	    select_parse(r->c.select, &app->conf, &r->select, &column,
	    why) != 0) {
		r->blind = true;
		log_warn("campaign: camp=%llu goes on, but its selection "
		    "cannot be read any more: %s",
		    (unsigned long long)r->c.id, why->text);
	}
	return rc;
}

int
runs_of(struct app *app, const struct store_campaign *c, struct run **ret)
{
	struct run *r = slot_of(app->runs, c);
	bool same = r->c.id == c->id && strcmp(r->c.policy, c->policy) == 0 &&
	    strcmp(r->c.select, c->select) == 0;
	struct why why = {0};

	if (r->c.id != c->id)
		memset(r, 0, sizeof(*r));
	r->c = *c;
	if (!same) { /* said once, not in every turn */
		r->corrupt = read_texts(app, r, &why) != 0;
		if (r->corrupt)
			log_error("campaign: camp=%llu its rules cannot be "
			    "read: %s", (unsigned long long)c->id, why.text);
	}
	if (r->corrupt)
		return ERR_CORRUPT;
	*ret = r;
	return 0;
}

int
runs_get(struct app *app, uint64_t campaign, struct run **ret)
{
	static struct store_campaign c;
	int rc = app->store->ops->campaign_get(app->store, campaign, &c);

	return rc != 0 ? rc : runs_of(app, &c, ret);
}

int
runs_each(struct app *app, int (*fn)(void *arg, struct run *r), void *arg)
{
	struct store *s = app->store;
	struct store_campaign page[PAGE];
	uint64_t after = 0;
	size_t n = PAGE;
	bool continuous = false;
	int rc = 0;

	while (rc == 0 && n == PAGE) {
		n = 0;
		rc = s->ops->campaign_live(s, after, PAGE, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			struct run *r;

			after = page[i].id;
			if (runs_of(app, &page[i], &r) != 0)
				continue; /* it has been said */
			continuous |= runs_takes(r);
			rc = fn(arg, r);
		}
	}
	if (rc == 0)
		app->runs->continuous = continuous;
	return rc;
}

bool
runs_takes(const struct run *r)
{
	const struct store_campaign *c = &r->c;

	return r->policy.continuous && !r->blind && c->ended == 0 &&
	    (c->state == CAMPAIGN_RUNNING || c->state == CAMPAIGN_PAUSED ||
	    (c->state == CAMPAIGN_DRAFT && c->work == WORK_START));
}

bool
runs_continuous(const struct app *app)
{
	return app->runs->continuous;
}

void
runs_reread(struct runs *r)
{
	for (size_t i = 0; i < SLOTS; i++) {
		r->slot[i].run.c.select[0] = '\0'; /* differs from the row's */
		r->slot[i].run.hold_until = 0;
	}
}

void
runs_note_done(struct run *r, int64_t now, uint64_t done)
{
	int64_t minute = now / MINUTE_MS;
	size_t i = (size_t)(minute % RUNS_RATE);

	if (r->rate[i].minute == minute)
		return; /* the first of each minute counts */
	r->rate[i].minute = minute;
	r->rate[i].done = done;
}

uint64_t
runs_per_hour(const struct run *r, int64_t now, uint64_t done,
    int64_t *ret_ms)
{
	int64_t minute = now / MINUTE_MS, oldest = 0;
	uint64_t then = 0;

	for (size_t i = 0; i < RUNS_RATE; i++) {
		int64_t m = r->rate[i].minute;

		if (m != 0 && m < minute && m > minute - RUNS_RATE &&
		    (oldest == 0 || m < oldest)) {
			oldest = m;
			then = r->rate[i].done;
		}
	}
	*ret_ms = oldest == 0 ? 0 : now - oldest * MINUTE_MS;
	if (*ret_ms <= 0 || done < then)
		return 0;
	return (done - then) * 3600000 / (uint64_t)*ret_ms;
}
