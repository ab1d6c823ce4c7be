/* Campaigns and jobs: thin; what they do is campaign.c's. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/campaign.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

#define NOTABLE_MAX 20

static int
list_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	return ST(app, campaign_list, *(uint64_t *)filter, limit, items,
	    ret_n);
}

static void
list_advance(void *filter, const void *item)
{
	*(uint64_t *)filter = ((const struct store_campaign *)item)->id;
}

static int
list_render(struct app *app, const void *item, void *msg)
{
	return admin_msg_campaign(app, item, msg);
}

static void
list_cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%" PRIu64,
	    ((const struct store_campaign *)item)->id);
}

static int
read_spec(struct app *app, const struct msg_campaign_start *m,
    struct campaign_spec *s, struct why *why)
{
	static struct slice ep[MSG_EPS];
	static struct store_release r;
	int rc = admin_release(app, m->release, &r, why);

	if (rc != 0)
		return rc;
	if ((m->select[0] != '\0') + (m->of != 0) + (m->ep_count > 0) > 1)
		return why_set(why, ERR_INVALID, "choose devices by an "
		    "expression, by name or by a campaign, not by several of "
		    "them");
	if (m->name[0] != '\0' &&
	    !text_name_ok(slice_str(m->name), LIMIT_KEY_NAME))
		return why_set(why, ERR_INVALID, "a name has letters, digits "
		    "and ._:@-");
	*s = (struct campaign_spec){.release = r.id, .start = m->start,
	    .of = m->of, .source = m->of != 0 ? SOURCE_CAMPAIGN :
	    m->ep_count > 0 ? SOURCE_LIST : SOURCE_SELECT,
	    .ep = ep, .ep_count = m->ep_count};
	strcpy(s->name, m->name);
	strcpy(s->select, m->select);
	strcpy(s->policy, m->policy);
	for (size_t i = 0; i < m->ep_count; i++)
		ep[i] = slice_str(m->ep[i]);
	return 0;
}

static int
campaign_post(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_campaign_start in;
	static struct store_campaign c;
	static struct msg_campaign m;
	struct store_event ev = {.what = "campaign planned"};
	struct campaign_spec spec;
	int rc = admin_body(req, &msg_campaign_start, &in, &resp->why);

	if (rc == 0)
		rc = read_spec(app, &in, &spec, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	spec.by = req->who.identity;
	rc = campaign_plan(app, &spec, &c, &resp->why);
	ev.campaign = c.id;
	ev.release = spec.release;
	if (spec.start)
		strcpy(ev.what, "campaign to be started");
	snprintf(ev.detail, sizeof(ev.detail), "%.64s", c.name);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0)
		rc = admin_msg_campaign(app, &c, &m);
	if (rc != 0)
		return rc;
	resp->code = 201;
	snprintf(resp->location, sizeof(resp->location), "a/campaigns/%"
	    PRIu64, c.id);
	return admin_put(req, resp, &msg_campaign, &m);
}

int
res_admin_campaigns(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_campaign,
	    sizeof(struct store_campaign), list_fetch, list_advance,
	    list_render, list_cursor};
	uint64_t before;
	int rc;

	if (req->method == M_POST)
		return campaign_post(app, req, resp);
	rc = admin_query_u64(req, "after", 0, &before, &resp->why);
	return rc != 0 ? rc : admin_page(app, req, resp, &list, &before);
}

static int
put_campaign(struct app *app, const struct req *req, struct resp *resp,
    uint64_t id)
{
	static struct msg_campaign m;
	struct store_campaign c;
	int rc = ST(app, campaign_get, id, &c);

	if (rc == 0)
		rc = admin_msg_campaign(app, &c, &m);
	return rc != 0 ? rc : admin_put(req, resp, &msg_campaign, &m);
}

int
res_admin_campaign(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_campaign c;
	int rc = admin_campaign(app, req->arg[0], &c, &resp->why);

	return rc != 0 ? rc : put_campaign(app, req, resp, c.id);
}

/* --- actions --- */

