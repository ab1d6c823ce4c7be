#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/secret.h"

static char dir[] = "/tmp/suitd-secret-XXXXXX";
static char file[64];

static int
setup(void **state)
{
	FILE *f;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/tls.key", dir);
	f = fopen(file, "w");
	if (f == NULL)
		return -1;
	fputs("12345678", f);
	fclose(f);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(file);
	rmdir(dir);
	return 0;
}

static int
read_with(unsigned mode, size_t cap)
{
	uint8_t bytes[16];
	struct buf b = buf_of(bytes, cap);
	struct why why = {0};
	int rc;

	assert_int_equal(chmod(file, mode), 0);
	rc = secret_read(file, &b, &why);
	assert_int_equal(why.err, rc);
	if (rc == 0)
		assert_memory_equal(bytes, "12345678", 8);
	return rc;
}

static void
a_file_that_others_can_read_is_no_secret(void **state)
{
	static const unsigned bad[] = {0640, 0604, 0620, 0602, 0601, 0610};

	(void)state;
	assert_int_equal(read_with(0600, 16), 0);
	assert_int_equal(read_with(0400, 16), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_with(bad[i], 16), ERR_POLICY);
}

static void
one_of_root_may_be_open_to_a_group(void **state)
{
	struct stat st = {.st_mode = S_IFREG | 0640, .st_uid = 0};

	(void)state;
	/* of ourselves it is not: the test may run as root */
	assert_int_equal(secret_check(file, &st, NULL), geteuid() == 0 ?
	    ERR_POLICY : 0);
	st.st_mode = S_IFREG | 0604;
	assert_int_equal(secret_check(file, &st, NULL), ERR_POLICY);
	st = (struct stat){.st_mode = S_IFREG | 0600,
	    .st_uid = geteuid() + 1};
	assert_int_equal(secret_check(file, &st, NULL), ERR_POLICY);
	st = (struct stat){.st_mode = S_IFDIR | 0600, .st_uid = geteuid()};
	assert_int_equal(secret_check(file, &st, NULL), ERR_IO);
}

static void
sizes_at_the_room_and_below(void **state)
{
	(void)state;
	assert_int_equal(read_with(0600, 9), 0);
	assert_int_equal(read_with(0600, 8), ERR_SIZE);
}

static void
what_is_not_there_is_told_apart(void **state)
{
	uint8_t bytes[8];
	struct buf b = buf_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(secret_read("/nonexistent/x", &b, NULL),
	    ERR_NOT_FOUND);
	assert_int_equal(secret_read(dir, &b, NULL), ERR_IO);
}

static void
the_file_of_the_configuration_goes_before_the_credential(void **state)
{
	char path[SECRET_PATH];

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_false(secret_path("", "tls.key", path));
	assert_string_equal(path, "");
	assert_true(secret_path("/etc/k", "tls.key", path));
	assert_string_equal(path, "/etc/k");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_true(secret_path("/etc/k", "tls.key", path));
	assert_string_equal(path, "/etc/k");
	assert_true(secret_path("", "tls.key", path));
	assert_string_equal(path, file);
	assert_false(secret_path("", "admin.psk", path)); /* is not there */
	setenv("CREDENTIALS_DIRECTORY", "relative", 1);
	assert_false(secret_path("", "tls.key", path));
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* systemd's ACL for our user shows as rights of the group. */
static void
a_credential_may_show_rights_of_a_group(void **state)
{
	(void)state;
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_int_equal(read_with(0440, 16), 0);
	assert_int_equal(read_with(0444, 16), ERR_POLICY);
	setenv("CREDENTIALS_DIRECTORY", "/tmp/suitd-secre", 1);
	assert_int_equal(read_with(0440, 16), ERR_POLICY);
	unsetenv("CREDENTIALS_DIRECTORY");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_others_can_read_is_no_secret),
		cmocka_unit_test(one_of_root_may_be_open_to_a_group),
		cmocka_unit_test(sizes_at_the_room_and_below),
		cmocka_unit_test(what_is_not_there_is_told_apart),
		cmocka_unit_test(
		    the_file_of_the_configuration_goes_before_the_credential),
		cmocka_unit_test(a_credential_may_show_rights_of_a_group),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
