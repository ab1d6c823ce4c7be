/*
 * Whose request it is: of a device by its credential, else by a name, else by
 * an address; a claim for a device that has a credential is refused.
 */
#include "daemon/access_impl.h"
#include "daemon/log.h"
#include "tests/daemon/access_keys.h"

/* --- devices --- */

static void
a_device_is_its_credential(void **state)
{
	struct store_device d = with_psk("dev", "dev-id");
	uint8_t k[64];
	struct buf key = buf_of(k, sizeof(k));
	struct principal p;

	(void)state;
	assert_int_equal(access_psk(&w.app, T_DTLS, "dev-id", &key), 0);
	assert_true(slice_eq_str(buf_slice(&key), "0123456789abcdef"));
	access_who(&w.app, T_DTLS, "dev-id", &p);
	assert_int_equal(p.role, ROLE_DEVICE);
	assert_int_equal(p.device, d.id);
	assert_int_equal(p.grade, GRADE_L1);
}

static void
a_removed_device_is_nobody_in_its_old_session(void **state)
{
	struct store_device d = with_psk("dev", "dev-id");
	struct principal p;

	(void)state;
	access_who(&w.app, T_DTLS, "dev-id", &p);
	assert_int_equal(p.device, d.id);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_remove(w.app.store, d.id)), 0);
	access_forget(w.app.access);
	access_who(&w.app, T_DTLS, "dev-id", &p);
	assert_int_equal(p.role, ROLE_NOBODY);
	assert_int_equal(p.device, 0);
	turn(&w);
}

static void
identities_of_any_length_are_fine(void **state)
{
	char id[LIMIT_PSK_IDENTITY + 2];
	uint8_t k[64];
	struct buf key = buf_of(k, sizeof(k));
	struct store_device d;
	struct principal p;

	(void)state;
	memset(id, 'x', sizeof(id));
	id[LIMIT_PSK_IDENTITY] = '\0';
	d = with_psk("dev", id);
	access_who(&w.app, T_DTLS, id, &p);
	assert_int_equal(p.device, d.id);
	id[LIMIT_PSK_IDENTITY] = 'x';
	id[LIMIT_PSK_IDENTITY + 1] = '\0';
	assert_int_equal(access_psk(&w.app, T_DTLS, id, &key), ERR_NOT_FOUND);
}

/* --- whose request --- */

static int
ident(const struct req *req, struct ident *ret)
{
	return access_ident(&w.app, req, NULL, ret, NULL);
}

static void
an_address_is_a_hint_and_a_name_is_a_claim(void **state)
{
	struct store_device a = device(&w, "a", DRIVER_NONE);
	struct req req = {.method = M_GET};
	struct ident id;

	(void)state;
	strcpy(a.addr, "10.0.0.1");
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &a)), 0);
	turn(&w);
	strcpy(req.addr, "10.0.0.1");
	assert_int_equal(ident(&req, &id), 0);
	assert_int_equal(id.how, IDENT_ADDRESS);
	assert_int_equal(id.dev.id, a.id);
	assert_int_equal(id.grade, GRADE_L0);
	/* a second device there: nobody knows which */
	struct store_device b = device(&w, "b", DRIVER_NONE);

	strcpy(b.addr, "10.0.0.1");
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &b)), 0);
	turn(&w);
	assert_int_equal(ident(&req, &id), 0);
	assert_int_equal(id.how, IDENT_NONE);
	req.query[req.query_n++] = slice_str("ep=b");
	assert_int_equal(ident(&req, &id), 0);
	assert_int_equal(id.how, IDENT_EP);
	assert_int_equal(id.dev.id, b.id);
}

static void
REQ_SEC_REPORTING_a_claim_without_the_credential_is_refused(void **state)
{
	struct store_device d = with_psk("dev", "dev-id");
	struct req req = {.method = M_GET, .query_n = 1};
	struct ident id;

	(void)state;
	req.query[0] = slice_str("ep=dev");
	assert_int_equal(ident(&req, &id), ERR_UNAUTHORIZED);
	req.who.device = d.id;
	req.who.grade = GRADE_L1;
	assert_int_equal(ident(&req, &id), 0);
	assert_int_equal(id.how, IDENT_CREDENTIAL);
	assert_int_equal(id.grade, GRADE_L1);
	req.query[0] = slice_str("ep=other");
	assert_int_equal(ident(&req, &id), ERR_FORBIDDEN);
	req.query[0] = slice_str("ep=no name");
	assert_int_equal(ident(&req, &id), ERR_INVALID);
}

