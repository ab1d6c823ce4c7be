/* Whether suitd starts with its list, and which keys may not lie here. */
#include "tests/daemon/trusted_world.h"

static void
another_list_than_the_store_began_with_stops_the_start(void **state)
{
	struct lister other;
	struct why why = {0};

	(void)state;
	list_init(&other);
	put_file(root, list_make(&other));
	assert_int_equal(begin(&why), ERR_CONFLICT);
	put_file(root, list_make_by(&other, 1)); /* not even consistent */
	assert_int_equal(begin(&why), ERR_SIGNATURE);
	list_fini(&other);
}

static void
REQ_SEC_KEY_PROTECTION_no_author_or_root_key_lies_here(void **state)
{
	struct cose_key *own;
	struct why why = {0};
	char conf_dir[160], conf[200], key[200];

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &own), 0);
	put_key(lies, own); /* of nobody in the list */
	assert_int_equal(begin(&why), 0);
	put_key(lies, bob);
	assert_int_equal(begin(&why), ERR_POLICY);
	put_key(lies, l.root[2]);
	assert_int_equal(begin(&why), ERR_POLICY);
	assert_int_equal(unlink(lies), 0);
	/* beside the configuration */
	snprintf(conf_dir, sizeof(conf_dir), "%s/etc", w.dir);
	snprintf(conf, sizeof(conf), "%s/suitd.conf", conf_dir);
	snprintf(key, sizeof(key), "%s/whatever", conf_dir);
	assert_int_equal(mkdir(conf_dir, 0700), 0);
	put_key(key, w.key);
	assert_int_equal(begin(&why), 0);
	w.app.conf_file = conf;
	assert_int_equal(begin(&why), ERR_POLICY);
	w.app.conf_file = NULL;
	/* among the credentials */
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", conf_dir, 1), 0);
	assert_int_equal(begin(&why), ERR_POLICY);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(begin(&why), 0);
	cose_key_free(own);
}

static void
REQ_SEC_KEY_PROTECTION_a_list_that_names_a_key_of_ours_is_refused(
    void **state)
{
	struct cose_key *own;

	(void)state;
	assert_int_equal(cose_key_generate(COSE_KEY_P256, &own), 0);
	put_key(lies, own);
	list_add(&l, own, TRUST_AUTHOR);
	assert_int_equal(publish_list(list_make(&l)), ERR_POLICY);
	assert_int_equal(trusted_seq(&w.app), 1);
	cose_key_free(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(another_list_than_the_store_began_with_stops_the_start),
		T(REQ_SEC_KEY_PROTECTION_no_author_or_root_key_lies_here),
		T(REQ_SEC_KEY_PROTECTION_a_list_that_names_a_key_of_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
