/*
 * Everything at once, by the seed: answers that are lost, wrong, refused or
 * put off, flash that fails, images that do not come up, power that goes,
 * triggers from strangers. Whatever happens, something is tried within 25
 * hours, nothing older ever runs, and when the trouble ends the device ends
 * with the release.
 */
#include "tests/device/world.h"

#define SEEDS 400
#define HOUR SUITDEV_HOUR_MS

static struct world w;
static uint64_t luck;
static bool trouble;
static int64_t last_request; /* or start */

static unsigned
roll(unsigned n)
{
	return (unsigned)(backoff_rand(&luck) >> 32) % n;
}

static int
send_watched(void *arg, const struct suitdev_request *rq)
{
	if (w.now - last_request > 25 * HOUR)
		fail_msg("silent for %lld s", (long long)
		    (w.now - last_request) / 1000);
	last_request = w.now;
	return trouble && roll(40) == 0 ? ERR_UNREACHABLE :
	    world_send(arg, rq);
}

static const struct suitdev_net watched = {send_watched, world_forget};

static bool
anything(struct world *x, struct suitdev_response *r)
{
	static const unsigned codes[] = {400, 401, 403, 404, 429, 500, 502,
	    503, 504};
	static const uint32_t ages[] = {0, 60, 3600, 86400, UINT32_MAX};
	static uint8_t junk[1024];

	x->reports = 0;
	if (!trouble)
		return true;
	switch (roll(12)) {
	case 0:
		return false;
	case 1:
		*r = (struct suitdev_response){.code = codes[roll(9)],
		    .have_max_age = roll(2), .max_age = ages[roll(5)]};
		break;
	case 2:
		r->have_max_age = roll(2);
		r->max_age = ages[roll(5)];
		break;
	case 3:
		r->num += roll(3);
		break;
	case 4:
		r->etag[0] = (uint8_t)roll(3);
		break;
	case 5:
		if (r->payload.n > 0 && r->payload.n <= sizeof junk)
			r->payload.p = junk;
		break;
	case 6:
		if (roll(20) == 0)
			x->ram.fail_in = 1 + roll(5);
		break;
	}
	return true;
}

static void
outside(void)
{
	static const char *const url[] = {"coap://s/m/lamp",
	    "coap://s/m/lamp?w=600", "coap://s/m?w=86400", "coap://s/m/x?w=1"};
	const struct suitdev_response note = {.code = roll(2) ? 205 : 503,
	    .observe = roll(4) > 0, .have_max_age = true, .max_age = 60};

	switch (roll(60)) {
	case 0:
		w.ram.fail_in = 0;
		w.cfg.seed++;
		world_boot(&w);
		last_request = w.now; /* a day without power is none */
		break;
	case 1:
		if (w.dev.cfg.kind->triggers)
			assert_int_equal(suitdev_trigger(&w.dev, w.now,
			    slice_str(url[roll(4)])), 0);
		break;
	case 2:
		suitdev_notified(&w.dev, w.now, &note);
		break;
	case 3:
		w.ram.bad_boots = roll(3) == 0;
		break;
	}
}

static void
one_life(uint64_t seed)
{
	static const struct suitdev_kind *const kind[] = {
	    &suitdev_kind_plain, &suitdev_kind_poll, &suitdev_kind_observe,
	    &suitdev_kind_trigger, &suitdev_kind_manifest};
	uint64_t runs = 3;

	luck = seed;
	trouble = false;
	world_init(&w, kind[roll(5)]);
	last_request = w.now;
	w.cfg.net = &watched;
	w.cfg.seed = seed;
	w.cfg.authenticated = roll(2);
	w.ram.single_slot = roll(2);
	w.twist = anything;
	world_boot(&w);
	trouble = true;
	for (unsigned n = 0; n < 1500; n++) {
		outside();
		assert_true(world_turn(&w));
		assert_true(w.dev.nv.sequence >= runs);
		runs = w.dev.nv.sequence;
	}
	trouble = false;
	w.ram.fail_in = w.ram.bad_boots = 0;
	w.spec.sequence = 9;
	w.etag = 200;
	world_publish(&w, w.key);
	/* who waits for a trigger gets one when it is up again */
	world_run(&w, HOUR);
	if (w.dev.cfg.kind->triggers)
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str("coap://s/m/lamp")), 0);
	if (!world_until(&w, 9, 51 * HOUR))
		fail_msg("seed %llu: runs %llu, %s: %s",
		    (unsigned long long)seed,
		    (unsigned long long)w.dev.nv.sequence,
		    suitdev_phase_name(w.dev.phase), w.dev.why.text);
	world_assert_runs(&w);
	assert_false(w.dev.recovery);
	world_fini(&w);
}

static void
MODE_THING_a_device_comes_through_anything(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		one_life(seed);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(MODE_THING_a_device_comes_through_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
