/*
 * What a campaign's plan says of each device, and what has changed since. A
 * plan is stored by device number; names come from the devices, so that one
 * that was removed since is shown by its number.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/admin_scope.h"
#include "daemon/campaign.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

#define COPY(dst, src) snprintf(dst, sizeof(dst), "%s", src)
#define LOOK_MAX 20000 /* entries looked at for one page */

static int
campaign_by(struct app *app, const char *text, struct store_campaign *ret,
    struct why *why)
{
	struct store_campaign page[8];
	char hex[65];
	uint64_t after = 0, id;
	size_t n = 8, len = strlen(text);
	int rc = text_u64(slice_str(text), &id);

	if (rc == 0 && len < 12) {
		rc = ST(app, campaign_get, id, ret);
		return rc != ERR_NOT_FOUND ? rc : why_set(why, rc, "no "
		    "campaign %" PRIu64 "; `suitctl campaign list` shows them",
		    id);
	}
	if (len < 12 || len > 64)
		return why_set(why, ERR_INVALID, "a campaign is named by its "
		    "number, or by 12 or more hex digits of its plan");
	while (n == 8) {
		rc = ST(app, campaign_live, after, 8, page, &n);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			after = page[i].id;
			text_hex(slice_of(page[i].plan, 32), hex, sizeof(hex));
			if (!page[i].planned || strncmp(hex, text, len) != 0)
				continue;
			*ret = page[i];
			return 0;
		}
	}
	return why_set(why, ERR_NOT_FOUND, "no draft or running campaign has "
	    "this plan; plan again");
}

int
admin_campaign(struct app *app, const struct req *req,
    struct store_campaign *ret, struct why *why)
{
	int rc = campaign_by(app, req->arg[0], ret, why);

	if (rc == 0 && !admin_sees(app, req, &msg_campaign, ret))
		rc = why_set(why, ERR_NOT_FOUND, "no such campaign; `suitctl "
		    "campaign list` shows them");
	return rc;
}

/* A plan tells of devices that are not updated, too: of other classes, say. */
static bool
sees_entry(struct app *app, const struct req *req, uint64_t device)
{
	static struct store_device d;

	return scope_all(&req->who.scope) || (device != 0 &&
	    ST(app, device_get, device, &d) == 0 && admin_sees_device(req, &d));
}

static void
name_of(struct app *app, uint64_t device, char dst[LIMIT_EP + 1])
{
	static struct store_device d;

	if (device != 0 && ST(app, device_get, device, &d) == 0)
		snprintf(dst, LIMIT_EP + 1, "%s", d.ep);
	else if (device != 0)
		snprintf(dst, LIMIT_EP + 1, "#%" PRIu64, device);
	else
		snprintf(dst, LIMIT_EP + 1, "?");
}

static void
entry_msg(struct app *app, const struct plan_entry *e, struct msg_plan *m)
{
	memset(m, 0, sizeof(*m));
	name_of(app, e->device, m->ep);
	COPY(m->verdict, plan_verdict_name(e->verdict));
	COPY(m->text, plan_verdict_text(e->verdict));
	m->wave = e->wave;
}

/* Which of them are wanted. */
struct want {
	uint64_t at, limit, wave;
	int verdict; /* -1: any */
};

static int
read_want(const struct req *req, struct want *w, struct why *why)
{
	struct slice verdict = admin_query(req, "verdict");
	int rc = admin_query_u64(req, "after", 0, &w->at, why);

	if (rc == 0)
		rc = admin_query_u64(req, "limit", LIMIT_PAGE, &w->limit, why);
	if (rc == 0)
		rc = admin_query_u64(req, "wave", 0, &w->wave, why);
	if (rc == 0 && (w->limit < 1 || w->limit > LIMIT_PAGE))
		rc = why_set(why, ERR_RANGE, "limit= must be within 1..%d",
		    LIMIT_PAGE);
	w->verdict = -1;
	if (rc != 0 || verdict.p == NULL)
		return rc;
	for (int v = 0; v < PLAN_VERDICTS; v++)
		if (slice_eq_str(verdict, plan_verdict_name(v)))
			w->verdict = v;
	return w->verdict >= 0 ? 0 : why_set(why, ERR_INVALID,
	    "verdict=: there is no such verdict");
}

