/* The trust list in force: which manifests are taken, and of whom. */
#include "daemon/res_admin.h"
#include "tests/daemon/trusted_world.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
