/*
 * The contract of db/store.h, one suite run against both twins: pairs,
 * credentials, authors, settings. Devices, releases, jobs and events have
 * their own files.
 */
#include "tests/db/psk.h"
#include "tests/db/twins.h"

/* --- pairs --- */

static void
a_write_outside_of_a_pair_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = {.ep = "a"};
	struct store_author a = {.name = "a", .key_len = 1};
	struct store_release r = {.seq = 1};
	struct store_campaign c = {.concurrency = 1};
	struct store_event e = {.kind = "job"};
	struct store_queue q = {.campaign = 1};
	struct job j = {.due = 1};
	uint64_t n;
	size_t k;

	FAILS(s->ops->device_put(s, &d), ERR_STATE);
	FAILS(seen(s, 1, NULL, 1), ERR_STATE);
	FAILS(s->ops->device_remove(s, 1), ERR_STATE);
	FAILS(psk_put(s, "i", 0, slice_str("k")), ERR_STATE);
	FAILS(psk_remove(s, "i"), ERR_STATE);
	FAILS(s->ops->author_put(s, &a), ERR_STATE);
	FAILS(s->ops->author_remove(s, "a"), ERR_STATE);
	FAILS(s->ops->release_put(s, &r, slice_str("e"), NULL, 0), ERR_STATE);
	FAILS(s->ops->release_set_state(s, 1, RELEASE_LIVE), ERR_STATE);
	FAILS(s->ops->campaign_put(s, &c), ERR_STATE);
	FAILS(s->ops->campaign_save(s, &c), ERR_STATE);
	FAILS(s->ops->campaign_remove(s, 1), ERR_STATE);
	FAILS(s->ops->plan_put(s, 1, 0, slice_str("p")), ERR_STATE);
	FAILS(s->ops->plan_drop(s, 1), ERR_STATE);
	FAILS(s->ops->job_put(s, &j), ERR_STATE);
	FAILS(s->ops->job_save(s, &j), ERR_STATE);
	FAILS(s->ops->jobs_due(s, 1, 1, &j, 1, &k), ERR_STATE);
	FAILS(s->ops->jobs_queued(s, &q, &j, 1, &k), ERR_STATE);
	FAILS(s->ops->event_put(s, &e), ERR_STATE);
	FAILS(s->ops->event_prune(s, 1, 1, &n), ERR_STATE);
	FAILS(s->ops->meta_put(s, "m", slice_str("v")), ERR_STATE);
	FAILS(store_commit(s), ERR_STATE);
	store_rollback(s);
	FAILS(s->ops->device_by_ep(s, "a", &d), ERR_NOT_FOUND);
	assert_true(store_why(s)[0] != '\0');
}

static void
an_inner_rollback_leaves_its_neighbours(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;

	OK(store_begin(s));
	add_device(s, "one");
	OK(store_begin(s));
	add_device(s, "two");
	OK(s->ops->device_by_ep(s, "two", &d)); /* own writes are seen */
	store_rollback(s);
	add_device(s, "three");
	OK(store_commit(s));
	OK(s->ops->device_by_ep(s, "one", &d));
	FAILS(s->ops->device_by_ep(s, "two", &d), ERR_NOT_FOUND);
	OK(s->ops->device_by_ep(s, "three", &d));
}

static void
an_outer_rollback_undoes_inner_commits(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;
	struct store_stats st;
	uint64_t id;

	OK(store_begin(s));
	OK(store_begin(s));
	OK(store_begin(s));
	id = add_device(s, "one");
	OK(store_commit(s));
	OK(store_commit(s));
	store_rollback(s);
	FAILS(s->ops->device_by_ep(s, "one", &d), ERR_NOT_FOUND);
	s->ops->stats(s, &st);
	assert_int_equal(st.commits, 0);
	assert_int_equal(st.devices, 0);
	assert_int_equal(add_device(s, "two"), id); /* ids go back too */
	s->ops->stats(s, &st);
	assert_int_equal(st.commits, 1);
}

static void
a_failing_verb_does_not_harm_its_pair(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = {.ep = "one"};

	OK(store_begin(s));
	add_device(s, "one");
	FAILS(s->ops->device_put(s, &d), ERR_EXISTS);
	assert_int_equal(d.id, 0);
	add_device(s, "two");
	OK(store_commit(s));
	OK(s->ops->device_by_ep(s, "one", &d));
	OK(s->ops->device_by_ep(s, "two", &d));
}

