/* res_call: the resources of devices, called as the front calls them. */
#ifndef SUITD_TESTS_DAEMON_RES_CALL_H
#define SUITD_TESTS_DAEMON_RES_CALL_H

#include "tests/daemon/fake.h"

static struct world w;
static struct req req;
static struct resp resp;

static inline int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	memset(&req, 0, sizeof(req));
	req.arg[0] = req.arg[1] = "";
	req.first_block = true;
	req.method = M_GET;
	strcpy(req.addr, "10.1.2.3");
	strcpy(req.peer, "10.1.2.3:40000");
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static inline int
call(route_fn fn)
{
	int rc = ask(&w, fn, &req, &resp);

	turn(&w);
	return rc;
}

static inline void
query(const char *a, const char *b, const char *c)
{
	const char *q[3] = {a, b, c};

	req.query_n = 0;
	for (size_t i = 0; i < 3 && q[i] != NULL; i++)
		req.query[req.query_n++] = slice_str(q[i]);
}

static inline void
save(struct store_device *d)
{
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, d)), 0);
	turn(&w);
}

static inline struct store_device
by_ep(const char *ep)
{
	struct store_device d;

	assert_int_equal(w.app.store->ops->device_by_ep(w.app.store, ep, &d),
	    0);
	return d;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
