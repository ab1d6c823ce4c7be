/*
 * The contract of db/store.h, for both twins: principals, their keys, and
 * requests that wait for a second person. And that a copy has no keys.
 */
#include "tests/db/twins.h"

#include "db/store_copy.h"

static struct store_principal
principal(const char *name)
{
	struct store_principal p = {.rights = "role=operator", .by = "admin",
	    .created = 5, .last_key = 1};

	snprintf(p.name, sizeof(p.name), "%s", name);
	return p;
}

static struct store_principal_key
key_of(const char *name, const char *identity)
{
	struct store_principal_key k = {.key_len = 16, .created = 7};

	snprintf(k.principal, sizeof(k.principal), "%s", name);
	snprintf(k.identity, sizeof(k.identity), "%s", identity);
	memset(k.key, 0xa5, k.key_len);
	return k;
}

static struct store_request
request(int64_t expires)
{
	struct store_request r = {.kind = 3, .by = "alice", .what = "PUT a/b",
	    .created = 1, .expires = expires};

	memset(r.digest, 0x3c, sizeof(r.digest));
	return r;
}

static void
make(struct store *s, const char *name)
{
	struct store_principal p = principal(name);

	OK(ALONE(s, s->ops->principal_put(s, &p)));
}

static void
a_principal_comes_back_and_is_replaced_by_name(void **state)
{
	struct store *s = store_of(state);
	struct store_principal p = principal("alice"), back;
	struct store_principal_key k = key_of("alice", "alice:1");

	memset(p.name, 'n', LIMIT_KEY_NAME);
	memset(p.rights, 'r', LIMIT_RIGHTS);
	memset(p.by, 'b', LIMIT_PSK_IDENTITY);
	p.last_key = UINT32_MAX;
	FAILS(s->ops->principal_put(s, &p), ERR_STATE);
	OK(ALONE(s, s->ops->principal_put(s, &p)));
	OK(s->ops->principal_get(s, p.name, &back));
	assert_string_equal(back.name, p.name);
	assert_string_equal(back.rights, p.rights);
	assert_string_equal(back.by, p.by);
	assert_int_equal(back.created, p.created);
	assert_int_equal(back.last_key, p.last_key);
	strcpy(k.principal, p.name);
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	strcpy(p.rights, "role=auditor");
	OK(ALONE(s, s->ops->principal_put(s, &p)));
	OK(s->ops->principal_get(s, p.name, &back));
	assert_string_equal(back.rights, "role=auditor");
	OK(s->ops->principal_key_get(s, "alice:1", &k)); /* its keys stay */
	FAILS(s->ops->principal_get(s, "zoe", &back), ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->principal_remove(s, "zoe")), ERR_NOT_FOUND);
}

static void
principals_have_their_caps_and_an_order(void **state)
{
	struct store *s = store_of(state);
	struct store_principal p = principal(""), all[10];
	size_t n = 0;

	FAILS(ALONE(s, s->ops->principal_put(s, &p)), ERR_INVALID);
	memset(p.name, 'n', sizeof(p.name));
	FAILS(ALONE(s, s->ops->principal_put(s, &p)), ERR_SIZE);
	p = principal("a");
	p.rights[0] = '\0';
	FAILS(ALONE(s, s->ops->principal_put(s, &p)), ERR_INVALID);
	memset(p.rights, 'r', sizeof(p.rights));
	FAILS(ALONE(s, s->ops->principal_put(s, &p)), ERR_SIZE);
	p = principal("a");
	memset(p.by, 'b', sizeof(p.by));
	FAILS(ALONE(s, s->ops->principal_put(s, &p)), ERR_SIZE);
	for (int i = LIMIT_PRINCIPALS; i > 0; i--) {
		p = principal("");
		snprintf(p.name, sizeof(p.name), "p%03d", i);
		OK(ALONE(s, s->ops->principal_put(s, &p)));
	}
	OK(ALONE(s, s->ops->principal_put(s, &p))); /* a known one */
	p = principal("one-more");
	FAILS(ALONE(s, s->ops->principal_put(s, &p)), ERR_LIMIT);
	OK(s->ops->principal_list(s, "", 10, all, &n));
	assert_int_equal(n, 10);
	assert_string_equal(all[0].name, "p001");
	OK(s->ops->principal_list(s, "p250", 10, all, &n));
	assert_int_equal(n, LIMIT_PRINCIPALS - 250);
	assert_string_equal(all[0].name, "p251");
	FAILS(s->ops->principal_list(s, "", 0, all, &n), ERR_RANGE);
	FAILS(s->ops->principal_list(s, "", LIMIT_PAGE + 1, all, &n),
	    ERR_RANGE);
}

