/*
 * The trust list in force: what is taken, what is served, what ends, and
 * whether suitd starts at all.
 */
#include "daemon/image.h"
#include "daemon/res_admin.h"
#include "daemon/trusted.h"
#include "tests/daemon/fleet.h"
#include "tests/lib/list_make.h"

#define URI "coap://fw.example/a.bin"
#define MINUTE 60000

static struct world w;
static struct lister l;
static struct cose_key *bob;
static char root[128], lies[128];
static struct req from; /* who asks with a nonce */

static void
put_file(const char *path, struct slice s)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
put_key(const char *path, const struct cose_key *key)
{
	uint8_t bytes[2048];
	struct buf b = buf_of(bytes, sizeof(bytes));

	assert_int_equal(cose_key_put_pem(key, true, &b), 0);
	put_file(path, buf_slice(&b));
}

static int
begin(struct why *why)
{
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	catalog_obey(w.app.catalog, NULL);
	return trusted_new(&w.app, &w.app.trusted, why);
}

/* A store with the list in which the world's key, and bob's, are authors. */
static int
setup(void **state)
{
	struct why why = {0};

	(void)state;
	memset(&from, 0, sizeof(from));
	world_open(&w, store_mem_open);
	strcpy(w.app.conf.state_dir, w.dir);
	snprintf(root, sizeof(root), "%s/list.one", w.dir);
	snprintf(lies, sizeof(lies), "%s/secret", w.dir);
	list_init(&l);
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &bob), 0);
	list_add(&l, w.key, TRUST_AUTHOR)->name = slice_str("alice");
	list_add(&l, bob, TRUST_AUTHOR);
	put_file(root, list_make(&l));
	strcpy(w.app.conf.trust_root, root);
	if (begin(&why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(trusted_seq(&w.app), 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	list_fini(&l);
	cose_key_free(bob);
	world_close(&w);
	return 0;
}

static int
publish_list(struct slice list)
{
	const struct principal who = {.role = ROLE_OPERATOR,
	    .identity = "anna"};
	struct why why = {0};
	int rc = trusted_publish(&w.app, list, &who, &why);

	turn(&w);
	return rc;
}

static struct made
good(void)
{
	return (struct made){
		.seq = 10, .uri = URI, .size = 100,
		.digest = upload(&w, 100, 1),
	};
}

static int
image(const struct made *m)
{
	size_t n, at;
	const struct image_name *img = catalog_images(w.app.catalog, &n);
	uint8_t digest[32];
	int rc = image_find(img, n, slice_of(m->digest.b, 32), &at);

	assert_int_equal(catalog_path(w.app.catalog, "a.bin", digest), rc);
	return rc;
}

/* --- what is taken --- */

static void
REQ_SEC_RIGHTS_authors_are_those_of_the_list_alone(void **state)
{
	struct made m = good();
	struct publish_result r;
	struct cose_key *carol;
	struct store_author a = {.name = "carol"};
	struct buf b = buf_of(a.key, sizeof(a.key));

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &carol), 0);
	assert_int_equal(cose_key_put_cose(carol, &b), 0);
	a.key_len = b.n;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->author_put(w.app.store, &a)), 0);
	m.key = carol;
	assert_int_equal(publish(&w, &m, NULL), ERR_SIGNATURE);
	m.key = NULL;
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_string_equal(r.release.author, "alice");
	cose_key_free(carol);
}

static void
nobody_adds_an_author_past_the_list(void **state)
{
	struct req req = {.method = M_PUT, .arg = {"eve", ""}};
	struct resp resp;

	(void)state;
	assert_int_equal(ask(&w, res_admin_key, &req, &resp), ERR_POLICY);
	req.method = M_DELETE;
	req.arg[0] = "alice";
	assert_int_equal(ask(&w, res_admin_key, &req, &resp), ERR_POLICY);
}

/* One who is in the store from the time before counts for nothing. */
static void
the_authors_that_are_shown_are_those_of_the_list(void **state)
{
	struct req req = {.method = M_GET, .have_accept = true,
	    .accept = CF_JSON, .arg = {"", ""}};
	struct store_author old = {.name = "mallory"};
	struct buf b = buf_of(old.key, sizeof(old.key));
	struct resp resp;
	struct slice said;

	(void)state;
	assert_int_equal(cose_key_put_cose(w.key, &b), 0);
	old.key_len = b.n;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->author_put(w.app.store, &old)), 0);
	assert_int_equal(ask(&w, res_admin_keys, &req, &resp), 0);
	said = buf_slice(&resp.out);
	assert_non_null(memmem(said.p, said.n, "alice", 5));
	assert_null(memmem(said.p, said.n, "mallory", 7));
}

