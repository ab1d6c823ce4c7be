/* Many devices in one request: all of its rows or none, once or again. */
#include "tests/daemon/fake.h"

#include "daemon/res_admin.h"

static struct world w;
static struct resp resp;
static struct msg_import in;
static struct msg_imported out;

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	w.app.conf.devices_max = 1000;
	memset(&in, 0, sizeof(in));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static struct msg_import_row *
row(const char *ep, const char *key)
{
	struct msg_import_row *r = &in.row[in.row_count++];

	snprintf(r->ep, sizeof(r->ep), "%s", ep);
	r->key_len = strlen(key);
	memcpy(r->key, key, r->key_len);
	return r;
}

static int
post(struct slice body)
{
	struct req rq = {.method = M_POST, .transport = T_ADMIN,
	    .body = body};
	struct why why;
	int rc;

	strcpy(rq.who.identity, "admin");
	rc = ask(&w, res_admin_devices, &rq, &resp);
	turn(&w);
	if (rc == 0)
		assert_int_equal(msg_get(&msg_imported, buf_slice(&resp.out),
		    &out, &why), 0);
	return rc;
}

static int
import(void)
{
	static uint8_t wire[LIMIT_BODY_MEM];
	struct buf b = buf_of(wire, sizeof(wire));

	msg_put_cbor(&msg_import, &in, &b);
	assert_false(b.over);
	return post(buf_slice(&b));
}

static uint64_t
devices(void)
{
	struct store_stats st;

	w.app.store->ops->stats(w.app.store, &st);
	return st.devices;
}

static void
sums(bool done, unsigned added, unsigned changed, unsigned same)
{
	assert_int_equal(import(), 0);
	assert_int_equal(out.done, done);
	assert_int_equal(out.added, added);
	assert_int_equal(out.changed, changed);
	assert_int_equal(out.same, same);
}

static void
rows_are_added_changed_and_left(void **state)
{
	struct msg_import_row *a, *b;

	(void)state;
	a = row("a", "0123456789abcdef");
	b = row("b", "");
	row("c", "");
	strcpy(b->tag[0].name, "x");
	strcpy(b->tag[0].value, "1");
	b->tag_count = 1;
	sums(true, 3, 0, 0);
	w.front.forgot[0] = '\0';
	sums(true, 0, 0, 3);
	assert_string_equal(w.front.forgot, ""); /* sessions go on */
	strcpy(b->tag[0].value, "2");
	a->key[0] = 'x';
	sums(true, 0, 2, 1);
	assert_string_equal(w.front.forgot, "a ");
}

static void
one_bad_row_is_the_end_of_all(void **state)
{
	(void)state;
	row("a", "");
	row("b", "short");
	row("c d", "");
	row("e", "");
	assert_int_equal(import(), 0);
	assert_false(out.done);
	assert_int_equal(out.error_count, 2);
	assert_int_equal(out.error[0].row, 1);
	assert_int_equal(out.error[1].row, 2);
	assert_int_equal(devices(), 0);
}

static void
rows_that_share_a_key_are_taken_and_named(void **state)
{
	struct msg_import_row *a, *c;

	(void)state;
	a = row("a", "0123456789abcdef");
	row("b", "fedcba9876543210");
	c = row("c", "0123456789abcdef");
	sums(true, 3, 0, 0);
	assert_int_equal(out.shared, 1);
	assert_int_equal(out.shares_len, 3);
	assert_memory_equal(out.shares, "\0\0\1", 3);
	assert_int_equal(audited(&w, "device.twin", "c"), 1);
	assert_int_equal(audited(&w, "device.twin", "a"), 0);
	sums(true, 0, 0, 3); /* no news */
	assert_int_equal(out.shared, 0);
	assert_int_equal(out.shares_len, 0);
	a->key[0] = 'x';
	c->key[0] = 'y';
	sums(true, 0, 2, 1);
	assert_int_equal(out.shared, 0);
	in.dry = true;
	memcpy(a->key, "fedcba9876543210", 16);
	sums(false, 0, 1, 2);
	assert_int_equal(out.shared, 1);
	assert_memory_equal(out.shares, "\1\0\0", 3);
	assert_int_equal(audited(&w, "device.twin", "a"), 0);
}

static void
a_dry_run_looks_only(void **state)
{
	(void)state;
	in.dry = true;
	row("a", "0123456789abcdef");
	sums(false, 1, 0, 0);
	assert_int_equal(out.error_count, 0);
	assert_int_equal(devices(), 0);
}

static void
a_key_for_who_has_none_is_not_taken_by_who_has_one(void **state)
{
	struct msg_import_row *r = row("a", "0123456789abcdef");

	(void)state;
	r->if_none = true;
	sums(true, 1, 0, 0);
	assert_int_equal(out.kept[0], 0);
	sums(true, 0, 0, 1); /* it is that one: no news for its sender */
	assert_int_equal(out.kept[0], 0);
	r->key[0] = 'x';
	sums(true, 0, 0, 1);
	assert_int_equal(out.kept[0], 1);
	r->key_len = 0;
	assert_int_equal(import(), 0);
	assert_int_equal(out.error_count, 1);
}

static void
an_identity_twice_in_a_request_is_refused(void **state)
{
	(void)state;
	strcpy(row("a", "0123456789abcdef")->identity, "same");
	strcpy(row("b", "0123456789abcdef")->identity, "same");
	assert_int_equal(import(), 0);
	assert_int_equal(out.error_count, 1);
	assert_int_equal(out.error[0].row, 1);
	assert_int_equal(devices(), 0);
}

