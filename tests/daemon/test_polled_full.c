/*
 * Polls that are answered from memory: under any mixture of operations the
 * remembered answer is the one that the full path gives, which then has
 * nothing left to write.
 */
#include "lib/text.h"
#include "tests/daemon/fleet.h"

static struct world w;

#define DEVICES 12
#define STEPS 20000

static uint64_t rels[64], camp, hits, class_hits, steps;
static size_t rel_n;
static struct store_device dev[DEVICES];
static const struct store_ops *real;
static unsigned depth;
static bool full;
static int last_err; /* of an operation; it may well be refused */
static uint64_t luck;

static unsigned
dice(unsigned n)
{
	luck = luck * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(luck >> 33) % n;
}

static int
f_begin(struct store *s)
{
	int rc = real->begin(s);

	depth += rc == 0;
	return rc;
}

static int
f_commit(struct store *s)
{
	depth--;
	if (full && depth == 0) {
		real->rollback(s);
		return ERR_NOSPACE;
	}
	return real->commit(s);
}

static void
f_rollback(struct store *s)
{
	depth--;
	real->rollback(s);
}

static int
open_world(void **state)
{
	static struct store_ops ops;
	char ep[16], addr[16];

	world_open(&w, *state);
	rels[0] = released(&w, 1, "coap://fw.example/1", 100);
	rel_n = 1;
	for (unsigned i = 0; i < DEVICES; i++) {
		sprintf(ep, "dev%u", i);
		sprintf(addr, "10.0.0.%u", i);
		dev[i] = fleet_add(&w, ep, i % 3 ? DRIVER_NONE :
		    DRIVER_TRIGGER, addr);
	}
	real = w.app.store->ops;
	ops = *real;
	ops.begin = f_begin;
	ops.commit = f_commit;
	ops.rollback = f_rollback;
	depth = 0;
	full = false;
	luck = 4;
	hits = class_hits = steps = 0;
	w.app.store->ops = &ops;
	return 0;
}

static int
close_world(void **state)
{
	(void)state;
	w.app.store->ops = real;
	world_close(&w);
	return 0;
}

static struct store_device
row(unsigned i)
{
	struct store_device d = {0};

	last_err = real->device_by_ep(w.app.store, dev[i].ep, &d);
	return d;
}

static void
save(struct store_device *d)
{
	if (engine_begin(w.app.engine) == 0)
		last_err = engine_end(w.app.engine,
		    w.app.store->ops->device_put(w.app.store, d));
}

/* Of some release, mostly of the one that it has. */
static void
etag_of(struct req *req, const struct store_device *d, uint8_t etag[8])
{
	const struct catalog_release *r = d->have_seq ? catalog_running(
	    w.app.catalog, d->class_id, d->seq) : NULL;

	if (r == NULL || dice(8) == 0)
		r = catalog_by_id(w.app.catalog, rels[dice((unsigned)rel_n)]);
	if (r == NULL)
		return;
	memcpy(etag, r->digest, 8);
	req->etag[req->etag_n++] = slice_of(etag, 8);
}

static void
same(int rc, const struct resp *a, int full_rc, const struct resp *b)
{
	assert_int_equal(rc, full_rc);
	assert_true(slice_eq(a->body, b->body));
	assert_int_equal(a->etag_len, b->etag_len);
	assert_memory_equal(a->etag, b->etag, 8);
	assert_int_equal(a->max_age, b->max_age);
	assert_int_equal(a->cf, b->cf);
	assert_int_equal(a->after_commit, b->after_commit);
}

/* A poll; where memory would answer it, also by the full path. */
static void
poll_one(unsigned i)
{
	struct polled *keep = w.app.polled;
	struct store_device d = row(i), was, now;
	struct req req = {.first_block = dice(12) != 0};
	struct polled_key k = {.device = 0, .ep = d.ep,
	    .addr = req.addr};
	struct polled_note n;
	struct resp a, b;
	char ep[LIMIT_EP + 8];
	const struct catalog_release *cur = NULL;
	route_fn res = res_manifest_own;
	char class_id[37];
	uint8_t etag[8];
	int rc, full_rc;
	bool hit;

	if (dice(2)) {
		const uint8_t *of = dice(8) ? w.class_id : d.class_id;

		k.of_class = true;
		res = res_manifest_class;
		req.arg[0] = text_uuid(of, class_id);
		cur = catalog_current(w.app.catalog, of);
	}
	snprintf(ep, sizeof(ep), "ep=%s", dev[i].ep);
	strcpy(req.addr, dice(10) ? dev[i].addr : "10.9.9.9");
	if (i % 2 && d.id != 0) {
		req.who.device = k.device = d.id;
		req.who.role = ROLE_DEVICE;
		req.who.grade = GRADE_L1;
		k.ep = "";
	} else {
		req.query[req.query_n++] = slice_str(ep);
	}
	req.observe = dice(12) == 0;
	req.have_accept = dice(4) == 0;
	req.accept = dice(2) ? CF_CBOR : CF_LINK;
	if (d.id != 0 && dice(6))
		etag_of(&req, &d, etag);
	hit = d.id != 0 && polled_find(keep, &k, &n) && (!k.of_class ||
	    (cur != NULL && n.release == cur->id));
	was = row(i);
	rc = ask(&w, res, &req, &a);
	now = row(i);
	if (!hit || !req.first_block || req.observe || req.etag_n == 0)
		return;
	if (!contact_fresh(was.seen, w.loop.now))
		return;
	w.app.polled = NULL;
	full_rc = ask(&w, res, &req, &b);
	w.app.polled = keep;
	if (memcmp(n.device == d.id ? catalog_by_id(w.app.catalog,
	    n.release)->digest : etag, etag, 8) != 0)
		return; /* it asked for more: the first one was full, too */
	hits++;
	class_hits += k.of_class;
	same(rc, &a, full_rc, &b);
	assert_int_equal(a.etag_len, 8);
	/* nothing was left to write */
	assert_memory_equal(&was, &now, sizeof(was));
	now = row(i);
	assert_memory_equal(&was, &now, sizeof(was));
}