static void
a_key_is_of_one_principal_and_goes_with_it(void **state)
{
	struct store *s = store_of(state);
	struct store_principal_key k = key_of("alice", "alice:1"), back,
	    two[2];
	size_t n = 9;

	FAILS(ALONE(s, s->ops->principal_key_put(s, &k)), ERR_NOT_FOUND);
	make(s, "alice");
	make(s, "bob");
	FAILS(s->ops->principal_key_put(s, &k), ERR_STATE);
	k.key_len = sizeof(k.key);
	memset(k.key, 0x11, sizeof(k.key));
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	OK(s->ops->principal_key_get(s, "alice:1", &back));
	assert_string_equal(back.principal, "alice");
	assert_int_equal(back.key_len, sizeof(k.key));
	assert_memory_equal(back.key, k.key, sizeof(k.key));
	assert_int_equal(back.created, 7);
	assert_int_equal(back.ends, 0);
	k.ends = 99;
	k.key_len = 1;
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	OK(s->ops->principal_key_get(s, "alice:1", &back));
	assert_int_equal(back.ends, 99);
	assert_int_equal(back.key_len, 1);
	strcpy(k.principal, "bob");
	FAILS(ALONE(s, s->ops->principal_key_put(s, &k)), ERR_EXISTS);
	k = key_of("alice", "alice:2");
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	k = key_of("bob", "bob:1");
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	OK(s->ops->principal_key_list(s, "alice", two, 2, &n));
	assert_int_equal(n, 2);
	assert_string_equal(two[0].identity, "alice:1");
	assert_string_equal(two[1].identity, "alice:2");
	OK(s->ops->principal_key_list(s, "alice", two, 1, &n));
	assert_int_equal(n, 1);
	OK(ALONE(s, s->ops->principal_key_remove(s, "alice:1")));
	FAILS(ALONE(s, s->ops->principal_key_remove(s, "alice:1")),
	    ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->principal_remove(s, "alice")));
	FAILS(s->ops->principal_key_get(s, "alice:2", &back), ERR_NOT_FOUND);
	OK(s->ops->principal_key_get(s, "bob:1", &back));
}

static void
a_key_has_its_caps(void **state)
{
	struct store *s = store_of(state);
	struct store_principal_key k;

	make(s, "a");
	k = key_of("a", "");
	FAILS(ALONE(s, s->ops->principal_key_put(s, &k)), ERR_INVALID);
	memset(k.identity, 'i', sizeof(k.identity));
	FAILS(ALONE(s, s->ops->principal_key_put(s, &k)), ERR_SIZE);
	k.identity[LIMIT_PSK_IDENTITY] = '\0';
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	k.key_len = 0;
	FAILS(ALONE(s, s->ops->principal_key_put(s, &k)), ERR_INVALID);
	k.key_len = sizeof(k.key) + 1;
	FAILS(ALONE(s, s->ops->principal_key_put(s, &k)), ERR_SIZE);
}

static void
a_request_waits_until_it_is_taken(void **state)
{
	struct store *s = store_of(state);
	struct store_request r = request(100), late = request(101), got,
	    list[3];
	size_t n = 0;

	FAILS(s->ops->request_put(s, &r), ERR_STATE);
	OK(ALONE(s, s->ops->request_put(s, &r)));
	OK(ALONE(s, s->ops->request_put(s, &late)));
	assert_true(late.id > r.id);
	memset(r.approved, 'b', LIMIT_PSK_IDENTITY);
	OK(ALONE(s, s->ops->request_put(s, &r))); /* it is replaced */
	OK(s->ops->request_get(s, r.id, &got));
	assert_int_equal(got.kind, 3);
	assert_string_equal(got.by, "alice");
	assert_string_equal(got.what, "PUT a/b");
	assert_int_equal(got.created, 1);
	assert_int_equal(got.expires, 100);
	assert_memory_equal(got.digest, r.digest, 32);
	assert_string_equal(got.approved, r.approved);
	OK(s->ops->request_list(s, 0, 3, list, &n));
	assert_int_equal(n, 2);
	OK(s->ops->request_list(s, r.id, 3, list, &n));
	assert_int_equal(n, 1);
	assert_int_equal(list[0].id, late.id);
	FAILS(s->ops->request_remove(s, r.id), ERR_STATE);
	OK(s->ops->request_get(s, r.id, &got));
	OK(ALONE(s, s->ops->request_remove(s, r.id)));
	FAILS(s->ops->request_get(s, r.id, &got), ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_NOT_FOUND);
	OK(ALONE(s, s->ops->request_remove(s, late.id)));
	FAILS(ALONE(s, s->ops->request_remove(s, late.id)), ERR_NOT_FOUND);
	r.id = 0;
	OK(ALONE(s, s->ops->request_put(s, &r)));
	assert_true(r.id > late.id); /* a number is not given again */
}

