#include "daemon/res_admin.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/admin_scope.h"
#include "daemon/admit.h"
#include "daemon/ahead.h"
#include "daemon/backup.h"
#include "daemon/coap_can.h"

#include "daemon/catalog.h"
#include "daemon/engine.h"
#include "daemon/life.h"
#include "daemon/sizes.h"
#include "daemon/twin.h"
#include "daemon/trusted.h"

#include "lib/text.h"
#include "lib/uri.h"

#define PAGE_DEFAULT 50
#define CHUNK 16
#define EVENTS_LOOK 20000 /* events looked at for one page */
#define EVENTS_CHUNK 100
#define PREFIX_MIN 6 /* hex digits of a digest */

/* --- requests --- */

struct slice
admin_query(const struct req *req, const char *name)
{
	struct slice v = SLICE_NONE;

	for (size_t i = 0; i < req->query_n && v.p == NULL; i++)
		v = uri_query_value(req->query[i], name);
	return v;
}

bool
admin_flag(const struct req *req, const char *name)
{
	for (size_t i = 0; i < req->query_n; i++)
		if (slice_eq_str(req->query[i], name))
			return true;
	return slice_eq_str(admin_query(req, name), "1");
}

int
admin_query_u64(const struct req *req, const char *name, uint64_t def,
    uint64_t *ret, struct why *why)
{
	struct slice v = admin_query(req, name);

	if (v.p == NULL) {
		*ret = def;
		return 0;
	}
	if (text_u64(v, ret) != 0)
		return why_set(why, ERR_INVALID, "%s= must be a number", name);
	return 0;
}

int
admin_id(const char *text, uint64_t *ret, struct why *why)
{
	uint64_t id;

	if (text_u64(slice_str(text), &id) != 0 || id == 0)
		return why_set(why, ERR_INVALID, "an id is a decimal number "
		    "above 0");
	*ret = id;
	return 0;
}

int
admin_body(const struct req *req, const struct msg_record *rec, void *ret,
    struct why *why)
{
	if (req->have_cf && req->cf != CF_CBOR)
		return why_set(why, ERR_CONTENT_FORMAT, "send %s as CBOR "
		    "(Content-Format 60)", rec->name);
	return msg_get(rec, req->body, ret, why);
}

int
admin_class(struct app *app, const char *name, uint8_t ret[16],
    struct why *why)
{
	char shown[80];

	if (conf_class(&app->conf, slice_str(name), ret) == 0)
		return 0;
	return why_set(why, ERR_INVALID, "class %s is neither a UUID nor an "
	    "alias of suitd.conf", text_escape(slice_str(name), shown,
	    sizeof(shown)));
}

int
admin_device(struct app *app, const struct req *req,
    struct store_device *ret, struct why *why)
{
	const char *ep = req->arg[0];
	char shown[96];
	int rc = ST(app, device_by_ep, ep, ret);

	if (rc == 0 && !admin_sees_device(req, ret))
		rc = ERR_NOT_FOUND;
	if (rc != ERR_NOT_FOUND)
		return rc;
	return why_set(why, rc, "no device %s; `suitctl device list` shows "
	    "those that are known", text_escape(slice_str(ep), shown,
	    sizeof(shown)));
}

/* The only release whose digest begins with these hex digits. */
static int
release_by_prefix(struct app *app, const char *hex,
    struct store_release *ret, struct why *why)
{
	static struct store_release page[CHUNK];
	char digest[65];
	uint64_t before = 0;
	size_t n, found = 0, len = strlen(hex);
	int rc;

	do {
		rc = ST(app, release_list, before, CHUNK, page, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			before = page[i].id;
			text_hex(slice_of(page[i].digest, 32), digest,
			    sizeof(digest));
			if (strncmp(hex, digest, len) == 0 && found++ == 0)
				*ret = page[i];
		}
	} while (rc == 0 && n == CHUNK);
	if (rc == 0 && found > 1)
		return why_set(why, ERR_CONFLICT, "%zu releases begin with "
		    "%s; give more digits", found, hex);
	return rc != 0 || found == 1 ? rc : ERR_NOT_FOUND;
}

int
admin_release(struct app *app, struct admin_named name,
    struct store_release *ret, struct why *why)
{
	const char *text = name.text;
	size_t len = strlen(text);
	uint64_t id;
	int rc = ERR_NOT_FOUND;