static void
rolling_back_restores_every_kind_of_record(void **state)
{
	struct store *s = store_of(state);
	uint64_t dev = add_device(s, "one"), rel = add_release(s, 1);
	uint64_t camp = add_campaign(s, rel, 5), n;
	struct job j = make_job(camp, dev, rel, 10), back;
	struct store_campaign c;
	struct store_counts k;
	struct store_device d;
	struct store_release r;
	struct store_event e = {.kind = "job"};
	struct buf out = buf_of((uint8_t[8]){0}, 8);

	OK(put_job(s, &j));
	OK(ALONE(s, s->ops->meta_put(s, "m", slice_str("old"))));
	OK(ALONE(s, psk_put(s, "i", dev, slice_str("key"))));
	OK(ALONE(s, s->ops->event_put(s, &e)));
	OK(ALONE(s, s->ops->plan_put(s, camp, 0, slice_str("plan"))));
	OK(store_begin(s));
	j.state = JOB_FETCHING;
	OK(s->ops->job_save(s, &j));
	OK(s->ops->campaign_get(s, camp, &c));
	c.state = CAMPAIGN_PAUSED;
	OK(s->ops->campaign_save(s, &c));
	OK(s->ops->meta_put(s, "m", slice_str("new")));
	OK(s->ops->release_set_state(s, rel, RELEASE_WITHDRAWN));
	OK(s->ops->event_prune(s, 0, 10, &n));
	OK(s->ops->device_remove(s, dev));
	OK(s->ops->campaign_remove(s, camp));
	store_rollback(s);
	OK(s->ops->plan_get(s, camp, 0, &out));
	assert_true(slice_eq_str(buf_slice(&out), "plan"));
	out.n = 0;
	OK(s->ops->job_get(s, j.id, &back));
	assert_int_equal(back.state, JOB_QUEUED);
	assert_int_equal(back.version, 1);
	OK(s->ops->campaign_get(s, camp, &c));
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	OK(s->ops->campaign_counts(s, camp, &k));
	assert_int_equal(k.by_state[JOB_QUEUED], 1);
	assert_int_equal(k.active, 0);
	OK(s->ops->meta_get(s, "m", &out));
	assert_true(slice_eq_str(buf_slice(&out), "old"));
	OK(s->ops->release_get(s, rel, &r));
	assert_int_equal(r.state, RELEASE_LIVE);
	OK(s->ops->device_get(s, dev, &d));
	out.n = 0;
	OK(psk_get(s, "i", &n, &out));
	assert_int_equal(n, dev);
}

/* --- authors --- */

static void
an_author_comes_back_and_is_replaced_by_name(void **state)
{
	struct store *s = store_of(state);
	struct store_author a, b, two[2];
	size_t n = 0;

	memset(&a, 0, sizeof(a));
	memset(a.name, 'n', LIMIT_KEY_NAME);
	memset(a.kid, 3, sizeof(a.kid));
	a.key_len = sizeof(a.key);
	memset(a.key, 4, sizeof(a.key));
	a.class_count = LIMIT_COMPONENTS;
	memset(a.class_id, 5, sizeof(a.class_id));
	a.created = 6;
	OK(ALONE(s, s->ops->author_put(s, &a)));
	OK(s->ops->author_get(s, a.name, &b));
	assert_string_equal(a.name, b.name);
	assert_memory_equal(a.kid, b.kid, sizeof(a.kid));
	assert_int_equal(b.key_len, sizeof(a.key));
	assert_memory_equal(a.key, b.key, sizeof(a.key));
	assert_int_equal(b.class_count, LIMIT_COMPONENTS);
	assert_memory_equal(a.class_id, b.class_id, sizeof(a.class_id));
	assert_int_equal(b.created, 6);
	a.key_len = 1;
	a.class_count = 0;
	OK(ALONE(s, s->ops->author_put(s, &a)));
	OK(s->ops->author_get(s, a.name, &b));
	assert_int_equal(b.key_len, 1);
	assert_int_equal(b.class_count, 0);
	OK(s->ops->author_list(s, two, 2, &n));
	assert_int_equal(n, 1);
	OK(ALONE(s, s->ops->author_remove(s, a.name)));
	FAILS(s->ops->author_get(s, a.name, &b), ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->author_remove(s, a.name)), ERR_NOT_FOUND);
}

