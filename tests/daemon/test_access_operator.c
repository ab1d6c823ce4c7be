/*
 * Who may do what on the operators' port: the administrator, keys of the file
 * and of the store, and the rights that stand behind them.
 */
#include "daemon/access_impl.h"
#include "daemon/res_admin.h"
#include "tests/daemon/access_keys.h"

/* --- the administrator --- */

static void
the_administrator_is_one_on_the_admin_port_only(void **state)
{
	uint8_t k[64];
	struct buf key = buf_of(k, sizeof(k));
	struct principal p;

	(void)state;
	access_who(&w.app, T_ADMIN, "admin", &p);
	assert_int_equal(p.role, ROLES_ADMIN);
	access_who(&w.app, T_DTLS, "admin", &p);
	assert_int_equal(p.role, ROLE_NOBODY);
	assert_int_equal(access_psk(&w.app, T_DTLS, "admin", &key),
	    ERR_NOT_FOUND);
	strcpy(p.identity, "admin"); /* as the front asks */
	access_who(&w.app, T_ADMIN, p.identity, &p);
	assert_int_equal(p.role, ROLES_ADMIN);
	assert_string_equal(p.identity, "admin");
	with_psk("dev", "dev-id");
	assert_int_equal(access_psk(&w.app, T_ADMIN, "dev-id", &key),
	    ERR_NOT_FOUND);
	access_who(&w.app, T_ADMIN, "dev-id", &p);
	assert_int_equal(p.role, ROLE_NOBODY);
}

/* --- several operators --- */

static void
each_line_is_an_operator(void **state)
{
	(void)state;
	write_file("admin.psk", slice_str("# who may\n\nalice " KEY_A "\n"
	    "  \t\r\n\tbob@ops\t" KEY_B "\r\n#carol " KEY_B "\n"
	    "dave 0123456789abcdef 0123456789abcdef"), 0600);
	assert_true(has_key("alice", KEY_A));
	assert_true(has_key("bob@ops", KEY_B));
	assert_true(has_key("dave", "0123456789abcdef0123456789abcdef"));
	assert_false(has_key("alice", KEY_B));
	assert_true(operates("alice"));
	assert_true(operates("bob@ops"));
	assert_true(operates("dave"));
	assert_false(operates("carol"));
	assert_false(operates("#carol"));
	assert_false(operates("admin"));
	assert_false(operates(""));
}

static void
rights_stand_behind_the_key(void **state)
{
	struct principal p;

	(void)state;
	write_file("admin.psk", slice_str("root " KEY_A "\n"
	    "al 0011223344556677 8899aabbccddeeff role=author,auditor "
	    "campaign=x-*\n"), 0600);
	assert_true(has_key("al", KEY_A));
	access_who(&w.app, T_ADMIN, "al", &p);
	assert_int_equal(p.role, ROLE_AUTHOR | ROLE_AUDITOR);
	assert_string_equal(p.identity, "al");
	assert_int_equal(p.scope.campaign_count, 1);
	access_who(&w.app, T_ADMIN, "root", &p);
	assert_int_equal(p.role, ROLES_ADMIN);
	assert_true(scope_all(&p.scope));
}

/* --- principals of the store --- */

static void
stored(const char *name, const char *rights)
{
	struct store_principal p = {.created = 1};

	strcpy(p.name, name);
	strcpy(p.rights, rights);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, w.app.store->ops->
	    principal_put(w.app.store, &p)), 0);
	turn(&w);
}

static void
stored_key(const char *name, const char *identity, int64_t ends)
{
	struct store_principal_key k = {.key_len = 16, .ends = ends};
	struct buf b = buf_of(k.key, sizeof(k.key));

	strcpy(k.principal, name);
	strcpy(k.identity, identity);
	assert_int_equal(text_unhex(slice_str(KEY_B), &b), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, w.app.store->ops->
	    principal_key_put(w.app.store, &k)), 0);
	turn(&w);
}

static unsigned
role_of(const char *identity)
{
	struct principal p;

	access_who(&w.app, T_ADMIN, identity, &p);
	assert_int_equal(p.grade, p.role != 0 ? GRADE_L1 : GRADE_L0);
	return p.role;
}

static void
two_keys_of_a_principal_are_one_person(void **state)
{
	struct principal p;

	(void)state;
	stored("bob", "role=author");
	stored_key("bob", "bob:1", 0);
	stored_key("bob", "bob:2", 0);
	assert_true(has_key("bob:1", KEY_B));
	access_who(&w.app, T_ADMIN, "bob:1", &p);
	assert_string_equal(p.identity, "bob");
	access_who(&w.app, T_ADMIN, "bob:2", &p);
	assert_string_equal(p.identity, "bob");
	assert_int_equal(p.role, ROLE_AUTHOR);
	assert_false(has_key("bob", KEY_B)); /* a name is no key */
	assert_int_equal(role_of("bob"), ROLE_NOBODY);
	access_who(&w.app, T_DTLS, "bob:1", &p);
	assert_int_equal(p.role, ROLE_NOBODY);
}

