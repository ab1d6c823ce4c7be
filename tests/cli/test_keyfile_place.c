/* The file of new keys is nobody else's, whatever lies at its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/keyfile.h"

static char dir[64], path[80], part[90], seen[80];

static int
setup(void **state)
{
	FILE *f;

	(void)state;
	strcpy(dir, "/tmp/suitctl-keys.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/keys", dir);
	snprintf(part, sizeof(part), "%s.part", path);
	snprintf(seen, sizeof(seen), "%s/seen", dir);
	f = fopen(seen, "w");
	return f == NULL || fclose(f) != 0 ? -1 : chmod(seen, 0644);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(part);
	unlink(seen);
	return rmdir(dir);
}

/* 0, with one key in it. */
static int
fill(void)
{
	struct keyfile_key *e;
	struct keyfile *k;
	int rc = keyfile_open(path, 3, &k);

	if (rc != CLI_OK)
		return rc;
	assert_int_equal(keyfile_get(k, "kitchen", "kitchen", &e), CLI_OK);
	e->taken = true;
	assert_int_equal(keyfile_sync(k), CLI_OK);
	return keyfile_close(k, true);
}

static struct stat
look(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st;
}

static void
keys_are_their_owners(void **state)
{
	(void)state;
	assert_int_equal(fill(), CLI_OK);
	assert_int_equal(look(path).st_mode, S_IFREG | 0600);
	assert_int_equal(fill(), CLI_OK); /* again: those of before */
	assert_true(access(part, F_OK) != 0);
}

static void
what_lies_beside_it_gets_none(void **state)
{
	(void)state;
	assert_int_equal(symlink(seen, part), 0);
	assert_int_equal(fill(), CLI_OK);
	assert_int_equal(look(seen).st_size, 0);
	assert_int_equal(look(path).st_mode, S_IFREG | 0600);
	assert_int_equal(link(seen, part), 0);
	assert_int_equal(fill(), CLI_OK);
	assert_int_equal(look(seen).st_size, 0);
}

static void
a_link_and_anothers_file_are_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(seen, 0600), 0);
	assert_int_equal(symlink(seen, path), 0);
	assert_int_not_equal(fill(), CLI_OK);
	assert_int_equal(look(seen).st_size, 0);
	if (geteuid() != 0)
		return; /* nobody else can give a file away */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(seen, path), 0);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_not_equal(fill(), CLI_OK);
	assert_int_equal(look(path).st_size, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(keys_are_their_owners),
		T(what_lies_beside_it_gets_none),
		T(a_link_and_anothers_file_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
