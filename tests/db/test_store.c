/*
 * The contract of db/store.h, one suite run against both twins: pairs,
 * devices, credentials, authors, settings, events. Releases and jobs have
 * their own files.
 */
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
	struct job j = {.due = 1};
	uint64_t n;
	size_t k;

	FAILS(s->ops->device_put(s, &d), ERR_STATE);
	FAILS(s->ops->device_seen(s, 1, NULL, 1), ERR_STATE);
	FAILS(s->ops->device_remove(s, 1), ERR_STATE);
	FAILS(s->ops->psk_put(s, "i", 0, slice_str("k")), ERR_STATE);
	FAILS(s->ops->psk_remove(s, "i"), ERR_STATE);
	FAILS(s->ops->author_put(s, &a), ERR_STATE);
	FAILS(s->ops->author_remove(s, "a"), ERR_STATE);
	FAILS(s->ops->release_put(s, &r, slice_str("e"), NULL, 0), ERR_STATE);
	FAILS(s->ops->release_set_state(s, 1, RELEASE_LIVE), ERR_STATE);
	FAILS(s->ops->campaign_put(s, &c), ERR_STATE);
	FAILS(s->ops->campaign_save(s, &c), ERR_STATE);
	FAILS(s->ops->job_put(s, &j), ERR_STATE);
	FAILS(s->ops->job_save(s, &j), ERR_STATE);
	FAILS(s->ops->jobs_due(s, 1, 1, &j, 1, &k), ERR_STATE);
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
	OK(ALONE(s, s->ops->psk_put(s, "i", dev, slice_str("key"))));
	OK(ALONE(s, s->ops->event_put(s, &e)));
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
	store_rollback(s);
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
	OK(s->ops->psk_get(s, "i", &n, &out));
	assert_int_equal(n, dev);
}

/* --- devices --- */

static struct store_device
full_device(void)
{
	struct store_device d;

	memset(&d, 0, sizeof(d));
	memset(d.ep, 'e', LIMIT_EP);
	d.have_class = true;
	memset(d.class_id, 0x11, 16);
	memset(d.vendor, 0x22, 16);
	d.driver = DRIVER_OBSERVE;
	d.driver_set = true;
	d.nul_trigger = true;
	memset(d.uri, 'u', LIMIT_URI);
	d.uri_set = true;
	memset(d.addr, 'a', LIMIT_ADDRESS - 1);
	d.have_psk = true;
	d.have_seq = true;
	d.seq = UINT64_MAX;
	d.seq_grade = GRADE_L2;
	memset(d.version, 'v', LIMIT_VERSION);
	d.registered = true;
	d.reg = 4711;
	d.reg_expires = INT64_MAX;
	d.created = -1;
	d.seen = 1234567890123;
	d.tag_count = LIMIT_TAGS;
	for (size_t i = 0; i < LIMIT_TAGS; i++) {
		memset(d.tag[i].name, 'n', LIMIT_TAG_NAME);
		d.tag[i].name[0] = (char)('a' + i);
		memset(d.tag[i].value, 'v', LIMIT_TAG_VALUE);
	}
	d.tag[3].value[0] = '\0';
	return d;
}

static void
same_device(const struct store_device *a, const struct store_device *b)
{
	assert_int_equal(a->id, b->id);
	assert_string_equal(a->ep, b->ep);
	assert_int_equal(a->have_class, b->have_class);
	assert_memory_equal(a->class_id, b->class_id, 16);
	assert_memory_equal(a->vendor, b->vendor, 16);
	assert_int_equal(a->driver, b->driver);
	assert_int_equal(a->driver_set, b->driver_set);
	assert_int_equal(a->nul_trigger, b->nul_trigger);
	assert_string_equal(a->uri, b->uri);
	assert_int_equal(a->uri_set, b->uri_set);
	assert_string_equal(a->addr, b->addr);
	assert_int_equal(a->have_psk, b->have_psk);
	assert_int_equal(a->have_seq, b->have_seq);
	assert_true(a->seq == b->seq);
	assert_int_equal(a->seq_grade, b->seq_grade);
	assert_string_equal(a->version, b->version);
	assert_int_equal(a->registered, b->registered);
	assert_int_equal(a->reg, b->reg);
	assert_int_equal(a->reg_expires, b->reg_expires);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->tag_count, b->tag_count);
	for (size_t i = 0; i < a->tag_count; i++) {
		assert_string_equal(a->tag[i].name, b->tag[i].name);
		assert_string_equal(a->tag[i].value, b->tag[i].value);
	}
}