static void
allow_unsigned_says_nothing_beside_a_list(void **state)
{
	uint8_t bare[4096];
	struct buf b = buf_of(bare, sizeof(bare));
	struct manifest_spec spec = {.sequence = 10, .have_vendor = true,
	    .have_class = true, .component_count = 1};
	struct made m = good();
	struct publish_opts o = {0};
	struct publish_result r;

	(void)state;
	memcpy(spec.class_id, w.class_id, 16);
	spec.component[0].id = slice_of("\x81\x41\x00", 3);
	spec.component[0].payload_count = 1;
	spec.component[0].payload[0] = (struct manifest_spec_payload){
	    .uri = URI, .digest = m.digest, .size = m.size};
	assert_int_equal(manifest_envelope(&spec, &b, NULL), 0);
	w.app.conf.allow_unsigned = true;
	assert_int_equal(publish_envelope(&w.app, buf_slice(&b), &o, &r,
	    NULL), ERR_UNSIGNED);
}

static void
REQ_SEC_ACCESS_CONTROL_an_author_keeps_to_his_classes(void **state)
{
	uint8_t other[16], row[17] = {0x50};
	struct made m = good();

	(void)state;
	memset(other, 0xee, 16);
	memcpy(row + 1, other, 16);
	l.spec.key[1].every_class = false;
	l.spec.key[1].classes = slice_of(row, sizeof(row));
	assert_int_equal(publish_list(list_make(&l)), 0);
	m.key = bob;
	assert_int_equal(err_coap(publish(&w, &m, NULL)), 403);
	m.class_id = other;
	assert_int_equal(publish(&w, &m, NULL), 0);
}

static void
every_refusal_by_the_list_is_4_03(void **state)
{
	struct made m = good();

	(void)state;
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 11, .most = 20};
	memcpy(l.spec.floor[0].class_id, w.class_id, 16);
	l.spec.key[0].seq_max = 15;
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(err_coap(publish(&w, &m, NULL)), 403); /* floor */
	m.seq = 16;
	assert_int_equal(err_coap(publish(&w, &m, NULL)), 403); /* range */
	m.seq = 21;
	m.key = bob;
	assert_int_equal(err_coap(publish(&w, &m, NULL)), 403); /* ceiling */
	m.seq = 15;
	assert_int_equal(publish(&w, &m, NULL), 0);
}

/* --- TUF: fast-forward --- */

static void
TUF_FASTFORWARD_the_maximum_is_refused_without_a_root(void **state)
{
	struct made m = good();
	struct publish_opts o = {.force = true};
	struct publish_result r;
	uint8_t bytes[4096];

	(void)state;
	m.seq = UINT64_C(1) << 63;
	assert_int_equal(publish(&w, &m, NULL), ERR_POLICY);
	m.seq = 10;
	assert_int_equal(publish(&w, &m, NULL), 0);
	m = (struct made){.seq = 10 + w.app.conf.sequence_step + 1,
	    .uri = "coap://fw.example/b.bin", .size = 50,
	    .digest = upload(&w, 50, 2)};
	/* no author and no operator gets past it, */
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, NULL), ERR_POLICY);
	/* but a floor does */
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = m.seq,
	    .most = UINT64_MAX};
	memcpy(l.spec.floor[0].class_id, w.class_id, 16);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(publish(&w, &m, NULL), 0);
}

