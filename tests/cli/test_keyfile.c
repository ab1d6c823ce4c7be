/* The file of new keys: how many it may have, and what is no line of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/keyfile.h"

#define MOST 3 /* in the place of LIMIT_IMPORT_KEYS, half a gigabyte */
#define KEY "000102030405060708090a0b0c0d0e0f"

static char path[] = "/tmp/keyfile.XXXXXX";

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* The file with `n` keys, of devices d0, d1, ... */
static void
put_keys(unsigned n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("ep,identity,psk\n", f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "d%u,d%u," KEY "\n", i, i);
	assert_int_equal(fclose(f), 0);
}

static void
keys_at_their_cap_and_one_past(void **state)
{
	struct keyfile_key *key;
	struct keyfile *k;

	(void)state;
	put_keys(MOST + 1);
	assert_int_equal(keyfile_open(path, MOST, &k), CLI_USAGE);
	put_keys(MOST);
	assert_int_equal(keyfile_open(path, MOST, &k), CLI_OK);
	assert_int_equal(keyfile_get(k, "d2", "d2", &key), CLI_OK);
	assert_int_equal(key->key[15], 15);
	assert_int_equal(keyfile_get(k, "new", "new", &key), CLI_USAGE);
	assert_int_equal(keyfile_close(k, false), CLI_OK);
	put_keys(MOST - 1);
	assert_int_equal(keyfile_open(path, MOST, &k), CLI_OK);
	assert_int_equal(keyfile_get(k, "new", "new", &key), CLI_OK);
	assert_int_equal(keyfile_get(k, "new", "new", &key), CLI_OK);
	assert_int_equal(keyfile_get(k, "newer", "newer", &key), CLI_USAGE);
	assert_int_equal(keyfile_close(k, false), CLI_OK);
}

static off_t
size_with(const char *end)
{
	struct keyfile *k;
	struct stat st;
	FILE *f;

	put_keys(1);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs(end, f);
	assert_int_equal(fclose(f), 0);
	if (keyfile_open(path, MOST, &k) == CLI_OK)
		assert_int_equal(keyfile_close(k, false), CLI_OK);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* What a kill has cut off goes; what was never a line is left as it is. */
static void
a_line_that_was_cut_off_goes_and_one_that_is_too_long_does_not(void **state)
{
	static char end[LIMIT_IMPORT_LINE + 64];
	off_t whole = size_with("");

	(void)state;
	assert_int_equal(size_with("d1,d1,0001"), whole);
	memset(end, 'x', LIMIT_IMPORT_LINE);
	strcpy(end + LIMIT_IMPORT_LINE, "\nd1,d1," KEY "\n");
	assert_int_equal(size_with(end), whole + (off_t)strlen(end));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_at_their_cap_and_one_past),
		cmocka_unit_test(
		    a_line_that_was_cut_off_goes_and_one_that_is_too_long_does_not),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
