/*
 * How a campaign begins: an operator's words become a row that is to be
 * planned; a device that comes later joins a continuous one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/campaign_impl.h"
#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "lib/eyes.h"

#define LIST_MAX 1000 /* as many as one request can name */

/* --- checks --- */

static int
check_rules(struct app *app, const struct campaign_spec *spec,
    struct store_campaign *c, struct policy *p, struct why *why)
{
	struct buf b = buf_of(c->policy, sizeof(c->policy) - 1);
	struct window w;
	unsigned column;
	int rc;

	policy_default(p);
	p->concurrency = app->conf.concurrency;
	rc = policy_parse(app->conf.campaign_policy, p, &column, why);
	if (spec->source != SOURCE_SELECT)
		p->continuous = false; /* nobody joins a list */
	if (rc == 0)
		rc = policy_parse(spec->policy, p, &column, why);
	if (rc == 0 && p->continuous && spec->source != SOURCE_SELECT)
		return why_set(why, ERR_CONFLICT, "continuous: devices that "
		    "are named, or another campaign's, are a list that "
		    "nobody joins; select them by an expression");
	/* whoever runs the server asks for it: no campaign's rules say no; of
	 * a roll-back it was asked already */
	if (eyes_wanted(&app->conf, EYES_CAMPAIGN) && !spec->undo)
		p->approval = true;
	if (rc == 0)
		rc = policy_check(p, why);
	if (rc == 0)
		rc = window_parse(p->window, &w, &column, why);
	if (rc != 0)
		return rc;
	policy_print(p, &b);
	if (b.over)
		return why_set(why, ERR_SIZE, "the rules take more than %d "
		    "bytes", LIMIT_POLICY);
	c->policy[b.n] = '\0';
	c->concurrency = p->concurrency;
	return 0;
}

static int
check_source(struct app *app, const struct campaign_spec *spec,
    struct why *why)
{
	struct store_campaign other;
	struct select sel;
	unsigned column;

	switch (spec->source) {
	case SOURCE_SELECT:
		return select_parse(spec->select, &app->conf, &sel, &column,
		    why);
	case SOURCE_LIST:
		return spec->ep_count <= LIST_MAX ? 0 : why_set(why, ERR_SIZE,
		    "more than %d names; tag the devices instead", LIST_MAX);
	case SOURCE_CAMPAIGN:
		return campaign_find(app, spec->of, &other, why);
	}
	return ERR_INVALID;
}

static int
check_release(struct app *app, const struct campaign_spec *spec,
    const struct policy *p, struct store_release *rel, struct why *why)
{
	struct store *s = app->store;
	struct store_release back;
	const struct why *refused;
	int rc = s->ops->release_get(s, spec->release, rel);

	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no release %" PRIu64 ": suitctl "
		    "release list", spec->release);
	if (rc == 0 && rel->state == RELEASE_WITHDRAWN)
		return why_set(why, ERR_STATE, "release %" PRIu64 " is "
		    "withdrawn", spec->release);
	refused = catalog_refused(app->catalog, spec->release);
	if (rc == 0 && refused != NULL)
		return why_set(why, ERR_POLICY, "the trust list does not "
		    "allow release %" PRIu64 ": %.160s", spec->release,
		    refused->text);
	if (rc != 0 || p->on_failure != POLICY_ROLLBACK)
		return rc;
	rc = s->ops->release_get(s, p->rollback, &back);
	if (rc == ERR_NOT_FOUND || (rc == 0 &&
	    back.state == RELEASE_WITHDRAWN))
		return why_set(why, ERR_NOT_FOUND, "rollback: no release %"
		    PRIu64 " is served", p->rollback);
	if (rc == 0 && back.seq <= rel->seq)
		return why_set(why, ERR_SEQUENCE, "rollback: release %" PRIu64
		    " has sequence %" PRIu64 ", not above %" PRIu64 ": devices "
		    "would refuse it", p->rollback, back.seq, rel->seq);
	return rc;
}

/* --- the row --- */

/* A draft of the same name and release is replaced; more live campaigns
 * than we keep in mind are refused. */
static int
make_way(struct app *app, const struct store_campaign *c,
    const struct campaign_spec *spec, struct why *why)
{
	struct store *s = app->store;
	struct store_campaign page[8];
	uint64_t after = 0;
	size_t n = 8, live = 0;
	int rc = 0;

	while (rc == 0 && n == 8) {
		n = 0;
		rc = s->ops->campaign_live(s, after, 8, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			after = page[i].id;
			if (page[i].state == CAMPAIGN_DRAFT &&
			    page[i].work != WORK_START &&
			    page[i].release == c->release &&
			    strcmp(page[i].name, c->name) == 0) {
				if (spec->own && strcmp(page[i].by, c->by) != 0)
					return why_set(why, ERR_EXISTS,
					    "another's draft has this name");
				rc = s->ops->campaign_remove(s, after);
			} else if (!spec->undo || page[i].id != c->of) {
				live += page[i].state <= CAMPAIGN_PAUSED &&
				    page[i].state != CAMPAIGN_FINISHED;
			}
		}
	}
	if (rc == 0 && live >= LIMIT_CAMPAIGNS_LIVE)
		return why_set(why, ERR_LIMIT, "%d campaigns and drafts are "
		    "not over: abort one", LIMIT_CAMPAIGNS_LIVE);
	return rc;
}

static int
by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The list is kept as a first plan without verdicts; an unknown name is
 * device 0, counted each time. */