	if (text_u64(slice_str(text), &id) == 0)
		rc = ST(app, release_get, id, ret);
	if (rc == ERR_NOT_FOUND && len >= PREFIX_MIN && len <= 64 &&
	    strspn(text, "0123456789abcdef") == len)
		rc = release_by_prefix(app, text, ret, why);
	if (rc == 0 && !admin_sees(app, name.req, &msg_release, ret))
		rc = ERR_NOT_FOUND;
	if (rc == ERR_NOT_FOUND)
		why_set(why, rc, "no such release; name it by its number or "
		    "by %d or more hex digits of its digest", PREFIX_MIN);
	return rc;
}

/* --- answers --- */

int
admin_format(const struct req *req, struct resp *resp, bool *ret_json)
{
	if (req->have_accept && req->accept != CF_CBOR &&
	    req->accept != CF_JSON)
		return why_set(&resp->why, ERR_ACCEPT, "answers are CBOR (60) "
		    "or JSON (50)");
	*ret_json = req->have_accept && req->accept == CF_JSON;
	resp->cf = *ret_json ? CF_JSON : CF_CBOR;
	return 0;
}

int
admin_put(const struct req *req, struct resp *resp,
    const struct msg_record *rec, const void *msg)
{
	bool json = false;
	int rc = admin_format(req, resp, &json);

	if (rc != 0)
		return rc;
	if (json)
		msg_put_json(rec, msg, &resp->out);
	else
		msg_put_cbor(rec, msg, &resp->out);
	return resp->out.over ? ERR_SPACE : 0;
}

static int
page_limit(const struct req *req, uint64_t *ret, struct why *why)
{
	int rc = admin_query_u64(req, "limit", PAGE_DEFAULT, ret, why);

	return rc != 0 || (*ret >= 1 && *ret <= LIMIT_PAGE) ? rc :
	    why_set(why, ERR_RANGE, "limit= must be within 1..%d",
	    LIMIT_PAGE);
}

struct page_state {
	struct msg_page_out out;
	const struct req *req;
	size_t left; /* items that the client still wants */
	size_t looked; /* items outside of the scope of who asks */
	bool any, full;
	char cursor[MSG_CURSOR]; /* of the last item in the page */
};

static int
page_chunk(struct app *app, const struct admin_list *l, void *filter,
    struct page_state *p, bool *ret_more)
{
	static _Alignas(16) uint8_t items[64 * 1024];
	static _Alignas(16) uint8_t msg[64 * 1024];
	size_t want = sizeof(items) / l->size, n;
	int rc;

	assert(want > 0 && l->rec->size <= sizeof(msg));
	if (want > CHUNK)
		want = CHUNK;
	rc = l->fetch(app, filter, want, items, &n);
	for (size_t i = 0; rc == 0 && i < n && !p->full; i++) {
		const void *item = items + i * l->size;

		if (!admin_sees(app, p->req, l->rec, item)) {
			p->any = true;
			p->full = ++p->looked == SCOPE_LOOK;
			l->advance(filter, item);
			l->cursor(item, p->cursor);
			continue;
		}
		memset(msg, 0, l->rec->size);
		rc = l->render(app, item, msg);
		if (rc != 0)
			break;
		if (p->left == 0 || !msg_page_add(&p->out, msg)) {
			p->full = true;
			break;
		}
		p->left--;
		p->any = true;
		l->advance(filter, item);
		l->cursor(item, p->cursor);
	}
	*ret_more = rc == 0 && n == want && !p->full;
	return rc;
}

int
admin_page(struct app *app, const struct req *req, struct resp *resp,
    const struct admin_list *l, void *filter)
{
	struct page_state p = {.req = req};
	bool json = false, more = true;
	uint64_t limit;
	int rc = admin_format(req, resp, &json);

	if (rc == 0)
		rc = page_limit(req, &limit, &resp->why);
	if (rc != 0)
		return rc;
	p.left = (size_t)limit;
	msg_page_begin(&p.out, l->rec, json, &resp->out);
	while (rc == 0 && more)
		rc = page_chunk(app, l, filter, &p, &more);
	if (rc != 0)
		return rc;
	msg_page_end(&p.out, p.full && p.any ? p.cursor : NULL);
	return p.full && !p.any ? ERR_SPACE : 0;
}

/* --- status and events --- */

static void
put_lag(struct msg_status *m, const struct loop *loop)
{
	const struct lag *l = loop_lag(loop);

	m->lag_p50_us = lag_quantile(l, 500);
	m->lag_p99_us = lag_quantile(l, 990);
	m->lag_max_us = l->max_us;
	m->lag_recent_us = lag_recent(l, loop_mono(loop));
	m->lag_turns = l->n;
	m->lag_over = l->over;
}

