/*
 * Devices that know more than this server: told when they say so, counted,
 * explained, and settled by a release; a restored store expects them.
 */
#include "daemon/ahead.h"

#include <fcntl.h>

#include "tests/daemon/fleet.h"

static struct world w;
static struct store_device dev;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
setup_sqlite(void **state)
{
	(void)state;
	world_open(&w, fake_sqlite);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ahead_free(w.app.ahead);
	w.app.ahead = NULL;
	world_close(&w);
	return 0;
}

static void
runs(struct store_device *d, uint64_t seq)
{
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    d, seq, GRADE_L1)), 0);
	turn(&w);
}

static unsigned
events_ahead(const struct store_device *d)
{
	struct store_event_filter f = {.limit = LIMIT_PAGE, .device = d->id};
	struct store_event ev[LIMIT_PAGE];
	unsigned k = 0;
	size_t n;

	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, ev,
	    &n), 0);
	for (size_t i = 0; i < n; i++)
		k += strcmp(ev[i].what, "ahead") == 0;
	return k;
}

static void
explained(const struct store_device *d, struct msg_explain *ret)
{
	static struct resp resp;
	static struct req req;
	struct why why;

	memset(&req, 0, sizeof(req));
	req.method = M_GET;
	req.arg[0] = d->ep;
	assert_int_equal(ask(&w, res_admin_explain, &req, &resp), 0);
	assert_int_equal(msg_get(&msg_explain, buf_slice(&resp.out), ret,
	    &why), 0);
}

static void
who_runs_more_than_is_known_is_told_once_and_counted(void **state)
{
	struct msg_explain m;

	(void)state;
	released(&w, 5, "coap://fw.example/a", 10);
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	runs(&dev, 5);
	assert_true(!dev.ahead && ahead_count(&w.app) == 0);
	runs(&dev, 6);
	assert_true(dev.ahead && ahead_count(&w.app) == 1);
	assert_int_equal(events_ahead(&dev), 1);
	explained(&dev, &m);
	assert_string_equal(m.hold, "ahead");
	runs(&dev, 7);
	assert_int_equal(events_ahead(&dev), 1);
	runs(&dev, 4);
	assert_true(!dev.ahead && ahead_count(&w.app) == 0);
}

static void
a_withdrawn_release_is_known_all_the_same(void **state)
{
	struct why why;
	uint64_t id;

	(void)state;
	released(&w, 5, "coap://fw.example/a", 10);
	id = released(&w, 6, "coap://fw.example/b", 20);
	assert_int_equal(publish_withdraw(&w.app, id, &why), 0);
	turn(&w);
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	runs(&dev, 6);
	assert_false(dev.ahead);
}

static void
without_a_release_nobody_is_ahead_of_it(void **state)
{
	(void)state;
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	runs(&dev, 9);
	assert_false(dev.ahead);
}

/* As suitd --restore leaves it. */
static void
restored(const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" AHEAD_RESTORED, w.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, text, strlen(text)),
	    (ssize_t)strlen(text));
	close(fd);
	strcpy(w.app.conf.state_dir, w.dir);
}

static void
REQ_SEC_SEQUENCE_a_restored_store_says_so_and_expects_them(void **state)
{
	char path[128];
	struct why why;
	int64_t backup, at;

	(void)state;
	ahead_restored(&w.app, &backup, &at);
	assert_true(backup == 0 && at == 0);
	restored("123456 789000\n");
	assert_int_equal(ahead_new(&w.app, &w.app.ahead, &why), 0);
	ahead_restored(&w.app, &backup, &at);
	assert_true(backup == 123456 && at == 789000);
	snprintf(path, sizeof(path), "%s/" AHEAD_RESTORED, w.dir);
	assert_int_not_equal(access(path, F_OK), 0);
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	runs(&dev, 9);
	assert_true(dev.ahead);
	/* the store remembers */
	ahead_free(w.app.ahead);
	assert_int_equal(ahead_new(&w.app, &w.app.ahead, &why), 0);
	ahead_restored(&w.app, &backup, &at);
	assert_true(backup == 123456 && at == 789000);
}

static void
what_restore_does_not_write_is_refused(void **state)
{
	static const char *const bad[] = {"", "1", "1 ", " 1", "1 x", "x 1",
	    "1 2 3", "1 0", "1 99999999999999999999"};
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		restored(bad[i]);
		assert_int_equal(ahead_new(&w.app, &w.app.ahead, &why),
		    ERR_MALFORMED);
	}
}

static void
a_release_settles_those_it_reaches(void **state)
{
	struct store_device two;
	struct why why;

	(void)state;
	strcpy(w.app.conf.state_dir, w.dir);
	assert_int_equal(ahead_new(&w.app, &w.app.ahead, &why), 0);
	released(&w, 5, "coap://fw.example/a", 10);
	dev = fleet_add(&w, "dev", DRIVER_NONE, "10.0.0.1");
	two = fleet_add(&w, "two", DRIVER_NONE, "10.0.0.2");
	runs(&dev, 7);
	runs(&two, 9);
	assert_int_equal(ahead_count(&w.app), 2);
	released(&w, 8, "coap://fw.example/b", 20);
	for (int i = 0; i < 4; i++) {
		ahead_tick(w.app.ahead);
		turn(&w);
	}
	assert_int_equal(ahead_count(&w.app), 1);
	assert_int_equal(w.app.store->ops->device_get(w.app.store, two.id,
	    &two), 0);
	assert_true(two.ahead);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown), \
	cmocka_unit_test_setup_teardown(f, setup_sqlite, teardown)
	const struct CMUnitTest tests[] = {
		T(who_runs_more_than_is_known_is_told_once_and_counted),
		T(a_withdrawn_release_is_known_all_the_same),
		T(without_a_release_nobody_is_ahead_of_it),
		T(REQ_SEC_SEQUENCE_a_restored_store_says_so_and_expects_them),
		T(what_restore_does_not_write_is_refused),
		T(a_release_settles_those_it_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