static void
authors_have_their_caps_and_an_order(void **state)
{
	struct store *s = store_of(state);
	struct store_author a = {.name = "", .key_len = 1};
	static struct store_author all[LIMIT_KEYRING];
	size_t n = 0;

	FAILS(ALONE(s, s->ops->author_put(s, &a)), ERR_INVALID);
	memset(a.name, 'a', sizeof(a.name));
	FAILS(ALONE(s, s->ops->author_put(s, &a)), ERR_SIZE);
	strcpy(a.name, "a");
	a.key_len = 0;
	FAILS(ALONE(s, s->ops->author_put(s, &a)), ERR_INVALID);
	a.key_len = sizeof(a.key) + 1;
	FAILS(ALONE(s, s->ops->author_put(s, &a)), ERR_SIZE);
	a.key_len = 1;
	a.class_count = LIMIT_COMPONENTS + 1;
	FAILS(ALONE(s, s->ops->author_put(s, &a)), ERR_SIZE);
	a.class_count = 0;
	for (int i = LIMIT_KEYRING; i > 0; i--) {
		snprintf(a.name, sizeof(a.name), "n%03d", i);
		OK(ALONE(s, s->ops->author_put(s, &a)));
	}
	OK(ALONE(s, s->ops->author_put(s, &a))); /* a known one */
	strcpy(a.name, "one more");
	FAILS(ALONE(s, s->ops->author_put(s, &a)), ERR_LIMIT);
	OK(s->ops->author_list(s, all, LIMIT_KEYRING, &n));
	assert_int_equal(n, LIMIT_KEYRING);
	assert_string_equal(all[0].name, "n001");
	assert_string_equal(all[n - 1].name, "n128");
	OK(s->ops->author_list(s, all, 3, &n));
	assert_int_equal(n, 3);
}

/* --- settings --- */

static void
a_setting_is_kept_replaced_and_capped(void **state)
{
	static uint8_t big[STORE_META_MAX + 1], raw[STORE_META_MAX];
	struct store *s = store_of(state);
	char name[LIMIT_KEY_NAME + 2];
	struct buf out = buf_of(raw, 2);

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	FAILS(s->ops->meta_get(s, "m", &out), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->meta_put(s, "m", slice_str("old"))));
	FAILS(s->ops->meta_get(s, "m", &out), ERR_SPACE);
	assert_int_equal(out.n, 0);
	assert_false(out.over);
	OK(ALONE(s, s->ops->meta_put(s, "m", slice_str("no"))));
	OK(s->ops->meta_get(s, "m", &out));
	assert_true(slice_eq_str(buf_slice(&out), "no"));
	OK(ALONE(s, s->ops->meta_put(s, "e", SLICE_NONE)));
	OK(s->ops->meta_get(s, "e", &out));
	assert_int_equal(out.n, 2);
	FAILS(ALONE(s, s->ops->meta_put(s, name, SLICE_NONE)), ERR_SIZE);
	FAILS(ALONE(s, s->ops->meta_put(s, "", SLICE_NONE)), ERR_INVALID);
	FAILS(ALONE(s, s->ops->meta_put(s, "m", slice_of(big, sizeof(big)))),
	    ERR_SIZE);
	name[LIMIT_KEY_NAME] = '\0';
	OK(ALONE(s, s->ops->meta_put(s, name, slice_of(big,
	    STORE_META_MAX))));
	out = buf_of(raw, sizeof(raw));
	OK(s->ops->meta_get(s, name, &out));
	assert_int_equal(out.n, STORE_META_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_write_outside_of_a_pair_is_refused),
		TWICE(an_inner_rollback_leaves_its_neighbours),
		TWICE(an_outer_rollback_undoes_inner_commits),
		TWICE(a_failing_verb_does_not_harm_its_pair),
		TWICE(rolling_back_restores_every_kind_of_record),
		TWICE(an_author_comes_back_and_is_replaced_by_name),
		TWICE(authors_have_their_caps_and_an_order),
		TWICE(a_setting_is_kept_replaced_and_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
