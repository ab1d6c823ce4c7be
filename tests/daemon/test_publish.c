/*
 * The gate: each refusal alone, with everything else right.
 */
#include "daemon/image.h"
#include "tests/daemon/fake.h"

#define URI "coap://fw.example/a.bin"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static struct made
good(void)
{
	return (struct made){
		.seq = 10, .uri = URI, .size = 100,
		.digest = upload(&w, 100, 1),
	};
}

/* What i/{d} with these bytes of a digest serves. */
static int
prefix(struct slice bytes, uint8_t ret_digest[32])
{
	size_t n, at;
	const struct image_name *img = catalog_images(w.app.catalog, &n);
	int rc = image_find(img, n, bytes, &at);

	if (rc == 0)
		memcpy(ret_digest, img[at].digest, 32);
	return rc;
}

static void
a_good_one_is_served_under_every_name(void **state)
{
	struct made m = good();
	struct publish_result r;
	const struct catalog_release *c;
	uint8_t digest[32];

	(void)state;
	m.version = "1.2.0";
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_int_equal(r.release.image_bytes, 100);
	assert_string_equal(r.release.label, "1.2.0");
	assert_string_equal(r.release.author, "alice");
	assert_int_equal(r.payload_count, 1);
	assert_false(r.payload[0].external);
	c = catalog_current(w.app.catalog, w.class_id);
	assert_non_null(c);
	assert_int_equal(c->seq, 10);
	assert_ptr_equal(c, catalog_by_id(w.app.catalog, r.release.id));
	assert_ptr_equal(c, catalog_by_digest(w.app.catalog,
	    r.release.digest));
	assert_int_equal(catalog_path(w.app.catalog, "a.bin", digest), 0);
	assert_memory_equal(digest, m.digest.b, 32);
	assert_int_equal(prefix(slice_of(m.digest.b, 9), digest), 0);
	assert_memory_equal(digest, m.digest.b, 32);
}

static void
it_tells_observers_of_the_class_and_the_log(void **state)
{
	struct made m = good();
	struct store_event ev[4];
	struct store_event_filter f = {.limit = 4, .newest_first = true};
	char want[64], uuid[37];
	bool told = false;
	size_t n;

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	snprintf(want, sizeof(want), "m/%s", text_uuid(w.class_id, uuid));
	for (size_t i = 0; i < w.front.topics; i++)
		told |= strcmp(w.front.topic[i], want) == 0;
	assert_true(told);
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, ev,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(ev[0].what, "published");
}

static void
REQ_SEC_MFST_CHECK_garbage(void **state)
{
	struct publish_opts o = {0};
	struct publish_result r;
	struct why why = {0};
	int rc;

	(void)state;
	rc = publish_envelope(&w.app, slice_str("no manifest"), &o, &r, &why);
	assert_int_not_equal(rc, 0);
	assert_int_equal(why.err, rc);
	assert_true(why.text[0] != '\0');
}

static void
an_envelope_over_the_cap(void **state)
{
	struct made m = good();
	uint8_t bytes[4096];
	struct slice s = made(&w, &m, bytes, sizeof(bytes));
	struct publish_opts o = {0};
	struct publish_result r;

	(void)state;
	w.app.conf.envelope_max = s.n - 1;
	assert_int_equal(publish_envelope(&w.app, s, &o, &r, NULL), ERR_SIZE);
	w.app.conf.envelope_max = s.n;
	assert_int_equal(publish_envelope(&w.app, s, &o, &r, NULL), 0);
	turn(&w);
}

static void
REQ_SEC_AUTHENTIC_a_key_of_nobody(void **state)
{
	struct made m = good();
	struct cose_key *key;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &key), 0);
	m.key = key;
	assert_int_equal(publish(&w, &m, NULL), ERR_SIGNATURE);
	cose_key_free(key);
}

static void
REQ_SEC_AUTHENTIC_one_bit_of_the_manifest(void **state)
{
	struct made m = good();
	uint8_t bytes[4096];
	struct slice s = made(&w, &m, bytes, sizeof(bytes));
	struct publish_opts o = {0};
	struct publish_result r;

	(void)state;
	bytes[s.n - 1] ^= 1; /* in the URI, at the end */
	assert_int_equal(publish_envelope(&w.app, s, &o, &r, NULL),
	    ERR_DIGEST);
}