static void
TUF_FASTFORWARD_a_ceiling_repairs_a_burnt_class(void **state)
{
	struct store_device d = device(&w, "burnt", DRIVER_NONE);
	struct made m = good();
	struct resp resp;
	const struct catalog_release *cur;

	(void)state;
	w.app.conf.sequence_step = UINT32_MAX;
	m.seq = UINT32_MAX;
	assert_int_equal(publish(&w, &m, NULL), 0);
	d.have_seq = true;
	d.seq = UINT32_MAX;
	fleet_save(&w, &d);
	l.spec.floor_count = 1;
	l.spec.floor[0] = (struct trust_floor){.least = 1, .most = 1000};
	memcpy(l.spec.floor[0].class_id, w.class_id, 16);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_null(catalog_current(w.app.catalog, w.class_id));
	m = (struct made){.seq = 11, .uri = "coap://fw.example/b.bin",
	    .size = 50, .digest = upload(&w, 50, 2)};
	assert_int_equal(publish(&w, &m, NULL), 0);
	cur = catalog_current(w.app.catalog, w.class_id);
	assert_int_equal(cur->seq, 11);
	/* and the device that runs it is offered what is below */
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	assert_true(slice_eq(resp.body, cur->served));
}

/* --- what is served --- */

static void
REQ_SEC_KEY_ROTATION_what_a_removed_author_signed_is_not_served(void **state)
{
	struct made m = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_int_equal(image(&m), 0);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_null(catalog_by_id(w.app.catalog, r.release.id));
	assert_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(image(&m), ERR_STATE);
	assert_int_equal(err_coap(image_why(ERR_STATE)->err), 404);
	assert_non_null(catalog_refused(w.app.catalog, r.release.id));
	assert_int_equal(catalog_refusals(w.app.catalog), 1);
	/* back with a later list */
	list_add(&l, w.key, TRUST_AUTHOR);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_non_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(image(&m), 0);
	assert_null(catalog_refused(w.app.catalog, r.release.id));
}

static void
a_denied_manifest_gives_way_to_the_one_before(void **state)
{
	struct made m = good(), two = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	two.seq = 11; /* the same image */
	assert_int_equal(publish(&w, &two, &r), 0);
	l.spec.denied_count = 1;
	memcpy(l.spec.denied[0], r.release.digest, 32);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(catalog_current(w.app.catalog, w.class_id)->seq,
	    10);
	assert_int_equal(image(&m), 0); /* another release has it, too */
}

static void
observers_of_the_class_and_of_the_list_are_told(void **state)
{
	struct made m = good();
	char want[64], uuid[37];
	bool class_told = false, list_told = false;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	w.front.topics = 0;
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	snprintf(want, sizeof(want), "m/%s", text_uuid(w.class_id, uuid));
	for (size_t i = 0; i < w.front.topics; i++) {
		class_told |= strcmp(w.front.topic[i], want) == 0;
		list_told |= strcmp(w.front.topic[i], "k") == 0;
	}
	assert_true(class_told && list_told);
}

static void
it_is_enforced_after_a_restart(void **state)
{
	struct made m = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	catalog_free(w.app.catalog);
	assert_int_equal(catalog_new(&w.app.catalog), 0);
	w.app.conf.trust_root[0] = '\0'; /* it stays in force */
	assert_int_equal(begin(NULL), 0);
	assert_int_equal(trusted_seq(&w.app), 2);
	assert_int_equal(catalog_load(w.app.catalog, w.app.store), 0);
	assert_null(catalog_by_id(w.app.catalog, r.release.id));
	assert_int_equal(image(&m), ERR_STATE);
}

/* --- jobs --- */

static void
attempts_end_and_queues_wait_for_a_later_list(void **state)
{
	struct store_device a = device(&w, "a", DRIVER_TRIGGER);
	struct store_device b = device(&w, "b", DRIVER_TRIGGER);
	struct admission held;
	struct store_campaign c;
	struct made m = good();
	struct publish_result r;
	struct run *run;
	uint64_t room;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	c = campaign_for(&w, r.release.id, "concurrency=1");
	pass(&w, 1000);
	answer(&w, "suit/trigger", 204, "");
	assert_int_equal(last_job(&w, &a).state + last_job(&w, &b).state,
	    JOB_NOTIFIED + JOB_QUEUED);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	trusted_tick(w.app.trusted);
	turn(&w);
	if (last_job(&w, &a).state == JOB_QUEUED) {
		struct store_device swap = a;

		a = b;
		b = swap;
	}
	assert_int_equal(last_job(&w, &a).state, JOB_FAILED);
	assert_int_equal(last_job(&w, &a).reason, REASON_TRUST);
	assert_int_equal(last_job(&w, &a).last_fail, FAIL_POLICY);
	pass(&w, 10 * MINUTE);
	assert_int_equal(last_job(&w, &b).state, JOB_QUEUED);
	assert_int_equal(runs_get(&w.app, c.id, &run), 0);
	if (run->c.state == CAMPAIGN_RUNNING) {
		assert_int_equal(admit_campaign(&w.app, run, &held, &room),
		    0);
		assert_int_equal(held.hold, HOLD_TRUST);
	}
}