/* --- what may change the answer --- */

static void
op_runs(unsigned i)
{
	struct store_device d = row(i);

	if (d.id == 0 || engine_begin(w.app.engine) != 0)
		return;
	last_err = engine_end(w.app.engine, engine_running(w.app.engine, &d,
	    dice(3) ? rel_n : 1 + dice((unsigned)rel_n + 1), GRADE_L1));
}

static void
op_edit(unsigned i)
{
	struct store_device d = row(i);

	switch (dice(5)) {
	case 0:
		d.revoked = !d.revoked && dice(4) == 0;
		break;
	case 1:
		d.have_psk = !d.have_psk && dice(4) == 0;
		break;
	case 2:
		d.class_id[0] = dice(4) ? 0xc1 : 0xc0;
		break;
	case 3:
		d.have_seq = dice(4) != 0;
		break;
	default:
		d.driver = d.driver == DRIVER_NONE ? DRIVER_TRIGGER :
		    DRIVER_NONE;
	}
	if (d.id != 0)
		save(&d);
}

static void
op_remove(unsigned i)
{
	struct store_device d = row(i);

	if (d.id == 0) {
		d = dev[i];
		d.id = 0;
		save(&d);
	} else if (dice(6) == 0 && engine_begin(w.app.engine) == 0) {
		last_err = engine_end(w.app.engine, w.app.store->ops->device_remove(
		    w.app.store, d.id));
		access_forget(w.app.access);
	}
}

static void
op_job(unsigned i)
{
	static const struct track_event evs[] = {
		{.type = TRACK_CANCEL, .reason = REASON_OPERATOR},
		{.type = TRACK_MANIFEST_GET}, {.type = TRACK_IMAGE_END},
		{.type = TRACK_REPORT, .phase = PHASE_FAILED,
		    .reason = REASON_DIGEST},
		{.type = TRACK_REPORT, .phase = PHASE_SUCCEEDED},
	};
	struct store_device d = row(i);
	struct store_release r;
	int rc = engine_begin(w.app.engine);

	if (rc != 0)
		return;
	rc = d.id == 0 ? ERR_NOT_FOUND : real->release_get(w.app.store,
	    rels[dice((unsigned)rel_n)], &r);
	if (rc == 0)
		rc = dice(4) ? engine_event(w.app.engine, d.id,
		    &evs[dice(sizeof(evs) / sizeof(evs[0]))]) :
		    engine_job_new(w.app.engine, &d, &r, NULL);
	last_err = engine_end(w.app.engine, rc);
}

static void
op_release(unsigned i)
{
	struct why why;

	(void)i;
	if (dice(20) != 0 || rel_n == sizeof(rels) / sizeof(rels[0]))
		return;
	full = false;
	turn(&w);
	if (dice(4) == 0 && rel_n > 1) {
		last_err = publish_withdraw(&w.app, rels[dice((unsigned)rel_n)],
		    &why);
	} else {
		char uri[40];

		sprintf(uri, "coap://fw.example/%zu", rel_n + 1);
		rels[rel_n] = released(&w, rel_n + 1, uri, 100);
		rel_n++;
	}
}

/* Its jobs are for any release, often another one than the class's current. */
static void
op_campaign(unsigned i)
{
	struct campaign_spec spec = {.start = true,
	    .release = rels[dice((unsigned)rel_n)]};
	struct store_campaign c;
	struct why why;

	(void)i;
	strcpy(spec.policy, "waves=100% soak=0 broke=100% unreachable=100%");
	switch (dice(8)) {
	case 0:
		if (campaign_plan(&w.app, &spec, &c, &why) == 0)
			camp = c.id;
		break;
	case 1:
	case 2:
	case 3:
		last_err = campaign_abort(&w.app, camp, true, &why);
		break;
	case 4:
		last_err = campaign_pause(&w.app, camp, &why);
		break;
	default:
		last_err = campaign_resume(&w.app, camp, &why);
	}
	turn(&w);
}