static void
a_device_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = full_device(), e, empty;

	OK(ALONE(s, s->ops->device_put(s, &d)));
	assert_int_not_equal(d.id, 0);
	OK(s->ops->device_get(s, d.id, &e));
	same_device(&d, &e);
	OK(s->ops->device_by_ep(s, d.ep, &e));
	same_device(&d, &e);
	OK(s->ops->device_by_addr(s, d.addr, &e));
	same_device(&d, &e);
	OK(s->ops->device_by_reg(s, d.reg, &e));
	same_device(&d, &e);

	memset(&empty, 0, sizeof(empty));
	empty.id = d.id;
	strcpy(empty.ep, "short");
	OK(ALONE(s, s->ops->device_put(s, &empty)));
	OK(s->ops->device_get(s, d.id, &e));
	same_device(&empty, &e);
	FAILS(s->ops->device_by_ep(s, d.ep, &e), ERR_NOT_FOUND);
	FAILS(s->ops->device_by_addr(s, d.addr, &e), ERR_NOT_FOUND);
	FAILS(s->ops->device_by_reg(s, d.reg, &e), ERR_NOT_FOUND);
}

static void
a_device_past_a_cap_or_of_nonsense_is_refused(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = full_device();

	memset(d.ep, 'e', sizeof(d.ep));
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_SIZE);
	d = full_device();
	memset(d.uri, 'u', sizeof(d.uri));
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_SIZE);
	d = full_device();
	memset(d.addr, 'a', sizeof(d.addr));
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_SIZE);
	d = full_device();
	memset(d.version, 'v', sizeof(d.version));
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_SIZE);
	d = full_device();
	d.tag_count = LIMIT_TAGS + 1;
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_SIZE);
	d = full_device();
	memset(d.tag[1].value, 'v', sizeof(d.tag[1].value));
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_SIZE);
	d = full_device();
	d.tag[2] = d.tag[9];
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_DUPLICATE);
	d = full_device();
	d.tag[2].name[0] = '\0';
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = full_device();
	d.ep[0] = '\0';
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = full_device();
	d.driver = DRIVER_OBSERVE + 1;
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = full_device();
	d.seq_grade = GRADE_L2 + 1;
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = full_device();
	d.id = 99;
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_NOT_FOUND);
}

static void
names_and_registrations_of_devices_are_unique(void **state)
{
	struct store *s = store_of(state);
	struct store_device a = {.ep = "a", .reg = 5}, b = {.ep = "b"};

	OK(ALONE(s, s->ops->device_put(s, &a)));
	OK(ALONE(s, s->ops->device_put(s, &b)));
	b.reg = 5;
	FAILS(ALONE(s, s->ops->device_put(s, &b)), ERR_EXISTS);
	b.reg = 6;
	strcpy(b.ep, "a");
	FAILS(ALONE(s, s->ops->device_put(s, &b)), ERR_EXISTS);
	strcpy(b.ep, "b");
	OK(ALONE(s, s->ops->device_put(s, &b)));
	OK(ALONE(s, s->ops->device_put(s, &b))); /* itself is no other */
	FAILS(s->ops->device_by_reg(s, 0, &b), ERR_NOT_FOUND);
}

