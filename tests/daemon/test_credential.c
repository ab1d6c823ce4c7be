/*
 * Keys of a device, as operators and the clock change them: two are valid
 * for a stated time, one can be taken without the other, and whose key is
 * gone has no session any more.
 */
#include "tests/daemon/fake.h"

#include "daemon/credential.h"
#include "daemon/res.h"
#include "daemon/res_admin.h"
#include "lib/cose.h"

#define DAY 86400000LL

static struct world w;
static struct resp resp;

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

/* For the device "lamp"; `arg` is the second one of the path. */
static int
call(route_fn fn, enum method m, const char *arg, const char *query)
{
	struct req rq = {.method = m, .transport = T_ADMIN};
	int rc;

	strcpy(rq.who.identity, "admin");
	rq.arg[0] = "lamp";
	rq.arg[1] = arg;
	if (query != NULL)
		rq.query[rq.query_n++] = slice_str(query);
	rc = ask(&w, fn, &rq, &resp);
	turn(&w);
	return rc;
}

static int
new_key(const char *query, struct msg_psk *ret)
{
	struct why why;
	int rc = call(res_admin_device_psk, M_POST, "", query);

	if (rc == 0)
		assert_int_equal(msg_get(&msg_psk, buf_slice(&resp.out), ret,
		    &why), 0);
	return rc;
}

static int
take_back(const char *credential)
{
	return call(res_admin_device_credential, M_DELETE, credential, NULL);
}

static size_t
list(struct msg_credential ret[4])
{
	struct msg_page page;
	struct why why;
	size_t n = 0;

	assert_int_equal(call(res_admin_device_credentials, M_GET, "", NULL),
	    0);
	assert_int_equal(msg_page_open(&msg_credential, buf_slice(&resp.out),
	    &page), 0);
	for (; page.left > 0; n++) {
		assert_true(n < 4);
		assert_int_equal(msg_page_item(&page, &ret[n], &why), 0);
	}
	return n;
}

static bool
valid(const char *identity)
{
	uint8_t raw[LIMIT_PSK_KEY];
	struct buf key = buf_of(raw, sizeof(raw));
	struct principal p;
	int rc = access_psk(&w.app, T_DTLS, identity, &key);

	access_who(&w.app, T_DTLS, identity, &p);
	assert_int_equal(rc == 0, p.role == ROLE_DEVICE);
	assert_int_equal(rc == 0, p.credential != 0);
	return rc == 0;
}

static void
a_new_key_without_an_overlap_is_the_end_of_all_others(void **state)
{
	struct msg_credential c[4];
	struct msg_psk m;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(new_key("overlap=60", &m), 0);
	assert_int_equal(list(c), 2);
	w.front.forgot[0] = '\0';
	assert_int_equal(new_key(NULL, &m), 0);
	assert_string_equal(m.identity, "lamp");
	assert_int_equal(list(c), 1);
	assert_string_equal(c[0].identity, "lamp");
	assert_true(valid("lamp") && !valid("lamp#2"));
	assert_string_equal(w.front.forgot, "lamp lamp#2 ");
}

static void
REQ_SEC_KEY_ROTATION_two_keys_are_valid_until_the_old_one_ends(void **state)
{
	struct msg_credential c[4];
	struct msg_psk m;
	int64_t ends = w.loop.now + 7 * DAY;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(new_key("overlap=604800", &m), 0);
	assert_string_equal(m.identity, "lamp#2");
	assert_int_equal(list(c), 2);
	assert_true(c[0].ends == ends && c[1].ends == 0);
	assert_true(valid("lamp") && valid("lamp#2"));
	/* two are enough */
	assert_int_equal(new_key("overlap=604800", &m), ERR_STATE);
	assert_int_equal(list(c), 2);
	w.front.forgot[0] = '\0';
	w.loop.now = ends - 1;
	credential_tick(&w.app);
	assert_true(valid("lamp") && valid("lamp#2"));
	w.loop.now = ends;
	assert_true(!valid("lamp") && valid("lamp#2")); /* before the tick */
	assert_int_equal(list(c), 1);
	credential_tick(&w.app);
	turn(&w);
	assert_string_equal(w.front.forgot, "lamp ");
	assert_true(!valid("lamp") && valid("lamp#2"));
	/* and the next one has the name that became free */
	assert_int_equal(new_key("overlap=1", &m), 0);
	assert_string_equal(m.identity, "lamp");
}