/* Which a datagram can do, from any address. */
static void
claims_do_not_fill_the_log(void **state)
{
	struct store_device d = with_psk("dev", "dev-id");
	struct req req = {.method = M_GET, .query_n = 1};
	uint64_t lines = log_count(LOGL_WARN);
	struct ident id;

	(void)state;
	for (int i = 0; i < 100; i++) {
		req.who.device = i % 2 == 0 ? 0 : d.id;
		req.query[0] = slice_str(i % 2 == 0 ? "ep=dev" : "ep=other");
		assert_true(ident(&req, &id) < 0);
	}
	assert_int_equal(log_count(LOGL_WARN) - lines, FEW_LINES);
	w.loop.now += FEW_MS;
	assert_int_equal(ident(&req, &id), ERR_FORBIDDEN);
	assert_int_equal(log_count(LOGL_WARN) - lines, FEW_LINES + 1);
}

static void
the_address_of_a_device_with_a_credential_says_nothing(void **state)
{
	struct store_device d = with_psk("dev", "dev-id");
	struct req req = {.method = M_GET};
	struct ident id;

	(void)state;
	strcpy(d.addr, "10.0.0.2");
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &d)), 0);
	turn(&w);
	strcpy(req.addr, "10.0.0.2");
	assert_int_equal(ident(&req, &id), 0);
	assert_int_equal(id.how, IDENT_NONE);
	assert_int_equal(id.dev.id, 0);
}

/* --- private keys --- */

static void
REQ_SEC_KEY_PROTECTION_a_private_key_stops_the_daemon(void **state)
{
	uint8_t bytes[4096];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct why why;
	char path[256];

	(void)state;
	assert_int_equal(access_refuse_private_keys(w.dir, &why), 0);
	assert_int_equal(cose_key_put_pem(w.key, false, &b), 0);
	write_file("alice.pem", buf_slice(&b), 0600);
	assert_int_equal(access_refuse_private_keys(w.dir, &why), 0);
	b.n = 0;
	assert_int_equal(cose_key_put_pem(w.key, true, &b), 0);
	write_file("alice.key", buf_slice(&b), 0600);
	assert_int_equal(access_refuse_private_keys(w.dir, &why), ERR_POLICY);
	path_of("alice.key", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(access_refuse_private_keys(w.dir, &why), 0);
	write_file("locked.pem", slice_str("-----BEGIN ENCRYPTED PRIVATE "
	    "KEY-----\nMIGbMFcGCSqGSIb3\n-----END ENCRYPTED PRIVATE "
	    "KEY-----\n"), 0600);
	assert_int_equal(access_refuse_private_keys(w.dir, &why), ERR_POLICY);
	path_of("locked.pem", path);
	assert_int_equal(unlink(path), 0);
	write_file("notes.key", slice_str("not a key at all"), 0600);
	assert_int_equal(access_refuse_private_keys(w.dir, &why), 0);
}

/* --- more credentials than are remembered --- */

#define MANY 36000 /* over what access.c's table holds */

static void
more_credentials_than_are_remembered_are_all_known(void **state)
{
	struct store *s = w.app.store;
	char id[16];
	struct principal who;

	(void)state;
	assert_int_equal(engine_begin(w.app.engine), 0);
	for (unsigned i = 0; i < MANY; i++) {
		sprintf(id, "many%05u", i);
		assert_int_equal(psk_put(s, id, 0, slice_of(id, 9)),
		    0);
	}
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	turn(&w);
	for (unsigned i = 0; i < 2 * MANY; i++) {
		uint8_t bytes[LIMIT_PSK_KEY];
		struct buf key = buf_of(bytes, sizeof(bytes));

		sprintf(id, "many%05u", i % MANY);
		access_who(&w.app, T_DTLS, id, &who);
		assert_int_equal(who.role, ROLE_DEVICE);
		assert_string_equal(who.identity, id);
		assert_int_equal(access_psk(&w.app, T_DTLS, id, &key), 0);
		assert_memory_equal(bytes, id, 9);
	}
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, psk_remove(s,
	    "many00007")), 0);
	access_forget(w.app.access);
	access_who(&w.app, T_DTLS, "many00007", &who);
	assert_int_equal(who.role, ROLE_NOBODY);
	access_who(&w.app, T_DTLS, "many00008", &who);
	assert_int_equal(who.role, ROLE_DEVICE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_device_is_its_credential),
		T(a_removed_device_is_nobody_in_its_old_session),
		T(identities_of_any_length_are_fine),
		T(an_address_is_a_hint_and_a_name_is_a_claim),
		T(REQ_SEC_REPORTING_a_claim_without_the_credential_is_refused),
		T(claims_do_not_fill_the_log),
		T(the_address_of_a_device_with_a_credential_says_nothing),
		T(REQ_SEC_KEY_PROTECTION_a_private_key_stops_the_daemon),
		T(more_credentials_than_are_remembered_are_all_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
