/* Campaigns and jobs: thin; what they do is campaign.c's. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/campaign.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

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
start_spec(struct app *app, const struct msg_campaign_start *m,
    struct campaign_spec *s, struct why *why)
{
	static struct slice ep[MSG_EPS];
	static struct store_release r;
	int rc = admin_release(app, m->release, &r, why);

	if (rc != 0)
		return rc;
	if ((m->class_name[0] != '\0') + (m->tag[0] != '\0') +
	    (m->ep_count > 0) > 1)
		return why_set(why, ERR_INVALID, "choose devices by class, by "
		    "tag or by name, not by several of them");
	*s = (struct campaign_spec){.release = r.id,
	    .concurrency = m->concurrency, .dry_run = m->dry_run};
	strcpy(s->name, m->name);
	if (m->name[0] != '\0' &&
	    !text_name_ok(slice_str(m->name), LIMIT_KEY_NAME))
		return why_set(why, ERR_INVALID, "a name has letters, digits "
		    "and ._:@-");
	if (m->tag[0] != '\0') {
		s->select = SELECT_TAG;
		strcpy(s->tag_name, m->tag);
		strcpy(s->tag_value, m->value);
	} else if (m->ep_count > 0) {
		s->select = SELECT_LIST;
		for (size_t i = 0; i < m->ep_count; i++)
			ep[i] = slice_str(m->ep[i]);
		s->ep = ep;
		s->ep_count = m->ep_count;
	} else if (m->class_name[0] != '\0') {
		s->have_class = true;
		return admin_class(app, m->class_name, s->class_id, why);
	}
	return 0;
}

static int
campaign_post(struct app *app, const struct req *req, struct resp *resp)
{
	static struct msg_campaign_start in;
	static struct campaign_result r;
	struct store_event ev = {.what = "campaign started"};
	struct campaign_spec spec;
	struct msg_campaign m = {.id = 0};
	int rc = admin_body(req, &msg_campaign_start, &in, &resp->why);

	if (rc == 0)
		rc = start_spec(app, &in, &spec, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	memset(&r, 0, sizeof(r));
	rc = campaign_start(app, &spec, &r, &resp->why);
	ev.campaign = r.campaign.id;
	ev.release = spec.release;
	if (spec.dry_run)
		strcpy(ev.what, "campaign tried (dry run)");
	snprintf(ev.detail, sizeof(ev.detail), "%" PRIu64 " jobs", r.jobs);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0)
		rc = admin_msg_campaign(app, &r.campaign, &m);
	if (rc != 0)
		return rc;
	m.release = spec.release;
	m.have_selection = true;
	m.selection = (struct msg_selection){r.selected, r.jobs,
	    r.superseded, r.there, r.newer, r.busy, r.other_class, r.unknown};
	if (!spec.dry_run) {
		resp->code = 201;
		snprintf(resp->location, sizeof(resp->location),
		    "a/campaigns/%" PRIu64, r.campaign.id);
	}
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
find_campaign(struct app *app, const struct req *req,
    struct store_campaign *ret, struct why *why)
{
	uint64_t id;
	int rc = admin_id(req->arg[0], &id, why);

	if (rc != 0)
		return rc;
	rc = ST(app, campaign_get, id, ret);
	if (rc == ERR_NOT_FOUND)
		why_set(why, rc, "no campaign %" PRIu64 "; `suitctl campaign "
		    "list` shows them", id);
	return rc;
}

static int
put_campaign(struct app *app, const struct req *req, struct resp *resp,
    uint64_t id)
{
	struct store_campaign c;
	struct msg_campaign m;
	int rc = ST(app, campaign_get, id, &c);

	if (rc == 0)
		rc = admin_msg_campaign(app, &c, &m);
	return rc != 0 ? rc : admin_put(req, resp, &msg_campaign, &m);
}

int
res_admin_campaign(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_campaign c;
	int rc = find_campaign(app, req, &c, &resp->why);

	return rc != 0 ? rc : put_campaign(app, req, resp, c.id);
}

int
res_admin_campaign_action(struct app *app, const struct req *req,
    struct resp *resp)
{
	static const struct {
		const char *name, *what;
		int (*fn)(struct app *app, uint64_t id, struct why *why);
	} actions[] = {
		{"pause", "campaign paused", campaign_pause},
		{"resume", "campaign resumed", campaign_resume},
		{"abort", "campaign aborted", campaign_abort},
	};
	struct store_event ev = {.id = 0};
	struct store_campaign c;
	size_t i = 0;
	int rc = find_campaign(app, req, &c, &resp->why);

	if (rc != 0)
		return rc;
	while (i < 3 && strcmp(actions[i].name, req->arg[1]) != 0)
		i++;
	if (i == 3)
		return why_set(&resp->why, ERR_NOT_FOUND, "a campaign can "
		    "pause, resume or abort");
	if ((rc = admin_begin(app)) != 0)
		return rc;
	strcpy(ev.what, actions[i].what);
	ev.campaign = c.id;
	ev.release = c.release;
	rc = actions[i].fn(app, c.id, &resp->why);
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

int
res_admin_jobs(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_job, sizeof(struct job),
	    jobs_fetch, jobs_advance, jobs_render, jobs_cursor};
	struct store_campaign c;
	struct job_filter f;
	int rc = find_campaign(app, req, &c, &resp->why);

	f.campaign = c.id;
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