static void
an_end_is_never_put_off(void **state)
{
	struct msg_credential c[4];
	struct msg_psk m;
	int64_t ends = w.loop.now + 1000;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(new_key("overlap=1", &m), 0);
	assert_int_equal(take_back("lamp#2"), 0);
	assert_int_equal(new_key("overlap=60", &m), 0);
	assert_int_equal(list(c), 2);
	assert_string_equal(c[0].identity, "lamp");
	assert_int_equal(c[0].ends, ends);
}

static void
one_that_is_revoked_has_no_session_and_the_other_goes_on(void **state)
{
	struct msg_credential c[4];
	struct msg_psk m;
	char id[24];

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(new_key("overlap=60", &m), 0);
	assert_int_equal(list(c), 2);
	w.front.forgot[0] = '\0';
	snprintf(id, sizeof(id), "%llu", (unsigned long long)c[0].id);
	assert_int_equal(take_back(id), 0);
	assert_string_equal(w.front.forgot, "lamp ");
	assert_true(!valid("lamp") && valid("lamp#2"));
	assert_int_equal(take_back(id), ERR_NOT_FOUND);
	assert_int_equal(take_back("lamp"), ERR_NOT_FOUND);
	assert_int_equal(take_back("lamp#2"), 0);
	assert_false(valid("lamp#2"));
	assert_int_equal(list(c), 0);
}

/* Else who takes a device's last key could speak for it. */
static void
a_device_without_its_last_key_is_spoken_for_by_nobody(void **state)
{
	struct req rq = {.transport = T_UDP};
	struct msg_psk m;
	struct ident id;
	struct why why;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(access_ident(&w.app, &rq, "lamp", &id, &why), 0);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(take_back("lamp"), 0);
	assert_int_equal(access_ident(&w.app, &rq, "lamp", &id, &why),
	    ERR_UNAUTHORIZED);
}

static void
who_is_revoked_or_removed_has_no_session_by_any_key(void **state)
{
	struct msg_psk m;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(new_key("overlap=60", &m), 0);
	w.front.forgot[0] = '\0';
	assert_int_equal(call(res_admin_device_revoke, M_POST, "revoke",
	    NULL), 0);
	assert_string_equal(w.front.forgot, "lamp lamp#2 ");
	assert_int_equal(call(res_admin_device_revoke, M_POST, "restore",
	    NULL), 0);
	w.front.forgot[0] = '\0';
	assert_int_equal(call(res_admin_device, M_DELETE, "", NULL), 0);
	assert_string_equal(w.front.forgot, "lamp lamp#2 ");
	assert_true(!valid("lamp") && !valid("lamp#2"));
}

static void
when_it_was_used_is_written_once_an_hour(void **state)
{
	struct msg_credential c[4];
	struct store_stats a, b;
	struct msg_psk m;
	int64_t first = w.loop.now;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	assert_int_equal(list(c), 1);
	assert_int_equal(c[0].used, 0);
	assert_true(valid("lamp"));
	credential_tick(&w.app);
	turn(&w);
	assert_int_equal(list(c), 1);
	assert_int_equal(c[0].used, first);
	w.loop.now += 3599999;
	assert_true(valid("lamp"));
	w.app.store->ops->stats(w.app.store, &a);
	credential_tick(&w.app);
	turn(&w);
	w.app.store->ops->stats(w.app.store, &b);
	assert_int_equal(a.commits, b.commits);
	w.loop.now++;
	assert_true(valid("lamp"));
	credential_tick(&w.app);
	turn(&w);
	assert_int_equal(list(c), 1);
	assert_int_equal(c[0].used, first + 3600000);
}

/* A SUIT_Report with a COSE_Mac0 by this key, over no channel: whoever is
 * proven by it is told that it lacks a nonce. */
