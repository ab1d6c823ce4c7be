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

/* --- what a restart must not forget --- */

static bool
bad_image(struct world *x, struct suitdev_response *r)
{
	static uint8_t bytes[1024];

	if (strcmp(x->uri, "/i/x") != 0 || r->num != 5)
		return true;
	memcpy(bytes, r->payload.p, r->payload.n);
	bytes[7] ^= 0x10;
	r->payload.p = bytes;
	return true;
}

/* Fails by class I for so long; what it had fetched by then. */
static unsigned
fail_for(const struct suitdev_kind *kind, int64_t ms)
{
	world_init(&w, kind);
	w.twist = bad_image;
	if (kind->triggers)
		assert_int_equal(suitdev_trigger(&w.dev, w.now,
		    slice_str("coap://s/m/lamp")), 0);
	world_run(&w, ms);
	assert_true(w.dev.nv.fails[FAIL_INTEGRITY] > 1);
	return w.blocks;
}

static void
a_restart_is_no_way_around_the_back_off(void **state)
{
	unsigned blocks;
	int64_t start;

	(void)state;
	blocks = fail_for(&suitdev_kind_poll, 2 * HOUR);
	for (unsigned i = 0; i < 20; i++) {
		const unsigned fails = w.dev.nv.fails[FAIL_INTEGRITY];

		world_boot(&w);
		assert_int_equal(w.dev.nv.fails[FAIL_INTEGRITY], fails);
		start = w.now;
		world_run(&w, 290000); /* below the class's base */
		assert_int_equal(w.blocks, blocks);
	}
	while (w.blocks == blocks)
		assert_true(world_turn(&w));
	assert_in_range(w.now - start, 300000, 330000);
	world_fini(&w);
}

static void
a_device_that_is_on_for_an_hour_a_day_tries_as_well(void **state)
{
	unsigned blocks, days = 0;

	(void)state;
	blocks = fail_for(&suitdev_kind_poll, 5 * DAY);
	assert_true(w.dev.nv.spent > 4 * w.image_n);
	for (; w.blocks == blocks && days < 10; days++) {
		w.now += 23 * HOUR;
		world_boot(&w);
		world_run(&w, HOUR);
	}
	assert_in_range(days, 2, 7);
	world_fini(&w);
}

static void
a_triggered_device_goes_on_by_itself_after_a_restart(void **state)
{
	unsigned blocks;

	(void)state;
	blocks = fail_for(&suitdev_kind_trigger, 2 * HOUR);
	w.twist = NULL;
	world_boot(&w);
	assert_true(world_until(&w, 4, 25 * HOUR));
	assert_int_equal(w.blocks, blocks + 10);
	world_fini(&w);
}

static void
the_budget_holds_for_an_attempt_that_died(void **state)
{
	int64_t died;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	while (w.blocks < 3)
		assert_true(world_turn(&w));
	for (unsigned i = 0; w.dev.nv.spent <= 4 * w.image_n; i++) {
		assert_true(i < 6); /* 8 KiB for each death, at least */
		world_boot(&w);
		if (w.dev.nv.spent > 4 * w.image_n)
			break;
		w.blocks = 0;
		while (w.blocks < 3)
			assert_true(world_turn(&w));
	}
	died = w.now;
	w.blocks = 0;
	while (w.blocks == 0)
		assert_true(world_turn(&w));
	assert_in_range(w.now - died, DAY, 25 * HOUR);
	world_fini(&w);
}

/* Publishes under `sequence` and waits until it is the target. */
static void
offer(uint64_t sequence)
{
	w.spec.sequence = sequence;
	w.etag++;
	world_publish(&w, w.key);
	while (w.dev.nv.target_seq != sequence)
		assert_true(world_turn(&w));
}

static void
two_good_releases_in_turn_reset_no_counter(void **state)
{
	(void)state;
	(void)fail_for(&suitdev_kind_poll, 4 * HOUR);
	offer(5);
	assert_int_equal(w.dev.nv.fails[FAIL_INTEGRITY], 0);
	w.dev.nv.fails[FAIL_INTEGRITY] = 7;
	w.dev.nv.spent = 3 * w.image_n;
	w.dev.fetch_at = w.now + 20 * HOUR;
	for (unsigned i = 0; i < 4; i++) {
		offer(i & 1 ? 5 : 4);
		assert_int_equal(w.dev.nv.fails[FAIL_INTEGRITY], 7);
		assert_int_equal(w.dev.nv.spent, 3 * w.image_n);
	}
	offer(6);
	assert_int_equal(w.dev.nv.fails[FAIL_INTEGRITY], 0);
	world_fini(&w);
}

static void
silence_is_counted_over_a_restart(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = silent;
	while (w.lost < 5)
		assert_true(world_turn(&w));
	world_boot(&w);
	assert_int_equal(w.dev.nv.contact, 5);
	while (w.lost < 6)
		assert_true(world_turn(&w));
	assert_int_equal(w.dev.nv.contact, 6);
	w.twist = NULL;
	assert_true(world_until(&w, 4, HOUR));
	assert_int_equal(w.dev.nv.contact, 0);
	world_fini(&w);
}

static bool
wrong_block(struct world *x, struct suitdev_response *r)
{
	if (strcmp(x->uri, "/i/x") == 0 && r->num == 3 && x->twists > 0) {
		x->twists--;
		r->num = 2;
	}
	return true;
}