struct action {
	struct app *app;
	const struct req *req;
	uint64_t id;
	struct msg_campaign_action in;
	struct why *why;
};

static const uint8_t *
plan_of(const struct action *a)
{
	return a->in.have_plan ? a->in.plan : NULL;
}

static int
do_start(const struct action *a)
{
	return campaign_start(a->app, a->id, plan_of(a), a->why);
}

static int
do_approve(const struct action *a)
{
	if (!a->in.have_plan)
		return why_set(a->why, ERR_MISSING, "approve which plan? "
		    "--plan DIGEST");
	return campaign_approve(a->app, a->id, a->in.plan,
	    a->req->who.identity, a->why);
}

static int
do_pause(const struct action *a)
{
	return campaign_pause(a->app, a->id, a->why);
}

static int
do_resume(const struct action *a)
{
	return campaign_resume(a->app, a->id, a->why);
}

static int
do_next(const struct action *a)
{
	return campaign_advance(a->app, a->id, a->in.expect_wave ?
	    a->in.wave : 0, a->why);
}

static int
do_abort(const struct action *a)
{
	return campaign_abort(a->app, a->id, a->in.hard, a->why);
}

static int
do_rollback(const struct action *a)
{
	struct store_release r;
	int rc = a->in.release[0] == '\0' ? why_set(a->why, ERR_MISSING,
	    "roll back to which release?") : admin_release(a->app,
	    a->in.release, &r, a->why);

	return rc != 0 ? rc : campaign_rollback(a->app, a->id, r.id,
	    a->req->who.identity, a->why);
}

static const struct {
	const char *name, *what;
	int (*fn)(const struct action *a);
} actions[] = {
	{"start", "campaign to be started", do_start},
	{"approve", "campaign approved", do_approve},
	{"pause", "campaign paused", do_pause},
	{"resume", "campaign resumed", do_resume},
	{"next", "next wave", do_next},
	{"abort", "campaign aborted", do_abort},
	{"rollback", "campaign rolled back", do_rollback},
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* What exactly was asked for, for the logs. */
static void
note_action(const struct msg_campaign_action *m, char *dst, size_t cap)
{
	char hex[65];

	snprintf(dst, cap, "%s%.12s%s%s%.64s", m->have_plan ? "plan " : "",
	    m->have_plan ? text_hex(slice_of(m->plan, 32), hex, sizeof(hex)) :
	    "", m->hard ? "hard, and the release is withdrawn" : "",
	    m->release[0] != '\0' ? "to release " : "", m->release);
}

int
res_admin_campaign_action(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct action a;
	struct store_event ev = {.id = 0};
	struct store_campaign c;
	size_t i = 0;
	int rc = admin_campaign(app, req->arg[0], &c, &resp->why);

	memset(&a, 0, sizeof(a));
	if (rc == 0 && req->body.n > 0)
		rc = admin_body(req, &msg_campaign_action, &a.in, &resp->why);
	if (rc != 0)
		return rc;
	while (i < ACTIONS && strcmp(actions[i].name, req->arg[1]) != 0)
		i++;
	if (i == ACTIONS)
		return why_set(&resp->why, ERR_NOT_FOUND, "a campaign can "
		    "start, approve, pause, resume, next, abort and rollback");
	if ((rc = admin_begin(app)) != 0)
		return rc;
	strcpy(ev.what, actions[i].what);
	note_action(&a.in, ev.detail, sizeof(ev.detail));
	ev.campaign = c.id;
	ev.release = c.release;
	a.app = app;
	a.req = req;
	a.id = c.id;
	a.why = &resp->why;
	rc = actions[i].fn(&a);
	rc = admin_end(app, req, resp, &ev, rc);
	return rc != 0 ? rc : put_campaign(app, req, resp, c.id);
}

/* --- jobs --- */

struct job_filter {
	uint64_t campaign, after;
};

static int
jobs_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	const struct job_filter *f = filter;

	return ST(app, job_list, f->campaign, f->after, limit, items, ret_n);
}