static void
explain_names_the_list_and_no_campaign_is_planned(void **state)
{
	static struct msg_explain m;
	struct campaign_spec spec = {.start = true};
	struct store_device d = device(&w, "a", DRIVER_NONE);
	struct req req = {.arg = {"a", ""}};
	struct store_campaign c;
	struct made g = good();
	struct publish_result r;
	struct resp resp;
	struct why why = {0};

	(void)state;
	(void)d;
	assert_int_equal(publish(&w, &g, &r), 0);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(ask(&w, res_admin_explain, &req, &resp), 0);
	assert_int_equal(msg_get(&msg_explain, buf_slice(&resp.out), &m,
	    NULL), 0);
	assert_string_equal(m.hold, hold_name(HOLD_TRUST));
	spec.release = r.release.id;
	assert_int_equal(campaign_plan(&w.app, &spec, &c, &why), ERR_POLICY);
}

static void
who_has_the_whole_image_is_left_to_say_what_became_of_it(void **state)
{
	struct store_device a = device(&w, "a", DRIVER_TRIGGER);
	struct made m = good();
	struct publish_result r;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	(void)campaign_for(&w, r.release.id, "");
	pass(&w, 1000);
	answer(&w, "suit/trigger", 204, "");
	fleet_type(&w, &a, TRACK_IMAGE_END);
	assert_int_equal(last_job(&w, &a).state, JOB_FETCHED);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	trusted_tick(w.app.trusted);
	turn(&w);
	assert_int_equal(last_job(&w, &a).state, JOB_FETCHED);
}

static void
a_poll_is_told_the_list_and_nothing_that_it_refuses(void **state)
{
	struct store_device d = device(&w, "a", DRIVER_NONE);
	struct made m = good();
	struct resp resp;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	assert_int_equal(fleet_poll(&w, &d, true, &resp), 0);
	assert_int_equal(resp.trust, 1);
	list_remove(&l, w.key);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(err_coap(fleet_poll(&w, &d, true, &resp)), 404);
	assert_int_equal(resp.trust, 2);
}

/* --- the list itself --- */

static void
TUF_ROLLBACK_lists_go_forward_one_by_one(void **state)
{
	struct slice two, one = slice_of(l.bytes, l.n);
	uint8_t first[LIMIT_TRUST_LIST], second[LIMIT_TRUST_LIST];
	size_t n = one.n;

	(void)state;
	memcpy(first, one.p, n);
	assert_int_equal(publish_list(slice_of(first, n)), ERR_EXISTS);
	two = list_make(&l);
	memcpy(second, two.p, two.n);
	two.p = second;
	list_make(&l); /* number 3 */
	assert_int_equal(publish_list(slice_of(l.bytes, l.n)), ERR_ORDER);
	assert_int_equal(publish_list(two), 0);
	assert_int_equal(publish_list(slice_of(l.bytes, l.n)), 0);
	assert_int_equal(publish_list(two), ERR_SEQUENCE);
	assert_int_equal(publish_list(slice_of(first, n)), ERR_SEQUENCE);
	assert_int_equal(trusted_seq(&w.app), 3);
}

static void
REQ_SEC_RIGHTS_one_root_of_two_is_not_enough(void **state)
{
	(void)state;
	assert_int_equal(publish_list(list_make_by(&l, 1)), ERR_SIGNATURE);
	assert_int_equal(trusted_seq(&w.app), 1);
}

static void
two_lists_in_one_turn_are_two_steps(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(trusted_publish(&w.app, list_make(&l), NULL, &why),
	    0);
	assert_int_equal(trusted_publish(&w.app, list_make(&l), NULL, &why),
	    0);
	assert_int_equal(trusted_seq(&w.app), 1);
	turn(&w);
	assert_int_equal(trusted_seq(&w.app), 3);
}

