/*
 * The contract of db/store.h, for both twins: devices as a plan looks at
 * them.
 */
#include "tests/db/twins.h"

struct told {
	struct store_scan row[8];
	size_t n, stop_at;
};

static int
tell(void *arg, const struct store_scan *row)
{
	struct told *t = arg;

	if (t->n < sizeof(t->row) / sizeof(t->row[0]))
		t->row[t->n] = *row;
	t->n++;
	return t->n == t->stop_at ? ERR_CANCELLED : 0;
}

static int
scan(struct store *s, struct store_scan_filter f, struct told *t,
    uint64_t *after)
{
	t->n = 0;
	return s->ops->device_scan(s, &f, tell, t, after);
}
#define FROM(id, n) ((struct store_scan_filter){.after = (id), .limit = (n)})

static void
devices_are_looked_at_in_pages(void **state)
{
	struct store *s = store_of(state);
	static struct told t;
	uint64_t id[5], after = 77;
	char ep[16];

	OK(scan(s, FROM(0, 1), &t, &after));
	assert_true(t.n == 0 && after == 0);
	for (int i = 0; i < 5; i++) {
		snprintf(ep, sizeof(ep), "d%d", 9 - i); /* ids, not names */
		id[i] = add_device(s, ep);
	}
	OK(scan(s, FROM(0, 2), &t, &after));
	assert_true(t.n == 2 && after == id[1]);
	assert_true(t.row[0].d.id == id[0] && t.row[1].d.id == id[1]);
	assert_string_equal(t.row[1].d.ep, "d8");
	OK(ALONE(s, s->ops->device_remove(s, id[1]))); /* in between */
	OK(scan(s, FROM(after, 2), &t, &after));
	assert_true(t.n == 2 && after == id[3]);
	OK(scan(s, FROM(after, 1), &t, &after)); /* the last one: none left */
	assert_true(t.n == 1 && after == 0);
	OK(scan(s, FROM(0, STORE_SCAN_MAX), &t, &after));
	assert_true(t.n == 4 && after == 0);
	OK(scan(s, FROM(UINT64_MAX, 1), &t, &after));
	assert_true(t.n == 0 && after == 0);
	after = 77;
	FAILS(scan(s, FROM(0, 0), &t, &after), ERR_RANGE);
	FAILS(scan(s, FROM(0, STORE_SCAN_MAX + 1), &t, &after), ERR_RANGE);
	assert_true(t.n == 0 && after == 77);
}

static void
a_look_that_ends_early_goes_on_where_it_ended(void **state)
{
	struct store *s = store_of(state);
	static struct told t;
	uint64_t id[4], after = 77;
	char ep[16];

	for (int i = 0; i < 4; i++) {
		snprintf(ep, sizeof(ep), "d%d", i);
		id[i] = add_device(s, ep);
	}
	t.stop_at = 3;
	FAILS(scan(s, FROM(0, 10), &t, &after), ERR_CANCELLED);
	assert_true(t.n == 3 && after == id[1]); /* the third is not taken */
	t.stop_at = 1;
	FAILS(scan(s, FROM(after, 10), &t, &after), ERR_CANCELLED);
	assert_true(t.row[0].d.id == id[2] && after == id[1]);
	t.stop_at = 2; /* at the last one, too, there is one left */
	FAILS(scan(s, FROM(after, 10), &t, &after), ERR_CANCELLED);
	assert_true(t.row[1].d.id == id[3] && after == id[2]);
	t.stop_at = 0;
	OK(scan(s, FROM(after, 10), &t, &after));
	assert_true(t.n == 1 && after == 0);
}

