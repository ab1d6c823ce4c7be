/*
 * admin_call: the operators' resources, called as the front calls them, on
 * the real engine, catalog and store twin.
 */
#ifndef SUITD_TESTS_DAEMON_ADMIN_CALL_H
#define SUITD_TESTS_DAEMON_ADMIN_CALL_H

#include "daemon/res_admin.h"
#include "tests/daemon/fake.h"

static struct world w;
static struct resp resp;
static uint8_t body[LIMIT_BODY_MEM];

static inline int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* The route that the path finds, as the front would; one query option. */
static inline int
call(enum method m, const char *path, const char *query, struct slice in)
{
	static char seg[2][LIMIT_PATH + 1];
	struct req rq = {.method = m, .transport = T_ADMIN, .body = in};
	int rc;

	strcpy(rq.who.identity, "admin");
	rq.who.role = ROLE_OPERATOR;
	rq.who.grade = GRADE_L1;
	rq.arg[0] = rq.arg[1] = "";
	snprintf(rq.path, sizeof(rq.path), "%s", path);
	if (query != NULL)
		rq.query[rq.query_n++] = slice_str(query);
	for (const struct route *r = routes_admin; r->path != NULL; r++) {
		const char *a = r->path, *b = path;
		size_t n = 0;

		while (*a != '\0' && *b != '\0') {
			if (*a == '{') {
				a += strcspn(a, "/");
				snprintf(seg[n], sizeof(seg[n]), "%.*s",
				    (int)strcspn(b, "/"), b);
				rq.arg[n] = seg[n];
				n++;
				b += strcspn(b, "/");
			} else if (*a++ != *b++) {
				a = "x";
				break;
			}
		}
		if (*a != '\0' || *b != '\0' || !(r->methods & m))
			continue;
		rc = ask(&w, r->fn, &rq, &resp);
		turn(&w);
		return rc;
	}
	return ERR_METHOD;
}

static inline int
get(const char *path)
{
	return call(M_GET, path, NULL, SLICE_NONE);
}

static inline struct slice
record(const struct msg_record *rec, const void *msg)
{
	struct buf b = buf_of(body, sizeof(body));

	msg_put_cbor(rec, msg, &b);
	assert_false(b.over);
	return buf_slice(&b);
}

static inline void
answer_is(const struct msg_record *rec, void *ret)
{
	struct why why = {0};

	assert_int_equal(resp.cf, CF_CBOR);
	if (msg_get(rec, buf_slice(&resp.out), ret, &why) != 0)
		fail_msg("%s", why.text);
}

/* The newest of admin's entries is of that change, and of a kind. */
static inline void
is_audited(const char *what)
{
	struct store_audit_filter f = {.limit = 1, .newest_first = true,
	    .have_who = true, .who = "admin"};
	static struct audit_entry e;
	size_t n;

	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, &e,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(e.kind, audit_kind_name(audit_kind_of_word(what)));
	assert_int_not_equal(audit_kind_of_word(what), AUDIT_CHANGE);
}

/* The newest event: kind admin, what, by admin. */
static inline void
is_logged(const char *what)
{
	struct store_event_filter f = {.limit = 1, .newest_first = true};
	struct store_event ev;
	size_t n;

	assert_true(resp.after_commit);
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, &ev,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(ev.kind, "admin");
	assert_string_equal(ev.what, what);
	assert_memory_equal(ev.detail, "by admin", 8);
	is_audited(what);
}

static inline uint64_t
events(void)
{
	struct store_stats st;

	w.app.store->ops->stats(w.app.store, &st);
	return st.events;
}

static inline int
put_device(const char *ep, const struct msg_device_put *m)
{
	char path[128];

	snprintf(path, sizeof(path), "a/devices/%s", ep);
	return call(M_PUT, path, NULL, record(&msg_device_put, m));
}

static inline int
start(const struct msg_campaign_start *m)
{
	return call(M_POST, "a/campaigns", NULL, record(&msg_campaign_start,
	    m));
}

#endif
