/*
 * Operators come and go in admin.psk while the daemon runs: what it is made
 * of, who may read it, its caps, and what becomes of a changed one.
 */
#include "daemon/access_impl.h"
#include "tests/daemon/access_keys.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_key_is_made_once_and_only_for_its_owner),
		T(operators_of_another_file_are_not_made),
		T(a_key_that_others_can_read_is_refused),
		T(a_wrong_line_is_refused_by_its_number),
		T(operators_at_their_cap_and_one_past),
		T(a_file_at_its_cap_and_one_past),
		T(a_changed_file_is_taken_up_without_a_restart),
		T(a_removed_operator_is_nobody_in_his_old_session),
		T(a_damaged_file_changes_nothing_until_it_is_whole),
		T(REQ_SEC_RIGHTS_a_changed_file_is_in_the_audit_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
