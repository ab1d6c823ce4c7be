/*
 * The device's half of retry control: how long it waits after each class of
 * failure, and what it remembers of that when the power goes.
 */
#include "device/core.h"
#include "tests/device/world.h"

#define HOUR SUITDEV_HOUR_MS
#define DAY SUITDEV_DAY_MS

static struct world w;

/* --- delays --- */

/* The delays drawn after `fails` failures of a class: shortest, longest. */
static void
draws(enum fail_class c, unsigned fails, int64_t *ret_min, int64_t *ret_max)
{
	*ret_min = INT64_MAX;
	*ret_max = 0;
	for (unsigned i = 0; i < 400; i++) {
		int64_t delay;

		w.dev.nv.fails[c] = (uint8_t)(fails - 1);
		core_failed(&w.dev, w.now, c, REASON_OTHER);
		assert_int_equal(w.dev.nv.fails[c], fails);
		delay = w.dev.fetch_at - w.now;
		*ret_min = delay < *ret_min ? delay : *ret_min;
		*ret_max = delay > *ret_max ? delay : *ret_max;
	}
}

static void
each_class_waits_between_its_base_and_its_window(void **state)
{
	static const struct {
		enum fail_class c;
		unsigned fails;
		int64_t base, window; /* of base << fails, or << 2 * fails */
	} t[] = {
	    {FAIL_TRANSPORT, 1, 30000, 60000},
	    {FAIL_TRANSPORT, 3, 30000, 240000},
	    {FAIL_TRANSPORT, 7, 30000, HOUR},
	    {FAIL_TRANSPORT, 255, 30000, HOUR},
	    {FAIL_INTEGRITY, 1, 300000, 600000},
	    {FAIL_INTEGRITY, 255, 300000, DAY},
	    {FAIL_EXECUTION, 1, 900000, 4 * 900000},
	    {FAIL_EXECUTION, 2, 900000, 16 * 900000},
	    {FAIL_EXECUTION, 255, 900000, DAY},
	};

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		int64_t min, max, span = t[i].window - t[i].base;

		draws(t[i].c, t[i].fails, &min, &max);
		assert_in_range(min, t[i].base, t[i].base + span / 20);
		assert_in_range(max, t[i].window - span / 20, t[i].window);
	}
	world_fini(&w);
}

static bool
silent(struct world *x, struct suitdev_response *r)
{
	(void)x;
	(void)r;
	return false;
}

static void
silence_doubles_the_window_up_to_an_hour(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = silent;
	for (unsigned n = 1; n <= 12; n++) {
		int64_t window = n < 7 ? INT64_C(30000) << n : HOUR;

		while (w.lost < n)
			assert_true(world_turn(&w));
		assert_in_range(w.dev.wake - w.now, 30000, window);
	}
	world_fini(&w);
}

/* --- nothing stops for good --- */

static bool
no_max_age(struct world *x, struct suitdev_response *r)
{
	(void)x;
	r->have_max_age = false;
	return true;
}

static int
refuse_state(void *arg, struct slice s)
{
	(void)arg;
	(void)s;
	return ERR_READONLY;
}

static int
refuse_read(void *arg, uint8_t *dst, size_t cap, size_t *ret_n)
{
	(void)arg;
	(void)dst;
	(void)cap;
	(void)ret_n;
	return ERR_IO;
}

static bool
steer_an_hour(struct world *x, struct suitdev_response *r)
{
	(void)x;
	*r = (struct suitdev_response){.code = 429, .have_max_age = true,
	    .max_age = 3600};
	return true;
}

static void
a_day_without_contact_is_the_most(void **state)
{
	int64_t last;

	(void)state;
	for (int triggered = 0; triggered < 2; triggered++) {
		world_init(&w, triggered ? &suitdev_kind_trigger :
		    &suitdev_kind_poll);
		w.cfg.lifetime = UINT32_MAX;
		w.cfg.poll = UINT32_MAX;
		w.cfg.authenticated = true;
		w.envelope_n = 0;
		w.twist = no_max_age;
		world_boot(&w);
		last = w.now;
		for (unsigned i = 0; i < 20; i++) {
			const uint64_t n = w.dev.count.requests;

			while (w.dev.count.requests == n)
				assert_true(world_turn(&w));
			assert_true(w.now - last <= 25 * HOUR);
			last = w.now;
		}
		world_fini(&w);
	}
}

