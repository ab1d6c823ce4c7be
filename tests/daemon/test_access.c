/*
 * Who may do what, and whose request it is: a credential, else a name, else
 * an address; a claim for a device that has a credential is refused.
 */
#include "tests/daemon/fake.h"

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

static struct store_device
with_psk(const char *ep, const char *identity)
{
	struct store_device d = device(&w, ep, DRIVER_NONE);
	struct store *s = w.app.store;

	d.have_psk = true;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(s->ops->device_put(s, &d), 0);
	assert_int_equal(engine_end(w.app.engine, s->ops->psk_put(s, identity,
	    d.id, slice_str("0123456789abcdef"))), 0);
	turn(&w);
	access_forget(w.app.access);
	return d;
}

static void
path_of(const char *name, char dst[256])
{
	snprintf(dst, 256, "%s/%s", w.dir, name);
}

static void
write_file(const char *name, struct slice s, unsigned mode)
{
	char path[256];
	FILE *f;

	path_of(name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* --- the administrator --- */

static void
a_key_is_made_once_and_only_for_its_owner(void **state)
{
	struct access *again;
	uint8_t a[64], b[64];
	struct buf ka = buf_of(a, sizeof(a)), kb = buf_of(b, sizeof(b));
	struct stat st;
	struct why why;
	char path[256];

	(void)state;
	path_of("admin.psk", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(access_psk(&w.app, T_ADMIN, "admin", &ka), 0);
	assert_true(ka.n >= 16);
	assert_int_equal(access_open(w.dir, &again, &why), 0);
	access_free(w.app.access);
	w.app.access = again;
	assert_int_equal(access_psk(&w.app, T_ADMIN, "admin", &kb), 0);
	assert_true(slice_eq(buf_slice(&ka), buf_slice(&kb)));
}

static void
a_key_that_others_can_read_is_refused(void **state)
{
	struct access *a;
	struct why why;
	char path[256];

	(void)state;
	path_of("admin.psk", path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(access_open(w.dir, &a, &why), ERR_POLICY);
	assert_int_equal(chmod(path, 0600), 0);
	write_file("admin.psk", slice_str("nonsense"), 0600);
	assert_int_equal(access_open(w.dir, &a, &why), ERR_MALFORMED);
	write_file("admin.psk", slice_str("admin 00ff\n"), 0600);
	assert_int_equal(access_open(w.dir, &a, &why), ERR_MALFORMED);
}

static void
the_administrator_is_one_on_the_admin_port_only(void **state)
{
	uint8_t k[64];
	struct buf key = buf_of(k, sizeof(k));
	struct principal p;

	(void)state;
	access_who(&w.app, T_ADMIN, "admin", &p);
	assert_int_equal(p.role, ROLE_OPERATOR);
	access_who(&w.app, T_DTLS, "admin", &p);
	assert_int_equal(p.role, ROLE_NOBODY);
	assert_int_equal(access_psk(&w.app, T_DTLS, "admin", &key),
	    ERR_NOT_FOUND);
	strcpy(p.identity, "admin"); /* as the front asks */
	access_who(&w.app, T_ADMIN, p.identity, &p);
	assert_int_equal(p.role, ROLE_OPERATOR);
	assert_string_equal(p.identity, "admin");
	with_psk("dev", "dev-id");
	assert_int_equal(access_psk(&w.app, T_ADMIN, "dev-id", &key),
	    ERR_NOT_FOUND);
	access_who(&w.app, T_ADMIN, "dev-id", &p);
	assert_int_equal(p.role, ROLE_NOBODY);
}

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
a_claim_without_the_credential_is_refused(void **state)
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
a_private_key_stops_the_daemon_a_public_one_does_not(void **state)
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_key_is_made_once_and_only_for_its_owner),
		T(a_key_that_others_can_read_is_refused),
		T(the_administrator_is_one_on_the_admin_port_only),
		T(a_device_is_its_credential),
		T(a_removed_device_is_nobody_in_its_old_session),
		T(identities_of_any_length_are_fine),
		T(an_address_is_a_hint_and_a_name_is_a_claim),
		T(a_claim_without_the_credential_is_refused),
		T(the_address_of_a_device_with_a_credential_says_nothing),
		T(a_private_key_stops_the_daemon_a_public_one_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