static void
a_request_has_its_caps(void **state)
{
	char ep[16];

	(void)state;
	for (int i = 0; i < LIMIT_IMPORT_ROWS; i++) {
		snprintf(ep, sizeof(ep), "d%d", i);
		row(ep, "0123456789abcdef");
	}
	w.app.conf.devices_max = LIMIT_IMPORT_ROWS - 1;
	assert_int_equal(import(), 0);
	assert_int_equal(out.error_count, 1);
	assert_int_equal(out.error[0].row, LIMIT_IMPORT_ROWS - 1);
	w.app.conf.devices_max = LIMIT_IMPORT_ROWS;
	sums(true, LIMIT_IMPORT_ROWS, 0, 0);
	/* again, with other keys, so that each had one */
	for (int i = 0; i < LIMIT_IMPORT_ROWS; i++)
		in.row[i].key[0] = 'x';
	sums(true, 0, LIMIT_IMPORT_ROWS, 0);
	/* more errors than are told */
	for (int i = 0; i < LIMIT_IMPORT_ROWS; i++)
		in.row[i].key_len = 1;
	assert_int_equal(import(), 0);
	assert_int_equal(out.error_count, LIMIT_IMPORT_ERRORS);
}

/* What is told of a row, by the identity that it names. */
static void
an_error_is_cut_at_its_cap(void **state)
{
	char whole[2 * LIMIT_IMPORT_TEXT];

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		char identity[LIMIT_PSK_IDENTITY + 1] = "";
		size_t n;

		snprintf(whole, sizeof(whole), "the identity %s is another "
		    "device's", identity);
		n = LIMIT_IMPORT_TEXT + more - strlen(whole);
		assert_true(n < sizeof(identity));
		memset(identity, 'i', n);
		identity[n] = '\0';
		in.row_count = 0;
		strcpy(row(more ? "c" : "a", "0123456789abcdef")->identity,
		    identity);
		sums(true, 1, 0, 0);
		in.row_count = 0;
		strcpy(row("b", "0123456789abcdef")->identity, identity);
		assert_int_equal(import(), 0);
		assert_int_equal(out.error_count, 1);
		assert_int_equal(strlen(out.error[0].text),
		    LIMIT_IMPORT_TEXT);
		assert_int_equal(out.error[0].text[LIMIT_IMPORT_TEXT - 1],
		    more ? '\'' : 's');
	}
}

/* {"rows": [{"ep": "a"}, ...]}, one more than there may be */
static void
one_row_too_many_is_refused(void **state)
{
	static uint8_t wire[LIMIT_BODY_MEM];
	struct buf b = buf_of(wire, sizeof(wire));

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		b.n = 0;
		buf_puts(&b, "\xa1\x64rows\x98");
		buf_put_u8(&b, (uint8_t)(LIMIT_IMPORT_ROWS + more));
		for (unsigned i = 0; i < LIMIT_IMPORT_ROWS + more; i++)
			buf_puts(&b, "\xa1\x62" "ep\x61" "a");
		if (more == 0)
			assert_int_equal(post(buf_slice(&b)), 0);
		else
			assert_int_equal(post(buf_slice(&b)), ERR_SIZE);
	}
}

static struct store_device
by_ep(const char *ep)
{
	struct store_device d;

	assert_int_equal(ST(&w.app, device_by_ep, ep, &d), 0);
	return d;
}

static void
classes_are_an_operators_word_unless_a_row_says_so(void **state)
{
	static const char one[] = "00000000-0000-0000-0000-000000000001";
	static const char two[] = "00000000-0000-0000-0000-000000000002";
	struct msg_import_row *a, *b, *c;

	(void)state;
	a = row("a", "");
	b = row("b", "");
	c = row("c", "");
	strcpy(a->class_name, one);
	strcpy(b->class_name, one);
	strcpy(b->class_by, "device");
	sums(true, 3, 0, 0);
	assert_true(by_ep("a").class_set && by_ep("a").class_id[15] == 1);
	assert_true(!by_ep("b").class_set && by_ep("b").class_id[15] == 1);
	assert_false(by_ep("c").class_set);
	sums(true, 0, 0, 3);
	/* whose word alone */
	strcpy(a->class_by, "device");
	strcpy(b->class_by, "operator");
	a->class_name[0] = b->class_name[0] = '\0';
	sums(true, 0, 2, 1);
	assert_true(!by_ep("a").class_set && by_ep("a").class_id[15] == 1);
	assert_true(by_ep("b").class_set && by_ep("b").class_id[15] == 1);
	sums(true, 0, 0, 3);
	/* a class that is the device's word is no longer an operator's */
	strcpy(b->class_by, "device");
	strcpy(b->class_name, two);
	sums(true, 0, 1, 2);
	assert_true(!by_ep("b").class_set && by_ep("b").class_id[15] == 2);
	/* of nobody's class nothing is set, and there is nobody else */
	strcpy(c->class_by, "operator");
	assert_int_equal(import(), 0);
	assert_true(!out.done && out.error_count == 1 && out.error[0].row == 2);
	strcpy(c->class_by, "me");
	assert_int_equal(import(), 0);
	assert_true(!out.done && out.error_count == 1 && out.error[0].row == 2);
	assert_false(by_ep("c").have_class);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rows_are_added_changed_and_left),
		CASE(one_bad_row_is_the_end_of_all),
		CASE(classes_are_an_operators_word_unless_a_row_says_so),
		CASE(rows_that_share_a_key_are_taken_and_named),
		CASE(a_dry_run_looks_only),
		CASE(a_key_for_who_has_none_is_not_taken_by_who_has_one),
		CASE(an_identity_twice_in_a_request_is_refused),
		CASE(a_request_has_its_caps),
		CASE(an_error_is_cut_at_its_cap),
		CASE(one_row_too_many_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