static void
REQ_SEC_ACCESS_CONTROL_a_class_that_the_author_may_not(void **state)
{
	struct made m = good();
	struct store_author a;
	struct store *s = w.app.store;

	(void)state;
	assert_int_equal(s->ops->author_get(s, "alice", &a), 0);
	a.class_count = 1;
	memset(a.class_id[0], 0xee, 16);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, s->ops->author_put(s, &a)),
	    0);
	turn(&w);
	assert_int_equal(publish(&w, &m, NULL), ERR_CLASS);
	m.class_id = a.class_id[0];
	assert_int_equal(publish(&w, &m, NULL), 0);
}

static void
REQ_SEC_AUTH_COMPATIBILITY_no_class_at_all(void **state)
{
	struct made m = good();

	(void)state;
	m.no_class = true;
	assert_int_equal(publish(&w, &m, NULL), ERR_MISSING);
}

static void
REQ_SEC_SEQUENCE_a_sequence_that_is_not_above(void **state)
{
	struct made m = good(), next = good();

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	next.digest = upload(&w, 200, 2);
	next.size = 200;
	next.uri = "coap://fw.example/b.bin";
	assert_int_equal(publish(&w, &next, NULL), ERR_SEQUENCE);
	next.seq = 9;
	assert_int_equal(publish(&w, &next, NULL), ERR_SEQUENCE);
	next.seq = 11;
	assert_int_equal(publish(&w, &next, NULL), 0);
}

static void
TUF_FASTFORWARD_a_sequence_that_locks_the_class(void **state)
{
	struct made m = good(), next = good();
	struct publish_opts o = {.force = true};
	struct publish_result r;
	uint8_t bytes[4096];

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	next.seq = 10 + w.app.conf.sequence_step + 1;
	assert_int_equal(publish(&w, &next, NULL), ERR_POLICY);
	assert_int_equal(publish_envelope(&w.app, made(&w, &next, bytes,
	    sizeof(bytes)), &o, &r, NULL), 0);
	turn(&w);
	next.seq += w.app.conf.sequence_step;
	assert_int_equal(publish(&w, &next, NULL), 0);
}

static void
the_same_again(void **state)
{
	struct made m = good();
	struct publish_opts o = {0};
	struct publish_result a, b;
	uint8_t bytes[4096];
	struct slice s = made(&w, &m, bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(publish_envelope(&w.app, s, &o, &a, NULL), 0);
	turn(&w);
	assert_int_equal(publish_envelope(&w.app, s, &o, &b, NULL),
	    ERR_EXISTS);
	assert_int_equal(a.release.id, b.release.id);
}

static void
TUF_EXTRANEOUS_an_image_that_was_not_uploaded(void **state)
{
	struct made m = good();

	(void)state;
	m.digest.b[0] ^= 1;
	assert_int_equal(publish(&w, &m, NULL), ERR_DIGEST);
}

static void
REQ_SEC_IMG_COMPLETE_DIGEST_an_image_of_another_size(void **state)
{
	struct made m = good();

	(void)state;
	m.size = 101;
	assert_int_equal(publish(&w, &m, NULL), ERR_SIZE);
}

static void
REQ_SEC_MFST_CHECK_a_path_of_the_server_itself(void **state)
{
	struct made m = good();

	(void)state;
	m.uri = "coap://fw.example/rd/a.bin";
	assert_int_equal(publish(&w, &m, NULL), ERR_CONFLICT);
	m.uri = "coap://fw.example/i/AAAAAAAAAAAA";
	assert_int_equal(publish(&w, &m, NULL), ERR_CONFLICT);
	m.uri = "coap://fw.example/.well-known/core";
	assert_int_equal(publish(&w, &m, NULL), ERR_CONFLICT);
	m.uri = "coap://fw.example/k";
	assert_int_equal(publish(&w, &m, NULL), ERR_CONFLICT);
	m.uri = "coap://fw.example/kit/a.bin";
	assert_int_equal(publish(&w, &m, NULL), 0);
}

static void
the_content_address_is_a_path(void **state)
{
	struct made m = good();
	char uri[96], d64[64];

	(void)state;
	snprintf(uri, sizeof(uri), "coap://fw.example/i/%s",
	    text_b64u(slice_of(m.digest.b, 9), d64, sizeof(d64)));
	m.uri = uri;
	assert_int_equal(publish(&w, &m, NULL), 0);
}

static void
REQ_SEC_MFST_CONST_a_path_that_serves_other_bytes(void **state)
{
	struct made m = good(), next = good();

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	next.seq = 11;
	next.digest = upload(&w, 300, 3);
	next.size = 300;
	assert_int_equal(publish(&w, &next, NULL), ERR_CONFLICT);
	/* also when what it served was withdrawn since */
	assert_int_equal(publish_withdraw(&w.app, catalog_current(
	    w.app.catalog, w.class_id)->id, NULL), 0);
	turn(&w);
	assert_int_equal(publish(&w, &next, NULL), ERR_CONFLICT);
}

static void
REQ_SEC_AUTH_REMOTE_LOC_relative_is_here_elsewhere_is_noted(void **state)
{
	struct made m = good();
	struct publish_result r;
	uint8_t digest[32];

	(void)state;
	m.uri = "/fw/a.bin";
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_int_equal(catalog_path(w.app.catalog, "fw/a.bin", digest), 0);
	m.seq = 11;
	m.uri = "coap://other.example/x.bin";
	m.digest.b[0] ^= 1; /* nobody uploaded that */
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_true(r.payload[0].external);
	assert_int_equal(r.note_count, 1);
	assert_int_equal(catalog_path(w.app.catalog, "x.bin", digest),
	    ERR_NOT_FOUND);
	/* an upload of the digest makes it ours, whatever host we have */
	m.digest.b[0] ^= 1;
	m.seq = 12;
	assert_int_equal(publish(&w, &m, &r), 0);
	assert_false(r.payload[0].external);
	assert_int_equal(catalog_path(w.app.catalog, "x.bin", digest), 0);
}

static void
a_refusal_need_not_wait_for_the_upload(void **state)
{
	struct publish_opts o = {.dry_run = true, .before_upload = true};
	struct made m = good();
	struct publish_result r;
	uint8_t bytes[4096];
	struct why why;

	(void)state;
	m.digest.b[0] ^= 1; /* not there yet */
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, &why), 0);
	assert_int_equal(publish(&w, &m, NULL), ERR_DIGEST);
	m.uri = "coap://fw.example/rd";
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, &why), ERR_CONFLICT);
	m = good();
	assert_int_equal(publish(&w, &m, NULL), 0);
	m.seq = 9;
	m.digest.b[0] ^= 1;
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, &why), ERR_SEQUENCE);
}

