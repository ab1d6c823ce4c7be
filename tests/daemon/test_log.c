/* One line per decision, whatever a stranger has put into it. */
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

#include "daemon/log.h"

/* What the logger writes of one text, without the end of the line. */
static void
logged(const char *text, char *dst, size_t cap)
{
	FILE *f = tmpfile();
	int saved = dup(2);
	ssize_t n;

	assert_non_null(f);
	dup2(fileno(f), 2);
	log_info("peer says %s", text);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	n = pread(fileno(f), dst, cap - 1, 0);
	fclose(f);
	assert_true(n > 0 && dst[n - 1] == '\n');
	dst[n - 1] = '\0';
}

static void
a_line_stays_one_line(void **state)
{
	char line[4096];

	uint64_t infos = log_count(LOGL_INFO), debugs = log_count(LOGL_DEBUG);

	(void)state;
	logged("hello", line, sizeof(line));
	assert_string_equal(line, "info peer says hello");
	assert_int_equal(log_count(LOGL_INFO), infos + 1);
	log_debug("this is left out, and counted");
	assert_int_equal(log_count(LOGL_DEBUG), debugs + 1);
	logged("a\nerror forged\r\x1b[2J\x7f", line, sizeof(line));
	assert_null(strpbrk(line, "\n\r\x1b\x7f"));
	assert_non_null(strstr(line, "forged"));
	logged("\xff\xfe\xe2\x80\xae", line, sizeof(line));
	for (const char *p = line; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
}

static void
a_long_one_is_cut(void **state)
{
	static char text[5000];
	char line[8192];

	(void)state;
	memset(text, 1, sizeof(text) - 1);
	logged(text, line, sizeof(line));
	assert_true(strlen(line) < 2100);
}

/* stderr is a file here, whose numbers JOURNAL_STREAM has, with something
 * before each of them and behind. */
static void
journal(const char *const with[3], char *dst, size_t cap)
{
	FILE *f = tmpfile();
	char env[64];
	int saved = dup(2);
	struct stat st;
	ssize_t n;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	snprintf(env, sizeof(env), "%s%llu:%s%llu%s", with[0],
	    (unsigned long long)st.st_dev, with[1],
	    (unsigned long long)st.st_ino, with[2]);
	setenv("JOURNAL_STREAM", env, 1);
	dup2(fileno(f), 2);
	log_init(LOGL_INFO);
	log_warn("x");
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	n = pread(fileno(f), dst, cap - 1, 0);
	fclose(f);
	dst[n > 0 ? n : 0] = '\0';
	unsetenv("JOURNAL_STREAM");
	log_init(LOGL_INFO);
}

/* A shell that a service started inherits the variable. */
static void
priorities_are_for_the_journal_alone(void **state)
{
	static const char *const right[] = {"", "", ""};
	static const char *const wrong[][3] = {
		{"1", "", ""}, {"", "1", ""}, {"", "", "x"}, {"x", "", ""},
	};
	char line[64];

	(void)state;
	journal(right, line, sizeof(line));
	assert_string_equal(line, "<4>x\n");
	for (size_t i = 0; i < 4; i++) {
		journal(wrong[i], line, sizeof(line));
		assert_string_equal(line, "warn x\n");
	}
}

static void
a_level_can_change_while_it_runs(void **state)
{
	char line[64] = "";
	FILE *f = tmpfile();
	int saved = dup(2);

	(void)state;
	assert_non_null(f);
	dup2(fileno(f), 2);
	log_level_set(LOGL_ERROR);
	log_warn("a");
	log_level_set(LOGL_DEBUG);
	log_debug("b");
	log_level_set(LOGL_INFO);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	assert_true(pread(fileno(f), line, sizeof(line) - 1, 0) > 0);
	fclose(f);
	assert_string_equal(line, "debug b\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_stays_one_line),
		cmocka_unit_test(a_long_one_is_cut),
		cmocka_unit_test(priorities_are_for_the_journal_alone),
		cmocka_unit_test(a_level_can_change_while_it_runs),
	};

	unsetenv("JOURNAL_STREAM");
	log_init(LOGL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
