#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/plan.h"
#include "lib/text.h"

#define DAY_MS INT64_C(86400000)
#define NOW (1000 * DAY_MS)

static const uint8_t classes[2][16] = {{1}, {2}};
static const uint8_t other_class[16] = {3};
static struct policy pol;
static struct plan_device dev;
static struct plan_target target;

/* A device and a target between which nothing stands. */
static int
setup(void **state)
{
	(void)state;
	policy_default(&pol);
	dev = (struct plan_device){.have_class = true, .class_id = classes[1],
	    .have_seq = true, .seq = 6, .seen = NOW - DAY_MS,
	    .created = NOW - 30 * DAY_MS};
	target = (struct plan_target){.seq = 7, .class_count = 2,
	    .class_id = classes, .campaign = 5, .now = NOW, .policy = &pol};
	return 0;
}

static enum plan_verdict
judge(void)
{
	return plan_judge(&dev, &target);
}

static void
what_is_stored_never_changes(void **state)
{
	(void)state;
	assert_int_equal(PLAN_UPDATE, 0);
	assert_int_equal(PLAN_THERE, 1);
	assert_int_equal(PLAN_HELD, 9);
	assert_int_equal(PLAN_UNKNOWN, 11);
	for (int v = 0; v < PLAN_VERDICTS; v++) {
		assert_true(plan_verdict_name(v)[0] != '\0');
		assert_true(plan_verdict_text(v)[0] != '\0');
	}
	assert_string_equal(plan_verdict_name(PLAN_NO_CLASS), "no-class");
	assert_string_equal(plan_verdict_name(PLAN_VERDICTS), "unknown");
}

/*
 * Puts every obstacle in the way, then takes them away from the most
 * fundamental to the least: the verdicts come in the order of the contract.
 */
static void
the_most_fundamental_obstacle_is_named(void **state)
{
	(void)state;
	assert_int_equal(judge(), PLAN_UPDATE);
	pol.from = 6;
	pol.credential = true;
	pol.grade = GRADE_L2;
	pol.silent = 3600;
	dev = (struct plan_device){.class_id = other_class, .have_seq = true,
	    .seq = 8, .revoked = true, .declined = true, .live = true,
	    .live_campaign = 4, .live_seq = 9};
	assert_int_equal(plan_judge(NULL, &target), PLAN_UNKNOWN);
	assert_int_equal(judge(), PLAN_REVOKED);
	dev.revoked = false;
	assert_int_equal(judge(), PLAN_NO_CLASS);
	dev.have_class = true;
	assert_int_equal(judge(), PLAN_CLASS);
	dev.class_id = classes[0];
	assert_int_equal(judge(), PLAN_NEWER);
	dev.seq = 7;
	assert_int_equal(judge(), PLAN_THERE);
	dev.seq = 5;
	assert_int_equal(judge(), PLAN_FROM);
	dev.seq = 6;
	assert_int_equal(judge(), PLAN_CREDENTIAL);
	dev.have_psk = true;
	assert_int_equal(judge(), PLAN_PROOF);
	dev.attested = true;
	assert_int_equal(judge(), PLAN_DECLINED);
	dev.declined = false;
	assert_int_equal(judge(), PLAN_SILENT);
	dev.seen = NOW;
	assert_int_equal(judge(), PLAN_HELD);
	dev.live = false;
	assert_int_equal(judge(), PLAN_UPDATE);
}

static void
a_release_of_no_class_fits_nobody(void **state)
{
	(void)state;
	target.class_count = 0;
	assert_int_equal(judge(), PLAN_CLASS);
}

static void
an_unknown_version_is_below_any(void **state)
{
	(void)state;
	dev.have_seq = false;
	dev.seq = 99; /* not looked at */
	assert_int_equal(judge(), PLAN_UPDATE);
	pol.from = 1;
	assert_int_equal(judge(), PLAN_FROM);
	dev.have_seq = true;
	dev.seq = 1;
	assert_int_equal(judge(), PLAN_UPDATE);
	dev.seq = 0;
	assert_int_equal(judge(), PLAN_FROM);
}