static void
REQ_SEC_MFST_CHECK_a_dry_run_stores_nothing(void **state)
{
	struct made m = good();
	struct publish_opts o = {.dry_run = true};
	struct publish_result r;
	uint8_t bytes[4096];

	(void)state;
	assert_int_equal(publish_envelope(&w.app, made(&w, &m, bytes,
	    sizeof(bytes)), &o, &r, NULL), 0);
	turn(&w);
	assert_int_equal(catalog_count(w.app.catalog), 0);
	assert_int_equal(publish(&w, &m, &r), 0);
}

static void
withdrawn_is_gone_unless_another_needs_it(void **state)
{
	struct made a = good(), b = good();
	struct publish_result ra, rb;
	uint8_t digest[32];
	struct why why;

	(void)state;
	assert_int_equal(publish(&w, &a, &ra), 0);
	b.seq = 11;
	b.uri = "coap://fw.example/b.bin"; /* the same bytes */
	assert_int_equal(publish(&w, &b, &rb), 0);
	assert_int_equal(publish_withdraw(&w.app, rb.release.id, &why), 0);
	turn(&w);
	assert_int_equal(publish_withdraw(&w.app, rb.release.id, &why),
	    ERR_STATE);
	assert_int_equal(catalog_current(w.app.catalog, w.class_id)->seq, 10);
	assert_int_equal(catalog_path(w.app.catalog, "b.bin", digest), 0);
	assert_int_equal(publish_withdraw(&w.app, ra.release.id, &why), 0);
	turn(&w);
	assert_null(catalog_current(w.app.catalog, w.class_id));
	assert_int_equal(catalog_path(w.app.catalog, "a.bin", digest),
	    ERR_STATE);
	assert_int_equal(prefix(slice_of(a.digest.b, 32), digest), ERR_STATE);
	assert_int_equal(publish_withdraw(&w.app, 99, &why), ERR_NOT_FOUND);
}

static void
withdrawal_frees_devices_that_came_by_themselves(void **state)
{
	uint64_t one = released(&w, 1, "coap://fw.example/1.bin", 100);
	uint64_t two = released(&w, 2, "coap://fw.example/2.bin", 100);
	struct store_device a = device(&w, "a", DRIVER_NONE);
	struct store_device b = device(&w, "b", DRIVER_NONE);
	struct store_release r;
	struct store *s = w.app.store;

	(void)state;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(s->ops->release_get(s, one, &r), 0);
	assert_int_equal(engine_job_new(w.app.engine, &a, &r, NULL), 0);
	assert_int_equal(s->ops->release_get(s, two, &r), 0);
	assert_int_equal(engine_job_new(w.app.engine, &b, &r, NULL), 0);
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	turn(&w);
	assert_int_equal(publish_withdraw(&w.app, two, NULL), 0);
	turn(&w);
	assert_int_equal(last_job(&w, &b).state, JOB_CANCELLED);
	assert_int_equal(last_job(&w, &b).reason, REASON_WITHDRAWN);
	assert_int_equal(last_job(&w, &a).state, JOB_QUEUED);
}

