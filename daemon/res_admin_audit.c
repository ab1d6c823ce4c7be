/*
 * The audit log, to be read. Its hashes are in every page, so that who reads
 * it need not believe this daemon that it is whole.
 *
 * Only what is durable is shown, unlike elsewhere: a head that somebody keeps
 * must not be that of an entry that is undone in the next moment.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/audit.h"
#include "daemon/res_admin.h"

/* The last entry that is shown. */
static int
shown(struct app *app, struct audit_head *ret)
{
	struct audit_stats st;

	if (app->audit == NULL)
		return ST(app, audit_head, ret);
	audit_stats(app, &st);
	*ret = st.head;
	return 0;
}

static int
list_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	struct store_audit_filter *f = filter;
	const struct audit_entry *e = items;
	struct audit_head last;
	int rc = shown(app, &last);

	if (rc != 0)
		return rc;
	f->limit = limit;
	if (f->newest_first && f->after == 0)
		f->after = last.n + 1;
	rc = ST(app, audit_list, f, items, ret_n);
	while (rc == 0 && *ret_n > 0 && e[*ret_n - 1].n > last.n)
		--*ret_n;
	return rc;
}

static void
list_advance(void *filter, const void *item)
{
	((struct store_audit_filter *)filter)->after =
	    ((const struct audit_entry *)item)->n;
}

static int
list_render(struct app *app, const void *item, void *msg)
{
	(void)app;
	memcpy(msg, item, sizeof(struct audit_entry));
	return 0;
}

static void
list_cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%" PRIu64,
	    ((const struct audit_entry *)item)->n);
}

/* "name=" of the query, "" if it is not there. */
static int
text_query(const struct req *req, const char *name, char *dst, size_t cap,
    struct why *why)
{
	if (slice_to_cstr(admin_query(req, name), dst, cap))
		return 0;
	return why_set(why, ERR_SIZE, "%s= is too long", name);
}

/*
 * The first entry of this time or later. Numbers are halved, as times go up
 * with them; where the clock was set back, it is one of the places that fit.
 */
static int
number_at(struct app *app, int64_t since, uint64_t *ret)
{
	static struct audit_entry e;
	struct store_audit_filter f = {.limit = 1};
	struct audit_head last;
	uint64_t low, high;
	size_t n = 0;
	int rc = shown(app, &last);

	if (rc == 0)
		rc = ST(app, audit_list, &f, &e, &n);
	if (rc != 0)
		return rc;
	low = n == 1 ? e.n : 1;
	high = last.n + 1;
	while (low < high) {
		f.after = low + (high - low) / 2 - 1;
		rc = ST(app, audit_list, &f, &e, &n);
		if (rc != 0 || n == 0)
			return rc != 0 ? rc : ERR_NOT_FOUND;
		if (e.at >= since)
			high = e.n;
		else
			low = e.n + 1;
	}
	*ret = low;
	return 0;
}

/* from=, a number, and since=, Unix ms. */
static int
read_from(struct app *app, const struct req *req, uint64_t *ret,
    struct why *why)
{
	uint64_t from = 0, since = 0, first = 0;
	int rc = admin_query_u64(req, "from", 0, &from, why);

	if (rc == 0)
		rc = admin_query_u64(req, "since", 0, &since, why);
	if (rc == 0 && (from > INT64_MAX || since > INT64_MAX))
		rc = why_set(why, ERR_RANGE, "from= and since= are below 2^63");
	if (rc == 0 && since > 0)
		rc = number_at(app, (int64_t)since, &first);
	*ret = first > from ? first : from;
	return rc;
}

int
res_admin_audit(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_audit,
	    sizeof(struct audit_entry), list_fetch, list_advance,
	    list_render, list_cursor};
	struct store_audit_filter f = {0};
	int rc = admin_query_u64(req, "after", 0, &f.after, &resp->why);

	if (rc == 0)
		rc = read_from(app, req, &f.from, &resp->why);
	f.newest_first = admin_flag(req, "newest");
	f.have_who = admin_query(req, "who").p != NULL;
	if (rc == 0)
		rc = text_query(req, "who", f.who, sizeof(f.who), &resp->why);
	if (rc == 0)
		rc = text_query(req, "kind", f.kind, sizeof(f.kind),
		    &resp->why);
	if (rc == 0)
		rc = text_query(req, "subject", f.subject, sizeof(f.subject),
		    &resp->why);
	if (rc == 0 && f.kind[0] != '\0' && !audit_kind_known(f.kind))
		rc = why_set(&resp->why, ERR_INVALID, "kind= is none of the "
		    "audit log's kinds, such as device.add");
	return rc != 0 ? rc : admin_page(app, req, resp, &list, &f);
}

int
res_admin_audit_head(struct app *app, const struct req *req,
    struct resp *resp)
{
	struct msg_audit_head m = {.n = 0};
	struct audit_head h;
	int rc = shown(app, &h);

	if (rc != 0)
		return rc;
	m.n = h.n;
	memcpy(m.hash, h.hash, AUDIT_HASH);
	return admin_put(req, resp, &msg_audit_head, &m);
}