static void
put_images(struct msg_status *m, const struct front_stats *fs)
{
	m->image_workers = fs->image_workers;
	m->image_slow = fs->image_slow;
	m->image_dropped = fs->image_dropped;
	m->image_peers = fs->image_peers;
	m->image_evicted = fs->image_evicted;
	m->images_mapped = fs->images_mapped;
}

static void
put_life(struct msg_status *m, const struct life *life)
{
	struct life_stats st;

	life_stats(life, &st);
	snprintf(m->state, sizeof(m->state), "%s",
	    life_text(life_state(life)));
	m->reloaded = st.reloaded;
	m->reload_failed = !st.reload_ok;
	snprintf(m->reload, sizeof(m->reload), "%s", st.reload);
}

static void
put_sizes(struct msg_status *m, const struct app *app)
{
	struct sizes z;

	sizes_read(app, &z);
	m->database_bytes = z.database;
	m->images = z.images;
	m->image_bytes = z.image_bytes;
	m->image_bytes_limit = z.image_limit;
	m->disk_free = z.disk_free;
	m->disk_size = z.disk_size;
}

/* What waits and what stands. A store that cannot say has said why. */
static void
put_work(struct msg_status *m, const struct app *app)
{
	struct store *s = app->store;
	struct store_gauges g;
	int64_t due;

	if (s->ops->gauges(s, m->now, &g) != 0)
		return;
	m->campaigns_running = g.campaigns[CAMPAIGN_RUNNING];
	m->campaigns_paused = g.campaigns[CAMPAIGN_PAUSED];
	m->jobs_failed = g.jobs[JOB_FAILED];
	m->backoff = g.backoff;
	m->done = (struct msg_grades){g.done[GRADE_L0], g.done[GRADE_L1],
	    g.done[GRADE_L2]};
	m->due = g.due;
	if (s->ops->next_due(s, &due) == 0 && due <= m->now)
		m->oldest_due = due;
}

static void
put_listens(struct msg_status *m, const struct conf *c)
{
	strcpy(m->coap, c->listen_coap);
	strcpy(m->coaps, c->listen_coaps);
	strcpy(m->tcp, c->listen_tcp);
	strcpy(m->coaps_tcp, c->listen_coaps_tcp);
	strcpy(m->oscore, c->listen_oscore);
	coap_can_describe(m->features);
	strcpy(m->admin, c->listen_admin);
	strcpy(m->http, c->listen_http);
}

int
res_admin_status(struct app *app, const struct req *req, struct resp *resp)
{
	struct msg_status m = {.started = app->started};
	struct store_stats st;
	struct twins_stats twins;
	struct front_stats fs;
	struct engine_stats es;
	struct health_report health;

	app->store->ops->stats(app->store, &st);
	front_stats(app->front, &fs);
	engine_stats(app->engine, &es);
	snprintf(m.version, sizeof(m.version), "%s", SUITD_VERSION);
	m.now = loop_now(app->loop);
	m.devices = st.devices;
	m.releases = st.releases;
	m.campaigns = st.campaigns;
	m.jobs = st.jobs;
	m.jobs_live = st.jobs_live;
	m.events = st.events;
	m.commits = st.commits;
	put_work(&m, app);
	put_sizes(&m, app);
	m.requests = fs.requests;
	m.blocks = fs.blocks;
	m.sessions = fs.sessions;
	m.observers = fs.observers;
	m.notifications = fs.notifications;
	m.errors = fs.errors;
	m.pushes = es.pushes;
	m.downloads = es.progress_slots;
	m.slots = admit_slots(app);
	m.slots_limit = app->conf.downloads;
	m.commits_failed = es.commits_failed;
	put_lag(&m, app->loop);
	put_images(&m, &fs);
	put_life(&m, app->life);
	health_read(&app->health, &health);
	m.degraded = health.degraded;
	snprintf(m.why, sizeof(m.why), "%.160s", health.text);
	m.backup = backup_last(app);
	m.ahead = st.ahead;
	twin_stats(app, &twins);
	m.twins = twins.now;
	ahead_restored(app, &m.restored_from, &m.restored);
	put_listens(&m, &app->conf);
	m.tls_until = front_cert_expiry(app->front);
	m.trust = trusted_seq(app);
	m.trust_refused = catalog_refusals(app->catalog);
	m.clients_late = front_clients(app->front, m.clients,
	    sizeof(m.clients));
	return admin_put(req, resp, &msg_status, &m);
}