static void
each_list_has_an_entry_in_the_audit_log(void **state)
{
	struct store_audit_filter f = {.limit = 4, .kind = "trust.update"};
	struct audit_entry e[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(publish_list(list_make_by(&l, 1)), ERR_SIGNATURE);
	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, e, &n),
	    0);
	assert_int_equal(n, 2);
	assert_string_equal(e[0].subject, "1");
	assert_string_equal(e[0].who, ""); /* from the file */
	assert_string_equal(e[1].subject, "2");
	assert_string_equal(e[1].who, "anna");
	/* and is counted */
	assert_int_equal(w.app.counts.lists_taken, 1);
	assert_int_equal(w.app.counts.lists_refused, 1);
}

static void
none_is_taken_where_none_was_pinned(void **state)
{
	(void)state;
	trusted_free(w.app.trusted);
	w.app.trusted = NULL;
	assert_int_equal(publish_list(slice_of(l.bytes, l.n)), ERR_STATE);
}

static void
everybody_gets_every_list(void **state)
{
	struct slice two;
	struct req req = {.arg = {"1", ""}};
	struct resp resp;
	struct trust t;

	(void)state;
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(ask(&w, res_trust_one, &req, &resp), 0);
	assert_int_equal(trust_parse(buf_slice(&resp.out), &t, NULL), 0);
	assert_int_equal(t.seq, 1);
	assert_memory_equal(resp.etag, "\0\0\0\0\0\0\0\1", 8);
	req.arg[0] = "3";
	assert_int_equal(ask(&w, res_trust_one, &req, &resp),
	    ERR_NOT_FOUND);
	req.arg[0] = "0";
	assert_int_equal(ask(&w, res_trust_one, &req, &resp), ERR_INVALID);
	req.arg[0] = "";
	assert_int_equal(ask(&w, res_trust, &req, &resp), 0);
	two = slice_of(l.bytes, l.n);
	assert_true(slice_eq(resp.body, two));
	assert_int_equal(resp.cf, CF_COSE_SIGN);
	assert_memory_equal(resp.etag, "\0\0\0\0\0\0\0\2", 8);
}

/* --- start --- */

static void
another_list_than_the_store_began_with_stops_the_start(void **state)
{
	struct lister other;
	struct why why = {0};

	(void)state;
	list_init(&other);
	put_file(root, list_make(&other));
	assert_int_equal(begin(&why), ERR_CONFLICT);
	put_file(root, list_make_by(&other, 1)); /* not even consistent */
	assert_int_equal(begin(&why), ERR_SIGNATURE);
	list_fini(&other);
}

static void
REQ_SEC_KEY_PROTECTION_no_author_or_root_key_lies_here(void **state)
{
	struct cose_key *own;
	struct why why = {0};
	char conf_dir[160], conf[200], key[200];

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &own), 0);
	put_key(lies, own); /* of nobody in the list */
	assert_int_equal(begin(&why), 0);
	put_key(lies, bob);
	assert_int_equal(begin(&why), ERR_POLICY);
	put_key(lies, l.root[2]);
	assert_int_equal(begin(&why), ERR_POLICY);
	assert_int_equal(unlink(lies), 0);
	/* beside the configuration */
	snprintf(conf_dir, sizeof(conf_dir), "%s/etc", w.dir);
	snprintf(conf, sizeof(conf), "%s/suitd.conf", conf_dir);
	snprintf(key, sizeof(key), "%s/whatever", conf_dir);
	assert_int_equal(mkdir(conf_dir, 0700), 0);
	put_key(key, w.key);
	assert_int_equal(begin(&why), 0);
	w.app.conf_file = conf;
	assert_int_equal(begin(&why), ERR_POLICY);
	w.app.conf_file = NULL;
	/* among the credentials */
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", conf_dir, 1), 0);
	assert_int_equal(begin(&why), ERR_POLICY);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(begin(&why), 0);
	cose_key_free(own);
}

static void
REQ_SEC_KEY_PROTECTION_a_list_that_names_a_key_of_ours_is_refused(
    void **state)
{
	struct cose_key *own;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &own), 0);
	put_key(lies, own);
	list_add(&l, own, TRUST_AUTHOR);
	assert_int_equal(publish_list(list_make(&l)), ERR_POLICY);
	assert_int_equal(trusted_seq(&w.app), 1);
	cose_key_free(own);
}