static void
an_address_of_two_is_nobodys(void **state)
{
	struct store *s = store_of(state);
	struct store_device d;
	uint64_t a = add_device(s, "a"), b = add_device(s, "b");

	FAILS(s->ops->device_by_addr(s, "fd00::1", &d), ERR_NOT_FOUND);
	FAILS(s->ops->device_by_addr(s, "", &d), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->device_seen(s, a, "fd00::1", 10)));
	OK(s->ops->device_by_addr(s, "fd00::1", &d));
	assert_int_equal(d.id, a);
	OK(ALONE(s, s->ops->device_seen(s, b, "fd00::1", 10)));
	FAILS(s->ops->device_by_addr(s, "fd00::1", &d), ERR_CONFLICT);
	OK(ALONE(s, s->ops->device_seen(s, b, "fd00::2", 11)));
	OK(s->ops->device_by_addr(s, "fd00::1", &d));
	assert_int_equal(d.id, a);
}

static void
seen_moves_forward_and_an_unknown_address_stays(void **state)
{
	struct store *s = store_of(state);
	uint64_t id = add_device(s, "a");
	char big[LIMIT_ADDRESS + 1];
	struct store_device d;

	memset(big, 'a', sizeof(big));
	OK(ALONE(s, s->ops->device_seen(s, id, "10.0.0.1", 100)));
	OK(ALONE(s, s->ops->device_seen(s, id, NULL, 90)));
	OK(ALONE(s, s->ops->device_seen(s, id, "", 50)));
	OK(s->ops->device_get(s, id, &d));
	assert_int_equal(d.seen, 100);
	assert_string_equal(d.addr, "10.0.0.1");
	big[LIMIT_ADDRESS] = '\0';
	FAILS(ALONE(s, s->ops->device_seen(s, id, big, 101)), ERR_SIZE);
	big[LIMIT_ADDRESS - 1] = '\0';
	OK(ALONE(s, s->ops->device_seen(s, id, big, 101)));
	FAILS(ALONE(s, s->ops->device_seen(s, id + 1, "x", 1)),
	    ERR_NOT_FOUND);
}

static void
a_removed_device_takes_jobs_and_credential_but_not_events(void **state)
{
	struct store *s = store_of(state);
	uint64_t id = add_device(s, "a"), rel = add_release(s, 1), dev;
	uint64_t other = add_device(s, "b");
	struct job j = make_job(0, id, rel, 1), k = make_job(0, other, rel, 1);
	struct store_event e = {.kind = "device", .device = id}, list[2];
	struct store_event_filter f = {.limit = 2, .device = id};
	struct buf out = buf_of((uint8_t[8]){0}, 8);
	struct store_stats st;
	struct store_device d;
	size_t n = 0;

	OK(put_job(s, &j));
	OK(put_job(s, &k));
	OK(ALONE(s, s->ops->psk_put(s, "id", id, slice_str("key"))));
	OK(ALONE(s, s->ops->event_put(s, &e)));
	OK(ALONE(s, s->ops->device_remove(s, id)));
	FAILS(s->ops->device_get(s, id, &d), ERR_NOT_FOUND);
	FAILS(s->ops->job_get(s, j.id, &j), ERR_NOT_FOUND);
	FAILS(s->ops->psk_get(s, "id", &dev, &out), ERR_NOT_FOUND);
	OK(s->ops->job_get(s, k.id, &k));
	OK(s->ops->event_list(s, &f, list, &n));
	assert_int_equal(n, 1);
	s->ops->stats(s, &st);
	assert_int_equal(st.devices, 1);
	assert_int_equal(st.jobs, 1);
	assert_int_equal(st.jobs_live, 1);
	FAILS(ALONE(s, s->ops->device_remove(s, id)), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->device_remove(s, other)));
	/* a number is never given twice: events speak of it */
	assert_int_equal(add_device(s, "c"), other + 1);
}

static size_t
list(struct store *s, struct store_device_filter *f, char *names)
{
	static struct store_device page[LIMIT_PAGE];
	size_t n = 0;

	OK(s->ops->device_list(s, f, page, &n));
	names[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		strcat(names, page[i].ep);
		strcat(names, " ");
	}
	if (n > 0)
		strcpy(f->after, page[n - 1].ep);
	return n;
}