static void
op_time(unsigned i)
{
	(void)i;
	w.loop.now += dice(4) ? dice(60000) : dice(7200000);
}

/* Written, polled while it is not committed, and undone. */
static void
op_undone(unsigned i)
{
	struct store_device d = row(i);

	if (d.id == 0 || engine_begin(w.app.engine) != 0)
		return;
	d.seq = 1 + dice((unsigned)rel_n);
	d.have_seq = true;
	last_err = w.app.store->ops->device_put(w.app.store, &d);
	poll_one(i);
	poll_one(i);
	last_err = engine_end(w.app.engine, dice(2) ? ERR_INVALID : 0);
}

static void
op_turn(unsigned i)
{
	(void)i;
	full = dice(4) == 0;
	turn(&w);
	full = false;
}

static void
memory_says_what_the_full_path_says(void **state)
{
	static void (*const op[])(unsigned i) = {op_runs, op_edit, op_remove,
	    op_job, op_campaign, op_release, op_time, op_undone, op_turn};

	(void)state;
	for (steps = 0; steps < STEPS; steps++) {
		unsigned i = dice(DEVICES);

		if (dice(5) == 0)
			op[dice(sizeof(op) / sizeof(op[0]))](i);
		for (unsigned n = dice(4) + 1; n > 0; n--)
			poll_one(i);
	}
	turn(&w);
	assert_in_range(hits, STEPS / 20, UINT32_MAX); /* or it proves nothing */
	assert_in_range(class_hits, STEPS / 100, UINT32_MAX);
}

/* Whatever it asks for. */
static void
asks_four_times(route_fn res, struct req *req)
{
	struct store_stats one, two;
	struct resp resp;

	assert_int_equal(ask(&w, res, req, &resp), 0);
	turn(&w);
	real->stats(w.app.store, &one);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(&w, res, req, &resp), 0);
		turn(&w);
	}
	real->stats(w.app.store, &two);
	assert_int_equal(two.statements, one.statements);
}

static void
a_remembered_poll_runs_no_statement(void **state)
{
	struct store_stats one, two;
	struct req req = {.first_block = true, .addr = "10.0.0.2"};
	char class_id[37];
	struct slice etag;
	struct resp resp;

	(void)state;
	req.query[req.query_n++] = slice_str("ep=dev2");
	req.etag[req.etag_n++] = etag = slice_of(catalog_by_id(w.app.catalog,
	    rels[0])->digest, 8);
	asks_four_times(res_manifest_own, &req);
	req.arg[0] = text_uuid(w.class_id, class_id);
	asks_four_times(res_manifest_class, &req);
	real->stats(w.app.store, &two);
	/* who has something else takes the full path: it fetches this */
	req.etag[0] = slice_str("another");
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	turn(&w);
	real->stats(w.app.store, &one);
	assert_int_not_equal(one.statements, two.statements);
	/* its sign of life is kept, every ten minutes */
	req.etag[0] = etag;
	w.loop.now += 600000;
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	turn(&w);
	assert_int_equal(row(2).seen, w.loop.now);
}

/* What a device with a job is told hangs on its campaign, too. */
static void
a_device_with_a_job_is_not_remembered(void **state)
{
	struct req req = {.first_block = true, .addr = "10.0.0.2"};
	struct store_device d = row(2);
	struct resp resp;
	struct why why;

	(void)state;
	d.have_seq = false; /* what it runs is not known, what it has is */
	save(&d);
	turn(&w);
	req.query[req.query_n++] = slice_str("ep=dev2");
	req.etag[req.etag_n++] = slice_of(catalog_by_id(w.app.catalog,
	    rels[0])->digest, 8);
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	assert_int_equal(polled_count(w.app.polled), 1);
	camp = campaign_for(&w, rels[0], "broke=100% unreachable=100%").id;
	assert_int_equal(last_job(&w, &d).state, JOB_QUEUED);
	assert_int_equal(polled_count(w.app.polled), 0);
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp), 0);
	turn(&w);
	assert_int_equal(campaign_pause(&w.app, camp, &why), 0);
	turn(&w);
	assert_int_equal(ask(&w, res_manifest_own, &req, &resp),
	    ERR_NOT_FOUND);
}

#define WORLD(t, store) \
	{#t " (" #store ")", t, open_world, close_world, store}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(memory_says_what_the_full_path_says, store_mem_open),
		WORLD(memory_says_what_the_full_path_says, fake_sqlite),
		WORLD(a_device_with_a_job_is_not_remembered, fake_sqlite),
		WORLD(a_remembered_poll_runs_no_statement, fake_sqlite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