static int
report_by(const char *identity, struct slice raw)
{
	static const uint8_t report[] = {0xa2, 0x18, 0x63, 0x82, 0x60, 0x82,
	    0x2f, 0x44, 1, 2, 3, 4, 0x04, 0xf5};
	static const struct cose_sign_opts opts = {.attached = true};
	struct req rq = {.method = M_POST, .transport = T_UDP,
	    .have_cf = true, .cf = CF_SUIT_REPORT};
	struct cose_key *key;
	uint8_t wire[200];
	struct buf b = buf_of(wire, sizeof(wire));
	int rc;

	assert_int_equal(cose_key_hmac(raw, &key), 0);
	assert_int_equal(cose_sign(key, slice_of(report, sizeof(report)),
	    &opts, &b), 0);
	cose_key_free(key);
	rq.body = buf_slice(&b);
	strcpy(rq.who.identity, identity);
	rc = ask(&w, res_report, &rq, &resp);
	turn(&w);
	return rc;
}

static void
a_key_that_ended_proves_no_report_either(void **state)
{
	struct msg_psk old, new;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &old), 0);
	assert_int_equal(new_key("overlap=60", &new), 0);
	assert_int_equal(report_by("lamp", slice_of(old.key, old.key_len)),
	    ERR_UNAUTHORIZED);
	assert_int_equal(report_by("lamp#2", slice_of(new.key, new.key_len)),
	    ERR_UNAUTHORIZED);
	w.loop.now += 60000; /* the tick has not come yet */
	assert_int_equal(report_by("lamp", slice_of(old.key, old.key_len)),
	    ERR_NOT_FOUND);
	assert_int_equal(report_by("lamp#2", slice_of(new.key, new.key_len)),
	    ERR_UNAUTHORIZED);
}

static void
an_overlap_has_its_cap(void **state)
{
	struct msg_psk m;
	char query[40];

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	assert_int_equal(new_key(NULL, &m), 0);
	snprintf(query, sizeof(query), "overlap=%d", LIMIT_OVERLAP_S + 1);
	assert_int_equal(new_key(query, &m), ERR_RANGE);
	assert_int_equal(new_key("overlap=18446744073709551615", &m),
	    ERR_RANGE);
	snprintf(query, sizeof(query), "overlap=%d", LIMIT_OVERLAP_S);
	assert_int_equal(new_key(query, &m), 0);
}

static int
give(const char *ep, const char *identity)
{
	struct credential_key k = {.identity = identity,
	    .key = slice_str("0123456789abcdef")};
	struct store_credential c;
	struct store_device d;
	struct why why;

	assert_int_equal(w.app.store->ops->device_by_ep(w.app.store, ep, &d),
	    0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	return engine_end(w.app.engine, credential_give(&w.app, &d, &k, &c,
	    &why));
}

static void
an_identity_is_one_devices(void **state)
{
	char id[LIMIT_PSK_IDENTITY + 2];

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	device(&w, "door", DRIVER_NONE);
	assert_int_equal(give("lamp", "serial/17"), 0);
	assert_int_equal(give("door", "serial/17"), ERR_EXISTS);
	assert_int_equal(give("door", "lamp"), ERR_EXISTS);
	assert_int_equal(give("door", "a b"), ERR_INVALID);
	assert_int_equal(give("door", "a\177"), ERR_INVALID);
	memset(id, 'i', sizeof(id));
	id[LIMIT_PSK_IDENTITY + 1] = '\0';
	assert_int_equal(give("door", id), ERR_INVALID);
	id[LIMIT_PSK_IDENTITY] = '\0';
	assert_int_equal(give("door", id), 0);
	assert_true(valid("serial/17") && valid(id));
}

static int
bring(const char *ep, const char *key, struct scope *scope, char *ret_shares)
{
	uint8_t wire[128];
	struct buf b = buf_of(wire, sizeof(wire));
	struct msg_psk_set said;
	struct msg_psk m = {.key_len = strlen(key)};
	struct req rq = {.method = M_PUT, .transport = T_ADMIN};
	struct why why;
	int rc;

	memcpy(m.key, key, m.key_len);
	msg_put_cbor(&msg_psk, &m, &b);
	rq.body = buf_slice(&b);
	rq.arg[0] = ep;
	rq.arg[1] = "";
	strcpy(rq.who.identity, "admin");
	if (scope != NULL)
		rq.who.scope = *scope;
	rc = ask(&w, res_admin_device_psk, &rq, &resp);
	turn(&w);
	if (rc == 0) {
		assert_int_equal(msg_get(&msg_psk_set, buf_slice(&resp.out),
		    &said, &why), 0);
		strcpy(ret_shares, said.shares);
	}
	return rc;
}

/* Of the device, in the event log. */
static size_t
told_shared(const char *ep)
{
	static struct store_event ev[LIMIT_PAGE];
	struct store_event_filter f = {.limit = LIMIT_PAGE};
	size_t n = 0, found = 0;

	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, ev,
	    &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_null(strstr(ev[i].detail, "0123456789abcdef"));
		found += strcmp(ev[i].what, "key shared") == 0 &&
		    strcmp(ev[i].ep, ep) == 0;
	}
	assert_int_equal(audited(&w, "device.twin", ep), found);
	return found;
}