static void
devices_are_listed_by_name_filter_and_page(void **state)
{
	static const char *const eps[] = {"b2", "a1", "b1", "a2", "c", "b"};
	struct store *s = store_of(state);
	struct store_device_filter f = {.limit = 2};
	char names[200];

	for (size_t i = 0; i < 6; i++) {
		struct store_device d = {.ep = "", .have_class = i % 2};

		strcpy(d.ep, eps[i]);
		d.class_id[0] = d.have_class;
		d.tag_count = i < 4 ? 2 : 0;
		strcpy(d.tag[0].name, "floor");
		strcpy(d.tag[0].value, i < 2 ? "1" : "2");
		strcpy(d.tag[1].name, "site");
		OK(ALONE(s, s->ops->device_put(s, &d)));
	}
	assert_int_equal(list(s, &f, names), 2);
	assert_string_equal(names, "a1 a2 ");
	assert_int_equal(list(s, &f, names), 2);
	assert_string_equal(names, "b b1 ");
	assert_int_equal(list(s, &f, names), 2);
	assert_string_equal(names, "b2 c ");
	assert_int_equal(list(s, &f, names), 0);

	f = (struct store_device_filter){.limit = 2, .prefix = "b"};
	assert_int_equal(list(s, &f, names), 2);
	assert_string_equal(names, "b b1 ");
	assert_int_equal(list(s, &f, names), 1);
	assert_string_equal(names, "b2 ");

	f = (struct store_device_filter){.limit = 9, .have_class = true};
	f.class_id[0] = 1;
	list(s, &f, names);
	assert_string_equal(names, "a1 a2 b ");
	f = (struct store_device_filter){.limit = 9, .have_class = true};
	assert_int_equal(list(s, &f, names), 0);

	f = (struct store_device_filter){.limit = 2, .tag_name = "floor"};
	list(s, &f, names);
	assert_string_equal(names, "a1 a2 ");
	list(s, &f, names);
	assert_string_equal(names, "b1 b2 ");
	f = (struct store_device_filter){.limit = 9, .tag_name = "floor",
	    .tag_value = "2", .prefix = "b"};
	list(s, &f, names);
	assert_string_equal(names, "b1 ");
	f = (struct store_device_filter){.limit = 9, .tag_name = "floor",
	    .tag_value = "1", .have_class = true};
	f.class_id[0] = 1;
	list(s, &f, names);
	assert_string_equal(names, "a1 ");
	f = (struct store_device_filter){.limit = 9, .tag_name = "none"};
	assert_int_equal(list(s, &f, names), 0);
}

static void
a_tag_that_is_taken_away_no_longer_finds(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = {.ep = "a", .tag_count = 2,
	    .tag = {{"one", "1"}, {"two", "2"}}};
	struct store_device_filter f = {.limit = 2, .tag_name = "one"};
	char names[100];

	OK(ALONE(s, s->ops->device_put(s, &d)));
	assert_int_equal(list(s, &f, names), 1);
	d.tag[0] = d.tag[1];
	d.tag_count = 1;
	OK(ALONE(s, s->ops->device_put(s, &d)));
	f.after[0] = '\0';
	assert_int_equal(list(s, &f, names), 0);
	strcpy(d.ep, "b"); /* the index follows the name */
	OK(ALONE(s, s->ops->device_put(s, &d)));
	strcpy(f.tag_name, "two");
	assert_int_equal(list(s, &f, names), 1);
	assert_string_equal(names, "b ");
	OK(ALONE(s, s->ops->device_remove(s, d.id)));
	f.after[0] = '\0';
	assert_int_equal(list(s, &f, names), 0);
}

