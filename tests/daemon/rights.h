/*
 * rights: a request of somebody, as the front carries it out: route, roles,
 * four eyes, handler. Bodies are records.
 */
#ifndef SUITD_TESTS_DAEMON_RIGHTS_H
#define SUITD_TESTS_DAEMON_RIGHTS_H

#include "tests/daemon/fake.h"

#include "daemon/admin_scope.h"
#include "daemon/approve.h"
#include "daemon/res_admin.h"
#include "daemon/route.h"

static struct resp said;

/* What the principal of this name may do, by its line of rights. */
static inline struct principal
person(const char *name, const char *line)
{
	struct principal p = {.grade = GRADE_L1};
	struct rights r;
	struct why why;

	if (rights_parse(slice_str(line), NULL, &r, &why) != 0)
		fail_msg("%s", why.text);
	strcpy(p.identity, name);
	p.role = r.role;
	p.scope = r.scope;
	return p;
}

struct asked {
	enum method m;
	const char *path, *query;
	const struct msg_record *rec; /* NULL: raw is the body */
	const void *msg;
	struct slice raw;
};

static inline int
asks(struct world *w, const struct principal *who, const struct asked *a)
{
	static uint8_t body[LIMIT_BODY_MEM];
	static struct req rq;
	struct route_match match;
	struct buf b = buf_of(body, sizeof(body));
	int rc;

	memset(&rq, 0, sizeof(rq));
	rq.method = a->m;
	rq.transport = T_ADMIN;
	rq.who = *who;
	rq.cf = rq.accept = CF_NONE;
	rq.body = a->raw;
	if (a->rec != NULL) {
		msg_put_cbor(a->rec, a->msg, &b);
		rq.body = buf_slice(&b);
	}
	snprintf(rq.path, sizeof(rq.path), "%s", a->path);
	if (a->query != NULL)
		rq.query[rq.query_n++] = slice_str(a->query);
	memset(&said, 0, sizeof(said));
	rc = route_find(routes_admin, rq.path, rq.method, &match);
	if (rc == 0)
		rc = route_allows(match.route, rq.method, T_ADMIN, who);
	rq.arg[0] = match.arg[0];
	rq.arg[1] = match.arg[1];
	if (rc == 0)
		rc = approve_admit(&w->app, match.route, &rq, &said);
	if (rc == 0)
		rc = ask(w, match.route->fn, &rq, &said);
	turn(w);
	return rc;
}

static inline int
gets(struct world *w, const struct principal *who, const char *path)
{
	return asks(w, who, &(struct asked){.m = M_GET, .path = path});
}

/* How many items a list has for him, all pages together. */
static inline size_t
counts(struct world *w, const struct principal *who, const char *path,
    const struct msg_record *rec)
{
	static uint8_t item[128 * 1024];
	char query[300] = "limit=200";
	struct msg_page page;
	size_t n = 0;

	for (int rounds = 0; rounds < 100; rounds++) {
		assert_int_equal(asks(w, who, &(struct asked){.m = M_GET,
		    .path = path, .query = query}), 0);
		assert_int_equal(msg_page_open(rec, buf_slice(&said.out),
		    &page), 0);
		for (; page.left > 0; n++)
			assert_int_equal(msg_page_item(&page, item, NULL), 0);
		if (page.next[0] == '\0')
			return n;
		snprintf(query, sizeof(query), "after=%s", page.next);
	}
	fail_msg("%s does not end", path);
	return 0;
}

#endif
