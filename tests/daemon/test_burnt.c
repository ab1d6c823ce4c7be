/*
 * A sequence number that was burnt (a fast-forward), and a trust list with a
 * ceiling that says so: plans, jobs, offers and explain all count the device
 * that runs it as one that may be updated, as the device itself does.
 */
#include "tests/daemon/camp.h"

#include "daemon/ahead.h"
#include "daemon/trusted.h"
#include "tests/daemon/fleet.h"
#include "tests/lib/list_make.h"

#define BURNT UINT32_MAX

static struct world w;
static struct lister l;
static struct store_device d;

static int
setup(void **state)
{
	char root[128];
	struct slice s;
	struct why why = {0};
	FILE *f;

	camp_setup(state);
	CAMP_OPEN(&w, state);
	strcpy(w.app.conf.state_dir, w.dir);
	snprintf(root, sizeof(root), "%s/list.one", w.dir);
	list_init(&l);
	list_add(&l, w.key, TRUST_AUTHOR);
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 4, .most = 1000};
	memcpy(l.spec.floor[0].class_id, w.class_id, 16);
	s = list_make(&l);
	f = fopen(root, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	fclose(f);
	strcpy(w.app.conf.trust_root, root);
	if (trusted_new(&w.app, &w.app.trusted, &why) != 0)
		fail_msg("%s", why.text);
	d = device(&w, "burnt", DRIVER_NONE);
	d.have_seq = true;
	d.seq = BURNT;
	strcpy(d.addr, "10.0.0.9");
	fleet_save(&w, &d);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	list_fini(&l);
	world_close(&w);
	return 0;
}

static uint64_t
release(uint64_t seq)
{
	const struct made m = {.seq = seq, .uri = "coap://fw.example/b.bin",
	    .size = 50, .digest = upload(&w, 50, 2)};
	struct publish_result r;

	assert_int_equal(publish(&w, &m, &r), 0);
	return r.release.id;
}

static void
runs(uint64_t seq)
{
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    &d, seq, GRADE_L1)), 0);
	turn(&w);
}

static void
TUF_FASTFORWARD_what_runs_is_the_base_of_the_list(void **state)
{
	struct store_device x = d;

	(void)state;
	assert_int_equal(trusted_runs(&w.app, &x), 3);
	x.seq = 1001;
	assert_int_equal(trusted_runs(&w.app, &x), 3);
	x.seq = 1000;
	assert_int_equal(trusted_runs(&w.app, &x), 1000);
	x.seq = BURNT;
	x.class_id[0] ^= 1; /* the list bounds another class */
	assert_int_equal(trusted_runs(&w.app, &x), BURNT);
	x.have_class = false;
	assert_int_equal(trusted_runs(&w.app, &x), BURNT);
	x.have_seq = false;
	assert_int_equal(trusted_runs(&w.app, &x), 0);
}

static void
TUF_FASTFORWARD_a_campaign_takes_the_device_in_and_brings_it_back(void **state)
{
	struct store_campaign c;
	struct resp resp;

	(void)state;
	c = draft(&w, release(5), "ep = \"burnt\"", "");
	c = go(&w, c.id);
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	/* that it still runs it is no refusal of ours */
	runs(BURNT);
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	runs(BURNT);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	runs(5);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

static void
TUF_FASTFORWARD_without_a_campaign_it_is_offered_the_release(void **state)
{
	struct resp resp;

	(void)state;
	release(5);
	assert_string_equal(fleet_explain(&w, "burnt").hold, "no-campaign");
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	assert_int_equal(last_job(&w, &d).state, JOB_FETCHING);
	runs(5);
	assert_int_equal(last_job(&w, &d).state, JOB_DONE);
}

/* Nobody has to look for a backup that has it. */
static void
it_is_not_ahead_of_what_is_known(void **state)
{
	(void)state;
	release(5);
	d.seq = 900; /* not burnt: a release that is not known here */
	pair_begin(&w);
	pair_end(&w, ahead_judge(&w.app, &d));
	assert_true(d.ahead);
	d.seq = BURNT;
	pair_begin(&w);
	pair_end(&w, ahead_judge(&w.app, &d));
	assert_false(d.ahead);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(TUF_FASTFORWARD_what_runs_is_the_base_of_the_list),
		T(TUF_FASTFORWARD_a_campaign_takes_the_device_in_and_brings_it_back),
		T(TUF_FASTFORWARD_without_a_campaign_it_is_offered_the_release),
		T(it_is_not_ahead_of_what_is_known),
	};

	return camp_run(tests, sizeof(tests) / sizeof(tests[0]));
}
