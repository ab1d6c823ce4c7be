/*
 * fleet: many devices against the fake world: polls by name, what explain
 * says of them.
 */
#ifndef SUITD_TESTS_DAEMON_FLEET_H
#define SUITD_TESTS_DAEMON_FLEET_H

#include "daemon/admit_slot.h"
#include "daemon/contact.h"
#include "daemon/engine_impl.h"
#include "daemon/res_admin.h"
#include "lib/msg.h"
#include "tests/daemon/fake.h"

static inline void
fleet_save(struct world *w, struct store_device *d)
{
	assert_int_equal(engine_begin(w->app.engine), 0);
	assert_int_equal(engine_end(w->app.engine,
	    w->app.store->ops->device_put(w->app.store, d)), 0);
	turn(w);
}

/* "dev0" ...: has a class, runs sequence 1, speaks from `addr`. */
static inline struct store_device
fleet_add(struct world *w, const char *ep, enum driver driver,
    const char *addr)
{
	struct store_device d = device(w, ep, driver);

	d.have_seq = true;
	d.seq = 1;
	snprintf(d.addr, sizeof(d.addr), "%s", addr);
	fleet_save(w, &d);
	return d;
}

/* The device asks for its manifest: over its own key when `l1`. */
static inline int
fleet_poll(struct world *w, const struct store_device *d, bool l1,
    struct resp *resp)
{
	static struct req req;
	static char ep[LIMIT_EP + 8];
	int rc;

	memset(&req, 0, sizeof(req));
	req.first_block = true;
	snprintf(req.addr, sizeof(req.addr), "%s", d->addr);
	snprintf(ep, sizeof(ep), "ep=%s", d->ep);
	if (l1) {
		req.who.device = d->id;
		req.who.role = ROLE_DEVICE;
		req.who.grade = GRADE_L1;
	} else {
		req.query[req.query_n++] = slice_str(ep);
	}
	rc = ask(w, res_manifest_own, &req, resp);
	turn(w);
	return rc;
}

static inline void
fleet_event(struct world *w, uint64_t job, const struct track_event *ev)
{
	assert_int_equal(engine_begin(w->app.engine), 0);
	assert_int_equal(engine_end(w->app.engine,
	    engine_job_event(w->app.engine, job, ev, NULL)), 0);
	turn(w);
}

static inline void
fleet_type(struct world *w, const struct store_device *d,
    enum track_event_type type)
{
	const struct track_event ev = {.type = type, .grade = GRADE_L1};

	fleet_event(w, last_job(w, d).id, &ev);
}

static inline void
fleet_failed(struct world *w, const struct store_device *d,
    enum fail_class class, enum track_reason why)
{
	const struct track_event ev = {
		.type = TRACK_REPORT, .phase = PHASE_FAILED, .fail = class,
		.reason = why, .grade = GRADE_L1,
	};

	fleet_event(w, last_job(w, d).id, &ev);
}

/* --- what explain says --- */

static inline struct msg_explain
fleet_explain(struct world *w, const char *ep)
{
	static struct msg_explain m;
	static struct req req;
	static struct resp resp;
	int rc;

	memset(&req, 0, sizeof(req));
	req.transport = T_ADMIN;
	req.who.role = ROLE_OPERATOR;
	req.first_block = true;
	req.arg[0] = ep;
	req.arg[1] = "";
	rc = ask(w, res_admin_explain, &req, &resp);
	assert_int_equal(rc, 0);
	memset(&m, 0, sizeof(m));
	rc = msg_get(&msg_explain, resp.body.n != 0 ? resp.body :
	    buf_slice(&resp.out), &m, &resp.why);
	if (rc != 0)
		fail_msg("%s", resp.why.text);
	return m;
}

/* Triggers that went out. */
static inline unsigned
fleet_triggers(const struct world *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->peer.n; i++)
		n += strstr(w->peer.sent[i].uri, "/suit/trigger") != NULL;
	return n;
}

#endif
