/*
 * Credentials that two devices use: told once, shown while it lasts, over
 * with the credential; and the table keeps its bounds.
 */
#include "tests/daemon/fake.h"

#include "daemon/campaign.h"
#include "daemon/credential.h"
#include "daemon/res_admin.h"
#include "daemon/twin.h"
#include "lib/twin.h"
#include "tests/db/psk.h"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	assert_int_equal(twins_new(&w.app.twins), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	twins_free(w.app.twins);
	w.app.twins = NULL;
	world_close(&w);
	return 0;
}

static void
seen(uint64_t credential, uint64_t device, const char *addr)
{
	w.loop.now += 1000;
	twin_seen(&w.app, credential, device, addr, w.loop.now);
	turn(&w);
}

static void
take_turns(uint64_t credential, uint64_t device)
{
	for (int i = 0; i < 5; i++)
		seen(credential, device, i % 2 == 0 ? "10.0.0.1:5000" :
		    "[2001:db8::1]:5000");
}

static struct twins_stats
stats(void)
{
	struct twins_stats st;

	twin_stats(&w.app, &st);
	return st;
}

static unsigned
events(uint64_t device)
{
	struct store_event_filter f = {.limit = 50, .device = device};
	struct store_event e[50];
	size_t n = 0;
	unsigned k = 0;

	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, e, &n),
	    0);
	for (size_t i = 0; i < n; i++)
		k += strcmp(e[i].what, "credential used twice") == 0;
	return k;
}

static void
two_in_turns_are_told_once(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);
	struct store_device other = device(&w, "door", DRIVER_NONE);
	struct select sel;
	struct why why;
	unsigned column;

	(void)state;
	assert_int_equal(select_parse("twin", NULL, &sel, &column, &why), 0);
	take_turns(7, d.id);
	assert_int_equal(events(d.id), 1);
	take_turns(7, d.id);
	assert_int_equal(events(d.id), 1);
	assert_int_equal(audited(&w, "device.twin", "lamp"), 1);
	assert_int_equal(stats().now, 1);
	assert_int_equal(stats().found, 1);
	assert_true(twin_of(&w.app, d.id) && !twin_of(&w.app, other.id));
	assert_true(campaign_selects(&w.app, &sel, &d, w.loop.now));
	assert_false(campaign_selects(&w.app, &sel, &other, w.loop.now));
}

static void
one_host_with_two_ports_is_none(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);

	(void)state;
	for (int i = 0; i < 100; i++)
		seen(7, d.id, i % 2 == 0 ? "[2001:db8::1]:5000" :
		    "[2001:db8::1]:5001");
	assert_int_equal(stats().found, 0);
	/* and who has no credential cannot have it used */
	take_turns(0, d.id);
	take_turns(0, d.id);
	assert_int_equal(stats().found, 0);
}

static void
what_it_says_that_it_runs_counts(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);
	struct req rq = {.peer = "10.0.0.1:5000"};

	(void)state;
	rq.who.device = d.id;
	for (uint64_t i = 0; i < 6; i++)
		twin_runs_seq(&w.app, &rq, 4 + i % 2);
	assert_int_equal(stats().found, 0); /* without a credential */
	rq.who.credential = 7;
	for (uint64_t i = 0; i < 6; i++)
		twin_runs_seq(&w.app, &rq, 4 + i % 2);
	assert_int_equal(stats().found, 1);
}

static void
it_is_over_when_the_credential_is_gone(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);
	struct credential_list had;
	struct store_credential c;
	struct store *s = w.app.store;

	(void)state;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, psk_put(s, "lamp", d.id,
	    slice_str("0123456789abcdef"))), 0);
	assert_int_equal(s->ops->credential_get(s, CREDENTIAL_PSK, "lamp",
	    &c), 0);
	take_turns(c.id, d.id);
	assert_true(twin_of(&w.app, d.id));
	assert_int_equal(credential_list(&w.app, d.id, &had), 0);
	credential_settle(&w.app, d.id, &had); /* it is there still */
	assert_true(twin_of(&w.app, d.id));
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    s->ops->credential_remove(s, c.id)), 0);
	credential_settle(&w.app, d.id, &had);
	assert_false(twin_of(&w.app, d.id));
}

static void
it_is_over_when_it_was_quiet(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);

	(void)state;
	take_turns(7, d.id);
	w.loop.now += TWIN_QUIET_MS - 1;
	twin_tick(&w.app);
	assert_true(twin_of(&w.app, d.id));
	w.loop.now++;
	twin_tick(&w.app);
	assert_false(twin_of(&w.app, d.id));
	take_turns(7, d.id);
	take_turns(7, d.id);
	assert_int_equal(events(d.id), 2);
}

static void
as_many_are_shown_as_there_is_room_for(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);
	struct store_device last = device(&w, "door", DRIVER_NONE);

	(void)state;
	for (uint64_t i = 1; i <= LIMIT_TWINS; i++)
		take_turns(i, d.id);
	assert_int_equal(stats().now, LIMIT_TWINS);
	take_turns(LIMIT_TWINS + 1, last.id);
	assert_int_equal(stats().now, LIMIT_TWINS);
	assert_int_equal(stats().found, LIMIT_TWINS + 1);
	assert_false(twin_of(&w.app, last.id));
	assert_int_equal(events(last.id), 1);
}

static void
a_twin_is_not_pushed_out_by_those_that_are_none(void **state)
{
	struct store_device d = device(&w, "lamp", DRIVER_NONE);

	(void)state;
	take_turns(1, d.id);
	for (uint64_t i = 2; i < 2 + 2 * LIMIT_TWINS_SEEN; i++)
		twin_seen(&w.app, i, i, "10.0.0.1:5000", w.loop.now + 1);
	/* of 1 + 2 * LIMIT_TWINS_SEEN, no more than the cap are there */
	assert_true(stats().forgotten >= 1 + LIMIT_TWINS_SEEN);
	twin_tick(&w.app);
	assert_true(twin_of(&w.app, d.id));
}

static void
nobody_looks_without_a_table(void **state)
{
	struct twins *t = w.app.twins;

	(void)state;
	w.app.twins = NULL;
	take_turns(7, 1);
	twin_forget(&w.app, 7);
	twin_tick(&w.app);
	assert_false(twin_of(&w.app, 1));
	assert_int_equal(stats().found, 0);
	w.app.twins = t;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(two_in_turns_are_told_once),
		CASE(one_host_with_two_ports_is_none),
		CASE(what_it_says_that_it_runs_counts),
		CASE(it_is_over_when_the_credential_is_gone),
		CASE(it_is_over_when_it_was_quiet),
		CASE(as_many_are_shown_as_there_is_room_for),
		CASE(a_twin_is_not_pushed_out_by_those_that_are_none),
		CASE(nobody_looks_without_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