static void
bytes_that_were_of_no_use_are_spent_as_well(void **state)
{
	(void)state;
	world_init(&w, &suitdev_kind_plain);
	w.twist = wrong_block;
	w.twists = 3;
	while (w.blocks < 9)
		assert_true(world_turn(&w));
	assert_int_equal(w.dev.nv.off, 6 * 1024);
	assert_int_equal(w.dev.nv.spent, 9 * 1024);
	world_fini(&w);
}

static void
REQ_SEC_MFST_CONST_an_overwritten_manifest_is_read_again(void **state)
{
	static uint8_t good[16384];
	size_t n;

	(void)state;
	(void)fail_for(&suitdev_kind_poll, 2 * HOUR);
	n = w.envelope_n;
	memcpy(good, w.envelope, n);
	w.spec.sequence = 5;
	w.etag = 2;
	w.szx_max = 2; /* so that it takes several blocks */
	world_publish(&w, w.key);
	while (!w.dev.transfer || w.dev.ask_off == 0)
		assert_true(world_turn(&w));
	w.twist = silent;
	while (w.dev.transfer)
		assert_true(world_turn(&w));
	memcpy(w.envelope, good, n); /* the release was withdrawn */
	w.envelope_n = n;
	w.etag = 1;
	w.twist = NULL;
	assert_true(world_until(&w, 4, 25 * HOUR));
	world_fini(&w);
}

/* Publishes a forgery that differs from every other. */
static void
forge(struct cose_key *stranger, uint64_t sequence)
{
	w.spec.sequence = sequence;
	w.etag++;
	world_publish(&w, stranger);
	world_run(&w, 30 * 60000);
}

static void
eight_refused_manifests_are_remembered(void **state)
{
	struct cose_key *other;
	static uint8_t first[16384];
	size_t n = 0;

	(void)state;
	/* signatures of this kind are the same each time */
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &other), 0);
	world_init(&w, &suitdev_kind_poll);
	for (uint64_t i = 1; i <= SUITDEV_REJECTS; i++) {
		forge(other, 10 + i);
		assert_int_equal(w.dev.count.rejects, i);
		if (i == 1) {
			n = w.envelope_n;
			memcpy(first, w.envelope, n);
		}
	}
	memcpy(w.envelope, first, n); /* known: not looked at */
	w.envelope_n = n;
	w.etag++;
	world_run(&w, 30 * 60000);
	assert_int_equal(w.dev.count.rejects, SUITDEV_REJECTS);
	forge(other, 99); /* the ninth displaces the first */
	assert_int_equal(w.dev.count.rejects, SUITDEV_REJECTS + 1);
	memcpy(w.envelope, first, n);
	w.envelope_n = n;
	w.etag++;
	world_run(&w, 30 * 60000);
	assert_int_equal(w.dev.count.rejects, SUITDEV_REJECTS + 2);
	assert_int_equal(w.blocks, 0);
	cose_key_free(other);
	world_fini(&w);
}

static void
the_largest_state_is_kept_and_read_back(void **state)
{
	static struct suitdev_nv v;

	(void)state;
	world_init(&w, &suitdev_kind_poll);
	v = (struct suitdev_nv){.sequence = UINT64_MAX, .slot = 1,
	    .step = SUITDEV_STARTING, .target_seq = UINT64_MAX,
	    .attempt = UINT32_MAX, .open = true, .spent = UINT64_MAX,
	    .part = STORAGE_PARTS, .off = LIMIT_IMAGE, .etag_len = 8,
	    .owed = PHASE_DECLINED, .reason = REASONS - 1,
	    .high = UINT64_MAX, .fail = FAIL_CLASSES - 1,
	    .resets = UINT8_MAX, .size = UINT64_MAX, .contact = UINT8_MAX,
	    .spread = SUITDEV_DAY_S, .starts = UINT8_MAX,
	    .recovery = true};
	memset(v.target, 0xaa, sizeof v.target);
	memset(v.fails, 0xff, sizeof v.fails);
	memset(v.etag, 0xee, sizeof v.etag);
	w.dev.nv = v;
	assert_int_equal(core_save(&w.dev), 0);
	memset(&w.dev.nv, 0, sizeof w.dev.nv);
	assert_int_equal(core_load(&w.dev), 0);
	assert_int_equal(w.dev.nv.high, v.high);
	assert_int_equal(w.dev.nv.fail, v.fail);
	assert_int_equal(w.dev.nv.resets, v.resets);
	assert_int_equal(w.dev.nv.contact, v.contact);
	assert_int_equal(w.dev.nv.spread, v.spread);
	assert_int_equal(w.dev.nv.starts, v.starts);
	assert_int_equal(w.dev.nv.reason, v.reason);
	assert_true(w.dev.nv.size == v.size && w.dev.nv.recovery);
	assert_memory_equal(w.dev.nv.fails, v.fails, sizeof v.fails);
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
	    cmocka_unit_test(a_restart_is_no_way_around_the_back_off),
	    cmocka_unit_test(
		a_device_that_is_on_for_an_hour_a_day_tries_as_well),
	    cmocka_unit_test(
		a_triggered_device_goes_on_by_itself_after_a_restart),
	    cmocka_unit_test(the_budget_holds_for_an_attempt_that_died),
	    cmocka_unit_test(two_good_releases_in_turn_reset_no_counter),
	    cmocka_unit_test(silence_is_counted_over_a_restart),
	    cmocka_unit_test(bytes_that_were_of_no_use_are_spent_as_well),
	    cmocka_unit_test(
		REQ_SEC_MFST_CONST_an_overwritten_manifest_is_read_again),
	    cmocka_unit_test(eight_refused_manifests_are_remembered),
	    cmocka_unit_test(the_largest_state_is_kept_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
