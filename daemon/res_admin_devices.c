/* The list of devices: by class, tag, prefix, or an expression. */
#include <stdio.h>

#include "daemon/campaign.h"
#include "daemon/res_admin.h"

#define WHERE_CHUNK 50
#define WHERE_MAX 20000 /* devices looked at for one page */

static int
list_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	struct store_device_filter *f = filter;

	f->limit = limit;
	return ST(app, device_list, f, items, ret_n);
}

static void
list_advance(void *filter, const void *item)
{
	strcpy(((struct store_device_filter *)filter)->after,
	    ((const struct store_device *)item)->ep);
}

static int
list_render(struct app *app, const void *item, void *msg)
{
	admin_msg_device(app, item, msg);
	return 0;
}

static void
list_cursor(const void *item, char dst[MSG_CURSOR])
{
	strcpy(dst, ((const struct store_device *)item)->ep);
}

static int
list_filter(struct app *app, const struct req *req,
    struct store_device_filter *f, struct why *why)
{
	struct slice class = admin_query(req, "class");
	char name[64];
	const struct {
		const char *name;
		char *dst;
		size_t cap;
	} text[] = {
		{"after", f->after, sizeof(f->after)},
		{"prefix", f->prefix, sizeof(f->prefix)},
		{"tag", f->tag_name, sizeof(f->tag_name)},
		{"value", f->tag_value, sizeof(f->tag_value)},
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (!slice_to_cstr(admin_query(req, text[i].name),
		    text[i].dst, text[i].cap))
			return why_set(why, ERR_SIZE, "%s= is too long",
			    text[i].name);
	if (class.p == NULL)
		return 0;
	if (!slice_to_cstr(class, name, sizeof(name)))
		return why_set(why, ERR_SIZE, "class= is too long");
	f->have_class = true;
	return admin_class(app, name, f->class_id, why);
}

struct where {
	struct store_device_filter f;
	struct select sel;
};

/* What every match has leads to an index. */
static void
narrow(struct where *w)
{
	struct store_device_filter *f = &w->f;
	struct select_hint h;

	select_hint(&w->sel, &h);
	if (h.have_class && !f->have_class) {
		f->have_class = true;
		memcpy(f->class_id, h.class_id, 16);
	}
	if (h.tag_name[0] != '\0' && f->tag_name[0] == '\0') {
		strcpy(f->tag_name, h.tag_name);
		strcpy(f->tag_value, h.tag_value);
	}
	if (h.prefix[0] != '\0' && f->prefix[0] == '\0')
		strcpy(f->prefix, h.prefix);
}

/* A page of what matches: it ends early when too many were looked at, and
 * the next one goes on from there. */
static int
list_where(struct app *app, const struct req *req, struct resp *resp,
    struct where *w)
{
	static struct store_device chunk[WHERE_CHUNK];
	static struct msg_device m;
	struct msg_page_out page;
	uint64_t left;
	size_t n = WHERE_CHUNK, looked = 0, i = 0;
	bool json = false, full = false;
	int rc = admin_format(req, resp, &json);

	if (rc == 0)
		rc = admin_query_u64(req, "limit", LIMIT_PAGE, &left,
		    &resp->why);
	if (rc == 0 && (left < 1 || left > LIMIT_PAGE))
		rc = why_set(&resp->why, ERR_RANGE, "limit= must be within "
		    "1..%d", LIMIT_PAGE);
	if (rc != 0)
		return rc;
	narrow(w);
	w->f.limit = WHERE_CHUNK;
	msg_page_begin(&page, &msg_device, json, &resp->out);
	while (!full && n == WHERE_CHUNK) {
		rc = ST(app, device_list, &w->f, chunk, &n);
		if (rc != 0)
			return rc;
		for (i = 0; i < n && !full; i++) {
			full = left == 0 || looked++ == WHERE_MAX;
			if (!full && campaign_selects(app, &w->sel, &chunk[i],
			    loop_now(app->loop))) {
				admin_msg_device(app, &chunk[i], &m);
				full = !msg_page_add(&page, &m);
				left -= !full;
			}
			if (!full)
				strcpy(w->f.after, chunk[i].ep);
		}
	}
	msg_page_end(&page, full ? w->f.after : NULL);
	return 0;
}

/* An option has 255 bytes: a longer expression comes in several. */
static int
read_where(const struct req *req, char ret[LIMIT_SELECT + 1], struct why *why)
{
	static const char name[] = "where=";
	const size_t n = sizeof(name) - 1;
	struct buf b = buf_of(ret, LIMIT_SELECT);

	for (size_t i = 0; i < req->query_n; i++) {
		struct slice q = req->query[i];

		if (q.n >= n && memcmp(q.p, name, n) == 0)
			buf_put(&b, slice_of(q.p + n, q.n - n));
	}
	if (b.over || memchr(ret, 0, b.n) != NULL)
		return why_set(why, ERR_SIZE, "where= is longer than %d "
		    "bytes, or no text", LIMIT_SELECT);
	ret[b.n] = '\0';
	return 0;
}

int
res_admin_devices(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_device,
	    sizeof(struct store_device), list_fetch, list_advance,
	    list_render, list_cursor};
	struct store_device_filter f = {.limit = 0};
	struct slice where = admin_query(req, "where");
	struct select sel;
	char text[LIMIT_SELECT + 1];
	unsigned column;
	int rc;

	if (req->method == M_POST)
		return res_admin_import(app, req, resp);
	rc = list_filter(app, req, &f, &resp->why);
	if (rc != 0 || where.p == NULL)
		return rc != 0 ? rc : admin_page(app, req, resp, &list, &f);
	rc = read_where(req, text, &resp->why);
	if (rc != 0)
		return rc;
	rc = select_parse(text, &app->conf, &sel, &column, &resp->why);
	return rc != 0 ? rc : list_where(app, req, resp, &(struct where){f,
	    sel});
}