static int
put_list(struct app *app, const struct campaign_spec *spec,
    struct store_campaign *c)
{
	struct store *s = app->store;
	static uint64_t id[LIST_MAX];
	static uint8_t bytes[LIST_MAX * PLAN_ENTRY];
	struct store_device d;
	char ep[LIMIT_EP + 1];
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < spec->ep_count && rc == 0; i++) {
		id[i] = 0;
		if (slice_to_cstr(spec->ep[i], ep, sizeof(ep)))
			rc = s->ops->device_by_ep(s, ep, &d);
		else
			rc = ERR_NOT_FOUND;
		if (rc == 0)
			id[i] = d.id;
		else if (rc == ERR_NOT_FOUND)
			rc = 0;
	}
	if (rc != 0)
		return rc;
	qsort(id, spec->ep_count, sizeof(id[0]), by_id);
	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < spec->ep_count; i++)
		if (id[i] == 0 || i == 0 || id[i] != id[i - 1])
			memcpy(bytes + n++ * PLAN_ENTRY, &id[i], 8);
	snprintf(c->select, sizeof(c->select), "%s", "");
	return s->ops->plan_put(s, c->id, 0, slice_of(bytes, n * PLAN_ENTRY));
}

int
campaign_draft(struct app *app, const struct campaign_spec *spec,
    struct store_campaign *ret, struct why *why)
{
	struct store *s = app->store;
	struct store_campaign c = {.release = spec->release,
	    .state = CAMPAIGN_DRAFT, .work = WORK_PLAN,
	    .source = spec->source, .of = spec->of, .start = spec->start};
	struct store_release rel;
	struct policy p;
	int rc = check_rules(app, spec, &c, &p, why);

	if (rc == 0)
		rc = check_release(app, spec, &p, &rel, why);
	if (rc == 0)
		rc = check_source(app, spec, why);
	if (rc != 0)
		return rc;
	c.created = c.updated = loop_now(app->loop);
	snprintf(c.select, sizeof(c.select), "%s", spec->select);
	snprintf(c.by, sizeof(c.by), "%s", spec->by ? spec->by : "");
	if (spec->name[0] != '\0')
		snprintf(c.name, sizeof(c.name), "%s", spec->name);
	else
		snprintf(c.name, sizeof(c.name), "seq-%" PRIu64, rel.seq);
	rc = make_way(app, &c, spec, why);
	if (rc == 0)
		rc = s->ops->campaign_put(s, &c);
	if (rc == 0 && c.source == SOURCE_LIST)
		rc = put_list(app, spec, &c);
	engine_wake(app->engine);
	if (rc == 0)
		*ret = c;
	return rc;
}

/* --- later devices --- */

struct join {
	struct app *app;
	const struct store_device *d;
};

int
campaign_give(struct giver *g, const struct store_device *d,
    const struct engine_order *order)
{
	struct track_event newer = {.type = TRACK_SUPERSEDE};
	struct store *s = g->app->store;
	struct store_scan scan = {.d = *d};
	int rc = s->ops->job_live(s, d->id, &scan.live);

	scan.have_live = rc == 0;
	if (rc == 0 || rc == ERR_NOT_FOUND)
		rc = s->ops->job_last(s, d->id, &scan.last);
	scan.have_last = rc == 0;
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	g->verdict = campaign_verdict(g->app, g->run, &g->rel, &scan);
	/* it has joined already, or a trigger is on its way to it */
	if (scan.have_live && scan.live.campaign != 0 &&
	    (scan.live.campaign == order->campaign || scan.live.started != 0))
		g->verdict = PLAN_HELD;
	if (g->verdict != PLAN_UPDATE)
		return 0;
	if (scan.have_live && scan.live.target_seq >= g->rel.seq)
		newer.reason = REASON_CAMPAIGN; /* it had come by itself */
	rc = !scan.have_live ? 0 : engine_job_event(g->app->engine,
	    scan.live.id, &newer, NULL);
	return rc != 0 ? rc : engine_job_new(g->app->engine, d, &g->rel,
	    order);
}

static int
join_one(struct giver *g, const struct store_device *d)
{
	struct app *app = g->app;
	struct store_campaign c = g->run->c;
	uint64_t place[STORE_WAVES];
	struct engine_order order = {.campaign = c.id};
	int rc;

	for (size_t i = 0; i < STORE_WAVES; i++)
		place[i] = c.waves[i].place;
	if (c.wave_count == 0) { /* it began without a single device */
		c.wave_count = c.wave = 1;
		c.waves[0].place = place[0] = UINT64_MAX;
		c.wave_opened = loop_now(app->loop);
	}
	order.wave = plan_wave_of(plan_place(c.name, g->rel.digest, d->ep),
	    place, c.wave_count);
	rc = campaign_give(g, d, &order);
	if (rc != 0 || g->verdict != PLAN_UPDATE)
		return rc;
	c.verdict[PLAN_UPDATE]++;
	c.waves[order.wave - 1].size++;
	return campaign_save(app, &c);
}

static int
consider(void *arg, struct run *r)
{
	struct join *j = arg;
	struct app *app = j->app;
	struct store *s = app->store;
	struct store_scan scan = {.d = *j->d};
	struct giver g = {.app = app, .run = r};
	int rc;

	if (!runs_takes(r) || r->c.source != SOURCE_SELECT)
		return 0;
	rc = s->ops->job_last(s, j->d->id, &scan.last);
	scan.have_last = rc == 0;
	if (scan.have_last && scan.last.campaign == r->c.id)
		return 0; /* it was here before */
	if (rc == 0 || rc == ERR_NOT_FOUND)
		rc = s->ops->release_get(s, r->c.release, &g.rel);
	if (rc != 0)
		return rc;
	return campaign_wants(app, r, &g.rel, &scan) ? join_one(&g, j->d) : 0;
}

int
campaign_join(struct app *app, const struct store_device *d)
{
	struct join j = {app, d};

	return runs_continuous(app) ? runs_each(app, consider, &j) : 0;
}
