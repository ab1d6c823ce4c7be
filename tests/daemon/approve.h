/* approve: the people of the tests of four eyes, and what they ask for. */
#ifndef SUITD_TESTS_DAEMON_APPROVE_H
#define SUITD_TESTS_DAEMON_APPROVE_H

#include "tests/daemon/rights.h"

static struct world w;
static struct principal alice, bob, carol;
static struct slice file[8]; /* by sequence */

/* A principal of the store; alice's own rights come from admin.psk's kind. */
static inline void
stored(const struct principal *p, const char *line)
{
	struct store_principal s = {.created = 1};

	strcpy(s.name, p->identity);
	strcpy(s.rights, line);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->principal_put(w.app.store, &s)), 0);
	turn(&w);
}

static inline int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	memset(file, 0, sizeof(file));
	alice = person("alice", "role=author,operator,auditor,grant");
	bob = person("bob", "role=operator,grant");
	carol = person("carol", "role=auditor");
	stored(&alice, "role=author,operator,auditor,grant");
	stored(&bob, "role=operator,grant");
	stored(&carol, "role=auditor");
	strcpy(w.app.conf.four_eyes, "publish author");
	w.app.conf.four_eyes_expires = 3600;
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* A file that was signed once: another signature makes another one. */
static inline int
publishes(const struct principal *who, uint64_t seq, const char *query)
{
	static uint8_t bytes[8][4096];
	uint8_t *to = bytes[seq % 8];
	const struct made m = {.seq = seq, .uri = "/fw", .size = 1000,
	    .digest = upload(&w, 1000, 1)};

	if (file[seq % 8].n == 0 || seq >= 8)
		file[seq % 8] = made(&w, &m, to, sizeof(bytes[0]));
	return asks(&w, who, &(struct asked){.m = M_POST,
	    .path = "a/releases", .query = query, .raw = file[seq % 8]});
}

static inline int
posts(const struct principal *who, const char *path)
{
	return asks(&w, who, &(struct asked){.m = M_POST, .path = path});
}

static inline int
drops(const struct principal *who, const char *path)
{
	return asks(&w, who, &(struct asked){.m = M_DELETE, .path = path});
}

static inline int
makes(const struct principal *who, const char *name, const char *line)
{
	static struct msg_principal_put m;
	char path[100];

	memset(&m, 0, sizeof(m));
	strcpy(m.rights, line);
	snprintf(path, sizeof(path), "a/principals/%s", name);
	return asks(&w, who, &(struct asked){M_PUT, path, NULL,
	    &msg_principal_put, &m, SLICE_NONE});
}

static inline size_t
waiting(const struct principal *who)
{
	return counts(&w, who, "a/requests", &msg_request);
}

static inline size_t
releases(void)
{
	return counts(&w, &alice, "a/releases", &msg_release);
}

/* Entries of a kind by somebody whose detail begins so. */
static inline size_t
entered(const char *who, const char *kind, const char *detail)
{
	static struct audit_entry e[50];
	struct store_audit_filter f = {.limit = 50};
	size_t n = 0, hits = 0;

	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, e,
	    &n), 0);
	for (size_t i = 0; i < n; i++)
		hits += strcmp(e[i].who, who) == 0 &&
		    strcmp(e[i].kind, kind) == 0 &&
		    strstr(e[i].detail, detail) != NULL;
	return hits;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