static void
DOS_SILENCE_silence_to_the_millisecond(void **state)
{
	(void)state;
	dev.seen = 1;
	dev.created = 1;
	assert_int_equal(judge(), PLAN_UPDATE); /* off */
	pol.silent = 7 * 86400;
	dev.seen = NOW - 7 * DAY_MS;
	assert_int_equal(judge(), PLAN_UPDATE);
	dev.seen--;
	assert_int_equal(judge(), PLAN_SILENT);
	dev.seen = 0; /* never: its creation counts */
	dev.created = NOW - 7 * DAY_MS;
	assert_int_equal(judge(), PLAN_UPDATE);
	dev.created--;
	assert_int_equal(judge(), PLAN_SILENT);
	dev.seen = NOW + DAY_MS; /* the clock was set back */
	assert_int_equal(judge(), PLAN_UPDATE);
}

static void
a_live_job_holds_or_is_superseded(void **state)
{
	(void)state;
	for (int s = JOB_QUEUED; s <= JOB_INSTALLING; s++)
		for (uint64_t seq = 6; seq <= 8; seq++)
			for (uint64_t c = 0; c <= 6; c++) {
				bool held = c != 0 && c != 5 &&
				    (seq >= 7 || s != JOB_QUEUED);

				dev.live = true;
				dev.live_state = (enum job_state)s;
				dev.live_seq = seq;
				dev.live_campaign = c;
				assert_int_equal(judge(), held ? PLAN_HELD :
				    PLAN_UPDATE);
			}
	target.campaign = 0; /* a plan without a number yet */
	dev.live_campaign = 5;
	assert_int_equal(judge(), PLAN_HELD);
	dev.live_campaign = 0;
	assert_int_equal(judge(), PLAN_UPDATE);
}

/* --- waves --- */

static void
sizes(const char *waves, uint64_t n, const char *want)
{
	struct plan_waves w;
	char got[200] = "";
	size_t at = 0;

	policy_default(&pol);
	assert_int_equal(policy_set(&pol, slice_str("waves"),
	    slice_str(waves), NULL), 0);
	plan_waves(&pol, n, &w);
	for (unsigned i = 0; i < w.count; i++)
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%llu",
		    i > 0 ? " " : "", (unsigned long long)w.upto[i]);
	assert_string_equal(got, want);
}

static void
waves_of_a_fleet(void **state)
{
	static const char *const def = "1%:10,10%,50%,100%";

	(void)state;
	sizes(def, 0, "");
	sizes(def, 1, "1");
	sizes(def, 10, "10");
	sizes(def, 11, "10 11");
	sizes(def, 100, "10 50 100"); /* 10 % would add nobody */
	sizes(def, 101, "10 11 51 101"); /* rounded up */
	sizes(def, 1000, "10 100 500 1000");
	sizes(def, 10000, "100 1000 5000 10000");
	sizes(def, 2000000, "20000 200000 1000000 2000000");
	sizes("10,100,100%", 5, "5");
	sizes("10,100,100%", 50, "10 50");
	sizes("10,100,100%", 10000, "10 100 10000");
	sizes("20,10%,100%", 100, "20 100");
	sizes("20,10%,100%", 1000, "20 100 1000");
	sizes("0.01%,100%", 1, "1");
	sizes("0.01%,100%", 10001, "2 10001");
	sizes("100%", 3, "3");
	sizes("1,2,3,4,5,6,7,100%", 8, "1 2 3 4 5 6 7 8");
	sizes("33.33%,100%", UINT64_MAX, "6148299799767393554 "
	    "18446744073709551615");
}