/* --- freshness --- */

static int
nonce(struct req *req, struct resp *resp)
{
	static uint8_t bytes[128];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct fresh_ask a = {.nonce = slice_str("eight bytes and more"),
	    .class_count = 1};

	memcpy(a.class_id[0], w.class_id, 16);
	fresh_ask_put(&a, &b);
	*req = from;
	req->method = M_POST;
	req->body = buf_slice(&b);
	return ask(&w, res_trust_now, req, resp);
}

static void
TUF_FREEZE_a_nonce_gets_what_is_current(void **state)
{
	struct cose_key *key;
	struct made m = good();
	struct why why = {0};
	struct fresh f;
	struct req req;
	struct resp resp;
	uint64_t seq;

	(void)state;
	assert_int_equal(nonce(&req, &resp), ERR_NOT_FOUND);
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &key), 0);
	put_key(lies, key);
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(&why), 0);
	/* not yet in the list */
	assert_int_equal(nonce(&req, &resp), ERR_NOT_FOUND);
	list_add(&l, key, TRUST_FRESHNESS);
	assert_int_equal(publish_list(list_make(&l)), 0);
	assert_int_equal(publish(&w, &m, NULL), 0);
	assert_int_equal(nonce(&req, &resp), 0);
	assert_int_equal(resp.cf, CF_COSE_SIGN1);
	assert_int_equal(fresh_verify(buf_slice(&resp.out),
	    trusted_list(&w.app), &f, &why), 0);
	assert_true(slice_eq_str(f.nonce, "eight bytes and more"));
	assert_int_equal(f.list, 2);
	assert_true(fresh_seq(&f, w.class_id, &seq));
	assert_int_equal(seq, 10);
	cose_key_free(key);
}

static struct cose_key *
fresh_key(void)
{
	struct cose_key *key;

	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &key), 0);
	put_key(lies, key);
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(NULL), 0);
	list_add(&l, key, TRUST_FRESHNESS);
	assert_int_equal(publish_list(list_make(&l)), 0);
	return key;
}

/* How many answers `from` gets, of network i of 10.0.0.0/8 or device i, or
 * all for one: that of the first. */
static unsigned
answers(enum transport t, bool device, unsigned n, bool one)
{
	struct resp resp;
	struct req req;
	unsigned got = 0;
	int rc;

	for (unsigned i = 1; i <= n; i++) {
		unsigned who = one ? 1 : i;

		from = (struct req){.transport = t};
		from.who.device = device ? who : 0;
		snprintf(from.addr, sizeof(from.addr), "10.%u.%u.9", who / 256,
		    who % 256);
		rc = nonce(&req, &resp);
		if (rc != ERR_LIMIT)
			assert_int_equal(rc, 0);
		got += rc == 0;
	}
	return got;
}

/* Strangers, those who have shown their address, and those with a key. */
static void
DOS_SIGNATURES_answers_to_nonces_are_capped(void **state)
{
	struct cose_key *key = fresh_key();

	(void)state;
	assert_int_equal(answers(T_UDP, false, LIMIT_FRESH_RATE, false),
	    LIMIT_FRESH_RATE / 2);
	assert_int_equal(answers(T_TCP, false, LIMIT_FRESH_RATE, false),
	    LIMIT_FRESH_RATE / 4);
	assert_int_equal(answers(T_DTLS, true, LIMIT_FRESH_RATE, false),
	    LIMIT_FRESH_RATE / 4);
	assert_int_equal(w.app.counts.fresh_signed, LIMIT_FRESH_RATE);
	assert_int_equal(w.app.counts.fresh_refused, 2 * LIMIT_FRESH_RATE);
	w.loop.now += 1000;
	assert_int_equal(answers(T_DTLS, true, LIMIT_FRESH_RATE + 1, false),
	    LIMIT_FRESH_RATE);
	cose_key_free(key);
}

static void
DOS_SIGNATURES_strangers_cannot_take_a_devices_answers(void **state)
{
	struct cose_key *key = fresh_key();

	(void)state;
	for (unsigned s = 0; s < 5; s++) {
		assert_true(answers(T_UDP, false, 2000, false) >= 100);
		assert_int_equal(answers(T_DTLS, true, 20, false), 20);
		assert_int_equal(answers(T_TCP, false, 20, false), 20);
		w.loop.now += 1000;
	}
	cose_key_free(key);
}

