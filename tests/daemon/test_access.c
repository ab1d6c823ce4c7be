/*
 * Who may do what, and whose request it is: a credential, else a name, else
 * an address; a claim for a device that has a credential is refused.
 * Operators come and go in admin.psk while the daemon runs.
 */
#include "tests/daemon/fake.h"

#include "daemon/access_impl.h"
#include "daemon/log.h"
#include "daemon/res_admin.h"
#include "tests/db/psk.h"

static struct world w;

/* The fake front has none, and nothing here asks for the status. */
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
	assert_int_equal(engine_end(w.app.engine, psk_put(s, identity,
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
	assert_int_equal(access_open(w.dir, &a, &why), ERR_KEY);
}

/* Suitd makes a key in its own place only, and not for a name that was
 * mistyped. */
static void
operators_of_another_file_are_not_made(void **state)
{
	static struct conf c;
	struct access *a;
	char path[256];

	(void)state;
	path_of("ops.psk", path);
	conf_default(&c);
	snprintf(c.state_dir, sizeof(c.state_dir), "%s", w.dir);
	snprintf(c.admin_psk, sizeof(c.admin_psk), "%s", path);
	assert_int_equal(access_open_conf(&c, &a, NULL), ERR_NOT_FOUND);
	write_file("ops.psk", slice_str("bob 00112233445566778899aabbccddee"
	    "ff\n"), 0600);
	assert_int_equal(access_open_conf(&c, &a, NULL), 0);
	assert_string_equal(access_file(a), path);
	access_free(a);
	assert_int_equal(unlink(path), 0);
	c.admin_psk[0] = '\0';
	assert_int_equal(access_open_conf(&c, &a, NULL), 0);
	path_of("admin.psk", path);
	assert_string_equal(access_file(a), path);
	access_free(a);
}

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

#define KEY_A "00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100"

static int
reopened(const char *text)
{
	struct access *a;
	struct why why;
	int rc;

	write_file("admin.psk", slice_str(text), 0600);
	rc = access_open(w.dir, &a, &why);
	if (rc == 0)
		access_free(a);
	return rc;
}

static bool
operates(const char *identity)
{
	struct principal p;

	access_who(&w.app, T_ADMIN, identity, &p);
	assert_string_equal(p.identity, p.role == ROLES_ADMIN ? identity :
	    "");
	return p.role == ROLES_ADMIN;
}

static bool
has_key(const char *identity, const char *hex)
{
	uint8_t k[64], want[64];
	struct buf key = buf_of(k, sizeof(k));
	struct buf b = buf_of(want, sizeof(want));

	assert_int_equal(text_unhex(slice_str(hex), &b), 0);
	return access_psk(&w.app, T_ADMIN, identity, &key) == 0 &&
	    slice_eq(buf_slice(&key), buf_slice(&b));
}

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
a_wrong_line_is_refused_by_its_number(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *line;
	} bad[] = {
		{"alice " KEY_A "\n\nbob\n", ERR_MALFORMED, "line 3:"},
		{"#\nalice 0011\n", ERR_KEY, "line 2:"},
		{"alice 00112233445566778899aabbccddee\n", ERR_KEY, "line 1:"},
		{"alice " KEY_A "0\n", ERR_MALFORMED, "line 1:"},
		{"alice " KEY_A KEY_A KEY_A KEY_A "00\n", ERR_KEY, "line 1:"},
		{"alice " KEY_A "\n" "a/b " KEY_B, ERR_MALFORMED, "line 2:"},
		{"alice " KEY_A " class=x", ERR_MALFORMED, "line 1:"},
		{"alice " KEY_A " campaign=x", ERR_MALFORMED, "line 1:"},
		{"alice " KEY_A " role=root", ERR_MALFORMED, "line 1:"},
		{"alice role=author", ERR_KEY, "line 1:"},
		{"alice " KEY_A "\nbob " KEY_B "\nalice " KEY_B "\n",
		    ERR_DUPLICATE, "line 3:"},
	};
	struct access *a;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file("admin.psk", slice_str(bad[i].text), 0600);
		assert_int_equal(access_open(w.dir, &a, &why), bad[i].err);
		if (strstr(why.text, bad[i].line) == NULL)
			fail_msg("%s: no %s", why.text, bad[i].line);
	}
	assert_int_equal(reopened(""), ERR_MISSING);
	assert_int_equal(reopened("# nobody\n\n"), ERR_MISSING);
	assert_int_equal(reopened("a " KEY_A KEY_A KEY_A KEY_A), 0);
}

static void
operators_at_their_cap_and_one_past(void **state)
{
	static char text[64 * LIMIT_OPERATORS];
	char id[LIMIT_PSK_IDENTITY + 2];
	char last[8];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < LIMIT_OPERATORS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "op%d " KEY_A "\n", i);
	assert_int_equal(reopened(text), 0);
	snprintf(last, sizeof(last), "op%d", LIMIT_OPERATORS - 1);
	assert_true(operates("op0"));
	assert_true(operates(last));
	snprintf(text + n, sizeof(text) - n, "one " KEY_A "\n");
	assert_int_equal(reopened(text), ERR_LIMIT);

	memset(id, 'x', sizeof(id));
	id[LIMIT_PSK_IDENTITY] = '\0';
	snprintf(text, sizeof(text), "%s " KEY_A, id);
	assert_int_equal(reopened(text), 0);
	assert_true(operates(id));
	id[LIMIT_PSK_IDENTITY] = 'x';
	id[LIMIT_PSK_IDENTITY + 1] = '\0';
	snprintf(text, sizeof(text), "%s " KEY_A, id);
	assert_int_equal(reopened(text), ERR_MALFORMED);
}