static void
a_key_ends_and_rights_change_at_once(void **state)
{
	int64_t end = loop_now(w.app.loop) + 1000;

	(void)state;
	stored("bob", "role=author");
	stored_key("bob", "bob:1", end);
	assert_int_equal(role_of("bob:1"), ROLE_AUTHOR);
	stored("bob", "role=auditor");
	assert_int_equal(role_of("bob:1"), ROLE_AUDITOR);
	w.loop.now = end - 1;
	assert_int_equal(role_of("bob:1"), ROLE_AUDITOR);
	w.loop.now = end;
	assert_int_equal(role_of("bob:1"), ROLE_NOBODY);
	assert_false(has_key("bob:1", KEY_B));
}

/* Whoever has the old one is still inside with it. */
static void
REQ_SEC_KEY_ROTATION_a_key_of_the_file_takes_its_sessions(void **state)
{
	(void)state;
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob " KEY_B "\n"),
	    0600);
	assert_true(has_key("alice", KEY_A));
	w.front.forgot[0] = '\0';
	write_file("admin.psk", slice_str("alice " KEY_B "\nbob " KEY_B
	    " role=auditor\n"), 0600);
	assert_int_equal(role_of("bob"), ROLE_AUDITOR);
	assert_string_equal(w.front.forgot, "alice ");
	write_file("admin.psk", slice_str("alice " KEY_B "\nbob"), 0600);
	assert_int_equal(role_of("bob"), ROLE_AUDITOR);
	assert_string_equal(w.front.forgot, "alice ");
	write_file("admin.psk", slice_str("alice " KEY_B "\n"), 0600);
	assert_int_equal(role_of("bob"), ROLE_NOBODY);
	assert_string_equal(w.front.forgot, "alice bob ");
}

/* What cannot be read allows nothing. */
static void
damaged_rights_are_none(void **state)
{
	(void)state;
	stored("bob", "role=everything");
	stored_key("bob", "bob:1", 0);
	assert_int_equal(role_of("bob:1"), ROLE_NOBODY);
	stored("bob", "class=00112233445566778899aabbccddeeff");
	assert_int_equal(role_of("bob:1"), ROLE_NOBODY);
}

static void
the_file_goes_before_the_store(void **state)
{
	struct rights r;

	(void)state;
	write_file("admin.psk", slice_str("root " KEY_A "\nbob:1 " KEY_A
	    " role=auditor\n"), 0600);
	stored("bob", "role=author,grant");
	stored_key("bob", "bob:1", 0);
	assert_true(has_key("bob:1", KEY_A));
	assert_int_equal(role_of("bob:1"), ROLE_AUDITOR);
	assert_int_equal(access_rights(&w.app, "root", &r), 0);
	assert_int_equal(r.role, ROLES_ADMIN);
	assert_int_equal(access_rights(&w.app, "bob", &r), 0);
	assert_int_equal(r.role, ROLE_AUTHOR | ROLE_GRANT);
	assert_int_equal(access_rights(&w.app, "zoe", &r), ERR_NOT_FOUND);
	assert_true(access_in_file(&w.app, "root", NULL));
	assert_false(access_in_file(&w.app, "bob", NULL));
}

static void
who_guesses_waits_and_others_do_not(void **state)
{
	(void)state;
	for (int i = 0; i < SLOW_FREE; i++)
		assert_true(access_knock(&w.app, "192.0.2.7"));
	assert_false(access_knock(&w.app, "192.0.2.8"));
	assert_true(access_knock(&w.app, "192.0.3.8"));
	assert_true(access_knock(&w.app, "fe80::1%eth0"));
	access_proved(&w.app, "192.0.2.7");
	assert_true(access_knock(&w.app, "192.0.2.8"));
	assert_true(access_knock(&w.app, "no address at all"));
}

static void
a_change_is_audited_by_the_operators_name(void **state)
{
	struct store_event_filter f = {.limit = 1, .newest_first = true};
	struct store_event ev = {.what = "tested"};
	struct req req = {.method = M_POST};
	struct resp resp = {.code = 0};
	size_t n;

	(void)state;
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob " KEY_B "\n"),
	    0600);
	access_who(&w.app, T_ADMIN, "bob", &req.who);
	assert_int_equal(req.who.role, ROLES_ADMIN);
	assert_int_equal(admin_begin(&w.app), 0);
	assert_int_equal(admin_end(&w.app, &req, &resp, &ev, 0), 0);
	turn(&w);
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, &ev,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(ev.kind, "admin");
	assert_string_equal(ev.detail, "by bob");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_administrator_is_one_on_the_admin_port_only),
		T(each_line_is_an_operator),
		T(rights_stand_behind_the_key),
		T(two_keys_of_a_principal_are_one_person),
		T(a_key_ends_and_rights_change_at_once),
		T(REQ_SEC_KEY_ROTATION_a_key_of_the_file_takes_its_sessions),
		T(damaged_rights_are_none),
		T(the_file_goes_before_the_store),
		T(who_guesses_waits_and_others_do_not),
		T(a_change_is_audited_by_the_operators_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