static void
a_page_has_its_limits(void **state)
{
	struct store *s = store_of(state);
	struct store_device_filter f = {.limit = 0};
	struct store_event_filter ef = {.limit = 0};
	static struct store_device d[LIMIT_PAGE];
	static struct store_event e[LIMIT_PAGE];
	static struct store_release r[LIMIT_PAGE];
	static struct store_campaign c[LIMIT_PAGE];
	static struct job j[LIMIT_PAGE];
	size_t n = 77;

	for (size_t limit = 0; limit <= LIMIT_PAGE + 1;
	    limit += LIMIT_PAGE + 1) {
		f.limit = ef.limit = limit;
		FAILS(s->ops->device_list(s, &f, d, &n), ERR_RANGE);
		FAILS(s->ops->event_list(s, &ef, e, &n), ERR_RANGE);
		FAILS(s->ops->release_list(s, 0, limit, r, &n), ERR_RANGE);
		FAILS(s->ops->campaign_list(s, 0, limit, c, &n), ERR_RANGE);
		FAILS(s->ops->job_list(s, 0, 0, limit, j, &n), ERR_RANGE);
	}
	assert_int_equal(n, 77);
	f.limit = ef.limit = LIMIT_PAGE;
	OK(s->ops->device_list(s, &f, d, &n));
	OK(s->ops->event_list(s, &ef, e, &n));
	OK(s->ops->release_list(s, 0, LIMIT_PAGE, r, &n));
	OK(s->ops->campaign_list(s, 0, LIMIT_PAGE, c, &n));
	OK(s->ops->job_list(s, 0, 0, LIMIT_PAGE, j, &n));
	assert_int_equal(n, 0);
}

/* --- credentials --- */

static void
a_credential_is_of_one_device_and_can_be_renewed(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = add_device(s, "a"), b = add_device(s, "b"), dev = 9;
	uint8_t raw[8];
	struct buf out = buf_of(raw, sizeof(raw));

	OK(ALONE(s, s->ops->psk_put(s, "id", a, slice_str("key1"))));
	OK(ALONE(s, s->ops->psk_put(s, "id", a, slice_str("key2"))));
	OK(s->ops->psk_get(s, "id", &dev, &out));
	assert_int_equal(dev, a);
	assert_true(slice_eq_str(buf_slice(&out), "key2"));
	FAILS(ALONE(s, s->ops->psk_put(s, "id", b, slice_str("k"))),
	    ERR_EXISTS);
	FAILS(ALONE(s, s->ops->psk_put(s, "id", 0, slice_str("k"))),
	    ERR_EXISTS);
	FAILS(ALONE(s, s->ops->psk_put(s, "x", 99, slice_str("k"))),
	    ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->psk_put(s, "admin", 0, slice_str("k"))));
	out.n = 0;
	OK(s->ops->psk_get(s, "admin", &dev, &out));
	assert_int_equal(dev, 0);
	OK(ALONE(s, s->ops->psk_remove(s, "id")));
	FAILS(ALONE(s, s->ops->psk_remove(s, "id")), ERR_NOT_FOUND);
	FAILS(s->ops->psk_get(s, "id", &dev, &out), ERR_NOT_FOUND);
}