static void
a_file_at_its_cap_and_one_past(void **state)
{
	static char text[LIMIT_OPERATORS_FILE + 2] = "alice " KEY_A "\n#";
	size_t n = strlen(text);

	(void)state;
	memset(text + n, 'x', LIMIT_OPERATORS_FILE - n);
	assert_int_equal(reopened(text), 0);
	text[LIMIT_OPERATORS_FILE] = 'x';
	assert_int_equal(reopened(text), ERR_SIZE);
}

static void
a_changed_file_is_taken_up_without_a_restart(void **state)
{
	char from[256], to[256];

	(void)state;
	write_file("admin.psk", slice_str("alice " KEY_A "\n"), 0600);
	assert_true(has_key("alice", KEY_A));
	assert_false(has_key("bob", KEY_B));
	/* one more, by writing on */
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob " KEY_B "\n"),
	    0600);
	assert_true(has_key("bob", KEY_B));
	assert_true(has_key("alice", KEY_A));
	/* another key of the same length, by rename */
	write_file("new.psk", slice_str("alice " KEY_B "\nbob " KEY_B "\n"),
	    0600);
	path_of("new.psk", from);
	path_of("admin.psk", to);
	assert_int_equal(rename(from, to), 0);
	assert_true(has_key("alice", KEY_B));
}

static void
a_removed_operator_is_nobody_in_his_old_session(void **state)
{
	(void)state;
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob " KEY_B "\n"),
	    0600);
	assert_true(operates("bob"));
	write_file("admin.psk", slice_str("alice " KEY_A "\n"), 0600);
	assert_false(operates("bob"));
	assert_false(has_key("bob", KEY_B));
	assert_true(operates("alice"));
}

static void
a_damaged_file_changes_nothing_until_it_is_whole(void **state)
{
	char path[256];

	(void)state;
	path_of("admin.psk", path);
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob " KEY_B "\n"),
	    0600);
	assert_true(operates("bob"));
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob\n"), 0600);
	assert_true(operates("bob"));
	assert_true(has_key("bob", KEY_B));
	write_file("admin.psk", slice_str(""), 0600);
	assert_true(operates("alice"));
	assert_int_equal(unlink(path), 0);
	assert_true(operates("alice"));
	assert_true(operates("bob"));
	/* what others can read is no secret, whatever it says */
	write_file("admin.psk", slice_str("carol " KEY_A "\n"), 0644);
	assert_false(operates("carol"));
	assert_true(operates("bob"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_true(operates("carol"));
	assert_false(operates("bob"));
}

/* The newest entry of this kind; NULL: there is none. */
static const struct audit_entry *
entry(const char *kind)
{
	static struct audit_entry all[50];
	struct store_audit_filter f = {.limit = 50};
	size_t n = 0;

	strcpy(f.kind, kind);
	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, all,
	    &n), 0);
	return n == 0 ? NULL : &all[n - 1];
}

static void
REQ_SEC_RIGHTS_a_changed_file_is_in_the_audit_log(void **state)
{
	char path[256];

	(void)state;
	path_of("admin.psk", path);
	write_file("admin.psk", slice_str("alice " KEY_A "\nbob " KEY_B "\n"
	    "carol " KEY_A " role=auditor\n"), 0600);
	access_watch(&w.app);
	turn(&w);
	assert_string_equal(entry("operators")->detail, "added alice, added "
	    "bob, added carol, removed admin");
	assert_string_equal(entry("operators")->subject, path);
	assert_string_equal(entry("operators")->who, "");
	/* of two changes in a second none is lost */
	write_file("admin.psk", slice_str("alice " KEY_B "\nbob " KEY_B "\n"
	    "carol " KEY_A " role=auditor\n"), 0600);
	assert_true(operates("alice"));
	write_file("admin.psk", slice_str("alice " KEY_B "\n"
	    "carol " KEY_A " role=operator\n"), 0600);
	access_watch(&w.app);
	access_watch(&w.app);
	turn(&w);
	assert_string_equal(entry("operators")->detail, "changed alice, "
	    "changed carol, removed bob");
	write_file("admin.psk", slice_str("alice\n"), 0600);
	access_watch(&w.app);
	turn(&w);
	assert_memory_equal(entry("operators")->detail, "not usable", 10);
	assert_int_equal(entry("operators")->n, 3);
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_key_is_made_once_and_only_for_its_owner),
		T(operators_of_another_file_are_not_made),
		T(a_key_that_others_can_read_is_refused),
		T(the_administrator_is_one_on_the_admin_port_only),
		T(each_line_is_an_operator),
		T(rights_stand_behind_the_key),
		T(two_keys_of_a_principal_are_one_person),
		T(a_key_ends_and_rights_change_at_once),
		T(REQ_SEC_KEY_ROTATION_a_key_of_the_file_takes_its_sessions),
		T(damaged_rights_are_none),
		T(the_file_goes_before_the_store),
		T(who_guesses_waits_and_others_do_not),
		T(a_wrong_line_is_refused_by_its_number),
		T(operators_at_their_cap_and_one_past),
		T(a_file_at_its_cap_and_one_past),
		T(a_changed_file_is_taken_up_without_a_restart),
		T(a_removed_operator_is_nobody_in_his_old_session),
		T(a_damaged_file_changes_nothing_until_it_is_whole),
		T(REQ_SEC_RIGHTS_a_changed_file_is_in_the_audit_log),
		T(a_change_is_audited_by_the_operators_name),
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
