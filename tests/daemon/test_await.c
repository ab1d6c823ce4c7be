/* Who is about to ask for a first block: what a stop waits for. */
#include "tests/daemon/fake.h"

#define SIZE 10000

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	released(&w, 2, "coap://fw.example/fw/a", SIZE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static bool
awaits(void)
{
	return engine_awaits(w.app.engine);
}

/* Of a device that says its name. */
static void
polls(const char *ep, const char *addr)
{
	struct req req = {.first_block = true, .query_n = 1};
	struct resp resp;
	char query[80];

	snprintf(query, sizeof(query), "ep=%s", ep);
	req.query[0] = slice_str(query);
	strcpy(req.addr, addr);
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	assert_true(resp.body.n > 0);
	turn(&w);
}

/* Of one whom nobody knows. */
static void
asks_for_its_class(const char *addr)
{
	struct req req = {.first_block = true};
	struct resp resp;
	char hex[33];

	strcpy(req.addr, addr);
	req.arg[0] = text_hex(slice_of(w.class_id, 16), hex, sizeof(hex));
	req.arg[1] = "";
	assert_int_equal(ask(&w, res_manifest_class, &req, &resp), 0);
	turn(&w);
}

/* The block up to `end`; without a name, as most ask for images. */
static void
takes(const char *addr, uint64_t end)
{
	const struct catalog_release *r = catalog_current(w.app.catalog,
	    w.class_id);
	struct req req = {.first_block = end <= 64};
	struct blob *b;

	strcpy(req.addr, addr);
	assert_int_equal(blob_get(w.app.blobs, r->payload[0].digest, &b), 0);
	engine_blocks(&w.app, &req, b, end, SIZE);
	blob_unref(b);
}

static void
runs(struct store_device *d, uint64_t seq)
{
	struct engine *e = w.app.engine;

	assert_int_equal(w.app.store->ops->device_get(w.app.store, d->id, d),
	    0);
	assert_int_equal(engine_begin(e), 0);
	assert_int_equal(engine_end(e, engine_running(e, d, seq, GRADE_L1)),
	    0);
	turn(&w);
}

static void
nobody_is_awaited(void **state)
{
	(void)state;
	device(&w, "n1", DRIVER_NONE);
	assert_false(awaits());
}

/* It is not known what it runs: no job comes of its poll. */
static void
from_its_manifest_to_its_first_block(void **state)
{
	(void)state;
	device(&w, "n1", DRIVER_NONE);
	polls("n1", "192.0.2.1");
	assert_true(awaits());
	w.loop.now += 5000;
	assert_true(awaits());
	takes("192.0.2.9", 64); /* another one */
	assert_true(awaits());
	takes("192.0.2.1", 64);
	assert_false(awaits());
}

static void
the_same_with_a_job(void **state)
{
	struct store_device d;

	(void)state;
	d = device(&w, "n1", DRIVER_NONE);
	runs(&d, 1);
	polls("n1", "192.0.2.1");
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_true(awaits());
	takes("192.0.2.1", 64);
	pass(&w, 1000);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	assert_false(awaits());
}

static void
a_stranger_as_well(void **state)
{
	(void)state;
	asks_for_its_class("192.0.2.1");
	assert_true(awaits());
	takes("192.0.2.1", 64);
	assert_false(awaits());
	/* and anew: what it took before is not what it gets now */
	w.loop.now += 1000;
	asks_for_its_class("192.0.2.1");
	assert_true(awaits());
}

static void
not_for_ever(void **state)
{
	struct store_device d;

	(void)state;
	d = device(&w, "n1", DRIVER_NONE);
	runs(&d, 1);
	polls("n1", "192.0.2.1");
	device(&w, "n2", DRIVER_NONE);
	polls("n2", "192.0.2.2");
	w.loop.now += ENGINE_AWAIT_MS - 1;
	assert_true(awaits());
	w.loop.now++;
	assert_false(awaits());
}

static void
the_newest_of_strangers_are_known(void **state)
{
	(void)state;
	asks_for_its_class("192.0.2.1");
	takes("192.0.2.1", 64);
	assert_false(awaits());
	asks_for_its_class("192.0.2.2");
	for (int i = 1; i < LIMIT_AWAITED; i++)
		asks_for_its_class("192.0.2.1");
	assert_true(awaits());
	asks_for_its_class("192.0.2.1");
	assert_false(awaits());
}

/* It gets all of the manifest, and has no use for the image. */
static void
who_is_up_to_date_is_not_awaited(void **state)
{
	struct store_device d;

	(void)state;
	d = device(&w, "n1", DRIVER_NONE);
	runs(&d, 2);
	polls("n1", "192.0.2.1");
	assert_false(awaits());
}

/* It was fast: what was seen of its blocks is gone with the attempt. */
static void
who_is_done_is_not_awaited(void **state)
{
	struct store_device d;

	(void)state;
	d = device(&w, "n1", DRIVER_NONE);
	polls("n1", "192.0.2.1");
	for (uint64_t end = 1000; end <= SIZE; end += 1000)
		takes("192.0.2.1", end);
	pass(&w, 1000);
	runs(&d, 2);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
	assert_false(awaits());
}

static void
who_was_triggered_is_awaited(void **state)
{
	struct store_device d;

	(void)state;
	d = device(&w, "n1", DRIVER_TRIGGER);
	campaign_for(&w, catalog_current(w.app.catalog, w.class_id)->id, "");
	pass(&w, 1000);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_true(awaits()); /* it may have got it */
	answer(&w, "suit/trigger", 204, "");
	assert_int_equal(last_job(&w, &d).state, JOB_NOTIFIED);
	assert_true(awaits());
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nobody_is_awaited),
		T(from_its_manifest_to_its_first_block),
		T(the_same_with_a_job),
		T(a_stranger_as_well),
		T(not_for_ever),
		T(the_newest_of_strangers_are_known),
		T(who_is_up_to_date_is_not_awaited),
		T(who_is_done_is_not_awaited),
		T(who_was_triggered_is_awaited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