static int
no_way(void *arg, const struct suitdev_request *rq)
{
	if (strncmp(rq->uri, "coap://", 7) == 0)
		return ERR_UNREACHABLE;
	return world_send(arg, rq);
}

static void
what_cannot_be_sent_is_charged_to_what_it_was(void **state)
{
	static const struct suitdev_net net = {no_way, world_forget};

	(void)state;
	world_init(&w, &suitdev_kind_trigger);
	w.cfg.net = &net;
	world_boot(&w);
	world_run(&w, 2 * 60000);
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str("coap://nowhere/m")), 0);
	world_run(&w, 1000);
	assert_int_equal(w.dev.contact_fails, 1);
	assert_int_equal(w.dev.nv.fails[FAIL_TRANSPORT], 0);
	assert_false(w.dev.transfer); /* a better trigger is listened to */
	assert_int_equal(suitdev_trigger(&w.dev, w.now,
	    slice_str("/m/lamp")), 0);
	assert_true(world_until(&w, 4, 5 * 60000));
	world_fini(&w);
}

static void
flash_that_takes_no_writes_does_not_silence_a_device(void **state)
{
	static struct storage dead;
	uint64_t n;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	dead = storage_ram;
	dead.set_state = refuse_state;
	w.cfg.storage = &dead;
	world_boot(&w);
	world_run(&w, 2 * DAY);
	assert_int_equal(w.blocks, 0); /* no attempt without a count of it */
	assert_true(w.gets > 40);
	n = w.dev.count.requests;
	world_run(&w, DAY + HOUR);
	assert_true(w.dev.count.requests > n);
	assert_int_equal(w.phase[0], PHASE_FAILED);
	assert_int_equal(w.last.event.reason, REASON_STORAGE);
	world_fini(&w);
}

static void
a_state_that_cannot_be_read_is_read_again_later(void **state)
{
	static struct storage blind;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	blind = storage_ram;
	w.cfg.storage = &blind;
	world_boot(&w);
	while (w.dev.phase != SUITDEV_REBOOT)
		assert_true(world_turn(&w));
	blind.get_state = refuse_read;
	assert_true(world_turn(&w));
	assert_true(world_turn(&w));
	assert_int_equal(w.dev.phase, SUITDEV_REBOOT);
	blind.get_state = storage_ram.get_state;
	assert_true(world_until(&w, 4, HOUR));
	world_assert_runs(&w);
	world_fini(&w);
}

static void
a_notification_does_not_shorten_what_an_answer_said(void **state)
{
	const struct suitdev_response said = {.code = 503,
	    .have_max_age = true, .max_age = 1, .observe = true};
	int64_t wake;

	(void)state;
	world_init(&w, &suitdev_kind_observe);
	while (!w.dev.observing)
		assert_true(world_turn(&w));
	w.twist = steer_an_hour;
	while (w.dev.fail != FAIL_OVERLOAD)
		assert_true(world_turn(&w));
	wake = w.dev.wake;
	w.dev.observing = true;
	suitdev_notified(&w.dev, w.now, &said);
	assert_int_equal(w.dev.wake, wake);
	world_fini(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_class_waits_between_its_base_and_its_window),
	    cmocka_unit_test(silence_doubles_the_window_up_to_an_hour),
	    cmocka_unit_test(a_day_without_contact_is_the_most),
	    cmocka_unit_test(what_cannot_be_sent_is_charged_to_what_it_was),
	    cmocka_unit_test(
		flash_that_takes_no_writes_does_not_silence_a_device),
	    cmocka_unit_test(a_state_that_cannot_be_read_is_read_again_later),
	    cmocka_unit_test(
		a_notification_does_not_shorten_what_an_answer_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
