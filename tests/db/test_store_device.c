/*
 * The contract of db/store.h, for both twins: devices and pages.
 */
#include "tests/db/psk.h"
#include "tests/db/twins.h"

static void
same_device(const struct store_device *a, const struct store_device *b)
{
	assert_int_equal(a->id, b->id);
	assert_string_equal(a->ep, b->ep);
	assert_int_equal(a->have_class, b->have_class);
	assert_memory_equal(a->class_id, b->class_id, 16);
	assert_int_equal(a->class_set, b->class_set);
	assert_int_equal(a->have_class_said, b->have_class_said);
	assert_memory_equal(a->class_said, b->class_said, 16);
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
	assert_int_equal(a->reg_lt, b->reg_lt);
	assert_int_equal(a->reg_base, b->reg_base);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->gap, b->gap);
	assert_int_equal(a->revoked, b->revoked);
	assert_int_equal(a->ahead, b->ahead);
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
	d.have_class_said = d.have_class = false; /* nothing that is set */
	d.ahead = false;
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = full_device();
	d.class_set = false; /* a word against nobody's */
	FAILS(ALONE(s, s->ops->device_put(s, &d)), ERR_INVALID);
	d = full_device();
	memcpy(d.class_said, d.class_id, 16); /* no other */
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
	OK(ALONE(s, seen(s, a, "fd00::1", 10)));
	OK(s->ops->device_by_addr(s, "fd00::1", &d));
	assert_int_equal(d.id, a);
	OK(ALONE(s, seen(s, b, "fd00::1", 10)));
	FAILS(s->ops->device_by_addr(s, "fd00::1", &d), ERR_CONFLICT);
	OK(ALONE(s, seen(s, b, "fd00::2", 11)));
	OK(s->ops->device_by_addr(s, "fd00::1", &d));
	assert_int_equal(d.id, a);
}

static void
seen_moves_forward_and_an_unknown_address_stays(void **state)
{
	struct store *s = store_of(state);
	uint64_t id = add_device(s, "a");
	struct store_seen sign = {.device = id, .at = 80};
	char big[LIMIT_ADDRESS + 1];
	struct store_device d;

	memset(big, 'a', sizeof(big));
	OK(ALONE(s, seen(s, id, "10.0.0.1", 100)));
	OK(ALONE(s, seen(s, id, NULL, 90)));
	OK(ALONE(s, seen(s, id, "", 50)));
	OK(s->ops->device_get(s, id, &d));
	assert_int_equal(d.seen, 100);
	assert_string_equal(d.addr, "10.0.0.1");
	sign.gap = 30;
	OK(ALONE(s, s->ops->device_seen(s, &sign)));
	OK(ALONE(s, seen(s, id, NULL, 90))); /* gap 0 stays, too */
	OK(s->ops->device_get(s, id, &d));
	assert_int_equal(d.gap, 30);
	assert_int_equal(d.seen, 100);
	big[LIMIT_ADDRESS] = '\0';
	FAILS(ALONE(s, seen(s, id, big, 101)), ERR_SIZE);
	big[LIMIT_ADDRESS - 1] = '\0';
	OK(ALONE(s, seen(s, id, big, 101)));
	FAILS(ALONE(s, seen(s, id + 1, "x", 1)),
	    ERR_NOT_FOUND);
}

static void
a_removed_device_takes_all_but_its_events(void **state)
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
	OK(ALONE(s, psk_put(s, "id", id, slice_str("key"))));
	OK(ALONE(s, s->ops->event_put(s, &e)));
	OK(ALONE(s, s->ops->device_remove(s, id)));
	FAILS(s->ops->device_get(s, id, &d), ERR_NOT_FOUND);
	FAILS(s->ops->job_get(s, j.id, &j), ERR_NOT_FOUND);
	FAILS(psk_get(s, "id", &dev, &out), ERR_NOT_FOUND);
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
		FAILS(s->ops->campaign_live(s, 0, limit, c, &n), ERR_RANGE);
		FAILS(s->ops->job_list(s, 0, 0, limit, j, &n), ERR_RANGE);
	}
	assert_int_equal(n, 77);
	f.limit = ef.limit = LIMIT_PAGE;
	OK(s->ops->device_list(s, &f, d, &n));
	OK(s->ops->event_list(s, &ef, e, &n));
	OK(s->ops->release_list(s, 0, LIMIT_PAGE, r, &n));
	OK(s->ops->campaign_list(s, 0, LIMIT_PAGE, c, &n));
	OK(s->ops->campaign_live(s, 0, LIMIT_PAGE, c, &n));
	OK(s->ops->job_list(s, 0, 0, LIMIT_PAGE, j, &n));
	assert_int_equal(n, 0);
}

/* --- who listens is told of whom was written --- */

static void
on_wrote(void *arg, uint64_t device)
{
	char *told = arg;

	sprintf(told + strlen(told), "%llu ", (unsigned long long)device);
}

static void
each_write_of_a_device_is_told(void **state)
{
	struct store *s = store_of(state);
	uint64_t one = add_device(s, "one"), two = add_device(s, "two"),
	    rel = add_release(s, 1);
	struct store_device d;
	struct store_seen seen = {.device = two, .addr = "10.0.0.2", .at = 9};
	struct job j, leased[2];
	char told[200] = "", want[200];
	size_t n = 0;

	s->wrote = on_wrote;
	s->wrote_arg = told;
	OK(s->ops->device_get(s, one, &d));
	OK(store_begin(s));
	OK(s->ops->device_put(s, &d));
	OK(s->ops->device_seen(s, &seen));
	track_init(&j, one, rel, 1, 1);
	OK(s->ops->job_put(s, &j));
	OK(s->ops->job_save(s, &j));
	OK(psk_put(s, "two", two, slice_str("0123456789")));
	OK(psk_remove(s, "two"));
	OK(s->ops->device_remove(s, two));
	/* nothing of these */
	FAILS(s->ops->device_remove(s, two), ERR_NOT_FOUND);
	FAILS(s->ops->device_seen(s, &seen), ERR_NOT_FOUND);
	j.version--;
	FAILS(s->ops->job_save(s, &j), ERR_CONFLICT);
	OK(s->ops->jobs_due(s, 1000, 1, leased, 2, &n));
	OK(s->ops->job_live(s, one, &j));
	OK(store_commit(s));
	s->wrote = NULL;
	sprintf(want, "%llu %llu %llu %llu %llu %llu %llu ",
	    (unsigned long long)one, (unsigned long long)two,
	    (unsigned long long)one, (unsigned long long)one,
	    (unsigned long long)two, (unsigned long long)two,
	    (unsigned long long)two);
	assert_string_equal(told, want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_device_comes_back_as_it_was_with_all_at_the_cap),
		TWICE(a_device_past_a_cap_or_of_nonsense_is_refused),
		TWICE(names_and_registrations_of_devices_are_unique),
		TWICE(an_address_of_two_is_nobodys),
		TWICE(seen_moves_forward_and_an_unknown_address_stays),
		TWICE(a_removed_device_takes_all_but_its_events),
		TWICE(devices_are_listed_by_name_filter_and_page),
		TWICE(a_tag_that_is_taken_away_no_longer_finds),
		TWICE(a_page_has_its_limits),
		TWICE(each_write_of_a_device_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