static void
a_credential_has_its_caps(void **state)
{
	struct store *s = store_of(state);
	char id[LIMIT_PSK_IDENTITY + 2];
	uint8_t key[LIMIT_PSK_KEY + 1] = {0}, raw[LIMIT_PSK_KEY];
	struct buf out = buf_of(raw, sizeof(raw) - 1);
	uint64_t dev = 9;

	memset(id, 'i', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	FAILS(ALONE(s, s->ops->psk_put(s, id, 0, slice_of(key, 1))),
	    ERR_SIZE);
	FAILS(s->ops->psk_get(s, id, &dev, &out), ERR_NOT_FOUND);
	id[LIMIT_PSK_IDENTITY] = '\0';
	FAILS(ALONE(s, s->ops->psk_put(s, id, 0, slice_of(key,
	    sizeof(key)))), ERR_SIZE);
	OK(ALONE(s, s->ops->psk_put(s, id, 0, slice_of(key,
	    LIMIT_PSK_KEY))));
	FAILS(ALONE(s, s->ops->psk_put(s, "", 0, slice_of(key, 1))),
	    ERR_INVALID);
	FAILS(ALONE(s, s->ops->psk_put(s, "i", 0, SLICE_NONE)), ERR_INVALID);
	FAILS(s->ops->psk_get(s, id, &dev, &out), ERR_SPACE);
	assert_int_equal(dev, 9);
	assert_int_equal(out.n, 0);
	out = buf_of(raw, sizeof(raw));
	OK(s->ops->psk_get(s, id, &dev, &out));
	assert_int_equal(out.n, LIMIT_PSK_KEY);
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

/* --- events --- */

static uint64_t
add_event(struct store *s, uint64_t device, uint64_t job, uint64_t campaign)
{
	struct store_event e = {.at = 5, .device = device, .job = job,
	    .campaign = campaign, .release = campaign, .kind = "job"};

	OK(ALONE(s, s->ops->event_put(s, &e)));
	return e.id;
}

static void
an_event_comes_back_as_it_was_with_all_at_the_cap(void **state)
{
	struct store *s = store_of(state);
	struct store_event_filter f = {.limit = 1};
	struct store_event e, back;
	size_t n = 0;

	memset(&e, 0, sizeof(e));
	e.at = 1;
	e.device = 2;
	e.job = 3;
	e.campaign = 4;
	e.release = 5;
	memset(e.ep, 'e', sizeof(e.ep) - 1);
	memset(e.kind, 'k', sizeof(e.kind) - 1);
	memset(e.what, 'w', sizeof(e.what) - 1);
	e.grade = GRADE_L2;
	memset(e.detail, 'd', sizeof(e.detail) - 1);
	OK(ALONE(s, s->ops->event_put(s, &e)));
	OK(s->ops->event_list(s, &f, &back, &n));
	assert_int_equal(n, 1);
	assert_int_equal(back.id, e.id);
	assert_int_equal(back.at, 1);
	assert_int_equal(back.device, 2);
	assert_int_equal(back.job, 3);
	assert_int_equal(back.campaign, 4);
	assert_int_equal(back.release, 5);
	assert_string_equal(back.ep, e.ep);
	assert_string_equal(back.kind, e.kind);
	assert_string_equal(back.what, e.what);
	assert_int_equal(back.grade, GRADE_L2);
	assert_string_equal(back.detail, e.detail);

	e.grade = GRADE_L2 + 1;
	FAILS(ALONE(s, s->ops->event_put(s, &e)), ERR_INVALID);
	e.grade = GRADE_L0;
	e.detail[sizeof(e.detail) - 1] = 'd';
	FAILS(ALONE(s, s->ops->event_put(s, &e)), ERR_SIZE);
	e.detail[0] = e.kind[0] = '\0';
	FAILS(ALONE(s, s->ops->event_put(s, &e)), ERR_INVALID);
}

static size_t
events(struct store *s, struct store_event_filter f, uint64_t ids[10])
{
	struct store_event page[10];
	size_t n = 0;

	f.limit = f.limit ? f.limit : 10;
	OK(s->ops->event_list(s, &f, page, &n));
	for (size_t i = 0; i < n; i++)
		ids[i] = page[i].id;
	return n;
}

static void
events_are_listed_by_filter_and_in_both_directions(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = add_event(s, 1, 0, 0), b = add_event(s, 2, 7, 0);
	uint64_t c = add_event(s, 1, 7, 3), d = add_event(s, 2, 0, 3);
	uint64_t id[10];
#define EVENTS(...) events(s, (struct store_event_filter){__VA_ARGS__}, id)

	assert_true(a < b && b < c && c < d);
	assert_int_equal(EVENTS(.after = 0), 4);
	assert_true(id[0] == a && id[3] == d);
	assert_int_equal(EVENTS(.after = b), 2);
	assert_true(id[0] == c && id[1] == d);
	assert_int_equal(EVENTS(.after = d), 0);
	assert_int_equal(EVENTS(.newest_first = true, .limit = 3), 3);
	assert_true(id[0] == d && id[1] == c && id[2] == b);
	assert_int_equal(EVENTS(.newest_first = true, .after = b), 1);
	assert_true(id[0] == a);
	assert_int_equal(EVENTS(.device = 1), 2);
	assert_true(id[0] == a && id[1] == c);
	assert_int_equal(EVENTS(.device = 1, .newest_first = true), 2);
	assert_true(id[0] == c && id[1] == a);
	assert_int_equal(EVENTS(.job = 7), 2);
	assert_true(id[0] == b && id[1] == c);
	assert_int_equal(EVENTS(.job = 7, .newest_first = true, .after = c),
	    1);
	assert_true(id[0] == b);
	assert_int_equal(EVENTS(.campaign = 3), 2);
	assert_int_equal(EVENTS(.campaign = 3, .newest_first = true), 2);
	assert_int_equal(EVENTS(.release = 3, .after = c), 1);
	assert_true(id[0] == d);
	assert_int_equal(EVENTS(.release = 3, .newest_first = true), 2);
	assert_int_equal(EVENTS(.device = 1, .campaign = 3), 1);
	assert_true(id[0] == c);
	assert_int_equal(EVENTS(.device = 2, .job = 7, .campaign = 3), 0);
	assert_int_equal(EVENTS(.device = 9), 0);
}

static void
pruning_drops_the_oldest_and_ids_go_on(void **state)
{
	struct store *s = store_of(state);
	struct store_stats st;
	uint64_t id[10], n = 9, last = 0;

	OK(ALONE(s, s->ops->event_prune(s, 0, 10, &n)));
	assert_int_equal(n, 0);
	for (int i = 0; i < 8; i++)
		last = add_event(s, 1, 2, 3);
	OK(ALONE(s, s->ops->event_prune(s, 8, 100, &n)));
	assert_int_equal(n, 0);
	OK(ALONE(s, s->ops->event_prune(s, 9, 100, &n)));
	assert_int_equal(n, 0);
	OK(ALONE(s, s->ops->event_prune(s, 3, 2, &n)));
	assert_int_equal(n, 2);
	OK(ALONE(s, s->ops->event_prune(s, 3, 0, &n)));
	assert_int_equal(n, 0);
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 6);
	OK(ALONE(s, s->ops->event_prune(s, 3, 100, &n)));
	assert_int_equal(n, 3);
	assert_int_equal(EVENTS(.after = 0), 3);
	assert_int_equal(id[2], last);
	OK(ALONE(s, s->ops->event_prune(s, 0, 100, &n)));
	s->ops->stats(s, &st);
	assert_int_equal(st.events, 0);
	assert_int_equal(add_event(s, 1, 2, 3), last + 1);
	FAILS(ALONE(s, s->ops->event_prune(s, UINT64_MAX, 1, &n)), ERR_RANGE);
	FAILS(ALONE(s, s->ops->event_prune(s, 1, UINT64_MAX, &n)), ERR_RANGE);
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
		TWICE(a_device_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(a_device_past_a_cap_or_of_nonsense_is_refused),
		TWICE(names_and_registrations_of_devices_are_unique),
		TWICE(an_address_of_two_is_nobodys),
		TWICE(seen_moves_forward_and_an_unknown_address_stays),
		TWICE(a_removed_device_takes_jobs_and_credential_but_not_events),
		TWICE(devices_are_listed_by_name_filter_and_page),
		TWICE(a_tag_that_is_taken_away_no_longer_finds),
		TWICE(a_page_has_its_limits),
		TWICE(a_credential_is_of_one_device_and_can_be_renewed),
		TWICE(a_credential_has_its_caps),
		TWICE(an_author_comes_back_and_is_replaced_by_name),
		TWICE(authors_have_their_caps_and_an_order),
		TWICE(a_setting_is_kept_replaced_and_capped),
		TWICE(an_event_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(events_are_listed_by_filter_and_in_both_directions),
		TWICE(pruning_drops_the_oldest_and_ids_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