static void
DOS_LIMITS_one_network_and_one_device_have_their_own_caps(void **state)
{
	struct cose_key *key = fresh_key();

	(void)state;
	assert_int_equal(answers(T_UDP, false, LIMIT_FRESH_NETWORK + 1, true),
	    LIMIT_FRESH_NETWORK);
	assert_int_equal(answers(T_TCP, false, LIMIT_FRESH_NETWORK + 1, true),
	    LIMIT_FRESH_NETWORK);
	assert_int_equal(answers(T_DTLS, true, LIMIT_FRESH_DEVICE + 1, true),
	    LIMIT_FRESH_DEVICE);
	w.loop.now += 1000;
	assert_int_equal(answers(T_DTLS, true, 1, true), 1);
	cose_key_free(key);
}

static void
REQ_SEC_KEY_PROTECTION_the_freshness_key_can_do_nothing_else(void **state)
{
	struct cose_key *key;
	struct why why = {0};

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &key), 0);
	list_add(&l, key, TRUST_AUTHOR);
	assert_int_equal(publish_list(list_make(&l)), 0);
	put_key(lies, key);
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(&why), ERR_POLICY);
	cose_key_free(key);
}

static void
TUF_KEYCOMPROMISE_without_its_freshness_key_the_list_still_holds(void **state)
{
	struct why why = {0};

	(void)state;
	/* nobody may lift the list by taking a file away */
	strcpy(w.app.conf.freshness_key, lies);
	assert_int_equal(begin(&why), ERR_IO);
	assert_null(w.app.trusted);
	put_file(lies, slice_str("junk"));
	assert_int_equal(chmod(lies, 0600), 0);
	assert_int_not_equal(begin(&why), 0);
	w.app.conf.freshness_key[0] = '\0';
	assert_int_equal(begin(&why), 0);
	assert_int_equal(trusted_seq(&w.app), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(REQ_SEC_RIGHTS_authors_are_those_of_the_list_alone),
		T(nobody_adds_an_author_past_the_list),
		T(the_authors_that_are_shown_are_those_of_the_list),
		T(allow_unsigned_says_nothing_beside_a_list),
		T(REQ_SEC_ACCESS_CONTROL_an_author_keeps_to_his_classes),
		T(every_refusal_by_the_list_is_4_03),
		T(TUF_FASTFORWARD_the_maximum_is_refused_without_a_root),
		T(TUF_FASTFORWARD_a_ceiling_repairs_a_burnt_class),
		T(REQ_SEC_KEY_ROTATION_what_a_removed_author_signed_is_not_served),
		T(a_denied_manifest_gives_way_to_the_one_before),
		T(observers_of_the_class_and_of_the_list_are_told),
		T(it_is_enforced_after_a_restart),
		T(attempts_end_and_queues_wait_for_a_later_list),
		T(explain_names_the_list_and_no_campaign_is_planned),
		T(who_has_the_whole_image_is_left_to_say_what_became_of_it),
		T(a_poll_is_told_the_list_and_nothing_that_it_refuses),
		T(TUF_ROLLBACK_lists_go_forward_one_by_one),
		T(REQ_SEC_RIGHTS_one_root_of_two_is_not_enough),
		T(two_lists_in_one_turn_are_two_steps),
		T(each_list_has_an_entry_in_the_audit_log),
		T(none_is_taken_where_none_was_pinned),
		T(everybody_gets_every_list),
		T(another_list_than_the_store_began_with_stops_the_start),
		T(REQ_SEC_KEY_PROTECTION_no_author_or_root_key_lies_here),
		T(REQ_SEC_KEY_PROTECTION_a_list_that_names_a_key_of_ours_is_refused),
		T(TUF_FREEZE_a_nonce_gets_what_is_current),
		T(DOS_SIGNATURES_answers_to_nonces_are_capped),
		T(DOS_SIGNATURES_strangers_cannot_take_a_devices_answers),
		T(DOS_LIMITS_one_network_and_one_device_have_their_own_caps),
		T(REQ_SEC_KEY_PROTECTION_the_freshness_key_can_do_nothing_else),
		T(TUF_KEYCOMPROMISE_without_its_freshness_key_the_list_still_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