static void
requests_have_their_caps(void **state)
{
	struct store *s = store_of(state);
	struct store_request r = request(1), got;

	r.kind = 0;
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_INVALID);
	r = request(1);
	r.by[0] = '\0';
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_INVALID);
	r = request(1);
	memset(r.what, 'w', sizeof(r.what));
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_SIZE);
	r = request(1);
	memset(r.facts, 'w', LIMIT_REQUEST_FACTS);
	OK(ALONE(s, s->ops->request_put(s, &r)));
	OK(s->ops->request_get(s, r.id, &got));
	assert_string_equal(got.facts, r.facts);
	OK(ALONE(s, s->ops->request_remove(s, r.id)));
	memset(r.facts, 'w', sizeof(r.facts));
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_SIZE);
	r = request(1);
	memset(r.approved, 'w', sizeof(r.approved));
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_SIZE);
	for (int i = 0; i < LIMIT_REQUESTS; i++) {
		r = request(1);
		OK(ALONE(s, s->ops->request_put(s, &r)));
	}
	OK(ALONE(s, s->ops->request_put(s, &r))); /* a known one */
	OK(ALONE(s, s->ops->request_remove(s, r.id)));
	r.id = 0;
	OK(ALONE(s, s->ops->request_put(s, &r)));
	r.id = 0;
	FAILS(ALONE(s, s->ops->request_put(s, &r)), ERR_LIMIT);
}

static void
a_rollback_brings_everything_back(void **state)
{
	struct store *s = store_of(state);
	struct store_principal p;
	struct store_principal_key k = key_of("alice", "alice:1");
	struct store_request r = request(1), got;

	make(s, "alice");
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	OK(ALONE(s, s->ops->request_put(s, &r)));
	OK(store_begin(s));
	OK(s->ops->principal_remove(s, "alice"));
	OK(s->ops->request_remove(s, r.id));
	store_rollback(s);
	OK(s->ops->principal_get(s, "alice", &p));
	OK(s->ops->principal_key_get(s, "alice:1", &k));
	OK(s->ops->request_get(s, r.id, &got));
}

/* Who may read a backup could else speak for everybody. Not even what was
 * deleted may lie between the rows: the file is searched. */
static void
a_copy_has_principals_and_none_of_their_keys(void **state)
{
	static uint8_t bytes[1024 * 1024];
	struct fixture *f = *state;
	struct store *s = f->s;
	struct store_copied progress = {0};
	struct store_principal_key k = key_of("alice", "alice:1");
	struct store_principal p;
	struct store_copy *c;
	struct why why;
	char to[80];
	FILE *file;
	size_t n;

	memcpy(k.key, "a-key-to-be-kept", 16);
	make(s, "alice");
	OK(ALONE(s, s->ops->principal_key_put(s, &k)));
	snprintf(to, sizeof(to), "%s/copy.db", f->dir);
	OK(store_copy_begin(&(struct store_copy_opts){f->path, to, 0,
	    &progress}, &c));
	while (!store_copy_step(c))
		;
	OK(store_copy_end(c, &why));
	file = fopen(to, "r");
	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(n < sizeof(bytes));
	assert_null(memmem(bytes, n, k.key, 16));
	assert_non_null(memmem(bytes, n, "role=operator", 13));
	OK(s->ops->principal_key_get(s, "alice:1", &k)); /* here it stays */
	strcpy(f->path, to);
	reopen(f);
	s = f->s;
	OK(s->ops->principal_get(s, "alice", &p));
	FAILS(s->ops->principal_key_get(s, "alice:1", &k), ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_principal_comes_back_and_is_replaced_by_name),
		TWICE(principals_have_their_caps_and_an_order),
		TWICE(a_key_is_of_one_principal_and_goes_with_it),
		TWICE(a_key_has_its_caps),
		TWICE(a_request_waits_until_it_is_taken),
		TWICE(requests_have_their_caps),
		TWICE(a_rollback_brings_everything_back),
		cmocka_unit_test_setup_teardown(
		    a_copy_has_principals_and_none_of_their_keys, open_sqlite,
		    shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