static int
events_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	struct store_event_filter *f = filter;

	f->limit = limit;
	return ST(app, event_list, f, items, ret_n);
}

static void
events_advance(void *filter, const void *item)
{
	((struct store_event_filter *)filter)->after =
	    ((const struct store_event *)item)->id;
}

static int
events_render(struct app *app, const void *item, void *msg)
{
	(void)app;
	admin_msg_event(item, msg);
	return 0;
}

static void
events_cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%" PRIu64,
	    ((const struct store_event *)item)->id);
}

/* "campaign,admin": is it one of them? */
static bool
kind_among(struct slice kinds, struct slice kind)
{
	size_t at = 0, n;

	for (; at <= kinds.n; at += n + 1) {
		for (n = 0; at + n < kinds.n && kinds.p[at + n] != ',';)
			n++;
		if (slice_eq(slice_of(kinds.p + at, n), kind))
			return true;
	}
	return false;
}

static int
check_kinds(struct slice kinds, struct why *why)
{
	static const char known[] = "admin,campaign,device,job,release";
	size_t at = 0, n;

	for (; at <= kinds.n; at += n + 1) {
		for (n = 0; at + n < kinds.n && kinds.p[at + n] != ',';)
			n++;
		if (!kind_among(slice_str(known), slice_of(kinds.p + at, n)))
			return why_set(why, ERR_INVALID, "kind= has one or "
			    "more of %s", known);
	}
	return 0;
}

/* The store has no index of kinds: it looks at so many, then says next. */
static int
events_of(struct app *app, const struct req *req,
    struct store_event_filter *f, struct msg_page_out *page, uint64_t limit,
    bool *ret_more)
{
	static struct store_event ev[EVENTS_CHUNK];
	struct slice kinds = admin_query(req, "kind");
	size_t n = EVENTS_CHUNK, most = scope_all(&req->who.scope) ?
	    EVENTS_LOOK : SCOPE_LOOK;
	int rc = 0;

	*ret_more = false;
	f->limit = EVENTS_CHUNK;
	for (size_t looked = 0; rc == 0 && n == EVENTS_CHUNK; looked += n) {
		if (looked >= most) {
			*ret_more = true;
			return 0;
		}
		n = 0;
		rc = ST(app, event_list, f, ev, &n);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			struct msg_event m;

			if (kind_among(kinds, slice_str(ev[i].kind)) &&
			    admin_sees(app, req, &msg_event, &ev[i])) {
				admin_msg_event(&ev[i], &m);
				*ret_more = limit-- == 0 ||
				    !msg_page_add(page, &m);
				if (*ret_more)
					return 0;
			}
			f->after = ev[i].id;
		}
	}
	return rc;
}

static int
events_by_kind(struct app *app, const struct req *req, struct resp *resp,
    struct store_event_filter *f)
{
	struct msg_page_out page;
	char next[MSG_CURSOR];
	uint64_t limit = 0;
	bool json = false, more = false;
	int rc = check_kinds(admin_query(req, "kind"), &resp->why);

	if (rc == 0)
		rc = page_limit(req, &limit, &resp->why);
	if (rc == 0)
		rc = admin_format(req, resp, &json);
	if (rc != 0)
		return rc;
	msg_page_begin(&page, &msg_event, json, &resp->out);
	rc = events_of(app, req, f, &page, limit, &more);
	if (rc != 0)
		return rc;
	snprintf(next, sizeof(next), "%" PRIu64, f->after);
	msg_page_end(&page, more ? next : NULL);
	return 0;
}

int
admin_events(struct app *app, const struct req *req, struct resp *resp,
    struct store_event_filter *f)
{
	static const struct admin_list list = {&msg_event,
	    sizeof(struct store_event), events_fetch, events_advance,
	    events_render, events_cursor};
	int rc = admin_query_u64(req, "after", 0, &f->after, &resp->why);

	f->newest_first = admin_flag(req, "newest");
	if (rc == 0 && admin_query(req, "kind").p != NULL)
		return events_by_kind(app, req, resp, f);
	return rc != 0 ? rc : admin_page(app, req, resp, &list, f);
}

int
res_admin_events(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event_filter f = {0};
	const struct {
		const char *name;
		uint64_t *to;
	} by[] = {
		{"job", &f.job},
		{"campaign", &f.campaign},
		{"release", &f.release},
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(by) / sizeof(by[0]); i++)
		rc = admin_query_u64(req, by[i].name, 0, by[i].to,
		    &resp->why);
	return rc != 0 ? rc : admin_events(app, req, resp, &f);
}