static void
a_key_that_another_device_has_too_is_taken_and_told(void **state)
{
	char shares[LIMIT_EP + 1];

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	device(&w, "door", DRIVER_NONE);
	assert_int_equal(bring("lamp", "0123456789abcdef", NULL, shares), 0);
	assert_string_equal(shares, "");
	/* its own again is no other's */
	assert_int_equal(bring("lamp", "0123456789abcdef", NULL, shares), 0);
	assert_string_equal(shares, "");
	assert_int_equal(bring("door", "0123456789abcdef", NULL, shares), 0);
	assert_string_equal(shares, "lamp");
	assert_true(valid("lamp") && valid("door"));
	assert_int_equal(told_shared("door"), 1);
	assert_int_equal(told_shared("lamp"), 0);
	assert_int_equal(bring("lamp", "another key, 16 b", NULL, shares), 0);
	assert_string_equal(shares, "");
	assert_int_equal(bring("door", "0123456789abcdef", NULL, shares), 0);
	assert_string_equal(shares, ""); /* it has it alone now */
	assert_int_equal(told_shared("door"), 1);
}

/* What is outside of a scope is not there, and so has no name. */
static void
whose_key_it_is_as_well_is_not_told_outside_of_ones_scope(void **state)
{
	struct scope north = {.tag_count = 1,
	    .tag = {{.name = "site", .value = "north"}}};
	char shares[LIMIT_EP + 1];
	struct store_device d;

	(void)state;
	device(&w, "lamp", DRIVER_NONE);
	device(&w, "door", DRIVER_NONE);
	assert_int_equal(w.app.store->ops->device_by_ep(w.app.store, "door",
	    &d), 0);
	d.tag_count = 1;
	d.tag[0] = north.tag[0];
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, w.app.store->ops->device_put(
	    w.app.store, &d)), 0);
	assert_int_equal(bring("lamp", "0123456789abcdef", NULL, shares), 0);
	assert_int_equal(bring("door", "0123456789abcdef", &north, shares),
	    0);
	assert_string_equal(shares, MSG_SHARES_HIDDEN);
	assert_int_equal(told_shared("door"), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_new_key_without_an_overlap_is_the_end_of_all_others),
		CASE(REQ_SEC_KEY_ROTATION_two_keys_are_valid_until_the_old_one_ends),
		CASE(an_end_is_never_put_off),
		CASE(one_that_is_revoked_has_no_session_and_the_other_goes_on),
		CASE(a_device_without_its_last_key_is_spoken_for_by_nobody),
		CASE(who_is_revoked_or_removed_has_no_session_by_any_key),
		CASE(when_it_was_used_is_written_once_an_hour),
		CASE(a_key_that_ended_proves_no_report_either),
		CASE(an_overlap_has_its_cap),
		CASE(an_identity_is_one_devices),
		CASE(a_key_that_another_device_has_too_is_taken_and_told),
		CASE(whose_key_it_is_as_well_is_not_told_outside_of_ones_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