static void
withdrawal_ends_its_campaigns(void **state)
{
	struct store_device d = device(&w, "dev", DRIVER_TRIGGER);
	struct made m = good();
	struct publish_result r;
	struct store_campaign c;
	struct why why;
	struct job j;

	(void)state;
	assert_int_equal(publish(&w, &m, &r), 0);
	c = campaign_for(&w, r.release.id, "");
	assert_int_equal(publish_withdraw(&w.app, r.release.id, &why), 0);
	turn(&w);
	pass(&w, 1000); /* a slice of its work */
	j = last_job(&w, &d);
	assert_int_equal(j.state, JOB_CANCELLED);
	assert_int_equal(j.reason, REASON_WITHDRAWN);
	assert_int_equal(w.app.store->ops->campaign_get(w.app.store,
	    c.id, &c), 0);
	assert_int_equal(c.state, CAMPAIGN_ABORTED);
}

static void
prefixes_are_long_enough_and_of_one_image(void **state)
{
	struct made m = good();
	uint8_t digest[32];

	(void)state;
	assert_int_equal(publish(&w, &m, NULL), 0);
	assert_int_equal(prefix(slice_of(m.digest.b, 8), digest), ERR_RANGE);
	assert_int_equal(prefix(slice_of(m.digest.b, 32), digest), 0);
	m.digest.b[8] ^= 1;
	assert_int_equal(prefix(slice_of(m.digest.b, 9), digest), ERR_NOT_FOUND);
}

static void
riot_gets_a_severed_copy(void **state)
{
	struct made m = good();
	const struct catalog_release *r;
	struct store_author a = {.name = "ed"};
	struct buf b = buf_of(a.key, sizeof(a.key));
	struct cose_key *key;
	struct manifest seen;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_ED25519, &key), 0);
	assert_int_equal(cose_key_id(key, a.kid), 0);
	assert_int_equal(cose_key_put_cose(key, &b), 0);
	a.key_len = b.n;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->author_put(w.app.store, &a)), 0);
	turn(&w);
	m.dialect = MANIFEST_RIOT09;
	m.key = key;
	assert_int_equal(publish(&w, &m, NULL), 0);
	r = catalog_current(w.app.catalog, w.class_id);
	assert_non_null(r);
	assert_int_equal(manifest_parse(r->served, &seen, NULL), 0);
	assert_int_equal(seen.dialect, MANIFEST_RIOT09);
	cose_key_free(key);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_good_one_is_served_under_every_name),
		T(it_tells_observers_of_the_class_and_the_log),
		T(REQ_SEC_MFST_CHECK_garbage),
		T(an_envelope_over_the_cap),
		T(REQ_SEC_AUTHENTIC_a_key_of_nobody),
		T(REQ_SEC_AUTHENTIC_one_bit_of_the_manifest),
		T(REQ_SEC_ACCESS_CONTROL_a_class_that_the_author_may_not),
		T(REQ_SEC_AUTH_COMPATIBILITY_no_class_at_all),
		T(REQ_SEC_SEQUENCE_a_sequence_that_is_not_above),
		T(TUF_FASTFORWARD_a_sequence_that_locks_the_class),
		T(the_same_again),
		T(TUF_EXTRANEOUS_an_image_that_was_not_uploaded),
		T(REQ_SEC_IMG_COMPLETE_DIGEST_an_image_of_another_size),
		T(REQ_SEC_MFST_CHECK_a_path_of_the_server_itself),
		T(the_content_address_is_a_path),
		T(REQ_SEC_MFST_CONST_a_path_that_serves_other_bytes),
		T(REQ_SEC_AUTH_REMOTE_LOC_relative_is_here_elsewhere_is_noted),
		T(a_refusal_need_not_wait_for_the_upload),
		T(REQ_SEC_MFST_CHECK_a_dry_run_stores_nothing),
		T(withdrawn_is_gone_unless_another_needs_it),
		T(withdrawal_ends_its_campaigns),
		T(withdrawal_frees_devices_that_came_by_themselves),
		T(prefixes_are_long_enough_and_of_one_image),
		T(riot_gets_a_severed_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