static void
jobs_advance(void *filter, const void *item)
{
	((struct job_filter *)filter)->after = ((const struct job *)item)->id;
}

static int
jobs_render(struct app *app, const void *item, void *msg)
{
	admin_msg_job(app, item, msg);
	return 0;
}

static void
jobs_cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%" PRIu64, ((const struct job *)item)->id);
}

/* One short page of those that a person wants to see first. */
static int
notable(struct app *app, const struct req *req, struct resp *resp,
    uint64_t campaign)
{
	static const char *const names[] = {
		[NOTABLE_SLOW] = "slow",
		[NOTABLE_STUCK] = "stuck",
		[NOTABLE_FAILED] = "failed",
	};
	struct slice which = admin_query(req, "which");
	struct msg_page_out page;
	struct job job[NOTABLE_MAX];
	struct msg_job m;
	bool json;
	size_t n = 0, w = 0;
	int rc;

	while (w <= NOTABLE_FAILED && !slice_eq_str(which, names[w]))
		w++;
	if (w > NOTABLE_FAILED)
		return why_set(&resp->why, ERR_INVALID, "which= is slow, stuck "
		    "or failed");
	rc = admin_format(req, resp, &json);
	if (rc == 0)
		rc = ST(app, job_notable, campaign, w, job, NOTABLE_MAX, &n);
	if (rc != 0)
		return rc;
	msg_page_begin(&page, &msg_job, json, &resp->out);
	for (size_t i = 0; i < n; i++) {
		admin_msg_job(app, &job[i], &m);
		if (!msg_page_add(&page, &m))
			break;
	}
	msg_page_end(&page, NULL);
	return 0;
}

int
res_admin_jobs(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_job, sizeof(struct job),
	    jobs_fetch, jobs_advance, jobs_render, jobs_cursor};
	struct slice which = admin_query(req, "which");
	struct store_campaign c;
	struct job_filter f;
	int rc = admin_campaign(app, req->arg[0], &c, &resp->why);

	f.campaign = c.id;
	if (rc == 0 && which.p != NULL)
		return notable(app, req, resp, c.id);
	if (rc == 0)
		rc = admin_query_u64(req, "after", 0, &f.after, &resp->why);
	return rc != 0 ? rc : admin_page(app, req, resp, &list, &f);
}

static int
find_job(struct app *app, const struct req *req, struct job *ret,
    struct why *why)
{
	uint64_t id;
	int rc = admin_id(req->arg[0], &id, why);

	if (rc != 0)
		return rc;
	rc = ST(app, job_get, id, ret);
	if (rc == ERR_NOT_FOUND)
		why_set(why, rc, "no job %" PRIu64 "; `suitctl campaign show "
		    "ID` lists a campaign's", id);
	return rc;
}

int
res_admin_job(struct app *app, const struct req *req, struct resp *resp)
{
	struct msg_job m;
	struct job j;
	int rc = find_job(app, req, &j, &resp->why);

	if (rc != 0)
		return rc;
	admin_msg_job(app, &j, &m);
	return admin_put(req, resp, &msg_job, &m);
}

int
res_admin_job_retry(struct app *app, const struct req *req,
    struct resp *resp)
{
	struct store_event ev = {.what = "job retried"};
	struct msg_job m;
	struct job j;
	int rc = find_job(app, req, &j, &resp->why);

	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	ev.job = j.id;
	ev.device = j.device;
	ev.campaign = j.campaign;
	ev.release = j.release;
	rc = campaign_retry(app, j.id, &resp->why);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0)
		rc = ST(app, job_get, j.id, &j);
	if (rc != 0)
		return rc;
	admin_msg_job(app, &j, &m);
	return admin_put(req, resp, &msg_job, &m);
}