static void
a_look_has_what_a_plan_asks_for(void **state)
{
	struct store *s = store_of(state);
	struct store_device d = full_device(), bare = {.ep = "b"}, *e;
	struct store_scan_filter f = {.limit = 9, .tags = true};
	static struct told t;
	uint64_t after;

	OK(ALONE(s, s->ops->device_put(s, &d)));
	OK(ALONE(s, s->ops->device_put(s, &bare)));
	OK(scan(s, f, &t, &after));
	assert_int_equal(t.n, 2);
	e = &t.row[0].d;
	assert_string_equal(e->ep, d.ep);
	assert_true(e->have_class);
	assert_memory_equal(e->class_id, d.class_id, 16);
	assert_true(e->class_set && e->have_class_said);
	assert_memory_equal(e->class_said, d.class_said, 16);
	assert_memory_equal(e->vendor, d.vendor, 16);
	assert_int_equal(e->driver, d.driver);
	assert_true(e->nul_trigger && e->have_psk && e->uri_set);
	assert_true(e->have_seq && e->seq == d.seq);
	assert_int_equal(e->seq_grade, d.seq_grade);
	assert_string_equal(e->version, d.version);
	assert_true(e->registered && e->revoked && e->ahead);
	assert_string_equal(e->addr, d.addr);
	assert_int_equal(e->reg_expires, d.reg_expires);
	assert_int_equal(e->created, d.created);
	assert_int_equal(e->seen, d.seen);
	assert_int_equal(e->gap, d.gap);
	assert_int_equal(e->tag_count, LIMIT_TAGS);
	for (size_t i = 0; i < LIMIT_TAGS; i++) {
		assert_string_equal(e->tag[i].name, d.tag[i].name);
		assert_string_equal(e->tag[i].value, d.tag[i].value);
	}
	/* left out */
	assert_true(e->uri[0] == '\0');
	assert_true(!e->driver_set && e->reg_lt == 0 && !e->reg_base);
	/* nothing of the one before */
	e = &t.row[1].d;
	assert_string_equal(e->ep, "b");
	assert_true(!e->have_class && e->class_id[0] == 0 &&
	    e->vendor[0] == 0 && e->version[0] == '\0' && !e->have_seq &&
	    !e->class_set && !e->have_class_said && e->class_said[0] == 0 &&
	    e->seq == 0 && e->tag_count == 0 && !e->revoked && !e->ahead &&
	    e->gap == 0);
	OK(scan(s, FROM(0, 9), &t, &after));
	assert_int_equal(t.row[0].d.tag_count, 0);
}

static void
same_light_job(const struct job *a, const struct job *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->campaign, b->campaign);
	assert_int_equal(a->release, b->release);
	assert_true(a->target_seq == b->target_seq);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->due, 0);
}

static struct job
add(struct store *s, uint64_t campaign, uint64_t device, enum job_state st)
{
	struct job j = make_job(campaign, device, 1, 50);

	j.target_seq = UINT64_MAX - device;
	j.state = st;
	j.reason = (enum track_reason)(1 + st);
	j.attempt = 3 + st;
	OK(put_job(s, &j));
	return j;
}

static void
a_look_has_the_last_job_and_the_live_one(void **state)
{
	struct store *s = store_of(state);
	uint64_t camp = add_campaign(s, add_release(s, 1), 1), after, id[5];
	static struct told t;
	struct job last[5], live;
	char ep[16];

	for (int i = 0; i < 5; i++) {
		snprintf(ep, sizeof(ep), "d%d", i);
		id[i] = add_device(s, ep);
	}
	/* 0: over and over; 1: over, then live; 2: none; 3: live only;
	 * 4: the live one is not the last */
	add(s, camp, id[0], JOB_FAILED);
	live = add(s, 0, id[4], JOB_QUEUED);
	add(s, camp, id[1], JOB_DONE);
	last[0] = add(s, 0, id[0], JOB_SUPERSEDED);
	last[1] = add(s, camp, id[1], JOB_INSTALLING);
	last[3] = add(s, camp, id[3], JOB_QUEUED);
	last[4] = add(s, camp, id[4], JOB_CANCELLED);
	OK(scan(s, FROM(0, 9), &t, &after));
	assert_int_equal(t.n, 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(t.row[i].have_last, i != 2);
		assert_int_equal(t.row[i].have_live, i != 2 && i != 0);
		if (i != 2)
			same_light_job(&t.row[i].last, &last[i]);
	}
	same_light_job(&t.row[1].live, &last[1]);
	same_light_job(&t.row[3].live, &last[3]);
	same_light_job(&t.row[4].live, &live);
	assert_true(t.row[2].last.id == 0 && t.row[2].live.id == 0 &&
	    t.row[0].live.id == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(devices_are_looked_at_in_pages),
		TWICE(a_look_that_ends_early_goes_on_where_it_ended),
		TWICE(a_look_has_what_a_plan_asks_for),
		TWICE(a_look_has_the_last_job_and_the_live_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
