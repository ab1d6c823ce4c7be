/*
 * A device with an old key is found by who looks for it, in the log and at
 * the device; and whoever fails on purpose fills neither the log nor the
 * store.
 */
#include "tests/daemon/fleet.h"

#include "daemon/credential.h"
#include "daemon/log.h"
#include "daemon/wrongkey.h"

#define KEY "0123456789abcdef"

static struct world w;
static struct store_device dev;

static int
setup(void **state)
{
	struct store_credential got;
	const struct credential_key k = {.key = slice_str(KEY)};
	struct why why;

	(void)state;
	world_open(&w, store_mem_open);
	assert_int_equal(wrongkeys_new(&w.app.wrongkeys), 0);
	dev = device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(credential_give(&w.app, &dev, &k, &got, &why), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &dev)), 0);
	turn(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	wrongkeys_free(w.app.wrongkeys);
	w.app.wrongkeys = NULL;
	world_close(&w);
	return 0;
}

static bool
told(void)
{
	char text[WRONGKEY_TEXT];

	wrongkey_say(&w.app, &dev, text);
	return text[0] != '\0';
}

static void
fail_as(const char *identity)
{
	w.loop.now += 10;
	wrongkey_failed(&w.app, T_DTLS, identity, "10.0.0.1");
}

static void
a_device_is_told_until_it_proves_its_key(void **state)
{
	(void)state;
	assert_false(told());
	fail_as("lamp");
	assert_true(told());
	/* an operator of this name is somebody else */
	wrongkey_proved(&w.app, T_ADMIN, "lamp");
	assert_true(told());
	wrongkey_proved(&w.app, T_DTLS, "lamp");
	assert_false(told());
	wrongkey_failed(&w.app, T_ADMIN, "lamp", "10.0.0.1");
	assert_false(told());
	assert_int_equal(wrongkey_count(&w.app), 1);
}

static void
as_many_are_known_as_there_is_room_for(void **state)
{
	char name[16];

	(void)state;
	fail_as("lamp");
	for (int i = 1; i < LIMIT_WRONG_KEYS; i++) {
		snprintf(name, sizeof(name), "dev-%d", i);
		fail_as(name);
	}
	assert_int_equal(wrongkey_count(&w.app), LIMIT_WRONG_KEYS);
	assert_true(told());
	fail_as("one-more"); /* lamp's is the oldest */
	assert_int_equal(wrongkey_count(&w.app), LIMIT_WRONG_KEYS);
	assert_false(told());
	fail_as("lamp"); /* in the place of dev-1 */
	assert_true(told());
	fail_as("dev-2");
	assert_int_equal(wrongkey_count(&w.app), LIMIT_WRONG_KEYS);
	assert_true(told());
}

static void
lines_are_few_and_the_store_is_not_written(void **state)
{
	uint64_t lines = log_count(LOGL_WARN);
	struct store_event_filter f = {.limit = 50};
	struct store_event e[50];
	size_t before = 0, n = 0;
	char name[16];

	(void)state;
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, e,
	    &before), 0);
	for (int i = 0; i < 1000; i++)
		fail_as("lamp");
	assert_int_equal(log_count(LOGL_WARN) - lines, 1);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "dev-%d", i);
		fail_as(name);
	}
	assert_int_equal(log_count(LOGL_WARN) - lines, WRONGKEY_LINES);
	w.loop.now += 60000;
	fail_as("late");
	assert_int_equal(log_count(LOGL_WARN) - lines, WRONGKEY_LINES + 1);
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, e, &n),
	    0);
	assert_int_equal(n, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(a_device_is_told_until_it_proves_its_key),
		T(as_many_are_known_as_there_is_room_for),
		T(lines_are_few_and_the_store_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
