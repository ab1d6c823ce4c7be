#include "daemon/admin_scope.h"

#include <stdio.h>

#include "daemon/res_admin.h"
#include "lib/select.h"
#include "lib/text.h"

bool
admin_sees_device(const struct req *req, const struct store_device *d)
{
	const struct scope *s = &req->who.scope;

	return scope_has_classes(s, &d->class_id, d->have_class) &&
	    scope_has_tags(s, d->tag, d->tag_count);
}

static bool
sees_device(struct app *app, const struct req *req, const void *item)
{
	(void)app;
	return admin_sees_device(req, item);
}

static bool
sees_release(struct app *app, const struct req *req, const void *item)
{
	const struct store_release *r = item;

	(void)app;
	return scope_has_classes(&req->who.scope,
	    (const uint8_t (*)[16])r->class_id, r->class_count);
}

/* One that was not made by an expression has no bound that can be read off
 * it: only who made it knows that it was within his scope. */
static bool
sees_campaign(struct app *app, const struct req *req, const void *item)
{
	const struct store_campaign *c = item;
	const struct scope *s = &req->who.scope;
	static struct store_release r;

	if (!scope_has_campaign(s, c->name) ||
	    ST(app, release_get, c->release, &r) != 0 ||
	    !sees_release(app, req, &r))
		return false;
	return s->tag_count == 0 || (c->source == SOURCE_SELECT ?
	    scope_has_select(s, c->select) :
	    strcmp(c->by, req->who.identity) == 0);
}

static bool
sees_device_id(struct app *app, const struct req *req, uint64_t id)
{
	static struct store_device d;

	return ST(app, device_get, id, &d) == 0 && admin_sees_device(req, &d);
}

static bool
sees_campaign_id(struct app *app, const struct req *req, uint64_t id)
{
	static struct store_campaign c;

	return ST(app, campaign_get, id, &c) == 0 &&
	    sees_campaign(app, req, &c);
}

static bool
sees_job(struct app *app, const struct req *req, const void *item)
{
	const struct job *j = item;
	bool own = j->campaign == 0;

	return (own ? req->who.scope.campaign_count == 0 :
	    sees_campaign_id(app, req, j->campaign)) &&
	    sees_device_id(app, req, j->device);
}

/* All that it is about, and it is about something. */
static bool
sees_event(struct app *app, const struct req *req, const void *item)
{
	const struct store_event *e = item;
	static struct store_release r;

	if ((e->device | e->campaign | e->release) == 0)
		return false;
	return (e->device == 0 || sees_device_id(app, req, e->device)) &&
	    (e->campaign == 0 || sees_campaign_id(app, req, e->campaign)) &&
	    (e->release == 0 || (ST(app, release_get, e->release, &r) == 0 &&
	    sees_release(app, req, &r)));
}

static bool
sees_all(struct app *app, const struct req *req, const void *item)
{
	(void)app;
	(void)req;
	(void)item;
	return true;
}

static const struct {
	const struct msg_record *rec;
	bool (*sees)(struct app *app, const struct req *req, const void *item);
} rows[] = {
	{&msg_device, sees_device},
	{&msg_release, sees_release},
	{&msg_campaign, sees_campaign},
	{&msg_job, sees_job},
	{&msg_event, sees_event},
	{&msg_author, sees_all}, /* whose signature counts is no secret */
};

bool
admin_sees(struct app *app, const struct req *req,
    const struct msg_record *rec, const void *item)
{
	if (scope_all(&req->who.scope))
		return true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].rec == rec)
			return rows[i].sees(app, req, item);
	return false;
}

int
admin_keeps_device(const struct req *req, const struct store_device *d,
    struct why *why)
{
	return admin_sees_device(req, d) ? 0 : why_set(why, ERR_FORBIDDEN,
	    "this device would be outside of your scope");
}

int
admin_owns_classes(const struct req *req, struct why *why)
{
	const struct scope *s = &req->who.scope;

	return s->tag_count + s->campaign_count == 0 ? 0 : why_set(why,
	    ERR_FORBIDDEN, "this changes what every device of a class is "
	    "offered, and your scope is a part of them");
}

static int
check_devices(struct app *app, const struct req *req,
    const struct msg_campaign_start *m, struct why *why)
{
	static struct store_device d;
	char shown[96];

	for (size_t i = 0; i < m->ep_count; i++)
		if (ST(app, device_by_ep, m->ep[i], &d) != 0 ||
		    !admin_sees_device(req, &d))
			return why_set(why, ERR_FORBIDDEN, "no device %s in "
			    "your scope", text_escape(slice_str(m->ep[i]),
			    shown, sizeof(shown)));
	if (m->of != 0 && !sees_campaign_id(app, req, m->of))
		return why_set(why, ERR_FORBIDDEN, "no campaign %llu in your "
		    "scope", (unsigned long long)m->of);
	return 0;
}

/* "EXPR" becomes "(tag.site == "north") and (EXPR)". What was typed has to be
 * an expression by itself, or its parentheses could undo ours. */
static int
bound_select(struct app *app, const struct req *req,
    struct msg_campaign_start *m, struct why *why)
{
	static struct select sel;
	char text[LIMIT_RIGHTS + LIMIT_SELECT];
	struct buf b = buf_of(text, sizeof(text) - 1);
	bool all = m->select[strspn(m->select, " \t\r\n")] == '\0';
	unsigned column;
	int rc = select_parse(m->select, &app->conf, &sel, &column, why);

	if (rc != 0)
		return rc;
	scope_print_select(&req->who.scope, &b);
	if (all && b.n > 0)
		b.n -= strlen(" and ");
	else if (!all) {
		buf_puts(&b, b.n > 0 ? "(" : "");
		buf_puts(&b, m->select);
		buf_puts(&b, req->who.scope.tag_count > 0 ? ")" : "");
	}
	if (b.over || b.n > LIMIT_SELECT)
		return why_set(why, ERR_SIZE, "with the bounds of your scope "
		    "the expression is longer than %d bytes", LIMIT_SELECT);
	memcpy(m->select, text, b.n);
	m->select[b.n] = '\0';
	return 0;
}

int
admin_bound_campaign(struct app *app, const struct req *req,
    struct msg_campaign_start *m, struct why *why)
{
	const struct scope *s = &req->who.scope;
	int rc;

	if (scope_all(s))
		return 0;
	if (!scope_has_campaign(s, m->name))
		return why_set(why, ERR_FORBIDDEN, m->name[0] != '\0' ?
		    "your scope has other names of campaigns" : "your scope "
		    "has names of campaigns: give it one with --name");
	rc = check_devices(app, req, m, why);
	if (rc == 0 && m->ep_count == 0 && m->of == 0)
		rc = bound_select(app, req, m, why);
	return rc;
}