static void
thresholds_belong_to_their_wave(void **state)
{
	static const uint64_t t[] = {10, 20, UINT64_MAX - 1};

	(void)state;
	assert_int_equal(plan_wave_of(0, t, 3), 1);
	assert_int_equal(plan_wave_of(10, t, 3), 1);
	assert_int_equal(plan_wave_of(11, t, 3), 2);
	assert_int_equal(plan_wave_of(20, t, 3), 2);
	assert_int_equal(plan_wave_of(21, t, 3), 3);
	assert_int_equal(plan_wave_of(UINT64_MAX, t, 3), 3); /* came later */
	assert_int_equal(plan_wave_of(5, t, 0), 0);
}

/* --- places --- */

static uint8_t release[32];

static int
setup_release(void **state)
{
	for (int i = 0; i < 32; i++)
		release[i] = (uint8_t)i;
	return setup(state);
}

/* Computed by another implementation. */
static void
places_are_reproducible(void **state)
{
	(void)state;
	assert_true(plan_place("spring", release, "lamp-1") ==
	    UINT64_C(0x95fdf609a769bf22));
	assert_true(plan_place("", release, "") ==
	    UINT64_C(0x3ee2fe2ba3d01a2d));
	assert_true(plan_place("autumn", release, "lamp-1") ==
	    UINT64_C(0x42058ee43c0ab599));
}

#define BINS 256

/* 255 degrees of freedom: above 347 once in 10 000 */
static double
chi_square(const unsigned *bin, size_t bins, double n)
{
	double want = n / (double)bins, x = 0;

	for (size_t i = 0; i < bins; i++)
		x += (bin[i] - want) * (bin[i] - want) / want;
	return x;
}

/* Names that differ in little; the first, a middle and the last byte. */
static void
places_are_uniform(void **state)
{
	static const char *const forms[][2] = {{"", ""}, {"sensor-", ""},
	    {"urn:dev:mac:0024befffe", ""}, {"", ".north.example.org"}};
	static const unsigned shifts[] = {56, 27, 0};
	char ep[LIMIT_EP + 1];

	(void)state;
	for (size_t f = 0; f < 4; f++)
		for (size_t s = 0; s < 3; s++) {
			unsigned bin[BINS] = {0};

			for (int i = 0; i < 100000; i++) {
				snprintf(ep, sizeof(ep), "%s%06d%s",
				    forms[f][0], i, forms[f][1]);
				bin[plan_place("c", release, ep) >>
				    shifts[s] & (BINS - 1)]++;
			}
			assert_true(chi_square(bin, BINS, 1e5) < 347);
		}
}

/*
 * Who is early in one campaign is early in another no more often than by
 * luck: of campaigns with other names, or of another release.
 */
static void
campaigns_choose_independently(void **state)
{
	uint8_t release2[32];
	char ep[LIMIT_EP + 1];

	(void)state;
	memcpy(release2, release, 32);
	release2[31] ^= 1;
	for (int other = 0; other < 2; other++) {
		unsigned bin[BINS] = {0};

		for (int i = 0; i < 100000; i++) {
			uint64_t a, b;

			snprintf(ep, sizeof(ep), "sensor-%06d", i);
			a = plan_place("campaign-1", release, ep);
			b = other ? plan_place("campaign-1", release2, ep) :
			    plan_place("campaign-2", release, ep);
			bin[(a >> 60) << 4 | b >> 60]++;
		}
		assert_true(chi_square(bin, BINS, 1e5) < 347);
	}
}

static void
name_and_endpoint_are_kept_apart(void **state)
{
	(void)state;
	assert_true(plan_place("ab", release, "c") !=
	    plan_place("a", release, "bc"));
	assert_true(plan_place("ab", release, "") !=
	    plan_place("", release, "ab"));
}

/* --- digest --- */