/* Cursor: the place in the plan of the entry that comes next. */
int
res_admin_plan(struct app *app, const struct req *req, struct resp *resp)
{
	static struct plan_entry part[PLAN_PART_ENTRIES];
	struct store_campaign c;
	struct msg_page_out page;
	struct want w;
	struct msg_plan m;
	char next[MSG_CURSOR] = "";
	uint64_t have = UINT64_MAX, looked = 0;
	uint64_t most = scope_all(&req->who.scope) ? LOOK_MAX : SCOPE_LOOK;
	size_t n = 0;
	bool json = false;
	int rc = admin_campaign(app, req, &c, &resp->why);

	if (rc == 0)
		rc = read_want(req, &w, &resp->why);
	if (rc == 0)
		rc = admin_format(req, resp, &json);
	if (rc != 0)
		return rc;
	if (!c.planned || c.started != 0)
		return why_set(&resp->why, ERR_NOT_FOUND, c.planned ?
		    "it was started: its jobs tell" : "it is not planned yet");
	msg_page_begin(&page, &msg_plan, json, &resp->out);
	for (; rc == 0; w.at++) {
		if (w.limit == 0 || looked++ == most)
			break;
		if (w.at / PLAN_PART_ENTRIES != have) {
			have = w.at / PLAN_PART_ENTRIES;
			rc = campaign_plan_part(app, c.id, have, part, &n);
		}
		if (rc != 0 || w.at % PLAN_PART_ENTRIES >= n) {
			rc = rc == 0 ? ERR_NOT_FOUND : rc;
			break;
		}
		const struct plan_entry *e = &part[w.at % PLAN_PART_ENTRIES];

		if ((w.verdict >= 0 && e->verdict != w.verdict) ||
		    (w.wave != 0 && e->wave != w.wave) ||
		    !sees_entry(app, req, e->device))
			continue;
		entry_msg(app, e, &m);
		if (!msg_page_add(&page, &m))
			break;
		w.limit--;
	}
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == 0)
		snprintf(next, sizeof(next), "%" PRIu64, w.at);
	msg_page_end(&page, next[0] != '\0' ? next : NULL);
	return 0;
}

int
res_admin_diff(struct app *app, const struct req *req, struct resp *resp)
{
	const struct plan_change *k;
	struct store_campaign c;
	struct msg_page_out page;
	struct msg_plan m;
	char next[MSG_CURSOR] = "";
	uint64_t at = 0;
	size_t n;
	bool json = false;
	int rc = admin_campaign(app, req, &c, &resp->why);

	if (rc == 0)
		rc = admin_query_u64(req, "after", 0, &at, &resp->why);
	if (rc == 0)
		rc = admin_format(req, resp, &json);
	if (rc != 0)
		return rc;
	k = campaign_diff(app, c.id, &n);
	msg_page_begin(&page, &msg_plan, json, &resp->out);
	for (; at < n; at++) {
		struct plan_entry e = {k[at].device, k[at].verdict,
		    k[at].wave};

		if (!sees_entry(app, req, e.device))
			continue;
		entry_msg(app, &e, &m);
		if (!k[at].is_there)
			m.verdict[0] = m.text[0] = '\0';
		if (k[at].was_there)
			COPY(m.before, plan_verdict_name(k[at].verdict_was));
		m.wave_before = k[at].wave_was;
		if (!msg_page_add(&page, &m))
			break;
	}
	if (at < n)
		snprintf(next, sizeof(next), "%" PRIu64, at);
	msg_page_end(&page, next[0] != '\0' ? next : NULL);
	return 0;
}