static void
digest_is(const char *want, const struct plan_head *head, unsigned devices)
{
	struct plan_digest pd;
	uint8_t got[32];
	char ep[LIMIT_EP + 1], hex[65];

	assert_int_equal(plan_digest_begin(&pd, head), 0);
	for (unsigned i = 1; i <= devices; i++) {
		snprintf(ep, sizeof(ep), "lamp-%u", i);
		plan_digest_add(&pd, ep, i);
	}
	assert_int_equal(plan_digest_end(&pd, got), 0);
	assert_string_equal(text_hex(slice_of(got, 32), hex, sizeof(hex)),
	    want);
}

/* Computed by another implementation. */
static void
the_digest_covers_head_and_devices(void **state)
{
	struct plan_head head = {release, "spring", "tag.site == \"north\"",
	    "soak=2h"};

	(void)state;
	digest_is("b0202d45f00c1acefd0a95cfde77808cd942c5fe416be9dfce27f540a5c"
	    "02748", &head, 0);
	digest_is("6a3c5f7c361443b0e25f1762d47815681d0a04bfb50725e445429dd73ec"
	    "184ae", &head, 2);
}

static void
digest_of(const struct plan_head *head, const char *ep, unsigned wave,
    uint8_t ret[32])
{
	struct plan_digest pd;

	assert_int_equal(plan_digest_begin(&pd, head), 0);
	plan_digest_add(&pd, ep, wave);
	assert_int_equal(plan_digest_end(&pd, ret), 0);
}

static void
every_part_changes_the_digest(void **state)
{
	struct plan_head head = {release, "ab", "cd", "ef"};
	struct plan_head heads[4] = {head, head, head, head};
	uint8_t want[32], got[32], release2[32] = {9};

	(void)state;
	digest_of(&head, "x", 1, want);
	heads[0].release_digest = release2;
	heads[1].campaign_name = "a";
	heads[1].selection = "bcd"; /* a byte moved over */
	heads[2].selection = "";
	heads[3].policy = "e";
	for (int i = 0; i < 4; i++) {
		digest_of(&heads[i], "x", 1, got);
		assert_memory_not_equal(got, want, 32);
	}
	digest_of(&head, "y", 1, got);
	assert_memory_not_equal(got, want, 32);
	digest_of(&head, "x", 2, got);
	assert_memory_not_equal(got, want, 32);
	digest_of(&head, "x", 1, got);
	assert_memory_equal(got, want, 32);
}

static void
a_digest_can_be_given_up(void **state)
{
	struct plan_head head = {release, "a", "b", "c"};
	struct plan_digest pd;

	(void)state;
	assert_int_equal(plan_digest_begin(&pd, &head), 0);
	plan_digest_add(&pd, "x", 1);
	plan_digest_free(&pd);
	plan_digest_free(&pd);
	assert_null(pd.ctx);
}

/* An error in between is the end's. */
static void
a_digest_keeps_its_error(void **state)
{
	struct plan_head head = {release, "a", "b", "c"};
	struct plan_digest pd;
	uint8_t got[32] = {7}, same[32] = {7};

	(void)state;
	assert_int_equal(plan_digest_begin(&pd, &head), 0);
	pd.err = ERR_CRYPTO;
	plan_digest_add(&pd, "x", 1);
	assert_int_equal(plan_digest_end(&pd, got), ERR_CRYPTO);
	assert_memory_equal(got, same, 32);
	assert_null(pd.ctx);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup_release)
	const struct CMUnitTest tests[] = {
		T(what_is_stored_never_changes),
		T(the_most_fundamental_obstacle_is_named),
		T(a_release_of_no_class_fits_nobody),
		T(an_unknown_version_is_below_any),
		T(DOS_SILENCE_silence_to_the_millisecond),
		T(a_live_job_holds_or_is_superseded),
		T(waves_of_a_fleet),
		T(thresholds_belong_to_their_wave),
		T(places_are_reproducible),
		T(places_are_uniform),
		T(campaigns_choose_independently),
		T(name_and_endpoint_are_kept_apart),
		T(the_digest_covers_head_and_devices),
		T(every_part_changes_the_digest),
		T(a_digest_can_be_given_up),
		T(a_digest_keeps_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
